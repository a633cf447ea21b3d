//! Small records that somebody else sealed: what is in them is nothing to the store.

use std::path::PathBuf;
use std::sync::{Arc, Weak};

use redb::{ReadableTable, TableDefinition};

use super::{File, Reader, Store, StoreError};

/// The name of a partner to a sealed record of it.
pub(super) const SEALED: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sealed");

/// Reads and writes sealed records beside the writer: each write is a short durable transaction of its own, and waits for
/// the one that goes on. It does not keep the store open; when that is closed, it says so.
#[derive(Clone)]
pub struct Sealed {
    path: PathBuf,
    file: Weak<File>,
}

impl Store {
    /// The sealed records.
    pub fn sealed(&self) -> Sealed {
        Sealed::of(&self.file)
    }
}

impl Reader {
    /// The sealed records.
    pub fn sealed(&self) -> Sealed {
        Sealed::of(&self.file)
    }
}

impl Sealed {
    fn of(file: &Arc<File>) -> Self {
        Self { path: file.path.clone(), file: Arc::downgrade(file) }
    }

    fn file(&self) -> Result<Arc<File>, StoreError> {
        let closed = || StoreError::Io { path: self.path.clone(), why: "it was closed meanwhile".to_owned() };
        self.file.upgrade().ok_or_else(closed)
    }

    /// What lies there.
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let file = self.file()?;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(SEALED).map_err(|error| file.io(error))?;
        let record = table.get(name).map_err(|error| file.io(error))?;
        Ok(record.map(|record| record.value().to_vec()))
    }

    /// Hands what lies there to `change`, and puts what comes back in its place; nothing if nothing comes. Nobody else
    /// changes it meanwhile, and what was put there is on disk when this returns.
    pub fn change<E: From<StoreError>>(
        &self,
        name: &str,
        change: impl FnOnce(Option<&[u8]>) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<(), E> {
        let file = self.file()?;
        let transaction = file.begin_write()?;
        {
            let mut table = transaction.open_table(SEALED).map_err(|error| file.io(error))?;
            let before = table.get(name).map_err(|error| file.io(error))?;
            // A transaction that is dropped is undone.
            let Some(after) = change(before.as_ref().map(redb::AccessGuard::value))? else { return Ok(()) };
            drop(before);
            table.insert(name, after.as_slice()).map_err(|error| file.io(error))?;
        }
        Ok(file.commit(transaction, true)?)
    }
}
