use std::borrow::Cow;

/// A filter of a list, as typed after `/` or given by `--filter`: words apart by blanks, all of which must hold.
///
/// `text` finds rows that contain it, `!text` rows that do not, `field:value` rows whose field begins with the value,
/// `!field:value` the others. `field:=value` wants the whole value, and `field:none` a field that has none. Case does not
/// matter. Quotes hold a text with blanks together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(Vec<Term>);

/// A word of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// Whether rows that it hits are left out.
    pub not: bool,
    /// The field that it looks at; absent for a bare word.
    pub field: Option<String>,
    /// What is sought, in lower case.
    pub value: String,
}

impl Term {
    /// The value of a field that rows without it are found by.
    pub const NONE: &str = "none";

    /// Whether the value of its field is what is sought; `not` is left to the caller.
    pub fn hits(&self, value: Option<&str>) -> bool {
        match value {
            None => self.value == Self::NONE,
            Some(value) => match self.value.strip_prefix('=') {
                Some(whole) if value.is_ascii() => value.eq_ignore_ascii_case(whole),
                Some(whole) => value.to_lowercase() == whole,
                None if value.is_ascii() => {
                    let start = value.as_bytes().get(..self.value.len());
                    start.is_some_and(|start| start.eq_ignore_ascii_case(self.value.as_bytes()))
                }
                None => value.to_lowercase().starts_with(&self.value),
            },
        }
    }
}

/// Why a filter cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// Rows have no such field.
    #[error("no field `{field}` here; there are {}", known.join(", "))]
    UnknownField {
        /// What was typed.
        field: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A field without a value.
    #[error("`{0}:` needs a value")]
    NoValue(String),
    /// More than anybody types.
    #[error("a filter has at most {} bytes; this one has {bytes}", Filter::LONGEST)]
    TooLong {
        /// How many it has.
        bytes: usize,
    },
    /// A quote that does not end.
    #[error("a quote is not closed")]
    OpenQuote,
}

/// A row that can be filtered.
pub trait Filterable {
    /// The names that can stand before a colon.
    const FIELDS: &'static [&'static str];
    /// The texts that a bare word is sought in.
    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>>;
    /// The value of a field; absent if the row has none.
    fn field(&self, name: &str) -> Option<Cow<'_, str>>;
    /// Whether a term hits a field. A row with several values in one field is hit by any of them.
    fn is_hit(&self, field: &str, term: &Term) -> bool {
        term.hits(self.field(field).as_deref())
    }
}

impl Filter {
    /// The most bytes of a filter: each of its words is sought in each row.
    pub const LONGEST: usize = 1_000;

    /// Reads a filter for rows of a kind.
    pub fn parse<R: Filterable>(text: &str) -> Result<Self, FilterError> {
        if text.len() > Self::LONGEST {
            return Err(FilterError::TooLong { bytes: text.len() });
        }
        let mut terms = Vec::new();
        for word in words(text)? {
            let (not, word) = match word.strip_prefix('!') {
                Some(rest) if !rest.is_empty() => (true, rest.to_owned()),
                Some(_) | None => (false, word),
            };
            let (field, value) = match word.split_once(':') {
                Some((field, value))
                    if field.starts_with(|c: char| c.is_ascii_alphabetic())
                        && field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') =>
                {
                    let field = field.to_lowercase();
                    if !R::FIELDS.contains(&field.as_str()) {
                        return Err(FilterError::UnknownField { field, known: R::FIELDS.to_vec() });
                    }
                    if value.is_empty() || value == "=" {
                        return Err(FilterError::NoValue(field));
                    }
                    (Some(field), value.to_lowercase())
                }
                Some(_) | None => (None, word.to_lowercase()),
            };
            terms.push(Term { not, field, value });
        }
        Ok(Self(terms))
    }

    /// Whether it lets every row through.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its words, all of which must hold.
    pub fn terms(&self) -> &[Term] {
        &self.0
    }

    /// Whether a row passes.
    pub fn matches<R: Filterable>(&self, row: &R) -> bool {
        self.0.iter().all(|term| {
            let hit = match &term.field {
                Some(field) => row.is_hit(field, term),
                None => row.texts().any(|text| holds(&text, &term.value)),
            };
            hit != term.not
        })
    }
}

/// Whether a text holds another, which is in lower case. Plain texts are not copied: ten thousand rows are looked through
/// at each key.
fn holds(text: &str, lower: &str) -> bool {
    if !text.is_ascii() {
        return text.to_lowercase().contains(lower);
    }
    let (text, lower) = (text.as_bytes(), lower.as_bytes());
    let Some(first) = lower.first() else { return true };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), text).any(|at| {
        let part = text.get(at..at + lower.len());
        part.is_some_and(|part| part.eq_ignore_ascii_case(lower))
    })
}

fn words(text: &str) -> Result<Vec<String>, FilterError> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' => quoted = !quoted,
            c if c.is_whitespace() && !quoted => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => word.push(c),
        }
    }
    if quoted {
        return Err(FilterError::OpenQuote);
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Row(&'static str, &'static str);
    impl Filterable for Row {
        const FIELDS: &'static [&'static str] = &["status"];
        fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
            [self.0].into_iter().map(Cow::Borrowed)
        }
        fn field(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "status").then_some(Cow::Borrowed(self.1))
        }
    }

    fn check(filter: &str, want: bool) {
        let row = Row("Adatum Gesundheit GmbH", "blocked");
        assert_eq!(Filter::parse::<Row>(filter).unwrap().matches(&row), want, "{filter}");
    }

    #[test]
    fn terms_must_all_hold() {
        check("", true);
        check("adatum", true);
        check("ADATUM gmbh", true);
        check("adatum contoso", false);
        check("!contoso", true);
        check("!adatum", false);
        check("status:blocked", true);
        check("status:Bl adatum", true);
        check("!status:blocked", false);
        check("\"adatum gesund\"", true);
        check("\"gesund adatum\"", false);
        check("!", false);
        check("status:=blocked", true);
        check("status:=block", false);
        check("status:none", false);
        check("!status:none", true);
    }

    #[test]
    fn what_cannot_be_used_is_explained() {
        let error = |text| Filter::parse::<Row>(text).unwrap_err().to_string();
        assert_eq!(error("state:x"), "no field `state` here; there are status");
        assert_eq!(error("status:"), "`status:` needs a value");
        assert_eq!(error("status:="), "`status:` needs a value");
        assert_eq!(error("\"open"), "a quote is not closed");
        assert!(Filter::parse::<Row>(&"x ".repeat(500)).is_ok());
        assert_eq!(error(&"x".repeat(1_001)), "a filter has at most 1000 bytes; this one has 1001");
    }
}
