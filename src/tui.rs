//! The console: a screen over a slow line that is drawn only when something changed.
//!
//! ```text
//! terminal --event--> App --wish--> Client.commands        App --draw--> picture --Painter--> one write
//!                      ^--fact----- Client.events
//! ```
//!
//! The loop waits for a key, a fact or a time at which something shown changes; it takes all that lies ready and then
//! draws once. Nothing in it waits for network or disk.

mod app;
mod emit;
mod export;
mod keys;
mod lines;
mod listing;
mod overlays;
mod page;
mod paint;
mod screens;
mod svg;
mod terminal;
mod theme;
mod typed;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use color_eyre::eyre::Result;
use jiff::Timestamp;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Client;
use crate::model::{Clock, PartnerName, TenantId};
use export::Scribe;
use terminal::{Terminal, Typed};

pub use app::{App, keys_page};
pub use lines::run_plain;
pub use svg::svg;
pub use theme::Theme;

/// The screen that the console starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    /// All tenants.
    #[default]
    Tenants,
    /// All runs, on top of the tenants.
    Runs,
}

/// What the console is told by whoever starts it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "switches that do not depend on each other")]
pub struct Options {
    /// Who sits before it: stands in row 1 and with each wish.
    pub operator: String,
    /// What that person may do, in a word: `operate`.
    pub role: String,
    /// A word for row 1 that must not be missed: `PRACTICE`, `STANDALONE`.
    pub banner: Option<String>,
    /// What things look like.
    pub theme: Theme,
    /// Whether anything but ASCII is shown as `?`: for terminals that know no UTF-8.
    pub ascii: bool,
    /// Whether it runs over SSH: an Esc is held longer there.
    pub ssh: bool,
    /// The partners' own tenant ids, for the exclusion that a customer is asked for.
    pub partner_tenants: BTreeMap<PartnerName, TenantId>,
    /// The filter that the tenants start with; one that cannot be used is left out.
    pub filter: String,
    /// Whether all tenants are shown at the start, not only problems.
    pub all: bool,
    /// The screen that it starts with.
    pub view: View,
    /// Whether people are masked: names, addresses, managers. Counts stay.
    pub privacy: bool,
    /// Where exports are written; the directory that the program was started in if absent.
    pub export_dir: Option<PathBuf>,
}

impl Options {
    /// Options as the environment suggests: `NO_COLOR` takes all colours away, `SSH_CONNECTION` says that a line is
    /// between.
    pub fn from_environment(
        operator: String,
        banner: impl Into<Option<String>>,
        partner_tenants: BTreeMap<PartnerName, TenantId>,
    ) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        Self {
            operator,
            role: "operate".to_owned(),
            banner: banner.into(),
            theme: if is_set("NO_COLOR") { Theme::Mono } else { Theme::Plain },
            ascii: false,
            ssh: is_set("SSH_CONNECTION"),
            partner_tenants,
            filter: String::new(),
            all: false,
            view: View::default(),
            privacy: false,
            export_dir: None,
        }
    }
}

/// Why the console was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// The operator left it.
    Left,
    /// SIGTERM.
    Terminated,
    /// The terminal is gone: nothing can be read from it or written to it.
    TerminalLost,
}

impl ExitReason {
    /// The exit code that a shell expects.
    pub const fn code(self) -> u8 {
        match self {
            ExitReason::Left => 0,
            ExitReason::Terminated => 143,
            ExitReason::TerminalLost => 129,
        }
    }
}

/// How many facts are taken before keys are looked at again.
const FACTS_AT_ONCE: usize = 4096;

/// Runs the console on a client until it is left. The terminal is restored on every way out.
///
/// Call it from the thread that blocks on the runtime: a panic there restores the terminal before it is told. After
/// SIGHUP the process is gone within a second, since a terminal that is gone leaves nothing to restore.
pub async fn run(mut client: Client, clock: Clock, options: Options) -> Result<ExitReason> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut terminal = Terminal::open()?;
    let mut typed = Typed::listen()?;
    let mut scribe = Scribe::start(options.export_dir.clone())?;
    let mut app = App::new(options);
    let mut connected = true;
    loop {
        let now = clock.now();
        app.tick(now);
        if let Some(reason) = app.left() {
            return Ok(reason);
        }
        if show(&mut terminal, &mut app, now).is_err() {
            return Ok(lost(&mut terminal));
        }
        hand_over(&mut app, &client, &scribe, now);
        let until = app.deadline();
        let mut events = tokio::select! {
            biased;
            _ = hangup.recv() => return Ok(lost(&mut terminal)),
            _ = terminate.recv() => return Ok(ExitReason::Terminated),
            batch = typed.next() => {
                let Some(batch) = batch else { return Ok(lost(&mut terminal)) };
                batch
            }
            event = client.events.recv(), if connected => {
                connected = event.is_some();
                match event {
                    Some(event) => app.hear(event, clock.now()),
                    None => app.closed(clock.now()),
                }
                Vec::new()
            }
            Some(told) = scribe.told() => {
                app.exported(told, clock.now());
                Vec::new()
            }
            () = reach(until, &clock), if until.is_some() => Vec::new(),
        };
        // All that lies ready is taken before one draw.
        loop {
            for event in events {
                terminal.heard(&event);
                app.input(&event, clock.now());
            }
            let Some(more) = typed.ready() else { return Ok(lost(&mut terminal)) };
            if more.is_empty() {
                break;
            }
            events = more;
        }
        for _ in 0..FACTS_AT_ONCE {
            let Ok(event) = client.events.try_recv() else { break };
            app.hear(event, clock.now());
        }
    }
}

/// Hands over what the console wishes for and what it wants written. Nothing of it waits.
fn hand_over(app: &mut App, client: &Client, scribe: &Scribe, now: Timestamp) {
    for wish in app.take_wishes() {
        match client.commands.try_send(wish) {
            Ok(()) => {}
            Err(tokio::sync::mpsc::error::TrySendError::Full(wish)) => app.busy(&wish, now),
            Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => app.closed(now),
        }
    }
    // What comes behind a job that was not taken is not handed over: no file ends without its middle.
    if !app.take_jobs().into_iter().all(|job| scribe.take(job)) {
        app.export_stuck(now);
    }
}

/// The terminal is gone: nothing is written to it any more, and the process follows it soon.
fn lost(terminal: &mut Terminal) -> ExitReason {
    terminal.give_up();
    gone_soon();
    ExitReason::TerminalLost
}

/// Ends the process shortly after a hang-up, whatever still hangs: what it holds is tidied until then.
fn gone_soon() {
    const GRACE: Duration = Duration::from_millis(500);
    std::thread::spawn(|| {
        let until = std::time::Instant::now() + GRACE;
        while let Some(left) = until.checked_duration_since(std::time::Instant::now()).filter(|left| !left.is_zero()) {
            std::thread::park_timeout(left);
        }
        std::process::exit(i32::from(ExitReason::TerminalLost.code()));
    });
}

/// Draws if something is due, and hands over what was copied.
fn show(terminal: &mut Terminal, app: &mut App, now: Timestamp) -> std::io::Result<()> {
    if let Some(text) = app.take_copied() {
        terminal.copy(&text)?;
    }
    if app.take_redraw() {
        terminal.forget()?;
    }
    if app.is_due(now) {
        terminal.draw(app, now)?;
    }
    Ok(())
}

/// Waits for a time of the clock.
async fn reach(until: Option<Timestamp>, clock: &Clock) {
    if let Some(until) = until {
        let wait = until.duration_since(clock.now());
        tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    }
}
