use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::Clock;

/// Requests within [`SPAN`]: below Partner Center's 500 a minute for a partner, so that other programs of the partner and
/// the customer list have a part of it.
const MOST: usize = 450;
/// A minute, and a second for answers that are on their way for different times.
const SPAN: SignedDuration = SignedDuration::from_secs(61);

/// When requests were sent, or will be by those who wait.
#[derive(Debug, Default)]
struct Turns {
    sent: VecDeque<Timestamp>,
    /// The service asked for a pause until then.
    not_before: Timestamp,
    /// When this was last looked at.
    seen: Timestamp,
}

impl Turns {
    /// When the next request may be sent; it is taken as sent then.
    fn next(&mut self, now: Timestamp) -> Timestamp {
        self.look(now);
        let full = self.sent.len().checked_sub(MOST).and_then(|at| self.sent.get(at));
        let free = full.map_or(now, |first| later(*first, SPAN));
        let behind = self.sent.back().copied().unwrap_or(now);
        let at = now.max(free).max(behind).max(self.not_before);
        self.keep(at);
        at
    }

    /// A request that does not wait for its turn.
    fn count(&mut self, now: Timestamp) {
        self.look(now);
        let behind = self.sent.back().copied().unwrap_or(now);
        self.keep(now.max(behind));
    }

    fn hold(&mut self, now: Timestamp, wait: SignedDuration) {
        self.look(now);
        self.not_before = self.not_before.max(later(now, wait));
    }

    fn keep(&mut self, at: Timestamp) {
        self.sent.push_back(at);
        if self.sent.len() > MOST {
            self.sent.pop_front();
        }
    }

    /// A clock that is set back takes all times with it: nobody waits for longer.
    fn look(&mut self, now: Timestamp) {
        let back = now.duration_since(self.seen).min(SignedDuration::ZERO);
        if !back.is_zero() {
            self.sent.iter_mut().for_each(|at| *at = later(*at, back));
            self.not_before = later(self.not_before, back);
        }
        self.seen = now;
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(at)
}

/// The pace at which Partner Center is asked for what there is for each customer: in the order in which they came, never
/// more in a minute than it allows.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Turns>);

impl Pace {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for its turn, and for the end of a pause that the service asks for meanwhile.
    pub(super) async fn enter(&self, clock: &Clock) {
        let mut until = self.turns().next(clock.now());
        loop {
            let wait = until.duration_since(clock.now());
            tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
            let not_before = self.turns().not_before;
            if not_before <= until {
                return;
            }
            until = not_before;
        }
    }

    /// Counts a request that goes its own way.
    pub(super) fn count(&self, now: Timestamp) {
        self.turns().count(now);
    }

    /// The service asked for a pause: it holds for all.
    pub(super) fn hold(&self, now: Timestamp, wait: Duration) {
        self.turns().hold(now, SignedDuration::try_from(wait).unwrap_or(SignedDuration::ZERO));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::constant(1_763_000_000, 0);

    fn at(ms: i64) -> Timestamp {
        START + SignedDuration::from_millis(ms)
    }

    /// Sends one after another as soon as it may, each after a little work, and says when.
    fn send(turns: &mut Turns, n: usize, mut now: Timestamp, work_ms: i64) -> Vec<Timestamp> {
        let one = |_| {
            now = turns.next(now);
            let sent = now;
            now += SignedDuration::from_millis(work_ms);
            sent
        };
        (0..n).map(one).collect()
    }

    fn most_in_a_minute(sent: &[Timestamp]) -> usize {
        let minute = SignedDuration::from_mins(1);
        let within =
            |first: Timestamp| sent.iter().filter(|at| **at >= first && at.duration_since(first) < minute).count();
        sent.iter().copied().map(within).max().unwrap_or(0)
    }

    #[test]
    fn no_minute_has_more_than_the_service_allows_and_none_is_wasted() {
        for work_ms in [0, 20, 125, 140] {
            let sent = send(&mut Turns::default(), 3_000, START, work_ms);
            assert!(most_in_a_minute(&sent) <= MOST, "{work_ms}: {}", most_in_a_minute(&sent));
            let took = sent.last().unwrap().duration_since(START).as_secs();
            let least = i64::try_from(3_000 / MOST).unwrap() * 60;
            assert!(took <= least.max(3 * work_ms) + 40, "{work_ms}: {took} s");
        }
    }

    #[test]
    fn those_who_wait_together_count_too() {
        let mut turns = Turns::default();
        let sent: Vec<_> = (0..1_000).map(|_| turns.next(START)).collect();
        assert_eq!(sent[..MOST], vec![START; MOST][..]);
        assert!(most_in_a_minute(&sent) <= MOST);
    }

    #[test]
    fn pages_of_the_customer_list_take_their_part_and_wait_for_nobody() {
        let mut turns = Turns::default();
        for _ in 0..20 {
            turns.count(START);
        }
        let sent = send(&mut turns, MOST, START, 0);
        assert_eq!(sent.iter().filter(|at| **at == START).count(), MOST - 20);
    }

    #[test]
    fn a_pause_holds_for_all_and_a_clock_set_back_for_nobody() {
        let pace = Pace::default();
        pace.hold(START, Duration::from_secs(57));
        assert_eq!(pace.turns().next(at(1)), at(57_000));
        assert_eq!(pace.turns().next(at(60_000)), at(60_000));

        let mut turns = Turns::default();
        let sent = send(&mut turns, MOST, at(86_400_000), 10);
        turns.hold(*sent.last().unwrap(), SignedDuration::from_secs(90));
        assert!(turns.next(START) <= START + SignedDuration::from_secs(90));
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_a_pause() {
        let pace = Pace::default();
        let clock = Clock::system();
        pace.turns().not_before = clock.now() + SignedDuration::from_millis(20);
        let entering = pace.enter(&clock);
        tokio::pin!(entering);
        assert!(futures_util::poll!(entering.as_mut()).is_pending());
        let until = clock.now() + SignedDuration::from_millis(60);
        pace.hold(clock.now(), Duration::from_millis(60));
        entering.await;
        assert!(clock.now() >= until);
    }
}
