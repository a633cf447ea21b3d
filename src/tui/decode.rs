//! From the bytes that a terminal sends to events, whatever way a slow line has torn them apart.
//!
//! An Esc is a key of its own only if nothing follows it for a while; the beginning of a sequence waits for its rest;
//! what is not known is swallowed whole, so that the end of no sequence is ever read as letters.

use std::time::Duration;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// How long the rest of a sequence is waited for.
const REST: Duration = Duration::from_millis(500);
/// The most that is kept of a pasted text; the rest is read and thrown away.
const PASTE_KEPT: usize = 64 << 10;
/// The most parameters of a sequence, in bytes; a longer one is swallowed.
const PARAMETERS: usize = 64;
const PASTE_END: &[u8] = b"\x1b[201~";
const ESC: u8 = 0x1b;

/// What was begun and not ended.
#[derive(Debug, Default, PartialEq, Eq)]
enum Open {
    /// Nothing.
    #[default]
    Nothing,
    /// An Esc, or the first byte of a sequence.
    Esc,
    /// `ESC O`: one more byte.
    Ss3,
    /// `ESC [` with the parameters so far.
    Csi(Vec<u8>),
    /// So many more bytes that mean nothing here.
    Skip(usize),
    /// A text that a terminal answers with, up to its end: whoever asked is gone.
    Answer,
    /// The Esc that begins the end of an answer.
    AnswerEnd,
    /// The bytes of a character, and how many it has.
    Character(Vec<u8>, usize),
    /// A pasted text: what is kept of it, and how much of its end mark was read.
    Paste(Vec<u8>, usize),
}

/// Turns bytes into events.
#[derive(Debug)]
pub(super) struct Decoder {
    open: Open,
    /// How long an Esc is held.
    hold: Duration,
    /// Whether an Esc was given out, and what follows may still be the rest of its sequence.
    late: bool,
}

impl Decoder {
    /// Holds an Esc for so long.
    pub(super) fn new(hold: Duration) -> Self {
        Self { open: Open::Nothing, hold, late: false }
    }

