//! From a picture to the bytes of a frame: one write, inside a synchronized update, and none if nothing changed.

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::style::{Attribute, SetAttribute};
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::emit::difference;

/// No scrolling region: rows of a frame are moved within one.
pub(super) const NO_REGION: &[u8] = b"\x1b[r";

/// Remembers what the terminal shows and writes what differs.
#[derive(Debug, Default)]
pub(crate) struct Painter {
    shown: Option<Buffer>,
    cursor: Option<Position>,
}

impl Painter {
    /// Forgets what the terminal shows: the next frame is drawn whole.
    pub(crate) fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that turn what is shown into the next picture; empty if nothing differs. The hardware cursor is shown
    /// only where somebody types.
    pub(crate) fn frame(&mut self, next: Buffer, cursor: Option<Position>) -> std::io::Result<Vec<u8>> {
        let whole = self.shown.as_ref().is_none_or(|shown| shown.area != next.area);
        let blank = Buffer::empty(Rect { x: 0, y: 0, ..next.area });
        let before = if whole { &blank } else { self.shown.as_ref().unwrap_or(&blank) };
        let differs = difference(before, &next);
        if !whole && differs.is_empty() && cursor == self.cursor {
            return Ok(Vec::new());
        }
        let mut bytes = Vec::with_capacity(differs.len() + 64);
        queue!(bytes, BeginSynchronizedUpdate)?;
        if whole {
            bytes.extend_from_slice(NO_REGION);
            queue!(bytes, Hide, SetAttribute(Attribute::Reset), Clear(ClearType::All))?;
            self.cursor = None;
        }
        bytes.extend_from_slice(differs.as_bytes());
        match cursor {
            Some(at) => {
                queue!(bytes, MoveTo(at.x, at.y))?;
                if self.cursor.is_none() {
                    queue!(bytes, Show)?;
                }
            }
            None if self.cursor.is_some() => queue!(bytes, Hide)?,
            None => {}
        }
        queue!(bytes, EndSynchronizedUpdate)?;
        self.cursor = cursor;
        self.shown = Some(next);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(text: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, ratatui::style::Style::new());
        buffer
    }

    #[test]
    fn nothing_changed_is_no_byte() {
        let mut painter = Painter::default();
        assert!(!painter.frame(picture("one"), None).unwrap().is_empty());
        assert_eq!(painter.frame(picture("one"), None).unwrap(), b"");
        assert!(!painter.frame(picture("one"), Some(Position::new(1, 0))).unwrap().is_empty());
        assert_eq!(painter.frame(picture("one"), Some(Position::new(1, 0))).unwrap(), b"");
        painter.forget();
        assert!(!painter.frame(picture("one"), None).unwrap().is_empty());
    }

    #[test]
    fn a_frame_is_one_synchronized_update() {
        let mut painter = Painter::default();
        painter.frame(picture("one"), None).unwrap();
        let bytes = String::from_utf8(painter.frame(picture("onx"), None).unwrap()).unwrap();
        assert!(bytes.starts_with("\u{1b}[?2026h") && bytes.ends_with("\u{1b}[?2026l"), "{bytes:?}");
        assert!(bytes.contains('x') && !bytes.contains('o'), "only what differs: {bytes:?}");
    }

    #[test]
    fn what_a_terminal_shows_is_the_picture() {
        let mut painter = Painter::default();
        let mut terminal = vt100::Parser::new(2.try_into().unwrap(), 20.try_into().unwrap(), 0);
        for text in ["one two three", "one", "", "東京 x", "x東京"] {
            terminal.process(&painter.frame(picture(text), None).unwrap());
            assert_eq!(terminal.screen().contents().trim_end(), text);
            assert!(terminal.screen().hide_cursor());
        }
    }
}
