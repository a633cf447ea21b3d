//! A made-up cloud over HTTP: the sign-in service, Graph and Partner Center as far as an import meets them.
//!
//! ```text
//! scenario.toml --parse--> Scenario --Sim::start--> Running (address, night, counters)
//!
//!   {base}/login/{tenant}/oauth2/v2.0/token     refresh token + credential -> access token, new refresh token
//!   {base}/login/{tenant}/oauth2/v2.0/authorize   somebody has signed in: on to the redirect address, with a code
//!   {base}/login/{tenant}/oauth2/v2.0/devicecode  a device code; {base}/login/device is where its other half is typed
//!   {base}/partner/v1/customers                 the partner's customers, page by page
//!   {base}/partner/v1/customers/{id}/subscriptions    what the partner sold to one of them
//!   {base}/graph/v1.0/users                     the tenant of the access token, page by page
//!   {base}/graph/v1.0/subscribedSkus            what it has bought
//!   {base}/graph/v1.0/directory/subscriptions   which product each of its subscriptions is
//!   {base}/graph/v1.0/tenantRelationships/…     GDAP relationships, with a token of the partner's own tenant
//!   {base}/control/night, /control/counters     for whoever plays with it
//! ```
//!
//! It is written from what is known of the services and shares no type with the client beside it: it cannot agree
//! with the client's mistakes.

mod aadsts;
mod answer;
mod assertion;
mod catalog;
mod chance;
mod changes;
mod counters;
mod customers;
mod graph;
mod names;
mod page_token;
mod people;
mod relations;
mod scenario;
mod sign_in;
mod sold;
mod state;
mod throttle;
mod time;
mod token;
mod trouble;
mod web;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware;
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::json;
use tokio::net::TcpListener;

pub use counters::{Counters, Seen};
pub use scenario::{Partner, Paused, Scenario, ScenarioError};

use answer::Answer;
use state::Cloud;

/// The simulated cloud.
#[derive(Debug)]
pub struct Sim;

impl Sim {
    /// Plays a scenario at an address (port 0: a free one) on the present tokio runtime.
    ///
    /// Fails when the address cannot be listened on.
    pub async fn start(scenario: Scenario, addr: SocketAddr) -> io::Result<Running> {
        let listener = TcpListener::bind(addr).await?;
        // The other server stands for any host that a bad link may name.
        let elsewhere = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let cloud = Arc::new(Cloud::new(scenario, listener.local_addr()?, elsewhere.local_addr()?));
        let stray = Router::new().fallback(stray).with_state(Arc::clone(&cloud));
        for (listener, router) in [(listener, router(&cloud)), (elsewhere, stray)] {
            let stop = cloud.stop.clone();
            tokio::spawn(async move {
                let served = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
                if let Err(error) = served.await {
                    tracing::error!(%error, "the simulated cloud ended");
                }
            });
        }
        Ok(Running { cloud })
    }
}

fn router(cloud: &Arc<Cloud>) -> Router {
    Router::new()
        .route("/login/{tenant}/oauth2/v2.0/token", any(token::token))
        .route("/login/{tenant}/oauth2/v2.0/authorize", get(sign_in::authorize))
        .route("/login/{tenant}/oauth2/v2.0/devicecode", post(sign_in::device_code))
        .route("/login/device", get(sign_in::device))
        .route("/login/{tenant}/v2.0/.well-known/openid-configuration", get(token::discovery))
        .route("/graph/v1.0/users", get(graph::users))
        .route("/graph/v1.0/subscribedSkus", get(graph::skus))
        .route("/graph/v1.0/tenantRelationships/delegatedAdminRelationships", get(relations::relations))
        .route("/graph/v1.0/directory/subscriptions", get(sold::commerce))
        .route("/partner/v1/customers", get(customers::customers))
        .route("/partner/v1/customers/{customer}/subscriptions", get(sold::subscriptions))
        .route("/control/night", post(night))
        .route("/control/counters", get(counted))
        .fallback(nowhere)
        .layer(middleware::map_response_with_state(Arc::clone(cloud), dated))
        .with_state(Arc::clone(cloud))
}

/// Every answer says what time it is.
async fn dated(State(cloud): State<Arc<Cloud>>, mut response: Response) -> Response {
    if let Ok(now) = time::http(cloud.now()).parse() {
        response.headers_mut().entry(header::DATE).or_insert(now);
    }
    response
}

async fn night(State(cloud): State<Arc<Cloud>>, body: String) -> Response {
    match body.trim().parse() {
        Ok(night) => {
            cloud.set_night(night);
            web::plain(Answer::json(200, &json!({"night": night})))
        }
        Err(_) => web::plain(Answer::json(400, &json!({"error": "the body is the number of a night"}))),
    }
}

async fn counted(State(cloud): State<Arc<Cloud>>) -> Response {
    let counters = cloud.tally(|tally| tally.counters.clone());
    web::plain(Answer::json(200, &json!(counters)))
}

/// A path that none of the services has.
async fn nowhere(State(cloud): State<Arc<Cloud>>, headers: HeaderMap, uri: Uri) -> Response {
    if headers.contains_key(header::AUTHORIZATION) {
        cloud.astray();
    }
    let message = format!("Resource not found for the segment '{}'.", uri.path());
    web::plain(Answer::json(404, &json!({"error": {"code": "BadRequest", "message": message}})))
}

/// A request that followed a link to where it should not have gone.
async fn stray(State(cloud): State<Arc<Cloud>>, headers: HeaderMap) -> Response {
    cloud.tally(|tally| tally.counters.strays += 1);
    if headers.contains_key(header::AUTHORIZATION) {
        cloud.astray();
    }
    web::plain(Answer::json(200, &json!({"value": []})))
}

/// A cloud that is played. Dropping it ends it: answers under way are cut short.
#[derive(Debug)]
pub struct Running {
    cloud: Arc<Cloud>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.cloud.addr
    }

    /// The address before `/login`, `/graph` and `/partner`.
    pub fn base(&self) -> String {
        format!("http://{}", self.cloud.addr)
    }

    /// The night that is played; 0 at the start.
    pub fn night(&self) -> u32 {
        self.cloud.night()
    }

    /// Plays another night. Troubles that are limited in times begin anew.
    pub fn set_night(&self, night: u32) {
        self.cloud.set_night(night);
    }

    /// Dates answers back by `ago` from now on: who lives through past nights wants answers of those nights.
    pub fn date_back(&self, ago: jiff::SignedDuration) {
        self.cloud.date_back(ago);
    }

    /// Lets all access tokens that were given out expire.
    pub fn expire_access_tokens(&self) {
        self.cloud.kill_all();
    }

    /// Replaces the secret and the certificate (PEM) of a partner's app: the ones before are refused from now on.
    pub fn replace_credential(&self, partner: &str, secret: &str, certificate: Option<&str>) {
        self.cloud.replace(partner, secret, certificate);
    }

    /// Every token and code that was given out, for those who look where none of them may be.
    pub fn secrets(&self) -> Vec<String> {
        self.cloud.secrets()
    }

    /// What was counted since the start.
    pub fn counters(&self) -> Counters {
        self.cloud.tally(|tally| tally.counters.clone())
    }

    /// The last requests, oldest first; no more than 4,096.
    pub fn log(&self) -> Vec<Seen> {
        self.cloud.tally(|tally| tally.log.iter().cloned().collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cloud.stop.cancel();
    }
}
