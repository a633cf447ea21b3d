//! The core: takes messages, decides, writes, tells. In that order, a turn at a time.

mod allocating;
mod clients;
mod daily;
mod selling;
mod read;
mod turn;
mod watch;
mod wishes;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::report::{ClientId, Done, Inbox, Planned, Read, Report, Shop};
use super::run::Reach;
use super::schedule::Moved;
use super::{guard, plan};
use crate::cloud::Cloud;
use crate::config;
use crate::failure::{Class, Failure, Hop, Service};
use crate::model::allocation::Month;
use crate::model::{
    Change, Deed, Entry, Event, Fleet, Good, HeldBack, Key, PartnerName, Reads, Run, RunId, RunState, Scope, Set,
    SetOutcome, SkuCount, SnapshotId, Step, Tenant, Text, Totals, day_of,
};
use crate::store::Store;
use clients::Clients;
use daily::Daily;
use read::{Fresh, Stood};
use turn::{Op, Turn};
use watch::Watch;

/// The most messages and page bytes that share one transaction.
const TURN_MESSAGES: usize = 1024;
const TURN_BYTES: u64 = 16 << 20;
/// With more open tenants than this a turn lingers.
const FEW_JOBS: usize = 16;
const LINGER: Duration = Duration::from_millis(10);
/// How often that goes by without a message until there is time for something else.
const LINGERS: u32 = 5;

/// A run that goes on.
struct Live {
    scope: Scope,
    by: Text,
    /// Whose it is, by the user id that the kernel told; nobody's of those that begin by themselves.
    uid: Option<u32>,
    reach: Reach,
    /// Whether an import of what passes follows a probe.
    then_import: bool,
    /// What a probe found open.
    passed: Vec<Key>,
    cancel: CancellationToken,
    /// Partners whose own hop worked.
    signed_in: BTreeSet<PartnerName>,
    /// Its tenants that are not over yet.
    jobs: HashMap<Key, CancellationToken>,
    /// Its partners whose tenants are still to be planned.
    unplanned: usize,
    /// Its tenants of which it is still to be read what we sold.
    selling: BTreeSet<Key>,
}

impl Live {
    /// Whether all that it still reads is what we sold: nobody who wants data has to wait for it.
    fn only_sells(&self) -> bool {
        self.unplanned == 0 && self.jobs.is_empty() && !self.selling.is_empty()
    }
}

/// Owner of the store and the fleet.
pub(super) struct Core {
    store: Store,
    fleet: Fleet,
    clouds: BTreeMap<PartnerName, Cloud>,
    shop: Shop,
    keep: config::Store,
    runtime: tokio::runtime::Handle,
    clients: Clients,
    live: BTreeMap<RunId, Live>,
    /// Runs that were over before and whose tenants are still to be read from the store, the newest last.
    unread: Vec<RunId>,
    /// Whose blocked tenants are probed when; absent if nobody asked for it.
    watch: Option<Watch>,
    /// How the configuration wants tenants to be imported by themselves.
    plan: config::Schedule,
    /// When which tenant is imported; absent if nobody asked for it.
    daily: Option<Daily>,
    /// Months that are being reckoned, to be closed.
    closing: BTreeMap<(Key, Month), Deed>,
    stopping: Vec<oneshot::Sender<()>>,
}

impl Core {
    pub(super) fn new(
        store: Store,
        fleet: Fleet,
        clouds: BTreeMap<PartnerName, Cloud>,
        shop: Shop,
        keep: config::Store,
        plan: config::Schedule,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self {
            store,
            unread: unread(&fleet),
            fleet,
            clouds,
            shop,
            keep,
            runtime,
            clients: Clients::default(),
            live: BTreeMap::new(),
            watch: None,
            plan,
            daily: None,
            closing: BTreeMap::new(),
            stopping: Vec::new(),
        }
    }

    /// Serves until nobody can send any more, or until it is told to stop.
    pub(super) fn serve(mut self, mut messages: mpsc::Receiver<Inbox>) {
        let mut greeted = false;
        loop {
            if greeted
                && self.has_time(&messages)
                && let Some(run) = self.unread.pop()
            {
                self.recall(run);
                continue;
            }
            let Some(first) = messages.blocking_recv() else { break };
            greeted = true;
            let mut turn = Turn::default();
            let mut taken = 1;
            self.take(first, &mut turn);
            let linger = self.linger();
            if !linger.is_zero() {
                // Not woken for each message: senders and this thread would do little else than call each other.
                std::thread::park_timeout(linger);
            }
            while taken < TURN_MESSAGES
                && turn.bytes < TURN_BYTES
                && let Ok(message) = messages.try_recv()
            {
                self.take(message, &mut turn);
                taken += 1;
            }
            self.keep_schedule(&mut turn);
            self.keep_watch(&mut turn);
            self.settle(turn);
            if !self.stopping.is_empty() && self.live.is_empty() {
                break;
            }
        }
        let Self { store, stopping, .. } = self;
        drop(store);
        for done in stopping {
            // Whoever waited is gone: nothing to tell.
            let _ = done.send(());
        }
    }

