use base64::Engine as _;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{DEPTH_LIMIT, ERRORS, Evidence, NUMBER_LIMIT, id, plain_name, word};
use crate::failure::Code;

/// Opening braces of a text at which an object is looked for.
const TRIES: usize = 8;

impl Evidence {
    /// Text that is no JSON: a description, a page of a gateway, something pasted from a console or a ticket.
    pub(super) fn plain(&mut self, text: &str, depth: u8) {
        let object = if depth < DEPTH_LIMIT { embedded(text).or_else(|| of_address(text)) } else { None };
        if let Some(object) = &object {
            self.object(object, depth + 1, false);
        }
        // An object that was cut may end inside a number: 530034 is no policy, 53003 is one.
        let cut = object.is_none() && text.trim_start().starts_with('{');
        self.numbers(if cut { text.trim_end_matches(|c: char| c.is_ascii_digit()) } else { text });
        let lower = text.to_ascii_lowercase();
        if self.error.is_none() {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let found = lower.split(|c| !is_part(c)).find(|word| ERRORS.contains(word));
            self.error = found.map(str::to_owned);
        }
        if object.is_none() {
            self.members(text, &lower);
        }
        self.labels(text, &lower);
        self.words.push_str(&lower);
        self.words.push(' ');
    }

    /// What a text says in the manner of members although it is no JSON: a dictionary of Python, an answer cut short.
    fn members(&mut self, text: &str, lower: &str) {
        if let Some(value) = member(text, lower, "suberror") {
            word(&mut self.suberror, value);
        }
        for (name, slot) in [("correlation_id", &mut self.correlation_id), ("trace_id", &mut self.trace_id)] {
            if let Some(value) = member(text, lower, name) {
                id(slot, value);
            }
        }
        if let Some(at) = lower.find("error_codes").filter(|_| self.array.is_empty()) {
            let rest = &lower[at + "error_codes".len()..];
            let list = rest.find('[').filter(|open| *open < 6).and_then(|open| {
                let rest = &rest[open + 1..];
                Some(&rest[..rest.find(']')?])
            });
            self.codes(&Value::String(list.unwrap_or_default().to_owned()));
        }
        if lower.contains("claims")
            && let Some(at) = lower.find("polids")
        {
            self.claims(&lower[at..]);
        }
    }

    /// `Trace ID: …`, `Correlation ID: …`, `Timestamp: …`, with or without a break between them.
    fn labels(&mut self, text: &str, lower: &str) {
        for (label, slot) in [("trace id", &mut self.trace_id), ("correlation id", &mut self.correlation_id)] {
            if let Some(found) = label_id(text, lower, label) {
                id(slot, &found);
            }
        }
        if let Some(found) = label_id(text, lower, "request id") {
            id(&mut self.trace_id, &found);
        }
        if let Some(at) = lower.find("timestamp") {
            let rest = text[at + "timestamp".len()..].trim_start_matches([':', ' ', '"', '\'', '+', '\t']);
            let time: String = rest.chars().take(20).collect();
            self.time(&time);
        }
    }

    /// Every number behind `AADSTS`, and behind "error code" where it is known.
    pub(super) fn numbers(&mut self, text: &str) {
        let lower = text.to_ascii_lowercase();
        let before = self.text.len();
        for (at, found) in lower.match_indices("aadsts").take(NUMBER_LIMIT) {
            let rest = lower[at + found.len()..].trim_start_matches([' ', ':', '#']);
            self.number(rest);
        }
        for label in ["error code", "errorcode", "error?code"] {
            for (at, _) in lower.match_indices(label).take(NUMBER_LIMIT) {
                let rest = lower[at + label.len()..].trim_start_matches([':', '=', ' ', '\t', '"', '\'', '(', '#']);
                let number = digits(rest).parse().ok().filter(|number| Code::find(*number).is_some());
                self.text.extend(number.filter(|number| !self.text.contains(number)));
            }
        }
        // A console may have broken the word itself over two lines.
        if self.text.len() == before && lower.contains('\n') {
            let joined = joined(&lower);
            for (at, found) in joined.match_indices("aadsts").take(NUMBER_LIMIT) {
                self.number(&joined[at + found.len()..]);
            }
        }
        self.text.truncate(NUMBER_LIMIT);
    }

