use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use super::files::{Files, Stamp};
use super::token::Credential;
use crate::config;

/// The credential of an app, as its files stand. They are looked at again before each sign-in of the partner, so that a
/// secret or certificate is changed without stopping anything. One that cannot be used leaves the one in memory.
pub(super) struct Watched {
    partner: config::Partner,
    files: Files,
    held: Mutex<Held>,
}

struct Held {
    credential: Arc<Credential>,
    /// The stamps of the files that it was read of.
    stamps: Vec<Option<Stamp>>,
}

impl Watched {
    pub(super) fn read(partner: &config::Partner, files: &Files) -> Result<Self, String> {
        // Looked at first: what changes while it is read is read again.
        let stamps = stamps(partner, files);
        let credential = Arc::new(Credential::read(partner, files)?);
        let (partner, files) = (partner.clone(), files.clone());
        Ok(Self { partner, files, held: Mutex::new(Held { credential, stamps }) })
    }

    /// The one of the moment.
    pub(super) fn now(&self) -> Arc<Credential> {
        Arc::clone(&self.held.lock().unwrap_or_else(PoisonError::into_inner).credential)
    }

    /// Reads it anew if its files changed. An error says why what is there now is not used.
    pub(super) fn look_again(&self) -> Result<(), String> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = stamps(&self.partner, &self.files);
        if stamps == held.stamps {
            return Ok(());
        }
        let credential = Credential::read(&self.partner, &self.files)?;
        *held = Held { credential: Arc::new(credential), stamps };
        Ok(())
    }
}

/// The files that the configuration names for a partner, whether they are there or not: the secret ones, and the certificate.
pub(super) fn named(partner: &config::Partner, files: &Files) -> (Vec<PathBuf>, Option<PathBuf>) {
    let secret = [&partner.client_secret_file, &partner.private_key_file].into_iter().flatten();
    let secret = secret.filter_map(|named| files.path(named).ok()).collect();
    (secret, partner.certificate_file.as_ref().and_then(|named| files.path(named).ok()))
}

fn stamps(partner: &config::Partner, files: &Files) -> Vec<Option<Stamp>> {
    let (secret, certificate) = named(partner, files);
    secret.iter().chain(&certificate).map(|path| Stamp::of(path)).collect()
}
