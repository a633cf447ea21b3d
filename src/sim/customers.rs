//! Partner Center: the list of a partner's customers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::{Answer, BOM, deliver};
use super::scenario::NextUri;
use super::state::{Access, Cloud, Flight, Home};
use super::trouble::{Audience, Code, Elsewhere, Kind, Met, RetryAfter, Step, Trouble};
use super::{chance, web};

/// The most customers on a page unless the scenario says otherwise.
const PAGE: usize = 500;

pub(super) fn refusal(status: u16, code: u32, description: &str) -> Answer {
    let body = json!({"code": code, "description": description, "data": [], "source": "PartnerFD"});
    Answer::json(status, &body)
}

/// `GET /partner/v1/customers`
pub(crate) async fn customers(State(cloud): State<Arc<Cloud>>, uri: Uri, headers: HeaderMap) -> Response {
    // A published next uri has two question marks; the service reads the second as it was meant.
    let raw = uri.query().unwrap_or_default().replace('?', "&");
    let options: HashMap<String, String> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    let continued = headers.get("ms-continuationtoken").and_then(|token| token.to_str().ok());
    // Without the header or without the word the list begins anew.
    let place = match (continued, options.get("seekOperation").map(String::as_str)) {
        (Some(token), Some("Next")) => Place::read(token),
        (Some(_) | None, Some(_) | None) => Ok(Place { page: 1, at: 0 }),
    };
    let token = web::bearer(&headers);
    let access = token.and_then(|token| cloud.access(token));
    let home = access.as_ref().map(|access| &access.home);
    let page = place.as_ref().map_or(1, |place| place.page);
    let flight = cloud.depart(Step::Customers, home.map_or(Uuid::nil(), |home| home.id), page, named(&headers));
    let met = home.map_or_else(Met::default, |home| cloud.meet(home, Step::Customers, page, None));

    let answer = match check(&cloud, token, access.as_ref(), &met) {
        Err((code, description)) => refusal(401, code, description),
        Ok(access) => match (full(&cloud, access, &flight), met.refusal(), place, size(&options)) {
            (Some(full), _, _, _) => full,
            (None, Some(trouble), _, _) => refused(trouble, &flight),
            (None, None, Err(()), _) => refusal(400, 400, "The continuation token is not valid."),
            (None, None, _, None) => refusal(400, 400, "The parameter 'size' is missing or is no number."),
            (None, None, Ok(place), Some(size)) => {
                let base = web::base(&cloud, &headers);
                list(&cloud, &base, access, &met, place, size)
            }
        },
    };
    send(answer, &met, &headers, flight).await
}

/// The client's own id of a request.
pub(super) fn named(headers: &HeaderMap) -> Option<String> {
    let named = ["client-request-id", "ms-correlationid", "ms-requestid"];
    named.into_iter().find_map(|name| web::text(headers, name))
}

/// The refusal of a partner that asked too much within a minute.
pub(super) fn full(cloud: &Cloud, access: &Access, flight: &Flight) -> Option<Answer> {
    let wait = cloud.meter_center(access.partner)?;
    let up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let message = format!("Rate limit is exceeded. Try again in {up} seconds.");
    let body = json!({"statusCode": 429, "message": message});
    Some(Answer::json(429, &body).after(&RetryAfter::Whole(up), flight))
}

/// The refusal that a scenario wants.
pub(super) fn refused(trouble: &Trouble, flight: &Flight) -> Answer {
    let answer = told(trouble).told_by(trouble, flight);
    let usual = answer.status == 429 && trouble.retry_after.is_none();
    if usual { answer.after(&RetryAfter::Whole(57), flight) } else { answer }
}

/// Sends an answer with the headers that all have.
pub(super) async fn send(answer: Answer, met: &Met, headers: &HeaderMap, flight: Flight) -> Response {
    let echo = |answer: Answer, name: &str| match web::text(headers, name) {
        Some(id) => answer.with(name, &id),
        None => answer.with(name, &chance::fresh_guid().to_string()),
    };
    let answer = echo(echo(answer, "ms-correlationid"), "ms-requestid");
    let answer = answer.with("ms-cv", "QjJ0xqNq5kq0n3Aq.0").with("ms-serverid", "101112202");
    deliver(answer, met, web::wants_gzip(headers), flight).await
}

/// A refused token: code and description.
pub(super) type Unauthorized = (u32, &'static str);

pub(super) fn check<'a>(
    cloud: &Cloud,
    token: Option<&str>,
    access: Option<&'a Access>,
    met: &Met,
) -> Result<&'a Access, Unauthorized> {
    let (Some(token), Some(access)) = (token, access) else {
        return Err((90000, "The token is missing or cannot be read."));
    };
    if access.audience != Audience::PartnerCenter {
        cloud.astray();
        return Err((900_420, "The token is for another audience."));
    }
    if met.has(Kind::TokenExpires) {
        cloud.kill(token);
    }
    let dead = met.has(Kind::TokenExpires) || access.until <= tokio::time::Instant::now();
    if dead || met.has(Kind::RefuseToken) {
        return Err((90000, "The token has expired."));
    }
    Ok(access)
}

fn size(options: &HashMap<String, String>) -> Option<usize> {
    options.get("size").and_then(|size| size.parse().ok())
}

