//! The text for a customer as it is read before it is sent, and the line that records that it was.

use ratatui::layout::Position;
use unicode_width::UnicodeWidthStr;

use super::line::Typed;
use super::{Outcome, Reader};
use crate::failure::{Language, Ticket};
use crate::model::{Command, Key as TenantKey, Text};
use crate::tui::keys::Key;
use crate::tui::page::{Line, Page};
use crate::tui::screens::{CopyItem, Effect};
use crate::tui::theme::Meaning;
use crate::tui::words;

/// The text for a customer, in every language that there is one in.
#[derive(Debug)]
pub(crate) struct Letter {
    customer: String,
    texts: Vec<(Language, Ticket)>,
    language: Language,
    note: NoteInput,
    reader: Reader,
    /// The columns that the text is laid for.
    width: usize,
}

impl Letter {
    /// A text for a customer, read in one language first; `note` records that it was sent.
    pub(crate) fn new(customer: &str, texts: Vec<(Language, Ticket)>, language: Language, note: NoteInput) -> Self {
        let reader = Reader::new("", Vec::new());
        let mut letter = Self { customer: customer.to_owned(), texts, language, note, reader, width: WRAPPED };
        letter.lay();
        letter
    }

    fn ticket(&self) -> Option<&Ticket> {
        self.texts.iter().find(|(language, _)| *language == self.language).map(|(_, ticket)| ticket)
    }

    /// What is sent: subject, then text.
    pub(crate) fn text(&self) -> String {
        self.ticket().map_or_else(String::new, |ticket| format!("{}\n\n{}", ticket.subject, ticket.body))
    }

    /// What is shown, line by line.
    pub(crate) fn shown(&self) -> Vec<String> {
        [self.reader.title.clone()].into_iter().chain(self.reader.text()).collect()
    }

    /// Lays the text in the language and the width that it is read in.
    fn lay(&mut self) {
        let Some(ticket) = self.ticket() else { return };
        let mut lines = Vec::new();
        if let Some(before) = ticket.before {
            lines.push(Line::of(Meaning::Aging, format!("Not part of the text: {before}.")));
            lines.push(Line::default());
        }
        lines.push(Line::of(Meaning::Caption, ticket.subject.as_str()));
        lines.push(Line::default());
        if self.width < WRAPPED {
            lines.extend(reflow(&ticket.body, self.width).into_iter().map(Line::from));
        } else {
            lines.extend(ticket.body.lines().map(Line::from));
        }
        let title = format!("ticket text ({}) for {}", self.language.code(), self.customer);
        self.reader = Reader::new(title, lines);
    }

    pub(super) fn press(&mut self, key: Key) -> Outcome {
        match key {
            Key::Char('y') => Outcome::Sent(CopyItem { letter: 't', what: "ticket text", text: self.text() }),
            Key::Char('L') => {
                self.language = self.language.next();
                self.lay();
                Outcome::Language(self.language)
            }
            Key::Char('n') => Outcome::Then(Effect::Note(Box::new(self.note.clone()))),
            Key::Char(_)
            | Key::Ctrl(_)
            | Key::Enter
            | Key::Esc
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Left
            | Key::Right
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End => self.reader.press(key),
        }
    }

    pub(super) fn draw(&mut self, page: &mut Page<'_>) {
        let width = usize::from(page.main.width).min(WRAPPED);
        if std::mem::replace(&mut self.width, width) != width {
            self.lay();
        }
        self.reader.draw(page);
    }
}

/// A ticket's number and note as they are typed.
#[derive(Debug, Clone)]
pub(crate) struct NoteInput {
    tenant: TenantKey,
    typed: Typed,
    error: Option<String>,
}

impl NoteInput {
    /// For a tenant; begins with what is recorded already.
    pub(crate) fn new(tenant: TenantKey, recorded: &str) -> Self {
        Self { tenant, typed: Typed::of(recorded), error: None }
    }

    /// Adds text that was pasted.
    pub(crate) fn paste(&mut self, text: &str) {
        self.typed.paste(text);
        self.error = None;
    }

