use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::Allocated;
use super::{
    Checks, Due, Gdap, JobState, Key, Known, Packed, RunId, SkuCount, SkuId, SnapshotId, Sold, Step, Text, Ticket,
};
use crate::failure::Failure;

/// The last whole reading of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// When it became the good one.
    pub at: Timestamp,
    /// Users, or SKU rows.
    pub count: u64,
    /// Where the store keeps it.
    pub snapshot: SnapshotId,
    /// Which run read it.
    pub run: RunId,
}

/// A refusal that has gone on since the last success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// The latest one.
    pub failure: Failure,
    /// When the first of them was.
    pub since: Timestamp,
    /// How many imports and probes in a row met one.
    pub tries: u32,
}

/// Users or SKUs of a tenant: each has its own age and its own refusal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DataSet {
    /// What views show.
    #[serde(default)]
    pub good: Option<Good>,
    /// The one that it took the place of: what the good one is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Good>,
    /// Why the last import did not renew it; absent if it did.
    #[serde(default)]
    pub failing: Option<Arc<Failing>>,
}

impl DataSet {
    /// A newer whole reading takes the place of the good one, which is kept as the one before.
    pub fn renew(&mut self, good: Good) {
        self.before = self.good.replace(good);
        self.failing = None;
    }
}

/// An import that the shrink guard holds aside until an operator decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// When.
    pub at: Timestamp,
    /// Which run read it.
    pub run: RunId,
    /// Why, as a sentence for the operator.
    pub why: Text,
    /// Users: the snapshot held aside and its count; absent if the users were not the doubtful part.
    pub users: Option<Good>,
    /// SKUs likewise.
    pub skus: Option<Good>,
    /// Our own count of holders in the users held aside.
    #[serde(default)]
    pub held: Arc<[(SkuId, u64)]>,
    /// The SKU counts held aside.
    #[serde(default)]
    pub sku_counts: Arc<[SkuCount]>,
    /// What the two say of each other, if both were read.
    #[serde(default)]
    pub checks: Option<Checks>,
}

/// A tenant left out of runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// By whom.
    pub by: Text,
    /// Why.
    pub reason: Text,
    /// Since when.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// The part of a tenant in a run that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Active {
    /// Which run.
    pub run: RunId,
    /// `Queued` or `Running`.
    pub state: JobState,
    /// What it does or waits for; absent before its first step.
    pub step: Option<Step>,
    /// Since when.
    pub since: Timestamp,
}

/// A customer of a partner and all that is known of its imports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Whose customer, and which tenant.
    pub key: Key,
    /// Company name, cleaned.
    pub name: Text,
    /// Default domain, cleaned.
    pub domain: Text,
    /// When the customer list first had it.
    pub listed_at: Timestamp,
    /// When the customer list no longer had it; absent while it has it. Its data stay.
    #[serde(default)]
    pub gone_at: Option<Timestamp>,
    /// The users.
    #[serde(default)]
    pub users: DataSet,
    /// The subscribed SKUs.
    #[serde(default)]
    pub skus: DataSet,
    /// Graph's counts of the last good SKUs.
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    pub sku_counts: Packed<SkuCount>,
    /// How many of the last good users hold each SKU; sorted by id.
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    pub held: Packed<(SkuId, u64)>,
    /// What users and SKUs of the last import that read both say of each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checks: Option<Box<Checks>>,
    /// What we sold to it; absent where nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sold: Option<Box<Sold>>,
    /// Findings of its products that somebody explained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Known>,
    /// What is known of its allocation to business units.
    #[serde(default, skip_serializing_if = "is_default")]
    pub allocated: Box<Allocated>,
    /// When an import or a probe of it last ended, well or not.
    #[serde(default)]
    pub tried_at: Option<Timestamp>,
    /// Since when its sign-in passes again, found by a probe after a refusal; absent once an import has ended since.
    #[serde(default)]
    pub passes_at: Option<Timestamp>,
    /// When the schedule reads it next; absent where none was ever kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Due>,
    /// An import held aside.
    #[serde(default)]
    pub held_back: Option<Box<HeldBack>>,
    /// A pause.
    #[serde(default)]
    pub pause: Option<Box<Pause>>,
    /// The last ticket that asked the customer for something, open or closed.
    #[serde(default)]
    pub ticket: Option<Box<Ticket>>,
    /// Our GDAP relationship with it; absent where nobody looked.
    #[serde(default)]
    pub gdap: Option<Box<Gdap>>,
    /// Its part in a run that goes on.
    #[serde(default)]
    pub active: Option<Active>,
}

fn is_default(allocated: &Allocated) -> bool {
    *allocated == Allocated::default()
}

impl Tenant {
    /// A customer as the list first shows it.
    pub fn new(key: Key, name: Text, domain: Text, listed_at: Timestamp) -> Self {
        Self {
            key,
            name,
            domain,
            listed_at,
            gone_at: None,
            users: DataSet::default(),
            skus: DataSet::default(),
            sku_counts: Packed::default(),
            held: Packed::default(),
            checks: None,
            sold: None,
            known: Vec::new(),
            allocated: Box::default(),
            tried_at: None,
            passes_at: None,
            due: None,
            held_back: None,
            pause: None,
            ticket: None,
            gdap: None,
            active: None,
        }
    }

    /// The refusal that explains its state: of the users, else of the SKUs.
    pub fn failing(&self) -> Option<&Failing> {
        self.users.failing.as_deref().or(self.skus.failing.as_deref())
    }

    /// Whether a person left it out of runs.
    pub fn is_paused(&self, now: Timestamp) -> bool {
        self.pause.as_ref().is_some_and(|pause| pause.until > now)
    }

    /// The ticket that the customer still has.
    pub fn open_ticket(&self) -> Option<&Ticket> {
        self.ticket.as_deref().filter(|ticket| ticket.is_open())
    }

    /// How many imports and probes in a row failed; 0 if the last one was good.
    pub fn tries(&self) -> u32 {
        self.failing().map_or(0, |f| f.tries)
    }

    /// Whether an import has something to make good: one was refused, or nothing was ever saved, or a probe found that the
    /// refusal is over.
    pub fn is_due(&self) -> bool {
        self.failing().is_some() || self.good_at().is_none() || self.passes_at.is_some()
    }

    /// Time of the older of its two data sets; absent if either was never read.
    pub fn good_at(&self) -> Option<Timestamp> {
        Some(self.users.good.as_ref()?.at.min(self.skus.good.as_ref()?.at))
    }

    /// The snapshots that it points to.
    pub fn snapshots(&self) -> impl Iterator<Item = SnapshotId> {
        let aside = self.held_back.iter().flat_map(|held| held.users.iter().chain(&held.skus));
        let before = self.users.before.iter().chain(&self.skus.before);
        let readings = self.allocated.readings.iter().map(|reading| &reading.users);
        self.users
            .good
            .iter()
            .chain(&self.skus.good)
            .chain(before)
            .chain(aside)
            .chain(readings)
            .map(|good| good.snapshot)
    }

    /// The name, or what stands for it.
    pub fn title(&self) -> &str {
        if !self.name.is_empty() {
            &self.name
        } else if !self.domain.is_empty() {
            &self.domain
        } else {
            "(no name)"
        }
    }
}
