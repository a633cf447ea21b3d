//! An answer on its way to the client, whole or spoilt.

use std::convert::Infallible;
use std::io::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream::{self, StreamExt as _};
use serde_json::Value;

use super::state::Flight;
use super::time;
use super::trouble::{Kind, Met, RetryAfter, Trouble};

/// Bytes between two pauses of a dripping body.
const DROP: usize = 64;
/// To what size the gzip bomb grows: 8 GiB.
const BOMB: u64 = 8 << 30;
/// How deep `deep` nests.
const DEPTH: usize = 100_000;

pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// Status, headers and body before anything is spoilt.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Sent in chunks, without a length, as Graph does.
    pub(crate) chunked: bool,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, "application/json; charset=utf-8", body.to_string().into_bytes())
    }

    pub(crate) fn raw(status: u16, content_type: &str, body: Vec<u8>) -> Self {
        Self { status, headers: HeaderMap::new(), body, chunked: false }.with("content-type", content_type)
    }

    /// With a header; one that HTTP cannot carry is left out.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            self.headers.insert(name, value);
        }
        self
    }

    /// With what a trouble says of headers and type, and with its `Retry-After`, which is remembered.
    pub(crate) fn told_by(mut self, trouble: &Trouble, flight: &Flight) -> Self {
        if let Some(content_type) = &trouble.content_type {
            self = self.with("content-type", content_type);
        }
        for (name, value) in &trouble.headers {
            self = self.with(name, value);
        }
        match &trouble.retry_after {
            Some(retry_after) => self.after(retry_after, flight),
            None => self,
        }
    }

    /// With a `Retry-After`; a request that comes before it is over will be counted.
    pub(crate) fn after(self, retry_after: &RetryAfter, flight: &Flight) -> Self {
        let (text, seconds) = match retry_after {
            RetryAfter::Whole(seconds) => (seconds.to_string(), f64::from(u32::try_from(*seconds).unwrap_or(u32::MAX))),
            RetryAfter::Decimal(seconds) => (seconds.to_string(), *seconds),
            RetryAfter::Text(text) => match text.strip_prefix("date ").and_then(|text| text.parse::<u32>().ok()) {
                // The date has no fractions of a second; one is added so that it does not promise too little.
                Some(seconds) => {
                    let at = time::now() + jiff::SignedDuration::from_secs(i64::from(seconds) + 1);
                    (time::http(at), f64::from(seconds))
                }
                None => (text.clone(), 0.0),
            },
        };
        let wait = Duration::from_secs_f64(seconds.max(0.0));
        flight.cloud.tally(|tally| tally.told_to_wait(flight.step, flight.tenant, wait));
        self.with("retry-after", &text)
    }
}

fn spoil(mut answer: Answer, met: &Met, elsewhere: &str) -> Answer {
    for trouble in met.iter() {
        match trouble.kind {
            Some(Kind::Deep) => {
                answer.body = [b"{\"value\":".as_slice(), &[b'['].repeat(DEPTH), &[b']'].repeat(DEPTH), b"}"].concat();
            }
            Some(Kind::Html) => {
                let status = trouble.status.unwrap_or(502);
                let page = b"<html><head><title>Our services aren't available right now</title></head>\
                    <body><h2>Our services aren't available right now</h2><p>Error ref 0xB4D6A7EE</p></body></html>";
                answer = Answer::raw(status, "text/html", page.to_vec());
            }
            Some(Kind::Empty) => {
                answer.status = trouble.status.unwrap_or(503);
                answer.headers.remove(header::CONTENT_TYPE);
                answer.body.clear();
            }
            Some(Kind::Bom) => {
                let mut body = BOM.to_vec();
                body.extend_from_slice(&answer.body);
                answer.body = body;
            }
            Some(Kind::Redirect) => {
                answer = Answer::raw(302, "text/html", b"<html><body>Object moved</body></html>".to_vec())
                    .with("location", &format!("http://{elsewhere}/moved"));
            }
            Some(Kind::ErrorAppended) => {
                answer.body.truncate(answer.body.len() * 2 / 3);
                answer.body.extend_from_slice(
                    b"{\"error\":{\"code\":\"InternalServerError\",\"message\":\"The entity instance value of type \
                    'microsoft.graph.orgContact' doesn't have a value for property 'id'.\",\"innerError\":{}}}",
                );
            }
            Some(Kind::ContentType) => {
                answer = answer.with("content-type", "text/plain");
            }
            Some(
                Kind::Close
                | Kind::Cut
                | Kind::Endless
                | Kind::GzipBomb
                | Kind::NextElsewhere
                | Kind::NextAgain
                | Kind::Twice
                | Kind::EmptyPage
                | Kind::ShortPage
                | Kind::NoLicenses
                | Kind::Shrunk
                | Kind::NoSkus
                | Kind::ExpiredPageToken
                | Kind::TokenExpires
                | Kind::RefuseToken,
            )
            | None => {}
        }
        let told = trouble.kind.is_some() || trouble.refuses();
        if told {
            for (name, value) in &trouble.headers {
                answer = answer.with(name, value);
            }
        }
    }
    answer
}

