//! The console without a terminal: events in, a picture out.

mod command;
mod draw;
mod export;
mod plain;

use std::cell::Cell;

use crossterm::event::{Event as Input, MouseButton, MouseEvent, MouseEventKind};
use jiff::{SignedDuration, Timestamp};

use super::keys::{Binding, Key, Shown, bind, find, show};
use super::listing::{KEYS as LIST_KEYS, Move};
use super::overlays::{FilterInput, Outcome, Overlay, Reader, help};
use super::page::{LEAST, Line, PANE_FROM};
use super::screens::{CopyItem, Cx, Effect, Screen, ScreenId, open};
use super::words;
use super::{ExitReason, Options, View};
use crate::model::{Command, Event, Fleet, Look};

/// Facts are drawn at most this often.
const BETWEEN_DRAWS: SignedDuration = SignedDuration::from_millis(500);
/// The most bytes of base64 that are sent to a terminal's clipboard.
const COPY_LIMIT: usize = 74_994;

/// How long the engine's first picture is waited for out of sight.
const FIRST: SignedDuration = SignedDuration::from_millis(100);
/// Rows that a notch of the wheel moves.
const WHEEL: usize = 3;

/// What every screen does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Common {
    Back,
    Quit,
    Leave,
    Help,
    Runs,
    Last,
    Copy,
    Export,
    Pane,
    Other,
    Privacy,
    Redraw,
    Line,
}

#[rustfmt::skip]
const KEYS: &[Binding<Common>] = &[
    bind(&[Key::Char('R')], Common::Runs, "runs", "runs", "list of runs"),
    bind(&[Key::Char(':')], Common::Line, "command", "", "a command: Tab completes, Up brings lines of before"),
    bind(&[Key::Char('y')], Common::Copy, "copy", "", "copy: then a letter"),
    bind(&[Key::Char('x')], Common::Export, "export", "", "export what is shown, as a file"),
    bind(&[Key::Char('-')], Common::Last, "last-view", "", "last view"),
    bind(&[Key::Char('w')], Common::Pane, "pane", "", "right pane on or off, from 120 columns"),
    bind(&[Key::Tab], Common::Other, "other-pane", "", "scroll the right pane, or the list again; from 120 columns"),
    bind(&[Key::Char('P')], Common::Privacy, "privacy", "", "privacy: mask people, or show them"),
    bind(&[Key::Ctrl('l')], Common::Redraw, "redraw", "", "draw all again"),
    bind(&[Key::Esc, Key::Backspace], Common::Back, "back", "", "one step back"),
    bind(&[Key::Char('q')], Common::Quit, "quit", "", "back; at top: leave"),
    bind(&[Key::Ctrl('c')], Common::Leave, "leave", "", "leave at once; what runs goes on where there is a service"),
    bind(&[Key::Char('?')], Common::Help, "help", "keys", "this help"),
];

/// Something in the message row.
#[derive(Debug)]
struct Message {
    text: String,
    at: Timestamp,
    error: bool,
}

/// A wish that is on its way.
#[derive(Debug)]
struct Pending {
    since: Timestamp,
    /// Whether to open the run that comes of it: as long as the operator has done nothing else.
    follow: bool,
}

/// The console's state.
pub struct App {
    options: Options,
    fleet: Fleet,
    /// When the engine last told something; absent before its first word.
    heard_at: Option<Timestamp>,
    /// When the console was first let go on.
    begun_at: Option<Timestamp>,
    /// Since when the engine is gone.
    gone_at: Option<Timestamp>,
    stack: Vec<Box<dyn Screen>>,
    last: Option<ScreenId>,
    overlay: Option<Overlay>,
    message: Option<Message>,
    pending: Option<Pending>,
    wishes: Vec<Command>,
    /// Lines of commands that were done, newest last.
    lines: Vec<String>,
    /// What was asked for last; absent where another screen asked, or where it could not be handed over.
    asked: Option<Look>,
    copied: Option<String>,
    exports: export::Exports,
    pane: bool,
    /// The first line of the right pane that is shown, while keys scroll it.
    pane_at: Option<usize>,
    size: (u16, u16),
    left: Option<ExitReason>,
    redraw: bool,
    stale: bool,
    draw_at: Option<Timestamp>,
    drawn_at: Option<Timestamp>,
    wake: Cell<Option<Timestamp>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<ScreenId> = self.stack.iter().map(|screen| screen.id()).collect();
        f.debug_struct("App").field("stack", &ids).field("overlay", &self.overlay).finish_non_exhaustive()
    }
}

