use uuid::Uuid;

use super::*;
use crate::failure::{Class, Failure, Hop, Owner, Service};
use crate::model::{Change, Customer, Key, RunId, SetOutcome, State, TenantRow, Totals};

fn at(text: &str) -> Timestamp {
    format!("{text}T00:00:00Z").parse().unwrap()
}

const NOW: &str = "2026-11-23";

fn id(n: u128) -> TenantId {
    TenantId::new(Uuid::from_u128(n))
}

fn gdap(status: GdapStatus, ends: &str, auto_extends: bool) -> Gdap {
    Gdap { status, ends_at: (!ends.is_empty()).then(|| at(ends)), auto_extends, roles: Vec::new() }
}

/// A partner with these relationships; the last customer has none.
fn fleet(relations: &[Gdap]) -> Fleet {
    let mut fleet = Fleet::default();
    let partner = || PartnerName::from("emea");
    let customers = (0..=relations.len() as u128)
        .map(|n| Customer { tenant: id(n), name: format!("T{n}").into(), domain: Text::default() })
        .collect();
    fleet.apply(&Change::Listed { partner: partner(), at: at(NOW), customers });
    let relations = (0..).zip(relations).map(|(n, gdap)| Related { tenant: id(n), gdap: gdap.clone() }).collect();
    fleet.apply(&Change::Relations { partner: partner(), at: at(NOW), relations });
    fleet
}

fn line(row: &Expiry<'_>) -> String {
    let days = row.days.map_or_else(|| "-".to_owned(), |days| days.to_string());
    let problem = if row.is_problem() { " !" } else { "" };
    format!("{} {} {} {days}{problem}", row.of(), row.ends.words(), row.state.word())
}

#[test]
fn all_that_ends_stands_in_the_order_in_which_it_ends() {
    use GdapStatus::{Active, Ended, Unknown, Waiting};
    let mut fleet = fleet(&[
        gdap(Active, "2027-06-01", false),
        gdap(Active, "2026-12-23", false),
        gdap(Active, "2026-12-22", false),
        gdap(Active, "2026-12-01", true),
        gdap(Active, "2026-11-02", false),
        gdap(Ended, "2026-10-02", true),
        gdap(Ended, "2027-10-02", false),
        gdap(Waiting, "", false),
        gdap(Unknown, "2027-01-01", false),
    ]);
    fleet.apply(&Change::PartnerSignedIn { partner: "emea".into(), at: at("2026-11-22") });
    let credentials = Credentials {
        stored_at: Some(at("2026-09-12")),
        app_key: AppKey::Secret,
        app_key_ends: Some(at("2027-01-22")),
        trouble: None,
    };
    fleet.apply(&Change::Credentials { partner: "emea".into(), credentials });
    let rows: Vec<String> = Expiry::all(&fleet, at(NOW)).iter().map(line).collect();
    let expected = [
        "T6 GDAP ENDED - !",
        "T9 GDAP MISSING - !",
        "T5 GDAP ENDED -52 !",
        "T4 GDAP ENDED -21 !",
        "T3 GDAP EXTENDS 8",
        "T2 GDAP SOON 29 !",
        "T1 GDAP OK 30 !",
        "T8 GDAP UNKNOWN 39",
        "emea secret OK 60 !",
        "emea refresh token OK 89",
        "T0 GDAP OK 190",
        "T7 GDAP WAITING - !",
        "emea MFA AGE -72",
    ];
    assert_eq!(rows, expected);
}

#[test]
fn a_partner_without_relationships_says_nothing_of_its_customers() {
    let fleet = fleet(&[]);
    assert!(fleet.tenants.values().all(|tenant| tenant.gdap.is_none()));
    assert!(Expiry::all(&fleet, at(NOW)).is_empty());
}

fn refused(fleet: &mut Fleet, n: u128, class: Class, owner: Owner, day: &str) {
    let failure = Failure { owner, ..Failure::local(class, Service::Entra, Hop::Customer, "", at(day)) };
    let failed = || SetOutcome::Failed(Box::new(failure.clone()));
    fleet.apply(&Change::JobDone {
        run: RunId(1),
        tenant: Key { partner: "emea".into(), tenant: id(n) },
        at: at(day),
        users: failed(),
        skus: failed(),
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    });
}

