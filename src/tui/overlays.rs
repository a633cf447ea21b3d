//! What stands over a screen: help, questions, the filter's input, a text to read, what can be copied.

mod letter;
mod line;

use jiff::{SignedDuration, Timestamp};
use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr;

use super::keys::{Key, Shown};
use super::page::{Line, Page};
use super::screens::{CopyItem, Effect};
use super::theme::Meaning;
use super::words;
use crate::failure::Language;
use crate::model::{Command, State};

pub(crate) use letter::{Letter, NoteInput, reflow};
pub(crate) use line::CommandLine;
use line::Typed;

/// How long a question stands before `y` counts: nobody agrees to what was not read.
pub(crate) const STANDS: SignedDuration = SignedDuration::from_millis(300);

/// Shows what can be copied, for terminals that take no copy: no text to be copied has this letter.
const VIEW: char = 'v';

/// The texts that can be copied, as wide as the terminal and with nothing beside them, to be selected.
fn select(items: &[CopyItem]) -> Effect {
    let mut lines = Vec::new();
    for item in items {
        lines.push(Line::of(Meaning::Caption, item.what));
        // A terminal's cells hold no tabs: between cells of a row there is a gap.
        lines.extend(item.text.lines().map(|line| Line::from(line.replace('\t', "  "))));
        lines.push(Line::default());
    }
    Effect::Show { title: "to be selected with the terminal's own means".to_owned(), lines }
}

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
    /// The line of commands.
    Command(CommandLine),
    /// What can be copied.
    Copy(Vec<CopyItem>),
    /// The text for a customer.
    Letter(Letter),
    /// The input of a ticket's number and note.
    Note(NoteInput),
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
    /// A line of commands is to be done; it goes if it can be.
    Command(String),
    /// It goes, and this is copied.
    Copied(CopyItem),
    /// It stays, and this is copied.
    Sent(CopyItem),
    /// It stays; texts for customers are in this language from here on.
    Language(Language),
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
    lines.push("Filter fields: status acts partner cause class code policy ticket id domain name".into());
    Reader::new(format!("keys: {title}"), lines)
}

/// A question before anything is done. Doing nothing is the default; Enter never means yes.
#[derive(Debug)]
pub(crate) struct Question {
    title: Box<str>,
    lines: Vec<String>,
    asks: String,
    answer: Answer,
    asked_at: Timestamp,
    /// The first line that is shown, where not all find room; and how many do.
    top: u16,
    rows: u16,
}

