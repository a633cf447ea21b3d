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
mod decode;
mod drafts;
mod emit;
mod export;
mod keyboard;
mod keymap;
mod keys;
mod lines;
mod listing;
mod overlays;
mod page;
mod paint;
mod palette;
mod screens;
mod svg;
mod terminal;
mod theme;
mod typed;
mod windowed;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use color_eyre::eyre::Result;
use jiff::Timestamp;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::Client;
use crate::config::{ConfigError, ConsoleFile, StartView, ThemeName};
use crate::failure::{Language, PartnerFacts};
use crate::model::{Clock, FilterError, PartnerName, Role};
use export::Scribe;
use keyboard::Keyboard;
use terminal::{Terminal, gone_soon};
use theme::OwnTheme;

pub use app::{App, keys_page};
pub use keymap::Keymap;
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
    /// What that person may do.
    pub role: Role,
    /// A word for row 1 that must not be missed: `PRACTICE`, `STANDALONE`.
    pub banner: Option<String>,
    /// What things look like.
    pub theme: Theme,
    /// Whether anything but ASCII is shown as `?`: for terminals that know no UTF-8.
    pub ascii: bool,
    /// Whether it runs over SSH: an Esc is held longer there.
    pub ssh: bool,
    /// Whether a tmux is between: it lets a copy through by one of two ways, or by none.
    pub tmux: bool,
    /// What customers may know of each partner: its tenant id for the exclusion that they are asked for, and the like.
    pub partners: BTreeMap<PartnerName, PartnerFacts>,
    /// The filter that the tenants start with; one that cannot be used is left out.
    pub filter: String,
    /// Whether all tenants are shown at the start, not only problems.
    pub all: bool,
    /// The screen that it starts with.
    pub view: View,
    /// Whether people are masked: names, addresses, managers. Counts stay.
    pub privacy: bool,
    /// Whether the mouse moves the cursor and scrolls.
    pub mouse: bool,
    /// The operator's own keys.
    pub keymap: Keymap,
    /// The operator's own theme, whether it is in use or not.
    pub own: Option<Theme>,
    /// The language of the text for a customer that was used last.
    pub language: Language,
    /// Where exports are written; the directory that the program was started in if absent.
    pub export_dir: Option<PathBuf>,
    /// By which name files are fetched from here, `user@host`; absent where no line is between.
    pub fetched_from: Option<String>,
}

impl Options {
    /// What an operator's own file says, as far as the environment does not say otherwise: `NO_COLOR` takes all colours
    /// away, a locale that is not UTF-8 leaves ASCII, `SSH_CONNECTION` says that a line is between.
    pub fn of(
        file: &ConsoleFile,
        operator: String,
        partners: BTreeMap<PartnerName, PartnerFacts>,
    ) -> Result<Self, ConfigError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable);
        let console = &file.console;
        let own = own_theme(file)?;
        let named = match console.look.theme {
            None | Some(ThemeName::Plain) => Some(Theme::Plain),
            Some(ThemeName::Mono) => Some(Theme::Mono),
            Some(ThemeName::Light) => Some(Theme::Light),
            Some(ThemeName::HighContrast) => Some(Theme::HighContrast),
            Some(ThemeName::Own) => own,
        };
        Ok(Self {
            operator,
            role: Role::Admin,
            banner: None,
            theme: if variable("NO_COLOR").is_some() { Theme::Mono } else { named.unwrap_or_default() },
            ascii: console.look.ascii.unwrap_or(!is_utf8(locale.as_deref())),
            ssh: variable("SSH_CONNECTION").is_some(),
            tmux: variable("TMUX").is_some() || variable("TERM").is_some_and(|term| term.starts_with("tmux")),
            partners,
            filter: console.start.filter.clone(),
            all: console.start.all,
            view: match console.start.view {
                StartView::Tenants => View::Tenants,
                StartView::Runs => View::Runs,
            },
            privacy: console.look.privacy,
            mouse: console.look.mouse,
            keymap: Keymap::of(file, &app::tables())?,
            own,
            language: Language::default(),
            export_dir: None,
            fetched_from: None,
        })
    }

    /// Whether the screen that it starts with can use the filter.
    pub fn check_filter(&self) -> Result<(), FilterError> {
        screens::check_filter(self.view, &self.filter)
    }
}

/// Whether the name of a locale says UTF-8.
fn is_utf8(locale: Option<&str>) -> bool {
    locale.is_some_and(|name| {
        let name = name.to_lowercase();
        name.contains("utf-8") || name.contains("utf8")
    })
}

