//! Tests that type: keys in, styled picture out.

mod allocation;
mod asking;
mod audit;
mod credentials;
mod diff;
mod due;
mod days;
mod export;
mod gallery;
mod live;
mod others;
mod own;
mod people;
mod random;
mod recorded;
mod rules;
mod selling;
pub(super) mod sample;
pub(super) mod stock;
mod tries;

use std::collections::BTreeMap;
use std::fmt::Write;

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::export::Writer;
use super::keys::Key;
use super::screens::ScreenId;
use super::{App, Keymap, Options, Theme, View, typed};
use crate::failure::PartnerFacts;
use crate::model::{Change, Command, Event, Fleet};

/// An operator at a desk: types, lets time pass, looks.
pub(super) struct Desk {
    pub(super) app: App,
    pub(super) now: Timestamp,
    size: (u16, u16),
    wished: Vec<Command>,
    /// Where exports go, and who writes them.
    dir: tempfile::TempDir,
    writer: Writer,
}

/// What customers may know of the sample's partner.
pub(super) fn us() -> PartnerFacts {
    PartnerFacts {
        name: "Northwind Cloud Services".into(),
        tenant: Some("8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44".parse().unwrap()),
        app: "License import".into(),
        app_id: Some("0f5b1c3e-7c1d-4b7e-8d0a-1f6f0d6b2a11".parse().unwrap()),
        account: "mfa.setup@partner.example".into(),
        address: "203.0.113.24".into(),
    }
}

pub(super) fn options() -> Options {
    Options {
        operator: "jdoe".to_owned(),
        role: crate::model::Role::Operate,
        banner: None,
        theme: Theme::Plain,
        ascii: false,
        ssh: false,
        tmux: false,
        partners: BTreeMap::from([("emea".into(), us())]),
        filter: String::new(),
        all: false,
        view: View::Tenants,
        privacy: false,
        mouse: false,
        keymap: Keymap::default(),
        own: None,
        language: crate::failure::Language::En,
        export_dir: None,
        fetched_from: None,
    }
}

impl Desk {
    /// A desk before the sample fleet.
    pub(super) fn new() -> Self {
        Self::of(sample::fleet(), options())
    }

    pub(super) fn of(fleet: Fleet, options: Options) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let writer = Writer::new(dir.path().to_owned());
        let (app, size, wished) = (App::new(options), (80, 24), Vec::new());
        let mut desk = Self { app, now: sample::now(), size, wished, dir, writer };
        desk.app.hear(Event::Hello(Box::new(fleet)), desk.now);
        desk.look(80, 24);
        desk
    }

    /// Types keys: characters, and names in angle brackets (`<Enter>`, `<Ctrl-r>`). Each takes 400 ms.
    pub(super) fn keys(mut self, text: &str) -> Self {
        self.press(text);
        self
    }

    pub(super) fn press(&mut self, text: &str) {
        for key in typed::keys(text).unwrap() {
            self.app.input(&Input::Key(event(key)), self.now);
            self.wait(400);
            let asks = |id: &ScreenId| {
                matches!(
                    id,
                    ScreenId::Users(_)
                        | ScreenId::Holders(..)
                        | ScreenId::Counts(..)
                        | ScreenId::History(_)
                        | ScreenId::Diff(_)
                        | ScreenId::Allocation(_)
                        | ScreenId::AllocationUsers(..)
                        | ScreenId::AllocationWhy(..)
                        | ScreenId::AllocationPrices(..)
                        | ScreenId::LicenseHistory(..)
                        | ScreenId::Audit(_)
                )
            };
            if self.app.screen().as_ref().is_some_and(asks) {
                self.look(self.size.0, self.size.1);
            }
        }
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, ms: i64) {
        self.now = self.now.checked_add(SignedDuration::from_millis(ms)).unwrap();
        self.app.tick(self.now);
    }

    pub(super) fn tell(&mut self, change: Change) {
        self.app.hear(Event::Change(change.into()), self.now);
    }

    /// The picture in a size.
    pub(super) fn look(&mut self, width: u16, height: u16) -> Buffer {
        self.size = (width, height);
        loop {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            self.app.draw(&mut buffer, self.now);
            if !self.attend() {
                return buffer;
            }
        }
    }

    /// Answers what the console wants to see, as an engine does. Whether there was something.
    fn attend(&mut self) -> bool {
        let (looks, wishes): (Vec<Command>, Vec<Command>) =
            self.app.take_wishes().into_iter().partition(|wish| matches!(wish, Command::Look(_)));
        self.wished.extend(wishes);
        let jobs = self.app.take_jobs();
        let any = !looks.is_empty() || !jobs.is_empty();
        for told in jobs.into_iter().filter_map(|job| self.writer.take(job)).collect::<Vec<_>>() {
            self.app.exported(told, self.now);
        }
        for look in looks {
            if let Command::Look(look) = look {
                self.app.hear(Event::Seen(Box::new(people::see(look))), self.now);
            }
        }
        any
    }

    /// The picture and its looks, as text.
    pub(super) fn picture(&mut self, width: u16, height: u16) -> String {
        picture(&self.look(width, height))
    }

    /// A row of the picture at 80x24.
    pub(super) fn row(&mut self, y: u16) -> String {
        row(&self.look(80, 24), y)
    }

    /// All text of the picture at 80x24.
    pub(super) fn text(&mut self) -> String {
        let buffer = self.look(80, 24);
        (0..24).map(|y| row(&buffer, y) + "\n").collect()
    }

    /// What was wished for since the last time.
    pub(super) fn wishes(&mut self) -> Vec<Command> {
        self.attend();
        std::mem::take(&mut self.wished)
    }
}

