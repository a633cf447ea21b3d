#![expect(clippy::wildcard_enum_match_arm, reason = "most keys are bound to nothing in an overlay")]

use std::time::Duration;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use tui_input::Input;

use super::Options;
use super::confirm::{Answer, Confirm, Need, edit};
use super::frame::{self, Around};
use super::keys::{COMMON, Common, Key, find, rows};
use super::screens::Screen;
use super::theme::Theme;
use super::view::{Effect, Look, ScreenId, View};
use super::words;
use crate::model::{Change, Command, Event, Fleet, RunId};

/// What the loop is to do.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// Nothing but draw.
    Nothing,
    /// Send a wish.
    Send(Command),
    /// Send a text to the terminal's clipboard.
    Copy(String),
    /// Draw all again.
    Redraw,
    /// Leave.
    Quit,
}

/// What lies over a screen and takes its keys.
enum Overlay {
    None,
    Help {
        top: usize,
    },
    Confirm(Box<Confirm>),
    /// A filter while it is typed, and what it was before.
    Filter {
        typed: Input,
        before: String,
    },
    /// After `y`: what to copy.
    Copy,
}

/// The console without a terminal: keys and events in, pictures out.
pub struct App {
    options: Options,
    theme: Theme,
    fleet: Fleet,
    /// Where we are and how we came here; the last is shown.
    stack: Vec<Screen>,
    /// The view before, for `-`.
    last: Option<ScreenId>,
    overlay: Overlay,
    /// The message row, and when it was said.
    message: Option<(String, Option<Timestamp>)>,
    heard_at: Option<Timestamp>,
    gone_at: Option<Timestamp>,
    pane_open: bool,
    too_small: bool,
    page: isize,
    since_start: Duration,
}

impl App {
    /// Begins with the tenants.
    pub fn new(options: Options) -> Self {
        Self {
            theme: Theme::of(options.theme),
            options,
            fleet: Fleet::default(),
            stack: vec![Screen::of(&ScreenId::Tenants)],
            last: None,
            overlay: Overlay::None,
            message: None,
            heard_at: None,
            gone_at: None,
            pane_open: true,
            too_small: false,
            page: 10,
            since_start: Duration::ZERO,
        }
    }

    /// Hears an event of the engine.
    pub fn hear(&mut self, event: Event, now: Timestamp) {
        match event {
            Event::Hello(fleet) => {
                self.fleet = *fleet;
                self.heard_at = Some(now);
                self.follow(now);
            }
            Event::Change(change) => {
                self.fleet.apply(&change);
                self.heard_at = Some(now);
                self.note_end(&change, now);
                self.follow(now);
            }
            Event::Accepted { run, joined, by } => {
                let said = match (joined, by) {
                    (0, _) => format!("run {run} started"),
                    (n, Some(by)) => format!("joins run {run}, started by {by}: {}", words::plural(n, "tenant")),
                    (n, None) => format!("run {run} started; {} joined", words::plural(n, "tenant")),
                };
                self.message = Some((said, Some(now)));
                self.open(&ScreenId::Run(run), now);
            }
            Event::Done(said) => self.message = Some((said.to_string(), Some(now))),
            Event::Refused(why) => self.message = Some((format!("refused: {why}"), Some(now))),
        }
    }

    /// The end of a run is worth a message, wherever one looks.
    fn note_end(&mut self, change: &Change, now: Timestamp) {
        if let Change::RunEnded { run, .. } = change
            && let Some(run) = self.fleet.runs.get(run)
        {
            let said = format!("run {} over: {} of {} saved", run.id, run.ok, words::plural(run.tenants, "tenant"));
            self.message = Some((said, Some(now)));
        }
    }

    fn follow(&mut self, now: Timestamp) {
        let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
        for screen in &mut self.stack {
            screen.follow(look);
        }
    }

    /// The engine is gone: what is shown stays, and says so.
    pub fn engine_gone(&mut self, now: Timestamp) {
        self.gone_at = Some(now);
    }

    /// Says something in the message row.
    pub fn say(&mut self, text: &str) {
        self.message = Some((text.to_owned(), None));
    }

    /// Pasted text goes into an input, and nowhere else.
    pub fn paste(&mut self, text: &str) {
        let clean: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        match &mut self.overlay {
            Overlay::Filter { typed, .. } => clean.chars().for_each(|c| edit(typed, Key::Char(c))),
            Overlay::Confirm(confirm) if confirm.need != Need::Yes => {
                clean.chars().for_each(|c| edit(&mut confirm.typed, Key::Char(c)));
            }
            Overlay::Confirm(_) | Overlay::None | Overlay::Help { .. } | Overlay::Copy => {
                self.say("paste ignored here");
            }
        }
        self.apply_filter();
    }

