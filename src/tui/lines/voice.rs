//! A picture as lines, and which of them are told.

use ratatui::buffer::Buffer;
use ratatui::style::Modifier;
use unicode_width::UnicodeWidthStr;

use crate::tui::page::RULE;
use crate::tui::screens::ScreenId;

/// A picture as lines.
#[derive(Debug, Default)]
pub(super) struct Picture {
    bar: String,
    rows: Vec<Row>,
    /// Rows as they were drawn, where a text is told whole in their place.
    drawn: Vec<Row>,
    /// The row above the footer.
    message: String,
    foot: String,
}

#[derive(Debug)]
struct Row {
    text: String,
    /// With the titles of its columns, where the cursor is on it.
    here: Option<String>,
}

/// What stands over the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Nothing.
    Nothing,
    /// Something that is answered or typed below the screen.
    Below,
    /// A text in place of the screen.
    Text,
}

/// What was told, so that only what changed is told next.
#[derive(Debug, Default)]
pub(super) struct Voice {
    screen: Option<ScreenId>,
    bar: String,
    rows: Vec<String>,
    here: String,
    message: String,
    text: bool,
}

impl Voice {
    /// All is told next, whatever was told before.
    pub(super) fn forget(&mut self) {
        self.screen = None;
    }

    /// The lines to be told of a picture: all of a new screen, else what changed.
    pub(super) fn tell(&mut self, picture: &Picture, screen: Option<ScreenId>, over: Over) -> Vec<String> {
        let new = screen.is_none() || self.screen != screen;
        let back = self.text && over != Over::Text;
        let opened = over == Over::Text && !self.text;
        let mut lines = Vec::new();
        if new || back || self.bar != steady(&picture.bar) {
            lines.push(picture.bar.clone());
        }
        let here = picture.rows.iter().find_map(|row| row.here.as_deref()).map(gist).unwrap_or_default();
        let is_told = |row: &Row| new || opened || !self.rows.contains(&gist(&row.text));
        let moved = back || here != self.here || picture.rows.iter().any(is_told);
        for row in &picture.rows {
            match &row.here {
                Some(text) if moved => lines.push(format!("here: {text}")),
                None if is_told(row) => lines.push(row.text.clone()),
                Some(_) | None => {}
            }
        }
        // What is asked is told until it is answered.
        if !picture.message.is_empty() && (new || over == Over::Below || picture.message != self.message) {
            lines.push(picture.message.clone());
        }
        if over != Over::Nothing && !picture.foot.is_empty() {
            lines.push(picture.foot.clone());
        }
        self.bar = steady(&picture.bar);
        self.message.clone_from(&picture.message);
        self.text = over == Over::Text;
        self.screen = screen;
        // What stands over the screen hides some of it; what was told of it stays known.
        match over {
            Over::Nothing => {
                self.rows = picture.rows.iter().chain(&picture.drawn).map(|row| gist(&row.text)).collect();
                self.here = here;
            }
            Over::Text if new => {
                self.rows.clear();
                self.here.clear();
            }
            Over::Text | Over::Below => {}
        }
        lines
    }

    /// The keys were told and are gone again: the screen is where it was.
    pub(super) fn keys_are_gone(&mut self) {
        self.text = false;
    }
}

impl Picture {
    /// Reads a picture without colours. A text that it shows a part of is told whole.
    pub(super) fn of(buffer: &Buffer, text: Option<Vec<String>>) -> Self {
        let (width, height) = (buffer.area.width, buffer.area.height);
        let line = |y| squeezed(&slice(buffer, y, 0, width));
        let whole = |text: Vec<String>| {
            let lines = text.iter().map(|line| squeezed(line)).filter(|line| !line.is_empty());
            lines.map(Row::plain).collect()
        };
        let drawn = rows(buffer);
        let (rows, drawn) = match text {
            Some(text) => (whole(text), drawn),
            None => (drawn, Vec::new()),
        };
        Self {
            bar: line(0),
            rows,
            drawn,
            message: line(height.saturating_sub(2)),
            foot: line(height.saturating_sub(1)),
        }
    }
}

