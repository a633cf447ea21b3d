//! What to do after a refusal: one pure judgement. The caller sleeps.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::Import;
use crate::failure::{Again, Class};
use crate::model::WaitReason;

/// First pause without a `Retry-After`; it doubles with each try. Short enough for a hiccup, long enough to matter.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// First pause after "too many requests" without a `Retry-After`.
const FIRST_PAUSE_THROTTLED: Duration = Duration::from_secs(2);
/// Pauses do not grow beyond this.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Plain 500s and broken bodies are repeated only so often: mostly they are no passing faults.
const FEW: u32 = 2;

/// What went wrong.
#[derive(Debug, Clone, Copy)]
pub(super) enum Trouble<'a> {
    /// An answer with a status other than 200.
    Status {
        status: u16,
        class: Class,
        again: Again,
        /// Graph's own code.
        code: Option<&'a str>,
    },
    /// No answer, or none in time.
    Line,
    /// A 200 that cannot be read.
    Broken,
}

/// What was tried already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tried {
    /// Times that this request was sent.
    pub(super) sent: u32,
    /// Repeats of all requests of this import.
    pub(super) in_import: u32,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Sleep, then send it again.
    Wait(Duration, WaitReason),
    /// Get a new token, then send it again.
    NewToken,
    /// Start the list again from its first page.
    Restart,
    /// It will not come.
    GiveUp,
}

/// Judges. `jitter` is a random number from 0 to 1 that spreads repeats over time.
pub(super) fn judge(
    trouble: Trouble<'_>,
    retry_after: Option<&str>,
    tried: Tried,
    limits: &Import,
    jitter: f64,
    now: Timestamp,
) -> Judgement {
    let (reason, most) = match trouble {
        Trouble::Status { code: Some("Directory_ExpiredPageToken"), .. } => return Judgement::Restart,
        Trouble::Status { class: Class::GraphTokenRejected | Class::GraphClaimsChallenge, .. } => {
            return Judgement::NewToken;
        }
        Trouble::Status { status: 429, .. } | Trouble::Status { class: Class::Throttled, .. } => {
            (WaitReason::Throttled, u32::MAX)
        }
        Trouble::Broken | Trouble::Status { status: 500, .. } => (WaitReason::Fault, FEW),
        Trouble::Status { status: 408 | 502 | 503 | 504 | 509, .. }
        | Trouble::Status { class: Class::Transient, again: Again::Yes, .. } => (WaitReason::Fault, u32::MAX),
        Trouble::Status { class: Class::Transient, again: Again::Once, .. } => (WaitReason::Fault, 1),
        Trouble::Status { .. } => return Judgement::GiveUp,
        Trouble::Line => (WaitReason::Network, u32::MAX),
    };
    if tried.sent > limits.retries_per_request.min(most) || tried.in_import >= limits.retries_per_import {
        return Judgement::GiveUp;
    }
    let first = if reason == WaitReason::Throttled { FIRST_PAUSE_THROTTLED } else { FIRST_PAUSE };
    let wait = retry_after.and_then(|text| asked_for(text, now)).unwrap_or_else(|| pause(first, tried.sent, jitter));
    if wait > limits.longest_wait { Judgement::GiveUp } else { Judgement::Wait(wait, reason) }
}

/// Doubles with each try, and up to half as much again at random.
fn pause(first: Duration, sent: u32, jitter: f64) -> Duration {
    let doubled = first.saturating_mul(1 << sent.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    doubled.mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 2.0)
}

