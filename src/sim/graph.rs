//! Graph: users page by page, subscribed SKUs, and the refusals of both.

mod query;
mod refused;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};
use url::form_urlencoded;
use uuid::Uuid;

use super::answer::{Answer, deliver};
use super::changes::Night;
use super::page_token::PageToken;
use super::people::quote;
use super::scenario::{Sku, ThrottleForm};
use super::state::{Access, Cloud, Flight, Home};
use super::throttle::{Verdict, class};
use super::trouble::{Audience, Elsewhere, Kind, Met, RetryAfter, Step};
use super::{chance, sold, web};
use query::{Wanted, words};
use refused::expired;
pub(super) use refused::{Refused, bad_request, refused};

/// A request on which Graph has looked: its token, and what it meets.
pub(super) struct Call<'a> {
    cloud: &'a Arc<Cloud>,
    headers: &'a HeaderMap,
    token: Option<&'a str>,
    access: Option<Access>,
    pub(super) met: Met,
    flight: Flight,
}

impl<'a> Call<'a> {
    pub(super) fn begin(cloud: &'a Arc<Cloud>, headers: &'a HeaderMap, step: Step, page: u32) -> Self {
        let token = web::bearer(headers);
        let access = token.and_then(|token| cloud.access(token));
        let tenant = access.as_ref().map_or(Uuid::nil(), |access| access.home.id);
        let flight = cloud.depart(step, tenant, page, web::text(headers, "client-request-id"));
        let met = access.as_ref().map_or_else(Met::default, |access| cloud.meet(&access.home, step, page, None));
        Self { cloud, headers, token, access, met, flight }
    }

    /// The tenant that the token opens.
    fn home(&self) -> Result<&Access, Refused> {
        let unauthorized = |message: &str| refused(401, "InvalidAuthenticationToken", message);
        let Some(token) = self.token else { return Err(unauthorized("Access token is empty.")) };
        let Some(access) = &self.access else {
            return Err(unauthorized("CompactToken parsing failed with error code: 80049217"));
        };
        if access.audience != Audience::Graph {
            self.cloud.astray();
            return Err(unauthorized("Access token validation failure. Invalid audience."));
        }
        if self.met.has(Kind::TokenExpires) {
            self.cloud.kill(token);
            return Err(expired());
        }
        if access.until <= tokio::time::Instant::now() {
            return Err(expired());
        }
        if self.met.has(Kind::RefuseToken) {
            return Err(unauthorized("Access token has expired or is not yet valid."));
        }
        Ok(access)
    }

    /// Looks at token, units and refusals before `make` writes the body.
    pub(super) fn answer(&self, cost: u32, make: impl FnOnce(&Arc<Home>) -> Result<Vec<u8>, Refused>) -> Answer {
        let access = match self.home() {
            Ok(access) => access,
            Err(refused) => return refused.answer(self.headers, self.cloud.now()),
        };
        let units = cost.to_string();
        let share = match self.cloud.meter(access, f64::from(cost)) {
            Verdict::Pass(share) => share,
            Verdict::Wait(wait, share) => {
                return self.throttled(access, wait, share).with("x-ms-resource-unit", &units);
            }
        };
        if let Some(trouble) = self.met.refusal() {
            let refused = Refused::told(trouble);
            let mut answer = refused.answer(self.headers, self.cloud.now());
            if let Some(body) = &trouble.body {
                answer.body = body.clone().into_bytes();
                answer.status = trouble.status.unwrap_or(200);
            }
            return answer.told_by(trouble, &self.flight);
        }
        match make(&access.home) {
            Ok(body) => {
                let mut answer = Answer::raw(
                    200,
                    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8",
                    body,
                );
                answer.chunked = true;
                answer = answer.with("odata-version", "4.0").with("x-ms-resource-unit", &units);
                if share >= 0.8 {
                    answer = answer.with("x-ms-throttle-limit-percentage", &format!("{share:.2}"));
                }
                answer
            }
            Err(refused) => refused.answer(self.headers, self.cloud.now()),
        }
    }

