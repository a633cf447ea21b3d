//! What stands over a screen: help, questions, the filter's input, a text to read, what can be copied.

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Position;
use tui_input::{Input, InputRequest};
use unicode_width::UnicodeWidthStr;

use super::keys::{Key, Shown};
use super::page::{Line, Page};
use super::screens::{CopyItem, Effect};
use super::theme::Meaning;
use super::words;
use crate::model::{Command, State};

/// How long a question stands before `y` counts: nobody agrees to what was not read.
pub(crate) const STANDS: SignedDuration = SignedDuration::from_millis(300);

/// Something over the screen that takes the keys.
#[derive(Debug)]
pub(crate) enum Overlay {
    /// The keys of the screen.
    Help(Reader),
    /// A text to read.
    Text(Reader),
    /// A question.
    Ask(Question),
    /// The filter's input.
    Filter(FilterInput),
    /// What can be copied.
    Copy(Vec<CopyItem>),
}

/// What becomes of an overlay after a key.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It stays.
    Stay,
    /// It goes.
    Close,
    /// It goes, and this is done.
    Then(Effect),
    /// It stays, and this is said.
    Say(String),
    /// The filter's text is now this; the overlay stays if true.
    Filter(String, bool),
    /// The list under the filter's input moves.
    Pass,
    /// It goes, and this is copied.
    Copied(CopyItem),
}

/// A text that is read by scrolling.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) title: String,
    lines: Vec<Line>,
    top: usize,
    rows: usize,
}

impl Reader {
    pub(crate) fn new(title: impl Into<String>, lines: Vec<Line>) -> Self {
        Self { title: title.into(), lines, top: 0, rows: 1 }
    }

    /// Its text, line by line.
    pub(crate) fn text(&self) -> Vec<String> {
        self.lines.iter().map(Line::text).collect()
    }

    fn press(&mut self, key: Key) -> Outcome {
        let page = self.rows.saturating_sub(1).max(1);
        self.top = match key {
            Key::Up | Key::Char('k') => self.top.saturating_sub(1),
            Key::Down | Key::Char('j') => self.top + 1,
            Key::PageUp => self.top.saturating_sub(page),
            Key::PageDown | Key::Char(' ') => self.top + page,
            Key::Home | Key::Char('g') => 0,
            Key::End | Key::Char('G') => self.lines.len(),
            Key::Esc | Key::Backspace | Key::Enter | Key::Char('q' | '?') => return Outcome::Close,
            Key::Left | Key::Right | Key::Tab | Key::Delete | Key::Char(_) | Key::Ctrl(_) => self.top,
        };
        Outcome::Stay
    }

    pub(crate) fn draw(&mut self, page: &mut Page<'_>) {
        let area = page.main;
        page.rule(area.y, &self.title);
        let mut lines = Vec::new();
        for line in &self.lines {
            let text = line.text();
            if text.width() <= usize::from(area.width) {
                lines.push(line.clone());
            } else {
                lines.extend(words::wrap(&text, usize::from(area.width)).into_iter().map(Line::from));
            }
        }
        self.rows = usize::from(area.height.saturating_sub(2)).max(1);
        self.top = self.top.min(lines.len().saturating_sub(self.rows));
        for (line, y) in lines.iter().skip(self.top).zip(area.y + 1..area.bottom() - 1) {
            page.line(y, line);
        }
        let seen = (self.top + self.rows).min(lines.len());
        if seen < lines.len() || self.top > 0 {
            page.rule(area.bottom() - 1, &format!("lines {} to {seen} of {}", self.top + 1, lines.len()));
        }
    }
}

/// The help of a screen: its keys, those that do nothing with their reason, and the states.
pub(crate) fn help(title: &str, keys: &[Shown]) -> Reader {
    let mut lines = Vec::new();
    for row in keys {
        let line = Line::default().and(Meaning::Key, format!("{:<17}", row.names())).and(Meaning::Plain, " ");
        lines.push(match &row.dead {
            None => line.and(Meaning::Plain, row.does),
            Some(why) => line.and(Meaning::Quiet, format!("{}   (off: {why})", row.does)),
        });
    }
    lines.push(Line::default());
    lines.push(Line::of(Meaning::Caption, "STATES"));
    for state in State::ALL {
        lines.push(
            Line::of(state.into(), format!("{} {:<8}", state.sign(), state.word()))
                .and(Meaning::Plain, format!("        {}", state.meaning())),
        );
    }
    lines.push(Line::default());
    lines.push("USERS and SKUS are the ages of the last good data, TRIED that of the last import.".into());
    lines.push("Filter fields: status acts partner cause class code policy id domain name".into());
    Reader::new(format!("keys: {title}"), lines)
}

