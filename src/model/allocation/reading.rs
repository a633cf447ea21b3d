//! The last reading of a month: what stays of it when a later import took its place.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Allocated, Counted, Month};
use crate::model::{Good, SnapshotId, Tenant};

/// Users and SKUs of one import of a month. The users stay where they are; the counts of the SKUs lie beside them in the store
/// ([`ReadingRecord`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Of which month.
    pub month: Month,
    /// The users.
    pub users: Good,
    /// When the SKUs were read.
    pub skus_at: Timestamp,
}

/// What the store keeps of a reading beside its users.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingRecord {
    /// The users that it belongs to.
    pub users: SnapshotId,
    /// The products as they were counted, and called.
    pub counted: Arc<Vec<Counted>>,
}

impl Reading {
    /// What stands of a tenant, if a month could be closed with it: users and SKUs of one import, and of one month.
    pub fn of(tenant: &Tenant) -> Option<Self> {
        let (users, skus) = (tenant.users.good.as_ref()?, tenant.skus.good.as_ref()?);
        let month = Month::of(users.at);
        let is_one = users.run == skus.run && Month::of(skus.at) == month;
        is_one.then(|| Self { month, users: users.clone(), skus_at: skus.at })
    }
}

impl Allocated {
    /// The most readings that are kept of a tenant.
    pub const READINGS: usize = 3;

    /// The reading that is kept of a month.
    pub fn reading(&self, month: Month) -> Option<&Reading> {
        self.readings.iter().find(|reading| reading.month == month)
    }

    /// Whether somebody saved rules or prices: the costs of others are not allocated.
    pub const fn is_used(&self) -> bool {
        self.rules > 0 || self.prices > 0
    }

    /// Notes that what stood may have been replaced. It is kept unless what stands is of the same month, and only of a
    /// tenant whose costs are allocated.
    pub fn replaced(&mut self, before: Option<Reading>, now: Option<&Reading>) {
        if let Some(before) = before
            && self.is_used()
            && now.is_none_or(|now| now.users.snapshot != before.users.snapshot)
        {
            self.readings.retain(|reading| reading.month != before.month);
            let at = self.readings.partition_point(|reading| reading.month < before.month);
            self.readings.insert(at, before);
        }
        if let Some(now) = now {
            self.readings.retain(|reading| reading.month != now.month);
        }
        self.give_up();
    }

    /// Gives up what is of no more use: of closed months all but the one that was closed last, so that this one can be opened
    /// and closed again; and what is beyond the most that are kept, the oldest first.
    pub(super) fn give_up(&mut self) {
        let last = self.closed.last().copied();
        let closed = std::mem::take(&mut self.closed);
        self.readings.retain(|reading| closed.binary_search(&reading.month).is_err() || last == Some(reading.month));
        self.closed = closed;
        let beyond = self.readings.len().saturating_sub(Self::READINGS);
        self.readings.drain(..beyond);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AllocatedFact, AllocationOf};
    use super::*;
    use crate::model::{Catalog, Key, RunId, TenantId};

    fn reading(day: &str, n: u64) -> Reading {
        let at: Timestamp = format!("{day}T02:10:00Z").parse().unwrap();
        let users = Good { at, count: 1, snapshot: SnapshotId(n), run: RunId(n) };
        Reading { month: Month::of(at), users, skus_at: at }
    }

    fn kept(known: &Allocated) -> Vec<(String, u64)> {
        known.readings.iter().map(|one| (one.month.to_string(), one.users.snapshot.0)).collect()
    }

    fn used() -> Allocated {
        Allocated { prices: 1, ..Allocated::default() }
    }

    #[test]
    fn the_last_reading_of_a_month_is_kept_when_a_later_month_takes_its_place() {
        let days =
            ["2026-10-30", "2026-10-31", "2026-11-01", "2026-11-02"].map(|day| reading(day, day[8..].parse().unwrap()));
        let mut known = used();
        for pair in days.windows(2) {
            known.replaced(Some(pair[0].clone()), Some(&pair[1]));
        }
        assert_eq!(kept(&known), [("2026-10".to_owned(), 31)]);
        // Of a tenant whose costs nobody allocates nothing is kept.
        let mut unused = Allocated::default();
        unused.replaced(Some(days[1].clone()), Some(&days[2]));
        assert_eq!(kept(&unused), []);
        // What did not change is not kept beside itself.
        known.replaced(Some(days[3].clone()), Some(&days[3]));
        assert_eq!(kept(&known), [("2026-10".to_owned(), 31)]);
    }

