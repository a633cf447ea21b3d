//! Requests and their repeats: bounded in size and time, no redirect followed.

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Request, StatusCode};
use uuid::Uuid;
use zeroize::Zeroize;

use super::gate::Gate;
use super::pace::Pace;
use super::retry::{self, Judgement, Tried, Trouble};
use super::{Note, Tell};
use crate::config::Import;
use crate::failure::{Answer, Class, Failure, Hop, Service, classify};
use crate::model::{Clock, WaitReason};

/// The most of a refusal that is read.
const REFUSAL_LIMIT: usize = 256 << 10;
/// Headers of a refusal that tell something.
const TELLING: [&str; 9] = [
    "x-ms-request-id",
    "x-ms-clitelem",
    "www-authenticate",
    "retry-after",
    "date",
    "request-id",
    "client-request-id",
    "ms-correlationid",
    "x-ms-throttle-scope",
];

/// Sends requests for all sessions of a partner.
pub(super) struct Line {
    /// Made for the first request: reading the certificates of the system takes a while, and most who start ask nothing.
    client: OnceLock<Result<reqwest::Client, String>>,
    gate: Gate,
    pace: Pace,
    pub(super) limits: Import,
    pub(super) clock: Clock,
}

/// Who is asked and how often it may be asked again.
pub(super) struct Asking<'a> {
    pub(super) service: Service,
    pub(super) hop: Hop,
    pub(super) lane: Lane,
    pub(super) tell: &'a Tell,
    /// Repeats of this import so far.
    pub(super) repeats: &'a mut u32,
}

/// Which way a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Through the gate, with what an import waits for.
    Gate,
    /// Beside it, at the pace of Partner Center: what is pushed back there slows nothing else.
    Pace,
}

/// Why an answer did not come.
#[derive(Debug)]
pub(super) enum Refusal {
    Final(Box<Failure>),
    NewToken(Box<Failure>),
    Restart(Box<Failure>),
}

impl Refusal {
    pub(super) fn into_failure(self) -> Box<Failure> {
        match self {
            Self::Final(failure) | Self::NewToken(failure) | Self::Restart(failure) => failure,
        }
    }
}

struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

/// A failure of the line: no answer, or half of one.
struct Broken {
    class: Class,
    why: String,
}

impl Line {
    pub(super) fn new(import: &Import, clock: Clock) -> Self {
        let gate = Gate::new(import.tenants_at_once);
        Self { client: OnceLock::new(), gate, pace: Pace::default(), limits: import.clone(), clock }
    }

