use std::fmt;

use serde::{Deserialize, Serialize};

use super::Attribute;
use super::money::short;
use super::unit::fold;
use crate::model::Text;

/// What a value is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is this.
    Is(Text),
    /// It is one of these.
    In(Vec<Text>),
    /// It starts with this.
    Starts(Text),
    /// It looks like this: `*` stands for any characters, `?` for one.
    Matches(Text),
    /// There is none.
    Absent,
}

/// A condition of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Spelled", into = "Spelled")]
pub struct Condition {
    /// What is looked at.
    pub attribute: Attribute,
    /// What it is held against.
    pub test: Test,
    /// Whether capitals and small letters are the same.
    pub any_case: bool,
    /// Whether blanks at both ends do not count.
    pub trim: bool,
}

/// A condition as a file spells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    attribute: Attribute,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    is: Option<Text>,
    #[serde(default, rename = "in", skip_serializing_if = "Option::is_none")]
    among: Option<Vec<Text>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    matches: Option<Text>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    absent: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    any_case: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    trim: bool,
}

impl TryFrom<Spelled> for Condition {
    type Error = String;
    fn try_from(spelled: Spelled) -> Result<Self, String> {
        let Spelled { attribute, is, among, starts, matches, absent, any_case, trim } = spelled;
        let tests = [is.map(Test::Is), among.map(Test::In), starts.map(Test::Starts), matches.map(Test::Matches)];
        let mut tests = tests.into_iter().flatten().chain(absent.then_some(Test::Absent));
        let one = tests.next().filter(|_| tests.next().is_none());
        let wrong = || format!("a condition on {attribute} has one of: is, in, starts, matches, absent = true");
        Ok(Self { attribute, test: one.ok_or_else(wrong)?, any_case, trim })
    }
}

impl From<Condition> for Spelled {
    fn from(condition: Condition) -> Self {
        let Condition { attribute, test, any_case, trim } = condition;
        let mut spelled =
            Self { attribute, is: None, among: None, starts: None, matches: None, absent: false, any_case, trim };
        match test {
            Test::Is(value) => spelled.is = Some(value),
            Test::In(values) => spelled.among = Some(values),
            Test::Starts(value) => spelled.starts = Some(value),
            Test::Matches(value) => spelled.matches = Some(value),
            Test::Absent => spelled.absent = true,
        }
        spelled
    }
}

impl Condition {
    /// The most values of `in`.
    const VALUES: usize = 1_000;
    /// The longest value, in bytes.
    const VALUE: usize = 512;

    /// Why it cannot be meant; nothing if it can.
    pub(super) fn check(&self) -> Result<(), String> {
        let values = self.values();
        if values.len() > Self::VALUES {
            return Err(format!("{} has {} values, the most are {}", self.attribute, values.len(), Self::VALUES));
        }
        if self.test != Test::Absent && values.is_empty() {
            return Err(format!("{} in nothing holds for nobody", self.attribute));
        }
        for value in values {
            if value.is_empty() || value.len() > Self::VALUE {
                let attribute = self.attribute;
                return Err(format!("{attribute}: `{}` is no value: 1 to {} bytes", short(value), Self::VALUE));
            }
            // Every value starts with nothing.
            if self.trim && value.trim().is_empty() {
                let attribute = self.attribute;
                return Err(format!(
                    "{attribute}: a value of blanks is nothing once it is trimmed; next: absent = true"
                ));
            }
        }
        Ok(())
    }

    /// The values that it names.
    pub(super) fn values(&self) -> &[Text] {
        match &self.test {
            Test::Is(value) | Test::Starts(value) | Test::Matches(value) => std::slice::from_ref(value),
            Test::In(values) => values,
            Test::Absent => &[],
        }
    }
}

impl fmt::Display for Condition {
    /// `department starts "Freight" (any case, trimmed)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.attribute)?;
        match &self.test {
            Test::Is(value) => write!(f, "is \"{value}\"")?,
            Test::In(values) => {
                let quoted: Vec<String> = values.iter().take(4).map(|value| format!("\"{value}\"")).collect();
                let more = values.len().saturating_sub(quoted.len());
                write!(f, "in {}", quoted.join(", "))?;
                if more > 0 {
                    write!(f, " and {more} more")?;
                }
            }
            Test::Starts(value) => write!(f, "starts \"{value}\"")?,
            Test::Matches(value) => write!(f, "matches \"{value}\"")?,
            Test::Absent => f.write_str("is absent")?,
        }
        match (self.any_case, self.trim) {
            (false, false) => Ok(()),
            (true, false) => f.write_str(" (any case)"),
            (false, true) => f.write_str(" (trimmed)"),
            (true, true) => f.write_str(" (any case, trimmed)"),
        }
    }
}

/// A condition with all that can be done before the first user comes.
#[derive(Debug)]
pub(super) struct Ready {
    test: Test,
    any_case: bool,
    trim: bool,
}

/// A value in the spellings that conditions ask for.
pub(super) struct Spellings<'v> {
    raw: &'v str,
    folded: Option<String>,
}

impl<'v> Spellings<'v> {
    pub(super) fn of(raw: &'v str) -> Self {
        Self { raw, folded: None }
    }

    fn get(&mut self, any_case: bool, trim: bool) -> &str {
        let text = if any_case { self.folded.get_or_insert_with(|| fold(self.raw)).as_str() } else { self.raw };
        if trim { text.trim() } else { text }
    }
}

