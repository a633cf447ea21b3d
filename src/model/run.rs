use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use super::{Key, PartnerName, RunId, Shared, Text};
use crate::failure::Failure;

/// What set a run off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunKind {
    /// All tenants.
    All,
    /// Those that failed before.
    Failed,
    /// Tenants that an operator named.
    Rerun,
    /// Only the customer list.
    Sync,
    /// A sign-in to tenants, and nothing read.
    Probe,
    /// Tenants whose probe of the schedule passed.
    AfterProbe,
    /// Tenants whose time of day has come, and the customer list once a day.
    Daily,
}

impl RunKind {
    /// Whether it reads data of tenants.
    pub const fn reads(self) -> bool {
        match self {
            RunKind::All | RunKind::Failed | RunKind::Rerun | RunKind::AfterProbe | RunKind::Daily => true,
            RunKind::Sync | RunKind::Probe => false,
        }
    }
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It goes on.
    Running,
    /// Every tenant was tried.
    Done,
    /// A person ended it early.
    Cancelled,
    /// Its process ended before it did.
    Interrupted,
    /// The sign-in of every partner in it was refused: no customer was asked.
    Refused,
}

/// The two data sets of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Set {
    /// Users.
    Users,
    /// Subscribed SKUs.
    Skus,
}

/// Why an import waits before it asks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitReason {
    /// The service asked for it: too many requests.
    Throttled,
    /// The service had a passing fault.
    Fault,
    /// The connection failed or the answer came too late.
    Network,
}

/// Something that happened to one tenant in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "step")]
pub enum Step {
    /// Entra gave a Graph token for the tenant.
    SignedIn {
        /// How long it took, in milliseconds.
        ms: u64,
    },
    /// A token was refused or near its end, and a new one was got.
    NewToken,
    /// Pages `first` to `last` (counted from 1) arrived and are staged.
    Pages {
        /// Of which data set.
        set: Set,
        /// First page of this entry.
        first: u32,
        /// Last page of this entry.
        last: u32,
        /// Rows in them.
        rows: u64,
        /// Inflated bytes of them.
        bytes: u64,
    },
    /// It waits until a time, then asks again.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// HTTP status of the answer; absent if there was none.
        status: Option<u16>,
        /// How long, in milliseconds.
        ms: u64,
        /// Which try follows, counted from 2.
        attempt: u32,
    },
    /// The page token expired: from page 1 again, what was staged is thrown away.
    Restarted,
    /// The same user came more than once; one was kept.
    Merged {
        /// How many were left out.
        duplicates: u64,
    },
    /// A data set was saved and is what views show now.
    Saved {
        /// Which.
        set: Set,
        /// Its rows.
        rows: u64,
        /// Rows of the one before; absent if there was none.
        before: Option<u64>,
    },
    /// The shrink guard holds it aside.
    HeldBack {
        /// Why, as a sentence.
        why: Text,
    },
    /// A data set was refused; the old one stays.
    Failed {
        /// Which.
        set: Set,
        /// The refusal.
        failure: Box<Failure>,
    },
    /// A person ended it, or its process did.
    Cancelled,
}

impl Step {
    /// The refusal that a step is, and of which data set.
    pub fn refusal(&self) -> Option<(Set, &Failure)> {
        match self {
            Self::Failed { set, failure } => Some((*set, failure)),
            Self::SignedIn { .. }
            | Self::NewToken
            | Self::Pages { .. }
            | Self::Waiting { .. }
            | Self::Restarted
            | Self::Merged { .. }
            | Self::Saved { .. }
            | Self::HeldBack { .. }
            | Self::Cancelled => None,
        }
    }
}

/// A step and its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub step: Step,
}

/// How the part of a tenant in a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Waits for a slot or for a time that the service named.
    Queued,
    /// Is being read.
    Running,
    /// Both data sets saved; of a probe, that the sign-in passed.
    Ok,
    /// One of the two saved.
    Partial,
    /// None saved.
    Failed,
    /// Read whole, and held aside by the shrink guard.
    HeldBack,
    /// Ended early by a person, or by the end of its process.
    Cancelled,
}

impl JobState {
    /// Whether nothing more will come.
    pub fn is_over(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Running)
    }
}

/// What was asked and got: of a job, or of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// HTTP requests sent, repeats counted.
    pub requests: u64,
    /// How many of them were repeats.
    pub retries: u64,
    /// Time spent waiting before repeats, in milliseconds, summed over tenants.
    pub waits_ms: u64,
    /// Inflated bytes of the answers.
    pub bytes: u64,
    /// Users read.
    pub users: u64,
}

impl Totals {
    /// Adds another part.
    pub fn add(&mut self, other: Totals) {
        self.requests += other.requests;
        self.retries += other.retries;
        self.waits_ms += other.waits_ms;
        self.bytes += other.bytes;
        self.users += other.users;
    }
}

/// The part of one tenant in a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// How it stands.
    pub state: JobState,
    /// When it left the queue.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was over.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// Users staged so far.
    #[serde(default)]
    pub rows: u64,
    /// Users of the import before, to compare with.
    #[serde(default)]
    pub before: Option<u64>,
    /// What happened, oldest first; pages that follow each other are one entry, and the list is bounded.
    #[serde(default)]
    pub log: Vec<Entry>,
    /// What it asked and got, told at its end.
    #[serde(default)]
    pub totals: Totals,
    /// Of a probe: the refusal before it, to compare with; absent if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub was: Option<Box<Was>>,
}

