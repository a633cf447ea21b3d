//! The token endpoint: a refresh token, or what a person's sign-in brought, and a credential in; an access token and a new
//! refresh token out.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use serde_json::json;
use url::form_urlencoded;
use uuid::Uuid;

use super::aadsts::Refusal;
use super::answer::{Answer, deliver};
use super::assertion;
use super::sign_in;
use super::state::{Cloud, Flight, Home};
use super::trouble::{Audience, Met, Step};
use super::web;

const GRAPH: &[&str] = &[
    "https://graph.microsoft.com/",
    "https://graph.microsoft.us/",
    "https://dod-graph.microsoft.us/",
    "https://microsoftgraph.chinacloudapi.cn/",
];
const PARTNER_CENTER: &[&str] =
    &["https://api.partnercenter.microsoft.com/", "https://partner.partnercenterapi.microsoftonline.cn/"];
/// What the app has consent for at Graph.
const CONSENTED: [&str; 4] =
    ["Directory.Read.All", "Organization.Read.All", "User.Read.All", "LicenseAssignment.Read.All"];
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// `POST /login/{tenant}/oauth2/v2.0/token`
pub(crate) async fn token(
    State(cloud): State<Arc<Cloud>>,
    Path(tenant): Path<String>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let correlation = web::text(&headers, "client-request-id");
    let home = cloud.home(&tenant).cloned();
    if headers.contains_key(header::AUTHORIZATION) {
        cloud.astray();
    }
    let scope = scope(form.get("scope").map(String::as_str));
    let audience = scope.as_ref().ok().map(|(audience, _)| *audience);
    let id = home.as_ref().map_or(Uuid::nil(), |home| home.id);
    let flight = cloud.depart(Step::Token, id, 0, correlation.clone());
    let met = home.as_ref().map_or_else(Met::default, |home| cloud.meet(home, Step::Token, 0, audience));

    let asked = Asked { cloud: &cloud, tenant: &tenant, home, form: &form, method, headers: &headers };
    let answer = match asked.answer(scope, &met) {
        Ok(answer) => answer,
        Err(refusal) => refusal.answer(correlation.as_deref(), cloud.now()),
    };
    let answer = told(answer, &met, &flight)
        .with("cache-control", "no-store, no-cache")
        .with("pragma", "no-cache")
        .with("x-ms-ests-server", "2.1.19999.1 - SIM ProdSlices");
    let answer = match (&correlation, web::text(&headers, "return-client-request-id").as_deref()) {
        (Some(correlation), Some("true")) => answer.with("client-request-id", correlation),
        (Some(_) | None, Some(_) | None) => answer,
    };
    deliver(answer, &met, web::wants_gzip(&headers), flight).await
}

/// With the headers and the raw body that a refusal of the scenario has.
fn told(mut answer: Answer, met: &Met, flight: &Flight) -> Answer {
    let Some(trouble) = met.refusal() else { return answer };
    if let Some(body) = &trouble.body {
        answer.body = body.clone().into_bytes();
        answer.status = trouble.status.unwrap_or(answer.status);
    }
    answer.told_by(trouble, flight)
}

struct Asked<'a> {
    cloud: &'a Arc<Cloud>,
    tenant: &'a str,
    home: Option<Arc<Home>>,
    form: &'a HashMap<String, String>,
    method: Method,
    headers: &'a HeaderMap,
}

