//! What a partner sold to its customers: subscriptions at Partner Center, and the list by which a customer's own tenant
//! ties them to products.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, BOM};
use super::customers::{check, full, named, refusal, refused, send};
use super::graph::{Call, next_host, refused as graph_refused};
use super::scenario::{Sku, Term};
use super::state::{Cloud, Home};
use super::trouble::{Kind, Met, Step};
use super::{catalog, chance, time, web};

/// The ids that Graph gives the subscriptions of a product: one for each term, and one where somebody else sold it.
pub(super) fn ids(home: &Home, sku: &Sku) -> Vec<Uuid> {
    (0..sku.sold.len().max(1)).map(|n| id("subscription", home, sku, n)).collect()
}

fn id(what: &str, home: &Home, sku: &Sku, n: usize) -> Uuid {
    let home = home.id.to_string();
    match n {
        0 => chance::guid(&[what, &home, &sku.part]),
        n => chance::guid(&[what, &home, &sku.part, &n.to_string()]),
    }
}

fn stamp(days: i64) -> String {
    let at = time::now().checked_add(SignedDuration::from_hours(24 * days)).unwrap_or(Timestamp::MAX);
    at.strftime("%Y-%m-%dT00:00:00Z").to_string()
}

/// In how many days a term ends: as it says, or by lot.
fn ends(home: &Home, sku: &Sku, n: usize, term: &Term) -> i64 {
    let lot = chance::seed(&["ends", &home.id.to_string(), &sku.part, &n.to_string()]);
    let days = match term.lasts.as_deref() {
        Some("P1M") => 30,
        Some("P3Y") => 1_095,
        Some(_) | None => 365,
    };
    term.ends.unwrap_or_else(|| i64::try_from(1 + lot % days).unwrap_or(1))
}

/// `GET /partner/v1/customers/{customer}/subscriptions`
pub(crate) async fn subscriptions(
    State(cloud): State<Arc<Cloud>>,
    Path(customer): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let token = web::bearer(&headers);
    let access = token.and_then(|token| cloud.access(token));
    let home = cloud.home(&customer).cloned();
    let page = if uri.query().is_some_and(|query| query.contains("seekOperation=Next")) { 2 } else { 1 };
    let tenant = home.as_ref().map_or(Uuid::nil(), |home| home.id);
    let flight = cloud.depart(Step::Sold, tenant, page, named(&headers));
    let met = home.as_ref().map_or_else(Met::default, |home| cloud.meet(home, Step::Sold, page, None));
    let answer = match check(&cloud, token, access.as_ref(), &met) {
        Err((code, description)) => refusal(401, code, description),
        Ok(access) => {
            let theirs = home.as_ref().filter(|home| home.partner == access.partner && home.listed(cloud.night()));
            match (full(&cloud, access, &flight), met.refusal(), theirs) {
                (Some(full), _, _) => full,
                (None, Some(trouble), _) => refused(trouble, &flight),
                (None, None, None) => refusal(404, 1000, "The customer was not found."),
                (None, None, Some(home)) => list(&cloud, home, &met, page),
            }
        }
    };
    send(answer, &met, &headers, flight).await
}

fn list(cloud: &Cloud, home: &Home, met: &Met, page: u32) -> Answer {
    let mut items: Vec<Value> = Vec::new();
    for sku in home.bought(cloud.night()) {
        items.extend(sku.sold.iter().enumerate().map(|(n, term)| item(home, sku, n, term)));
    }
    // Every other customer has what is billed by use.
    if home.id.as_u128().is_multiple_of(2) {
        items.push(azure(home));
    }
    if met.has(Kind::Twice) {
        items.extend(items.first().cloned());
    }
    let path = format!("/customers/{}/subscriptions", home.id);
    let mut links = json!({"self": {"uri": path, "method": "GET", "headers": []}});
    let half = items.len() / 2;
    let next = format!("{path}?seekOperation=Next");
    let next = match (next_host(cloud, met), met.has(Kind::NextAgain), met.has(Kind::ShortPage)) {
        (Some(host), _, _) => Some(format!("{host}/partner/v1{next}")),
        (None, true, _) => Some(next),
        (None, false, true) => {
            // The first half, and the rest where the link leads.
            items = if page > 1 { items.split_off(half) } else { items.drain(..half).collect() };
            (page == 1).then_some(next)
        }
        (None, false, false) => None,
    };
    if let (Some(next), Some(links)) = (next, links.as_object_mut()) {
        let headers = json!([{"key": "MS-ContinuationToken", "value": chance::guid(&["seek", &path])}]);
        links.insert("next".into(), json!({"uri": next, "method": "GET", "headers": headers}));
    }
    let body = json!({
        "totalCount": items.len(),
        "items": items,
        "links": links,
        "attributes": {"objectType": "Collection"},
    });
    Answer::raw(200, "application/json; charset=utf-8", [BOM, body.to_string().as_bytes()].concat())
}

