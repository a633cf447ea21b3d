use base64::Engine as _;
use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Answer, Code};

/// The most of a body that is looked at.
const LOOK_LIMIT: usize = 64 << 10;

/// What an answer says, gathered before anything is concluded from it.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Status, the answer's own or one that stands in the body.
    pub(super) status: Option<u16>,
    /// Numbers in `error_codes`.
    pub(super) array: Vec<u32>,
    /// Numbers behind `AADSTS` in any text.
    pub(super) text: Vec<u32>,
    /// Number in `x-ms-clitelem`.
    pub(super) clitelem: Option<u32>,
    /// `error`, if it is an OAuth word.
    pub(super) error: Option<String>,
    pub(super) suberror: Option<String>,
    /// Code of a Graph error, innermost last.
    pub(super) graph: Vec<String>,
    /// Number of a Partner Center error.
    pub(super) partner_center: Option<u32>,
    /// All human text, lower-cased.
    pub(super) words: String,
    pub(super) policies: Vec<Uuid>,
    /// Claims speak of a policy or an authentication context.
    pub(super) claims_policy: bool,
    /// Graph asks for a token with claims.
    pub(super) challenge: bool,
    pub(super) correlation_id: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) at: Option<Timestamp>,
}

/// OAuth words that an answer can hold as `error`, or a text in passing.
const ERRORS: [&str; 21] = [
    "invalid_grant",
    "interaction_required",
    "login_required",
    "consent_required",
    "invalid_client",
    "unauthorized_client",
    "invalid_resource",
    "invalid_scope",
    "invalid_request",
    "unsupported_grant_type",
    "invalid_tenant",
    "access_denied",
    "temporarily_unavailable",
    "service_unavailable",
    "server_error",
    "slow_down",
    "authorization_pending",
    "expired_token",
    "code_expired",
    "authorization_declined",
    "bad_verification_code",
];

impl Evidence {
    pub(super) fn gather(answer: &Answer<'_>) -> Self {
        let mut found = Self { status: answer.status, ..Self::default() };
        let body = &answer.body[..answer.body.len().min(LOOK_LIMIT)];
        let body = String::from_utf8_lossy(body);
        let body = body.trim_start_matches('\u{feff}').trim();
        match serde_json::from_str::<Value>(body) {
            Ok(value) => found.value(&value, 0),
            Err(_) => found.plain(body),
        }
        for (name, value) in answer.headers {
            found.header(&name.to_ascii_lowercase(), value);
        }
        found
    }

    fn header(&mut self, name: &str, value: &str) {
        match name {
            "x-ms-clitelem" => self.clitelem = value.split(',').nth(1).and_then(|code| code.trim().parse().ok()),
            "x-ms-request-id" | "request-id" => keep(&mut self.trace_id, value),
            "client-request-id" | "ms-correlationid" => keep(&mut self.correlation_id, value),
            "www-authenticate" => self.authenticate(value),
            _ => {}
        }
    }

