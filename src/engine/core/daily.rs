//! The daily import: facts move due times, and what is due is read.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::watch::BY;
use super::{Core, Live, Turn};
use crate::engine::report::Inbox;
use crate::engine::schedule::{Asked, Moved, Schedule, Wave};
use crate::model::{Ask, Change, Due, Key, Partner, PartnerName, RunKind, Scope, Tenant};

/// The clock is looked at this often at least, since timers stand still while a machine sleeps, and clocks are set.
const LOOK: SignedDuration = SignedDuration::from_mins(5);
/// A clock that is further behind than this was set back.
const SET_BACK: SignedDuration = SignedDuration::from_mins(1);
/// How long nothing is begun after the disk refused a turn.
const REST: SignedDuration = SignedDuration::from_mins(15);

/// A schedule that is kept, and what wakes the core for it.
pub(super) struct Daily {
    schedule: Schedule,
    /// Nothing comes due before it.
    next: Timestamp,
    /// When it was last looked at.
    seen: Timestamp,
    timer: Option<(Timestamp, JoinHandle<()>)>,
}

impl Core {
    /// Begins to keep the schedule, if the configuration wants it: due times are those of the store, as far as they can be.
    pub(super) fn begin_schedule(&mut self, turn: &mut Turn) {
        let Some(schedule) = Schedule::new(&self.plan).filter(|_| self.daily.is_none()) else { return };
        let now = self.now();
        let window = schedule.window().into();
        self.daily = Some(Daily { schedule, next: now, seen: now, timer: None });
        self.change(Change::Scheduled { window }, turn);
        self.judge_all(now, turn);
    }

    /// The timer rang.
    pub(super) fn rang(&mut self) {
        if let Some(daily) = &mut self.daily {
            daily.timer = None;
        }
    }

    /// The fleet was read again from the store, whose disk refuses: nothing is begun for a while.
    pub(super) fn rest_schedule(&mut self) {
        let now = self.now();
        let Some(daily) = &mut self.daily else { return };
        daily.next = now.checked_add(REST).unwrap_or(Timestamp::MAX);
        self.fleet.apply(&Change::Scheduled { window: daily.schedule.window().into() });
    }

    /// Notes whose due time a fact may move.
    pub(super) fn note_moved(&self, change: &Change, turn: &mut Turn) {
        if self.daily.is_none() {
            return;
        }
        match change {
            Change::JobDone { run, tenant, cancelled, .. } => {
                let is_probe = self.fleet.runs.get(run).is_some_and(|run| run.kind == RunKind::Probe);
                let live = self.live.get(run);
                // Nobody cancelled it: the partner was refused, the engine ends, or the disk ended its run. Who was due
                // stays due.
                let is_refused = |live: &Live| !live.cancel.is_cancelled() && !live.signed_in.contains(&tenant.partner);
                let is_unasked = *cancelled && (!self.stopping.is_empty() || live.is_none_or(is_refused));
                if !is_probe && !is_unasked {
                    turn.moved.insert(tenant.clone(), if *cancelled { Moved::Cancelled } else { Moved::Read });
                }
            }
            Change::Paused { tenant, .. } | Change::Resumed { tenant } | Change::Reviewed { tenant, .. } => {
                turn.moved.entry(tenant.clone()).or_insert(Moved::Decided);
            }
            Change::Listed { partner, .. } => {
                turn.asked.insert(partner.clone(), Asked::Listed);
                let of_partner = self.fleet.tenants.values().filter(|tenant| tenant.key.partner == *partner);
                for tenant in of_partner.filter(|tenant| tenant.due.is_none() != tenant.gone_at.is_some()) {
                    turn.moved.entry(tenant.key.clone()).or_insert(Moved::Decided);
                }
            }
            Change::PartnerSignedIn { partner, .. } => {
                turn.asked.insert(partner.clone(), Asked::SignedIn);
            }
            Change::PartnerRefused { partner, run, failure, .. } => {
                let asked = if self.live.get(run).is_some_and(|live| live.signed_in.contains(partner)) {
                    Asked::ListRefused
                } else if failure.is_passing() {
                    Asked::Unreached
                } else {
                    Asked::Refused
                };
                turn.asked.insert(partner.clone(), asked);
            }
            Change::Relations { .. }
            | Change::RelationsRefused { .. }
            | Change::Credentials { .. }
            | Change::RunStarted { .. }
            | Change::Recalled { .. }
            | Change::Queued { .. }
            | Change::JobStarted { .. }
            | Change::Stepped { .. }
            | Change::RunEnded { .. }
            | Change::Ticketed { .. }
            | Change::TicketClosed { .. }
            | Change::Allocated { .. }
            | Change::Sold { .. }
            | Change::Selling { .. }
            | Change::Scheduled { .. }
            | Change::Due { .. }
            | Change::Known { .. }
            | Change::Forgotten { .. }
            | Change::Named { .. } => {}
        }
    }

    /// Moves what the facts of this turn move, begins what is due, and sees to it that the core wakes for the next.
    pub(super) fn keep_schedule(&mut self, turn: &mut Turn) {
        let now = self.now();
        let Some(daily) = self.daily.as_mut() else { return };
        let was_set_back = daily.seen.duration_since(now) > SET_BACK;
        daily.seen = now;
        if was_set_back {
            self.judge_all(now, turn);
        }
        self.move_dues(now, turn);
        if self.stopping.is_empty() && self.daily.as_ref().is_some_and(|daily| daily.next <= now) {
            self.begin_due(now, turn);
            let next = Schedule::wakes_at(&self.fleet, self.clouds.keys(), now);
            if let Some(daily) = &mut self.daily {
                daily.next = next;
            }
        }
        self.set_timer(now);
    }