    /// How long a turn waits for company: not at all for a few tenants, whose operator watches; a blink while a fleet is
    /// read, so that many tenants share a durable commit.
    fn linger(&self) -> Duration {
        let open: usize = self.live.values().map(|live| live.jobs.len()).sum();
        if open > FEW_JOBS { LINGER } else { Duration::ZERO }
    }

    /// Whether nothing comes while there are runs to be read: neither the first picture nor a wish waits for what only
    /// the screens of runs show.
    fn has_time(&self, messages: &mpsc::Receiver<Inbox>) -> bool {
        let quiet = |_| {
            std::thread::park_timeout(LINGER);
            messages.is_empty()
        };
        !self.unread.is_empty() && (0..LINGERS).all(quiet)
    }

    /// Reads the tenants of a run and tells them.
    fn recall(&mut self, run: RunId) {
        if !self.fleet.runs_with_jobs().any(|kept| kept == run) {
            return;
        }
        match self.store.reader().run(run) {
            Ok(Some(Run { jobs, .. })) => {
                let change = Change::Recalled { run, jobs };
                self.fleet.apply(&change);
                self.clients.tell(change, &[], &self.shop, &self.runtime);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, %run, "the tenants of a run could not be read"),
        }
    }

    fn now(&self) -> Timestamp {
        self.shop.clock.now()
    }

    fn take(&mut self, message: Inbox, turn: &mut Turn) {
        match message {
            Inbox::Join { caller, shared, events, kicked, answer } => {
                let id = self.clients.join(caller, shared, (events, kicked), self.shop.clock.now());
                turn.hello.push(id);
                turn.present |= shared;
                // A client that is gone before it joined is removed at its first message.
                let _ = answer.send(id);
            }
            Inbox::Leave { client } => turn.present |= self.clients.leave(client),
            Inbox::Did(deed) => turn.audit(*deed),
            Inbox::Looks { client, reads } => turn.audit(self.looks(client, *reads)),
            Inbox::Ping { pong } => {
                // Whoever asked has given up.
                let _ = pong.send(());
            }
            Inbox::CaughtUp { client } => turn.hello.push(client),
            Inbox::Wish { client, command } => self.decide(client, command, turn),
            Inbox::Report(report) => self.report(report, turn),
            Inbox::Watch => self.watch(),
            Inbox::Woken => self.woken(),
            Inbox::Schedule => self.begin_schedule(turn),
            Inbox::Rang => self.rang(),
            Inbox::Stop { done } => {
                self.stopping.push(done);
                for live in self.live.values() {
                    live.cancel.cancel();
                }
            }
        }
    }

    /// What the audit keeps of a look.
    fn looks(&self, client: ClientId, reads: Reads) -> Deed {
        let deed = |verb, what| Deed::plain(self.now(), self.clients.caller(client), verb, what);
        match reads {
            Reads::People(whose, what) => {
                let meant = |tenant: &Tenant| {
                    let read = tenant.snapshots().any(|one| whose.users.contains(&Some(one)));
                    read || whose.tenant.as_ref() == Some(&tenant.key)
                };
                let of = self.fleet.tenants.values().filter(|tenant| meant(tenant));
                Deed { tenants: of.map(|tenant| tenant.key.clone()).collect(), ..deed(Deed::READS_PEOPLE, what) }
            }
            // Whoever makes up a tenant reads nothing: no row keeps what was made up.
            Reads::Audit(tenant, what) => {
                let known = tenant.filter(|key| self.fleet.tenants.contains_key(key));
                Deed { tenants: known.into_iter().collect(), ..deed(Deed::READS_AUDIT, what) }
            }
        }
    }

