use proptest::prelude::*;
use serde_json::json;

use super::*;

fn now() -> Timestamp {
    Timestamp::from_second(1_763_000_000).unwrap()
}

fn rows(codes: &[&str], stdin: &str) -> Vec<Value> {
    let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
    let out = run(&codes, stdin, now(), true).unwrap();
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The class of each answer in a text.
fn check(stdin: &str, want: &[&str]) {
    let got: Vec<String> = rows(&[], stdin).iter().map(|row| row["class"].as_str().unwrap().to_owned()).collect();
    assert_eq!(got, want, "{stdin}");
}

const BODY: &str = r#"{"error":"invalid_grant","error_description":"AADSTS53003: no.\r\nTrace ID: 31eaf6eb-f2d8-4324-8d9f-0ddf70734101\r\nCorrelation ID: 2bd41f9f-0ec3-44e8-8ad0-f34262084004\r\nTimestamp: 2026-01-31 12:00:00Z","error_codes":[53003],"suberror":"message_only","claims":"{\"access_token\":{\"capolids\":{\"values\":[\"3F0C6A52-8d1e-4b7a-9c55-0e2f6b1d7a90\"]}}}"}"#;

#[test]
fn a_row_is_what_the_contract_says() {
    let row = rows(&[], BODY).remove(0);
    let steps = row["steps"].as_array().unwrap().len();
    assert!(steps > 2);
    let mut rest = row.as_object().unwrap().clone();
    rest.remove("steps");
    assert_eq!(
        Value::Object(rest),
        json!({
            "class": "cap_block",
            "cap": true,
            "owner": "customer_admin",
            "codes": [53003],
            "policies": ["3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90"],
            "control": "block",
            "correlation_id": "2bd41f9f-0ec3-44e8-8ad0-f34262084004",
            "trace_id": "31eaf6eb-f2d8-4324-8d9f-0ddf70734101",
            "at": "2026-01-31T12:00:00Z",
            "retry": "no",
            "summary": "the customer: a Conditional Access policy blocks our sign-in",
        })
    );
    let bare = rows(&["65001"], "").remove(0);
    let names: Vec<&str> = bare.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["cap", "class", "codes", "owner", "policies", "retry", "steps", "summary"], "absent is unknown");
}

#[test]
fn what_is_probable_is_said_as_probable() {
    let row = rows(&["530099"], "").remove(0);
    assert_eq!((&row["cap"], &row["cap_probable"], &row["class"]), (&json!(false), &json!(true), &json!("cap_block")));
    assert_eq!(rows(&["53003"], "")[0].get("cap_probable"), None);
}

#[test]
fn codes_are_taken_in_every_spelling() {
    let row = rows(&["53003", "AADSTS50076", "aadsts700082", "900421", "1002", "503", "429", "99999"], "");
    let classes: Vec<&str> = row.iter().map(|row| row["class"].as_str().unwrap()).collect();
    assert_eq!(
        classes,
        [
            "cap_block",
            "mfa_required",
            "refresh_token_expired",
            "partner_center_mfa",
            "partner_center_forbidden",
            "transient",
            "throttled",
            "unknown"
        ]
    );
    for wrong in ["", "x", "AADSTS", "53003x", "-53003", "7", "123456789012", "AADSTS503", "\u{fc}\u{fc}\u{fc}\u{fc}"] {
        let refused = run(&[wrong.to_owned()], "", now(), true).unwrap_err();
        assert!(refused.contains("is no code"), "{wrong}: {refused}");
    }
}

#[test]
fn an_envelope_tells_status_headers_and_hop() {
    let of = |envelope: Value| rows(&[], &envelope.to_string()).remove(0);
    let row = of(json!({"status": 503, "body": {"error": "invalid_grant", "error_codes": [53003]}}));
    assert_eq!(row["class"], "transient");
    let row = of(json!({"status": 400, "hop": "partner", "body": BODY}));
    assert_eq!((&row["class"], &row["owner"]), (&json!("cap_block"), &json!("partner")));
    let row = of(
        json!({"status": 401, "headers": {"WWW-Authenticate": ["Basic", "Bearer error=\"insufficient_claims\""]}, "body": null}),
    );
    assert_eq!(row["class"], "graph_claims_challenge");
    let row = of(json!({"status": 400, "headers": {"X-Ms-Clitelem": "1,50173,0,1,"}, "body": "<html>cut"}));
    assert_eq!(row["class"], "refresh_token_revoked");
}

