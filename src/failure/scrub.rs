use super::is_harmful;

/// The most of a raw answer that is kept, in bytes.
pub(super) const RAW_LIMIT: usize = 2048;

/// The most of a raw answer that is looked at: what is left out makes room for what follows.
const LOOK_LIMIT: usize = 16 << 10;

const SECRET: &str = "[left out]";
const MAIL: &str = "[mail]";
const USER: &str = "[user]";

/// Names whose values never leave this process, in lower case and without `_` and `-`: `refresh_token`,
/// `refreshToken` and `Refresh-Token` are one name.
const SECRET_NAMES: [&str; 27] = [
    "refreshtoken",
    "accesstoken",
    "idtoken",
    "token",
    "clientsecret",
    "secret",
    "secrettext",
    "clientassertion",
    "assertion",
    "samlresponse",
    "devicecode",
    "usercode",
    "authcode",
    "authorizationcode",
    "code",
    "codeverifier",
    "clientinfo",
    "password",
    "passwd",
    "pwd",
    "authorization",
    "proxyauthorization",
    "apikey",
    "privatekey",
    "cookie",
    "setcookie",
    "xmsrefreshtokencredential",
];

/// Names whose values say who somebody is.
const USER_NAMES: [&str; 12] = [
    "user",
    "username",
    "upn",
    "loginhint",
    "preferredusername",
    "uniquename",
    "userprincipalname",
    "userdisplayname",
    "email",
    "mail",
    "givenname",
    "familyname",
];

/// The start of a raw answer that may be kept and shown: one line, no control characters, no secrets, no mail
/// addresses or user names. Whatever looks like a token is left out, even if it is none.
pub(super) fn scrub(raw: &[u8]) -> String {
    let mut text: Vec<char> = String::from_utf8_lossy(&raw[..raw.len().min(LOOK_LIMIT)]).chars().collect();
    if raw.len() > LOOK_LIMIT {
        // The window may have cut a token into a piece that no longer looks like one.
        let end = text.iter().rposition(|c| !is_token(*c)).unwrap_or(0);
        text.truncate(end);
    }
    let mut out = String::with_capacity(text.len().min(RAW_LIMIT + SECRET.len()));
    let mut at = 0;
    // Up to here a run of token characters was judged harmless.
    let mut judged = 0;
    // Whether something was left out just before.
    let mut fresh = true;
    while at < text.len() && out.len() <= RAW_LIMIT {
        let (end, said) = step(&text, at, judged, fresh);
        fresh = matches!(said, Said::Mark(..));
        match said {
            Said::Mark(kept, mark) => {
                text[at..kept].iter().for_each(|c| out.push(shown(*c)));
                out.push_str(mark);
            }
            Said::Plain(until) => {
                text[at..end].iter().for_each(|c| out.push(shown(*c)));
                judged = judged.max(until);
            }
        }
        at = end;
    }
    let end = (0..=RAW_LIMIT.min(out.len())).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
    out.truncate(end);
    out
}

/// What a step came to.
enum Said {
    /// Copied up to the first place, then a mark instead of the rest.
    Mark(usize, &'static str),
    /// Copied; token characters up to this place are harmless.
    Plain(usize),
}

/// Decides over the text at a place, and where the next step begins (always further on).
fn step(text: &[char], at: usize, judged: usize, fresh: bool) -> (usize, Said) {
    let encoded = at >= 3 && percent(text, at - 3).is_some_and(|(_, width)| width == 3);
    let begins = fresh || encoded || !is_name(text[at - 1]);
    // A character that is percent-encoded is stepped over as one: its digits begin no name.
    let width = percent(text, at).map_or(1, |(_, width)| width);
    if begins && is_name(text[at]) {
        let end = run(text, at, is_name);
        if let Some((from, to, mark)) = named_value(text, at, end) {
            return (to, Said::Mark(from, mark));
        }
    }
    if (fresh || encoded || !is_local(text[at - 1]))
        && let Some(end) = mail(text, at)
    {
        return (end, Said::Mark(at, MAIL));
    }
    if at >= judged && is_token(text[at]) {
        let end = run(text, at, is_token);
        if looks_like_token(&text[at..end]) {
            return (wrapped(text, end), Said::Mark(at, SECRET));
        }
        // A name with a secret behind it, or a mail address, may begin inside the run.
        let next = if is_name(text[at]) { run(text, at, is_name) } else { at + width };
        return (next, Said::Plain(end));
    }
    let next = if is_name(text[at]) { run(text, at, is_name) } else { at + width };
    (next, Said::Plain(judged))
}

fn shown(c: char) -> char {
    if c.is_whitespace() {
        ' '
    } else if is_harmful(c) {
        '?'
    } else {
        c
    }
}

/// Where the characters of a kind end that begin at a place.
fn run(text: &[char], at: usize, kind: fn(char) -> bool) -> usize {
    text[at..].iter().position(|c| !kind(*c)).map_or(text.len(), |n| at + n)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '=' | '%' | '*' | '!' | '$')
}

