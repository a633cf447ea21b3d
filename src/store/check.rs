use redb::ReadableTableMetadata;

use super::batch::{self, SEARCH};
use super::read::Reader;
use super::walk::Blobs;
use super::{StoreError, codec};
use crate::model::{Good, Tenant};

impl Reader {
    /// Reads all that a tenant points to, and holds it against what its record says: the good users and SKUs, those before
    /// them, those held aside, the kept readings of months, the text that users are found by, the license counts of all days. Answers how many
    /// snapshots there are, and how many users in them.
    pub fn check(&self, tenant: &Tenant) -> Result<(u64, u64), StoreError> {
        let aside = tenant.held_back.as_deref();
        let users =
            tenant.users.good.iter().chain(&tenant.users.before).chain(aside.and_then(|held| held.users.as_ref()));
        let skus = tenant.skus.good.iter().chain(&tenant.skus.before).chain(aside.and_then(|held| held.skus.as_ref()));
        let (mut snapshots, mut people) = (0, 0);
        for good in users {
            self.users_whole(good).map_err(|error| self.missing(error))?;
            snapshots += 1;
            people += good.count;
        }
        for reading in &tenant.allocated.readings {
            self.users_whole(&reading.users).map_err(|error| self.missing(error))?;
            self.reading_whole(&tenant.key, reading)?;
            snapshots += 1;
            people += reading.users.count;
        }
        for good in skus {
            let found = self.skus(good.snapshot).map_err(|error| self.missing(error))?.len() as u64;
            self.adds_up(good, found, "SKUs")?;
            snapshots += 1;
        }
        self.licenses(&tenant.key, None, None)?;
        Ok((snapshots, people))
    }

    /// The rows of every table, by its name.
    pub(super) fn lengths(&self) -> Result<Vec<(String, u64)>, StoreError> {
        use redb::TableHandle;
        let transaction = self.file.begin_read()?;
        let tables = transaction.list_tables().map_err(|error| self.file.damaged(error))?;
        let length = |table: redb::UntypedTableHandle| {
            let name = table.name().to_owned();
            let table = transaction.open_untyped_table(table).map_err(|error| self.file.damaged(error))?;
            Ok((name, table.len().map_err(|error| self.file.damaged(error))?))
        };
        tables.map(length).collect()
    }

    fn users_whole(&self, good: &Good) -> Result<(), StoreError> {
        let rows = self.blobs(good.snapshot)?;
        self.adds_up(good, rows.iter().map(|rows| u64::from(*rows)).sum(), "users")?;
        Blobs::new(self, good.snapshot, &rows).walk(0..rows.len(), |_, _| true)?;
        let transaction = self.file.begin_read()?;
        let table = transaction.open_table(SEARCH).map_err(|error| self.file.damaged(error))?;
        for (page, rows) in rows.iter().enumerate() {
            let blob = table.get(batch::page(good.snapshot, page)).map_err(|error| self.file.damaged(error))?;
            let blob = blob.ok_or_else(|| self.file.damaged("a page of search text is missing"))?;
            let text = codec::search(blob.value()).map_err(|error| self.file.damaged(error))?;
            if memchr::memchr_iter(b'\n', &text).count() != *rows as usize {
                return Err(self.file.damaged("a page of search text is cut"));
            }
        }
        Ok(())
    }

    fn adds_up(&self, good: &Good, found: u64, what: &str) -> Result<(), StoreError> {
        let (number, want) = (good.snapshot.0, good.count);
        if found == want {
            return Ok(());
        }
        Err(self.file.damaged(format!("snapshot {number} has {found} {what}, the tenant's record says {want}")))
    }

    /// While nobody writes, no newer import took the place of anything.
    fn missing(&self, error: StoreError) -> StoreError {
        match error {
            StoreError::Gone(snapshot) => self.file.damaged(format!("snapshot {} is missing", snapshot.0)),
            error @ (StoreError::Held { .. }
            | StoreError::Newer { .. }
            | StoreError::Damaged { .. }
            | StoreError::Io { .. }) => error,
        }
    }
}