    fn throttled(&self, access: &Access, wait: std::time::Duration, share: f64) -> Answer {
        let home = &access.home;
        let message = format!(
            "Too many requests from Identifier:{} under category:aadgraph.app.tenant_{}. Please try again later.",
            home.id,
            class(home.people.count())
        );
        let app = &self.cloud.partners[access.partner].client_id;
        let answer = refused(429, "TooManyRequests", message)
            .answer(self.headers, self.cloud.now())
            .with("x-ms-throttle-limit-percentage", &format!("{share:.2}"))
            .with("x-ms-throttle-scope", &format!("Tenant_Application/Read/{app}/{}", home.id))
            .with("x-ms-throttle-information", "ResourceUnitLimitExceeded");
        let up = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let retry_after = match self.cloud.throttle_form {
            ThrottleForm::Whole => RetryAfter::Whole(up),
            ThrottleForm::Decimal => RetryAfter::Decimal((wait.as_secs_f64() * 1e3).ceil() / 1e3),
            ThrottleForm::Date => RetryAfter::Text(format!("date {up}")),
            ThrottleForm::Missing => return answer,
        };
        answer.after(&retry_after, &self.flight)
    }

    pub(super) async fn send(self, answer: Answer) -> Response {
        let id = chance::fresh_guid().to_string();
        let answer = answer.with("x-ms-ags-diagnostic", "{\"ServerInfo\":{\"DataCenter\":\"Sim\",\"Slice\":\"E\"}}");
        let answer = if answer.headers.contains_key("request-id") { answer } else { answer.with("request-id", &id) };
        let answer = match web::text(self.headers, "client-request-id") {
            Some(client) => answer.with("client-request-id", &client),
            None => answer,
        };
        deliver(answer, &self.met, web::wants_gzip(self.headers), self.flight).await
    }
}

/// `GET /graph/v1.0/users`
pub(crate) async fn users(State(cloud): State<Arc<Cloud>>, uri: Uri, headers: HeaderMap) -> Response {
    let raw = uri.query().unwrap_or_default();
    let options: BTreeMap<String, String> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    let token = options.get("$skiptoken").map(|text| PageToken::read(text));
    let page = token.as_ref().and_then(|token| token.as_ref().ok()).map_or(1, |token| token.page);
    let call = Call::begin(&cloud, &headers, Step::Users, page);
    let wanted = Wanted::read(&options);
    let cost = wanted.as_ref().map_or(1, |wanted| wanted.cost);
    let answer = call.answer(cost, |home| {
        let wanted = wanted?;
        let from = match token {
            None => PageToken::first(home.id),
            Some(Err(())) => return Err(bad_request("The skip token is not valid.")),
            Some(Ok(token)) if token.tenant != home.id => {
                return Err(refused(
                    401,
                    "InvalidAuthenticationToken",
                    "The token is of another tenant than the link.",
                ));
            }
            Some(Ok(token)) => {
                // A link is good only as it was given.
                if raw != token.write(&wanted.query) {
                    return Err(bad_request("The next link was altered."));
                }
                token
            }
        };
        if call.met.has(Kind::ExpiredPageToken) {
            let message = "The specified page token value has expired and can no longer be included in your request.";
            return Err(refused(400, "Directory_ExpiredPageToken", message));
        }
        Ok(page_of_users(&cloud, &headers, &call.met, home, &wanted, from, raw).into_bytes())
    });
    call.send(answer).await
}

fn page_of_users(
    cloud: &Cloud,
    headers: &HeaderMap,
    met: &Met,
    home: &Home,
    wanted: &Wanted,
    from: PageToken,
    raw: &str,
) -> String {
    let base = web::base(cloud, headers);
    let people = &home.people;
    let night = people.on(cloud.night());
    let all = met.of(Kind::Shrunk).and_then(|trouble| trouble.users).map_or(night.count(), |n| n.min(night.count()));
    let most = wanted.top.min(home.page.unwrap_or(u64::MAX));
    let most = if met.has(Kind::ShortPage) { most.div_ceil(2) } else { most };
    let end = if met.has(Kind::EmptyPage) { from.at } else { all.min(from.at.saturating_add(most)) };
    let licensed = (!met.has(Kind::NoLicenses)).then(|| cloud.night());

    let mut indices: Vec<u64> = (from.at..end).collect();
    if met.has(Kind::Twice) && !indices.is_empty() {
        match from.at {
            0 => indices.push(0),
            at => indices.insert(0, at - 1),
        }
    }
    let mut out = String::with_capacity(1_400 * indices.len() + 500);
    out.push_str("{\"@odata.context\":");
    quote(&mut out, &format!("{base}/graph/v1.0/$metadata#users"));
    let more = end < all || met.has(Kind::EmptyPage);
    if let Some(link) = next_link(cloud, &base, met, wanted, from, end, more, raw) {
        out.push_str(",\"@odata.nextLink\":");
        quote(&mut out, &link);
    }
    out.push_str(",\"value\":[");
    for (place, index) in indices.into_iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        people.write(&mut out, (&night, index), wanted.selected, wanted.manager, licensed);
    }
    out.push_str("]}");
    out
}

