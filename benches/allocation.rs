//! What an allocation costs: 500,000 users under 200 rules, and the preview of a draft of them.
//!
//! `cargo bench --bench allocation` prints a table and fails when a limit is broken. The yardstick is the same counting
//! done plainly: user by user, rule by rule, condition by condition. Both must come to the same seats.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]

mod people;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use people::{Random, users_page};
use tenantop::cloud::decode_users;
use tenantop::model::allocation::{
    AllocationAsk, AllocationLook, AllocationOf, Attribute, Condition, Counted, Draft, Month, Period, Price, PriceBook,
    PricesVersion, Rule, Rules, RulesVersion, ShareField, SharesLook, Sheet, SheetFacts, Test, Then, UnitPath,
};
use tenantop::model::{Clock, Filter, Key, SkuId, SnapshotId, TenantId, Text, TextField, User};
use tenantop::store::{Reader, Store, UsersPage};

/// Users of the largest tenant.
const USERS: usize = 500_000;
const RULES: usize = 200;
/// Users of a page, as Graph gives them.
const PAGE: usize = 999;
/// The fastest of so many counts.
const ROUNDS: u32 = 3;

fn main() {
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores\n");
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.redb"), 64 << 20).unwrap();
    let mut broken = Vec::new();
    let mut row = |title: &str, value: f64, unit: &str, limit: f64| {
        println!("{title:<56} {value:>9.2} {unit:<5} limit {limit}");
        if value > limit {
            broken.push(format!("{title}: {value:.2} {unit}, the limit is {limit}"));
        }
    };
    let (users, held) = stored(&mut store);
    let of = of(users, &held);
    let saved = rules();
    save(&mut store, &of.facts.key, &saved);
    let reader = store.reader();

    let (plain, want) = timed(|| plainly(&reader, users, &saved));
    let (ours, sheet) = timed(|| reader.sheet(&of, &|| true).unwrap());
    assert_eq!(seats(&sheet), want, "both come to the same");
    assert_eq!(sheet.units + sheet.untracked + sheet.idle, sheet.bill);
    println!("{:<56} {plain:>9.2} s", "500,000 users, 200 rules: plainly, on one core");
    row("500,000 users, 200 rules: the sheet", ours, "s", 2.0);
    row("500,000 users, 200 rules: of the plain counting", ours / plain, "times", 0.6);

    let mut draft = saved.clone();
    draft.rules.reverse();
    let draft = Draft { rules: Some(Arc::new(draft)), prices: None };
    let (seconds, (now, preview)) = timed(|| reader.preview(&of, &draft, &|| true).unwrap());
    assert_eq!(now, sheet);
    assert!(preview.net().is_some_and(|net| net.is_zero()));
    row("the same: the preview of a draft", seconds, "s", 3.0);

    let look = AllocationLook { of: of.clone(), draft, ask: AllocationAsk::Sheet, round: 0 };
    let (seconds, mut bearers) = timed(|| reader.bearers(&look, None, false, &|| true).unwrap());
    println!("{:<56} {seconds:>9.2} s", "the same: opening the untracked users, with whom a draft moves");
    let shares = SharesLook { sort: Some(ShareField::Name), ..SharesLook::of(None) };
    let began = Instant::now();
    let seen = bearers.window(&shares, &Filter::default(), &|| true).unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!("{:<56} {seconds:>9.2} s", format!("the same: the first window of {} by name", seen.matched));
    drop(bearers);

    let before = peak_mib();
    let (seconds, lines) = timed(|| {
        let mut lines = 0u64;
        reader
            .shares(&of, &Draft::default(), &|| true, &mut |user, _, _| {
                lines += user.lines.len() as u64;
                true
            })
            .unwrap();
        lines
    });
    println!("{:<56} {seconds:>9.2} s", format!("the same: all {lines} lines of users"));
    println!("{:<56} {before:>9} MiB", "the most memory of sheet and preview, cache and all");
    println!("{:<56} {:>9} MiB", "the same, with the lines of users", peak_mib());
    if !broken.is_empty() {
        println!("\nlimits broken:\n  {}", broken.join("\n  "));
        std::process::exit(1);
    }
}

/// The most memory that this process has had.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// The least seconds that something takes, and what it gives.
fn timed<T>(what: impl Fn() -> T) -> (f64, T) {
    let mut best = f64::MAX;
    let mut given = None;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        given = Some(what());
        best = best.min(began.elapsed().as_secs_f64());
    }
    (best, given.unwrap())
}

/// Seats of units by name, and untracked.
fn seats(sheet: &Sheet) -> BTreeMap<String, u64> {
    let rows = sheet.rows.iter().filter(|row| row.users > 0 && row.unit.to_string() != "TOTAL = bill");
    rows.map(|row| (row.unit.to_string(), row.seats.try_into().unwrap())).collect()
}

