//! Where a partner's refresh token lies at rest: sealed in a file of its own beside the store.
//!
//! The token that a sign-in brings replaces the one that it used, and is on disk before the access token that came with
//! it is used. The one before is kept until the new one has worked once, so that nothing that happens in between can
//! lose the sign-in.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::SetupError;
use crate::config;

/// Start of a sealed file, with the version of its layout.
const MAGIC: &[u8; 4] = b"TTV1";
/// The key that all partners' tokens are sealed with.
const KEY_FILE: &str = "vault.key";
const NONCE: usize = 24;
const KEY: usize = 32;
/// No refresh token of Entra comes near this.
const TOKEN_LIMIT: usize = 16 << 10;

/// The stored tokens of a partner. Has no `Debug`: nothing of it may be shown.
pub(super) struct Kept {
    /// The newest.
    pub(super) current: SecretString,
    /// The one that brought it; absent once the newest has worked.
    pub(super) previous: Option<SecretString>,
    /// When an operator brought the first of them; absent where an older program kept it.
    pub(super) stored_at: Option<Timestamp>,
    counter: u64,
}

impl Kept {
    fn has(&self, token: &SecretString) -> bool {
        [Some(&self.current), self.previous.as_ref()]
            .into_iter()
            .flatten()
            .any(|kept| kept.expose_secret() == token.expose_secret())
    }
}

/// The place of one partner's tokens.
#[derive(Debug, Clone)]
pub(super) struct Vault {
    dir: PathBuf,
    file: PathBuf,
    /// What a sealed file is bound to, so that one partner's cannot be put in another's place.
    bound_to: String,
    pub(super) partner: String,
}

impl Vault {
    pub(super) fn of(dir: &Path, partner: &config::Partner) -> Self {
        Self {
            dir: dir.to_owned(),
            file: dir.join(format!("{}.token", partner.name)),
            bound_to: format!("{}|{}|{}", partner.tenant_id, partner.client_id, partner.service_account),
            partner: partner.name.to_string(),
        }
    }

