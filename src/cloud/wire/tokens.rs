//! Answers of the sign-in service: tokens, what they say of the account, device codes.

use base64::Engine as _;
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Borrowed, text};
use crate::cloud::token::{AccessToken, Tokens};
use crate::config::check_endpoint;
use crate::model::Text;

/// No token of Entra comes near this.
const TOKEN_LIMIT: usize = 64 << 10;
/// The most ways of signing in that a token may name.
const METHODS: usize = 32;

#[derive(Deserialize)]
struct WireTokens<'a> {
    #[serde(borrow)]
    access_token: Borrowed<'a>,
    #[serde(borrow, default)]
    refresh_token: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    id_token: Option<Borrowed<'a>>,
    expires_in: WireSeconds,
}

/// The older endpoint gives numbers as texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum WireSeconds {
    Number(i64),
    Text(String),
}

impl WireSeconds {
    fn read(self) -> Result<i64, String> {
        match self {
            WireSeconds::Number(seconds) => Ok(seconds),
            WireSeconds::Text(text) => text.parse().map_err(|_| "expires_in of the token answer is no number".into()),
        }
    }
}

/// Tokens and what they say of who signed in.
pub(in crate::cloud) struct SignedIn {
    pub(in crate::cloud) tokens: Tokens,
    /// What the id token says, if one came.
    pub(in crate::cloud) id: Option<Claims>,
    /// What the access token says, if it can be read: a hint, since it is meant for another.
    pub(in crate::cloud) access: Option<Claims>,
}

/// Tokens. What is wrong is said without what came.
pub(in crate::cloud) fn tokens(body: &[u8], now: Timestamp) -> Result<Tokens, String> {
    keep(wire(body)?, now)
}

/// Tokens, and what they say of who signed in.
pub(in crate::cloud) fn signed_in(body: &[u8], now: Timestamp) -> Result<SignedIn, String> {
    let wire = wire(body)?;
    let id = wire.id_token.as_ref().and_then(|token| Claims::of(&token.0));
    let access = Claims::of(&wire.access_token.0);
    Ok(SignedIn { tokens: keep(wire, now)?, id, access })
}

fn wire(body: &[u8]) -> Result<WireTokens<'_>, String> {
    serde_json::from_str(text(body)?)
        .map_err(|error| format!("the token answer is broken in column {}", error.column()))
}

fn keep(wire: WireTokens<'_>, now: Timestamp) -> Result<Tokens, String> {
    let life = wire.expires_in.read()?;
    if !is_usable(&wire.access_token.0) {
        return Err("the access token cannot be used".to_owned());
    }
    let refresh =
        wire.refresh_token.filter(|token| is_usable(&token.0)).map(|token| SecretString::from(token.0.as_ref()));
    Ok(Tokens { access: AccessToken::new(SecretString::from(wire.access_token.0.as_ref()), life, now), refresh })
}

fn is_usable(token: &str) -> bool {
    !token.is_empty() && token.len() <= TOKEN_LIMIT && token.bytes().all(|b| b.is_ascii_graphic())
}

/// Whether a body is a token answer. Says what is wrong and never what is in it.
pub fn decode_token(body: &[u8]) -> Result<(), String> {
    signed_in(body, Timestamp::UNIX_EPOCH).map(|_| ())
}

/// What a token says of who signed in, where and how. Its signature is not checked: it came over TLS straight from the
/// token endpoint, and it opens nothing here.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cloud) struct Claims {
    /// For which app or service.
    pub(in crate::cloud) audience: Option<Text>,
    /// In which tenant.
    pub(in crate::cloud) tenant: Option<Uuid>,
    /// Names of the account, as many as there are.
    pub(in crate::cloud) names: Vec<Text>,
    /// By which methods; absent where the token does not tell.
    pub(in crate::cloud) methods: Option<Vec<Text>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct WireClaims<'a> {
    #[serde(borrow)]
    aud: Option<Borrowed<'a>>,
    #[serde(borrow)]
    tid: Option<Borrowed<'a>>,
    #[serde(borrow)]
    upn: Option<Borrowed<'a>>,
    #[serde(borrow)]
    preferred_username: Option<Borrowed<'a>>,
    #[serde(borrow)]
    unique_name: Option<Borrowed<'a>>,
    #[serde(borrow)]
    amr: Option<Vec<Borrowed<'a>>>,
}

impl Claims {
    /// Those of a token that is a JWT.
    fn of(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let (Some(_), Some(payload), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return None;
        };
        if token.len() > TOKEN_LIMIT {
            return None;
        }
        let payload = payload.trim_end_matches('=');
        let json = Zeroizing::new(base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?);
        let wire: WireClaims<'_> = serde_json::from_slice(&json).ok()?;
        let names = [wire.preferred_username, wire.upn, wire.unique_name];
        let methods = wire.amr.map(|methods| methods.iter().take(METHODS).map(Borrowed::text).collect());
        Some(Self {
            audience: wire.aud.map(|aud| aud.text()),
            tenant: wire.tid.and_then(|tid| tid.0.parse().ok()),
            names: names.into_iter().flatten().map(|name| name.text()).collect(),
            methods,
        })
    }
}

