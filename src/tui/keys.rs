//! Keys: what a press is, and the tables that say what it does.
//!
//! A key is three lines in a screen's file: a row of its table, a variant of its `Act`, an arm in `press`. Help, footer
//! and `docs/keys.md` are read off the tables.

use std::borrow::Cow;
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// A press, as tables name it. Shift is part of the letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A printable character, as typed.
    Char(char),
    /// Ctrl with a letter, in lower case.
    Ctrl(char),
    /// Enter: opens, never agrees.
    Enter,
    /// Escape: one step back.
    Esc,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Tab.
    Tab,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Home.
    Home,
    /// End.
    End,
}

impl Key {
    /// The press of a terminal event; absent for releases and for keys that nothing here uses.
    pub(crate) fn of(event: KeyEvent) -> Option<Key> {
        if event.kind == KeyEventKind::Release || event.modifiers.contains(KeyModifiers::ALT) {
            return None;
        }
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let shift = event.modifiers.contains(KeyModifiers::SHIFT);
        #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm knows media keys; we use few keys")]
        match event.code {
            // Ctrl-H is what many terminals send for Backspace.
            KeyCode::Char('h' | 'H') if control => Some(Key::Backspace),
            KeyCode::Char(c) if control => Some(Key::Ctrl(c.to_ascii_lowercase())),
            KeyCode::Char(c) if shift => Some(Key::Char(c.to_uppercase().next().unwrap_or(c))),
            KeyCode::Char(c) => Some(Key::Char(c)),
            KeyCode::Enter => Some(Key::Enter),
            KeyCode::Esc => Some(Key::Esc),
            KeyCode::Backspace => Some(Key::Backspace),
            KeyCode::Delete => Some(Key::Delete),
            KeyCode::Tab => Some(Key::Tab),
            KeyCode::Up => Some(Key::Up),
            KeyCode::Down => Some(Key::Down),
            KeyCode::Left => Some(Key::Left),
            KeyCode::Right => Some(Key::Right),
            KeyCode::PageUp => Some(Key::PageUp),
            KeyCode::PageDown => Some(Key::PageDown),
            KeyCode::Home => Some(Key::Home),
            KeyCode::End => Some(Key::End),
            _ => None,
        }
    }
}

/// Keys that are no character.
const NAMED: [Key; 14] = [
    Key::Char(' '),
    Key::Enter,
    Key::Esc,
    Key::Backspace,
    Key::Delete,
    Key::Tab,
    Key::Up,
    Key::Down,
    Key::Left,
    Key::Right,
    Key::PageUp,
    Key::PageDown,
    Key::Home,
    Key::End,
];

/// Reads a key as it is shown: a character, a name, or `Ctrl-` and a letter. Case matters in characters alone.
impl std::str::FromStr for Key {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut chars = text.chars();
        if let (Some(c), None) = (chars.next(), chars.next()) {
            return if c.is_control() { Err(()) } else { Ok(Key::Char(c)) };
        }
        let control = text.get(..5).filter(|start| start.eq_ignore_ascii_case("ctrl-")).and(text.get(5..));
        if let Some(letter) = control {
            let mut letters = letter.chars();
            return match (letters.next(), letters.next()) {
                (Some(c), None) if c.is_ascii_alphabetic() => Ok(Key::Ctrl(c.to_ascii_lowercase())),
                (_, _) => Err(()),
            };
        }
        NAMED.into_iter().find(|key| key.to_string().eq_ignore_ascii_case(text)).ok_or(())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Char(' ') => f.write_str("Space"),
            Key::Char(c) => write!(f, "{c}"),
            Key::Ctrl(c) => write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Key::Enter => f.write_str("Enter"),
            Key::Esc => f.write_str("Esc"),
            Key::Backspace => f.write_str("Backspace"),
            Key::Delete => f.write_str("Del"),
            Key::Tab => f.write_str("Tab"),
            Key::Up => f.write_str("Up"),
            Key::Down => f.write_str("Down"),
            Key::Left => f.write_str("Left"),
            Key::Right => f.write_str("Right"),
            Key::PageUp => f.write_str("PgUp"),
            Key::PageDown => f.write_str("PgDn"),
            Key::Home => f.write_str("Home"),
            Key::End => f.write_str("End"),
        }
    }
}

/// A row of a key table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<A: 'static> {
    /// The keys that do it.
    pub(crate) keys: &'static [Key],
    /// What it does, as the screen's own word.
    pub(crate) act: A,
    /// The name by which it is bound to other keys: one meaning, one name, the same keys on every screen.
    pub(crate) name: &'static str,
    /// A word for the footer; empty if it stands in the help only.
    pub(crate) foot: &'static str,
    /// What it does, for help and documentation.
    pub(crate) does: &'static str,
}