/// Sends an answer with all that is to go wrong on its way.
pub(crate) async fn deliver(answer: Answer, met: &Met, gzip: bool, flight: Flight) -> Response {
    let cloud = std::sync::Arc::clone(&flight.cloud);
    if met.delay() > 0 {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(met.delay())) => {}
            () = cloud.stop.cancelled() => {}
        }
    }
    let elsewhere = cloud.elsewhere.to_string();
    let mut answer = spoil(answer, met, &elsewhere);
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    flight.answered(status.as_u16());

    if met.has(Kind::GzipBomb) {
        answer = answer.with("content-encoding", "gzip");
    } else if gzip && !answer.body.is_empty() {
        answer.body = gzipped(&answer.body);
        answer = answer.with("content-encoding", "gzip");
    }
    let body = if met.has(Kind::Close) {
        closed(flight)
    } else if met.has(Kind::Cut) {
        let half = answer.body.len() / 2;
        answer.body.truncate(half);
        broken(vec![Bytes::from(answer.body)], flight)
    } else if met.has(Kind::Endless) {
        endless(flight)
    } else if met.has(Kind::GzipBomb) {
        bomb(flight)
    } else if let Some(drip) = met.drip() {
        dripping(Bytes::from(answer.body), Duration::from_millis(drip), flight)
    } else if answer.chunked && !answer.body.is_empty() {
        Body::from_stream(stream::iter([Ok::<_, Infallible>(Bytes::from(answer.body))]))
    } else {
        Body::from(answer.body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = answer.headers;
    response
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into a vector does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

/// No answer at all: the body fails before the head has left.
fn closed(flight: Flight) -> Body {
    drop(flight);
    Body::from_stream(stream::iter([Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))]))
}

/// A body that breaks off behind the pieces: the connection ends without its end mark.
fn broken(pieces: Vec<Bytes>, flight: Flight) -> Body {
    let sent = stream::iter(pieces.into_iter().map(Ok));
    let end = stream::once(async move {
        // What was sent before leaves the house first.
        tokio::task::yield_now().await;
        drop(flight);
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    Body::from_stream(sent.chain(end))
}

/// Whoever reads it has to turn away, and when that was is seen late: the request counts as answered from its head on.
fn endless(flight: Flight) -> Body {
    let stop = flight.cloud.stop.clone();
    drop(flight);
    let piece = Bytes::from(b"{\"id\":\"00000000-0000-4000-8000-000000000000\",\"displayName\":null},".repeat(256));
    let first = Bytes::from_static(b"{\"value\":[");
    let rest = stream::unfold((stop, piece), |(stop, piece)| async move {
        (!stop.is_cancelled()).then(|| (Ok::<_, Infallible>(piece.clone()), (stop, piece)))
    });
    Body::from_stream(stream::iter([Ok(first)]).chain(rest))
}

/// As [`endless`]: nobody reads it to its end.
fn bomb(flight: Flight) -> Body {
    let stop = flight.cloud.stop.clone();
    drop(flight);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let _ = encoder.write_all(b"{\"value\":[");
    let blanks = vec![b' '; 1 << 20];
    let grown = stream::unfold((stop, encoder, 0_u64), move |(stop, mut encoder, mut size)| {
        let blanks = blanks.clone();
        async move {
            if size >= BOMB || stop.is_cancelled() {
                return None;
            }
            for _ in 0..4 {
                let _ = encoder.write_all(&blanks);
                size += blanks.len() as u64;
            }
            let _ = encoder.flush();
            let piece = Bytes::from(std::mem::take(encoder.get_mut()));
            Some((Ok::<_, Infallible>(piece), (stop, encoder, size)))
        }
    });
    Body::from_stream(grown)
}

fn dripping(body: Bytes, pause: Duration, flight: Flight) -> Body {
    let drops = stream::unfold((body, Duration::ZERO, flight), move |(mut body, wait, flight)| async move {
        if body.is_empty() || flight.cloud.stop.is_cancelled() {
            return None;
        }
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = flight.cloud.stop.cancelled() => {}
        }
        let drop = body.split_to(body.len().min(DROP));
        Some((Ok::<_, Infallible>(drop), (body, pause, flight)))
    });
    Body::from_stream(drops)
}
