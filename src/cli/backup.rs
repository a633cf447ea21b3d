//! `tenantop backup`: a copy of the store to put in its place one day.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use color_eyre::eyre::Result;
use serde::Serialize;

use super::output::{Format, say, size, write};
use super::place::Place;
use super::{DONE, STORE, Stop};

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
    if let Ok(stat) = rustix::fs::statvfs(dir) {
        let free = stat.f_bavail.saturating_mul(stat.f_frsize);
        if free < used {
            let said = format!("{} is needed at {} and {} is free there", size(used), dir.display(), size(free));
            return Err(Stop { said, code: STORE }.into());
        }
    }
    let copied = store.backup(to, force)?;
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
        "{}: {} tenants, {} snapshots, {} users, {}; opened and read through. It has no sign-in: the tokens lie sealed \
         beside the store and are not copied; after a restore, tenantop login",
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