#[test]
fn what_the_list_said_explains_a_refusal_of_that_day_alone() {
    use GdapStatus::{Active, Ended, Waiting};
    let cases = [
        (
            Class::RelationshipMissing,
            gdap(Ended, "2026-11-02", false),
            NOW,
            State::NoAccess,
            "GDAP ended",
            Owner::Partner,
        ),
        (Class::InteractionRequiredUnknown, gdap(Ended, "", false), NOW, State::NoAccess, "GDAP ended", Owner::Partner),
        (
            Class::GraphTokenRejected,
            gdap(Active, "2026-11-02", false),
            NOW,
            State::NoAccess,
            "GDAP ended",
            Owner::Partner,
        ),
        (
            Class::RelationshipMissing,
            gdap(Waiting, "", false),
            NOW,
            State::NoAccess,
            "GDAP waiting",
            Owner::CustomerAdmin,
        ),
        (Class::RelationshipMissing, gdap(Active, "2027-11-02", false), NOW, State::NoAccess, "GDAP", Owner::Partner),
        // What auto-extends has not ended, whatever its date says.
        (Class::RelationshipMissing, gdap(Active, "2026-11-02", true), NOW, State::NoAccess, "GDAP", Owner::Partner),
        (Class::CapBlock, gdap(Ended, "2026-11-02", false), NOW, State::Blocked, "policy", Owner::Partner),
        // The list was read days before: it may hold again, or no more.
        (
            Class::InteractionRequiredUnknown,
            gdap(Ended, "", false),
            "2026-11-26",
            State::Blocked,
            "sign-in",
            Owner::Partner,
        ),
    ];
    for (class, gdap, day, state, cause, owner) in cases {
        let mut fleet = fleet(std::slice::from_ref(&gdap));
        refused(&mut fleet, 0, class, Owner::Partner, day);
        let tenant = fleet.tenants.values().next().unwrap();
        let row = TenantRow::of(&fleet, tenant, at(day));
        assert_eq!((row.state, row.cause.as_ref(), row.owner), (state, cause, Some(owner)), "{class:?} {gdap:?}");
    }
}

#[test]
fn a_customer_without_a_relationship_is_not_one_of_most() {
    let active = gdap(GdapStatus::Active, "2027-11-02", false);
    let mut fleet = fleet(&[active.clone(), active.clone(), active]);
    for n in 0..4 {
        refused(&mut fleet, n, Class::InteractionRequiredUnknown, Owner::CustomerAdmin, NOW);
    }
    let states: Vec<State> = fleet.tenants.values().map(|tenant| fleet.state(tenant, at(NOW))).collect();
    assert_eq!(states, [State::OurAuth, State::OurAuth, State::OurAuth, State::NoAccess]);
}

#[test]
fn what_is_kept_is_read_by_older_and_newer_programs() {
    let gdap: Gdap = serde_json::from_str(r#"{"status":"frozen","added":1}"#).unwrap();
    assert_eq!((gdap.status, gdap.ends_at, gdap.at(at(NOW))), (GdapStatus::Unknown, None, Relation::Unknown));
    let relations = vec![Related { tenant: id(1), gdap: self::gdap(GdapStatus::Active, "2027-01-01", true) }];
    let credentials =
        Credentials { stored_at: None, app_key: AppKey::Certificate, app_key_ends: Some(at(NOW)), trouble: None };
    let mut old = serde_json::to_value(Partner::new("emea".into())).unwrap();
    for new in ["relations_at", "relations_tried_at", "relations_failing", "credentials"] {
        assert!(old.as_object_mut().unwrap().remove(new).is_some(), "{new}");
    }
    assert_eq!(serde_json::from_value::<Partner>(old).unwrap(), Partner::new("emea".into()));
    for change in [
        Change::Relations { partner: "emea".into(), at: at(NOW), relations },
        Change::Credentials { partner: "emea".into(), credentials },
    ] {
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change, "{text}");
    }
}
