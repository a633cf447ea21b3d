/// The most of a raw answer that is kept, in bytes.
pub(super) const RAW_LIMIT: usize = 2048;

/// Names whose values never leave this process, in forms and in JSON.
const SECRET_NAMES: [&str; 12] = [
    "refresh_token",
    "access_token",
    "id_token",
    "client_secret",
    "client_assertion",
    "device_code",
    "assertion",
    "password",
    "code_verifier",
    "client_info",
    "authorization",
    "code",
];

/// The start of a raw answer that may be kept and shown: one line, no control characters, no secrets, no mail
/// addresses. Whatever looks like a token is left out, even if it is none.
pub(super) fn scrub(raw: &[u8]) -> String {
    // A secret that begins inside the limit may end outside: look a little further than what is kept.
    let start = &raw[..raw.len().min(RAW_LIMIT * 4)];
    let text: String = String::from_utf8_lossy(start)
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .map(|c| if crate::failure::is_harmful(c) { '?' } else { c })
        .collect();
    let mut out = String::with_capacity(text.len().min(RAW_LIMIT));
    let mut secret_follows = false;
    let mut after_code = false;
    let mut rest = text.as_str();
    while !rest.is_empty() && out.len() <= RAW_LIMIT {
        let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
        if end == 0 {
            let c = rest.chars().next().unwrap_or_default();
            // Between a name and its value stand a colon, an equals sign, quotes, blanks; anything else ends it.
            if !matches!(c, '=' | ':' | '"' | '\'' | ' ' | '\\' | '%') {
                secret_follows = false;
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        let (word, after) = rest.split_at(end);
        rest = after;
        let bare = word.trim_end_matches(['.', '=', ',']);
        if secret_follows && !(after_code && is_label(bare)) {
            out.push_str("[left out]");
            secret_follows = bare.eq_ignore_ascii_case("bearer");
        } else if is_secret_name(word, after) {
            out.push_str(word);
            secret_follows = true;
            after_code = word.rsplit(['.', '/']).next().is_some_and(|name| name.eq_ignore_ascii_case("code"));
            continue;
        } else if bare.contains('@') && bare.len() > 2 {
            out.push_str("[mail]");
        } else if looks_like_token(bare) {
            out.push_str("[left out]");
        } else {
            out.push_str(word);
        }
        secret_follows = secret_follows && bare.eq_ignore_ascii_case("bearer");
    }
    if out.len() > RAW_LIMIT {
        let end = (0..=RAW_LIMIT).rev().find(|at| out.is_char_boundary(*at)).unwrap_or(0);
        out.truncate(end);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '@' | '#')
}

/// A name of a secret is one only where a value follows: `code=`, `"refresh_token": `. Prose about it is not.
fn is_secret_name(word: &str, after: &str) -> bool {
    let name = word.rsplit(['.', '/']).next().unwrap_or(word);
    let named = SECRET_NAMES.iter().any(|secret| name.eq_ignore_ascii_case(secret));
    let after = after.trim_start_matches(['"', '\'', '\\']).trim_start();
    named && (after.starts_with('=') || after.starts_with(':') || after.starts_with("%3D"))
}

/// Words that may stand as the value of `code` and tell something: error codes are no secrets.
fn is_label(word: &str) -> bool {
    word.is_empty()
        || (word.len() < 64 && word.chars().all(|c| c.is_ascii_digit()))
        || (word.len() < 64 && word.chars().all(|c| c.is_ascii_alphabetic() || c == '_') && word.contains('_'))
        || (word.len() < 40 && word.chars().all(|c| c.is_ascii_alphabetic()) && !word.eq_ignore_ascii_case("bearer"))
            && word.chars().skip(1).any(|c| c.is_ascii_uppercase())
            && word.chars().filter(char::is_ascii_uppercase).count() <= 5
}

fn looks_like_token(word: &str) -> bool {
    if word.starts_with("eyJ") && word.len() > 12 {
        return true;
    }
    let guids = word.split(['_', '/']).all(|part| part.is_empty() || uuid::Uuid::try_parse(part).is_ok());
    let path = word.split('/').all(|part| part.len() < 32);
    word.len() >= 32
        && !guids
        && !path
        && word.chars().any(|c| c.is_ascii_digit())
        && word.chars().any(|c| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TOKEN: &str = "0.AX8AqR3kZ9xPvLwT7yNbUcMdEoFgHiJkLmNoPqRsTuVwXyZ0123456789abcdef";
    const JWT: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";

    #[test]
    fn secrets_never_come_through() {
        for secret in [TOKEN, JWT, "p4ss.W0rd~Q8", "Q~8hidden"] {
            for around in [
                format!("refresh_token={secret}&x=1"),
                format!(r#"{{"access_token":"{secret}","expires_in":3599}}"#),
                format!(r#"{{"client_secret" : "{secret}"}}"#),
                format!("Authorization: Bearer {secret}"),
                format!("https://localhost/?code={secret}&state=1"),
                format!(r#"{{\"client_assertion\":\"{secret}\"}}"#),
                format!("client_secret%3D{secret}"),
            ] {
                let said = scrub(around.as_bytes());
                assert!(!said.contains(secret) && !said.contains(&secret[3..]), "{around} became {said}");
            }
        }
        assert!(!scrub(b"client_secret=OpenSesame&x").contains("Sesame"), "a secret may look like a word");
        for bare in [TOKEN, JWT] {
            let said = scrub(format!("something {bare} else").as_bytes());
            assert_eq!(said, "something [left out] else");
        }
    }

    #[test]
    fn what_tells_something_stays() {
        let raw = "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS53003: blocked\\r\\nTrace ID: \
                   31eaf6eb-f2d8-4324-8d9f-0ddf70734101\",\"error_codes\":[53003]}";
        let said = scrub(raw.as_bytes());
        for part in ["invalid_grant", "AADSTS53003", "31eaf6eb-f2d8-4324-8d9f-0ddf70734101", "[53003]"] {
            assert!(said.contains(part), "{said}");
        }
        let graph = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#;
        assert_eq!(scrub(graph.as_bytes()), graph);
        assert_eq!(scrub(br#"{"code":2032,"description":"x"}"#), r#"{"code":2032,"description":"x"}"#);
        assert_eq!(scrub(b"error?code=53003"), "error?code=53003");
        assert_eq!(scrub("user anna@contoso.example\u{202e}\u{1b}[0m".as_bytes()), "user [mail]??[0m");
    }

    proptest! {
        #[test]
        fn any_bytes_are_bounded_and_clean(raw in proptest::collection::vec(any::<u8>(), 0..6000)) {
            let said = scrub(&raw);
            prop_assert!(said.len() <= RAW_LIMIT);
            prop_assert!(!said.chars().any(char::is_control));
        }

        #[test]
        fn a_planted_secret_is_left_out(before in "[ -~]{0,60}", after in "[ -~]{0,60}") {
            let said = scrub(format!("{before} {TOKEN} {after}").as_bytes());
            prop_assert!(!said.contains(TOKEN), "{said}");
        }
    }
}
