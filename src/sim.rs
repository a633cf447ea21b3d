//! A made-up cloud over HTTP: token endpoint, Partner Center, Graph, as their documentation says that they behave.
//!
//! It is driven by short scenarios in TOML and uses none of our types, so that it cannot agree with our mistakes.
//!
//! ```text
//! {base}/login/{tenant}/oauth2/v2.0/token    {base}/partner/v1/customers    {base}/graph/v1.0/users, /subscribedSkus
//! {base}/control/night (POST a number)       {base}/control/counters
//! ```

mod graph;
mod mischief;
mod partner;
mod people;
mod scenario;
mod state;
mod throttle;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};

pub use scenario::{Paused, Scenario, ScenarioError, SimPartner};
pub use state::Counters;
use state::Shared;

/// The made-up cloud.
pub struct Sim;

/// A made-up cloud that runs; it ends when this is dropped.
pub struct Running {
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

impl Sim {
    /// Starts on an address of this host; port 0 takes a free one.
    pub async fn start(scenario: Scenario, address: SocketAddr) -> std::io::Result<Running> {
        let listener = tokio::net::TcpListener::bind(address).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let shared = Arc::new(Shared::new(scenario, base));
        let app = Router::new()
            .route("/login/{tenant}/oauth2/v2.0/token", post(token::token))
            .route("/login/{tenant}/v2.0/.well-known/openid-configuration", get(token::discovery))
            .route("/partner/v1/customers", get(partner::customers))
            .route("/graph/v1.0/users", get(graph::users))
            .route("/graph/v1.0/subscribedSkus", get(graph::skus))
            .route("/control/night", post(night))
            .route("/control/counters", get(counters))
            .with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // Ends with the task; an error of one connection does not end it.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Running { shared, task })
    }
}

impl Running {
    /// Before every path: `http://127.0.0.1:PORT`.
    pub fn base(&self) -> String {
        self.shared.base.clone()
    }

    /// Sets which night it is: troubles hold in some nights and not in others.
    pub fn set_night(&self, night: u32) {
        self.shared.set_night(night);
    }

    /// What was asked so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn night(State(shared): State<Arc<Shared>>, body: String) -> axum::http::StatusCode {
    match body.trim().parse() {
        Ok(night) => {
            shared.set_night(night);
            axum::http::StatusCode::NO_CONTENT
        }
        Err(_) => axum::http::StatusCode::BAD_REQUEST,
    }
}

async fn counters(State(shared): State<Arc<Shared>>) -> String {
    shared.counters().to_json()
}