/// A question before anything is done. Doing nothing is the default; Enter never means yes.
#[derive(Debug)]
pub(crate) struct Question {
    title: String,
    lines: Vec<String>,
    asks: String,
    answer: Answer,
    asked_at: Timestamp,
}

/// How a question is agreed to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// By `y`.
    Yes(Command),
    /// By typing one of the words, then `y`.
    Typed { words: Vec<(String, Command)>, typed: String },
}

impl Answer {
    /// By typing one of the words, then `y`. No word may hold a `y`.
    pub(crate) fn typed(words: Vec<(String, Command)>) -> Self {
        Answer::Typed { words, typed: String::new() }
    }
}

impl Question {
    pub(crate) fn new(title: &str, lines: Vec<String>, asks: String, answer: Answer, now: Timestamp) -> Self {
        Self { title: title.to_owned(), lines, asks, answer, asked_at: now }
    }

    fn press(&mut self, key: Key, now: Timestamp) -> Outcome {
        match (&mut self.answer, key) {
            (_, Key::Esc | Key::Char('n' | 'q')) | (Answer::Yes(_), Key::Backspace) => Outcome::Close,
            (_, Key::Enter) => Outcome::Say("Enter is not a yes: y, or Esc".to_owned()),
            (_, Key::Char('y')) if now.duration_since(self.asked_at) < STANDS => Outcome::Stay,
            (Answer::Yes(command), Key::Char('y')) => Outcome::Then(Effect::Send(command.clone())),
            (Answer::Typed { words, typed }, Key::Char('y')) => {
                if let Some((_, command)) = words.iter().find(|(word, _)| word == typed) {
                    return Outcome::Then(Effect::Send(command.clone()));
                }
                let words: Vec<&str> = words.iter().map(|(word, _)| word.as_str()).collect();
                Outcome::Say(format!("type {} first, then y", words.join(" or ")))
            }
            (Answer::Typed { typed, .. }, Key::Backspace) => {
                typed.pop();
                Outcome::Stay
            }
            (Answer::Typed { typed, .. }, Key::Char(c)) if typed.len() < 24 => {
                typed.push(c);
                Outcome::Stay
            }
            (Answer::Yes(_) | Answer::Typed { .. }, _) => Outcome::Stay,
        }
    }

    /// Draws the lines above the message row and the question in it.
    fn draw(&self, page: &mut Page<'_>) -> Option<Position> {
        let area = page.main;
        let message = area.bottom();
        let width = usize::from(area.width);
        let lines: Vec<String> = self.lines.iter().flat_map(|line| words::wrap(line, width)).collect();
        if !lines.is_empty() {
            let room = usize::from(area.height).saturating_sub(1);
            let shown = lines.len().min(room);
            let top = message - u16::try_from(shown).unwrap_or(0) - 1;
            for y in top..message {
                page.shade(y, area.width, Meaning::Plain);
                page.put(0, y, area.width, &" ".repeat(width), Meaning::Plain);
            }
            page.rule(top, &self.title);
            for (line, y) in lines.iter().zip(top + 1..message) {
                page.line(y, &line.as_str().into());
            }
        }
        match &self.answer {
            Answer::Yes(_) => {
                let end = page.put(0, message, area.width.saturating_sub(9), &self.asks, Meaning::Key);
                page.put(end + 1, message, 8, "y / Esc", Meaning::Plain);
                None
            }
            Answer::Typed { typed, .. } => {
                let end = page.put(0, message, area.width, &format!("{} {typed}", self.asks), Meaning::Key);
                page.put(end + 3, message, area.width.saturating_sub(end + 3), "Esc no", Meaning::Plain);
                Some(Position { x: end, y: message })
            }
        }
    }
}

/// The filter as it is typed; the list follows at once.
#[derive(Debug)]
pub(crate) struct FilterInput {
    input: Input,
    before: String,
    /// Why what is typed cannot be used.
    pub(crate) error: Option<String>,
}

impl FilterInput {
    pub(crate) fn new(text: &str) -> Self {
        Self { input: Input::from(text), before: text.to_owned(), error: None }
    }

