use std::sync::Arc;

use jiff::civil::Date;
use redb::ReadTransaction;

use super::batch::{self, CATALOG, Entry, SEARCH, SKUS, USERS};
use super::{File, StoreError, codec, history, records};
use crate::model::{Key, LicenseHistory, Run, RunId, Sku, SkuId, SnapshotId, TriesSeen, User};

/// Reads beside the writer. Each call is a transaction of its own, so that none is held while an engineer looks away.
#[derive(Clone)]
pub struct Reader {
    pub(super) file: Arc<File>,
}

impl Reader {
    /// Hands every user of a snapshot to `each`, in order, until it answers `false`. Answers how many were handed over.
    pub fn users(&self, snapshot: SnapshotId, each: &mut dyn FnMut(User) -> bool) -> Result<u64, StoreError> {
        let transaction = self.file.begin_read()?;
        let entry = self.entry(&transaction, snapshot)?;
        let mut handed = 0;
        for page in 0..entry.blobs.len() {
            for user in self.blob(&transaction, snapshot, page)? {
                handed += 1;
                if !each(user) {
                    return Ok(handed);
                }
            }
        }
        Ok(handed)
    }

    /// Users `from` and after, at most `count`, in the order of the snapshot.
    pub fn users_range(&self, snapshot: SnapshotId, from: u64, count: usize) -> Result<Vec<User>, StoreError> {
        let transaction = self.file.begin_read()?;
        let entry = self.entry(&transaction, snapshot)?;
        let mut out = Vec::with_capacity(count.min(1024));
        let mut start = 0;
        for (page, rows) in entry.blobs.iter().enumerate() {
            let end = start + u64::from(*rows);
            if end > from && out.len() < count {
                let skip = usize::try_from(from.saturating_sub(start)).unwrap_or(usize::MAX);
                let users = self.blob(&transaction, snapshot, page)?;
                out.extend(users.into_iter().skip(skip).take(count - out.len()));
            }
            start = end;
        }
        Ok(out)
    }

    /// Numbers (from 0) of the users whose search text holds a text, whatever its case.
    pub fn search(&self, snapshot: SnapshotId, needle: &str) -> Result<Vec<u64>, StoreError> {
        let transaction = self.file.begin_read()?;
        let entry = self.entry(&transaction, snapshot)?;
        let table = transaction.open_table(SEARCH).map_err(|error| self.file.io(error))?;
        let needle = needle.to_lowercase();
        let finder = memchr::memmem::Finder::new(needle.as_bytes());
        let mut found = Vec::new();
        let mut start = 0;
        for (page, rows) in entry.blobs.iter().enumerate() {
            let at = batch::page(snapshot, page);
            let blob = table.get(at).map_err(|error| self.file.io(error))?;
            let blob = blob.ok_or_else(|| self.lost(&transaction, snapshot, "a page of search text is missing"))?;
            let text = codec::search(blob.value()).map_err(|error| self.file.damaged(error))?;
            if finder.find(&text).is_some() {
                let lines = text.split(|byte| *byte == b'\n').take(*rows as usize).enumerate();
                found.extend(lines.filter(|(_, line)| finder.find(line).is_some()).map(|(n, _)| start + n as u64));
            }
            start += u64::from(*rows);
        }
        Ok(found)
    }

    /// The SKU rows of a snapshot.
    pub fn skus(&self, snapshot: SnapshotId) -> Result<Vec<Sku>, StoreError> {
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(SKUS).map_err(|error| self.file.io(error))?;
        let rows = table.get(snapshot.0).map_err(|error| self.file.io(error))?;
        let rows = rows.ok_or_else(|| self.lost(&transaction, snapshot, "a snapshot of SKUs is missing"))?;
        codec::from_record(rows.value()).map_err(|error| self.file.damaged(error))
    }

    /// How many users each blob of a snapshot has.
    pub(super) fn blobs(&self, snapshot: SnapshotId) -> Result<Vec<u32>, StoreError> {
        Ok(self.entry(&self.file.begin_read()?, snapshot)?.blobs)
    }

    /// Bytes in use by live data, and the size of the file.
    pub fn sizes(&self) -> Result<(u64, u64), StoreError> {
        let size = std::fs::metadata(&self.file.path).map_err(|error| self.file.io(error))?.len();
        let transaction = self.file.begin_write()?;
        let stats = transaction.stats().map_err(|error| self.file.io(error))?;
        let live = stats.allocated_pages() * stats.page_size() as u64;
        transaction.abort().map_err(|error| self.file.io(error))?;
        Ok((live, size))
    }

    /// A run with all its tenants.
    pub fn run(&self, run: RunId) -> Result<Option<Run>, StoreError> {
        records::run(&self.file, run)
    }

    /// The tries of a tenant in the newest [`TriesSeen::MOST_RUNS`] runs.
    pub fn tries(&self, tenant: &Key) -> Result<TriesSeen, StoreError> {
        records::tries(&self.file, tenant)
    }

    /// What is kept of the licenses of a tenant, day by day: of one product or of all, from a day on or from the first.
    pub fn licenses(
        &self,
        tenant: &Key,
        only: Option<SkuId>,
        since: Option<Date>,
    ) -> Result<LicenseHistory, StoreError> {
        history::read(&self.file, tenant, only, since)
    }

    fn entry(&self, transaction: &ReadTransaction, snapshot: SnapshotId) -> Result<Entry, StoreError> {
        let catalog = transaction.open_table(CATALOG).map_err(|error| self.file.io(error))?;
        let entry = catalog.get(snapshot.0).map_err(|error| self.file.io(error))?;
        let entry = entry.ok_or(StoreError::Gone(snapshot))?;
        let entry: Entry = codec::from_record(entry.value()).map_err(|error| self.file.damaged(error))?;
        if entry.sealed { Ok(entry) } else { Err(self.file.damaged(format!("snapshot {} is half", snapshot.0))) }
    }

    /// Why a page of a snapshot is missing: pages go together with their catalog entry, else the file is damaged.
    pub(super) fn lost(&self, transaction: &ReadTransaction, snapshot: SnapshotId, what: &str) -> StoreError {
        self.entry(transaction, snapshot).err().unwrap_or_else(|| self.file.damaged(what))
    }

    pub(super) fn blob(
        &self,
        transaction: &ReadTransaction,
        snapshot: SnapshotId,
        page: usize,
    ) -> Result<Vec<User>, StoreError> {
        let table = transaction.open_table(USERS).map_err(|error| self.file.io(error))?;
        let at = batch::page(snapshot, page);
        let blob = table.get(at).map_err(|error| self.file.io(error))?;
        let blob = blob.ok_or_else(|| self.lost(transaction, snapshot, "a page of users is missing"))?;
        codec::users(blob.value()).map_err(|error| self.file.damaged(error))
    }
}
