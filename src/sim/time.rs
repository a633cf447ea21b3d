//! What time it is in the made-up cloud, and how the three services write it.

use jiff::Timestamp;

/// The present moment by the machine's clock: what the services put into their answers.
#[expect(clippy::disallowed_methods, reason = "the simulated services have a clock of their own, as the real ones do")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// `2026-01-31 12:00:00Z`, as the sign-in service writes.
pub(crate) fn entra(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// `2026-01-31T12:00:00`, as Graph writes into `innerError`.
pub(crate) fn graph(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// `Sat, 31 Jan 2026 12:00:00 GMT`, as HTTP headers want it.
pub(crate) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
