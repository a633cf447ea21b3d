use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::AllocatedFact;
use super::{
    Ask, Caller, Checks, Credentials, Due, Entry, Fleet, HeldBack, Job, Key, Known, LocalName, PartnerName, Pause,
    Present, Related, RunId, RunKind, RunState, Seen, Selling, Shared, SkuCount, SkuId, SnapshotId, Subscription,
    TenantId, Text, Ticket, Totals,
};
use crate::failure::Failure;

/// A line of a partner's customer list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// `companyProfile.tenantId`
    pub tenant: TenantId,
    /// `companyProfile.companyName`, cleaned.
    pub name: Text,
    /// `companyProfile.domain`, cleaned.
    pub domain: Text,
}

/// How the reading of one data set ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SetOutcome {
    /// It is the good one now.
    Saved {
        /// Where.
        snapshot: SnapshotId,
        /// Users, or SKU rows.
        count: u64,
    },
    /// It was refused; the old one stays.
    Failed(Box<Failure>),
    /// A probe signed in and read nothing: the old one stays as old as it is; a refused sign-in is over.
    SignedIn,
    /// It was not tried or not finished; the old one stays and nothing is held against it.
    Untouched,
}

/// How the reading of what we sold to a tenant ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SoldOutcome {
    /// All of it came.
    Read(Vec<Subscription>),
    /// All of it came, but for which product each one is: the customer's own list was refused. What was known before of a
    /// subscription still holds.
    Unjoined(Vec<Subscription>, Box<Failure>),
    /// It was refused; what was read before stays. Nothing else stops for it.
    Failed(Box<Failure>),
}

