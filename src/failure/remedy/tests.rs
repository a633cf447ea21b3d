use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::failure::{CODES, Code, PARTNER_CENTER, Service};

const OURS: Uuid = Uuid::from_u128(0x8c1f_0f0e_52d3_4f0b_9a3a_6b1c_7d2e_9f44);

fn context(wide: bool) -> Context<'static> {
    Context { customer: "Adatum", partner_tenant: Some(OURS), wide, ..Context::default() }
}

fn failure(class: Class, owner: Owner) -> Failure {
    let failure = Failure::local(class, Service::Entra, Hop::Customer, "", Timestamp::UNIX_EPOCH);
    Failure { owner, cap: if class.is_policy() { Cap::Yes } else { Cap::No }, ..failure }
}

fn of_code(code: &Code) -> Failure {
    let control = (!code.control.is_empty()).then(|| code.control.into());
    Failure { codes: vec![code.number], control, again: code.again, ..failure(code.class, code.owner) }
}

/// Every failure that words are made for: each class with each owner and hop, each number, with and without ids.
fn all() -> Vec<Failure> {
    let owners = [Owner::CustomerAdmin, Owner::Partner, Owner::Microsoft, Owner::Retry];
    let classes = Class::ALL.into_iter().flat_map(|class| owners.map(|owner| failure(class, owner)));
    let plain: Vec<Failure> = classes.chain(CODES.iter().chain(PARTNER_CENTER).map(of_code)).collect();
    let mut all = Vec::new();
    for failure in plain {
        for (hop, cap, policies) in [
            (Hop::Customer, failure.cap, 0),
            (Hop::Customer, Cap::Probable, 1),
            (Hop::Customer, failure.cap, 64),
            (Hop::Partner, failure.cap, 0),
        ] {
            let correlation_id = (policies != 1).then(|| OURS.to_string().into());
            let policies = (0..policies).map(Uuid::from_u128).collect();
            all.push(Failure { cap, hop, policies, correlation_id, ..failure.clone() });
        }
    }
    all
}

#[test]
fn every_line_fits_and_is_ascii() {
    for failure in all() {
        for wide in [false, true] {
            let remedy = failure.remedy(context(wide));
            let width = remedy.summary.len();
            assert!(width <= SUMMARY_WIDTH && remedy.summary.is_ascii(), "{} ({width})", remedy.summary);
            assert!(!remedy.steps.is_empty(), "{failure:?}");
            for line in remedy.steps.iter().chain([&remedy.who]) {
                assert!(line.is_ascii() && line.len() <= 76, "{line} ({})", line.len());
            }
        }
    }
}

#[test]
fn who_acts_is_the_owner_and_nothing_of_ours_is_asked_of_a_customer() {
    for failure in all() {
        for wide in [false, true] {
            let remedy = failure.remedy(context(wide));
            let side = Side::of(&failure, wide);
            let word = match (side, failure.owner) {
                (Side::Wide, _) | (Side::OwnTenant, Owner::CustomerAdmin) | (_, Owner::Partner) => "US",
                (_, Owner::CustomerAdmin) => "CUSTOMER",
                (_, Owner::Microsoft) => "MICROSOFT",
                (_, Owner::Retry) => "NOBODY",
            };
            assert!(remedy.who.starts_with(word), "{failure:?}: {}", remedy.who);
            if matches!(side, Side::Wide | Side::OwnTenant) {
                let steps = remedy.steps.join("\n");
                assert!(!steps.contains("Exclude >") && !remedy.summary.contains("Adatum"), "{steps}");
            }
        }
    }
}

#[test]
fn the_exclusion_names_exactly_our_tenant() {
    for class in [Class::CapBlock, Class::CapDevice, Class::CapExternalControl, Class::CapSignInFrequency] {
        let steps = failure(class, Owner::CustomerAdmin).remedy(context(false)).steps.join("\n");
        assert!(steps.contains("Guest or external users > Service provider users"), "{steps}");
        assert!(steps.contains(&OURS.to_string()) && steps.contains("take none away"), "{steps}");
        assert!(steps.contains("What If") && !steps.contains("All users"), "{steps}");
    }
    let unknown = failure(Class::CapBlock, Owner::CustomerAdmin).remedy(Context::default());
    assert!(unknown.steps.contains(&"organisation: our tenant id".to_owned()), "{unknown:?}");
}

#[test]
fn what_most_customers_refuse_is_ours() {
    for (class, owner) in [
        (Class::MfaRequired, Owner::CustomerAdmin),
        (Class::CapBlock, Owner::CustomerAdmin),
        (Class::InteractionRequiredUnknown, Owner::CustomerAdmin),
        (Class::ConsentMissing, Owner::Partner),
        (Class::RelationshipMissing, Owner::Partner),
    ] {
        let failure = failure(class, owner);
        let (one, most) = (failure.remedy(context(false)), failure.remedy(context(true)));
        assert!(one.summary.starts_with("Adatum: "), "{one:?}");
        assert!(most.summary.starts_with("many customers: ") && most.who.starts_with("US: many"), "{most:?}");
        assert_ne!(one.steps, most.steps);
    }
    let busy = failure(Class::Transient, Owner::Retry).remedy(context(true));
    assert!(busy.who.starts_with("NOBODY"), "a passing fault is not ours, however wide: {busy:?}");
}

#[test]
fn the_policy_is_sought_where_the_answer_names_none() {
    let mut failure = failure(Class::CapBlock, Owner::CustomerAdmin);
    assert!(failure.remedy(context(false)).steps[1].contains("Service provider, Status = Failure"));
    failure.correlation_id = Some("2bd41f9f-0ec3-44e8-8ad0-f34262084004".into());
    assert!(failure.remedy(context(false)).steps[1].contains("2bd41f9f-0ec3-44e8-8ad0-f34262084004"));
    failure.policies = vec![OURS, Uuid::from_u128(1)];
    assert!(failure.remedy(context(false)).steps[0].starts_with("In each of the 2 policies named"));
}

#[test]
fn mfa_has_an_alternative_and_a_probable_policy_is_said_as_probable() {
    let mfa = failure(Class::MfaRequired, Owner::CustomerAdmin).remedy(context(false)).steps.join("\n");
    assert!(mfa.contains("trust MFA"), "{mfa}");
    let block = failure(Class::CapBlock, Owner::CustomerAdmin).remedy(context(false)).steps.join("\n");
    assert!(!block.contains("trust"), "trust does nothing against a block: {block}");
    let probable = Failure { cap: Cap::Probable, ..failure(Class::CapBlock, Owner::CustomerAdmin) };
    assert!(probable.remedy(context(false)).summary.contains("probably"));
}