    /// How long to wait for more before [`Decoder::expire`]; absent if nothing is awaited.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self.open {
            // A paste may stall on a slow line for as long as it likes: what it holds are no keys.
            Open::Nothing | Open::Paste(..) => None,
            Open::Esc => Some(self.hold),
            Open::Ss3 | Open::Csi(_) | Open::Skip(_) | Open::Answer | Open::AnswerEnd | Open::Character(..) => {
                Some(REST)
            }
        }
    }

    /// Nothing more came: a held Esc counts, the beginning of a sequence is dropped.
    pub(super) fn expire(&mut self, events: &mut Vec<Event>) {
        match std::mem::take(&mut self.open) {
            Open::Esc => {
                events.push(key(KeyCode::Esc));
                self.late = true;
            }
            paste @ Open::Paste(..) => self.open = paste,
            Open::Nothing
            | Open::Ss3
            | Open::Csi(_)
            | Open::Skip(_)
            | Open::Answer
            | Open::AnswerEnd
            | Open::Character(..) => self.late = false,
        }
    }

    /// Takes what one read gave.
    pub(super) fn feed(&mut self, bytes: &[u8], events: &mut Vec<Event>) {
        // Nobody else ends a paste whose end was lost.
        if bytes == [0x03] {
            self.open = Open::Nothing;
        }
        for (at, byte) in bytes.iter().enumerate() {
            self.take(*byte, at == 0, events);
        }
    }

    /// Takes a byte; `first` of those that came together.
    fn take(&mut self, byte: u8, first: bool, events: &mut Vec<Event>) {
        match std::mem::take(&mut self.open) {
            Open::Nothing => self.begin(byte, events),
            Open::Ss3 if byte >= b' ' => {
                if !std::mem::take(&mut self.late) {
                    events.extend(arrow(byte).map(key));
                }
            }
            Open::Csi(mut parameters) if (b' '..=b'?').contains(&byte) => {
                if parameters.len() <= PARAMETERS {
                    parameters.push(byte);
                }
                self.open = Open::Csi(parameters);
            }
            Open::Csi(parameters) if (b'@'..=b'~').contains(&byte) => self.csi(&parameters, byte, events),
            Open::Skip(n) if byte != ESC => self.open = if n > 1 { Open::Skip(n - 1) } else { Open::Nothing },
            Open::Answer if byte == 0x07 => {}
            Open::Answer if byte == ESC => self.open = Open::AnswerEnd,
            Open::AnswerEnd if byte == b'\\' => {}
            Open::Esc | Open::AnswerEnd => self.behind_esc(byte, first, events),
            Open::Answer if byte >= b' ' => self.open = Open::Answer,
            Open::Character(mut bytes, length) if (0x80..0xc0).contains(&byte) => {
                bytes.push(byte);
                if bytes.len() < length {
                    self.open = Open::Character(bytes, length);
                } else {
                    let character = std::str::from_utf8(&bytes).ok().and_then(|text| text.chars().next());
                    events.extend(character.map(|c| key(KeyCode::Char(c))));
                }
            }
            Open::Paste(kept, seen) => self.paste(kept, seen, byte, events),
            // What was open was no sequence, or was cut off by the next.
            Open::Ss3 | Open::Csi(_) | Open::Skip(_) | Open::Answer | Open::Character(..) => {
                self.late = false;
                self.begin(byte, events);
            }
        }
    }

    fn begin(&mut self, byte: u8, events: &mut Vec<Event>) {
        let late = std::mem::take(&mut self.late);
        match byte {
            ESC => self.open = Open::Esc,
            // Neither is bound to anything: the rest of a sequence whose Esc came too early.
            b'[' if late => (self.open, self.late) = (Open::Csi(Vec::new()), true),
            b'O' if late => (self.open, self.late) = (Open::Ss3, true),
            0xc2..=0xdf => self.open = Open::Character(vec![byte], 2),
            0xe0..=0xef => self.open = Open::Character(vec![byte], 3),
            0xf0..=0xf4 => self.open = Open::Character(vec![byte], 4),
            0x80.. => {}
            byte => events.push(Event::Key(typed(byte))),
        }
    }

    fn behind_esc(&mut self, byte: u8, first: bool, events: &mut Vec<Event>) {
        match byte {
            ESC => {
                events.push(key(KeyCode::Esc));
                self.open = Open::Esc;
            }
            b'[' => self.open = Open::Csi(Vec::new()),
            b'O' => self.open = Open::Ss3,
            b']' | b'P' | b'X' | b'^' | b'_' => self.open = Open::Answer,
            // What came in one piece is a key with Alt.
            b' '..=0x7f if !first => {
                let KeyEvent { code, modifiers, .. } = typed(byte);
                events.push(Event::Key(KeyEvent::new(code, modifiers | KeyModifiers::ALT)));
            }
            byte => {
                events.push(key(KeyCode::Esc));
                self.begin(byte, events);
            }
        }
    }

    /// A sequence is whole.
    fn csi(&mut self, parameters: &[u8], last: u8, events: &mut Vec<Event>) {
        let late = std::mem::take(&mut self.late);
        let text = std::str::from_utf8(parameters).unwrap_or_default();
        if let (Some(text), b'M' | b'm') = (text.strip_prefix('<'), last) {
            events.extend(mouse(text, last == b'M').map(Event::Mouse));
            return;
        }
        // A second number behind a colon says press, repeat or release.
        let mut numbers = text.split(';').map(|part| {
            let (number, kind) = part.split_once(':').unwrap_or((part, ""));
            (number.parse::<u32>().unwrap_or(0), kind == "3")
        });
        let (number, _) = numbers.next().unwrap_or_default();
        let (modifiers, released) = numbers.next().map_or((KeyModifiers::NONE, false), |(n, up)| (held(n), up));
        let code = match (last, number) {
            (b'~', 200) => {
                self.open = Open::Paste(Vec::new(), 0);
                return;
            }
            // Reports of old mice, and function keys of the Linux console.
            (b'M', _) if text.is_empty() => {
                self.open = Open::Skip(3);
                return;
            }
            (b'[', _) if text.is_empty() => {
                self.open = Open::Skip(1);
                return;
            }
            (b'A'..=b'H', _) => arrow(last),
            (b'Z', _) => Some(KeyCode::BackTab),
            (b'~', 1 | 7) => Some(KeyCode::Home),
            (b'~', 3) => Some(KeyCode::Delete),
            (b'~', 4 | 8) => Some(KeyCode::End),
            (b'~', 5) => Some(KeyCode::PageUp),
            (b'~', 6) => Some(KeyCode::PageDown),
            (b'u', 9) => Some(KeyCode::Tab),
            (b'u', 13) => Some(KeyCode::Enter),
            (b'u', 27) => Some(KeyCode::Esc),
            (b'u', 127) => Some(KeyCode::Backspace),
            (b'u', 32..) => char::from_u32(number).map(KeyCode::Char),
            (_, _) => None,
        };
        // A key whose Esc counted already is no key any more.
        if parameters.len() <= PARAMETERS && !released && !late {
            events.extend(code.map(|code| Event::Key(KeyEvent::new(code, modifiers))));
        }
    }

    fn paste(&mut self, mut kept: Vec<u8>, seen: usize, byte: u8, events: &mut Vec<Event>) {
        if PASTE_END.get(seen) == Some(&byte) {
            if seen + 1 == PASTE_END.len() {
                events.push(Event::Paste(String::from_utf8_lossy(&kept).into_owned()));
                return;
            }
            self.open = Open::Paste(kept, seen + 1);
            return;
        }
        // What looked like the end belongs to the text.
        let mut keep = |bytes: &[u8]| {
            let room = PASTE_KEPT.saturating_sub(kept.len());
            kept.extend(bytes.iter().take(room));
        };
        keep(PASTE_END.get(..seen).unwrap_or_default());
        let again = byte == ESC;
        if !again {
            keep(&[byte]);
        }
        self.open = Open::Paste(kept, usize::from(again));
    }
}

