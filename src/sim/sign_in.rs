//! Persons who sign in at a partner's tenant: with a browser, or by device code. Who they are and how they do it stands in
//! the scenario; whoever opens the address has done it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::aadsts::Refusal;
use super::answer::{Answer, deliver};
use super::chance;
use super::scenario::Partner;
use super::state::{Cloud, Home};
use super::token::scope;
use super::trouble::{Audience, Met, Step};
use super::web;

/// What persons have begun.
#[derive(Debug, Default)]
pub(crate) struct SignIns {
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
}

/// What a browser took along.
#[derive(Debug)]
struct Code {
    partner: usize,
    redirect: String,
    challenge: String,
    until: Instant,
    used: bool,
}

#[derive(Debug)]
struct Device {
    partner: usize,
    scope: String,
    typed: String,
    until: Instant,
    /// Before this nobody should ask.
    next: Instant,
    interval: Duration,
    slow_down: u32,
    /// Whether somebody agreed; absent until somebody has been there.
    agreed: Option<bool>,
}

impl SignIns {
    /// Every code that was given out and not taken back.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = String> {
        self.codes.keys().chain(self.devices.keys()).cloned()
    }

    /// Redeems the code of a browser, once.
    pub(crate) fn redeem(&mut self, partner: usize, code: &str, redirect: &str, verifier: &str) -> Result<(), Refusal> {
        let Some(code) = self.codes.get_mut(code).filter(|code| code.partner == partner) else {
            return Err(Refusal::of(if code.len() < 40 { 9_002_313 } else { 70000 }));
        };
        if code.used {
            return Err(Refusal::of(54005));
        }
        if Instant::now() >= code.until {
            return Err(Refusal::of(70008));
        }
        if redirect != code.redirect {
            return Err(Refusal::of(500_112));
        }
        if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != code.challenge {
            return Err(Refusal::of(501_481));
        }
        code.used = true;
        Ok(())
    }

    /// Asks whether somebody has signed in with a device code; the scope that it was for.
    pub(crate) fn poll(&mut self, partner: usize, code: &str) -> Result<String, Refusal> {
        let word = |error: &str| Refusal { error: Some(error.into()), status: Some(400), ..Refusal::default() };
        let now = Instant::now();
        let Some(device) = self.devices.get_mut(code).filter(|device| device.partner == partner) else {
            return Err(Refusal::of(70018));
        };
        if now >= device.until {
            return Err(Refusal::of(70020));
        }
        let early = now < device.next;
        device.next = now + device.interval;
        if early || device.slow_down > 0 {
            device.slow_down = device.slow_down.saturating_sub(1);
            return Err(word("slow_down"));
        }
        match device.agreed {
            None => Err(Refusal::of(70016)),
            Some(false) => Err(word("authorization_declined")),
            Some(true) => Ok(self.devices.remove(code).map(|device| device.scope).unwrap_or_default()),
        }
    }
}

/// `GET /login/{tenant}/oauth2/v2.0/authorize`: as if somebody had signed in there.
pub(crate) async fn authorize(
    State(cloud): State<Arc<Cloud>>,
    Path(tenant): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let home = cloud.home(&tenant).cloned();
    let id = home.as_ref().map_or(Uuid::nil(), |home| home.id);
    let flight = cloud.depart(Step::Authorize, id, 0, web::text(&headers, "client-request-id"));
    let met = home.as_ref().map_or_else(Met::default, |home| cloud.meet(home, Step::Authorize, 0, None));
    let answer = match checked(&cloud, home.as_ref(), &asked) {
        // The browser stays where it is: nobody knows whether the redirect address may be trusted.
        Err(refusal) => page(400, &described(refusal, cloud.now()).1),
        Ok((partner, mut back)) => {
            let came = came(&cloud, partner, &asked, &met);
            {
                let mut query = back.query_pairs_mut();
                match came {
                    Ok(code) => query.append_pair("code", &code),
                    Err(refusal) => {
                        let (error, description) = described(refusal, cloud.now());
                        query.append_pair("error", &error).append_pair("error_description", &description)
                    }
                };
                query.extend_pairs(asked.get("state").map(|state| ("state", state)));
                query.append_pair("session_state", &chance::fresh_guid().to_string());
            }
            page(302, "Object moved").with("location", back.as_str())
        }
    };
    deliver(answer, &met, false, flight).await
}

