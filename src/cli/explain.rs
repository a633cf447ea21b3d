//! `tenantop explain`: answers or codes in, what they mean out. Pure: the caller reads and prints.

use std::fmt::Write;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::failure::{Again, Answer, Cap, Class, Code, Context, Failure, Hop, Owner, Remedy, Service, classify};

/// The most answers that one call explains.
const ANSWERS_LIMIT: usize = 100_000;

/// Explains codes, or, where there are none, the answers in a text. With `json` one object a line as the contract
/// says, else words for people. `now` only stands where an answer has no time of its own, and is not shown.
///
/// Refuses a code that is no number of five to eight digits, of Partner Center or an HTTP status, and an empty text.
pub fn run(codes: &[String], stdin: &str, now: Timestamp, json: bool) -> Result<String, String> {
    let failures = read(codes, stdin, now)?;
    let mut out = String::new();
    for (at, failure) in failures.iter().enumerate() {
        if json {
            let row = serde_json::to_string(&row(failure, now)).map_err(|error| error.to_string())?;
            out.push_str(&row);
            out.push('\n');
        } else {
            if at > 0 {
                out.push('\n');
            }
            words(&mut out, failure, now);
        }
    }
    Ok(out)
}

/// What the codes, or the answers in a text, mean: one failure each, in their order. Refuses as [`run`] does.
pub fn read(codes: &[String], stdin: &str, now: Timestamp) -> Result<Vec<Failure>, String> {
    if !codes.is_empty() {
        return codes.iter().map(|code| of_code(code, now)).collect();
    }
    if stdin.trim().is_empty() {
        return Err("nothing to explain: give codes, or an answer on standard input".into());
    }
    Ok(split(stdin).into_iter().take(ANSWERS_LIMIT).map(|piece| piece.explained(now)).collect())
}

/// `53003`, `AADSTS53003`, `900421` of Partner Center, `503` of HTTP.
fn of_code(code: &str, now: Timestamp) -> Result<Failure, String> {
    let refused =
        || format!("`{code}` is no code: expected AADSTS and five to eight digits, the digits, or 4xx or 5xx");
    let digits = code.trim();
    let entra = digits.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("aadsts"));
    let digits = if entra { &digits[6..] } else { digits };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(refused());
    }
    let number: u32 = digits.parse().map_err(|_| refused())?;
    let plain = Answer { status: None, headers: &[], body: b"", hop: Hop::Customer, service: Service::Unknown };
    let of_partner_center = Code::of_partner_center(number).is_some() && Code::find(number).is_none() && !entra;
    let failure = match number {
        _ if of_partner_center => {
            let body = format!("{{\"code\":{number}}}");
            classify(Answer { body: body.as_bytes(), ..plain }, now)
        }
        400..=599 if !entra => classify(Answer { status: u16::try_from(number).ok(), ..plain }, now),
        10_000..=99_999_999 => {
            let body = format!("AADSTS{number}");
            classify(Answer { body: body.as_bytes(), service: Service::Entra, ..plain }, now)
        }
        _ => return Err(refused()),
    };
    // The body was ours, not an answer.
    Ok(Failure { raw: String::new(), ..failure })
}

/// One answer of an input.
#[derive(Debug, PartialEq)]
enum Piece {
    Json(Value),
    Text(String),
}

impl Piece {
    fn explained(self, now: Timestamp) -> Failure {
        let (status, headers, body, hop) = match self {
            Piece::Json(Value::Object(mut object)) if is_envelope(&object) => {
                let status = object.get("status").and_then(status);
                let headers = object.get("headers").map(headers).unwrap_or_default();
                let partner = object.get("hop").and_then(Value::as_str).is_some_and(|hop| hop == "partner");
                let hop = if partner { Hop::Partner } else { Hop::Customer };
                (status, headers, text(object.remove("body").unwrap_or_default()), hop)
            }
            Piece::Json(value) => (None, Vec::new(), text(value), Hop::Customer),
            Piece::Text(text) => {
                let bare = text.trim();
                if let Ok(failure) = of_code(bare, now) {
                    return failure;
                }
                (None, Vec::new(), text, Hop::Customer)
            }
        };
        let answer = Answer { status, headers: &headers, body: body.as_bytes(), hop, service: Service::Unknown };
        classify(answer, now)
    }
}

