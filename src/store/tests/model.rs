use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What can be done to a store.
#[derive(Debug, Clone)]
enum Doing {
    /// A whole new set becomes the good one.
    Replace { tenant: u8, count: u64 },
    /// An import stages a page and gets no further.
    Half { count: u64 },
    /// A transaction is dropped instead of committed.
    Abandon { tenant: u8, count: u64 },
    /// The store is closed and opened.
    Reopen,
    /// Space is given back.
    Tidy,
}

fn doing() -> impl Strategy<Value = Doing> {
    let (who, count) = (0..4u8, 0..400u64);
    prop_oneof![
        6 => (who.clone(), count.clone()).prop_map(|(tenant, count)| Doing::Replace { tenant, count }),
        2 => count.clone().prop_map(|count| Doing::Half { count }),
        1 => (who, count).prop_map(|(tenant, count)| Doing::Abandon { tenant, count }),
        2 => Just(Doing::Reopen),
        1 => Just(Doing::Tidy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is done in whatever order, every tenant shows the last set that became whole, and it can be found.
    #[test]
    fn a_store_shows_what_a_map_would(doings in prop::collection::vec(doing(), 1..30)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.redb");
        let mut store = store_at(&path);
        let mut tenants: BTreeMap<u8, Tenant> = BTreeMap::new();
        let mut wanted: BTreeMap<u8, Vec<User>> = BTreeMap::new();
        for (set, doing) in doings.into_iter().enumerate() {
            let set = set as u64;
            match doing {
                Doing::Replace { tenant, count } => {
                    let one = tenants.entry(tenant).or_insert_with(|| super::tenant(tenant));
                    replace(&mut store, one, set, count, set.is_multiple_of(2)).unwrap();
                    wanted.insert(tenant, users(set, count));
                }
                Doing::Half { count } => {
                    let snapshot = store.next_snapshot();
                    let mut batch = store.batch().unwrap();
                    batch.stage_users(snapshot, &UsersPage::encode(&users(set, count)).unwrap()).unwrap();
                    batch.commit(false).unwrap();
                }
                Doing::Abandon { tenant, count } => {
                    let snapshot = store.next_snapshot();
                    let mut other = super::tenant(tenant);
                    other.users.good = Some(good(count, snapshot));
                    let mut batch = store.batch().unwrap();
                    batch.stage_users(snapshot, &UsersPage::encode(&users(set, count)).unwrap()).unwrap();
                    batch.put_tenant(&other).unwrap();
                }
                Doing::Reopen => {
                    drop(store);
                    store = store_at(&path);
                }
                Doing::Tidy => {
                    store.compact_when_idle().unwrap();
                }
            }
            let fleet = store.load(3600).unwrap();
            let reader = store.reader();
            prop_assert_eq!(fleet.tenants.len(), tenants.len());
            for (n, expected) in &wanted {
                let one = &fleet.tenants[&key(*n)];
                prop_assert_eq!(&shown(&reader, one), expected);
                let snapshot = one.users.good.as_ref().unwrap().snapshot;
                let found = reader.search(snapshot, "FINANCE").unwrap();
                let by_hand: Vec<u64> = (0..expected.len() as u64).filter(|n| n.is_multiple_of(3)).collect();
                prop_assert_eq!(found, by_hand);
                let part = reader.users_range(snapshot, 100, 50).unwrap();
                let by_hand: Vec<User> = expected.iter().skip(100).take(50).cloned().collect();
                prop_assert_eq!(part, by_hand);
            }
        }
    }
}