    /// Whether something on the screen counts seconds.
    pub fn counts_seconds(&self) -> bool {
        self.stack.last().is_some_and(|screen| screen.counts_seconds(&self.fleet))
    }

    /// Takes a key. `since_start` is the time since the console began: a question needs it.
    pub fn press(&mut self, key: Key, now: Timestamp, since_start: Duration) -> Outcome {
        self.since_start = since_start;
        if key == Key::Ctrl('c') {
            return Outcome::Quit;
        }
        if self.too_small {
            return match key {
                Key::Char('q') => Outcome::Quit,
                _ => Outcome::Nothing,
            };
        }
        match &mut self.overlay {
            Overlay::None => self.press_screen(key, now),
            Overlay::Help { top } => {
                match key {
                    Key::Down | Key::Char('j') => *top += 1,
                    Key::Up | Key::Char('k') => *top = top.saturating_sub(1),
                    Key::PageDown => *top += 10,
                    Key::PageUp => *top = top.saturating_sub(10),
                    _ => self.overlay = Overlay::None,
                }
                Outcome::Nothing
            }
            Overlay::Confirm(confirm) => match confirm.press(key, since_start) {
                Answer::Open => Outcome::Nothing,
                Answer::No => {
                    self.overlay = Overlay::None;
                    self.say("nothing was done");
                    Outcome::Nothing
                }
                Answer::Yes(command) => {
                    self.overlay = Overlay::None;
                    Outcome::Send(*command)
                }
            },
            Overlay::Filter { typed, before } => {
                match key {
                    Key::Enter => self.overlay = Overlay::None,
                    Key::Esc => {
                        let before = std::mem::take(before);
                        self.overlay = Overlay::None;
                        self.set_filter(&before, now);
                    }
                    key => {
                        edit(typed, key);
                        self.apply_filter();
                    }
                }
                self.follow(now);
                Outcome::Nothing
            }
            Overlay::Copy => {
                self.overlay = Overlay::None;
                let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
                let what = match key {
                    Key::Char('i') => self.stack.last().and_then(|screen| screen.id_text(look)),
                    Key::Char('r') => self.stack.last().and_then(|screen| screen.row_text(look)),
                    _ => {
                        self.message = None;
                        return Outcome::Nothing;
                    }
                };
                if let Some(text) = what {
                    Outcome::Copy(text)
                } else {
                    self.say("nothing to copy here");
                    Outcome::Nothing
                }
            }
        }
    }

    fn apply_filter(&mut self) {
        if let Overlay::Filter { typed, .. } = &self.overlay {
            let text = typed.value().to_owned();
            let now = self.heard_at.unwrap_or_default();
            self.set_filter(&text, now);
        }
    }

    fn set_filter(&mut self, text: &str, now: Timestamp) {
        let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
        if let Some(screen) = self.stack.last_mut() {
            self.message = screen.set_filter(text, look).err().map(|why| (why, None));
        }
    }

    fn press_screen(&mut self, key: Key, now: Timestamp) -> Outcome {
        let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
        let effect = self.stack.last_mut().map_or(Effect::Unbound, |screen| screen.press(key, look));
        match effect {
            Effect::Nothing => {}
            Effect::Unbound => return self.press_common(key, now),
            Effect::Say(text) => self.say(&text),
            Effect::Open(id) => self.open(&id, now),
            Effect::Ask(mut confirm) => {
                confirm.shown(self.since_start);
                self.message = None;
                self.overlay = Overlay::Confirm(confirm);
            }
            Effect::Filter => {
                let before = self.stack.last().map(Screen::filter).unwrap_or_default();
                self.message = None;
                self.overlay = Overlay::Filter { typed: Input::new(before.clone()), before };
            }
        }
        Outcome::Nothing
    }

