//! Lines of plain text: cleaned, filled in and wrapped.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::failure::is_harmful;

/// The most columns of a line: mail programs and ticket systems add a `> ` or two when they quote.
pub(super) const WIDTH: usize = 76;

/// A text that grows by paragraphs and lists. A list follows its paragraph at once; a blank line parts all else.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    /// A paragraph.
    pub(super) fn paragraph(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.line(text);
    }

    /// A line or more right below what stands there.
    pub(super) fn line(&mut self, text: &str) {
        self.item("", text);
    }

    /// A member of a list, behind its mark.
    pub(super) fn item(&mut self, mark: &str, text: &str) {
        for (n, line) in wrap(text, WIDTH - mark.len()).iter().enumerate() {
            if n == 0 {
                self.text.push_str(mark);
            } else {
                self.text.extend(std::iter::repeat_n(' ', mark.len()));
            }
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    /// Numbered steps.
    pub(super) fn steps(&mut self, steps: impl IntoIterator<Item = String>) {
        for (n, step) in steps.into_iter().enumerate() {
            self.item(&format!("{}. ", n + 1), &step);
        }
    }

    /// All of it.
    pub(super) fn text(self) -> String {
        self.text
    }
}

/// Text from outside made fit for a line: what moves or hides other characters becomes `?`, blanks become one.
pub(super) fn clean(text: &str) -> String {
    let safe: String = text
        .chars()
        .map(|c| match c {
            c if c.is_whitespace() => ' ',
            c if is_harmful(c) => '?',
            c => c,
        })
        .collect();
    safe.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The text in at most so many columns; what is cut ends with dots.
pub(super) fn cut(text: &str, columns: usize) -> String {
    const DOTS: &str = "...";
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        let before = kept.len();
        kept.push_str(grapheme);
        if kept.width() + DOTS.len() > columns {
            kept.truncate(before);
            break;
        }
    }
    format!("{}{DOTS}", kept.trim_end())
}

/// The template with each `{name}` replaced by its value. One pass: what a value holds is never taken for a name.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let value = after.split_once('}').and_then(|(name, after)| {
            let (_, value) = values.iter().find(|(known, _)| *known == name)?;
            Some((*value, after))
        });
        let Some((value, after)) = value else {
            out.push('{');
            rest = after;
            continue;
        };
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Lines of at most so many columns. A `>` between two menu entries ends a line rather than beginning one, as does
/// what French sets apart by a blank; a word that is longer than a line is cut.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match units.last_mut() {
            Some(last) if matches!(word, ">" | ":" | ";" | "?") => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None => units.push(word.to_owned()),
        }
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for unit in units {
        if !line.is_empty() && line.width() + 1 + unit.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        if unit.width() <= width {
            line.push_str(&unit);
            continue;
        }
        for grapheme in unit.graphemes(true) {
            let before = line.len();
            line.push_str(grapheme);
            if line.width() > width && before > 0 {
                line.truncate(before);
                lines.push(line.trim().to_owned());
                grapheme.clone_into(&mut line);
            }
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words_and_behind_an_arrow() {
        assert_eq!(wrap("Users > Exclude > Guest", 9), ["Users >", "Exclude >", "Guest"]);
        assert_eq!(wrap("deux voies : la", 12), ["deux voies :", "la"]);
        assert_eq!(wrap("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("東京東京", 5), ["東京", "東京"]);
        assert_eq!(wrap("a >", 2), ["a", ">"], "a mark alone is no reason for a long line");
    }

    #[test]
    fn values_are_not_templates() {
        let values = [("a", "{b}"), ("b", "{a}")];
        assert_eq!(fill("{a} and {b} and {c} and {", &values), "{b} and {a} and {c} and {");
    }

    #[test]
    fn what_comes_from_outside_stays_on_its_line() {
        assert_eq!(clean(" A\r\n\tB\u{202e}C\u{2028}D\u{a0}E "), "A B?C D E");
        assert_eq!(cut("Adatum Gesundheit GmbH", 12), "Adatum Ge...");
        assert_eq!(cut("Adatum", 6), "Adatum");
    }
}
