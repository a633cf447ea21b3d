//! Puts what a screen shows into its bands. The bands never move while data change.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::theme::Theme;
use super::view::{Room, View};
use super::words::{fit, right};

/// Smaller than this nothing sensible can be shown.
pub(super) const LEAST: (u16, u16) = (60, 15);
/// From this width a right pane opens.
const PANE_FROM: u16 = 120;
/// Columns of the left side beside a pane; as many as are used at 80.
const LEFT: u16 = 79;
/// Rows 2 to 4.
const TOP: u16 = 3;

/// What surrounds a screen's own bands.
pub(super) struct Around<'a> {
    /// Operator, role, server state, age of data: cut last.
    pub(super) right: &'a str,
    /// The message row.
    pub(super) message: Line<'static>,
    pub(super) pane_open: bool,
    pub(super) theme: Theme,
}

/// How large the detail strip is.
fn detail_rows(height: u16) -> u16 {
    match height {
        0..=19 => 2,
        20..=29 => 3,
        _ => 7,
    }
}

/// Whether a pane opens at this width.
pub(super) fn has_pane(width: u16, open: bool) -> bool {
    open && width >= PANE_FROM
}

/// How much room a screen has in an area.
pub(super) fn room(area: Rect, pane_open: bool) -> Room {
    let width = if has_pane(area.width, pane_open) { LEFT } else { area.width };
    // Row 1, the top rows, titles, rule, detail, message, keys.
    let taken = 1 + TOP + 1 + 1 + detail_rows(area.height) + 2;
    Room {
        width: usize::from(width),
        rows: usize::from(area.height.saturating_sub(taken)),
        detail: usize::from(detail_rows(area.height)),
    }
}

/// Draws a whole picture.
pub(super) fn draw(area: Rect, out: &mut Buffer, view: &View, around: &Around<'_>) {
    let theme = around.theme;
    let pane = has_pane(area.width, around.pane_open);
    let left = if pane { LEFT } else { area.width };
    bar(area, out, &view.path, around);
    let mut y = area.y + 1;
    for line in view.top.iter().chain(std::iter::repeat(&Line::default())).take(usize::from(TOP)) {
        put(out, area.x, y, left, line);
        y += 1;
    }
    let room = room(area, around.pane_open);
    if let Some(header) = &view.header {
        put(out, area.x, y, left, &header.clone().style(theme.title()));
    }
    y += 1;
    for (at, line) in view.rows.iter().take(room.rows).enumerate() {
        put(out, area.x, y, left, line);
        if view.cursor == Some(at) {
            // One style for the whole row: a style for each cell costs bytes.
            out.set_style(Rect::new(area.x, y, left, 1), Style::reset());
            out.set_style(Rect::new(area.x, y, left, 1), theme.cursor());
            out.set_string(area.x, y, ">", theme.cursor());
        }
        y += 1;
    }
    y = area.y + 1 + TOP + 1 + u16::try_from(room.rows).unwrap_or(0);
    let title = if view.rule.is_empty() { String::new() } else { format!("-- {} ", view.rule) };
    let title = fit(&title, usize::from(left).min(unicode_width::UnicodeWidthStr::width(title.as_str())));
    let rule = format!(
        "{title}{}",
        "-".repeat(usize::from(left).saturating_sub(unicode_width::UnicodeWidthStr::width(title.as_str())))
    );
    out.set_string(area.x, y, rule, Style::new());
    y += 1;
    for line in view.detail.iter().take(usize::from(detail_rows(area.height))) {
        put(out, area.x, y, left, line);
        y += 1;
    }
    if pane {
        let x = area.x + LEFT;
        for y in area.y + 1..area.bottom().saturating_sub(2) {
            out.set_string(x, y, "|", Style::new());
        }
        for (line, y) in view.pane.iter().zip(area.y + 1..area.bottom().saturating_sub(2)) {
            put(out, x + 2, y, area.width.saturating_sub(LEFT + 2), line);
        }
    }
    put(out, area.x, area.bottom().saturating_sub(2), area.width, &around.message);
    footer(area, out, &view.footer, theme);
}

fn put(out: &mut Buffer, x: u16, y: u16, width: u16, line: &Line<'_>) {
    if y < out.area.bottom() {
        out.set_line(x, y, line, width);
    }
}

/// Row 1: where, and at its right end who, how and of when. The right end is cut last.
fn bar(area: Rect, out: &mut Buffer, path: &str, around: &Around<'_>) {
    let width = usize::from(area.width);
    let end = unicode_width::UnicodeWidthStr::width(around.right) + 1;
    let start = width.saturating_sub(end);
    let text = if start < 12 {
        fit(&format!(" {}", around.right), width)
    } else {
        format!(
            "{} {}",
            fit(&shortened(&format!(" tenantop > {path}"), start - 1), start - 1),
            right(&format!("{} ", around.right), width - start)
        )
    };
    out.set_string(area.x, area.y, fit(&text, width), around.theme.bar());
}

/// A path that fits: its longest part gives way, so that both ends can be read.
fn shortened(path: &str, width: usize) -> String {
    let mut parts: Vec<String> = path.split(" > ").map(str::to_owned).collect();
    let wide = |parts: &[String]| unicode_width::UnicodeWidthStr::width(parts.join(" > ").as_str());
    while wide(&parts) > width {
        let Some(longest) = parts.iter_mut().max_by_key(|part| part.chars().count()) else { break };
        let keep = longest.trim_end_matches('~').chars().count().saturating_sub(1);
        if keep < 4 {
            break;
        }
        *longest = longest.chars().take(keep).chain(['~']).collect();
    }
    parts.join(" > ")
}

/// The last row: at most nine keys. What does not fit is left out from the end, but the help stays.
fn footer(area: Rect, out: &mut Buffer, keys: &[(String, &'static str)], theme: Theme) {
    let length = |(key, words): &(String, &'static str)| key.len() + words.len() + 1;
    let Some((help, rest)) = keys.split_last() else { return };
    let mut used = length(help);
    let mut shown: Vec<&(String, &'static str)> = Vec::new();
    for entry in rest.iter().take(8) {
        if used + length(entry) + 2 > usize::from(area.width) {
            break;
        }
        used += length(entry) + 2;
        shown.push(entry);
    }
    shown.push(help);
    let mut line = Line::default();
    for (n, (key, words)) in shown.into_iter().enumerate() {
        line.push_span(Span::raw(if n > 0 { "  " } else { "" }));
        line.push_span(Span::styled(key.clone(), theme.key()));
        line.push_span(Span::raw(format!(" {words}")));
    }
    put(out, area.x, area.bottom().saturating_sub(1), area.width, &line);
}

/// What is said where nothing can be shown.
pub(super) fn too_small(area: Rect, out: &mut Buffer) {
    let (width, height) = LEAST;
    let text = format!("window {}x{}, needs {width}x{height}.  Resize, or q to leave.", area.width, area.height);
    for (line, y) in super::words::wrap(&text, usize::from(area.width.max(1))).iter().zip(area.y..area.bottom()) {
        out.set_stringn(area.x, y, line, usize::from(area.width), Style::new());
    }
}
