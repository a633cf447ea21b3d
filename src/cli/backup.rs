//! `tenantop backup`: a copy of the store to put in its place one day.

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use color_eyre::eyre::Result;
use serde::Serialize;

use super::errand::{self, Wish};
use super::output::{Format, say, size, write};
use super::place::Place;
use super::{DONE, STORE, Stop};
use crate::store::{Backup, Store};

/// The row of `backup --json`.
#[derive(Serialize)]
struct BackupLine {
    file: PathBuf,
    tenants: u64,
    snapshots: u64,
    users: u64,
    bytes: u64,
}

pub(super) fn backup(place: &Place, to: &Path, force: bool) -> Result<u8> {
    if place.format == Format::Csv {
        return Err(Stop::usage("a backup is a file, not rows: leave --format csv out").into());
    }
    if let Some(socket) = place.socket() {
        may_write(place, to, force)?;
        return fetch(place, &socket, to, force);
    }
    if !place.store.exists() {
        let said = format!("there is no store at {}: nothing to copy", place.store.display());
        return Err(Stop { said, code: STORE }.into());
    }
    may_write(place, to, force)?;
    let store = place.open_store()?;
    // A run that was killed is closed first: the copy is that of a store at rest.
    store.load(place.stale_after_s())?;
    let (used, _) = store.sizes()?;
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    has_room(dir, used)?;
    let copied = store.backup(to, force)?;
    tell(place, to, &copied)
}

/// Fetches a copy from the service, which makes it while it goes on; it is written with the rights of whoever asks.
fn fetch(place: &Place, socket: &Path, to: &Path, force: bool) -> Result<u8> {
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Stop { said: format!("{}: {error}", to.display()), code: STORE };
    let mut part = tempfile::Builder::new().prefix(".tenantop.").suffix(".part").tempfile_in(dir).map_err(failed)?;
    let code = errand::far(place, socket, Wish::Backup, |bytes| part.write_all(bytes))?;
    if code != DONE {
        return Ok(code);
    }
    part.as_file().sync_all().map_err(failed)?;
    let copied = Store::count(part.path())?;
    let kept = if force { part.persist(to) } else { part.persist_noclobber(to) };
    kept.map_err(|error| failed(error.error))?;
    std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(failed)?;
    tell(place, to, &copied)
}

/// What a copy that a service sends lies under meanwhile.
const BESIDE: &str = ".tenantop-backup-";

/// Removes copies that a service could not send to their end before it was killed.
pub(super) fn sweep(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(BESIDE)
            && let Err(error) = std::fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, "a copy of the store that was not sent cannot be removed");
        }
    }
}

/// Refuses a place without room for a copy.
fn has_room(dir: &Path, used: u64) -> Result<(), Stop> {
    let Ok(stat) = rustix::fs::statvfs(dir) else { return Ok(()) };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free >= used {
        return Ok(());
    }
    let said = format!("{} is needed at {} and {} is free there", size(used), dir.display(), size(free));
    Err(Stop { said, code: STORE })
}

/// Sends a copy to whoever asks the service for it. It lies beside the store until it is sent, unreadable for others.
pub(super) fn stream(place: &Place) -> Result<u8> {
    let (_, reader) = place.read()?;
    let dir = place.store.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (used, _) = reader.sizes()?;
    has_room(dir, used)?;
    let beside = tempfile::Builder::new().prefix(BESIDE).tempdir_in(dir)?;
    let copy = beside.path().join("store.redb");
    reader.backup(&copy)?;
    let mut file = std::fs::File::open(&copy)?;
    let mut bytes = vec![0; 256 << 10];
    loop {
        let read = file.read(&mut bytes)?;
        let Some(read) = bytes.get(..read).filter(|read| !read.is_empty()) else { return Ok(DONE) };
        place.out.bytes(read)?;
    }
}

fn tell(place: &Place, to: &Path, copied: &Backup) -> Result<u8> {
    if place.format == Format::Json {
        let line = BackupLine {
            file: to.to_owned(),
            tenants: copied.tenants,
            snapshots: copied.snapshots,
            users: copied.users,
            bytes: copied.bytes,
        };
        write(&format!("{}\n", serde_json::to_string(&line)?))?;
    }
    say(&format!(
        "{}: {} tenants, {} snapshots, {} users, {}; opened and read through. It has the sign-ins sealed, \
         and not the key: keep the key elsewhere, or sign in again after a restore (tenantop login)",
        to.display(),
        copied.tenants,
        copied.snapshots,
        copied.users,
        size(copied.bytes)
    ));
    Ok(DONE)
}

/// What is there already is left as it is without `--force`; with it, only another backup is replaced.
fn may_write(place: &Place, to: &Path, force: bool) -> Result<(), Stop> {
    let shown = to.display();
    if to.file_name().is_none() {
        return Err(Stop::usage(format!("{shown} is no name of a file")));
    }
    let found = match std::fs::metadata(to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Stop::usage(format!("{shown}: {error}"))),
        Ok(found) => found,
    };
    let store = std::fs::metadata(&place.store).map(|store| (store.dev(), store.ino()));
    if store.is_ok_and(|store| store == (found.dev(), found.ino())) {
        return Err(Stop::usage(format!("{shown} is the store itself")));
    }
    if !found.is_file() {
        return Err(Stop::usage(format!("{shown} is there and is no file")));
    }
    if !force {
        return Err(Stop::usage(format!("{shown} is there already: another name, or --force to replace it")));
    }
    let mut start = [0; 4];
    let read = std::fs::File::open(to).and_then(|mut file| file.read_exact(&mut start));
    match read {
        Ok(()) if &start == b"redb" => Ok(()),
        Ok(()) | Err(_) => Err(Stop::usage(format!("{shown} is no backup of a store: not even --force replaces it"))),
    }
}
