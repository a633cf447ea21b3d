use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use redb::{Database, DatabaseError, ReadableTable};

use super::{File, Store, StoreError, batch, last_key, lock, records};
use crate::model::{Fleet, SnapshotId, Tenant};

/// The format that this program writes, and the newest that it reads.
const FORMAT: u64 = 3;
/// How long a lock is waited for: a holder that is on its way out lets go within that, and so does a program that a
/// holder starts, which shares its open files for the blink between fork and exec.
const LETS_GO: Duration = Duration::from_millis(500);
const LOOKS_AGAIN: Duration = Duration::from_millis(10);
pub(super) const META: redb::TableDefinition<'_, &str, u64> = redb::TableDefinition::new("meta");

pub(super) fn open(path: &Path, cache_bytes: usize) -> Result<Store, StoreError> {
    let io = |why: &dyn std::fmt::Display| StoreError::Io { path: path.to_owned(), why: why.to_string() };
    let damaged = |why: &str| StoreError::Damaged { path: path.to_owned(), why: why.to_owned() };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty() && !dir.exists()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| io(&error))?;
    }
    let is_new = match std::fs::metadata(path) {
        Ok(meta) if meta.is_dir() => return Err(io(&"it is a directory")),
        Ok(meta) if meta.len() > 0 => {
            look(path).map_err(|why| damaged(&why))?;
            false
        }
        Ok(_) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(io(&error)),
    };
    let until = Instant::now() + LETS_GO;
    let database = loop {
        let file = std::fs::OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)
            .map_err(|error| io(&error))?;
        match redb::backends::FileBackend::new(file).and_then(|backend| start(backend, cache_bytes)) {
            Ok(database) => break database,
            Err(DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch) => {
                if Instant::now() >= until {
                    return Err(StoreError::Held { path: path.to_owned(), holder: lock::holder(path) });
                }
                std::thread::park_timeout(LOOKS_AGAIN);
            }
            Err(error) => return Err(damaged(&error.to_string())),
        }
    };
    on(database, path, is_new)
}

/// Starts the database on whatever keeps its bytes.
pub(super) fn start(backend: impl redb::StorageBackend, cache_bytes: usize) -> Result<Database, DatabaseError> {
    Database::builder().set_cache_size(cache_bytes).create_with_backend(backend)
}

/// The store in a database; `path` is its name in errors.
pub(super) fn on(database: Database, path: &Path, is_new: bool) -> Result<Store, StoreError> {
    let holder = lock::Holder::here(path);
    let file = Arc::new(File {
        path: path.to_owned(),
        database: RwLock::new(database),
        reckoned: super::allocate::Reckoned::default(),
    });
    prepare(&file, is_new)?;
    let transaction = file.begin_read()?;
    let last_run = last_key(&file, &transaction, records::RUNS)?;
    let last_snapshot = last_key(&file, &transaction, batch::CATALOG)?;
    drop(transaction);
    Ok(Store { file, last_run, last_snapshot, weighed: 0, _lock: holder })
}

/// A first look at a file that exists, before anything could alter it.
fn look(path: &Path) -> Result<(), String> {
    use std::io::Read;
    let mut start = [0; 9];
    let mut file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    file.read_exact(&mut start).map_err(|_| "it is too short to be a store".to_owned())?;
    if start.starts_with(b"redb") { Ok(()) } else { Err("it is not a store".to_owned()) }
}

/// Checks the format and makes what is missing. A store that has all is not written to.
fn prepare(file: &File, is_new: bool) -> Result<(), StoreError> {
    if !is_new {
        let transaction = file.begin_read()?;
        let found = match transaction.open_table(META) {
            Ok(meta) => meta.get("format").map_err(|error| file.damaged(error))?.map(|format| format.value()),
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(file.damaged(error)),
        };
        let found = found.ok_or_else(|| file.damaged("it is not a store of tenantop"))?;
        if found > FORMAT {
            return Err(StoreError::Newer { path: file.path.clone(), found, known: FORMAT });
        }
        if found == FORMAT && records::has_tables(file, &transaction)? {
            return Ok(());
        }
    }
    let transaction = file.begin_write()?;
    {
        let mut meta = transaction.open_table(META).map_err(|error| file.damaged(error))?;
        meta.insert("format", FORMAT).map_err(|error| file.io(error))?;
    }
    records::create_tables(file, &transaction)?;
    file.commit(transaction, true)
}

/// Drops every snapshot that no tenant points to and answers the last number that is in use.
pub(super) fn sweep(file: &File, fleet: &Fleet) -> Result<u64, StoreError> {
    let mut wanted: Vec<SnapshotId> = fleet.tenants.values().flat_map(Tenant::snapshots).collect();
    wanted.sort_unstable();
    let transaction = file.begin_read()?;
    let catalog = transaction.open_table(batch::CATALOG).map_err(|error| file.damaged(error))?;
    let mut orphans = Vec::new();
    for row in catalog.iter().map_err(|error| file.damaged(error))? {
        let snapshot = SnapshotId(row.map_err(|error| file.damaged(error))?.0.value());
        if wanted.binary_search(&snapshot).is_err() {
            orphans.push(snapshot);
        }
    }
    drop((catalog, transaction));
    if !orphans.is_empty() {
        let transaction = file.begin_write()?;
        for snapshot in orphans {
            batch::remove(file, &transaction, snapshot)?;
        }
        file.commit(transaction, true)?;
    }
    Ok(wanted.last().map_or(0, |snapshot| snapshot.0))
}
