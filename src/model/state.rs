use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{JobState, Tenant};
use crate::failure::{Class, Failure};

/// How a tenant stands. The word carries the meaning; the sign helps the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Users and SKUs saved within the limit.
    Ok,
    /// An import or a probe of it runs now.
    Running,
    /// Accepted; waits for a slot or for a time that the service named.
    Queued,
    /// No refusal known, but data older than the limit, or not renewed since a probe found the sign-in open again.
    Stale,
    /// One of the two data sets saved, the other refused.
    Partial,
    /// The customer's policy refused our sign-in.
    Blocked,
    /// Relation, role or consent missing.
    NoAccess,
    /// Our own account, secret, certificate or MFA.
    OurAuth,
    /// Something else.
    Failed,
    /// Left out by a person.
    Paused,
    /// No import has succeeded yet.
    Never,
}

impl State {
    /// All of them, in the order of the screens' legend.
    pub const ALL: [State; 11] = [
        State::Ok,
        State::Running,
        State::Queued,
        State::Stale,
        State::Partial,
        State::Blocked,
        State::NoAccess,
        State::OurAuth,
        State::Failed,
        State::Paused,
        State::Never,
    ];

    /// The word in capitals, as the STATUS column shows it.
    pub const fn word(self) -> &'static str {
        match self {
            State::Ok => "OK",
            State::Running => "RUNNING",
            State::Queued => "QUEUED",
            State::Stale => "STALE",
            State::Partial => "PARTIAL",
            State::Blocked => "BLOCKED",
            State::NoAccess => "NOACCESS",
            State::OurAuth => "OURAUTH",
            State::Failed => "FAILED",
            State::Paused => "PAUSED",
            State::Never => "NEVER",
        }
    }

    /// The word in lower case, as JSON, filters and sums show it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Running => "running",
            State::Queued => "queued",
            State::Stale => "stale",
            State::Partial => "partial",
            State::Blocked => "blocked",
            State::NoAccess => "noaccess",
            State::OurAuth => "ourauth",
            State::Failed => "failed",
            State::Paused => "paused",
            State::Never => "never",
        }
    }

    /// The sign beside the word.
    pub const fn sign(self) -> char {
        match self {
            State::Ok => '+',
            State::Running => '>',
            State::Queued => '.',
            State::Stale => '~',
            State::Partial => '%',
            State::Blocked => '!',
            State::NoAccess => 'x',
            State::OurAuth => '#',
            State::Failed => '?',
            State::Paused => '=',
            State::Never => '-',
        }
    }

    /// What it means, exactly.
    pub const fn meaning(self) -> &'static str {
        match self {
            State::Ok => "users and SKUs saved within the limit",
            State::Running => "an import or probe of it runs now",
            State::Queued => "accepted, waits for a slot or a time that the service named",
            State::Stale => "no refusal known, but data older than the limit, or an import due",
            State::Partial => "one of the two saved, the other refused",
            State::Blocked => "the customer's policy refused our sign-in",
            State::NoAccess => "relation, role or consent missing",
            State::OurAuth => "our own account, secret, certificate or MFA",
            State::Failed => "something else; who acts says whose turn it is",
            State::Paused => "left out by a person, with reason and end",
            State::Never => "no import has succeeded yet",
        }
    }

    /// Whether somebody should look at it.
    pub const fn is_problem(self) -> bool {
        match self {
            State::Ok | State::Running | State::Queued | State::Paused => false,
            State::Stale
            | State::Partial
            | State::Blocked
            | State::NoAccess
            | State::OurAuth
            | State::Failed
            | State::Never => true,
        }
    }

    /// How a tenant stands at a time. `wide` says that most of its partner's tenants fail with the same class, which
    /// turns a doubtful refusal into our own; `stale_after_s` is the age limit in seconds.
    pub fn of(tenant: &Tenant, now: Timestamp, stale_after_s: i64, wide: bool) -> State {
        if let Some(active) = &tenant.active {
            return if active.state == JobState::Running { State::Running } else { State::Queued };
        }
        if tenant.is_paused(now) {
            return State::Paused;
        }
        match (&tenant.users.failing, &tenant.skus.failing) {
            (Some(failing), Some(_)) => Self::of_failure(&failing.failure, wide),
            (Some(failing), None) | (None, Some(failing)) => {
                let saved = tenant.users.good.is_some() || tenant.skus.good.is_some();
                if saved { State::Partial } else { Self::of_failure(&failing.failure, wide) }
            }
            (None, None) => match tenant.good_at() {
                None => State::Never,
                Some(_) if tenant.passes_at.is_some() => State::Stale,
                Some(at) if now.as_second().saturating_sub(at.as_second()) > stale_after_s => State::Stale,
                Some(_) => State::Ok,
            },
        }
    }

    /// The state that a refusal of both data sets means.
    pub fn of_failure(failure: &Failure, wide: bool) -> State {
        match failure.class {
            Class::CapBlock
            | Class::CapDevice
            | Class::CapAppProtection
            | Class::CapTokenProtection
            | Class::CapAuthFlow
            | Class::CapExternalControl
            | Class::CapSignInFrequency
            | Class::SecurityDefaults => State::Blocked,
            Class::MfaRequired | Class::InteractionRequiredUnknown => {
                if wide {
                    State::OurAuth
                } else {
                    State::Blocked
                }
            }
            Class::CrossTenantPolicy => {
                if failure.codes.contains(&500_213) {
                    State::Blocked
                } else {
                    State::OurAuth
                }
            }
            Class::ConsentMissing
            | Class::AppMissing
            | Class::ResourceMissing
            | Class::RelationshipMissing
            | Class::AssignmentMissing
            | Class::TenantUnavailable
            | Class::GraphForbidden => State::NoAccess,
            Class::RefreshTokenExpired
            | Class::RefreshTokenRevoked
            | Class::RefreshTokenInvalid
            | Class::ClientCredential
            | Class::ServiceUser
            | Class::RiskHomeTenant
            | Class::PartnerCenterMfa
            | Class::PartnerCenterForbidden
            | Class::WrongCloud
            | Class::RequestBug => State::OurAuth,
            Class::Transient
            | Class::Throttled
            | Class::DeviceFlowPending
            | Class::DeviceFlowEnded
            | Class::GraphTokenRejected
            | Class::GraphClaimsChallenge
            | Class::GraphNotLicensed
            | Class::Network
            | Class::BadAnswer
            | Class::Unknown => State::Failed,
        }
    }
}