    fn press_common(&mut self, key: Key, now: Timestamp) -> Outcome {
        let Some(act) = find(COMMON, key) else { return Outcome::Nothing };
        let page = self.page;
        let screen = self.stack.last_mut();
        match (act, screen) {
            (Common::Up, Some(screen)) => screen.step(-1),
            (Common::Down, Some(screen)) => screen.step(1),
            (Common::PageUp, Some(screen)) => screen.step(-page),
            (Common::PageDown, Some(screen)) => screen.step(page),
            (Common::First, Some(screen)) => screen.step(isize::MIN),
            (Common::Last, Some(screen)) => screen.step(isize::MAX),
            (Common::Back, _) => self.back(),
            (Common::BackOrLeave, _) => {
                if self.stack.len() < 2 {
                    return Outcome::Quit;
                }
                self.back();
            }
            (Common::Leave, _) => return Outcome::Quit,
            (Common::Help, _) => self.overlay = Overlay::Help { top: 0 },
            (Common::LastView, _) => match self.last.take() {
                Some(id) => self.open(&id, now),
                None => self.say("there is no view before this one"),
            },
            (Common::Copy, _) => {
                self.overlay = Overlay::Copy;
                self.say("copy: i the id, r the row; any other key nothing");
            }
            (Common::Pane, _) => self.pane_open = !self.pane_open,
            (Common::Redraw, _) => return Outcome::Redraw,
            (Common::Refresh, Some(screen)) => {
                screen.refresh();
                self.follow(now);
            }
            (
                Common::Up
                | Common::Down
                | Common::PageUp
                | Common::PageDown
                | Common::First
                | Common::Last
                | Common::Refresh,
                None,
            ) => {}
        }
        Outcome::Nothing
    }

    fn back(&mut self) {
        if self.stack.len() > 1
            && let Some(left) = self.stack.pop()
        {
            self.last = Some(left.id());
        }
    }

    fn open(&mut self, id: &ScreenId, now: Timestamp) {
        if self.stack.last().is_some_and(|screen| screen.id() == *id) {
            return;
        }
        self.last = self.stack.last().map(Screen::id);
        if let Some(at) = self.stack.iter().position(|screen| screen.id() == *id) {
            self.stack.truncate(at + 1);
        } else {
            self.stack.push(Screen::of(id));
        }
        // A path that winds is cut at its beginning, the tenants stay.
        if self.stack.len() > 6 {
            self.stack.remove(1);
        }
        self.follow(now);
    }

    /// Draws the picture.
    pub fn render(&mut self, area: Rect, out: &mut Buffer, now: Timestamp) {
        let (width, height) = frame::LEAST;
        self.too_small = area.width < width || area.height < height;
        if self.too_small {
            frame::too_small(area, out);
            return;
        }
        let room = frame::room(area, self.pane_open);
        self.page = isize::try_from(room.rows.max(2) - 1).unwrap_or(10);
        let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
        let mut view = self.stack.last_mut().map_or_else(View::default, |screen| screen.view(look, room));
        if let Overlay::Help { top } = &mut self.overlay {
            let help = self.stack.last().map_or_else(Vec::new, |screen| screen.help(look));
            view = help_view(&view, help, top, room.rows, self.theme);
        }
        if let Overlay::Confirm(confirm) = &self.overlay {
            ask(&mut view, confirm, room.width, self.theme);
        }
        let message = self.message_line();
        let right = self.right(area.width);
        let around = Around { right: &right, message, pane_open: self.pane_open, theme: self.theme };
        frame::draw(area, out, &view, &around);
    }

