use jiff::Timestamp;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// How long ago something was, in one unit: `19m`, `7h`, `9d`. `-` if it never was.
pub(super) fn age(at: Option<Timestamp>, now: Timestamp) -> String {
    let Some(at) = at else { return "-".to_owned() };
    let minutes = now.as_second().saturating_sub(at.as_second()).max(0) / 60;
    match minutes {
        0..=89 => format!("{minutes}m"),
        90..=2879 => format!("{}h", (minutes + 30) / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

/// `09:31Z`
pub(super) fn clock(at: Timestamp) -> String {
    at.strftime("%H:%MZ").to_string()
}

/// `09:31:07Z`
pub(super) fn clock_seconds(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// `15 Nov 02:10Z`
pub(super) fn day(at: Timestamp) -> String {
    at.strftime("%d %b %H:%MZ").to_string()
}

/// `0:52`, `12:03`, `1:02:03`
pub(super) fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{rest:02}") } else { format!("{minutes}:{rest:02}") }
}

/// `1,284`
pub(super) fn count(n: impl std::fmt::Display) -> String {
    let digits = n.to_string();
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |rest| ("-", rest));
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    format!("{sign}{out}")
}

/// `1 tenant`, `2 tenants`
pub(super) fn plural(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// `14 kB`, `1.3 MB`
pub(super) fn bytes(n: u64) -> String {
    match n {
        0..=9999 => format!("{n} B"),
        10_000..=999_999 => format!("{} kB", n / 1000),
        1_000_000..=999_999_999 => format!("{}.{} MB", n / 1_000_000, n / 100_000 % 10),
        _ => format!("{}.{} GB", n / 1_000_000_000, n / 100_000_000 % 10),
    }
}

/// A text in exactly so many columns; a cut one ends with `~`.
pub(super) fn fit(text: &str, width: usize) -> String {
    let wide = text.width();
    if wide <= width {
        return format!("{text}{}", " ".repeat(width - wide));
    }
    let mut out = String::new();
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        let more = grapheme.width();
        if used + more + 1 > width {
            break;
        }
        out.push_str(grapheme);
        used += more;
    }
    if width > 0 {
        out.push('~');
        used += 1;
    }
    out.push_str(&" ".repeat(width.saturating_sub(used)));
    out
}

/// A text at the right end of so many columns.
pub(super) fn right(text: &str, width: usize) -> String {
    let wide = text.width();
    if wide > width { fit(text, width) } else { format!("{}{text}", " ".repeat(width - wide)) }
}

/// A text in lines of so many columns, broken between words.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let mut word = word.to_owned();
        if !line.is_empty() && line.width() + 1 + word.width() > width {
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > width && width > 1 {
            let head: String = word.chars().take(width).collect();
            word = word.chars().skip(width).collect();
            lines.push(head);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
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
    fn texts_fill_their_columns_exactly() {
        for (text, width, want) in [
            ("Adatum", 8, "Adatum  "),
            ("Adatum", 4, "Ada~"),
            ("東京タワー", 6, "東京~ "),
            ("x", 0, ""),
            ("ab", 1, "~"),
        ] {
            assert_eq!(fit(text, width), want);
            assert_eq!(fit(text, width).width(), width);
        }
        assert_eq!(right("7h", 5), "   7h");
    }

    #[test]
    fn ages_have_one_unit() {
        let now = Timestamp::from_second(1_763_000_000).unwrap();
        let ago = |s: i64| age(Some(Timestamp::from_second(1_763_000_000 - s).unwrap()), now);
        assert_eq!(
            [ago(5), ago(19 * 60), ago(7 * 3600), ago(33 * 3600), ago(9 * 86400)],
            ["0m", "19m", "7h", "33h", "9d"]
        );
        assert_eq!(age(None, now), "-");
        assert_eq!(ago(-100), "0m", "a clock that runs ahead makes no nonsense");
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([count(7), count(1284), count(-1100), count(1_000_000)], ["7", "1,284", "-1,100", "1,000,000"]);
    }
}
