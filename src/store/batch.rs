use redb::{TableDefinition, WriteTransaction};
use serde::{Deserialize, Serialize};

use super::{File, Store, StoreError, UsersPage, audit, codec, history, records};
use crate::model::{AuditRow, Deed, Key, LicenseReading, LocalName, Partner, Run, Sku, SkuId, SnapshotId, Tenant};

/// What a snapshot is; written with its pages.
pub(super) const CATALOG: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("catalog");
/// (snapshot, page) to a blob of users.
pub(super) const USERS: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("users");
/// (snapshot, page) to the search text of the same users.
pub(super) const SEARCH: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("search");
/// Snapshot to its SKU rows.
pub(super) const SKUS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("skus");

/// What the catalog says of a snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// Whether all of it is there.
    pub(super) sealed: bool,
    /// Users or SKUs in it.
    pub(super) rows: u64,
    /// How many users each blob has, in order; empty for SKUs.
    #[serde(default)]
    pub(super) blobs: Vec<u32>,
}

/// The key of a page of a snapshot, counted from 0.
pub(super) fn page(snapshot: SnapshotId, page: usize) -> (u64, u32) {
    (snapshot.0, u32::try_from(page).unwrap_or(u32::MAX))
}

/// One write transaction: all of it comes to pass, or nothing.
pub struct Batch<'a> {
    file: &'a File,
    last_snapshot: &'a mut u64,
    transaction: WriteTransaction,
}

impl<'a> Batch<'a> {
    pub(super) fn new(store: &'a mut Store, transaction: WriteTransaction) -> Self {
        Self { file: &store.file, last_snapshot: &mut store.last_snapshot, transaction }
    }

    /// Adds a page of users to a snapshot that nobody sees yet.
    pub fn stage_users(&mut self, snapshot: SnapshotId, page: &UsersPage) -> Result<(), StoreError> {
        let file = self.file;
        let mut entry = self.entry(snapshot)?;
        {
            let mut users = self.transaction.open_table(USERS).map_err(|error| file.io(error))?;
            let mut search = self.transaction.open_table(SEARCH).map_err(|error| file.io(error))?;
            for blob in &page.blobs {
                let at = self::page(snapshot, entry.blobs.len());
                users.insert(at, blob.users.as_slice()).map_err(|error| file.io(error))?;
                search.insert(at, blob.search.as_slice()).map_err(|error| file.io(error))?;
                entry.blobs.push(blob.rows);
                entry.rows += u64::from(blob.rows);
            }
        }
        self.put_entry(snapshot, &entry)
    }

    /// Puts all SKUs into a snapshot that nobody sees yet.
    pub fn stage_skus(&mut self, snapshot: SnapshotId, skus: &[Sku]) -> Result<(), StoreError> {
        let file = self.file;
        let bytes = codec::record(&skus).map_err(|error| file.io(error))?;
        {
            let mut table = self.transaction.open_table(SKUS).map_err(|error| file.io(error))?;
            table.insert(snapshot.0, bytes.as_slice()).map_err(|error| file.io(error))?;
        }
        self.put_entry(snapshot, &Entry { sealed: false, rows: skus.len() as u64, blobs: Vec::new() })
    }

    /// Marks a snapshot as whole. The tenant record that points to it belongs into the same batch.
    pub fn seal(&mut self, snapshot: SnapshotId) -> Result<(), StoreError> {
        let entry = Entry { sealed: true, ..self.entry(snapshot)? };
        self.put_entry(snapshot, &entry)
    }

    /// Removes all of a snapshot; one that is not there is no error.
    pub fn drop_snapshot(&mut self, snapshot: SnapshotId) -> Result<(), StoreError> {
        remove(self.file, &self.transaction, snapshot)
    }

    /// Keeps a tenant. What it does in a run at the moment is not kept.
    pub fn put_tenant(&mut self, tenant: &Tenant) -> Result<(), StoreError> {
        records::put_tenant(self.file, &self.transaction, tenant)
    }

