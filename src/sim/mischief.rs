//! Answers that are late, wrong, cut, endless or lead elsewhere.

use std::io::Write;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::stream;

use super::scenario::Trouble;
use super::state::Shared;

/// Every misbehaviour that a scenario can name.
pub(super) const ACTS: [&str; 21] = [
    "close",
    "cut",
    "endless",
    "drip",
    "bomb",
    "deep",
    "html",
    "empty",
    "redirect",
    "error_inside",
    "bom",
    "elsewhere",
    "other_scheme",
    "other_port",
    "repeat",
    "twice",
    "short",
    "hollow",
    "no_licenses",
    "no_skus",
    "not_json",
];

/// An answer of JSON; compressed if that was asked for.
pub(super) fn json(headers: &HeaderMap, status: u16, body: impl Into<Bytes>) -> Response {
    let body: Bytes = body.into();
    let wants_gzip = headers
        .get("accept-encoding")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.contains("gzip"));
    if wants_gzip && body.len() > 1400 {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        // Writing to a Vec cannot fail.
        let _ = packer.write_all(&body);
        return answer(status, &[("content-encoding", "gzip")], packer.finish().unwrap_or_default());
    }
    answer(status, &[], body)
}

/// An answer with headers of its own.
pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let all = response.headers_mut();
    all.insert("content-type", HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) {
            all.insert(name, value);
        }
    }
    response
}

/// The value of a `Retry-After` and how many seconds it means.
pub(super) fn retry_after(form: &str, seconds: f64) -> Option<(String, f64)> {
    let whole = seconds.ceil();
    match form {
        "none" => None,
        "decimal" => Some((format!("{seconds:.3}"), seconds)),
        "date" => {
            // A date has whole seconds: one more, so that it is never too early.
            let until = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs_f64() + whole + 1.0;
            #[expect(clippy::cast_possible_truncation, reason = "seconds of this century")]
            let until = jiff::Timestamp::from_second(until as i64).unwrap_or_default();
            Some((until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(), whole))
        }
        text => match text.parse::<f64>() {
            Ok(fixed) => Some((text.to_owned(), fixed)),
            Err(_) => Some((format!("{whole}"), whole)),
        },
    }
}

/// Waits as long as a trouble says.
pub(super) async fn delay(trouble: Option<&Trouble>) {
    if let Some(trouble) = trouble.filter(|trouble| trouble.delay_ms > 0) {
        tokio::time::sleep(Duration::from_millis(trouble.delay_ms)).await;
    }
}

/// What a trouble makes of a good body; `None` if the step itself has to see to it.
pub(super) fn spoil(shared: &Shared, headers: &HeaderMap, trouble: &Trouble, good: &str) -> Option<Response> {
    let half = || good.as_bytes()[..good.len() / 2].to_vec();
    let response = match trouble.act.as_deref()? {
        // Ends the connection without an answer, and without a word on the terminal.
        "close" => std::panic::resume_unwind(Box::new(())),
        "cut" => {
            // The first half is on its way before the connection breaks.
            let start = Bytes::from(half());
            let parts = stream::unfold(0u8, move |n| {
                let start = start.clone();
                async move {
                    if n == 0 {
                        return Some((Ok(start), 1));
                    }
                    tokio::time::sleep(Duration::from_millis(30)).await;
                    Some((Err(std::io::Error::other("cut")), 2))
                }
            });
            answer(200, &[], Body::from_stream(parts))
        }
        "endless" => {
            let start = Bytes::from(half());
            let noise = Bytes::from(vec![b' '; 64 << 10]);
            let parts = stream::unfold(0u64, move |n| {
                let part = if n == 0 { start.clone() } else { noise.clone() };
                async move { Some((Ok::<_, std::io::Error>(part), n + 1)) }
            });
            answer(200, &[], Body::from_stream(parts))
        }
        "drip" => {
            let bytes = Bytes::from(good.to_owned());
            let parts = stream::unfold(0usize, move |at| {
                let part = bytes.slice(at.min(bytes.len())..(at + 16).min(bytes.len()));
                async move {
                    tokio::time::sleep(Duration::from_millis(40)).await;
                    (!part.is_empty()).then_some((Ok::<_, std::io::Error>(part), at + 16))
                }
            });
            answer(200, &[], Body::from_stream(parts))
        }
        "bomb" => {
            let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
            let zeros = vec![b' '; 1 << 20];
            for _ in 0..256 {
                // Writing to a Vec cannot fail.
                let _ = packer.write_all(&zeros);
            }
            answer(200, &[("content-encoding", "gzip")], packer.finish().unwrap_or_default())
        }
        "deep" => answer(200, &[], format!(r#"{{"value":{}1{}}}"#, "[".repeat(50_000), "]".repeat(50_000))),
        "html" => answer(200, &[("content-type", "text/html")], "<html><body>Sign in to the network</body></html>"),
        "empty" => answer(200, &[], ""),
        "not_json" => answer(200, &[], "value=1"),
        "redirect" => answer(302, &[("location", &format!("{}/control/counters", shared.base))], ""),
        "error_inside" => {
            let cut = good.trim_end().trim_end_matches('}');
            answer(200, &[], format!(r#"{cut},"error":{{"code":"UnknownError","message":""}}}}"#))
        }
        "bom" => json(headers, 200, format!("\u{feff}{good}")),
        _ => return None,
    };
    Some(response)
}
