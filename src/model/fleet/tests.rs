use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::failure::{Again, Cap, Hop, Owner, Service};
use crate::model::{HeldBack, Key, RunKind, SnapshotId, Step, WaitReason};

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_763_000_000 + minute * 60).unwrap()
}

fn tenant(n: u128) -> TenantId {
    TenantId::new(Uuid::from_u128(n))
}

fn key(n: u128) -> Key {
    Key { partner: "emea".into(), tenant: tenant(n) }
}

fn failure(class: Class) -> Failure {
    Failure {
        class,
        cap: Cap::No,
        owner: Owner::CustomerAdmin,
        again: Again::No,
        hop: Hop::Customer,
        service: Service::Unknown,
        codes: vec![],
        policies: vec![],
        control: None,
        error: None,
        suberror: None,
        correlation_id: None,
        trace_id: None,
        client_request_id: None,
        status: Some(400),
        at: at(0),
        raw: String::new(),
    }
}

fn listed(fleet: &mut Fleet, minute: i64, ids: impl IntoIterator<Item = u128>) {
    let customers = ids
        .into_iter()
        .map(|n| Customer {
            tenant: tenant(n),
            name: format!("Customer {n}").into(),
            domain: format!("c{n}.example").into(),
        })
        .collect();
    fleet.apply(&Change::Listed { partner: "emea".into(), at: at(minute), customers });
}

fn started(fleet: &mut Fleet, run: u64, minute: i64, keys: &[Key]) {
    let run = RunId(run);
    let at = at(minute);
    fleet.apply(&Change::RunStarted { run, kind: RunKind::All, by: "system".into(), reason: None, at });
    fleet.apply(&Change::Queued { run, tenants: keys.to_vec(), at });
    for tenant in keys {
        fleet.apply(&Change::JobStarted { run, tenant: tenant.clone(), at });
    }
}

fn done(fleet: &mut Fleet, run: u64, minute: i64, tenant: Key, users: SetOutcome, skus: SetOutcome) {
    fleet.apply(&Change::JobDone {
        run: RunId(run),
        tenant,
        at: at(minute),
        users,
        skus,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals { requests: 3, ..Totals::default() },
    });
}

fn saved(snapshot: u64) -> SetOutcome {
    SetOutcome::Saved { snapshot: SnapshotId(snapshot), count: 10 }
}

fn refused(class: Class) -> SetOutcome {
    SetOutcome::Failed(Box::new(failure(class)))
}

fn fleet() -> Fleet {
    let mut fleet = Fleet { stale_after_s: 26 * 3600, ..Fleet::default() };
    listed(&mut fleet, 0, 1..=3);
    fleet
}

fn state(fleet: &Fleet, n: u128, minute: i64) -> State {
    fleet.state(&fleet.tenants[&key(n)], at(minute))
}

#[test]
fn a_tenant_goes_through_its_states() {
    let mut fleet = fleet();
    assert_eq!(state(&fleet, 1, 1), State::Never);
    started(&mut fleet, 1, 1, &[key(1)]);
    assert_eq!(state(&fleet, 1, 1), State::Running);
    let step = Step::Waiting { reason: WaitReason::Throttled, status: Some(429), ms: 12_000, attempt: 2 };
    fleet.apply(&Change::Stepped { run: RunId(1), tenant: key(1), entry: Entry { at: at(1), step } });
    assert_eq!(state(&fleet, 1, 1), State::Queued);
    done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
    assert_eq!(state(&fleet, 1, 3), State::Ok);
    assert_eq!(state(&fleet, 1, 3 + 26 * 60), State::Stale);

    started(&mut fleet, 2, 10, &[key(1)]);
    done(&mut fleet, 2, 11, key(1), saved(3), refused(Class::GraphForbidden));
    assert_eq!(state(&fleet, 1, 12), State::Partial);
    started(&mut fleet, 3, 20, &[key(1)]);
    done(&mut fleet, 3, 21, key(1), refused(Class::CapBlock), refused(Class::CapBlock));
    assert_eq!(state(&fleet, 1, 22), State::Blocked);
    let tenant = &fleet.tenants[&key(1)];
    assert_eq!(tenant.users.good.as_ref().unwrap().snapshot, SnapshotId(3), "a refusal leaves the good data");
    assert_eq!(tenant.skus.failing.as_ref().unwrap().tries, 2);
    assert_eq!(tenant.skus.failing.as_ref().unwrap().since, at(11), "since the first of them");

    let pause = super::super::Pause { by: "akim".into(), reason: "merge".into(), at: at(23), until: at(60) };
    fleet.apply(&Change::Paused { tenant: key(1), pause });
    assert_eq!(state(&fleet, 1, 24), State::Paused);
    assert_eq!(state(&fleet, 1, 61), State::Blocked, "a pause ends by itself");
}

