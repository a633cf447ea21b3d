use std::fmt::Write;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

/// Width and height of a cell, in pixels.
const CELL: (u32, u32) = (8, 17);
const PAPER: &str = "#1d1f21";
const INK: &str = "#d8d8d8";

/// A screen as a picture: SVG with one text for each run of cells of one style.
pub fn svg(screen: &Buffer) -> String {
    let area = screen.area;
    let (width, height) = (u32::from(area.width) * CELL.0 + 16, u32::from(area.height) * CELL.1 + 16);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{PAPER}\"/>\n\
         <g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\" xml:space=\"preserve\">\n"
    );
    for y in 0..area.height {
        let mut x = 0;
        while x < area.width {
            let look = look(screen, x, y);
            let mut text = String::new();
            let start = x;
            while x < area.width && self::look(screen, x, y) == look {
                if let Some(cell) = screen.cell((x, y)) {
                    text.push_str(cell.symbol());
                }
                x += 1;
            }
            run(&mut out, (start, y), x - start, &text, &look);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

#[derive(PartialEq, Eq)]
struct Look {
    color: Color,
    modifier: Modifier,
}

fn look(screen: &Buffer, x: u16, y: u16) -> Look {
    screen.cell((x, y)).map_or(Look { color: Color::Reset, modifier: Modifier::empty() }, |cell| Look {
        color: cell.fg,
        modifier: cell.modifier,
    })
}

fn run(out: &mut String, (x, y): (u16, u16), cells: u16, text: &str, look: &Look) {
    let (left, top) = (u32::from(x) * CELL.0 + 8, u32::from(y) * CELL.1 + 8);
    let width = u32::from(cells) * CELL.0;
    let ink = super::theme::rgb(look.color).unwrap_or(INK);
    let reversed = look.modifier.contains(Modifier::REVERSED);
    // Writing to a String cannot fail.
    if reversed {
        let _ =
            writeln!(out, "<rect x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{}\" fill=\"{ink}\"/>", CELL.1);
    }
    if text.trim().is_empty() {
        return;
    }
    let weight = if look.modifier.contains(Modifier::BOLD) { " font-weight=\"bold\"" } else { "" };
    let line = if look.modifier.contains(Modifier::UNDERLINED) { " text-decoration=\"underline\"" } else { "" };
    let fill = if reversed { PAPER } else { ink };
    let kept = text.trim_end();
    let length = u32::try_from(unicode_width::UnicodeWidthStr::width(kept)).unwrap_or(0) * CELL.0;
    let escaped = kept.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{left}\" y=\"{}\" textLength=\"{length}\" lengthAdjust=\"spacing\" fill=\"{fill}\"{weight}{line}>{escaped}</text>",
        top + 13
    );
}
