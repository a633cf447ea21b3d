//! The console without a terminal: events in, a picture out.

mod command;
mod draw;
mod export;
mod others;
mod plain;
mod press;
mod tables;

use crossterm::event::Event as Input;
use jiff::{SignedDuration, Timestamp};

use super::keys::Key;
use super::overlays::{Answer, Overlay, Question};
use super::page::LEAST;
use super::screens::{Cx, Effect, Notes, Screen, ScreenId, open, probe};
use super::words;
use super::{ExitReason, Options, View};
use crate::model::{Change, Command, Event, Fleet, Key as TenantKey, Look, RunId, RunKind, RunState};

pub use tables::keys_page;
pub(crate) use tables::tables;

/// Facts are drawn at most this often.
const BETWEEN_DRAWS: SignedDuration = SignedDuration::from_millis(500);
/// How long the engine's first picture is waited for out of sight.
const FIRST: SignedDuration = SignedDuration::from_millis(100);

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
    others: others::Others,
    last: Option<ScreenId>,
    overlay: Option<Overlay>,
    message: Option<Message>,
    pending: Option<Pending>,
    /// Probes that this operator waits for: their ends are told in the message row.
    probe: Option<RunId>,
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
    notes: Notes,
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
            others: others::Others::default(),
            last: None,
            overlay: None,
            message: None,
            pending: None,
            probe: None,
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
            notes: Notes::default(),
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
                self.came_back(now);
                self.export_changed(now);
                self.draw_by(now);
            }
            Event::Change(change) => {
                self.fleet.apply(&change);
                self.stale = true;
                self.heard(now);
                self.export_changed(now);
                if let Change::RunEnded { run, .. } = &*change {
                    self.probed(*run, now);
                }
                let next = self.drawn_at.map_or(now, |drawn| drawn.checked_add(BETWEEN_DRAWS).unwrap_or(now));
                self.draw_by(next.max(now));
            }
            Event::Accepted { run, joined, by } => {
                let follow = self.pending.take().is_some_and(|pending| pending.follow);
                let probes = self.fleet.runs.get(&run).filter(|run| run.kind == RunKind::Probe);
                let begun = probes.map(|run| format!("run {} probes {}", run.id, probe::whom(run, &self.fleet)));
                self.probe = probes.map(|run| run.id).or(self.probe);
                let text = match (joined, by) {
                    (0, _) => begun.unwrap_or_else(|| format!("run {run} started")),
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
                self.probed(run, now);
            }
            Event::Seen(seen) if seen.look.is_export() => self.export_seen(*seen, now),
            Event::Seen(seen) => {
                if self.asked.as_ref() == Some(&seen.look) {
                    let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
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
            Event::You { caller, last_here } => self.hear_you(&caller, last_here),
            Event::Present(present) => self.hear_present(present, now),
            Event::Lost { since, again } => self.hear_lost(since, again, now),
            Event::Over(why) => self.hear_over(why, now),
        }
    }

    /// Tells what came of a probe that was waited for, once it is over.
    fn probed(&mut self, run: RunId, now: Timestamp) {
        let over = self.fleet.runs.get(&run).filter(|run| run.state != RunState::Running);
        let Some(run) = over.filter(|run| self.probe == Some(run.id)) else { return };
        let answer = probe::answer(run, &Cx::new(&self.fleet, now, &self.options, &self.notes));
        self.probe = None;
        self.say(answer, false, now);
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
        if matches!(wish, Command::Look(look) if look.is_export()) {
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

    /// Lets time pass.
    pub fn tick(&mut self, now: Timestamp) {
        if self.begun_at.is_none() {
            // What is there at once is the first picture; a slow engine is waited for in sight.
            self.begun_at = Some(now);
            self.draw_by(now.checked_add(FIRST).unwrap_or(now));
        }
        if self.notes.wake.get().is_some_and(|at| at <= now) {
            self.stale = true;
            self.draw_by(now);
        }
    }

    /// When something is to be done without an event: a draw, an age that changes.
    pub fn deadline(&self) -> Option<Timestamp> {
        [self.draw_at, self.notes.wake.get()].into_iter().flatten().min()
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

    /// Whether a copy goes through a tmux.
    pub(crate) fn in_tmux(&self) -> bool {
        self.options.tmux
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
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
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
        self.tell_where();
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
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
            let screen = open(id, &Cx::new(&self.fleet, now, &self.options, &self.notes));
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

    fn back(&mut self, now: Timestamp) -> bool {
        if self.stack.len() < 2 {
            return false;
        }
        self.last = self.stack.pop().map(|screen| screen.id());
        self.turned();
        self.tell_kept(now);
        true
    }

    /// The last screen that shows a draft was left: it is said that the draft is not.
    fn tell_kept(&mut self, now: Timestamp) {
        let Some(ScreenId::Allocation(key) | ScreenId::AllocationPrices(key, _)) = &self.last else { return };
        let shows =
            |id: ScreenId| matches!(id, ScreenId::Allocation(of) | ScreenId::AllocationPrices(of, _) if of == *key);
        if self.notes.drafts.of(key).is_empty() || self.stack.iter().any(|screen| shows(screen.id())) {
            return;
        }
        let name = self.fleet.tenants.get(key).map_or_else(|| key.to_string(), |tenant| tenant.title().to_owned());
        let hint = self.options.keymap.hint("allocation");
        self.say(format!("the draft of {name} is kept; {hint} shows it again"), false, now);
    }

    /// What leaving the console takes: a yes, where a draft would be lost.
    fn asks_to_leave(&self, now: Timestamp) -> Effect {
        let drafts = self.notes.drafts.tenants();
        if drafts.is_empty() {
            return Effect::Leave;
        }
        let name = |key: &TenantKey| {
            self.fleet.tenants.get(key).map_or_else(|| key.to_string(), |tenant| tenant.title().to_owned())
        };
        let names: Vec<String> = drafts.iter().map(name).collect();
        let lines = vec![
            format!("Not saved: the draft of {}.", names.join(", ")),
            "It is lost with the console. Nothing of it was saved; what is in force stays.".to_owned(),
        ];
        let asks = "Leave all the same?".to_owned();
        Effect::Ask(Question::new("leave", lines, asks, Answer::Leave, now))
    }

    /// The question of leaving, if it is open.
    fn asks_whether_to_leave(&self) -> Option<String> {
        let Some(Overlay::Ask(question)) = &self.overlay else { return None };
        question.leaves()
    }

    fn path(&self, now: Timestamp) -> Vec<String> {
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        self.stack.last().map_or_else(Vec::new, |screen| screen.path(&cx))
    }
}
