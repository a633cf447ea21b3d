//! What has to be asked: hosts, the clock, our own sign-in.

use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::Result;
use futures_util::future::join_all;
use jiff::SignedDuration;

use super::data::Kept;
use super::{Check, Grade, US};
use crate::cli::place::Place;
use crate::cloud::{Cloud, Reached, Tell, Vault};
use crate::config::{Import, Partner};
use crate::failure::{Class, Context, Failure};
use crate::model::Failing;

/// What is asked of a partner.
const ASKED: [&str; 6] = ["dns", "tls", "clock", "sign_in", "partner_center", "gdap"];
/// Sign-ins and tokens fail where clocks differ by more.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);
/// Whoever is asked gives the first byte of an answer within this.
const PATIENCE: Duration = Duration::from_secs(20);
/// So many partners are asked at once.
const AT_ONCE: usize = 16;

/// The checks that are left out, and why.
pub(super) fn left_out(partner: &Partner, why: &str) -> Vec<Check> {
    ASKED.map(|name| Check::skipped(name, why).of(partner)).into()
}

/// Asks for each partner; with its checks, whether its sign-in was refused.
pub(super) fn checks(
    place: &Place,
    kept: &Kept,
    vault: &Vault,
    partners: &[&Partner],
) -> Result<Vec<(Vec<Check>, bool)>> {
    let usual = &place.loaded.config.import;
    // Somebody waits: what a run would try for many minutes is told at once.
    let import = Import {
        retries_per_request: usual.retries_per_request.min(1),
        longest_wait: usual.longest_wait.min(PATIENCE),
        connect_timeout: usual.connect_timeout.min(PATIENCE),
        first_byte_timeout: usual.first_byte_timeout.min(PATIENCE),
        next_byte_timeout: usual.next_byte_timeout.min(PATIENCE),
        ..usual.clone()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut all = Vec::new();
    for some in partners.chunks(AT_ONCE) {
        let asked = some.iter().map(|partner| of_partner(place, (kept, vault), partner, &import));
        all.extend(runtime.block_on(join_all(asked)));
    }
    Ok(all)
}

async fn of_partner(
    place: &Place,
    (kept, vault): (&Kept, &Vault),
    partner: &Partner,
    import: &Import,
) -> (Vec<Check>, bool) {
    let cloud = match Cloud::open(partner, import, vault, place.clock.clone()) {
        Ok(cloud) => cloud,
        Err(error) => {
            let mut checks = left_out(partner, "the connection cannot be set up: see sign_in");
            let next = "put that right in the configuration or the file";
            let wrong = Check::failed("sign_in", error.why, US, next).of(partner);
            checks.iter_mut().filter(|check| check.name == "sign_in").for_each(|check| *check = wrong.clone());
            return (checks, true);
        }
    };
    let reached = cloud.reach().await;
    let mut checks: Vec<Check> = reached.iter().flat_map(|reached| [dns(reached), tls(reached)]).collect();
    checks.push(clock(&reached));
    let left_out = match kept {
        Kept::Open(_) => None,
        Kept::None => Some("there is no store yet, so no sign-in is kept".to_owned()),
        Kept::Unusable(why) => Some(format!("{why}, and the sign-ins in it")),
    };
    if let Some(why) = left_out {
        checks.extend(["sign_in", "partner_center", "gdap"].map(|name| Check::skipped(name, why.clone())));
        return (checks.into_iter().map(|check| check.of(partner)).collect(), false);
    }
    let tell: Tell = Arc::new(|_| {});
    let known = kept.fleet().and_then(|fleet| fleet.partners.get(&partner.name));
    let is_refused = match cloud.sign_in(&tell).await {
        Err(failure) => {
            checks.push(refused("sign_in", Grade::Failed, &failure, known.and_then(|known| known.failing.as_ref())));
            checks.extend(["partner_center", "gdap"].map(|name| Check::skipped(name, "the sign-in failed")));
            true
        }
        Ok(session) => {
            checks.push(Check::ok("sign_in", "our own tenant gives tokens; the new refresh token is kept"));
            checks.push(match session.customers(&tell).await {
                Ok(customers) => Check::ok("partner_center", format!("{} customers are listed", customers.len())),
                Err(failure) => {
                    let before = known.and_then(|known| known.failing.as_ref());
                    refused("partner_center", Grade::Failed, &failure, before)
                }
            });
            checks.push(match session.relations(&tell).await {
                Ok(related) => Check::ok("gdap", format!("relationships with {} customers can be read", related.len())),
                // Imports go on without.
                Err(failure) => {
                    let before = known.and_then(|known| known.relations_failing.as_ref());
                    refused("gdap", Grade::Warning, &failure, before)
                }
            });
            false
        }
    };
    // What a remedy tells for any partner is told for this one.
    let named = |next: String| next.replace("--partner NAME", &format!("--partner {}", partner.name));
    let of = |check: Check| Check { next: check.next.map(named), ..check }.of(partner);
    (checks.into_iter().map(of).collect(), is_refused)
}

/// A refusal, with the time of the first of its kind if the store knows it.
fn refused(name: &'static str, state: Grade, failure: &Failure, before: Option<&Failing>) -> Check {
    let remedy = failure.remedy(Context::default());
    let raw = if failure.codes.is_empty() { format!(" {}", failure.raw) } else { String::new() };
    let what = format!("{} [{}]{raw}", remedy.summary, failure.cause());
    let who = if failure.class == Class::Network { US } else { remedy.who.as_str() };
    let since = before.filter(|before| before.failure.class == failure.class).map(|before| before.since);
    Check::wrong(name, state, what, who, remedy.steps.join("\n")).since(since)
}

fn dns(reached: &Reached) -> Check {
    let host = &reached.host;
    match &reached.resolved {
        Ok(None) => Check::ok("dns", format!("{host} is an address")),
        Ok(Some(addresses)) => Check::ok("dns", format!("{host} has addresses: {addresses}")),
        Err(why) => Check::failed(
            "dns",
            format!("{host} has no address: {why}"),
            US,
            "does this machine reach its name server (/etc/resolv.conf), and is the name right?",
        ),
    }
}

fn tls(reached: &Reached) -> Check {
    let host = &reached.host;
    match &reached.spoke {
        None => Check::skipped("tls", format!("{host} has no address")),
        Some(Ok(spoke)) => {
            let ms = spoke.took.as_millis();
            let way = if reached.is_tls { "over TLS" } else { "without TLS, on this machine" };
            Check::ok("tls", format!("{host} answers {way} in {ms} ms"))
        }
        Some(Err(why)) => {
            let lower = why.to_lowercase();
            let next = if lower.contains("certificate") {
                "something on the way shows a certificate that this machine does not trust: a proxy that opens TLS? \
                 Is the clock right, are the system's certificates (ca-certificates) there?"
            } else {
                "let this machine connect to that host and port; tenantop goes there straight, without a proxy"
            };
            Check::failed("tls", format!("{host} cannot be reached: {why}"), US, next)
        }
    }
}

/// This machine's clock against that of the host that tokens come from.
fn clock(reached: &[Reached]) -> Check {
    const NAME: &str = "clock";
    let spoke = reached.iter().find(|reached| reached.signs_in).and_then(|reached| reached.spoke.as_ref());
    let ahead = match spoke {
        Some(Ok(spoke)) => spoke.ahead,
        Some(Err(_)) | None => return Check::skipped(NAME, "the host that tokens come from cannot be reached"),
    };
    let Some(ahead) = ahead else {
        return Check::skipped(NAME, "the host that tokens come from does not tell the time");
    };
    let side = if ahead.is_negative() { "behind" } else { "ahead of" };
    let what = format!("this machine's clock is {} s {side} the host's that tokens come from", ahead.as_secs().abs());
    if ahead.abs() <= CLOCKS_DIFFER {
        return Check::ok(NAME, what);
    }
    let what = format!("{what}; from 300 s on sign-ins are refused");
    Check::failed(NAME, what, US, "set it by a time server: timedatectl set-ntp true, then timedatectl timesync-status")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::cloud::Spoke;

    fn reached(ahead: i64) -> [Reached; 1] {
        let spoke = Spoke { took: Duration::from_millis(5), ahead: Some(SignedDuration::from_secs(ahead)) };
        [Reached {
            host: "login.example".into(),
            signs_in: true,
            is_tls: true,
            resolved: Ok(Some(2)),
            spoke: Some(Ok(spoke)),
        }]
    }

    #[test]
    fn clocks_may_differ_by_five_minutes() {
        for (ahead, want, words) in [
            (0, Grade::Ok, "0 s ahead of"),
            (300, Grade::Ok, "300 s ahead of"),
            (-300, Grade::Ok, "300 s behind"),
            (301, Grade::Failed, "301 s ahead of"),
            (-301, Grade::Failed, "301 s behind"),
        ] {
            let check = clock(&reached(ahead));
            assert_eq!(check.state, want, "{ahead}: {check:?}");
            assert!(check.what.contains(words), "{check:?}");
        }
        assert_eq!(clock(&[]).state, Grade::Skipped);
    }

    #[test]
    fn a_certificate_that_is_not_trusted_is_told_apart_from_a_closed_way() {
        let [mut one] = reached(0);
        assert_eq!((dns(&one).state, tls(&one).state), (Grade::Ok, Grade::Ok));
        one.spoke = Some(Err("invalid peer certificate: UnknownIssuer".into()));
        assert!(tls(&one).next.unwrap().contains("does not trust"));
        one.spoke = Some(Err("tcp connect error: Connection refused".into()));
        assert!(tls(&one).next.unwrap().contains("let this machine connect"));
        (one.resolved, one.spoke) = (Err("no such name".into()), None);
        assert_eq!((dns(&one).state, tls(&one).state), (Grade::Failed, Grade::Skipped));
    }

    #[test]
    fn a_refusal_is_as_old_as_the_first_of_its_kind() {
        let now = Timestamp::UNIX_EPOCH;
        let failure =
            |class| Failure::local(class, crate::failure::Service::Entra, crate::failure::Hop::Partner, "why", now);
        let before = Failing { failure: failure(Class::Network), since: now, tries: 3 };
        let since = |class| refused("sign_in", Grade::Failed, &failure(class), Some(&before)).since;
        assert_eq!((since(Class::Network), since(Class::ClientCredential)), (Some(now), None));
    }
}
