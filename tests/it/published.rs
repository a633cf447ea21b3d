//! The published answers: what Entra, Graph and Partner Center were seen to say. They are not part of this repository.

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::Value;
use tenantop::failure::{Answer, Cap, Hop, Service, classify};

/// Where the published answers lie.
pub(crate) fn reference() -> PathBuf {
    let dir = std::env::var_os("TENANTOP_REFERENCE").expect("TENANTOP_REFERENCE names the folder of published answers");
    let dir = PathBuf::from(dir);
    assert!(dir.is_dir(), "{} is a folder", dir.display());
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
            body => body.to_string(),
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
