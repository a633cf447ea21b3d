//! Files with secrets: where they are, who may read them, whether they changed.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::credential_name;

/// No secret, key or certificate comes near this.
const LIMIT: u64 = 64 << 10;

/// Finds and reads files with secrets.
#[derive(Debug, Clone, Default)]
pub(super) struct Files {
    /// Where systemd hands a service its credentials.
    pub(super) directory: Option<PathBuf>,
}

/// By what a file is known again: another one, or other bytes, owner or mode, have another stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp([i64; 4], [u64; 3], u32, u32);

impl Stamp {
    /// That of a file as it stands; nothing where it cannot be looked at.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = std::fs::metadata(path).ok()?;
        let times = [meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()];
        Some(Self(times, [meta.dev(), meta.ino(), meta.size()], meta.mode(), meta.uid()))
    }
}

impl Files {
    /// The path of a file that the configuration names: itself, or `credential:NAME`.
    pub(super) fn path(&self, named: &Path) -> Result<PathBuf, String> {
        let Some(name) = credential_name(named) else { return Ok(named.to_owned()) };
        match &self.directory {
            Some(directory) => Ok(directory.join(name)),
            None => Err(format!(
                "{}: there is no credentials directory; name a path, or let systemd start tenantop with \
                 LoadCredentialEncrypted={name} in its unit",
                named.display()
            )),
        }
    }

    /// Whether a path leads into systemd's directory.
    fn is_handed(&self, path: &Path) -> bool {
        let straight = path.components().all(|part| part != Component::ParentDir);
        straight && self.directory.as_ref().is_some_and(|directory| path.starts_with(directory))
    }

    /// Reads a file that is private.
    pub(super) fn secret(&self, path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
        let (mut file, meta) = open(path)?;
        let us = rustix::process::geteuid().as_raw();
        if let Err((why, next)) = private(meta.mode(), meta.uid(), us, self.is_handed(path)) {
            let (shown, mode) = (path.display(), meta.mode() & 0o7777);
            return Err(format!("{shown} {why} (mode {mode:04o}, owner {}): {next}", meta.uid()));
        }
        // With room for all of it: a buffer that grows leaves copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0) + 1));
        std::io::Read::by_ref(&mut file).take(LIMIT).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
        Ok(bytes)
    }
}

/// Reads a file that anybody may read.
pub(super) fn public(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    open(path)?.0.take(LIMIT).read_to_end(&mut bytes).map_err(|error| failed(path, &error))?;
    Ok(bytes)
}

/// Opens a file, and says what it is once it is open: nobody puts another in its place in between.
fn open(path: &Path) -> Result<(std::fs::File, std::fs::Metadata), String> {
    let opened = std::fs::File::open(path).and_then(|file| file.metadata().map(|meta| (file, meta)));
    let (file, meta) = opened.map_err(|error| failed(path, &error))?;
    if !meta.is_file() {
        return Err(format!("{} is no file", path.display()));
    }
    if meta.len() > LIMIT {
        return Err(format!("{} is larger than {} KiB", path.display(), LIMIT >> 10));
    }
    Ok((file, meta))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

/// Whether nobody but us, and root, can read or alter a file. systemd's own are read-only, and those of a unit with a user
/// have an ACL, whose mask shows as the group's right to read.
fn private(mode: u32, owner: u32, us: u32, is_handed: bool) -> Result<(), (&'static str, &'static str)> {
    if owner != us && owner != 0 {
        return Err(("belongs to somebody else", "chown it to whoever runs tenantop, and chmod 600 it"));
    }
    let others = if is_handed { 0o037 } else { 0o077 };
    if mode & others == 0 { Ok(()) } else { Err(("can be read by others", "chmod 600 it")) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_its_owners_alone_and_systemds_may_have_a_mask() {
        for (mode, owner, elsewhere, handed) in [
            (0o600, 7, true, true),
            (0o400, 7, true, true),
            (0o400, 0, true, true),
            (0o440, 0, false, true),
            (0o640, 7, false, true),
            (0o660, 7, false, false),
            (0o604, 7, false, false),
            (0o444, 0, false, false),
            (0o600, 8, false, false),
            (0o400, 8, false, false),
        ] {
            assert_eq!(private(mode, owner, 7, false).is_ok(), elsewhere, "{mode:o} of {owner} elsewhere");
            assert_eq!(private(mode, owner, 7, true).is_ok(), handed, "{mode:o} of {owner} from systemd");
        }
    }

    #[test]
    fn what_is_handed_by_systemd_lies_in_its_directory() {
        let dir = tempfile::tempdir().unwrap();
        let handed = dir.path().join("handed");
        std::fs::create_dir(&handed).unwrap();
        let files = Files { directory: Some(handed.clone()) };
        for place in [handed.join("one"), dir.path().join("two")] {
            std::fs::write(&place, "a secret").unwrap();
            std::fs::set_permissions(&place, std::fs::Permissions::from_mode(0o440)).unwrap();
        }
        let path = files.path(Path::new("credential:one")).unwrap();
        assert_eq!(files.secret(&path).unwrap().as_slice(), b"a secret");
        assert!(files.secret(&dir.path().join("two")).unwrap_err().contains("chmod 600"));
        assert!(files.secret(&handed.join("../two")).is_err(), "a way out of the directory is none into it");
        let error = Files::default().path(Path::new("credential:one")).unwrap_err();
        assert!(error.contains("no credentials directory") && error.contains("LoadCredentialEncrypted=one"), "{error}");
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused_and_a_change_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let files = Files::default();
        assert!(files.secret(dir.path()).unwrap_err().contains("is no file"));
        assert!(files.secret(&path).unwrap_err().contains("cannot be read"));
        assert_eq!(Stamp::of(&path), None);
        std::fs::write(&path, vec![b'x'; 70_000]).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(files.secret(&path).unwrap_err().contains("larger"));
        let before = Stamp::of(&path).unwrap();
        assert_eq!(Stamp::of(&path).unwrap(), before);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before, "a mode is a change too");
    }
}