impl Asked<'_> {
    fn field(&self, name: &str) -> Result<&str, Refusal> {
        self.form.get(name).map(String::as_str).filter(|value| !value.is_empty()).ok_or_else(|| {
            Refusal::saying(900_144, format!("The request body must contain the following parameter: '{name}'."))
        })
    }

    fn answer(&self, scope: Result<(Audience, String), Refusal>, met: &Met) -> Result<Answer, Refusal> {
        // A front end that is down says so before anybody looks at the request.
        if let Some(trouble) = met.refusal()
            && trouble.code.is_none()
            && trouble.error.is_none()
        {
            return Ok(Refusal::told(trouble)
                .answer(web::text(self.headers, "client-request-id").as_deref(), self.cloud.now()));
        }
        if self.method != Method::POST {
            return Err(Refusal::of(900_561));
        }
        let kind = web::text(self.headers, "content-type").unwrap_or_default();
        if !kind.starts_with("application/x-www-form-urlencoded") {
            return Err(Refusal::saying(900_144, "The request body must be a form."));
        }
        let grant = self.field("grant_type")?;
        let home = self.place()?;
        let client = self.field("client_id")?;
        let places = self.cloud.partners.iter().enumerate();
        let mut ours = places.filter(|(_, partner)| partner.client_id.eq_ignore_ascii_case(client));
        let (partner, app) = ours.next().ok_or_else(|| {
            Refusal::saying(700_016, format!("Application with identifier '{client}' was not found in the directory."))
        })?;
        self.credential(partner)?;
        // What was wanted when the sign-in began.
        let mut asked = None;
        match grant {
            "refresh_token" => self.refresh_token(partner)?,
            "authorization_code" => self.code(partner, home)?,
            DEVICE => asked = Some(self.device(partner)?),
            _ => {
                return Err(Refusal::saying(70003, format!("The app returned an unsupported grant type '{grant}'.")));
            }
        }
        let (scope, wanted) = match &asked {
            Some(asked) => (self::scope(Some(asked)), asked.as_str()),
            None => (scope, self.form.get("scope").map_or("", String::as_str)),
        };
        let (audience, granted) = scope?;
        if let Some(trouble) = met.refusal() {
            return Ok(Refusal::told(trouble)
                .answer(web::text(self.headers, "client-request-id").as_deref(), self.cloud.now()));
        }
        if home.partner != partner {
            return Err(Refusal::of(50020));
        }
        if audience == Audience::PartnerCenter && !home.own {
            return Err(Refusal::saying(
                65001,
                format!("No consent for Partner Center, app '{}', here.", app.client_id),
            ));
        }

        let (access_token, expires_in) = self.cloud.grant(partner, home, audience);
        let refresh_token = self.cloud.rotate(partner);
        let mut body = json!({
            "token_type": "Bearer",
            "scope": granted,
            "expires_in": expires_in,
            "ext_expires_in": expires_in,
            "access_token": access_token,
            "refresh_token": refresh_token,
        });
        if wanted.split_whitespace().any(|word| word == "openid") {
            body["id_token"] = json!(sign_in::id_token(app, home.own, self.cloud.now()));
        }
        Ok(Answer::json(200, &body).with("x-ms-request-id", &super::chance::fresh_guid().to_string()))
    }

    fn code(&self, partner: usize, home: &Home) -> Result<(), Refusal> {
        let (code, redirect) = (self.field("code")?, self.field("redirect_uri")?);
        let verifier = self.field("code_verifier").map_err(|_| Refusal::of(501_481))?;
        if home.partner != partner || !home.own {
            return Err(Refusal::of(700_005));
        }
        self.cloud.sign_ins(|all| all.redeem(partner, code, redirect, verifier))
    }

    fn device(&self, partner: usize) -> Result<String, Refusal> {
        let code = self.field("device_code")?;
        self.cloud.sign_ins(|all| all.poll(partner, code))
    }

    fn place(&self) -> Result<&Arc<Home>, Refusal> {
        if matches!(self.tenant, "common" | "consumers" | "organizations") {
            return Err(Refusal::of(9_001_023));
        }
        if self.tenant.parse::<Uuid>().is_err() && !self.tenant.contains('.') {
            return Err(Refusal::saying(
                900_023,
                format!("Specified tenant identifier '{}' is neither a valid DNS name, nor a GUID.", self.tenant),
            ));
        }
        self.home.as_ref().ok_or_else(|| {
            Refusal::saying(
                90002,
                format!("Tenant '{}' not found. Check that it has active subscriptions.", self.tenant),
            )
        })
    }

    fn credential(&self, partner: usize) -> Result<(), Refusal> {
        let app = self.cloud.app(partner);
        if let Some(assertion) = self.form.get("client_assertion") {
            if self.field("client_assertion_type")? != JWT_BEARER {
                return Err(Refusal::of(70002));
            }
            return assertion::check(assertion, &app, &format!("/{}/oauth2/v2.0/token", self.tenant));
        }
        match self.form.get("client_secret") {
            None => Err(Refusal::of(7_000_218)),
            Some(secret) if *secret == app.secret => Ok(()),
            Some(_) => Err(Refusal::saying(
                7_000_215,
                format!("Invalid client secret provided for app '{}'. Send its value, not its id.", app.client_id),
            )),
        }
    }

    fn refresh_token(&self, partner: usize) -> Result<(), Refusal> {
        let token = self.form.get("refresh_token").map(String::as_str);
        let token = match token {
            None => return self.field("refresh_token").map(|_| ()),
            Some("") => return Err(Refusal::of(90014)),
            Some(token) => token,
        };
        if token.len() < 40 || token.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(Refusal::of(9_002_313));
        }
        match self.cloud.holder(token) {
            None => Err(Refusal::of(70000)),
            Some(holder) if holder != partner => Err(Refusal::of(700_007)),
            Some(_) => match self.cloud.partners[partner].dies {
                Some(dies) if (dies.nights[0]..=dies.nights[1]).contains(&self.cloud.night()) => {
                    Err(Refusal::of(dies.code))
                }
                Some(_) | None => Ok(()),
            },
        }
    }
}