/// A `Retry-After`: seconds, whole or decimal, or a date. Rounded up to the millisecond, so that nothing is sent early.
fn asked_for(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        if !seconds.is_finite() || seconds < 0.0 {
            return None;
        }
        return Duration::try_from_secs_f64((seconds * 1000.0).ceil() / 1000.0).ok();
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    let ms = until.as_millisecond().saturating_sub(now.as_millisecond());
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_763_000_000, 0);

    fn status(status: u16) -> Trouble<'static> {
        let class = match status {
            429 => Class::Throttled,
            400 => Class::CapBlock,
            401 => Class::GraphTokenRejected,
            403 => Class::GraphForbidden,
            501 => Class::RequestBug,
            _ => Class::Transient,
        };
        let again = if class == Class::Transient { Again::Yes } else { Again::No };
        Trouble::Status { status, class, again, code: None }
    }

    fn check(trouble: Trouble<'_>, retry_after: Option<&str>, sent: u32, want: Judgement) {
        let tried = Tried { sent, in_import: sent - 1 };
        let got = judge(trouble, retry_after, tried, &Import::default(), 0.0, NOW);
        assert_eq!(got, want, "{trouble:?} {retry_after:?} {sent}");
    }

    fn wait(ms: u64, reason: WaitReason) -> Judgement {
        Judgement::Wait(Duration::from_millis(ms), reason)
    }

    #[test]
    fn retry_after_rules() {
        use WaitReason::{Fault, Throttled};
        check(status(429), Some("12"), 1, wait(12_000, Throttled));
        check(status(429), Some("2.128"), 1, wait(2128, Throttled));
        check(status(429), Some("0.2491"), 1, wait(250, Throttled));
        check(status(503), Some("0"), 1, wait(0, Fault));
        check(status(429), Some("Thu, 13 Nov 2025 02:13:27 GMT"), 1, wait(7000, Throttled));
        check(status(429), Some("Thu, 13 Nov 2025 02:13:20 GMT"), 1, wait(0, Throttled));
        check(status(429), Some("Wed, 12 Nov 2025 02:13:20 GMT"), 1, wait(0, Throttled));
        for nonsense in ["soon", "-3", "NaN", "inf", ""] {
            check(status(429), Some(nonsense), 1, wait(2000, Throttled));
        }
        check(status(429), Some("100000"), 1, Judgement::GiveUp);
        check(status(429), Some("1e300"), 1, wait(2000, Throttled));
    }

    #[test]
    fn pauses_double_and_end() {
        use WaitReason::{Fault, Network, Throttled};
        check(status(503), None, 1, wait(500, Fault));
        check(status(503), None, 2, wait(1000, Fault));
        check(status(503), None, 5, wait(8000, Fault));
        check(status(503), None, 6, Judgement::GiveUp);
        check(status(429), None, 3, wait(8000, Throttled));
        check(Trouble::Line, None, 1, wait(500, Network));
        check(Trouble::Broken, None, 2, wait(1000, Fault));
        check(Trouble::Broken, None, 3, Judgement::GiveUp);
        check(status(500), None, 3, Judgement::GiveUp);
        let most = Tried { sent: 1, in_import: Import::default().retries_per_import };
        assert_eq!(judge(status(503), None, most, &Import::default(), 0.0, NOW), Judgement::GiveUp);
        assert_eq!(pause(FIRST_PAUSE, 1, 1.0), Duration::from_millis(750));
        assert_eq!(pause(FIRST_PAUSE, 40, 0.0), LONGEST_PAUSE);
    }

    #[test]
    fn what_nobody_can_repeat_is_given_up_at_once() {
        for answer in [400, 403, 404, 501] {
            let trouble = if answer == 404 {
                Trouble::Status { status: 404, class: Class::Unknown, again: Again::Once, code: None }
            } else {
                status(answer)
            };
            check(trouble, None, 1, Judgement::GiveUp);
        }
        check(status(401), None, 1, Judgement::NewToken);
        let expired = Trouble::Status {
            status: 400,
            class: Class::Transient,
            again: Again::Yes,
            code: Some("Directory_ExpiredPageToken"),
        };
        check(expired, None, 1, Judgement::Restart);
        let hiccup = Trouble::Status { status: 400, class: Class::Transient, again: Again::Once, code: None };
        check(hiccup, None, 1, wait(500, WaitReason::Fault));
        check(hiccup, None, 2, Judgement::GiveUp);
    }
}
