use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::{Month, Reading};
use super::spread::{Burst, Refusal, Spread};
use super::{
    Active, Ask, Catalog, Change, Credentials, Customer, DataSet, Due, Entry, Failing, Good, Job, JobState, Key,
    Packed, PartnerName, Run, RunId, RunKind, RunState, SetOutcome, Shared, Sold, SoldOutcome, State, Subscription,
    Tenant, TenantId, Text, Totals, Was,
};
use crate::failure::{Because, Class, Failure, Language, Owner, PartnerFacts, TicketContext};

/// How many of the newest runs keep their tenants in memory, how many of the newest daily ones and of the newest probes; and how many tenants they
/// have together at most, though the newest run keeps its own whatever their number. Older ones keep their sums.
pub const RUNS_WITH_JOBS: usize = 8;
const JOBS_AT_MOST: u64 = 25_000;

/// A partner tenant of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partner {
    /// The operator's name of it.
    pub name: PartnerName,
    /// Its tenant id; absent until the configuration was seen.
    #[serde(default)]
    pub tenant: Option<TenantId>,
    /// When its own sign-in last worked.
    #[serde(default)]
    pub signed_in_at: Option<Timestamp>,
    /// When its customer list was last read whole.
    #[serde(default)]
    pub listed_at: Option<Timestamp>,
    /// Why its own sign-in or list is refused, since its last success.
    #[serde(default)]
    pub failing: Option<Failing>,
    /// When its list of GDAP relationships was last read whole.
    #[serde(default)]
    pub relations_at: Option<Timestamp>,
    /// When that was last tried.
    #[serde(default)]
    pub relations_tried_at: Option<Timestamp>,
    /// Why it cannot be read, since the last success.
    #[serde(default)]
    pub relations_failing: Option<Failing>,
    /// What is known of its credentials; absent before its first run.
    #[serde(default)]
    pub credentials: Option<Credentials>,
    /// When the schedule asks for its list next; absent where none was ever kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
}

impl Partner {
    /// A partner of whom only the name is known.
    pub fn new(name: PartnerName) -> Self {
        Self {
            name,
            tenant: None,
            signed_in_at: None,
            listed_at: None,
            failing: None,
            relations_at: None,
            relations_tried_at: None,
            relations_failing: None,
            credentials: None,
            ask: None,
        }
    }
}

/// What every screen can draw at once. Only [`Fleet::apply`] alters it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// Our partner tenants.
    pub partners: BTreeMap<PartnerName, Partner>,
    /// Their customers.
    pub tenants: Shared<Key, Tenant>,
    /// Runs, oldest first.
    pub runs: BTreeMap<RunId, Run>,
    /// Data older than this, in seconds, is stale.
    pub stale_after_s: i64,
    /// The part of the day, in UTC, in which a schedule reads every tenant; absent if nobody keeps one.
    pub window: Option<Text>,
    /// Names of products.
    pub catalog: Arc<Catalog>,
    /// How refusals spread.
    spread: Spread,
    /// How many tenants a partner's list holds.
    listed: BTreeMap<PartnerName, u64>,
}

impl Fleet {
    /// Puts a fleet together from what the store keeps. Parts in runs that were going on are not carried over.
    pub fn new(
        partners: impl IntoIterator<Item = Partner>,
        tenants: impl IntoIterator<Item = Tenant>,
        runs: impl IntoIterator<Item = Run>,
        stale_after_s: i64,
    ) -> Self {
        let mut fleet = Self {
            partners: partners.into_iter().map(|p| (p.name.clone(), p)).collect(),
            tenants: tenants.into_iter().map(|t| (t.key.clone(), t)).collect(),
            runs: runs.into_iter().map(|r| (r.id, r)).collect(),
            stale_after_s,
            window: None,
            catalog: Arc::default(),
            spread: Spread::default(),
            listed: BTreeMap::new(),
        };
        for tenant in fleet.tenants.values() {
            if tenant.gone_at.is_none() {
                *fleet.listed.entry(tenant.key.partner.clone()).or_default() += 1;
            }
            fleet.spread.count(&tenant.key.partner, None, Refusal::of(tenant));
        }
        fleet
    }

