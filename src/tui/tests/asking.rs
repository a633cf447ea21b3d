//! What an operator does to ask a customer: the text, its languages, the ticket and its life.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Desk, options, sample};
use crate::failure::{Class, Owner, PartnerFacts};
use crate::model::{Change, Command, Event, Fleet, Key, RunId, SetOutcome, SnapshotId, Ticket, Totals};

/// The ticket of the first customer, some days old.
fn ticket(policies: &[&str]) -> Ticket {
    Ticket {
        number: "CS-4411".into(),
        asked_at: sample::ago(8 * 24, 0),
        by: "akim".into(),
        note: Some("IT lead back on 24 Nov".into()),
        policies: policies.iter().map(|id| id.parse().unwrap()).collect(),
        class: Class::CapBlock,
        closed_at: None,
        closed_by: None,
    }
}

const FIRST: &str = "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90";
const SECOND: &str = "b71d9e04-27aa-4c61-8f3d-5a6c90e4d218";
const OTHER: &str = "00000000-0000-0000-0000-00000000002a";

/// The sample, in which the first customer was asked.
fn asked(policies: &[&str]) -> Fleet {
    let mut fleet = sample::fleet();
    fleet.apply(&Change::Ticketed { tenant: sample::key("emea", 1), ticket: ticket(policies) });
    fleet
}

fn desk(policies: &[&str]) -> Desk {
    Desk::of(asked(policies), options())
}

#[test]
fn the_text_is_read_before_it_is_sent() {
    insta::assert_snapshot!("text_80", Desk::new().keys("<Down>et").picture(80, 24));
    insta::assert_snapshot!("text_120", Desk::new().keys("<Down>et").picture(120, 35));
    insta::assert_snapshot!("text_60x15", Desk::new().keys("<Down>t<PgDn>").picture(60, 15));
}

#[test]
fn every_language_is_one_key_away_and_stays() {
    let mut desk = Desk::new().keys("<Down>et");
    for (code, word) in
        [("en", "Hello,"), ("de", "Guten Tag"), ("fr", "Bonjour"), ("nl", "Goedendag"), ("en", "Hello,")]
    {
        let text = desk.text();
        assert!(text.contains(&format!("ticket text ({code})")) && text.contains(word), "{code}: {text}");
        if code != "en" {
            insta::assert_snapshot!(format!("text_{code}_80"), desk.picture(80, 24));
            insta::assert_snapshot!(format!("text_{code}_120"), desk.picture(120, 35));
            desk.look(80, 24);
        }
        desk.press("L");
    }
    desk.press("<Esc><Esc>/trey<Enter>t");
    assert!(desk.text().contains("ticket text (de)"), "the language used last: {}", desk.text());
    desk.press("<Esc>eL");
    insta::assert_snapshot!("pane_fr_120", desk.picture(120, 35));
}

#[test]
fn all_of_it_is_copied_and_the_text_stays_to_be_selected() {
    let mut desk = Desk::new().keys("<Down>t<PgDn>y");
    let copied = desk.app.take_copied().unwrap();
    assert!(copied.starts_with("License import blocked by Conditional Access - Adatum"), "the subject first: {copied}");
    assert!(copied.contains(FIRST) && copied.contains(SECOND) && copied.ends_with("Northwind Cloud Services\n"));
    assert!(desk.row(22).contains("sent to your terminal: ticket text"), "{}", desk.row(22));
    assert!(desk.row(1).contains("ticket text (en)"), "it is still there: {}", desk.text());
    let mut desk = Desk::new().keys("<Down>ey");
    let offered = desk.row(22);
    assert!(offered.contains("t ticket text") && offered.ends_with("a all text"), "all of it fits: {offered}");
    desk.press("a");
    let all = desk.app.take_copied().unwrap();
    assert!(all.contains("\nPROOF  ") && all.contains("\nBEFORE ASKING\n"), "the screen as a text: {all}");
}

#[test]
fn a_tmux_is_told_of() {
    let mut desk = Desk::of(sample::fleet(), crate::tui::Options { tmux: true, ..options() }).keys("<Down>ty");
    assert!(
        desk.row(22).ends_with("sent to your terminal: ticket text; tmux needs set-clipboard on"),
        "{}",
        desk.row(22)
    );
}

#[test]
fn where_nothing_is_to_be_sent_the_reason_is_said_and_whose_turn_it_is() {
    let mut desk = Desk::new().keys("/saimaa<Enter>t");
    insta::assert_snapshot!("nothing_80", desk.picture(80, 24));
    assert!(Desk::new().keys("/saimaa<Enter>n").row(22).contains("so it is ours"));
    let mut desk = Desk::new().keys("u/woodgrove<Enter>t");
    assert!(desk.row(22).contains("nothing is refused, so nothing is to be sent"), "{}", desk.row(22));
    let mut desk = Desk::new().keys("/fabrikam<Enter>t");
    assert!(desk.text().contains("Not part of the text: first look"), "what we look at first: {}", desk.text());
    desk.press("y");
    assert!(!desk.app.take_copied().unwrap().contains("Not part of"), "and it is not sent");
}

