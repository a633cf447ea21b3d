//! Credentials and tokens. Outside this file and `vault` no secret can be read.

use base64::Engine as _;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::crypto::{sign, verify};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};
use rand::TryRngCore;
use rand::rngs::OsRng;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Request, RequestBuilder};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use url::{Url, form_urlencoded};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::SetupError;
use super::files::{Files, public};
use super::watched::Watched;
use crate::config;
use crate::model::TenantId;

/// How long a client assertion is good for. Entra allows more; short is enough, since each request makes its own.
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Clocks may differ by this much.
const ASSERTION_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// What is signed to see whether a certificate and a key belong together.
const PAIR: &[u8] = b"certificate and key";
/// A token is renewed this long before its end, or when a tenth of its life is left, whichever is shorter.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(120);

/// How the app proves who it is (reference on Entra, section 1.5).
enum Proven {
    Secret(SecretString),
    /// The key is the library's own, which does not zero it: it stays in memory as long as the process may sign in.
    Certificate {
        key: EncodingKey,
        thumbprint: String,
    },
}

/// What an app proves who it is with.
pub(super) struct Credential(Proven);

/// Who signs in for a partner.
pub(super) struct Identity {
    pub(super) tenant: TenantId,
    pub(super) client_id: Uuid,
    /// Of the moment: whoever asks goes on with what it began with.
    credential: Watched,
}

/// An access token, bound to a tenant and an audience.
pub(super) struct AccessToken {
    secret: SecretString,
    renew_at: Timestamp,
}

/// What a token request brings.
pub(super) struct Tokens {
    pub(super) access: AccessToken,
    /// The rotated refresh token, if one came.
    pub(super) refresh: Option<SecretString>,
}