    /// How a tenant stands at a time.
    pub fn state(&self, tenant: &Tenant, now: Timestamp) -> State {
        let state = State::of(tenant, now, self.stale_after_s, self.is_one_of_many(tenant));
        self.related(tenant, state)
    }

    /// The state that an answer to a tenant's sign-in leads to, as the tenant stands.
    pub fn state_of(&self, key: &Key, failure: &Failure) -> State {
        let same = |tenant: &&Tenant| Refusal::of(tenant).is_some_and(|refusal| refusal.class == failure.class);
        match self.tenants.get(key).filter(same) {
            Some(tenant) => self.related(tenant, State::of_failure(failure, self.is_one_of_many(tenant))),
            None => State::of_failure(failure, self.is_wide(&key.partner, failure.class)),
        }
    }

    /// A state, unless the relationship with the tenant is over and explains it.
    fn related(&self, tenant: &Tenant, state: State) -> State {
        match state {
            State::Blocked | State::OurAuth | State::Failed if self.relation(tenant).is_over() => State::NoAccess,
            State::Ok
            | State::Running
            | State::Queued
            | State::Stale
            | State::Partial
            | State::Blocked
            | State::NoAccess
            | State::OurAuth
            | State::Failed
            | State::Paused
            | State::Never => state,
        }
    }

    /// Whether a tenant is refused as most of its partner's tenants are, or began to be together with many: then it is
    /// ours. One whose own relationship is over is not one of them.
    pub fn is_one_of_many(&self, tenant: &Tenant) -> bool {
        let is_shared = Refusal::of(tenant).is_some_and(|refusal| {
            let partner = &tenant.key.partner;
            self.is_wide(partner, refusal.class)
                || refusal.class.is_ours_if_many() && self.spread.is_burst(partner, refusal, self.listed_of(partner))
        });
        is_shared && !self.relation(tenant).is_over()
    }

    /// Who acts on what a tenant's side answered: us where no relationship holds or where many meet the same.
    pub fn owner(&self, tenant: &Tenant, failure: &Failure) -> Owner {
        let relation = self.relation(tenant);
        if relation.is_over() {
            relation.owner()
        } else if failure.owner == Owner::CustomerAdmin && self.is_one_of_many(tenant) {
            Owner::Partner
        } else {
            failure.owner
        }
    }

    /// Refusals that began at many customers of a partner within minutes, the newest first.
    pub fn bursts(&self) -> Vec<Burst> {
        self.spread.bursts(|partner| self.listed_of(partner))
    }

    /// How many customers a partner's list holds.
    fn listed_of(&self, partner: &PartnerName) -> u64 {
        self.listed.get(partner).copied().unwrap_or(0)
    }

    /// What the text for a customer is filled in with; `us` is the tenant's own partner.
    pub fn ticket_context<'a>(&self, tenant: &'a Tenant, us: &'a PartnerFacts) -> TicketContext<'a> {
        let failing = tenant.failing();
        TicketContext {
            customer: if tenant.name.is_empty() { &tenant.domain } else { &tenant.name },
            us,
            wide: self.is_one_of_many(tenant),
            relation: self.relation(tenant),
            since: failing.map(|failing| failing.since),
            tries: tenant.tries(),
        }
    }