impl Ready {
    pub(super) fn of(condition: &Condition) -> Self {
        let Condition { test, any_case, trim, .. } = condition;
        let plain = |value: &Text, trim: bool| -> Text {
            let value = if trim { value.trim() } else { value };
            if *any_case { fold(value).into() } else { value.into() }
        };
        let test = match test {
            Test::Is(value) => Test::Is(plain(value, *trim)),
            Test::In(values) => {
                let mut values: Vec<Text> = values.iter().map(|value| plain(value, *trim)).collect();
                values.sort_unstable();
                Test::In(values)
            }
            // A beginning may end in a blank that counts.
            Test::Starts(value) if *trim => Test::Starts(plain(&value.trim_start().into(), false)),
            Test::Starts(value) => Test::Starts(plain(value, false)),
            Test::Matches(value) => Test::Matches(plain(value, *trim)),
            Test::Absent => Test::Absent,
        };
        Self { test, any_case: *any_case, trim: *trim }
    }

    /// Whether it holds for a value, or for none.
    pub(super) fn holds(&self, value: Option<&mut Spellings<'_>>) -> bool {
        let value = value.map(|value| value.get(self.any_case, self.trim)).filter(|value| !value.is_empty());
        match (&self.test, value) {
            (Test::Absent, value) => value.is_none(),
            (Test::Is(_) | Test::In(_) | Test::Starts(_) | Test::Matches(_), None) => false,
            (Test::Is(wanted), Some(value)) => wanted == value,
            (Test::In(wanted), Some(value)) => wanted.binary_search_by(|one| one.as_str().cmp(value)).is_ok(),
            (Test::Starts(wanted), Some(value)) => value.starts_with(wanted.as_str()),
            (Test::Matches(wanted), Some(value)) => is_like(value, wanted),
        }
    }
}

/// Whether a condition holds for a value.
pub(super) fn holds(condition: &Condition, value: &str) -> bool {
    Ready::of(condition).holds(Some(&mut Spellings::of(value)))
}

/// Whether a text looks like a pattern. Takes time in proportion to both, whatever the pattern.
fn is_like(text: &str, pattern: &str) -> bool {
    let (mut text, mut pattern) = (text.chars(), pattern.chars());
    // Behind the last `*`: what of the pattern is left, and where it was tried last.
    let mut again: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (before, mut rest) = (text.clone(), pattern.clone());
        match (rest.next(), text.next()) {
            (Some('*'), _) => {
                text = before;
                again = Some((rest.clone(), text.clone()));
                pattern = rest;
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => pattern = rest,
            (Some(_) | None, Some(_)) => {
                let Some((after, mut from)) = again.take() else { return false };
                if from.next().is_none() {
                    return false;
                }
                (pattern, text) = (after.clone(), from.clone());
                again = Some((after, from));
            }
            (Some(_), None) => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_matched_whole() {
        for (text, pattern, want) in [
            ("Freight Sales", "Freight*", true),
            ("Freight", "Freight*", true),
            ("freight", "Freight*", false),
            ("North Freight", "*Freight", true),
            ("North Freight X", "*Freight", false),
            ("Depot 1", "Depot ?", true),
            ("Depot 12", "Depot ?", false),
            ("aXbXc", "a*b*c", true),
            ("abc", "a*c*", true),
            ("aab", "*ab", true),
            ("", "*", true),
            ("", "?", false),
            ("", "", true),
            ("a", "", false),
            ("Größe", "Gr??e", true),
        ] {
            assert_eq!(is_like(text, pattern), want, "{text:?} {pattern:?}");
        }
        let long = "a".repeat(2_000);
        assert!(!is_like(&long, &format!("{}b", "a*".repeat(200))), "and soon");
    }

    #[test]
    fn a_value_of_which_trimming_leaves_nothing_is_refused() {
        let blank = || Text::from(" \u{a0} ");
        for test in
            [Test::Is(blank()), Test::Starts(blank()), Test::Matches(blank()), Test::In(vec!["x".into(), blank()])]
        {
            let mut condition = Condition { attribute: Attribute::Manager, test, any_case: false, trim: true };
            let why = condition.check().unwrap_err();
            assert!(why.contains("once it is trimmed"), "{why}");
            condition.trim = false;
            assert_eq!(condition.check(), Ok(()), "blanks that count are a value: {condition}");
        }
    }

    #[test]
    fn case_and_blanks_count_unless_they_are_waived() {
        let ready =
            |test: Test, any_case, trim| Ready::of(&Condition { attribute: Attribute::Manager, test, any_case, trim });
        let holds = |ready: &Ready, value: &str| ready.holds(Some(&mut Spellings::of(value)));
        let exact = ready(Test::Is("Freight".into()), false, false);
        assert!(holds(&exact, "Freight") && !holds(&exact, "freight") && !holds(&exact, "Freight "));
        let loose = ready(Test::Is(" FREIGHT".into()), true, true);
        assert!(holds(&loose, "freight  ") && !holds(&loose, "freights"));
        let among = ready(Test::In(vec!["Legal".into(), "Finance".into()]), true, false);
        assert!(holds(&among, "LEGAL") && !holds(&among, "LEGAL "));
        let starts = ready(Test::Starts("Depot ".into()), true, true);
        assert!(holds(&starts, " depot north") && !holds(&starts, "depotnorth"), "the blank inside counts");
        let absent = ready(Test::Absent, false, true);
        assert!(absent.holds(None) && holds(&absent, "  ") && !holds(&absent, "x"));
        assert!(!exact.holds(None));
    }
}
