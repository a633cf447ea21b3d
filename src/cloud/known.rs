//! What is known of a partner's credentials, and reveals none of them.

use std::path::PathBuf;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use simple_asn1::ASN1Block;

use super::files::public;
use super::keys::Source;
use super::token::Credential;
use super::vault::{Place, Vault};
use super::watched::named;
use crate::config;
use crate::model::{AppKey, Credentials, Text, clean};

/// What can be told of a partner's credentials, as its files, its configuration and the vault stand.
pub fn credentials(partner: &config::Partner, vault: &Vault) -> Credentials {
    let trouble = Credential::read(partner, &vault.files).err();
    of(partner, vault, &vault.place(partner), trouble)
}

/// Files that hold credentials, whether they are there or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFiles {
    /// Those that nobody else may read and that have to be there: the configuration names them, or systemd has them.
    pub named: Vec<PathBuf>,
    /// The same of what comes to be: our own key, a token of an older program.
    pub made: Vec<PathBuf>,
    /// The certificate.
    pub public: Option<PathBuf>,
    /// Where systemd handed over those of them that it did: there a mode may show a mask.
    pub handed: Option<PathBuf>,
}

/// The files of a partner's credentials. What cannot be named is left out: reading says it.
pub fn secret_files(partner: &config::Partner, vault: &Vault) -> SecretFiles {
    let (mut named, public) = named(partner, &vault.files);
    let mut made = vec![vault.place(partner).old_file().to_owned()];
    let key = vault.keys.path();
    if vault.keys.source == Source::Own {
        made.extend(key);
    } else {
        named.extend(key);
    }
    named.extend(vault.keys.previous_path().and_then(Result::ok));
    SecretFiles { named, made, public, handed: vault.files.directory.clone() }
}

/// Where the key of the vault comes from, and what is wrong with it; for people.
pub fn key_source(vault: &Vault) -> Result<String, String> {
    let path = vault.keys.path()?;
    let from = match vault.keys.source {
        Source::Own => "made by tenantop, beside the store",
        Source::Handed => "from systemd's credentials",
        Source::Named => "named by credentials.key_file",
    };
    let said = format!("{}, {from}", path.display());
    if vault.keys.source == Source::Own && !path.exists() {
        return Ok(format!("{said}; it is made when the first token is kept"));
    }
    vault.keys.ring(false)?;
    match vault.keys.trouble() {
        Some(why) => Err(why),
        None => Ok(said),
    }
}

/// What can be told of a stored refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// When an operator signed in, with MFA; absent where an older program kept it.
    pub signed_in_at: Option<Timestamp>,
    /// When Entra gave the newest one; absent where an older program kept it.
    pub issued_at: Option<Timestamp>,
    /// Whether the one before is kept, since the newest has not worked yet.
    pub has_previous: bool,
    /// Whether an older key is needed to open it.
    pub needs_older_key: bool,
}

/// What can be told of a partner's stored refresh token; nothing if there is none. An error says why it cannot be read.
pub fn stored_token(partner: &config::Partner, vault: &Vault) -> Result<Option<StoredToken>, String> {
    Ok(vault.place(partner).read()?.map(|kept| StoredToken {
        signed_in_at: kept.stored_at,
        issued_at: kept.issued_at,
        has_previous: kept.previous.is_some(),
        needs_older_key: kept.by_older_key,
    }))
}

/// `trouble` says why the files of the app's own credential cannot be used.
pub(super) fn of(partner: &config::Partner, vault: &Vault, place: &Place, trouble: Option<String>) -> Credentials {
    let (app_key, app_key_ends) = match &partner.certificate_file {
        Some(file) => {
            let pem = vault.files.path(file).and_then(|path| public(&path)).ok();
            let der = pem.and_then(|pem| CertificateDer::from_pem_slice(&pem).ok());
            (AppKey::Certificate, der.and_then(|der| not_after(&der)))
        }
        None => (AppKey::Secret, partner.client_secret_ends()),
    };
    // What cannot be read is said by the sign-in.
    let stored_at = place.read().ok().flatten().and_then(|kept| kept.stored_at);
    let trouble = trouble.or_else(|| vault.keys.trouble()).map(|why| bounded(&why));
    Credentials { stored_at, app_key, app_key_ends, trouble }
}

/// It is kept and drawn: a path may be long.
fn bounded(why: &str) -> Text {
    const LIMIT: usize = 400;
    clean(why).chars().take(LIMIT).collect()
}

/// When a certificate ends: the second time of the one pair of times in it.
fn not_after(der: &[u8]) -> Option<Timestamp> {
    let blocks = simple_asn1::from_der(der).ok()?;
    let Some(ASN1Block::Sequence(_, certificate)) = blocks.first() else { return None };
    let Some(ASN1Block::Sequence(_, body)) = certificate.first() else { return None };
    let time = |block: &ASN1Block| {
        let (ASN1Block::UTCTime(_, at) | ASN1Block::GeneralizedTime(_, at)) = block else { return None };
        Some(at.assume_utc().unix_timestamp())
    };
    let ends = body.iter().find_map(|part| {
        let ASN1Block::Sequence(_, pair) = part else { return None };
        let [from, to] = pair.as_slice() else { return None };
        time(from).and(time(to))
    });
    Timestamp::from_second(ends?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_says_when_it_ends() {
        for (year, want) in [(2027, "2027-03-01T00:00:00Z"), (2057, "2057-03-01T00:00:00Z")] {
            let mut made = rcgen::CertificateParams::new(vec!["tenantop".to_owned()]).unwrap();
            made.not_after = rcgen::date_time_ymd(year, 3, 1);
            let key = rcgen::KeyPair::generate().unwrap();
            assert_eq!(not_after(made.self_signed(&key).unwrap().der()), want.parse().ok());
        }
        assert_eq!(not_after(b"\x30\x03\x02\x01\x01"), None);
        assert_eq!(not_after(b"no certificate"), None);
    }
}
