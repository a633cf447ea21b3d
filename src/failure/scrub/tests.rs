use proptest::prelude::*;

use super::*;

const TOKEN: &str = "0.AX8AqR3kZ9xPvLwT7yNbUcMdEoFgHiJkLmNoPqRsTuVwXyZ0123456789abcdef";
const JWT: &str = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";
/// The alphabet of the tokens of personal accounts, and base64 with its slashes.
const STARRED: &str = "M.C5_BAY.0.U.-CgX9!x7Rk*Lq2$vT8wYzB3nM*hJ5kP";
const SLASHED: &str = "abcDEF123ghiJKL456mnoPQR789stu/vwXYZ012abcDEF345ghiJKL678mnop+/QRS901tuvWXY";

/// Places where a secret can stand under its name.
fn named(secret: &str) -> Vec<String> {
    let mut places = vec![
        format!("Authorization: Bearer {secret}"),
        format!(r#"{{"headers":{{"Authorization":"Bearer {secret}"}}}}"#),
        format!("https://localhost/?code={secret}&state=1"),
        format!("client_secret%3D{secret}"),
        format!("Set-Cookie: session={secret}; path=/"),
    ];
    for name in ["refresh_token", "refreshToken", "client_secret", "client_assertion", "AccessToken", "password"] {
        places.push(format!("{name}={secret}&x=1"));
        places.push(format!("grant_type=refresh_token&{name}={secret}"));
        places.push(format!(r#"{{"{name}":"{secret}","expires_in":3599}}"#));
        places.push(format!(r#"{{"{name}" : "{secret}"}}"#));
        places.push(format!(r#"{{\"{name}\":\"{secret}\"}}"#));
        places.push(format!("{{'{name}': '{secret}'}}"));
        places.push(format!("{name} => {secret}"));
        places.push(format!("%22{name}%22%3A%22{secret}%22"));
    }
    places
}

#[test]
fn a_secret_under_its_name_never_comes_through() {
    for secret in
        [TOKEN, JWT, STARRED, "p4ss.W0rd~Q8", "Q~8hidden", "ab%2Bcdefgh%7Eijkl", "p!ssw*rd$tail", "0-~**~$-~0aA"]
    {
        for place in named(secret) {
            let said = scrub(place.as_bytes());
            for piece in [secret, &secret[3..], &secret[secret.len() - 5..]] {
                assert!(!said.contains(piece), "{place} became {said}");
            }
        }
    }
    assert!(!scrub(b"client_secret=OpenSesame&x").contains("Sesame"), "a secret may look like a word");
    assert_eq!(scrub(b"a client_secret=x&scope=y"), "a client_secret=[left out]&scope=y");
}

#[test]
fn a_token_without_a_name_never_comes_through() {
    for token in [TOKEN, JWT, STARRED, SLASHED] {
        let said = scrub(format!("something {token} else").as_bytes());
        assert_eq!(said, "something [left out] else");
        let wrapped: Vec<String> = token.as_bytes().chunks(30).map(|c| String::from_utf8_lossy(c).into()).collect();
        let said = scrub(format!("refresh_token={}\nTrace ID: x", wrapped.join("\r\n")).as_bytes());
        assert_eq!(said, "refresh_token=[left out] Trace ID: x", "wrapped by a console");
    }
}

#[test]
fn nobody_is_named() {
    for (raw, want) in [
        ("user anna@contoso.example\u{202e}\u{1b}[0m", "user [mail]??[0m"),
        ("anna.m_fabrikam.com#EXT#@contoso.onmicrosoft.com!", "[mail]!"),
        ("login_hint=anna%40contoso.com&x", "login_hint=[user]&x"),
        ("*@0*anna@contoso.com ", "[mail][mail] "),
        ("x/anna@contoso.com", "x/[mail]"),
        ("hint=anna@contoso.com&y", "hint=[mail]&y"),
        ("hint%3Danna%40contoso.com&y", "hint%3D[mail]&y"),
        ("live.com#anna@contoso.com.", "[mail]"),
        ("anna%40contoso.com came", "[mail] came"),
        ("anna\\u0040contoso.com came", "[mail] came"),
        ("User account 'Anna Mueller' from provider", "User account '[user]' from provider"),
        ("the user 'CONTOSO\\anna' is", "the user '[user]' is"),
        (r#"{"userPrincipalName":"anna"}"#, r#"{"userPrincipalName":"[user]"}"#),
    ] {
        assert_eq!(scrub(raw.as_bytes()), want);
    }
}

#[test]
fn what_tells_something_stays() {
    for raw in [
        r#"{"error":"invalid_grant","error_description":"AADSTS53003: blocked\r\nTrace ID: 31eaf6eb-f2d8-4324-8d9f-0ddf70734101","error_codes":[53003]}"#,
        r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#,
        r#"{"error":{"code":"Authentication_RequestFromNonPremiumTenantOrB2CTenant"}}"#,
        r#"{"error":{"code":"accessDenied"}}"#,
        r#"{"code":2032,"description":"x"}"#,
        r#""claims":"{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90\"]}}}""#,
        "error?code=53003",
        "must contain the following parameter: 'client_assertion' or 'client_secret'.",
        "https://login.microsoftonline.com/8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44/oauth2/v2.0/token",
        "https://docs.example/azure/active-directory/develop/active-directory-certificate-credentials",
        "AADSTS50173: issued on '2021-10-29T17:06:26.4084709Z', AADSTS50055: The password is expired.",
        r#""@odata.type":"x""#,
        "Bearer realm=\"\", error=\"insufficient_claims\"",
    ] {
        assert_eq!(scrub(raw.as_bytes()), raw);
    }
}

#[test]
fn a_token_at_the_edge_of_the_window_leaves_no_piece() {
    for shown in 1..TOKEN.len() {
        let long = "aB3".repeat((LOOK_LIMIT - shown - 1) / 3);
        let raw = format!("{long}{} {TOKEN}", "x".repeat(LOOK_LIMIT - shown - 1 - long.len()));
        assert_eq!(scrub(raw.as_bytes()).trim_end(), SECRET, "{shown} characters of it are in the window");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_bounded_and_clean(raw in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let said = scrub(&raw);
        prop_assert!(said.len() <= RAW_LIMIT);
        prop_assert!(!said.chars().any(is_harmful));
    }

    #[test]
    fn any_text_is_bounded_and_clean(raw in "\\PC{0,3000}") {
        let said = scrub(raw.as_bytes());
        prop_assert!(said.len() <= RAW_LIMIT && !said.chars().any(is_harmful));
    }

    #[test]
    fn a_planted_address_is_left_out(before in "[ -~]{0,40}", after in "[^a-zA-Z0-9.-][ -~]{0,40}") {
        let said = scrub(format!("{before}anna@contoso.example{after}").as_bytes());
        prop_assert!(!said.contains("anna@") && !said.contains("@contoso"), "{said}");
    }

    #[test]
    fn a_planted_token_is_left_out(before in "[ -~]{0,60}", after in "[ -~]{0,60}", token in "[A-Za-z0-9_-]{80}") {
        for token in [TOKEN, JWT, token.as_str()] {
            let said = scrub(format!("{before} {token} {after}").as_bytes());
            prop_assert!(!said.contains(token), "{said}");
        }
    }

    #[test]
    fn a_named_secret_is_left_out(place in 0usize..53, secret in "[A-Za-z0-9~._*!$-]{12,60}") {
        let place = named(&secret).swap_remove(place);
        prop_assert!(!scrub(place.as_bytes()).contains(&secret[4..]), "{place}");
    }
}
