//! A screen as an SVG picture, for README and docs.

use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::theme::{Ink, ink};

/// Width and height of a cell, in pixels.
const CELL: (usize, usize) = (9, 19);
const MARGIN: usize = 12;

/// The picture of a screen: a page of its own, no script, no font but the reader's monospaced one.
pub fn svg(buffer: &Buffer) -> String {
    let area = buffer.area;
    let width = usize::from(area.width) * CELL.0 + 2 * MARGIN;
    let height = usize::from(area.height) * CELL.1 + 2 * MARGIN;
    let ground = ink(Style::new()).ground;
    let mut page = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"15\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"{ground}\"/>\n"
    );
    for y in area.top()..area.bottom() {
        for run in runs(buffer, y) {
            draw(&mut page, &run, usize::from(y - area.top()), ground);
        }
    }
    page.push_str("</svg>\n");
    page
}

struct Run {
    at: usize,
    cells: usize,
    text: String,
    style: Style,
}

/// Cells of a row that look alike, joined.
fn runs(buffer: &Buffer, y: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut x = buffer.area.left();
    while x < buffer.area.right() {
        let Some(cell) = buffer.cell((x, y)) else { break };
        let cells = cell.symbol().width().max(1);
        match runs.last_mut() {
            Some(run) if run.style == cell.style() => {
                run.text.push_str(cell.symbol());
                run.cells += cells;
            }
            Some(_) | None => runs.push(Run {
                at: usize::from(x - buffer.area.left()),
                cells,
                text: cell.symbol().to_owned(),
                style: cell.style(),
            }),
        }
        x = x.saturating_add(u16::try_from(cells).unwrap_or(1));
    }
    runs
}

fn draw(page: &mut String, run: &Run, row: usize, paper: &str) {
    let Ink { text: fill, ground } = ink(run.style);
    let (x, y) = (MARGIN + run.at * CELL.0, MARGIN + row * CELL.1);
    let width = run.cells * CELL.0;
    // Writing to a String cannot fail.
    if ground != paper {
        let _ = writeln!(page, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{ground}\"/>", CELL.1);
    }
    if run.text.trim().is_empty() {
        return;
    }
    let weight = if run.style.add_modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let line =
        if run.style.add_modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    for (at, cells, text) in pieces(&run.text) {
        let (x, width) = (x + at * CELL.0, cells * CELL.0);
        let _ = writeln!(
            page,
            "<text x=\"{x}\" y=\"{}\" fill=\"{fill}\"{weight}{line} textLength=\"{width}\" xml:space=\"preserve\">{}</text>",
            y + CELL.1 - 5,
            escape(text)
        );
    }
}

/// A text in pieces, each with its column and its cells: parted where there is a gap, and around characters of two cells,
/// whose width fonts do not agree on. Each piece stands where it belongs, whatever the others measure.
fn pieces(text: &str) -> Vec<(usize, usize, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut end) = (0, 0);
    let (mut column, mut cells, mut gap) = (0, 0, 0);
    for (at, grapheme) in text.grapheme_indices(true) {
        let wide = grapheme.width();
        let blank = grapheme == " ";
        if end > start && !blank && (gap > 1 || wide > 1) {
            pieces.extend(text.get(start..end).map(|piece| (column, cells, piece)));
            (column, cells, start) = (column + cells + gap, 0, at);
            gap = 0;
        }
        if blank {
            if end == start {
                (column, start, end) = (column + 1, at + 1, at + 1);
            } else {
                gap += 1;
            }
            continue;
        }
        (cells, gap, end) = (cells + gap + wide, 0, at + grapheme.len());
        if wide > 1 {
            pieces.extend(text.get(start..end).map(|piece| (column, cells, piece)));
            (column, cells, start) = (column + cells, 0, end);
        }
    }
    if end > start {
        pieces.extend(text.get(start..end).map(|piece| (column, cells, piece)));
    }
    pieces
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::theme::{Meaning, Theme};
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn looks_become_ink_and_text_is_escaped() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, "> a < b & c", Theme::Plain.style(Meaning::Cursor));
        buffer.set_string(2, 1, "BLOCKED", Theme::Plain.style(Meaning::Refused));
        let page = svg(&buffer);
        assert!(page.starts_with("<svg ") && page.ends_with("</svg>\n"));
        assert!(page.contains("&gt; a &lt; b &amp; c") && !page.contains("> a"), "{page}");
        assert!(page.contains("font-weight=\"bold\"") && page.contains(">BLOCKED</text>"), "{page}");
        assert_eq!(page.matches("<rect").count(), 2, "the page and the reversed run: {page}");
        assert_eq!(page.matches("<text").count(), 2, "blank runs are not drawn: {page}");
    }
    #[test]
    fn a_text_is_parted_where_there_is_a_gap() {
        assert_eq!(pieces("  STATUS   A b  "), [(2, 6, "STATUS"), (11, 3, "A b")]);
        assert_eq!(pieces("x 東京 y"), [(0, 1, "x"), (2, 2, "東"), (4, 2, "京"), (7, 1, "y")]);
        assert_eq!(pieces("   "), []);
    }
}
