mod text;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::scrub::scrub;
use super::{Answer, Code};

/// The most of a body that is looked at.
const LOOK_LIMIT: usize = 64 << 10;
/// How deep members are followed, texts that hold JSON included.
const DEPTH_LIMIT: u8 = 8;
/// The most ids of policies that are kept.
const POLICY_LIMIT: usize = 64;
/// The most numbers that are kept of one place.
const NUMBER_LIMIT: usize = 16;

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
    /// Codes of a Graph error, innermost last.
    pub(super) graph: Vec<String>,
    /// Number of a Partner Center error.
    pub(super) partner_center: Option<u32>,
    /// All human text, in lower case.
    pub(super) words: String,
    pub(super) policies: Vec<Uuid>,
    /// Claims speak of a policy or an authentication context.
    pub(super) claims_policy: bool,
    /// Graph asks for a token with claims.
    pub(super) challenge: bool,
    pub(super) correlation_id: Option<Uuid>,
    pub(super) trace_id: Option<Uuid>,
    pub(super) at: Option<Timestamp>,
}

/// OAuth words that an answer can hold as `error`, or a text in passing.
const ERRORS: [&str; 23] = [
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
    "user_password_expired",
    "insufficient_claims",
];

impl Evidence {
    pub(super) fn gather(answer: &Answer<'_>) -> Self {
        let mut found = Self { status: answer.status, ..Self::default() };
        let body = decoded(&answer.body[..answer.body.len().min(LOOK_LIMIT)]);
        let body = body.trim_start_matches('\u{feff}').trim();
        match serde_json::from_str::<Value>(body) {
            Ok(Value::String(text)) => found.string(&text, 0),
            Ok(value) => found.value(&value, 0),
            Err(_) => found.plain(body, 0),
        }
        for (name, value) in answer.headers {
            found.header(&name.to_ascii_lowercase(), value);
        }
        found
    }

    fn header(&mut self, name: &str, value: &str) {
        match name {
            "x-ms-clitelem" => {
                let mut parts = value.split(',').skip(1);
                self.clitelem = parts.next().and_then(|code| code.trim().parse().ok()).filter(|code| *code > 0);
                if let Some(suberror) = parts.next().filter(|part| part.contains('_')) {
                    word(&mut self.suberror, suberror);
                }
            }
            "x-ms-request-id" | "request-id" | "ms-requestid" => id(&mut self.trace_id, value),
            "client-request-id" | "ms-correlationid" => id(&mut self.correlation_id, value),
            "www-authenticate" => self.authenticate(value),
            "date" if self.at.is_none() => self.time(value),
            _ => {}
        }
    }

