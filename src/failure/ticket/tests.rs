use std::collections::BTreeSet;

use proptest::prelude::*;
use unicode_width::UnicodeWidthStr;

use super::layout::WIDTH;
use super::*;
use crate::failure::{CODES, Code, Service, is_harmful};

const OURS_ID: Uuid = Uuid::from_u128(0x8c1f_0f0e_52d3_4f0b_9a3a_6b1c_7d2e_9f44);
const APP_ID: Uuid = Uuid::from_u128(0x0f5b_1c3e_7c1d_4b7e_8d0a_1f6f_0d6b_2a11);
const CORRELATION: &str = "5d0e7c1a-1f7e-4e0b-8a4e-2b7f0c9d6e11";
const TRACE: &str = "c2b9f6a4-9d15-4e52-8f5c-6a0d3b7e1f00";
const POLICIES: [Uuid; 2] = [
    Uuid::from_u128(0x3f0c_6a52_8d1e_4b7a_9c55_0e2f_6b1d_7a90),
    Uuid::from_u128(0xb71d_9e04_27aa_4c61_8f3d_5a6c_90e4_d218),
];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn us() -> PartnerFacts {
    PartnerFacts {
        name: "Northwind Cloud Services".into(),
        tenant: Some(OURS_ID),
        app: "License import".into(),
        app_id: Some(APP_ID),
        account: "svc-import@northwind.example".into(),
        address: "203.0.113.24".into(),
    }
}

/// All facts known.
fn full(us: &PartnerFacts) -> TicketContext<'_> {
    let since = Some(at("2026-11-15T02:10:00Z"));
    TicketContext { customer: "Adatum Gesundheit GmbH", us, wide: false, relation: Relation::Unknown, since, tries: 18 }
}

/// Nothing known.
fn bare(us: &PartnerFacts) -> TicketContext<'_> {
    TicketContext { customer: "", us, wide: false, relation: Relation::Unknown, since: None, tries: 0 }
}

fn failure(class: Class, owner: Owner) -> Failure {
    let failure = Failure::local(class, Service::Entra, Hop::Customer, "", at("2026-11-23T09:12:44Z"));
    Failure { owner, cap: if class.is_policy() { Cap::Yes } else { Cap::No }, ..failure }
}

fn with_ids(failure: Failure) -> Failure {
    Failure {
        policies: POLICIES.to_vec(),
        correlation_id: Some(CORRELATION.into()),
        trace_id: Some(TRACE.into()),
        ..failure
    }
}

fn of_code(number: u32) -> Failure {
    let code = Code::find(number).unwrap();
    Failure { codes: vec![number], ..failure(code.class, code.owner) }
}

/// Every class with each owner, every number, and what the status of Graph alone says.
fn all() -> Vec<Failure> {
    let owners = [Owner::CustomerAdmin, Owner::Partner, Owner::Microsoft, Owner::Retry];
    let classes = Class::ALL.into_iter().flat_map(|class| owners.map(|owner| failure(class, owner)));
    let numbers = CODES.iter().map(|code| of_code(code.number));
    let probable = Failure { cap: Cap::Probable, ..failure(Class::CapBlock, Owner::CustomerAdmin) };
    let forbidden = Failure {
        service: Service::Graph,
        status: Some(403),
        error: Some("Authorization_RequestDenied".into()),
        ..failure(Class::GraphForbidden, Owner::Partner)
    };
    classes.chain(numbers).chain([probable, forbidden]).collect()
}

/// Everything of the shape of an id.
fn ids(text: &str) -> BTreeSet<Uuid> {
    let words = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    words.filter(|word| word.len() == 36).filter_map(|word| Uuid::try_parse(word).ok()).collect()
}