#[test]
fn one_answer_is_one_however_many_lines_it_takes() {
    let pretty = serde_json::to_string_pretty(&serde_json::from_str::<Value>(BODY).unwrap()).unwrap();
    check(&pretty, &["cap_block"]);
    check("AADSTS53003: no.\nTrace ID: 31eaf6eb\nCorrelation ID: x\nTimestamp: 2026-01-31 12:00:00Z\n", &["cap_block"]);
    check(
        "Hello team,\n\nsince Monday we see this:\n\n  AADSTS65001: no consent\n\nRegards, A.\n",
        &["consent_missing"],
    );
    check("AADSTS70002: Error validating credentials.\nAADSTS50126: wrong password\n", &["service_user"]);
    check(
        "Invoke-RestMethod : {\"error\":\"invalid_gra\nnt\",\"error_codes\":[500\n11],\"error_description\":\"AADSTS50011: x\"}\nAt line:1 char:1\n",
        &["request_bug"],
    );
    check(
        "boom {\"error_codes\":[50011],\"error_description\":\"AADSTS50011: x\nAADSTS53003: y\",\"z\":1}\n",
        &["request_bug"],
    );
    check(&format!("az: error\n{pretty}\nsee the log"), &["cap_block"]);
}

#[test]
fn several_answers_are_several() {
    let line = r#"{"error_codes":[65001]}"#;
    check(&format!("{BODY}\n\n{line}\n"), &["cap_block", "consent_missing"]);
    check(&format!("[{BODY},{line}]"), &["cap_block", "consent_missing"]);
    check("53003\nAADSTS65001\n", &["cap_block", "consent_missing"]);
    check(
        "AADSTS53003: a\nAADSTS65001: b\nGet-Partner : 1002 Authorization Failed",
        &["cap_block", "consent_missing", "partner_center_forbidden"],
    );
    check(
        "tenant a: AADSTS53003: x\nTrace ID: y\ntenant b: AADSTS65001: z\nTrace ID: y\n",
        &["cap_block", "consent_missing"],
    );
    check(
        "{\"error\":\"invalid_grant\",\"error_codes\":[50105],\"cut\n{\"error_codes\":[53000]}\n",
        &["assignment_missing", "cap_device"],
    );
}

#[test]
fn nothing_is_refused_and_the_unknown_is_shown() {
    assert!(run(&[], " \n", now(), false).unwrap_err().starts_with("nothing to explain"));
    let said = run(&[], "the printer is on fire, ask anna@contoso.example", now(), false).unwrap();
    assert!(said.contains("the printer is on fire, ask [mail]"), "{said}");
}

#[test]
fn words_are_those_of_the_screen() {
    let said = run(&[], BODY, now(), false).unwrap();
    insta::assert_snapshot!(said, @r"
    the customer: a Conditional Access policy blocks our sign-in
    Who acts: CUSTOMER (a Conditional Access Administrator). We cannot lift it.

    Policies that the answer named (ids only; names are the tenant's)
      3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90

    What to do
      In the policy whose id is named, in the customer's Entra admin center:
      Users > Exclude > Guest or external users > Service provider users,
      organisation: our tenant id
      Add to the exclusions, take none away; test with What If, then save.
      It lets in only users of our tenant, within their GDAP roles.

    Proof
      class       cap_block
      policy      yes
      again       no: the same request fails again
      codes       53003
      error       invalid_grant
      suberror    message_only
      control     block
      correlation 2bd41f9f-0ec3-44e8-8ad0-f34262084004
      trace       31eaf6eb-f2d8-4324-8d9f-0ddf70734101
      when        2026-01-31T12:00:00Z
    ");
}

proptest! {
    #[test]
    fn any_text_is_explained(input in "\\PC{0,200}", json in any::<bool>()) {
        let said = run(&[], &input, now(), json);
        prop_assert_eq!(said.is_err(), input.trim().is_empty());
    }

    #[test]
    fn any_lines_are_explained(lines in proptest::collection::vec("(AADSTS[0-9]{4,9}|[{}\\[\\]\":,a-z ]{0,20}|53003)", 0..8)) {
        let input = lines.join("\n");
        let said = run(&[], &input, now(), true);
        prop_assert_eq!(said.is_err(), input.trim().is_empty());
    }
}
