//! What signs in: the app's secret or certificate, the key of the vault, the refresh token in it.

use jiff::{SignedDuration, Timestamp};

use super::data::Kept;
use super::{Check, US};
use crate::cli::place::Place;
use crate::cloud::{StoredToken, Vault, credentials, key_source, stored_token};
use crate::config::Partner;
use crate::model::AppKey;

/// How long Entra takes a refresh token that nobody uses.
const LIFE_DAYS: i64 = 90;
/// A newest token that has not worked within this is odd: a run uses it at once.
const UNUSED: SignedDuration = SignedDuration::from_hours(24);

/// Where the key comes from, and whether it is one.
pub(super) fn key(vault: &Vault) -> Check {
    const NAME: &str = "key";
    match key_source(vault) {
        Ok(said) => Check::ok(NAME, said),
        Err(why) => Check::failed(
            NAME,
            why,
            US,
            "put the key there again (config/default.toml, [credentials]); without it every partner signs in anew: tenantop \
             login",
        ),
    }
}

/// The credentials of a partner.
pub(super) fn of_partner(place: &Place, kept: &Kept, vault: &Vault, partner: &Partner) -> [Check; 2] {
    let known = credentials(partner, vault);
    let app_key = match (known.trouble, known.app_key) {
        (Some(why), _) => Check::failed(
            "app_key",
            why.as_str(),
            US,
            "put that file right; what runs meanwhile signs in with the one in its memory, and takes the new one by itself",
        ),
        (None, AppKey::Secret) => Check::ok("app_key", "the client secret can be read"),
        (None, AppKey::Certificate) => Check::ok("app_key", "certificate and key can be read and belong together"),
    };
    [app_key.of(partner), token(kept, vault, partner, place.clock.now()).of(partner)]
}

fn token(kept: &Kept, vault: &Vault, partner: &Partner, now: Timestamp) -> Check {
    const NAME: &str = "refresh_token";
    let next = format!("tenantop login --partner {}", partner.name);
    match kept {
        Kept::None => return Check::warning(NAME, "there is no store yet, so no sign-in is kept", US, next),
        Kept::Unusable(why) => return Check::skipped(NAME, why.clone()),
        Kept::Open(_) => {}
    }
    match stored_token(partner, vault) {
        Err(why) => Check::failed(NAME, why, US, next),
        Ok(None) => Check::failed(NAME, "nobody has signed in for this partner", US, next),
        Ok(Some(token)) => stored(&token, now),
    }
}

/// What a token says of itself; its end is told with what ends.
fn stored(token: &StoredToken, now: Timestamp) -> Check {
    const NAME: &str = "refresh_token";
    let age = |at: Option<Timestamp>| match at {
        Some(at) => format!("of {at:.0}, {} days old", now.duration_since(at).as_hours().max(0) / 24),
        None => "of unknown age, kept by an older tenantop".to_owned(),
    };
    let (issued, signed_in) = (age(token.issued_at), age(token.signed_in_at));
    let mut what = format!("{issued} (unused it lives {LIFE_DAYS}); the sign-in with MFA behind it is {signed_in}");
    if token.needs_older_key {
        what.push_str(
            "; sealed with the key before, and anew at the next sign-in: previous_key_file is needed until then",
        );
    }
    if !token.has_previous {
        return Check::ok(NAME, what);
    }
    what.push_str("; it has not worked yet, so the one before it is kept");
    match token.issued_at {
        Some(at) if now.duration_since(at) > UNUSED => {
            let next = "tenantop sync uses it; if that is refused, tenantop login";
            Check::warning(NAME, what, US, next).since(Some(at))
        }
        Some(_) | None => Check::ok(NAME, what),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Grade;
    use super::*;

    #[test]
    fn a_token_tells_its_age_its_mfa_and_what_is_not_worked_off() {
        let now: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let ago = |hours| now.checked_sub(SignedDuration::from_hours(hours)).ok();
        let token = |issued, has_previous| StoredToken {
            signed_in_at: ago(24 * 40),
            issued_at: issued,
            has_previous,
            needs_older_key: false,
        };
        let check = stored(&token(ago(50), false), now);
        assert_eq!(check.state, Grade::Ok);
        assert_eq!(
            check.what,
            "of 2026-11-25T10:00:00Z, 2 days old (unused it lives 90); the sign-in with MFA behind it is of \
             2026-10-18T12:00:00Z, 40 days old"
        );
        let check = stored(&token(ago(23), true), now);
        assert!(check.state == Grade::Ok && check.what.contains("the one before it is kept"), "{check:?}");
        let check = stored(&token(ago(25), true), now);
        assert!(check.state == Grade::Warning && check.since == ago(25) && check.next.is_some(), "{check:?}");
        let old = StoredToken { signed_in_at: None, needs_older_key: true, ..token(None, true) };
        let check = stored(&old, now);
        assert!(check.what.contains("of unknown age") && check.what.contains("previous_key_file"), "{check:?}");
        assert_eq!(check.state, Grade::Ok);
    }
}