#[test]
fn what_most_tenants_meet_is_ours() {
    let mut fleet = fleet();
    let keys = [key(1), key(2), key(3)];
    started(&mut fleet, 1, 1, &keys);
    for tenant in &keys[..2] {
        done(&mut fleet, 1, 2, tenant.clone(), refused(Class::MfaRequired), refused(Class::MfaRequired));
    }
    assert_eq!(state(&fleet, 1, 3), State::Blocked, "two are few");
    done(&mut fleet, 1, 2, key(3), refused(Class::MfaRequired), refused(Class::MfaRequired));
    assert_eq!(state(&fleet, 1, 3), State::OurAuth);
    let again = Fleet::new(
        fleet.partners.values().cloned(),
        fleet.tenants.values().cloned(),
        fleet.runs.values().cloned(),
        fleet.stale_after_s,
    );
    assert_eq!(again, fleet, "what the store gives back is the same picture");
    started(&mut fleet, 2, 5, &keys);
    done(&mut fleet, 2, 6, key(3), saved(1), saved(2));
    done(&mut fleet, 2, 6, key(2), saved(3), saved(4));
    fleet.apply(&Change::RunEnded { run: RunId(2), state: RunState::Done, at: at(7), totals: Totals::default() });
    assert_eq!(state(&fleet, 1, 8), State::Blocked);
}

#[test]
fn a_customer_that_left_keeps_its_data_and_comes_back() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(2)]);
    done(&mut fleet, 1, 2, key(2), saved(1), saved(2));
    listed(&mut fleet, 3, [1, 3]);
    assert_eq!(fleet.tenants[&key(2)].gone_at, Some(at(3)));
    assert!(fleet.tenants[&key(2)].users.good.is_some());
    listed(&mut fleet, 4, 1..=3);
    assert_eq!(fleet.tenants[&key(2)].gone_at, None);
}

#[test]
fn late_steps_do_not_wake_what_is_over() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(1)]);
    done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
    let entry = Entry { at: at(3), step: Step::NewToken };
    fleet.apply(&Change::Stepped { run: RunId(1), tenant: key(1), entry });
    assert_eq!(state(&fleet, 1, 3), State::Ok);
    assert_eq!(fleet.runs[&RunId(1)].jobs[&key(1)].state, JobState::Ok);
}

#[test]
fn sums_of_a_run_follow_its_tenants() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(1), key(2), key(3)]);
    done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
    done(&mut fleet, 1, 2, key(2), refused(Class::Transient), refused(Class::Transient));
    let run = &fleet.runs[&RunId(1)];
    assert_eq!((run.tenants, run.ok, run.failed, run.open()), (3, 1, 1, (0, 1)));
    assert_eq!(run.totals.requests, 6);
    fleet.apply(&Change::RunEnded { run: RunId(1), state: RunState::Cancelled, at: at(4), totals: Totals::default() });
    assert_eq!(fleet.tenants[&key(3)].active, None);
}

#[test]
fn only_the_newest_runs_keep_their_tenants() {
    let mut fleet = fleet();
    for run in 1..=20 {
        started(&mut fleet, run, i64::try_from(run).unwrap(), &[key(1)]);
        done(&mut fleet, run, 30, key(1), saved(run), saved(run + 100));
        fleet.apply(&Change::RunEnded {
            run: RunId(run),
            state: RunState::Done,
            at: at(30),
            totals: Totals::default(),
        });
    }
    assert_eq!(fleet.runs.len(), 20);
    assert_eq!(fleet.runs.values().filter(|run| !run.jobs.is_empty()).count(), RUNS_WITH_JOBS);
}

#[test]
fn runs_of_many_tenants_are_kept_only_as_far_as_there_is_room() {
    let run = |id, tenants| Run { id: RunId(id), tenants, ..run_of(&fleet()) };
    let kept = |runs: &[(u64, u64)]| {
        let fleet = Fleet::new([], [], runs.iter().map(|(id, tenants)| run(*id, *tenants)), 1);
        fleet.runs_with_jobs().map(|run| run.0).collect::<Vec<_>>()
    };
    assert_eq!(kept(&[(1, 10_000), (2, 10_000), (3, 10_000), (4, 5)]), [4, 3, 2]);
    assert_eq!(kept(&[(1, 3), (2, 40_000)]), [2], "the newest is kept whatever its size");
    assert_eq!(kept(&[(1, 3), (2, 40_000), (3, 1)]), [3], "and none behind one that is too large");
}

