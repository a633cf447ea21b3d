//! What ends by itself, and what stops with it: the refresh token, the app's secret or certificate, the relationships.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Filterable, Fleet, Key, Partner, PartnerName, Tenant, TenantId, Text};
use crate::failure::Relation;

/// A refresh token that lies unused so long dies (reference on Entra, section 1.4).
const REFRESH_TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// What ends within this is said to end soon.
const SOON_DAYS: i64 = 30;
/// What ends within this is a problem.
const PROBLEM_DAYS: i64 = 60;
/// What was read of relationships says nothing of a refusal that came so much later.
const SAID_FOR: SignedDuration = SignedDuration::from_hours(26);

/// How a relationship stands, of those that Graph knows and ours besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GdapStatus {
    /// It holds.
    Active,
    /// It is asked for and not in force yet.
    Waiting,
    /// It ran out or was ended.
    Ended,
    /// The partner has relationships, and none with this customer.
    Missing,
    /// Graph has a word for it that is not known here.
    #[serde(other)]
    Unknown,
}

/// The best of a customer's relationships with a partner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gdap {
    /// How it stood when it was read; the partner has the time.
    pub status: GdapStatus,
    /// When it ends.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// Whether it goes on by itself then.
    #[serde(default)]
    pub auto_extends: bool,
    /// Ids of the roles that it gives, as Graph has them.
    #[serde(default)]
    pub roles: Vec<Text>,
}

impl Gdap {
    /// What stands for a customer that is in no relationship of a partner that has some.
    pub const MISSING: Self =
        Self { status: GdapStatus::Missing, ends_at: None, auto_extends: false, roles: Vec::new() };

    /// How it stands at a time.
    pub fn at(&self, at: Timestamp) -> Relation {
        let until = self.ends_at;
        match self.status {
            GdapStatus::Active if !self.auto_extends && until.is_some_and(|until| until <= at) => {
                Relation::Ended { at: until }
            }
            GdapStatus::Active => Relation::Active { until, extends: self.auto_extends },
            GdapStatus::Waiting => Relation::Waiting,
            // One that was ended early ended at a time that nobody tells.
            GdapStatus::Ended => Relation::Ended { at: until.filter(|until| *until <= at) },
            GdapStatus::Missing => Relation::Missing,
            GdapStatus::Unknown => Relation::Unknown,
        }
    }

    /// The roles in words where they are well known; others by their ids.
    pub fn role_names(&self) -> impl Iterator<Item = &str> {
        self.roles.iter().map(|id| ROLES.iter().find(|(known, _)| known == id).map_or(id.as_str(), |(_, name)| *name))
    }
}

/// Roles that relationships often give, by their template ids.
const ROLES: [(&str, &str); 6] = [
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers"),
    ("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"),
    ("4d6ac14f-3453-41d0-bef9-a3e0c569773a", "License Administrator"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
    ("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator"),
    ("62e90394-69f5-4237-9190-012177145e10", "Global Administrator"),
];

/// The best relationship of a customer, as a partner's list has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Related {
    /// Which customer.
    pub tenant: TenantId,
    /// How it stands.
    pub gdap: Gdap,
}

/// How an app proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKey {
    /// By a secret, whose end only its owner knows.
    Secret,
    /// By a certificate.
    Certificate,
}

/// What is known of a partner's credentials; nothing of it reveals one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// When an operator stored the refresh token of a real sign-in. Its MFA is no younger.
    #[serde(default)]
    pub stored_at: Option<Timestamp>,
    /// How the app proves who it is.
    pub app_key: AppKey,
    /// When that ends: the certificate says it, of a secret the configuration.
    #[serde(default)]
    pub app_key_ends: Option<Timestamp>,
    /// Why files of credentials, as they stand, cannot be used. Where something goes on, it goes on with what it has in
    /// memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Text>,
}

/// What ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ends {
    /// The partner's refresh token, if nothing uses it.
    RefreshToken,
    /// The app's secret.
    Secret,
    /// The app's certificate.
    Certificate,
    /// The relationship with a customer.
    Gdap,
    /// Nothing ends: how old the MFA of our sign-in is. Customers may limit it.
    Mfa,
}

