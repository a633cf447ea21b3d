//! The evidence bundle: what proves a refusal to others, as one JSON document with a checksum in it.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Cx, asking, kind_words, tries};
use crate::model::{DataSet, RunId, Set, Tenant, Try};

/// How whoever reads the document can check that nobody altered it.
const CHECK: &str = "sha256 is over the member `content` alone, written as JSON with sorted keys and no blanks, in UTF-8: \
                     jq -jcS .content FILE | sha256sum";

/// The document of a tenant, line by line.
pub(super) fn lines(tenant: &Tenant, cx: &Cx<'_>) -> Vec<String> {
    let at_hand = tries::at_hand(cx.fleet, &tenant.key);
    let text = document(&content(tenant, &at_hand, cx));
    text.lines().map(str::to_owned).collect()
}

/// The content under its checksum. Keys are sorted, so the same content is the same text.
fn document(content: &Value) -> String {
    let document = json!({
        "about": "What tenantop knows of a refused import. Secrets and user names were taken out of the raw answers \
                  when they were read.",
        "check": CHECK,
        "content": content,
        "sha256": checksum(content),
    });
    format!("{document:#}")
}

/// SHA-256 over a value as JSON with sorted keys and without blanks.
fn checksum(content: &Value) -> String {
    Sha256::digest(content.to_string().as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn content(tenant: &Tenant, at_hand: &BTreeMap<RunId, Try>, cx: &Cx<'_>) -> Value {
    let us = asking::us(tenant, cx);
    let row = crate::model::TenantRow::of(cx.fleet, tenant, cx.now);
    json!({
        "made_at": stamp(cx.now),
        "made_by": cx.options.operator,
        "tenantop": env!("CARGO_PKG_VERSION"),
        "tenant": {
            "id": tenant.key.tenant.to_string(),
            "name": tenant.name,
            "domain": tenant.domain,
            "state": row.state.name(),
            "tried_at": tenant.tried_at.map(stamp),
        },
        "partner": {
            "name": tenant.key.partner.0,
            "tenant_id": us.tenant.map(|id| id.to_string()),
            "app": filled(&us.app),
            "app_id": us.app_id.map(|id| id.to_string()),
            "account": filled(&us.account),
            "address": filled(&us.address),
        },
        "users": set(&tenant.users),
        "skus": set(&tenant.skus),
        "ticket": tenant.ticket,
        "tries": at_hand.values().rev().map(one).collect::<Vec<_>>(),
        "tries_are": "those in the runs that the console holds, the newest first",
    })
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// A time, exact to the second.
fn stamp(at: Timestamp) -> String {
    crate::tui::words::exact(at)
}

fn set(set: &DataSet) -> Value {
    json!({
        "good": set.good.as_ref().map(|good| json!({ "at": stamp(good.at), "count": good.count, "run": good.run.0 })),
        "refused": set.failing.as_ref().map(|failing| json!({
            "since": stamp(failing.since),
            "tries": failing.tries,
            "answer": failing.failure,
        })),
    })
}

fn one(one: &Try) -> Value {
    let refused = tries::refusal(&one.job).map(|(set, failure)| {
        let set = match set {
            Set::Users => "users",
            Set::Skus => "skus",
        };
        json!({ "set": set, "answer": failure })
    });
    json!({
        "run": one.run.0,
        "kind": kind_words(one.kind),
        "by": one.by,
        "reason": one.reason,
        "at": stamp(one.at()),
        "ended_at": one.job.ended_at.map(stamp),
        "state": super::run::state_word(one.job.state).to_lowercase(),
        "refused": refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Answer, Hop, Service, classify};
    use crate::tui::tests::{Desk, sample};

    /// Reads a document back and checks it as its own words say.
    fn checked(text: &str) -> Value {
        let document: Value = serde_json::from_str(text).unwrap();
        let content = &document["content"];
        assert_eq!(document["sha256"], Value::String(checksum(content)));
        content.clone()
    }

    #[test]
    fn a_bundle_is_checked_by_its_own_words_and_a_change_is_seen() {
        let content = json!({ "b": [1, null, "\u{fc}"], "a": { "z": true, "y": "x" } });
        assert_eq!(
            content.to_string(),
            "{\"a\":{\"y\":\"x\",\"z\":true},\"b\":[1,null,\"\u{fc}\"]}",
            "keys are sorted"
        );
        assert_eq!(
            checksum(&json!({})),
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "that of two brackets"
        );
        let text = document(&content);
        assert_eq!(checked(&text), content);
        let altered: Value = serde_json::from_str(&text.replace("true", "false")).unwrap();
        assert_ne!(altered["sha256"], Value::String(checksum(&altered["content"])));
    }

    #[test]
    fn no_secret_of_an_answer_is_in_it() {
        let token = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJvaWQiOiJhZG1pbiJ9.c2VjcmV0c2VjcmV0c2VjcmV0";
        let body = format!(
            "{{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS53003: blocked for jane@adatum.example\",\
             \"error_codes\":[53003],\"access_token\":\"{token}\",\"refresh_token\":\"0.AXsAsecretsecretsecret\"}}"
        );
        let answer = Answer {
            status: Some(400),
            headers: &[],
            body: body.as_bytes(),
            hop: Hop::Customer,
            service: Service::Entra,
        };
        let failure = classify(answer, sample::now());
        let mut fleet = sample::fleet();
        let key = sample::key("emea", 1);
        if let Some(failing) = fleet.tenants.get_mut(&key).and_then(|tenant| tenant.users.failing.as_mut()) {
            std::sync::Arc::make_mut(failing).failure = failure;
        }
        let tenant = fleet.tenants[&key].clone();
        let options = crate::tui::tests::options();
        let notes = crate::tui::screens::Notes::default();
        let text = lines(&tenant, &Cx::new(&fleet, sample::now(), &options, &notes)).join("\n");
        for secret in [token, "c2VjcmV0", "0.AXsA", "jane@adatum.example"] {
            assert!(!text.contains(secret), "{secret}");
        }
        let content = checked(&text);
        assert_eq!(content["users"]["refused"]["answer"]["codes"], json!([53003]));
        assert!(content["users"]["refused"]["answer"]["raw"].as_str().unwrap().contains("AADSTS53003"));
    }

    #[test]
    fn a_bundle_is_one_file() {
        let mut desk = Desk::new().keys("<Down>ex");
        let said = desk.row(22);
        assert!(said.contains("exported") && said.contains("tenantop-evidence-20261123T"), "{said}");
        let text = desk.file();
        let content = checked(&text);
        assert_eq!(content["tenant"]["name"], "Adatum Gesundheit GmbH");
        assert_eq!(content["partner"]["address"], "203.0.113.24");
        assert_eq!(content["users"]["refused"]["answer"]["policies"].as_array().unwrap().len(), 2);
        assert_eq!(content["tries"].as_array().unwrap().len(), 2);
        let sum = checksum(&content);
        let version = format!("\"tenantop\": \"{}\"", env!("CARGO_PKG_VERSION"));
        assert!(text.contains(&version));
        insta::assert_snapshot!(text.replace(&version, "\"tenantop\": \"0.0.0\"").replace(&sum, "(its sum)"));
    }
}
