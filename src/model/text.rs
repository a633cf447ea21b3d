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

/// A cell of a CSV file that no spreadsheet takes for a formula: a `'` stands before what would begin one. That is so at the
/// start of the cell, behind blanks too, and behind a semicolon, a tab or a line break, at which a spreadsheet of another
/// land or an import by hand parts cells. Forms of full width count as well. A negative number computes nothing and stays
/// one.
pub fn guarded(text: String) -> String {
    let spots = spots(&text);
    if spots.is_empty() || is_negative(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len() + spots.len());
    let mut from = 0;
    for spot in spots {
        out.push_str(text.get(from..spot).unwrap_or_default());
        out.push('\'');
        from = spot;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

/// Where what may be a cell begins that a spreadsheet would compute.
fn spots(text: &str) -> Vec<usize> {
    let mut spots = Vec::new();
    // Where the cell began, as long as nothing but blanks came since.
    let mut begun = Some(0);
    for (at, c) in text.char_indices() {
        let starts = match c {
            '=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}' => true,
            // A cell that begins with one of these is read without it.
            '\t' | '\r' | '\n' => at == 0,
            _ => false,
        };
        if let Some(begin) = begun.filter(|_| starts) {
            spots.push(begin);
        }
        begun = match c {
            ';' | '\t' | '\r' | '\n' => Some(at + 1),
            // Where cells are parted elsewhere, a quote may open one.
            c if c.is_whitespace() || c == '"' => begun,
            _ => None,
        };
    }
    spots
}

fn is_negative(text: &str) -> bool {
    let digits = text.strip_prefix('-').filter(|digits| digits.starts_with(|c: char| c.is_ascii_digit()));
    digits.is_some_and(|digits| digits.parse::<f64>().is_ok())
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
            ("-14", "-14"),
            ("-0.5", "-0.5"),
            ("-5-5", "'-5-5"),
            ("-5 ", "'-5 "),
            ("--5", "'--5"),
            ("-", "'-"),
            // With a sign that is no need it may be a telephone number, of which a spreadsheet would drop the plus.
            ("+12", "'+12"),
            ("-x", "'-x"),
            ("-inf", "'-inf"),
            ("-infinity", "'-infinity"),
            ("+49 30", "'+49 30"),
            ("\tx", "'\tx"),
            ("\rx", "'\rx"),
            ("\nx", "'\nx"),
            ("  =1", "'  =1"),
            ("\u{a0}\u{3000}@x", "'\u{a0}\u{3000}@x"),
            ("\t=1", "'\t'=1"),
            ("\u{ff1d}1+1", "'\u{ff1d}1+1"),
            ("\u{ff0b}1", "'\u{ff0b}1"),
            ("\u{ff0d}1", "'\u{ff0d}1"),
            ("\u{ff20}x", "'\u{ff20}x"),
            ("Sales;=1+1", "Sales;'=1+1"),
            ("Sales; =1+1;-5", "Sales;' =1+1;'-5"),
            ("a\tb\n@x", "a\tb\n'@x"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("a=b", "a=b"),
            ("a; b-c", "a; b-c"),
            ("5d0e7c1a-1f7e-4e0b", "5d0e7c1a-1f7e-4e0b"),
            ("", ""),
        ] {
            assert_eq!(guarded(text.to_owned()), want);
        }
    }

    /// What a spreadsheet would compute, and does more than to read a number.
    fn computes(cell: &str) -> bool {
        let starts = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
        cell.trim_start().starts_with(starts) && !super::is_negative(cell)
    }

    proptest::proptest! {
        #[test]
        fn no_cell_computes_however_a_spreadsheet_parts_them(
            rows in proptest::collection::vec(
                proptest::collection::vec("[-=+@;,\"'\t\r\n \u{ff1d}\u{3000}a1]{0,8}", 3..4), 1..5,
            ),
        ) {
            // No list of ours begins with a number that may be negative.
            let named = |row: &Vec<String>| std::iter::once("=x".to_owned()).chain(row.iter().cloned()).collect();
            let rows: Vec<Vec<String>> = rows.iter().map(named).collect();
            let mut out = csv::Writer::from_writer(Vec::new());
            for row in &rows {
                out.write_record(row.iter().cloned().map(guarded)).unwrap();
            }
            let bytes = out.into_inner().unwrap();
            let mut read = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
            let back: Vec<Vec<String>> =
                read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            proptest::prop_assert_eq!(back.len(), rows.len());
            for (cell, was) in back.iter().flatten().zip(rows.iter().flatten()) {
                proptest::prop_assert!(!computes(cell), "{:?} of {:?}", cell, was);
                let plain = |text: &str| text.replace('\'', "");
                proptest::prop_assert_eq!(plain(cell), plain(was), "nothing else is altered");
            }
            for delimiter in [b';', b'\t'] {
                let mut read = csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .delimiter(delimiter)
                    .from_reader(&bytes[..]);
                for row in read.records() {
                    for cell in &row.unwrap() {
                        proptest::prop_assert!(!computes(cell), "{:?} by {:?}", cell, delimiter as char);
                    }
                }
            }
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
