use proptest::prelude::*;

use super::super::codes::CODES;
use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_763_000_000).unwrap()
}

fn answer(status: u16, body: &str) -> Failure {
    let answer = Answer {
        status: Some(status),
        headers: &[],
        body: body.as_bytes(),
        hop: Hop::Customer,
        service: Service::Entra,
    };
    classify(answer, now())
}

fn text(body: &str) -> Failure {
    let answer =
        Answer { status: None, headers: &[], body: body.as_bytes(), hop: Hop::Customer, service: Service::Unknown };
    classify(answer, now())
}

fn entra(code: u32) -> String {
    format!(
        r#"{{"error":"invalid_grant","error_description":"AADSTS{code}: said.\r\nTrace ID: 31eaf6eb-f2d8-4324-8d9f-0ddf70734101\r\nCorrelation ID: 2bd41f9f-0ec3-44e8-8ad0-f34262084004\r\nTimestamp: 2026-01-31 12:00:00Z","error_codes":[{code}],"timestamp":"2026-01-31 12:00:00Z","trace_id":"31eaf6eb-f2d8-4324-8d9f-0ddf70734101","correlation_id":"2bd41f9f-0ec3-44e8-8ad0-f34262084004"}}"#
    )
}

#[test]
fn every_code_of_the_table_is_understood() {
    for code in CODES {
        let failure = answer(400, &entra(code.number));
        assert_eq!(
            (failure.class, failure.owner, failure.again, failure.codes.first()),
            (code.class, code.owner, code.again, Some(&code.number))
        );
        assert_eq!(failure.cap == Cap::Yes, code.class.is_policy(), "{}", code.number);
        let plain = text(&format!("it said AADSTS{}: no.", code.number));
        assert_eq!(plain.class, code.class, "{} in plain text", code.number);
        let answer = Answer {
            status: Some(400),
            headers: &[],
            body: entra(code.number).as_bytes(),
            hop: Hop::Partner,
            service: Service::Entra,
        }
        .owner();
        assert_ne!(answer, Owner::CustomerAdmin, "{}: nothing at our own hop is a customer's", code.number);
    }
}

impl Answer<'_> {
    fn owner(self) -> Owner {
        classify(self, now()).owner
    }
}

#[test]
fn ids_and_time_are_kept() {
    let failure = answer(400, &entra(53_003));
    assert_eq!(failure.trace_id.as_deref(), Some("31eaf6eb-f2d8-4324-8d9f-0ddf70734101"));
    assert_eq!(failure.correlation_id.as_deref(), Some("2bd41f9f-0ec3-44e8-8ad0-f34262084004"));
    assert_eq!(failure.at.to_string(), "2026-01-31T12:00:00Z");
    let pasted =
        text("AADSTS53003: no. Trace ID: 31eaf6eb-f2d8-4324-8d9f-0ddf70734101 Timestamp: 2026-01-31 12:00:00Z");
    assert_eq!(pasted.trace_id, failure.trace_id);
    assert_eq!(pasted.at, failure.at);
}

