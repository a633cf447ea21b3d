//! When a tenant is read next, and which are read now. Pure: the time comes in as a value.
//!
//! Every tenant has a slot: a quarter of an hour of the window, drawn from its id, the same one every day. What happens to
//! it moves its due time, which is kept with it; so a service that was down finds in its store what it missed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::config;
use crate::failure::Class;
use crate::model::{Ask, Due, DueWhy, Fleet, Key, Partner, PartnerName, RunId, Tenant};

/// Tenants that are due within it go together, in one run.
const SLICE_S: i64 = 15 * 60;
const DAY_S: i64 = 24 * 3600;
/// How often a day a tenant is tried out of turn.
const RETRIES: u8 = 3;
/// Each pause before such a try is so many times as long as the one before.
const LONGER: i32 = 4;
/// How long a partner rests that refused its own sign-in or its list. One that was not reached rests for a slice.
const PARTNER_RESTS: SignedDuration = SignedDuration::from_hours(1);
/// No due time that is drawn from the present lies further ahead, but for a pause: a day, what an import stands for, and an
/// hour. One that does was drawn by a clock that was wrong.
const FURTHEST: SignedDuration = SignedDuration::from_hours(24 + 12 + 1);

/// How soon a refusal is asked about again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// It passes by itself: soon, with pauses that grow.
    Soon,
    /// Somebody has to act, or nobody knows: once a day, in the slot.
    Daily,
}

/// The policy, for every class.
const fn patience(class: Class) -> Patience {
    match class {
        // The service or the line; and tokens, of which the next sign-in brings a new one.
        Class::Transient
        | Class::Throttled
        | Class::Network
        | Class::BadAnswer
        | Class::GraphTokenRejected
        | Class::GraphClaimsChallenge => Patience::Soon,
        // The customer's policies.
        Class::CapBlock
        | Class::CapDevice
        | Class::CapAppProtection
        | Class::CapTokenProtection
        | Class::CapAuthFlow
        | Class::CapExternalControl
        | Class::CapSignInFrequency
        | Class::MfaRequired
        | Class::SecurityDefaults
        | Class::CrossTenantPolicy
        | Class::InteractionRequiredUnknown
        // Relation, role, consent, license.
        | Class::ConsentMissing
        | Class::AppMissing
        | Class::ResourceMissing
        | Class::AssignmentMissing
        | Class::RelationshipMissing
        | Class::TenantUnavailable
        | Class::GraphForbidden
        | Class::GraphNotLicensed
        // Our own account, secret, configuration, request.
        | Class::RiskHomeTenant
        | Class::RefreshTokenExpired
        | Class::RefreshTokenRevoked
        | Class::RefreshTokenInvalid
        | Class::ClientCredential
        | Class::ServiceUser
        | Class::PartnerCenterMfa
        | Class::PartnerCenterForbidden
        | Class::WrongCloud
        | Class::RequestBug
        // A person's device sign-in, which no import does.
        | Class::DeviceFlowPending
        | Class::DeviceFlowEnded
        | Class::Unknown => Patience::Daily,
    }
}

/// What happened to a tenant, as far as its due time minds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    /// An import of it ended, well or not.
    Read,
    /// Its import was cut short, by a person or by a defect.
    Cancelled,
    /// It was listed, or a person decided over it.
    Decided,
}

/// What happened to a partner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// Its own sign-in passed.
    SignedIn,
    /// Its own sign-in was refused.
    Refused,
    /// Its own sign-in did not get through: a fault on the way.
    Unreached,
    /// It is being asked: what becomes of it is not known yet.
    Now,
    /// Its own sign-in passed, and its list was refused.
    ListRefused,
    /// Its list was read.
    Listed,
}

/// What is to be read now.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Wave {
    pub(super) tenants: Vec<Key>,
    /// Partners to be asked, whether or not tenants of theirs are due.
    pub(super) partners: BTreeSet<PartnerName>,
    /// Those whose customer list is read first.
    pub(super) lists: BTreeSet<PartnerName>,
}

