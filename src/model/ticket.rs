use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Text, clean};
use crate::failure::{Class, Failure};

/// That a customer was asked to lift a refusal: under which number, and what was refused then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The number of the ticket, as the operator's own system has it.
    pub number: Text,
    /// When the customer was asked.
    pub asked_at: Timestamp,
    /// Who recorded it.
    pub by: Text,
    /// What there is to know beside it.
    #[serde(default)]
    pub note: Option<Text>,
    /// The policies that the refusal named then.
    #[serde(default)]
    pub policies: Vec<Uuid>,
    /// What kind of refusal it was then.
    pub class: Class,
    /// When it was closed: by a person, or by an import that came through. Absent while it is open.
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    /// The person who closed it; absent where an import that came through did.
    #[serde(default)]
    pub closed_by: Option<Text>,
}

/// How a refusal differs from the one that a customer was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differs {
    /// Policies that are named and were not then.
    pub new: Vec<Uuid>,
    /// How many policies that were named then are named no more.
    pub lifted: usize,
    /// Whether it is another kind of refusal.
    pub cause: bool,
}

impl Ticket {
    /// The most characters of a number.
    pub const LONGEST_NUMBER: usize = 40;
    /// The most characters of a note.
    pub const LONGEST_NOTE: usize = 160;

    /// A number and what follows it as a note, cleaned. The error is a sentence.
    pub fn read(text: &str) -> Result<(Text, Option<Text>), String> {
        let text = text.trim();
        let (number, note) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        Self::check(number, note)
    }

    /// A number and a note, cleaned; an empty note is none. The error is a sentence.
    pub fn check(number: &str, note: &str) -> Result<(Text, Option<Text>), String> {
        let (number, note) = (clean(number), clean(note));
        let (number, note) = (number.trim(), note.trim());
        if number.is_empty() {
            return Err("a ticket needs its number".to_owned());
        }
        if number.chars().count() > Self::LONGEST_NUMBER {
            return Err(format!("a number has at most {} characters", Self::LONGEST_NUMBER));
        }
        if note.chars().count() > Self::LONGEST_NOTE {
            return Err(format!("a note has at most {} characters", Self::LONGEST_NOTE));
        }
        Ok((number.into(), (!note.is_empty()).then(|| note.into())))
    }

    /// Whether the customer is still asked.
    pub const fn is_open(&self) -> bool {
        self.closed_at.is_none()
    }

    /// Whether an import that came through closed it.
    pub const fn is_lifted(&self) -> bool {
        self.closed_at.is_some() && self.closed_by.is_none()
    }

    /// How a refusal differs from the one that was asked about; absent if it does not.
    pub fn differs(&self, failure: &Failure) -> Option<Differs> {
        let new: Vec<Uuid> = failure.policies.iter().filter(|id| !self.policies.contains(id)).copied().collect();
        let lifted = self.policies.iter().filter(|id| !failure.policies.contains(id)).count();
        let cause = failure.class != self.class;
        (cause || lifted > 0 || !new.is_empty()).then_some(Differs { new, lifted, cause })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_before_its_note() {
        let read = |text: &str| Ticket::read(text).map(|(number, note)| (number.to_string(), note));
        assert_eq!(read("CS-4411"), Ok(("CS-4411".to_owned(), None)));
        assert_eq!(
            read("  CS-4411   IT lead back on 24 Nov "),
            Ok(("CS-4411".to_owned(), Some("IT lead back on 24 Nov".into())))
        );
        assert_eq!(read("CS\u{202e}1\u{7} a"), Ok(("CS?1?".to_owned(), Some("a".into()))));
        for (text, why) in [
            ("  ".to_owned(), "needs its number"),
            ("x".repeat(41), "at most 40"),
            (format!("x {}", "y".repeat(161)), "at most 160"),
        ] {
            assert!(read(&text).is_err_and(|said| said.contains(why)), "{text}");
        }
    }
}
