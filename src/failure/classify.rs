use jiff::Timestamp;
use uuid::Uuid;

use super::evidence::Evidence;
use super::scrub::scrub;
use super::{Again, Answer, Cap, Class, Code, Failure, Hop, Owner, Service};

/// What was concluded, before it becomes a failure.
#[derive(Debug, Clone, Copy)]
struct Verdict {
    class: Class,
    cap: Cap,
    owner: Owner,
    again: Again,
    control: &'static str,
}

impl Verdict {
    const fn of(class: Class, owner: Owner, again: Again) -> Self {
        let cap = if class.is_policy() { Cap::Yes } else { Cap::No };
        Self { class, cap, owner, again, control: "" }
    }

    fn code(code: &Code) -> Self {
        Self { control: code.control, ..Self::of(code.class, code.owner, code.again) }
    }
}

/// Says what an answer means. Total: whatever comes, something is said, and never more than the answer supports.
/// `now` stands in where the answer has no time of its own.
///
/// The order of evidence (reference on Entra, section 7): a status that speaks of load or a passing fault, the most
/// specific known number (array before text before header), the suberror, a number of the Conditional Access range,
/// a generic number, named policies, the OAuth word, and else "unknown".
pub fn classify(answer: Answer<'_>, now: Timestamp) -> Failure {
    let evidence = Evidence::gather(&answer);
    let mut verdict = judge(&evidence, answer.service, answer.hop);
    let codes = codes(&evidence);
    if answer.hop == Hop::Partner {
        verdict = at_partner(verdict, &codes);
    }
    let text = |text: Option<String>| text.map(Into::into);
    Failure {
        class: verdict.class,
        cap: verdict.cap,
        owner: verdict.owner,
        again: verdict.again,
        hop: answer.hop,
        codes,
        policies: evidence.policies,
        control: (!verdict.control.is_empty()).then(|| verdict.control.into()),
        error: text(evidence.error.or_else(|| evidence.graph.into_iter().next()).map(|word| scrub(word.as_bytes()))),
        suberror: text(evidence.suberror.map(|word| scrub(word.as_bytes()))),
        correlation_id: text(evidence.correlation_id),
        trace_id: text(evidence.trace_id),
        client_request_id: None,
        status: evidence.status,
        at: evidence.at.unwrap_or(now),
        raw: scrub(answer.body),
    }
}

/// All numbers of an answer, the one that decided first.
fn codes(evidence: &Evidence) -> Vec<u32> {
    let mut codes: Vec<u32> = Vec::new();
    let all = evidence.array.iter().chain(&evidence.text).chain(&evidence.clitelem).chain(&evidence.partner_center);
    for code in all.copied().filter(|code| *code > 0) {
        if !codes.contains(&code) && codes.len() < 8 {
            codes.push(code);
        }
    }
    if let Some(deciding) = deciding(evidence)
        && let Some(at) = codes.iter().position(|code| *code == deciding.number)
    {
        codes.swap(0, at);
    }
    codes
}

/// The most specific known number: the array, then the text, then the header.
fn deciding(evidence: &Evidence) -> Option<&'static Code> {
    let known = |generic: bool| {
        let all = evidence.array.iter().chain(&evidence.text).chain(&evidence.clitelem);
        all.filter_map(|number| Code::find(*number)).find(|code| code.is_generic() == generic)
    };
    known(false).or_else(|| known(true))
}

fn judge(evidence: &Evidence, service: Service, hop: Hop) -> Verdict {
    if let Some(verdict) = by_status(evidence) {
        return verdict;
    }
    let code = deciding(evidence);
    if let Some(code) = code.filter(|code| !code.is_generic()) {
        return Verdict::code(code);
    }
    if service == Service::PartnerCenter || evidence.partner_center.is_some() || names_partner_center(evidence) {
        if let Some(verdict) = partner_center(evidence, service) {
            return verdict;
        }
    }
    if evidence.challenge || !evidence.graph.is_empty() || (service == Service::Graph && code.is_none()) {
        return graph(evidence);
    }
    if let Some(verdict) = evidence.suberror.as_deref().and_then(by_suberror) {
        return verdict;
    }
    let numbers = || evidence.array.iter().chain(&evidence.text).chain(&evidence.clitelem);
    if numbers().any(|number| (530_000..=530_099).contains(number)) {
        return Verdict { cap: Cap::Probable, ..Verdict::of(Class::CapBlock, Owner::CustomerAdmin, Again::No) };
    }
    if let Some(code) = code {
        return Verdict::code(code);
    }
    if !evidence.policies.is_empty() {
        return Verdict::of(Class::MfaRequired, Owner::CustomerAdmin, Again::No);
    }
    evidence.error.as_deref().map_or(UNKNOWN, |error| by_error(error, hop))
}