    fn message_line(&self) -> Line<'static> {
        match &self.overlay {
            Overlay::Filter { typed, .. } => {
                let error = self.message.as_ref().map(|(text, _)| format!("   {text}")).unwrap_or_default();
                let (before, after) = split_at_cursor(typed);
                let mut chars = after.chars();
                let under = chars.next().unwrap_or(' ').to_string();
                Line::from(vec![
                    Span::styled("/", self.theme.question()),
                    Span::raw(before),
                    Span::styled(under, self.theme.cursor()),
                    Span::raw(chars.collect::<String>()),
                    Span::styled(error, self.theme.alert()),
                ])
            }
            Overlay::Confirm(confirm) if confirm.need != Need::Yes => {
                let typed = format!("type it, then Enter; Esc does nothing: {}_", confirm.typed.value());
                Line::styled(typed, self.theme.question())
            }
            Overlay::Confirm(_) => Line::styled("y yes, Esc no", self.theme.question()),
            Overlay::None | Overlay::Help { .. } | Overlay::Copy => match &self.message {
                Some((text, Some(at))) => Line::raw(format!("{} {text}", words::clock(*at))),
                Some((text, None)) => Line::raw(text.clone()),
                None => Line::default(),
            },
        }
    }

    /// The right end of row 1.
    fn right(&self, width: u16) -> String {
        let banner = &self.options.banner;
        let server = match self.gone_at {
            Some(at) => format!("ENGINE GONE since {}", words::clock(at)),
            None => "engine ok".to_owned(),
        };
        let of = self.heard_at.map_or_else(|| "no data yet".to_owned(), |at| format!("as of {}", words::clock(at)));
        let operator = words::fit(&self.options.operator, self.options.operator.len().min(12));
        if width < 100 && self.gone_at.is_none() {
            return format!("{operator} operate  {banner}  {of}");
        }
        format!("{operator} operate  {banner}  {server}  {of}")
    }

    /// The run that is shown, if one is.
    pub fn shown_run(&self) -> Option<RunId> {
        match self.stack.last().map(Screen::id) {
            Some(ScreenId::Run(run)) => Some(run),
            Some(ScreenId::Tenants | ScreenId::Runs | ScreenId::Why(_) | ScreenId::Licenses(_)) | None => None,
        }
    }

    #[cfg(test)]
    pub(super) fn cursor_text(&self, now: Timestamp) -> Option<String> {
        let look = Look { fleet: &self.fleet, options: &self.options, theme: self.theme, now };
        self.stack.last().and_then(|screen| screen.id_text(look))
    }

    #[cfg(test)]
    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }
}

/// Whether a fact is progress of a run, which need not be drawn at once.
pub(super) fn is_progress(change: &Change) -> bool {
    match change {
        Change::JobStarted { .. } | Change::Stepped { .. } | Change::JobDone { .. } | Change::Queued { .. } => true,
        Change::PartnerSignedIn { .. }
        | Change::PartnerRefused { .. }
        | Change::Listed { .. }
        | Change::RunStarted { .. }
        | Change::RunEnded { .. }
        | Change::Paused { .. }
        | Change::Resumed { .. }
        | Change::Reviewed { .. } => false,
    }
}

fn split_at_cursor(input: &Input) -> (String, String) {
    let at = input.cursor();
    (input.value().chars().take(at).collect(), input.value().chars().skip(at).collect())
}

/// The question stands in the detail strip, with the names that it is about.
fn ask(view: &mut View, confirm: &Confirm, width: usize, theme: Theme) {
    "question".clone_into(&mut view.rule);
    let mut lines: Vec<Line<'static>> =
        words::wrap(&confirm.question, width).into_iter().map(|line| Line::styled(line, theme.question())).collect();
    if !confirm.names.is_empty() {
        let names = confirm.names.join(", ");
        lines.extend(words::wrap(&names, width).into_iter().map(Line::raw));
    }
    view.detail = lines;
    view.footer = vec![("Esc".to_owned(), "do nothing")];
}

fn help_view(under: &View, help: Vec<(String, String)>, top: &mut usize, rows_shown: usize, theme: Theme) -> View {
    let mut lines: Vec<Line<'static>> = help
        .into_iter()
        .chain(rows(COMMON).into_iter().map(|(key, help)| (key, help.to_owned())))
        .map(|(key, help)| Line::from(vec![Span::styled(format!("  {key:<10}"), theme.key()), Span::raw(help)]))
        .collect();
    lines.insert(0, Line::styled("Keys of this screen, then those of every screen", theme.title()));
    *top = (*top).min(lines.len().saturating_sub(rows_shown));
    let all = lines.len();
    View {
        path: format!("{} > Keys", under.path),
        top: vec![
            Line::raw(format!("{all} lines; j and k move, any other key closes")),
            Line::default(),
            Line::default(),
        ],
        header: None,
        rows: lines.into_iter().skip(*top).take(rows_shown).collect(),
        cursor: None,
        rule: "states".to_owned(),
        detail: legend(),
        pane: Vec::new(),
        footer: vec![("any key".to_owned(), "closes")],
    }
}

/// What the states mean.
fn legend() -> Vec<Line<'static>> {
    let all: Vec<String> =
        crate::model::State::ALL.iter().map(|state| format!("{} {}", state.sign(), state.word())).collect();
    let mut lines: Vec<Line<'static>> = words::wrap(&all.join("  "), 78).into_iter().map(Line::raw).collect();
    lines.extend(
        crate::model::State::ALL
            .iter()
            .map(|state| Line::raw(format!("{} {:<9}{}", state.sign(), state.word(), state.meaning()))),
    );
    lines
}