    /// A value of JSON that is not known by its name.
    fn value(&mut self, value: &Value, depth: u8) {
        if depth > DEPTH_LIMIT {
            return;
        }
        match value {
            Value::Object(object) if depth == 0 => self.object(object, depth, false),
            Value::Object(object) => self.inner(object, depth, false),
            Value::Array(list) => list.iter().take(NUMBER_LIMIT).for_each(|one| self.value(one, depth + 1)),
            Value::String(text) => self.aside(text, depth),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// A text in a member that is not known by its name: JSON, or a number of Entra in passing.
    fn aside(&mut self, text: &str, depth: u8) {
        match object_of(text) {
            Some(object) if depth < DEPTH_LIMIT => self.object(&object, depth + 1, false),
            Some(_) | None => self.numbers(text),
        }
    }

    /// A text for people that may itself be JSON.
    fn string(&mut self, text: &str, depth: u8) {
        match object_of(text) {
            Some(object) if depth < DEPTH_LIMIT => self.object(&object, depth + 1, false),
            Some(_) | None => self.plain(text, depth + 1),
        }
    }

    /// The members of an object. Names are compared without regard to case, `_`, `-` and `.`. `in_error` says that it
    /// is the `error` object of Graph or something inside it.
    fn object(&mut self, object: &Map<String, Value>, depth: u8, in_error: bool) {
        if depth > DEPTH_LIMIT {
            return;
        }
        for (name, value) in object {
            match (plain_name(name).as_str(), value) {
                ("error" | "odataerror" | "innererror", Value::Object(inner)) => self.inner(inner, depth, true),
                ("error", Value::String(text)) => self.error(text, depth),
                ("suberror" | "errorsubcode", Value::String(text)) => word(&mut self.suberror, text),
                ("errorcodes", codes) => self.codes(codes),
                ("errorcode", Value::String(text)) if !text.starts_with(|c: char| c.is_ascii_digit()) => {
                    self.error(text, depth);
                }
                ("errorcode", code) => self.code_of_log(code),
                (
                    "errordescription" | "message" | "description" | "errorname" | "errormessage" | "body"
                    | "responsebody" | "response" | "content" | "exception" | "detail" | "reason" | "failurereason",
                    Value::String(text),
                ) => self.string(text, depth),
                ("claims", Value::String(text)) => self.claims(text),
                ("claims", value) => self.claims_in(value, 0),
                ("correlationid" | "mscorrelationid" | "clientrequestid", Value::String(text)) => {
                    id(&mut self.correlation_id, text);
                }
                ("traceid" | "requestid", Value::String(text)) => id(&mut self.trace_id, text),
                ("timestamp" | "date", Value::String(time)) => self.time(time),
                ("code", Value::String(code)) => self.code(code, depth, in_error),
                ("code", Value::Number(code)) => self.code(&code.to_string(), depth, in_error),
                ("statuscode" | "status", Value::Number(status)) => self.status_in(&status.to_string()),
                ("statuscode" | "status", Value::String(status)) => self.status_in(status),
                (_, value) => self.member(value, depth, in_error),
            }
        }
    }

    /// An object inside another: its codes stand behind those of the outer one, whatever the order of the members.
    fn inner(&mut self, object: &Map<String, Value>, depth: u8, in_error: bool) {
        let outer = std::mem::take(&mut self.graph);
        self.object(object, depth + 1, in_error);
        let inner = std::mem::replace(&mut self.graph, outer);
        self.graph.extend(inner);
        self.graph.truncate(NUMBER_LIMIT);
    }

    /// A member that is not known by its name.
    fn member(&mut self, value: &Value, depth: u8, in_error: bool) {
        match value {
            Value::Object(inner) => self.inner(inner, depth, in_error),
            Value::Array(_) | Value::String(_) => self.value(value, depth + 1),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn error(&mut self, text: &str, depth: u8) {
        if ERRORS.contains(&text) {
            self.error = Some(text.to_owned());
            self.challenge |= text == "insufficient_claims";
        } else if text.contains([' ', '{']) {
            self.string(text, depth);
        } else {
            word(&mut self.error, text);
            self.numbers(text);
        }
    }

    /// A `code`: Graph's word, Partner Center's number, or an OAuth word in Graph's shape.
    fn code(&mut self, code: &str, depth: u8, in_error: bool) {
        let code = code.trim();
        match code.parse::<u32>() {
            Ok(status @ 400..=599) if in_error => self.status_in(&status.to_string()),
            Ok(number) if in_error && Code::find(number).is_some() => self.array.push(number),
            Ok(number) if depth <= 1 => self.partner_center = self.partner_center.or(Some(number)),
            Ok(_) => {}
            Err(_) if ERRORS.contains(&code) => self.error(code, DEPTH_LIMIT),
            Err(_) => {
                let mut kept = None;
                word(&mut kept, code);
                if let Some(kept) = kept {
                    self.graph.insert(0, kept);
                }
            }
        }
    }

    fn status_in(&mut self, status: &str) {
        let status = status.trim().parse().ok().filter(|status| (400..=599).contains(status));
        self.status = self.status.or(status);
    }

    fn codes(&mut self, codes: &Value) {
        let mut push = |number: u32| {
            if number > 0 && self.array.len() < NUMBER_LIMIT {
                self.array.push(number);
            }
        };
        match codes {
            Value::Array(list) => list.iter().take(NUMBER_LIMIT).for_each(|code| {
                if !code.is_array() {
                    self.codes(code);
                }
            }),
            Value::Number(code) => code.as_u64().and_then(|code| u32::try_from(code).ok()).into_iter().for_each(push),
            Value::String(text) => {
                let digits = text.split(|c: char| !c.is_ascii_digit());
                digits.filter_map(|digits| digits.parse().ok()).for_each(&mut push);
            }
            Value::Null | Value::Bool(_) | Value::Object(_) => {}
        }
    }

    /// `errorCode` of a row of the sign-in log: 0 there is success, and only numbers that are known count.
    fn code_of_log(&mut self, code: &Value) {
        let mut of_log = Self::default();
        of_log.codes(code);
        self.array.extend(of_log.array.into_iter().filter(|number| Code::find(*number).is_some()));
    }

    /// `claims`: JSON in a text as a rule. Only `capolids`, `polids` and `acrs` in it speak of a policy.
    fn claims(&mut self, text: &str) {
        if let Ok(value) = serde_json::from_str::<Value>(text.trim()) {
            self.claims_in(&value, 0);
            return;
        }
        let lower = text.to_ascii_lowercase();
        if let Some(at) = lower.find("polids") {
            self.claims_policy = true;
            let ids = &lower[at..];
            self.policies_in(&ids[..ids.find([']', '}']).unwrap_or(ids.len())]);
        }
        self.claims_policy |= lower.contains("\"acrs\"");
    }

    fn claims_in(&mut self, value: &Value, depth: u8) {
        match value {
            Value::Object(object) if depth < DEPTH_LIMIT => {
                for (name, value) in object {
                    let name = name.to_ascii_lowercase();
                    if name == "capolids" || name == "polids" {
                        self.claims_policy = true;
                        self.policies_in(&value.to_string().to_ascii_lowercase());
                    } else {
                        self.claims_policy |= name == "acrs";
                        self.claims_in(value, depth + 1);
                    }
                }
            }
            Value::Array(list) if depth < DEPTH_LIMIT => list.iter().for_each(|one| self.claims_in(one, depth + 1)),
            Value::String(text) if depth < DEPTH_LIMIT && text.trim_start().starts_with('{') => {
                if let Ok(value @ Value::Object(_)) = serde_json::from_str(text) {
                    self.claims_in(&value, depth + 1);
                }
            }
            Value::Object(_) | Value::Array(_) | Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {
            }
        }
    }

    /// The ids in a text in lower case.
    fn policies_in(&mut self, text: &str) {
        let ids = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')).filter(|id| id.len() == 36);
        for id in ids.filter_map(|id| Uuid::try_parse(id).ok()) {
            if !self.policies.contains(&id) && self.policies.len() < POLICY_LIMIT {
                self.policies.push(id);
            }
        }
    }

    /// `2026-01-31 12:00:00Z`, the same with `T`, without a zone (then UTC), or the date of an HTTP header.
    fn time(&mut self, text: &str) {
        let text = text.trim();
        let parsed = || {
            let iso = text.replacen(' ', "T", 1);
            let http = || jiff::fmt::rfc2822::parse(text).ok().map(|time| time.timestamp());
            let local = || TimeZone::UTC.to_timestamp(iso.parse::<DateTime>().ok()?).ok();
            iso.parse::<Timestamp>().ok().or_else(local).or_else(http)
        };
        if text.len() <= 64 {
            self.at = self.at.or_else(parsed);
        }
    }
}

/// The body as text: UTF-8, or UTF-16 where its mark says so.
fn decoded(body: &[u8]) -> String {
    let wide = |unit: fn([u8; 2]) -> u16| {
        let units = body[2..].chunks_exact(2).map(|two| unit([two[0], two[1]]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match body {
        [0xff, 0xfe, ..] => wide(u16::from_le_bytes),
        [0xfe, 0xff, ..] => wide(u16::from_be_bytes),
        _ => String::from_utf8_lossy(body).into_owned(),
    }
}

fn object_of(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim();
    if !text.starts_with('{') {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// A member's name without regard to case and separators.
fn plain_name(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | '.')).map(|c| c.to_ascii_lowercase()).take(64).collect()
}

/// Keeps the first word that can be shown: an identifier, and none that looks like a secret.
fn word(slot: &mut Option<String>, text: &str) {
    let text = text.trim();
    let fits = !text.is_empty()
        && text.len() <= 96
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
    if slot.is_none() && fits && scrub(text.as_bytes()) == text {
        *slot = Some(text.to_owned());
    }
}

/// Keeps the first id that is one: placeholders such as `[redacted]` are none.
fn id(slot: &mut Option<Uuid>, text: &str) {
    if slot.is_none() {
        *slot = Uuid::try_parse(text.trim()).ok().filter(|id| !id.is_nil());
    }
}
