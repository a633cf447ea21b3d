//! Files: who can read and write what, and room for more.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Check, Grade, US};
use crate::cli::diagnosis::state_dir;
use crate::cli::output::size;
use crate::cli::place::Place;
use crate::cloud::{Shelf, secret_files};
use crate::config::{Origin, Partner};

/// What a file is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// Where store, tokens and logs lie: ours alone.
    Directory,
    /// Data or a secret: ours alone.
    Private,
    /// A secret that systemd handed over: its mode may show the mask of an ACL as the group's right to read.
    Handed,
    /// Anybody may read it, nobody else may write it.
    Public,
}

/// Grades a file's mode and owner; nothing if both are as they should be.
fn grade(kind: Kind, mode: u32, owner: u32, us: u32) -> Option<(Grade, &'static str)> {
    if owner != us && owner != 0 {
        return Some((Grade::Failed, "it belongs to somebody else, who can alter it"));
    }
    match kind {
        Kind::Directory | Kind::Public if mode & 0o022 != 0 => Some((Grade::Failed, "others can write in it")),
        Kind::Private if mode & 0o077 != 0 => Some((Grade::Failed, "others can read or write it")),
        Kind::Handed if mode & 0o037 != 0 => Some((Grade::Failed, "others can read or write it")),
        Kind::Directory if mode & 0o055 != 0 => Some((Grade::Warning, "others can see what lies in it")),
        Kind::Directory | Kind::Public | Kind::Private | Kind::Handed => None,
    }
}

/// Modes and owners: a row for each file that is not as it should be, or one for all.
pub(super) fn files(place: &Place, partners: &[&Partner]) -> Vec<Check> {
    const NAME: &str = "files";
    let us = rustix::process::geteuid().as_raw();
    let mut wanted: BTreeSet<(PathBuf, Kind)> = BTreeSet::new();
    let mut named = BTreeSet::new();
    for partner in partners {
        // What is in the store is no matter here.
        let files = secret_files(partner, &place.vault(Shelf::none("files alone are looked at")));
        let is_handed = |path: &PathBuf| files.handed.as_ref().is_some_and(|directory| path.starts_with(directory));
        let kind = |path: &PathBuf| if is_handed(path) { Kind::Handed } else { Kind::Private };
        named.extend(files.named.iter().chain(&files.public).cloned());
        wanted.extend(files.named.iter().chain(&files.made).map(|path| (path.clone(), kind(path))));
        wanted.extend(files.public.iter().map(|path| (path.clone(), Kind::Public)));
    }
    wanted.insert((place.store.clone(), Kind::Private));
    let beside = if place.beside().as_os_str().is_empty() { Path::new(".") } else { place.beside() };
    wanted.insert((beside.to_owned(), Kind::Directory));
    wanted.extend(state_dir().map(|dir| (dir, Kind::Directory)));
    wanted.extend(place.loaded.origins.values().find_map(|origin| match origin {
        Origin::File(path, _) => Some((path.clone(), Kind::Public)),
        Origin::Default | Origin::Variable(_) | Origin::Flag(_) => None,
    }));
    let mut checks = Vec::new();
    let mut good = 0;
    for (path, kind) in wanted {
        let meta = match std::fs::metadata(&path) {
            Ok(meta) => meta,
            // Our own key and the store come to be; what the configuration names has to be there.
            Err(error) if error.kind() == ErrorKind::NotFound && !named.contains(&path) => continue,
            Err(error) => {
                let what = format!("{}: {error}", path.display());
                checks.push(Check::failed(NAME, what, US, "put the file there, or name the right one"));
                continue;
            }
        };
        let (mode, owner) = (meta.mode() & 0o7777, meta.uid());
        let Some((state, why)) = grade(kind, mode, owner, us) else {
            good += 1;
            continue;
        };
        let what = format!("{} (mode {mode:04o}, owner {owner}): {why}", path.display());
        let right = match kind {
            Kind::Directory => "700",
            Kind::Private | Kind::Handed => "600",
            Kind::Public => "go-w",
        };
        let next = if owner != us && owner != 0 {
            format!(
                "chown {us} {path} && chmod {right} {path}; a secret in it may be known: get a new one",
                path = path.display()
            )
        } else if matches!(kind, Kind::Private | Kind::Handed) {
            format!("chmod {right} {}; what was readable may be known: think of a new secret", path.display())
        } else {
            format!("chmod {right} {}", path.display())
        };
        checks.push(Check::wrong(NAME, state, what, US, next));
    }
    if checks.is_empty() {
        checks.push(Check::ok(NAME, format!("{good} files and directories: modes and owners are right")));
    }
    checks
}

