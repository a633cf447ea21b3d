//! What a user costs in the store, how far the file grows, how soon it opens after a kill, and how soon users are shown.
//!
//! `cargo bench --bench store` prints a table and fails when a limit is broken. The yardstick of the opening is the
//! same file opened after it was closed in order.
#![expect(clippy::print_stdout, reason = "a bench speaks to a person")]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on ends")]
#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod people;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use jiff::Timestamp;
use people::{Random, users_page};
use tenantop::cloud::decode_users;
use tenantop::model::{
    Filter, Good, Id, Key, LicenseReading, PartnerName, PersonRow, RunId, SkuId, SnapshotId, Tenant, TextField, Units,
    User, UserField, UsersLook,
};
use tenantop::store::{People, Store, UsersPage};
use uuid::Uuid;

const CACHE: usize = 64 << 20;
/// Users of the large store, in so many tenants.
const MANY: (u64, u64) = (1_000_000, 200);
/// Users of the store that is replaced again and again, in so many tenants.
const REPLACED: (u64, u64) = (250_000, 50);
const REPLACEMENTS: u64 = 10;
/// Users of the tenant that is looked at.
const LOOKED_AT: (u64, u64) = (500_000, 1);
/// Users of a page, as Graph gives them.
const PAGE: u64 = 999;
const START: Timestamp = Timestamp::UNIX_EPOCH;

