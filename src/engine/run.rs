//! A run: each partner's own hop first, then its customer list, then its tenants, many at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::import::{Import, Meter};
use super::report::{Done, Inbox, Planned, Read, Report, Shop};
use super::sales::{Due, Sales};
use crate::cloud::{Cloud, Session};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{Key, PartnerName, RunId, Totals};

/// How far a run goes into tenants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Not at all.
    Nothing,
    /// It signs in and reads nothing.
    SignIn,
    /// It reads users and SKUs.
    Data,
}

/// What a run is to do.
pub(super) struct Work {
    pub(super) run: RunId,
    pub(super) partners: BTreeMap<PartnerName, Cloud>,
    /// Partners whose GDAP relationships are read before their tenants.
    pub(super) relations: BTreeSet<PartnerName>,
    /// Partners whose customer list is read first.
    pub(super) lists: BTreeSet<PartnerName>,
    /// How far it goes into tenants.
    pub(super) reach: Reach,
    /// Whether it is in no hurry: one tenant of a partner after the other.
    pub(super) calm: bool,
    pub(super) cancel: CancellationToken,
}

/// Does it and reports its end.
pub(super) async fn drive(work: Work, shop: Shop, inbox: mpsc::Sender<Inbox>) {
    let mut parts = JoinSet::new();
    let run = work.run;
    for (partner, cloud) in work.partners {
        let part = Part {
            run,
            relations: work.relations.contains(&partner),
            list: work.lists.contains(&partner),
            partner,
            reach: work.reach,
            calm: work.calm,
            cancel: work.cancel.clone(),
            shop: shop.clone(),
            inbox: inbox.clone(),
            meter: Meter::new(),
        };
        parts.spawn(part.go(cloud));
    }
    let mut totals = Totals::default();
    while let Some(part) = parts.join_next().await {
        if let Ok(part) = part {
            totals.add(part);
        }
    }
    let cancelled = work.cancel.is_cancelled();
    // The engine ended: nobody is left to hear it.
    let _ = inbox.send(Inbox::Report(Report::Ended { run, cancelled, totals })).await;
}

/// One partner's share of a run.
struct Part {
    run: RunId,
    partner: PartnerName,
    relations: bool,
    list: bool,
    reach: Reach,
    calm: bool,
    cancel: CancellationToken,
    shop: Shop,
    inbox: mpsc::Sender<Inbox>,
    meter: Meter,
}

