use std::collections::BTreeSet;
use std::sync::Arc;

use super::*;
use crate::model::allocation::{
    AllocationAsk, AllocationLook, AllocationOf, Counted, Draft, Month, MonthRecord, Moved, Period, Price, PriceBook,
    PricesVersion, ReadingRecord, Rules, RulesVersion, ShareField, ShareRow, SharesLook, SharesSeen, SheetFacts,
    UnitPath, UserShare,
};
use crate::model::{Filter, SkuId, Text, UserId};
use crate::store::{Bearers, Freeze, Unallocated};

const USERS: u64 = 2_500;

fn month() -> Month {
    "2026-11".parse().unwrap()
}

fn product(n: u128) -> SkuId {
    Id::new(Uuid::from_u128(n))
}

/// A month of a tenant whose users were read on its last day but one.
fn of(tenant: &Tenant) -> AllocationOf {
    let at = "2026-11-29T02:10:00Z".parse().unwrap();
    let counted = (0..4).map(|n| Counted {
        sku_id: Some(product(n)),
        part_number: None,
        name: format!("Product {n}").into(),
        purchased: Some(700),
        held: USERS / 4,
        is_company: false,
    });
    let facts = SheetFacts {
        key: tenant.key.clone(),
        title: tenant.name.clone(),
        month: month(),
        today: month().after(),
        rules: Some(1),
        prices: Some(1),
        users_at: Some(at),
        skus_at: Some(at),
        together: true,
    };
    let users = tenant.users.good.as_ref().map(|good| good.snapshot);
    AllocationOf { facts, users, counted: Arc::new(counted.collect()), kept: false, before: None }
}

fn prices() -> PriceBook {
    let price = |n: u128| Price {
        sku_id: product(n),
        amount: format!("{}.37", 100 + n).parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        period: Period::Year,
        from: None,
        to: None,
        quantity: None,
    };
    PriceBook { prices: (0..4).map(price).collect() }
}

fn save_rules(store: &mut Store, tenant: &Tenant, version: u32, rules: Rules) {
    let (by, reason): (Text, Text) = ("mlee".into(), "x".into());
    let saved = RulesVersion { version, by, at: Timestamp::UNIX_EPOCH, reason, rules };
    let mut batch = store.batch().unwrap();
    batch.put_rules(&tenant.key, &saved).unwrap();
    batch.commit(true).unwrap();
}

fn save_prices(store: &mut Store, tenant: &Tenant, version: u32, prices: PriceBook) {
    let (by, reason): (Text, Text) = ("mlee".into(), "x".into());
    let saved = PricesVersion { version, by, at: Timestamp::UNIX_EPOCH, reason, prices };
    let mut batch = store.batch().unwrap();
    batch.put_prices(&tenant.key, &saved).unwrap();
    batch.commit(true).unwrap();
}

/// Of a tenant for whom nobody saved anything.
fn unsaved(tenant: &Tenant) -> AllocationOf {
    let mut of = of(tenant);
    (of.facts.rules, of.facts.prices) = (Some(0), Some(0));
    of
}

/// Closes the month as the engine does.
fn close(store: &mut Store, tenant: &Tenant, frozen: &Freeze) -> MonthRecord {
    let mut record = store.reader().month(&tenant.key, month()).unwrap();
    record.close(frozen.closed("mlee".into(), Timestamp::UNIX_EPOCH, None).unwrap());
    let mut batch = store.batch().unwrap();
    batch.put_month(&tenant.key, month(), &record, &frozen.lines, &frozen.values).unwrap();
    batch.commit(true).unwrap();
    record
}

fn all_shares(reader: &Reader, of: &AllocationOf) -> (Vec<UserShare>, Vec<UnitPath>) {
    let mut all = Vec::new();
    let (_, units) = reader
        .shares(of, &Draft::default(), &|| true, &mut |user, _, _| {
            all.push(user.clone());
            true
        })
        .unwrap();
    (all, units)
}