#[expect(clippy::too_many_arguments, reason = "one call, one place; a struct would only rename them")]
fn next_link(
    cloud: &Cloud,
    base: &str,
    met: &Met,
    wanted: &Wanted,
    from: PageToken,
    end: u64,
    more: bool,
    raw: &str,
) -> Option<String> {
    if met.has(Kind::NextAgain) {
        return Some(format!("{base}/graph/v1.0/users?{raw}"));
    }
    let query = from.next(end).write(&wanted.query);
    if let Some(host) = next_host(cloud, met) {
        return Some(format!("{host}/graph/v1.0/users?{query}"));
    }
    more.then(|| format!("{base}/graph/v1.0/users?{query}"))
}

/// The other host to which a next link leads, where it does.
pub(super) fn next_host(cloud: &Cloud, met: &Met) -> Option<String> {
    let trouble = met.of(Kind::NextElsewhere)?;
    let port = cloud.elsewhere.port();
    Some(match trouble.to.unwrap_or(Elsewhere::Host) {
        Elsewhere::Host => format!("http://localhost:{port}"),
        Elsewhere::Port => format!("http://127.0.0.1:{port}"),
        Elsewhere::Scheme => format!("https://127.0.0.1:{}", cloud.addr.port()),
    })
}

/// `GET /graph/v1.0/subscribedSkus`
pub(crate) async fn skus(State(cloud): State<Arc<Cloud>>, uri: Uri, headers: HeaderMap) -> Response {
    let raw = uri.query().unwrap_or_default();
    let options: BTreeMap<String, String> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    let call = Call::begin(&cloud, &headers, Step::Skus, 0);
    let cost = if options.contains_key("$select") { 2 } else { 3 };
    let answer = call.answer(cost, |home| {
        if let Some(option) = options.keys().find(|name| name.as_str() != "$select") {
            return Err(refused(400, "Request_UnsupportedQuery", format!("'{option}' is not supported here.")));
        }
        let none = call.met.has(Kind::NoSkus);
        let night = home.people.on(cloud.night());
        let mut rows: Vec<Value> =
            home.bought(cloud.night()).filter(|sku| !none && !sku.unlisted).map(|sku| row(home, sku, &night)).collect();
        if let Some(list) = options.get("$select") {
            let wanted: Vec<&str> = words(list).collect();
            for row in rows.iter_mut().filter_map(Value::as_object_mut) {
                row.retain(|key, _| wanted.contains(&key.as_str()));
            }
        }
        let context = format!("{}/graph/v1.0/$metadata#subscribedSkus", web::base(&cloud, &headers));
        Ok(json!({"@odata.context": context, "value": rows}).to_string().into_bytes())
    });
    call.send(answer).await
}

fn row(home: &Home, sku: &Sku, night: &Night<'_>) -> Value {
    let enabled = night.seats(&sku.part).unwrap_or(sku.enabled);
    let consumed = i64::try_from(sku.consumed(home.people.count())).unwrap_or(i64::MAX);
    let consumed = consumed.saturating_add(home.people.drift(night, sku.id));
    let usual = match (enabled, sku.warning, sku.suspended, sku.locked_out) {
        (0, 0, 0, 1..) => "LockedOut",
        (0, 0, 1.., _) => "Suspended",
        (0, 1.., _, _) => "Warning",
        (_, _, _, _) => "Enabled",
    };
    let usable = enabled + sku.warning > 0;
    let plans: Vec<Value> = sku
        .plans
        .iter()
        .map(|plan| {
            json!({
                "servicePlanId": plan.id,
                "servicePlanName": plan.name,
                "provisioningStatus": if usable { "Success" } else { "Disabled" },
                "appliesTo": if plan.company { "Company" } else { "User" },
            })
        })
        .collect();
    json!({
        "accountName": home.name,
        "accountId": home.id,
        "appliesTo": if sku.to_people { "User" } else { "Company" },
        "capabilityStatus": sku.status.as_deref().unwrap_or(usual),
        "consumedUnits": consumed,
        "id": format!("{}_{}", home.id, sku.id),
        "skuId": sku.id,
        "skuPartNumber": sku.part,
        "subscriptionIds": sold::ids(home, sku),
        "prepaidUnits": {
            "enabled": enabled,
            "suspended": sku.suspended,
            "warning": sku.warning,
            "lockedOut": sku.locked_out,
        },
        "servicePlans": plans,
    })
}