/// What holds of every text.
fn check_layout(ticket: &Ticket) {
    let Ticket { subject, body, .. } = ticket;
    assert!(!subject.contains('\n') && !subject.is_empty() && subject.width() <= WIDTH, "{subject}");
    for line in body.lines() {
        assert!(line.width() <= WIDTH, "{line} ({})", line.width());
        assert!(!line.ends_with(' ') && !line.trim_start().contains("  "), "{line:?} in\n{body}");
        assert!(!matches!(line.trim_start(), ">" | ":" | ";" | "-"), "{line:?} in\n{body}");
    }
    assert!(body.ends_with('\n') && !body.contains("\n\n\n") && !body.starts_with('\n'), "{body:?}");
    assert!(!body.chars().any(|c| c != '\n' && is_harmful(c)), "{body:?}");
    for gap in ["()", "\"\"", " ,", "..\n", ": \n", "> \n"] {
        assert!(!body.contains(gap), "{gap:?} in\n{body}");
    }
}

#[test]
fn every_class_and_number_gives_a_whole_text_in_every_language_or_says_why_not() {
    let (known, unknown) = (us(), PartnerFacts::default());
    let mut texts = 0;
    for plain in all() {
        for failure in [with_ids(plain.clone()), plain] {
            for language in Language::ALL {
                for context in [full(&known), bare(&unknown)] {
                    let Ok(ticket) = failure.ticket(&context, language) else { continue };
                    texts += 1;
                    check_layout(&ticket);
                    assert!(!ticket.body.contains(['{', '}']), "a name that nobody fills in:\n{}", ticket.body);
                    let mut given: BTreeSet<Uuid> = failure.policies.iter().copied().collect();
                    given.extend(
                        failure.correlation_id.iter().chain(&failure.trace_id).map(|id| id.parse::<Uuid>().unwrap()),
                    );
                    given.extend(context.us.tenant.into_iter().chain(context.us.app_id));
                    assert_eq!(ids(&ticket.body), given, "every id that is given and no other:\n{}", ticket.body);
                    for code in &failure.codes {
                        assert!(ticket.body.contains(&format!("AADSTS{code}")), "{code}:\n{}", ticket.body);
                    }
                    assert!(ticket.body.contains("2026-11-23 09:12:44"), "{}", ticket.body);
                    for fact in [context.customer, &context.us.name, &context.us.account, &context.us.address] {
                        assert!(ticket.body.contains(fact), "{fact}:\n{}", ticket.body);
                    }
                }
            }
        }
    }
    assert!(texts > 1000, "{texts}");
}

/// The classes that are sent and those that are not, each by its usual owner.
#[test]
fn which_classes_have_a_ticket() {
    let us = us();
    for class in Class::ALL {
        let failure = failure(class, class.owner());
        let want = match class {
            Class::CapBlock
            | Class::CapDevice
            | Class::CapAppProtection
            | Class::CapTokenProtection
            | Class::CapAuthFlow
            | Class::CapExternalControl
            | Class::CapSignInFrequency
            | Class::MfaRequired
            | Class::SecurityDefaults
            | Class::InteractionRequiredUnknown
            | Class::ConsentMissing
            | Class::AppMissing
            | Class::AssignmentMissing
            | Class::RelationshipMissing
            | Class::GraphForbidden => Ok(()),
            Class::RiskHomeTenant
            | Class::RefreshTokenExpired
            | Class::RefreshTokenRevoked
            | Class::RefreshTokenInvalid
            | Class::ResourceMissing
            | Class::CrossTenantPolicy
            | Class::TenantUnavailable
            | Class::WrongCloud
            | Class::ClientCredential
            | Class::ServiceUser
            | Class::RequestBug
            | Class::DeviceFlowEnded
            | Class::PartnerCenterMfa
            | Class::PartnerCenterForbidden => Err(Because::Ours),
            Class::Transient
            | Class::Throttled
            | Class::DeviceFlowPending
            | Class::GraphTokenRejected
            | Class::GraphClaimsChallenge
            | Class::Network
            | Class::BadAnswer => Err(Because::Passing),
            Class::GraphNotLicensed => Err(Because::Needless),
            Class::Unknown => Err(Because::Unknown),
        };
        let ticket = failure.ticket(&full(&us), Language::En);
        assert_eq!(ticket.as_ref().map(|_| ()).map_err(|none| none.because), want, "{class:?}");
        if let Err(none) = ticket {
            assert!(!none.remedy.who.is_empty() && !none.remedy.steps.is_empty(), "{class:?} says what to do instead");
            assert!(!none.to_string().is_empty() && !none.to_string().ends_with('.'), "{none}");
        }
    }
}