    /// A claims challenge: the value of `claims` is base64 of JSON, its padding may be missing.
    fn authenticate(&mut self, value: &str) {
        let lower = value.to_lowercase();
        if lower.contains("insufficient_claims") || lower.contains("claims=") {
            self.challenge = true;
        }
        self.words.push_str(&lower);
        self.words.push(' ');
        let Some(at) = lower.find("claims=") else { return };
        // The lower-cased text may have other offsets; the original is searched by the same ASCII word.
        let rest = value.get(at + "claims=".len()..).unwrap_or_default();
        let encoded: String =
            rest.trim_start_matches('"').chars().take_while(|c| !matches!(c, '"' | ',' | ' ')).collect();
        let encoded = encoded.trim_end_matches('=');
        let engine = base64::engine::GeneralPurpose::new(
            &base64::alphabet::STANDARD,
            base64::engine::GeneralPurposeConfig::new()
                .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent)
                .with_decode_allow_trailing_bits(true),
        );
        let plain = engine.decode(encoded.replace('-', "+").replace('_', "/")).unwrap_or_default();
        let plain = String::from_utf8_lossy(&plain).into_owned();
        self.claims(if plain.contains('{') { &plain } else { encoded });
    }

    fn value(&mut self, value: &Value, depth: u8) {
        match value {
            Value::Object(object) => self.object(object, depth),
            Value::String(text) => self.string(text, depth),
            Value::Array(list) if depth < 4 => list.iter().take(8).for_each(|one| self.value(one, depth + 1)),
            Value::Array(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text that may itself be JSON.
    fn string(&mut self, text: &str, depth: u8) {
        let trimmed = text.trim();
        if depth < 3
            && trimmed.starts_with('{')
            && let Ok(value) = serde_json::from_str::<Value>(trimmed)
        {
            self.value(&value, depth + 1);
        } else {
            self.plain(text);
        }
    }

    fn object(&mut self, object: &Map<String, Value>, depth: u8) {
        if depth > 4 {
            return;
        }
        for (name, value) in object {
            match (name.to_ascii_lowercase().as_str(), value) {
                ("error" | "odata.error" | "innererror", Value::Object(inner)) => self.graph(inner, depth + 1),
                ("error", Value::String(word)) => {
                    if ERRORS.contains(&word.as_str()) || !word.contains(' ') {
                        self.error = Some(word.chars().take(64).collect());
                    }
                    self.string(word, depth);
                }
                ("suberror", Value::String(word)) if !word.is_empty() => {
                    self.suberror = Some(word.chars().take(64).collect());
                }
                ("error_codes", codes) => self.codes(codes),
                (
                    "error_description" | "message" | "description" | "errordescription" | "errorname",
                    Value::String(text),
                ) => {
                    self.string(text, depth);
                }
                ("claims", Value::String(text)) => self.claims(text),
                ("claims", value) => self.claims(&value.to_string()),
                ("correlation_id" | "correlationid", Value::String(id)) => keep(&mut self.correlation_id, id),
                ("trace_id" | "traceid", Value::String(id)) => keep(&mut self.trace_id, id),
                ("timestamp", Value::String(time)) => self.time(time),
                ("code", Value::Number(code)) => {
                    self.partner_center = code.as_u64().and_then(|code| u32::try_from(code).ok());
                }
                ("code", Value::String(code)) => match code.trim().parse() {
                    Ok(number) => self.partner_center = Some(number),
                    Err(_) if !code.is_empty() => self.graph.push(code.chars().take(96).collect()),
                    Err(_) => {}
                },
                ("statuscode", Value::Number(status)) if self.status.is_none() => {
                    self.status = status.as_u64().and_then(|status| u16::try_from(status).ok());
                }
                _ => {}
            }
        }
    }

    fn graph(&mut self, object: &Map<String, Value>, depth: u8) {
        for (name, value) in object {
            match (name.to_ascii_lowercase().as_str(), value) {
                ("code", Value::String(code)) if !code.is_empty() => {
                    self.graph.insert(0, code.chars().take(96).collect());
                }
                ("message", Value::String(text)) => self.string(text, depth),
                ("message", Value::Object(message)) => {
                    if let Some(Value::String(text)) = message.get("value") {
                        self.string(text, depth);
                    }
                }
                ("request-id" | "requestid", Value::String(id)) => keep(&mut self.trace_id, id),
                ("client-request-id" | "clientrequestid", Value::String(id)) => keep(&mut self.correlation_id, id),
                ("date", Value::String(time)) => self.time(time),
                ("innererror", Value::Object(inner)) if depth < 5 => {
                    let outer = std::mem::take(&mut self.graph);
                    self.graph(inner, depth + 1);
                    let inner = std::mem::replace(&mut self.graph, outer);
                    self.graph.extend(inner);
                }
                _ => {}
            }
        }
    }

    fn codes(&mut self, codes: &Value) {
        match codes {
            Value::Array(list) => list.iter().take(16).for_each(|code| self.codes(code)),
            Value::Number(code) => self.array.extend(code.as_u64().and_then(|code| u32::try_from(code).ok())),
            Value::String(text) => {
                let digits = text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok());
                self.array.extend(digits.take(16));
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
    }

    fn claims(&mut self, text: &str) {
        let lower = text.to_lowercase();
        let named = lower.contains("capolids") || lower.contains("polids");
        if named {
            let ids = lower.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
            for id in ids.filter(|id| id.len() == 36).filter_map(|id| Uuid::try_parse(id).ok()).take(64) {
                if !self.policies.contains(&id) {
                    self.policies.push(id);
                }
            }
        }
        self.claims_policy |= named || lower.contains("acrs");
    }

    fn time(&mut self, text: &str) {
        if self.at.is_none() {
            let text = text.trim().replacen(' ', "T", 1);
            let text = if text.ends_with('Z') { text } else { format!("{text}Z") };
            self.at = text.parse().ok();
        }
    }

    /// Text that is no JSON: a description, a page of a gateway, something pasted from a console.
    fn plain(&mut self, text: &str) {
        self.numbers(text);
        let lower = text.to_lowercase();
        if self.error.is_none() {
            let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let word = lower.split(|c| !is_part(c)).find(|word| ERRORS.contains(word));
            self.error = word.map(str::to_owned);
        }
        for (name, slot) in [("trace id:", &mut self.trace_id), ("correlation id:", &mut self.correlation_id)] {
            let value = lower.find(name).and_then(|at| lower.get(at + name.len()..));
            let id: Option<String> = value
                .map(|rest| rest.trim_start().chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect());
            if let Some(id) = id.filter(|id| Uuid::try_parse(id).is_ok()) {
                keep(slot, &id);
            }
        }
        if let Some(rest) = text.find("Timestamp:").and_then(|at| text.get(at + 10..)) {
            let time: String = rest.trim_start().chars().take(20).collect();
            self.time(&time);
        }
        if lower.contains("claims") && lower.contains("polids") {
            self.claims(text);
        }
        // An object inside a text: `invalid_grant: {"error": …}`.
        if let Some(at) = text.find('{')
            && let Some(Ok(value @ Value::Object(_))) =
                serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()
        {
            self.value(&value, 3);
        }
        self.words.push_str(&lower);
        self.words.push(' ');
    }

    /// Every number behind `AADSTS`. A console may have broken one over two lines.
    fn numbers(&mut self, text: &str) {
        for (at, _) in text.match_indices("AADSTS").take(16) {
            let rest = &text[at + "AADSTS".len()..];
            let first: String = rest.chars().take_while(char::is_ascii_digit).take(9).collect();
            let after = &rest[first.len()..];
            let joined = after.trim_start_matches(['\r', '\n', ' ']);
            let wrapped = after.starts_with(['\r', '\n']) && joined.len() < after.len();
            let second: String = joined.chars().take_while(char::is_ascii_digit).take(9).collect();
            let (one, both) = (first.parse::<u32>().ok(), format!("{first}{second}").parse::<u32>().ok());
            let known = |number: Option<u32>| number.filter(|number| Code::find(*number).is_some());
            let whole = if wrapped && !second.is_empty() { known(one).or(known(both)).or(one) } else { one };
            if let Some(number) = whole.filter(|number| (10_000..100_000_000).contains(number))
                && !self.text.contains(&number)
            {
                self.text.push(number);
            }
        }
    }
}

fn keep(slot: &mut Option<String>, value: &str) {
    let value: String = value.trim().chars().filter(char::is_ascii_graphic).take(64).collect();
    if slot.is_none() && !value.is_empty() {
        *slot = Some(value);
    }
}