/// How a question is agreed to.
#[derive(Debug)]
pub(crate) enum Answer {
    /// By `y`.
    Yes(Command),
    /// By `y`: the console is left.
    Leave,
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
        Self { title: title.into(), lines, asks, answer, asked_at: now, top: 0, rows: 1 }
    }

    /// What a yes asks for, if it is a wish; the first of several.
    pub(crate) fn command(&self) -> Option<&Command> {
        match &self.answer {
            Answer::Yes(command) => Some(command),
            Answer::Leave => None,
            Answer::Typed { words, .. } => words.first().map(|(_, command)| command),
        }
    }

    /// What it asks, in one line, if a yes leaves the console.
    pub(crate) fn leaves(&self) -> Option<String> {
        let said = self.lines.first().map_or("", String::as_str);
        matches!(self.answer, Answer::Leave).then(|| format!("{said} {}  y / Esc", self.asks))
    }

    fn press(&mut self, key: Key, now: Timestamp) -> Outcome {
        let page = self.rows.saturating_sub(1).max(1);
        match key {
            Key::Up => self.top = self.top.saturating_sub(1),
            Key::Down => self.top = self.top.saturating_add(1),
            Key::PageUp => self.top = self.top.saturating_sub(page),
            Key::PageDown => self.top = self.top.saturating_add(page),
            Key::Enter
            | Key::Esc
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::Char(_)
            | Key::Ctrl(_) => return self.answered(key, now),
        }
        Outcome::Stay
    }

    fn answered(&mut self, key: Key, now: Timestamp) -> Outcome {
        match (&mut self.answer, key) {
            (_, Key::Esc | Key::Char('n' | 'q')) | (Answer::Yes(_) | Answer::Leave, Key::Backspace) => Outcome::Close,
            (_, Key::Enter) => Outcome::Say("Enter is not a yes: y, or Esc".to_owned()),
            (_, Key::Char('y')) if now.duration_since(self.asked_at) < STANDS => Outcome::Stay,
            (Answer::Yes(command), Key::Char('y')) => Outcome::Then(Effect::Send(command.clone())),
            (Answer::Leave, Key::Char('y')) => Outcome::Then(Effect::Leave),
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
            (Answer::Yes(_) | Answer::Leave | Answer::Typed { .. }, _) => Outcome::Stay,
        }
    }

    /// Draws the lines above the message row and the question in it.
    fn draw(&mut self, page: &mut Page<'_>) -> Option<Position> {
        let area = page.main;
        let message = area.bottom();
        let width = usize::from(area.width);
        let wrapped: Vec<Line> = self.lines.iter().flat_map(|line| words::wrap(line, width)).map(Line::from).collect();
        self.rows = area.height.saturating_sub(1).max(1);
        let rows = usize::from(self.rows);
        let last_top = u16::try_from(wrapped.len().saturating_sub(rows)).unwrap_or(u16::MAX);
        self.top = self.top.min(last_top);
        let top = usize::from(self.top);
        let shown = wrapped.get(top..).unwrap_or_default();
        let shown = shown.get(..rows).unwrap_or(shown);
        let mut title = self.title.to_string();
        if shown.len() < wrapped.len() {
            let (from, to) = (top + 1, top + shown.len());
            title = format!("{title}, lines {from} to {to} of {}: PgDn, PgUp", wrapped.len());
        }
        draw_box(page, &title, shown);
        match &self.answer {
            Answer::Yes(_) | Answer::Leave => {
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

/// Draws lines above the message row, below a rule with a title, over whatever stands there. No line is no box.
fn draw_box(page: &mut Page<'_>, title: &str, lines: &[Line]) {
    if lines.is_empty() {
        return;
    }
    let area = page.main;
    let room = usize::from(area.height).saturating_sub(1);
    let top = area.bottom() - u16::try_from(lines.len().min(room)).unwrap_or(0) - 1;
    for y in top..area.bottom() {
        page.shade(y, area.width, Meaning::Plain);
        page.put(0, y, area.width, &" ".repeat(usize::from(area.width)), Meaning::Plain);
    }
    page.rule(top, title);
    for (line, y) in lines.iter().zip(top + 1..area.bottom()) {
        page.line(y, line);
    }
}

/// The filter as it is typed; the list follows at once.
#[derive(Debug)]
pub(crate) struct FilterInput {
    typed: Typed,
    before: String,
    /// Why what is typed cannot be used.
    pub(crate) error: Option<String>,
}

impl FilterInput {
    pub(crate) fn new(text: &str) -> Self {
        Self { typed: Typed::of(text), before: text.to_owned(), error: None }
    }

    /// Adds text that was pasted, without its line breaks.
    pub(crate) fn paste(&mut self, text: &str) -> String {
        self.typed.paste(text);
        self.typed.text().to_owned()
    }

    fn press(&mut self, key: Key) -> Outcome {
        match key {
            Key::Up | Key::Down | Key::PageUp | Key::PageDown => Outcome::Pass,
            Key::Esc => Outcome::Filter(self.before.clone(), false),
            Key::Backspace if self.typed.text().is_empty() => Outcome::Filter(self.before.clone(), false),
            Key::Enter if self.error.is_some() => Outcome::Stay,
            Key::Enter => Outcome::Close,
            Key::Char(_)
            | Key::Ctrl(_)
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End => {
                if self.typed.press(key) {
                    Outcome::Filter(self.typed.text().to_owned(), true)
                } else {
                    Outcome::Stay
                }
            }
        }
    }

    fn draw(&self, page: &mut Page<'_>) -> Position {
        let area = page.main;
        let y = area.bottom();
        let hint = "Enter keeps  Esc puts back";
        page.right(y, 0, hint, Meaning::Plain);
        if let Some(error) = &self.error {
            let lines = words::wrap(error, usize::from(area.width));
            let top = y.saturating_sub(u16::try_from(lines.len()).unwrap_or(1));
            for (line, y) in lines.iter().zip(top..y) {
                page.put(0, y, area.width, &" ".repeat(usize::from(area.width)), Meaning::Plain);
                page.line(y, &Line::of(Meaning::Broken, line.as_str()));
            }
        }
        self.typed.draw(page, y, area.width.saturating_sub(28), "filter /")
    }
}

impl Overlay {
    /// Takes a key.
    pub(crate) fn press(&mut self, key: Key, now: Timestamp) -> Outcome {
        match self {
            Overlay::Help(reader) | Overlay::Text(reader) => reader.press(key),
            Overlay::Ask(question) => question.press(key, now),
            Overlay::Filter(input) => input.press(key),
            Overlay::Command(line) => line.press(key),
            Overlay::Letter(letter) => letter.press(key),
            Overlay::Note(input) => input.press(key),
            Overlay::Copy(items) if key == Key::Char(VIEW) => Outcome::Then(select(items)),
            Overlay::Copy(items) => items
                .iter()
                .find(|item| key == Key::Char(item.letter))
                .map_or(Outcome::Close, |item| Outcome::Copied(item.clone())),
        }
    }

    /// Whether it takes the place of the screen.
    pub(crate) fn covers(&self) -> bool {
        match self {
            Overlay::Help(_) | Overlay::Text(_) | Overlay::Letter(_) => true,
            Overlay::Ask(_) | Overlay::Filter(_) | Overlay::Command(_) | Overlay::Copy(_) | Overlay::Note(_) => false,
        }
    }

    /// Draws it; returns where somebody types.
    pub(crate) fn draw(&mut self, page: &mut Page<'_>) -> Option<Position> {
        match self {
            Overlay::Help(reader) | Overlay::Text(reader) => {
                reader.draw(page);
                None
            }
            Overlay::Letter(letter) => {
                letter.draw(page);
                None
            }
            Overlay::Note(input) => Some(input.draw(page)),
            Overlay::Ask(question) => question.draw(page),
            Overlay::Filter(input) => Some(input.draw(page)),
            Overlay::Command(line) => Some(line.draw(page)),
            Overlay::Copy(items) => {
                let y = page.main.bottom();
                let width = page.main.width;
                let list: Vec<String> = items.iter().map(|item| format!("{} {}", item.letter, item.what)).collect();
                let wide = format!("copy:  {}   Esc", list.join("   "));
                let said =
                    if wide.width() <= usize::from(width) { wide } else { format!("copy:  {}", list.join("  ")) };
                page.put(0, y, width, &said, Meaning::Key);
                None
            }
        }
    }

    /// The keys that count while it stands, for the footer.
    pub(crate) fn foot(&self) -> &'static str {
        match self {
            Overlay::Help(_) => "j k scroll  PgDn page  Esc back",
            Overlay::Text(_) => "j k scroll  PgDn page  x export  Esc back",
            Overlay::Letter(_) => "y copy all  x save  L language  n it was sent  Esc back  j k scroll",
            Overlay::Note(_) => "NUMBER, then a note if there is one   Enter records it  Esc leaves it",
            Overlay::Ask(_) => "y yes  Esc no",
            Overlay::Filter(_) => "text  !text  field:value  !field:value  \"two words\"",
            Overlay::Command(_) => "Enter does it  Tab completes  Up Down lines of before  Esc back",
            Overlay::Copy(_) => "a letter copies  v shows the texts, to be selected  Esc back",
        }
    }
}
