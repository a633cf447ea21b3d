use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Form, Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::mischief::{answer, delay, retry_after, spoil};
use super::people;
use super::scenario::{SimPartner, Trouble};
use super::state::{Grant, Shared};

type Fields = std::collections::HashMap<String, String>;

/// What MSAL asks before it asks for a token.
pub(super) async fn discovery(State(shared): State<Arc<Shared>>, Path(tenant): Path<String>) -> Response {
    let base = format!("{}/login/{tenant}", shared.base);
    let body = json!({
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{base}/oauth2/v2.0/devicecode"),
        "issuer": format!("{base}/v2.0"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
    });
    answer(200, &[], body.to_string())
}

/// `POST …/oauth2/v2.0/token`
pub(super) async fn token(
    State(shared): State<Arc<Shared>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Response {
    let _flight = shared.arrived("token", &tenant, &headers);
    let id = headers.get("client-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let refusal = Refusal { correlation: id.unwrap_or_else(|| people::guid(&tenant, 77)) };
    let field = |name: &str| form.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (own, customer) = (shared.partner_of_tenant(&tenant), shared.tenant(&tenant));
    let Some(client_id) = field("client_id") else { return refusal.code(900_144) };
    let Some(partner) = shared.scenario.partner.iter().find(|p| p.client_id.eq_ignore_ascii_case(client_id)) else {
        return refusal.code(700_016);
    };
    if own.is_none() && customer.is_none() {
        return refusal.code(90_002);
    }
    if own.is_some_and(|own| own.name != partner.name)
        || customer.is_some_and(|customer| customer.partner != partner.name)
    {
        return refusal.code(700_016);
    }
    if let Err(code) = credential(&shared, partner, &tenant, &form) {
        return refusal.code(code);
    }
    match field("grant_type") {
        Some("refresh_token") => {}
        Some(_) => return refusal.code(70_003),
        None => return refusal.code(900_144),
    }
    let Some(refresh) = field("refresh_token") else { return refusal.code(900_144) };
    let Some(scope) = field("scope") else { return refusal.code(900_144) };
    let audience = if scope.split(' ').any(|scope| scope.contains("graph") && scope.ends_with("/.default")) {
        "graph"
    } else if scope.contains("partnercenter") {
        "partner"
    } else {
        return refusal.code(70_011);
    };
    if audience == "partner" && own.is_none() {
        return refusal.code(500_011);
    }
    if shared.lock().refresh.get(refresh) != Some(&partner.name) {
        return refusal.code(9_002_313);
    }
    let troubles = customer.map_or(partner.trouble.as_slice(), |customer| customer.trouble.as_slice());
    let trouble = shared.trouble(&tenant, troubles, "token", 1, |trouble| trouble.life_s.is_none());
    delay(trouble).await;
    if let Some(trouble) =
        trouble.filter(|t| t.code.is_some() || t.status.is_some() || t.body.is_some() || t.error.is_some())
    {
        return refusal.trouble(&shared, &tenant, trouble);
    }
    let life = shared.trouble(&tenant, troubles, "token", 1, |trouble| trouble.life_s.is_some());
    let life = life.and_then(|trouble| trouble.life_s).unwrap_or(match shared.scenario.token_life_s {
        0 => 3599,
        life => life,
    });
    let body = issue(&shared, partner, &tenant, audience, scope, life);
    if let Some(response) = trouble.and_then(|trouble| spoil(&shared, &headers, trouble, &body)) {
        return response;
    }
    answer(200, &[("cache-control", "no-store"), ("x-ms-request-id", &people::guid(&tenant, 78))], body)
}

fn issue(
    shared: &Shared,
    partner: &SimPartner,
    tenant: &str,
    audience: &'static str,
    scope: &str,
    life: i64,
) -> String {
    let mut inner = shared.lock();
    inner.serial += 1;
    inner.counters.redeemed += 1;
    let serial = inner.serial;
    let opaque = |salt: u64| {
        let part = |n: u64| people::guid(&format!("{tenant}{serial}"), salt + n).replace('-', "");
        format!("{}{}{}", part(1), part(2), part(3))
    };
    let access = format!("eyJ0eXAiOiJKV1Qi.{}.{}", opaque(100), opaque(200));
    let refresh = format!("1.{}", opaque(300));
    inner.refresh.insert(refresh.clone(), partner.name.clone());
    let until = Instant::now() + Duration::from_secs(u64::try_from(life).unwrap_or(0));
    let grant = Grant { tenant: tenant.to_lowercase(), audience, until, client: partner.client_id.clone() };
    inner.access.insert(access.clone(), grant);
    json!({
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": life,
        "ext_expires_in": life,
        "access_token": access,
        "refresh_token": refresh,
    })
    .to_string()
}

/// Whether the app proves who it is; the number of the refusal if not.
fn credential(shared: &Shared, partner: &SimPartner, tenant: &str, form: &Fields) -> Result<(), u32> {
    let secret = form.get("client_secret").filter(|secret| !secret.is_empty());
    let assertion = form.get("client_assertion").filter(|assertion| !assertion.is_empty());
    match (secret, assertion) {
        (Some(secret), None) if !partner.secret.is_empty() && *secret == partner.secret => Ok(()),
        (Some(_), _) => Err(7_000_215),
        (None, Some(assertion)) => {
            let kind = form.get("client_assertion_type").map(String::as_str);
            if kind != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
                return Err(900_144);
            }
            let audience = format!("{}/login/{tenant}/oauth2/v2.0/token", shared.base);
            signed(partner, &audience, assertion)
        }
        (None, None) => Err(7_000_218),
    }
}

fn signed(partner: &SimPartner, audience: &str, assertion: &str) -> Result<(), u32> {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, errors::ErrorKind};
    use rustls_pki_types::{CertificateDer, pem::PemObject};
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| 50_027u32)?;
    if !matches!(header.alg, Algorithm::PS256 | Algorithm::RS256) {
        return Err(5_002_738);
    }
    let der = CertificateDer::from_pem_slice(partner.certificate.as_bytes()).map_err(|_| 700_027u32)?;
    let thumbprint = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
    if header.x5t_s256.as_deref() != Some(thumbprint.as_str()) {
        return Err(700_027);
    }
    let key = DecodingKey::from_rsa_pem(partner.public_key.as_bytes()).map_err(|_| 700_027u32)?;
    let mut rules = Validation::new(header.alg);
    rules.set_audience(&[audience]);
    rules.set_issuer(&[&partner.client_id]);
    rules.set_required_spec_claims(&["exp", "aud", "iss", "sub", "jti"]);
    rules.validate_nbf = true;
    let token =
        jsonwebtoken::decode::<serde_json::Value>(assertion, &key, &rules).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature | ErrorKind::ImmatureSignature => 700_024u32,
            ErrorKind::InvalidSignature => 700_027,
            _ => 50_027,
        })?;
    if token.claims["sub"] == token.claims["iss"] { Ok(()) } else { Err(50_048) }
}