/// Room where the store lies, against twice the store.
pub(super) fn disk(place: &Place) -> Check {
    let dir = place.beside().ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("."));
    let dir = if dir.as_os_str().is_empty() { Path::new(".") } else { dir };
    let store = std::fs::metadata(&place.store).map_or(0, |meta| meta.len());
    match rustix::fs::statvfs(dir) {
        Ok(stat) => room(dir, store, stat.f_bavail.saturating_mul(stat.f_frsize)),
        Err(error) => {
            Check::failed("disk", format!("{}: {error}", dir.display()), US, "is the file system of the store there?")
        }
    }
}

fn room(dir: &Path, store: u64, free: u64) -> Check {
    /// A store that is small or not there yet grows to this with its first imports.
    const LEAST: u64 = 64 << 20;
    let want = store.saturating_mul(2).max(LEAST);
    let has = if store == 0 { "there is no store yet".to_owned() } else { format!("the store has {}", size(store)) };
    let what = format!("{} free at {}; {has}", size(free), dir.display());
    if free >= want {
        return Check::ok("disk", what);
    }
    let state = if free < want / 2 { Grade::Failed } else { Grade::Warning };
    let what = format!("{what}: less than {}, which imports and a backup beside it may need", size(want));
    Check::wrong("disk", state, what, US, "make room there, or move the store (store.path)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_and_owners() {
        use Kind::{Directory, Handed, Private, Public};
        for (kind, mode, owner, want) in [
            (Private, 0o600, 7, None),
            (Private, 0o400, 7, None),
            (Private, 0o400, 0, None),
            (Private, 0o640, 7, Some(Grade::Failed)),
            (Handed, 0o440, 0, None),
            (Handed, 0o400, 7, None),
            (Handed, 0o460, 0, Some(Grade::Failed)),
            (Handed, 0o444, 0, Some(Grade::Failed)),
            (Handed, 0o440, 8, Some(Grade::Failed)),
            (Private, 0o602, 7, Some(Grade::Failed)),
            (Private, 0o600, 8, Some(Grade::Failed)),
            (Directory, 0o700, 7, None),
            (Directory, 0o755, 7, Some(Grade::Warning)),
            (Directory, 0o770, 7, Some(Grade::Failed)),
            (Directory, 0o1777, 0, Some(Grade::Failed)),
            (Directory, 0o700, 8, Some(Grade::Failed)),
            (Public, 0o644, 7, None),
            (Public, 0o644, 0, None),
            (Public, 0o664, 7, Some(Grade::Failed)),
        ] {
            assert_eq!(grade(kind, mode, owner, 7).map(|(grade, _)| grade), want, "{kind:?} {mode:o} of {owner}");
        }
    }

    #[test]
    fn room_for_twice_the_store() {
        const GIB: u64 = 1 << 30;
        for (store, free, want) in [
            (GIB, 2 * GIB, Grade::Ok),
            (GIB, 2 * GIB - 1, Grade::Warning),
            (GIB, GIB - 1, Grade::Failed),
            (0, 64 << 20, Grade::Ok),
            (0, 63 << 20, Grade::Warning),
            (0, 0, Grade::Failed),
        ] {
            let check = room(Path::new("/x"), store, free);
            assert_eq!(check.state, want, "{store} {free}: {check:?}");
            assert_eq!(check.next.is_some() && check.who.is_some(), want != Grade::Ok, "{check:?}");
        }
    }
}