fn key(code: KeyCode) -> Event {
    Event::Key(KeyEvent::new(code, KeyModifiers::NONE))
}

/// The key of a byte that stands alone.
fn typed(byte: u8) -> KeyEvent {
    let control = |base: u8| KeyEvent::new(KeyCode::Char(char::from(byte + base)), KeyModifiers::CONTROL);
    let code = match byte {
        b'\r' => KeyCode::Enter,
        b'\t' => KeyCode::Tab,
        0x7f => KeyCode::Backspace,
        0 => return control(b' '),
        0x01..=0x1a => return control(b'a' - 1),
        0x1b..=0x1f => return control(b'3' - 0x1b),
        byte => KeyCode::Char(char::from(byte)),
    };
    KeyEvent::new(code, KeyModifiers::NONE)
}

/// The key of the last byte of a short sequence.
fn arrow(byte: u8) -> Option<KeyCode> {
    match byte {
        b'A' => Some(KeyCode::Up),
        b'B' => Some(KeyCode::Down),
        b'C' => Some(KeyCode::Right),
        b'D' => Some(KeyCode::Left),
        b'F' => Some(KeyCode::End),
        b'H' => Some(KeyCode::Home),
        _ => None,
    }
}

/// The keys that were held down, as sequences count them.
fn held(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let all = [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)];
    all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier).collect()
}

