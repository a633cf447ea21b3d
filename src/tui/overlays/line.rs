//! The line of commands: `:` with what it could go on as above it.

use ratatui::layout::Position;
use tui_input::{Input, InputRequest};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::Outcome;
use crate::tui::keys::Key;
use crate::tui::page::{Line, Page};
use crate::tui::palette::Completion;
use crate::tui::theme::Meaning;
use crate::tui::words;

/// How many completions are shown.
const SHOWN: usize = 8;
/// The longest line, in characters.
const LONGEST: usize = 200;

/// A text that is typed in one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Typed(Input);

impl Typed {
    /// Begins with a text.
    pub(crate) fn of(text: &str) -> Self {
        Self(Input::from(text))
    }

    /// What is typed.
    pub(crate) fn text(&self) -> &str {
        self.0.value()
    }

    /// Adds text that was pasted, without its line breaks.
    pub(crate) fn paste(&mut self, text: &str) {
        for c in crate::model::clean(text).trim().chars().take(LONGEST) {
            self.insert(c);
        }
    }

    fn insert(&mut self, c: char) {
        if self.text().chars().count() < LONGEST {
            self.0.handle(InputRequest::InsertChar(c));
        }
    }

    /// Takes a key that edits; false if it is none.
    pub(crate) fn press(&mut self, key: Key) -> bool {
        let request = match key {
            Key::Char(c) => {
                self.insert(c);
                return true;
            }
            Key::Backspace => InputRequest::DeletePrevChar,
            Key::Delete => InputRequest::DeleteNextChar,
            Key::Left => InputRequest::GoToPrevChar,
            Key::Right => InputRequest::GoToNextChar,
            Key::Home => InputRequest::GoToStart,
            Key::End => InputRequest::GoToEnd,
            Key::Ctrl('w') => InputRequest::DeletePrevWord,
            Key::Ctrl('u') => InputRequest::DeleteLine,
            Key::Ctrl(_) | Key::Enter | Key::Esc | Key::Tab | Key::Up | Key::Down | Key::PageUp | Key::PageDown => {
                return false;
            }
        };
        self.0.handle(request);
        true
    }

    /// Draws it behind a prompt, scrolled so that what is typed is seen; answers where the next character goes.
    pub(crate) fn draw(&self, page: &mut Page<'_>, y: u16, width: u16, prompt: &str) -> Position {
        let before = prompt.width();
        let room = usize::from(width).saturating_sub(before + 1);
        let scroll = self.0.visual_scroll(room);
        let mut skipped = 0;
        let shown: String = self
            .text()
            .chars()
            .skip_while(|c| {
                let skip = skipped < scroll;
                skipped += c.width().unwrap_or(0);
                skip
            })
            .collect();
        page.put(0, y, width, &format!("{prompt}{shown}"), Meaning::Key);
        let x = u16::try_from(before + self.0.visual_cursor().saturating_sub(scroll)).unwrap_or(width);
        Position { x: x.min(width), y }
    }
}

/// The line of commands as it is typed.
#[derive(Debug)]
pub(crate) struct CommandLine {
    typed: Typed,
    /// What was typed before completions were tried.
    before: Option<String>,
    completions: Vec<Completion>,
    /// The completion that stands in the line.
    chosen: Option<usize>,
    /// Lines of before, newest last, and the one that stands in the line.
    history: Vec<String>,
    recalled: Option<usize>,
    /// Why the line cannot be done.
    pub(crate) error: Option<String>,
}

impl CommandLine {
    /// A line with a text in it, and the lines of before, newest last.
    pub(crate) fn new(history: &[String], text: &str) -> Self {
        Self {
            typed: Typed::of(text),
            before: None,
            completions: Vec::new(),
            chosen: None,
            history: history.to_vec(),
            recalled: None,
            error: None,
        }
    }

    /// What is to be completed: the line as it was typed.
    pub(crate) fn wanted(&self) -> &str {
        self.before.as_deref().unwrap_or(self.typed.text())
    }