#[test]
fn some_numbers_turn_it_to_the_customer_or_to_us() {
    let us = us();
    let because = |number| of_code(number).ticket(&full(&us), Language::En).map(|_| ()).map_err(|none| none.because);
    for (number, want) in [
        (500_213, Ok(())),
        (500_212, Err(Because::Ours)),
        (500_014, Ok(())),
        (500_011, Err(Because::Ours)),
        (7_000_112, Ok(())),
        (1_000_031, Err(Because::Microsoft)),
        (50_014, Ok(())),
        (90_095, Ok(())),
        (65_001, Ok(())),
        (650_057, Err(Because::Ours)),
        (650_059, Err(Because::Ours)),
        (500_208, Err(Because::Ours)),
        (53_011, Err(Because::Ours)),
        (700_082, Err(Because::Ours)),
        (50_000, Err(Because::Microsoft)),
    ] {
        assert_eq!(because(number), want, "{number}");
    }
}

#[test]
fn what_is_ours_is_never_asked_of_a_customer() {
    let us = us();
    let mut wide = 0;
    for plain in all() {
        for language in Language::ALL {
            let partner = Failure { hop: Hop::Partner, ..plain.clone() };
            let none = partner.ticket(&full(&us), language).unwrap_err();
            assert_eq!(none.because, Because::OwnTenant, "{partner:?}");
            assert!(!none.remedy.who.starts_with("CUSTOMER"), "{none:?}");

            let Err(none) = plain.ticket(&TicketContext { wide: true, ..full(&us) }, language) else {
                panic!("many customers meet it, so it is ours: {plain:?}")
            };
            let alone = plain.ticket(&full(&us), language);
            assert_eq!(alone.is_ok(), none.because == Because::Wide, "{plain:?}");
            if none.because == Because::Wide {
                wide += 1;
                assert!(!none.remedy.who.starts_with("CUSTOMER"), "{none:?}");
            }
        }
    }
    assert!(wide > 100, "{wide}");
}

#[test]
fn without_a_relationship_a_new_one_is_asked_for_and_nothing_else() {
    let us = us();
    let well = full(&us);
    let over = TicketContext { relation: Relation::Ended { at: None }, ..well };
    for language in Language::ALL {
        let subject = |number, context| of_code(number).ticket(context, language).unwrap().subject;
        let asked = subject(50_020, &well);
        for number in [65_001, 50_020] {
            assert_eq!(subject(number, &over), asked, "{number} {language:?}");
        }
        assert_ne!(subject(65_001, &well), asked);
        assert_eq!(subject(53_003, &over), subject(53_003, &well), "a policy that says so itself is a policy");
    }
}

