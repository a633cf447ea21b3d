use std::borrow::Cow;

use jiff::Timestamp;

use super::{Due, Filterable, Fleet, Reading, State, Tenant};
use crate::failure::Owner;

/// A line of the Tenants screen and of `tenantop tenants`: what both say about a tenant at a time.
#[derive(Debug, Clone)]
pub struct TenantRow<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// How it stands.
    pub state: State,
    /// Who acts first; absent if nobody has to.
    pub owner: Option<Owner>,
    /// Why, in a few words; empty if there is nothing to say.
    pub cause: Cow<'static, str>,
    /// Since when it stands so, where that is known.
    pub since: Option<Timestamp>,
    /// When the schedule reads it next; absent where none is kept.
    pub due: Option<Due>,
    /// How its data stand in sums over tenants; absent if no list holds it.
    pub reading: Option<Reading>,
}

impl<'a> TenantRow<'a> {
    /// The line of a tenant.
    pub fn of(fleet: &Fleet, tenant: &'a Tenant, now: Timestamp) -> Self {
        let state = fleet.state(tenant, now);
        let failing = tenant.failing();
        let relation = fleet.relation(tenant);
        let (due, reading) = (fleet.due(tenant), fleet.reading(tenant, now));
        let (owner, cause, since): (Option<Owner>, Cow<'static, str>, Option<Timestamp>) = match state {
            State::Paused => (None, "paused".into(), tenant.pause.as_ref().map(|p| p.at)),
            State::Stale | State::Never if tenant.passes_at.is_some() && failing.is_none() => {
                (Some(Owner::Partner), "import due".into(), tenant.passes_at)
            }
            State::Stale => (Some(Owner::Partner), "run missed".into(), tenant.good_at()),
            State::Never if failing.is_none() => (Some(Owner::Partner), "first run due".into(), Some(tenant.listed_at)),
            State::OurAuth => (
                Some(Owner::Partner),
                failing.map_or("".into(), |f| f.failure.cause().into()),
                failing.map(|f| f.since),
            ),
            State::Ok
            | State::Running
            | State::Queued
            | State::Partial
            | State::Blocked
            | State::NoAccess
            | State::Failed
            | State::Never => {
                let cause = match (failing, &tenant.users.failing, &tenant.skus.failing) {
                    _ if relation.is_over() => relation.cause().unwrap_or_default().into(),
                    (None, _, _) => Cow::Borrowed(""),
                    (Some(f), Some(_), Some(_)) => f.failure.cause().into(),
                    (Some(f), Some(_), None) => format!("users {}", f.failure.cause()).into(),
                    (Some(f), None, _) => format!("SKUs {}", f.failure.cause()).into(),
                };
                let owner = failing.map(|f| fleet.owner(tenant, &f.failure));
                (owner, cause, failing.map(|f| f.since))
            }
        };
        if tenant.held_back.is_some() && failing.is_none() {
            let since = tenant.held_back.as_ref().map(|held| held.at);
            let (owner, cause) = (Some(Owner::Partner), "held back".into());
            return Self { tenant, state, owner, cause, since, due, reading };
        }
        Self { tenant, state, owner, cause, since, due, reading }
    }

    /// Whether somebody should look at it.
    pub fn is_problem(&self) -> bool {
        self.state.is_problem() || self.tenant.held_back.is_some()
    }
}

impl Filterable for TenantRow<'_> {
    const FIELDS: &'static [&'static str] =
        &["status", "acts", "partner", "cause", "class", "code", "policy", "ticket", "skus", "id", "domain", "name"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let ticket = self.tenant.open_ticket().map_or("", |ticket| ticket.number.as_str());
        [self.tenant.name.as_str(), self.tenant.domain.as_str(), self.cause.as_ref(), ticket]
            .into_iter()
            .map(Cow::Borrowed)
            .chain(std::iter::once_with(|| self.tenant.key.tenant.to_string().into()))
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let failure = self.tenant.failing().map(|f| &f.failure);
        match name {
            "status" => Some(self.state.name().into()),
            "acts" => self.owner.map(|owner| owner.word().into()),
            "partner" => Some(self.tenant.key.partner.0.as_str().into()),
            "cause" => Some(self.cause.as_ref().into()),
            "class" => failure.map(|f| f.class.name().into()),
            "code" => failure.and_then(|f| f.codes.first()).map(|code| code.to_string().into()),
            "policy" => failure.and_then(|f| f.policies.first()).map(|id| id.to_string().into()),
            "ticket" => self.tenant.open_ticket().map(|ticket| ticket.number.as_str().into()),
            "skus" => self.reading.map(|reading| reading.name().into()),
            "id" => Some(self.tenant.key.tenant.to_string().into()),
            "domain" => Some(self.tenant.domain.as_str().into()),
            "name" => Some(self.tenant.name.as_str().into()),
            _ => None,
        }
    }
}
