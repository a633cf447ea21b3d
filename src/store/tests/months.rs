//! Months of random fleets under random rules and prices, in three currencies of different decimals.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::model::allocation::tests::{books, counted, facts, price, rules, sku, users as fleets};
use crate::model::allocation::{
    AllocationOf, Draft, MonthState, Period, PriceBook, PricesVersion, ReadingRecord, Rules, RulesVersion, SheetLine,
    UserShareLine, Why,
};
use crate::model::{Manager, SkuId, Text, TextField};

/// Prices of all four products: a month without one is not closed.
fn whole_books() -> impl Strategy<Value = PriceBook> {
    (books(), prop::sample::select(vec!["EUR", "JPY", "KWD"])).prop_map(|(mut book, currency)| {
        let currency = book.prices.first().map_or_else(|| currency.to_owned(), |price| price.currency.to_string());
        for n in 0..4 {
            if !book.prices.iter().any(|price| price.sku_id == sku(n)) {
                book.prices.push(price(n, "1.119", &currency, Period::Year));
            }
        }
        book
    })
}

fn purchased() -> impl Strategy<Value = Vec<Option<i64>>> {
    prop::collection::vec((0i64..80).prop_map(Some), 4)
}

/// Puts users into the store as those of a tenant, in the place of those before.
fn import(store: &mut Store, tenant: &mut Tenant, users: &[User]) {
    let snapshot = store.next_snapshot();
    let before = tenant.users.good.replace(good(users.len() as u64, snapshot));
    let mut batch = store.batch().unwrap();
    batch.stage_users(snapshot, &UsersPage::encode(users).unwrap()).unwrap();
    batch.seal(snapshot).unwrap();
    if let Some(before) = before.filter(|before| !tenant.snapshots().any(|kept| kept == before.snapshot)) {
        batch.drop_snapshot(before.snapshot).unwrap();
    }
    batch.put_tenant(tenant).unwrap();
    batch.commit(false).unwrap();
}

fn save(store: &mut Store, tenant: &Tenant, version: u32, rules: Rules, prices: PriceBook) {
    let (by, reason, at): (Text, Text, _) = ("mlee".into(), "x".into(), Timestamp::UNIX_EPOCH);
    let mut batch = store.batch().unwrap();
    let saved = RulesVersion { version, by: by.clone(), at, reason: reason.clone(), rules };
    batch.put_rules(&tenant.key, &saved).unwrap();
    batch.put_prices(&tenant.key, &PricesVersion { version, by, at, reason, prices }).unwrap();
    batch.commit(false).unwrap();
}

fn of(tenant: &Tenant, version: u32, users: &[User], purchased: &[Option<i64>]) -> AllocationOf {
    let mut facts = facts();
    (facts.rules, facts.prices) = (Some(version), Some(version));
    let snapshot = tenant.users.good.as_ref().map(|good| good.snapshot);
    let counted = Arc::new(counted(users, purchased));
    AllocationOf { facts, users: snapshot, counted, kept: false, before: None }
}

/// The sheet, and all rows as commands and exports write them.
fn exports(reader: &Reader, of: &AllocationOf) -> Vec<String> {
    let sheet = reader.sheet(of, &|| true).unwrap();
    let mut rows = vec![serde_json::to_string(&sheet).unwrap()];
    for row in &sheet.rows {
        rows.push(serde_json::to_string(&SheetLine::of(&sheet, row, MonthState::Closed)).unwrap());
    }
    rows.extend(sheet.products.iter().map(|row| serde_json::to_string(row).unwrap()));
    let mut lines = Vec::new();
    let shared = reader.shares(of, &Draft::default(), &|| true, &mut |user, units, sheet| {
        let row =
            |line| serde_json::to_string(&UserShareLine::of(sheet, units, user, line, MonthState::Closed)).unwrap();
        lines.extend(user.lines.iter().map(row));
        true
    });
    assert_eq!(serde_json::to_string(&shared.unwrap().0).unwrap(), rows[0], "lines are of the same sheet");
    rows.extend(lines);
    rows
}