#[test]
fn policies_are_found_in_any_spelling() {
    let id = "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90";
    for claims in [
        format!(r#"{{\"access_token\":{{\"capolids\":{{\"essential\":true,\"values\":[\"{id}\"]}}}}}}"#),
        format!(r#"{{\"access_token\":{{\"polids\":{{\"essential\":true,\"Values\":[\"{}\"]}}}}}}"#, id.to_uppercase()),
        format!(r"capolids are {id}, it said"),
    ] {
        let failure = answer(400, &format!(r#"{{"error":"invalid_grant","claims":"{claims}"}}"#));
        assert_eq!(failure.policies.iter().map(ToString::to_string).collect::<Vec<_>>(), [id], "{claims}");
        assert_eq!((failure.class, failure.cap), (Class::MfaRequired, Cap::Yes));
    }
    let none = answer(400, r#"{"error":"invalid_grant","claims":"{\"access_token\":{\"nbf\":{\"value\":\"1\"}}}"}"#);
    assert_eq!(none.cap, Cap::No, "claims that name no policy are no policy's");
}

fn check(failure: &Failure, class: Class, cap: Cap, owner: Owner) {
    assert_eq!((failure.class, failure.cap, failure.owner), (class, cap, owner), "{failure:?}");
}

#[test]
fn shapes_of_entra() {
    use Class as C;
    let us = Owner::Partner;
    let them = Owner::CustomerAdmin;
    let wait = Owner::Retry;
    check(&answer(503, r#"{"error":"invalid_grant","suberror":"bad_token"}"#), C::Transient, Cap::No, wait);
    check(&answer(429, ""), C::Throttled, Cap::No, wait);
    check(&answer(400, r#"{"error_codes":[70002,50126]}"#), C::ServiceUser, Cap::No, us);
    check(&answer(400, r#"{"error_codes":["53003"]}"#), C::CapBlock, Cap::Yes, them);
    check(&answer(400, r#"{"error_codes":"[500011]"}"#), C::ResourceMissing, Cap::No, us);
    check(
        &answer(400, r#"{"error":"invalid_grant","error_codes":[70000],"suberror":"message_only"}"#),
        C::CapBlock,
        Cap::Yes,
        them,
    );
    check(
        &answer(400, r#"{"error":"invalid_grant","error_codes":[50034],"suberror":"bad_token"}"#),
        C::RelationshipMissing,
        Cap::No,
        us,
    );
    check(
        &answer(400, r#"{"error":"invalid_grant","error_codes":[50076],"error_description":"AADSTS65001: x"}"#),
        C::MfaRequired,
        Cap::Yes,
        them,
    );
    check(&answer(400, r#"{"error":"invalid_grant","error_codes":[530099]}"#), C::CapBlock, Cap::Probable, them);
    check(&answer(400, r#"{"error":"interaction_required"}"#), C::InteractionRequiredUnknown, Cap::Probable, them);
    check(&answer(400, r#"{"error":"invalid_grant"}"#), C::InteractionRequiredUnknown, Cap::No, us);
    check(
        &answer(400, r#"{"error":"invalid_grant","error_codes":[99999]}"#),
        C::InteractionRequiredUnknown,
        Cap::No,
        us,
    );
    check(&answer(401, r#"{"error":"invalid_client"}"#), C::ClientCredential, Cap::No, us);
    check(&answer(400, "<html><body>Sorry</body></html>"), C::Unknown, Cap::No, us);
    check(&answer(400, ""), C::Unknown, Cap::No, us);
    check(&text("Get-Token : AADSTS700\n  082: The refresh token"), C::RefreshTokenExpired, Cap::No, us);
    check(&text("AADSTS50020\n12 things"), C::RelationshipMissing, Cap::No, us);
    check(&text("exception: invalid_grant: {\"error_codes\":[53000]}"), C::CapDevice, Cap::Yes, them);
    check(&text("<s:Fault><s:Text>AADSTS50173: revoked</s:Text></s:Fault>"), C::RefreshTokenRevoked, Cap::No, us);
    let header = [("x-ms-clitelem".to_owned(), "1,50173,0,604687.0128,".to_owned())];
    let answer =
        Answer { status: Some(400), headers: &header, body: b"cut {", hop: Hop::Customer, service: Service::Entra };
    check(&classify(answer, now()), C::RefreshTokenRevoked, Cap::No, us);
}

#[test]
fn shapes_of_graph_and_partner_center() {
    use Class as C;
    let of = |service, status, headers: &[(String, String)], body: &str| {
        let hop = if service == Service::PartnerCenter { Hop::Partner } else { Hop::Customer };
        classify(Answer { status: Some(status), headers, body: body.as_bytes(), hop, service }, now())
    };
    let graph = |status, body: &str| of(Service::Graph, status, &[], body);
    let (us, wait) = (Owner::Partner, Owner::Retry);
    check(
        &graph(403, r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges"}}"#),
        C::GraphForbidden,
        Cap::No,
        us,
    );
    check(
        &graph(401, r#"{"error":{"code":"InvalidAuthenticationToken","message":"Access token has expired"}}"#),
        C::GraphTokenRejected,
        Cap::No,
        wait,
    );
    check(
        &graph(401, r#"{"error":{"code":"InvalidAuthenticationToken","message":"Invalid audience"}}"#),
        C::GraphTokenRejected,
        Cap::No,
        us,
    );
    check(&graph(400, r#"{"error":{"code":"Directory_ExpiredPageToken","message":"x"}}"#), C::Transient, Cap::No, wait);
    check(&graph(400, r#"{"code":"Request_UnsupportedQuery","message":"x"}"#), C::RequestBug, Cap::No, us);
    check(
        &graph(403, r#"{"odata.error":{"code":"Authorization_RequestDenied","message":{"lang":"en","value":"no"}}}"#),
        C::GraphForbidden,
        Cap::No,
        us,
    );
    check(&graph(403, ""), C::GraphForbidden, Cap::No, us);
    check(&graph(404, r#"{"error":{"code":"","message":""}}"#), C::Unknown, Cap::No, us);
    check(&graph(502, "<html>"), C::Transient, Cap::No, wait);
    let inner = graph(
        403,
        r#"{"error":{"code":"Forbidden","message":"{\"x\":1}","innererror":{"requestId":"31EAF6EB-f2d8-4324-8d9f-0ddf70734101","client-request-id":"2bd41f9f-0ec3-44e8-8ad0-f34262084004","date":"2026-01-31T12:00:00"}}}"#,
    );
    assert_eq!(inner.trace_id.as_deref(), Some("31eaf6eb-f2d8-4324-8d9f-0ddf70734101"));
    assert_eq!(inner.correlation_id.as_deref(), Some("2bd41f9f-0ec3-44e8-8ad0-f34262084004"));
    assert_eq!(inner.at.to_string(), "2026-01-31T12:00:00Z");
    // {"access_token":{"acrs":{"essential":true,"value":"c1"}}}, without its padding
    let challenge = [("www-authenticate".to_owned(), r#"Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsiYWNycyI6eyJlc3NlbnRpYWwiOnRydWUsInZhbHVlIjoiYzEifX19""#.to_owned())];
    check(&of(Service::Graph, 401, &challenge, ""), C::GraphClaimsChallenge, Cap::Yes, wait);
    let partner = |status, body: &str| of(Service::PartnerCenter, status, &[], body);
    check(&partner(401, r#"{"code":900421,"description":"x"}"#), C::PartnerCenterMfa, Cap::No, us);
    check(&partner(403, r#"{"code":"20002","description":"x"}"#), C::PartnerCenterForbidden, Cap::No, us);
    check(&partner(403, r#"{"code":900309,"description":"x"}"#), C::PartnerCenterForbidden, Cap::Yes, us);
    check(&partner(403, "<html>"), C::PartnerCenterForbidden, Cap::No, us);
    check(&text("Get-PartnerCustomer : 1002 Authorization Failed"), C::PartnerCenterForbidden, Cap::No, us);
    check(&text(r#"{"statusCode":429,"message":"Try again in 57 seconds."}"#), C::Throttled, Cap::No, wait);
}

/// Bodies made to cost time: every one is looked at within a bounded number of steps.
#[test]
fn large_and_hostile_bodies_are_bounded() {
    let nested = (0..12).fold("AADSTS53003".to_owned(), |inner, _| serde_json::json!({ "message": inner }).to_string());
    let many = format!("{{{}}}", vec![r#""message":"{\"error\":\"x\"}""#; 4000].join(","));
    let bodies = ["{", "{\"error\":", "AADSTS", "a@", "eyJ", "code=\"", "[", "%7B%22", "error=x&", "polids "];
    let repeated = bodies.iter().map(|piece| piece.repeat((1 << 20) / piece.len()));
    for body in repeated.chain([nested, many]) {
        let failure = answer(400, &body);
        assert!(failure.raw.len() <= 2048 && failure.codes.len() <= 8 && failure.policies.len() <= 64);
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_bounded_answer(status in proptest::option::of(0u16..1000), body in proptest::collection::vec(any::<u8>(), 0..3000)) {
        let answer = Answer { status, headers: &[], body: &body, hop: Hop::Customer, service: Service::Unknown };
        let failure = classify(answer, now());
        prop_assert!(failure.raw.len() <= 2048);
        prop_assert!(failure.codes.len() <= 8);
    }

    #[test]
    fn mutated_answers_never_panic(code in 0usize..CODES.len(), at in 0usize..400, byte in any::<u8>(), cut in 0usize..420) {
        let mut body = entra(CODES[code].number).into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(cut.max(1));
        let answer = Answer { status: Some(400), headers: &[], body: &body, hop: Hop::Customer, service: Service::Entra };
        let _ = classify(answer, now());
    }

    #[test]
    fn prose_without_a_mark_is_never_a_policy(body in "[a-z <>{}\\[\\]\":,.]{0,300}", status in 400u16..500) {
        let marked = ["capolids", "polids", "interaction_required", "login_required", "message_only", "acrs"];
        prop_assume!(!marked.iter().any(|mark| body.contains(mark)));
        let failure = answer(status, &body);
        prop_assert_eq!(failure.cap, Cap::No);
    }
}
