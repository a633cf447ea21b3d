//! How the console draws itself: row 1, the screen or what covers it, the message row, the footer.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::App;
use crate::tui::keys::{Key, Shown};
use crate::tui::overlays::Overlay;
use crate::tui::page::{LEAST, Line, PANE_FROM, Page, put};
use crate::tui::screens::{Cx, PATIENCE_S};
use crate::tui::theme::Meaning;
use crate::tui::words;

impl App {
    /// Draws the picture; returns where somebody types.
    pub fn draw(&mut self, buffer: &mut Buffer, now: Timestamp) -> Option<Position> {
        self.size = (buffer.area.width, buffer.area.height);
        self.draw_at = None;
        self.drawn_at = Some(now);
        self.notes.wake.set(None);
        if self.too_small() {
            let (w, h) = self.size;
            let needs = || format!("window {w}x{h}, needs {}x{}.  Resize, or q to leave.", LEAST.0, LEAST.1);
            let text = self.asks_whether_to_leave().unwrap_or_else(needs);
            for (line, y) in words::wrap(&text, usize::from(w)).iter().zip(0..h) {
                put(buffer, 0, y, w, line, self.options.theme.style(Meaning::Plain));
            }
            return None;
        }
        let cx = Cx::new(&self.fleet, now, &self.options, &self.notes);
        if std::mem::take(&mut self.stale)
            && let Some(screen) = self.stack.last_mut()
        {
            screen.changed(&cx);
        }
        let mut page = Page::new(buffer, self.options.theme, self.pane && !self.is_covered(), self.options.ascii);
        page.pane_at = self.pane_at;
        let y = page.main.bottom();
        let mut cursor = None;
        if self.heard_at.is_none() {
            waiting(&mut page, &cx, self.gone_at, self.begun_at.unwrap_or(now));
        } else if let (false, Some(screen)) =
            (self.overlay.as_ref().is_some_and(Overlay::covers), self.stack.last_mut())
        {
            screen.draw(&mut page, &cx);
        }
        self.pane_at = page.pane_at;
        self.draw_message(&mut page, &cx, y);
        if let Some(overlay) = &mut self.overlay {
            cursor = overlay.draw(&mut page);
        }
        self.draw_bar(buffer, now);
        self.draw_foot(buffer, now);
        if self.options.ascii {
            plain(buffer);
        }
        self.look(now);
        cursor
    }

    /// Whether something stands in place of the screen.
    pub(crate) fn is_covered(&self) -> bool {
        self.overlay.as_ref().is_some_and(Overlay::covers)
    }

    fn draw_message(&self, page: &mut Page<'_>, cx: &Cx<'_>, y: u16) {
        let width = page.main.width;
        if self.overlay.as_ref().is_some_and(|overlay| !overlay.covers()) && self.message.is_none() {
            return;
        }
        if let Some(pending) = &self.pending {
            if cx.now.duration_since(pending.since).as_secs() >= PATIENCE_S {
                let seconds = cx.elapsed(pending.since, 1);
                page.put(0, y, width, &format!("waiting for the server's answer, {seconds} s"), Meaning::Active);
                return;
            }
            cx.wake_at(words::later(pending.since, PATIENCE_S));
        }
        let asks =
            matches!(self.overlay, Some(Overlay::Ask(_) | Overlay::Filter(_) | Overlay::Copy(_) | Overlay::Note(_)));
        let told = self.message.as_ref().is_some_and(|message| !message.error);
        if !asks && !told && self.draw_export(page, cx, y) {
            return;
        }
        let line = self.line_says(cx.now).filter(|_| !asks && !told);
        if let Some((text, next)) = line {
            if let Some(at) = next {
                cx.wake_at(at);
            }
            page.put(0, y, width, &text, Meaning::Broken);
            return;
        }
        if let (None, Some(text)) = (&self.message, self.also_here().filter(|_| !asks)) {
            page.put(0, y, width, &text, Meaning::Quiet);
        }
        let Some(message) = self.message.as_ref().filter(|_| !asks) else { return };
        let meaning = if message.error { Meaning::Broken } else { Meaning::Plain };
        let text = format!("{} {}", words::when(message.at, cx.now), message.text);
        page.put(0, y, width, &text, meaning);
    }

