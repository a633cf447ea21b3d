//! What a partner sold to its tenants, read beside their imports.
//!
//! An import that is over hands its tenant on. Whose data are the oldest comes first, at the pace that Partner Center
//! allows; the customer's own list then says which product each subscription is. Nothing waits for this but the end of
//! the run, and that not for ever.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::import::Meter;
use super::report::{Inbox, Report, Shop};
use crate::cloud::{Commerce, Session, TenantSession};
use crate::failure::Failure;
use crate::model::{Key, RunId, Subscription};

/// Tenants that are asked for at one time. At half a second for an answer it is twice what the pace lets through.
const AT_ONCE: usize = 8;
/// How long a run stays open for this after its last tenant of a partner. What is left then comes first in the next one.
pub(super) const TAIL: Duration = Duration::from_mins(10);
/// After so many tenants in a row for whom our own access or the service failed, the partner is not asked any further.
const IN_A_ROW: usize = 16;

/// A tenant whose import is over.
pub(super) struct Due {
    pub(super) key: Key,
    /// When it was last tried.
    pub(super) tried_at: Option<Timestamp>,
    /// The way into its tenant, or why there is none.
    pub(super) way: Result<Box<TenantSession>, Box<Failure>>,
}

/// One partner's share of it in a run.
pub(super) struct Sales {
    pub(super) run: RunId,
    pub(super) shop: Shop,
    pub(super) inbox: mpsc::Sender<Inbox>,
    pub(super) meter: Meter,
}

impl Sales {
    /// Reads what comes until no more can come, and then no longer than [`TAIL`].
    pub(super) async fn read(self, session: Session, mut due: mpsc::Receiver<Due>) {
        let mut waiting = BTreeMap::new();
        let mut jobs = JoinSet::new();
        let mut closes: Option<Instant> = None;
        let mut in_a_row = 0;
        loop {
            while let Ok(due) = due.try_recv() {
                waiting.insert((due.tried_at, due.key), due.way);
            }
            if in_a_row >= IN_A_ROW {
                waiting.clear();
            }
            if jobs.len() < AT_ONCE
                && let Some(((_, key), way)) = waiting.pop_first()
            {
                jobs.spawn(self.one(session.clone(), key, way));
                continue;
            }
            let close = async {
                match closes {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                Some(ended) = jobs.join_next() => match ended {
                    Ok((report, is_ours)) => {
                        in_a_row = if is_ours { in_a_row + 1 } else { 0 };
                        // The engine ended: nobody is left to hear it.
                        let _ = self.inbox.send(Inbox::Report(report)).await;
                    }
                    Err(error) => tracing::error!(%error, "a defect in tenantop ended the reading of what was sold"),
                },
                next = due.recv(), if closes.is_none() => match next {
                    Some(due) => {
                        waiting.insert((due.tried_at, due.key), due.way);
                    }
                    None => closes = Some(Instant::now() + TAIL),
                },
                () = close => return,
                else => return,
            }
            if closes.is_some() && jobs.is_empty() && waiting.is_empty() {
                return;
            }
        }
    }

    /// Reads what was sold to one tenant. Answers what came of it, and whether a refusal is none of the tenant's own.
    fn one(
        &self,
        session: Session,
        key: Key,
        way: Result<Box<TenantSession>, Box<Failure>>,
    ) -> impl Future<Output = (Report, bool)> + use<> {
        let (run, tell) = (self.run, self.meter.tell(&self.shop, None));
        async move {
            let mut rows = match session.sold(key.tenant, &tell).await {
                Ok(rows) => rows,
                Err(failure) => {
                    let is_ours = is_ours(&failure);
                    let report = Report::Sold { run, tenant: key, sold: Err(failure), unjoined: None };
                    return (report, is_ours);
                }
            };
            let commerce = match way {
                // Nothing is to be told apart.
                _ if rows.is_empty() => Ok(Vec::new()),
                Ok(tenant) => tenant.handed_on(tell).commerce().await,
                Err(failure) => Err(failure),
            };
            let unjoined = commerce.map(|commerce| join(&mut rows, &commerce)).err();
            (Report::Sold { run, tenant: key, sold: Ok(rows), unjoined }, false)
        }
    }
}

/// Partner Center's number for a customer that has nothing to do with the partner.
const NO_TIE: u32 = 20_002;

/// Whether a refusal says nothing of the one customer: our own access is refused, or the service does not work.
fn is_ours(failure: &Failure) -> bool {
    failure.is_passing() || matches!(failure.status, Some(401 | 403)) && !failure.codes.contains(&NO_TIE)
}

/// Gives each subscription its product, and what Partner Center left out.
fn join(rows: &mut [Subscription], commerce: &[Commerce]) {
    let known: HashMap<&str, &Commerce> = commerce.iter().filter_map(|one| Some((one.id.as_deref()?, one))).collect();
    for row in rows {
        if let Some(one) = known.get(row.id.as_str()) {
            row.sku_id = one.sku_id;
            row.ends_at = row.ends_at.or(one.ends_at);
            row.is_trial |= one.is_trial;
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::SkuId;

    #[test]
    fn a_subscription_gets_the_product_that_the_customers_list_has_for_it() {
        let row = |id: &str, ends: &str| Subscription {
            id: id.into(),
            quantity: 5,
            ends_at: ends.parse().ok(),
            ..Subscription::default()
        };
        let sku = SkuId::new(Uuid::from_u128(7));
        let (early, late) = ("2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z");
        let of = |id: Option<&str>, sku_id| Commerce {
            id: id.map(Into::into),
            sku_id,
            ends_at: late.parse().ok(),
            is_trial: true,
        };
        let mut rows = [row("a", early), row("b", ""), row("c", ""), row("d", "")];
        join(
            &mut rows,
            &[of(Some("a"), Some(sku)), of(Some("b"), Some(sku)), of(Some("c"), None), of(None, Some(sku))],
        );
        let got: Vec<_> = rows.iter().map(|row| (row.sku_id, row.ends_at, row.is_trial)).collect();
        let want = [
            (Some(sku), early.parse().ok(), true),
            (Some(sku), late.parse().ok(), true),
            (None, late.parse().ok(), true),
            (None, None, false),
        ];
        assert_eq!(got, want, "what it says of its term stays; what nobody lists stays unknown");
    }
}