/// The theme of an operator's own file.
fn own_theme(file: &ConsoleFile) -> Result<Option<Theme>, ConfigError> {
    if file.console.theme.is_empty() {
        return Ok(None);
    }
    let mut own = OwnTheme::on(Theme::Plain);
    for (meaning, look) in &file.console.theme {
        own.set(meaning, look.value()).map_err(|why| file.wrong(&format!("theme.{meaning}"), look, why))?;
    }
    Ok(Some(Theme::Own(own)))
}

/// Why the console was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// The operator left it.
    Left,
    /// SIGTERM.
    Terminated,
    /// SIGHUP, or the terminal is gone: nothing can be read from it or written to it.
    TerminalLost,
    /// A panic.
    Defect,
}

impl ExitReason {
    /// The exit code that a shell expects.
    pub const fn code(self) -> u8 {
        match self {
            ExitReason::Left => 0,
            ExitReason::Defect => 70,
            ExitReason::TerminalLost => 129,
            ExitReason::Terminated => 143,
        }
    }
}

/// How long an Esc is held until it counts: what a slow line tears apart comes within that.
const ESC: Duration = Duration::from_millis(50);
/// The same over SSH.
const ESC_OVER_SSH: Duration = Duration::from_millis(100);
/// How many facts are taken before keys are looked at again.
const FACTS_AT_ONCE: usize = 4096;

/// Runs the console on a client until it is left. The terminal is restored on every way out, and after a signal, after
/// a panic or without a terminal the process is gone within a second, whatever hangs.
///
/// Call it from the thread that blocks on a runtime of several threads: signals are heard beside it, and a panic there
/// restores the terminal before it is told.
pub async fn run(mut client: Client, clock: Clock, options: Options) -> Result<ExitReason> {
    let mut ended = ended()?;
    let mut resized = signal(SignalKind::window_change())?;
    let mut continued = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    let mut terminal = Terminal::open()?;
    let mut keyboard = Keyboard::listen(if options.ssh { ESC_OVER_SSH } else { ESC })?;
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
            return Ok(lost());
        }
        hand_over(&mut app, &client, &scribe, now);
        // What is due is shown when the terminal has taken what was written before.
        let until = if terminal.is_behind() { None } else { app.deadline() };
        let mut events = tokio::select! {
            biased;
            reason = &mut ended => return Ok(reason.unwrap_or(ExitReason::Terminated)),
            _ = resized.recv() => vec![terminal.resized()],
            // Whoever had the terminal meanwhile has left traces.
            _ = continued.recv() => match terminal.set_up() {
                Ok(event) => vec![event],
                Err(_) => return Ok(lost()),
            },
            written = terminal.catch_up(), if terminal.is_behind() => {
                if written.is_err() {
                    return Ok(lost());
                }
                Vec::new()
            }
            batch = keyboard.next() => {
                let Some(batch) = batch else { return Ok(lost()) };
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
                app.input(&event, clock.now());
            }
            events = keyboard.ready();
            if events.is_empty() || app.left().is_some() {
                break;
            }
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

/// Hears the signals that end the console, beside it: from then on the process is gone soon, whatever the console does.
fn ended() -> std::io::Result<tokio::sync::oneshot::Receiver<ExitReason>> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (tell, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let reason = tokio::select! {
            _ = hangup.recv() => ExitReason::TerminalLost,
            _ = terminate.recv() => ExitReason::Terminated,
        };
        gone_soon(reason);
        // The console may have been left meanwhile.
        let _ = tell.send(reason);
    });
    Ok(told)
}

/// The terminal is gone, and the process follows it soon.
fn lost() -> ExitReason {
    gone_soon(ExitReason::TerminalLost);
    ExitReason::TerminalLost
}

/// Draws if something is due, and hands over what was copied: one write, unless the terminal still takes the last one.
fn show(terminal: &mut Terminal, app: &mut App, now: Timestamp) -> std::io::Result<()> {
    if terminal.is_behind() {
        return Ok(());
    }
    if let Some(text) = app.take_copied() {
        terminal.copy(&text, app.in_tmux());
    }
    terminal.mouse(app.wants_mouse());
    if app.take_redraw() {
        terminal.again()?;
    }
    if app.is_due(now) {
        terminal.draw(app, now)?;
    }
    terminal.write()
}

/// Waits for a time of the clock.
async fn reach(until: Option<Timestamp>, clock: &Clock) {
    if let Some(until) = until {
        let wait = until.duration_since(clock.now());
        tokio::time::sleep(Duration::try_from(wait).unwrap_or_default()).await;
    }
}