/// A key as [`Desk::press`] reads it.
pub(super) fn spell(key: Key) -> String {
    if let Key::Char(c) = key
        && c != ' '
    {
        return c.to_string();
    }
    format!("<{key}>")
}

/// What a terminal sends for a key.
fn event(key: Key) -> KeyEvent {
    let code = match key {
        Key::Char(c) => KeyCode::Char(c),
        Key::Ctrl(c) => return KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL),
        Key::Enter => KeyCode::Enter,
        Key::Esc => KeyCode::Esc,
        Key::Backspace => KeyCode::Backspace,
        Key::Delete => KeyCode::Delete,
        Key::Tab => KeyCode::Tab,
        Key::Up => KeyCode::Up,
        Key::Down => KeyCode::Down,
        Key::Left => KeyCode::Left,
        Key::Right => KeyCode::Right,
        Key::PageUp => KeyCode::PageUp,
        Key::PageDown => KeyCode::PageDown,
        Key::Home => KeyCode::Home,
        Key::End => KeyCode::End,
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

pub(super) fn row(buffer: &Buffer, y: u16) -> String {
    let mut text = String::new();
    let mut x = 0;
    while x < buffer.area.width {
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        x += u16::try_from(unicode_width::UnicodeWidthStr::width(symbol)).unwrap().max(1);
    }
    text.trim_end().to_owned()
}

/// Text of all rows, then the runs of cells that do not look plain.
fn picture(buffer: &Buffer) -> String {
    let mut text = String::new();
    let mut looks = String::new();
    for y in 0..buffer.area.height {
        text.push_str(&row(buffer, y));
        text.push('\n');
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let look = look(buffer[(x, y)].style());
            let start = x;
            while x < buffer.area.width && self::look(buffer[(x, y)].style()) == look {
                x += 1;
            }
            if !look.is_empty() {
                write!(line, " {start}-{}{look}", x - 1).unwrap();
            }
        }
        if !line.is_empty() {
            writeln!(looks, "{y}:{line}").unwrap();
        }
    }
    format!("{text}---\n{looks}")
}

fn look(style: Style) -> String {
    let mut look = String::new();
    if let Some(color) = style.fg.filter(|color| *color != Color::Reset) {
        write!(look, " {color}").unwrap();
    }
    for (modifier, name) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::REVERSED, "reversed"),
        (Modifier::UNDERLINED, "underlined"),
    ] {
        if style.add_modifier.contains(modifier) {
            write!(look, " {name}").unwrap();
        }
    }
    look
}
