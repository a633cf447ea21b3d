use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, made uniform: Shift is in the character, a release is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character.
    Char(char),
    /// Ctrl and a letter.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Esc, after it was held.
    Esc,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Tab.
    Tab,
    /// Up.
    Up,
    /// Down.
    Down,
    /// Left.
    Left,
    /// Right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// First.
    Home,
    /// Last.
    End,
}

impl Key {
    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm knows keys that are bound to nothing")]
    pub(super) fn of(event: KeyEvent) -> Option<Self> {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        if event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER) {
            return None;
        }
        Some(match event.code {
            KeyCode::Char(c) if ctrl => Self::Ctrl(c.to_ascii_lowercase()),
            KeyCode::Char(c) if event.modifiers.contains(KeyModifiers::SHIFT) && c.is_ascii_lowercase() => {
                Self::Char(c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => Self::Char(c),
            KeyCode::Enter => Self::Enter,
            KeyCode::Esc => Self::Esc,
            KeyCode::Backspace => Self::Backspace,
            KeyCode::Delete => Self::Delete,
            KeyCode::Tab => Self::Tab,
            KeyCode::Up => Self::Up,
            KeyCode::Down => Self::Down,
            KeyCode::Left => Self::Left,
            KeyCode::Right => Self::Right,
            KeyCode::PageUp => Self::PageUp,
            KeyCode::PageDown => Self::PageDown,
            KeyCode::Home => Self::Home,
            KeyCode::End => Self::End,
            _ => return None,
        })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Char(' ') => "Space",
            Self::Char(c) => return write!(f, "{c}"),
            Self::Ctrl(c) => return write!(f, "Ctrl-{}", c.to_ascii_uppercase()),
            Self::Enter => "Enter",
            Self::Esc => "Esc",
            Self::Backspace => "Backspace",
            Self::Delete => "Delete",
            Self::Tab => "Tab",
            Self::Up => "Up",
            Self::Down => "Down",
            Self::Left => "Left",
            Self::Right => "Right",
            Self::PageUp => "PgUp",
            Self::PageDown => "PgDn",
            Self::Home => "Home",
            Self::End => "End",
        };
        f.write_str(name)
    }
}

/// A row of a key table: footer, help and documentation are read off it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bind<A: 'static> {
    /// The key.
    pub key: Key,
    /// What it does.
    pub act: A,
    /// A word or two for the footer; empty keeps it out of there.
    pub short: &'static str,
    /// A sentence for the help.
    pub help: &'static str,
}

/// Makes a row.
pub(super) const fn bind<A>(key: Key, act: A, short: &'static str, help: &'static str) -> Bind<A> {
    Bind { key, act, short, help }
}

/// What a key does in a table.
pub(super) fn find<A: Copy>(table: &[Bind<A>], key: Key) -> Option<A> {
    table.iter().find(|bind| bind.key == key).map(|bind| bind.act)
}

/// What every screen does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Common {
    /// Move the cursor.
    Up,
    /// Move the cursor.
    Down,
    /// Move a page.
    PageUp,
    /// Move a page.
    PageDown,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// One step back.
    Back,
    /// Back, or leave at the top.
    BackOrLeave,
    /// Leave at once.
    Leave,
    /// The keys of this screen.
    Help,
    /// The last view.
    LastView,
    /// Copy something.
    Copy,
    /// The right pane.
    Pane,
    /// Draw all again.
    Redraw,
    /// Take in what is new.
    Refresh,
}

/// Keys that mean the same on every screen.
pub(super) const COMMON: &[Bind<Common>] = &[
    bind(Key::Up, Common::Up, "", "up; also k"),
    bind(Key::Char('k'), Common::Up, "", "up"),
    bind(Key::Down, Common::Down, "", "down; also j"),
    bind(Key::Char('j'), Common::Down, "", "down"),
    bind(Key::PageUp, Common::PageUp, "", "a page up"),
    bind(Key::PageDown, Common::PageDown, "", "a page down"),
    bind(Key::Home, Common::First, "", "the first; also g"),
    bind(Key::Char('g'), Common::First, "", "the first"),
    bind(Key::End, Common::Last, "", "the last; also G"),
    bind(Key::Char('G'), Common::Last, "", "the last"),
    bind(Key::Esc, Common::Back, "", "one step back; does nothing at the top"),
    bind(Key::Backspace, Common::Back, "", "one step back; does nothing at the top"),
    bind(Key::Char('q'), Common::BackOrLeave, "", "one step back, at the top leave"),
    bind(Key::Ctrl('c'), Common::Leave, "", "leave at once"),
    bind(Key::Char('-'), Common::LastView, "", "the last view"),
    bind(Key::Char('y'), Common::Copy, "", "copy: then i for the id, r for the row"),
    bind(Key::Char('w'), Common::Pane, "", "open or close the right pane (from 120 columns)"),
    bind(Key::Ctrl('l'), Common::Redraw, "", "draw all again"),
    bind(Key::Ctrl('r'), Common::Refresh, "", "take in what is new and sort again"),
    bind(Key::Char('?'), Common::Help, "keys", "the keys of this screen"),
];

/// All key tables as a page of documentation.
pub fn page() -> String {
    use std::fmt::Write;
    let mut page = String::from("# Keys\n\nWritten from the key tables of the screens.\n");
    for (title, rows) in super::screens::tables().into_iter().chain([("Everywhere", rows(COMMON))]) {
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## {title}\n\n| key | does |\n|---|---|\n");
        for (key, help) in rows {
            let key = if key == "|" { "\\|".to_owned() } else { key };
            let _ = writeln!(page, "| `{key}` | {help} |");
        }
    }
    page
}

/// Keys and sentences of a table.
pub(super) fn rows<A>(table: &[Bind<A>]) -> Vec<(String, &'static str)> {
    table.iter().map(|bind| (bind.key.to_string(), bind.help)).collect()
}
