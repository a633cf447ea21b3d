//! The key that refresh tokens are sealed with: where it comes from, and what becomes of one that changes.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::KeyInit;
use rand::TryRngCore;
use rand::rngs::OsRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::files::{Files, Stamp};
use crate::config::Credentials;

/// The key beside the store, which is made on first use.
const OWN: &str = "vault.key";
/// The name by which systemd hands it over.
const HANDED: &str = "tenantop.key";
const KEY: usize = 32;

/// A key. Zeroed when it is dropped; nothing shows it.
pub(super) struct Key(Zeroizing<[u8; KEY]>);

impl Key {
    /// Reads 32 bytes, or hex or base64 of them.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY]);
        if bytes.len() == KEY {
            key.copy_from_slice(bytes);
            return Some(Self(key));
        }
        let text = bytes.trim_ascii();
        if text.len() == 2 * KEY {
            for (byte, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
                let digit = |at: usize| pair.get(at).and_then(|digit| char::from(*digit).to_digit(16));
                *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
            }
            return Some(Self(key));
        }
        // Base64 of 32 bytes has 43 characters, and one to fill it up.
        let text = text.strip_suffix(b"=").unwrap_or(text);
        let mut room = Zeroizing::new([0; KEY + 4]);
        [base64::prelude::BASE64_STANDARD_NO_PAD, base64::prelude::BASE64_URL_SAFE_NO_PAD].into_iter().find_map(
            |code| {
                let length = code.decode_slice(text, &mut *room).ok()?;
                (length == KEY).then(|| key.copy_from_slice(&room[..KEY]))
            },
        )?;
        Some(Self(key))
    }

    /// What seals and opens with it; zeroed when it is dropped.
    pub(super) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }

    fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&*other.0).into()
    }
}

/// The keys of the moment.
pub(super) struct Ring {
    /// What is sealed with.
    pub(super) seal: Arc<Key>,
    /// What else may have sealed what lies there, the likeliest first.
    pub(super) older: Vec<Arc<Key>>,
}

/// Where the key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// `vault.key` beside the store.
    Own,
    /// systemd's credentials directory.
    Handed,
    /// The configuration names it.
    Named,
}

/// A key with the stamp of the file that it was read of.
struct Known {
    stamp: Stamp,
    key: Arc<Key>,
}

#[derive(Default)]
struct Held {
    current: Option<Known>,
    previous: Option<Known>,
    /// The one that was current before its file changed.
    replaced: Option<Arc<Key>>,
    /// Why a file that changed is not used.
    trouble: Option<String>,
}

/// Reads the keys, and reads them anew when their files change. A file that is broken changes nothing while a key is in
/// memory.
pub(super) struct Keys {
    files: Files,
    /// Where the key of our own lies.
    dir: PathBuf,
    pub(super) source: Source,
    key_file: PathBuf,
    previous_key_file: Option<PathBuf>,
    held: Mutex<Held>,
}

impl Keys {
    pub(super) fn new(files: Files, dir: &Path, config: &Credentials) -> Self {
        let handed = files.directory.as_ref().map(|directory| directory.join(HANDED)).filter(|path| path.exists());
        let (source, key_file) = match (&config.key_file, handed) {
            (Some(named), _) => (Source::Named, named.clone()),
            (None, Some(handed)) => (Source::Handed, handed),
            (None, None) => (Source::Own, dir.join(OWN)),
        };
        let previous_key_file = config.previous_key_file.clone();
        Self { files, dir: dir.to_owned(), source, key_file, previous_key_file, held: Mutex::default() }
    }

    /// The file of the key.
    pub(super) fn path(&self) -> Result<PathBuf, String> {
        self.files.path(&self.key_file)
    }

    /// The file of the key before, if one is named.
    pub(super) fn previous_path(&self) -> Option<Result<PathBuf, String>> {
        self.previous_key_file.as_ref().map(|named| self.files.path(named))
    }

    /// Why a file that changed is not used.
    pub(super) fn trouble(&self) -> Option<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).trouble.clone()
    }

    /// The keys as their files stand. The key of our own is made if `make` and it is not there.
    pub(super) fn ring(&self, make: bool) -> Result<Ring, String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.trouble = None;
        let path = self.path();
        if make && self.source == Source::Own && held.current.is_none() {
            create(&self.dir, &self.key_file)?;
        }
        match path.and_then(|path| self.look(&path, held.current.as_ref())) {
            Ok(None) => {}
            Ok(Some(new)) => {
                let before = held.current.replace(new);
                let is_other = |known: &Known| held.current.as_ref().is_some_and(|new| !new.key.is(&known.key));
                if let Some(before) = before.filter(is_other) {
                    held.replaced = Some(before.key);
                }
            }
            Err(why) if held.current.is_some() => held.trouble = Some(why),
            Err(why) => return Err(why),
        }
        match self.previous_path().map(|path| path.and_then(|path| self.look(&path, held.previous.as_ref()))) {
            None | Some(Ok(None)) => {}
            Some(Ok(Some(new))) => held.previous = Some(new),
            Some(Err(why)) => held.trouble = Some(why),
        }
        let seal = held.current.as_ref().map(|known| Arc::clone(&known.key));
        let older = held.replaced.iter().chain(held.previous.as_ref().map(|known| &known.key)).cloned().collect();
        Ok(Ring { seal: seal.ok_or("there is no key")?, older })
    }

    /// The key of a file, unless it is the one that is known.
    fn look(&self, path: &Path, known: Option<&Known>) -> Result<Option<Known>, String> {
        let stamp = Stamp::of(path);
        if known.is_some_and(|known| Some(&known.stamp) == stamp.as_ref()) {
            return Ok(None);
        }
        let bytes = self.files.secret(path).map_err(|why| {
            let is_ours = self.source == Source::Own || path.exists();
            let hint = format!("; tenantop makes no key there: head -c {KEY} /dev/urandom makes one");
            if is_ours { why } else { why + &hint }
        })?;
        let key = Key::parse(&bytes).ok_or_else(|| {
            format!("{} is no key: {KEY} bytes (head -c {KEY} /dev/urandom), or hex or base64 of them", path.display())
        })?;
        let stamp = stamp.ok_or_else(|| format!("{} came only now", path.display()))?;
        Ok(Some(Known { stamp, key: Arc::new(key) }))
    }
}

