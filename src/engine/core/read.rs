use jiff::Timestamp;

use crate::model::{Change, Fleet, Key, LicenseReading, SetOutcome, SoldOutcome, Tenant};

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