/// Why users are where they are: those of the lines, by object id.
fn whys(reader: &Reader, of: &AllocationOf) -> Vec<Why> {
    let mut ids = Vec::new();
    reader
        .shares(of, &Draft::default(), &|| true, &mut |user, _, _| {
            ids.push(user.user);
            ids.len() < 8
        })
        .unwrap();
    ids.iter().map(|id| reader.why(of, &Draft::default(), &id.to_string(), &|| true).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_closed_month_stays_byte_for_byte_whatever_comes_after(
        users in fleets(), rules in rules(), book in whole_books(), purchased in purchased(),
        later_users in fleets(), later_rules in rules(), later_book in whole_books(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = store_at(&dir.path().join("store.redb"));
        let at = Timestamp::UNIX_EPOCH;
        let mut one = Tenant::new(facts().key, "T".into(), "t".into(), at);
        import(&mut store, &mut one, &users);
        save(&mut store, &one, 1, rules, book);
        let first = of(&one, 1, &users, &purchased);
        let reader = store.reader();
        let sheet = reader.sheet(&first, &|| true).unwrap();
        prop_assert_eq!(sheet.stops(), Vec::<&crate::model::allocation::Check>::new());
        let (open, why) = (exports(&reader, &first), whys(&reader, &first));

        // Later data come first: what the month needs is kept, and reckoned from there.
        let month = first.facts.month;
        let mut batch = store.batch().unwrap();
        let record = ReadingRecord { users: first.users.unwrap(), counted: Arc::clone(&first.counted) };
        batch.put_reading(&one.key, month, &record).unwrap();
        batch.commit(false).unwrap();
        one.allocated.readings =
            vec![crate::model::allocation::Reading { month, users: one.users.good.clone().unwrap(), skus_at: at }];
        import(&mut store, &mut one, &later_users);
        let kept = AllocationOf { counted: Arc::default(), kept: true, ..first.clone() };
        prop_assert_eq!(&exports(&reader, &kept), &open);
        prop_assert_eq!(&whys(&reader, &kept), &why);

        let frozen = reader.freeze(&kept).unwrap();
        let mut record = reader.month(&one.key, month).unwrap();
        record.close(frozen.closed("mlee".into(), at, None).unwrap());
        let given_up = first.users.unwrap();
        one.allocated.readings.clear();
        let mut batch = store.batch().unwrap();
        batch.put_month(&one.key, month, &record, &frozen.lines, &frozen.values).unwrap();
        batch.drop_reading(&one.key, month).unwrap();
        batch.drop_snapshot(given_up).unwrap();
        batch.put_tenant(&one).unwrap();
        batch.commit(false).unwrap();

        // Other rules and prices, other data of this tenant and of another one.
        save(&mut store, &one, 2, later_rules, later_book);
        let mut two = tenant(2);
        import(&mut store, &mut two, &users);
        import(&mut store, &mut one, &users[..users.len() / 2]);
        let later = of(&one, 2, &later_users, &[Some(1), Some(2), Some(3), Some(4)]);
        for asked in [&first, &later] {
            prop_assert_eq!(&exports(&reader, asked), &open);
            prop_assert_eq!(&whys(&reader, asked), &why);
        }
        // Opened again it is superseded, byte for byte.
        let superseded = record.reopen("jdoe".into(), at, "x".into()).unwrap();
        let mut batch = store.batch().unwrap();
        batch.put_superseded(&one.key, month, &superseded).unwrap();
        batch.put_month(&one.key, month, &record, &[], &[]).unwrap();
        batch.commit(false).unwrap();
        let back = reader.superseded(&one.key, month, 1).unwrap().unwrap();
        prop_assert_eq!((&back.sheet, &back), (&open[0], &superseded));
        let months = reader.months(&one.key).unwrap();
        prop_assert_eq!((months[0].closed, &months[0].superseded), (false, &vec![1]));
    }
}

#[test]
fn of_superseded_sheets_the_last_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = Tenant::new(facts().key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH);
    let users = [crate::model::allocation::tests::user(1, Some("A"), &[0])];
    import(&mut store, &mut one, &users);
    let id: SkuId = sku(0);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    assert_eq!(book.prices[0].sku_id, id);
    save(&mut store, &one, 1, Rules::start(), book);
    let of = of(&one, 1, &users, &[Some(1)]);
    let (month, at) = (of.facts.month, Timestamp::UNIX_EPOCH);
    for number in 1..=20 {
        let frozen = store.reader().freeze(&of).unwrap();
        let mut record = store.reader().month(&one.key, month).unwrap();
        record.close(frozen.closed("mlee".into(), at, Some(format!("{number}").into())).unwrap());
        let mut batch = store.batch().unwrap();
        batch.put_month(&one.key, month, &record, &frozen.lines, &frozen.values).unwrap();
        let superseded = record.reopen("jdoe".into(), at, "again".into()).unwrap();
        assert_eq!(superseded.number, number);
        batch.put_superseded(&one.key, month, &superseded).unwrap();
        batch.put_month(&one.key, month, &record, &[], &[]).unwrap();
        batch.commit(false).unwrap();
    }
    let reader = store.reader();
    let standing = reader.months(&one.key).unwrap().remove(0);
    assert_eq!((standing.superseded, standing.events.len()), ((5..=20).collect(), 40));
    assert!(reader.superseded(&one.key, month, 4).unwrap().is_none());
    let kept = reader.superseded(&one.key, month, 5).unwrap().unwrap();
    assert_eq!((kept.closed.reason.as_deref(), kept.reopened.reason.as_deref()), (Some("5"), Some("again")));
    assert_eq!(kept.sheet().unwrap(), reader.sheet(&of, &|| true).unwrap());
}

#[test]
fn of_managers_those_are_frozen_who_are_reported_to_and_none_of_a_sheet_that_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let mut one = Tenant::new(facts().key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH);
    let mut users: Vec<User> = (1..=5_000).map(|n| crate::model::allocation::tests::user(n, Some("A"), &[0])).collect();
    // Ten of whom all but the first have somebody above them, and all others below them.
    for at in 1..users.len() {
        let above = users[if at < 10 { at - 1 } else { at % 10 }].clone();
        let name = above.text(TextField::UserPrincipalName).map(Text::from);
        users[at].manager = Some(Manager { id: Some(above.id), display_name: None, user_principal_name: name });
    }
    import(&mut store, &mut one, &users);
    let rules =
        Rules::from_toml("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"managerChain\", is = \"U1@x.example\" }]\n")
            .unwrap();
    let whole = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    save(&mut store, &one, 1, rules.clone(), whole);
    save(&mut store, &one, 2, rules, PriceBook::default());
    let reader = store.reader();
    let frozen = reader.freeze(&of(&one, 1, &users, &[Some(5_000)])).unwrap();
    assert!(frozen.sheet.stops().is_empty(), "{:?}", frozen.sheet.checks);
    let refused = reader.freeze(&of(&one, 2, &users, &[Some(5_000)])).unwrap();
    assert!(!refused.sheet.stops().is_empty());
    assert_eq!(refused.values, [Vec::<u8>::new()], "nobody is read for it");

    let month = facts().month;
    let mut record = reader.month(&one.key, month).unwrap();
    record.close(frozen.closed("mlee".into(), Timestamp::UNIX_EPOCH, None).unwrap());
    let mut batch = store.batch().unwrap();
    batch.put_month(&one.key, month, &record, &frozen.lines, &frozen.values).unwrap();
    batch.commit(false).unwrap();
    let superiors = reader.frozen_superiors(&one.key, month).unwrap();
    let told: Vec<_> = superiors.iter().map(|one| (one.user, one.manager, one.name.as_str())).collect();
    let names: Vec<String> = (1..10).map(|n| format!("U{n}@x.example")).collect();
    let want: Vec<_> =
        (1..10).zip(&names).map(|(at, name)| (users[at].id, Some(users[at - 1].id), name.as_str())).collect();
    assert_eq!(told, want);
}
