//! The three services from ready-made pages: all work is done before the first request.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;

use super::Fleet;
use super::people::{Random, SKUS, users_page};

/// Users on a page: Graph's highest `$top` for the large tenant, its default for the fleet. What a page holds is the
/// service's to decide.
fn page(fleet: Fleet) -> usize {
    match fleet {
        Fleet::One => 999,
        Fleet::Many | Fleet::Wide => 100,
    }
}

struct Made {
    customers: Bytes,
    pages: HashMap<(String, usize), Bytes>,
    skus: Bytes,
    latency: Duration,
}

impl Made {
    /// What a far service takes. The runtime's clock ticks in milliseconds and rounds up: a wait of 29 is one of 30.
    async fn be_far(&self) {
        if let Some(wait) = self.latency.checked_sub(Duration::from_millis(1)) {
            tokio::time::sleep(wait).await;
        }
    }
}

pub(super) fn serve(fleet: Fleet, latency_ms: u64) {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let made = Arc::new(make(fleet, &base, Duration::from_millis(latency_ms)));
        let app = Router::new()
            .route("/login/{tenant}/oauth2/v2.0/token", post(token))
            .route("/partner/v1/customers", get(customers))
            .route("/graph/v1.0/users", get(users))
            .route("/graph/v1.0/subscribedSkus", get(skus))
            .with_state(made);
        println!("{base}");
        axum::serve(listener, app).await.unwrap();
    });
}

async fn token(State(made): State<Arc<Made>>, Path(tenant): Path<String>) -> Response {
    made.be_far().await;
    json(Bytes::from(format!(
        r#"{{"token_type":"Bearer","scope":"x","expires_in":3600,"access_token":"{tenant}","refresh_token":"1.{tenant}"}}"#
    )))
}

async fn customers(State(made): State<Arc<Made>>) -> Response {
    made.be_far().await;
    json(made.customers.clone())
}

async fn users(State(made): State<Arc<Made>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    made.be_far().await;
    let query = query.unwrap_or_default();
    let page = query.split_once("%24skiptoken=").map_or(0, |(_, n)| n.parse().unwrap());
    let tenant = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    made.pages.get(&(tenant, page)).map_or_else(|| StatusCode::NOT_FOUND.into_response(), |body| json(body.clone()))
}

async fn skus(State(made): State<Arc<Made>>) -> Response {
    made.be_far().await;
    json(made.skus.clone())
}

fn json(body: Bytes) -> Response {
    ([("content-type", "application/json")], body).into_response()
}

/// Tenant ids and how many users each has.
pub(super) fn tenants(fleet: Fleet) -> Vec<(String, usize)> {
    let id = |n: usize| format!("7e57c0de-0000-4000-8000-{n:012x}");
    match fleet {
        Fleet::One => vec![(id(1), 100_000)],
        Fleet::Wide => (0..10_000).map(|n| (id(n), 5 + n % 40)).collect(),
        Fleet::Many => {
            // Three quarters small and median 60, a tail of large ones: 417,000 in all.
            let mut sizes: Vec<usize> = (0..2000)
                .map(|n| match n % 20 {
                    0..=9 => 10 + (n * 7) % 50,
                    10..=16 => 60 + (n * 11) % 140,
                    17 | 18 => 200 + (n * 13) % 600,
                    _ => 900 + (n * 17) % 1600,
                })
                .collect();
            let rest = 417_000usize.checked_sub(sizes.iter().sum()).expect("the sizes leave something over");
            for size in sizes.iter_mut().skip(19).step_by(20) {
                *size += rest / 100;
            }
            sizes[1999] += rest % 100;
            sizes.into_iter().enumerate().map(|(n, size)| (id(n), size)).collect()
        }
    }
}

fn make(fleet: Fleet, base: &str, latency: Duration) -> Made {
    let tenants = tenants(fleet);
    let mut random = Random(42);
    let mut list = String::from("\u{feff}{\"totalCount\":0,\"items\":[");
    let mut pages = HashMap::new();
    for (n, (id, size)) in tenants.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        write!(list, r#"{comma}{{"id":"{id}","companyProfile":{{"tenantId":"{id}","domain":"c{n}.example","companyName":"Customer {n}"}},"relationshipToPartner":"reseller"}}"#).unwrap();
        let most = self::page(fleet);
        let mut page = 0;
        let mut left = *size;
        loop {
            let rows = left.min(most);
            left -= rows;
            let next = (left > 0).then(|| format!("{base}/graph/v1.0/users?%24skiptoken={}", page + 1));
            pages.insert((id.clone(), page), users_page(rows, next, &mut random));
            page += 1;
            if left == 0 {
                break;
            }
        }
    }
    list.push_str(r#"],"links":{"self":{"uri":"/v1/customers?size=500","method":"GET","headers":[]}}}"#);
    let skus = SKUS.iter().map(|(id, part)| format!(
        r#"{{"id":"a_{id}","accountId":"a","accountName":"n","appliesTo":"User","capabilityStatus":"Enabled","consumedUnits":40,"prepaidUnits":{{"enabled":50,"suspended":0,"warning":0,"lockedOut":0}},"servicePlans":[{{"servicePlanId":"{id}","servicePlanName":"P","provisioningStatus":"Success","appliesTo":"User"}}],"skuId":"{id}","skuPartNumber":"{part}","subscriptionIds":["{id}"]}}"#
    )).collect::<Vec<_>>().join(",");
    Made { customers: list.into(), pages, skus: format!(r#"{{"value":[{skus}]}}"#).into(), latency }
}