/// A schedule that is kept.
#[derive(Debug, Clone)]
pub(super) struct Schedule {
    window: config::Window,
    retry_after: SignedDuration,
}

impl Schedule {
    /// Absent if the configuration wants none.
    pub(super) fn new(config: &config::Schedule) -> Option<Self> {
        let retry_after = SignedDuration::try_from(config.retry_after).unwrap_or(SignedDuration::ZERO);
        config.daily.then_some(Self { window: config.window, retry_after })
    }

    /// The part of the day, for people.
    pub(super) fn window(&self) -> String {
        self.window.to_string()
    }

    /// When a tenant is due after something happened to it, as it stands then.
    pub(super) fn next(&self, tenant: &Tenant, moved: Moved, now: Timestamp) -> Option<Due> {
        if let Some(left_out) = self.left_out(tenant, now) {
            return left_out;
        }
        match moved {
            Moved::Read => Some(self.after_import(tenant, now)),
            Moved::Cancelled => match tenant.due {
                Some(due) if due.at > now => Some(due),
                // The slice that was cancelled does not begin anew.
                Some(_) | None => Some(self.slot(tenant, later(now, SLICE_S), DueWhy::Cancelled)),
            },
            Moved::Decided => match tenant.due {
                Some(Due {
                    why: DueWhy::Slot | DueWhy::Refused | DueWhy::Cancelled | DueWhy::Retry { .. }, ..
                }) => tenant.due,
                Some(Due { why: DueWhy::HeldBack, .. }) if tenant.held_back.is_some() => tenant.due,
                // What was thrown away is not read again at once; what was accepted stands for a slot.
                Some(Due { why: DueWhy::HeldBack, at }) => {
                    Some(Due { at: self.fresh(tenant, now).at.max(at), why: DueWhy::Slot })
                }
                Some(Due { why: DueWhy::Pause, .. }) | None => Some(self.fresh(tenant, now)),
            },
        }
    }

    /// When a tenant is due as a service finds it in its store.
    pub(super) fn found(&self, tenant: &Tenant, now: Timestamp) -> Option<Due> {
        if let Some(left_out) = self.left_out(tenant, now) {
            return left_out;
        }
        let Some(due) = tenant.due else { return Some(self.fresh(tenant, now)) };
        let is_ahead = due.at > now;
        let is_wrong = due.at.duration_since(now) > FURTHEST;
        // Nobody is paused here: a pause that is still waited for was ended, or made shorter, while no schedule was kept.
        let after_pause = tenant.pause.as_ref().map(|pause| self.slot(tenant, pause.until, DueWhy::Pause).at);
        let is_over = due.why == DueWhy::Pause && after_pause.is_none_or(|at| due.at > at) && is_ahead;
        let is_elsewhere = is_ahead && !matches!(due.why, DueWhy::Retry { .. }) && !self.is_slot(&tenant.key, due.at);
        // A command, or a console, read it meanwhile.
        let too_early = later(due.at, -self.rest_s());
        let is_done = tenant.failing().is_none() && known(tenant, now).is_some_and(|at| at > too_early);
        Some(if is_wrong || is_over || is_elsewhere || is_done { self.fresh(tenant, now) } else { due })
    }

    /// A due time of who is gone, or of who is paused: its first slot after the pause. Absent for others.
    #[expect(clippy::option_option, reason = "a tenant that is gone has a decision too: it is not due at all")]
    fn left_out(&self, tenant: &Tenant, now: Timestamp) -> Option<Option<Due>> {
        if tenant.gone_at.is_some() {
            return Some(None);
        }
        let pause = tenant.pause.as_ref().filter(|pause| pause.until > now)?;
        Some(Some(self.slot(tenant, pause.until, DueWhy::Pause)))
    }