    /// Reads the tokens; `None` if none was ever put there.
    pub(super) fn read(&self) -> Result<Option<Kept>, String> {
        let sealed = match std::fs::read(&self.file) {
            Ok(sealed) => sealed,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.said("read", &error)),
        };
        private(&self.file)?;
        let broken = || format!("{} is damaged or was sealed for another partner or key", self.file.display());
        let (head, rest) = sealed.split_at_checked(MAGIC.len() + 8).ok_or_else(broken)?;
        let (nonce, text) = rest.split_at_checked(NONCE).ok_or_else(broken)?;
        if !head.starts_with(MAGIC) {
            return Err(broken());
        }
        let counter = u64::from_le_bytes(head[MAGIC.len()..].try_into().unwrap_or_default());
        let nonce = XNonce::try_from(nonce).map_err(|_| broken())?;
        let bound = format!("{}|{counter}", self.bound_to);
        let payload = Payload { msg: text, aad: bound.as_bytes() };
        let plain = Zeroizing::new(self.cipher(false)?.decrypt(&nonce, payload).map_err(|_| broken())?);
        let plain = std::str::from_utf8(&plain).map_err(|_| broken())?;
        let mut lines = plain.split('\n');
        let (current, previous) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let stored_at = lines.next().and_then(|at| Timestamp::from_second(at.parse().ok()?).ok());
        let previous = (!previous.is_empty()).then(|| SecretString::from(previous));
        Ok(Some(Kept { current: SecretString::from(current), previous, stored_at, counter }))
    }

    /// The files that hold a secret of it: the key, then the sealed tokens.
    pub(super) fn files(&self) -> [PathBuf; 2] {
        [self.dir.join(KEY_FILE), self.file.clone()]
    }

    /// Nobody else reads and then writes meanwhile, in this process or another.
    fn alone(&self) -> Result<std::fs::File, String> {
        self.cipher(true)?;
        let locked = std::fs::File::open(self.dir.join(KEY_FILE)).and_then(|key| key.lock().map(|()| key));
        locked.map_err(|error| self.said("locked", &error))
    }

    /// Puts a token there that nothing came before.
    pub(super) fn put_first(&self, token: &SecretString, now: Timestamp) -> Result<(), String> {
        let _alone = self.alone()?;
        let counter = self.read().ok().flatten().map_or(0, |kept| kept.counter);
        self.write(token, None, Some(now), counter + 1)
    }

    /// Puts the token there that `used` brought; on disk when this returns. Where neither token there is the one that was
    /// used, an operator stored another meanwhile: that one stays.
    pub(super) fn rotate(&self, used: &SecretString, new: &SecretString) -> Result<(), String> {
        let _alone = self.alone()?;
        let kept = self.read()?;
        if kept.as_ref().is_some_and(|kept| !kept.has(used)) {
            return Ok(());
        }
        let (stored_at, counter) = kept.map_or((None, 0), |kept| (kept.stored_at, kept.counter));
        let used = (used.expose_secret() != new.expose_secret()).then_some(used);
        self.write(new, used, stored_at, counter + 1)
    }

    fn write(
        &self,
        current: &SecretString,
        previous: Option<&SecretString>,
        stored_at: Option<Timestamp>,
        counter: u64,
    ) -> Result<(), String> {
        let mut plain = Zeroizing::new(current.expose_secret().as_bytes().to_vec());
        if previous.is_some() || stored_at.is_some() {
            plain.push(b'\n');
        }
        if let Some(previous) = previous {
            plain.extend_from_slice(previous.expose_secret().as_bytes());
        }
        if let Some(at) = stored_at {
            plain.extend_from_slice(format!("\n{}", at.as_second()).as_bytes());
        }
        let nonce = XNonce::from(rand::random::<[u8; NONCE]>());
        let bound = format!("{}|{counter}", self.bound_to);
        let payload = Payload { msg: &plain, aad: bound.as_bytes() };
        let text = self.cipher(true)?.encrypt(&nonce, payload).map_err(|_| "the token cannot be sealed".to_owned())?;
        let mut sealed = MAGIC.to_vec();
        sealed.extend_from_slice(&counter.to_le_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        replace(&self.dir, &self.file, &sealed).map_err(|error| self.said("written", &error))
    }

    fn cipher(&self, make_key: bool) -> Result<XChaCha20Poly1305, String> {
        let path = self.dir.join(KEY_FILE);
        let key = match std::fs::read(&path) {
            Ok(key) => Zeroizing::new(key),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && make_key => {
                let key = Zeroizing::new(rand::random::<[u8; KEY]>().to_vec());
                create(&self.dir, &path, &key).map_err(|error| format!("{}: {error}", path.display()))?;
                // Two that began together use the key of the first.
                Zeroizing::new(std::fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?)
            }
            Err(error) => return Err(format!("{} cannot be read: {error}", path.display())),
        };
        private(&path)?;
        XChaCha20Poly1305::new_from_slice(&key).map_err(|_| format!("{} is no key of {KEY} bytes", path.display()))
    }

    fn said(&self, what: &str, error: &std::io::Error) -> String {
        format!("{} cannot be {what}: {error}", self.file.display())
    }
}

/// Refuses a file that anybody but its owner can read.
pub(super) fn private(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.permissions().mode();
    if mode.trailing_zeros() >= 6 {
        return Ok(());
    }
    Err(format!("{} can be read by others (mode {:04o}): chmod 600 it", path.display(), mode & 0o7777))
}

fn make_dir(dir: &Path) -> std::io::Result<()> {
    if dir.exists() { Ok(()) } else { std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir) }
}

/// Makes a private file unless it is there.
fn create(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    make_dir(dir)?;
    let mut temporary =
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o600)).tempfile_in(dir)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    match temporary.persist_noclobber(path) {
        Ok(_) => std::fs::File::open(dir)?.sync_all(),
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
    }
}

/// Puts bytes in a private file's place, durably: the old or the new is there at any moment.
fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    make_dir(dir)?;
    let mut temporary =
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o600)).tempfile_in(dir)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    std::fs::OpenOptions::new().read(true).mode(0o600).open(dir)?.sync_all()
}

/// The refresh token in what an operator brought. Blanks around it are taken off; what cannot be one is refused.
pub(super) fn refresh_token(text: &str) -> Result<SecretString, &'static str> {
    let token = text.trim();
    if token.is_empty() {
        return Err("there is no refresh token in it");
    }
    if token.len() > TOKEN_LIMIT {
        return Err("it is too long to be a refresh token");
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a refresh token is one word without blanks; is it broken over lines?");
    }
    if token.starts_with("eyJ") && token.matches('.').count() == 2 {
        return Err("this is an access token or id token, not a refresh token");
    }
    Ok(SecretString::from(token))
}

