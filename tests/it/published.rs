//! The published answers: what Entra, Graph and Partner Center were seen to say. They are not part of this repository.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use tenantop::cli::explain;
use tenantop::failure::{Answer, Cap, Failure, Hop, Service, classify};
use tenantop::model::Catalog;

/// Where the published answers lie.
pub(crate) fn reference() -> PathBuf {
    let dir = PathBuf::from(std::env::var_os("TENANTOP_REFERENCE").unwrap_or_default());
    assert!(dir.is_dir(), "TENANTOP_REFERENCE names the folder of published answers, not `{}`", dir.display());
    dir
}

#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn every_published_answer_is_classified_right() {
    let text = std::fs::read_to_string(reference().join("token-errors.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let body = match &case["body"] {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            body @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => body.to_string(),
        };
        let headers: Vec<(String, String)> = case["headers"].as_object().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
                .collect()
        });
        let failure = classify(
            Answer {
                status: case["status"].as_u64().map(|status| u16::try_from(status).unwrap()),
                headers: &headers,
                body: body.as_bytes(),
                hop: if case["hop"] == "partner" { Hop::Partner } else { Hop::Customer },
                service: Service::Unknown,
            },
            Timestamp::UNIX_EPOCH,
        );
        let expect = &case["expect"];
        let accepted = |field: &str, also: &str, got: &str| {
            expect[field] == got || expect[also].as_array().is_some_and(|list| list.iter().any(|one| one == got))
        };
        let cap = failure.cap == Cap::Yes;
        if !accepted("class", "class_also", failure.class.name())
            || !accepted("owner", "owner_also", failure.owner.name())
            || expect["cap"] != cap
        {
            wrong.push(format!(
                "{}: {} {} {cap}, expected {expect}",
                case["id"],
                failure.class.name(),
                failure.owner.name()
            ));
        }
        seen += 1;
    }
    assert!(seen > 40, "{seen} answers");
    assert!(wrong.is_empty(), "{} of {seen} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(reference().join("token-errors.jsonl")).unwrap();
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The text of a case's body, pasted without what came around it.
fn pasted(body: &str) -> Failure {
    let answer =
        Answer { status: None, headers: &[], body: body.as_bytes(), hop: Hop::Customer, service: Service::Unknown };
    classify(answer, Timestamp::UNIX_EPOCH)
}

fn is_class(case: &Value, failure: &Failure) -> bool {
    let expect = &case["expect"];
    expect["class"] == failure.class.name()
        || expect["class_also"].as_array().is_some_and(|list| list.iter().any(|one| one == failure.class.name()))
}

/// The file of published answers is a file of envelopes: `explain` says of each line what the classifier says.
#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn explain_reads_the_file_of_published_answers() {
    let text = std::fs::read_to_string(reference().join("token-errors.jsonl")).unwrap();
    let cases = cases();
    let failures = explain::read(&[], &text, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(failures.len(), cases.len());
    for (case, failure) in cases.iter().zip(&failures) {
        assert!(is_class(case, failure), "{}: {failure:?}", case["id"]);
    }
    let words = explain::run(&[], &text, Timestamp::UNIX_EPOCH, false).unwrap();
    assert_eq!(words.matches("Who acts: ").count(), cases.len());
}

/// Whatever a console, a log or a cut does to an answer: what is no policy's stays so, and what is only wrapped,
/// escaped or nested is still understood.
#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn damaged_published_answers_are_never_called_a_policys() {
    for case in cases().iter().filter(|case| !case["body"].is_null()) {
        let body = case["body"].as_str().map_or_else(|| case["body"].to_string(), str::to_owned);
        let wrapped: Vec<String> =
            body.chars().collect::<Vec<_>>().chunks(79).map(|line| line.iter().collect()).collect();
        let log = format!("msg={} retry=0", Value::String(body.clone()));
        let nested = serde_json::json!({ "response": { "body": body.clone() } }).to_string();
        let envelope = serde_json::json!({ "status": case["status"], "headers": case["headers"], "body": body });
        for whole in [wrapped.join("\r\n"), log, nested] {
            assert!(is_class(case, &pasted(&whole)), "{}: {whole}", case["id"]);
        }
        let explained = explain::read(&[], &envelope.to_string(), Timestamp::UNIX_EPOCH).unwrap();
        assert!(is_class(case, &explained[0]), "{}: {envelope}", case["id"]);
        if case["expect"]["cap"] == true {
            continue;
        }
        for at in (0..body.len()).filter(|at| body.is_char_boundary(*at)) {
            let (start, end) = body.split_at(at);
            for damaged in [start.to_owned(), end.to_owned(), format!("{start}\0{end}"), format!("{end}{start}")] {
                assert_ne!(pasted(&damaged).cap, Cap::Yes, "{}: {damaged}", case["id"]);
            }
        }
    }
}

/// The rows of a published table: id to code.
fn codes(file: &str) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_path(reference().join(file)).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| (row[0].to_lowercase(), row[1].to_owned())).collect()
}

/// The built-in names are of products and service plans that exist, under the part numbers that they have.
#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published tables"]
fn every_built_in_name_is_of_a_published_product_or_plan() {
    let (products, plans) = (codes("sku-names.csv"), codes("service-plans.csv"));
    let mut wrong = Vec::new();
    for (id, part, name) in Catalog::builtin_products() {
        if products.get(&id.to_string()).map(String::as_str) != Some(part) {
            wrong.push(format!("{id} {part} {name}: {:?}", products.get(&id.to_string())));
        }
    }
    for (id, code, name) in Catalog::builtin_plans() {
        if plans.get(&id.to_string()).map(String::as_str) != Some(code) {
            wrong.push(format!("{id} {code} {name}: {:?}", plans.get(&id.to_string())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(products.len() > 600 && plans.len() > 700, "the tables are whole");
}
