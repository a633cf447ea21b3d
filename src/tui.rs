//! The console.
//!
//! ```text
//! crossterm event / engine event / deadline --> App (decides) --> Effect --> loop (sends, copies, leaves)
//!                                               App (renders) --> Buffer --> bytes, one write a frame
//! ```
//!
//! Nothing is drawn unless the picture changed, and nothing ticks while nothing changes. No screen alters the fleet,
//! and nothing here waits for network or disk.

mod app;
mod confirm;
mod frame;
mod keys;
mod listing;
mod screens;
mod svg;
mod terminal;
mod theme;
mod view;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use color_eyre::eyre::Result;
use crossterm::event::{Event as TerminalEvent, EventStream, KeyEventKind};
use futures_util::StreamExt;
use futures_util::future::poll_immediate;
use tokio::time::{Instant, sleep_until};

use crate::client::Client;
use crate::model::{Clock, Event, PartnerName, TenantId};
use app::{App, Outcome};
use keys::Key;
use terminal::Screenful;

pub use app::App as Console;
pub use keys::page as keys_page;
pub use svg::svg;
pub use theme::ThemeName;

/// What the console is told when it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Who sits before it.
    pub operator: String,
    /// Stands in row 1: PRACTICE, STANDALONE.
    pub banner: String,
    /// The partners' own tenant ids, for the text of an exclusion.
    pub partner_tenants: BTreeMap<PartnerName, TenantId>,
    /// Colours and attributes.
    pub theme: ThemeName,
    /// How long an Esc is held before it counts: a slow line may part it from the rest of a key.
    pub esc_hold: Duration,
}

impl Options {
    /// As the environment says: `NO_COLOR` takes the colours away, a connection by SSH holds Esc longer.
    pub fn from_environment(
        operator: String,
        banner: String,
        partner_tenants: BTreeMap<PartnerName, TenantId>,
    ) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let theme = if set("NO_COLOR") { ThemeName::Mono } else { ThemeName::Plain };
        let esc_hold = Duration::from_millis(if set("SSH_CONNECTION") { 100 } else { 50 });
        Self { operator, banner, partner_tenants, theme, esc_hold }
    }
}

/// Progress is drawn at most this often.
const PROGRESS: Duration = Duration::from_millis(500);
/// The process is gone this long after its terminal, whatever still hangs.
const GONE: Duration = Duration::from_millis(900);

/// Runs the console until the operator leaves or the terminal is gone.
pub async fn run(mut client: Client, clock: Clock, options: Options) -> Result<()> {
    let esc_hold = options.esc_hold;
    let mut app = App::new(options);
    let mut screen = Screenful::enter()?;
    let mut input = EventStream::new();
    let mut signals = terminal::signals()?;
    let start = Instant::now();
    let mut engine_gone = false;
    let mut last_draw = start;
    // When the picture is to be looked at again.
    let mut draw_at: Option<Instant> = Some(start);
    let mut esc_at: Option<Instant> = None;
    let mut swallow = 0;
    loop {
        let tick = Some(draw_at.unwrap_or_else(|| next_look(&app, &clock)));
        let wake = [tick, esc_at].into_iter().flatten().min();
        tokio::select! {
            biased;
            () = signals.recv() => {
                hung_up(screen);
                return Ok(());
            }
            event = input.next() => {
                let mut event = event;
                loop {
                    match event {
                        Some(Ok(TerminalEvent::Key(key))) if key.kind != KeyEventKind::Release => {
                            let Some(key) = Key::of(key) else { break };
                            if swallow > 0 {
                                swallow -= 1;
                            } else if key == Key::Esc {
                                esc_at = Some(Instant::now() + esc_hold);
                            } else if esc_at.take().is_some() && matches!(key, Key::Char('[' | 'O')) {
                                // The rest of a key that a slow line parted from its ESC.
                                swallow = 1;
                            } else if let Some(left) = take(&mut app, key, &client, &mut screen, &clock, start) {
                                return left.map(|()| screen.leave());
                            }
                        }
                        Some(Ok(TerminalEvent::Paste(text))) => app.paste(&text),
                        Some(Ok(TerminalEvent::Resize(..))) => screen.forget(),
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => {
                            hung_up(screen);
                            return Ok(());
                        }
                    }
                    draw_at = Some(Instant::now());
                    // Polled with this task's own waker: with another the stream would wake nobody at the next key.
                    match poll_immediate(input.next()).await {
                        Some(more) => event = more,
                        None => break,
                    }
                }
            }
            event = client.events.recv(), if !engine_gone => {
                let mut event = event;
                loop {
                    let Some(heard) = event else {
                        engine_gone = true;
                        app.engine_gone(clock.now());
                        draw_at = Some(Instant::now());
                        break;
                    };
                    let quiet = matches!(&heard, Event::Change(change) if app::is_progress(change));
                    app.hear(heard, clock.now());
                    let when = if quiet { (last_draw + PROGRESS).max(Instant::now()) } else { Instant::now() };
                    draw_at = Some(draw_at.map_or(when, |at| at.min(when)));
                    match client.events.try_recv() {
                        Ok(more) => event = Some(more),
                        Err(_) => break,
                    }
                }
            }
            () = sleep_until(wake.unwrap_or(start)), if wake.is_some() => {
                if esc_at.is_some_and(|at| at <= Instant::now()) {
                    esc_at = None;
                    if let Some(left) = take(&mut app, Key::Esc, &client, &mut screen, &clock, start) {
                        return left.map(|()| screen.leave());
                    }
                    draw_at = Some(Instant::now());
                } else if draw_at.is_none() {
                    draw_at = Some(Instant::now());
                }
            }
        }
        if draw_at.is_some_and(|at| at <= Instant::now()) {
            draw_at = None;
            last_draw = Instant::now();
            if screen.draw(&mut app, clock.now()).is_err() {
                hung_up(screen);
                return Ok(());
            }
        }
    }
}

/// When the picture may look different though nothing was heard: a countdown each second, ages each minute.
fn next_look(app: &App, clock: &Clock) -> Instant {
    let now = clock.now();
    let every: i64 = if app.counts_seconds() { 1000 } else { 60_000 };
    let left = every - now.as_millisecond().rem_euclid(every);
    Instant::now() + Duration::from_millis(u64::try_from(left).unwrap_or(1000).max(1))
}

/// Gives a key to the app and does what it asks for; `Some` if it is time to leave.
fn take(
    app: &mut App,
    key: Key,
    client: &Client,
    screen: &mut Screenful,
    clock: &Clock,
    start: Instant,
) -> Option<Result<()>> {
    match app.press(key, clock.now(), start.elapsed()) {
        Outcome::Nothing => None,
        Outcome::Send(command) => {
            if client.commands.try_send(command).is_err() {
                app.say("busy: the engine has not taken the wishes before; try again");
            }
            None
        }
        Outcome::Copy(text) => {
            let said = screen.copy(&text);
            app.say(&said);
            None
        }
        Outcome::Redraw => {
            screen.forget();
            None
        }
        Outcome::Quit => Some(Ok(())),
    }
}

/// The terminal is gone: nothing can be drawn, and nothing may spin.
fn hung_up(screen: Screenful) {
    terminal::exit_after(GONE, 129);
    screen.leave();
}