/// Keeps a refresh token that an operator brought, untried: nothing is asked of Entra. When it was kept is kept with it.
pub fn store_refresh_token(
    dir: &Path,
    partner: &config::Partner,
    text: &str,
    now: Timestamp,
) -> Result<(), SetupError> {
    let token = refresh_token(text).map_err(|why| SetupError::new(partner, why))?;
    Vault::of(dir, partner).put_first(&token, now).map_err(|why| SetupError::new(partner, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn partner(name: &str) -> config::Partner {
        toml::from_str(&format!(
            "name = '{name}'\ntenant_id = '8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44'\nclient_id = '8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f45'\nservice_account = 'a@{name}'"
        ))
        .unwrap()
    }

    fn tokens(vault: &Vault) -> (String, Option<String>) {
        let kept = vault.read().unwrap().unwrap();
        (kept.current.expose_secret().to_owned(), kept.previous.map(|token| token.expose_secret().to_owned()))
    }

    #[test]
    fn a_token_is_sealed_and_one_before_it_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::of(dir.path(), &partner("emea"));
        assert!(vault.read().unwrap().is_none());
        store_refresh_token(dir.path(), &partner("emea"), " 0.first-token\n", NOW).unwrap();
        assert_eq!(tokens(&vault), ("0.first-token".into(), None));
        vault.rotate(&"0.first-token".into(), &"0.second-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.second-token".into(), Some("0.first-token".into())));
        vault.rotate(&"0.second-token".into(), &"0.third-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.third-token".into(), Some("0.second-token".into())));
        assert_eq!(vault.read().unwrap().unwrap().stored_at, Some(NOW), "a rotation is no sign-in");
        store_refresh_token(dir.path(), &partner("emea"), "0.anew-token", NOW).unwrap();
        vault.rotate(&"0.third-token".into(), &"0.late-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.anew-token".into(), None), "a sign-in in between stays");
        // What a program kept that told no time.
        vault.write(&"0.old-token".into(), Some(&"0.older-token".into()), None, 9).unwrap();
        vault.rotate(&"0.old-token".into(), &"0.new-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.new-token".into(), Some("0.old-token".into())));
        assert_eq!(vault.read().unwrap().unwrap().stored_at, None);
        for file in std::fs::read_dir(dir.path()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(6).any(|window| window == b"-token"), "{} holds it in the clear", path.display());
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_sign_in_takes_no_token_away_that_came_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::of(dir.path(), &partner("emea"));
        store_refresh_token(dir.path(), &partner("emea"), "0.first-token", NOW).unwrap();
        // Two processes redeem the first one at once.
        vault.rotate(&"0.first-token".into(), &"0.second-token".into()).unwrap();
        vault.rotate(&"0.first-token".into(), &"0.third-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.third-token".into(), Some("0.first-token".into())));
        // An operator stores another while one is being redeemed.
        store_refresh_token(dir.path(), &partner("emea"), "0.operators-token", NOW).unwrap();
        vault.rotate(&"0.third-token".into(), &"0.fourth-token".into()).unwrap();
        assert_eq!(tokens(&vault), ("0.operators-token".into(), None));
    }

    #[test]
    fn a_file_in_the_wrong_place_or_hand_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        store_refresh_token(dir.path(), &partner("emea"), "0.token", NOW).unwrap();
        std::fs::copy(dir.path().join("emea.token"), dir.path().join("apac.token")).unwrap();
        let error = |name: &str| Vault::of(dir.path(), &partner(name)).read().err().unwrap();
        assert!(error("apac").contains("sealed for another partner"), "{}", error("apac"));
        let file = dir.path().join("emea.token");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(error("emea").contains("chmod 600"), "{}", error("emea"));
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert!(error("emea").contains("damaged"), "{}", error("emea"));
    }

    #[test]
    fn what_is_no_refresh_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for bad in ["", "  \n", "two words", "eyJ0.eyJ1.sig", &"x".repeat(20_000)] {
            assert!(store_refresh_token(dir.path(), &partner("emea"), bad, NOW).is_err(), "{bad:.20}");
        }
        assert!(!dir.path().join("emea.token").exists());
    }
}