fn run_of(fleet: &Fleet) -> Run {
    let mut fleet = fleet.clone();
    started(&mut fleet, 1, 1, &[key(1)]);
    done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
    fleet.runs.remove(&RunId(1)).unwrap()
}

#[test]
fn tenants_of_a_run_that_were_read_later_take_no_others_place() {
    let mut known = fleet();
    let whole = run_of(&known);
    known.runs.insert(RunId(1), Run { jobs: Arc::default(), ..whole.clone() });
    let recalled = Change::Recalled { run: RunId(1), jobs: whole.jobs.clone() };
    known.apply(&recalled);
    assert_eq!(known.runs[&RunId(1)], whole);
    started(&mut known, 2, 3, &[key(2)]);
    known.apply(&Change::Recalled { run: RunId(2), jobs: whole.jobs.clone() });
    assert!(known.runs[&RunId(2)].jobs.contains_key(&key(2)));
}

#[test]
fn a_change_survives_json() {
    let changes = [
        Change::Recalled { run: RunId(1), jobs: run_of(&fleet()).jobs },
        Change::JobDone {
            run: RunId(1),
            tenant: key(1),
            at: at(1),
            users: saved(1),
            skus: refused(Class::GraphForbidden),
            held: Some([(crate::model::SkuId::new(Uuid::from_u128(9)), 3)].into()),
            sku_counts: None,
            checks: None,
            held_back: None,
            cancelled: false,
            totals: Totals::default(),
        },
        Change::Stepped {
            run: RunId(1),
            tenant: key(1),
            entry: Entry {
                at: at(1),
                step: Step::Pages { set: super::super::Set::Users, first: 1, last: 2, rows: 3, bytes: 4 },
            },
        },
    ];
    for change in changes {
        let text = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), change, "{text}");
    }
}

fn probed(fleet: &mut Fleet, run: u64, minute: i64, answer: &SetOutcome) {
    let (id, at, tenant) = (RunId(run), at(minute), key(1));
    fleet.apply(&Change::RunStarted { run: id, kind: RunKind::Probe, by: "jdoe".into(), reason: None, at });
    fleet.apply(&Change::Queued { run: id, tenants: vec![tenant.clone()], at });
    fleet.apply(&Change::JobStarted { run: id, tenant: tenant.clone(), at });
    done(fleet, run, minute, tenant, answer.clone(), answer.clone());
    fleet.apply(&Change::RunEnded { run: id, state: RunState::Done, at, totals: Totals::default() });
}

fn refused_by(class: Class, service: Service) -> SetOutcome {
    SetOutcome::Failed(Box::new(Failure { service, ..failure(class) }))
}

#[test]
fn a_probe_counts_as_a_try_and_leaves_the_data_as_old_as_they_are() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(1)]);
    done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
    let before = fleet.tenants[&key(1)].clone();

    let block = refused_by(Class::CapBlock, Service::Entra);
    for (run, tries) in [(2, 1), (3, 2)] {
        probed(&mut fleet, run, 10 * i64::try_from(run).unwrap(), &block);
        let tenant = &fleet.tenants[&key(1)];
        assert_eq!((tenant.tries(), tenant.failing().unwrap().since), (tries, at(20)));
        assert_eq!(state(&fleet, 1, 50), State::Blocked);
        assert_eq!(fleet.runs[&RunId(run)].jobs[&key(1)].state, JobState::Failed);
        assert_eq!(fleet.runs[&RunId(run)].jobs[&key(1)].was.is_some(), run == 3, "what was before is kept beside it");
    }
    probed(&mut fleet, 4, 40, &SetOutcome::Untouched);
    assert_eq!(fleet.tenants[&key(1)].tries(), 2, "a fault on the way is held against nothing");
    assert_eq!(fleet.runs[&RunId(4)].jobs[&key(1)].state, JobState::Failed);

    probed(&mut fleet, 5, 50, &SetOutcome::SignedIn);
    let tenant = &fleet.tenants[&key(1)];
    assert_eq!((&tenant.users, &tenant.skus), (&before.users, &before.skus), "nothing was read: the data are as old");
    assert_eq!((tenant.tried_at, tenant.passes_at, tenant.tries()), (Some(at(50)), Some(at(50)), 0));
    assert_eq!((state(&fleet, 1, 51), tenant.is_due()), (State::Stale, true), "an import is due");
    let run = &fleet.runs[&RunId(5)];
    assert_eq!((run.ok, run.failed, run.jobs[&key(1)].state), (1, 0, JobState::Ok));
    probed(&mut fleet, 6, 60, &SetOutcome::SignedIn);
    assert_eq!(fleet.tenants[&key(1)].passes_at, Some(at(50)), "since the first that passed");

    started(&mut fleet, 7, 70, &[key(1)]);
    done(&mut fleet, 7, 71, key(1), saved(3), saved(4));
    assert_eq!((fleet.tenants[&key(1)].passes_at, state(&fleet, 1, 72)), (None, State::Ok));
    probed(&mut fleet, 8, 80, &SetOutcome::SignedIn);
    assert_eq!((fleet.tenants[&key(1)].passes_at, state(&fleet, 1, 81)), (None, State::Ok), "well stays well");
}

