//! The published sample answers: each decodes, or is refused with a clear error. They are not part of this repository.

use jiff::Timestamp;
use serde_json::Value;
use tenantop::cloud::{decode_commerce, decode_customers, decode_skus, decode_subscriptions, decode_users};
use tenantop::failure::{Answer, Cap, Class, Hop, Service, classify};
use tenantop::model::{Basis, Catalog, Finding, LicenseRow, SkuCount};

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

/// The row that a SKU of a published answer makes, where users hold what Graph counts.
fn row(sku: &tenantop::model::Sku) -> LicenseRow {
    let counts = SkuCount::from(sku);
    let held = counts.consumed.and_then(|consumed| u64::try_from(consumed).ok());
    LicenseRow { sku_id: sku.sku_id, sku: Some(counts), held, sold: None, offer: None, basis: Basis::WHOLE }
}

#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn published_counts_make_the_right_license_rows() {
    let read = |name: &str| std::fs::read(reference().join("samples").join(name)).unwrap();
    // Before 2022 answers had no lockedOut: it is unknown, and no count is lost for it.
    for (name, locked_out) in
        [("graph-subscribedskus-2021.json", None), ("graph-subscribedskus-two-skus.json", Some(0))]
    {
        let (skus, _) = decode_skus(&read(name)).unwrap();
        let rows: Vec<LicenseRow> = skus.iter().map(row).collect();
        let counts: Vec<_> = rows
            .iter()
            .map(|row| {
                let sku = row.sku.as_ref().unwrap();
                (sku.purchased(), sku.consumed, sku.unassigned(), sku.off(), sku.prepaid.locked_out)
            })
            .collect();
        let want =
            [(Some(25), Some(14), Some(11), Some(0), locked_out), (Some(0), Some(14), Some(-14), Some(25), locked_out)];
        assert_eq!(counts, want, "{name}");
        assert_eq!(Finding::of(&rows[0], &Catalog::default()), Finding::Fine, "{name}");
        assert_eq!(Finding::of(&rows[1], &Catalog::default()), Finding::Over(14), "{name}: 14 of 0 with 25 suspended");
    }
}

#[test]
#[ignore = "needs TENANTOP_REFERENCE: the published answers"]
fn published_subscriptions_are_read_and_what_has_no_seats_is_left_out() {
    let read = |name: &str| std::fs::read(reference().join("samples").join(name)).unwrap();
    let body = read("partnercenter-customer-subscriptions-nce.json");
    let json: Value = serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body)).unwrap();
    let software = json["items"].as_array().unwrap().iter().filter(|item| item["productType"]["id"] == "Software");
    let (rows, _) = decode_subscriptions(&body).unwrap();
    assert_eq!(rows.len() + software.count(), json["items"].as_array().unwrap().len());
    let (joins, _) = decode_commerce(&read("graph-directory-subscriptions.json")).unwrap();
    assert_eq!(joins[0].id.as_deref(), Some("f9c1ea2d-2c6e-4717-8c3b-7130812d70ba"));
    assert!(joins[0].sku_id.is_some());
}
