use std::sync::Arc;
use std::time::Instant;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::mischief::{answer, delay, json as reply, retry_after, spoil};
use super::people::{self, Shape};
use super::scenario::{Tenant, Trouble};
use super::state::{InFlight, Shared};
use super::throttle::Bucket;

/// The highest `$top`, and what is given without one.
const TOP: usize = 999;
const DEFAULT_TOP: usize = 100;

/// A request that has been let in.
struct Visit<'a> {
    shared: &'a Shared,
    tenant: &'a Tenant,
    step: &'static str,
    request: String,
    client_request: String,
    used: f64,
    _flight: InFlight<'a>,
}

impl Visit<'_> {
    fn refuse(&self, status: u16, code: &str, text: &str, headers: &[(&str, &str)]) -> Response {
        refusal(status, code, text, &self.request, &self.client_request, headers)
    }

    /// Refuses as a trouble says, if it says so.
    fn trouble(&self, trouble: &Trouble) -> Option<Response> {
        if let Some(body) = &trouble.body {
            return Some(answer(trouble.status.unwrap_or(200), &[], body.clone()));
        }
        let status = trouble.status?;
        let code = trouble.graph.as_deref().unwrap_or(match status {
            400 => "Request_BadRequest",
            401 => "InvalidAuthenticationToken",
            403 => "Authorization_RequestDenied",
            404 => "Request_ResourceNotFound",
            429 => "TooManyRequests",
            _ => "UnknownError",
        });
        let wait = trouble.retry_after.as_deref().and_then(|form| retry_after(form, 1.0));
        if let Some((_, seconds)) = &wait {
            self.shared.told_to_wait(self.step, &self.tenant.id, *seconds);
        }
        let headers: Vec<(&str, &str)> = wait.iter().map(|(text, _)| ("retry-after", text.as_str())).collect();
        Some(self.refuse(status, code, trouble.text.as_deref().unwrap_or("refused by the scenario"), &headers))
    }

    fn good(&self, headers: &HeaderMap, cost: f64, body: String) -> Response {
        let mut response = reply(headers, 200, body);
        let all = response.headers_mut();
        let mut put = |name: &'static str, value: String| {
            if let Ok(value) = value.parse() {
                all.insert(name, value);
            }
        };
        put("x-ms-resource-unit", format!("{cost}"));
        put("request-id", self.request.clone());
        put("client-request-id", self.client_request.clone());
        if self.used >= 0.8 {
            put("x-ms-throttle-limit-percentage", format!("{:.2}", self.used));
        }
        response
    }
}

fn refusal(status: u16, code: &str, text: &str, request: &str, client: &str, headers: &[(&str, &str)]) -> Response {
    let body = json!({ "error": { "code": code, "message": text, "innerError": {
        "date": "2026-11-23T09:12:44", "request-id": request, "client-request-id": client } } });
    let mut all = vec![("request-id", request), ("client-request-id", client)];
    all.extend_from_slice(headers);
    answer(status, &all, body.to_string())
}