impl App {
    /// A console that has heard nothing yet.
    pub fn new(mut options: Options) -> Self {
        options.keymap.learn(&tables());
        let mut app = Self {
            options,
            fleet: Fleet::default(),
            heard_at: None,
            begun_at: None,
            gone_at: None,
            stack: Vec::new(),
            last: None,
            overlay: None,
            message: None,
            pending: None,
            wishes: Vec::new(),
            lines: Vec::new(),
            asked: Some(Look::Away),
            copied: None,
            exports: export::Exports::default(),
            pane: true,
            pane_at: None,
            size: (0, 0),
            left: None,
            redraw: false,
            stale: false,
            draw_at: None,
            drawn_at: None,
            wake: Cell::new(None),
        };
        app.push(&ScreenId::Tenants, Timestamp::UNIX_EPOCH);
        match app.options.view {
            View::Tenants => {}
            View::Runs => {
                app.push(&ScreenId::Runs, Timestamp::UNIX_EPOCH);
                let filter = app.options.filter.clone();
                app.filter(&filter, false, Timestamp::UNIX_EPOCH);
            }
        }
        app.last = None;
        app.draw_at = None;
        app
    }

    /// Hears an event of the engine.
    pub fn hear(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Hello(fleet) => {
                self.fleet = *fleet;
                self.stale = true;
                self.heard(now);
                self.export_changed(now);
                self.draw_by(now);
            }
            Event::Change(change) => {
                self.fleet.apply(&change);
                self.stale = true;
                self.heard(now);
                self.export_changed(now);
                let next = self.drawn_at.map_or(now, |drawn| drawn.checked_add(BETWEEN_DRAWS).unwrap_or(now));
                self.draw_by(next.max(now));
            }
            Event::Accepted { run, joined, by } => {
                let follow = self.pending.take().is_some_and(|pending| pending.follow);
                let text = match (joined, by) {
                    (0, _) => format!("run {run} started"),
                    (_, Some(by)) if by == self.options.operator.as_str() => {
                        format!("joins run {run}, which you started")
                    }
                    (_, Some(by)) => format!("joins run {run}, which {by} started"),
                    (n, None) => format!("run {run} started; {} read in another run", words::of(n, "tenant")),
                };
                let text =
                    if follow { text } else { format!("{text}   {} shows runs", self.options.keymap.hint("runs")) };
                self.say(text, false, now);
                if follow {
                    self.push(&ScreenId::Run(run), now);
                }
            }
            Event::Seen(seen) if matches!(seen.look, Look::Export(_)) => self.export_seen(*seen, now),
            Event::Seen(seen) => {
                if self.asked.as_ref() == Some(&seen.look) {
                    let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
                    if let Some(screen) = self.stack.last_mut() {
                        screen.seen(&seen, &cx);
                    }
                    self.draw_by(now);
                }
            }
            Event::Done(text) => {
                self.pending = None;
                self.say(text.to_string(), false, now);
            }
            Event::Refused(text) => {
                self.pending = None;
                self.say(format!("refused: {text}"), true, now);
            }
        }
    }

    /// The engine ended: what is shown stays and nothing can be started.
    pub fn closed(&mut self, now: Timestamp) {
        if self.gone_at.is_none() {
            self.gone_at = Some(now);
            self.pending = None;
            self.export_closed(now);
            self.draw_by(now);
        }
    }

    /// A wish could not be handed over, since too many are on their way. What was to be seen is asked for again.
    pub fn busy(&mut self, wish: &Command, now: Timestamp) {
        if matches!(wish, Command::Look(Look::Export(_))) {
            return self.window_is_busy(now);
        }
        if matches!(wish, Command::Look(_)) {
            self.asked = None;
            self.draw_by(now.checked_add(BETWEEN_DRAWS).unwrap_or(now));
            return;
        }
        self.pending = None;
        self.say("busy: the wish was not taken; try again".to_owned(), true, now);
    }

    /// Takes an event of the terminal.
    pub fn input(&mut self, input: &Input, now: Timestamp) {
        match input {
            Input::Key(event) => {
                if let Some(key) = Key::of(*event) {
                    self.press(key, now);
                }
            }
            Input::Paste(text) => self.paste(text, now),
            Input::Resize(width, height) => {
                self.size = (*width, *height);
                self.draw_by(now);
            }
            Input::Mouse(event) if self.options.mouse && !self.too_small() => self.mouse(*event, now),
            Input::FocusGained | Input::FocusLost | Input::Mouse(_) => {}
        }
    }

    /// The wheel moves as the arrows do; a click puts the cursor on a row.
    fn mouse(&mut self, event: MouseEvent, now: Timestamp) {
        #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm knows drags and moves; we use wheel and click")]
        let wheel = match event.kind {
            MouseEventKind::ScrollUp => Key::Up,
            MouseEventKind::ScrollDown => Key::Down,
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
                if let Some(screen) = self.stack.last_mut() {
                    screen.click(event.row, &cx);
                }
                self.draw_by(now);
                return;
            }
            _ => return,
        };
        for _ in 0..WHEEL {
            match &mut self.overlay {
                Some(overlay) if overlay.covers() => {
                    overlay.press(wheel, now);
                }
                Some(_) => {}
                None => self.do_key(wheel, now),
            }
        }
        self.draw_by(now);
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Timestamp) {
        if self.begun_at.is_none() {
            // What is there at once is the first picture; a slow engine is waited for in sight.
            self.begun_at = Some(now);
            self.draw_by(now.checked_add(FIRST).unwrap_or(now));
        }
        if self.wake.get().is_some_and(|at| at <= now) {
            self.stale = true;
            self.draw_by(now);
        }
    }

    /// When something is to be done without an event: a draw, an age that changes.
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.draw_at, self.wake.get()].into_iter().flatten().min()
    }

    /// Whether something is to be drawn.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.draw_at.is_some_and(|at| at <= now)
    }

    /// Why the console is to be left.
    pub fn left(&self) -> Option<ExitReason> {
        self.left
    }

    /// Wishes for the engine, in order.
    pub fn take_wishes(&mut self) -> Vec<Command> {
        std::mem::take(&mut self.wishes)
    }

    /// A text for the terminal's clipboard.
    pub fn take_copied(&mut self) -> Option<String> {
        self.copied.take()
    }

    /// Whether the terminal is to tell of its mouse.
    pub fn wants_mouse(&self) -> bool {
        self.options.mouse
    }

    /// Whether all is to be drawn anew, whatever the terminal shows.
    pub fn take_redraw(&mut self) -> bool {
        std::mem::take(&mut self.redraw)
    }

    /// The screen on top.
    pub(crate) fn screen(&self) -> Option<ScreenId> {
        self.stack.last().map(|screen| screen.id())
    }

    /// What `y` would copy first: the id of what the cursor is on.
    #[cfg(test)]
    pub(crate) fn at_cursor(&self, now: Timestamp) -> Option<String> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        self.stack.last()?.copies(&cx).into_iter().next().map(|item| item.text)
    }

    fn heard(&mut self, now: Timestamp) {
        self.heard_at = Some(now);
        self.gone_at = None;
    }

    fn draw_by(&mut self, at: Timestamp) {
        self.draw_at = Some(self.draw_at.map_or(at, |before| before.min(at)));
    }

    fn say(&mut self, text: String, error: bool, now: Timestamp) {
        self.message = Some(Message { text, at: now, error });
        self.draw_by(now);
    }

    /// Asks for what the screen on top wants to see, once.
    fn look(&mut self, now: Timestamp) {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        let wanted = self.stack.last().and_then(|screen| screen.look(&cx)).unwrap_or(Look::Away);
        if self.asked.as_ref() != Some(&wanted) && self.gone_at.is_none() && self.heard_at.is_some() {
            self.asked = Some(wanted.clone());
            self.wishes.push(Command::Look(wanted));
        }
        self.ask_window();
    }

    fn too_small(&self) -> bool {
        self.size.0 < LEAST.0 || self.size.1 < LEAST.1
    }

    fn push(&mut self, id: &ScreenId, now: Timestamp) {
        let before = self.screen();
        if before.as_ref() != Some(id) {
            self.last = before;
        }
        if let Some(at) = self.stack.iter().position(|screen| screen.id() == *id) {
            self.stack.truncate(at + 1);
        } else {
            let screen = open(id, &Cx::new(&self.fleet, now, &self.options, &self.wake));
            self.stack.push(screen);
        }
        self.turned();
        self.draw_by(now);
    }

    /// Another screen is on top: it has not asked for anything yet.
    fn turned(&mut self) {
        self.stale = true;
        self.pane_at = None;
        if self.asked != Some(Look::Away) {
            self.asked = None;
        }
    }

    fn back(&mut self) -> bool {
        if self.stack.len() < 2 {
            return false;
        }
        self.last = self.stack.pop().map(|screen| screen.id());
        self.turned();
        true
    }

    fn paste(&mut self, text: &str, now: Timestamp) {
        if let Some(Overlay::Filter(input)) = &mut self.overlay {
            let text = input.paste(text);
            self.filter(&text, true, now);
            self.draw_by(now);
        } else if let Some(Overlay::Command(line)) = &mut self.overlay {
            line.paste(text);
            self.offer(now);
            self.draw_by(now);
        } else {
            self.say("paste ignored here".to_owned(), false, now);
        }
    }

    /// Does what a key does.
    pub(crate) fn press(&mut self, key: Key, now: Timestamp) {
        self.draw_by(now);
        if let Some(pending) = &mut self.pending {
            pending.follow = false;
        }
        if key == Key::Ctrl('c') {
            self.left = Some(ExitReason::Left);
            return;
        }
        if self.size != (0, 0) && self.too_small() && !matches!(key, Key::Char('q' | '?')) {
            return;
        }
        if self.message.as_ref().is_some_and(|message| !message.error) {
            self.message = None;
        }
        self.export_was_read(now);
        if key == Key::Ctrl('l') {
            self.redraw = true;
            return;
        }
        if let (Some(Overlay::Text(reader)), Some(Common::Export)) = (&self.overlay, find(KEYS, key)) {
            return self.export_text(reader.text(), now);
        }
        if let Some(overlay) = &mut self.overlay {
            let outcome = overlay.press(key, now);
            self.outcome(outcome, key, now);
            return;
        }
        let meant =
            if self.options.keymap.is_plain() { Some(key) } else { self.options.keymap.meant(key, &self.table(now)) };
        match meant {
            Some(key) => self.do_key(key, now),
            None => self.nothing(key, now),
        }
    }

    /// Does what a key of the tables does on the screen on top.
    fn do_key(&mut self, key: Key, now: Timestamp) {
        if self.scroll_pane(key) || key == Key::Esc && self.stop_export(now) {
            return;
        }
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        if let Some(effect) = self.stack.last_mut().and_then(|screen| screen.press(key, &cx)) {
            self.effect(effect, now);
        } else if let Some(act) = find(KEYS, key) {
            self.common(act, now);
        } else {
            self.nothing(key, now);
        }
    }

    /// While the right pane has the keys, those that move scroll it. Drawing holds it within its text.
    fn scroll_pane(&mut self, key: Key) -> bool {
        let Some(at) = &mut self.pane_at else { return false };
        let page = usize::from(self.size.1.saturating_sub(5)).max(1);
        *at = match find(LIST_KEYS, key) {
            Some(Move::Up) => at.saturating_sub(1),
            Some(Move::Down) => *at + 1,
            Some(Move::PageUp) => at.saturating_sub(page),
            Some(Move::PageDown) => *at + page,
            Some(Move::First) => 0,
            Some(Move::Last) => usize::MAX / 2,
            Some(_) | None => {
                let back = matches!(key, Key::Esc | Key::Backspace);
                if back {
                    self.pane_at = None;
                }
                return back;
            }
        };
        true
    }

    /// Why there is no right pane.
    fn no_pane(&self) -> Option<String> {
        if self.size.0 < PANE_FROM {
            return Some(format!("the right pane opens from {PANE_FROM} columns on"));
        }
        (!self.pane).then(|| format!("the right pane is closed: {} opens it", self.options.keymap.hint("pane")))
    }

    fn nothing(&mut self, key: Key, now: Timestamp) {
        let help = self.options.keymap.hint("help");
        self.say(format!("{key} does nothing here   {help} shows the keys"), false, now);
    }

    fn outcome(&mut self, outcome: Outcome, key: Key, now: Timestamp) {
        match outcome {
            Outcome::Stay => self.offer(now),
            Outcome::Command(line) => self.command(&line, now),
            Outcome::Close => self.overlay = None,
            Outcome::Then(effect) => {
                self.overlay = None;
                self.effect(effect, now);
            }
            Outcome::Say(text) => self.say(text, false, now),
            Outcome::Filter(text, stays) => {
                self.filter(&text, stays, now);
                if !stays {
                    self.overlay = None;
                }
            }
            Outcome::Pass => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
                self.stack.last_mut().and_then(|screen| screen.press(key, &cx));
            }
            Outcome::Copied(item) => {
                self.overlay = None;
                self.copy(item, now);
            }
        }
    }

    fn filter(&mut self, text: &str, stays: bool, now: Timestamp) {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        let Some(screen) = self.stack.last_mut() else { return };
        let error = screen.set_filter(text, &cx).err().map(|error| error.to_string());
        if let (Some(Overlay::Filter(input)), true) = (&mut self.overlay, stays) {
            input.error = error;
        }
    }

    fn copy(&mut self, item: CopyItem, now: Timestamp) {
        if item.text.len().div_ceil(3) * 4 > COPY_LIMIT {
            let lines = item.text.lines().map(Line::from).collect();
            self.overlay = Some(Overlay::Text(Reader::new(format!("too long to copy: {}", item.what), lines)));
            return;
        }
        let n = words::of(item.text.chars().count() as u64, "character");
        self.say(format!("sent to your terminal: {} ({n}); it may refuse", item.what), false, now);
        self.copied = Some(item.text);
    }

    fn effect(&mut self, effect: Effect, now: Timestamp) {
        match effect {
            Effect::Nothing => {}
            Effect::Look => self.asked = None,
            Effect::Say(text) => self.say(text, false, now),
            Effect::Send(_) if self.gone_at.is_some() => {
                self.say("the server is gone: nothing can be started".to_owned(), true, now);
            }
            Effect::Send(command) => {
                let follow = matches!(command, Command::Import { .. } | Command::Sync { .. });
                self.pending = Some(Pending { since: now, follow });
                self.wishes.push(command);
            }
            Effect::Open(id) => self.push(&id, now),
            Effect::Narrow(id, filter) => {
                self.push(&id, now);
                self.filter(&filter, false, now);
            }
            Effect::Ask(question) => self.overlay = Some(Overlay::Ask(question)),
            Effect::Copy(items) => self.overlay = Some(Overlay::Copy(items)),
            Effect::Show { title, lines } => self.overlay = Some(Overlay::Text(Reader::new(title, lines))),
            Effect::Filter => {
                let text = self.stack.last().map(|screen| screen.filter()).unwrap_or_default();
                self.overlay = Some(Overlay::Filter(FilterInput::new(&text)));
            }
        }
    }

    fn common(&mut self, act: Common, now: Timestamp) {
        match act {
            Common::Back => {
                self.back();
            }
            Common::Quit => {
                if !self.back() {
                    self.left = Some(ExitReason::Left);
                }
            }
            Common::Leave => self.left = Some(ExitReason::Left),
            Common::Help => {
                let keys = self.keys(now);
                let title = self.path(now).last().cloned().unwrap_or_default();
                self.overlay = Some(Overlay::Help(help(&title, &keys)));
            }
            Common::Runs if self.screen() == Some(ScreenId::Runs) => {
                self.say("this is the list of runs".to_owned(), false, now);
            }
            Common::Runs => self.push(&ScreenId::Runs, now),
            Common::Last => match self.last.clone() {
                Some(id) => self.push(&id, now),
                None => self.say("no view before this one".to_owned(), false, now),
            },
            Common::Copy => {
                let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
                let items = self.stack.last().map_or_else(Vec::new, |screen| screen.copies(&cx));
                if items.is_empty() {
                    self.say("nothing here to copy".to_owned(), false, now);
                } else {
                    self.effect(Effect::Copy(items), now);
                }
            }
            Common::Export => self.export(now),
            Common::Pane => {
                self.pane = !self.pane;
                self.pane_at = None;
                if self.size.0 < PANE_FROM {
                    let is = if self.pane { "opens" } else { "stays closed" };
                    self.say(format!("the right pane {is} from {PANE_FROM} columns on"), false, now);
                }
            }
            Common::Privacy => {
                self.options.privacy = !self.options.privacy;
                let said = if self.options.privacy { "people are masked" } else { "people are shown" };
                self.say(said.to_owned(), false, now);
            }
            Common::Redraw => self.redraw = true,
            Common::Line => self.open_line(now),
            Common::Other => match (self.no_pane(), self.pane_at) {
                (Some(why), _) => self.say(why, false, now),
                (None, None) => self.pane_at = Some(0),
                (None, Some(_)) => self.pane_at = None,
            },
        }
    }

    /// All keys that count on the screen on top, each once, as an operator presses them.
    pub(crate) fn keys(&self, now: Timestamp) -> Vec<Shown> {
        self.options.keymap.show(self.table(now))
    }

    /// The same, by the tables' own keys.
    fn table(&self, now: Timestamp) -> Vec<Shown> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        let mut keys = self.stack.last().map_or_else(Vec::new, |screen| screen.keys(&cx));
        keys.extend(show(KEYS, |act| match act {
            Common::Last if self.last.is_none() => Some("no view before this one".to_owned()),
            Common::Runs if self.screen() == Some(ScreenId::Runs) => Some("this is the list of runs".to_owned()),
            Common::Other => self.no_pane(),
            Common::Back
            | Common::Quit
            | Common::Leave
            | Common::Help
            | Common::Runs
            | Common::Last
            | Common::Copy
            | Common::Export
            | Common::Pane
            | Common::Privacy
            | Common::Line
            | Common::Redraw => None,
        }));
        keys
    }

    fn path(&self, now: Timestamp) -> Vec<String> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.wake);
        self.stack.last().map_or_else(Vec::new, |screen| screen.path(&cx))
    }
}

