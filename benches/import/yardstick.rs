//! The yardstick: downloads the same pages with as many requests in flight and parses them with `serde_json` into owned
//! values, as a plain program would. It keeps nothing.
#![expect(clippy::struct_field_names, reason = "the members are named as Graph names them")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::{AT_ONCE, Fleet, Measured};

#[derive(Deserialize)]
struct Page {
    #[serde(rename = "@odata.nextLink")]
    next: Option<String>,
    value: Vec<User>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what a plain program parses")]
struct User {
    id: String,
    display_name: Option<String>,
    company_name: Option<String>,
    department: Option<String>,
    mail: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    job_title: Option<String>,
    state: Option<String>,
    postal_code: Option<String>,
    street_address: Option<String>,
    city: Option<String>,
    preferred_language: Option<String>,
    usage_location: Option<String>,
    assigned_licenses: Option<Vec<License>>,
    user_principal_name: Option<String>,
    office_location: Option<String>,
    on_premises_extension_attributes: Option<Extension>,
    country: Option<String>,
    user_type: Option<String>,
    manager: Option<Manager>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what a plain program parses")]
struct License {
    sku_id: Option<String>,
    disabled_plans: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what a plain program parses")]
struct Extension {
    extension_attribute1: Option<String>,
    extension_attribute2: Option<String>,
    extension_attribute3: Option<String>,
    extension_attribute4: Option<String>,
    extension_attribute5: Option<String>,
    extension_attribute6: Option<String>,
    extension_attribute7: Option<String>,
    extension_attribute8: Option<String>,
    extension_attribute9: Option<String>,
    extension_attribute10: Option<String>,
    extension_attribute11: Option<String>,
    extension_attribute12: Option<String>,
    extension_attribute13: Option<String>,
    extension_attribute14: Option<String>,
    extension_attribute15: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "what a plain program parses")]
struct Manager {
    id: Option<String>,
    display_name: Option<String>,
    user_principal_name: Option<String>,
}

#[derive(Deserialize)]
struct Token {
    access_token: String,
}

#[derive(Deserialize)]
struct Skus {
    value: Vec<serde_json::Value>,
}

pub(super) fn run(fleet: Fleet, base: &str) -> Measured {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
        let client = reqwest::Client::new();
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let requests = Arc::new(AtomicU64::new(0));
        let began = Instant::now();
        let mut jobs = tokio::task::JoinSet::new();
        for (tenant, _) in super::cloud::tenants(fleet) {
            let slot = slots.clone().acquire_owned().await.unwrap();
            let (client, base, requests) = (client.clone(), base.to_owned(), requests.clone());
            jobs.spawn(async move {
                let users = one(&client, &base, &tenant, &requests).await;
                drop(slot);
                users
            });
        }
        let users = jobs.join_all().await.into_iter().sum();
        let requests = requests.load(Ordering::Relaxed);
        let seconds = began.elapsed().as_secs_f64();
        Measured { seconds, again: seconds, peak_mib: 0.0, users, requests }
    })
}

async fn one(client: &reqwest::Client, base: &str, tenant: &str, requests: &AtomicU64) -> u64 {
    let ask = |request: reqwest::RequestBuilder| async {
        requests.fetch_add(1, Ordering::Relaxed);
        request.send().await.unwrap().bytes().await.unwrap()
    };
    let form = [("grant_type", "refresh_token"), ("client_id", "x"), ("refresh_token", "y"), ("scope", "z")];
    let token = ask(client.post(format!("{base}/login/{tenant}/oauth2/v2.0/token")).form(&form)).await;
    let token: Token = serde_json::from_slice(&token).unwrap();
    let mut users = 0;
    let mut next = Some(format!("{base}/graph/v1.0/users?$top=999"));
    while let Some(link) = next {
        let page = ask(client.get(link).bearer_auth(&token.access_token)).await;
        let page: Page = serde_json::from_slice(&page).unwrap();
        users += page.value.len() as u64;
        next = page.next;
    }
    let skus = ask(client.get(format!("{base}/graph/v1.0/subscribedSkus")).bearer_auth(&token.access_token)).await;
    let skus: Skus = serde_json::from_slice(&skus).unwrap();
    assert!(!skus.value.is_empty());
    users
}
