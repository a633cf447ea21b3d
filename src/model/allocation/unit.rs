use std::cmp::Ordering;
use std::fmt;

use compact_str::CompactString;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money::short;
use crate::model::{Text, clean};

/// A text as texts are compared by where their case does not matter.
pub(super) fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Where a business unit stands: its name, with those of the units that it is part of before it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Spelled", into = "Spelled")]
pub struct UnitPath(pub Vec<Text>);

/// A path as a file spells it: one name, or a list of them.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Spelled {
    One(Text),
    Many(Vec<Text>),
}

impl From<Spelled> for UnitPath {
    fn from(spelled: Spelled) -> Self {
        match spelled {
            Spelled::One(name) => Self(vec![name]),
            Spelled::Many(names) => Self(names),
        }
    }
}

impl From<UnitPath> for Spelled {
    fn from(path: UnitPath) -> Self {
        match path.0.as_slice() {
            [one] => Self::One(one.clone()),
            _ => Self::Many(path.0),
        }
    }
}

impl From<&str> for UnitPath {
    fn from(name: &str) -> Self {
        Self(vec![name.into()])
    }
}

impl UnitPath {
    /// The most levels.
    pub const DEPTH: usize = 8;
    /// The longest name, in bytes.
    pub const NAME: usize = 256;

    /// The names of a path, cleaned, or why they are none.
    pub(super) fn check(&mut self) -> Result<(), String> {
        if self.0.is_empty() || self.0.len() > Self::DEPTH {
            return Err(format!("a unit has 1 to {} levels, not {}", Self::DEPTH, self.0.len()));
        }
        for name in &mut self.0 {
            *name = clean(name).as_ref().into();
            if name.trim().is_empty() || name.len() > Self::NAME {
                return Err(format!("`{}` is no name of a unit: it has 1 to {} bytes", short(name), Self::NAME));
            }
        }
        Ok(())
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        self.0.last().map_or("", Text::as_str)
    }

    /// The units that it is part of, the outermost first, then itself.
    pub fn upward(&self) -> impl Iterator<Item = UnitPath> {
        (1..=self.0.len()).map(|levels| Self(self.0.iter().take(levels).cloned().collect()))
    }

    /// Whether it is this unit or a part of it.
    pub fn is_in(&self, unit: &UnitPath) -> bool {
        self.0.starts_with(&unit.0)
    }
}

impl Ord for UnitPath {
    /// By name, level for level, whatever the case; then by spelling. A unit stands before its parts.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_name = |a: &Text, b: &Text| fold(a).cmp(&fold(b)).then_with(|| a.cmp(b));
        for (a, b) in self.0.iter().zip(&other.0) {
            let order = by_name(a, b);
            if order != Ordering::Equal {
                return order;
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

impl PartialOrd for UnitPath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for UnitPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, name) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str(" / ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// A unit that is there whether a rule finds somebody for it or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Where it stands.
    pub path: UnitPath,
    /// What the customer's books call it: a cost center.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Text>,
}

/// A share of a user, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "CompactString")]
pub struct Percent(u32);

/// A percentage as a file spells it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(u32),
    Decimal(CompactString),
}

impl Percent {
    /// All of a user.
    pub const WHOLE: Percent = Percent(1_000_000);

    /// In millionths.
    pub const fn millionths(self) -> u32 {
        self.0
    }

    /// From millionths.
    pub const fn of_millionths(millionths: u32) -> Self {
        Self(millionths)
    }
}

impl TryFrom<Number> for Percent {
    type Error = String;
    fn try_from(number: Number) -> Result<Self, String> {
        let value = match &number {
            Number::Whole(whole) => Decimal::from(*whole),
            Number::Decimal(text) => text.parse().map_err(|_| format!("`{}` is no percentage", short(text)))?,
        };
        let wrong = || format!("{value} is no percentage: above 0, at most 100, with up to 4 decimals");
        let millionths = value.checked_mul(Decimal::from(10_000)).ok_or_else(wrong)?;
        if !millionths.fract().is_zero() {
            return Err(wrong());
        }
        let millionths = u32::try_from(millionths).map_err(|_| wrong())?;
        if (1..=Self::WHOLE.0).contains(&millionths) { Ok(Self(millionths)) } else { Err(wrong()) }
    }
}

impl From<Percent> for CompactString {
    fn from(percent: Percent) -> Self {
        compact_str::format_compact!("{percent}")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Decimal::new(i64::from(self.0), 4).normalize().fmt(f)
    }
}