    fn client(&self) -> Result<&reqwest::Client, String> {
        let make = || {
            reqwest::Client::builder()
                .user_agent(concat!("tenantop/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .connect_timeout(self.limits.connect_timeout)
                .min_tls_version(reqwest::tls::Version::TLS_1_2)
                .pool_max_idle_per_host(self.limits.tenants_at_once as usize)
                .tcp_nodelay(true)
                .build()
                .map_err(|error| error.without_url().to_string())
        };
        self.client.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// Sends what `make` makes until an answer comes that `read` can read, or until it will not come. Each sending has
    /// a `client-request-id` of its own, which is kept with a failure.
    pub(super) async fn ask<T>(
        &self,
        asking: &mut Asking<'_>,
        make: impl Fn(&reqwest::Client, Uuid) -> Result<Request, String>,
        mut read: impl FnMut(&[u8]) -> Result<T, String>,
    ) -> Result<(T, u64), Refusal> {
        let mut sent = 0;
        loop {
            let id = Uuid::new_v4();
            let defect = |why: String| {
                let now = self.clock.now();
                Refusal::Final(Box::new(Failure::local(Class::RequestBug, asking.service, asking.hop, &why, now)))
            };
            if asking.lane == Lane::Pace {
                self.pace.enter(&self.clock).await;
            }
            let client = self.client().map_err(defect)?;
            let mut request = make(client, id).map_err(defect)?;
            if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
                request.headers_mut().insert("client-request-id", value);
            }
            (asking.tell)(Note::Asked { repeat: sent > 0 });
            sent += 1;
            let place = match asking.lane {
                Lane::Gate => Some(self.gate.enter().await),
                Lane::Pace => None,
            };
            if asking.lane == Lane::Gate && asking.service == Service::PartnerCenter {
                self.pace.count(self.clock.now());
            }
            let reply = self.once(client, request).await;
            drop(place);
            let reply = match reply {
                Ok(reply) if reply.status == StatusCode::OK => {
                    let bytes = reply.body.len() as u64;
                    (asking.tell)(Note::Received { bytes });
                    let value = read(&reply.body);
                    if asking.service == Service::Entra {
                        wipe(reply.body);
                    }
                    match value {
                        Ok(value) => {
                            if asking.lane == Lane::Gate {
                                self.gate.good();
                            }
                            return Ok((value, bytes));
                        }
                        Err(why) => Err(Broken { class: Class::BadAnswer, why }),
                    }
                }
                Ok(reply) => Ok(reply),
                Err(broken) => Err(broken),
            };
            let (failure, judgement) = self.judge(asking, reply, Tried { sent, in_import: *asking.repeats });
            let failure = Box::new(failure.sent_as(id));
            match judgement {
                Judgement::Wait(wait, reason) => {
                    *asking.repeats += 1;
                    let status = failure.status;
                    (asking.tell)(Note::Waiting { reason, status, wait, attempt: sent + 1 });
                    tokio::time::sleep(wait).await;
                }
                Judgement::NewToken => return Err(Refusal::NewToken(failure)),
                Judgement::Restart => return Err(Refusal::Restart(failure)),
                Judgement::GiveUp => return Err(Refusal::Final(failure)),
            }
        }
    }

    /// Asks whether a host answers at all, whatever it says; its `Date`. Nothing of ours goes with it.
    pub(super) async fn knock(&self, address: &reqwest::Url) -> Result<Option<String>, String> {
        let limit = self.limits.first_byte_timeout;
        let asked = tokio::time::timeout(limit, self.client()?.head(address.clone()).send()).await;
        let reply = asked.map_err(|_| format!("no answer within {}", seconds(limit)))?.map_err(explain)?;
        Ok(reply.headers().get("date").and_then(|date| date.to_str().ok()).map(str::to_owned))
    }

    fn judge(&self, asking: &Asking<'_>, reply: Result<Reply, Broken>, tried: Tried) -> (Failure, Judgement) {
        let now = self.clock.now();
        let jitter = rand::random::<f64>();
        match reply {
            Ok(reply) => {
                let headers = telling(&reply.headers);
                let status = reply.status.as_u16();
                let failure = classify(
                    Answer {
                        status: Some(status),
                        headers: &headers,
                        body: &reply.body,
                        hop: asking.hop,
                        service: asking.service,
                    },
                    now,
                );
                let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
                let trouble = Trouble::Status {
                    status,
                    class: failure.class,
                    again: failure.again,
                    code: failure.error.as_deref(),
                };
                let judgement = retry::judge(trouble, header("retry-after"), tried, &self.limits, jitter, now);
                let of_tenant = header("x-ms-throttle-scope").is_some_and(|scope| scope.starts_with("Tenant"));
                let throttled = match judgement {
                    Judgement::Wait(wait, WaitReason::Throttled) => Some(wait),
                    Judgement::Wait(..) | Judgement::NewToken | Judgement::Restart | Judgement::GiveUp => None,
                };
                if let Some(wait) = throttled.filter(|_| asking.service == Service::PartnerCenter) {
                    self.pace.hold(now, wait);
                }
                if asking.lane == Lane::Gate && (throttled.is_some() && !of_tenant || status == 503) {
                    self.gate.pushed_back();
                }
                (failure, judgement)
            }
            Err(Broken { class, why }) => {
                let trouble = if class == Class::Network { Trouble::Line } else { Trouble::Broken };
                let judgement = retry::judge(trouble, None, tried, &self.limits, jitter, now);
                (Failure::local(class, asking.service, asking.hop, &why, now), judgement)
            }
        }
    }

    /// Sends a request once and reads all of its answer.
    async fn once(&self, client: &reqwest::Client, request: Request) -> Result<Reply, Broken> {
        let network = |why: String| Broken { class: Class::Network, why };
        let first = self.limits.first_byte_timeout;
        let reply = tokio::time::timeout(first, client.execute(request))
            .await
            .map_err(|_| network(format!("no answer within {}", seconds(first))))?
            .map_err(|error| network(explain(error)))?;
        let status = reply.status();
        let headers = reply.headers().clone();
        if status.is_redirection() {
            return Err(Broken {
                class: Class::BadAnswer,
                why: format!("a redirect ({status}), which is not followed"),
            });
        }
        let limit =
            if status == StatusCode::OK { self.limits.max_answer_mib as usize * (1 << 20) } else { REFUSAL_LIMIT };
        let body = self.body(reply, limit, status == StatusCode::OK).await?;
        Ok(Reply { status, headers, body })
    }

    async fn body(&self, mut reply: reqwest::Response, limit: usize, whole: bool) -> Result<Bytes, Broken> {
        let pause = self.limits.next_byte_timeout;
        let mut first: Option<Bytes> = None;
        let mut all = Vec::new();
        let mut length = 0;
        loop {
            let chunk = match tokio::time::timeout(pause, reply.chunk()).await {
                Ok(Ok(chunk)) => chunk,
                // Of a refusal the part that came is worth more than none.
                Ok(Err(_)) | Err(_) if !whole => break,
                Ok(Err(error)) => {
                    return Err(Broken {
                        class: Class::BadAnswer,
                        why: format!("the answer breaks off: {}", explain(error)),
                    });
                }
                Err(_) => {
                    let why = format!("the answer stops for {}", seconds(pause));
                    return Err(Broken { class: Class::Network, why });
                }
            };
            let Some(chunk) = chunk else { break };
            length += chunk.len();
            if length > limit {
                if whole {
                    let why = format!("the answer is larger than {} MiB", limit >> 20);
                    return Err(Broken { class: Class::BadAnswer, why });
                }
                break;
            }
            match first.take() {
                None if all.is_empty() => first = Some(chunk),
                before => {
                    if let Some(before) = before {
                        all.reserve(expected(&reply, limit));
                        all.extend_from_slice(&before);
                    }
                    all.extend_from_slice(&chunk);
                }
            }
        }
        Ok(first.unwrap_or_else(|| all.into()))
    }
}

/// Zeroes an answer with tokens in it, as far as it is ours alone. What stays behind are buffers of the connection, of TLS
/// and of the decoder, which are written over by what follows.
fn wipe(body: Bytes) {
    if let Ok(mut own) = body.try_into_mut() {
        own.as_mut().zeroize();
    }
}

/// How much room an answer will need, as far as it says so and no more than it may have.
fn expected(reply: &reqwest::Response, limit: usize) -> usize {
    reply.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0).min(limit)
}

fn telling(headers: &HeaderMap) -> Vec<(String, String)> {
    TELLING
        .iter()
        .filter_map(|name| {
            let value = headers.get(*name)?.to_str().ok()?;
            Some(((*name).to_owned(), value.chars().take(4096).collect()))
        })
        .collect()
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

/// An error of the line without its address, which may hold a page token.
fn explain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text.chars().take(300).collect()
}