    /// The number at the start of a text. A console may have broken it over two lines.
    fn number(&mut self, text: &str) {
        let first = digits(text);
        let after = &text[first.len()..];
        let next = after.trim_start_matches(['\r', '\n', ' ']);
        let second = digits(next);
        let (one, both) = (first.parse::<u32>().ok(), format!("{first}{second}").parse::<u32>().ok());
        let known = |number: Option<u32>| number.filter(|number| Code::find(*number).is_some());
        let broken = after.starts_with(['\r', '\n']) && !second.is_empty();
        // `AADSTS70008`, a break, `2: …` is 700082; `AADSTS50020`, a break, `12 things` is not 5002012.
        let goes_on = broken && next[second.len()..].starts_with(':');
        let whole = if goes_on {
            known(both).or(known(one)).or(one)
        } else if broken {
            known(one).or(known(both)).or(one)
        } else {
            one
        };
        if let Some(number) = whole.filter(|number| (10_000..100_000_000).contains(number))
            && !self.text.contains(&number)
        {
            self.text.push(number);
        }
    }

    /// A claims challenge: the value of `claims` is base64 of JSON, its padding may be missing.
    pub(super) fn authenticate(&mut self, value: &str) {
        let lower = value.to_ascii_lowercase();
        self.challenge |= lower.contains("insufficient_claims") || lower.contains("claims=");
        self.words.push_str(&lower);
        self.words.push(' ');
        for (at, found) in lower.match_indices("claims=").take(NUMBER_LIMIT) {
            let rest = value[at + found.len()..].trim_start_matches('"');
            let encoded = &rest[..rest.find(['"', ',', ' ']).unwrap_or(rest.len())];
            let engine = base64::engine::GeneralPurpose::new(
                &base64::alphabet::STANDARD,
                base64::engine::GeneralPurposeConfig::new()
                    .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
                    .with_decode_allow_trailing_bits(true),
            );
            let standard = encoded.trim_end_matches('=').replace('-', "+").replace('_', "/");
            let plain = engine.decode(standard).unwrap_or_default();
            let plain = String::from_utf8_lossy(&plain);
            self.claims(if plain.contains('{') { &plain } else { rest });
        }
    }
}

fn digits(text: &str) -> &str {
    let text = &text[..text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())];
    if text.len() <= 9 { text } else { "" }
}

/// The text without its line breaks and the indentation behind them.
fn joined(text: &str) -> String {
    text.lines().map(str::trim_start).collect()
}

/// The value of a member in a text that is no JSON: `'suberror': 'token_expired'`, `suberror=token_expired`.
fn member<'a>(text: &'a str, lower: &str, name: &str) -> Option<&'a str> {
    let quotes = ['"', '\'', '\\', ' ', '\t'];
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
    lower.match_indices(name).take(NUMBER_LIMIT).find_map(|(at, _)| {
        let rest = text[at + name.len()..].trim_start_matches(quotes).strip_prefix([':', '='])?;
        let rest = rest.trim_start_matches(quotes);
        let value = &rest[..rest.find(ends).unwrap_or(rest.len())];
        (!value.is_empty()).then_some(value)
    })
}

/// The id behind a label, also where a console broke it over two lines.
fn label_id(text: &str, lower: &str, label: &str) -> Option<String> {
    lower.match_indices(label).take(NUMBER_LIMIT).find_map(|(at, _)| {
        let rest = text[at + label.len()..].trim_start_matches([':', ' ', '+', '\t', '"', '\'']);
        let start: String = rest.chars().filter(|c| !matches!(c, '\r' | '\n')).take(36).collect();
        Uuid::try_parse(&start).ok().map(|id| id.to_string())
    })
}

/// An object inside a text, if it looks like an answer: behind words, escaped in a log line, or broken into lines by
/// a console.
fn embedded(text: &str) -> Option<Map<String, Value>> {
    if !text.contains('{') {
        return None;
    }
    let without_breaks = || text.contains('\n').then(|| text.replace(['\r', '\n'], ""));
    let without_indents = || text.contains('\n').then(|| joined(text));
    let unescaped = || text.contains("{\\\"").then(|| text.replace("\\\"", "\"").replace("\\\\", "\\"));
    object_in(text)
        .or_else(|| object_in(&unescaped()?))
        .or_else(|| object_in(&without_breaks()?))
        .or_else(|| object_in(&without_indents()?))
}

fn object_in(text: &str) -> Option<Map<String, Value>> {
    text.match_indices('{').take(TRIES).find_map(|(at, _)| {
        let value = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()?.ok()?;
        let Value::Object(object) = value else { return None };
        let telling = |name: &String| {
            matches!(
                plain_name(name).as_str(),
                "error" | "errorcodes" | "errordescription" | "suberror" | "odataerror" | "code" | "message" | "claims"
            )
        };
        object.keys().any(telling).then_some(object)
    })
}

/// The parameters of a redirect address: `…?error=access_denied&error_description=AADSTS…`.
fn of_address(text: &str) -> Option<Map<String, Value>> {
    if !text.contains("error=") || text.trim().contains(char::is_whitespace) {
        return None;
    }
    let query = text.rsplit(['?', '#']).next()?;
    let pairs = url::form_urlencoded::parse(query.as_bytes()).take(NUMBER_LIMIT);
    Some(pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect())
}