    /// Why no ticket of a customer is to be recorded for what refuses us there: it is our own turn.
    pub fn not_theirs(&self, tenant: &Tenant) -> Option<&'static str> {
        let failure = &tenant.failing()?.failure;
        let none = failure.ticket(&self.ticket_context(tenant, &PartnerFacts::default()), Language::En).err()?;
        match none.because {
            Because::OwnTenant | Because::Wide | Because::Ours => Some(none.because.sentence()),
            Because::Microsoft | Because::Passing | Because::Needless | Because::Unknown => None,
        }
    }

    /// Whether most of a partner's tenants are refused with a class (reference on Entra, section 5): then it is ours,
    /// not theirs. Fewer than three say nothing.
    pub fn is_wide(&self, partner: &PartnerName, class: Class) -> bool {
        let with = self.spread.with(partner, class);
        with >= 3 && with * 2 > self.listed_of(partner)
    }

    /// The runs that go on, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| run.state == RunState::Running)
    }

    /// The newest runs, newest first, whose tenants belong into memory.
    pub fn runs_with_jobs(&self) -> impl Iterator<Item = RunId> {
        let (mut imports, mut daily, mut probes, mut sum) = (0, 0, 0, 0);
        // What a schedule runs is counted apart: it would soon leave no import of a person at hand.
        let newest = self.runs.values().rev().filter(move |run| {
            let count = match run.kind {
                RunKind::Probe => &mut probes,
                RunKind::Daily => &mut daily,
                RunKind::All | RunKind::Failed | RunKind::Rerun | RunKind::Sync | RunKind::AfterProbe => &mut imports,
            };
            *count += 1;
            *count <= RUNS_WITH_JOBS
        });
        let newest = newest.take_while(move |run| {
            let none_yet = sum == 0;
            sum += run.tenants;
            none_yet || sum <= JOBS_AT_MOST
        });
        newest.map(|run| run.id)
    }

    /// Makes a fact part of the picture. A fact about something unknown changes nothing.
    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::PartnerSignedIn { partner, at } => {
                let partner = self.partner(partner);
                partner.signed_in_at = Some(*at);
                partner.failing = None;
            }
            Change::PartnerRefused { partner, run, failure, at } => {
                let entry = self.partner(partner);
                entry.failing = Some(again(entry.failing.as_ref(), failure, *at));
                if let Some(run) = self.runs.get_mut(run) {
                    run.refused.push((partner.clone(), (**failure).clone()));
                }
            }
            Change::Listed { partner, at, customers } => self.list(partner, *at, customers),
            Change::Relations { partner, at, relations } => self.relate(partner, *at, relations),
            Change::RelationsRefused { partner, failure, at } => {
                let entry = self.partner(partner);
                entry.relations_tried_at = Some(*at);
                entry.relations_failing = Some(again(entry.relations_failing.as_ref(), failure, *at));
            }
            Change::Credentials { partner, credentials } => {
                self.partner(partner).credentials = Some(credentials.clone());
            }
            Change::RunStarted { .. } => self.start(change),
            Change::Recalled { run, jobs } => {
                if let Some(run) = self.runs.get_mut(run).filter(|run| run.jobs.is_empty()) {
                    run.jobs.clone_from(jobs);
                }
            }
            Change::Queued { run, tenants, at } => self.queue(*run, tenants, *at),
            Change::JobStarted { run, tenant, at } => {
                if let Some(job) = self.job(*run, tenant) {
                    job.state = JobState::Running;
                    job.started_at = Some(*at);
                }
                if self.holds(*run, tenant) {
                    self.activity(*run, tenant, JobState::Running, None, *at);
                }
            }
            Change::Stepped { run, tenant, entry } => self.step(*run, tenant, entry),
            Change::JobDone { .. } => self.job_done(change),
            Change::RunEnded { run, state, at, totals } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.state = *state;
                    run.ended_at = Some(*at);
                    run.totals.add(*totals);
                }
                let is_of_it = |active: &Active| active.run == *run;
                for tenant in self.tenants.those_mut(|tenant| tenant.active.as_ref().is_some_and(is_of_it)) {
                    tenant.active = None;
                }
            }
            Change::Paused { tenant, pause } => {
                self.on(tenant, |tenant| tenant.pause = Some(Box::new(pause.clone())));
            }
            Change::Resumed { tenant } => self.on(tenant, |tenant| tenant.pause = None),
            Change::Ticketed { tenant, ticket } => {
                self.on(tenant, |tenant| tenant.ticket = Some(Box::new(ticket.clone())));
            }
            Change::TicketClosed { tenant, by, at } => {
                self.on(tenant, |tenant| close_ticket(tenant, *at, Some(by)));
            }
            Change::Reviewed { tenant, accepted, at } => self.review(tenant, *accepted, *at),
            Change::Sold { tenant, at, outcome } => self.sell(tenant, *at, outcome),
            Change::Selling { run, selling } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.selling = Some(*selling);
                }
            }
            Change::Scheduled { window } => self.window = Some(window.clone()),
            Change::Due { tenants, partners } => self.move_dues(tenants, partners),
            Change::Known { tenant, known } => self.on(tenant, |tenant| {
                tenant.known.retain(|before| before.what.sku_id != known.what.sku_id && known.at < before.what.until);
                tenant.known.push(known.clone());
            }),
            Change::Forgotten { tenant, sku_id } => {
                self.on(tenant, |tenant| tenant.known.retain(|known| known.what.sku_id != *sku_id));
            }
            Change::Allocated { tenant, fact, .. } => {
                self.on(tenant, |tenant| tenant.allocated.apply(fact));
            }
            Change::Named { sku_id, name } => Arc::make_mut(&mut self.catalog).set_local(*sku_id, name.clone()),
        }
    }

    /// Alters a tenant, if it is known.
    fn on(&mut self, key: &Key, alter: impl FnOnce(&mut Tenant)) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            alter(tenant);
        }
    }

    fn move_dues(&mut self, tenants: &[(Key, Option<Due>)], partners: &[(PartnerName, Ask)]) {
        for (key, due) in tenants {
            if let Some(tenant) = self.tenants.get_mut(key) {
                tenant.due = *due;
            }
        }
        for (name, ask) in partners {
            self.partner(name).ask = Some(*ask);
        }
    }

    fn start(&mut self, change: &Change) {
        let Change::RunStarted { run, kind, by, reason, at } = change else { return };
        let started = Run {
            id: *run,
            kind: *kind,
            by: by.clone(),
            reason: reason.clone(),
            started_at: *at,
            ended_at: None,
            state: RunState::Running,
            refused: Vec::new(),
            tenants: 0,
            ok: 0,
            failed: 0,
            totals: Totals::default(),
            selling: None,
            jobs: Arc::default(),
        };
        self.runs.insert(*run, started);
        self.forget_old_jobs();
    }

    fn sell(&mut self, key: &Key, at: Timestamp, outcome: &SoldOutcome) {
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        let sold = tenant.sold.get_or_insert_default();
        let read = |subscriptions: &[Subscription], unjoined| Sold {
            read_at: Some(at),
            failing: None,
            unjoined,
            subscriptions: Packed::of(subscriptions),
        };
        match outcome {
            SoldOutcome::Read(subscriptions) => **sold = read(subscriptions, None),
            SoldOutcome::Unjoined(subscriptions, failure) => {
                let failing = again(sold.unjoined.as_deref(), failure, at);
                **sold = read(subscriptions, Some(Arc::new(failing)));
            }
            SoldOutcome::Failed(failure) => {
                sold.failing = Some(Arc::new(again(sold.failing.as_deref(), failure, at)));
            }
        }
    }

    pub(super) fn partner(&mut self, name: &PartnerName) -> &mut Partner {
        self.partners.entry(name.clone()).or_insert_with(|| Partner::new(name.clone()))
    }

    fn job(&mut self, run: RunId, tenant: &Key) -> Option<&mut Job> {
        Arc::make_mut(&mut self.runs.get_mut(&run)?.jobs).get_mut(tenant)
    }

    fn activity(&mut self, run: RunId, key: &Key, state: JobState, step: Option<super::Step>, at: Timestamp) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.active = Some(Active { run, state, step, since: at });
        }
    }

    /// Whether a tenant's part in a run is what goes on: an import takes a tenant over from a probe.
    fn holds(&self, run: RunId, key: &Key) -> bool {
        self.tenants.get(key).is_some_and(|tenant| tenant.active.as_ref().is_some_and(|active| active.run == run))
    }

    fn forget_old_jobs(&mut self) {
        let kept: Vec<RunId> = self.runs_with_jobs().collect();
        for run in self.runs.values_mut().filter(|run| run.state != RunState::Running && !kept.contains(&run.id)) {
            run.jobs = Arc::default();
        }
    }

    fn list(&mut self, partner: &PartnerName, at: Timestamp, customers: &[Customer]) {
        let entry = self.partner(partner);
        entry.listed_at = Some(at);
        entry.failing = None;
        let mut listed = BTreeSet::new();
        for customer in customers {
            listed.insert(customer.tenant);
            let key = Key { partner: partner.clone(), tenant: customer.tenant };
            let (name, domain) = (&customer.name, &customer.domain);
            match self.tenants.get(&key) {
                None => {
                    let tenant = Tenant::new(key, name.clone(), domain.clone(), at);
                    self.tenants.insert(tenant.key.clone(), tenant);
                }
                Some(known) if known.gone_at.is_none() && known.name == *name && known.domain == *domain => {}
                Some(known) => {
                    let before = Refusal::of(known);
                    self.on(&key, |tenant| {
                        tenant.name.clone_from(name);
                        tenant.domain.clone_from(domain);
                        tenant.gone_at = None;
                    });
                    self.spread.count(partner, before, self.tenants.get(&key).and_then(Refusal::of));
                }
            }
        }
        let is_gone = |tenant: &Tenant| {
            tenant.key.partner == *partner && tenant.gone_at.is_none() && !listed.contains(&tenant.key.tenant)
        };
        for tenant in self.tenants.those_mut(is_gone) {
            let before = Refusal::of(tenant);
            tenant.gone_at = Some(at);
            self.spread.count(partner, before, None);
        }
        self.listed.insert(partner.clone(), listed.len() as u64);
    }

    fn queue(&mut self, run: RunId, keys: &[Key], at: Timestamp) {
        for key in keys {
            let Some(tenant) = self.tenants.get_mut(key) else { continue };
            tenant.active = Some(Active { run, state: JobState::Queued, step: None, since: at });
            let before = tenant.users.good.as_ref().map(|good| good.count);
            if let Some(run) = self.runs.get_mut(&run) {
                run.tenants += 1;
                Arc::make_mut(&mut run.jobs).insert(key.clone(), Job::queued(before));
            }
        }
    }

    fn step(&mut self, run: RunId, key: &Key, entry: &Entry) {
        let waits = matches!(entry.step, super::Step::Waiting { .. });
        let state = if waits { JobState::Queued } else { JobState::Running };
        if let Some(job) = self.job(run, key)
            && !job.state.is_over()
        {
            job.note(entry);
            job.state = state;
        }
        if self.holds(run, key) {
            self.activity(run, key, state, Some(entry.step.clone()), entry.at);
        }
    }

    fn job_done(&mut self, change: &Change) {
        let Change::JobDone {
            run,
            tenant: key,
            at,
            users,
            skus,
            held,
            sku_counts,
            checks,
            held_back,
            cancelled,
            totals,
        } = change
        else {
            return;
        };
        let state = job_state(users, skus, held_back.is_some(), *cancelled);
        // A probe reads nothing: it stands for no import.
        let is_probe = matches!(users, SetOutcome::SignedIn) || matches!(skus, SetOutcome::SignedIn);
        let was = self.tenants.get(key).and_then(Tenant::failing).map(|failing| Was::from(&failing.failure));
        if let Some(run) = self.runs.get_mut(run) {
            run.totals.add(*totals);
            match state {
                JobState::Ok => run.ok += 1,
                JobState::Partial | JobState::Failed | JobState::HeldBack | JobState::Cancelled => run.failed += 1,
                JobState::Queued | JobState::Running => {}
            }
            if let Some(job) = Arc::make_mut(&mut run.jobs).get_mut(key) {
                if run.kind == RunKind::Probe {
                    job.was = was.map(Box::new);
                }
                job.state = state;
                job.ended_at = Some(*at);
                job.totals = *totals;
            }
        }
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        let (before, reading) = (Refusal::of(tenant), Reading::of(tenant));
        if tenant.active.as_ref().is_some_and(|active| active.run == *run) {
            tenant.active = None;
        }
        if !cancelled {
            tenant.tried_at = Some(*at);
            tenant.passes_at = passes(tenant, users, skus, *at).filter(|_| held_back.is_none());
        }
        settle(&mut tenant.users, users, *run, *at);
        settle(&mut tenant.skus, skus, *run, *at);
        if let Some(held) = held {
            tenant.held = Packed::of(held);
        }
        if let Some(counts) = sku_counts {
            tenant.sku_counts = Packed::of(counts);
        }
        // What one new reading says of an old one is nothing: the two are of different times.
        if held.is_some() || sku_counts.is_some() {
            tenant.checks = checks.map(Box::new);
        }
        if let Some(held_back) = held_back {
            tenant.held_back = Some(held_back.clone());
        } else if state == JobState::Ok && !is_probe {
            tenant.held_back = None;
            close_ticket(tenant, *at, None);
        }
        let now = Reading::of(tenant);
        tenant.allocated.replaced(reading, now.as_ref(), Month::of(*at));
        let after = Refusal::of(tenant);
        self.spread.count(&key.partner, before, after);
    }

    fn review(&mut self, key: &Key, accepted: bool, at: Timestamp) {
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        let (before, reading) = (Refusal::of(tenant), Reading::of(tenant));
        let Some(held_back) = tenant.held_back.take() else { return };
        if !accepted {
            return;
        }
        if let Some(users) = held_back.users {
            tenant.users.renew(users);
            tenant.held = Packed::of(&held_back.held);
        }
        if let Some(skus) = held_back.skus {
            tenant.skus.renew(skus);
            tenant.sku_counts = Packed::of(&held_back.sku_counts);
        }
        tenant.checks = held_back.checks.map(Box::new);
        let now = Reading::of(tenant);
        tenant.allocated.replaced(reading, now.as_ref(), Month::of(at));
        if tenant.failing().is_none() {
            close_ticket(tenant, at, None);
        }
        let after = Refusal::of(tenant);
        self.spread.count(&key.partner, before, after);
    }
}