    /// Takes what the line could go on as.
    pub(crate) fn offer(&mut self, completions: Vec<Completion>) {
        if self.completions != completions {
            self.completions = completions;
            self.chosen = None;
        }
    }

    /// Adds text that was pasted.
    pub(crate) fn paste(&mut self, text: &str) {
        self.typed.paste(text);
        self.changed();
    }

    fn changed(&mut self) {
        (self.before, self.chosen, self.error) = (None, None, None);
    }

    pub(super) fn press(&mut self, key: Key) -> Outcome {
        match key {
            Key::Esc => return Outcome::Close,
            Key::Backspace if self.typed.text().is_empty() => return Outcome::Close,
            Key::Enter if self.typed.text().trim().is_empty() => return Outcome::Close,
            Key::Enter => return Outcome::Command(self.typed.text().trim().to_owned()),
            Key::Tab => self.complete(),
            Key::Up => self.recall(true),
            Key::Down => self.recall(false),
            Key::PageUp
            | Key::PageDown
            | Key::Char(_)
            | Key::Ctrl(_)
            | Key::Delete
            | Key::Left
            | Key::Right
            | Key::Home
            | Key::End
            | Key::Backspace => {
                if self.typed.press(key) {
                    self.recalled = None;
                    self.changed();
                }
            }
        }
        Outcome::Stay
    }

    /// Puts the next completion into the line; a sole one for good.
    fn complete(&mut self) {
        if self.completions.is_empty() {
            return;
        }
        let next = self.chosen.map_or(0, |at| (at + 1) % self.completions.len());
        let Some(completion) = self.completions.get(next) else { return };
        if self.completions.len() == 1 {
            self.typed = Typed::of(&format!("{} ", completion.line));
            self.changed();
            return;
        }
        self.before = Some(self.wanted().to_owned());
        self.typed = Typed::of(&completion.line);
        self.chosen = Some(next);
        self.error = None;
    }

    /// Puts a line of before into the line: an older one, or a newer one.
    fn recall(&mut self, older: bool) {
        let at = match (self.recalled, older) {
            (None, true) => self.history.len().checked_sub(1),
            (None, false) => None,
            (Some(at), true) => Some(at.saturating_sub(1)),
            (Some(at), false) => Some(at + 1).filter(|at| *at < self.history.len()),
        };
        self.recalled = at;
        self.typed = Typed::of(at.and_then(|at| self.history.get(at)).map_or("", String::as_str));
        self.changed();
    }

    pub(super) fn draw(&self, page: &mut Page<'_>) -> Position {
        let area = page.main;
        let y = area.bottom();
        let width = usize::from(area.width);
        let mut lines: Vec<Line> = Vec::new();
        if let Some(error) = &self.error {
            lines.extend(words::wrap(error, width).into_iter().map(|text| Line::of(Meaning::Broken, text)));
        } else {
            let room = SHOWN.min(usize::from(area.height).saturating_sub(3));
            let first = self.chosen.map_or(0, |at| (at + 1).saturating_sub(room));
            let longest = self.completions.iter().skip(first).take(room).map(|one| one.line.width()).max().unwrap_or(0);
            for (n, one) in self.completions.iter().enumerate().skip(first).take(room) {
                let here = self.chosen == Some(n);
                let sign = if here { "> " } else { "  " };
                let pad = " ".repeat(longest - one.line.width() + 2);
                let name = Line::of(if here { Meaning::Cursor } else { Meaning::Key }, format!("{sign}{}", one.line));
                lines.push(name.and(Meaning::Plain, format!("{pad}{}", one.does)));
            }
            let more = self.completions.len().saturating_sub(first + room);
            if more > 0 {
                lines.push(Line::of(Meaning::Quiet, format!("  and {} more", words::count(more as u64))));
            }
        }
        let title = if self.error.is_some() { "cannot be done" } else { "commands" };
        super::draw_box(page, title, &lines);
        self.typed.draw(page, y, area.width, ":")
    }
}
