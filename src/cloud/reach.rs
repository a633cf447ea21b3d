//! Whether the hosts of a partner's clouds can be reached, the way requests go and with nothing of ours on it.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use url::{Host, Url};

use super::Cloud;

/// What came of reaching a host.
#[derive(Debug, Clone)]
pub struct Reached {
    /// The host, with its port where that is not the usual one.
    pub host: String,
    /// Whether tokens come from it.
    pub signs_in: bool,
    /// Whether the way is TLS. It is not to this host itself alone.
    pub is_tls: bool,
    /// How many addresses its name has; absent for an address. Or why it has none.
    pub resolved: Result<Option<usize>, String>,
    /// What it answered, or why it did not; absent where its name has no address.
    pub spoke: Option<Result<Spoke, String>>,
}

/// An answer of a host.
#[derive(Debug, Clone, Copy)]
pub struct Spoke {
    /// From the first step of the connection to the answer.
    pub took: Duration,
    /// How far this machine's clock is ahead of the host's; absent if the host does not say what time it is.
    pub ahead: Option<SignedDuration>,
}

impl Cloud {
    /// Reaches each host once: name, connection, TLS, an answer of any kind. Each within the limits of a request.
    pub async fn reach(&self) -> Vec<Reached> {
        let places = &self.0.places;
        let mut hosts: Vec<(&Url, bool)> = Vec::new();
        for (url, signs_in) in [(&places.login, true), (&places.graph, false), (&places.partner_center, false)] {
            if hosts.iter().all(|(known, _)| known.origin() != url.origin()) {
                hosts.push((url, signs_in));
            }
        }
        let reached = hosts.into_iter().map(|(url, signs_in)| self.reach_one(url, signs_in));
        futures_util::future::join_all(reached).await
    }

    async fn reach_one(&self, url: &Url, signs_in: bool) -> Reached {
        let resolved = self.resolve(url).await;
        let spoke = if resolved.is_ok() { Some(self.hear(url).await) } else { None };
        let host = url.host_str().unwrap_or_default();
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Reached { host, signs_in, is_tls: url.scheme() == "https", resolved, spoke }
    }

    async fn resolve(&self, url: &Url) -> Result<Option<usize>, String> {
        let Some(Host::Domain(name)) = url.host() else { return Ok(None) };
        let limit = self.0.line.limits.connect_timeout;
        let port = url.port_or_known_default().unwrap_or(443);
        match tokio::time::timeout(limit, tokio::net::lookup_host((name, port))).await {
            Err(_) => Err(format!("no answer within {} s", limit.as_secs_f64())),
            Ok(Err(error)) => Err(error.to_string()),
            Ok(Ok(addresses)) => match addresses.count() {
                0 => Err("it has no address".to_owned()),
                n => Ok(Some(n)),
            },
        }
    }

    async fn hear(&self, url: &Url) -> Result<Spoke, String> {
        let line = &self.0.line;
        let (began, before) = (Instant::now(), line.clock.now());
        let date = line.knock(url).await?;
        let took = began.elapsed();
        let date = date.and_then(|date| jiff::fmt::rfc2822::parse(&date).ok()).map(|date| date.timestamp());
        // The host said it somewhere between question and answer.
        let ahead = date.map(|date| {
            let after = line.clock.now();
            if date < before {
                before.duration_since(date)
            } else if date > after {
                after.duration_since(date)
            } else {
                SignedDuration::ZERO
            }
        });
        Ok(Spoke { took, ahead })
    }
}