/// Every screen by the name that documentation and errors give it.
fn all_screens() -> Vec<(&'static str, ScreenId)> {
    let tenant = crate::model::Key { partner: "".into(), tenant: crate::model::TenantId::new(uuid::Uuid::nil()) };
    vec![
        ("Tenants", ScreenId::Tenants),
        ("Tenant", ScreenId::Why(tenant.clone())),
        ("Licenses", ScreenId::Licenses(tenant.clone())),
        ("Users", ScreenId::Users(tenant.clone())),
        ("Counts", ScreenId::Counts(tenant.clone(), String::new())),
        ("History", ScreenId::History(tenant)),
        ("Runs", ScreenId::Runs),
        ("Run", ScreenId::Run(crate::model::RunId(0))),
    ]
}

/// The key tables of all screens, each with its name.
pub(crate) fn tables() -> Vec<(&'static str, Vec<Shown>)> {
    let (fleet, options, wake) = (Fleet::default(), Options::default(), Cell::new(None));
    let cx = Cx::new(&fleet, Timestamp::UNIX_EPOCH, &options, &wake);
    let rows = |id: &ScreenId| {
        let mut rows = open(id, &cx).keys(&cx);
        rows.extend(show(KEYS, |_| None));
        rows
    };
    all_screens().into_iter().map(|(name, id)| (name, rows(&id))).collect()
}

/// The documentation of all keys and commands, as a page: read off the screens' tables.
pub fn keys_page() -> String {
    let mut page = String::from(
        "# Keys\n\nGenerated from the screens' key tables. A letter means the same on every screen, or it is not bound \
         there. An operator binds other keys by the names in the last column: see `config/console.toml`.\n",
    );
    let cell = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace('*', "\\*");
    for (name, rows) in tables() {
        page = format!("{page}\n## {name}\n\n| key | does | name |\n|---|---|---|\n");
        for row in rows {
            page = format!("{page}| {} | {} | {} |\n", cell(&row.names()), row.does, row.name);
        }
    }
    page.push_str(
        "\n## Commands\n\nTyped after `:`. The name of a key, typed so, does what the key does; these take something \
         behind their name.\n\n| command | does |\n|---|---|\n",
    );
    for command in crate::tui::palette::COMMANDS {
        page = format!("{page}| {} {} | {} |\n", command.name, cell(command.takes), cell(command.does));
    }
    page
}