    /// After an import: the slot of the next day, or soon if what refused it passes by itself.
    fn after_import(&self, tenant: &Tenant, now: Timestamp) -> Due {
        let in_slot = |why| self.slot(tenant, later(now, self.rest_s()), why);
        let mut refused = tenant.users.failing.iter().chain(&tenant.skus.failing).peekable();
        if refused.peek().is_none() {
            return in_slot(if tenant.held_back.is_some() { DueWhy::HeldBack } else { DueWhy::Slot });
        }
        if !refused.any(|failing| patience(failing.failure.class) == Patience::Soon) {
            return in_slot(DueWhy::Refused);
        }
        let tried = match tenant.due.map(|due| due.why) {
            Some(DueWhy::Retry { n }) => n,
            Some(DueWhy::Slot | DueWhy::Refused | DueWhy::HeldBack | DueWhy::Pause | DueWhy::Cancelled) | None => 0,
        };
        let slot = in_slot(DueWhy::Slot);
        if tried >= RETRIES || !self.retry_after.is_positive() {
            return slot;
        }
        let pause = self.retry_after.saturating_mul(LONGER.saturating_pow(u32::from(tried)));
        let at = self.round_up(now.checked_add(pause).unwrap_or(Timestamp::MAX));
        if at < slot.at { Due { at, why: DueWhy::Retry { n: tried + 1 } } } else { slot }
    }

    /// The next slot of a tenant of which no due time is known. The slice that goes on counts: a customer that its first
    /// list brings is read at once. One that was read just now has been.
    fn fresh(&self, tenant: &Tenant, now: Timestamp) -> Due {
        let good = known(tenant, now).filter(|_| tenant.failing().is_none()).map(|at| later(at, self.rest_s()));
        let from = later(now, 1 - SLICE_S);
        self.slot(tenant, good.map_or(from, |at| at.max(from)), DueWhy::Slot)
    }

    /// How long an import stands for: a slot within that time is not used.
    fn rest_s(&self) -> i64 {
        self.window.seconds().clamp(3600, DAY_S / 2)
    }

    /// The first slot of a tenant from a time on.
    fn slot(&self, tenant: &Tenant, from: Timestamp, why: DueWhy) -> Due {
        Due { at: first(self.slot_s(&tenant.key), from), why }
    }

    fn is_slot(&self, key: &Key, at: Timestamp) -> bool {
        at.subsec_nanosecond() == 0 && at.as_second().rem_euclid(DAY_S) == self.slot_s(key)
    }

    /// Seconds from midnight to a tenant's slot: its ids, spread evenly over the window, which no version may change.
    fn slot_s(&self, key: &Key) -> i64 {
        let hash = Sha256::new().chain_update(key.partner.0.as_bytes()).chain_update([0]);
        let hash = hash.chain_update(key.tenant.0.as_bytes()).finalize();
        let number = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        let seconds = u64::try_from(self.window.seconds()).unwrap_or_default();
        let into = (u128::from(number) * u128::from(seconds)) >> 64;
        let into = i64::try_from(into).unwrap_or_default();
        (self.window.begin_s() + into - into % SLICE_S).rem_euclid(DAY_S)
    }

    /// When the window opens next, from a time on.
    fn opening(&self, from: Timestamp) -> Timestamp {
        first(self.window.begin_s(), from)
    }

    /// A time, or the beginning of the slice after it.
    fn round_up(&self, at: Timestamp) -> Timestamp {
        let second = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
        let to_next = (self.window.begin_s() - second).rem_euclid(SLICE_S);
        Timestamp::from_second(second + to_next).unwrap_or(at)
    }

    /// Whether a partner's list was read since the window opened last.
    fn is_listed(&self, partner: &Partner, now: Timestamp) -> bool {
        let opened = later(self.opening(later(now, 1)), -DAY_S);
        partner.listed_at.is_some_and(|at| at >= opened)
    }

    /// When a partner is asked next after something happened to it.
    pub(super) fn ask(&self, partner: &Partner, asked: Asked, now: Timestamp) -> Ask {
        let in_a_while = || self.round_up(now.checked_add(PARTNER_RESTS).unwrap_or(Timestamp::MAX));
        let soon = || self.round_up(later(now, SLICE_S));
        match asked {
            Asked::Listed => Ask { at: self.opening(later(now, 1)), refused: false },
            Asked::Refused => Ask { at: in_a_while(), refused: true },
            Asked::Unreached => Ask { at: soon(), refused: true },
            Asked::Now => Ask { at: in_a_while(), refused: partner.ask.is_some_and(|ask| ask.refused) },
            Asked::ListRefused => Ask { at: in_a_while(), refused: false },
            Asked::SignedIn => match partner.ask {
                Some(Ask { refused: true, .. }) | None if self.is_listed(partner, now) => {
                    Ask { at: self.opening(later(now, 1)), refused: false }
                }
                Some(Ask { at, .. }) => Ask { at, refused: false },
                None => Ask { at: now, refused: false },
            },
        }
    }