    /// Adds text that was pasted, without its line breaks.
    pub(crate) fn paste(&mut self, text: &str) -> String {
        for c in crate::model::clean(text).trim().chars().take(200) {
            self.input.handle(InputRequest::InsertChar(c));
        }
        self.input.value().to_owned()
    }

    fn press(&mut self, key: Key) -> Outcome {
        let request = match key {
            Key::Char(c) => InputRequest::InsertChar(c),
            Key::Backspace if self.input.value().is_empty() => return Outcome::Filter(self.before.clone(), false),
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home => InputRequest::GoToStart,
            Key::End => InputRequest::GoToEnd,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('u') => InputRequest::DeleteLine,
            Key::Ctrl(_) | Key::Tab => return Outcome::Stay,
            Key::Up | Key::Down | Key::PageUp | Key::PageDown => return Outcome::Pass,
            Key::Esc => return Outcome::Filter(self.before.clone(), false),
            Key::Enter if self.error.is_some() => return Outcome::Stay,
            Key::Enter => return Outcome::Close,
        };
        self.input.handle(request);
        Outcome::Filter(self.input.value().to_owned(), true)
    }

    fn draw(&self, page: &mut Page<'_>) -> Position {
        let area = page.main;
        let y = area.bottom();
        let hint = "Enter keeps  Esc puts back";
        let room = area.width.saturating_sub(28);
        let scroll = self.input.visual_scroll(usize::from(room.saturating_sub(10)));
        let mut skipped = 0;
        let shown: String = self
            .input
            .value()
            .chars()
            .skip_while(|c| {
                let skip = skipped < scroll;
                skipped += unicode_width::UnicodeWidthChar::width(*c).unwrap_or(0);
                skip
            })
            .collect();
        page.put(0, y, room, &format!("filter /{shown}"), Meaning::Key);
        page.right(y, 0, hint, Meaning::Plain);
        if let Some(error) = &self.error {
            let lines = words::wrap(error, usize::from(area.width));
            let top = y.saturating_sub(u16::try_from(lines.len()).unwrap_or(1));
            for (line, y) in lines.iter().zip(top..y) {
                page.put(0, y, area.width, &" ".repeat(usize::from(area.width)), Meaning::Plain);
                page.line(y, &Line::of(Meaning::Broken, line.as_str()));
            }
        }
        let x = u16::try_from(self.input.visual_cursor().saturating_sub(scroll)).unwrap_or(0);
        Position { x: (8 + x).min(room), y }
    }
}

impl Overlay {
    /// Takes a key.
    pub(crate) fn press(&mut self, key: Key, now: Timestamp) -> Outcome {
        match self {
            Overlay::Help(reader) | Overlay::Text(reader) => reader.press(key),
            Overlay::Ask(question) => question.press(key, now),
            Overlay::Filter(input) => input.press(key),
            Overlay::Copy(items) => items
                .iter()
                .find(|item| key == Key::Char(item.letter))
                .map_or(Outcome::Close, |item| Outcome::Copied(item.clone())),
        }
    }

    /// Whether it takes the place of the screen.
    pub(crate) fn covers(&self) -> bool {
        match self {
            Overlay::Help(_) | Overlay::Text(_) => true,
            Overlay::Ask(_) | Overlay::Filter(_) | Overlay::Copy(_) => false,
        }
    }

    /// Draws it; returns where somebody types.
    pub(crate) fn draw(&mut self, page: &mut Page<'_>) -> Option<Position> {
        match self {
            Overlay::Help(reader) | Overlay::Text(reader) => {
                reader.draw(page);
                None
            }
            Overlay::Ask(question) => question.draw(page),
            Overlay::Filter(input) => Some(input.draw(page)),
            Overlay::Copy(items) => {
                let y = page.main.bottom();
                let width = page.main.width;
                let list: Vec<String> = items.iter().map(|item| format!("{} {}", item.letter, item.what)).collect();
                page.put(0, y, width, &format!("copy:  {}   Esc", list.join("   ")), Meaning::Key);
                None
            }
        }
    }

    /// The keys that count while it stands, for the footer.
    pub(crate) fn foot(&self) -> &'static str {
        match self {
            Overlay::Help(_) => "j k scroll  PgDn page  Esc back",
            Overlay::Text(_) => "j k scroll  PgDn page  x export  Esc back",
            Overlay::Ask(_) => "y yes  Esc no",
            Overlay::Filter(_) => "text  !text  field:value  !field:value  \"two words\"",
            Overlay::Copy(_) => "a letter copies  Esc back",
        }
    }
}