#[test]
fn versions_are_kept_in_order_and_each_tenant_has_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let (one, two) = (tenant(1), tenant(2));
    for version in 1..=12 {
        save_rules(&mut store, &one, version, Rules { levels: vec![format!("{version}").into()], ..Rules::default() });
    }
    save_rules(&mut store, &two, 1, Rules::start());
    let reader = store.reader();
    assert_eq!(reader.rules(&one.key, None).unwrap().unwrap().version, 12);
    assert_eq!(reader.rules(&one.key, Some(7)).unwrap().unwrap().rules.levels, ["7"]);
    assert_eq!(reader.rules(&one.key, Some(13)).unwrap(), None);
    let versions: Vec<u32> = reader.all_rules(&one.key).unwrap().iter().map(|saved| saved.version).collect();
    assert_eq!(versions, (1..=12).collect::<Vec<_>>());
    assert_eq!(reader.all_rules(&two.key).unwrap().len(), 1);
    assert_eq!(reader.prices(&one.key, None).unwrap(), None);
}

#[test]
fn a_closed_month_is_what_was_frozen_whatever_comes_after() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, USERS, true).unwrap();
    let of = of(&one);
    save_rules(&mut store, &one, 1, Rules::start());
    save_prices(&mut store, &one, 1, prices());

    let reader = store.reader();
    let sheet = reader.sheet(&of, &|| true).unwrap();
    assert!(sheet.stops().is_empty(), "{:?}", sheet.checks);
    let open = all_shares(&reader, &of);
    assert_eq!(open.0.len() as u64, USERS);
    let frozen = reader.freeze(&of).unwrap();
    assert_eq!((&frozen.sheet, frozen.lines.len()), (&sheet, 4), "units, and three records of at most 1,000 users");
    let bytes = serde_json::to_string(&sheet).unwrap();
    let mut record = close(&mut store, &one, &frozen);
    assert_eq!(record.closed.as_ref().unwrap().chunks, 3);

    // Other rules, and users of which none was there.
    save_rules(&mut store, &one, 2, Rules::from_toml("[[rule]]\nunit = \"All\"").unwrap());
    replace(&mut store, &mut one, 2, 10, true).unwrap();
    let later = AllocationOf { users: one.users.good.as_ref().map(|good| good.snapshot), ..of.clone() };
    assert_eq!(reader.month(&one.key, month()).unwrap().closed.unwrap().sheet, bytes, "byte for byte");
    assert_eq!(serde_json::to_string(&reader.sheet(&later, &|| true).unwrap()).unwrap(), bytes);
    assert_eq!(all_shares(&reader, &later), open);
    let draft = Draft { rules: Some(Arc::new(Rules::start())), prices: None };
    let refused = reader.preview(&later, &draft, &|| true).unwrap_err();
    assert!(matches!(refused, Unallocated::Refused(_)), "{refused}");
    // The month after holds itself against it: its departments are empty there, and "All" is there.
    let mut next = later;
    (next.facts.month, next.facts.today, next.facts.rules) = (month().after(), month().after(), Some(2));
    next.facts.users_at = Some("2026-12-02T02:10:00Z".parse().unwrap());
    next.facts.skus_at = next.facts.users_at;
    let sheet = reader.sheet(&next, &|| true).unwrap();
    let emptied: Vec<String> = sheet.rows.iter().filter(|row| row.emptied).map(|row| row.unit.to_string()).collect();
    assert_eq!(emptied, ["Finance", "Sales"]);
    let changes: rust_decimal::Decimal = sheet
        .rows
        .iter()
        .filter(|row| row.kind != crate::model::allocation::RowKind::Total)
        .filter_map(crate::model::allocation::SheetRow::change)
        .sum();
    let total = sheet.rows.last().unwrap();
    assert_eq!(Some(changes), total.change());
    // Opened again, the lines are gone and the sheet is of what is there.
    let superseded = record.reopen("jdoe".into(), Timestamp::UNIX_EPOCH, "wrong".into()).unwrap();
    let mut batch = store.batch().unwrap();
    batch.put_superseded(&one.key, month(), &superseded).unwrap();
    batch.put_month(&one.key, month(), &record, &[], &[]).unwrap();
    batch.commit(true).unwrap();
    assert_eq!(store.reader().superseded(&one.key, month(), 1).unwrap().unwrap().sheet, bytes, "byte for byte");
    assert!(store.reader().frozen_units(&one.key, month()).is_err());
    assert_eq!(store.reader().months(&one.key).unwrap().iter().map(|one| one.closed).collect::<Vec<_>>(), [false]);
}