/// Makes the private file of a key unless it is there. Two that begin together use the key of the first.
fn create(dir: &Path, path: &Path) -> Result<(), String> {
    if path.exists() {
        return Ok(());
    }
    let made = || -> std::io::Result<()> {
        if !dir.exists() {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let private = std::fs::Permissions::from_mode(0o600);
        let mut temporary = tempfile::Builder::new().permissions(private).tempfile_in(dir)?;
        let mut key = Zeroizing::new([0; KEY]);
        OsRng.try_fill_bytes(&mut *key).map_err(std::io::Error::other)?;
        temporary.write_all(&*key)?;
        temporary.as_file().sync_all()?;
        match temporary.persist_noclobber(path) {
            Ok(_) => std::fs::File::open(dir)?.sync_all(),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error.error),
        }
    };
    made().map_err(|error| format!("{} cannot be made: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(path: &Path, bytes: &[u8]) {
        let aside = path.with_extension("aside");
        std::fs::write(&aside, bytes).unwrap();
        std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::rename(&aside, path).unwrap();
    }

    #[test]
    fn a_key_is_32_bytes_or_hex_or_base64_of_them() {
        let raw: [u8; KEY] = std::array::from_fn(|n| u8::try_from(n * 8 + 3).unwrap());
        let hex = raw.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let base64 = base64::prelude::BASE64_STANDARD.encode(raw);
        let url = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(raw);
        for text in [&hex, &hex.to_uppercase(), &format!("{hex}\n"), &base64, &format!(" {base64}\r\n"), &url] {
            assert_eq!(*Key::parse(text.as_bytes()).expect(text).0, raw, "{text}");
        }
        assert_eq!(*Key::parse(&raw).unwrap().0, raw);
        // All blanks are a key as well as any: bytes are bytes.
        assert!(Key::parse(&[b' '; KEY]).is_some());
        for bad in ["", "short", &hex[1..], &format!("{}zz", &hex[2..]), &base64[1..], &"x".repeat(33), &"=".repeat(44)]
        {
            assert!(Key::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_key_from_elsewhere_is_never_made_and_systemds_goes_before_our_own() {
        let dir = tempfile::tempdir().unwrap();
        let handed = dir.path().join("handed");
        std::fs::create_dir(&handed).unwrap();
        let files = Files { directory: Some(handed.clone()) };
        let named = dir.path().join("named.key");
        let config = Credentials { key_file: Some(named.clone()), previous_key_file: None };
        let keys = Keys::new(files.clone(), dir.path(), &config);
        let why = keys.ring(true).err().unwrap();
        assert!(!named.exists(), "a named file is never made");
        assert!(why.contains("makes no key there: head -c 32 /dev/urandom"), "{why}");
        let none = Credentials::default();
        assert_eq!(Keys::new(files.clone(), dir.path(), &none).source, Source::Own);
        put(&handed.join(HANDED), &[7; KEY]);
        let keys = Keys::new(files, dir.path(), &none);
        assert_eq!((&keys.source, *keys.ring(true).unwrap().seal.0), (&Source::Handed, [7; KEY]));
        assert!(!dir.path().join(OWN).exists());

        let own = Keys::new(Files::default(), dir.path(), &none);
        assert!(own.ring(false).err().unwrap().contains(OWN), "reading makes none");
        let made = own.ring(true).unwrap().seal;
        let again = Keys::new(Files::default(), dir.path(), &none);
        assert!(again.ring(true).unwrap().seal.is(&made), "it is made once");
        assert_eq!(std::fs::metadata(dir.path().join(OWN)).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_changes_is_used_and_a_broken_one_leaves_the_one_in_memory() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("k"), dir.path().join("old"));
        put(&path, &[1; KEY]);
        put(&old, &[9; KEY]);
        let config = Credentials { key_file: Some(path.clone()), previous_key_file: Some(old) };
        let keys = Keys::new(Files::default(), dir.path(), &config);
        let bytes = |ring: Ring| (*ring.seal.0, ring.older.iter().map(|key| key.0[0]).collect::<Vec<_>>());
        assert_eq!(bytes(keys.ring(false).unwrap()), ([1; KEY], vec![9]));
        put(&path, b"no key");
        assert_eq!(bytes(keys.ring(false).unwrap()), ([1; KEY], vec![9]));
        assert!(keys.trouble().unwrap().contains("is no key: 32 bytes"));
        put(&path, &[2; KEY]);
        assert_eq!(bytes(keys.ring(false).unwrap()), ([2; KEY], vec![1, 9]), "the one before it still opens");
        assert_eq!(keys.trouble(), None);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(bytes(keys.ring(true).unwrap()).0, [2; KEY]);
        assert!(keys.trouble().is_some() && !path.exists());
    }
}