#[test]
fn a_probe_that_passes_lifts_only_what_the_sign_in_had_met() {
    // (what the import met for users and SKUs, state before the probe, state after it, whether the import is due)
    let entra = |class| refused_by(class, Service::Entra);
    let graph = |class| refused_by(class, Service::Graph);
    let cases = [
        (entra(Class::CapBlock), entra(Class::CapBlock), State::Blocked, State::Stale, true),
        (refused(Class::CapBlock), refused(Class::CapBlock), State::Blocked, State::Stale, true),
        (entra(Class::Transient), entra(Class::Transient), State::Failed, State::Stale, true),
        (graph(Class::GraphForbidden), graph(Class::GraphForbidden), State::NoAccess, State::NoAccess, false),
        (refused(Class::GraphForbidden), refused(Class::GraphForbidden), State::NoAccess, State::NoAccess, false),
        (saved(3), graph(Class::GraphForbidden), State::Partial, State::Partial, false),
        (saved(3), entra(Class::CapBlock), State::Partial, State::Stale, true),
        (saved(3), saved(4), State::Ok, State::Ok, false),
    ];
    for (users, skus, before, after, due) in cases {
        let mut fleet = fleet();
        started(&mut fleet, 1, 1, &[key(1)]);
        done(&mut fleet, 1, 2, key(1), saved(1), saved(2));
        started(&mut fleet, 2, 3, &[key(1)]);
        done(&mut fleet, 2, 4, key(1), users.clone(), skus.clone());
        assert_eq!(state(&fleet, 1, 5), before, "{users:?} {skus:?}");
        probed(&mut fleet, 3, 6, &SetOutcome::SignedIn);
        let passes = fleet.tenants[&key(1)].passes_at.is_some();
        assert_eq!((state(&fleet, 1, 7), passes), (after, due), "{users:?} {skus:?}");
    }
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(1)]);
    done(&mut fleet, 1, 2, key(1), refused(Class::CapBlock), refused(Class::CapBlock));
    probed(&mut fleet, 2, 3, &SetOutcome::SignedIn);
    assert_eq!(state(&fleet, 1, 4), State::Never, "what was never read stays so");
}

#[test]
fn probes_push_no_import_out_of_memory() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(2)]);
    done(&mut fleet, 1, 2, key(2), saved(1), saved(2));
    fleet.apply(&Change::RunEnded { run: RunId(1), state: RunState::Done, at: at(2), totals: Totals::default() });
    for run in 2..30 {
        probed(&mut fleet, run, 10, &SetOutcome::SignedIn);
    }
    assert_eq!(fleet.runs[&RunId(1)].jobs.len(), 1, "the import is at hand");
    let probes = fleet.runs.values().filter(|run| run.kind == RunKind::Probe && !run.jobs.is_empty()).count();
    assert_eq!(probes, RUNS_WITH_JOBS);
}

