//! One tenant in one run, from the first page to the last.
//!
//! Pages of a tenant are serial, since the next link is in the page; while one is fetched, the one before it is made
//! ready for the store on another thread.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::guard;
use super::report::{Done, Inbox, Planned, Read, ReadSkus, ReadUsers, Report, Shop, permits_of};
use super::run::Reach;
use super::sales::Due;
use crate::cloud::{Fault, Note, Page, Session, Tell, TenantSession};
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::{
    Checks, Entry, Key, RunId, Set, Sku, SkuCount, SkuId, SnapshotId, Step, Totals, User, UserId, joined,
};
use crate::store::UsersPage;

/// Pages with fewer users than this are made ready in place.
const SMALL: usize = 128;

/// Counts what a part of a run asks and gets, and tells its waits.
#[derive(Clone)]
pub(super) struct Meter(Arc<Mutex<Totals>>);

impl Meter {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(Totals::default())))
    }

    /// Takes notes; waits and new tokens become steps of the tenant, if there is one.
    pub(super) fn tell(&self, shop: &Shop, step_of: Option<(RunId, Key)>) -> Tell {
        let meter = self.clone();
        let shop = shop.clone();
        Arc::new(move |note| {
            let step = meter.count(&note);
            if let (Some(step), Some((run, tenant))) = (step, &step_of) {
                let entry = Entry { at: shop.clock.now(), step };
                post(&shop, Report::Stepped { run: *run, tenant: tenant.clone(), entry });
            }
        })
    }

    pub(super) fn totals(&self) -> Totals {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, note: &Note) -> Option<Step> {
        let mut totals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match note {
            Note::Asked { repeat } => {
                totals.requests += 1;
                totals.retries += u64::from(*repeat);
                None
            }
            Note::Received { bytes } => {
                totals.bytes += bytes;
                None
            }
            Note::Waiting { reason, status, wait, attempt } => {
                let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                totals.waits_ms = totals.waits_ms.saturating_add(ms);
                Some(Step::Waiting { reason: *reason, status: *status, ms, attempt: *attempt })
            }
            Note::NewToken => Some(Step::NewToken),
        }
    }
}

/// Posts a report from where nothing can wait; a full inbox takes it a little later.
fn post(shop: &Shop, report: Report) {
    let Some(inbox) = shop.inbox.upgrade() else { return };
    if let Err(mpsc::error::TrySendError::Full(message)) = inbox.try_send(Inbox::Report(report)) {
        tokio::spawn(async move {
            // The engine ended: nobody is left to hear it.
            let _ = inbox.send(message).await;
        });
    }
}

/// What the users of a tenant add up to while their pages go by.
#[derive(Default)]
struct Tally {
    seen: HashSet<UserId>,
    /// How many users hold exactly these products; there are few different sets, whatever the number of users.
    sets: HashMap<Box<[SkuId]>, u64>,
    duplicates: u64,
}

impl Tally {
    /// Takes a page: leaves out users that came before and makes the rest ready for the store.
    fn take(mut self, mut users: Vec<User>) -> Made {
        let came = users.len();
        self.seen.reserve(came);
        users.retain(|user| self.seen.insert(user.id));
        self.duplicates += (came - users.len()) as u64;
        let mut mine: Vec<SkuId> = Vec::new();
        for user in &users {
            mine.clear();
            mine.extend(user.licenses.iter().flatten().filter_map(|license| license.sku_id));
            mine.sort_unstable();
            mine.dedup();
            match self.sets.get_mut(mine.as_slice()) {
                Some(count) => *count += 1,
                None => {
                    self.sets.insert(mine.as_slice().into(), 1);
                }
            }
        }
        UsersPage::encode(&users).map(|page| (self, page))
    }

    /// How many users hold at least one license.
    fn holders(&self) -> u64 {
        self.sets.iter().filter(|(set, _)| !set.is_empty()).map(|(_, users)| users).sum()
    }

    /// How many users hold each product; sorted by id.
    fn held(&self) -> BTreeMap<SkuId, u64> {
        let mut held = BTreeMap::new();
        for (set, users) in &self.sets {
            for sku in set {
                *held.entry(*sku).or_default() += users;
            }
        }
        held
    }

