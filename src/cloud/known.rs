//! What is known of a partner's credentials, and reveals none of them.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use simple_asn1::ASN1Block;

use super::vault::Vault;
use crate::config;
use crate::model::{AppKey, Credentials};

/// What can be told of a partner's credentials, as its files and its configuration stand.
pub fn credentials(partner: &config::Partner, vault_dir: &Path) -> Credentials {
    of(partner, &Vault::of(vault_dir, partner))
}

/// The files of a partner that hold a secret, whether they are there or not: those that the configuration names, then the
/// key of the vault and the partner's tokens in it.
pub fn secret_files(partner: &config::Partner, vault_dir: &Path) -> Vec<PathBuf> {
    let named = [&partner.client_secret_file, &partner.private_key_file].into_iter().flatten().cloned();
    named.chain(Vault::of(vault_dir, partner).files()).collect()
}

pub(super) fn of(partner: &config::Partner, vault: &Vault) -> Credentials {
    let (app_key, app_key_ends) = match &partner.certificate_file {
        Some(file) => (AppKey::Certificate, CertificateDer::from_pem_file(file).ok().and_then(|der| not_after(&der))),
        None => (AppKey::Secret, partner.client_secret_ends()),
    };
    // What cannot be read is said by the sign-in.
    let stored_at = vault.read().ok().flatten().and_then(|kept| kept.stored_at);
    Credentials { stored_at, app_key, app_key_ends }
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