    fn report(&mut self, report: Report, turn: &mut Turn) {
        match report {
            Report::SignedIn { run, partner } => {
                if let Some(live) = self.live.get_mut(&run) {
                    live.signed_in.insert(partner.clone());
                }
                self.change(Change::PartnerSignedIn { partner, at: self.now() }, turn);
            }
            Report::Refused { run, partner, failure } => {
                self.change(Change::PartnerRefused { partner, run, failure, at: self.now() }, turn);
            }
            Report::Listed { run, partner, customers } => {
                let at = self.now();
                let known =
                    self.fleet.tenants.values().filter(|t| t.key.partner == partner && t.gone_at.is_none()).count();
                if let Some(why) = guard::list(known, customers.len()) {
                    let failure = Failure::local(Class::BadAnswer, Service::PartnerCenter, Hop::Partner, &why, at);
                    self.change(Change::PartnerRefused { partner, run, failure: Box::new(failure), at }, turn);
                } else {
                    self.change(Change::Listed { partner, at, customers }, turn);
                }
            }
            Report::Related { partner, relations } => {
                let at = self.now();
                let change = match relations {
                    Ok(relations) => Change::Relations { partner, at, relations },
                    Err(failure) => Change::RelationsRefused { partner, failure, at },
                };
                self.change(change, turn);
            }
            Report::Known { partner, credentials } => {
                let known = self.fleet.partners.get(&partner).and_then(|partner| partner.credentials.as_ref());
                if known != Some(&credentials) {
                    self.change(Change::Credentials { partner, credentials }, turn);
                }
            }
            Report::Ready { run, partner, signed_in, plan } => {
                let planned = self.ready(run, &partner, signed_in, turn);
                turn.plans.push((plan, planned));
            }
            Report::Started { run, tenant } => self.change(Change::JobStarted { run, tenant, at: self.now() }, turn),
            Report::Stepped { run, tenant, entry } => self.change(Change::Stepped { run, tenant, entry }, turn),
            Report::Users { run, tenant, snapshot, page, entry, staged } => {
                turn.bytes += page.size();
                turn.ops.push(Op::Users { snapshot, page, staged });
                self.change(Change::Stepped { run, tenant, entry }, turn);
            }
            Report::Dropped { snapshot } => turn.ops.push(Op::Drop(snapshot)),
            Report::Done(done) => self.done(*done, turn),
            Report::Sold { run, tenant, sold, unjoined } => self.sold(run, tenant, sold, unjoined, turn),
            Report::Frozen(frozen) => self.frozen(*frozen, turn),
            Report::Ended { run, cancelled, totals } => self.ended(run, cancelled, totals, turn),
        }
    }

    /// Makes a fact part of the picture and notes what of it has to be written and told.
    fn change(&mut self, change: Change, turn: &mut Turn) {
        turn.note(&change, &self.fleet);
        let fresh = Fresh::of(&change, &self.fleet);
        let before = match &change {
            Change::JobDone { tenant, .. } | Change::Reviewed { tenant, .. } | Change::Allocated { tenant, .. } => {
                self.fleet.tenants.get(tenant).map(|tenant| Stood::of(tenant, &self.fleet.catalog))
            }
            Change::PartnerSignedIn { .. }
            | Change::PartnerRefused { .. }
            | Change::Listed { .. }
            | Change::Relations { .. }
            | Change::RelationsRefused { .. }
            | Change::Credentials { .. }
            | Change::RunStarted { .. }
            | Change::Recalled { .. }
            | Change::Scheduled { .. }
            | Change::Due { .. }
            | Change::Queued { .. }
            | Change::JobStarted { .. }
            | Change::Stepped { .. }
            | Change::RunEnded { .. }
            | Change::Paused { .. }
            | Change::Resumed { .. }
            | Change::Ticketed { .. }
            | Change::TicketClosed { .. }
            | Change::Sold { .. }
            | Change::Selling { .. }
            | Change::Known { .. }
            | Change::Forgotten { .. }
            | Change::Named { .. } => None,
        };
        self.fleet.apply(&change);
        self.note_moved(&change, turn);
        if let Some(fresh) = fresh
            && let Some(tenant) = self.fleet.tenants.get(&fresh.tenant)
        {
            turn.readings.push((fresh.tenant.clone(), fresh.reading(tenant)));
        }
        if let Some(before) = before
            && let Some(tenant) = self.fleet.tenants.get(before.key())
        {
            before.settle(tenant, turn);
        }
        turn.changes.push(change);
    }