#[test]
fn a_sheet_is_reckoned_with_the_versions_that_it_names_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, 10, true).unwrap();
    save_rules(&mut store, &one, 1, Rules::from_toml("[[rule]]\nunit = \"First\"").unwrap());
    save_prices(&mut store, &one, 1, prices());
    let reader = store.reader();
    let at = |rules: u32, prices: u32| {
        let mut of = of(&one);
        (of.facts.rules, of.facts.prices) = (Some(rules), Some(prices));
        of
    };
    let refused = |of: &AllocationOf, why: &str| {
        for said in [
            reader.sheet(of, &|| true).unwrap_err().to_string(),
            reader.freeze(of).unwrap_err().to_string(),
            reader.means_of(of).unwrap_err().to_string(),
        ] {
            assert!(said.contains(why), "{said}");
        }
    };
    // The fleet has what is not written yet.
    refused(&at(2, 1), "rules v2 of");
    refused(&at(1, 2), "prices v2 of");
    save_rules(&mut store, &one, 2, Rules::from_toml("[[rule]]\nunit = \"Second\"").unwrap());
    save_prices(&mut store, &one, 2, PriceBook::default());
    // And what is written is not taken before the fleet has it.
    for (rules, prices, unit, priced) in [(1, 1, "First", 4), (2, 1, "Second", 4), (1, 2, "First", 0)] {
        let frozen = reader.freeze(&at(rules, prices)).unwrap();
        let sheet = reader.sheet(&at(rules, prices), &|| true).unwrap();
        assert_eq!(frozen.sheet, sheet);
        assert_eq!((sheet.rows[0].unit.to_string().as_str(), sheet.prices()), (unit, (4, priced)));
        assert_eq!(frozen.prices.prices.len(), priced);
    }
    let start = reader.freeze(&at(0, 0)).unwrap();
    assert_eq!((start.rules, start.prices), (Rules::start(), PriceBook::default()));
}

#[test]
fn whoever_does_not_want_to_know_any_more_is_not_kept_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, USERS, true).unwrap();
    let of = unsaved(&one);
    let reader = store.reader();
    assert!(matches!(reader.sheet(&of, &|| false), Err(Unallocated::Overtaken)));
    let shares = reader.shares(&of, &Draft::default(), &|| false, &mut |_, _, _| true);
    assert!(matches!(shares, Err(Unallocated::Overtaken)));
}

#[test]
fn a_draft_that_could_not_be_saved_is_not_reckoned() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, 10, true).unwrap();
    let of = unsaved(&one);
    let reader = store.reader();
    let rule =
        Rules::from_toml("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"managerChain\", is = \"x\" }]").unwrap();
    // More conditions on the chain of managers than there are bits for them.
    let many = Rules { rules: vec![rule.rules[0].clone(); 65], ..Rules::default() };
    let draft = Draft { rules: Some(Arc::new(many)), prices: None };
    let said = [
        reader.preview(&of, &draft, &|| true).unwrap_err().to_string(),
        reader.shares(&of, &draft, &|| true, &mut |_, _, _| true).unwrap_err().to_string(),
        reader.why(&of, &draft, "x", &|| true).unwrap_err().to_string(),
    ];
    assert!(said.iter().all(|said| said.contains("65 conditions on managerChain")), "{said:?}");
    let mut twice = prices();
    twice.prices.extend(prices().prices);
    let draft = Draft { rules: None, prices: Some(Arc::new(twice)) };
    let said = reader.preview(&of, &draft, &|| true).unwrap_err().to_string();
    assert!(said.contains("each needs the quantity"), "{said}");
}

