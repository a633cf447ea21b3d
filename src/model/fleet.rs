use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Active, Change, Credentials, Customer, DataSet, Entry, Failing, Good, Job, JobState, Key, PartnerName, Run, RunId,
    RunState, SetOutcome, State, Tenant, TenantId, Text, Totals,
};
use crate::failure::{Class, Failure, PartnerFacts, TicketContext};

/// How many of the newest runs keep their tenants in memory. Older ones keep their sums.
pub const RUNS_WITH_JOBS: usize = 8;

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
        }
    }
}

/// What every screen can draw at once. Only [`Fleet::apply`] alters it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fleet {
    /// Our partner tenants.
    pub partners: BTreeMap<PartnerName, Partner>,
    /// Their customers.
    pub tenants: BTreeMap<Key, Tenant>,
    /// Runs, oldest first.
    pub runs: BTreeMap<RunId, Run>,
    /// Data older than this, in seconds, is stale.
    pub stale_after_s: i64,
    /// How many tenants of a partner are refused with a class.
    spread: BTreeMap<(PartnerName, Class), u64>,
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
            spread: BTreeMap::new(),
            listed: BTreeMap::new(),
        };
        for tenant in fleet.tenants.values() {
            if tenant.gone_at.is_none() {
                *fleet.listed.entry(tenant.key.partner.clone()).or_default() += 1;
            }
            if let Some(class) = refused_with(tenant) {
                *fleet.spread.entry((tenant.key.partner.clone(), class)).or_default() += 1;
            }
        }
        fleet
    }

    /// How a tenant stands at a time.
    pub fn state(&self, tenant: &Tenant, now: Timestamp) -> State {
        let state = State::of(tenant, now, self.stale_after_s, self.is_one_of_most(tenant));
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

    /// Whether a tenant is refused as most of its partner's tenants are: then it is ours. One whose own relationship is
    /// over is not one of them.
    pub fn is_one_of_most(&self, tenant: &Tenant) -> bool {
        refused_with(tenant).is_some_and(|class| self.is_wide(&tenant.key.partner, class))
            && !self.relation(tenant).is_over()
    }

    /// What the text for a customer is filled in with; `us` is the tenant's own partner.
    pub fn ticket_context<'a>(&self, tenant: &'a Tenant, us: &'a PartnerFacts) -> TicketContext<'a> {
        let failing = tenant.failing();
        TicketContext {
            customer: if tenant.name.is_empty() { &tenant.domain } else { &tenant.name },
            us,
            wide: self.is_one_of_most(tenant),
            since: failing.map(|failing| failing.since),
            tries: tenant.tries(),
        }
    }

    /// Whether most of a partner's tenants are refused with a class (reference on Entra, section 5): then it is ours,
    /// not theirs. Fewer than three say nothing.
    pub fn is_wide(&self, partner: &PartnerName, class: Class) -> bool {
        let with = self.spread.get(&(partner.clone(), class)).copied().unwrap_or(0);
        let of = self.listed.get(partner).copied().unwrap_or(0);
        with >= 3 && with * 2 > of
    }

    /// The runs that go on, oldest first.
    pub fn running(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| run.state == RunState::Running)
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
                entry.failing = Some(again(entry.failing.take(), failure, *at));
                if let Some(run) = self.runs.get_mut(run) {
                    run.refused.push((partner.clone(), (**failure).clone()));
                }
            }
            Change::Listed { partner, at, customers } => self.list(partner, *at, customers),
            Change::Relations { partner, at, relations } => self.relate(partner, *at, relations),
            Change::RelationsRefused { partner, failure, at } => {
                let entry = self.partner(partner);
                entry.relations_tried_at = Some(*at);
                entry.relations_failing = Some(again(entry.relations_failing.take(), failure, *at));
            }
            Change::Credentials { partner, credentials } => {
                self.partner(partner).credentials = Some(credentials.clone());
            }
            Change::RunStarted { run, kind, by, reason, at } => {
                self.runs.insert(
                    *run,
                    Run {
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
                        jobs: BTreeMap::new(),
                    },
                );
                self.forget_old_jobs();
            }
            Change::Queued { run, tenants, at } => self.queue(*run, tenants, *at),
            Change::JobStarted { run, tenant, at } => {
                if let Some(job) = self.job(*run, tenant) {
                    job.state = JobState::Running;
                    job.started_at = Some(*at);
                }
                self.activity(*run, tenant, JobState::Running, None, *at);
            }
            Change::Stepped { run, tenant, entry } => self.step(*run, tenant, entry),
            Change::JobDone { .. } => self.job_done(change),
            Change::RunEnded { run, state, at, totals } => {
                if let Some(run) = self.runs.get_mut(run) {
                    run.state = *state;
                    run.ended_at = Some(*at);
                    run.totals.add(*totals);
                }
                for tenant in self.tenants.values_mut() {
                    if tenant.active.as_ref().is_some_and(|active| active.run == *run) {
                        tenant.active = None;
                    }
                }
            }
            Change::Paused { tenant, pause } => {
                if let Some(tenant) = self.tenants.get_mut(tenant) {
                    tenant.pause = Some(pause.clone());
                }
            }
            Change::Resumed { tenant } => {
                if let Some(tenant) = self.tenants.get_mut(tenant) {
                    tenant.pause = None;
                }
            }
            Change::Reviewed { tenant, accepted, .. } => self.review(tenant, *accepted),
        }
    }

    pub(super) fn partner(&mut self, name: &PartnerName) -> &mut Partner {
        self.partners.entry(name.clone()).or_insert_with(|| Partner::new(name.clone()))
    }

    fn job(&mut self, run: RunId, tenant: &Key) -> Option<&mut Job> {
        self.runs.get_mut(&run)?.jobs.get_mut(tenant)
    }

    fn activity(&mut self, run: RunId, key: &Key, state: JobState, step: Option<super::Step>, at: Timestamp) {
        if let Some(tenant) = self.tenants.get_mut(key) {
            tenant.active = Some(Active { run, state, step, since: at });
        }
    }

    fn forget_old_jobs(&mut self) {
        for run in self.runs.values_mut().rev().skip(RUNS_WITH_JOBS) {
            if run.state != RunState::Running && !run.jobs.is_empty() {
                run.jobs = BTreeMap::new();
            }
        }
    }

    fn list(&mut self, partner: &PartnerName, at: Timestamp, customers: &[Customer]) {
        let entry = self.partner(partner);
        entry.listed_at = Some(at);
        entry.failing = None;
        let mut listed = std::collections::BTreeSet::new();
        for customer in customers {
            listed.insert(customer.tenant);
            let key = Key { partner: partner.clone(), tenant: customer.tenant };
            let tenant = self
                .tenants
                .entry(key.clone())
                .or_insert_with(|| Tenant::new(key, Text::default(), Text::default(), at));
            tenant.name.clone_from(&customer.name);
            tenant.domain.clone_from(&customer.domain);
            tenant.gone_at = None;
        }
        for (key, tenant) in &mut self.tenants {
            if key.partner == *partner && tenant.gone_at.is_none() && !listed.contains(&key.tenant) {
                tenant.gone_at = Some(at);
            }
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
                run.jobs.insert(key.clone(), Job::queued(before));
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
        if self.tenants.get(key).is_some_and(|t| t.active.as_ref().is_some_and(|active| active.run == run)) {
            self.activity(run, key, state, Some(entry.step.clone()), entry.at);
        }
    }

    fn job_done(&mut self, change: &Change) {
        let Change::JobDone { run, tenant: key, at, users, skus, held, sku_counts, held_back, cancelled, totals } =
            change
        else {
            return;
        };
        let state = job_state(users, skus, held_back.is_some(), *cancelled);
        if let Some(run) = self.runs.get_mut(run) {
            run.totals.add(*totals);
            match state {
                JobState::Ok => run.ok += 1,
                JobState::Partial | JobState::Failed | JobState::HeldBack | JobState::Cancelled => run.failed += 1,
                JobState::Queued | JobState::Running => {}
            }
            if let Some(job) = run.jobs.get_mut(key) {
                job.state = state;
                job.ended_at = Some(*at);
                job.totals = *totals;
            }
        }
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        let before = refused_with(tenant);
        tenant.active = None;
        if !cancelled {
            tenant.tried_at = Some(*at);
        }
        settle(&mut tenant.users, users, *run, *at);
        settle(&mut tenant.skus, skus, *run, *at);
        if let Some(held) = held {
            tenant.held = held.clone();
        }
        if let Some(counts) = sku_counts {
            tenant.sku_counts = counts.clone();
        }
        if let Some(held_back) = held_back {
            tenant.held_back = Some((**held_back).clone());
        } else if state == JobState::Ok {
            tenant.held_back = None;
        }
        let after = refused_with(tenant);
        self.count_class(&key.partner, before, after);
    }

    fn count_class(&mut self, partner: &PartnerName, before: Option<Class>, after: Option<Class>) {
        if before == after {
            return;
        }
        if let Some(class) = before
            && let Some(n) = self.spread.get_mut(&(partner.clone(), class))
        {
            *n = n.saturating_sub(1);
        }
        if let Some(class) = after {
            *self.spread.entry((partner.clone(), class)).or_default() += 1;
        }
    }

    fn review(&mut self, key: &Key, accepted: bool) {
        let Some(tenant) = self.tenants.get_mut(key) else { return };
        let Some(held_back) = tenant.held_back.take() else { return };
        if !accepted {
            return;
        }
        if let Some(users) = held_back.users {
            tenant.users = DataSet { good: Some(users), failing: None };
            tenant.held = held_back.held;
        }
        if let Some(skus) = held_back.skus {
            tenant.skus = DataSet { good: Some(skus), failing: None };
            tenant.sku_counts = held_back.sku_counts;
        }
    }
}