/// For whom a token is wanted, and what it will be good for.
pub(super) fn scope(asked: Option<&str>) -> Result<(Audience, String), Refusal> {
    let Some(asked) = asked else {
        return Err(Refusal::saying(900_144, "The request body must contain the following parameter: 'scope'."));
    };
    let words = || asked.split_whitespace();
    if words().next().is_none() {
        return Err(Refusal::of(28003));
    }
    let mut found: Option<(Audience, &str)> = None;
    let mut permissions = Vec::new();
    for word in words().filter(|word| !matches!(*word, "openid" | "profile" | "email" | "offline_access")) {
        let resource = |known: &[&'static str]| known.iter().copied().find(|base| word.starts_with(*base));
        let (audience, base) = match (resource(GRAPH), resource(PARTNER_CENTER)) {
            (Some(base), _) => (Audience::Graph, base),
            (None, Some(base)) => (Audience::PartnerCenter, base),
            (None, None) if word.starts_with("https://") => {
                return Err(Refusal::saying(500_011, format!("The resource principal of '{word}' was not found.")));
            }
            (None, None) if CONSENTED.contains(&word) => (Audience::Graph, ""),
            (None, None) => {
                return Err(Refusal::saying(70011, format!("The scope {word} is not valid.")));
            }
        };
        if found.is_some_and(|(known, _)| known != audience) {
            return Err(Refusal::of(700_022));
        }
        found = Some((audience, if base.is_empty() { GRAPH[0] } else { base }));
        permissions.push(word.strip_prefix(base).unwrap_or(word).trim_start_matches('/'));
    }
    let Some((audience, base)) = found else { return Err(Refusal::of(700_023)) };
    if permissions.len() > 1 && permissions.contains(&".default") {
        return Err(Refusal::saying(70011, "The scope .default cannot be combined with others of its resource."));
    }
    let all: &[&str] = match audience {
        Audience::Graph => &CONSENTED,
        Audience::PartnerCenter => &["user_impersonation"],
    };
    let granted = if permissions == [".default"] { all.to_vec() } else { permissions };
    if let Some(missing) = granted.iter().find(|permission| !all.contains(permission)) {
        return Err(Refusal::saying(65001, format!("Nobody has consented to '{missing}' for this application.")));
    }
    let granted: Vec<String> = granted.iter().map(|permission| format!("{base}{permission}")).collect();
    Ok((audience, granted.join(" ")))
}

/// `GET /login/{tenant}/v2.0/.well-known/openid-configuration`
pub(crate) async fn discovery(
    State(cloud): State<Arc<Cloud>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
) -> Response {
    // Who asks under another name than ours sits behind a gateway that plays the sign-in host.
    let host = web::text(&headers, "host").filter(|host| *host != cloud.addr.to_string());
    let loopback = |host: &str| host.starts_with("localhost:") || host.starts_with("127.");
    let base = match host {
        Some(host) if !loopback(&host) => format!("https://{host}"),
        Some(_) | None => format!("{}/login", web::base(&cloud, &headers)),
    };
    let Some(home) = cloud.home(&tenant) else {
        let correlation = web::text(&headers, "client-request-id");
        return web::plain(Refusal::of(90002).answer(correlation.as_deref(), cloud.now()));
    };
    web::plain(Answer::json(
        200,
        &json!({
            "token_endpoint": format!("{base}/{tenant}/oauth2/v2.0/token"),
            "authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/authorize"),
            "device_authorization_endpoint": format!("{base}/{tenant}/oauth2/v2.0/devicecode"),
            "jwks_uri": format!("{base}/{tenant}/discovery/v2.0/keys"),
            "issuer": format!("https://login.microsoftonline.com/{}/v2.0", home.id),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        let graph = "https://graph.microsoft.com/";
        let of = |text: &str| scope(Some(text)).map_err(|refusal| refusal.codes);
        assert!(matches!(of(&format!("{graph}.default offline_access")), Ok((Audience::Graph, _))));
        assert!(matches!(of("User.Read.All"), Ok((Audience::Graph, _))));
        let center = "https://api.partnercenter.microsoft.com/user_impersonation";
        assert!(matches!(of(center), Ok((Audience::PartnerCenter, _))));
        for (text, code) in [
            ("", 28003),
            ("openid offline_access", 700_023),
            ("nonsense", 70011),
            ("https://vault.azure.net/.default", 500_011),
            ("https://graph.microsoft.com/Mail.Send", 65001),
            ("https://graph.microsoft.com/.default https://api.partnercenter.microsoft.com/.default", 700_022),
            ("https://graph.microsoft.com/.default User.Read.All", 70011),
        ] {
            assert_eq!(of(text), Err(vec![code]), "{text}");
        }
    }
}