#[derive(Deserialize)]
struct WireDevice<'a> {
    #[serde(borrow)]
    device_code: Borrowed<'a>,
    #[serde(borrow)]
    user_code: Borrowed<'a>,
    #[serde(borrow, alias = "verification_url")]
    verification_uri: Borrowed<'a>,
    expires_in: WireSeconds,
    #[serde(default)]
    interval: Option<WireSeconds>,
}

/// A device code, and what a person is to be told.
pub(in crate::cloud) struct DeviceCode {
    pub(in crate::cloud) code: SecretString,
    /// What is typed into the browser.
    pub(in crate::cloud) typed: Text,
    /// Where.
    pub(in crate::cloud) place: Url,
    /// For how many seconds.
    pub(in crate::cloud) life_s: u64,
    /// Seconds between two questions.
    pub(in crate::cloud) interval_s: u64,
}

/// A device code. What is wrong is said without what came.
pub(in crate::cloud) fn device_code(body: &[u8]) -> Result<DeviceCode, String> {
    /// Nobody types a longer one.
    const TYPED: usize = 40;
    let wire: WireDevice<'_> = serde_json::from_str(text(body)?)
        .map_err(|error| format!("the device code answer is broken in column {}", error.column()))?;
    if !is_usable(&wire.device_code.0) {
        return Err("the device code cannot be used".to_owned());
    }
    let typed = wire.user_code.text();
    if typed.is_empty() || typed.len() > TYPED || !typed.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("the code to be typed is none that anybody could type".to_owned());
    }
    let place = Url::parse(&wire.verification_uri.0).map_err(|_| "the place to type it is no address".to_owned())?;
    let mut bare = place.clone();
    bare.set_query(None);
    check_endpoint(&bare).map_err(|why| format!("the place to type it cannot be shown: {why}"))?;
    let seconds = |seconds: WireSeconds| seconds.read().map(|seconds| u64::try_from(seconds).unwrap_or(0));
    Ok(DeviceCode {
        code: SecretString::from(wire.device_code.0.as_ref()),
        typed,
        place,
        life_s: seconds(wire.expires_in)?.min(3600),
        // RFC 8628: 5 where nothing is said.
        interval_s: wire.interval.map(seconds).transpose()?.unwrap_or(5).clamp(1, 60),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        let encode = |text: &str| base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode(r#"{"alg":"RS256"}"#), encode(payload))
    }

    #[test]
    fn claims_are_read_from_what_is_a_jwt_and_from_nothing_else() {
        let tenant = "8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44";
        let claims = Claims::of(&jwt(&format!(
            r#"{{"aud":"app","tid":"{tenant}","upn":"a@b.example","preferred_username":"A@b.example\u202e","amr":["pwd","mfa"],"x":{{"y":[1]}}}}"#
        )));
        let claims = claims.unwrap();
        assert_eq!(claims.tenant, tenant.parse().ok());
        assert_eq!(claims.names, ["A@b.example?", "a@b.example"], "cleaned");
        assert_eq!(claims.methods.unwrap(), ["pwd", "mfa"]);
        let bare = Claims::of(&jwt("{}")).unwrap();
        assert_eq!(bare, Claims { audience: None, tenant: None, names: Vec::new(), methods: None });
        let odd = [
            jwt("[1]"),
            jwt("no json"),
            jwt(r#"{"amr":"mfa"}"#),
            jwt(&"[".repeat(40_000)),
            jwt(&format!(r#"{{"x":"{}"}}"#, "x".repeat(80_000))),
            "0.opaque".to_owned(),
            "a.%%%.b".to_owned(),
            format!("{}.more", jwt("{}")),
        ];
        for token in odd {
            assert_eq!(Claims::of(&token), None, "{token:.40}");
        }
    }

    #[test]
    fn a_device_code_is_bounded_and_leads_nowhere_odd() {
        let answer = |place: &str, typed: &str, more: &str| {
            let body = format!(
                r#"{{"device_code":"0.device","user_code":"{typed}","verification_uri":"{place}","expires_in":"900"{more}}}"#
            );
            device_code(body.as_bytes())
        };
        let place = "https://microsoft.com/devicelogin";
        let good = answer(place, "ABCD-1234", r#","interval":7"#).ok().unwrap();
        assert_eq!((good.typed.as_str(), good.place.as_str(), good.life_s), ("ABCD-1234", place, 900));
        assert_eq!(good.interval_s, 7);
        let interval = |more| answer(place, "A", more).ok().unwrap().interval_s;
        assert_eq!((interval(""), interval(r#","interval":0"#), interval(r#","interval":99999"#)), (5, 1, 60));
        for (place, typed) in [
            ("javascript:alert(1)", "A"),
            ("http://evil.example/", "A"),
            ("https://a:b@c.example/", "A"),
            (place, ""),
            (place, "two words"),
            (place, "\\u001b[2J"),
            (place, &"A".repeat(41)),
        ] {
            assert!(answer(place, typed, "").is_err(), "{place} {typed}");
        }
    }
}