    #[test]
    fn half_an_import_does_not_take_the_whole_one_of_its_month_away() {
        let (whole, half_later, next) = (reading("2026-10-30", 1), None, reading("2026-11-01", 3));
        let mut known = used();
        known.replaced(Some(whole.clone()), half_later);
        assert_eq!(kept(&known), [("2026-10".to_owned(), 1)]);
        // What stands is of no one import: nothing is kept of it.
        known.replaced(None, Some(&next));
        assert_eq!(kept(&known), [("2026-10".to_owned(), 1)]);
        // A whole one of the same month is the later reading of it.
        let mut mended = used();
        mended.replaced(Some(whole), None);
        mended.replaced(None, Some(&reading("2026-10-31", 2)));
        assert_eq!(kept(&mended), []);
    }

    #[test]
    fn readings_are_bounded_and_given_up_with_the_months_that_are_closed() {
        let mut known = used();
        let months = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"];
        let days: Vec<Reading> = months.iter().zip(6..).map(|(month, n)| reading(&format!("{month}-28"), n)).collect();
        for pair in days.windows(2) {
            known.replaced(Some(pair[0].clone()), Some(&pair[1]));
        }
        assert_eq!(kept(&known), [("2026-07".to_owned(), 7), ("2026-08".to_owned(), 8), ("2026-09".to_owned(), 9)]);
        let close = |known: &mut Allocated, month: &str| {
            known.apply(&AllocatedFact::Closed { month: month.parse().unwrap() });
        };
        // The one that was closed last stays, to be opened and closed again.
        close(&mut known, "2026-07");
        assert_eq!(known.readings.len(), 3);
        close(&mut known, "2026-09");
        assert_eq!(kept(&known), [("2026-08".to_owned(), 8), ("2026-09".to_owned(), 9)]);
        close(&mut known, "2026-08");
        assert_eq!(kept(&known), [("2026-09".to_owned(), 9)]);
        // A closed month is replaced: it is kept as long as no later one is closed.
        close(&mut known, "2026-10");
        assert_eq!(kept(&known), []);
        known.replaced(Some(days[4].clone()), Some(&reading("2026-11-01", 11)));
        assert_eq!(kept(&known), [("2026-10".to_owned(), 10)]);
        known.apply(&AllocatedFact::Reopened { month: "2026-10".parse().unwrap(), reason: "x".into() });
        assert_eq!(kept(&known), [("2026-10".to_owned(), 10)]);
    }

    #[test]
    fn only_users_and_skus_of_one_import_and_month_are_a_reading() {
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) };
        let mut tenant = Tenant::new(key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH);
        assert_eq!(Reading::of(&tenant), None);
        let good = |day: &str, run: u64| {
            let at = format!("{day}T23:59:59Z").parse().unwrap();
            Some(Good { at, count: 1, snapshot: SnapshotId(run), run: RunId(run) })
        };
        (tenant.users.good, tenant.skus.good) = (good("2026-10-31", 1), good("2026-10-31", 1));
        assert_eq!(Reading::of(&tenant).unwrap().month.to_string(), "2026-10");
        tenant.skus.good = good("2026-10-31", 2);
        assert_eq!(Reading::of(&tenant), None, "of two imports");
        tenant.skus.good = good("2026-11-01", 1);
        assert_eq!(Reading::of(&tenant), None, "of two months");
    }

    #[test]
    fn a_month_that_is_over_has_its_reading_and_the_one_that_it_is_what_stands() {
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) };
        let mut tenant = Tenant::new(key, "T".into(), "t".into(), Timestamp::UNIX_EPOCH);
        let stands = reading("2026-11-27", 9).users;
        (tenant.users.good, tenant.skus.good) =
            (Some(stands.clone()), Some(Good { snapshot: SnapshotId(8), ..stands }));
        tenant.allocated.prices = 1;
        tenant.allocated.readings = vec![reading("2026-10-31", 5), reading("2026-11-20", 7)];
        let month = |text: &str| -> Month { text.parse().unwrap() };
        let of = |asked: &str| AllocationOf::new(&tenant, &Catalog::default(), month(asked), month("2026-11"));
        let told = |of: &AllocationOf| (of.users.map(|users| users.0), of.kept, of.facts.is_of_month());
        let before = |of: &AllocationOf| of.before.as_ref().map(|before| (before.facts.month.to_string(), before.kept));
        let (october, november) = (of("2026-10"), of("2026-11"));
        assert_eq!((told(&october), before(&october)), ((Some(5), true, true), None));
        // Half an import left a reading of the month that it is: what stands is shown until that month is over.
        assert_eq!((told(&november), before(&november)), ((Some(9), false, true), Some(("2026-10".to_owned(), true))));
        let later = AllocationOf::new(&tenant, &Catalog::default(), month("2026-11"), month("2026-12"));
        assert_eq!(told(&later), (Some(7), true, true));
        assert_eq!(told(&of("2026-09")), (Some(9), false, false), "nothing is kept of it");
        // A closed month before stands as it was frozen.
        tenant.allocated.closed = vec![month("2026-10")];
        let next = AllocationOf::new(&tenant, &Catalog::default(), month("2026-11"), month("2026-11"));
        assert_eq!(before(&next), None);
    }
}