fn item(home: &Home, sku: &Sku, n: usize, term: &Term) -> Value {
    let commerce = id("commerce", home, sku, n).to_string();
    let lot = chance::guid(&["product", &sku.part]).simple().to_string().to_uppercase();
    let ends = ends(home, sku, n, term);
    let offer = catalog::product(&sku.part).map_or(sku.part.as_str(), |product| product.name);
    json!({
        // Both cases have been published.
        "id": if n.is_multiple_of(2) { commerce } else { commerce.to_uppercase() },
        "offerId": format!("CFQ7{}:0001:CFQ7{}", &lot[..8], &lot[8..16]),
        "offerName": offer,
        "friendlyName": offer,
        "productType": {"id": "OnlineServicesNCE", "displayName": "OnlineServicesNCE"},
        "quantity": term.units,
        "unitType": "Licenses",
        "hasPurchasableAddons": false,
        "creationDate": stamp(ends - 400),
        "effectiveStartDate": stamp(ends - 365),
        "commitmentEndDate": stamp(ends),
        "status": term.status,
        "autoRenewEnabled": term.renews,
        "isTrial": term.trial,
        "billingType": "license",
        "billingCycle": if term.lasts.as_deref() == Some("P1M") { "monthly" } else { "annual" },
        "termDuration": term.lasts,
        "renewalTermDuration": "",
        "isMicrosoftProduct": true,
        "publisherName": "Microsoft Corporation",
        "partnerId": "",
        "contractType": "subscription",
        "orderId": &lot[16..28],
        "attributes": {"objectType": "Subscription"},
    })
}

fn azure(home: &Home) -> Value {
    json!({
        "id": chance::guid(&["azure", &home.id.to_string()]),
        "offerId": "DZH318Z0BPS6:0001:DZH318Z0BMJX",
        "offerName": "Azure plan",
        "friendlyName": "Azure plan",
        "quantity": 1,
        "unitType": "Usage-based",
        "status": "active",
        "autoRenewEnabled": false,
        "isTrial": false,
        "billingType": "usage",
        "billingCycle": "monthly",
        "termDuration": "",
        "attributes": {"objectType": "Subscription"},
    })
}

/// `GET /graph/v1.0/directory/subscriptions`
pub(crate) async fn commerce(State(cloud): State<Arc<Cloud>>, uri: Uri, headers: HeaderMap) -> Response {
    let call = Call::begin(&cloud, &headers, Step::Commerce, 0);
    let answer = call.answer(1, |home| {
        if uri.query().is_some_and(|query| !query.is_empty()) {
            return Err(graph_refused(400, "Request_UnsupportedQuery", "Options are not supported here."));
        }
        let owner = &cloud.partners[home.partner].tenant_id;
        let rows: Vec<Value> = home.bought(cloud.night()).flat_map(|sku| rows(home, sku, owner)).collect();
        let context = format!("{}/graph/v1.0/$metadata#directory/subscriptions", web::base(&cloud, &headers));
        Ok(json!({"@odata.context": context, "value": rows}).to_string().into_bytes())
    });
    call.send(answer).await
}

fn rows(home: &Home, sku: &Sku, owner: &str) -> Vec<Value> {
    if sku.sold.is_empty() {
        let units = sku.enabled + sku.warning;
        return vec![row(home, sku, 0, (units, "Enabled", chance::seed(&["own", &sku.part]) % 300), None)];
    }
    let joined = sku.sold.iter().enumerate().filter(|(_, term)| term.joined);
    let of = |(n, term): (usize, &Term)| {
        let status = match term.status.as_str() {
            "active" => "Enabled",
            "expired" => "Warning",
            "suspended" => "Suspended",
            _ => "LockedOut",
        };
        let ends = u64::try_from(ends(home, sku, n, term)).unwrap_or(0);
        row(home, sku, n, (term.units, status, ends), Some(owner))
    };
    joined.map(of).collect()
}

fn row(home: &Home, sku: &Sku, n: usize, (units, status, ends): (u64, &str, u64), owner: Option<&str>) -> Value {
    json!({
        "id": id("subscription", home, sku, n),
        "commerceSubscriptionId": id("commerce", home, sku, n),
        "createdDateTime": stamp(-400),
        "isTrial": sku.sold.get(n).is_some_and(|term| term.trial),
        "nextLifecycleDateTime": stamp(i64::try_from(ends).unwrap_or(0)),
        "ownerId": null,
        "ownerTenantId": owner,
        "ownerType": null,
        "serviceStatus": sku.plans.iter().map(|plan| json!({
            "appliesTo": if plan.company { "Company" } else { "User" },
            "provisioningStatus": "Success",
            "servicePlanId": plan.id,
            "servicePlanName": plan.name,
        })).collect::<Vec<_>>(),
        "skuId": sku.id,
        "skuPartNumber": sku.part,
        "status": status,
        "totalLicenses": units,
    })
}
