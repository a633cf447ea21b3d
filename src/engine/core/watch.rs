//! The watch: blocked tenants are probed by turns, and what passes is imported.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Core, Turn};
use crate::engine::report::Inbox;
use crate::engine::rota::Rota;
use crate::model::{Key, RunKind, Text};

/// In whose name the engine acts by itself.
pub(super) const BY: Text = Text::const_new("schedule");

/// A rota that is kept, and what wakes the core for its next turn.
pub(super) struct Watch {
    rota: Rota,
    timer: Option<JoinHandle<()>>,
}

impl Core {
    /// Begins to watch, if the configuration wants it; otherwise nothing ever wakes.
    pub(super) fn watch(&mut self) {
        let every = SignedDuration::try_from(self.shop.limits.probe_blocked_every).unwrap_or(SignedDuration::MAX);
        if self.watch.is_none() {
            let rota = Rota::new(self.now(), every, self.clouds.keys().cloned().collect());
            self.watch = rota.map(|rota| Watch { rota, timer: None });
        }
    }

    /// The timer rang: it is set anew when the rota was looked at.
    pub(super) fn woken(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.timer = None;
        }
    }

    /// Probes for the partner whose turn it is. One that refuses has its next turn a period later. The clock is looked at
    /// with whatever comes in, since timers stand still while a machine sleeps.
    pub(super) fn keep_watch(&mut self, turn: &mut Turn) {
        let now = self.now();
        let Some(watch) = self.watch.as_mut().filter(|_| self.stopping.is_empty()) else { return };
        let whose = watch.rota.due(now);
        if whose.is_some() || watch.timer.is_none() {
            let next = self.runtime.spawn(wake(watch.rota.wait(now), self.shop.inbox.clone()));
            if let Some(before) = watch.timer.replace(next) {
                before.abort();
            }
        }
        let tenants = whose.map(|partner| watch.rota.tenants(&self.fleet, &partner, now)).unwrap_or_default();
        if tenants.is_empty() {
            return;
        }
        let run = self.begin_with(RunKind::Probe, tenants, false, (BY, None), turn);
        if let Some(live) = self.live.get_mut(&run) {
            live.then_import = true;
        }
        if let Some(work) = turn.works.iter_mut().find(|work| work.run == run) {
            work.calm = true;
        }
    }

    /// Imports what a probe of the schedule found open, unless somebody else was quicker.
    pub(super) fn import_passed(&mut self, mut passed: Vec<Key>, turn: &mut Turn) {
        passed.retain(|key| {
            let tenant = self.fleet.tenants.get(key);
            tenant.is_some_and(|tenant| tenant.passes_at.is_some() && tenant.active.is_none())
        });
        if !passed.is_empty() && self.stopping.is_empty() {
            self.begin_with(RunKind::AfterProbe, passed, false, (BY, None), turn);
        }
    }
}

/// Wakes the core after a while.
async fn wake(wait: SignedDuration, inbox: mpsc::WeakSender<Inbox>) {
    tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    if let Some(inbox) = inbox.upgrade() {
        // The engine ended: nothing is left to wake.
        let _ = inbox.send(Inbox::Woken).await;
    }
}