#[test]
fn what_is_ours_has_neither_text_nor_ticket() {
    let fleet = sample::fleet();
    let us = PartnerFacts::default();
    let all = crate::failure::CODES.iter().map(|row| row.number);
    for code in all {
        let answer = format!(
            "{{\"error\":\"invalid_grant\",\"error_codes\":[{code}],\"error_description\":\"AADSTS{code}: x\"}}"
        );
        let answer = crate::failure::Answer {
            status: Some(400),
            headers: &[],
            body: answer.as_bytes(),
            hop: crate::failure::Hop::Customer,
            service: crate::failure::Service::Entra,
        };
        let failure = crate::failure::classify(answer, sample::now());
        let mut tenant = fleet.tenants[&sample::key("emea", 1)].clone();
        for set in [&mut tenant.users, &mut tenant.skus] {
            if let Some(failing) = &mut set.failing {
                std::sync::Arc::make_mut(failing).failure = failure.clone();
            }
        }
        let sent = failure.ticket(&fleet.ticket_context(&tenant, &us), crate::failure::Language::En);
        if fleet.not_theirs(&tenant).is_some() {
            assert!(sent.is_err(), "{code}");
        }
        let ours = fleet.state(&tenant, sample::now()) == crate::model::State::OurAuth;
        if ours && failure.owner == Owner::Partner {
            assert!(sent.is_err() && fleet.not_theirs(&tenant).is_some(), "{code} is ours: {failure:?}");
        }
    }
}

#[test]
fn a_ticket_is_recorded_with_its_note() {
    let mut desk = Desk::new().keys("<Down>n");
    insta::assert_snapshot!("note_80", desk.picture(80, 24));
    desk.press("<Enter>");
    assert!(desk.text().contains("a ticket needs its number"), "{}", desk.text());
    desk.press("CS-4411 IT<Space>lead");
    desk.press("<Enter>");
    let tenant = sample::key("emea", 1);
    let want = |number: &str, note: Option<&str>| Command::Ticket {
        tenant: tenant.clone(),
        number: number.into(),
        note: note.map(Into::into),
    };
    assert_eq!(desk.wishes(), [want("CS-4411", Some("IT lead"))]);
    let mut desk = Desk::new().keys("<Down>tn");
    desk.press("CS-1<Enter>");
    assert_eq!(desk.wishes(), [want("CS-1", None)], "from the text too");
    let mut desk = Desk::new().keys("<Down>n");
    desk.press("CS-1<Esc>");
    assert_eq!((desk.wishes(), desk.row(22).as_str()), (vec![], ""), "Esc leaves it");
    for (line, wish) in [
        ("ticket CS-9 a note", want("CS-9", Some("a note"))),
        ("ticket close", Command::CloseTicket { tenant: tenant.clone() }),
    ] {
        let mut desk = self::desk(&[FIRST]).keys("<Down>e:");
        for c in line.chars() {
            desk.press(&super::spell(crate::tui::keys::Key::Char(c)));
        }
        desk.press("<Enter>");
        assert_eq!(desk.wishes(), [wish], "{line}");
    }
    let mut desk = self::desk(&[FIRST]).keys("<Down>n");
    assert!(desk.row(22).contains("CS-4411 IT lead back on 24 Nov"), "what is recorded is there: {}", desk.row(22));
}

#[test]
fn the_product_under_the_cursor_is_named_and_where_there_is_none_it_is_said() {
    let type_in = |desk: Desk, line: &str| {
        let mut desk = desk.keys(":");
        for c in line.chars() {
            desk.press(&super::spell(crate::tui::keys::Key::Char(c)));
        }
        desk.press("<Enter>");
        desk
    };
    let licenses = || Desk::new().keys("<Down>l");
    let wished = type_in(licenses(), "name Our product").wishes();
    let [Command::Name { sku_id, name }] = wished.as_slice() else { panic!("{wished:?}") };
    assert_eq!(name, "Our product");
    let mut desk = type_in(licenses(), "name");
    assert_eq!(desk.wishes(), []);
    assert!(desk.text().contains("it has no name of our own: name needs a text"), "{}", desk.text());
    let named = crate::model::LocalName { name: "Our product".into(), by: "jdoe".into(), at: sample::now() };
    let mut desk = licenses();
    desk.tell(crate::model::Change::Named { sku_id: *sku_id, name: Some(named) });
    let wished = type_in(desk, "name").wishes();
    assert_eq!(wished, [Command::Name { sku_id: *sku_id, name: "".into() }]);
    for path in ["<Down>", "<Down>U", "<Down>l/nothing-like-it<Enter>"] {
        let mut desk = type_in(Desk::new().keys(path), "name Our product");
        assert_eq!(desk.wishes(), [], "{path}");
        assert!(desk.text().contains("no product is under the cursor here"), "{path}: {}", desk.text());
    }
}

