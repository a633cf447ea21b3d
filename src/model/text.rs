use std::borrow::Cow;

use compact_str::CompactString;

use crate::failure::is_harmful;

/// A short text; up to 24 bytes lie in place, without an allocation.
pub type Text = CompactString;

/// Customer text made safe to show: every control, bidi and zero-width character becomes a visible `?`.
///
/// Applied once, at the door (when an answer is decoded). Line breaks and tabs become blanks, since street addresses
/// hold them rightly. The zero-width joiner stays: scripts and emoji need it and it moves nothing.
pub fn clean(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) || !text.chars().any(|c| replacement(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| replacement(c).unwrap_or(c)).collect())
}

fn replacement(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' => Some(' '),
        c => is_harmful(c).then_some('?'),
    }
}

/// A cell of a CSV file that no spreadsheet takes for a formula. Numbers stay numbers.
pub fn guarded(text: String) -> String {
    let starts = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let is_number = || text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok();
    if starts && !is_number() { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::{clean, guarded};

    #[test]
    fn formulas_are_disarmed_and_numbers_are_not() {
        for (text, want) in [
            ("=1+1", "'=1+1"),
            ("@x", "'@x"),
            ("-5", "-5"),
            ("+12", "+12"),
            ("-x", "'-x"),
            ("-inf", "'-inf"),
            ("+49 30", "'+49 30"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(guarded(text.to_owned()), want);
        }
    }

    fn check(input: &str, want: &str) {
        assert_eq!(clean(input), want, "{input:?}");
    }

    #[test]
    fn harmful_characters_become_visible() {
        check("Adatum", "Adatum");
        check("Grüße 東京", "Grüße 東京");
        check("a\u{202e}b", "a?b");
        check("a\u{200b}b\u{feff}", "a?b?");
        check("\u{1b}[31mred", "?[31mred");
        check("\u{9b}2J", "?2J");
        check("Street 1\r\nHouse", "Street 1  House");
        check("👨\u{200d}👩", "👨\u{200d}👩");
    }
}
