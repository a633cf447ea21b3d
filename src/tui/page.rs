//! The page that a screen draws on: fixed bands, texts that are cut and never squeezed, the right pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use super::theme::{Meaning, Theme};
use super::words::cut;

/// The least size at which screens are drawn.
pub(crate) const LEAST: (u16, u16) = (60, 15);
/// From this width on a right pane opens.
pub(crate) const PANE_FROM: u16 = 120;
const PANE: u16 = 39;
/// What a rule is drawn with, where the terminal shows more than ASCII.
pub(crate) const RULE: &str = "\u{2500}";

/// A piece of a line and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// The text.
    pub(crate) text: String,
    /// What it means.
    pub(crate) meaning: Meaning,
}

/// A line of a text: pieces one behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Line(pub Vec<Piece>);

impl Line {
    /// A line of one meaning.
    pub(crate) fn of(meaning: Meaning, text: impl Into<String>) -> Self {
        Self(vec![Piece { text: text.into(), meaning }])
    }

    /// Adds a piece.
    #[must_use]
    pub(crate) fn and(mut self, meaning: Meaning, text: impl Into<String>) -> Self {
        self.0.push(Piece { text: text.into(), meaning });
        self
    }

    /// Its text without its looks.
    pub(crate) fn text(&self) -> String {
        self.0.iter().map(|piece| piece.text.as_str()).collect()
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Line::of(Meaning::Plain, text)
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Line::of(Meaning::Plain, text)
    }
}

/// What a screen draws on: the rows between row 1 and the message row.
pub(crate) struct Page<'a> {
    buffer: &'a mut Buffer,
    theme: Theme,
    /// What a rule is drawn with.
    stroke: &'static str,
    /// The screen's own band: left of the pane.
    pub(crate) main: Rect,
    /// The pane; absent on a narrow terminal or where the operator closed it.
    pub(crate) pane: Option<Rect>,
    /// The first line of the pane that is shown, while keys scroll it; held within its text when it is drawn.
    pub(crate) pane_at: Option<usize>,
}

impl<'a> Page<'a> {
    /// A page on a buffer of at least [`LEAST`] size. The last column stays empty, so that 80 and 120 columns show
    /// the same on the left. `ascii` says whether lines are drawn with `-` and `|`.
    pub(crate) fn new(buffer: &'a mut Buffer, theme: Theme, pane: bool, ascii: bool) -> Self {
        let strokes = if ascii { ("-", "|") } else { (RULE, "\u{2502}") };
        let area = buffer.area;
        let rows = area.height.saturating_sub(3);
        let mut main = Rect { x: 0, y: 1, width: area.width.saturating_sub(1), height: rows };
        let pane = (pane && area.width >= PANE_FROM).then(|| {
            main.width = area.width - PANE - 2;
            Rect { x: area.width - PANE, y: 1, width: PANE, height: rows }
        });
        if let Some(pane) = pane {
            for y in pane.top()..pane.bottom() {
                put(buffer, pane.x - 2, y, 1, strokes.1, theme.style(Meaning::Rule));
            }
        }
        Self { buffer, theme, stroke: strokes.0, main, pane, pane_at: None }
    }

    /// Writes a text, cut at a width; returns the column behind it.
    pub(crate) fn put(&mut self, x: u16, y: u16, width: u16, text: &str, meaning: Meaning) -> u16 {
        put(self.buffer, x, y, width, text, self.theme.style(meaning))
    }

    /// Writes a line into the main band.
    pub(crate) fn line(&mut self, y: u16, line: &Line) {
        let main = self.main;
        self.line_in(main, y, line);
    }

    /// Writes a line into a rectangle; `y` is a row of the buffer.
    pub(crate) fn line_in(&mut self, area: Rect, y: u16, line: &Line) {
        if y < area.top() || y >= area.bottom() {
            return;
        }
        let mut x = area.left();
        let pieces = line.0.len();
        for (i, piece) in line.0.iter().enumerate() {
            let room = area.right().saturating_sub(x);
            if room == 0 && i < pieces && !piece.text.is_empty() {
                self.put(area.right().saturating_sub(1), y, 1, "~", piece.meaning);
                return;
            }
            x = self.put(x, y, room, &piece.text, piece.meaning);
        }
    }

