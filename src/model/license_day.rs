//! License counts day by day. A day is one of UTC; of several imports of a day the last counts.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{SkuCount, SkuId, Tenant, joined, license_rows};

/// The day of a time, in UTC.
pub fn day_of(at: Timestamp) -> Date {
    jiff::tz::TimeZone::UTC.to_datetime(at).date()
}

/// What was read of a product on a day. A count that was not read that day, or that the answer left out, is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LicenseDay {
    /// The day, in UTC.
    pub day: Date,
    /// Which product.
    pub sku_id: SkuId,
    /// Whether the SKUs of that day had it; absent where none were read.
    pub listed: Option<bool>,
    /// Usable units: enabled + warning.
    pub purchased: Option<i64>,
    /// `consumedUnits`
    pub assigned: Option<i64>,
    /// How many users held it, by our own count.
    pub held: Option<u64>,
    /// Active units that we sold.
    pub sold: Option<i64>,
}

impl LicenseDay {
    /// Purchased less assigned. Negative when units lapsed without being unassigned.
    pub fn unassigned(&self) -> Option<i64> {
        Some(self.purchased?.saturating_sub(self.assigned?))
    }
}

/// What the store keeps of the licenses of a tenant over the years: of one product, or of all.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LicenseHistory {
    /// The days on which an import saved SKUs, users or both, the oldest first. A day between two of them that is not
    /// here had no import that came through.
    pub read: Vec<Date>,
    /// What was read, by day and then by product. A product has no row for a day on which it was not listed, held or
    /// sold.
    pub rows: Vec<LicenseDay>,
    /// Months, by their first days, whose record cannot be read: a disk damaged it, or a newer program wrote it.
    pub unreadable: Vec<Date>,
}

/// Units of a product, as far as they were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Units {
    /// Usable ones: enabled + warning.
    pub purchased: Option<i64>,
    /// `consumedUnits`
    pub assigned: Option<i64>,
}

/// What an import, or a reading of what we sold, says of the licenses of a tenant on its day. A data set that was not
/// read is absent: it says nothing, and what the day had before stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseReading {
    /// The day, in UTC.
    pub day: Date,
    /// Purchased and assigned units of each product listed.
    pub skus: Option<BTreeMap<SkuId, Units>>,
    /// How many users held each product, also 0 where one is listed and can be held.
    pub held: Option<BTreeMap<SkuId, u64>>,
    /// Active units sold of each product.
    pub sold: Option<BTreeMap<SkuId, i64>>,
}

impl LicenseReading {
    /// What the data sets of a tenant say that were read at a time; `users`, `skus` and `sold` say which these are.
    /// Products without an id are left out: nothing tells one of them from another on the next day.
    pub fn of(tenant: &Tenant, at: Timestamp, users: bool, skus: bool, sold: bool) -> Self {
        let rows = license_rows(tenant);
        let held = || rows.iter().filter_map(|row| Some((row.sku_id?, row.held?))).collect();
        let units = || rows.iter().filter_map(|row| Some((row.sku_id?, row.sold?))).collect();
        Self {
            day: day_of(at),
            skus: skus.then(|| listed(&joined(tenant.sku_counts.to_vec()))),
            held: users.then(held),
            sold: (sold && tenant.sold.as_deref().is_some_and(|sold| sold.read_at.is_some())).then(units),
        }
    }
}

/// The units of each product.
fn listed(counts: &[SkuCount]) -> BTreeMap<SkuId, Units> {
    let units = |count: &SkuCount| Units { purchased: count.purchased(), assigned: count.consumed };
    counts.iter().filter_map(|count| Some((count.sku_id?, units(count)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Good, Key, Packed, Prepaid, RunId, Sku, SnapshotId, Sold, Subscription, TenantId};

    fn id(n: u128) -> SkuId {
        SkuId::new(uuid::Uuid::from_u128(n))
    }

    fn tenant() -> Tenant {
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) };
        let mut tenant = Tenant::new(key, "x".into(), "x".into(), Timestamp::UNIX_EPOCH);
        let count = |sku: Option<u128>, enabled: Option<i64>, consumed| {
            let prepaid = Prepaid { enabled, warning: Some(1), ..Prepaid::default() };
            SkuCount::from(&Sku { sku_id: sku.map(id), prepaid: Some(prepaid), consumed, ..Sku::default() })
        };
        let mut company = count(Some(4), Some(3), Some(0));
        company.applies_to = Some("Company".into());
        let twice = [count(Some(1), Some(9), Some(7)), count(Some(1), Some(4), Some(2))];
        let rest = [count(Some(2), None, Some(5)), count(None, Some(1), Some(1)), company];
        tenant.sku_counts = Packed::of(&twice.into_iter().chain(rest).collect::<Vec<_>>());
        tenant.held = Packed::of(&[(id(1), 8u64), (id(3), 2)]);
        tenant.users.good = Some(Good { at: Timestamp::UNIX_EPOCH, count: 9, snapshot: SnapshotId(1), run: RunId(1) });
        let sale = Subscription { quantity: 15, status: "active".into(), sku_id: Some(id(1)), ..Default::default() };
        tenant.sold = Some(Box::new(Sold {
            read_at: Some(Timestamp::UNIX_EPOCH),
            subscriptions: Packed::of(&[sale]),
            ..Sold::default()
        }));
        tenant
    }

    #[test]
    fn a_reading_says_what_was_read_and_nothing_of_the_rest() {
        let at: Timestamp = "2026-11-23T23:59:59Z".parse().unwrap();
        let all = LicenseReading::of(&tenant(), at, true, true, true);
        assert_eq!(all.day, jiff::civil::date(2026, 11, 23));
        let (listed, held) = (all.skus.unwrap(), all.held.unwrap());
        assert_eq!(
            listed[&id(1)],
            Units { purchased: Some(15), assigned: Some(9) },
            "a product listed twice is summed"
        );
        assert_eq!(listed[&id(2)], Units { purchased: None, assigned: Some(5) }, "what was not told is unknown");
        assert_eq!(listed.len(), 3, "what has no id is left out");
        assert_eq!(held, BTreeMap::from([(id(1), 8), (id(2), 0), (id(3), 2)]), "nobody holds one for the company");
        assert_eq!(
            all.sold,
            Some(BTreeMap::from([(id(1), 15), (id(2), 0), (id(3), 0), (id(4), 0)])),
            "read whole: none is 0"
        );
        let users = LicenseReading::of(&tenant(), at, true, false, false);
        assert_eq!((users.skus, users.held.is_some(), users.sold), (None, true, None));
        let never = Tenant { sold: None, ..tenant() };
        assert_eq!(LicenseReading::of(&never, at, false, false, true).sold, None, "never read is unknown, not nothing");
    }

    #[test]
    fn unassigned_is_known_where_both_are() {
        let day = |purchased, assigned| {
            let day = jiff::civil::date(2026, 1, 1);
            LicenseDay { day, sku_id: id(1), listed: Some(true), purchased, assigned, held: None, sold: None }
                .unassigned()
        };
        assert_eq!((day(Some(3), Some(5)), day(None, Some(5)), day(Some(3), None)), (Some(-2), None, None));
    }
}
