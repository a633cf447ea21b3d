//! What all three services do alike with a request.

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;

use super::answer::Answer;
use super::state::Cloud;

/// A header as text.
pub(crate) fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

/// The token of `Authorization: Bearer …`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whether the client can read gzip.
pub(crate) fn wants_gzip(headers: &HeaderMap) -> bool {
    let accepted = text(headers, "accept-encoding").unwrap_or_default();
    accepted.split(',').any(|coding| coding.trim().split(';').next() == Some("gzip"))
}

/// The address under which the client knows this cloud.
pub(crate) fn base(cloud: &Cloud, headers: &HeaderMap) -> String {
    match text(headers, "host") {
        Some(host) => format!("http://{host}"),
        None => format!("http://{}", cloud.addr),
    }
}

/// An answer with which nothing goes wrong.
pub(crate) fn plain(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *response.headers_mut() = answer.headers;
    response
}
