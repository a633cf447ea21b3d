//! Looking at users gives what reading them one by one gives.

use std::collections::HashMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::{sku, store_at};
use crate::model::{
    AssignedLicense, Double, Filter, Filterable, Fixed, Manager, Oddity, PersonRow, PlanId, Products, ServicePlan, Sku,
    SkuId, SnapshotId, Text, TextField, User, UserField, UserId, UsersLook,
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
    let held = proptest::option::of(proptest::collection::vec(0u8..5, 0..4));
    let kind = proptest::option::of(proptest::sample::select(&["Guest", "Member"][..]));
    let place = proptest::option::of(proptest::sample::select(&["DE", ""][..]));
    (text(), text(), text(), held, text(), (kind, place, any::<bool>())).prop_map(
        |(name, department, extension, held, manager, (kind, place, told))| {
            let mut user = User::new(UserId::new(Uuid::nil()));
            user.absent = if told { 0 } else { Fixed::Text(TextField::UsageLocation).bit() };
            user.texts[TextField::UserType as usize] = kind.map(Text::from);
            user.texts[TextField::UsageLocation as usize] = place.map(Text::from);
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

/// Two products with names, of which one includes the other, and a third that says no more than that it includes both.
fn rows() -> Vec<Sku> {
    let plan = |n: u128| ServicePlan {
        id: Some(PlanId::new(Uuid::from_u128(n))),
        name: None,
        status: None,
        applies_to: Some("User".into()),
    };
    [(1, "SPE_E3", &[1, 2][..]), (2, "VISIO", &[2]), (3, "", &[1, 2, 3])]
        .map(|(n, part, plans)| Sku {
            sku_id: Some(sku_id(n)),
            service_plans: plans.iter().copied().map(plan).collect(),
            ..sku(part)
        })
        .into()
}

/// A store with these users and products.
fn stored(store: &mut Store, users: &[User]) -> (SnapshotId, SnapshotId) {
    let (people, skus) = (store.next_snapshot(), store.next_snapshot());
    let mut batch = store.batch().unwrap();
    for page in users.chunks(100) {
        batch.stage_users(people, &UsersPage::encode(page).unwrap()).unwrap();
    }
    batch.stage_skus(skus, &rows()).unwrap();
    batch.seal(people).unwrap();
    batch.seal(skus).unwrap();
    batch.commit(false).unwrap();
    (people, skus)
}

fn look(users: SnapshotId, skus: SnapshotId) -> UsersLook {
    UsersLook {
        users,
        skus: Some(skus),
        holding: None,
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
            "department:=", "license:00000000", "it sal", "sal it !none", "department:it sal", "finding:double",
            "finding:none", "!finding:none", "finding:guest !finding:location", "license:spe finding:double",
        ][..]), 1..6),
        sort in proptest::option::of(proptest::sample::select(&UserField::ALL[..])),
        reverse in any::<bool>(),
        holding in proptest::option::of(0u8..6),
        warmed in 0..4,
    ) {
        for (n, user) in users.iter_mut().enumerate() {
            user.id = UserId::new(Uuid::from_u128(n as u128));
        }
        let products = Products::of(&rows());
        let holding = holding.map(sku_id);
        let holds =
            |user: &User| user.licenses.iter().flatten().any(|license| holding.is_none_or(|id| license.sku_id == Some(id)));
        let dir = tempfile::tempdir().unwrap();
        let mut store = store_at(&dir.path().join("store.redb"));
        let snapshots = stored(&mut store, &users);
        let mut people = open(store.reader(), snapshots);
        for _ in 0..warmed {
            people.warm().unwrap();
        }
        for text in filters {
            let Ok(filter) = Filter::parse::<PersonRow<'_>>(text) else { continue };
            let hits = |user: &&User| filter.matches(&PersonRow { user, products: &products });
            let passing: Vec<&User> = users.iter().filter(hits).collect();
            let holders: Vec<&User> = users.iter().filter(|user| holding.is_none() || holds(user)).collect();
            let mut sorted: Vec<&User> = holders.iter().copied().filter(hits).collect();
            let all = holders.len() as u64;
            if let Some(field) = sort {
                let key = |user: &User, field| {
                    let row = PersonRow { user, products: &products };
                    let mut words: Vec<String> = match field {
                        UserField::License => row.licenses().map(Into::into).collect(),
                        UserField::Finding => row.findings().map(Into::into).collect(),
                        UserField::Text(_) | UserField::Manager | UserField::Extension(_) => row.value(field).map(Into::into).into_iter().collect(),
                    };
                    words.sort();
                    words.dedup();
                    let value = (!words.is_empty()).then(|| words.join("\u{1f}"));
                    (value.is_none(), value.as_deref().map(str::to_lowercase), value)
                };
                let found_by = |user: &User| {
                    let texts: Vec<String> =
                        PersonRow { user, products: &products }.texts().map(|text| text.to_lowercase() + "\t").collect();
                    texts.concat()
                };
                sorted.sort_by_key(|user| (key(user, field), (field == UserField::Finding).then(|| found_by(user))));
            }
            if reverse {
                sorted.reverse();
            }
            let wanted = UsersLook { holding, sort, reverse, ..look(snapshots.0, snapshots.1) };
            let seen = people.window(&wanted, &filter).unwrap();
            prop_assert_eq!((seen.total, seen.matched), (all, sorted.len() as u64), "{}", text);
            prop_assert_eq!(seen.tally.is_some(), holding.is_some());
            if let Some(tally) = &seen.tally {
                let odd = |user: &&&User| products.oddities((**user).into());
                prop_assert_eq!(tally.holders, all);
                let any = holders.iter().filter(|user| odd(user).iter().next().is_some()).count();
                prop_assert_eq!(tally.odd, any as u64);
                for (oddity, n) in Oddity::ALL.into_iter().zip(tally.oddities) {
                    prop_assert_eq!(n, holders.iter().filter(|user| odd(user).has(oddity)).count() as u64);
                }
                let mut doubles: HashMap<Double, u64> = HashMap::new();
                for user in &holders {
                    for double in products.doubles(user.licenses.as_deref().unwrap_or_default()) {
                        *doubles.entry(double).or_default() += 1;
                    }
                }
                prop_assert_eq!(tally.doubles.iter().copied().collect::<HashMap<_, _>>(), doubles);
                prop_assert_eq!(tally.departments.iter().map(|row| row.users).sum::<u64>(), all);
            }
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