/// What has to be right before a browser is sent anywhere.
fn checked(cloud: &Cloud, home: Option<&Arc<Home>>, asked: &HashMap<String, String>) -> Result<(usize, Url), Refusal> {
    let home = home.ok_or_else(|| Refusal::of(90002))?;
    let field = |name: &str| asked.get(name).map_or("", String::as_str);
    let app = &cloud.partners[home.partner];
    if !app.client_id.eq_ignore_ascii_case(field("client_id")) || !home.own {
        return Err(Refusal::of(700_016));
    }
    let redirect = field("redirect_uri");
    if redirect != app.sign_in.redirect_uri {
        return Err(Refusal::of(50011));
    }
    Ok((home.partner, Url::parse(redirect).map_err(|_| Refusal::of(50011))?))
}

/// The code that comes of it.
fn came(cloud: &Cloud, partner: usize, asked: &HashMap<String, String>, met: &Met) -> Result<String, Refusal> {
    let field = |name: &str| asked.get(name).map_or("", String::as_str);
    if let Some(trouble) = met.refusal() {
        return Err(Refusal::told(trouble));
    }
    if field("response_type") != "code" || field("response_mode") != "query" {
        return Err(Refusal::saying(900_144, "The request must contain 'response_type' and 'response_mode'."));
    }
    scope(asked.get("scope").map(String::as_str))?;
    if field("code_challenge_method") != "S256" || field("code_challenge").len() != 43 {
        return Err(Refusal::saying(900_144, "The request must contain a code challenge of S256."));
    }
    let code = chance::opaque("1.A", 480);
    let kept = Code {
        partner,
        redirect: field("redirect_uri").to_owned(),
        challenge: field("code_challenge").to_owned(),
        until: Instant::now() + Duration::from_secs(cloud.partners[partner].sign_in.code_lives),
        used: false,
    };
    cloud.sign_ins(|all| all.codes.insert(code.clone(), kept));
    Ok(code)
}

/// `error` and `error_description` of a refusal.
fn described(refusal: Refusal, at: Timestamp) -> (String, String) {
    let body: Value = serde_json::from_slice(&refusal.answer(None, at).body).unwrap_or_default();
    let text = |key: &str| body[key].as_str().unwrap_or_default().to_owned();
    (text("error"), text("error_description"))
}

fn page(status: u16, text: &str) -> Answer {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    Answer::raw(status, "text/html; charset=utf-8", format!("<html><body><p>{text}</p></body></html>").into_bytes())
}

/// `POST /login/{tenant}/oauth2/v2.0/devicecode`
pub(crate) async fn device_code(
    State(cloud): State<Arc<Cloud>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let correlation = web::text(&headers, "client-request-id");
    let home = cloud.home(&tenant).cloned();
    let id = home.as_ref().map_or(Uuid::nil(), |home| home.id);
    let flight = cloud.depart(Step::DeviceCode, id, 0, correlation.clone());
    let met = home.as_ref().map_or_else(Met::default, |home| cloud.meet(home, Step::DeviceCode, 0, None));
    let given = home.ok_or_else(|| Refusal::of(90002)).and_then(|home| {
        if let Some(trouble) = met.refusal() {
            return Err(Refusal::told(trouble));
        }
        let app = &cloud.partners[home.partner];
        if !home.own || form.get("client_id").is_none_or(|id| !app.client_id.eq_ignore_ascii_case(id)) {
            return Err(Refusal::of(700_016));
        }
        let wanted = form.get("scope").map(String::as_str);
        scope(wanted)?;
        let (code, typed) = (chance::opaque("0.D", 96), chance::opaque("", 12).replace(['-', '_'], "X").to_uppercase());
        let typed = typed[..9].to_owned();
        let (now, interval) = (Instant::now(), Duration::from_secs(app.sign_in.interval));
        let device = Device {
            partner: home.partner,
            scope: wanted.unwrap_or_default().to_owned(),
            typed: typed.clone(),
            until: now + Duration::from_secs(app.sign_in.device_lives),
            next: now,
            interval,
            slow_down: app.sign_in.slow_down,
            agreed: None,
        };
        cloud.sign_ins(|all| all.devices.insert(code.clone(), device));
        let place = format!("{}/login/device", web::base(&cloud, &headers));
        Ok(Answer::json(
            200,
            &json!({
                "user_code": typed,
                "device_code": code,
                "verification_uri": place,
                "expires_in": app.sign_in.device_lives,
                "interval": app.sign_in.interval,
                "message": format!("To sign in, use a web browser to open the page {place} and enter the code {typed}."),
            }),
        ))
    });
    let answer = given.unwrap_or_else(|refusal| refusal.answer(correlation.as_deref(), cloud.now()));
    deliver(answer, &met, web::wants_gzip(&headers), flight).await
}