impl Ends {
    /// As screens show it.
    pub const fn words(self) -> &'static str {
        match self {
            Ends::RefreshToken => "refresh token",
            Ends::Secret => "secret",
            Ends::Certificate => "certificate",
            Ends::Gdap => "GDAP",
            Ends::Mfa => "MFA",
        }
    }

    /// As JSON has it.
    pub const fn name(self) -> &'static str {
        match self {
            Ends::RefreshToken => "refresh_token",
            Ends::Secret => "secret",
            Ends::Certificate => "certificate",
            Ends::Gdap => "gdap",
            Ends::Mfa => "mfa",
        }
    }
}

/// How something stands that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExpiryState {
    /// It ended.
    Ended,
    /// It is not there.
    Missing,
    /// It waits for somebody.
    Waiting,
    /// It ends within 30 days.
    Soon,
    /// It ends later.
    Ok,
    /// It goes on by itself.
    Extends,
    /// It has an age and no end.
    Age,
    /// Nobody knows its end.
    Unknown,
}

impl ExpiryState {
    /// The word in capitals.
    pub const fn word(self) -> &'static str {
        match self {
            ExpiryState::Ended => "ENDED",
            ExpiryState::Missing => "MISSING",
            ExpiryState::Waiting => "WAITING",
            ExpiryState::Soon => "SOON",
            ExpiryState::Ok => "OK",
            ExpiryState::Extends => "EXTENDS",
            ExpiryState::Age => "AGE",
            ExpiryState::Unknown => "UNKNOWN",
        }
    }

    /// The word in filters and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            ExpiryState::Ended => "ended",
            ExpiryState::Missing => "missing",
            ExpiryState::Waiting => "waiting",
            ExpiryState::Soon => "soon",
            ExpiryState::Ok => "ok",
            ExpiryState::Extends => "extends",
            ExpiryState::Age => "age",
            ExpiryState::Unknown => "unknown",
        }
    }

    /// The sign beside the word.
    pub const fn sign(self) -> char {
        match self {
            ExpiryState::Ended | ExpiryState::Missing => 'x',
            ExpiryState::Waiting => '.',
            ExpiryState::Soon => '~',
            ExpiryState::Ok | ExpiryState::Extends => '+',
            ExpiryState::Age => '-',
            ExpiryState::Unknown => '?',
        }
    }
}

/// What tells a line of the Expiries screen from the others.
pub type ExpiryKey = (Ends, PartnerName, Option<TenantId>);

/// A line of the Expiries screen and of `tenantop expiries`: something that ends, or is of an age.
#[derive(Debug, Clone)]
pub struct Expiry<'a> {
    /// What.
    pub ends: Ends,
    /// Whose credential, or whose customer.
    pub partner: &'a PartnerName,
    /// The customer, of a relationship.
    pub tenant: Option<&'a Tenant>,
    /// When it ends; absent if nobody knows, or nothing ends.
    pub ends_at: Option<Timestamp>,
    /// Since when, for what has an age.
    pub since: Option<Timestamp>,
    /// Whether it goes on by itself.
    pub auto_extends: bool,
    /// How it stands.
    pub state: ExpiryState,
    /// Whole days until it ends; below zero since it ended, or for an age.
    pub days: Option<i64>,
}

impl<'a> Expiry<'a> {
    /// All that ends, soonest first; what has no end comes last, what is missing first.
    pub fn all(fleet: &'a Fleet, now: Timestamp) -> Vec<Self> {
        let mut rows: Vec<Self> = fleet.partners.values().flat_map(|partner| of_partner(partner, now)).collect();
        let related = fleet.tenants.values().filter(|tenant| tenant.gone_at.is_none());
        rows.extend(related.filter_map(|tenant| of_tenant(tenant, now)));
        rows.sort_by(|a, b| a.rank().cmp(&b.rank()).then_with(|| (a.ends, a.of()).cmp(&(b.ends, b.of()))));
        rows
    }