    /// What the users say of the SKUs, and these of them.
    fn checks(&self, skus: &[Sku]) -> Checks {
        let listed = joined(skus.iter().filter(|sku| !sku.is_company()).map(SkuCount::from).collect());
        let consumed: BTreeMap<SkuId, i64> =
            listed.iter().filter_map(|sku| Some((sku.sku_id?, sku.consumed?))).collect();
        let known: HashSet<SkuId> = skus.iter().filter_map(|sku| sku.sku_id).collect();
        let unknown = |id: &SkuId| !known.contains(id);
        let (held, holders) = (self.held(), self.holders());
        Checks {
            holders,
            held: held.iter().filter(|(id, _)| consumed.contains_key(*id)).map(|(_, users)| users).sum(),
            consumed: consumed.values().fold(0, |sum, one| sum.saturating_add(*one)),
            unknown_users: self.sets.iter().filter(|(set, _)| set.iter().any(unknown)).map(|(_, users)| users).sum(),
            unknown_skus: held.keys().filter(|id| unknown(id)).count() as u64,
            all_empty: !self.sets.is_empty() && holders == 0,
        }
    }
}

/// A tally and the page that it took, or why there is none.
type Made = Result<(Tally, UsersPage), String>;

/// A page on its way to the store.
enum Pending {
    /// Ready.
    Ready(Box<Made>, Step),
    /// Being made ready on another thread.
    Made(JoinHandle<Made>, Step),
}

/// Reads one tenant.
pub(super) struct Import {
    shop: Shop,
    inbox: mpsc::Sender<Inbox>,
    run: RunId,
    plan: Planned,
    meter: Meter,
    /// Pages staged for a snapshot that is not whole yet.
    staged: Option<SnapshotId>,
    /// What users and SKUs say of each other, once both came whole.
    checks: Option<Checks>,
    /// The way into the tenant, once something was read of it.
    tenant: Option<Box<TenantSession>>,
}

impl Import {
    pub(super) fn new(shop: Shop, inbox: mpsc::Sender<Inbox>, run: RunId, plan: Planned) -> Self {
        Self { shop, inbox, run, plan, meter: Meter::new(), staged: None, checks: None, tenant: None }
    }

