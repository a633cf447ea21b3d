use std::sync::Arc;

use jiff::Timestamp;

use super::allocating::Kept;
use super::turn::{Op, Turn};
use crate::model::allocation::{Counted, Reading, ReadingRecord};
use crate::model::{Catalog, Change, Fleet, Key, LicenseReading, SetOutcome, SnapshotId, SoldOutcome, Tenant};

/// Data sets of a tenant that a fact makes the good ones.
pub(super) struct Fresh {
    pub(super) tenant: Key,
    at: Timestamp,
    users: bool,
    skus: bool,
    sold: bool,
}

impl Fresh {
    /// What a fact is about to make good, in a fleet that does not know of it yet. What was held back is as old as its
    /// import, whenever it is accepted.
    pub(super) fn of(change: &Change, fleet: &Fleet) -> Option<Self> {
        let fresh = match change {
            Change::JobDone { tenant, at, users, skus, .. } => {
                let saved = |outcome: &SetOutcome| matches!(outcome, SetOutcome::Saved { .. });
                Self { tenant: tenant.clone(), at: *at, users: saved(users), skus: saved(skus), sold: false }
            }
            Change::Reviewed { tenant, accepted: true, .. } => {
                let aside = fleet.tenants.get(tenant)?.held_back.as_ref()?;
                let (users, skus) = (aside.users.is_some(), aside.skus.is_some());
                Self { tenant: tenant.clone(), at: aside.at, users, skus, sold: false }
            }
            Change::Sold { tenant, at, outcome: SoldOutcome::Read(_) | SoldOutcome::Unjoined(..) } => {
                Self { tenant: tenant.clone(), at: *at, users: false, skus: false, sold: true }
            }
            Change::Reviewed { accepted: false, .. }
            | Change::Sold { outcome: SoldOutcome::Failed(_), .. }
            | Change::PartnerSignedIn { .. }
            | Change::PartnerRefused { .. }
            | Change::Listed { .. }
            | Change::Relations { .. }
            | Change::RelationsRefused { .. }
            | Change::Credentials { .. }
            | Change::RunStarted { .. }
            | Change::Selling { .. }
            | Change::Recalled { .. }
            | Change::Scheduled { .. }
            | Change::Due { .. }
            | Change::Queued { .. }
            | Change::JobStarted { .. }
            | Change::Stepped { .. }
            | Change::RunEnded { .. }
            | Change::Paused { .. }
            | Change::Resumed { .. }
            | Change::Ticketed { .. }
            | Change::TicketClosed { .. }
            | Change::Known { .. }
            | Change::Forgotten { .. }
            | Change::Allocated { .. }
            | Change::Named { .. } => return None,
        };
        (fresh.users || fresh.skus || fresh.sold).then_some(fresh)
    }

    /// What they say of the day, once they are the good ones.
    pub(super) fn reading(&self, tenant: &Tenant) -> LicenseReading {
        LicenseReading::of(tenant, self.at, self.users, self.skus, self.sold)
    }
}

/// What a tenant points to before a fact, and what its products come to, should the fact replace them.
pub(super) struct Stood {
    tenant: Key,
    snapshots: Vec<SnapshotId>,
    readings: Vec<Reading>,
    /// What the month of the data needs of them, if they are of one import.
    last: Option<(Reading, ReadingRecord)>,
}

impl Stood {
    pub(super) fn of(tenant: &Tenant, catalog: &Catalog) -> Self {
        let counted = |reading: Reading| {
            let counted = Arc::new(Counted::all(tenant, catalog));
            let record = ReadingRecord { users: reading.users.snapshot, counted };
            (reading, record)
        };
        Self {
            tenant: tenant.key.clone(),
            snapshots: tenant.snapshots().collect(),
            readings: tenant.allocated.readings.clone(),
            // Of others nothing is kept.
            last: Reading::of(tenant).filter(|_| tenant.allocated.is_used()).map(counted),
        }
    }

    pub(super) fn key(&self) -> &Key {
        &self.tenant
    }

    /// Notes what the tenant does not point to any more, and the readings that it keeps from here on.
    pub(super) fn settle(self, tenant: &Tenant, turn: &mut Turn) {
        let Self { tenant: key, snapshots, readings, last } = self;
        let after: Vec<SnapshotId> = tenant.snapshots().collect();
        turn.ops.extend(snapshots.into_iter().filter(|id| !after.contains(id)).map(Op::Drop));
        for gone in readings.iter().filter(|reading| tenant.allocated.reading(reading.month).is_none()) {
            turn.kept.push(Kept::NoReading(key.clone(), gone.month));
        }
        if let Some((reading, record)) = last
            && tenant.allocated.reading(reading.month) == Some(&reading)
        {
            turn.kept.push(Kept::Reading(key, reading.month, Box::new(record)));
        }
    }
}
