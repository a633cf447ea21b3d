//! How times, ages, counts and cut texts are written. Pure; `now` comes in as a value.

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::model::allocation::Month;

/// An age in one unit, and when that text changes next: `19m`, `33h`, `9d`. A time that lies ahead has age `0m`.
pub(crate) fn age(at: Timestamp, now: Timestamp) -> (String, Timestamp) {
    let seconds = now.as_second().saturating_sub(at.as_second()).max(0);
    let (unit, sign) = match seconds {
        ..3_600 => (60, 'm'),
        3_600..172_800 => (3_600, 'h'),
        _ => (86_400, 'd'),
    };
    let n = seconds / unit;
    let flips = at.max(now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(at));
    (format!("{n}{sign}"), later(flips, (n + 1) * unit))
}

/// A time some seconds after another; the other itself where the calendar ends.
pub(crate) fn later(at: Timestamp, seconds: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

/// The time of day, in UTC: `09:31Z`.
pub(crate) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%MZ").to_string()
}

/// The time of day with seconds: `09:31:07Z`.
pub(crate) fn clock_seconds(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// A time as short as it can be said today: `09:31Z`, `15 Nov 02:10Z`, `15 Nov 2025`.
pub(crate) fn when(at: Timestamp, now: Timestamp) -> String {
    match nearness(at, now) {
        Near::Day => clock(at),
        Near::Year => at.strftime("%-d %b %H:%MZ").to_string(),
        Near::Far => at.strftime("%-d %b %Y").to_string(),
    }
}

/// A day as short as it can be said today: `today`, `14 Nov`, `14 Nov 2025`.
pub(crate) fn day(at: Timestamp, now: Timestamp) -> String {
    match nearness(at, now) {
        Near::Day => "today".to_owned(),
        Near::Year => at.strftime("%-d %b").to_string(),
        Near::Far => at.strftime("%-d %b %Y").to_string(),
    }
}

/// A time for evidence: `2026-11-23T09:12:44Z`.
pub(crate) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

enum Near {
    Day,
    Year,
    Far,
}

fn nearness(at: Timestamp, now: Timestamp) -> Near {
    let utc = jiff::tz::TimeZone::UTC;
    let (at, now) = (utc.to_datetime(at).date(), utc.to_datetime(now).date());
    if at == now {
        Near::Day
    } else if at.year() == now.year() {
        Near::Year
    } else {
        Near::Far
    }
}

/// A length of time: `0:52`, `1:02:03`.
pub(crate) fn span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s / 3_600 {
        0 => format!("{}:{:02}", s / 60, s % 60),
        hours => format!("{hours}:{:02}:{:02}", s / 60 % 60, s % 60),
    }
}

/// A length of time in its two largest units: `8d 7h`, `3h 5m`, `40s`.
pub(crate) fn long_span(seconds: i64) -> String {
    let s = seconds.max(0);
    match s {
        ..60 => format!("{s}s"),
        60..3_600 => format!("{}m", s / 60),
        3_600..86_400 => format!("{}h {}m", s / 3_600, s / 60 % 60),
        _ => format!("{}d {}h", s / 86_400, s / 3_600 % 24),
    }
}

/// Milliseconds as seconds with one digit: `0.4 s`.
pub(crate) fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

/// A count with thousands apart: `1,284`.
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count that may be below zero: `-20`.
pub(crate) fn signed(n: i64) -> String {
    let digits = count(n.unsigned_abs());
    if n < 0 { format!("-{digits}") } else { digits }
}

/// A count that fits into so many columns: grouped, else plain, else in thousands or millions. Whoever shows it so shows
/// the whole number elsewhere.
pub(crate) fn narrow(n: i64, width: usize) -> String {
    let whole = [signed(n), n.to_string()];
    if let Some(text) = whole.into_iter().find(|text| text.len() <= width) {
        return text;
    }
    let sign = if n < 0 { "-" } else { "" };
    let n = n.unsigned_abs();
    let units = [(1_000, 'k'), (1_000_000, 'M'), (1_000_000_000, 'G'), (1_000_000_000_000, 'T')];
    let short = units.into_iter().map(|(unit, sign_of)| (n / unit, sign_of)).find_map(|(count, unit)| {
        let text = format!("{sign}{count}{unit}");
        (text.len() <= width).then_some(text)
    });
    short.unwrap_or_else(|| "#".repeat(width))
}

/// A count with its noun: `1 tenant`, `142 tenants`.
pub(crate) fn of(n: u64, noun: &str) -> String {
    let plural = match (n, noun) {
        (1, _) => noun.to_owned(),
        (_, "try") => "tries".to_owned(),
        _ => format!("{noun}s"),
    };
    format!("{} {plural}", count(n))
}