/// What a mouse did: `button;column;row`.
fn mouse(text: &str, pressed: bool) -> Option<MouseEvent> {
    let mut numbers = text.split(';').map(|part| part.parse::<u16>().ok());
    let (bits, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let button = (bits & 3) | (bits & 0xc0) >> 4;
    let moved = bits & 0x20 != 0;
    let kind = match (button, moved) {
        (0..=2, _) => {
            let button = [MouseButton::Left, MouseButton::Middle, MouseButton::Right].into_iter().nth(button.into())?;
            match (moved, pressed) {
                (true, _) => MouseEventKind::Drag(button),
                (false, true) => MouseEventKind::Down(button),
                (false, false) => MouseEventKind::Up(button),
            }
        }
        (3, false) => MouseEventKind::Up(MouseButton::Left),
        (3..=5, true) => MouseEventKind::Moved,
        (4, false) => MouseEventKind::ScrollUp,
        (5, false) => MouseEventKind::ScrollDown,
        (6, false) => MouseEventKind::ScrollLeft,
        (7, false) => MouseEventKind::ScrollRight,
        (_, _) => return None,
    };
    let all = [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)];
    let modifiers = all.into_iter().filter(|(bit, _)| bits & bit != 0).map(|(_, modifier)| modifier).collect();
    Some(MouseEvent { kind, column: column.checked_sub(1)?, row: row.checked_sub(1)?, modifiers })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::keys::Key;

    /// What comes of reads: names of keys, `paste:` with its text, `mouse`. An empty read is a while without any.
    fn read(reads: &[&[u8]]) -> Vec<String> {
        let mut decoder = Decoder::new(Duration::from_millis(50));
        let mut events = Vec::new();
        for bytes in reads {
            if bytes.is_empty() {
                decoder.expire(&mut events);
            }
            decoder.feed(bytes, &mut events);
        }
        events.iter().filter_map(told).collect()
    }

    fn told(event: &Event) -> Option<String> {
        match event {
            Event::Key(key) => Key::of(*key).map(|key| key.to_string()),
            Event::Paste(text) => Some(format!("paste:{text}")),
            Event::Mouse(mouse) => Some(format!("{:?} {} {}", mouse.kind, mouse.column, mouse.row)),
            Event::FocusGained | Event::FocusLost | Event::Resize(..) => panic!("{event:?} is not read"),
        }
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        let one = |bytes: &str| read(&[bytes.as_bytes()]).join(" ");
        for (bytes, keys) in [
            ("jK/ü東", "j K / ü 東"),
            ("\r\t\x7f\x08\x03\x0c", "Enter Tab Backspace Backspace Ctrl-C Ctrl-L"),
            ("\x1b[A\x1b[B\x1b[C\x1b[D\x1b[H\x1b[F", "Up Down Right Left Home End"),
            ("\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", "Up Down Right Left Home End"),
            ("\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~\x1b[5~\x1b[6~", "Home End Home End Del PgUp PgDn"),
            ("\x1b[1;5A\x1b[1;2Bj", "Up Down j"),
            ("\x1b[97u\x1b[13u\x1b[27u\x1b[99;5u\x1b[99;5:3u", "a Enter Esc Ctrl-C"),
        ] {
            assert_eq!(one(bytes), keys, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_swallowed_whole() {
        for bytes in [
            "\x1b[15~",
            "\x1bOP",
            "\x1b[[A",
            "\x1b[M !!",
            "\x1b[?1;2c",
            "\x1b[24;80R",
            "\x1b]11;rgb:0000/0000/0000\x1b\\",
            "\x1b]11;rgb:0000/0000/0000\x07",
            "\x1bP>|XTerm(390)\x1b\\",
            "\x1b[Z",
            "\x1b[I\x1b[O",
            "\x1b[1;3A",
            "\x1bj\x1b\x7f\x1b\\",
        ] {
            assert_eq!(read(&[bytes.as_bytes(), b"j"]), ["j"], "{bytes:?}");
        }
        let long = format!("\x1b[{}A", "1;".repeat(5000));
        assert_eq!(read(&[long.as_bytes(), b"j"]), ["j"]);
        assert_eq!(read(&[b"\xff\x80\xc3", b"j"]), ["j"], "no UTF-8");
    }

    #[test]
    fn an_esc_counts_after_its_while() {
        assert_eq!(read(&[b"\x1b"]), [""; 0]);
        assert_eq!(read(&[b"\x1b", b""]), ["Esc"]);
        assert_eq!(read(&[b"\x1b", b"", b"j"]), ["Esc", "j"]);
        assert_eq!(read(&[b"\x1b", b"j"]), ["Esc", "j"]);
        assert_eq!(read(&[b"\x1b\x1b", b""]), ["Esc", "Esc"]);
        assert_eq!(read(&[b"\x1b\x03"]), ["Esc", "Ctrl-C"]);
        assert_eq!(Decoder::new(Duration::from_millis(70)).patience(), None);
    }

    #[test]
    fn a_torn_sequence_is_never_letters() {
        assert_eq!(read(&[b"\x1b", b"[B"]), ["Down"]);
        assert_eq!(read(&[b"\x1b", b"[", b"B"]), ["Down"]);
        assert_eq!(read(&[b"\x1b", b"O", b"A"]), ["Up"]);
        assert_eq!(read(&[b"\x1b", b"[1;", b"5C"]), ["Right"]);
        assert_eq!(read(&[b"\x1b", b"[6", b"~"]), ["PgDn"]);
        assert_eq!(read(&[b"\x1b", b"[", b"", b"j"]), ["j"], "its rest never came");
        assert_eq!(read(&[b"\x1b", b"", b"[5~", b"j"]), ["Esc", "j"], "its Esc counted already");
        assert_eq!(read(&[b"\x1b", b"", b"OB", b"O"]), ["Esc", "O"]);
        assert_eq!(read(&[b"\x1b", b"", b"[200~ry\r\x1b[201~"]), ["Esc", "paste:ry\r"]);
        assert_eq!(read(&[b"\x1b", b"", b"[<0;3;2M", b"[A"]).last().unwrap(), "A", "only the first");
        assert_eq!(read(&[b"\x1b]11;rgb:0", b"0\x1b", b"\\", b"j"]), ["j"], "an answer");
        assert_eq!(read(&[b"\x1b[1;", b"\x03"]), ["Ctrl-C"], "Ctrl-C leaves at once");
    }

    #[test]
    fn a_paste_is_one_text_however_long_and_torn() {
        assert_eq!(read(&[b"\x1b[200~one\rtwo\x1b[201~j"]), ["paste:one\rtwo", "j"]);
        assert_eq!(read(&[b"\x1b[200~a\x1b[20", b"1~b", b"\x1b[2", b"01~"]), ["paste:a", "b"]);
        assert_eq!(read(&[b"\x1b[200~a\x1b\x1b[201x\x1b[201~"]), ["paste:a\x1b\x1b[201x"]);
        assert_eq!(read(&[b"\x1b[200~a", b"", b"b\x1b[201~"]), ["paste:ab"], "a line that stalls ends no paste");
        assert_eq!(read(&[b"\x1b[200~a", b"\x03", b"j"]), ["Ctrl-C", "j"], "one whose end is lost is left");
        let mut decoder = Decoder::new(Duration::ZERO);
        let mut events = Vec::new();
        decoder.feed(b"\x1b[200~", &mut events);
        for _ in 0..1 << 10 {
            decoder.feed(&[b'x'; 1 << 10], &mut events);
        }
        decoder.feed(b"\x1b[201~", &mut events);
        let [Event::Paste(text)] = events.as_slice() else { panic!("{}", events.len()) };
        assert_eq!(text.len(), PASTE_KEPT);
    }

    #[test]
    fn mice_are_told_where_a_terminal_reports_them() {
        assert_eq!(read(&[b"\x1b[<0;3;2M\x1b[<0;3;2m"]), ["Down(Left) 2 1", "Up(Left) 2 1"]);
        assert_eq!(read(&[b"\x1b[<64;1;1M\x1b[<65;1;1M"]), ["ScrollUp 0 0", "ScrollDown 0 0"]);
        assert_eq!(read(&[b"\x1b[<0;0;0M\x1b[<M\x1b[<999999;1;1M", b"j"]), ["j"]);
    }

    proptest! {
        #[test]
        fn however_it_is_torn_it_means_the_same(
            keys in proptest::collection::vec(proptest::sample::select(vec![
                "j", "\x1b[A", "\x1bOB", "\x1b[5~", "\x1b[1;5C", "ü", "\x1b[200~x\x1b[20\x1b[201~", "\x1b[<0;3;2M", "\r",
            ]), 1..12),
            cuts in proptest::collection::vec(1usize..6, 0..40),
        ) {
            let whole = keys.concat().into_bytes();
            let mut rest = whole.as_slice();
            let mut reads: Vec<&[u8]> = Vec::new();
            for cut in cuts {
                let (read, more) = rest.split_at(cut.min(rest.len()));
                if !read.is_empty() {
                    reads.push(read);
                }
                rest = more;
            }
            if !rest.is_empty() {
                reads.push(rest);
            }
            prop_assert_eq!(read(&reads), read(&[whole.as_slice()]));
        }

        #[test]
        fn whatever_comes_it_goes_on(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let mut decoder = Decoder::new(Duration::ZERO);
            let mut events = Vec::new();
            decoder.feed(&bytes, &mut events);
            decoder.feed(b"\x03", &mut events);
            decoder.expire(&mut events);
            prop_assert!(events.iter().filter_map(told).any(|key| key == "Ctrl-C"));
        }
    }
}
