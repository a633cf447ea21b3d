use jiff::SignedDuration;
use uuid::Uuid;

use super::*;
use crate::failure::{Class, Owner};
use crate::model::{Change, Entry, Event, RunId, RunKind, Set, SetOutcome, Step, Totals};
use crate::tui::tests::Desk;
use crate::tui::tests::sample::{self, failure, key};

const RUN: RunId = RunId(90);

/// The facts of a probe of tenants of the sample, each with its answer.
fn facts(tenants: &[(TenantKey, Result<(), Failure>)], at: jiff::Timestamp) -> Vec<Change> {
    let keys: Vec<TenantKey> = tenants.iter().map(|(key, _)| key.clone()).collect();
    let mut facts = vec![
        Change::RunStarted { run: RUN, kind: RunKind::Probe, by: "jdoe".into(), reason: None, at },
        Change::Queued { run: RUN, tenants: keys, at },
    ];
    for (tenant, answer) in tenants {
        let step = match answer {
            Ok(()) => Step::SignedIn { ms: 410 },
            Err(failure) => Step::Failed { set: Set::Users, failure: Box::new(failure.clone()) },
        };
        let outcome = match answer {
            Ok(()) => SetOutcome::SignedIn,
            Err(failure) if failure.is_passing() => SetOutcome::Untouched,
            Err(failure) => SetOutcome::Failed(Box::new(failure.clone())),
        };
        facts.push(Change::JobStarted { run: RUN, tenant: tenant.clone(), at });
        facts.push(Change::Stepped { run: RUN, tenant: tenant.clone(), entry: Entry { at, step } });
        facts.push(Change::JobDone {
            run: RUN,
            tenant: tenant.clone(),
            at,
            users: outcome.clone(),
            skus: outcome,
            held: None,
            sku_counts: None,
            checks: None,
            held_back: None,
            cancelled: false,
            totals: Totals::default(),
        });
    }
    facts.push(Change::RunEnded { run: RUN, state: RunState::Done, at, totals: Totals::default() });
    facts
}

/// Presses a key on the tenant under the cursor and plays the engine that answers.
fn probed(desk: &mut Desk, keys: &str, answer: Result<(), Failure>) -> TenantKey {
    desk.press(keys);
    let wishes = desk.wishes();
    let [Command::Probe { tenants, reason: None }] = wishes.as_slice() else { panic!("not one probe: {wishes:?}") };
    let [tenant] = tenants.as_slice() else { panic!("not one tenant: {tenants:?}") };
    let facts = facts(&[(tenant.clone(), answer)], desk.now);
    let (begin, rest) = facts.split_at(2);
    for fact in begin {
        desk.tell(fact.clone());
    }
    desk.app.hear(Event::Accepted { run: RUN, joined: 0, by: None }, desk.now);
    assert!(desk.text().contains("run 90 probes "), "{}", desk.text());
    desk.wait(600);
    for fact in rest {
        desk.tell(fact.clone());
    }
    desk.wait(600);
    tenant.clone()
}

fn blocked(code: u32, policies: &[Uuid], at: jiff::Timestamp) -> Failure {
    let mut failure = failure(Class::CapBlock, Owner::CustomerAdmin, code, at);
    failure.policies = policies.to_vec();
    failure
}

fn policies(tenant: &TenantKey) -> Vec<Uuid> {
    sample::fleet().tenants[tenant].failing().unwrap().failure.policies.clone()
}

/// A blocked tenant of the sample whose answers name two policies.
fn adatum() -> TenantKey {
    let fleet = sample::fleet();
    let found = fleet.tenants.values().find(|tenant| tenant.title().starts_with("Adatum"));
    found.unwrap().key.clone()
}

#[test]
fn still_blocked_80() {
    let mut desk = Desk::new().keys("/adatum<Enter>");
    let same = blocked(53_003, &policies(&adatum()), desk.now);
    probed(&mut desk, "p", Err(same));
    insta::assert_snapshot!(desk.picture(80, 24));
}

#[test]
fn still_blocked_120() {
    let mut desk = Desk::new().keys("/adatum<Enter>");
    let same = blocked(53_003, &policies(&adatum()), desk.now);
    probed(&mut desk, "p", Err(same));
    insta::assert_snapshot!(desk.picture(120, 35));
}

#[test]
fn passes_80() {
    let mut desk = Desk::new().keys("/adatum<Enter>");
    probed(&mut desk, "p", Ok(()));
    insta::assert_snapshot!(desk.picture(80, 24));
}

#[test]
fn passes_on_why_and_history_80() {
    let mut desk = Desk::new().keys("/adatum<Enter>e");
    probed(&mut desk, "p", Ok(()));
    insta::assert_snapshot!("passes_on_why_80", desk.picture(80, 24));
    desk.press("h");
    insta::assert_snapshot!("passes_on_history_80", desk.picture(80, 24));
    desk.press("<Enter>");
    insta::assert_snapshot!("passes_on_run_80", desk.picture(80, 24));
}

