//! The published sample answers: each decodes, or is refused with a clear error. They are not part of this repository.

use jiff::Timestamp;
use serde_json::Value;
use tenantop::cloud::{decode_customers, decode_skus, decode_users};
use tenantop::failure::{Answer, Cap, Class, Hop, Service, classify};

use crate::published::reference;

/// A page of what: told by the file's name and what is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Users,
    Skus,
    Customers,
    Error,
    /// Something that tenantop never asks for.
    Other,
}

fn kind(name: &str, body: &Value) -> Kind {
    let of = |start: &str| name.starts_with(start);
    let rows = body["value"].is_array();
    match () {
        () if name.contains("error") => Kind::Error,
        () if of("graph-users-") && rows => Kind::Users,
        () if of("graph-subscribedskus") && rows => Kind::Skus,
        () if of("partnercenter-customers-page") => Kind::Customers,
        () => Kind::Other,
    }
}

#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn every_sample_decodes_or_is_refused_with_a_clear_error() {
    let dir = reference().join("samples");
    let mut seen = std::collections::BTreeMap::new();
    let mut told = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let body = std::fs::read(&path).unwrap();
        let json: Value = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body)).unwrap();
        let kind = kind(&name, &json);
        *seen.entry(format!("{kind:?}")).or_insert(0) += 1;
        // None of the three readers takes another's page, an error or half a page for a list; none panics.
        let results = [
            (Kind::Users, decode_users(&body).map(|(rows, _)| rows.len())),
            (Kind::Skus, decode_skus(&body).map(|(rows, _)| rows.len())),
            (Kind::Customers, decode_customers(&body).map(|(rows, _, _)| rows.len())),
        ];
        for (reader, result) in results {
            match result {
                Ok(rows) if reader == kind => {
                    let list = if reader == Kind::Customers { &json["items"] } else { &json["value"] };
                    assert_eq!(rows, list.as_array().unwrap().len(), "{name}: every row is there");
                }
                Ok(_) => assert_ne!(kind, Kind::Error, "{name}: an error is no list of {reader:?}"),
                Err(why) => {
                    assert!(!why.is_empty() && !why.contains("Bearer"), "{name}: {why}");
                    if reader == kind {
                        told.push(format!("{name}: {why}"));
                    }
                }
            }
            for cut in [1, body.len() / 2, body.len() - 3] {
                let half = &body[..cut];
                assert!(decode_users(half).is_err() && decode_skus(half).is_err(), "{name} cut at {cut}");
                assert!(decode_customers(half).is_err(), "{name} cut at {cut}");
            }
        }
        if kind == Kind::Error {
            let status = name.split('-').find_map(|part| part.parse::<u16>().ok()).filter(|s| (400..600).contains(s));
            let service = if name.starts_with("graph") { Service::Graph } else { Service::Unknown };
            let failure = classify(
                Answer { status: status.or(Some(400)), headers: &[], body: &body, hop: Hop::Customer, service },
                Timestamp::UNIX_EPOCH,
            );
            assert!(failure.class != Class::Unknown || failure.cap != Cap::Yes, "{name}: {failure:?}");
            assert!(failure.error.is_some() || !failure.raw.is_empty(), "{name} says something: {failure:?}");
        }
    }
    // One sample was printed without the ids of its users.
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(told[0].contains("a user has no id"), "{told:#?}");
    for kind in ["Users", "Skus", "Customers", "Error", "Other"] {
        assert!(seen.get(kind).is_some_and(|count| *count > 0), "{kind}: {seen:?}");
    }
}
