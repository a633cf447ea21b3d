use std::fmt;
use std::str::FromStr;

use compact_str::{CompactString, format_compact};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::model::day_of;

/// A month of the calendar, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "CompactString", into = "CompactString")]
pub struct Month(Date);

impl Month {
    /// The month that a time lies in.
    pub fn of(at: Timestamp) -> Self {
        Self(day_of(at).first_of_month())
    }

    /// Its first day.
    pub const fn first(self) -> Date {
        self.0
    }

    /// Its last day: the prices of the month are those of that day.
    pub fn last(self) -> Date {
        self.0.last_of_month()
    }

    /// The month before; the first one of the calendar is its own.
    #[must_use]
    pub fn before(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0).first_of_month())
    }

    /// The month after; the last one of the calendar is its own.
    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.last_of_month().tomorrow().unwrap_or(self.0).first_of_month())
    }

    /// The month of a number; absent where the calendar has none.
    pub fn of_number(number: u32) -> Option<Self> {
        let (year, month) = (i16::try_from(number / 12).ok()?, i8::try_from(number % 12 + 1).ok()?);
        Date::new(year, month, 1).ok().map(Self)
    }

    /// Its number, counted from the year 0.
    pub fn number(self) -> u32 {
        u32::try_from(i32::from(self.0.year()) * 12 + i32::from(self.0.month()) - 1).unwrap_or(0)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl FromStr for Month {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no month: write it as 2026-11", super::money::short(text));
        if text.len() != 7 {
            return Err(wrong());
        }
        let (year, month) = text.split_once('-').ok_or_else(wrong)?;
        let year: i16 = year.parse().map_err(|_| wrong())?;
        let first = Date::new(year, month.parse().map_err(|_| wrong())?, 1).map_err(|_| wrong())?;
        if (2000..=2200).contains(&year) { Ok(Self(first)) } else { Err(wrong()) }
    }
}

impl TryFrom<CompactString> for Month {
    type Error = String;
    fn try_from(text: CompactString) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Month> for CompactString {
    fn from(month: Month) -> Self {
        format_compact!("{month}")
    }
}

#[cfg(test)]
mod tests {
    use super::Month;

    #[test]
    fn months_follow_each_other() {
        let month: Month = "2026-03".parse().unwrap();
        assert_eq!((month.first().to_string(), month.last().to_string()), ("2026-03-01".into(), "2026-03-31".into()));
        assert_eq!((month.before().to_string(), month.after().to_string()), ("2026-02".into(), "2026-04".into()));
        let first: Month = "2026-01".parse().unwrap();
        assert_eq!((first.before().after(), first.number()), (first, 2026 * 12));
        assert_eq!(super::Month::of_number(first.number()), Some(first));
        for wrong in ["2026-13", "26-01", "2026-1", "2026/01", "", "0001-01", "+026-01", "2026-0x"] {
            assert!(wrong.parse::<Month>().is_err(), "{wrong}");
        }
    }
}