impl Row {
    fn plain(text: String) -> Self {
        Self { text, here: None }
    }
}

/// The rows between row 1 and the message row.
fn rows(buffer: &Buffer) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut titles: Option<Titles> = None;
    for y in 1..buffer.area.height.saturating_sub(2) {
        if let Some(found) = Titles::of(buffer, y) {
            let names: Vec<&str> = found.names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
            rows.push(Row::plain(format!("columns: {}", names.join(", "))));
            titles = Some(found);
            continue;
        }
        let text = squeezed(&slice(buffer, y, 0, buffer.area.width));
        let is_list = !text.is_empty() && !["-", RULE].contains(&buffer[(0, y)].symbol());
        // A list ends at an empty row or at the rule.
        titles = titles.filter(|_| is_list);
        let Some(titles) = &titles else {
            rows.extend((!text.is_empty()).then(|| Row::plain(text)));
            continue;
        };
        let is_here = buffer[(0, y)].symbol() == ">" && buffer[(0, y)].modifier.contains(Modifier::REVERSED);
        let mark = if buffer[(1, y)].symbol() == "*" { "marked, " } else { "" };
        let cells = titles.cells(buffer, y);
        let labelled = |(name, cell): (&String, &String)| format!("{name} {cell}").trim().to_owned();
        let filled = titles.names.iter().zip(&cells).filter(|(_, cell)| !cell.is_empty());
        let here = is_here.then(|| format!("{mark}{}", filled.map(labelled).collect::<Vec<_>>().join(", ")));
        let last = cells.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
        let shown = cells.iter().take(last).map(|cell| if cell.is_empty() { "-" } else { cell });
        rows.push(Row { text: format!("{mark}{}", shown.collect::<Vec<_>>().join(", ")), here });
    }
    rows
}

/// The titles of a list's columns.
struct Titles {
    names: Vec<String>,
    spans: Vec<(u16, u16)>,
}

impl Titles {
    /// Of a row that has nothing but titles.
    fn of(buffer: &Buffer, y: u16) -> Option<Self> {
        let mut spans: Vec<(u16, u16)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let bold = cell.modifier.contains(Modifier::BOLD);
            if !bold && cell.symbol() != " " {
                return None;
            }
            match spans.last_mut() {
                Some((_, end)) if bold && *end == x => *end = x + 1,
                _ if bold => spans.push((x, x + 1)),
                _ => {}
            }
        }
        let names = spans.iter().map(|(from, to)| slice(buffer, y, *from, *to).trim().to_owned()).collect();
        (spans.len() > 1).then_some(Self { names, spans })
    }

    /// The cells of a row below the titles.
    fn cells(&self, buffer: &Buffer, y: u16) -> Vec<String> {
        let is_blank = |x: u16| buffer[(x, y)].symbol() == " ";
        let mut from = 2;
        let ends = self.spans.iter().skip(1).map(|(next, _)| Some(*next)).chain([None]);
        let cell = |((_, end), next): (&(u16, u16), Option<u16>)| {
            // What stands below the next title may begin before it: numbers are set to the right.
            let to = next.map_or(buffer.area.width, |next| (*end..next).rev().find(|x| is_blank(*x)).unwrap_or(next));
            let text = squeezed(&slice(buffer, y, from, to));
            from = to;
            text
        };
        self.spans.iter().zip(ends).map(cell).collect()
    }
}

/// The text of some cells of a row.
fn slice(buffer: &Buffer, y: u16, from: u16, to: u16) -> String {
    let mut text = String::new();
    let mut x = from;
    while x < to.min(buffer.area.width) {
        let symbol = buffer[(x, y)].symbol();
        text.push_str(symbol);
        x += u16::try_from(symbol.width()).unwrap_or(1).max(1);
    }
    text
}

