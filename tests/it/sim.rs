//! The simulated cloud over real HTTP, with a client that knows nothing of it.

mod lists;
mod persons;
mod sign_in;
mod trouble;

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tenantop::sim::{Partner, Running, Scenario, Sim};

const GRAPH: &str = "https://graph.microsoft.com/.default offline_access";
const CENTER: &str = "https://api.partnercenter.microsoft.com/user_impersonation";
const SELECT: &str = "$select=id,displayName,assignedLicenses,userPrincipalName,onPremisesExtensionAttributes\
                      &$expand=manager($select=id,displayName)";

/// A cloud and somebody who asks it.
struct Lab {
    cloud: Running,
    scenario: Scenario,
    client: Client,
}

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Lab {
    async fn of(scenario: &str) -> Self {
        Self::playing(Scenario::parse(scenario).unwrap()).await
    }

    /// One partner, one tenant `Adatum` with more lines.
    async fn tenant(lines: &str) -> Self {
        Self::of(&format!("[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\n{lines}")).await
    }

    async fn playing(scenario: Scenario) -> Self {
        let cloud = Sim::start(scenario.clone(), SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).gzip(false).build().unwrap();
        Self { cloud, scenario, client }
    }

    fn partner(&self) -> &Partner {
        &self.scenario.partners()[0]
    }

    fn id(&self, name: &str) -> String {
        self.scenario.tenant_id(name).unwrap().to_string()
    }

    async fn get_with(&self, url: &str, token: &str, more: &[(&str, &str)]) -> reqwest::Result<Reply> {
        let mut request = self.client.get(url).header("client-request-id", "7b1e6a52-0000-4000-8000-000000000001");
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        reply(request).await
    }

    async fn graph(&self, path: &str, token: &str) -> Reply {
        self.get_with(&format!("{}/graph/v1.0/{path}", self.cloud.base()), token, &[]).await.unwrap()
    }

    /// A token request with some fields other than usual; an empty value leaves the field out.
    async fn redeem(&self, tenant: &str, other: &[(&str, &str)]) -> Reply {
        let partner = self.partner();
        let mut form = std::collections::BTreeMap::from([
            ("grant_type", "refresh_token"),
            ("client_id", &partner.client_id),
            ("client_secret", &partner.secret),
            ("refresh_token", &partner.refresh_token),
            ("scope", GRAPH),
        ]);
        for (name, value) in other {
            form.insert(name, value);
        }
        form.retain(|_, value| *value != "<none>");
        let request = self
            .client
            .post(format!("{}/login/{tenant}/oauth2/v2.0/token", self.cloud.base()))
            .header("client-request-id", "7b1e6a52-0000-4000-8000-000000000002")
            .header("return-client-request-id", "true")
            .form(&form);
        reply(request).await.unwrap()
    }

    async fn token(&self, tenant: &str, scope: &str) -> String {
        let reply = self.redeem(tenant, &[("scope", scope)]).await;
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["access_token"].as_str().unwrap().to_owned()
    }

    async fn adatum(&self) -> String {
        self.token(&self.id("Adatum"), GRAPH).await
    }

    /// All pages of users; as many as came before something other than a page.
    async fn read_users(&self, token: &str, top: u32) -> (Vec<Vec<Value>>, Option<Reply>) {
        let mut url = format!("{}/graph/v1.0/users?{SELECT}&$top={top}", self.cloud.base());
        let mut pages = Vec::new();
        loop {
            let reply = self.get_with(&url, token, &[]).await.unwrap();
            if reply.status != 200 {
                return (pages, Some(reply));
            }
            let body = reply.json();
            pages.push(body["value"].as_array().unwrap().clone());
            match body["@odata.nextLink"].as_str() {
                Some(next) if pages.len() < 1000 => next.clone_into(&mut url),
                Some(_) | None => return (pages, None),
            }
        }
    }
}

async fn reply(request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
    let response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    Ok(Reply { status, headers, body: response.bytes().await?.to_vec() })
}

fn ids(pages: &[Vec<Value>]) -> Vec<&str> {
    pages.iter().flatten().map(|user| user["id"].as_str().unwrap()).collect()
}
