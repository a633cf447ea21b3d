use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `[schedule]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// Whether a service imports every tenant once a day.
    pub daily: bool,
    /// When, in UTC.
    pub window: Window,
    /// What passes by itself is tried again after this, then after 4 and after 16 times as long. 0: only in its slot.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub retry_after: Duration,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { daily: true, window: Window { begin: 60, minutes: 240 }, retry_after: Duration::from_mins(15) }
    }
}

/// A part of every day, in UTC: `01:00-05:00`, or `22:30-02:00` over midnight, or `00:00-24:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Minutes from midnight to its beginning; less than a day.
    begin: u16,
    /// How long it is; a day at most.
    minutes: u16,
}

impl Window {
    const DAY: u16 = 24 * 60;
    /// Shorter ones spread nothing.
    const SHORTEST: u16 = 15;

    /// Seconds from midnight to its beginning.
    pub fn begin_s(self) -> i64 {
        i64::from(self.begin) * 60
    }

    /// How long it is, in seconds.
    pub fn seconds(self) -> i64 {
        i64::from(self.minutes) * 60
    }

    fn parse(text: &str) -> Option<Self> {
        let (begin, end) = text.split_once('-')?;
        let (begin, end) = (minute(begin.trim())?, minute(end.trim())?);
        if begin == Self::DAY || begin == end {
            return None;
        }
        let minutes = if end > begin { end - begin } else { end + Self::DAY - begin };
        (minutes >= Self::SHORTEST).then_some(Self { begin, minutes })
    }
}

/// Minutes from midnight to a time of day; `24:00` ends a day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(hour) || !is_number(minute) {
        return None;
    }
    let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
    (minute < 60 && hour * 60 + minute <= Window::DAY).then_some(hour * 60 + minute)
}

impl std::fmt::Display for Window {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let end = match self.begin + self.minutes {
            end @ ..=Self::DAY => end,
            end => end - Self::DAY,
        };
        write!(f, "{:02}:{:02}-{:02}:{:02}", self.begin / 60, self.begin % 60, end / 60, end % 60)
    }
}

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::parse(&text).ok_or_else(|| {
            let wanted =
                "two times of day in UTC, at least 15 minutes apart, for example \"01:00-05:00\" or \"22:30-02:00\"";
            serde::de::Error::custom(format_args!("`{text}` is no window: {wanted}; the whole day is \"00:00-24:00\""))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_read_and_written() {
        for (text, begin, minutes, written) in [
            ("01:00-05:00", 60, 240, "01:00-05:00"),
            (" 22:30 - 02:00 ", 1_350, 210, "22:30-02:00"),
            ("23:00-00:00", 1_380, 60, "23:00-24:00"),
            ("23:00-24:00", 1_380, 60, "23:00-24:00"),
            ("00:00-24:00", 0, 1_440, "00:00-24:00"),
            ("05:00-04:59", 300, 1_439, "05:00-04:59"),
            ("00:00-00:15", 0, 15, "00:00-00:15"),
        ] {
            let window = Window::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (window.begin, window.minutes, window.to_string().as_str()),
                (begin, minutes, written),
                "{text}"
            );
        }
        for text in [
            "",
            "01:00",
            "01:00-01:00",
            "01:00-01:14",
            "24:00-02:00",
            "00:00-24:01",
            "25:00-02:00",
            "1:00-5:00",
            "01:60-05:00",
            "+1:00-05:00",
            "01:00-05:00Z",
            "01:00-05:00-06:00",
            "00:00-00:00",
        ] {
            assert_eq!(Window::parse(text), None, "{text}");
        }
    }
}
