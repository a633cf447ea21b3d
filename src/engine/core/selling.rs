//! What we sold: of which tenants a run reads it, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::{Core, Live, Turn};
use crate::engine::report::SoldDue;
use crate::engine::run::Reach;
use crate::failure::Failure;
use crate::model::{Change, Key, PartnerName, RunId, Selling, Sold, SoldOutcome, Subscription};

impl Core {
    /// Of which tenants of a partner a run is to read what we sold: it reads their data, what is known is old, and no
    /// other run is at it.
    pub(super) fn sold_due(&self, run: RunId, partner: &PartnerName, now: Timestamp) -> BTreeMap<Key, SoldDue> {
        let every = SignedDuration::try_from(self.shop.limits.read_sold_every).unwrap_or(SignedDuration::MAX);
        let Some(live) = self.live.get(&run).filter(|live| live.reach == Reach::Data && every.is_positive()) else {
            return BTreeMap::new();
        };
        let elsewhere: BTreeSet<&Key> = self.live.values().flat_map(|live| &live.selling).collect();
        let due =
            live.jobs.keys().filter(|key| key.partner == *partner && !elsewhere.contains(key)).filter_map(|key| {
                let sold = self.fleet.tenants.get(key)?.sold.as_deref();
                let read_at = sold.and_then(|sold| sold.read_at);
                let is_old = read_at.is_none_or(|at| now.duration_since(at) >= every);
                is_old.then(|| (key.clone(), SoldDue { tried_at: sold.and_then(Sold::tried_at) }))
            });
        due.collect()
    }

    /// They are read from here on.
    pub(super) fn sell(&mut self, run: RunId, due: BTreeMap<Key, SoldDue>, turn: &mut Turn) {
        let many = due.len() as u64;
        let Some(live) = self.live.get_mut(&run).filter(|_| many > 0) else { return };
        live.selling.extend(due.into_keys());
        self.count(run, |selling| selling.due += many, turn);
    }

    /// What came of one of them.
    pub(super) fn sold(
        &mut self,
        run: RunId,
        tenant: Key,
        sold: Result<Vec<Subscription>, Box<Failure>>,
        unjoined: Option<Box<Failure>>,
        turn: &mut Turn,
    ) {
        let Some(live) = self.live.get_mut(&run) else { return };
        live.selling.remove(&tenant);
        let is_read = sold.is_ok();
        let outcome = match (sold, unjoined) {
            (Ok(rows), None) => SoldOutcome::Read(rows),
            (Ok(rows), Some(failure)) => SoldOutcome::Unjoined(self.as_known(&tenant, rows), failure),
            (Err(failure), _) => SoldOutcome::Failed(failure),
        };
        self.change(Change::Sold { tenant, at: self.now(), outcome }, turn);
        let count = |selling: &mut Selling| {
            if is_read {
                selling.read += 1;
            } else {
                selling.failed += 1;
            }
        };
        self.count(run, count, turn);
    }

    /// Subscriptions with the products that were known of them: a subscription never becomes one of another product.
    fn as_known(&self, tenant: &Key, mut rows: Vec<Subscription>) -> Vec<Subscription> {
        let before = self.fleet.tenants.get(tenant).and_then(|tenant| tenant.sold.as_deref());
        let before = before.map(|sold| sold.subscriptions.to_vec()).unwrap_or_default();
        let known: BTreeMap<_, _> = before.iter().map(|row| (row.id.as_str(), row)).collect();
        for row in &mut rows {
            if let Some(before) = known.get(row.id.as_str()) {
                row.sku_id = before.sku_id;
            }
        }
        rows
    }

    /// A run is over: what it did not come to is left to the next one.
    pub(super) fn stop_selling(&mut self, run: RunId, live: &Live, turn: &mut Turn) {
        let many = live.selling.len() as u64;
        if many > 0 {
            self.count(run, |selling| selling.later += many, turn);
        }
    }

    fn count(&mut self, run: RunId, count: impl FnOnce(&mut Selling), turn: &mut Turn) {
        let mut selling = self.fleet.runs.get(&run).and_then(|run| run.selling).unwrap_or_default();
        count(&mut selling);
        self.change(Change::Selling { run, selling }, turn);
    }
}