const UNKNOWN: Verdict = Verdict::of(Class::Unknown, Owner::Partner, Again::Once);

/// Load and passing faults, whatever the body says.
fn by_status(evidence: &Evidence) -> Option<Verdict> {
    match evidence.status? {
        429 => Some(Verdict::of(Class::Throttled, Owner::Retry, Again::Yes)),
        501 => Some(Verdict::of(Class::RequestBug, Owner::Partner, Again::No)),
        408 | 500.. => Some(Verdict::of(Class::Transient, Owner::Retry, Again::Yes)),
        _ => None,
    }
}

/// What a suberror says where no specific number does.
fn by_suberror(suberror: &str) -> Option<Verdict> {
    let customer = |class| Verdict::of(class, Owner::CustomerAdmin, Again::No);
    Some(match suberror {
        "basic_action" => customer(Class::MfaRequired),
        "additional_action" | "device_authentication_failed" => customer(Class::CapDevice),
        "message_only" => customer(Class::CapBlock),
        "token_expired" => customer(Class::CapSignInFrequency),
        "protection_policy_required" | "protection_policies_required" => customer(Class::CapAppProtection),
        "consent_required" => Verdict::of(Class::ConsentMissing, Owner::Partner, Again::Fix),
        "user_password_expired" => Verdict::of(Class::ServiceUser, Owner::Partner, Again::Fix),
        "bad_token" => Verdict::of(Class::RefreshTokenInvalid, Owner::Partner, Again::No),
        "client_mismatch" => Verdict::of(Class::RequestBug, Owner::Partner, Again::No),
        _ => return None,
    })
}

/// What the OAuth word says where nothing else does.
fn by_error(error: &str, hop: Hop) -> Verdict {
    let ours = |class, again| Verdict::of(class, Owner::Partner, again);
    match error {
        "invalid_grant" if hop == Hop::Partner => ours(Class::RefreshTokenInvalid, Again::No),
        "invalid_grant" => ours(Class::InteractionRequiredUnknown, Again::No),
        "interaction_required" | "login_required" => {
            let cap = if hop == Hop::Customer { Cap::Probable } else { Cap::No };
            Verdict { cap, ..Verdict::of(Class::InteractionRequiredUnknown, Owner::CustomerAdmin, Again::No) }
        }
        "consent_required" => ours(Class::ConsentMissing, Again::Fix),
        "invalid_client" => ours(Class::ClientCredential, Again::Fix),
        "unauthorized_client" => ours(Class::AppMissing, Again::Fix),
        "invalid_resource" => ours(Class::ResourceMissing, Again::Fix),
        "invalid_scope" | "invalid_request" | "unsupported_grant_type" => ours(Class::RequestBug, Again::No),
        "invalid_tenant" => ours(Class::TenantUnavailable, Again::No),
        "temporarily_unavailable" | "service_unavailable" | "server_error" => {
            Verdict::of(Class::Transient, Owner::Retry, Again::Yes)
        }
        "authorization_pending" | "slow_down" => Verdict::of(Class::DeviceFlowPending, Owner::Retry, Again::Yes),
        "expired_token" | "code_expired" | "authorization_declined" | "bad_verification_code" => {
            ours(Class::DeviceFlowEnded, Again::Fix)
        }
        _ => UNKNOWN,
    }
}

