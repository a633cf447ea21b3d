//! A client assertion: is it signed by the certificate that the app has, for this place and this time?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::aadsts::Refusal;
use super::scenario::Partner;
use super::time;

/// How far the clocks may differ, in seconds.
const SKEW: f64 = 300.0;

/// Checks an assertion of a partner's app for a token endpoint whose address ends in `endpoint`.
pub(crate) fn check(jwt: &str, partner: &Partner, endpoint: &str) -> Result<(), Refusal> {
    let header = part(jwt, 0).ok_or_else(|| Refusal::of(50027))?;
    let algorithm = match header["alg"].as_str() {
        Some("PS256") => Algorithm::PS256,
        Some("RS256") => Algorithm::RS256,
        Some(_) | None => return Err(Refusal::of(5_002_738)),
    };
    let no_key = || Refusal::of(700_027);
    let pem = partner.certificate.as_deref().ok_or_else(no_key)?;
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|_| no_key())?;
    let sha256 = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
    let sha1 = partner.thumbprint.as_deref().and_then(unhex).map(|bytes| URL_SAFE_NO_PAD.encode(bytes));
    // MSAL for Python pads, others do not.
    let named = |key: &str, wanted: Option<&str>| {
        wanted.is_some() && header[key].as_str().map(|text| text.trim_end_matches('=')) == wanted
    };
    if !named("x5t#S256", Some(&sha256)) && !named("x5t", sha1.as_deref()) {
        return Err(no_key());
    }

    let key = DecodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| no_key())?;
    let mut validation = Validation::new(algorithm);
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    jsonwebtoken::decode::<Value>(jwt, &key, &validation)
        .map_err(|_| Refusal::saying(700_027, "Client assertion contains an invalid signature."))?;

    let claims = part(jwt, 1).ok_or_else(|| Refusal::of(50027))?;
    let now = time::now().as_duration().as_secs_f64();
    // Times may have fractions; MSAL for Python sends them.
    let (Some(exp), nbf) = (claims["exp"].as_f64(), claims["nbf"].as_f64()) else {
        return Err(Refusal::saying(50027, "Invalid JWT token: it has no 'exp'."));
    };
    if exp + SKEW < now || nbf.is_some_and(|nbf| nbf - SKEW > now) {
        return Err(Refusal::of(700_024));
    }
    if claims["sub"] != claims["iss"] {
        return Err(Refusal::of(50048));
    }
    if claims["iss"].as_str() != Some(partner.client_id.as_str()) {
        return Err(Refusal::saying(50027, "Invalid JWT token: the issuer is not the client."));
    }
    let audiences = match &claims["aud"] {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    };
    if !audiences.iter().any(|audience| audience.ends_with(endpoint)) {
        return Err(Refusal::saying(50027, "Invalid JWT token: the audience is not this token endpoint."));
    }
    Ok(())
}

fn part(jwt: &str, place: usize) -> Option<Value> {
    let parts: Vec<&str> = jwt.split('.').collect();
    if parts.len() != 3 {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[place]).ok()?).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().filter(|c| *c != ':').map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks(2).filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect())
}