/// What a token request redeems.
pub(super) enum Grant<'a> {
    /// A refresh token, at any tenant.
    Refresh(&'a SecretString),
    /// The code that a browser brought, with the text that shows who asked for it.
    Code { code: &'a SecretString, proof: &'a Proof, redirect: &'a str },
    /// A device code, over and over until somebody has signed in.
    Device(&'a SecretString),
}

/// What goes along with a browser and comes back: a text that marks our own answer, and the one that only we know.
pub(super) struct Proof {
    /// Sent with the address, and expected in the answer.
    pub(super) state: String,
    verifier: SecretString,
}

impl Proof {
    /// Drawn anew from the random numbers of the operating system.
    pub(super) fn draw() -> Result<Self, String> {
        let mut bytes = Zeroizing::new([0; 48]);
        OsRng.try_fill_bytes(&mut *bytes).map_err(|error| format!("no random numbers: {error}"))?;
        let encode = |bytes: &[u8]| Zeroizing::new(base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(bytes));
        let (state, verifier) = bytes.split_at(16);
        Ok(Self { state: encode(state).to_string(), verifier: SecretString::from(encode(verifier).as_str()) })
    }

    /// What of the verifier may be shown (PKCE, S256).
    pub(super) fn challenge(&self) -> String {
        base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret()))
    }

    /// Whether a state that came back is ours. How long it takes tells nothing of how much of it is.
    pub(super) fn is_ours(&self, state: &str) -> bool {
        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

impl Credential {
    /// Reads what the configuration names.
    pub(super) fn read(partner: &config::Partner, files: &Files) -> Result<Self, String> {
        match (&partner.client_secret_file, &partner.certificate_file, &partner.private_key_file) {
            (Some(secret), None, None) => {
                let path = files.path(secret)?;
                let bytes = files.secret(&path)?;
                let text = std::str::from_utf8(&bytes).map_err(|_| format!("{} holds no text", path.display()))?;
                let secret = text.trim_end_matches(['\r', '\n']);
                if secret.is_empty() || secret.contains(['\r', '\n']) {
                    return Err(format!("{} holds no secret of one line", path.display()));
                }
                Ok(Self(Proven::Secret(SecretString::from(secret))))
            }
            (None, Some(certificate), Some(key)) => {
                let (certificate, key_path) = (files.path(certificate)?, files.path(key)?);
                let shown = public(&certificate)?;
                let no_certificate = || format!("{} holds no certificate in PEM form", certificate.display());
                let der = CertificateDer::from_pem_slice(&shown).map_err(|_| no_certificate())?;
                let thumbprint = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
                let pem = files.secret(&key_path)?;
                let key = EncodingKey::from_rsa_pem(&pem)
                    .map_err(|_| format!("{} holds no RSA private key in PEM form", key_path.display()))?;
                // The one certificate, whatever else stands in its file.
                let alone = base64::prelude::BASE64_STANDARD.encode(&der);
                let alone = format!("-----BEGIN CERTIFICATE-----\n{alone}\n-----END CERTIFICATE-----\n");
                let its_own = DecodingKey::from_rsa_pem(alone.as_bytes()).map_err(|_| no_certificate())?;
                // Two files are never replaced at the same moment.
                let is_pair = sign(PAIR, &key, Algorithm::PS256)
                    .and_then(|signature| verify(&signature, PAIR, &its_own, Algorithm::PS256));
                if !is_pair.unwrap_or(false) {
                    let (certificate, key) = (certificate.display(), key_path.display());
                    return Err(format!("{key} is not the key of the certificate in {certificate}"));
                }
                Ok(Self(Proven::Certificate { key, thumbprint }))
            }
            (None, None, None) => Err("set client_secret_file, or certificate_file and private_key_file".into()),
            (Some(_), _, _) => Err("set either client_secret_file or a certificate, not both".into()),
            (None, _, _) => Err("certificate_file and private_key_file go together".into()),
        }
    }
}

impl Identity {
    /// Reads the credential that the configuration names.
    pub(super) fn read(partner: &config::Partner, files: &Files) -> Result<Self, SetupError> {
        let credential = Watched::read(partner, files).map_err(|why| SetupError::new(partner, why))?;
        Ok(Self { tenant: partner.tenant_id, client_id: partner.client_id, credential })
    }

    /// Reads the credential anew if its files changed. Answers why one that changed is not used; the one in memory is.
    pub(super) fn look_again(&self) -> Result<(), String> {
        self.credential.look_again()
    }

    /// The request that redeems what there is at a tenant.
    pub(super) fn redeem(
        &self,
        client: &Client,
        endpoint: &Url,
        grant: &Grant<'_>,
        scope: &str,
        now: Timestamp,
    ) -> Result<Request, String> {
        let client_id = self.client_id.to_string();
        let credential = self.credential.now();
        let mut form = vec![("client_id", client_id.as_str())];
        match grant {
            Grant::Refresh(token) => form.extend([
                ("grant_type", "refresh_token"),
                ("refresh_token", token.expose_secret()),
                ("scope", scope),
            ]),
            Grant::Code { code, proof, redirect } => form.extend([
                ("grant_type", "authorization_code"),
                ("code", code.expose_secret()),
                ("code_verifier", proof.verifier.expose_secret()),
                ("redirect_uri", redirect),
                ("scope", scope),
            ]),
            // Its scope was said when it was asked for.
            Grant::Device(code) => form.extend([
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", code.expose_secret()),
            ]),
        }
        let assertion;
        match &credential.0 {
            Proven::Secret(secret) => form.push(("client_secret", secret.expose_secret())),
            Proven::Certificate { key, thumbprint } => {
                assertion = Zeroizing::new(self.assertion(key, thumbprint, endpoint, now)?);
                form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
                form.push(("client_assertion", assertion.as_str()));
            }
        }
        let request = posted(client, endpoint, &form);
        // With this Entra takes our id as its correlation id.
        let request = request.header("return-client-request-id", "true");
        request.build().map_err(|error| error.without_url().to_string())
    }

    /// The request for a device code. It needs no credential.
    pub(super) fn device(&self, client: &Client, endpoint: &Url, scope: &str) -> Result<Request, String> {
        let client_id = self.client_id.to_string();
        let request = posted(client, endpoint, &[("client_id", client_id.as_str()), ("scope", scope)]);
        request.header("return-client-request-id", "true").build().map_err(|error| error.without_url().to_string())
    }

    fn assertion(&self, key: &EncodingKey, thumbprint: &str, endpoint: &Url, now: Timestamp) -> Result<String, String> {
        let header = Header { x5t_s256: Some(thumbprint.to_owned()), ..Header::new(Algorithm::PS256) };
        let claims = serde_json::json!({
            "aud": endpoint.as_str(),
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": Uuid::new_v4(),
            "nbf": (now - ASSERTION_SKEW).as_second(),
            "iat": now.as_second(),
            "exp": (now + ASSERTION_LIFE).as_second(),
        });
        jsonwebtoken::encode(&header, &claims, key).map_err(|_| "the client assertion cannot be signed".to_owned())
    }
}

/// A request with a form. The form is made at its full length and zeroed when the request is done with it. What cannot be
/// zeroed from here are the copies on their way: buffers of the connection and of TLS in reqwest, hyper and rustls, which
/// are written over by what follows. No core file and no other process of ours reads them (`cli::prepare`).
fn posted(client: &Client, endpoint: &Url, fields: &[(&str, &str)]) -> RequestBuilder {
    // A byte takes three at most.
    let room = fields.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut form = form_urlencoded::Serializer::new(String::with_capacity(room));
    form.extend_pairs(fields);
    let body = Bytes::from_owner(Zeroizing::new(form.finish().into_bytes()));
    let request = client.post(endpoint.clone()).header(ACCEPT, "application/json");
    request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
}

impl AccessToken {
    pub(super) fn new(secret: SecretString, life_s: i64, now: Timestamp) -> Self {
        let life = SignedDuration::from_secs(life_s.clamp(0, 48 * 3600));
        let early = RENEW_BEFORE.min(life / 10);
        Self { secret, renew_at: now.checked_add(life - early).unwrap_or(now) }
    }

    /// Whether it is near its end.
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now >= self.renew_at
    }

    /// A request for JSON at an address, with the token on it.
    pub(super) fn get(&self, client: &Client, address: &reqwest::Url) -> Result<Request, String> {
        let request = client.get(address.clone()).header(ACCEPT, "application/json");
        let mut request = request.build().map_err(|error| error.without_url().to_string())?;
        self.sign(&mut request)?;
        Ok(request)
    }

    /// Puts the token on a request.
    pub(super) fn sign(&self, request: &mut Request) -> Result<(), String> {
        // Made at its full length, and zeroed when the request is done with it.
        let text = Zeroizing::new(["Bearer ", self.secret.expose_secret()].concat().into_bytes());
        let value = HeaderValue::from_maybe_shared(Bytes::from_owner(text));
        let mut value = value.map_err(|_| "the access token is no header text".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_drawn_anew_and_shows_no_more_than_its_challenge() {
        let (one, other) = (Proof::draw().unwrap(), Proof::draw().unwrap());
        assert!(one.is_ours(&one.state) && !one.is_ours(&other.state));
        for wrong in ["", &one.state[1..], &format!("{}x", one.state), &one.state.to_lowercase().replace('-', "_")] {
            assert!(!one.is_ours(wrong), "{wrong}");
        }
        assert_ne!(one.challenge(), other.challenge());
        // RFC 7636, appendix B.
        let known = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let known = Proof { state: String::new(), verifier: SecretString::from(known) };
        assert_eq!(known.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        let length = one.verifier.expose_secret().len();
        assert!((43..=128).contains(&length), "{length}");
    }
}
