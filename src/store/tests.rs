mod allocation;
mod backup;
mod difference;
mod disk;
mod history;
mod model;
mod months;
mod opening;
mod people;
mod sealed;
mod tries;

use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Reader, Store, StoreError, UsersPage, codec};
use crate::model::{
    AssignedLicense, Good, Id, Key, Packed, PartnerName, RunId, Sku, SkuCount, SnapshotId, Tenant, TextField, User,
    UserId,
};

const CACHE: usize = 4 << 20;

fn store_at(path: &Path) -> Store {
    Store::open(path, CACHE).unwrap()
}

fn key(n: u8) -> Key {
    Key { partner: PartnerName::from("emea"), tenant: Id::new(Uuid::from_u128(0x7e57_0000 + u128::from(n))) }
}

/// Users of whom each says which set it belongs to.
fn users(set: u64, count: u64) -> Vec<User> {
    (0..count)
        .map(|n| {
            let mut user = User::new(UserId::new(Uuid::from_u128((u128::from(set) << 64) | u128::from(n))));
            user.texts[TextField::DisplayName as usize] = Some(format!("Person {n} of set {set}").into());
            user.texts[TextField::Department as usize] = Some(if n % 3 == 0 { "Finance" } else { "Sales" }.into());
            user.licenses = Some(vec![AssignedLicense {
                sku_id: Some(Id::new(Uuid::from_u128(u128::from(n % 4)))),
                disabled_plans: Vec::new(),
            }]);
            user
        })
        .collect()
}

fn sku(part: &str) -> Sku {
    Sku { part_number: Some(part.into()), ..Sku::default() }
}

fn good(count: u64, snapshot: SnapshotId) -> Good {
    Good { at: Timestamp::UNIX_EPOCH, count, snapshot, run: RunId(1) }
}

fn tenant(n: u8) -> Tenant {
    Tenant::new(key(n), format!("Tenant {n}").into(), "t.example".into(), Timestamp::UNIX_EPOCH)
}

/// Makes a set the good one of a tenant in one transaction, as the engine does, and drops the one before.
fn replace(store: &mut Store, tenant: &mut Tenant, set: u64, count: u64, durable: bool) -> Result<(), StoreError> {
    let snapshot = store.next_snapshot();
    let before = tenant.users.good.clone();
    tenant.users.good = Some(good(count, snapshot));
    let mut batch = store.batch()?;
    batch.stage_users(snapshot, &UsersPage::encode(&users(set, count)).unwrap())?;
    batch.seal(snapshot)?;
    if let Some(before) = before {
        batch.drop_snapshot(before.snapshot)?;
    }
    batch.put_tenant(tenant)?;
    batch.commit(durable)
}

/// The users that a tenant shows.
fn shown(reader: &Reader, tenant: &Tenant) -> Vec<User> {
    let mut all = Vec::new();
    if let Some(good) = &tenant.users.good {
        let handed = reader.users(good.snapshot, &mut |user| {
            all.push(user);
            true
        });
        assert_eq!(handed.unwrap(), good.count, "a good set is whole");
    }
    all
}
