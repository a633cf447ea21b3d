//! The shapes in which an answer comes: whole, cut, wrapped, escaped, pasted.

use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_763_000_000).unwrap()
}

fn pasted(body: &str) -> Failure {
    let answer =
        Answer { status: None, headers: &[], body: body.as_bytes(), hop: Hop::Customer, service: Service::Unknown };
    classify(answer, now())
}

fn check(body: &str, class: Class, cap: Cap, codes: &[u32]) {
    let failure = pasted(body);
    assert_eq!((failure.class, failure.cap, failure.codes.as_slice()), (class, cap, codes), "{body}");
}

const POLICY: &str = "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90";
const TRACE: &str = "31eaf6eb-f2d8-4324-8d9f-0ddf70734101";
const CORRELATION: &str = "2bd41f9f-0ec3-44e8-8ad0-f34262084004";

#[test]
fn the_most_specific_number_decides() {
    use Class as C;
    check(r#"{"error_codes":[70008,700082]}"#, C::RefreshTokenExpired, Cap::No, &[700_082, 70_008]);
    check(r#"{"error_codes":[700082,70008]}"#, C::RefreshTokenExpired, Cap::No, &[700_082, 70_008]);
    check(r#"{"error_codes":[50131,53001]}"#, C::CapDevice, Cap::Yes, &[53_001, 50_131]);
    check(r#"{"error_codes":[70000],"error_description":"AADSTS53003: x"}"#, C::CapBlock, Cap::Yes, &[53_003, 70_000]);
    check(
        r#"{"error_codes":[90010],"error_description":"AADSTS9001023"}"#,
        C::RequestBug,
        Cap::No,
        &[9_001_023, 90_010],
    );
    check("AADSTS70002: no. AADSTS50126: wrong password", C::ServiceUser, Cap::No, &[50_126, 70_002]);
}

#[test]
fn a_number_that_says_little_gives_way() {
    use Class as C;
    let of = |code: u32, rest: &str| format!(r#"{{"error":"invalid_grant","error_codes":[{code}]{rest}}}"#);
    let claims = format!(r#","claims":"{{\"access_token\":{{\"capolids\":{{\"values\":[\"{POLICY}\"]}}}}}}""#);
    check(&of(70_000, r#","suberror":"basic_action""#), C::MfaRequired, Cap::Yes, &[70_000]);
    check(&of(70_000, r#","suberror":"bad_token""#), C::RefreshTokenInvalid, Cap::No, &[70_000]);
    check(&of(50_131, r#","suberror":"bad_token""#), C::CapBlock, Cap::Yes, &[50_131]);
    check(&of(50_131, r#","suberror":"device_authentication_failed""#), C::CapDevice, Cap::Yes, &[50_131]);
    check(&of(50_131, ""), C::CapBlock, Cap::Yes, &[50_131]);
    check(&of(70_000, &claims), C::MfaRequired, Cap::Yes, &[70_000]);
    check(&of(50_131, &claims), C::CapBlock, Cap::Yes, &[50_131]);
    check(&of(530_099, &claims), C::CapBlock, Cap::Yes, &[530_099]);
    check(&of(53_008, ""), C::CapBlock, Cap::Probable, &[53_008]);
    check(&of(5_300_123, ""), C::CapBlock, Cap::Probable, &[5_300_123]);
    check(&of(530_034, ""), C::RiskHomeTenant, Cap::No, &[530_034]);
    check(&of(530_099, r#","suberror":"consent_required""#), C::ConsentMissing, Cap::No, &[530_099]);
    check(r#"{"error":"invalid_client","error_codes":[7000999]}"#, C::ClientCredential, Cap::No, &[7_000_999]);
}

#[test]
fn members_are_found_whatever_their_spelling_and_place() {
    use Class as C;
    check(
        r#"{"Error":"invalid_grant","ErrorCodes":[50105],"SubError":"message_only"}"#,
        C::AssignmentMissing,
        Cap::No,
        &[50_105],
    );
    check(
        r#"{"response":{"data":{"error":"invalid_grant","error_codes":[50105]}}}"#,
        C::AssignmentMissing,
        Cap::No,
        &[50_105],
    );
    check(
        r#"{"ResponseBody":"{\"error\":\"invalid_grant\",\"error_codes\":[53000]}"}"#,
        C::CapDevice,
        Cap::Yes,
        &[53_000],
    );
    check(r#"{"error":{"code":"invalid_grant","message":"AADSTS65001: x"}}"#, C::ConsentMissing, Cap::No, &[65_001]);
    check(
        r#"{"error":{"code":"UnknownError","message":"{\"error_codes\":[50020]}"}}"#,
        C::RelationshipMissing,
        Cap::No,
        &[50_020],
    );
    check(
        r#"{"error":{"code":"BadRequest","innerError":{"code":"Authorization_RequestDenied"}}}"#,
        C::RequestBug,
        Cap::No,
        &[],
    );
    check(
        r#"{"error":{"message":"x","details":[{"code":"z"}],"code":"Authorization_RequestDenied"}}"#,
        C::GraphForbidden,
        Cap::No,
        &[],
    );
    let row =
        format!(r#"{{"correlationId":"{CORRELATION}","status":{{"errorCode":53003,"failureReason":"Blocked."}}}}"#);
    check(&row, C::CapBlock, Cap::Yes, &[53_003]);
    assert_eq!(pasted(&row).correlation_id.as_deref(), Some(CORRELATION), "a row of the sign-in log");
    check(r#"{"correlationId":"x","status":{"errorCode":0}}"#, C::Unknown, Cap::No, &[]);
    check(r#"{"error":{"code":"TooManyRequests","innerError":{"status":"429"}}}"#, C::Throttled, Cap::No, &[]);
}

#[test]
fn texts_of_consoles_logs_and_tickets_are_read() {
    use Class as C;
    let cap = |body: &str| check(body, C::CapBlock, Cap::Yes, &[53_003]);
    cap("aadsts53003: no");
    cap("AADSTS 53003");
    cap("AADS\r\n  TS53003: Access has been blocked");
    cap("AADSTS5300\n3: Access has been blocked");
    cap("Sign-in error code: 53003\nFailure reason: Access has been blocked");
    cap("see https://login.microsoftonline.com/error?code=53003");
    cap("{\"error\":\"invalid_grant\",\"error_codes\":[53\n003],\"suberror\":\"message_\nonly\"}");
    cap("  | {\"error\":\"invalid_gra\r\n    nt\",\"error_codes\":[53003],\"sub\r\n    error\":\"message_only\"}");
    cap(r#"level=error msg="{\"error\":\"invalid_grant\",\"error_codes\":[53003]}" retry=0"#);
    cap("http://localhost/?error=interaction_required&error_description=AADSTS53003%3a+Blocked&state=1");
    check("AADSTS70008\n2: inactive", C::RefreshTokenExpired, Cap::No, &[700_082]);
    check("Error code: 99999", C::Unknown, Cap::No, &[]);
    check("AADSTS123456789012: x", C::Unknown, Cap::No, &[]);
    check(r#"{"error":"access_denied"}"#, C::DeviceFlowEnded, Cap::No, &[]);
    check(
        "{'error': 'invalid_grant', 'suberror': 'token_expired', 'error_codes': [70000]}",
        C::CapSignInFrequency,
        Cap::Yes,
        &[70_000],
    );
    check(r#"{"error":"invalid_grant","suberror":"basic_action","error_descr"#, C::MfaRequired, Cap::Yes, &[]);
    check("Unable to initialize the authorization context", C::GraphForbidden, Cap::No, &[]);
    check("Connect: User was not found.", C::RelationshipMissing, Cap::No, &[]);
}

#[test]
fn a_number_that_was_cut_is_none() {
    use Class as C;
    for whole in [entra(530_034), entra(500_112), entra(700_082)] {
        let want = pasted(&whole);
        for at in 1..whole.len() {
            let failure = pasted(&whole[..at]);
            let right =
                failure.class == want.class || matches!(failure.class, C::Unknown | C::InteractionRequiredUnknown);
            assert!(right && failure.cap == Cap::No, "{}: {failure:?}", &whole[..at]);
        }
    }
    check("AADSTS53003", C::CapBlock, Cap::Yes, &[53_003]);
}

fn entra(code: u32) -> String {
    format!(
        r#"{{"error":"invalid_grant","error_codes":[{code}],"error_description":"AADSTS{code}: said.\r\nTrace ID: {TRACE}"}}"#
    )
}

#[test]
fn ids_survive_every_wrapping_and_placeholders_are_none() {
    let glued = format!("AADSTS70016: x.Trace ID: {TRACE}Correlation ID: {CORRELATION}Timestamp: 2026-01-31 12:00:00Z");
    let wrapped = glued.replace("4324", "43\n24").replace("8ad0", "8a\r\nd0");
    let upper = glued.replace(TRACE, &TRACE.to_uppercase());
    let encoded =
        format!("https://x.example/?error=x&error_description={}", glued.replace(' ', "+").replace(':', "%3A"));
    for text in [&glued, &wrapped, &upper, &encoded] {
        let failure = pasted(text);
        assert_eq!(failure.trace_id.as_deref(), Some(TRACE), "{text}");
        assert_eq!(failure.correlation_id.as_deref(), Some(CORRELATION), "{text}");
        assert_eq!(failure.at.to_string(), "2026-01-31T12:00:00Z", "{text}");
    }
    for nothing in ["[redacted]", "", "3a...5a", "00000000-0000-0000-0000-000000000000", "eyJhbGciOiJub25lIn0"] {
        let failure =
            pasted(&format!(r#"{{"error":"invalid_grant","correlation_id":"{nothing}","trace_id":"{nothing}"}}"#));
        assert_eq!((failure.correlation_id, failure.trace_id), (None, None), "{nothing}");
    }
}

#[test]
fn only_ids_inside_the_policy_claims_are_policies() {
    let text = format!(
        "AADSTS53003 claims: {{\\\"access_token\\\":{{\\\"capolids\\\":{{\\\"values\\\":[\\\"{POLICY}\\\"]}}}}}} \
         Trace ID: {TRACE} Correlation ID: {CORRELATION}"
    );
    let cut =
        format!(r#"{{"error":"invalid_grant","claims":"{{\"access_token\":{{\"polids\":{{\"values\":[\"{POLICY}\","#);
    let object =
        format!(r#"{{"error":"invalid_grant","claims":{{"access_token":{{"CAPolIds":{{"Values":["{POLICY}"]}}}}}}}}"#);
    for body in [text, cut, object] {
        let ids: Vec<String> = pasted(&body).policies.iter().map(ToString::to_string).collect();
        assert_eq!(ids, [POLICY], "{body}");
    }
    let empty = r#"{"error":"invalid_grant","claims":"{\"access_token\":{\"capolids\":{}}}"}"#;
    check(empty, Class::MfaRequired, Cap::Yes, &[]);
    check(
        r#"{"error":"invalid_grant","claims":"{\"access_token\":{\"xms_cc\":{}}}"}"#,
        Class::InteractionRequiredUnknown,
        Cap::No,
        &[],
    );
}

#[test]
fn utf16_and_a_mark_at_the_start_do_no_harm() {
    let body = r#"{"error_codes":[53003]}"#;
    let little: Vec<u8> = [0xff, 0xfe].into_iter().chain(body.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big: Vec<u8> = [0xfe, 0xff].into_iter().chain(body.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let marked = format!("\u{feff}{body}").into_bytes();
    for bytes in [little, big, marked] {
        let answer =
            Answer { status: Some(400), headers: &[], body: &bytes, hop: Hop::Customer, service: Service::Entra };
        assert_eq!(classify(answer, now()).codes, [53_003]);
    }
}

#[test]
fn headers_tell_what_the_body_does_not() {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let of = |headers: &[(String, String)], status, service| {
        classify(Answer { status: Some(status), headers, body: b"", hop: Hop::Customer, service }, now())
    };
    let entra = of(
        &[
            header("X-Ms-Clitelem", "1,50173,0,604687.0128,"),
            header("x-ms-request-id", TRACE),
            header("Date", "Thu, 26 Jan 2023 07:53:55 GMT"),
        ],
        400,
        Service::Entra,
    );
    assert_eq!((entra.class, entra.trace_id.as_deref()), (Class::RefreshTokenRevoked, Some(TRACE)));
    assert_eq!(entra.at.to_string(), "2023-01-26T07:53:55Z");
    let bearer = |claims: &str| {
        header("WWW-Authenticate", &format!("Bearer error=\"insufficient_claims\", claims=\"{claims}\""))
    };
    // {"access_token":{"nbf":{"essential":true, "value":"1604106651"}}}: a revocation, no policy.
    let nbf = bearer("eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7ImVzc2VudGlhbCI6dHJ1ZSwgInZhbHVlIjoiMTYwNDEwNjY1MSJ9fX0=");
    let nbf = of(&[nbf], 401, Service::Graph);
    assert_eq!((nbf.class, nbf.cap, nbf.owner), (Class::GraphClaimsChallenge, Cap::No, Owner::Retry));
    assert!(!nbf.raw.contains("eyJ") && nbf.raw.contains("insufficient_claims"), "{}", nbf.raw);
    let place = r#"{"error":{"code":"InvalidAuthenticationToken","message":"Continuous access evaluation resulted in claims challenge with result: InteractionRequired and code: LocationConditionEvaluationSatisfied"}}"#;
    let place = pasted(place);
    assert_eq!((place.class, place.cap, place.owner), (Class::GraphClaimsChallenge, Cap::Yes, Owner::CustomerAdmin));
}

#[test]
fn partner_center_is_always_our_own_tenant() {
    for (body, class, cap, code) in [
        (
            r#"{"code":900309,"description":"blocked","source":"PartnerFD"}"#,
            Class::PartnerCenterForbidden,
            Cap::Yes,
            900_309,
        ),
        (r#"{"Code":"900421","Description":"x","Data":null}"#, Class::PartnerCenterMfa, Cap::No, 900_421),
        ("Partner Center said 900421", Class::PartnerCenterMfa, Cap::No, 900_421),
        ("Get-Partner : 1002 Authorization Failed", Class::PartnerCenterForbidden, Cap::No, 1002),
    ] {
        let failure = pasted(body);
        assert_eq!((failure.class, failure.cap), (class, cap), "{body}");
        assert_eq!((failure.hop, failure.owner), (Hop::Partner, Owner::Partner), "{body}");
        assert_eq!((failure.service, failure.codes.first()), (Service::PartnerCenter, Some(&code)), "{body}");
    }
    assert_eq!(pasted("room 900421 is taken").class, Class::Unknown);
}

#[test]
fn a_refusal_of_our_own_tenant_is_never_a_customers() {
    let of = |body: &str| {
        let body = body.as_bytes();
        classify(Answer { status: Some(400), headers: &[], body, hop: Hop::Partner, service: Service::Entra }, now())
    };
    let own = of(r#"{"error":"invalid_grant","error_codes":[53003]}"#);
    assert_eq!((own.class, own.cap, own.owner), (Class::CapBlock, Cap::Yes, Owner::Partner));
    assert_eq!(of(r#"{"error":"invalid_grant"}"#).class, Class::RefreshTokenInvalid);
    assert_eq!(of(r#"{"error":"invalid_grant","error_codes":[50034]}"#).class, Class::ServiceUser);
    let person = of(r#"{"error":"interaction_required"}"#);
    assert_eq!((person.class, person.cap, person.owner), (Class::InteractionRequiredUnknown, Cap::No, Owner::Partner));
}

#[test]
fn no_member_carries_a_secret_or_a_name() {
    let secret = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJ4In0.c2lnbmF0dXJl";
    for place in
        ["error", "suberror", "code", "trace_id", "correlation_id", "error_description", "claims", "x", "error_codes"]
    {
        for value in [secret, "anna@contoso.example"] {
            let failure =
                pasted(&format!(r#"{{"{place}":"{value}","timestamp":"{value}","error":{{"code":"{value}"}}}}"#));
            let said = serde_json::to_string(&failure).unwrap();
            assert!(!said.contains("eyJ") && !said.contains("anna@"), "{place}: {said}");
        }
    }
}

#[test]
fn codes_of_graph_are_read_from_the_outside_in_and_out_of_log_lines() {
    let inside = r#"{"error":{"InnerError":{"code":"Authorization_RequestDenied"},"code":"BadRequest"}}"#;
    check(inside, Class::RequestBug, Cap::No, &[]);
    let log = r#"level=error msg="{\"error\":{\"code\":\"Request_UnsupportedQuery\"}}""#;
    check(log, Class::RequestBug, Cap::No, &[]);
}
