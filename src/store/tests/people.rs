//! Looking at users gives what reading them one by one gives.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use uuid::Uuid;

use super::{sku, store_at};
use crate::model::{
    AssignedLicense, Filter, Manager, PersonRow, SkuId, SnapshotId, Text, TextField, User, UserField, UserId, UsersLook,
};
use crate::store::{People, Reader, Store, UsersPage};

fn sku_id(n: u8) -> SkuId {
    SkuId::new(Uuid::from_u128(u128::from(n)))
}

fn user() -> impl Strategy<Value = User> {
    let text = || {
        proptest::option::of(proptest::sample::select(&["Sales", "sales", "Ärzte", "IT", "None such", ""][..]))
            .prop_map(|text| text.map(Text::from))
    };
    (text(), text(), text(), proptest::option::of(proptest::collection::vec(0u8..4, 0..3)), text()).prop_map(
        |(name, department, extension, held, manager)| {
            let mut user = User::new(UserId::new(Uuid::nil()));
            user.texts[TextField::DisplayName as usize] = name;
            user.texts[TextField::Department as usize] = department;
            user.extension = Some(Box::default());
            user.extension.as_mut().unwrap()[2] = extension;
            user.licenses = held.map(|held| {
                held.into_iter().map(|n| AssignedLicense { sku_id: Some(sku_id(n)), disabled_plans: vec![] }).collect()
            });
            user.manager =
                manager.map(|name| Manager { id: None, display_name: Some(name), user_principal_name: None });
            user
        },
    )
}

/// A store with these users and two products with names.
fn stored(store: &mut Store, users: &[User]) -> (SnapshotId, SnapshotId) {
    let (people, skus) = (store.next_snapshot(), store.next_snapshot());
    let mut batch = store.batch().unwrap();
    for page in users.chunks(100) {
        batch.stage_users(people, &UsersPage::encode(page).unwrap()).unwrap();
    }
    let rows: Vec<_> = [(1, "SPE_E3"), (2, "VISIO")]
        .map(|(n, part)| crate::model::Sku { sku_id: Some(sku_id(n)), ..sku(part) })
        .into();
    batch.stage_skus(skus, &rows).unwrap();
    batch.seal(people).unwrap();
    batch.seal(skus).unwrap();
    batch.commit(false).unwrap();
    (people, skus)
}

fn look(users: SnapshotId, skus: SnapshotId) -> UsersLook {
    UsersLook {
        users,
        skus: Some(skus),
        filter: String::new(),
        sort: None,
        reverse: false,
        from: 0,
        count: UsersLook::MOST,
        at: None,
    }
}

fn open(reader: Reader, (users, skus): (SnapshotId, SnapshotId)) -> People {
    People::open(reader, users, Some(skus)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn filters_sorts_and_counts_are_those_of_single_users(
        mut users in proptest::collection::vec(user(), 0..400),
        filters in proptest::collection::vec(proptest::sample::select(&[
            "", "sal", "ÄRZTE", "!sales", "department:sales", "department:none", "!department:none", "license:spe",
            "license:none", "!license:=visio it", "ext3:=it", "manager:s", "name:n !manager:s", "sales it",
            "department:=", "license:00000000", "it sal", "sal it !none", "department:it sal",
        ][..]), 1..6),
        sort in proptest::option::of(proptest::sample::select(&UserField::ALL[..])),
        reverse in any::<bool>(),
        warmed in 0..4,
    ) {
        for (n, user) in users.iter_mut().enumerate() {
            user.id = UserId::new(Uuid::from_u128(n as u128));
        }
        let products: BTreeMap<SkuId, Text> = [(sku_id(1), "SPE_E3".into()), (sku_id(2), "VISIO".into())].into();
        let dir = tempfile::tempdir().unwrap();
        let mut store = store_at(&dir.path().join("store.redb"));
        let snapshots = stored(&mut store, &users);
        let mut people = open(store.reader(), snapshots);
        for _ in 0..warmed {
            people.warm().unwrap();
        }
        for text in filters {
            let Ok(filter) = Filter::parse::<PersonRow<'_>>(text) else { continue };
            let passing: Vec<&User> =
                users.iter().filter(|user| filter.matches(&PersonRow { user, products: &products })).collect();
            let mut sorted = passing.clone();
            if let Some(field) = sort {
                sorted.sort_by_key(|user| {
                    let row = PersonRow { user, products: &products };
                    let mut held: Vec<String> = row.licenses().map(Into::into).collect();
                    held.sort();
                    held.dedup();
                    let value = if field == UserField::License {
                        (!held.is_empty()).then(|| held.join("\u{1f}"))
                    } else {
                        row.value(field).map(String::from)
                    };
                    (value.is_none(), value.as_deref().map(str::to_lowercase), value)
                });
            }
            if reverse {
                sorted.reverse();
            }
            let wanted = UsersLook { sort, reverse, ..look(snapshots.0, snapshots.1) };
            let seen = people.window(&wanted, &filter).unwrap();
            prop_assert_eq!((seen.total, seen.matched), (users.len() as u64, passing.len() as u64), "{}", text);
            prop_assert_eq!(seen.rows.iter().collect::<Vec<_>>(), sorted.clone(), "{}", text);
            if let Some(one) = sorted.last() {
                let wanted = UsersLook { at: Some(one.id), count: 5, ..wanted };
                let seen = people.window(&wanted, &filter).unwrap();
                let at = usize::try_from(seen.at.unwrap() - seen.from).unwrap();
                prop_assert_eq!(seen.rows[at].id, one.id);
            }
            let (matched, counted, values) = people.counts(&filter, UserField::License).unwrap();
            let mut slow: HashMap<Option<Text>, u64> = HashMap::new();
            for user in &passing {
                let mut held: Vec<Text> =
                    PersonRow { user, products: &products }.licenses().map(|name| Text::from(&*name)).collect();
                held.sort();
                held.dedup();
                if held.is_empty() {
                    *slow.entry(None).or_default() += 1;
                }
                for name in held {
                    *slow.entry(Some(name)).or_default() += 1;
                }
            }
            prop_assert_eq!((matched, values), (passing.len() as u64, slow.len() as u64));
            prop_assert!(counted.is_sorted_by(|a, b| a.users >= b.users), "the most first");
            prop_assert_eq!(counted.into_iter().map(|row| (row.value, row.users)).collect::<HashMap<_, _>>(), slow);
        }
    }
}

#[test]
fn a_snapshot_that_is_gone_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = store_at(&dir.path().join("store.redb"));
    let told = People::open(store.reader(), SnapshotId(77), None).err().unwrap().to_string();
    assert!(told.contains("snapshot 77 is missing"), "{told}");
}