fn main() {
    if let Some(path) = std::env::var_os("TENANTOP_BENCH_KILLED") {
        import_until_killed(&PathBuf::from(path));
    }
    let cores = std::thread::available_parallelism().unwrap();
    println!("{cores} cores\n");
    let dir = tempfile::tempdir().unwrap();
    let mut broken = Vec::new();
    let mut row = |title: &str, value: f64, unit: &str, limit: f64| {
        println!("{title:<52} {value:>9.1} {unit:<7} limit {limit:.0}");
        if value > limit {
            broken.push(format!("{title}: {value:.1} {unit}, the limit is {limit}"));
        }
    };

    let path = dir.path().join("replaced.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    let began = Instant::now();
    let mut largest = 0.0_f64;
    for night in 0..=REPLACEMENTS {
        fill(&mut store, REPLACED, night);
        store.compact_when_idle().unwrap();
        let (live, file) = store.sizes().unwrap();
        if night == 0 {
            row("250,000 users: live bytes a user", live as f64 / REPLACED.0 as f64, "B", 400.0);
        }
        largest = largest.max(file as f64 / live as f64);
    }
    let rate = (REPLACED.0 * (REPLACEMENTS + 1)) as f64 / began.elapsed().as_secs_f64();
    let (live, file) = store.sizes().unwrap();
    row("after ten replacements: file for live bytes", file as f64 / live as f64, "times", 2.0);
    drop(store);
    println!("{:<52} {largest:>9.1} times", "the largest on the way");
    println!("{:<52} {rate:>9.0} a second", "users decoded, encoded, written and replaced");

    let path = dir.path().join("many.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    fill(&mut store, MANY, 0);
    drop(store);
    let in_order = opened(&path);
    println!("{:<52} {in_order:>9.1} ms", "1,000,000 users: opened after a close in order");
    let mut slowest = 0.0_f64;
    for _ in 0..5 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env("TENANTOP_BENCH_KILLED", &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It writes a byte when some imports are done and others are under way.
        child.stdout.take().unwrap().read_exact(&mut [0]).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        slowest = slowest.max(opened(&path));
    }
    row("1,000,000 users: opened after kill -9, slowest of 5", slowest, "ms", 100.0);
    let [plain, written, checked, read, times] = copies(&path);
    println!("{:<52} {plain:>9.2} s", "1,000,000 users: the file copied and synced");
    println!("{:<52} {written:>9.2} s", "1,000,000 users: backup, checked and read through");
    println!("{:<52} {checked:>9.2} s", "1,000,000 users: every page checked");
    println!("{:<52} {read:>9.2} s", "1,000,000 users: all snapshots read through");
    println!("{:<52} {times:>9.2} times", "1,000,000 users: the backup for the file");
    let path = dir.path().join("look.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    fill(&mut store, LOOKED_AT, 0);
    let [holders, warmed, turned] = holders(&store);
    println!("{:<52} {holders:>9.1} ms", "500,000 users: holders of a product, nothing ready");
    println!("{:<52} {warmed:>9.1} ms", "500,000 users: holders of a product, users seen before");
    println!("{:<52} {turned:>9.1} ms", "500,000 users: holders of another product, then");
    let (opened, warm, key, sort, count) = look(&store);
    println!("{:<52} {opened:>9.1} ms", "500,000 users: the first window");
    println!("{:<52} {warm:>9.1} ms", "500,000 users: made ready for a filter meanwhile");
    row("500,000 users: a key of a filter, slowest", key, "ms", 50.0);
    println!("{:<52} {sort:>9.1} ms", "500,000 users: sorted by a column for the first time");
    println!("{:<52} {count:>9.1} ms", "500,000 users: counted by a column, then");
    let path = dir.path().join("days.redb");
    let mut store = Store::open(&path, CACHE).unwrap();
    let (import, young, old) = days(&mut store);
    println!("{:<52} {import:>9.1} us", "a tenant of 200 that ends its import, without its day");
    row("its license counts of the day, in the first month", young, "us", 200.0);
    row("the same after seven years", old, "us", 200.0);
    if !broken.is_empty() {
        println!("\nlimits broken:\n  {}", broken.join("\n  "));
        std::process::exit(1);
    }
}

/// Milliseconds until what an operator wants to see of a large tenant is there: the first window, what is made ready
/// while it is looked at, the slowest key of a filter, a sort, a count by the same column.
fn look(store: &Store) -> (f64, f64, f64, f64, f64) {
    let fleet = store.load(3600).unwrap();
    let users = fleet.tenants.values().next().unwrap().users.good.as_ref().unwrap().snapshot;
    let look = |filter: &str, sort| UsersLook {
        users,
        skus: None,
        holding: None,
        filter: filter.to_owned(),
        sort,
        reverse: false,
        from: 0,
        count: 60,
        at: None,
    };
    let mut people = None;
    let see = |people: &mut Option<People>, filter: &str, sort| {
        let began = Instant::now();
        let people = people.get_or_insert_with(|| People::open(store.reader(), users, None).unwrap());
        let seen = people.window(&look(filter, sort), &Filter::parse::<PersonRow<'_>>(filter).unwrap()).unwrap();
        assert_eq!(seen.total, LOOKED_AT.0);
        (began.elapsed().as_secs_f64() * 1000.0, seen.matched)
    };
    let (opened, all) = see(&mut people, "", None);
    assert_eq!(all, LOOKED_AT.0);
    let typed = "sales anna";
    let began = Instant::now();
    while people.as_mut().unwrap().warm().unwrap() {}
    let warm = began.elapsed().as_secs_f64() * 1000.0;
    let mut slowest = 0.0_f64;
    for end in (1..=typed.len()).chain((1..typed.len()).rev()) {
        slowest = slowest.max(see(&mut people, &typed[..end], None).0);
    }
    let department = UserField::Text(TextField::Department);
    let (sort, _) = see(&mut people, "", Some(department));
    let began = Instant::now();
    let (_, rows, values) = people.unwrap().counts(&Filter::default(), department).unwrap();
    assert_eq!(rows.len() as u64, values);
    (opened, warm, slowest, sort, began.elapsed().as_secs_f64() * 1000.0)
}

/// Milliseconds until the first window of a product's holders is there: where nothing is ready, where the users were
/// looked at before, and of another product behind that.
fn holders(store: &Store) -> [f64; 3] {
    let fleet = store.load(3600).unwrap();
    let users = fleet.tenants.values().next().unwrap().users.good.as_ref().unwrap().snapshot;
    let window = |people: &mut People, n: usize| {
        let look = UsersLook {
            users,
            skus: None,
            holding: Some(people::SKUS[n].0.parse().unwrap()),
            filter: String::new(),
            sort: Some(UserField::Finding),
            reverse: false,
            from: 0,
            count: 60,
            at: None,
        };
        let began = Instant::now();
        let seen = people.window(&look, &Filter::default()).unwrap();
        assert!(seen.total == seen.matched && seen.total > 0);
        began.elapsed().as_secs_f64() * 1000.0
    };
    let began = Instant::now();
    let mut people = People::open(store.reader(), users, None).unwrap();
    window(&mut people, 0);
    let cold = began.elapsed().as_secs_f64() * 1000.0;
    let mut people = People::open(store.reader(), users, None).unwrap();
    while people.warm().unwrap() {}
    [cold, window(&mut people, 0), window(&mut people, 1)]
}

/// Microseconds that a tenant costs when 200 of them end their imports in one durable transaction; then what the license
/// counts of its day add to that, in the first month that is kept and after seven years.
fn days(store: &mut Store) -> (f64, f64, f64) {
    const TENANTS: u64 = 200;
    const MONTHS: u32 = 84;
    let mut tenants: Vec<Tenant> =
        (0..TENANTS).map(|n| Tenant::new(tenant(n), "T".into(), "t".into(), START)).collect();
    let reading = |month: u32, day: u32| {
        let (year, month) = (i16::try_from(2026 + month / 12).unwrap(), i8::try_from(month % 12 + 1).unwrap());
        let count = |n: u128| (Id::new(Uuid::from_u128(n << 90 | n)), i64::from(day) + i64::try_from(n).unwrap());
        let units = |(id, n): (SkuId, i64)| (id, Units { purchased: Some(n + 20), assigned: Some(n) });
        LicenseReading {
            day: jiff::civil::date(year, month, i8::try_from(day).unwrap()),
            skus: Some((1..16).map(count).map(units).collect()),
            held: Some((1..16).map(count).map(|(id, n)| (id, n.unsigned_abs())).collect()),
            sold: None,
        }
    };
    let mut end = |store: &mut Store, reading: Option<&LicenseReading>| {
        let began = Instant::now();
        let mut batch = store.batch().unwrap();
        for tenant in &mut tenants {
            tenant.tried_at = Some(START);
            batch.put_tenant(tenant).unwrap();
            if let Some(reading) = reading {
                batch.put_licenses(&tenant.key, reading).unwrap();
            }
        }
        batch.commit(true).unwrap();
        began.elapsed().as_secs_f64() * 1e6 / TENANTS as f64
    };
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let import = median((0..28).map(|_| end(store, None)).collect());
    let young = median((1..29).map(|day| end(store, Some(&reading(0, day)))).collect());
    for month in 1..MONTHS {
        end(store, Some(&reading(month, 7)));
    }
    let old = median((1..29).map(|day| end(store, Some(&reading(MONTHS, day)))).collect());
    (import, young - import, old - import)
}

/// Seconds that a plain copy of a store's file takes, that a backup takes, that checking every page and that reading all
/// snapshots takes; then how large the backup is for the file.
fn copies(path: &Path) -> [f64; 5] {
    let began = Instant::now();
    let to = path.with_extension("copied");
    std::fs::copy(path, &to).unwrap();
    std::fs::File::open(&to).unwrap().sync_all().unwrap();
    let plain = began.elapsed().as_secs_f64();
    std::fs::remove_file(to).unwrap();
    let store = Store::open(path, CACHE).unwrap();
    let began = Instant::now();
    let to = path.with_extension("backup");
    let backup = store.backup(&to, false).unwrap();
    let written = began.elapsed().as_secs_f64();
    assert!(backup.users >= MANY.0);
    std::fs::remove_file(to).unwrap();
    let began = Instant::now();
    store.verify().unwrap();
    let checked = began.elapsed().as_secs_f64();
    let fleet = store.load(3600).unwrap();
    let began = Instant::now();
    let users: u64 = fleet.tenants.values().map(|tenant| store.reader().check(tenant).unwrap().1).sum();
    assert_eq!(users, backup.users);
    let (_, size) = store.sizes().unwrap();
    [plain, written, checked, began.elapsed().as_secs_f64(), backup.bytes as f64 / size as f64]
}

/// Milliseconds until a store is open and its fleet is there.
fn opened(path: &Path) -> f64 {
    let began = Instant::now();
    let store = Store::open(path, CACHE).unwrap();
    let fleet = store.load(3600).unwrap();
    let ms = began.elapsed().as_secs_f64() * 1000.0;
    assert_eq!(fleet.tenants.len() as u64, MANY.1);
    ms
}

/// Replaces tenants until somebody ends it.
fn import_until_killed(path: &Path) -> ! {
    use std::io::Write;
    let mut store = Store::open(path, CACHE).unwrap();
    for night in 1.. {
        fill(&mut store, (20_000, 4), night);
        let half = store.next_snapshot();
        let mut batch = store.batch().unwrap();
        batch.stage_users(half, &UsersPage::encode(&page(night, 0, PAGE)).unwrap()).unwrap();
        batch.commit(false).unwrap();
        if night == 3 {
            std::io::stdout().write_all(b".").unwrap();
            std::io::stdout().flush().unwrap();
        }
    }
    unreachable!("it is killed before it has counted to the end");
}

/// Replaces the users of so many tenants, page by page, each tenant in a durable transaction of its own.
fn fill(store: &mut Store, (users, tenants): (u64, u64), night: u64) {
    let fleet = store.load(3600).unwrap();
    for n in 0..tenants {
        let key = tenant(n);
        let known = fleet.tenants.get(&key).cloned();
        let mut tenant = known.unwrap_or_else(|| Tenant::new(key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH));
        let snapshot: SnapshotId = store.next_snapshot();
        let count = users / tenants;
        let mut from = 0;
        while from < count {
            let rows = PAGE.min(count - from);
            let encoded = UsersPage::encode(&page(night ^ (n << 8), from, rows)).unwrap();
            let mut batch = store.batch().unwrap();
            batch.stage_users(snapshot, &encoded).unwrap();
            from += rows;
            if from < count {
                batch.commit(false).unwrap();
                continue;
            }
            batch.seal(snapshot).unwrap();
            if let Some(before) = &tenant.users.good {
                batch.drop_snapshot(before.snapshot).unwrap();
            }
            tenant.users.good = Some(Good { at: Timestamp::UNIX_EPOCH, count, snapshot, run: RunId(1) });
            batch.put_tenant(&tenant).unwrap();
            batch.commit(true).unwrap();
        }
    }
}

/// The key of a tenant.
fn tenant(n: u64) -> Key {
    Key { partner: PartnerName::from("bench"), tenant: Id::new(Uuid::from_u128(u128::from(n) + 1)) }
}

/// A page of users, decoded as those of an import.
fn page(seed: u64, from: u64, rows: u64) -> Vec<User> {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9) ^ (from << 20) ^ 7);
    let body = users_page(usize::try_from(rows).unwrap(), None, &mut random);
    decode_users(&body).unwrap().0
}
