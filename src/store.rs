//! The embedded store: what every view reads.
//!
//! ```text
//! pages of an import --stage--> a snapshot that nobody sees --seal + tenant record, one transaction--> the good one
//! ```
//!
//! Three rules hold together. (1) A tenant record points only to sealed snapshots, and both are written in one
//! transaction: a reader sees the old whole or the new whole. (2) Pages are only ever written together with the catalog
//! entry of their snapshot, so what no tenant record points to can be found, and is swept before anything is written.
//! (3) Durable commits use quick repair, so that a file of any size opens in milliseconds after a kill.
//!
//! One process has the store; redb's exclusive lock proves it. Only here is redb named.

mod allocate;
mod allocation;
mod audit;
mod backup;
mod batch;
mod bearers;
mod check;
mod codec;
mod difference;
mod history;
mod lock;
mod open;
mod people;
mod read;
mod records;
mod sealed;
#[cfg(test)]
mod tests;
mod verify;
mod walk;

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use redb::{Database, Durability, ReadableDatabase, ReadableTable, WriteTransaction};

pub use allocate::{Freeze, SavedMeans, Unallocated};
pub use audit::{Checking, Titles, Unread};
pub use backup::Backup;
pub use batch::Batch;
pub use bearers::Bearers;
pub use codec::UsersPage;
pub use difference::GoOn;
pub use people::People;
pub use read::Reader;
pub use sealed::Sealed;

use crate::model::{Fleet, RunId, SnapshotId};

/// Why the store does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the store {} is held by {holder}", path.display())]
    Held {
        /// The store's file.
        path: PathBuf,
        /// Which process, as far as it is known.
        holder: String,
    },
    /// Written by a newer tenantop.
    #[error("the store {} has format {found}, this program reads up to {known}", path.display())]
    Newer {
        /// The store's file.
        path: PathBuf,
        /// Its format.
        found: u64,
        /// The newest that this program reads.
        known: u64,
    },
    /// Not a store, or damaged. It is left as it is.
    #[error("the store {} cannot be read: {why}", path.display())]
    Damaged {
        /// The store's file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// A snapshot is not there any more.
    #[error("snapshot {} is missing: a newer import took its place", .0.0)]
    Gone(SnapshotId),
    /// The disk or the system refused.
    #[error("the store {} cannot be used: {why}", path.display())]
    Io {
        /// The store's file.
        path: PathBuf,
        /// What was refused.
        why: String,
    },
}

impl StoreError {
    /// The engine's thread could not be started.
    pub fn thread(error: &std::io::Error) -> Self {
        Self::Io { path: PathBuf::new(), why: format!("no thread for the engine: {error}") }
    }
}

/// The database with the path that errors name. Compaction takes it alone; everything else shares it.
struct File {
    path: PathBuf,
    database: RwLock<Database>,
    reckoned: allocate::Reckoned,
}

impl File {
    fn io(&self, why: impl std::fmt::Display) -> StoreError {
        StoreError::Io { path: self.path.clone(), why: why.to_string() }
    }

    fn damaged(&self, why: impl std::fmt::Display) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), why: why.to_string() }
    }

    fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.begin_write().map_err(|error| self.io(error))
    }

    fn begin_read(&self) -> Result<redb::ReadTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        database.begin_read().map_err(|error| self.io(error))
    }

    fn commit(&self, mut transaction: WriteTransaction, durable: bool) -> Result<(), StoreError> {
        let durability = if durable { Durability::Immediate } else { Durability::None };
        transaction.set_durability(durability).map_err(|error| self.io(error))?;
        transaction.set_quick_repair(durable);
        transaction.commit().map_err(|error| self.io(error))
    }
}

/// The store of one process. Not `Clone`: there is one writer.
pub struct Store {
    file: Arc<File>,
    last_run: u64,
    last_snapshot: u64,
    /// Size of the file when it was last looked whether compaction is worth it.
    weighed: u64,
    _lock: lock::Holder,
}

impl Store {
    /// Opens a store, or makes one (readable by its owner alone). Refuses a store that another process holds, a newer
    /// format, and a file that is no store.
    pub fn open(path: &Path, cache_bytes: usize) -> Result<Self, StoreError> {
        open::open(path, cache_bytes)
    }

    /// Puts the fleet together from the records. Runs that were going on are closed as interrupted. Runs of many tenants
    /// come without them; [`Reader::run`] reads these.
    pub fn load(&self, stale_after_s: i64) -> Result<Fleet, StoreError> {
        records::load(&self.file, stale_after_s)
    }

    /// Drops what a killed import left: every snapshot that no tenant of the fleet, which is that of [`Store::load`],
    /// points to. Whoever writes does this first.
    pub fn sweep(&mut self, fleet: &Fleet) -> Result<(), StoreError> {
        let last = open::sweep(&self.file, fleet)?;
        self.last_snapshot = self.last_snapshot.max(last);
        Ok(())
    }

    /// Reads beside the writer.
    pub fn reader(&self) -> Reader {
        Reader { file: Arc::clone(&self.file) }
    }

    /// A number for a run that was never used.
    pub fn next_run(&mut self) -> RunId {
        self.last_run += 1;
        RunId(self.last_run)
    }

    /// A number for a snapshot that nothing in the store has.
    pub fn next_snapshot(&mut self) -> SnapshotId {
        self.last_snapshot += 1;
        SnapshotId(self.last_snapshot)
    }

    /// Begins a transaction.
    pub fn batch(&mut self) -> Result<Batch<'_>, StoreError> {
        let transaction = self.file.begin_write()?;
        Ok(Batch::new(self, transaction))
    }

    /// Gives space back to the disk if more than half of the file is free. Does nothing while a reader is active, nor
    /// for a file that has not grown since it was weighed last, since weighing reads all of its index. Answers whether it
    /// did something.
    pub fn compact_when_idle(&mut self) -> Result<bool, StoreError> {
        const WORTH_IT: u64 = 8 << 20;
        let size = std::fs::metadata(&self.file.path).map_err(|error| self.file.io(error))?.len();
        if size < WORTH_IT || size <= self.weighed {
            return Ok(false);
        }
        let (live, size) = self.sizes()?;
        if size / 2 <= live {
            self.weighed = size;
            return Ok(false);
        }
        self.weighed = 0;
        let Ok(mut database) = self.file.database.try_write() else { return Ok(false) };
        match database.compact() {
            Ok(done) => Ok(done),
            Err(redb::CompactionError::TransactionInProgress) => Ok(false),
            Err(error) => Err(self.file.io(error)),
        }
    }

    /// Drops runs that ended before a time. Answers how many.
    pub fn forget_runs_before(&mut self, time: Timestamp) -> Result<u64, StoreError> {
        records::forget_runs_before(&self.file, time)
    }

    /// Drops license counts of months that ended before a day. Answers how many: one for each tenant and month.
    pub fn forget_licenses_before(&mut self, day: jiff::civil::Date) -> Result<u64, StoreError> {
        history::forget_before(&self.file, day)
    }

    /// Bytes in use by live data, and the size of the file.
    pub fn sizes(&self) -> Result<(u64, u64), StoreError> {
        self.reader().sizes()
    }
}

/// The highest key of a table of numbered rows.
fn last_key(
    file: &File,
    transaction: &redb::ReadTransaction,
    table: redb::TableDefinition<'_, u64, &'static [u8]>,
) -> Result<u64, StoreError> {
    let table = transaction.open_table(table).map_err(|error| file.io(error))?;
    let last = table.last().map_err(|error| file.io(error))?;
    Ok(last.map_or(0, |(key, _)| key.value()))
}