/// Bytes, in the unit that suits: `640 B`, `1.7 MB`.
pub(crate) fn bytes(n: u64) -> String {
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{}.{} kB", n / 1_000, n % 1_000 / 100),
        1_000_000..1_000_000_000 => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
        _ => format!("{}.{} GB", n / 1_000_000_000, n % 1_000_000_000 / 100_000_000),
    }
}

/// The text, or as much of it as fits and a `~`. Never parts a grapheme.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let mut kept = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let w = grapheme.width();
        if used + w + 1 > width {
            break;
        }
        used += w;
        kept.push_str(grapheme);
    }
    if width > 0 {
        kept.push('~');
    }
    Cow::Owned(kept)
}

/// A month: `Nov 2026`.
pub(crate) fn month(month: Month) -> String {
    month.first().strftime("%b %Y").to_string()
}

/// The text as lines of at most a width, broken at blanks where it can be. Lines of the text stay lines.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for word in paragraph.split(' ') {
            let mut word = word;
            if !line.is_empty() && line.width() + 1 + word.width() > width {
                lines.push(std::mem::take(&mut line));
            } else if !line.is_empty() {
                line.push(' ');
            }
            while word.width() > width {
                let mut end = 0;
                let mut used = 0;
                for (at, grapheme) in word.grapheme_indices(true) {
                    used += grapheme.width();
                    if used > width && at > 0 {
                        break;
                    }
                    end = at + grapheme.len();
                }
                let (head, tail) = word.split_at(end);
                lines.push(std::mem::take(&mut line) + head);
                word = tail;
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// A word of a shell.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn ages_have_one_unit_and_know_when_they_change() {
        let now = at("2026-11-23T09:31:30Z");
        let check = |then: &str, text: &str, flips: &str| {
            assert_eq!(age(at(then), now), (text.to_owned(), at(flips)), "{then}");
        };
        check("2026-11-23T09:31:00Z", "0m", "2026-11-23T09:32:00Z");
        check("2026-11-23T09:12:00Z", "19m", "2026-11-23T09:32:00Z");
        check("2026-11-23T02:10:00Z", "7h", "2026-11-23T10:10:00Z");
        check("2026-11-22T00:00:00Z", "33h", "2026-11-23T10:00:00Z");
        check("2026-11-14T02:10:00Z", "9d", "2026-11-24T02:10:00Z");
        check("2026-11-23T09:40:00Z", "0m", "2026-11-23T09:41:00Z");
        for then in ["2026-11-23T09:31:00Z", "2026-11-22T00:00:00Z", "2026-11-14T02:10:00Z"] {
            let (text, flips) = age(at(then), now);
            assert_ne!(age(at(then), flips).0, text, "it changes when it says so");
            assert_eq!(age(at(then), later(flips, -1)).0, text, "and not before");
        }
    }

    #[test]
    fn times_are_short_where_the_day_is_known() {
        let now = at("2026-11-23T09:31:30Z");
        assert_eq!(when(at("2026-11-23T02:10:59Z"), now), "02:10Z");
        assert_eq!(when(at("2026-11-05T02:10:59Z"), now), "5 Nov 02:10Z");
        assert_eq!(when(at("2025-11-15T02:10:59Z"), now), "15 Nov 2025");
        assert_eq!(day(now, now), "today");
        assert_eq!(day(at("2026-11-14T02:10:59Z"), now), "14 Nov");
        assert_eq!(exact(now), "2026-11-23T09:31:30Z");
        assert_eq!(span(83), "1:23");
        assert_eq!(span(3_723), "1:02:03");
        assert_eq!(long_span(8 * 86_400 + 7 * 3_600), "8d 7h");
        assert_eq!(seconds(449), "0.4 s");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_284), "1,284");
        assert_eq!(count(1_000_000), "1,000,000");
        assert_eq!(signed(-1_020), "-1,020");
        assert_eq!(narrow(12_345, 6), "12,345");
        assert_eq!(narrow(104_312, 6), "104312");
        assert_eq!(narrow(-14, 6), "-14");
        assert_eq!(narrow(1_049_999, 6), "1049k");
        assert_eq!(narrow(-2_500_000_000, 6), "-2500M");
        assert_eq!(narrow(i64::MIN, 6), "######");
        assert_eq!(of(1, "try"), "1 try");
        assert_eq!(of(18, "try"), "18 tries");
        assert_eq!(bytes(1_700_000), "1.7 MB");
    }

    #[test]
    fn a_cut_text_says_so_and_parts_no_grapheme() {
        assert_eq!(cut("Adatum", 6), "Adatum");
        assert_eq!(cut("Adatum Gesundheit", 7), "Adatum~");
        assert_eq!(cut("東京都庁", 6), "東京~");
        assert_eq!(cut("ab", 1), "~");
        assert_eq!(cut("ab", 0), "");
    }

    #[test]
    fn wrapping_keeps_every_word() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("東京都", 2), ["東", "京", "都"]);
    }
}