    /// Reads it, or only signs in, and reports its end, whatever that is. Hands the tenant on if what we sold to it is to
    /// be read.
    pub(super) async fn read(mut self, session: &Session, reach: Reach) -> Option<Due> {
        self.report(Report::Started { run: self.run, tenant: self.plan.key.clone() }).await;
        let cancel = self.plan.cancel.clone();
        let read = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            read = self.reach(session, reach) => Some(read),
        };
        let cancelled = read.is_none();
        let (users, skus) = read.unwrap_or((Read::Untouched, Read::Untouched));
        let due = self.plan.sold.filter(|_| !cancelled && reach == Reach::Data).and_then(|sold| {
            let way = match (self.tenant.take(), &users) {
                (Some(tenant), _) => Ok(tenant),
                (None, Read::Failed(failure)) => Err(failure.clone()),
                (None, Read::Whole(_) | Read::SignedIn | Read::Untouched) => return None,
            };
            Some(Due { key: self.plan.key.clone(), tried_at: sold.tried_at, way })
        });
        self.done(users, skus, cancelled).await;
        due
    }

    /// Reports that it was not read at all.
    pub(super) async fn not_read(self) {
        self.done(Read::Untouched, Read::Untouched, true).await;
    }

    async fn done(self, users: Read<ReadUsers>, skus: Read<ReadSkus>, cancelled: bool) {
        let mut totals = self.meter.totals();
        if let Read::Whole(users) = &users {
            totals.users = users.count;
        }
        let done = Done {
            run: self.run,
            tenant: self.plan.key.clone(),
            users,
            skus,
            checks: self.checks,
            leftover: self.staged,
            cancelled,
            totals,
        };
        self.report(Report::Done(Box::new(done))).await;
    }

    async fn report(&self, report: Report) {
        // The engine ended: nobody is left to hear it.
        let _ = self.inbox.send(Inbox::Report(report)).await;
    }

    async fn step(&self, step: Step) {
        let entry = Entry { at: self.shop.clock.now(), step };
        self.report(Report::Stepped { run: self.run, tenant: self.plan.key.clone(), entry }).await;
    }

    async fn reach(&mut self, session: &Session, reach: Reach) -> (Read<ReadUsers>, Read<ReadSkus>) {
        match reach {
            Reach::Data => self.both(session).await,
            Reach::SignIn => self.probe(session).await,
            Reach::Nothing => (Read::Untouched, Read::Untouched),
        }
    }

    /// Signs in with one request and reads nothing. A fault on the way says nothing about access, so it is noted and
    /// held against nothing.
    async fn probe(&mut self, session: &Session) -> (Read<ReadUsers>, Read<ReadSkus>) {
        let tell = self.meter.tell(&self.shop, Some((self.run, self.plan.key.clone())));
        let began = Instant::now();
        match session.tenant(self.plan.key.tenant, tell).once().sign_in().await {
            Ok(()) => {
                let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                self.step(Step::SignedIn { ms }).await;
                (Read::SignedIn, Read::SignedIn)
            }
            Err(failure) => {
                self.step(Step::Failed { set: Set::Users, failure: failure.clone() }).await;
                if failure.is_passing() {
                    return (Read::Untouched, Read::Untouched);
                }
                (Read::Failed(failure.clone()), Read::Failed(failure))
            }
        }
    }

    async fn both(&mut self, session: &Session) -> (Read<ReadUsers>, Read<ReadSkus>) {
        let tell = self.meter.tell(&self.shop, Some((self.run, self.plan.key.clone())));
        let mut tenant = session.tenant(self.plan.key.tenant, tell);
        let began = Instant::now();
        if let Err(failure) = tenant.sign_in().await {
            self.step(Step::Failed { set: Set::Users, failure: failure.clone() }).await;
            return (Read::Failed(failure.clone()), Read::Failed(failure));
        }
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.step(Step::SignedIn { ms }).await;

        let users = self.users(&mut tenant).await;
        if let Err(failure) = &users {
            self.step(Step::Failed { set: Set::Users, failure: failure.clone() }).await;
            if !failure.class.is_of_data() {
                return (Read::Failed(failure.clone()), Read::Failed(failure.clone()));
            }
        }
        let skus = self.skus(&mut tenant).await;
        if let Err(failure) = &skus {
            self.step(Step::Failed { set: Set::Skus, failure: failure.clone() }).await;
        }
        if users.is_ok() || skus.is_ok() {
            self.tenant = Some(Box::new(tenant));
        }
        let users = match users {
            Ok((mut users, tally)) => {
                let rows = skus.as_ref().ok().map(|skus| skus.rows.as_slice());
                let max_drop = self.shop.limits.max_user_drop;
                users.doubt = guard::users(self.plan.users_before, users.count, tally.holders(), rows, max_drop);
                self.checks = rows.map(|rows| tally.checks(rows));
                self.staged = None;
                Read::Whole(users)
            }
            Err(failure) => Read::Failed(failure),
        };
        (users, skus.map_or_else(Read::Failed, Read::Whole))
    }

    async fn skus(&mut self, tenant: &mut TenantSession) -> Result<ReadSkus, Box<Failure>> {
        let Page { rows, bytes, .. } = match tenant.skus().await {
            Ok(page) => page,
            Err(Fault::Refused(failure) | Fault::PageTokenExpired(failure)) => return Err(failure),
        };
        self.step(Step::Pages { set: Set::Skus, first: 1, last: 1, rows: rows.len() as u64, bytes }).await;
        let doubt = guard::skus(self.plan.skus_before, rows.len());
        Ok(ReadSkus { snapshot: self.shop.next_snapshot(), rows, doubt })
    }

    /// All users, staged, and how many of them hold a license.
    async fn users(&mut self, tenant: &mut TenantSession) -> Result<(ReadUsers, Tally), Box<Failure>> {
        let mut restarts = 0;
        loop {
            match self.users_once(tenant).await {
                Ok(users) => return Ok(users),
                Err(Fault::Refused(failure)) => return Err(failure),
                Err(Fault::PageTokenExpired(failure)) => {
                    if restarts >= self.shop.limits.restarts_per_import {
                        return Err(failure);
                    }
                    restarts += 1;
                    if let Some(snapshot) = self.staged.take() {
                        self.report(Report::Dropped { snapshot }).await;
                    }
                    self.step(Step::Restarted).await;
                }
            }
        }
    }

    async fn users_once(&mut self, tenant: &mut TenantSession) -> Result<(ReadUsers, Tally), Fault> {
        let snapshot = self.shop.next_snapshot();
        self.staged = Some(snapshot);
        let mut tally = Some(Tally::default());
        let mut pending: Option<Pending> = None;
        let mut count = 0;
        let mut number = 0;
        let mut next = None;
        loop {
            let Page { rows, next: link, bytes } = tenant.users(next.as_ref()).await?;
            number += 1;
            if let Some(before) = pending.take() {
                let (sum, staged) = self.stage(snapshot, before).await?;
                tally = Some(sum);
                count += staged;
            }
            let sum = tally.take().unwrap_or_default();
            let step = Step::Pages { set: Set::Users, first: number, last: number, rows: rows.len() as u64, bytes };
            pending = Some(if rows.len() < SMALL {
                Pending::Ready(Box::new(sum.take(rows)), step)
            } else {
                Pending::Made(tokio::task::spawn_blocking(move || sum.take(rows)), step)
            });
            if link.is_none() {
                break;
            }
            next = link;
        }
        if let Some(last) = pending.take() {
            let (sum, staged) = self.stage(snapshot, last).await?;
            tally = Some(sum);
            count += staged;
        }
        let tally = tally.unwrap_or_default();
        if tally.duplicates > 0 {
            self.step(Step::Merged { duplicates: tally.duplicates }).await;
        }
        let held = tally.held().into_iter().collect::<Vec<_>>().into();
        Ok((ReadUsers { snapshot, count, held, doubt: None }, tally))
    }

    /// Waits until a page is ready and hands it to the core; gives the tally back and how many users were staged.
    async fn stage(&self, snapshot: SnapshotId, pending: Pending) -> Result<(Tally, u64), Fault> {
        let not_ready = |why: &str| self.defect(&format!("a page could not be made ready for the store: {why}"));
        let (made, step) = match pending {
            Pending::Ready(made, step) => (*made, step),
            Pending::Made(task, step) => (task.await.map_err(|_| not_ready("a defect in tenantop"))?, step),
        };
        let (tally, page) = made.map_err(|why| not_ready(&why))?;
        let rows = page.rows();
        let Ok(staged) = self.shop.staging.clone().acquire_many_owned(permits_of(page.size())).await else {
            return Err(self.defect("the engine ended"));
        };
        let entry = Entry { at: self.shop.clock.now(), step };
        let page = Box::new(page);
        self.report(Report::Users { run: self.run, tenant: self.plan.key.clone(), snapshot, page, entry, staged })
            .await;
        Ok((tally, rows))
    }

    fn defect(&self, what: &str) -> Fault {
        let now = self.shop.clock.now();
        Fault::Refused(Box::new(Failure::local(Class::Unknown, Service::Unknown, Hop::Customer, what, now)))
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::AssignedLicense;

    fn sku(n: u128) -> SkuId {
        SkuId::new(Uuid::from_u128(n))
    }

    /// Users of these sets of products, counted page by page.
    fn tally(pages: &[&[&[u128]]]) -> Tally {
        let mut next = 0;
        pages.iter().fold(Tally::default(), |tally, page| {
            let users = page.iter().map(|held| {
                next += 1;
                let mut user = User::new(UserId::new(Uuid::from_u128(next)));
                let license = |n: &u128| AssignedLicense { sku_id: Some(sku(*n)), disabled_plans: Vec::new() };
                user.licenses = Some(held.iter().map(license).collect());
                user
            });
            tally.take(users.collect()).unwrap().0
        })
    }

    fn row(n: u128, consumed: Option<i64>, applies_to: &str) -> Sku {
        Sku { sku_id: Some(sku(n)), consumed, applies_to: Some(applies_to.into()), ..Sku::default() }
    }

    #[test]
    fn users_and_skus_are_held_against_each_other() {
        let tally = tally(&[&[&[1, 2], &[2, 1], &[2, 2]], &[&[9], &[3, 9], &[], &[4]]]);
        let held: Vec<(SkuId, u64)> = tally.held().into_iter().collect();
        assert_eq!(held, [(sku(1), 2), (sku(2), 3), (sku(3), 1), (sku(4), 1), (sku(9), 2)], "a product counts once");
        // One tells no count, one is the company's, one is not listed.
        let rows = [row(1, Some(2), "User"), row(2, Some(5), "User"), row(3, None, "User"), row(4, Some(7), "Company")];
        let checks = tally.checks(&rows);
        let want = Checks { holders: 6, held: 5, consumed: 7, unknown_users: 2, unknown_skus: 1, all_empty: false };
        assert_eq!(checks, want);
        assert_eq!((checks.unseen(), checks.agree()), (2, false));
    }

    #[test]
    fn users_without_any_license_are_told_and_no_users_are_not() {
        assert!(tally(&[&[&[], &[]]]).checks(&[]).all_empty);
        assert!(!tally(&[]).checks(&[]).all_empty);
        let same = tally(&[&[&[1]]]).checks(&[row(1, Some(1), "user")]);
        assert!(same.agree(), "{same:?}");
    }
}
