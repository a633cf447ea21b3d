use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::allocation::{AllocationAsk, AllocationLook, AllocationSeen};
use super::{
    AuditLook, AuditSeen, Chain, DiffLook, Difference, Job, Key, LicenseHistory, Products, Run, RunId, RunKind, SkuId,
    SnapshotId, Tally, Text, User, UserField, UserId,
};
use crate::failure::Failure;

/// What a screen wants to see that the fleet does not hold. It reads the store and never a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Look {
    /// Nothing any more: what was held ready for this client can be let go.
    Away,
    /// Some users of a snapshot.
    Users(UsersLook),
    /// Some users, to be written to a file. It is answered beside what is looked at meanwhile: neither overtakes the
    /// other. Absent: no more of them.
    Export(Option<Exported>),
    /// How many users there are for each value of a field.
    Counts {
        /// The users.
        users: SnapshotId,
        /// The SKUs, for the names of products.
        skus: Option<SnapshotId>,
        /// The filter as typed, for users.
        filter: String,
        /// The field.
        field: UserField,
    },
    /// The tries of a tenant in the runs that are kept.
    Tries {
        /// The tenant.
        tenant: Key,
        /// Counted up by the asker whenever the answer may have become another one.
        round: u64,
    },
    /// The difference of two readings of a tenant.
    Diff {
        /// Which readings.
        of: DiffLook,
        /// Counted up by the asker to ask again.
        round: u64,
    },
    /// The counts of a product of a tenant, day by day.
    LicenseHistory {
        /// The tenant.
        tenant: Key,
        /// The product.
        sku_id: SkuId,
        /// Counted up by the asker whenever the answer may have become another one.
        round: u64,
    },
    /// The allocation of a month of a tenant to business units.
    Allocation(Box<AllocationLook>),
    /// The audit, or how far its chain holds.
    Audit(Box<AuditLook>),
    /// Rows of the audit, to be written to a file; answered beside what is looked at, as users are.
    ExportAudit(Box<AuditLook>),
}

/// What a look reads that the audit has a row of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reads {
    /// People with their names, and in which form.
    People(People, &'static str),
    /// The audit itself: of a tenant or of all, and in which form.
    Audit(Option<Key>, &'static str),
}

/// Whose people a look reads: all that it names, whatever it says of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    /// Users as they were read.
    pub users: [Option<SnapshotId>; 2],
    /// A tenant, of a closed month.
    pub tenant: Option<Key>,
}

impl Look {
    /// Whether it is to be written to a file, beside what is looked at.
    pub fn is_export(&self) -> bool {
        matches!(self, Look::Export(_) | Look::ExportAudit(_))
    }

    /// Whether the audit has a row of whoever looks at it: what is read, and in which form.
    pub fn reads(&self) -> Option<Reads> {
        let of = |users, form| Some(Reads::People(People { users: [Some(users), None], tenant: None }, form));
        let allocated = |look: &AllocationLook, form| {
            let tenant = Some(look.of.facts.key.clone());
            Some(Reads::People(People { users: [look.of.users, None], tenant }, form))
        };
        match self {
            Look::Users(look) => of(look.users, "users"),
            Look::Export(Some(Exported::Users(look))) => of(look.users, "export"),
            Look::Export(Some(Exported::Shares(look))) => allocated(look, "export"),
            Look::Counts { users, .. } => of(*users, "counts"),
            Look::Diff { of, .. } => Some(Reads::People(People { users: of.users, tenant: None }, "changes")),
            Look::Allocation(look) => match look.ask {
                AllocationAsk::Users(_) | AllocationAsk::Why(_) => allocated(look, "allocation"),
                AllocationAsk::Sheet | AllocationAsk::Alone => None,
            },
            Look::Audit(look) => Some(Reads::Audit(look.tenant.clone(), "screen")),
            Look::ExportAudit(look) => Some(Reads::Audit(look.tenant.clone(), "export")),
            Look::Away | Look::Export(None) | Look::Tries { .. } | Look::LicenseHistory { .. } => None,
        }
    }
}

/// What an export reads, window by window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Exported {
    /// Users of a snapshot.
    Users(UsersLook),
    /// Users of a business unit, with what they bear.
    Shares(Box<AllocationLook>),
}

impl Exported {
    /// The window from a row on.
    pub fn go_on(&mut self, from: u64) {
        match self {
            Exported::Users(look) => look.from = from,
            Exported::Shares(look) => {
                if let AllocationAsk::Users(shares) = &mut look.ask {
                    shares.from = from;
                }
            }
        }
    }
}

/// A window on the users of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersLook {
    /// The users.
    pub users: SnapshotId,
    /// The SKUs, for the names of products and service plans.
    pub skus: Option<SnapshotId>,
    /// Only those who hold this product; absent for all.
    pub holding: Option<SkuId>,
    /// The filter as typed, for users.
    pub filter: String,
    /// The field to sort by; absent for the order in which Graph gave them. Those with the same finding stand by name,
    /// then by sign-in name.
    pub sort: Option<UserField>,
    /// Whether the order is turned round.
    pub reverse: bool,
    /// The first row of the window.
    pub from: u64,
    /// How many rows, at most [`UsersLook::MOST`], or [`UsersLook::MOST_EXPORTED`] in an export.
    pub count: u32,
    /// A user whose row is wanted: the window is laid around it, if the filter shows it.
    pub at: Option<UserId>,
}

