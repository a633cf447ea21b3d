mod services;

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
/// The order of evidence: a status that speaks of load or a passing fault, a number of Partner Center, the most
/// specific known number of Entra (array before text before header), what Graph says, the suberror, policies that the
/// claims name, a number of the Conditional Access range, a number that says little, the OAuth word, a known text,
/// and else "unknown".
pub fn classify(answer: Answer<'_>, now: Timestamp) -> Failure {
    let evidence = Evidence::gather(&answer);
    let service = service(&evidence, answer.service);
    // Partner Center's tenant is the partner's, whoever is asked about.
    let inferred = answer.service == Service::Unknown && service == Service::PartnerCenter;
    let hop = if inferred { Hop::Partner } else { answer.hop };
    let mut verdict = judge(&evidence, service, hop);
    let codes = codes(&evidence, service);
    if hop == Hop::Partner {
        verdict = at_partner(verdict, &codes);
    }
    let id = |id: Option<Uuid>| id.map(|id| compact_str::format_compact!("{id}"));
    Failure {
        class: verdict.class,
        cap: verdict.cap,
        owner: verdict.owner,
        again: verdict.again,
        hop,
        service,
        codes,
        policies: evidence.policies,
        control: (!verdict.control.is_empty()).then(|| verdict.control.into()),
        error: evidence.error.or_else(|| evidence.graph.into_iter().next()).map(Into::into),
        suberror: evidence.suberror.map(Into::into),
        correlation_id: id(evidence.correlation_id),
        trace_id: id(evidence.trace_id),
        client_request_id: None,
        status: evidence.status,
        at: evidence.at.unwrap_or(now),
        raw: if answer.body.is_empty() { scrub(challenge_of(&answer).as_bytes()) } else { scrub(answer.body) },
    }
}

/// The challenge of an answer without a body: all that it says.
fn challenge_of<'a>(answer: &Answer<'a>) -> &'a str {
    let header = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("www-authenticate"));
    header.map_or("", |(_, value)| value.as_str())
}

/// Which service answered, by the shape of the answer where nobody says.
fn service(evidence: &Evidence, said: Service) -> Service {
    if said != Service::Unknown {
        said
    } else if services::partner_center_code(evidence, said).is_some() {
        Service::PartnerCenter
    } else if deciding(evidence).is_some() || !evidence.array.is_empty() || !evidence.text.is_empty() {
        Service::Entra
    } else if evidence.challenge || !evidence.graph.is_empty() {
        Service::Graph
    } else if evidence.error.is_some() || evidence.suberror.is_some() {
        Service::Entra
    } else {
        Service::Unknown
    }
}

/// All numbers of an answer, the one that decided first.
fn codes(evidence: &Evidence, service: Service) -> Vec<u32> {
    let mut codes: Vec<u32> = Vec::new();
    let deciding = services::partner_center_code(evidence, service).or_else(|| deciding(evidence));
    let first = deciding.map(|code| code.number);
    let entra = evidence.array.iter().chain(&evidence.text).chain(&evidence.clitelem);
    for code in first.iter().chain(entra).chain(&evidence.partner_center).copied().filter(|code| *code > 0) {
        if !codes.contains(&code) && codes.len() < 8 {
            codes.push(code);
        }
    }
    codes
}

/// The most specific known number: the array, then the text, then the header. Of several in one place that say much,
/// the longest (Microsoft adds digits for what is narrower), then the last (the outer one is told first).
fn deciding(evidence: &Evidence) -> Option<&'static Code> {
    let places = [evidence.array.as_slice(), &evidence.text, evidence.clitelem.as_slice()];
    let known = |generic: bool| {
        places.iter().find_map(|numbers| {
            let codes = numbers.iter().filter_map(|number| Code::find(*number));
            codes.filter(|code| code.is_generic() == generic).max_by_key(|code| code.number.ilog10())
        })
    };
    known(false).or_else(|| known(true))
}