/// Nobody waits for the customer any more.
fn close_ticket(tenant: &mut Tenant, at: Timestamp, by: Option<&Text>) {
    if let Some(ticket) = tenant.ticket.as_mut().filter(|ticket| ticket.is_open()) {
        (ticket.closed_at, ticket.closed_by) = (Some(at), by.cloned());
    }
}

fn again(before: Option<&Failing>, failure: &Failure, at: Timestamp) -> Failing {
    let (since, tries) = before.map_or((at, 0), |failing| (failing.since, failing.tries));
    Failing { failure: failure.clone(), since, tries: tries.saturating_add(1) }
}

fn settle(set: &mut DataSet, outcome: &SetOutcome, run: RunId, at: Timestamp) {
    match outcome {
        SetOutcome::Saved { snapshot, count } => {
            set.renew(Good { at, count: *count, snapshot: *snapshot, run });
        }
        SetOutcome::Failed(failure) => {
            set.failing = Some(Arc::new(again(set.failing.as_deref(), failure, at)));
        }
        SetOutcome::SignedIn => set.failing = set.failing.take().filter(|failing| !failing.failure.is_of_sign_in()),
        SetOutcome::Untouched => {}
    }
}

/// Since when a tenant's sign-in passes again and its import is due: a probe says it, and any answer after it ends it.
fn passes(tenant: &Tenant, users: &SetOutcome, skus: &SetOutcome, at: Timestamp) -> Option<Timestamp> {
    let failing = tenant.users.failing.iter().chain(&tenant.skus.failing);
    match (users, skus) {
        (SetOutcome::SignedIn, _) | (_, SetOutcome::SignedIn) => tenant
            .passes_at
            .or_else(|| failing.into_iter().any(|failing| failing.failure.is_of_sign_in()).then_some(at)),
        (SetOutcome::Untouched, SetOutcome::Untouched) => tenant.passes_at,
        (SetOutcome::Saved { .. } | SetOutcome::Failed(_), _)
        | (_, SetOutcome::Saved { .. } | SetOutcome::Failed(_)) => None,
    }
}

fn job_state(users: &SetOutcome, skus: &SetOutcome, held_back: bool, cancelled: bool) -> JobState {
    if cancelled {
        return JobState::Cancelled;
    }
    if held_back {
        return JobState::HeldBack;
    }
    match (users, skus) {
        (SetOutcome::Saved { .. }, SetOutcome::Saved { .. })
        | (SetOutcome::SignedIn, _)
        | (_, SetOutcome::SignedIn) => JobState::Ok,
        (SetOutcome::Saved { .. }, _) | (_, SetOutcome::Saved { .. }) => JobState::Partial,
        (SetOutcome::Failed(_) | SetOutcome::Untouched, SetOutcome::Failed(_) | SetOutcome::Untouched) => {
            JobState::Failed
        }
    }
}

#[cfg(test)]
mod tests;
