use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::failure::Failure;
use crate::model::allocation::AllocationOf;
use crate::model::{
    Caller, Checks, Clock, Command, Credentials, Customer, Deed, Entry, Event, Key, PartnerName, Reads, Related, RunId,
    SessionId, Sku, SkuId, SnapshotId, Subscription, Text, Totals,
};
use crate::store::{Freeze, UsersPage};

/// Number of a client in this process.
pub(super) type ClientId = SessionId;

/// What the core can find in its inbox.
pub(super) enum Inbox {
    /// A new client; it is told its number.
    Join {
        caller: Caller,
        /// Whether others are here, and each is told who.
        shared: bool,
        events: mpsc::Sender<Event>,
        /// Told, with the reason, when somebody ends the session.
        kicked: oneshot::Sender<Text>,
        answer: oneshot::Sender<ClientId>,
    },
    /// A client is gone.
    Leave { client: ClientId },
    /// A client that lagged can hear again.
    CaughtUp { client: ClientId },
    /// A wish.
    Wish { client: ClientId, command: Command },
    /// From a run.
    Report(Report),
    /// Probe blocked tenants from now on, as often as the configuration says.
    Watch,
    /// A turn of the watch could be due.
    Woken,
    /// Import every tenant once a day from now on, if the configuration says so.
    Schedule,
    /// Something of the schedule could be due.
    Rang,
    /// Somebody did something that is no wish.
    Did(Box<Deed>),
    /// A client looks at people, or at the audit.
    Looks { client: ClientId, reads: Box<Reads> },
    /// Whether the core still takes what comes.
    Ping { pong: oneshot::Sender<()> },
    /// End everything; told when the store is closed.
    Stop { done: oneshot::Sender<()> },
}

/// What a run tells the core. Never leaves the engine.
pub(super) enum Report {
    /// Hop 1 worked.
    SignedIn { run: RunId, partner: PartnerName },
    /// Hop 1 or the customer list was refused.
    Refused { run: RunId, partner: PartnerName, failure: Box<Failure> },
    /// The customer list, whole.
    Listed { run: RunId, partner: PartnerName, customers: Vec<Customer> },
    /// The partner's GDAP relationships, whole, or why they cannot be read.
    Related { partner: PartnerName, relations: Result<Vec<Related>, Box<Failure>> },
    /// What is known of the partner's credentials.
    Known { partner: PartnerName, credentials: Credentials },
    /// The partner is ready, or refused: which of its tenants is this run to read, or to give up?
    Ready { run: RunId, partner: PartnerName, signed_in: bool, plan: oneshot::Sender<Vec<Planned>> },
    /// A tenant left the queue.
    Started { run: RunId, tenant: Key },
    /// A step of a tenant.
    Stepped { run: RunId, tenant: Key, entry: Entry },
    /// A page of users to be staged.
    Users {
        run: RunId,
        tenant: Key,
        snapshot: SnapshotId,
        page: Box<UsersPage>,
        entry: Entry,
        staged: OwnedSemaphorePermit,
    },
    /// What was staged is thrown away.
    Dropped { snapshot: SnapshotId },
    /// A tenant is over.
    Done(Box<Done>),
    /// What was sold to a tenant, or why it could not be read; and why nobody knows which products these are.
    Sold { run: RunId, tenant: Key, sold: Result<Vec<Subscription>, Box<Failure>>, unjoined: Option<Box<Failure>> },
    /// A month was reckoned, to be closed.
    Frozen(Box<Frozen>),
    /// The run is over.
    Ended { run: RunId, cancelled: bool, totals: Totals },
}

/// A tenant that a run is to read.
pub(super) struct Planned {
    pub(super) key: Key,
    /// Cancels this tenant alone, or with its run.
    pub(super) cancel: CancellationToken,
    /// Users of the last good import, for the shrink guard.
    pub(super) users_before: Option<u64>,
    /// SKU rows of the last good import, for the shrink guard.
    pub(super) skus_before: Option<u64>,
    /// Set if what we sold to it is to be read: when that was last tried.
    pub(super) sold: Option<SoldDue>,
}

/// That it is time to read what we sold to a tenant.
#[derive(Debug, Clone, Copy)]
pub(super) struct SoldDue {
    /// When it was last tried.
    pub(super) tried_at: Option<Timestamp>,
}

/// How the reading of one data set ended, before the core made it the good one.
pub(super) enum Read<T> {
    /// All of it came.
    Whole(T),
    /// It was refused.
    Failed(Box<Failure>),
    /// The sign-in passed, and nothing was to be read.
    SignedIn,
    /// It was not tried, or cut short.
    Untouched,
}

/// All users of a tenant, staged.
pub(super) struct ReadUsers {
    pub(super) snapshot: SnapshotId,
    pub(super) count: u64,
    pub(super) held: Arc<[(SkuId, u64)]>,
    /// Set if the shrink guard doubts it: why.
    pub(super) doubt: Option<Text>,
}

/// All SKUs of a tenant.
pub(super) struct ReadSkus {
    pub(super) snapshot: SnapshotId,
    pub(super) rows: Vec<Sku>,
    /// Set if the shrink guard doubts it: why.
    pub(super) doubt: Option<Text>,
}

/// The end of a tenant in a run.
pub(super) struct Done {
    pub(super) run: RunId,
    pub(super) tenant: Key,
    pub(super) users: Read<ReadUsers>,
    pub(super) skus: Read<ReadSkus>,
    /// What the two say of each other, if both came whole.
    pub(super) checks: Option<Checks>,
    /// Pages staged for a snapshot that did not become whole.
    pub(super) leftover: Option<SnapshotId>,
    pub(super) cancelled: bool,
    pub(super) totals: Totals,
}

/// A month that was reckoned, to be closed, or why it could not be.
pub(super) struct Frozen {
    /// Who waits for an answer.
    pub(super) client: ClientId,
    /// What it was reckoned from.
    pub(super) of: AllocationOf,
    pub(super) reason: Option<Text>,
    pub(super) reckoned: Result<Freeze, Text>,
}

/// What every run and import of an engine shares.
#[derive(Clone)]
pub(super) struct Shop {
    /// Weak, so that an engine without clients and runs ends.
    pub(super) inbox: mpsc::WeakSender<Inbox>,
    /// Tenants in flight over all runs.
    pub(super) slots: Arc<Semaphore>,
    /// Bytes on their way to the store, in KiB.
    pub(super) staging: Arc<Semaphore>,
    pub(super) snapshots: Arc<AtomicU64>,
    pub(super) limits: Arc<config::Import>,
    pub(super) clock: Clock,
}

impl Shop {
    /// A number for a snapshot that was never used.
    pub(super) fn next_snapshot(&self) -> SnapshotId {
        SnapshotId(self.snapshots.fetch_add(1, Ordering::Relaxed))
    }
}

/// Encoded pages that may lie between the imports and the store: 32 MiB, in KiB.
const STAGING_KIB: u32 = 32 * 1024;

/// Permits of the staging semaphore.
pub(super) fn staging_permits() -> usize {
    STAGING_KIB as usize
}

/// How many permits a page of so many bytes takes.
pub(super) fn permits_of(bytes: u64) -> u32 {
    u32::try_from(bytes / 1024 + 1).unwrap_or(STAGING_KIB).min(STAGING_KIB)
}