/// Rules over departments, titles, places and an extension attribute; the last ones hold for most.
fn rules() -> Rules {
    let condition = |field: TextField, test: Test| Condition {
        attribute: Attribute::Text(field),
        test,
        any_case: true,
        trim: true,
    };
    let rule = |n: usize| {
        let mut random = Random(n as u64 + 1);
        let mut when = vec![match n % 4 {
            0 => condition(TextField::Department, Test::Is(format!("department {n}").into())),
            1 => condition(TextField::JobTitle, Test::Starts(format!("title {n}").into())),
            2 => condition(TextField::OfficeLocation, Test::Matches(format!("*{n}?floor*").into())),
            _ => condition(TextField::City, Test::In(vec![format!("city {n}").into(), "Nowhere".into()])),
        }];
        if n + 20 >= RULES {
            let known = ["sales", "finance", "it services", "legal", "stations", "marketing"];
            when = vec![condition(TextField::Department, Test::Starts(known[random.next(known.len())].into()))];
        }
        Rule { name: None, when, then: Then::Unit(UnitPath::from(format!("Unit {}", n % 40).as_str())) }
    };
    Rules { rules: (0..RULES).map(rule).collect(), ..Rules::default() }.checked().unwrap()
}

/// The same without any art.
fn plainly(reader: &Reader, users: SnapshotId, rules: &Rules) -> BTreeMap<String, u64> {
    let mut seats: BTreeMap<String, u64> = BTreeMap::new();
    let plain = |text: &str| text.trim().to_lowercase();
    let like = |value: &str, pattern: &str| {
        let (_, inner) = pattern.split_once('*').unwrap();
        let (number, _) = inner.split_once('?').unwrap();
        value.contains(number) && value.contains("floor")
    };
    let holds = |user: &User, condition: &Condition| {
        let Attribute::Text(field) = condition.attribute else { unreachable!() };
        let Some(value) = user.text(field).map(plain) else { return false };
        match &condition.test {
            Test::Is(wanted) => value == plain(wanted),
            Test::In(wanted) => wanted.iter().any(|wanted| value == plain(wanted)),
            Test::Starts(wanted) => value.starts_with(&plain(wanted)),
            Test::Matches(wanted) => like(&value, &plain(wanted)),
            Test::Absent => false,
        }
    };
    reader
        .users(users, &mut |user| {
            let held = user.licenses.as_ref().map_or(0, Vec::len) as u64;
            if held > 0 {
                let first = rules.rules.iter().find(|rule| rule.when.iter().all(|condition| holds(&user, condition)));
                let unit = match first.map(|rule| &rule.then) {
                    Some(Then::Unit(unit)) => unit.to_string(),
                    Some(Then::Split(_) | Then::Each { .. }) | None => "Untracked".to_owned(),
                };
                *seats.entry(unit).or_default() += held;
            }
            true
        })
        .unwrap();
    seats
}

/// What a tenant with these users would ask for. No seat is idle.
fn of(users: SnapshotId, held: &BTreeMap<SkuId, u64>) -> AllocationOf {
    let now = Clock::system().now();
    let counted = held.iter().zip(1..).map(|((id, held), n)| Counted {
        sku_id: Some(*id),
        part_number: Some(format!("PART_{n}").into()),
        name: format!("Product {n}").into(),
        purchased: Some(i64::try_from(*held).unwrap()),
        held: *held,
        is_company: false,
    });
    let facts = SheetFacts {
        key: Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) },
        title: "Large".into(),
        month: Month::of(now),
        today: Month::of(now),
        rules: Some(1),
        prices: Some(1),
        users_at: Some(now),
        skus_at: Some(now),
        together: true,
    };
    AllocationOf { facts, users: Some(users), counted: Arc::new(counted.collect()), kept: false, before: None }
}

fn save(store: &mut Store, key: &Key, rules: &Rules) {
    let price = |(n, (sku, _)): (i64, &(&str, &str))| Price {
        sku_id: sku.parse().unwrap(),
        amount: rust_decimal::Decimal::new(10_007 * n, 2),
        currency: "EUR".parse().unwrap(),
        period: Period::Year,
        from: None,
        to: None,
        quantity: None,
    };
    let prices = PriceBook { prices: (1..).zip(&people::SKUS).map(price).collect() };
    let (by, reason, at): (Text, Text, _) = ("bench".into(), "bench".into(), Clock::system().now());
    let rules = RulesVersion { version: 1, by: by.clone(), at, reason: reason.clone(), rules: rules.clone() };
    let mut batch = store.batch().unwrap();
    batch.put_rules(key, &rules).unwrap();
    batch.put_prices(key, &PricesVersion { version: 1, by, at, reason, prices }).unwrap();
    batch.commit(true).unwrap();
}

/// A whole import in the store, and how many hold each product.
fn stored(store: &mut Store) -> (SnapshotId, BTreeMap<SkuId, u64>) {
    let snapshot = store.next_snapshot();
    let mut random = Random(7);
    let mut held: BTreeMap<SkuId, u64> = BTreeMap::new();
    let mut count = 0;
    while count < USERS {
        let rows = PAGE.min(USERS - count);
        let users = decode_users(&users_page(rows, None, &mut random)).unwrap().0;
        count += users.len();
        for license in users.iter().flat_map(|user| user.licenses.iter().flatten()) {
            *held.entry(license.sku_id.unwrap()).or_default() += 1;
        }
        let mut batch = store.batch().unwrap();
        batch.stage_users(snapshot, &UsersPage::encode(&users).unwrap()).unwrap();
        batch.commit(false).unwrap();
    }
    let mut batch = store.batch().unwrap();
    batch.seal(snapshot).unwrap();
    batch.commit(true).unwrap();
    (snapshot, held)
}