    /// Which tenants of a partner a run is to read now; they wait in its queue from here on.
    fn ready(&mut self, run: RunId, partner: &PartnerName, signed_in: bool, turn: &mut Turn) -> Vec<Planned> {
        let now = self.now();
        let probes = self.probes();
        let Some(live) = self.live.get_mut(&run) else { return Vec::new() };
        live.unplanned = live.unplanned.saturating_sub(1);
        if signed_in && !matches!(live.scope, Scope::Tenants(_)) {
            let fleet = &self.fleet;
            let mut fresh = plan::tenants(fleet, &live.scope, partner, now);
            // What another run reads now is joined, not read twice; from a probe it is taken over.
            let held = |key: &Key| fleet.tenants.get(key).and_then(|t| t.active.as_ref()).map(|active| active.run);
            fresh.retain(|key| held(key).is_none_or(|run| probes.contains(&run)));
            for key in &fresh {
                live.jobs.insert(key.clone(), live.cancel.child_token());
            }
            if !fresh.is_empty() {
                self.take_over(&fresh);
                self.change(Change::Queued { run, tenants: fresh, at: now }, turn);
            }
        }
        let sold = if signed_in { self.sold_due(run, partner, now) } else { BTreeMap::new() };
        let Some(live) = self.live.get(&run) else { return Vec::new() };
        let planned: Vec<Planned> = live
            .jobs
            .iter()
            .filter(|(key, _)| key.partner == *partner)
            .map(|(key, cancel)| {
                let tenant = self.fleet.tenants.get(key);
                Planned {
                    key: key.clone(),
                    cancel: cancel.clone(),
                    users_before: tenant.and_then(|t| t.users.good.as_ref()).map(|good| good.count),
                    skus_before: tenant.and_then(|t| t.skus.good.as_ref()).map(|good| good.count),
                    sold: sold.get(key).copied(),
                }
            })
            .collect();
        self.sell(run, sold, turn);
        plan::order(planned, &self.fleet, now, self.shop.limits.tenants_at_once)
    }

    fn done(&mut self, done: Done, turn: &mut Turn) {
        let Done { run, tenant, users, skus, mut checks, leftover, cancelled, totals } = done;
        let at = self.now();
        let good = |snapshot: SnapshotId, count: u64| Good { at, count, snapshot, run };
        let before = self
            .fleet
            .tenants
            .get(&tenant)
            .map(|t| (t.users.good.as_ref().map(|good| good.count), t.skus.good.as_ref().map(|good| good.count)));
        let (users_before, skus_before) = before.unwrap_or_default();
        let mut held = None;
        let mut sku_counts = None;
        let mut aside = HeldBack {
            at,
            run,
            why: Text::default(),
            users: None,
            skus: None,
            held: Arc::default(),
            sku_counts: Arc::default(),
            checks: None,
        };
        let mut steps = Vec::new();
        turn.ops.extend(leftover.map(Op::Drop));
        let users = match users {
            Read::Whole(users) => {
                turn.ops.push(Op::Seal(users.snapshot));
                if let Some(why) = users.doubt {
                    aside.users = Some(good(users.snapshot, users.count));
                    aside.held = users.held;
                    steps.push(Step::HeldBack { why: why.clone() });
                    aside.why = why;
                    SetOutcome::Untouched
                } else {
                    held = Some(users.held);
                    steps.push(Step::Saved { set: Set::Users, rows: users.count, before: users_before });
                    SetOutcome::Saved { snapshot: users.snapshot, count: users.count }
                }
            }
            Read::Failed(failure) => SetOutcome::Failed(failure),
            Read::SignedIn => SetOutcome::SignedIn,
            Read::Untouched => SetOutcome::Untouched,
        };
        let skus = match skus {
            Read::Whole(skus) => {
                let counts: Arc<[SkuCount]> = skus.rows.iter().map(SkuCount::from).collect();
                let count = skus.rows.len() as u64;
                turn.ops.push(Op::Skus { snapshot: skus.snapshot, rows: skus.rows });
                if let Some(why) = skus.doubt {
                    aside.skus = Some(good(skus.snapshot, count));
                    aside.sku_counts = counts;
                    steps.push(Step::HeldBack { why: why.clone() });
                    aside.why = if aside.why.is_empty() { why } else { format!("{}; {why}", aside.why).into() };
                    SetOutcome::Untouched
                } else {
                    sku_counts = Some(counts);
                    steps.push(Step::Saved { set: Set::Skus, rows: count, before: skus_before });
                    SetOutcome::Saved { snapshot: skus.snapshot, count }
                }
            }
            Read::Failed(failure) => SetOutcome::Failed(failure),
            Read::SignedIn => SetOutcome::SignedIn,
            Read::Untouched => SetOutcome::Untouched,
        };
        if cancelled {
            steps.push(Step::Cancelled);
        }
        for step in steps {
            self.change(Change::Stepped { run, tenant: tenant.clone(), entry: Entry { at, step } }, turn);
        }
        if let Some(live) = self.live.get_mut(&run) {
            live.jobs.remove(&tenant);
            if matches!(users, SetOutcome::SignedIn) && !cancelled {
                live.passed.push(tenant.clone());
            }
        }
        if !aside.why.is_empty() {
            aside.checks = checks.take();
        }
        let held_back = (!aside.why.is_empty()).then(|| Box::new(aside));
        self.change(
            Change::JobDone { run, tenant, at, users, skus, held, sku_counts, checks, held_back, cancelled, totals },
            turn,
        );
    }