impl Part {
    /// Does it; answers what the partner's own requests asked and got.
    async fn go(self, cloud: Cloud) -> Totals {
        let cancel = self.cancel.clone();
        let session = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            session = self.hop(&cloud) => session,
        };
        let plan = self.plan(session.is_some()).await;
        match session {
            Some(session) => self.tenants(plan, &session).await,
            None => {
                for planned in plan {
                    Import::new(self.shop.clone(), self.inbox.clone(), self.run, planned).not_read().await;
                }
            }
        }
        self.meter.totals()
    }

    async fn report(&self, report: Report) {
        // The engine ended: nobody is left to hear it.
        let _ = self.inbox.send(Inbox::Report(report)).await;
    }

    async fn refused(&self, failure: Box<Failure>) {
        self.report(Report::Refused { run: self.run, partner: self.partner.clone(), failure }).await;
    }

    /// Hop 1 and the customer list. Without hop 1 no customer is asked. A list that fails is said, and the tenants
    /// known from the list before are read all the same: Partner Center's trouble is not Graph's. So are they where the
    /// relationships cannot be read.
    async fn hop(&self, cloud: &Cloud) -> Option<Session> {
        let tell = self.meter.tell(&self.shop, None);
        if let Some(credentials) = cloud.credentials().await {
            self.report(Report::Known { partner: self.partner.clone(), credentials }).await;
        }
        let session = match cloud.sign_in(&tell).await {
            Ok(session) => session,
            Err(failure) => {
                self.refused(failure).await;
                return None;
            }
        };
        self.report(Report::SignedIn { run: self.run, partner: self.partner.clone() }).await;
        if self.list {
            match session.customers(&tell).await {
                Ok(customers) => {
                    self.report(Report::Listed { run: self.run, partner: self.partner.clone(), customers }).await;
                }
                Err(failure) => self.refused(failure).await,
            }
        }
        if self.relations {
            let relations = session.relations(&tell).await;
            self.report(Report::Related { partner: self.partner.clone(), relations }).await;
        }
        Some(session)
    }

    /// Asks the core which tenants to read. After a refused hop only those come that wait in the queue already.
    async fn plan(&self, signed_in: bool) -> Vec<Planned> {
        if self.reach == Reach::Nothing {
            return Vec::new();
        }
        let (plan, answer) = oneshot::channel();
        self.report(Report::Ready { run: self.run, partner: self.partner.clone(), signed_in, plan }).await;
        answer.await.unwrap_or_default()
    }

    /// Reads the tenants; what was sold to them is read beside, and may go on for a while when they are over.
    async fn tenants(&self, plan: Vec<Planned>, session: &Session) {
        let many = plan.iter().filter(|planned| planned.sold.is_some()).count();
        // Room for all of them: no import waits until it is rid of its tenant.
        let (hand, due) = mpsc::channel(many.max(1));
        let mut sales = JoinSet::new();
        if many > 0 {
            let (run, shop, inbox, meter) = (self.run, self.shop.clone(), self.inbox.clone(), self.meter.clone());
            sales.spawn(Sales { run, shop, inbox, meter }.read(session.clone(), due));
        }
        self.imports(plan, session, hand).await;
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => {}
            // One that panicked sold nothing more.
            _ = sales.join_next() => {}
        }
    }

    async fn imports(&self, plan: Vec<Planned>, session: &Session, hand: mpsc::Sender<Due>) {
        let mut jobs = JoinSet::new();
        let mut keys: HashMap<Id, Key> = HashMap::new();
        for planned in plan {
            let key = planned.key.clone();
            let cancel = planned.cancel.clone();
            let import = Import::new(self.shop.clone(), self.inbox.clone(), self.run, planned);
            let slot = tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                slot = self.shop.slots.clone().acquire_owned() => slot.ok(),
            };
            let Some(slot) = slot else {
                import.not_read().await;
                continue;
            };
            let (session, reach, hand) = (session.clone(), self.reach, hand.clone());
            let task = jobs.spawn(async move {
                let due = import.read(&session, reach).await;
                drop(slot);
                if let Some(due) = due {
                    // Whoever reads what was sold has given up.
                    let _ = hand.send(due).await;
                }
            });
            keys.insert(task.id(), key);
            if self.calm
                && let Some(ended) = jobs.join_next_with_id().await
            {
                self.job_over(&mut keys, ended.map(|(id, ())| id)).await;
            }
            while let Some(ended) = jobs.try_join_next_with_id() {
                self.job_over(&mut keys, ended.map(|(id, ())| id)).await;
            }
        }
        while let Some(ended) = jobs.join_next_with_id().await {
            self.job_over(&mut keys, ended.map(|(id, ())| id)).await;
        }
    }

    /// An import reports its own end; one that panicked cannot.
    async fn job_over(&self, keys: &mut HashMap<Id, Key>, ended: Result<Id, tokio::task::JoinError>) {
        let panicked = match ended {
            Ok(id) => {
                keys.remove(&id);
                return;
            }
            Err(error) => error.id(),
        };
        let Some(tenant) = keys.remove(&panicked) else { return };
        let now = self.shop.clock.now();
        let what = "a defect in tenantop ended this import";
        let failure = Box::new(Failure::local(Class::Unknown, Service::Unknown, Hop::Customer, what, now));
        let done = Done {
            run: self.run,
            tenant,
            users: Read::Failed(failure.clone()),
            skus: Read::Failed(failure),
            checks: None,
            leftover: None,
            cancelled: false,
            totals: Totals::default(),
        };
        self.report(Report::Done(Box::new(done))).await;
    }
}