    /// Keeps what a reading says of the licenses of a tenant, beside what was kept of other days. It belongs into the batch
    /// in which the reading becomes the good one.
    pub fn put_licenses(&mut self, tenant: &Key, reading: &LicenseReading) -> Result<(), StoreError> {
        history::put(self.file, &self.transaction, tenant, reading)
    }

    /// Keeps a partner.
    pub fn put_partner(&mut self, partner: &Partner) -> Result<(), StoreError> {
        records::put_partner(self.file, &self.transaction, partner)
    }

    /// Keeps a product's name of our own, or drops it.
    pub fn put_name(&mut self, sku_id: SkuId, name: Option<&LocalName>) -> Result<(), StoreError> {
        records::put_name(self.file, &self.transaction, sku_id, name)
    }

    /// Keeps the sums of a run, without its tenants.
    pub fn put_run(&mut self, run: &Run) -> Result<(), StoreError> {
        records::put_run(self.file, &self.transaction, run)
    }

    /// Keeps the parts of these tenants in a run.
    pub fn put_jobs(&mut self, run: &Run, keys: &[Key]) -> Result<(), StoreError> {
        records::put_jobs(self.file, &self.transaction, run, keys)
    }

    /// Adds what somebody did to the audit; answers the rows with their places in the chain.
    pub fn put_deeds(&mut self, deeds: &[Deed]) -> Result<Vec<AuditRow>, StoreError> {
        audit::append(self.file, &self.transaction, deeds)
    }

    /// The file and the transaction, for what writes tables of its own.
    pub(super) fn parts(&self) -> (&File, &WriteTransaction) {
        (self.file, &self.transaction)
    }

    /// Ends the transaction. A durable one survives a power cut; another survives with the next durable one.
    pub fn commit(self, durable: bool) -> Result<(), StoreError> {
        self.file.commit(self.transaction, durable)
    }

    fn entry(&self, snapshot: SnapshotId) -> Result<Entry, StoreError> {
        let catalog = self.transaction.open_table(CATALOG).map_err(|error| self.file.io(error))?;
        let entry = redb::ReadableTable::get(&catalog, snapshot.0).map_err(|error| self.file.io(error))?;
        entry.map_or_else(
            || Ok(Entry::default()),
            |bytes| codec::from_record(bytes.value()).map_err(|error| self.file.damaged(error)),
        )
    }

    fn put_entry(&mut self, snapshot: SnapshotId, entry: &Entry) -> Result<(), StoreError> {
        *self.last_snapshot = (*self.last_snapshot).max(snapshot.0);
        let bytes = codec::record(entry).map_err(|error| self.file.io(error))?;
        let mut catalog = self.transaction.open_table(CATALOG).map_err(|error| self.file.io(error))?;
        catalog.insert(snapshot.0, bytes.as_slice()).map_err(|error| self.file.io(error))?;
        Ok(())
    }
}

/// Removes all of a snapshot, whatever its catalog entry says.
pub(super) fn remove(file: &File, transaction: &WriteTransaction, snapshot: SnapshotId) -> Result<(), StoreError> {
    let mut catalog = transaction.open_table(CATALOG).map_err(|error| file.io(error))?;
    let known = catalog.remove(snapshot.0).map_err(|error| file.io(error))?.is_some();
    if !known {
        return Ok(());
    }
    let pages = (snapshot.0, 0)..=(snapshot.0, u32::MAX);
    let mut users = transaction.open_table(USERS).map_err(|error| file.io(error))?;
    users.retain_in(pages.clone(), |_, _| false).map_err(|error| file.io(error))?;
    let mut search = transaction.open_table(SEARCH).map_err(|error| file.io(error))?;
    search.retain_in(pages, |_, _| false).map_err(|error| file.io(error))?;
    let mut skus = transaction.open_table(SKUS).map_err(|error| file.io(error))?;
    skus.remove(snapshot.0).map_err(|error| file.io(error))?;
    Ok(())
}