/// A line without what only fills it: rules, bars, more than two blanks.
fn squeezed(text: &str) -> String {
    let text = text.trim();
    let rule = ["-", RULE].into_iter().find(|stroke| text.starts_with(&stroke.repeat(2)));
    let text = rule.map_or(text, |stroke| text.trim_matches(|c: char| c == ' ' || stroke.contains(c)));
    let is_bar = |word: &str| {
        let inner = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        let filled = |word: &str, by: &[char]| !word.is_empty() && word.chars().all(|c| by.contains(&c));
        inner.is_some_and(|inner| filled(inner, &['#', '-'])) || word.len() > 1 && filled(word, &['#'])
    };
    let mut line = String::new();
    let mut blanks = 0;
    for word in text.split(' ') {
        if word.is_empty() || is_bar(word) {
            blanks += 1;
            continue;
        }
        if !line.is_empty() {
            line.push_str(if blanks > 0 { "  " } else { " " });
        }
        line.push_str(word);
        blanks = 0;
    }
    line
}

/// Row 1 without the time of its data.
fn steady(bar: &str) -> String {
    bar.split("  as of ").next().unwrap_or_default().to_owned()
}

/// A line without the ages in it, which change by themselves.
fn gist(text: &str) -> String {
    let is_age = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '.', ';']);
        let number = word.strip_suffix(['s', 'm', 'h', 'd']).unwrap_or_default();
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number(number) || word.contains(':') && word.split(':').all(is_number)
    };
    let words: Vec<&str> = text.split_whitespace().map(|word| if is_age(word) { "#" } else { word }).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::tui::tests::{Desk, options, sample};
    use crate::tui::{Options, Theme};

    #[test]
    fn lines_are_told_without_what_only_fills_them() {
        for (line, want) in [
            ("-- Adatum Gesundheit GmbH ------------", "Adatum Gesundheit GmbH"),
            ("----------------------", ""),
            ("\u{2500}\u{2500} Adatum \u{2500}\u{2500}\u{2500}", "Adatum"),
            ("  - NEVER    Lamna Clinics               -     -", "- NEVER  Lamna Clinics  -  -"),
            ("[########----------------]  1 of 3 done", "1 of 3 done"),
            ("      71   Sales      5.5%  ########", "71  Sales  5.5%"),
            ("a b  c", "a b  c"),
        ] {
            assert_eq!(squeezed(line), want);
        }
    }

    #[test]
    fn ages_alone_are_no_change() {
        for (a, b) in [("x 9m 7h", "x 10m 8h"), ("saved (7h), run 4", "saved (8h), run 4"), ("0:52 x", "1:02:03 x")] {
            assert_eq!(gist(a), gist(b));
        }
        assert_ne!(gist("data 09:31Z"), gist("data 09:32Z"), "a time is one");
        assert_ne!(gist("page 4"), gist("page 5"));
    }

    /// What is told after each line of keys, as it is typed into a desk.
    fn told(lines: &[&str]) -> String {
        let mut desk = Desk::of(sample::fleet(), Options { theme: Theme::Mono, ..options() });
        let mut voice = Voice::default();
        let mut text = String::new();
        for keys in lines {
            desk.press(keys);
            let picture = Picture::of(&desk.look(100, 40), desk.app.whole_text(desk.now));
            let over = match (desk.app.is_overlaid(), desk.app.is_covered()) {
                (false, _) => Over::Nothing,
                (true, false) => Over::Below,
                (true, true) => Over::Text,
            };
            writeln!(text, "> {keys}").unwrap();
            for line in voice.tell(&picture, desk.app.screen(), over) {
                writeln!(text, "{line}").unwrap();
            }
        }
        text
    }

    #[test]
    fn a_new_screen_is_told_whole_and_then_what_changed() {
        insta::assert_snapshot!(told(&["", "j", "j", "*", "/trey<Enter>", "e", "<Esc>"]));
    }

    #[test]
    fn texts_and_questions_are_told_and_the_screen_is_not_told_again() {
        insta::assert_snapshot!(told(&[
            "/adatum<Enter>",
            "e",
            "e",
            "<Esc>",
            "r",
            "x",
            "<Esc>",
            "l",
            "j",
            "y",
            "<Esc>"
        ]));
    }

    #[test]
    fn runs_and_users_are_told_with_their_titles() {
        insta::assert_snapshot!(told(&["R", "<Enter>", "j", "<Esc>", "<Esc>", "/adatum<Enter>U", "G", "f"]));
    }
}