    /// Writes a text at the right end of the main band, if there is room beside what stands on the left.
    pub(crate) fn right(&mut self, y: u16, taken: usize, text: &str, meaning: Meaning) {
        let width = u16::try_from(text.chars().count()).unwrap_or(u16::MAX);
        if usize::from(width) + taken + 2 <= usize::from(self.main.width) {
            self.put(self.main.right() - width, y, width, text, meaning);
        }
    }

    /// The rule with a title in it.
    pub(crate) fn rule(&mut self, y: u16, title: &str) {
        let width = usize::from(self.main.width);
        let title = if title.is_empty() { String::new() } else { format!(" {} ", cut(title, width.saturating_sub(8))) };
        let text = format!("{0}{0}{title}{1}", self.stroke, self.stroke.repeat(width));
        let text: String = {
            use unicode_segmentation::UnicodeSegmentation;
            use unicode_width::UnicodeWidthStr;
            let mut used = 0;
            text.graphemes(true)
                .take_while(|g| {
                    used += g.width();
                    used <= width
                })
                .collect()
        };
        let (x, room) = (self.main.x, self.main.width);
        self.put(x, y, room, &text, Meaning::Rule);
    }

    /// Lays a meaning over the first cells of a row of the main band.
    pub(crate) fn shade(&mut self, y: u16, width: u16, meaning: Meaning) {
        let style = self.theme.style(Meaning::Plain).patch(self.theme.style(meaning));
        let row = Rect { y, height: 1, width: width.min(self.main.width), ..self.main }.intersection(self.buffer.area);
        for cell in row.positions() {
            if let Some(cell) = self.buffer.cell_mut(cell) {
                cell.set_style(Style::reset()).set_style(style);
            }
        }
    }

    /// Writes lines into the pane, as many as fit. Where some do not, or where keys scroll it, the last row says so.
    pub(crate) fn fill_pane(&mut self, lines: &[Line]) {
        let Some(pane) = self.pane else { return };
        let rows = usize::from(pane.height);
        let foot = lines.len() > rows || self.pane_at.is_some();
        let shown = if foot { rows.saturating_sub(1) } else { rows };
        let top = self.pane_at.unwrap_or(0).min(lines.len().saturating_sub(shown));
        self.pane_at = self.pane_at.map(|_| top);
        for (line, y) in lines.iter().skip(top).take(shown).zip(pane.top()..) {
            self.line_in(pane, y, line);
        }
        if foot {
            let (from, to) = (top + 1, (top + shown).min(lines.len()));
            let keys = if self.pane_at.is_some() { "j k scroll, Tab leaves" } else { "Tab scrolls" };
            let text = format!("{from} to {to} of {}: {keys}", lines.len());
            self.line_in(pane, pane.bottom() - 1, &Line::of(Meaning::Caption, text));
        }
    }
}

/// Writes a text, cut at a width; returns the column behind it.
pub(crate) fn put(buffer: &mut Buffer, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
    if !buffer.area.contains((x, y).into()) {
        return x;
    }
    let width = width.min(buffer.area.right() - x);
    let text = cut(text, usize::from(width));
    buffer.set_stringn(x, y, text, usize::from(width), style).0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(width: u16) -> (u16, Option<u16>) {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 24));
        let page = Page::new(&mut buffer, Theme::Plain, true, true);
        (page.main.width, page.pane.map(|pane| pane.width))
    }

    #[test]
    fn the_left_side_is_the_same_at_80_and_120() {
        assert_eq!(page(80), (79, None));
        assert_eq!(page(119), (118, None));
        assert_eq!(page(120), (79, Some(39)));
        assert_eq!(page(200), (159, Some(39)));
    }

    #[test]
    fn a_rule_has_one_width_whatever_its_title() {
        for title in ["", "Adatum", "東京都庁", &"x".repeat(200)] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 60, 3));
            let mut page = Page::new(&mut buffer, Theme::Plain, false, true);
            page.rule(1, title);
            assert_eq!(buffer[(58, 1)].symbol(), "-", "{title}");
            assert_eq!(buffer[(59, 1)].symbol(), " ", "{title}");
        }
    }
}
