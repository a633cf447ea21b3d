use super::{UNKNOWN, Verdict};
use crate::failure::codes::OWN_POLICY;
use crate::failure::evidence::Evidence;
use crate::failure::{Again, Cap, Class, Code, Owner, Service};

const fn ours(class: Class, again: Again) -> Verdict {
    Verdict::of(class, Owner::Partner, again)
}

const fn retry(class: Class, again: Again) -> Verdict {
    Verdict::of(class, Owner::Retry, again)
}

/// What a refusal of Graph means: by the claims that it asks for, by its code, by its text, by its status.
pub(super) fn graph(evidence: &Evidence) -> Verdict {
    let words = &evidence.words;
    let says = |text: &str| words.contains(text);
    let sentence = says("continuous access evaluation") || says("claimschallengerequired");
    if evidence.challenge || sentence || evidence.graph.iter().any(|code| code == "insufficient_claims") {
        return challenge(evidence);
    }
    if let Some(verdict) = evidence.graph.iter().find_map(|code| by_code(code, words)) {
        return verdict;
    }
    if let Some(verdict) = by_words(words) {
        return verdict;
    }
    match evidence.status {
        // A page of a proxy says nothing about the token.
        Some(_) if says("<html") || says("<!doctype") => UNKNOWN,
        Some(401) => retry(Class::GraphTokenRejected, Again::Once),
        Some(403) => ours(Class::GraphForbidden, Again::Fix),
        Some(_) | None => UNKNOWN,
    }
}

fn by_code(code: &str, words: &str) -> Option<Verdict> {
    Some(match code {
        "TooManyRequests" | "FraudThrottled" => retry(Class::Throttled, Again::Yes),
        "InvalidAuthenticationToken" if words.contains("invalid audience") => {
            ours(Class::GraphTokenRejected, Again::No)
        }
        "InvalidAuthenticationToken" | "Authentication_ExpiredToken" | "CompactToken" => {
            retry(Class::GraphTokenRejected, Again::Once)
        }
        "Authorization_IdentityNotFound" | "Authorization_IdentityDisabled" => ours(Class::AppMissing, Again::Fix),
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant" => ours(Class::GraphNotLicensed, Again::No),
        _ if not_licensed(words) => ours(Class::GraphNotLicensed, Again::No),
        "Authorization_RequestDenied"
        | "Authentication_MSGraphPermissionMissing"
        | "Forbidden"
        | "forbidden"
        | "accessDenied"
        | "AccessDenied"
        | "ErrorAccessDenied" => ours(Class::GraphForbidden, Again::Fix),
        "Request_ResourceNotFound" | "Directory_ObjectNotFound" => ours(Class::RelationshipMissing, Again::Fix),
        "Directory_ExpiredPageToken"
        | "syncStateNotFound"
        | "resyncRequired"
        | "serviceNotAvailable"
        | "ServiceNotAvailable"
        | "ServiceUnavailable"
        | "Directory_ReplicaUnavailable"
        | "InternalServerError" => retry(Class::Transient, Again::Yes),
        "Request_UnsupportedQuery" | "Request_BadRequest" | "ExpandNotSupported" | "BadRequest" | "NotImplemented" => {
            ours(Class::RequestBug, Again::No)
        }
        _ => return None,
    })
}

/// Texts that are known where nothing else is: they may change at any time.
pub(super) fn by_words(words: &str) -> Option<Verdict> {
    let says = |text: &str| words.contains(text);
    if not_licensed(words) {
        Some(ours(Class::GraphNotLicensed, Again::No))
    } else if says("unable to initialize the authorization context") || says("authorization_requestdenied") {
        Some(ours(Class::GraphForbidden, Again::Fix))
    } else if says("user was not found") || says("provide valid credential") {
        Some(ours(Class::RelationshipMissing, Again::Fix))
    } else {
        None
    }
}

fn not_licensed(words: &str) -> bool {
    ["premium license", "not licensed for this feature", "not applicable to target tenant"]
        .iter()
        .any(|text| words.contains(text))
}

/// Graph asks for another token: a policy may be behind it, or a revocation, or only an old token.
fn challenge(evidence: &Evidence) -> Verdict {
    let says = |text: &str| evidence.words.contains(text);
    let plain = retry(Class::GraphClaimsChallenge, Again::Once);
    if says("locationconditionevaluationsatisfied") {
        return Verdict { cap: Cap::Yes, owner: Owner::CustomerAdmin, control: "location", ..plain };
    }
    if says("tokenissuedbeforerevocationtimestamp") {
        return Verdict { owner: Owner::Partner, ..plain };
    }
    if evidence.claims_policy { Verdict { cap: Cap::Yes, ..plain } } else { plain }
}

/// The number of a refusal of Partner Center: its `code`, or, since not all its answers have been published, a number
/// of its own anywhere in the text.
pub(super) fn partner_center_code(evidence: &Evidence, service: Service) -> Option<&'static Code> {
    if let Some(code) = evidence.partner_center.and_then(Code::of_partner_center) {
        return Some(code);
    }
    let words = &evidence.words;
    let ours = service == Service::PartnerCenter || words.contains("partnercenter") || words.contains("partner center");
    let said = |code: &Code| match code.number {
        1002 => words.contains("authorization failed"),
        600_006 => words.contains("not allowed"),
        number => ours && number >= 900_000,
    };
    let numbers = words.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|word| word.parse().ok());
    numbers.filter_map(Code::of_partner_center).find(|code| said(code))
}

/// What a refusal of Partner Center means; nothing where it is no refusal of Partner Center or a new one.
pub(super) fn partner_center(evidence: &Evidence, service: Service) -> Option<Verdict> {
    if let Some(code) = partner_center_code(evidence, service) {
        let cap = if code.number == OWN_POLICY { Cap::Yes } else { Cap::No };
        return Some(Verdict { cap, ..Verdict::code(code) });
    }
    let refused = service == Service::PartnerCenter && matches!(evidence.status, Some(401 | 403));
    refused.then(|| ours(Class::PartnerCenterForbidden, Again::Fix))
}
