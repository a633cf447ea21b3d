//! Where partners' refresh tokens lie at rest: sealed, on a shelf that whoever starts this brings along.
//!
//! The token that a sign-in brings replaces the one that it used, and is durable before the access token that came with
//! it is used. The one before is kept until the new one has worked once, so that nothing that happens in between can
//! lose the sign-in. What lies on the shelf opens with the key alone, and is bound to partner tenant, app, account and a
//! counter: it cannot be put in another's place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::SetupError;
use super::files::Files;
use super::keys::{Keys, Ring};
use crate::config;

/// Start of a sealed record, with the version of its layout.
const MAGIC: &[u8; 4] = b"TTV1";
const HEAD: usize = MAGIC.len() + 8;
const NONCE: usize = 24;
/// No refresh token of Entra comes near this.
const TOKEN_LIMIT: usize = 16 << 10;
/// Two tokens and their times have no more, sealed.
const RECORD_LIMIT: usize = 2 * TOKEN_LIMIT + 1024;

/// Given what lies there, what is to lie there instead; nothing if it may stay.
pub type Turn<'a> = &'a mut dyn FnMut(Option<&[u8]>) -> Result<Option<Vec<u8>>, String>;
type Get = dyn Fn(&str) -> Result<Option<Vec<u8>>, String> + Send + Sync;
type Change = dyn Fn(&str, Turn<'_>) -> Result<(), String> + Send + Sync;

/// Where sealed records lie, one for each partner's name. It sees no token.
#[derive(Clone)]
pub struct Shelf {
    get: Arc<Get>,
    change: Arc<Change>,
}

impl Shelf {
    /// A shelf of what reads a record and what changes one. Nobody else may change a record during a turn, and what was
    /// put there has to be durable when `change` returns.
    pub fn new(
        get: impl Fn(&str) -> Result<Option<Vec<u8>>, String> + Send + Sync + 'static,
        change: impl Fn(&str, Turn<'_>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self { get: Arc::new(get), change: Arc::new(change) }
    }

    /// None: whoever wants something of it is told why.
    pub fn none(why: impl Into<String>) -> Self {
        let why: Arc<str> = why.into().into();
        let other = Arc::clone(&why);
        Self::new(move |_| Err(why.to_string()), move |_, _| Err(other.to_string()))
    }
}

/// The shelf with the keys to what lies there, and the way to all other secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    shelf: Shelf,
    pub(super) keys: Arc<Keys>,
    pub(super) files: Files,
    /// Beside the store, where older programs kept tokens in files.
    dir: PathBuf,
}

impl Vault {
    /// `beside` is the directory of the store, and `handed` the one in which systemd hands over credentials.
    pub fn new(shelf: Shelf, beside: &Path, config: &config::Credentials, handed: Option<PathBuf>) -> Self {
        let files = Files { directory: handed };
        let keys = Arc::new(Keys::new(files.clone(), beside, config));
        Self { shelf, keys, files, dir: beside.to_owned() }
    }

    /// One partner's place in it.
    pub(super) fn place(&self, partner: &config::Partner) -> Place {
        Place {
            vault: self.clone(),
            partner: partner.name.to_string(),
            file: self.dir.join(format!("{}.token", partner.name)),
            bound_to: format!("{}|{}|{}", partner.tenant_id, partner.client_id, partner.service_account),
        }
    }
}

/// The stored tokens of a partner. Has no `Debug`: nothing of it may be shown.
pub(super) struct Kept {
    /// The newest.
    pub(super) current: SecretString,
    /// The one that brought it; absent once the newest has worked.
    pub(super) previous: Option<SecretString>,
    /// When an operator brought the first of them; absent where an older program kept it.
    pub(super) stored_at: Option<Timestamp>,
    /// When the newest was kept; absent where an older program kept it.
    pub(super) issued_at: Option<Timestamp>,
    /// Whether it is sealed with a key that is not the one of the moment.
    pub(super) by_older_key: bool,
    counter: u64,
}

impl Kept {
    fn has(&self, token: &SecretString) -> bool {
        [Some(&self.current), self.previous.as_ref()].into_iter().flatten().any(|kept| same(kept, token))
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// The place of one partner's tokens.
#[derive(Clone)]
pub(super) struct Place {
    vault: Vault,
    pub(super) partner: String,
    /// Where an older program kept them.
    file: PathBuf,
    /// What a record is bound to.
    bound_to: String,
}

impl Place {
    /// Reads the tokens; `None` if none was ever put there.
    pub(super) fn read(&self) -> Result<Option<Kept>, String> {
        let sealed = match (self.vault.shelf.get)(&self.partner)? {
            Some(sealed) => Some(sealed),
            None => self.of_file()?,
        };
        sealed.map(|sealed| self.open(&sealed, &self.ring()?)).transpose()
    }

    /// The file in which an older program kept tokens.
    pub(super) fn old_file(&self) -> &Path {
        &self.file
    }

    fn of_file(&self) -> Result<Option<Vec<u8>>, String> {
        if !self.file.exists() {
            return Ok(None);
        }
        self.vault.files.secret(&self.file).map(|sealed| Some(sealed.to_vec()))
    }

    /// Puts tokens on the shelf that an older program kept in a file, as they are, and removes the file once they are
    /// durable. What lies on the shelf already is younger and stays.
    pub(super) fn take_over(&self) -> Result<(), String> {
        let Some(sealed) = self.of_file()? else { return Ok(()) };
        (self.vault.shelf.change)(&self.partner, &mut |found| Ok(found.is_none().then(|| sealed.clone())))?;
        self.forget_file()
    }

    fn forget_file(&self) -> Result<(), String> {
        let removed = match std::fs::remove_file(&self.file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            removed => removed.and_then(|()| std::fs::File::open(&self.vault.dir)?.sync_all()),
        };
        removed.map_err(|error| format!("{} is in the store now and cannot be removed: {error}", self.file.display()))
    }

    /// The keys, for what lies there.
    fn ring(&self) -> Result<Ring, String> {
        self.vault.keys.ring(false).map_err(|why| {
            let partner = &self.partner;
            format!(
                "the key that the stored sign-in is sealed with is not here; bring it back, or tenantop login --partner \
                 {partner} ({why})"
            )
        })
    }

    /// Puts a token there that nothing came before.
    pub(super) fn put_first(&self, token: &SecretString, now: Timestamp) -> Result<(), String> {
        let ring = self.vault.keys.ring(true)?;
        let old = self.of_file().unwrap_or_default();
        (self.vault.shelf.change)(&self.partner, &mut |found| {
            let counter = found.or(old.as_deref()).and_then(counter).unwrap_or(0);
            let kept = Kept {
                current: token.clone(),
                previous: None,
                stored_at: Some(now),
                issued_at: Some(now),
                by_older_key: false,
                counter: counter.wrapping_add(1),
            };
            self.seal(&kept, &ring).map(Some)
        })?;
        self.forget_file()
    }

    /// Puts the token there that `used` brought; durable when this returns. Where neither token there is the one that was
    /// used, an operator stored another meanwhile: that one stays.
    pub(super) fn rotate(&self, used: &SecretString, new: &SecretString, now: Timestamp) -> Result<(), String> {
        let ring = self.ring()?;
        (self.vault.shelf.change)(&self.partner, &mut |found| {
            let Some(found) = found else { return Err("the stored sign-in is gone".to_owned()) };
            let kept = self.open(found, &ring)?;
            if !kept.has(used) {
                return Ok(None);
            }
            let previous = (!same(used, new)).then(|| used.clone());
            let counter = kept.counter.wrapping_add(1);
            let kept = Kept { current: new.clone(), previous, issued_at: Some(now), counter, ..kept };
            self.seal(&kept, &ring).map(Some)
        })
    }

    /// A token has worked: if it is the newest, the one before is not needed any more.
    pub(super) fn worked(&self, token: &SecretString) -> Result<(), String> {
        let ring = self.ring()?;
        (self.vault.shelf.change)(&self.partner, &mut |found| {
            let Some(found) = found else { return Ok(None) };
            let kept = self.open(found, &ring)?;
            if !same(&kept.current, token) || kept.previous.is_none() && !kept.by_older_key {
                return Ok(None);
            }
            let counter = kept.counter.wrapping_add(1);
            self.seal(&Kept { previous: None, counter, ..kept }, &ring).map(Some)
        })
    }

    fn open(&self, sealed: &[u8], ring: &Ring) -> Result<Kept, String> {
        let broken = || {
            let partner = &self.partner;
            format!(
                "the stored sign-in is damaged, or was sealed for another partner or with another key; a key that was \
                 changed belongs into previous_key_file; else tenantop login --partner {partner}"
            )
        };
        let counter = counter(sealed).filter(|_| sealed.len() <= RECORD_LIMIT).ok_or_else(broken)?;
        let (nonce, text) = sealed.get(HEAD..).and_then(|rest| rest.split_at_checked(NONCE)).ok_or_else(broken)?;
        let nonce = XNonce::try_from(nonce).map_err(|_| broken())?;
        let bound = format!("{}|{counter}", self.bound_to);
        let open = |cipher: &XChaCha20Poly1305| {
            cipher.decrypt(&nonce, Payload { msg: text, aad: bound.as_bytes() }).ok().map(Zeroizing::new)
        };
        let (plain, by_older_key) = match open(&ring.seal.cipher()) {
            Some(plain) => (plain, false),
            None => (ring.older.iter().find_map(|key| open(&key.cipher())).ok_or_else(broken)?, true),
        };
        let plain = std::str::from_utf8(&plain).map_err(|_| broken())?;
        let mut lines = plain.split('\n');
        let (current, previous) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let mut time = || lines.next().and_then(|at| Timestamp::from_second(at.parse().ok()?).ok());
        let (stored_at, issued_at) = (time(), time());
        let previous = (!previous.is_empty()).then(|| SecretString::from(previous));
        Ok(Kept { current: SecretString::from(current), previous, stored_at, issued_at, by_older_key, counter })
    }

    fn seal(&self, kept: &Kept, ring: &Ring) -> Result<Vec<u8>, String> {
        let previous = kept.previous.as_ref().map_or("", |token| token.expose_secret());
        let times =
            [kept.stored_at, kept.issued_at].map(|at| at.map_or_else(String::new, |at| at.as_second().to_string()));
        let lines = [kept.current.expose_secret(), previous, &times[0], &times[1]];
        // With room for all of it: a buffer that grows leaves copies behind.
        let room = lines.iter().map(|line| line.len() + 1).sum();
        let mut plain = Zeroizing::new(Vec::with_capacity(room));
        for line in lines {
            plain.extend_from_slice(line.as_bytes());
            plain.push(b'\n');
        }
        let nonce = XNonce::from(rand::random::<[u8; NONCE]>());
        let bound = format!("{}|{}", self.bound_to, kept.counter);
        let payload = Payload { msg: &plain, aad: bound.as_bytes() };
        let text = ring.seal.cipher().encrypt(&nonce, payload).map_err(|_| "the token cannot be sealed".to_owned())?;
        let mut sealed = MAGIC.to_vec();
        sealed.extend_from_slice(&kept.counter.to_le_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(sealed)
    }
}

/// The counter of a sealed record.
fn counter(sealed: &[u8]) -> Option<u64> {
    let head = sealed.strip_prefix(MAGIC)?;
    head.first_chunk().map(|counter| u64::from_le_bytes(*counter))
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
    vault: &Vault,
    partner: &config::Partner,
    text: &str,
    now: Timestamp,
) -> Result<(), SetupError> {
    let token = refresh_token(text).map_err(|why| SetupError::new(partner, why))?;
    vault.place(partner).put_first(&token, now).map_err(|why| SetupError::new(partner, why))
}

#[cfg(test)]
mod tests;