    /// Due times as they are found: at the beginning, and when the clock was set back.
    fn judge_all(&mut self, now: Timestamp, turn: &mut Turn) {
        let Some(daily) = &mut self.daily else { return };
        daily.next = now;
        let found = |tenant: &Tenant| (tenant.key.clone(), daily.schedule.found(tenant, now));
        let tenants: Vec<_> = self.fleet.tenants.values().map(found).collect();
        let mut partners = Vec::new();
        for name in self.clouds.keys() {
            let partner = self.fleet.partners.get(name).cloned();
            let partner = partner.unwrap_or_else(|| Partner::new(name.clone()));
            partners.push((name.clone(), daily.schedule.ask_found(&partner, now)));
        }
        self.tell_dues(tenants, partners, turn);
    }

    fn move_dues(&mut self, now: Timestamp, turn: &mut Turn) {
        let (moved, asked) = (std::mem::take(&mut turn.moved), std::mem::take(&mut turn.asked));
        let Some(daily) = self.daily.as_ref().filter(|_| !moved.is_empty() || !asked.is_empty()) else { return };
        let tenants = moved.into_iter().filter_map(|(key, moved)| {
            let due = daily.schedule.next(self.fleet.tenants.get(&key)?, moved, now);
            Some((key, due))
        });
        let tenants: Vec<_> = tenants.collect();
        let partners = asked.into_iter().filter_map(|(name, asked)| {
            let ask = daily.schedule.ask(self.fleet.partners.get(&name)?, asked, now);
            Some((name, ask))
        });
        let partners: Vec<_> = partners.collect();
        self.tell_dues(tenants, partners, turn);
    }

    /// Makes a fact of those that differ from what is known.
    fn tell_dues(
        &mut self,
        mut tenants: Vec<(Key, Option<Due>)>,
        mut partners: Vec<(PartnerName, Ask)>,
        turn: &mut Turn,
    ) {
        tenants.retain(|(key, due)| self.fleet.tenants.get(key).is_some_and(|tenant| tenant.due != *due));
        partners
            .retain(|(name, ask)| self.fleet.partners.get(name).and_then(|partner| partner.ask).as_ref() != Some(ask));
        if tenants.is_empty() && partners.is_empty() {
            return;
        }
        let dues = tenants.iter().filter_map(|(_, due)| *due).map(|due| due.at);
        // Those who waited for their partner's sign-in wait no longer.
        let was_refused =
            |name| self.fleet.partners.get(name).and_then(|partner| partner.ask).is_some_and(|ask| ask.refused);
        let asks =
            partners.iter().map(|(name, ask)| if !ask.refused && was_refused(name) { Timestamp::MIN } else { ask.at });
        let soonest = dues.chain(asks).min();
        if let (Some(daily), Some(at)) = (&mut self.daily, soonest) {
            daily.next = daily.next.min(at);
        }
        self.change(Change::Due { tenants, partners }, turn);
    }

    /// Begins a run of what is due.
    fn begin_due(&mut self, now: Timestamp, turn: &mut Turn) {
        let Some(daily) = &self.daily else { return };
        let probes = self.probes();
        let Wave { tenants, partners, lists } = daily.schedule.due(&self.fleet, self.clouds.keys(), &probes, now);
        // Said before they are asked: whatever becomes of it, they are not asked again before long.
        let asked = self.clouds.keys().filter_map(|name| {
            let partner = self.fleet.partners.get(name)?;
            let ask = partner.ask.filter(|ask| ask.at <= now)?;
            let open = lists.contains(name) || ask.refused;
            let asked = if open { Asked::Now } else { Asked::Listed };
            Some((name.clone(), daily.schedule.ask(partner, asked, now)))
        });
        let asked: Vec<_> = asked.collect();
        self.tell_dues(Vec::new(), asked, turn);
        if partners.is_empty() {
            return;
        }
        let run = self.begin(RunKind::Daily, Scope::Tenants(tenants.clone()), &partners, false, (BY, None), turn);
        if let Some(work) = turn.works.iter_mut().find(|work| work.run == run) {
            work.lists = lists;
        }
        if !tenants.is_empty() {
            self.queue(run, tenants, turn);
        }
    }

    fn set_timer(&mut self, now: Timestamp) {
        let Some(daily) = self.daily.as_mut().filter(|_| self.stopping.is_empty()) else { return };
        let soonest = now.checked_add(LOOK).unwrap_or(Timestamp::MAX).min(daily.next);
        if daily.timer.as_ref().is_some_and(|(at, _)| *at <= soonest.max(now)) {
            return;
        }
        let wait = soonest.duration_since(now).max(SignedDuration::ZERO);
        let timer = self.runtime.spawn(wake(wait, self.shop.inbox.clone()));
        if let Some((_, before)) = daily.timer.replace((soonest, timer)) {
            before.abort();
        }
    }
}

/// What became of tenants and partners in a turn, as far as the schedule minds.
pub(super) type MovedTenants = BTreeMap<Key, Moved>;
pub(super) type AskedPartners = BTreeMap<PartnerName, Asked>;

/// Wakes the core after a while.
async fn wake(wait: SignedDuration, inbox: mpsc::WeakSender<Inbox>) {
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    if let Some(inbox) = inbox.upgrade() {
        // The engine ended: nothing is left to wake.
        let _ = inbox.send(Inbox::Rang).await;
    }
}
