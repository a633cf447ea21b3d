use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};

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

/// Lets requests through as the window allows, in the order in which they came. A place is held for one request, not
/// while waiting for the next.
#[derive(Debug)]
pub(super) struct Gate {
    places: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    window: Window,
    /// Places that there are, free or not.
    made: usize,
    /// Places that the window took back while they were held: they go when they are left.
    owed: usize,
}

/// A request in flight.
pub(super) struct Place<'a> {
    gate: &'a Gate,
    permit: Option<SemaphorePermit<'a>>,
}

impl Gate {
    pub(super) fn new(most: u32) -> Self {
        let window = Window::new(most);
        let made = window.places().max(1);
        Self { places: Semaphore::new(made), state: Mutex::new(State { window, made, owed: 0 }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place.
    pub(super) async fn enter(&self) -> Place<'_> {
        // It is never closed.
        Place { gate: self, permit: self.places.acquire().await.ok() }
    }

    /// A good answer: the window may open further.
    pub(super) fn good(&self) {
        let mut state = self.state();
        state.window.good();
        self.fit(&mut state);
    }

    /// The service pushed back: the window closes.
    pub(super) fn pushed_back(&self) {
        let mut state = self.state();
        state.window.pushed_back(Instant::now());
        self.fit(&mut state);
    }

    /// Makes as many places as the window wants.
    fn fit(&self, state: &mut State) {
        let (wanted, stay) = (state.window.places().max(1), state.made - state.owed);
        let (more, fewer) = (wanted.saturating_sub(stay), stay.saturating_sub(wanted));
        let forgiven = more.min(state.owed);
        state.owed -= forgiven;
        state.made += more - forgiven;
        self.places.add_permits(more - forgiven);
        let gone = self.places.forget_permits(fewer);
        state.made -= gone;
        state.owed += fewer - gone;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state();
        if state.owed > 0
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
            state.owed -= 1;
            state.made -= 1;
        }
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

    #[tokio::test]
    async fn places_follow_the_window() {
        let gate = Gate::new(8);
        let mut held = Vec::new();
        for _ in 0..6 {
            held.push(gate.enter().await);
        }
        gate.pushed_back();
        assert_eq!((gate.places.available_permits(), gate.state().owed), (0, 2), "4 stay, 6 are held");
        held.truncate(4);
        assert_eq!((gate.places.available_permits(), gate.state().owed), (0, 0));
        held.truncate(3);
        assert_eq!(gate.places.available_permits(), 1);
        for _ in 0..1_000 {
            gate.good();
        }
        held.clear();
        assert_eq!((gate.places.available_permits(), gate.state().made), (8, 8));
    }
}
