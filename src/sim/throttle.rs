//! Metering by resource units: a bucket for each app and tenant, and one for each app.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// Units of an app in a tenant by its size (users), for 10 seconds.
const OF_TENANT: [(u64, f64); 3] = [(50, 3_500.0), (501, 5_000.0), (u64::MAX, 8_000.0)];
/// Units of an app over all tenants, for twice as long.
const OF_APP: f64 = 150_000.0;

/// What metering says to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Verdict {
    /// Go on; the share of the limit that is used up.
    Pass(f64),
    /// Come back after this time; the share of the limit that was asked for.
    Wait(Duration, f64),
}

#[derive(Debug)]
struct Bucket {
    size: f64,
    rate: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    fn new(units: f64, seconds: f64, now: Instant) -> Self {
        Self { size: units, rate: units / seconds, level: units, at: now }
    }

    fn take(&mut self, cost: f64, now: Instant) -> Verdict {
        let since = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + since * self.rate).min(self.size);
        self.at = now;
        // A bucket smaller than one request must still let it pass once it is full.
        let needed = cost.min(self.size);
        if self.level + 1e-9 >= needed {
            self.level -= needed;
            return Verdict::Pass(1.0 - self.level / self.size);
        }
        // What is refused counts too.
        self.level = (self.level - 1.0).max(0.0);
        let wait = Duration::from_secs_f64((needed - self.level) / self.rate);
        Verdict::Wait(wait, (1.0 + cost / self.size).min(1.8))
    }
}

/// All buckets of the service.
#[derive(Debug)]
pub(crate) struct Buckets {
    scale: f64,
    window: f64,
    tenants: HashMap<(usize, Uuid), Bucket>,
    apps: HashMap<usize, Bucket>,
}

impl Buckets {
    pub(crate) fn new(scale: f64, window: f64) -> Self {
        Self { scale, window, tenants: HashMap::new(), apps: HashMap::new() }
    }

    /// A request of an app (by its partner's place) in a tenant of so many users.
    pub(crate) fn take(&mut self, app: usize, tenant: Uuid, users: u64, cost: f64, now: Instant) -> Verdict {
        let units = OF_TENANT.iter().find(|(below, _)| users < *below).map_or(8_000.0, |(_, units)| *units);
        let tenant = self
            .tenants
            .entry((app, tenant))
            .or_insert_with(|| Bucket::new(units * self.scale, self.window, now))
            .take(cost, now);
        let Verdict::Pass(of_tenant) = tenant else { return tenant };
        let app = self
            .apps
            .entry(app)
            .or_insert_with(|| Bucket::new(OF_APP * self.scale, 2.0 * self.window, now))
            .take(cost, now);
        match app {
            Verdict::Pass(of_app) => Verdict::Pass(of_tenant.max(of_app)),
            wait @ Verdict::Wait(..) => wait,
        }
    }
}

/// Metering by requests: so many within a time, whenever that begins.
#[derive(Debug)]
pub(crate) struct Minute {
    most: usize,
    span: Duration,
    seen: VecDeque<Instant>,
}

impl Minute {
    pub(crate) fn new(most: usize, seconds: f64) -> Self {
        Self { most, span: Duration::from_secs_f64(seconds), seen: VecDeque::new() }
    }

    /// What was seen is long ago.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    /// Counts a request, a refused one too; how long it is to stay away if there were too many.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Duration> {
        while self.seen.front().is_some_and(|at| *at + self.span <= now) {
            self.seen.pop_front();
        }
        let full = self.seen.len() >= self.most;
        self.seen.push_back(now);
        let free = self.seen.get(self.seen.len().saturating_sub(self.most))?;
        full.then(|| (*free + self.span).saturating_duration_since(now))
    }
}

/// The size class that refusals name.
pub(crate) fn class(users: u64) -> &'static str {
    match users {
        0..50 => "small",
        50..=500 => "medium",
        501.. => "large",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_runs_dry_and_fills_again() {
        let start = Instant::now();
        let tenant = Uuid::nil();
        // 3,500 units × 0.001 in 10 s: 3.5 units, 0.35 a second.
        let mut buckets = Buckets::new(0.001, 10.0);
        assert!(matches!(buckets.take(0, tenant, 10, 2.0, start), Verdict::Pass(_)));
        let Verdict::Wait(wait, share) = buckets.take(0, tenant, 10, 2.0, start) else { panic!("dry") };
        // 1.5 are left, the refusal costs one: 1.5 are missing.
        assert!((wait.as_secs_f64() - 1.5 / 0.35).abs() < 1e-6, "{wait:?}");
        assert!(share > 1.0);
        assert!(matches!(buckets.take(0, tenant, 10, 2.0, start + wait), Verdict::Pass(_)));
        assert!(matches!(buckets.take(0, Uuid::max(), 10, 2.0, start + wait), Verdict::Pass(_)), "another tenant");
    }

    #[test]
    fn a_minute_begins_with_any_request() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut minute = Minute::new(3, 1.0);
        assert_eq!([0, 100, 200].map(|ms| minute.take(at(ms))), [None; 3]);
        assert_eq!(
            minute.take(at(500)),
            Some(Duration::from_millis(600)),
            "the one at 100 ms must go, this one counts"
        );
        assert_eq!(minute.take(at(1_050)), Some(Duration::from_millis(150)));
        assert_eq!(minute.take(at(1_600)), None);
    }

    #[test]
    fn an_app_has_a_limit_over_all_tenants() {
        let start = Instant::now();
        let mut buckets = Buckets::new(0.000_02, 10.0);
        let waits =
            (0..5).filter(|n| matches!(buckets.take(0, Uuid::from_u128(*n), 900, 2.0, start), Verdict::Wait(..)));
        assert!(waits.count() >= 3, "3 units for all of them");
    }
}