#[test]
fn a_policy_that_is_newer_than_the_text_is_told() {
    let mut desk = desk(&[FIRST]).keys("<Down>");
    insta::assert_snapshot!("asked_tenants_80", desk.picture(80, 24));
    insta::assert_snapshot!("asked_tenants_120", desk.picture(120, 35));
    desk.press("e");
    insta::assert_snapshot!("asked_why_80", desk.picture(80, 24));
    insta::assert_snapshot!("asked_why_120", desk.picture(120, 35));
    desk.press("<End>");
    insta::assert_snapshot!("asked_why_end_80", desk.picture(80, 24));
    assert!(desk.row(20).contains("by akim; policy 2 is newer: send again? (t)"), "{}", desk.row(20));
    let said = |policies: &[&str]| self::desk(policies).keys("<Down>e").row(20);
    assert!(said(&[FIRST, SECOND]).ends_with("by akim; nothing changed since."), "{}", said(&[FIRST, SECOND]));
    assert!(said(&[]).contains("2 policies are newer"), "{}", said(&[]));
    assert!(said(&[FIRST, OTHER]).contains("policy list changed since"), "{}", said(&[FIRST, OTHER]));
}

#[test]
fn an_import_that_comes_through_closes_the_ticket() {
    let mut desk = desk(&[FIRST]);
    let tenant = sample::key("emea", 1);
    let saved = || SetOutcome::Saved { snapshot: SnapshotId(77), count: 3 };
    let done = |tenant: &Key, users, skus| Change::JobDone {
        run: RunId(4),
        tenant: tenant.clone(),
        at: sample::now(),
        users,
        skus,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    };
    desk.tell(done(&tenant, saved(), SetOutcome::Untouched));
    desk.press("/adatum<Enter>e");
    assert!(desk.text().contains("Ticket CS-4411 asked 15 Nov"), "one of two is not all: {}", desk.text());
    desk.tell(done(&tenant, saved(), saved()));
    assert!(desk.row(20).contains("Ticket CS-4411, asked 15 Nov by akim: lifted today after 8d"), "{}", desk.text());
    desk.press("<Esc>\\");
    assert!(desk.picture(120, 35).contains("Adatum Gesundheit GmbH comes through: lifted after 8d"));
    let mut desk = self::desk(&[FIRST]).keys("<Down>e");
    desk.tell(Change::TicketClosed { tenant, by: "jdoe".into(), at: sample::now() });
    assert!(desk.row(20).contains("closed today after 8d"), "{}", desk.row(20));
    desk.app.hear(Event::Done("x".into()), desk.now);
}

#[test]
fn tenants_are_filtered_by_their_ticket() {
    let shown = |filter: &str| {
        let mut desk = desk(&[FIRST]);
        desk.press("u/");
        for c in filter.chars() {
            desk.press(&super::spell(crate::tui::keys::Key::Char(c)));
        }
        desk.press("<Enter>");
        desk.row(3)
    };
    for (filter, shows) in
        [("ticket:cs-44", "1 of 24"), ("ticket:none", "23 of 24"), ("ticket:x", "0 of 24"), ("cs-4411", "1 of 24")]
    {
        assert!(shown(filter).contains(shows), "{filter}: {}", shown(filter));
    }
}

#[test]
fn licenses_that_rule_a_policy_out_are_told() {
    let mut fleet = sample::fleet();
    let tenant = fleet.tenants.get_mut(&sample::key("emea", 1)).unwrap();
    for failing in [&mut tenant.users, &mut tenant.skus].into_iter().filter_map(|set| set.failing.as_mut()) {
        std::sync::Arc::make_mut(failing).failure =
            sample::failure(Class::MfaRequired, Owner::CustomerAdmin, 50_076, sample::ago(7, 20));
    }
    let mut skus = tenant.sku_counts.to_vec();
    skus.retain(|sku| sku.part_number.as_deref() == Some("STANDARDPACK"));
    tenant.sku_counts = crate::model::Packed::of(&skus);
    let mut desk = Desk::of(fleet, options()).keys("/adatum<Enter>e");
    insta::assert_snapshot!("no_premium_80", desk.picture(80, 24));
    let mut desk = Desk::new().keys("<Down>e");
    assert!(!desk.text().contains("Entra ID P1"), "a policy is named");
}

#[test]
fn a_partner_that_left_the_configuration_still_has_a_text() {
    let options = crate::tui::Options { partners: BTreeMap::new(), ..options() };
    let mut desk = Desk::of(sample::fleet(), options).keys("<Down>t");
    assert!(desk.text().contains("As your Microsoft partner, emea"), "{}", desk.text());
    assert!(!desk.text().contains(&Uuid::nil().to_string()));
}
