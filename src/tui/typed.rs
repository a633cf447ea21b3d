//! Keys as they are written: characters, and names in angle brackets.

use super::keys::Key;

/// The keys of a text: `jj`, `/adatum`, `<Enter>`, `<Ctrl-R>`. What a terminal sends for an arrow is that arrow; other
/// control characters are nothing. Refuses a name that no key has.
pub(crate) fn keys(text: &str) -> Result<Vec<Key>, String> {
    let mut keys = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let tail = rest.get(c.len_utf8()..).unwrap_or_default();
        let name = tail.split_once('>').filter(|(name, _)| c == '<' && is_name(name));
        if let Some((name, behind)) = name {
            keys.push(named(name).ok_or_else(|| format!("no key is called <{name}>"))?);
            rest = behind;
        } else if c == '\u{1b}' {
            let (key, behind) = sequence(tail);
            keys.extend(key);
            rest = behind;
        } else {
            if !c.is_control() {
                keys.push(Key::Char(c));
            }
            rest = tail;
        }
    }
    Ok(keys)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn named(name: &str) -> Option<Key> {
    if name.eq_ignore_ascii_case("lt") {
        return Some(Key::Char('<'));
    }
    name.parse().ok().filter(|_| name.len() > 1)
}

/// What an escape sequence says, and what stands behind it. `text` begins behind its ESC.
fn sequence(text: &str) -> (Option<Key>, &str) {
    let Some(body) = text.strip_prefix(['[', 'O']) else { return (Some(Key::Esc), text) };
    let end = body.find(|c: char| ('@'..='~').contains(&c)).map_or(body.len(), |end| end + 1);
    let (body, behind) = body.split_at(end);
    let key = match body {
        "A" => Some(Key::Up),
        "B" => Some(Key::Down),
        "C" => Some(Key::Right),
        "D" => Some(Key::Left),
        "H" | "1~" => Some(Key::Home),
        "F" | "4~" => Some(Key::End),
        "3~" => Some(Key::Delete),
        "5~" => Some(Key::PageUp),
        "6~" => Some(Key::PageDown),
        _ => None,
    };
    (key, behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_and_names_are_keys() {
        let chars = |text: &str| text.chars().map(Key::Char).collect::<Vec<_>>();
        assert_eq!(keys("jj").unwrap(), chars("jj"));
        assert_eq!(keys("/a <b").unwrap(), chars("/a <b"), "a bracket that names nothing");
        assert_eq!(keys("<>").unwrap(), chars("<>"));
        assert_eq!(keys("<lt>b>").unwrap(), chars("<b>"));
        assert_eq!(keys("e<Esc>q").unwrap(), [Key::Char('e'), Key::Esc, Key::Char('q')]);
        assert_eq!(keys("<ctrl-R><PgDn>").unwrap(), [Key::Ctrl('r'), Key::PageDown]);
        assert_eq!(keys("<Space><enter>").unwrap(), [Key::Char(' '), Key::Enter]);
        assert_eq!(keys("\u{1b}[Aj\u{1b}OB\u{1b}[6~\u{1b}[1;5Zk\r\n").unwrap(), {
            [Key::Up, Key::Char('j'), Key::Down, Key::PageDown, Key::Char('k')]
        });
        assert_eq!(keys("<Entr>").unwrap_err(), "no key is called <Entr>");
        assert_eq!(keys("j<Ctrl-xy>").unwrap_err(), "no key is called <Ctrl-xy>");
    }
}