#[test]
fn a_month_before_that_cannot_be_reckoned_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, 10, true).unwrap();
    save_rules(&mut store, &one, 1, Rules::start());
    let mut of = of(&one);
    let mut counted = (*of.counted).clone();
    counted[0].purchased = Some(10_000_000);
    let record = ReadingRecord { users: of.users.unwrap(), counted: Arc::new(counted) };
    let mut batch = store.batch().unwrap();
    batch.put_reading(&one.key, month().before(), &record).unwrap();
    batch.commit(true).unwrap();
    let facts = SheetFacts { month: month().before(), ..of.facts.clone() };
    let before = AllocationOf { facts, counted: Arc::default(), kept: true, before: None, ..of.clone() };
    of.before = Some(Box::new(before));
    let reader = store.reader();
    for (version, amount) in [(1, "1000000000"), (2, "1")] {
        let mut book = prices();
        for price in &mut book.prices {
            price.from = Some(month().first());
        }
        let mut old = book.prices[0].clone();
        (old.amount, old.currency) = (amount.parse().unwrap(), "EUR".parse().unwrap());
        (old.from, old.to) = (None, Some(month().before().last()));
        book.prices.push(old);
        save_prices(&mut store, &one, version, book);
        of.facts.prices = Some(version);
        if let Some(before) = &mut of.before {
            before.facts.prices = Some(version);
        }
        let own = reader.sheet(of.before.as_ref().unwrap(), &|| true);
        assert_eq!(own.is_ok(), version == 2, "{own:?}");
        // The month before is not whole: three of its products have no price. So its amounts are no measure, its units are.
        let sheet = reader.sheet(&of, &|| true).unwrap();
        assert!(sheet.rows.iter().all(|row| row.before.is_none()));
        assert_eq!(reader.sheet(&of, &|| true).unwrap(), sheet, "held and used again");
    }
    // A reading of other users than those that were asked for is none.
    let other = of.before.take().map(|before| AllocationOf { users: Some(SnapshotId(99)), ..*before }).unwrap();
    let said = reader.sheet(&other, &|| true).unwrap_err().to_string();
    assert!(said.contains("the data of 2026-10 of Tenant 1 are not in the store, or not yet"), "{said}");
}

type Lines = (Vec<UserShare>, Vec<UnitPath>);

fn lines_of(reader: &Reader, of: &AllocationOf, draft: &Draft) -> Lines {
    let mut all = Vec::new();
    let (_, units) = reader
        .shares(of, draft, &|| true, &mut |user, _, _| {
            all.push(user.clone());
            true
        })
        .unwrap();
    (all, units)
}

/// What a window should be, the slow way: from the lines that the command writes.
fn slowly((rows, units): &Lines, (others, other_units): &Lines, look: &SharesLook) -> (u64, Vec<(UserId, i64, Moved)>) {
    let is_in = |units: &[UnitPath], at: usize| match (&look.unit, units.get(at)) {
        (Some(unit), Some(of)) => of.is_in(unit),
        (unit, of) => unit.is_none() && of.is_none(),
    };
    let here = |units: &[UnitPath], user: &UserShare| user.lines.iter().any(|line| is_in(units, line.unit));
    let goes = |units: &[UnitPath], user: &UserShare| -> BTreeSet<(Option<UnitPath>, u32)> {
        user.lines.iter().map(|line| (units.get(line.unit).cloned(), line.millionths)).collect()
    };
    let mut found = Vec::new();
    for (user, other) in rows.iter().zip(others) {
        assert_eq!(user.user, other.user);
        let same = goes(units, user) == goes(other_units, other);
        let moved = match (here(units, user), here(other_units, other)) {
            (true, _) if same => Moved::Stays,
            (true, true) => Moved::Within,
            (true, false) => Moved::Leaves,
            (false, true) => Moved::Comes,
            (false, false) => continue,
        };
        let coins = user.lines.iter().filter(|line| is_in(units, line.unit)).map(|line| line.coins).sum();
        found.push((user.clone(), coins, moved));
    }
    let total = found.iter().filter(|(.., moved)| *moved != Moved::Comes).count() as u64;
    let filter = Filter::parse::<ShareRow<'_>>(&look.filter).unwrap();
    found.retain(|(share, _, moved)| {
        let UserShare { user, name, sign_in, rule, .. } = share;
        filter.matches(&ShareRow { user: *user, name, sign_in, rule: *rule, moved: *moved })
    });
    match look.sort {
        None | Some(ShareField::Seats) => {}
        Some(ShareField::Name) => found.sort_by_key(|(user, ..)| user.name.to_lowercase()),
        Some(ShareField::SignIn) => found.sort_by_key(|(user, ..)| user.sign_in.to_lowercase()),
        Some(ShareField::Amount) => found.sort_by_key(|(_, coins, _)| std::cmp::Reverse(*coins)),
        Some(ShareField::Rule) => found.sort_by_key(|(user, ..)| (user.rule.is_none(), user.rule)),
        Some(ShareField::Draft) => {
            found.sort_by_key(|(user, _, moved)| (*moved == Moved::Stays, *moved, user.name.to_lowercase()));
        }
    }
    if look.reverse {
        found.reverse();
    }
    (total, found.into_iter().map(|(user, coins, moved)| (user.user, coins, moved)).collect())
}

