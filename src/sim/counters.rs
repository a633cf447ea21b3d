//! What the made-up cloud has seen, for tests and the curious.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use serde::Serialize;
use tokio::time::Instant;
use uuid::Uuid;

use super::trouble::Step;

/// The most requests of which [`Running::log`](super::Running::log) tells.
pub(crate) const LOG: usize = 4096;

/// Counts since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Requests by step (`token`, `users`, `skus`, `customers`, `relations`, `sold`, `commerce`, `authorize`,
    /// `device_code`), then by tenant id.
    pub requests: BTreeMap<&'static str, BTreeMap<Uuid, u64>>,
    /// Requests by tenant id, over all steps.
    pub tenants: BTreeMap<String, u64>,
    /// Access tokens given out.
    pub tokens_issued: u64,
    /// Requests that carried a token to a place that it is not for. An honest client has 0.
    pub misdirected: u64,
    /// Requests to the other server, to which links of misbehaving services lead. An honest client has 0.
    pub strays: u64,
    /// How many different refresh tokens were redeemed.
    pub refresh_tokens_seen: usize,
    /// Redemptions of a refresh token after a younger one of the same account had been redeemed. A client that keeps what
    /// it is given has 0.
    pub older_refresh_tokens: u64,
    /// Requests without an id of the client's own.
    pub without_id: u64,
    /// The most requests at one time.
    pub at_once: usize,
    /// The most requests at one time for one tenant.
    pub at_once_in_a_tenant: usize,
    /// Requests that came before a `Retry-After` was over.
    pub early: u64,
    /// Answers of 429.
    pub throttled: u64,
}

impl Counters {
    /// Requests of a step, over all tenants.
    pub fn all(&self, step: &str) -> u64 {
        self.requests.get(step).map_or(0, |by_tenant| by_tenant.values().sum())
    }

    /// Requests of a step for one tenant.
    pub fn of(&self, step: &str, tenant: Uuid) -> u64 {
        self.requests.get(step).and_then(|by_tenant| by_tenant.get(&tenant)).copied().unwrap_or(0)
    }
}

/// One request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// `token`, `users`, `skus`, `customers`, `relations`, `sold`, `commerce`, `authorize` or `device_code`.
    pub step: &'static str,
    /// The tenant that it was about; for customers and relations the partner's.
    pub tenant: Uuid,
    /// Page of users, customers, relations or what was sold, from 1; 0 for the other steps.
    pub page: u32,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The night in which it came.
    pub night: u32,
    /// The client's own id of it.
    pub client_request_id: Option<String>,
}

/// What is counted while it happens.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) counters: Counters,
    pub(crate) log: VecDeque<Seen>,
    /// Refresh tokens in the order of their first use, by partner.
    refresh_tokens: BTreeMap<usize, Vec<String>>,
    now: HashMap<Uuid, usize>,
    at_once: usize,
    not_before: HashMap<(Step, Uuid), Instant>,
}

impl Tally {
    /// A request arrives.
    pub(crate) fn begin(&mut self, step: Step, tenant: Uuid, named: bool) {
        *self.counters.requests.entry(step.name()).or_default().entry(tenant).or_default() += 1;
        *self.counters.tenants.entry(tenant.to_string()).or_default() += 1;
        self.counters.without_id += u64::from(!named);
        self.at_once += 1;
        self.counters.at_once = self.counters.at_once.max(self.at_once);
        let of_tenant = self.now.entry(tenant).or_default();
        *of_tenant += 1;
        self.counters.at_once_in_a_tenant = self.counters.at_once_in_a_tenant.max(*of_tenant);
        if self.not_before.remove(&(step, tenant)).is_some_and(|until| Instant::now() < until) {
            self.counters.early += 1;
        }
    }

    /// It is answered, or its client is gone.
    pub(crate) fn end(&mut self, tenant: Uuid) {
        self.at_once = self.at_once.saturating_sub(1);
        if let Some(of_tenant) = self.now.get_mut(&tenant) {
            *of_tenant = of_tenant.saturating_sub(1);
            if *of_tenant == 0 {
                self.now.remove(&tenant);
            }
        }
    }

    /// The client was told to come back later.
    pub(crate) fn told_to_wait(&mut self, step: Step, tenant: Uuid, wait: Duration) {
        self.not_before.insert((step, tenant), Instant::now() + wait);
    }

    pub(crate) fn redeemed(&mut self, partner: usize, token: &str) {
        let known = self.refresh_tokens.entry(partner).or_default();
        if let Some(at) = known.iter().position(|one| one == token) {
            self.counters.older_refresh_tokens += u64::from(at + 1 < known.len());
        } else {
            known.push(token.to_owned());
            self.counters.refresh_tokens_seen += 1;
        }
    }

    pub(crate) fn keep(&mut self, seen: Seen) {
        self.counters.throttled += u64::from(seen.status == 429);
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(seen);
    }
}
