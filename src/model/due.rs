use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Fleet, PartnerName, Tenant};

/// When the schedule reads a tenant next, and why then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    /// When.
    pub at: Timestamp,
    /// Why then.
    #[serde(flatten)]
    pub why: DueWhy,
}

/// Why a tenant is due when it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "why")]
pub enum DueWhy {
    /// It is its time of day.
    Slot,
    /// The same, while somebody has to act on what refuses it: once a day.
    Refused,
    /// The same, while what came is held back by the shrink guard.
    HeldBack,
    /// The same, for the first time after a pause.
    Pause,
    /// The same, since a person cancelled it.
    Cancelled,
    /// Before its time of day: what refused it passes by itself.
    Retry {
        /// Which try of the day out of turn, counted from 1.
        n: u8,
    },
}

impl DueWhy {
    /// The word of rows.
    pub const fn name(self) -> &'static str {
        match self {
            DueWhy::Slot => "slot",
            DueWhy::Refused => "refused",
            DueWhy::HeldBack => "held_back",
            DueWhy::Pause => "pause",
            DueWhy::Cancelled => "cancelled",
            DueWhy::Retry { .. } => "retry",
        }
    }

    /// In a few words, for the screen.
    pub const fn words(self) -> &'static str {
        match self {
            DueWhy::Slot => "its time of day",
            DueWhy::Refused => "refused: once a day",
            DueWhy::HeldBack => "held back: once a day",
            DueWhy::Pause => "after its pause",
            DueWhy::Cancelled => "it was cancelled",
            DueWhy::Retry { n: ..=1 } => "a fault: tried again",
            DueWhy::Retry { .. } => "a fault still: tried again",
        }
    }
}

/// When the schedule asks a partner next for its customer list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// When.
    pub at: Timestamp,
    /// Whether its own sign-in was refused: then none of its customers is asked before.
    #[serde(default)]
    pub refused: bool,
}

/// How far the schedule is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Tenants with a due time.
    pub tenants: u64,
    /// How many of them should have been read an hour ago and were not.
    pub overdue: u64,
    /// Since when the one waits that waits longest.
    pub oldest: Option<Timestamp>,
    /// When the next of the others is due.
    pub next: Option<Timestamp>,
}

impl Backlog {
    /// How long a tenant may wait for its turn: a run takes its time.
    pub const GRACE: SignedDuration = SignedDuration::from_hours(1);

    /// That of a partner's tenants. Paused ones wait for nothing, and nor do those that a command read meanwhile.
    pub fn of(fleet: &Fleet, partner: &PartnerName, now: Timestamp) -> Self {
        let mut backlog = Self::default();
        let wanted = |tenant: &&Tenant| tenant.key.partner == *partner && tenant.gone_at.is_none();
        for tenant in fleet.tenants.values().filter(wanted) {
            let Some(due) = tenant.due else { continue };
            backlog.tenants += 1;
            if due.at > now {
                backlog.next = backlog.next.into_iter().chain([due.at]).min();
            } else if now.duration_since(due.at) >= Self::GRACE
                && !tenant.is_paused(now)
                && tenant.good_at().is_none_or(|at| at < due.at)
            {
                backlog.overdue += 1;
                backlog.oldest = backlog.oldest.into_iter().chain([due.at]).min();
            }
        }
        backlog
    }

    /// Of two.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let sooner = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        Self {
            tenants: self.tenants + other.tenants,
            overdue: self.overdue + other.overdue,
            oldest: sooner(self.oldest, other.oldest),
            next: sooner(self.next, other.next),
        }
    }
}

impl Fleet {
    /// When a tenant is read next; absent where nobody keeps a schedule.
    pub fn due(&self, tenant: &Tenant) -> Option<Due> {
        self.window.as_ref().and(tenant.due)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::{Good, Id, Key, Pause, RunId, SnapshotId};

    #[test]
    fn a_due_time_is_a_small_record() {
        let at: Timestamp = "2026-11-27T02:15:00Z".parse().unwrap();
        for (due, text) in [
            (Due { at, why: DueWhy::Slot }, r#"{"at":"2026-11-27T02:15:00Z","why":"slot"}"#),
            (Due { at, why: DueWhy::Retry { n: 2 } }, r#"{"at":"2026-11-27T02:15:00Z","why":"retry","n":2}"#),
        ] {
            assert_eq!(serde_json::to_string(&due).unwrap(), text);
            assert_eq!(serde_json::from_str::<Due>(text).unwrap(), due);
        }
    }

    #[test]
    fn a_backlog_is_who_waits_for_an_hour() {
        let at = |minutes: i64| Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap();
        let now = at(0);
        let mut tenants = Vec::new();
        for (n, due) in (1_u128..).zip([Some(-61), Some(-60), Some(-59), Some(0), Some(7), Some(9), None, Some(-600)]) {
            let key = Key { partner: "emea".into(), tenant: Id::new(Uuid::from_u128(n)) };
            let mut tenant = Tenant::new(key, "t".into(), "t".into(), at(-9_999));
            tenant.due = due.map(|minutes| Due { at: at(minutes), why: DueWhy::Slot });
            tenants.push(tenant);
        }
        tenants[7].gone_at = Some(at(-1));
        let mut paused = tenants[0].clone();
        paused.key.tenant = Id::new(Uuid::from_u128(99));
        paused.pause = Some(Box::new(Pause { by: "a".into(), reason: "b".into(), at: at(-9), until: at(9) }));
        tenants.push(paused);
        let mut read = tenants[0].clone();
        read.key.tenant = Id::new(Uuid::from_u128(98));
        let good = Good { at: at(-5), count: 1, snapshot: SnapshotId(1), run: RunId(1) };
        (read.users.good, read.skus.good) = (Some(good.clone()), Some(good));
        tenants.push(read);
        let fleet = Fleet::new([], tenants, [], 1);
        let backlog = Backlog::of(&fleet, &"emea".into(), now);
        assert_eq!(backlog, Backlog { tenants: 8, overdue: 2, oldest: Some(at(-61)), next: Some(at(7)) });
        let none = Backlog::of(&fleet, &"nordics".into(), now);
        assert_eq!((none, backlog.and(none)), (Backlog::default(), backlog));
    }
}