    /// The line that a key tells.
    pub fn find(fleet: &'a Fleet, (ends, partner, tenant): &ExpiryKey, now: Timestamp) -> Option<Self> {
        match tenant {
            Some(tenant) => {
                let key = Key { partner: partner.clone(), tenant: *tenant };
                of_tenant(fleet.tenants.get(&key).filter(|tenant| tenant.gone_at.is_none())?, now)
            }
            None => of_partner(fleet.partners.get(partner)?, now).into_iter().find(|row| row.ends == *ends),
        }
    }

    /// What tells it from the others.
    pub fn key(&self) -> ExpiryKey {
        (self.ends, self.partner.clone(), self.tenant.map(|tenant| tenant.key.tenant))
    }

    /// The order by date.
    pub fn rank(&self) -> (u8, Option<Timestamp>) {
        match self.state {
            ExpiryState::Missing => (0, None),
            ExpiryState::Ended if self.ends_at.is_none() => (0, None),
            ExpiryState::Age => (3, self.since),
            ExpiryState::Ended
            | ExpiryState::Waiting
            | ExpiryState::Soon
            | ExpiryState::Ok
            | ExpiryState::Extends
            | ExpiryState::Unknown => (if self.ends_at.is_some() { 1 } else { 2 }, self.ends_at),
        }
    }

    /// The customer, or the partner.
    pub fn of(&self) -> &'a str {
        self.tenant.map_or(self.partner.0.as_str(), Tenant::title)
    }

    /// What stops when it comes.
    pub fn stops(&self) -> String {
        match self.ends {
            Ends::RefreshToken | Ends::Secret | Ends::Certificate => format!("all imports of {}", self.partner),
            Ends::Gdap => "this customer's imports".to_owned(),
            Ends::Mfa => "nothing; customers may limit its age".to_owned(),
        }
    }

    /// Whether somebody should look at it: it is over, or ends within 60 days and not by itself goes on.
    pub fn is_problem(&self) -> bool {
        match self.state {
            ExpiryState::Ended | ExpiryState::Missing | ExpiryState::Waiting | ExpiryState::Soon => true,
            ExpiryState::Ok => self.days.is_some_and(|days| days <= PROBLEM_DAYS),
            ExpiryState::Extends | ExpiryState::Age | ExpiryState::Unknown => false,
        }
    }
}

/// Whole days, whichever lies ahead.
fn days(at: Timestamp, now: Timestamp) -> i64 {
    at.as_second().saturating_sub(now.as_second()) / 86_400
}

fn dated(at: Option<Timestamp>, now: Timestamp) -> ExpiryState {
    match at {
        None => ExpiryState::Unknown,
        Some(at) if at <= now => ExpiryState::Ended,
        Some(at) if days(at, now) < SOON_DAYS => ExpiryState::Soon,
        Some(_) => ExpiryState::Ok,
    }
}

fn of_partner(partner: &Partner, now: Timestamp) -> Vec<Expiry<'_>> {
    let row = |ends: Ends, ends_at: Option<Timestamp>| Expiry {
        ends,
        partner: &partner.name,
        tenant: None,
        ends_at,
        since: None,
        auto_extends: false,
        state: dated(ends_at, now),
        days: ends_at.map(|at| days(at, now)),
    };
    let stored_at = partner.credentials.as_ref().and_then(|known| known.stored_at);
    let used_at = partner.signed_in_at.max(stored_at);
    let mut rows = Vec::new();
    if let Some(used_at) = used_at {
        rows.push(row(Ends::RefreshToken, used_at.checked_add(REFRESH_TOKEN_LIFE).ok()));
    }
    if let Some(known) = &partner.credentials {
        let ends = match known.app_key {
            AppKey::Secret => Ends::Secret,
            AppKey::Certificate => Ends::Certificate,
        };
        rows.push(row(ends, known.app_key_ends));
    }
    if let Some(at) = stored_at {
        let days = Some(days(at, now).min(0));
        rows.push(Expiry { since: Some(at), state: ExpiryState::Age, days, ..row(Ends::Mfa, None) });
    }
    rows
}

