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
    /// The most readings that are kept of a tenant, of months that are over.
    pub const READINGS: usize = 3;

    /// The reading that is kept of a month.
    pub fn reading(&self, month: Month) -> Option<&Reading> {
        self.readings.iter().find(|reading| reading.month == month)
    }

    /// Whether somebody saved rules or prices: the costs of others are not allocated.
    pub const fn is_used(&self) -> bool {
        self.rules > 0 || self.prices > 0
    }

    /// Notes that what stood may have been replaced, in the month `today`. It is kept unless what stands is of the same month,
    /// and only of a tenant whose costs are allocated.
    pub fn replaced(&mut self, before: Option<Reading>, now: Option<&Reading>, today: Month) {
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
        // Half an import leaves one of the month that goes on: a whole one takes it away again, and nothing comes back that
        // made room for it.
        let goes_on = self.readings.last().is_some_and(|reading| reading.month >= today);
        let most = Self::READINGS + usize::from(goes_on);
        while self.readings.len() > most {
            let at = self.readings.iter().position(|reading| self.is_spare(reading.month)).unwrap_or(0);
            self.readings.remove(at);
        }
    }

    /// Whether a month is closed, and not the latest that is.
    fn is_spare(&self, month: Month) -> bool {
        self.is_closed(month) && self.closed.last() != Some(&month)
    }

    /// Gives up what is of no more use when a month is closed: of closed months all but this one and the latest, so that these
    /// can be opened and closed again.
    pub(super) fn give_up(&mut self, closed: Month) {
        let readings = std::mem::take(&mut self.readings);
        self.readings = readings.into_iter().filter(|one| one.month == closed || !self.is_spare(one.month)).collect();
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
            known.replaced(Some(pair[0].clone()), Some(&pair[1]), pair[1].month);
        }
        assert_eq!(kept(&known), [("2026-10".to_owned(), 31)]);
        // Of a tenant whose costs nobody allocates nothing is kept.
        let mut unused = Allocated::default();
        unused.replaced(Some(days[1].clone()), Some(&days[2]), days[2].month);
        assert_eq!(kept(&unused), []);
        // What did not change is not kept beside itself.
        known.replaced(Some(days[3].clone()), Some(&days[3]), days[3].month);
        assert_eq!(kept(&known), [("2026-10".to_owned(), 31)]);
    }

    #[test]
    fn half_an_import_does_not_take_the_whole_one_of_its_month_away() {
        let (whole, half_later, next) = (reading("2026-10-30", 1), None, reading("2026-11-01", 3));
        let mut known = used();
        known.replaced(Some(whole.clone()), half_later, whole.month);
        assert_eq!(kept(&known), [("2026-10".to_owned(), 1)]);
        // What stands is of no one import: nothing is kept of it.
        known.replaced(None, Some(&next), next.month);
        assert_eq!(kept(&known), [("2026-10".to_owned(), 1)]);
        // A whole one of the same month is the later reading of it.
        let mut mended = used();
        let later = reading("2026-10-31", 2);
        mended.replaced(Some(whole), None, later.month);
        mended.replaced(None, Some(&later), later.month);
        assert_eq!(kept(&mended), []);
    }

    #[test]
    fn readings_are_bounded_and_given_up_with_the_months_that_are_closed() {
        let mut known = used();
        let months = ["2026-06", "2026-07", "2026-08", "2026-09", "2026-10"];
        let days: Vec<Reading> = months.iter().zip(6..).map(|(month, n)| reading(&format!("{month}-28"), n)).collect();
        for pair in days.windows(2) {
            known.replaced(Some(pair[0].clone()), Some(&pair[1]), pair[1].month);
        }
        assert_eq!(kept(&known), [("2026-07".to_owned(), 7), ("2026-08".to_owned(), 8), ("2026-09".to_owned(), 9)]);
        let close = |known: &mut Allocated, month: &str| {
            known.apply(&AllocatedFact::Closed { month: month.parse().unwrap() });
        };
        // The one that was closed last stays, to be opened and closed again, and so does the latest.
        close(&mut known, "2026-07");
        assert_eq!(known.readings.len(), 3);
        close(&mut known, "2026-09");
        assert_eq!(kept(&known), [("2026-08".to_owned(), 8), ("2026-09".to_owned(), 9)]);
        close(&mut known, "2026-08");
        assert_eq!(kept(&known), [("2026-08".to_owned(), 8), ("2026-09".to_owned(), 9)]);
        // An import gives up nothing of it.
        known.replaced(Some(days[4].clone()), Some(&days[4]), days[4].month);
        assert_eq!(known.readings.len(), 2);
        // A closed month is replaced: it is kept as long as no later one is closed.
        close(&mut known, "2026-10");
        assert_eq!(kept(&known), []);
        let next = reading("2026-11-01", 11);
        known.replaced(Some(days[4].clone()), Some(&next), next.month);
        assert_eq!(kept(&known), [("2026-10".to_owned(), 10)]);
        known.apply(&AllocatedFact::Reopened { month: "2026-10".parse().unwrap(), reason: "x".into() });
        assert_eq!(kept(&known), [("2026-10".to_owned(), 10)]);
    }

    #[test]
    fn the_month_that_goes_on_takes_no_room_of_those_that_are_over() {
        let [aug, sep, oct, first, nov, dec] =
            ["2026-08-31", "2026-09-30", "2026-10-31", "2026-11-01", "2026-11-02", "2026-12-01"]
                .map(|day| reading(day, 1));
        let months = |known: &Allocated| known.readings.iter().map(|one| one.month).collect::<Vec<_>>();
        let over = [aug.month, sep.month, oct.month];
        let mut known = Allocated { readings: vec![aug.clone(), sep.clone(), oct.clone()], ..used() };
        // Half an import of November, then a whole one.
        known.replaced(Some(first.clone()), None, nov.month);
        assert_eq!(months(&known), [&over[..], &[nov.month]].concat());
        let mut half = known.clone();
        known.replaced(None, Some(&nov), nov.month);
        assert_eq!(months(&known), over);
        // November is over, whatever the first import of December brings.
        for now in [None, Some(&dec)] {
            let mut known = half.clone();
            known.replaced(None, now, dec.month);
            assert_eq!(months(&known), [sep.month, oct.month, nov.month]);
        }
        // One more at most, whatever the clock says.
        half.replaced(Some(dec), None, oct.month);
        assert_eq!(half.readings.len(), Allocated::READINGS + 1);
    }

    #[test]
    fn an_open_month_goes_after_a_closed_one_of_which_a_later_one_is_closed() {
        let [aug, sep, oct, nov, dec] = ["2026-08-31", "2026-09-30", "2026-10-31", "2026-11-30", "2026-12-01"]
            .map(|day| reading(day, day[5..7].parse().unwrap()));
        let closed = vec![sep.month, oct.month];
        let mut known = Allocated { readings: vec![aug.clone(), sep, oct.clone()], closed, ..used() };
        known.replaced(Some(nov.clone()), Some(&dec), dec.month);
        let months: Vec<Month> = known.readings.iter().map(|one| one.month).collect();
        assert_eq!(months, [aug.month, oct.month, nov.month]);
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