/// `{"status", "headers", "body", "hop"}`: an answer with what came around it.
fn is_envelope(object: &Map<String, Value>) -> bool {
    object.contains_key("body") || object.get("headers").is_some_and(Value::is_object)
}

fn status(value: &Value) -> Option<u16> {
    match value {
        Value::Number(number) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Names and values; a header that came several times may have an array.
fn headers(value: &Value) -> Vec<(String, String)> {
    let Value::Object(object) = value else { return Vec::new() };
    let values = |value: &Value| match value.as_array() {
        Some(list) => list.iter().cloned().map(text).collect(),
        None => vec![text(value.clone())],
    };
    let named = |(name, value): (&String, &Value)| -> Vec<(String, String)> {
        values(value).into_iter().map(|value| (name.to_ascii_lowercase(), value)).collect()
    };
    object.iter().flat_map(named).collect()
}

fn text(value: Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The answers of an input: a JSON value or several, a line each, or the whole as one.
fn split(input: &str) -> Vec<Piece> {
    let input = input.trim_start_matches('\u{feff}').trim();
    if let Some(values) = values(input) {
        return values;
    }
    let lines: Vec<&str> = input.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.len() > 1 && lines.iter().all(|line| stands_alone(line)) {
        return lines.into_iter().map(piece).collect();
    }
    blocks(&lines)
}

/// JSON values one after another; an array is its members.
fn values(input: &str) -> Option<Vec<Piece>> {
    if !input.starts_with(['{', '[', '"']) {
        return None;
    }
    let mut pieces = Vec::new();
    for value in serde_json::Deserializer::from_str(input).into_iter::<Value>() {
        let value = value.ok()?;
        if let Value::Array(list) = value {
            pieces.extend(list.into_iter().map(Piece::Json));
        } else {
            pieces.push(Piece::Json(value));
        }
    }
    (!pieces.is_empty()).then_some(pieces)
}

fn json(line: &str) -> Option<Value> {
    let line = line.trim();
    if line.starts_with('{') { serde_json::from_str(line).ok() } else { None }
}

fn piece(line: &str) -> Piece {
    json(line).map_or_else(|| Piece::Text(line.to_owned()), Piece::Json)
}

/// Whether a line is an answer by itself. One that begins an object and does not end it goes on in the next line, and
/// a number that says little may be made plainer there.
fn stands_alone(line: &str) -> bool {
    let line = line.trim();
    if line.starts_with('{') {
        return json(line).is_some();
    }
    !line.starts_with('"') && !is_open(line) && names_cause(line)
}

/// Whether an object begins in a text and does not end in it.
fn is_open(text: &str) -> bool {
    text.matches('{').count() > text.matches('}').count()
}

/// Whether a text holds a code or a cause that is understood.
fn names_cause(text: &str) -> bool {
    let failure = Piece::Text(text.to_owned()).explained(Timestamp::UNIX_EPOCH);
    let little = failure.codes.first().and_then(|code| Code::find(*code)).is_some_and(Code::is_generic);
    !little && (failure.class != Class::Unknown || !failure.codes.is_empty())
}

/// Joins the lines that belong to one answer: a new one begins where a whole object stands on a line, or where a line
/// names a code and the answer before has one already and is complete.
fn blocks(lines: &[&str]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut open = String::new();
    for line in lines {
        if let Some(value) = json(line) {
            flush(&mut pieces, &mut open);
            pieces.push(Piece::Json(value));
            continue;
        }
        let code = line.to_ascii_lowercase().contains("aadsts");
        let begins = (code && names_cause(line)) || line.trim_start().starts_with("{\"");
        if begins && is_complete(&open) {
            flush(&mut pieces, &mut open);
        }
        if !open.is_empty() {
            open.push('\n');
        }
        open.push_str(line);
    }
    flush(&mut pieces, &mut open);
    pieces
}

fn flush(pieces: &mut Vec<Piece>, open: &mut String) {
    if !open.is_empty() {
        pieces.push(Piece::Text(std::mem::take(open)));
    }
}

/// Whether a block can be an answer by itself: it names a code that says much, and no object of it is open.
fn is_complete(block: &str) -> bool {
    block.to_ascii_lowercase().contains("aadsts") && !is_open(block) && names_cause(block)
}

/// A row of `explain`, as the contract of the command line says. Absent means unknown.
#[derive(Debug, Serialize)]
struct Row<'a> {
    class: Class,
    cap: bool,
    /// Only where it is true: a policy is likely, but nothing says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    cap_probable: Option<bool>,
    owner: Owner,
    codes: &'a [u32],
    policies: &'a [Uuid],
    #[serde(skip_serializing_if = "Option::is_none")]
    control: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    correlation_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
    retry: &'static str,
    summary: String,
    steps: Vec<String>,
}

fn row(failure: &Failure, now: Timestamp) -> Row<'_> {
    let Remedy { summary, who: _, steps } = failure.remedy(Context::default());
    Row {
        class: failure.class,
        cap: failure.cap == Cap::Yes,
        cap_probable: (failure.cap == Cap::Probable).then_some(true),
        owner: failure.owner,
        codes: &failure.codes,
        policies: &failure.policies,
        control: failure.control.as_deref(),
        correlation_id: failure.correlation_id.as_deref(),
        trace_id: failure.trace_id.as_deref(),
        at: (failure.at != now).then_some(failure.at),
        retry: failure.again.name(),
        summary,
        steps,
    }
}

/// A failure in words, as the screen says them. Writing to a String cannot fail.
fn words(out: &mut String, failure: &Failure, now: Timestamp) {
    let Remedy { summary, who, steps } = failure.remedy(Context::default());
    let _ = writeln!(out, "{summary}\nWho acts: {who}");
    if !failure.policies.is_empty() {
        let _ = writeln!(out, "\nPolicies that the answer named (ids only; names are the tenant's)");
        for policy in &failure.policies {
            let _ = writeln!(out, "  {policy}");
        }
    }
    let _ = writeln!(out, "\nWhat to do");
    for step in steps {
        let _ = writeln!(out, "  {step}");
    }
    let again = match failure.again {
        Again::No => "no: the same request fails again",
        Again::Fix => "once its owner has acted",
        Again::Yes => "yes, after a while",
        Again::Once => "once",
    };
    let policy = match failure.cap {
        Cap::No => "no",
        Cap::Yes => "yes",
        Cap::Probable => "probably",
    };
    let codes: Vec<String> = failure.codes.iter().map(u32::to_string).collect();
    let at = (failure.at != now).then(|| failure.at.to_string());
    let status = failure.status.map(|status| status.to_string());
    let _ = writeln!(out, "\nProof");
    let proof = [
        ("class", Some(failure.class.name())),
        ("policy", Some(policy)),
        ("again", Some(again)),
        ("codes", (!codes.is_empty()).then(|| codes.join(" ")).as_deref()),
        ("HTTP", status.as_deref()),
        ("error", failure.error.as_deref()),
        ("suberror", failure.suberror.as_deref()),
        ("control", failure.control.as_deref()),
        ("correlation", failure.correlation_id.as_deref()),
        ("trace", failure.trace_id.as_deref()),
        ("when", at.as_deref()),
        // What is not understood is shown as it came.
        ("raw", (failure.class == Class::Unknown && !failure.raw.is_empty()).then_some(failure.raw.as_str())),
    ]
    .map(|(name, value)| value.map(|value| format!("  {name:<12}{value}\n")));
    out.extend(proof.into_iter().flatten());
}

#[cfg(test)]
mod tests;