#[test]
fn users_of_a_unit_in_windows_are_those_of_the_lines_to_the_coin() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, USERS, true).unwrap();
    let of = of(&one);
    let rules = r#"
        [[rule]]
        split = [{ unit = ["All", "Sales"], percent = 70 }, { unit = "IT", percent = 30 }]
        when = [{ attribute = "department", is = "Sales" }]
        [[rule]]
        unit = ["All", "Finance"]
        when = [{ attribute = "department", is = "Finance" }, { attribute = "displayName", matches = "*7*" }]
    "#;
    save_rules(&mut store, &one, 1, Rules::from_toml(rules).unwrap());
    save_prices(&mut store, &one, 1, prices());
    let reader = store.reader();
    let mut other = Rules::from_toml(&rules.replace("= 70", "= 60").replace("= 30", "= 40")).unwrap();
    other.rules.reverse();
    other.rules[0].when.pop();
    let drafts = [Draft::default(), Draft { rules: Some(Arc::new(other)), prices: None }];
    let units = [None, Some("All".into()), Some(UnitPath(vec!["All".into(), "Finance".into()])), Some("IT".into())];
    let sorts =
        [None, Some(ShareField::Name), Some(ShareField::Amount), Some(ShareField::Rule), Some(ShareField::Draft)];
    let mut seen = BTreeSet::new();
    let lines = lines_of(&reader, &of, &Draft::default());
    for draft in &drafts {
        let others = lines_of(&reader, &of, draft);
        for unit in &units {
            let look = AllocationLook { of: of.clone(), draft: draft.clone(), ask: AllocationAsk::Sheet, round: 1 };
            let mut bearers = reader.bearers(&look, unit.as_ref(), false, &|| true).unwrap();
            assert!(bearers.is_of(&look, unit.as_ref()) && !bearers.is_of(&look, Some(&"Nobody".into())));
            for (n, sort) in sorts.into_iter().enumerate() {
                for filter in ["", "4", "!draft:none", "rule:R2", "name:\"user 1\""] {
                    let shares = SharesLook {
                        filter: filter.to_owned(),
                        sort,
                        reverse: n % 2 == 1,
                        count: 97,
                        ..SharesLook::of(unit.clone())
                    };
                    let (total, want) = slowly(&lines, &others, &shares);
                    let parsed = Filter::parse::<ShareRow<'_>>(filter).unwrap();
                    let mut got = Vec::new();
                    loop {
                        let next = SharesLook { from: got.len() as u64, ..shares.clone() };
                        let window = bearers.window(&next, &parsed, &|| true).unwrap();
                        assert_eq!((window.total, window.matched), (total, want.len() as u64), "{shares:?}");
                        let known = usize::try_from(next.from - window.from).unwrap();
                        for row in &window.rows[known..] {
                            let is_in = |at: usize| match (unit, window.units.get(at)) {
                                (Some(unit), Some(of)) => of.is_in(unit),
                                (unit, of) => unit.is_none() && of.is_none(),
                            };
                            let lines = row.share.lines.iter().filter(|line| is_in(line.unit));
                            got.push((row.share.user, lines.map(|line| line.coins).sum(), row.moved));
                            assert_eq!(row.then.is_some(), row.moved != Moved::Stays);
                            seen.insert(row.moved);
                        }
                        if window.rows.len() == known {
                            break;
                        }
                    }
                    assert_eq!(got, want, "{shares:?}");
                    // A window is laid around a user.
                    if let Some((user, ..)) = want.get(want.len() / 2) {
                        let window = bearers
                            .window(&SharesLook { at: Some(*user), ..shares.clone() }, &parsed, &|| true)
                            .unwrap();
                        let at = usize::try_from(window.at.unwrap() - window.from).unwrap();
                        assert_eq!(window.rows[at].share.user, *user);
                    }
                }
            }
            let row = bearers.window(&SharesLook::of(unit.clone()), &Filter::default(), &|| true).unwrap().sheet.rows
                [0]
            .clone();
            let all = bearers
                .window(&SharesLook { count: u32::MAX, ..SharesLook::of(unit.clone()) }, &Filter::default(), &|| true)
                .unwrap();
            let is_in = |at: usize| match (unit, all.units.get(at)) {
                (Some(unit), Some(of)) => of.is_in(unit),
                (unit, of) => unit.is_none() && of.is_none(),
            };
            let lines = all.rows.iter().flat_map(|row| &row.share.lines).filter(|line| is_in(line.unit));
            let coins: i64 = lines.map(|line| line.coins).sum();
            assert_eq!(all.sheet.currency.unwrap().amount(coins), row.amount, "the row of the sheet");
        }
    }
    assert_eq!(seen.len(), 4, "the draft does all that there is to do: {seen:?}");
    let look = AllocationLook { of, draft: Draft::default(), ask: AllocationAsk::Sheet, round: 1 };
    assert!(matches!(reader.bearers(&look, None, false, &|| false), Err(Unallocated::Overtaken)));
    // A window that is given up leaves nothing half done.
    let mut bearers = reader.bearers(&look, Some(&"All".into()), false, &|| true).unwrap();
    let by_name = SharesLook { sort: Some(ShareField::Name), ..SharesLook::of(Some("All".into())) };
    for (filter, shares) in [("4", SharesLook::of(by_name.unit.clone())), ("", by_name)] {
        let filter = Filter::parse::<ShareRow<'_>>(filter).unwrap();
        let given_up = bearers.window(&shares, &filter, &|| false);
        assert!(matches!(given_up, Err(Unallocated::Overtaken)), "{filter:?}");
        assert!(bearers.window(&shares, &filter, &|| true).unwrap().matched > 0);
        assert!(bearers.window(&shares, &filter, &|| false).is_ok(), "what is ready is told at once");
    }
}

