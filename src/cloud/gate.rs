use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// How many requests may be in flight: one more for each window full of good answers, half as many after a push-back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Window {
    limit: f64,
    most: f64,
    cut_at: Option<Instant>,
}

/// The window never closes further than this.
const LEAST: f64 = 2.0;
/// Push-backs that come together are one: requests that were in flight when the first came say nothing new.
const TOGETHER: Duration = Duration::from_secs(2);

impl Window {
    fn new(most: u32) -> Self {
        let most = f64::from(most.max(1));
        Self { limit: most, most, cut_at: None }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and a u32")]
    fn places(&self) -> usize {
        self.limit as usize
    }

    fn good(&mut self) {
        self.limit = (self.limit + 1.0 / self.limit).min(self.most);
    }

    fn pushed_back(&mut self, now: Instant) {
        if self.cut_at.is_none_or(|at| now.saturating_duration_since(at) >= TOGETHER) {
            self.cut_at = Some(now);
            self.limit = (self.limit / 2.0).max(LEAST.min(self.most));
        }
    }
}

/// Lets requests through as the window allows. A place is held for one request, not while waiting for the next.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    freed: Notify,
}

#[derive(Debug)]
struct State {
    window: Window,
    in_flight: usize,
}

/// A request in flight.
pub(super) struct Place<'a>(&'a Gate);

impl Gate {
    pub(super) fn new(most: u32) -> Self {
        Self { state: Mutex::new(State { window: Window::new(most), in_flight: 0 }), freed: Notify::new() }
    }

    fn with<T>(&self, alter: impl FnOnce(&mut State) -> T) -> T {
        alter(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits for a place.
    pub(super) async fn enter(&self) -> Place<'_> {
        loop {
            let freed = self.freed.notified();
            let entered = self.with(|state| {
                let free = state.in_flight < state.window.places().max(1);
                state.in_flight += usize::from(free);
                free
            });
            if entered {
                return Place(self);
            }
            freed.await;
        }
    }

    /// A good answer: the window may open further.
    pub(super) fn good(&self) {
        self.with(|state| state.window.good());
        self.freed.notify_one();
    }

    /// The service pushed back: the window closes.
    pub(super) fn pushed_back(&self) {
        self.with(|state| state.window.pushed_back(Instant::now()));
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.in_flight = state.in_flight.saturating_sub(1));
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_closes_fast_and_opens_slowly() {
        let start = Instant::now();
        let mut window = Window::new(64);
        assert_eq!(window.places(), 64);
        window.pushed_back(start);
        window.pushed_back(start + Duration::from_millis(5));
        assert_eq!(window.places(), 32, "push-backs that come together are one");
        window.pushed_back(start + TOGETHER);
        assert_eq!(window.places(), 16);
        for _ in 0..17 {
            window.good();
        }
        assert_eq!(window.places(), 17, "a window full of good answers opens it by one");
        for _ in 0..10_000 {
            window.good();
        }
        assert_eq!(window.places(), 64);
        for n in 1..20 {
            window.pushed_back(start + TOGETHER * (n + 2));
        }
        assert_eq!(window.places(), 2);
        assert_eq!(Window::new(1).places(), 1);
    }

    #[tokio::test]
    async fn places_are_given_back() {
        let gate = Gate::new(2);
        let (one, _two) = (gate.enter().await, gate.enter().await);
        let third = gate.enter();
        tokio::pin!(third);
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        drop(one);
        third.await;
    }
}