/// Checks token and quota.
async fn enter<'a>(
    shared: &'a Shared,
    headers: &HeaderMap,
    step: &'static str,
    cost: f64,
) -> Result<Visit<'a>, Box<Response>> {
    let grant = shared.grant(headers);
    let id = grant.as_ref().map(|grant| grant.tenant.clone()).unwrap_or_default();
    let flight = shared.arrived(step, &id, headers);
    tokio::time::sleep(std::time::Duration::from_millis(shared.scenario.latency_ms)).await;
    let client_request =
        headers.get("client-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    let request = people::guid(&client_request, 3);
    let refuse = |status, code: &str, text: &str| Box::new(refusal(status, code, text, &request, &client_request, &[]));
    let Some(grant) = grant else {
        return Err(refuse(401, "InvalidAuthenticationToken", "CompactToken parsing failed with error code: 80049217"));
    };
    if grant.audience != "graph" {
        shared.lock().counters.misdirected += 1;
        return Err(refuse(401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience."));
    }
    if grant.until <= Instant::now() {
        return Err(refuse(401, "InvalidAuthenticationToken", "Access token has expired or is not yet valid."));
    }
    let Some(tenant) = shared.tenant(&grant.tenant) else {
        return Err(refuse(
            401,
            "Authorization_IdentityNotFound",
            "The identity of the calling application is not known.",
        ));
    };
    let taken = {
        let mut inner = shared.lock();
        let key = format!("{} {}", grant.client, tenant.id);
        let bucket = inner.buckets.entry(key).or_insert_with(|| Bucket::new(&shared.scenario, tenant.users));
        bucket.take(cost)
    };
    let used = match taken {
        Ok(used) => used,
        Err(seconds) => {
            let form = shared.scenario.throttle.as_ref().map_or("whole", |own| own.retry_after.as_str());
            let wait = retry_after(form, seconds);
            if let Some((_, seconds)) = &wait {
                shared.told_to_wait(step, &tenant.id, *seconds);
            }
            let scope = format!("Tenant_Application/ReadWrite/{}/{}", grant.client, tenant.id);
            let mut told = vec![
                ("x-ms-throttle-scope", scope.as_str()),
                ("x-ms-throttle-information", "ResourceUnitLimitExceeded"),
            ];
            told.extend(wait.iter().map(|(text, _)| ("retry-after", text.as_str())));
            let text = "Request is throttled under category: aadgraph.app.tenant";
            return Err(Box::new(refusal(429, "TooManyRequests", text, &request, &client_request, &told)));
        }
    };
    Ok(Visit { shared, tenant, step, request, client_request, used, _flight: flight })
}

/// What is asked of `/users`.
struct Asked {
    top: usize,
    from: usize,
    few: bool,
    manager: bool,
    rest: String,
}

fn parse(query: &str) -> Result<Asked, (&'static str, String)> {
    let mut asked = Asked { top: DEFAULT_TOP, from: 0, few: true, manager: false, rest: String::new() };
    let mut rest = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        match name.as_ref() {
            "$top" => match value.parse() {
                Ok(top) if (1..=TOP).contains(&top) => asked.top = top,
                _ => return Err(("Request_BadRequest", format!("Invalid page size specified: '{value}'."))),
            },
            "$select" => {
                asked.few = false;
                let single = ["aboutMe", "birthday", "hireDate", "interests", "mySite", "skills"];
                if value.split(',').any(|field| single.contains(&field)) {
                    return Err(("NotImplemented", "This operation target is not yet supported.".to_owned()));
                }
            }
            "$expand" if value.contains("$levels") => {
                return Err(("Request_UnsupportedQuery", "The levels are not supported.".to_owned()));
            }
            "$expand" => asked.manager = value.starts_with("manager"),
            "$skip" => return Err(("Request_UnsupportedQuery", "'$skip' is not supported by the service.".to_owned())),
            "$skiptoken" => {
                let token = value.trim_start_matches("X'").trim_end_matches('\'');
                let Some(from) = token.get(..12).and_then(|hex| usize::from_str_radix(hex, 16).ok()) else {
                    return Err(("Request_BadRequest", "Invalid value specified for property 'skiptoken'.".to_owned()));
                };
                asked.from = from;
                continue;
            }
            _ => return Err(("Request_BadRequest", format!("Unrecognized query argument '{name}'."))),
        }
        rest.push(format!("{name}={value}"));
    }
    asked.rest = rest.join("&");
    Ok(asked)
}

/// `GET /v1.0/users`
pub(super) async fn users(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = parse(query.as_deref().unwrap_or_default());
    let cost = match &asked {
        Ok(asked) => 2.0 - f64::from(u8::from(!asked.few)) + f64::from(u8::from(asked.manager)),
        Err(_) => 1.0,
    };
    let visit = match enter(&shared, &headers, "users", cost).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let asked = match asked {
        Ok(asked) => asked,
        Err((code @ "NotImplemented", text)) => return visit.refuse(501, code, &text, &[]),
        Err((code, text)) => return visit.refuse(400, code, &text, &[]),
    };
    let tenant = visit.tenant;
    let page = if shared.scenario.page > 0 { asked.top.min(shared.scenario.page) } else { asked.top };
    let number = asked.from / page + 1;
    let count = population(&shared, tenant);
    let trouble = shared.trouble(&tenant.id, &tenant.trouble, "users", number, |trouble| trouble.users.is_none());
    delay(trouble).await;
    if let Some(response) = trouble.and_then(|trouble| visit.trouble(trouble)) {
        return response;
    }
    let act = trouble.and_then(|trouble| trouble.act.as_deref()).unwrap_or_default();
    let rows = match act {
        "short" => page / 2,
        "hollow" => 0,
        _ => page,
    };
    let to = (asked.from + rows).min(count);
    // A page that has nothing on it moves on by nothing: the next link skips it by its own number.
    let shape = Shape { manager: asked.manager, licenses: act != "no_licenses", few: asked.few };
    let parts: Vec<String> =
        tenant.skus.iter().map(|sku| sku.split(':').next().unwrap_or_default().to_owned()).collect();
    let mut body = format!(r#"{{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","#);
    let more = to < count || act == "hollow";
    if more || act == "repeat" {
        let at = if act == "repeat" { asked.from } else { to };
        let guid = people::guid(&tenant.id, u64::from(act == "hollow")).replace('-', "");
        let skip = format!("%24skiptoken=X%27{at:012x}{guid}%27");
        let rest = asked.rest.replace('$', "%24").replace(' ', "%20");
        let base = match act {
            "elsewhere" => shared.base.replace("127.0.0.1", "127.0.0.2"),
            "other_scheme" => shared.base.replace("http://", "https://"),
            "other_port" => "http://127.0.0.1:9".to_owned(),
            _ => shared.base.clone(),
        };
        body.push_str(&format!(r#""@odata.nextLink":"{base}/graph/v1.0/users?{rest}&{skip}","#));
    }
    body.push_str(r#""value":["#);
    let again = if act == "twice" { 1 } else { 0 };
    for (place, n) in (asked.from..to).chain(asked.from..(asked.from + again).min(to)).enumerate() {
        if place > 0 {
            body.push(',');
        }
        people::user(&mut body, &tenant.id, &tenant.domain, &parts, n, shape);
    }
    body.push_str("]}");
    if let Some(response) = trouble.and_then(|trouble| spoil(&shared, &headers, trouble, &body)) {
        return response;
    }
    visit.good(&headers, cost, body)
}

/// How many users a tenant has tonight.
fn population(shared: &Shared, tenant: &Tenant) -> usize {
    let shrunk = shared.trouble(&tenant.id, &tenant.trouble, "users", 0, |trouble| trouble.users.is_some());
    shrunk.and_then(|trouble| trouble.users).unwrap_or(tenant.users)
}

/// `GET /v1.0/subscribedSkus`
pub(super) async fn skus(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let visit = match enter(&shared, &headers, "skus", 3.0).await {
        Ok(visit) => visit,
        Err(response) => return *response,
    };
    let tenant = visit.tenant;
    let trouble = shared.trouble(&tenant.id, &tenant.trouble, "skus", 1, |_| true);
    delay(trouble).await;
    if let Some(response) = trouble.and_then(|trouble| visit.trouble(trouble)) {
        return response;
    }
    let act = trouble.and_then(|trouble| trouble.act.as_deref()).unwrap_or_default();
    let held = held(&shared, tenant);
    let rows: Vec<_> = tenant
        .skus
        .iter()
        .enumerate()
        .filter(|_| act != "no_skus")
        .map(|(k, sku)| {
            let mut parts = sku.split(':');
            let part = parts.next().unwrap_or_default();
            let enabled: i64 = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            let warning: i64 = parts.next().and_then(|n| n.parse().ok()).unwrap_or(0);
            let id = people::sku_id(part);
            json!({
                "id": format!("{}_{id}", tenant.id),
                "accountId": tenant.id,
                "accountName": tenant.name,
                "appliesTo": "User",
                "capabilityStatus": if enabled > 0 { "Enabled" } else { "Warning" },
                "consumedUnits": held.get(k).copied().unwrap_or(0),
                "prepaidUnits": { "enabled": enabled, "suspended": 0, "warning": warning, "lockedOut": 0 },
                "servicePlans": [
                    { "servicePlanId": people::guid(part, 5), "servicePlanName": format!("{part}_PLAN_A"), "provisioningStatus": "Success", "appliesTo": "User" },
                    { "servicePlanId": people::guid(part, 6), "servicePlanName": format!("{part}_PLAN_B"), "provisioningStatus": "PendingProvisioning", "appliesTo": "Company" },
                ],
                "skuId": id,
                "skuPartNumber": part,
                "subscriptionIds": [people::guid(&tenant.id, 40 + k as u64)],
            })
        })
        .collect();
    let body = json!({ "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#subscribedSkus", "value": rows })
        .to_string();
    if let Some(response) = trouble.and_then(|trouble| spoil(&shared, &headers, trouble, &body)) {
        return response;
    }
    visit.good(&headers, 3.0, body)
}

/// Holders of each product: counted once for each size of a tenant.
fn held(shared: &Shared, tenant: &Tenant) -> Vec<u64> {
    let count = population(shared, tenant);
    let key = (tenant.id.clone(), count);
    if let Some(held) = shared.lock().held.get(&key) {
        return held.clone();
    }
    let held: Vec<u64> = (0..tenant.skus.len())
        .map(|k| (0..count).filter(|n| people::holds(&tenant.id, *n, k)).count() as u64)
        .collect();
    shared.lock().held.insert(key, held.clone());
    held
}