#[test]
fn many_80() {
    let mut desk = Desk::new().keys("/status:blocked<Enter>*p");
    let wishes = desk.wishes();
    let [Command::Probe { tenants, .. }] = wishes.as_slice() else { panic!("not one probe: {wishes:?}") };
    assert!(tenants.len() > 2, "those that are marked: {tenants:?}");
    let now = desk.now;
    let answers: Vec<_> = tenants
        .iter()
        .enumerate()
        .map(|(n, key)| (key.clone(), if n == 0 { Ok(()) } else { Err(blocked(53_003, &[], now)) }))
        .collect();
    // Over before it is answered: told at once.
    for fact in facts(&answers, now) {
        desk.tell(fact);
    }
    desk.app.hear(Event::Accepted { run: RUN, joined: 0, by: None }, now);
    desk.wait(600);
    assert!(desk.row(22).contains("1 passes,"), "{}", desk.text());
    desk.press("R<Enter>");
    insta::assert_snapshot!(desk.picture(80, 24));
}

#[test]
fn it_asks_nothing_and_is_found_by_its_name() {
    for keys in ["/adatum<Enter>p", "/adatum<Enter>ep", "/adatum<Enter>hp", "/adatum<Enter>:probe<Enter>"] {
        let mut desk = Desk::new().keys(keys);
        assert_eq!(desk.wishes(), [Command::Probe { tenants: vec![adatum()], reason: None }], "{keys}");
    }
    let mut desk = Desk::new().keys("R<Enter>p");
    assert!(matches!(desk.wishes().as_slice(), [Command::Probe { tenants, .. }] if tenants.len() == 1));
}

/// Code and policies before, code and policies of the answer, and the words.
type Compared<'a> = (u32, &'a [Uuid], u32, &'a [Uuid], &'a str);

#[test]
fn a_refusal_is_compared_with_the_one_before() {
    let [a, b, c] = [1, 2, 3].map(Uuid::from_u128);
    let now = sample::now();
    let cases: [Compared<'_>; 8] = [
        (53_003, &[a, b], 53_003, &[b, a], "53003, same 2 policies"),
        (53_003, &[a], 53_003, &[a], "53003, same policy"),
        (53_003, &[], 53_003, &[], "53003 block"),
        (53_003, &[a], 53_003, &[a, b], "53003, list changed: 2 policies, 1 new"),
        (53_003, &[a, b], 53_003, &[a], "53003, list changed: 1 policy, 1 no longer named"),
        (53_003, &[a, b], 53_003, &[b, c], "53003, list changed: 2 policies, 1 new, 1 no longer named"),
        (53_003, &[a, b], 53_000, &[], "53000 policy, before 53003 2 pol"),
        (53_003, &[a], 53_003, &[], "53003, names no policy now"),
    ];
    for (before, named, code, policies, wanted) in cases {
        let was = Was::from(&blocked(before, named, now));
        assert_eq!(compared(&blocked(code, policies, now), Some(&was)), wanted);
    }
    assert_eq!(compared(&blocked(53_003, &[a], now), None), "53003 1 pol");
}

#[test]
fn every_answer_has_its_words() {
    let tenant = adatum();
    let said = |was: Option<Failure>, answer: Result<(), Failure>| {
        let mut fleet = sample::fleet();
        let now = sample::now().checked_add(SignedDuration::from_mins(1)).unwrap();
        let one = fleet.tenants.get_mut(&tenant).unwrap();
        let failing = was.map(|failure| std::sync::Arc::new(crate::model::Failing { failure, since: now, tries: 1 }));
        (one.users.failing, one.skus.failing) = (failing.clone(), failing);
        for fact in facts(&[(tenant.clone(), answer)], now) {
            fleet.apply(&fact);
        }
        let run = &fleet.runs[&RUN];
        verdict(run, &tenant, &run.jobs[&tenant], &fleet).in_brackets()
    };
    let now = sample::now();
    let block = || blocked(53_003, &[Uuid::from_u128(7)], now);
    let consent = || failure(Class::ConsentMissing, Owner::Partner, 65_001, now);
    let role = || {
        let service = crate::failure::Service::Graph;
        Failure { service, status: Some(403), ..failure(Class::GraphForbidden, Owner::Partner, 0, now) }
    };
    let down = || failure(Class::Network, Owner::Retry, 0, now);
    let secret = || failure(Class::ClientCredential, Owner::Partner, 7_000_215, now);
    for (was, answer, wanted) in [
        (Some(block()), Err(block()), "still blocked (53003, same policy)"),
        (None, Err(block()), "now blocked (53003 1 pol)"),
        (Some(role()), Err(block()), "now blocked (53003 1 pol)"),
        (Some(consent()), Err(consent()), "still without access (65001 consent)"),
        (Some(block()), Err(consent()), "still without access (65001 consent, before 53003 1 pol)"),
        (Some(block()), Err(down()), "no answer (no connection)"),
        (None, Err(secret()), "now refused by our own account's fault (7000215 secret)"),
        (Some(block()), Ok(()), "sign-in passes"),
        (None, Ok(()), "sign-in passes"),
        (Some(role()), Ok(()), "sign-in passes (as before; refused behind it: 403 role)"),
    ] {
        assert_eq!(said(was, answer), wanted);
    }
    assert_eq!(key("emea", 1).partner, tenant.partner);
}
