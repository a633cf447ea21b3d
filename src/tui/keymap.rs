//! An operator's own keys: what is done by other keys than the tables say.
//!
//! Screens know the keys of their tables alone. What was pressed is translated on its way in, and what is shown is
//! translated on its way out.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::keys::{Key, Shown, is_forbidden};
use crate::config::{ConfigError, ConsoleFile};

/// What cannot be bound to other keys: the way out, and the digits, each of which is a column.
const FIXED: [&str; 2] = ["leave", "sort"];
/// What must keep a key: without it nobody finds out, or back.
const NEEDED: [&str; 3] = ["help", "back", "quit"];

/// Other keys, by the name of what they do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    bound: BTreeMap<String, Vec<Key>>,
    /// The key that hints name, by the name of what it does.
    hints: BTreeMap<&'static str, String>,
}

impl Keymap {
    /// The keys of an operator's file. `screens` are the key tables of all screens, each with its name: refused is a name
    /// that none of them has, a key that is none or must not be bound, and a key that would do two things on one screen.
    pub(crate) fn of(file: &ConsoleFile, screens: &[(&str, Vec<Shown>)]) -> Result<Self, ConfigError> {
        let mut map = BTreeMap::new();
        for (name, bound) in &file.console.keys {
            let wrong = |why: String| file.wrong(&format!("keys.{name}"), bound, why);
            if !screens.iter().any(|(_, rows)| rows.iter().any(|row| row.name == name)) {
                let mut known: Vec<&str> = screens.iter().flat_map(|(_, rows)| rows).map(|row| row.name).collect();
                known.sort_unstable();
                known.dedup();
                return Err(wrong(format!("nothing is called so; there are {}", known.join(", "))));
            }
            if FIXED.contains(&name.as_str()) {
                return Err(wrong("its keys are fixed".to_owned()));
            }
            let mut keys = Vec::new();
            for text in bound.value().names() {
                let key: Key = text.parse().map_err(|()| {
                    wrong(format!(
                        "`{text}` is no key: a character, Ctrl- and a letter, or Enter, Space, Tab, PgDn ..."
                    ))
                })?;
                if is_forbidden(key) {
                    return Err(wrong(format!(
                        "`{text}` cannot be bound: a slow line, a terminal or a multiplexer sends it by itself"
                    )));
                }
                keys.push(key);
            }
            if keys.is_empty() && NEEDED.contains(&name.as_str()) {
                return Err(wrong("it needs a key".to_owned()));
            }
            map.insert(name.clone(), keys);
        }
        let map = Self { bound: map, hints: BTreeMap::new() };
        for (screen, rows) in screens {
            let mut seen: BTreeMap<Key, &str> = BTreeMap::new();
            for row in rows {
                for key in map.keys(row) {
                    let Some(other) = seen.insert(*key, row.name) else { continue };
                    // One of the two stands in the file, since the tables have no such pair.
                    let own = [row.name, other].into_iter().find_map(|name| file.console.keys.get_key_value(name));
                    if let Some((name, bound)) = own {
                        let other = if name == other { row.name } else { other };
                        let why = format!("`{key}` does `{other}` on {screen} already");
                        return Err(file.wrong(&format!("keys.{name}"), bound, why));
                    }
                }
            }
        }
        Ok(map)
    }

    /// Whether all keys are as the tables say.
    pub(crate) fn is_plain(&self) -> bool {
        self.bound.is_empty()
    }

    /// The keys that do what a row of a table says.
    fn keys<'a>(&'a self, row: &'a Shown) -> &'a [Key] {
        self.bound.get(row.name).map_or(&*row.keys, Vec::as_slice)
    }

    /// The key of the tables that is meant by what was pressed, given the rows of the screen; absent if nothing is.
    pub(crate) fn meant(&self, pressed: Key, rows: &[Shown]) -> Option<Key> {
        let row = rows.iter().find(|row| self.keys(row).contains(&pressed))?;
        // Where the keys are the table's own, each may have a meaning of its own.
        if row.keys.contains(&pressed) { Some(pressed) } else { row.keys.first().copied() }
    }

    /// Rows of tables with the keys that an operator presses.
    pub(crate) fn show(&self, mut rows: Vec<Shown>) -> Vec<Shown> {
        for row in &mut rows {
            if let Some(keys) = self.bound.get(row.name) {
                row.keys = Cow::Owned(keys.clone());
            }
        }
        rows
    }

    /// Learns which keys hints are to name.
    pub(crate) fn learn(&mut self, screens: &[(&str, Vec<Shown>)]) {
        for row in screens.iter().flat_map(|(_, rows)| rows) {
            let key = self.keys(row).first().map_or_else(|| format!(":{}", row.name), Key::to_string);
            self.hints.insert(row.name, key);
        }
    }

    /// The key that does what a name says, as a hint on the screen names it.
    pub(crate) fn hint(&self, name: &'static str) -> &str {
        self.hints.get(name).map_or(name, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::tui::app::tables;

    fn keymap(text: &str) -> Result<Keymap, String> {
        let file = ConsoleFile::parse(Path::new("FILE"), text).map_err(|error| error.to_string())?;
        Keymap::of(&file, &tables()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_cannot_be_bound_is_refused_with_its_line() {
        for (text, why) in [
            ("[keys]\nrerun = \"n\"", "FILE:2: keys.rerun: nothing is called so; there are allocation, audit-here,"),
            ("[keys]\n\nre-run = \"e\"", "FILE:3: keys.re-run: `e` does `why` on Tenants already"),
            ("[keys]\nre-run = \"n\"\nwhy = [\"n\"]", "does `"),
            ("[keys]\nre-run = \"B\"", "FILE:2: keys.re-run: `B` cannot be bound: a slow line"),
            ("[keys]\nre-run = \"Ctrl-Z\"", "`Ctrl-Z` cannot be bound"),
            ("[keys]\nre-run = \"F5\"", "`F5` is no key"),
            ("[keys]\nleave = \"x\"", "FILE:2: keys.leave: its keys are fixed"),
            ("[keys]\nhelp = []", "FILE:2: keys.help: it needs a key"),
            ("[keys]\nre-run = 5", "FILE:2: "),
            ("[key]\nre-run = \"n\"", "FILE:1: unknown field `key`"),
            ("[look]\ntheme = \"pink\"", "FILE:2: unknown variant `pink`, expected one of `plain`, `mono`"),
        ] {
            let error = keymap(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn a_key_that_is_given_away_is_free_for_another() {
        let mut map = keymap("[keys]\nre-run = \"z\"\nwhy = \"r\"\nright = []").unwrap();
        let rows = tables().swap_remove(0).1;
        let meant = |key| map.meant(Key::Char(key), &rows);
        assert_eq!(meant('z'), Some(Key::Char('r')));
        assert_eq!(meant('r'), Some(Key::Char('e')));
        assert_eq!(meant('e'), None);
        assert_eq!(meant('j'), Some(Key::Char('j')));
        assert_eq!(map.meant(Key::Right, &rows), None);
        assert_eq!(map.meant(Key::Char('7'), &rows), Some(Key::Char('7')), "a digit stays which it is");
        let shown = map.show(rows);
        let names = |name| shown.iter().find(|row| row.name == name).map(Shown::names).unwrap();
        assert_eq!((names("re-run"), names("right")), ("z".to_owned(), "(no key)".to_owned()));
        map.learn(&tables());
        let hint = |name| map.hint(name).to_owned();
        assert_eq!([hint("re-run"), hint("why"), hint("licenses"), hint("right")], ["z", "r", "l", ":right"]);
    }
}