/// What a scenario wants.
fn told(trouble: &Trouble) -> Answer {
    let code = match &trouble.code {
        Some(Code::Number(number)) => Some(*number),
        Some(Code::Word(word)) => word.parse().ok(),
        None => None,
    };
    let status = trouble.status.unwrap_or(match code {
        Some(900_421 | 900_420 | 90000) => 401,
        Some(20002 | 900_309 | 900_308 | 900_150 | 2032 | 1002) => 403,
        Some(3000 | 1000 | 60003) => 404,
        Some(_) | None => 400,
    });
    if let Some(body) = &trouble.body {
        return Answer::raw(status, "application/json; charset=utf-8", body.clone().into_bytes());
    }
    if status == 429 {
        let body = json!({"statusCode": 429, "message": "Rate limit is exceeded. Try again in 57 seconds."});
        return Answer::json(429, &body);
    }
    let usual = match code {
        Some(900_421) => "The token lacks the claim of multi-factor authentication.",
        Some(20002) => "There is no relationship between the caller and the account.",
        Some(900_309) => "Access has been blocked by Conditional Access policies.",
        Some(2032) => "Access denied.",
        Some(_) | None => "The request cannot be served.",
    };
    refusal(status, code.unwrap_or(u32::from(status)), trouble.text.as_deref().unwrap_or(usual))
}

/// Where a page of customers begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    page: u32,
    at: usize,
}

impl Place {
    fn write(self, partner: Uuid) -> String {
        let hidden = STANDARD.encode(format!("{}/{}", self.page, self.at));
        format!("{partner},{hidden},{}", chance::guid(&["seek", &hidden]))
    }

    fn read(token: &str) -> Result<Self, ()> {
        let mut parts = token.split(',').skip(1);
        let (hidden, check) = (parts.next().ok_or(())?, parts.next().ok_or(())?);
        if chance::guid(&["seek", hidden]).to_string() != check {
            return Err(());
        }
        let text = String::from_utf8(STANDARD.decode(hidden).map_err(|_| ())?).map_err(|_| ())?;
        let (page, at) = text.split_once('/').ok_or(())?;
        Ok(Self { page: page.parse().map_err(|_| ())?, at: at.parse().map_err(|_| ())? })
    }
}

fn list(cloud: &Cloud, base: &str, access: &Access, met: &Met, from: Place, size: usize) -> Answer {
    let partner = &cloud.partners[access.partner];
    let all = cloud.customers(access.partner);
    let asked = if size == 0 { PAGE } else { size };
    let most = asked.min(partner.page.unwrap_or(PAGE));
    let most = if met.has(Kind::ShortPage) { most.div_ceil(2) } else { most };
    let end = if met.has(Kind::EmptyPage) { from.at } else { all.len().min(from.at.saturating_add(most)) };
    let mut items: Vec<Value> = all.get(from.at..end).unwrap_or_default().iter().map(|home| item(home)).collect();
    if met.has(Kind::Twice)
        && let Some(first) = items.first().cloned()
    {
        items.push(first);
    }
    let own = access.home.id;
    let next = match (met.has(Kind::NextAgain), end < all.len() || met.has(Kind::EmptyPage)) {
        (true, _) => Some(from),
        (false, true) => Some(Place { page: from.page + 1, at: end }),
        (false, false) => None,
    };
    let mut links = json!({"self": {"uri": format!("/customers?size={size}"), "method": "GET", "headers": []}});
    if let (Some(next), Some(links)) = (next, links.as_object_mut()) {
        let uri = match partner.next_uri {
            NextUri::Bare => format!("/customers?size={size}&seekOperation=Next"),
            NextUri::Versioned => format!("/v1/customers?size={size}&seekOperation=Next"),
            NextUri::TwoMarks => format!("/customers?size={size}?seekOperation=Next"),
        };
        let uri = match met.of(Kind::NextElsewhere).map(|trouble| trouble.to.unwrap_or(Elsewhere::Host)) {
            None => uri,
            Some(Elsewhere::Host) => format!("http://localhost:{}/partner/v1{uri}", cloud.elsewhere.port()),
            Some(Elsewhere::Port) => format!("http://127.0.0.1:{}/partner/v1{uri}", cloud.elsewhere.port()),
            Some(Elsewhere::Scheme) => format!("{}/partner/v1{uri}", base.replacen("http:", "https:", 1)),
        };
        let headers = json!([{"key": "MS-ContinuationToken", "value": next.write(own)}]);
        links.insert("next".into(), json!({"uri": uri, "method": "GET", "headers": headers}));
    }
    let body = json!({
        "totalCount": items.len(),
        "items": items,
        "links": links,
        "attributes": {"objectType": "Collection"},
    });
    let mut bytes = BOM.to_vec();
    bytes.extend_from_slice(body.to_string().as_bytes());
    Answer::raw(200, "application/json; charset=utf-8", bytes)
}

fn item(home: &Home) -> Value {
    json!({
        "id": home.id,
        "companyProfile": {
            "tenantId": home.id,
            "domain": home.domain,
            "companyName": home.name,
            "attributes": {"objectType": "CustomerCompanyProfile"},
        },
        "relationshipToPartner": "reseller",
        "attributes": {"objectType": "Customer"},
    })
}