/// The value that belongs to a name that tells: where it begins and ends, and what stands instead of it.
fn named_value(text: &[char], at: usize, end: usize) -> Option<(usize, usize, &'static str)> {
    let name: String =
        text[at..end].iter().filter(|c| !matches!(c, '_' | '-')).map(char::to_ascii_lowercase).take(40).collect();
    let secret = SECRET_NAMES.contains(&name.as_str());
    if !secret && !USER_NAMES.contains(&name.as_str()) {
        let bearer = matches!(name.as_str(), "bearer" | "basic");
        return if bearer { after_bearer(text, end) } else { quoted_user(text, &name, end) };
    }
    let Some((sign, from, quote)) = sign(text, end) else {
        return quoted_user(text, &name, end);
    };
    let to = value_end(text, from, quote, name.contains("cookie"));
    if to <= from || matches!(text[from], '{' | '[') {
        return None;
    }
    if !secret {
        return Some((from, to, USER));
    }
    let value: String = text[from..to].iter().collect();
    if matches!(value.as_str(), "null" | "true" | "false") || name == "code" && is_label(&value, sign) {
        return None;
    }
    let to = if matches!(value.to_ascii_lowercase().as_str(), "bearer" | "basic" | "pop") {
        let next = run(text, to, |c| matches!(c, ' ' | '+'));
        value_end(text, next, quote, false)
    } else {
        to
    };
    Some((from, if quote.is_some() { to } else { wrapped(text, to) }, SECRET))
}

/// Between a name and its value stands `=` or `:`, with quotes, blanks and backslashes around it, all of which may be
/// percent-encoded. Tells the sign, where the value begins, and the quote that it stands in.
fn sign(text: &[char], at: usize) -> Option<(char, usize, Option<char>)> {
    let mut at = at;
    let mut sign = None;
    let mut quote = None;
    loop {
        let (c, width) = percent(text, at)?;
        match c {
            '=' | ':' | '>' if sign.is_none() || (sign == Some('=') && c == '>') => sign = sign.or(Some(c)),
            '"' | '\'' if sign.is_some() && quote.is_some() => break,
            '"' | '\'' => quote = sign.is_some().then_some(c),
            '\\' | ' ' | '\t' => {}
            _ => break,
        }
        at += width;
    }
    match sign {
        Some(sign @ ('=' | ':')) => Some((sign, at, quote)),
        Some(_) | None => None,
    }
}

/// The character at a place, read through percent-encoding, and how many characters it took.
fn percent(text: &[char], at: usize) -> Option<(char, usize)> {
    let c = *text.get(at)?;
    if c == '%'
        && let (Some(high), Some(low)) =
            (text.get(at + 1).and_then(|c| c.to_digit(16)), text.get(at + 2).and_then(|c| c.to_digit(16)))
        && let Some(decoded) = char::from_u32(high * 16 + low)
    {
        return Some((decoded, 3));
    }
    Some((c, 1))
}

/// Where a value ends: at its quote, or, where it stands bare, at what separates fields. An open quote ends nowhere.
fn value_end(text: &[char], from: usize, quote: Option<char>, whole_line: bool) -> usize {
    let mut at = from;
    while let Some((c, width)) = percent(text, at) {
        let ends = match quote {
            Some(quote) => {
                c == quote && (width == 3 || text[at.saturating_sub(1)] != '\\' || opened_escaped(text, from))
            }
            None if whole_line => matches!(c, '\n' | '\r'),
            None => {
                width == 1 && (c.is_whitespace() || matches!(c, '&' | '"' | '\'' | '<' | '>' | ',' | ';' | '}' | ')'))
            }
        };
        if ends {
            return if quote.is_some() && at > from && text[at - 1] == '\\' { at - 1 } else { at };
        }
        at += width;
    }
    text.len()
}

/// Whether the quote before a value is itself escaped: JSON inside a JSON text.
fn opened_escaped(text: &[char], from: usize) -> bool {
    from >= 2 && text[from - 2] == '\\'
}

/// The value of a `code` that tells something and is no secret: an error number, or in JSON the name of an error.
fn is_label(value: &str, sign: char) -> bool {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let word = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'));
    (digits == value.len() && digits <= 8)
        || (word && digits == 0 && value.len() < 64 && (sign == ':' || value.contains('_')))
        || (word && digits <= 2 && value.len() < 64 && sign == ':' && value.contains('_'))
}