/// What the refusal before a probe was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Was {
    /// In a word or two.
    pub cause: Text,
    /// Its code, where there was one.
    #[serde(default)]
    pub code: Option<u32>,
    /// The policies that it named.
    #[serde(default)]
    pub policies: Vec<Uuid>,
    /// Whether the sign-in was refused, not what came after it.
    pub sign_in: bool,
}

impl From<&Failure> for Was {
    fn from(failure: &Failure) -> Self {
        Self {
            cause: failure.cause().into(),
            code: failure.codes.first().copied(),
            policies: failure.policies.clone(),
            sign_in: failure.is_of_sign_in(),
        }
    }
}

impl Job {
    /// The newest refusal among its steps.
    pub fn refused(&self) -> Option<&Failure> {
        self.log.iter().rev().find_map(|entry| entry.step.refusal()).map(|(_, failure)| failure)
    }

    /// The most entries that a log keeps; the middle is dropped first.
    pub const LOG_LIMIT: usize = 48;

    /// A part that waits for its turn.
    pub fn queued(before: Option<u64>) -> Self {
        Self {
            state: JobState::Queued,
            started_at: None,
            ended_at: None,
            rows: 0,
            before,
            log: Vec::new(),
            totals: Totals::default(),
            was: None,
        }
    }

    /// Adds a step; pages join the pages before them.
    pub fn note(&mut self, entry: &Entry) {
        if let (
            Some(Entry { step: Step::Pages { set, last, rows, bytes, .. }, .. }),
            Step::Pages { set: s, last: l, rows: r, bytes: b, .. },
        ) = (self.log.last_mut(), &entry.step)
            && set == s
        {
            *last = *l;
            *rows += r;
            *bytes += b;
        } else {
            if self.log.len() >= Self::LOG_LIMIT {
                self.log.remove(Self::LOG_LIMIT / 2);
            }
            self.log.push(entry.clone());
        }
        match &entry.step {
            Step::Pages { set: Set::Users, rows, .. } => self.rows += rows,
            Step::Restarted => self.rows = 0,
            Step::SignedIn { .. }
            | Step::NewToken
            | Step::Pages { set: Set::Skus, .. }
            | Step::Waiting { .. }
            | Step::Merged { .. }
            | Step::Saved { .. }
            | Step::HeldBack { .. }
            | Step::Failed { .. }
            | Step::Cancelled => {}
        }
    }
}

/// How far a run is with what we sold to its tenants: it is read beside them and may go on when they are over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Selling {
    /// Tenants of which it is due.
    pub due: u64,
    /// Of how many it was read.
    pub read: u64,
    /// Of how many it was refused.
    pub failed: u64,
    /// How many are left to the next run; told at the end.
    #[serde(default)]
    pub later: u64,
}

impl Selling {
    /// How many it still has to ask for.
    pub fn open(self) -> u64 {
        self.due.saturating_sub(self.read).saturating_sub(self.failed).saturating_sub(self.later)
    }
}

/// An import run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What set it off.
    pub kind: RunKind,
    /// Who asked for it.
    pub by: Text,
    /// Why, in the operator's words.
    #[serde(default)]
    pub reason: Option<Text>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was over.
    #[serde(default)]
    pub ended_at: Option<Timestamp>,
    /// How it stands.
    pub state: RunState,
    /// Partners whose own sign-in or customer list failed in it.
    #[serde(default)]
    pub refused: Vec<(PartnerName, Failure)>,
    /// How many tenants it has.
    pub tenants: u64,
    /// How many of them were saved whole.
    #[serde(default)]
    pub ok: u64,
    /// How many were not: failed, partial, held back, cancelled.
    #[serde(default)]
    pub failed: u64,
    /// Sums over its tenants.
    #[serde(default)]
    pub totals: Totals,
    /// How far it is with what we sold; absent where that is not due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selling: Option<Selling>,
    /// Its tenants, shared by all who have the same picture. Only the newest runs keep them in memory; empty otherwise.
    #[serde(default, with = "jobs")]
    pub jobs: Arc<Shared<Key, Job>>,
}

impl Run {
    /// How many of its tenants wait, and how many are being read.
    pub fn open(&self) -> (u64, u64) {
        self.jobs.values().fold((0, 0), |(queued, running), job| match job.state {
            JobState::Queued => (queued + 1, running),
            JobState::Running => (queued, running + 1),
            JobState::Ok | JobState::Partial | JobState::Failed | JobState::HeldBack | JobState::Cancelled => {
                (queued, running)
            }
        })
    }
}

/// A map with a struct as its key is a list of pairs in JSON.
pub(super) mod jobs {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Job, Key, Shared};

    pub(in crate::model) fn serialize<S: Serializer>(jobs: &Shared<Key, Job>, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(jobs.iter())
    }

    pub(in crate::model) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Shared<Key, Job>>, D::Error> {
        Ok(Arc::new(Vec::<(Key, Job)>::deserialize(from)?.into_iter().collect()))
    }
}