#[test]
fn a_policy_is_named_by_its_id_or_sought_in_the_log() {
    let us = us();
    let named = with_ids(of_code(53_003));
    let sought = Failure { policies: Vec::new(), ..named.clone() };
    let lost = Failure { correlation_id: None, ..sought.clone() };
    for (language, log) in [
        (Language::En, "Sign-in logs"),
        (Language::De, "Anmeldeprotokolle"),
        (Language::Fr, "Journaux de connexion"),
        (Language::Nl, "Aanmeldingslogboeken"),
    ] {
        let flat = |failure: &Failure| {
            let body = failure.ticket(&full(&us), language).unwrap().body;
            body.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let (named, sought, lost) = (flat(&named), flat(&sought), flat(&lost));
        assert!(!named.contains(log), "{named}");
        for text in [&sought, &lost] {
            assert!(text.contains(log) && text.contains("Cross tenant access type"), "{text}");
            let filters = text.split_once("Service provider").unwrap().1;
            let filters = filters.split_once("1. ").unwrap().0;
            assert!(filters.contains("svc-import@northwind.example") && filters.contains("2026-11-23 09:12"), "{text}");
        }
        assert_eq!((sought.matches(CORRELATION).count(), lost.matches(CORRELATION).count()), (2, 0));
        for text in [&named, &sought, &lost] {
            for word in ["Service provider users", "What If", "report-only", "\"Conditional Access Administrator\""] {
                assert!(text.to_lowercase().contains(&word.to_lowercase()), "{language:?} {word}:\n{text}");
            }
        }
    }
}

#[test]
fn trust_is_offered_where_it_helps_and_nowhere_else() {
    let us = us();
    for (number, helps) in [
        (50_074, true),
        (50_076, true),
        (50_079, true),
        (530_035, true),
        (50_078, false),
        (53_010, false),
        (53_003, false),
        (53_000, false),
        (70_043, false),
        (50_158, false),
    ] {
        for language in Language::ALL {
            let body = of_code(number).ticket(&full(&us), language).unwrap().body;
            assert_eq!(body.contains("Trust settings"), helps, "{number} {language:?}:\n{body}");
        }
    }
}

#[test]
fn what_we_do_first_is_said_to_the_engineer_alone() {
    let us = us();
    for (number, word) in
        [(530_036, "sign our account in"), (65_001, "consent"), (50_020, "link of a new GDAP request")]
    {
        let ticket = of_code(number).ticket(&full(&us), Language::En).unwrap();
        let before = ticket.before.unwrap();
        assert!(before.contains(word) && !ticket.body.contains(before), "{ticket:?}");
    }
    assert_eq!(of_code(53_003).ticket(&full(&us), Language::En).unwrap().before, None);
}

#[test]
fn subjects_leave_room_for_a_name() {
    let us = us();
    let long = "Stiftung für das Gesundheitswesen der Vereinigten Gemeinden an Rhein und Mosel";
    for failure in all() {
        for language in Language::ALL {
            let subject = |customer| {
                failure.ticket(&TicketContext { customer, ..full(&us) }, language).map(|ticket| ticket.subject)
            };
            let (Ok(plain), Ok(named)) = (subject(""), subject(long)) else { continue };
            assert!(plain.width() <= 52, "{plain} ({})", plain.width());
            assert!(named.starts_with(&plain) && named.contains("Stiftung für das"), "{named}");
        }
    }
}

/// The main texts, to be read by people who speak the language.
fn letters(failure: &Failure, context: &TicketContext<'_>) -> String {
    let one = |language: Language| {
        let Ticket { subject, body, .. } = failure.ticket(context, language).unwrap();
        format!("=== {} ===\n{subject}\n\n{body}", language.code())
    };
    Language::ALL.map(one).join("\n")
}

#[test]
fn block_with_ids() {
    insta::assert_snapshot!(letters(&with_ids(of_code(53_003)), &full(&us())));
}

#[test]
fn block_without_ids() {
    let failure = Failure { policies: Vec::new(), ..with_ids(of_code(53_000)) };
    insta::assert_snapshot!(letters(&failure, &full(&us())));
}

#[test]
fn block_with_nothing_known() {
    insta::assert_snapshot!(letters(&of_code(53_003), &bare(&PartnerFacts::default())));
}

#[test]
fn mfa() {
    let failure = Failure { policies: vec![POLICIES[0]], ..with_ids(of_code(50_076)) };
    insta::assert_snapshot!(letters(&failure, &full(&us())));
}

#[test]
fn security_defaults() {
    let failure = Failure { policies: Vec::new(), ..with_ids(of_code(530_035)) };
    insta::assert_snapshot!(letters(&failure, &TicketContext { tries: 1, ..full(&us()) }));
}

#[test]
fn access() {
    let us = us();
    let texts = [500_213, 50_105, 7_000_112, 65_001, 500_014, 50_014, 50_020].map(|number| {
        let failure = Failure { policies: Vec::new(), ..with_ids(of_code(number)) };
        letters(&failure, &full(&us))
    });
    insta::assert_snapshot!(texts.join("\n\n\n"));
}

#[test]
fn role() {
    let failure = Failure {
        service: Service::Graph,
        status: Some(403),
        error: Some("Authorization_RequestDenied".into()),
        trace_id: Some(TRACE.into()),
        ..failure(Class::GraphForbidden, Owner::Partner)
    };
    insta::assert_snapshot!(letters(&failure, &full(&us())));
}

/// What each demand of a policy is called; the rest of the text is the same.
#[test]
fn demands() {
    let us = us();
    let probable = Failure { cap: Cap::Probable, ..failure(Class::CapBlock, Owner::CustomerAdmin) };
    let unsaid = failure(Class::InteractionRequiredUnknown, Owner::CustomerAdmin);
    let location = failure(Class::GraphClaimsChallenge, Owner::CustomerAdmin);
    let numbers = [53_003, 50_142, 53_000, 53_005, 530_084, 530_036, 50_158, 70_043, 50_076, 50_078].map(of_code);
    let mut page = String::new();
    for failure in numbers.into_iter().chain([probable, unsaid, location]) {
        for language in Language::ALL {
            let Ticket { subject, body, .. } = failure.ticket(&bare(&us), language).unwrap();
            let cause = body.split("\n\n").nth(2).unwrap();
            page.push_str(&[language.code(), " ", &subject, "\n", cause, "\n"].concat());
        }
        page.push('\n');
    }
    insta::assert_snapshot!(page);
}

proptest! {
    /// Whatever a customer calls itself, and whatever stands in a configuration: the layout stays, and nothing of it is
    /// taken for a place to fill in.
    #[test]
    fn hostile_names_never_break_the_layout(
        customer in ".{0,300}|[\n\r\t \u{202e}\u{200b}{}>:;a-]{0,80}|\\{(tenant|app|partner|role)\\}",
        name in ".{0,120}|\\{customer\\}",
        account in "\\PC{0,120}",
        app in "[{}a-z\u{2028} ]{0,40}",
        number in prop::sample::select(vec![53_003_u32, 50_076, 530_035, 500_213, 50_105, 65_001, 50_014, 50_020]),
        language in prop::sample::select(Language::ALL.to_vec()),
    ) {
        let us = PartnerFacts { name: name.as_str().into(), account: account.into(), app: app.into(), ..us() };
        let ticket = of_code(number).ticket(&TicketContext { customer: &customer, ..full(&us) }, language).unwrap();
        let Ticket { subject, body, .. } = &ticket;
        prop_assert!(subject.width() <= WIDTH && !subject.chars().any(is_harmful), "{subject:?}");
        for line in body.lines() {
            prop_assert!(line.width() <= WIDTH, "{} in {line:?}", line.width());
        }
        prop_assert!(!body.contains("\n\n\n") && body.ends_with('\n') && !body.contains(" \n"), "{body}");
        prop_assert!(!body.chars().any(|c| c != '\n' && is_harmful(c)), "{body:?}");
        // A name adds lines to a paragraph, never a paragraph.
        let plain = of_code(number).ticket(&full(&PartnerFacts { name: "x".into(), ..us.clone() }), language).unwrap();
        prop_assert_eq!(body.split("\n\n").count(), plain.body.split("\n\n").count());
        prop_assert!(ids(body).contains(&OURS_ID), "{body}");
    }
}