fn of_tenant(tenant: &Tenant, now: Timestamp) -> Option<Expiry<'_>> {
    let gdap = tenant.gdap.as_ref()?;
    let state = match gdap.at(now) {
        Relation::Ended { .. } => ExpiryState::Ended,
        Relation::Missing => ExpiryState::Missing,
        Relation::Waiting => ExpiryState::Waiting,
        Relation::Active { extends: true, .. } => ExpiryState::Extends,
        Relation::Active { until, extends: false } => dated(until, now),
        Relation::Unknown => ExpiryState::Unknown,
    };
    // One that was ended before its time has no date that tells anything; one that waits has none yet.
    let ends_at = match gdap.at(now) {
        Relation::Ended { at } => at,
        Relation::Active { until, .. } => until,
        Relation::Unknown => gdap.ends_at,
        Relation::Waiting | Relation::Missing => None,
    };
    Some(Expiry {
        ends: Ends::Gdap,
        partner: &tenant.key.partner,
        tenant: Some(tenant),
        ends_at,
        since: None,
        auto_extends: gdap.auto_extends,
        state,
        days: ends_at.map(|at| days(at, now)),
    })
}

impl Filterable for Expiry<'_> {
    const FIELDS: &'static [&'static str] = &["state", "what", "partner", "of", "stops", "id", "domain"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        [
            Cow::Borrowed(self.of()),
            self.ends.words().into(),
            self.partner.0.as_str().into(),
            self.tenant.map_or("", |tenant| tenant.domain.as_str()).into(),
        ]
        .into_iter()
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "state" => Some(self.state.name().into()),
            "what" => Some(self.ends.words().into()),
            "partner" => Some(self.partner.0.as_str().into()),
            "of" => Some(self.of().into()),
            "stops" => Some(self.stops().into()),
            "id" => self.tenant.map(|tenant| tenant.key.tenant.to_string().into()),
            "domain" => self.tenant.map(|tenant| tenant.domain.as_str().into()),
            _ => None,
        }
    }
}

impl Fleet {
    /// What the relationship with a customer has to do with its refusal: nothing that is known, unless the refusal can
    /// come of it and the list was read at most a day before.
    pub fn relation(&self, tenant: &Tenant) -> Relation {
        // Where users or SKUs came, the relationship held.
        let (Some(failing), Some(_)) = (&tenant.users.failing, &tenant.skus.failing) else { return Relation::Unknown };
        let failure = &failing.failure;
        let read_at = self.partners.get(&tenant.key.partner).and_then(|partner| partner.relations_at);
        let said = read_at.and_then(|at| at.checked_add(SAID_FOR).ok()).is_some_and(|until| until >= failure.at);
        match &tenant.gdap {
            Some(gdap) if said => failure.of_relation(gdap.at(failure.at)),
            Some(_) | None => Relation::Unknown,
        }
    }

    /// Keeps what a partner's list of relationships says of its customers. A list without any says nothing of one.
    pub(super) fn relate(&mut self, partner: &PartnerName, at: Timestamp, relations: &[Related]) {
        let by_tenant: std::collections::BTreeMap<TenantId, &Gdap> =
            relations.iter().map(|related| (related.tenant, &related.gdap)).collect();
        let missing = Gdap::MISSING;
        let none = (!relations.is_empty()).then_some(&missing);
        let said = |tenant: &Tenant| by_tenant.get(&tenant.key.tenant).copied().or(none);
        let is_other = |tenant: &Tenant| tenant.key.partner == *partner && tenant.gdap.as_deref() != said(tenant);
        for tenant in self.tenants.those_mut(is_other) {
            tenant.gdap = said(tenant).cloned().map(Box::new);
        }
        let entry = self.partner(partner);
        entry.relations_at = Some(at);
        entry.relations_tried_at = Some(at);
        entry.relations_failing = None;
    }
}

#[cfg(test)]
mod tests;