#[test]
fn a_probe_that_passes_closes_no_ticket_and_drops_nothing_held_back() {
    let mut fleet = fleet();
    started(&mut fleet, 1, 1, &[key(1)]);
    let aside = HeldBack {
        at: at(2),
        run: RunId(1),
        why: "users 812 -> 40".into(),
        users: Some(Good { at: at(2), count: 40, snapshot: SnapshotId(5), run: RunId(1) }),
        skus: None,
        held: Arc::default(),
        sku_counts: Arc::default(),
        checks: None,
    };
    fleet.apply(&Change::JobDone {
        run: RunId(1),
        tenant: key(1),
        at: at(2),
        users: SetOutcome::Untouched,
        skus: saved(2),
        held: None,
        sku_counts: None,
        checks: None,
        held_back: Some(Box::new(aside)),
        cancelled: false,
        totals: Totals::default(),
    });
    let ticket = crate::model::Ticket {
        number: "CS-1".into(),
        asked_at: at(3),
        by: "jdoe".into(),
        note: None,
        policies: vec![],
        class: Class::CapBlock,
        closed_at: None,
        closed_by: None,
    };
    fleet.apply(&Change::Ticketed { tenant: key(1), ticket });
    probed(&mut fleet, 2, 4, &SetOutcome::SignedIn);
    let tenant = &fleet.tenants[&key(1)];
    assert!(tenant.held_back.is_some(), "somebody is still to decide");
    assert!(tenant.open_ticket().is_some(), "an import that comes through closes it");
    started(&mut fleet, 3, 5, &[key(1)]);
    done(&mut fleet, 3, 6, key(1), saved(3), saved(4));
    let tenant = &fleet.tenants[&key(1)];
    assert!(tenant.held_back.is_none() && tenant.open_ticket().is_none());
}

#[test]
fn who_is_no_customer_any_more_makes_no_refusal_a_wide_one() {
    let mut fleet = fleet();
    let all = [key(1), key(2), key(3)];
    started(&mut fleet, 1, 1, &all);
    for key in all {
        done(&mut fleet, 1, 2, key, refused(Class::MfaRequired), refused(Class::MfaRequired));
    }
    let wide = |fleet: &Fleet| fleet.is_wide(&"emea".into(), Class::MfaRequired);
    assert!(wide(&fleet));
    listed(&mut fleet, 3, [3]);
    assert!(!wide(&fleet), "two of them left");
    let again = Fleet::new(
        fleet.partners.values().cloned(),
        fleet.tenants.values().cloned(),
        fleet.runs.values().cloned(),
        fleet.stale_after_s,
    );
    assert!(again == fleet, "put together anew it is the same");
    listed(&mut fleet, 4, 1..=3);
    assert!(wide(&fleet), "they came back as they were");
    let all = [key(1), key(2), key(3)];
    started(&mut fleet, 2, 5, &all);
    for key in all {
        done(&mut fleet, 2, 6, key, saved(1), saved(2));
    }
    let again = Fleet::new(
        fleet.partners.values().cloned(),
        fleet.tenants.values().cloned(),
        fleet.runs.values().cloned(),
        fleet.stale_after_s,
    );
    assert!(again == fleet, "nothing is left of refusals that are over");
}

#[test]
fn an_answer_leads_to_the_state_that_its_tenant_is_in() {
    let mut fleet = fleet();
    listed(&mut fleet, 0, 1..=20);
    let night: Vec<Key> = (1..=6).map(key).collect();
    for (run, answer) in [(1, saved(1)), (2, refused(Class::MfaRequired))] {
        started(&mut fleet, run, 10, &night);
        for key in &night {
            done(&mut fleet, run, 10, key.clone(), answer.clone(), answer.clone());
        }
    }
    assert!(!fleet.is_wide(&"emea".into(), Class::MfaRequired), "six of twenty");
    assert_eq!(state(&fleet, 1, 11), State::OurAuth, "many that began together");
    let answer = failure(Class::MfaRequired);
    assert_eq!(fleet.state_of(&key(1), &answer), State::OurAuth);
    assert_eq!(fleet.state_of(&key(7), &answer), State::Blocked, "it is refused alone");
}

#[test]
fn what_many_meet_is_ours_to_act_on_whatever_the_state_is_called() {
    let mut fleet = fleet();
    let all = [key(1), key(2), key(3)];
    started(&mut fleet, 1, 1, &all);
    for key in all {
        done(&mut fleet, 1, 2, key, refused(Class::CapBlock), refused(Class::CapBlock));
    }
    let owner = |fleet: &Fleet| {
        let row = crate::model::TenantRow::of(fleet, &fleet.tenants[&key(1)], at(3));
        (row.state, row.owner)
    };
    assert_eq!(owner(&fleet), (State::Blocked, Some(Owner::Partner)));
    listed(&mut fleet, 4, 1..=20);
    assert_eq!(owner(&fleet), (State::Blocked, Some(Owner::CustomerAdmin)), "three of twenty");
}