/// `GET /login/device`: where a person types the code. `otc` is what was typed, `no` declines.
pub(crate) async fn device(State(cloud): State<Arc<Cloud>>, Query(typed): Query<HashMap<String, String>>) -> Response {
    let Some(code) = typed.get("otc") else {
        let form = "<html><body><form>Code: <input name=\"otc\"> <button>Sign in</button> \
                    <button name=\"no\" value=\"1\">Cancel</button></form></body></html>";
        return web::plain(Answer::raw(200, "text/html; charset=utf-8", form.as_bytes().to_vec()));
    };
    let agreed = !typed.contains_key("no");
    let found = cloud.sign_ins(|all| {
        let device = all.devices.values_mut().find(|device| device.typed.eq_ignore_ascii_case(code.trim()));
        device.map(|device| device.agreed = Some(agreed)).is_some()
    });
    web::plain(match (found, agreed) {
        (false, _) => page(400, "That code is not known here."),
        (true, true) => page(200, "Signed in. You may close this page."),
        (true, false) => page(200, "Declined. You may close this page."),
    })
}

/// A JWT whose signature nobody can check.
fn jwt(claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let header = json!({"typ": "JWT", "alg": "RS256", "kid": "made-up"});
    format!("{}.{}.{}", encode(&header), encode(claims), chance::opaque("", 256))
}

fn tenant(partner: &Partner) -> String {
    partner.sign_in.tenant.map_or_else(|| partner.tenant_id.clone(), |id| id.to_string())
}

/// The id token of the partner's account. At a customer's tenant it is nobody's.
pub(crate) fn id_token(partner: &Partner, own: bool, at: Timestamp) -> String {
    let (person, tenant) = (&partner.sign_in, tenant(partner));
    let mut claims = json!({
        "aud": person.app.map_or_else(|| partner.client_id.clone(), |id| id.to_string()),
        "iss": format!("https://login.microsoftonline.com/{tenant}/v2.0"),
        "iat": at.as_second(),
        "nbf": at.as_second(),
        "exp": at.as_second() + 3600,
        "oid": chance::guid(&["object", &person.account]),
        "sub": chance::derived(&["subject", &person.account], 1),
        "tid": tenant,
        "ver": "2.0",
    });
    if own {
        claims["name"] = json!("MFA setup");
        claims["preferred_username"] = json!(person.account);
    }
    if person.amr_in_id_token {
        claims["amr"] = json!(person.amr);
    }
    jwt(&claims)
}

/// An access token of the partner's own tenant: both services want tokens of the older form, which say more.
pub(crate) fn access_token(partner: &Partner, audience: Audience, at: Timestamp) -> String {
    let (person, tenant) = (&partner.sign_in, tenant(partner));
    jwt(&json!({
        "aud": match audience {
            Audience::Graph => "https://graph.microsoft.com",
            Audience::PartnerCenter => "https://api.partnercenter.microsoft.com",
        },
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": at.as_second(),
        "appid": partner.client_id,
        "amr": person.amr,
        "tid": tenant,
        "upn": person.account,
        "unique_name": person.account,
        "uti": chance::opaque("", 16),
        "ver": "1.0",
    }))
}