#[test]
fn users_who_are_masked_are_found_and_sorted_by_what_is_shown_of_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, USERS, true).unwrap();
    save_rules(&mut store, &one, 1, Rules::start());
    save_prices(&mut store, &one, 1, prices());
    let look = AllocationLook { of: of(&one), draft: Draft::default(), ask: AllocationAsk::Sheet, round: 0 };
    let all = SharesLook { count: u32::MAX, ..SharesLook::of(Some("Sales".into())) };
    let reader = store.reader();
    let open = |masked: bool| reader.bearers(&look, all.unit.as_ref(), masked, &|| true).unwrap();
    let mut named = open(false);
    let known = named.window(&all, &Filter::default(), &|| true).unwrap();
    let mut nameless = open(true);
    for name in known.rows.iter().take(3).map(|row| &row.share.name) {
        let filter = Filter::parse::<ShareRow<'_>>(&format!("name:\"{name}\"")).unwrap();
        assert!(named.window(&all, &filter, &|| true).unwrap().matched > 0, "{name}");
        assert_eq!(nameless.window(&all, &filter, &|| true).unwrap().matched, 0, "{name}");
    }
    // All of them look alike: their names order nobody.
    let order = |bearers: &mut Bearers, sort| {
        let seen = bearers.window(&SharesLook { sort, ..all.clone() }, &Filter::default(), &|| true).unwrap();
        seen.rows.iter().map(|row| row.share.user).collect::<Vec<_>>()
    };
    let by_name = Some(ShareField::Name);
    assert_ne!(order(&mut named, by_name), order(&mut named, None));
    assert_eq!(order(&mut nameless, by_name), order(&mut nameless, None));
}

#[test]
fn users_of_a_closed_month_are_those_that_were_frozen() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = tenant(1);
    replace(&mut store, &mut one, 1, USERS, true).unwrap();
    let of = of(&one);
    save_rules(&mut store, &one, 1, Rules::start());
    save_prices(&mut store, &one, 1, prices());
    let reader = store.reader();
    let open = |of: &AllocationOf| {
        let look = AllocationLook { of: of.clone(), draft: Draft::default(), ask: AllocationAsk::Sheet, round: 0 };
        let mut bearers = reader.bearers(&look, Some(&"Sales".into()), false, &|| true).unwrap();
        let all = SharesLook { count: u32::MAX, ..SharesLook::of(Some("Sales".into())) };
        bearers.window(&all, &Filter::default(), &|| true).unwrap()
    };
    let before = open(&of);
    assert!(before.rows.len() > 100 && !before.closed);
    let frozen = reader.freeze(&of).unwrap();
    close(&mut store, &one, &frozen);
    replace(&mut store, &mut one, 2, 10, true).unwrap();
    let after = open(&AllocationOf { users: one.users.good.as_ref().map(|good| good.snapshot), ..of });
    assert!(after.closed);
    assert_eq!(SharesSeen { closed: false, ..after }, before);
}
