//! Credentials and tokens. Outside this file and `vault` no secret can be read.

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Client, Request};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::SetupError;
use super::vault::private;
use crate::config;
use crate::model::TenantId;

/// How long a client assertion is good for. Entra allows more; short is enough, since each request makes its own.
const ASSERTION_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// Clocks may differ by this much.
const ASSERTION_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// A token is renewed this long before its end, or when a tenth of its life is left, whichever is shorter.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(120);

/// How the app proves who it is (reference on Entra, section 1.5).
enum Credential {
    Secret(SecretString),
    Certificate { key: EncodingKey, thumbprint: String },
}

/// Who signs in for a partner.
pub(super) struct Identity {
    pub(super) tenant: TenantId,
    client_id: Uuid,
    credential: Credential,
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

impl Identity {
    /// Reads the credential that the configuration names.
    pub(super) fn read(partner: &config::Partner) -> Result<Self, SetupError> {
        let fail = |why: String| SetupError::new(partner, why);
        let credential = match (&partner.client_secret_file, &partner.certificate_file, &partner.private_key_file) {
            (Some(path), None, None) => {
                private(path).map_err(fail)?;
                let text = Zeroizing::new(
                    std::fs::read_to_string(path).map_err(|error| fail(format!("{}: {error}", path.display())))?,
                );
                let secret = text.trim_end_matches(['\r', '\n']);
                if secret.is_empty() || secret.contains(['\r', '\n']) {
                    return Err(fail(format!("{} holds no secret of one line", path.display())));
                }
                Credential::Secret(SecretString::from(secret))
            }
            (None, Some(certificate), Some(key)) => {
                private(key).map_err(fail)?;
                let der = CertificateDer::from_pem_file(certificate)
                    .map_err(|_| fail(format!("{} holds no certificate in PEM form", certificate.display())))?;
                let thumbprint = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
                let pem =
                    Zeroizing::new(std::fs::read(key).map_err(|error| fail(format!("{}: {error}", key.display())))?);
                let key = EncodingKey::from_rsa_pem(&pem)
                    .map_err(|_| fail(format!("{} holds no RSA private key in PEM form", key.display())))?;
                Credential::Certificate { key, thumbprint }
            }
            (None, None, None) => {
                return Err(fail("set client_secret_file, or certificate_file and private_key_file".into()));
            }
            (Some(_), _, _) => return Err(fail("set either client_secret_file or a certificate, not both".into())),
            (None, _, _) => return Err(fail("certificate_file and private_key_file go together".into())),
        };
        Ok(Self { tenant: partner.tenant_id, client_id: partner.client_id, credential })
    }

    /// The request that redeems a refresh token at a tenant.
    pub(super) fn redeem(
        &self,
        client: &Client,
        endpoint: &Url,
        refresh: &SecretString,
        scope: &str,
        now: Timestamp,
    ) -> Result<Request, String> {
        let client_id = self.client_id.to_string();
        let mut form = vec![
            ("grant_type", "refresh_token"),
            ("client_id", client_id.as_str()),
            ("refresh_token", refresh.expose_secret()),
            ("scope", scope),
        ];
        let assertion;
        match &self.credential {
            Credential::Secret(secret) => form.push(("client_secret", secret.expose_secret())),
            Credential::Certificate { key, thumbprint } => {
                assertion = Zeroizing::new(self.assertion(key, thumbprint, endpoint, now)?);
                form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
                form.push(("client_assertion", assertion.as_str()));
            }
        }
        let request = client.post(endpoint.clone()).header(ACCEPT, "application/json").form(&form);
        // With this Entra takes our id as its correlation id.
        let request = request.header("return-client-request-id", "true");
        request.build().map_err(|error| error.without_url().to_string())
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
        let text = Zeroizing::new(format!("Bearer {}", self.secret.expose_secret()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| "the access token is no header text".to_owned())?;
        value.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }
}