/// What stands behind `Bearer`, unless it is a parameter of a challenge.
fn after_bearer(text: &[char], end: usize) -> Option<(usize, usize, &'static str)> {
    let from = run(text, end, |c| c == ' ');
    let to = run(text, from, is_token);
    let value = &text[from..to];
    let parameter = value.last() == Some(&'=') && !value.iter().any(char::is_ascii_digit);
    (from > end && value.len() >= 16 && !parameter && value.iter().any(char::is_ascii_digit))
        .then(|| (from, wrapped(text, to), SECRET))
}

/// `User account 'Anna' from …`: a name in quotes behind a word for a person.
fn quoted_user(text: &[char], name: &str, end: usize) -> Option<(usize, usize, &'static str)> {
    if !matches!(name, "user" | "account" | "login" | "member" | "guest") {
        return None;
    }
    let blank = run(text, end, |c| c == ' ');
    let open = run(text, blank, |c| c == '\\');
    let quote = *text.get(open).filter(|c| matches!(c, '\'' | '"'))?;
    let from = open + 1;
    let to = text[from..].iter().take(256).position(|c| *c == quote)? + from;
    (blank > end && to > from).then_some((from, to, USER))
}

/// The end of a mail address that begins here, if one does.
fn mail(text: &[char], at: usize) -> Option<usize> {
    if !is_local(text[at]) {
        return None;
    }
    let sign = run(text, at, is_local);
    let (c, width) = percent(text, sign)?;
    let escaped: String = text[sign..].iter().take(6).collect();
    let width = if escaped.eq_ignore_ascii_case("\\u0040") { 6 } else { width };
    if c != '@' && width != 6 {
        return None;
    }
    let from = sign + width;
    // A second `@` belongs to it: what stands before the first one is then no address of its own.
    let to = run(text, from, |c| c.is_alphanumeric() || matches!(c, '.' | '-' | '@'));
    (to > from).then_some(to)
}

fn is_local(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '#' | '!' | '$' | '*' | '~')
}

/// Where a secret ends that a console broke over several lines: the lines that follow and look as random as it, or
/// hold nothing but one more piece.
fn wrapped(text: &[char], end: usize) -> usize {
    let mut end = end;
    loop {
        let next = run(text, end, char::is_whitespace);
        let to = run(text, next, is_token);
        let piece = &text[next..to];
        let broken = text[end..next].contains(&'\n') || text[end..next].contains(&'\r');
        let mixed = piece.iter().any(char::is_ascii_digit) && switches(piece) * 100 >= piece.len() * 35;
        let alone = text.get(to).is_none_or(|c| matches!(c, '\n' | '\r' | '"' | '\'' | '&'));
        if !broken || piece.is_empty() || is_guid(piece) || !(alone || mixed || looks_like_token(piece)) {
            return end;
        }
        end = to;
    }
}

/// Whether a run of token characters is as random as a token is: ids, words, paths and numbers are not.
fn looks_like_token(run: &[char]) -> bool {
    let text: String = run.iter().collect();
    if text.split(['/', '=', '%', '+']).any(|part| part.starts_with("eyJ") && part.len() > 12) {
        return true;
    }
    let text = without_guids(run);
    let digits = |part: &str| part.chars().filter(char::is_ascii_digit).count();
    let letters = |part: &str| part.chars().filter(char::is_ascii_alphabetic).count();
    let both =
        |part: &str| part.contains(|c: char| c.is_ascii_lowercase()) && part.contains(|c: char| c.is_ascii_uppercase());
    let random = |part: &str| {
        part.len() >= 64
            || (part.len() >= 32 && digits(part) >= 3 && letters(part) >= 3)
            || (part.len() >= 24 && digits(part) >= 3 && both(part))
    };
    if text.split(['/', '.', '+', '%']).any(random) {
        return true;
    }
    let chars: Vec<char> = text.chars().collect();
    let has = |kind: fn(&char) -> bool| chars.iter().any(kind);
    chars.len() >= 28 && has(char::is_ascii_digit) && both(&text) && switches(&chars) * 100 >= chars.len() * 40
}

/// How often the kind of character changes from one to the next: two of three times in a token, seldom in words.
fn switches(run: &[char]) -> usize {
    let kind = |c: char| (c.is_ascii_lowercase(), c.is_ascii_uppercase(), c.is_ascii_digit());
    run.windows(2).filter(|two| kind(two[0]) != kind(two[1])).count()
}

fn is_guid(run: &[char]) -> bool {
    run.len() == 36
        && run.iter().enumerate().all(
            |(at, c)| {
                if matches!(at, 8 | 13 | 18 | 23) { *c == '-' } else { c.is_ascii_hexdigit() }
            },
        )
}

fn without_guids(run: &[char]) -> String {
    let mut text = String::with_capacity(run.len());
    let mut at = 0;
    while at < run.len() {
        if run.get(at..at + 36).is_some_and(is_guid) {
            text.push('/');
            at += 36;
        } else {
            text.push(run[at]);
            at += 1;
        }
    }
    text
}

#[cfg(test)]
mod tests;
