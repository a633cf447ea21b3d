use std::time::Instant;

use super::scenario::Scenario;

/// Resource units of one app in one tenant (reference on Graph, section 5.1).
#[derive(Debug)]
pub(super) struct Bucket {
    units: f64,
    most: f64,
    per_s: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket for a tenant of so many users.
    pub(super) fn new(scenario: &Scenario, users: usize) -> Self {
        let (most, per_s) = match &scenario.throttle {
            Some(own) => (own.units, own.per_s),
            None if users < 50 => (3500.0, 350.0),
            None if users <= 500 => (5000.0, 500.0),
            None => (8000.0, 800.0),
        };
        Self { units: most, most, per_s, at: Instant::now() }
    }

    /// Takes units; a refusal says how many seconds to wait. Refused requests cost as well.
    pub(super) fn take(&mut self, cost: f64) -> Result<f64, f64> {
        let now = Instant::now();
        self.units = (self.units + now.duration_since(self.at).as_secs_f64() * self.per_s).min(self.most);
        self.at = now;
        if self.units >= cost {
            self.units -= cost;
            return Ok(1.0 - self.units / self.most);
        }
        Err(((cost - self.units) / self.per_s).max(0.05))
    }
}