/// A row of a key table.
pub(crate) const fn bind<A>(
    keys: &'static [Key],
    act: A,
    name: &'static str,
    foot: &'static str,
    does: &'static str,
) -> Binding<A> {
    Binding { keys, act, name, foot, does }
}

/// What a key does in a table.
pub(crate) fn find<A: Copy>(table: &[Binding<A>], key: Key) -> Option<A> {
    table.iter().find(|row| row.keys.contains(&key)).map(|row| row.act)
}

/// A row of a table as help, footer and documentation show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    /// The keys; none if an operator's own file takes it off the keyboard.
    pub(crate) keys: Cow<'static, [Key]>,
    /// The name by which it is bound to other keys.
    pub(crate) name: &'static str,
    /// A word for the footer; empty if it stands in the help only.
    pub(crate) foot: &'static str,
    /// What it does.
    pub(crate) does: &'static str,
    /// Why it does nothing now; absent if it works.
    pub(crate) dead: Option<String>,
}

impl Shown {
    /// The keys in a word: `j Down`, `1-9`.
    pub(crate) fn names(&self) -> String {
        match &*self.keys {
            [Key::Char(first), .., Key::Char(last)] if first.is_ascii_digit() && last.is_ascii_digit() => {
                format!("{first}-{last}")
            }
            [] => "(no key)".to_owned(),
            keys => keys.iter().map(Key::to_string).collect::<Vec<_>>().join(" "),
        }
    }
}

/// A table as it stands now; `dead` says why an act does nothing.
pub(crate) fn show<A: Copy>(table: &[Binding<A>], dead: impl Fn(A) -> Option<String>) -> Vec<Shown> {
    let shown = |row: &Binding<A>| Shown {
        keys: Cow::Borrowed(row.keys),
        name: row.name,
        foot: row.foot,
        does: row.does,
        dead: dead(row.act),
    };
    table.iter().map(shown).collect()
}

/// Whether a key must never be bound: a torn escape sequence, flow control or a multiplexer would press it.
pub(crate) fn is_forbidden(key: Key) -> bool {
    matches!(
        key,
        Key::Char('[' | ']' | 'O' | 'A'..='D' | 'H' | 'F')
            | Key::Ctrl('s' | 'q' | 'b' | 'a' | 'z' | 'h' | 'i' | 'm' | 'j')
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(code: KeyCode, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(code, modifiers)
    }

    #[test]
    fn shift_is_part_of_the_letter_and_releases_are_nothing() {
        assert_eq!(Key::of(event(KeyCode::Char('s'), KeyModifiers::SHIFT)), Some(Key::Char('S')));
        assert_eq!(Key::of(event(KeyCode::Char('S'), KeyModifiers::SHIFT)), Some(Key::Char('S')));
        assert_eq!(Key::of(event(KeyCode::Char('S'), KeyModifiers::NONE)), Some(Key::Char('S')));
        assert_eq!(Key::of(event(KeyCode::Char('?'), KeyModifiers::SHIFT)), Some(Key::Char('?')));
        assert_eq!(Key::of(event(KeyCode::Char('C'), KeyModifiers::CONTROL)), Some(Key::Ctrl('c')));
        assert_eq!(Key::of(event(KeyCode::Char('h'), KeyModifiers::CONTROL)), Some(Key::Backspace));
        assert_eq!(Key::of(event(KeyCode::Char('x'), KeyModifiers::ALT)), None);
        let mut release = event(KeyCode::Char('x'), KeyModifiers::NONE);
        release.kind = KeyEventKind::Release;
        assert_eq!(Key::of(release), None);
    }

    #[test]
    fn a_key_is_read_as_it_is_shown() {
        for key in NAMED.into_iter().chain([Key::Char('j'), Key::Char('\\'), Key::Char('ü'), Key::Ctrl('r')]) {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        assert_eq!("pgdn".parse(), Ok(Key::PageDown));
        for text in ["", "jj", "Ctrl-", "Ctrl-1", "Ctrl-ab", "F1", "\n"] {
            assert_eq!(text.parse::<Key>(), Err(()), "{text:?}");
        }
    }

    #[test]
    fn digits_are_named_as_a_span() {
        let names =
            |keys: &'static [Key]| Shown { keys: keys.into(), name: "", foot: "", does: "", dead: None }.names();
        assert_eq!(names(&[Key::Char('1'), Key::Char('2'), Key::Char('3')]), "1-3");
        assert_eq!(names(&[Key::Char('j'), Key::Down]), "j Down");
        assert_eq!(names(&[]), "(no key)");
    }
}