/// The class with which both data sets are refused.
fn refused_with(tenant: &Tenant) -> Option<Class> {
    tenant.skus.failing.as_ref()?;
    tenant.users.failing.as_ref().map(|failing| failing.failure.class)
}

fn again(before: Option<Failing>, failure: &Failure, at: Timestamp) -> Failing {
    let (since, tries) = before.map_or((at, 0), |failing| (failing.since, failing.tries));
    Failing { failure: failure.clone(), since, tries: tries.saturating_add(1) }
}

fn settle(set: &mut DataSet, outcome: &SetOutcome, run: RunId, at: Timestamp) {
    match outcome {
        SetOutcome::Saved { snapshot, count } => {
            *set = DataSet { good: Some(Good { at, count: *count, snapshot: *snapshot, run }), failing: None };
        }
        SetOutcome::Failed(failure) => set.failing = Some(again(set.failing.take(), failure, at)),
        SetOutcome::Untouched => {}
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
        (SetOutcome::Saved { .. }, SetOutcome::Saved { .. }) => JobState::Ok,
        (SetOutcome::Saved { .. }, _) | (_, SetOutcome::Saved { .. }) => JobState::Partial,
        (SetOutcome::Failed(_) | SetOutcome::Untouched, SetOutcome::Failed(_) | SetOutcome::Untouched) => {
            JobState::Failed
        }
    }
}

#[cfg(test)]
mod tests;