fn graph(evidence: &Evidence) -> Verdict {
    let words = &evidence.words;
    let says = |text: &str| words.contains(text);
    if evidence.challenge || evidence.graph.iter().any(|code| code == "insufficient_claims") {
        return challenge(evidence);
    }
    let retry = |class| Verdict::of(class, Owner::Retry, Again::Yes);
    let ours = |class, again| Verdict::of(class, Owner::Partner, again);
    for code in &evidence.graph {
        let verdict = match code.as_str() {
            "TooManyRequests" | "FraudThrottled" => retry(Class::Throttled),
            "InvalidAuthenticationToken" if says("audience") => ours(Class::GraphTokenRejected, Again::No),
            "InvalidAuthenticationToken" | "Authentication_ExpiredToken" | "CompactToken" => Verdict::of(
                Class::GraphTokenRejected,
                if says("audience") { Owner::Partner } else { Owner::Retry },
                Again::Once,
            ),
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
            "Directory_ExpiredPageToken" | "syncStateNotFound" | "resyncRequired" => retry(Class::Transient),
            "serviceNotAvailable" | "ServiceNotAvailable" | "Directory_ReplicaUnavailable" | "InternalServerError" => {
                retry(Class::Transient)
            }
            "Request_UnsupportedQuery"
            | "Request_BadRequest"
            | "ExpandNotSupported"
            | "BadRequest"
            | "NotImplemented" => ours(Class::RequestBug, Again::No),
            _ => continue,
        };
        return verdict;
    }
    if says("unable to initialize the authorization context") {
        return ours(Class::GraphForbidden, Again::Fix);
    }
    if says("user was not found") {
        return ours(Class::RelationshipMissing, Again::Fix);
    }
    match evidence.status {
        Some(401) => retry(Class::GraphTokenRejected),
        Some(403) => ours(Class::GraphForbidden, Again::Fix),
        Some(_) | None => UNKNOWN,
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
    let plain = Verdict::of(Class::GraphClaimsChallenge, Owner::Retry, Again::Once);
    if says("locationconditionevaluationsatisfied") {
        return Verdict { cap: Cap::Yes, owner: Owner::CustomerAdmin, control: "location", ..plain };
    }
    if says("tokenissuedbeforerevocationtimestamp") {
        return Verdict { owner: Owner::Partner, ..plain };
    }
    if evidence.claims_policy { Verdict { cap: Cap::Yes, ..plain } } else { plain }
}

fn names_partner_center(evidence: &Evidence) -> bool {
    evidence.words.contains("1002 authorization failed") || evidence.words.contains("partnercenter")
}

fn partner_center(evidence: &Evidence, service: Service) -> Option<Verdict> {
    let ours = |class, again| Verdict::of(class, Owner::Partner, again);
    let number =
        evidence.partner_center.or_else(|| evidence.words.contains("1002 authorization failed").then_some(1002));
    let verdict = match number {
        Some(900_421) => ours(Class::PartnerCenterMfa, Again::Fix),
        Some(900_309) => Verdict {
            cap: Cap::Yes,
            control: "our own tenant's policy",
            ..ours(Class::PartnerCenterForbidden, Again::Fix)
        },
        Some(1002 | 2032 | 3000 | 20_002 | 600_006 | 900_150 | 900_308 | 900_329) => {
            ours(Class::PartnerCenterForbidden, Again::Fix)
        }
        Some(900_316 | 900_420 | 90_000) => ours(Class::RequestBug, Again::No),
        Some(1000 | 60_003) => ours(Class::TenantUnavailable, Again::No),
        Some(800_003) => Verdict::of(Class::Transient, Owner::Retry, Again::Yes),
        Some(_) | None => match (service, evidence.status) {
            (Service::PartnerCenter, Some(401 | 403)) => ours(Class::PartnerCenterForbidden, Again::Fix),
            (Service::Unknown | Service::Entra | Service::Graph | Service::PartnerCenter, _) => return None,
        },
    };
    Some(verdict)
}

/// At our own tenant nothing is a customer's: a policy there is our own.
fn at_partner(verdict: Verdict, codes: &[u32]) -> Verdict {
    let class = match verdict.class {
        Class::RelationshipMissing if codes.iter().any(|code| matches!(code, 50_034 | 51_004)) => Class::ServiceUser,
        class => class,
    };
    let owner = match verdict.owner {
        Owner::CustomerAdmin => Owner::Partner,
        owner @ (Owner::Partner | Owner::Microsoft | Owner::Retry) => owner,
    };
    Verdict { class, owner, ..verdict }
}

impl Failure {
    /// A failure of the line itself: no answer came, or what came cannot be read. `what` is shown; it holds no URL
    /// query and no secret, and is scrubbed all the same.
    pub fn local(class: Class, _service: Service, hop: Hop, what: &str, now: Timestamp) -> Self {
        let (owner, again) = match class {
            Class::Network | Class::BadAnswer | Class::Transient | Class::Throttled => (Owner::Retry, Again::Yes),
            _ => (Owner::Partner, Again::No),
        };
        Self {
            class,
            cap: Cap::No,
            owner,
            again,
            hop,
            codes: Vec::new(),
            policies: Vec::new(),
            control: None,
            error: None,
            suberror: None,
            correlation_id: None,
            trace_id: None,
            client_request_id: None,
            status: None,
            at: now,
            raw: scrub(what.as_bytes()),
        }
    }

    /// The same failure with the id that we sent with the refused request.
    #[must_use]
    pub fn sent_as(mut self, id: Uuid) -> Self {
        self.client_request_id = Some(id);
        if self.correlation_id.is_none() && self.status.is_some() {
            self.correlation_id = Some(compact_str::format_compact!("{id}"));
        }
        self
    }
}

#[cfg(test)]
mod tests;
