use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::scenario::{Scenario, SimPartner, Tenant, Trouble};
use super::throttle::Bucket;

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Requests by step: `token`, `customers`, `users`, `skus`.
    pub requests: BTreeMap<String, u64>,
    /// Requests by tenant id, sign-ins included.
    pub tenants: BTreeMap<String, u64>,
    /// Tokens that came to a service that they are not for.
    pub misdirected: u64,
    /// Requests without a `client-request-id`.
    pub without_id: u64,
    /// Requests that came before a `Retry-After` was over.
    pub early: u64,
    /// Times that a refresh token was redeemed.
    pub redeemed: u64,
    /// The most requests of one tenant that were in flight at once.
    pub at_once_in_a_tenant: u64,
    /// The most requests that were in flight at once.
    pub at_once: u64,
}

impl Counters {
    pub(super) fn to_json(&self) -> String {
        serde_json::json!({
            "requests": self.requests,
            "tenants": self.tenants,
            "misdirected": self.misdirected,
            "without_id": self.without_id,
            "early": self.early,
            "redeemed": self.redeemed,
            "at_once_in_a_tenant": self.at_once_in_a_tenant,
            "at_once": self.at_once,
        })
        .to_string()
    }
}

/// Whom an access token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) tenant: String,
    pub(super) audience: &'static str,
    pub(super) until: Instant,
    pub(super) client: String,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) night: u32,
    pub(super) counters: Counters,
    pub(super) access: HashMap<String, Grant>,
    /// Refresh token to the name of its partner.
    pub(super) refresh: HashMap<String, String>,
    pub(super) serial: u64,
    /// How often a trouble came to pass, by its place in the scenario.
    hits: HashMap<(String, usize), u64>,
    pub(super) buckets: HashMap<String, Bucket>,
    /// Until when a tenant was told to wait.
    waits: HashMap<String, Instant>,
    in_flight: HashMap<String, u64>,
    /// Holders of each product of a tenant, by number of users.
    pub(super) held: HashMap<(String, usize), Vec<u64>>,
}

/// What all requests share.
pub(super) struct Shared {
    pub(super) scenario: Scenario,
    pub(super) base: String,
    inner: Mutex<Inner>,
}

/// A request in flight; counted until it is dropped.
pub(super) struct InFlight<'a>(&'a Shared, String);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        for key in [self.1.as_str(), ""] {
            if let Some(n) = inner.in_flight.get_mut(key) {
                *n = n.saturating_sub(1);
            }
        }
    }
}

impl Shared {
    pub(super) fn new(scenario: Scenario, base: String) -> Self {
        let refresh =
            scenario.partner.iter().map(|partner| (partner.refresh_token.clone(), partner.name.clone())).collect();
        Self { scenario, base, inner: Mutex::new(Inner { refresh, ..Inner::default() }) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set_night(&self, night: u32) {
        self.lock().night = night;
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    pub(super) fn tenant(&self, id: &str) -> Option<&Tenant> {
        self.scenario.tenant.iter().find(|tenant| tenant.id.eq_ignore_ascii_case(id))
    }

    pub(super) fn partner_of_tenant(&self, id: &str) -> Option<&SimPartner> {
        self.scenario.partner.iter().find(|partner| partner.tenant_id.eq_ignore_ascii_case(id))
    }

    /// Counts a request.
    pub(super) fn arrived(&self, step: &str, tenant: &str, headers: &axum::http::HeaderMap) -> InFlight<'_> {
        let mut inner = self.lock();
        *inner.counters.requests.entry(step.to_owned()).or_default() += 1;
        *inner.counters.tenants.entry(tenant.to_lowercase()).or_default() += 1;
        inner.counters.without_id += u64::from(!headers.contains_key("client-request-id"));
        let waits = format!("{step} {tenant}");
        // A millisecond of grace: both sides read clocks of their own.
        if inner.waits.get(&waits).is_some_and(|until| Instant::now() + Duration::from_millis(2) < *until) {
            inner.counters.early += 1;
        }
        let here = {
            let n = inner.in_flight.entry(tenant.to_owned()).or_default();
            *n += 1;
            *n
        };
        let all = {
            let n = inner.in_flight.entry(String::new()).or_default();
            *n += 1;
            *n
        };
        inner.counters.at_once_in_a_tenant = inner.counters.at_once_in_a_tenant.max(here);
        inner.counters.at_once = inner.counters.at_once.max(all);
        InFlight(self, tenant.to_owned())
    }

    /// Notes that a tenant was told to wait.
    pub(super) fn told_to_wait(&self, step: &str, tenant: &str, seconds: f64) {
        let until = Instant::now() + Duration::from_secs_f64(seconds.max(0.0));
        self.lock().waits.insert(format!("{step} {tenant}"), until);
    }

    /// The first trouble of a list that holds now at a step, and counts it.
    pub(super) fn trouble<'a>(
        &self,
        of: &str,
        list: &'a [Trouble],
        step: &str,
        page: usize,
        wanted: impl Fn(&Trouble) -> bool,
    ) -> Option<&'a Trouble> {
        let mut inner = self.lock();
        let night = inner.night;
        for (n, trouble) in list.iter().enumerate() {
            let now = trouble.nights.is_none_or(|[from, to]| (from..=to).contains(&night));
            let here = trouble.step == step && trouble.page.is_none_or(|only| only == page);
            if !now || !here || !wanted(trouble) {
                continue;
            }
            let hits = inner.hits.entry((of.to_owned(), n)).or_default();
            if trouble.times.is_some_and(|times| *hits >= times) {
                continue;
            }
            *hits += 1;
            return Some(trouble);
        }
        None
    }

    /// Whom the access token of a request is for.
    pub(super) fn grant(&self, headers: &axum::http::HeaderMap) -> Option<Grant> {
        let value = headers.get("authorization")?.to_str().ok()?;
        self.lock().access.get(value.strip_prefix("Bearer ")?).cloned()
    }
}