impl UsersLook {
    /// All users of a snapshot, from the first one on.
    pub fn of(users: SnapshotId, skus: Option<SnapshotId>) -> Self {
        Self {
            users,
            skus,
            holding: None,
            filter: String::new(),
            sort: None,
            reverse: false,
            from: 0,
            count: Self::MOST,
            at: None,
        }
    }

    /// The most rows of a window.
    pub const MOST: u32 = 512;
    /// The most rows of a window of an export. Rows that are sorted lie all over the snapshot, and each window inflates
    /// what its rows lie in: fewer windows are less work.
    pub const MOST_EXPORTED: u32 = 16_384;
}

/// What there was to see.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Seen {
    /// What was asked.
    pub look: Look,
    /// What was found, or why nothing can be shown.
    pub found: Result<Found, Text>,
}

impl Seen {
    /// What was found of an allocation, or why nothing can be shown; absent for the answer to another question.
    pub fn allocation(&self) -> Option<Result<&AllocationSeen, &Text>> {
        match &self.found {
            Ok(Found::Allocation(found)) => Some(Ok(found)),
            Ok(
                Found::Away
                | Found::Users(_)
                | Found::Counts { .. }
                | Found::Tries(_)
                | Found::Diff(_)
                | Found::LicenseHistory(_)
                | Found::Audit(_)
                | Found::Chain(_),
            ) => None,
            Err(why) => Some(Err(why)),
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Found {
    /// Nothing was asked for.
    Away,
    /// Users.
    Users(UsersSeen),
    /// Counts, the most first.
    Counts {
        /// Users that the filter shows.
        matched: u64,
        /// Values with their counts, at most [`Counted::MOST`].
        rows: Vec<Counted>,
        /// How many different values there are.
        values: u64,
    },
    /// Tries of a tenant.
    Tries(TriesSeen),
    /// A difference.
    Diff(Arc<Difference>),
    /// Counts of a product, day by day.
    LicenseHistory(LicenseHistory),
    /// An allocation.
    Allocation(Box<AllocationSeen>),
    /// Rows of the audit.
    Audit(Box<AuditSeen>),
    /// How far the chain of the audit holds.
    Chain(Chain),
}

/// A window on users.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct UsersSeen {
    /// Users in the snapshot, or holders of the product that was asked for.
    pub total: u64,
    /// Users that the filter shows.
    pub matched: u64,
    /// The row of the first user here.
    pub from: u64,
    /// The users, in order.
    pub rows: Vec<User>,
    /// The row of the user that was asked for, if the filter shows it.
    pub at: Option<u64>,
    /// The tenant's products and service plans.
    pub products: Arc<Products>,
    /// What there is to say of all holders of a product, whatever the filter; absent where all users were asked for.
    pub tally: Option<Arc<Tally>>,
}

/// A value of a field and how many users have it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counted {
    /// The value; absent for users who have none.
    pub value: Option<Text>,
    /// How many users.
    pub users: u64,
}

impl Counted {
    /// The most values that are told.
    pub const MOST: usize = 10_000;
}

/// A try: the part of a tenant in a run, and what of the run explains it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Try {
    /// Which run.
    pub run: RunId,
    /// What set the run off.
    pub kind: RunKind,
    /// Who asked for it.
    pub by: Text,
    /// Why, in the operator's words.
    pub reason: Option<Text>,
    /// When the run began.
    pub run_at: Timestamp,
    /// Why the partner's own sign-in or customer list was refused in the run.
    pub refused: Option<Box<Failure>>,
    /// What came of it.
    pub job: Job,
}

impl Try {
    /// The part of a tenant in a run.
    pub fn of(run: &Run, tenant: &Key, job: Job) -> Self {
        let refused = run.refused.iter().find(|(partner, _)| *partner == tenant.partner);
        Self {
            run: run.id,
            kind: run.kind,
            by: run.by.clone(),
            reason: run.reason.clone(),
            run_at: run.started_at,
            refused: refused.map(|(_, failure)| Box::new(failure.clone())),
            job,
        }
    }

    /// When the tenant's turn came; until then when the run began.
    pub fn at(&self) -> Timestamp {
        self.job.started_at.unwrap_or(self.run_at)
    }
}

/// Tries of a tenant in the newest runs that are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TriesSeen {
    /// The tries, the newest run first.
    pub tries: Vec<Try>,
    /// When the oldest run that was looked through began.
    pub since: Option<Timestamp>,
    /// Whether older runs are kept, beyond the newest [`TriesSeen::MOST_RUNS`].
    pub more: bool,
    /// Whether there were older runs that are no longer kept.
    pub forgotten: bool,
}

impl TriesSeen {
    /// The most runs that are looked through.
    pub const MOST_RUNS: usize = 1_000;
}
