//! When whose blocked tenants are probed, and which. Pure: the time comes in as a value.

use jiff::{SignedDuration, Timestamp};

use crate::model::{Fleet, Key, PartnerName, State, Tenant};

/// The partners take turns, so that a period is used evenly. Of n partners the first has its turn after an n-th of a
/// period, and each turn is an n-th after the one before, however late that was: no partner's own sign-in is asked for more
/// than once in a period.
#[derive(Debug)]
pub(super) struct Rota {
    every: SignedDuration,
    partners: Vec<PartnerName>,
    /// Which of them is next, and when.
    whose: usize,
    next: Timestamp,
}

impl Rota {
    /// A rota that begins; absent if nothing is ever due.
    pub(super) fn new(now: Timestamp, every: SignedDuration, partners: Vec<PartnerName>) -> Option<Self> {
        let mut rota =
            (every.is_positive() && !partners.is_empty()).then_some(Self { every, partners, whose: 0, next: now })?;
        rota.next = rota.after(now);
        Some(rota)
    }

    /// Whose turn it is, if one is due; it is over with that. A turn that was slept through is made up for at once, those
    /// after it follow in their order.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<PartnerName> {
        let soonest = self.after(now);
        if now < self.next {
            // A clock that was set back does not put it off for longer.
            self.next = self.next.min(soonest);
            return None;
        }
        self.next = soonest;
        let partner = self.partners.get(self.whose).cloned();
        self.whose = (self.whose + 1) % self.partners.len();
        partner
    }

    /// How long it is until the next turn.
    pub(super) fn wait(&self, now: Timestamp) -> SignedDuration {
        self.next.duration_since(now).max(SignedDuration::ZERO)
    }

    /// A turn after a time.
    fn after(&self, now: Timestamp) -> Timestamp {
        let turn = self.every / i32::try_from(self.partners.len()).unwrap_or(i32::MAX);
        now.checked_add(turn).unwrap_or(Timestamp::MAX)
    }

    /// The tenants of a partner that are probed in its turn: those whose sign-in their own side refuses, as it seems,
    /// and that nobody tried within half a period.
    pub(super) fn tenants(&self, fleet: &Fleet, partner: &PartnerName, now: Timestamp) -> Vec<Key> {
        let rested = |tenant: &Tenant| {
            tenant.tried_at.is_none_or(|at| now.duration_since(at).as_millis() * 2 >= self.every.as_millis())
        };
        let of_partner = fleet.tenants.values().filter(|tenant| tenant.key.partner == *partner);
        let shut = of_partner.filter(|tenant| is_shut(fleet, tenant, now) && rested(tenant));
        shut.map(|tenant| tenant.key.clone()).collect()
    }
}

/// Whether a tenant's own side refuses our sign-in: neither paused, nor gone, nor in a run, nor refused as most are.
fn is_shut(fleet: &Fleet, tenant: &Tenant, now: Timestamp) -> bool {
    let refused = tenant.users.failing.iter().chain(&tenant.skus.failing);
    tenant.gone_at.is_none()
        && matches!(fleet.state(tenant, now), State::Blocked | State::NoAccess)
        && refused.into_iter().all(|failing| failing.failure.is_of_sign_in())
}

#[cfg(test)]
mod tests;