    /// When a partner is asked as a service finds it in its store.
    pub(super) fn ask_found(&self, partner: &Partner, now: Timestamp) -> Ask {
        match partner.ask.filter(|ask| ask.refused && ask.at.duration_since(now) <= PARTNER_RESTS * 2) {
            Some(ask) => ask,
            None if self.is_listed(partner, now) => Ask { at: self.opening(later(now, 1)), refused: false },
            None => Ask { at: now, refused: false },
        }
    }

    /// What is to be read now of these partners; `probes` are the runs that read nothing, from which a tenant is taken.
    pub(super) fn due<'a>(
        &self,
        fleet: &Fleet,
        partners: impl Iterator<Item = &'a PartnerName>,
        probes: &BTreeSet<RunId>,
        now: Timestamp,
    ) -> Wave {
        let mut wave = Wave::default();
        let mut open: BTreeSet<&PartnerName> = BTreeSet::new();
        for name in partners {
            let partner = fleet.partners.get(name);
            let ask = partner.and_then(|partner| partner.ask);
            if ask.is_some_and(|ask| ask.refused && ask.at > now) {
                continue;
            }
            open.insert(name);
            if ask.is_some_and(|ask| ask.at <= now) {
                wave.partners.insert(name.clone());
                if partner.is_none_or(|partner| !self.is_listed(partner, now)) {
                    wave.lists.insert(name.clone());
                }
            }
        }
        let is_free = |tenant: &Tenant| tenant.active.as_ref().is_none_or(|active| probes.contains(&active.run));
        for tenant in fleet.tenants.values() {
            let is_due = tenant.due.is_some_and(|due| due.at <= now) && tenant.gone_at.is_none();
            if is_due && !tenant.is_paused(now) && is_free(tenant) && open.contains(&tenant.key.partner) {
                wave.partners.insert(tenant.key.partner.clone());
                wave.tenants.push(tenant.key.clone());
            }
        }
        wave
    }

    /// When something comes due next of these partners that is not due now.
    pub(super) fn wakes_at<'a>(
        fleet: &Fleet,
        partners: impl Iterator<Item = &'a PartnerName>,
        now: Timestamp,
    ) -> Timestamp {
        let asks: BTreeMap<&PartnerName, Option<Timestamp>> = partners
            .map(|name| (name, fleet.partners.get(name).and_then(|partner| partner.ask).map(|ask| ask.at)))
            .collect();
        let of_tenants = fleet.tenants.values().filter(|tenant| asks.contains_key(&tenant.key.partner));
        let dues = of_tenants.filter_map(|tenant| tenant.due).map(|due| due.at);
        let all = dues.chain(asks.values().copied().flatten());
        all.filter(|at| *at > now).min().unwrap_or(Timestamp::MAX)
    }
}

/// When a tenant was last read whole, as far as that is not said by a clock that was ahead.
fn known(tenant: &Tenant, now: Timestamp) -> Option<Timestamp> {
    tenant.good_at().filter(|at| *at <= now)
}

/// The first moment from a time on that is so many seconds after a midnight.
fn first(seconds: i64, from: Timestamp) -> Timestamp {
    let from_s = from.as_second() + i64::from(from.subsec_nanosecond() > 0);
    let ahead = (seconds - from_s).rem_euclid(DAY_S);
    Timestamp::from_second(from_s.saturating_add(ahead)).unwrap_or(Timestamp::MAX)
}

/// A time so many seconds later, or earlier.
fn later(at: Timestamp, seconds: i64) -> Timestamp {
    let end = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(end)
}

#[cfg(test)]
mod tests;