    pub(super) fn press(&mut self, key: Key) -> Outcome {
        match key {
            Key::Esc => Outcome::Close,
            Key::Backspace if self.typed.text().is_empty() => Outcome::Close,
            Key::Enter => match crate::model::Ticket::read(self.typed.text()) {
                Ok((number, note)) => Outcome::Then(self.record(number, note)),
                Err(why) => {
                    self.error = Some(why);
                    Outcome::Stay
                }
            },
            Key::Char(_)
            | Key::Ctrl(_)
            | Key::Backspace
            | Key::Delete
            | Key::Tab
            | Key::Left
            | Key::Right
            | Key::Up
            | Key::Down
            | Key::PageUp
            | Key::PageDown
            | Key::Home
            | Key::End => {
                if self.typed.press(key) {
                    self.error = None;
                }
                Outcome::Stay
            }
        }
    }

    fn record(&self, number: Text, note: Option<Text>) -> Effect {
        Effect::Send(Command::Ticket { tenant: self.tenant.clone(), number, note })
    }

    pub(super) fn draw(&self, page: &mut Page<'_>) -> Position {
        let area = page.main;
        let y = area.bottom();
        page.right(y, 0, "Enter records  Esc leaves", Meaning::Plain);
        if let Some(error) = &self.error {
            let lines = words::wrap(error, usize::from(area.width));
            let lines: Vec<Line> = lines.into_iter().map(|line| Line::of(Meaning::Broken, line)).collect();
            super::draw_box(page, "cannot be recorded", &lines);
        }
        self.typed.draw(page, y, area.width.saturating_sub(27), "ticket number, note: ")
    }
}

/// The columns that the text for a customer is wrapped at.
const WRAPPED: usize = 76;

/// The text for a customer in a narrower width: a line that was only broken where the width ended is joined again.
pub(crate) fn reflow(body: &str, width: usize) -> Vec<String> {
    let mut blocks: Vec<(usize, String)> = Vec::new();
    let mut before = "";
    for line in body.lines() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim_start();
        let word = text.split(' ').next().unwrap_or_default();
        let was_broken = !before.is_empty() && before.width() + 1 + word.width() > WRAPPED;
        match blocks.last_mut() {
            Some((mark, block)) if !text.is_empty() && was_broken && indent == *mark => {
                block.push(' ');
                block.push_str(text);
            }
            Some(_) | None => blocks.push((mark(line), line.to_owned())),
        }
        before = line;
    }
    let mut lines = Vec::new();
    for (mark, block) in blocks {
        let (head, text) = block.split_at(mark);
        let wrapped = words::wrap(text, width.saturating_sub(mark));
        lines.extend(
            wrapped
                .iter()
                .enumerate()
                .map(|(n, part)| if n == 0 { format!("{head}{part}") } else { format!("{}{part}", " ".repeat(mark)) }),
        );
        if text.is_empty() {
            lines.push(String::new());
        }
    }
    lines
}

/// How wide the mark of a list's member is: `- `, `1. `.
fn mark(line: &str) -> usize {
    match line.split_once(' ') {
        Some((mark, _)) if mark == "-" || mark.strip_suffix('.').is_some_and(|n| n.parse::<u8>().is_ok()) => {
            mark.len() + 1
        }
        Some(_) | None => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Class, Owner, Relation, TicketContext};
    use crate::tui::tests::sample::{ago, blocked, failure};

    #[test]
    fn a_text_that_is_joined_and_wrapped_says_the_same() {
        for language in Language::ALL {
            for failure in
                [blocked(ago(1, 0), 2), failure(Class::ConsentMissing, Owner::CustomerAdmin, 65_001, ago(1, 0))]
            {
                let us = crate::tui::tests::us();
                let context = TicketContext {
                    customer: "Adatum",
                    us: &us,
                    wide: false,
                    relation: Relation::Unknown,
                    since: None,
                    tries: 1,
                };
                let body = failure.ticket(&context, language).unwrap().body;
                let narrow = reflow(&body, 39);
                let words = |text: &str| text.split_whitespace().collect::<String>();
                assert_eq!(words(&narrow.join("\n")), words(&body), "{language:?}");
                assert!(narrow.iter().all(|line| line.width() <= 39), "{narrow:#?}");
                assert_eq!(reflow(&body, WRAPPED).join("\n"), body.trim_end(), "{language:?}: as it was");
            }
        }
    }
}