fn judge(evidence: &Evidence, service: Service, hop: Hop) -> Verdict {
    if let Some(verdict) = by_status(evidence) {
        return verdict;
    }
    if let Some(verdict) = services::partner_center(evidence, service) {
        return verdict;
    }
    let code = deciding(evidence);
    if let Some(code) = code.filter(|code| !code.is_generic()) {
        return Verdict::code(code);
    }
    let entra = code.is_some() || evidence.suberror.is_some() || !evidence.array.is_empty();
    if !entra && (evidence.challenge || !evidence.graph.is_empty() || service == Service::Graph) {
        return services::graph(evidence);
    }
    let suberror = evidence.suberror.as_deref().filter(|suberror| tells_more(suberror, code));
    if let Some(verdict) = suberror.and_then(by_suberror) {
        return verdict;
    }
    let in_range = numbers(evidence).any(is_policy_range);
    if evidence.claims_policy {
        let block = in_range || code.is_some_and(|code| code.class == Class::CapBlock);
        let class = if block { Class::CapBlock } else { Class::MfaRequired };
        return Verdict::of(class, Owner::CustomerAdmin, Again::No);
    }
    if in_range {
        return Verdict { cap: Cap::Probable, ..Verdict::of(Class::CapBlock, Owner::CustomerAdmin, Again::No) };
    }
    if let Some(code) = code {
        return Verdict::code(code);
    }
    let by_error = evidence.error.as_deref().map_or(UNKNOWN, |error| by_error(error, hop));
    if by_error.class == Class::Unknown {
        return services::by_words(&evidence.words).unwrap_or(UNKNOWN);
    }
    by_error
}

fn numbers(evidence: &Evidence) -> impl Iterator<Item = u32> {
    evidence.array.iter().chain(&evidence.text).chain(&evidence.clitelem).copied()
}

/// An unknown number of five to eight digits that begins with 5300: nearly all that are known are policies.
fn is_policy_range(number: u32) -> bool {
    (10_000..100_000_000).contains(&number) && number.to_string().starts_with("5300") && Code::find(number).is_none()
}

/// Whether a suberror says more than a number that says little: that a token is bad or another client's is no news
/// beside "a policy refused" or "the request is wrong".
fn tells_more(suberror: &str, code: Option<&Code>) -> bool {
    let poor = matches!(suberror, "bad_token" | "client_mismatch");
    !poor || code.is_none_or(|code| !matches!(code.class, Class::CapBlock | Class::RequestBug))
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
        "user_password_expired" => ours(Class::ServiceUser, Again::Fix),
        "expired_token" | "code_expired" | "authorization_declined" | "bad_verification_code" | "access_denied" => {
            ours(Class::DeviceFlowEnded, Again::Fix)
        }
        _ => UNKNOWN,
    }
}

/// At our own tenant nothing is a customer's: a policy there is our own.
fn at_partner(verdict: Verdict, codes: &[u32]) -> Verdict {
    // Between us and our own tenant there is no relationship: the account itself is not there.
    let absent = |code: &u32| matches!(code, 16_000 | 16_003 | 50_020 | 50_034 | 51_004 | 90_072);
    let absent = verdict.class == Class::RelationshipMissing && codes.first().is_some_and(absent);
    let class = if absent { Class::ServiceUser } else { verdict.class };
    let owner = match verdict.owner {
        Owner::CustomerAdmin => Owner::Partner,
        owner @ (Owner::Partner | Owner::Microsoft | Owner::Retry) => owner,
    };
    Verdict { class, owner, ..verdict }
}

impl Failure {
    /// A failure of the line itself: no answer came, or what came cannot be read. `what` is shown; it holds no URL
    /// query and no secret, and is scrubbed all the same.
    pub fn local(class: Class, service: Service, hop: Hop, what: &str, now: Timestamp) -> Self {
        let owner = class.owner();
        let again = if owner == Owner::Retry { Again::Yes } else { Again::No };
        Self {
            class,
            cap: Cap::No,
            owner,
            again,
            hop,
            service,
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
mod shapes;
#[cfg(test)]
mod tests;
