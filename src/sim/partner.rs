use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::json;

use super::mischief::{answer, delay, json as reply, retry_after, spoil};
use super::people;
use super::state::Shared;

/// `GET /v1/customers`
pub(super) async fn customers(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<std::collections::HashMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    let grant = shared.grant(&headers);
    let of = grant.as_ref().map(|grant| grant.tenant.clone()).unwrap_or_default();
    let _flight = shared.arrived("customers", &of, &headers);
    tokio::time::sleep(std::time::Duration::from_millis(shared.scenario.latency_ms)).await;
    let Some(grant) = grant.filter(|grant| grant.until > std::time::Instant::now()) else {
        return refuse(401, 90_000, "the token is not accepted");
    };
    if grant.audience != "partner" {
        shared.lock().counters.misdirected += 1;
        return refuse(401, 900_420, "the token is for another audience");
    }
    let Some(partner) = shared.partner_of_tenant(&grant.tenant) else {
        return refuse(404, 3000, "no such partner");
    };
    let Some(size) = query.get("size").and_then(|size| size.parse::<usize>().ok()) else {
        return refuse(400, 2000, "size is missing");
    };
    let night = shared.lock().night;
    let all: Vec<_> =
        shared.scenario.tenant.iter().filter(|tenant| tenant.partner == partner.name && tenant.from <= night).collect();
    let page = if shared.scenario.page > 0 { size.min(shared.scenario.page) } else { size }.max(1);
    // The place is in the header; who drops the header reads the first page again.
    let token = headers.get("ms-continuationtoken").and_then(|token| token.to_str().ok());
    let from = match token.map(|token| token.rsplit('-').next().and_then(|n| usize::from_str_radix(n, 16).ok())) {
        Some(Some(from)) if query.get("seekOperation").map(String::as_str) == Some("Next") => from,
        Some(None) => return refuse(400, 2001, "the continuation token is not known"),
        Some(Some(_)) | None => 0,
    };
    let number = from / page + 1;
    let trouble = shared.trouble(&grant.tenant, &partner.trouble, "customers", number, |_| true);
    delay(trouble).await;
    if let Some(trouble) = trouble.filter(|trouble| trouble.code.is_some() || trouble.status.is_some()) {
        let status = trouble.status.unwrap_or(403);
        if status == 429 {
            let (text, seconds) =
                retry_after(trouble.retry_after.as_deref().unwrap_or("1"), 1.0).unwrap_or((String::new(), 0.0));
            shared.told_to_wait("customers", &grant.tenant, seconds);
            let body = json!({ "statusCode": 429, "message": format!("Rate limit is exceeded. Try again in {text} seconds.") });
            return answer(429, &[("retry-after", &text)], body.to_string());
        }
        return refuse(status, trouble.code.unwrap_or(0), "refused by the scenario");
    }
    let items: Vec<_> = all
        .iter()
        .skip(from)
        .take(page)
        .map(|tenant| {
            json!({
                "id": tenant.id,
                "companyProfile": {
                    "tenantId": tenant.id.to_uppercase(),
                    "domain": tenant.domain,
                    "companyName": tenant.name,
                    "attributes": { "objectType": "CustomerCompanyProfile" },
                },
                "relationshipToPartner": "reseller",
                "attributes": { "objectType": "Customer" },
            })
        })
        .collect();
    let mut links = json!({ "self": { "uri": format!("/customers?size={size}"), "method": "GET", "headers": [] } });
    if from + page < all.len() {
        links["next"] = json!({
            "uri": format!("/customers?size={size}?seekOperation=Next"),
            "method": "GET",
            "headers": [{ "key": "MS-ContinuationToken", "value": format!("{}-{:x}", people::guid(&partner.name, 9), from + page) }],
        });
    }
    let body = json!({ "totalCount": items.len(), "items": items, "links": links, "attributes": { "objectType": "Collection" } });
    let body = body.to_string();
    if let Some(response) = trouble.and_then(|trouble| spoil(&shared, &headers, trouble, &body)) {
        return response;
    }
    // Good answers begin with a byte order mark, refusals do not.
    reply(&headers, 200, format!("\u{feff}{body}"))
}

fn refuse(status: u16, code: u32, text: &str) -> Response {
    answer(status, &[], json!({ "code": code, "description": text, "data": [], "source": "PartnerFD" }).to_string())
}