/// A fact: it is on disk, and it is the only thing that alters a [`Fleet`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum Change {
    /// A partner's own sign-in worked.
    PartnerSignedIn {
        /// Whose.
        partner: PartnerName,
        /// When.
        at: Timestamp,
    },
    /// A partner's own sign-in or customer list was refused: no customer was asked.
    PartnerRefused {
        /// Whose.
        partner: PartnerName,
        /// In which run.
        run: RunId,
        /// Why.
        failure: Box<Failure>,
        /// When.
        at: Timestamp,
    },
    /// A partner's customer list was read whole. Tenants that it no longer holds are marked as gone.
    Listed {
        /// Whose.
        partner: PartnerName,
        /// When.
        at: Timestamp,
        /// All of them.
        customers: Vec<Customer>,
    },
    /// A partner's list of GDAP relationships was read whole.
    Relations {
        /// Whose.
        partner: PartnerName,
        /// When.
        at: Timestamp,
        /// The best one of each customer.
        relations: Vec<Related>,
    },
    /// A partner's list of GDAP relationships could not be read. Nothing else stops for it.
    RelationsRefused {
        /// Whose.
        partner: PartnerName,
        /// Why.
        failure: Box<Failure>,
        /// When.
        at: Timestamp,
    },
    /// What is known of a partner's credentials is not what was known.
    Credentials {
        /// Whose.
        partner: PartnerName,
        /// What.
        credentials: Credentials,
    },
    /// A run began.
    RunStarted {
        /// Its number.
        run: RunId,
        /// What set it off.
        kind: RunKind,
        /// Who asked for it.
        by: Text,
        /// Why.
        reason: Option<Text>,
        /// When.
        at: Timestamp,
    },
    /// The tenants of a run that was over before were read from the store: nothing happened.
    Recalled {
        /// Which run.
        run: RunId,
        /// Its tenants.
        #[serde(with = "super::run::jobs")]
        jobs: Arc<Shared<Key, Job>>,
    },
    /// Tenants joined the queue of a run.
    Queued {
        /// Which run.
        run: RunId,
        /// Which tenants.
        tenants: Vec<Key>,
        /// When.
        at: Timestamp,
    },
    /// A tenant left the queue.
    JobStarted {
        /// Which run.
        run: RunId,
        /// Which tenant.
        tenant: Key,
        /// When.
        at: Timestamp,
    },
    /// Something happened to a tenant in a run.
    Stepped {
        /// Which run.
        run: RunId,
        /// Which tenant.
        tenant: Key,
        /// What, and when.
        entry: Entry,
    },
    /// The part of a tenant in a run is over.
    JobDone {
        /// Which run.
        run: RunId,
        /// Which tenant.
        tenant: Key,
        /// When.
        at: Timestamp,
        /// The users.
        users: SetOutcome,
        /// The SKUs.
        skus: SetOutcome,
        /// Our own count of holders, if the users were saved; sorted by id.
        #[serde(default)]
        held: Option<Arc<[(SkuId, u64)]>>,
        /// Graph's counts, if the SKUs were saved.
        #[serde(default)]
        sku_counts: Option<Arc<[SkuCount]>>,
        /// What users and SKUs say of each other, if both were saved.
        #[serde(default)]
        checks: Option<Checks>,
        /// Set if the shrink guard holds something aside; then the data set concerned is `Untouched`.
        #[serde(default)]
        held_back: Option<Box<HeldBack>>,
        /// Set if a person or the end of the process cut it short.
        #[serde(default)]
        cancelled: bool,
        /// What it asked and got.
        #[serde(default)]
        totals: Totals,
    },
    /// A run is over.
    RunEnded {
        /// Which.
        run: RunId,
        /// How.
        state: RunState,
        /// When.
        at: Timestamp,
        /// What the partner hops and the customer lists asked and got; the tenants' own totals came with them.
        #[serde(default)]
        totals: Totals,
    },
    /// A tenant is left out of runs.
    Paused {
        /// Which.
        tenant: Key,
        /// By whom, why, until when.
        pause: Pause,
    },
    /// A pause ended.
    Resumed {
        /// Which.
        tenant: Key,
    },
    /// The customer was asked to lift what refuses us.
    Ticketed {
        /// Which.
        tenant: Key,
        /// Under which number, by whom, what for.
        ticket: Ticket,
    },
    /// A ticket was closed by a person. An import that comes through closes it too, without a word of its own.
    TicketClosed {
        /// Which.
        tenant: Key,
        /// By whom.
        by: Text,
        /// When.
        at: Timestamp,
    },
    /// An operator decided over what the shrink guard held aside.
    Reviewed {
        /// Which.
        tenant: Key,
        /// Taken as the good one, or thrown away.
        accepted: bool,
        /// When.
        at: Timestamp,
    },
    /// What we sold to a tenant was read, or could not be.
    Sold {
        /// Which.
        tenant: Key,
        /// When.
        at: Timestamp,
        /// What came of it.
        outcome: SoldOutcome,
    },
    /// How far a run is with what we sold.
    Selling {
        /// Which.
        run: RunId,
        /// How far.
        selling: Selling,
    },
    /// A schedule is kept from here on: every tenant once a day. Nothing of it is on disk, since another process may keep
    /// none.
    Scheduled {
        /// The part of the day, in UTC.
        window: Text,
    },
    /// These are read at another time than before. It comes with the fact that moves them.
    Due {
        /// Tenants; absent if one is not read any more.
        tenants: Vec<(Key, Option<Due>)>,
        /// Partners, for their customer lists.
        partners: Vec<(PartnerName, Ask)>,
    },
    /// Somebody explained a finding of a product. It takes the place of what was said of that product before.
    Known {
        /// Which tenant.
        tenant: Key,
        /// What, by whom, why, until when.
        known: Known,
    },
    /// What was said of a product's finding no longer holds.
    Forgotten {
        /// Which tenant.
        tenant: Key,
        /// Which product.
        sku_id: SkuId,
    },
    /// Rules or prices of a tenant's allocation were saved, or a month of it was closed or opened again.
    Allocated {
        /// Which tenant.
        tenant: Key,
        /// By whom.
        by: Text,
        /// When.
        at: Timestamp,
        /// What.
        fact: AllocatedFact,
    },
    /// A product has a name of our own, or no longer.
    Named {
        /// Which product.
        sku_id: SkuId,
        /// Its name, by whom, since when; absent if it has none any more.
        name: Option<LocalName>,
    },
}

/// What a client hears.
#[derive(Debug, Clone)]
pub enum Event {
    /// The whole picture: first of all, and again when a client could not keep up.
    Hello(Box<Fleet>),
    /// A fact.
    Change(Arc<Change>),
    /// To the asker alone: the wish is granted, as a new run or as one that goes on already.
    Accepted {
        /// Which run.
        run: RunId,
        /// How many of the tenants asked for were being read already and are joined.
        joined: u64,
        /// Who started the run that is joined, if all are joined.
        by: Option<Text>,
    },
    /// To the asker alone: the wish is granted and there is nothing to watch.
    Done(Text),
    /// To the asker alone: the rows that were asked for.
    Seen(Box<Seen>),
    /// To the asker alone: the wish is refused, and why.
    Refused(Text),
    /// Who is here: at first, and whenever that is another one.
    Present(Arc<[Present]>),
    /// The service does not answer since a time; what is shown stays. A whole picture comes when it answers again.
    Lost {
        /// Since when.
        since: Timestamp,
        /// When it is tried again.
        again: Timestamp,
    },
    /// Who this client is to the service, told before its picture.
    You {
        /// Name and role.
        caller: Box<Caller>,
        /// When the same person was last here, if the service knows.
        last_here: Option<Timestamp>,
    },
    /// The session is over, and why: nothing follows.
    Over(Text),
}
