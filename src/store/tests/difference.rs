//! The difference of two snapshots is what comparing their users one by one gives.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use uuid::Uuid;

use super::{sku, store_at};
use crate::model::{
    AssignedLicense, Compared, DiffId, DiffKind, DiffLook, DiffRow, Manager, PlanId, SkuId, SnapshotId, Text,
    TextField, User, UserId, user_rows,
};
use crate::store::{Store, StoreError, UsersPage};

fn id(n: u8) -> UserId {
    UserId::new(Uuid::from_u128(u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A user of few different values, so that many are alike; nothing is told in each of its ways.
fn user() -> impl Strategy<Value = User> {
    let text = || {
        proptest::option::of(proptest::sample::select(&["Sales", "sales", "", "Ärzte"][..]))
            .prop_map(|text| text.map(Text::from))
    };
    let held = proptest::option::of(proptest::collection::vec(
        (proptest::option::of(0u128..3), proptest::collection::vec(0u128..3, 0..3)),
        0..4,
    ));
    let extension = proptest::option::of((0usize..15, text()));
    let manager = proptest::option::of((proptest::option::of(0u8..3), text(), text()));
    (any::<u8>(), text(), text(), text(), held, extension, manager, 0u32..4).prop_map(
        |(n, name, department, title, held, extension, manager, absent)| {
            let mut user = User::new(id(n % 200));
            user.absent = absent;
            user.texts[TextField::DisplayName as usize] = name;
            user.texts[TextField::Department as usize] = department;
            user.texts[TextField::JobTitle as usize] = title;
            user.licenses = held.map(|held| {
                let license = |(sku, off): (Option<u128>, Vec<u128>)| AssignedLicense {
                    sku_id: sku.map(|n| SkuId::new(Uuid::from_u128(n))),
                    disabled_plans: off.into_iter().map(|n| PlanId::new(Uuid::from_u128(n))).collect(),
                };
                held.into_iter().map(license).collect()
            });
            user.extension = extension.map(|(n, value)| {
                let mut values: Box<[Option<Text>; 15]> = Box::default();
                values[n] = value;
                values
            });
            user.manager = manager.map(|(n, display_name, user_principal_name)| Manager {
                id: n.map(id),
                display_name,
                user_principal_name,
            });
            user
        },
    )
}

/// Users with ids of their own.
fn people() -> impl Strategy<Value = Vec<User>> {
    proptest::collection::vec(user(), 0..300).prop_map(|users| {
        let mut seen = std::collections::HashSet::new();
        users.into_iter().filter(|user| seen.insert(user.id)).collect()
    })
}

fn stored(store: &mut Store, users: &[User]) -> SnapshotId {
    let snapshot = store.next_snapshot();
    let mut batch = store.batch().unwrap();
    for page in users.chunks(300) {
        batch.stage_users(snapshot, &UsersPage::encode(page).unwrap()).unwrap();
    }
    batch.seal(snapshot).unwrap();
    batch.commit(false).unwrap();
    snapshot
}

fn rows(store: &Store, before: SnapshotId, now: SnapshotId) -> (Compared, Vec<DiffRow>) {
    let mut rows = Vec::new();
    let keep = &mut |row| {
        rows.push(row);
        true
    };
    let compared = store.reader().user_difference(before, now, &|| true, keep).unwrap().unwrap();
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    (compared, rows)
}

/// Every user of both, one by one.
fn naive(before: &[User], now: &[User]) -> Vec<DiffRow> {
    let mut both: BTreeMap<UserId, [Option<&User>; 2]> = BTreeMap::new();
    for user in before {
        both.entry(user.id).or_default()[0] = Some(user);
    }
    for user in now {
        both.entry(user.id).or_default()[1] = Some(user);
    }
    let mut rows: Vec<DiffRow> = both.into_values().flat_map(|[before, now]| user_rows(before, now)).collect();
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    rows
}

/// The row that the difference the other way round has; who it is about is called as it was, and is left out.
fn mirrored(row: &DiffRow) -> DiffRow {
    let kind = match row.kind {
        DiffKind::New => DiffKind::Gone,
        DiffKind::Gone => DiffKind::New,
        DiffKind::Gained => DiffKind::Lost,
        DiffKind::Lost => DiffKind::Gained,
        kind @ (DiffKind::Renamed
        | DiffKind::Moved
        | DiffKind::Plans
        | DiffKind::Other
        | DiffKind::SkuNew
        | DiffKind::SkuGone
        | DiffKind::Units
        | DiffKind::SkuOther) => kind,
    };
    let mut row = DiffRow { kind, name: Text::default(), upn: None, ..row.clone() };
    for changed in &mut row.changes {
        std::mem::swap(&mut changed.was, &mut changed.now);
    }
    row.changes.sort_by_key(|changed| format!("{changed:?}"));
    row
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_difference_is_that_of_single_users_whatever_the_order(
        before in people(),
        changed in people(),
        kept in proptest::collection::vec(any::<bool>(), 200),
        turn in 0usize..300,
    ) {
        // Some stay as they are, some are others now, some go.
        let by_id: HashMap<UserId, &User> = changed.iter().map(|user| (user.id, user)).collect();
        let mut now: Vec<User> = before
            .iter()
            .zip(kept.iter().cycle())
            .filter_map(|(user, kept)| if *kept { Some(user.clone()) } else { by_id.get(&user.id).map(|user| (*user).clone()) })
            .collect();
        now.extend(changed.iter().filter(|user| before.iter().all(|known| known.id != user.id)).cloned());
        if !now.is_empty() {
            let turn = turn % now.len();
            now.rotate_left(turn);
        }
        let dir = tempfile::tempdir().unwrap();
        let mut store = store_at(&dir.path().join("store.redb"));
        let (a, b) = (stored(&mut store, &before), stored(&mut store, &now));
        let (compared, found) = rows(&store, a, b);
        prop_assert_eq!(&found, &naive(&before, &now));
        let both = now.iter().filter(|user| before.iter().any(|known| known.id == user.id)).count() as u64;
        prop_assert_eq!(compared, Compared { before: before.len() as u64, now: now.len() as u64, both });

        let (compared, back) = rows(&store, b, a);
        prop_assert_eq!(compared, Compared { before: now.len() as u64, now: before.len() as u64, both });
        let key = |row: &DiffRow| (row.id.clone(), row.kind);
        let mut back: Vec<DiffRow> = back.iter().map(mirrored).collect();
        back.sort_by_key(key);
        let mut found: Vec<DiffRow> = found.iter().map(|row| mirrored(&mirrored(row))).collect();
        found.sort_by_key(key);
        prop_assert_eq!(found, back);

        // Another order, of users and of what each holds, is no difference.
        let mut turned = now.clone();
        turned.reverse();
        for user in &mut turned {
            user.absent ^= 1;
            for license in user.licenses.iter_mut().flatten() {
                license.disabled_plans.reverse();
            }
            if let Some(held) = &mut user.licenses {
                held.reverse();
            }
        }
        let c = stored(&mut store, &turned);
        prop_assert_eq!(rows(&store, b, c), (Compared { before: now.len() as u64, now: now.len() as u64, both: now.len() as u64 }, vec![]));
    }
}

#[test]
fn users_and_products_are_one_difference_with_the_names_of_both() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let before = super::users(1, 300);
    let mut now = before.clone();
    now.remove(7);
    now[40].texts[TextField::Department as usize] = Some("Legal".into());
    let users = [stored(&mut store, &before), stored(&mut store, &now)].map(Some);
    let listed = [(1, "SPE_E3"), (2, "VISIO")]
        .map(|(n, part)| crate::model::Sku { sku_id: Some(SkuId::new(Uuid::from_u128(n))), ..sku(part) });
    let mut skus = [None; 2];
    for (place, count) in [(0, 2), (1, 1)] {
        let snapshot = store.next_snapshot();
        let mut batch = store.batch().unwrap();
        batch.stage_skus(snapshot, &listed[..count]).unwrap();
        batch.seal(snapshot).unwrap();
        batch.commit(false).unwrap();
        skus[place] = Some(snapshot);
    }
    let look = DiffLook { users, skus };
    let found = store.reader().difference(&look, &|| true).unwrap().unwrap();
    let kinds: Vec<DiffKind> = found.rows.iter().map(|row| row.kind).collect();
    assert_eq!(kinds, [DiffKind::SkuGone, DiffKind::Gone, DiffKind::Moved]);
    assert_eq!(found.users.map(|users| users.all()), Some(300));
    assert_eq!((found.skus.map(|skus| skus.all()), found.products.len()), (Some(2), 2));
    assert_eq!((found.sums.total(), found.sums.of(DiffKind::Moved)), (3, 1));
    let moved = DiffId::User(now[40].id);
    assert_eq!(found.row(&moved, DiffKind::Moved).map(|row| &row.id), Some(&moved));
    assert!(found.row(&moved, DiffKind::New).is_none() && found.rows_of(&moved).len() == 1);

    let alone = DiffLook { users: [None, users[1]], skus };
    let found = store.reader().difference(&alone, &|| true).unwrap().unwrap();
    assert_eq!((found.users, found.sums.total()), (None, 1), "one reading is nothing to compare");

    assert!(store.reader().difference(&look, &|| false).unwrap().is_none(), "nobody wants to know any more");
    let mut batch = store.batch().unwrap();
    batch.drop_snapshot(users[0].unwrap()).unwrap();
    batch.commit(false).unwrap();
    let gone = store.reader().difference(&look, &|| true);
    assert!(matches!(gone, Err(StoreError::Gone(_))), "a newer import replaced it: {gone:?}");
}

#[test]
fn a_difference_beyond_one_share_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = store_at(&dir.path().join("store.redb"));
    let before = super::users(1, 20_000);
    let mut now = before.clone();
    for user in &mut now {
        user.texts[TextField::CompanyName as usize] = Some("Adatum SE".into());
    }
    now.reverse();
    let (a, b) = (stored(&mut store, &before), stored(&mut store, &now));
    let (compared, found) = rows(&store, a, b);
    assert_eq!((compared.both, found.len()), (20_000, 20_000));
    assert!(found.iter().all(|row| row.kind == DiffKind::Moved && row.changes.len() == 1));
    let none = stored(&mut store, &[]);
    let (compared, found) = rows(&store, b, none);
    assert_eq!((compared.all(), found.len()), (20_000, 20_000), "all are gone");
}