    /// Row 1: where, who, role, server, age of data. It is never cut but in its path.
    fn draw_bar(&self, buffer: &mut Buffer, now: Timestamp) {
        let options = &self.options;
        let width = usize::from(buffer.area.width);
        let as_of =
            self.heard_at.map_or_else(|| "no data yet".to_owned(), |at| format!("as of {}", words::when(at, now)));
        let what = if self.others.over.is_some() { "SESSION OVER" } else { "SERVER GONE" };
        let server = match self.gone_at {
            None => "server ok".to_owned(),
            Some(at) => format!("{what} since {}", words::when(at, now)),
        };
        let banner = options.banner.as_deref().map_or_else(String::new, |banner| format!("{banner}  "));
        let banner = if options.privacy { format!("{banner}PRIVATE  ") } else { banner };
        let operator = words::cut(&options.operator, 12);
        let right = format!("{banner}{operator} {}   {server}   {as_of} ", options.role);
        let right = if right.len() + 20 > width { right.replace("   ", " ") } else { right };
        let style = options.theme.style(Meaning::Bar);
        put(buffer, 0, 0, buffer.area.width, &" ".repeat(width), style);
        let room = width.saturating_sub(unicode_width::UnicodeWidthStr::width(right.as_str()) + 1);
        let path = shorten(&self.path(now), room.saturating_sub(1));
        put(buffer, 1, 0, u16::try_from(room).unwrap_or(u16::MAX), &path, style);
        let x = u16::try_from(width.saturating_sub(right.chars().count())).unwrap_or(0);
        put(buffer, x, 0, buffer.area.width, &right, style);
    }

    fn draw_foot(&self, buffer: &mut Buffer, now: Timestamp) {
        let y = buffer.area.bottom() - 1;
        let width = buffer.area.width - 1;
        let theme = self.options.theme;
        if let Some(overlay) = &self.overlay {
            let said =
                self.message.as_ref().filter(|_| !overlay.covers()).map_or(overlay.foot(), |message| &message.text);
            put(buffer, 0, y, width, said, theme.style(Meaning::Plain));
            return;
        }
        let pane = if self.size.0 >= PANE_FROM { if self.pane { "w hide pane" } else { "w show pane" } } else { "" };
        let room = if pane.is_empty() { width } else { width - 12 };
        let mut x = 0;
        for (key, word) in foot(&self.keys(now), usize::from(room)) {
            x = put(buffer, x, y, width, &key, theme.style(Meaning::Key));
            x = put(buffer, x, y, width, &format!(" {word}"), theme.style(Meaning::Plain)) + 2;
        }
        if !pane.is_empty() {
            put(buffer, width - 11, y, 11, pane, theme.style(Meaning::Plain));
        }
    }
}

/// Leaves nothing but ASCII, each character in its own width.
fn plain(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        if !cell.symbol().is_ascii() {
            let width = unicode_width::UnicodeWidthStr::width(cell.symbol());
            cell.set_symbol(if width > 1 { "??" } else { "?" });
        }
    }
}

/// The keys of the footer: those with a word that work now, at most nine, the help always.
fn foot(keys: &[Shown], width: usize) -> Vec<(String, &'static str)> {
    let mut shown: Vec<(String, &'static str)> = Vec::new();
    let help = keys.iter().find(|row| row.name == "help").and_then(|row| row.keys.first());
    let help = (help.map_or_else(|| "?".to_owned(), Key::to_string), "keys");
    let length = |(key, word): &(String, &str)| key.len() + word.len() + 3;
    let mut used = length(&help) - 2;
    for row in keys.iter().filter(|row| !row.foot.is_empty() && row.dead.is_none() && row.name != "help") {
        let Some(key) = row.keys.first() else { continue };
        let item = (key.to_string(), row.foot);
        if shown.len() == 8 || used + length(&item) > width {
            break;
        }
        used += length(&item);
        shown.push(item);
    }
    shown.push(help);
    shown
}

/// A path in a width: the last part is the last to be cut.
fn shorten(path: &[String], width: usize) -> String {
    use unicode_width::UnicodeWidthStr;
    let whole = format!("tenantop > {}", path.join(" > "));
    if whole.width() <= width {
        return whole;
    }
    for skip in 0..path.len() {
        let text = path.get(skip..).unwrap_or_default().join(" > ");
        if text.width() <= width {
            return text;
        }
    }
    words::cut(path.last().map_or("", String::as_str), width).into_owned()
}

/// Said before the first picture came.
fn waiting(page: &mut Page<'_>, cx: &Cx<'_>, gone: Option<Timestamp>, since: Timestamp) {
    let y = page.main.y + 1;
    match gone {
        None => page.line(y, &cx.waiting(since, "Waiting for the server's picture of all tenants").into()),
        Some(at) => {
            let (at, quit) = (words::when(at, cx.now), cx.key("quit"));
            let text = format!("The server ended at {at} before it sent a picture.   {quit} leaves");
            page.line(y, &Line::of(Meaning::Broken, text));
        }
    }
}