    fn ended(&mut self, run: RunId, cancelled: bool, totals: Totals, turn: &mut Turn) {
        let Some(live) = self.live.remove(&run) else { return };
        self.stop_selling(run, &live, turn);
        // Whoever is left was cut off by a defect: it is not begun anew at once.
        turn.moved.extend(live.jobs.keys().map(|key| (key.clone(), Moved::Cancelled)));
        let state = if cancelled {
            RunState::Cancelled
        } else if live.signed_in.is_empty() {
            RunState::Refused
        } else {
            RunState::Done
        };
        self.change(Change::RunEnded { run, state, at: self.now(), totals }, turn);
        if live.then_import && !cancelled {
            self.import_passed(live.passed, turn);
        }
        turn.idle = self.live.is_empty();
    }

    /// Writes a turn in one transaction, then tells it.
    fn settle(&mut self, mut turn: Turn) {
        if let Err(error) = turn.write(&mut self.store, &self.fleet) {
            self.lost(&error.to_string());
            return;
        }
        for change in turn.changes.drain(..) {
            self.clients.tell(change, &turn.hello, &self.shop, &self.runtime);
        }
        for id in std::mem::take(&mut turn.hello) {
            self.clients.hello(id, &self.fleet, &self.shop, &self.runtime);
        }
        if turn.present {
            self.clients.tell_present(&self.shop, &self.runtime);
        }
        for (client, event) in turn.answers.drain(..) {
            self.clients.answer(client, event, &self.runtime);
        }
        for (answer, planned) in turn.plans.drain(..) {
            // The run is gone: its tenants are over with it.
            let _ = answer.send(planned);
        }
        for work in turn.works.drain(..) {
            if let Some(inbox) = self.shop.inbox.upgrade() {
                self.runtime.spawn(super::run::drive(work, self.shop.clone(), inbox));
            }
        }
        if turn.idle {
            self.tidy();
        }
    }

    /// Bounds the growth of the store while nothing else is to do.
    fn tidy(&mut self) {
        let now = self.now();
        let before = |days: u32| {
            let days = SignedDuration::from_hours(24 * i64::from(days));
            now.checked_sub(days).unwrap_or(Timestamp::MIN)
        };
        if let Err(error) = self.store.forget_runs_before(before(self.keep.keep_runs_days)) {
            tracing::warn!(%error, "old runs could not be dropped");
        }
        if let Err(error) = self.store.forget_licenses_before(day_of(before(self.keep.keep_history_days))) {
            tracing::warn!(%error, "old license counts could not be dropped");
        }
        if let Err(error) = self.store.compact_when_idle() {
            tracing::warn!(%error, "the store could not be compacted");
        }
    }

    /// The disk refused a turn: what is on disk is the truth again, and everybody is told.
    fn lost(&mut self, why: &str) {
        tracing::error!(why, "a transaction failed");
        for live in std::mem::take(&mut self.live).into_values() {
            live.cancel.cancel();
        }
        let listed = Arc::clone(self.fleet.catalog.listed());
        match super::start::fleet(&self.store, self.fleet.stale_after_s, listed) {
            Ok(fleet) => {
                self.unread = unread(&fleet);
                self.fleet = fleet;
            }
            Err(error) => tracing::error!(%error, "the store could not be read again"),
        }
        self.rest_schedule();
        let said: Text = format!("{why}; runs were ended, the last good data stand").into();
        for id in self.clients.ids() {
            self.clients.hello(id, &self.fleet, &self.shop, &self.runtime);
            self.clients.answer(id, Event::Refused(said.clone()), &self.runtime);
        }
    }
}

/// The runs whose tenants belong into memory and are not there, the newest last.
fn unread(fleet: &Fleet) -> Vec<RunId> {
    let without = |id: &RunId| fleet.runs.get(id).is_some_and(|run| run.jobs.is_empty() && run.tenants > 0);
    let mut runs: Vec<RunId> = fleet.runs_with_jobs().filter(without).collect();
    runs.reverse();
    runs
}
