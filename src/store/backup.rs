//! A copy of the store: another file with the same rows, and nothing else.
//!
//! Table by table, in one transaction: what was deleted and not yet written over does not come along, and each row is
//! read once before somebody needs it. The copy lies beside its name until it was opened and read through.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::{File, Reader, Store, StoreError, allocation, audit, batch, history, open, records, sealed};

/// Memory that a copy may take while it is written and read.
const CACHE: usize = 16 << 20;

/// What a backup has, counted in the copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// Tenants.
    pub tenants: u64,
    /// Their snapshots of users and SKUs.
    pub snapshots: u64,
    /// Users in all snapshots.
    pub users: u64,
    /// Size of the file.
    pub bytes: u64,
}

impl Store {
    /// Copies all of the store, once every page of it was checked, into a file of its owner's alone. It is there, under its
    /// name, only once it was opened, read through and synced; a file of that name is left as it is unless it may be
    /// replaced. What was half imported is copied as it lies there, for whoever opens the copy to sweep.
    pub fn backup(&self, to: &Path, replace: bool) -> Result<Backup, StoreError> {
        self.verify()?;
        self.reader().copy_to(to, replace, true)
    }

    /// Counts what is in a store, and reads all of it through.
    pub fn count(path: &Path) -> Result<Backup, StoreError> {
        let bytes = std::fs::metadata(path)
            .map_err(|error| StoreError::Io { path: path.to_owned(), why: error.to_string() })?
            .len();
        let store = Store::open(path, CACHE)?;
        Ok(Backup { bytes, ..counted(&store)? })
    }
}

/// What is in a store, every row of it read.
fn counted(store: &Store) -> Result<Backup, StoreError> {
    let (reader, fleet) = (store.reader(), store.load(0)?);
    let mut sum = Backup { tenants: fleet.tenants.len() as u64, snapshots: 0, users: 0, bytes: 0 };
    for tenant in fleet.tenants.values() {
        let (snapshots, users) = reader.check(tenant)?;
        sum.snapshots += snapshots;
        sum.users += users;
    }
    Ok(sum)
}

impl Reader {
    /// Copies the store as it stands, while it may be written to: what is written meanwhile is not in the copy.
    pub fn backup(&self, to: &Path) -> Result<Backup, StoreError> {
        self.copy_to(to, false, false)
    }

    /// A copy under its name; of a store at rest the rows are counted on both sides.
    fn copy_to(&self, to: &Path, replace: bool, at_rest: bool) -> Result<Backup, StoreError> {
        let io = |why: &dyn std::fmt::Display| StoreError::Io { path: to.to_owned(), why: why.to_string() };
        let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let name = to.file_name().ok_or_else(|| io(&"it is no name of a file"))?;
        let part = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.display()))
            .suffix(".part")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(dir)
            .map_err(|error| io(&error))?;
        // What goes wrong with the copy is told by the name that it was to have.
        let of_copy = |error: StoreError| match error {
            StoreError::Damaged { path, why } | StoreError::Io { path, why } if path == part.path() => io(&why),
            error @ (StoreError::Damaged { .. }
            | StoreError::Io { .. }
            | StoreError::Held { .. }
            | StoreError::Newer { .. }
            | StoreError::Gone(_)) => error,
        };
        let backend = part
            .reopen()
            .map_err(|error| io(&error))
            .and_then(|file| redb::backends::FileBackend::new(file).map_err(|error| io(&error)))?;
        self.copy_into(backend).map_err(|error| match error {
            Copying::Source(error) => error,
            Copying::Copy(why) => io(&why),
        })?;
        let copied = self.read_through(part.path(), at_rest).map_err(of_copy)?;
        let bytes =
            part.as_file().sync_all().and_then(|()| part.as_file().metadata()).map_err(|error| io(&error))?.len();
        let kept = if replace { part.persist(to) } else { part.persist_noclobber(to) };
        kept.map_err(|error| io(&error.error))?;
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| io(&error))?;
        Ok(Backup { bytes, ..copied })
    }

    /// Copies all rows into a new database on something that keeps its bytes.
    pub(super) fn copy_into(&self, backend: impl redb::StorageBackend) -> Result<(), Copying> {
        let database = open::start(backend, CACHE).map_err(|error| Copying::Copy(error.to_string()))?;
        let from = self.file.begin_read().map_err(Copying::Source)?;
        let to = database.begin_write().map_err(|error| Copying::Copy(error.to_string()))?;
        copy(&self.file, &from, &to, open::META)?;
        copy(&self.file, &from, &to, records::TENANTS)?;
        copy(&self.file, &from, &to, records::COUNTS)?;
        copy(&self.file, &from, &to, records::NAMES)?;
        copy(&self.file, &from, &to, records::PARTNERS)?;
        copy(&self.file, &from, &to, records::RUNS)?;
        copy(&self.file, &from, &to, records::JOBS)?;
        copy(&self.file, &from, &to, batch::CATALOG)?;
        copy(&self.file, &from, &to, batch::USERS)?;
        copy(&self.file, &from, &to, batch::SEARCH)?;
        copy(&self.file, &from, &to, batch::SKUS)?;
        copy(&self.file, &from, &to, history::HISTORY)?;
        copy(&self.file, &from, &to, history::PRODUCTS)?;
        copy(&self.file, &from, &to, audit::AUDIT)?;
        copy(&self.file, &from, &to, sealed::SEALED)?;
        copy(&self.file, &from, &to, allocation::RULES)?;
        copy(&self.file, &from, &to, allocation::PRICES)?;
        copy(&self.file, &from, &to, allocation::MONTHS)?;
        copy(&self.file, &from, &to, allocation::LINES)?;
        copy(&self.file, &from, &to, allocation::VALUES)?;
        copy(&self.file, &from, &to, allocation::READINGS)?;
        copy(&self.file, &from, &to, allocation::SUPERSEDED)?;
        to.commit().map_err(|error| Copying::Copy(error.to_string()))?;
        database.close().map_err(|error| Copying::Copy(error.to_string()))
    }

    /// Opens a copy as a store, counts what is in it, and holds it against this one.
    fn read_through(&self, path: &Path, at_rest: bool) -> Result<Backup, StoreError> {
        let copy = Store::open(path, CACHE)?;
        let (here, there) = (self.lengths()?, copy.reader().lengths()?);
        if at_rest && here != there {
            return Err(copy.file.damaged(format!("it has other rows than the store: {there:?}, not {here:?}")));
        }
        counted(&copy)
    }
}

/// Which side a copy failed at.
#[derive(Debug)]
pub(super) enum Copying {
    /// The store cannot be read.
    Source(StoreError),
    /// The copy cannot be written.
    Copy(String),
}

/// Copies the rows of a table.
fn copy<K: redb::Key + 'static, V: redb::Value + 'static>(
    store: &File,
    from: &ReadTransaction,
    to: &WriteTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<(), Copying> {
    let source = |error: redb::StorageError| Copying::Source(store.damaged(error));
    let target = |error: redb::StorageError| Copying::Copy(error.to_string());
    let rows = from.open_table(table).map_err(|error| Copying::Source(store.damaged(error)))?;
    let mut copy = to.open_table(table).map_err(|error| Copying::Copy(error.to_string()))?;
    for row in rows.iter().map_err(source)? {
        let (key, value) = row.map_err(source)?;
        copy.insert(key.value(), value.value()).map_err(target)?;
    }
    Ok(())
}