/// Makes refusals in the documented shape.
struct Refusal {
    correlation: String,
}

impl Refusal {
    fn code(&self, code: u32) -> Response {
        self.full(code, &Trouble::default())
    }

    fn trouble(&self, shared: &Shared, tenant: &str, trouble: &Trouble) -> Response {
        if let Some(body) = &trouble.body {
            return answer(trouble.status.unwrap_or(400), &[], body.clone());
        }
        if let Some(status @ (429 | 500..)) = trouble.status {
            let mut headers = vec![];
            let wait = trouble.retry_after.as_deref().and_then(|form| retry_after(form, 1.0));
            if let Some((text, seconds)) = &wait {
                shared.told_to_wait("token", tenant, *seconds);
                headers.push(("retry-after", text.as_str()));
            }
            return answer(status, &headers, "");
        }
        match trouble.code {
            Some(code) => self.full(code, trouble),
            None => self.full(0, trouble),
        }
    }

    fn full(&self, code: u32, trouble: &Trouble) -> Response {
        let status = trouble.status.unwrap_or(if (7_000_000..8_000_000).contains(&code) { 401 } else { 400 });
        let error = trouble.error.as_deref().unwrap_or(match code {
            7_000_000..8_000_000 | 700_024 | 700_027 | 5_002_738 => "invalid_client",
            90_002 => "invalid_request",
            700_016 => "unauthorized_client",
            500_011 => "invalid_resource",
            70_011 => "invalid_scope",
            70_003 => "unsupported_grant_type",
            900_144 | 9_002_313 => "invalid_request",
            50_076 | 50_079 | 53_000..53_010 | 530_000..530_100 if trouble.suberror.is_none() => "interaction_required",
            _ => "invalid_grant",
        });
        let trace = people::guid(&self.correlation, 5);
        let time = now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let text =
            trouble.text.clone().unwrap_or_else(|| format!("The made-up cloud refuses this with number {code}."));
        let mut body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{code}: {text}\r\nTrace ID: {trace}\r\nCorrelation ID: {}\r\nTimestamp: {time}", self.correlation
            ),
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": self.correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        if code == 0 {
            body = json!({ "error": error, "error_description": text, "correlation_id": self.correlation });
        }
        if let Some(suberror) = &trouble.suberror {
            body["suberror"] = json!(suberror);
        }
        if !trouble.policies.is_empty() {
            let claims = json!({ "access_token": { "capolids": { "essential": true, "values": trouble.policies } } });
            body["claims"] = json!(claims.to_string());
        }
        let telemetry = format!("1,{code},0,,");
        answer(status, &[("x-ms-request-id", &trace), ("x-ms-clitelem", &telemetry)], body.to_string())
    }
}

fn now() -> jiff::Timestamp {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    jiff::Timestamp::from_second(i64::try_from(since.as_secs()).unwrap_or(0)).unwrap_or_default()
}
