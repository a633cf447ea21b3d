//! Graph in a partner's own tenant: the GDAP relationships with its customers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::graph::{Call, Refused, bad_request, next_host, refused};
use super::page_token::PageToken;
use super::state::{Cloud, Home};
use super::trouble::{Kind, Step};
use super::{chance, time, web};

/// The most relationships on a page.
const PAGE: u64 = 300;

/// A relationship of a customer, as a scenario has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gdap {
    /// As Graph words it.
    status: String,
    /// In how many days it ends; below 0 it ended so long ago. Left out: it has no end.
    ends: Option<i64>,
    /// Whether it extends itself by half a year.
    #[serde(default)]
    extends: bool,
    /// Its name; Microsoft's own begin with `MLT_`.
    name: Option<String>,
    /// First and last night in which it stands so.
    nights: Option<[u32; 2]>,
}

/// What a customer has unless a scenario says: one that holds, with an end by lot.
fn usual(home: &Home) -> Gdap {
    let lot = chance::seed(&["gdap", &home.id.to_string()]);
    let days = i64::try_from(75 + lot % 620).unwrap_or(75);
    Gdap { status: "active".to_owned(), ends: Some(days), extends: lot.is_multiple_of(3), name: None, nights: None }
}

/// `GET /graph/v1.0/tenantRelationships/delegatedAdminRelationships`
pub(crate) async fn relations(State(cloud): State<Arc<Cloud>>, uri: Uri, headers: HeaderMap) -> Response {
    let raw = uri.query().unwrap_or_default();
    let options: BTreeMap<String, String> = form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
    let token = options.get("$skiptoken").map(|text| PageToken::read(text));
    let page = token.as_ref().and_then(|token| token.as_ref().ok()).map_or(1, |token| token.page);
    let call = Call::begin(&cloud, &headers, Step::Relations, page);
    let answer = call.answer(1, |home| {
        if !home.own {
            return Err(refused(403, "Authorization_RequestDenied", "Only a partner's own tenant has relationships."));
        }
        let top = most(&options)?;
        let query = format!("$top={top}");
        let from = match token {
            None => PageToken::first(home.id),
            Some(Ok(token)) if token.tenant == home.id && raw == token.write(&query) => token,
            Some(_) => return Err(bad_request("The next link was altered.")),
        };
        let met = &call.met;
        let all = rows(&cloud, home);
        let most = cloud.partners[home.partner].page.map_or(top, |page| top.min(page as u64));
        let most = if met.has(Kind::ShortPage) { most.div_ceil(2) } else { most };
        let end = if met.has(Kind::EmptyPage) { from.at } else { from.at.saturating_add(most).min(all.len() as u64) };
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(all.len());
        let mut value: Vec<Value> = all[place(from.at)..place(end)].to_vec();
        if met.has(Kind::Twice) {
            value.extend(value.first().cloned());
        }
        let base = web::base(&cloud, &headers);
        let path = "/graph/v1.0/tenantRelationships/delegatedAdminRelationships?";
        let more = end < all.len() as u64 || met.has(Kind::EmptyPage);
        let next = match (met.has(Kind::NextAgain), next_host(&cloud, met)) {
            (true, _) => Some(format!("{base}{path}{raw}")),
            (false, Some(host)) => Some(format!("{host}{path}{}", from.next(end).write(&query))),
            (false, None) => more.then(|| format!("{base}{path}{}", from.next(end).write(&query))),
        };
        let mut body = json!({
            "@odata.context": format!("{base}/graph/v1.0/$metadata#tenantRelationships/delegatedAdminRelationships"),
            "value": value,
        });
        if let (Some(next), Some(members)) = (next, body.as_object_mut()) {
            members.insert("@odata.nextLink".into(), next.into());
        }
        Ok(body.to_string().into_bytes())
    });
    call.send(answer).await
}

fn most(options: &BTreeMap<String, String>) -> Result<u64, Refused> {
    if let Some(option) = options.keys().find(|name| !matches!(name.as_str(), "$top" | "$skiptoken")) {
        return Err(refused(400, "Request_UnsupportedQuery", format!("'{option}' is not supported here.")));
    }
    match options.get("$top").map_or(Ok(100), |top| top.parse()) {
        Ok(top @ 1..=PAGE) => Ok(top),
        Ok(_) | Err(_) => Err(bad_request(format!("'$top' is from 1 to {PAGE}."))),
    }
}

/// All relationships of a partner in this night, in the order of its customers.
fn rows(cloud: &Cloud, own: &Home) -> Vec<Value> {
    let night = cloud.night();
    let mut rows = Vec::new();
    for home in cloud.customers(own.partner) {
        let usual = [usual(home)];
        let all = home.gdap.as_deref().unwrap_or(&usual);
        let stands = |gdap: &&Gdap| gdap.nights.is_none_or(|[first, last]| (first..=last).contains(&night));
        rows.extend(all.iter().enumerate().filter(|(_, gdap)| stands(gdap)).map(|(n, gdap)| row(home, n, gdap)));
    }
    rows
}

fn row(home: &Home, n: usize, gdap: &Gdap) -> Value {
    let at = |days: i64| time::now().checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    let stamp = |at: Timestamp| at.strftime("%Y-%m-%dT00:00:00Z").to_string();
    let id = chance::guid(&["relationship", &home.id.to_string(), &n.to_string()]);
    json!({
        "@odata.etag": "W/\"JyI0NTAwNmYxNy0wMDAwLTAyMDAtMDAwMC02NDAwMDAwMDAwMDAiJw==\"",
        "id": format!("{id}-{}", home.id),
        "displayName": gdap.name.clone().unwrap_or_else(|| format!("License import {}", n + 1)),
        "duration": "P730D",
        "status": gdap.status,
        "autoExtendDuration": if gdap.extends { "P180D" } else { "PT0S" },
        "createdDateTime": stamp(at(-700)),
        "lastModifiedDateTime": stamp(at(-60)),
        "activatedDateTime": stamp(at(-699)),
        "endDateTime": gdap.ends.map(|days| stamp(at(days))),
        "customer": {"tenantId": home.id, "displayName": home.name},
        "accessDetails": {"unifiedRoles": [
            {"roleDefinitionId": "88d8e3e3-8f55-4a1e-953a-9b9898b8876b"},
            {"roleDefinitionId": "4d6ac14f-3453-41d0-bef9-a3e0c569773a"},
        ]},
    })
}
