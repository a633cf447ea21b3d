//! Probes: a sign-in, and nothing read. By hand, and by the schedule on a made-up clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tenantop::failure::Class;
use tenantop::model::{Clock, Command, Event, JobState, Key, Run, RunKind, RunState, Scope, State, Tenant};
use uuid::Uuid;

use crate::world::{LIMIT, Watcher, World, assert_whole};

const ONE: &str = "3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90";
const TWO: &str = "b71d9e04-27aa-4c61-8f3d-5a6c90e4d218";

/// A policy comes in the second night, a second one in the third; both are gone in the fourth.
fn blocked_for_two_nights() -> String {
    format!(
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\nusers=40\ntrouble=[\
         {{ step='token', nights=[1, 1], code=53003, policies=['{ONE}'] }}, \
         {{ step='token', nights=[2, 2], code=53003, policies=['{ONE}', '{TWO}'] }}]\n\
         [[tenant]]\nname='Contoso'\nusers=12\n"
    )
}

/// Requests for a tenant: for tokens, and to Graph.
fn asked(world: &World, tenant: &Key) -> (u64, u64) {
    let counters = world.cloud.counters();
    let id: Uuid = tenant.tenant.to_string().parse().unwrap();
    (counters.of("token", id), counters.of("users", id) + counters.of("skus", id))
}

async fn probe(watcher: &mut Watcher, tenants: &[&Key]) -> Run {
    let tenants = tenants.iter().map(|key| (*key).clone()).collect();
    match watcher.ask(Command::Probe { tenants, reason: Some("they say it is lifted".into()) }).await {
        Event::Accepted { run, .. } => watcher.end_of(run).await,
        other => panic!("not accepted: {other:?}"),
    }
}

fn ages(tenant: &Tenant) -> [Option<(Timestamp, u64)>; 2] {
    [&tenant.users, &tenant.skus].map(|set| set.good.as_ref().map(|good| (good.at, good.snapshot.0)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_is_one_request_and_reads_nothing() {
    let world = World::playing(&blocked_for_two_nights()).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let key = watcher.key("Adatum");
    let good = ages(&watcher.fleet.tenants[&key]);
    assert!(good[0].is_some() && good[1].is_some());
    world.cloud.set_night(1);
    watcher.import(Scope::All(None)).await;
    let of = |watcher: &Watcher| watcher.fleet.tenants[&key].clone();
    let since = of(&watcher).failing().unwrap().since;

    world.cloud.set_night(2);
    let before = asked(&world, &key);
    let run = probe(&mut watcher, &[&key]).await;
    assert_eq!((run.kind, run.by.as_str(), run.tenants, run.failed), (RunKind::Probe, "jdoe", 1, 1));
    assert_eq!(run.reason.as_deref(), Some("they say it is lifted"));
    assert_eq!(asked(&world, &key), (before.0 + 1, before.1), "one token request, none to Graph");
    assert_eq!(run.totals.requests, 2, "the partner's own hop, then the customer's");
    let tenant = of(&watcher);
    let failing = tenant.failing().unwrap();
    assert_eq!((failing.tries, failing.since, tenant.tried_at), (2, since, run.jobs[&key].ended_at));
    assert_eq!(failing.failure.policies.len(), 2, "the newest answer's");
    let was = run.jobs[&key].was.clone().unwrap();
    assert_eq!((was.policies.len(), was.code), (1, Some(53_003)), "what it was before is kept beside it");
    assert_eq!((watcher.state("Adatum"), ages(&tenant)), (State::Blocked, good));

    world.cloud.set_night(3);
    let before = asked(&world, &key);
    let run = probe(&mut watcher, &[&key]).await;
    assert_eq!((run.ok, run.failed, run.jobs[&key].state), (1, 0, JobState::Ok));
    assert_eq!(asked(&world, &key), (before.0 + 1, before.1), "one token request, none to Graph");
    let tenant = of(&watcher);
    assert_eq!((ages(&tenant), tenant.tries()), (good, 0), "nothing was read: the data are as old as they were");
    assert_eq!((watcher.state("Adatum"), watcher.row("Adatum").cause.as_ref()), (State::Stale, "import due"));
    assert_whole(&watcher.fleet, &engine.reader());

    let kept = watcher.fleet.clone();
    drop(watcher);
    engine.stop().await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    assert_eq!((&watcher.fleet.tenants, &watcher.fleet.runs), (&kept.tenants, &kept.runs), "it is kept");
    let run = watcher.import(Scope::Failed(None)).await;
    assert_eq!((run.tenants, run.ok), (1, 1), "its import is due");
    assert_eq!((watcher.state("Adatum"), watcher.fleet.tenants[&key].passes_at), (State::Ok, None));
    assert_ne!(ages(&watcher.fleet.tenants[&key]), good);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_on_the_way_is_no_answer_and_is_not_asked_twice() {
    let scenario = format!(
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\ntrouble=[\
         {{ step='token', nights=[0, 0], code=53003, policies=['{ONE}'] }}, \
         {{ step='token', nights=[1, 1], status=503 }}]\n"
    );
    let world = World::playing(&scenario).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let key = watcher.key("Adatum");
    let failing = watcher.fleet.tenants[&key].failing().cloned();
    world.cloud.set_night(1);
    let before = asked(&world, &key);
    let run = probe(&mut watcher, &[&key]).await;
    assert_eq!((run.failed, asked(&world, &key)), (1, (before.0 + 1, before.1)), "nothing is repeated");
    assert_eq!(watcher.fleet.tenants[&key].failing().cloned(), failing, "what is known of the policy stands");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_refuses_leaves_its_customers_unasked() {
    let world = World::of("two_partners.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    world.cloud.set_night(1);
    let (contoso, relecloud) = (watcher.key("Contoso"), watcher.key("Relecloud AB"));
    let (before, tried) = (asked(&world, &relecloud), watcher.fleet.tenants[&relecloud].tried_at);
    let run = probe(&mut watcher, &[&contoso, &relecloud]).await;
    assert_eq!((run.state, run.ok, run.failed, run.refused.len()), (RunState::Done, 1, 1, 1));
    assert_eq!(asked(&world, &relecloud), before, "no customer of the refused partner was asked");
    assert_eq!((watcher.state("Relecloud AB"), watcher.fleet.tenants[&relecloud].tried_at), (State::Ok, tried));
    let run = probe(&mut watcher, &[&relecloud]).await;
    assert_eq!((run.state, run.refused[0].1.class), (RunState::Refused, Class::RefreshTokenExpired));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_is_joined_and_an_import_takes_over_from_a_probe() {
    let scenario = "[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\ntrouble=[\
                    { step='token', nights=[1, 1], delay=20000 }, { step='users', nights=[2, 2], delay=700 }]\n";
    let world = World::playing(scenario).await;
    let engine = world.engine();
    let mut jdoe = Watcher::of(&engine, "jdoe").await;
    jdoe.import(Scope::All(None)).await;
    let mut akim = Watcher::of(&engine, "akim").await;
    let key = jdoe.key("Adatum");

    world.cloud.set_night(2);
    let run = jdoe.begin(Scope::Tenants(vec![key.clone()])).await;
    let joined = akim.ask(Command::Probe { tenants: vec![key.clone()], reason: None }).await;
    assert!(matches!(&joined, Event::Accepted { run: r, joined: 1, by: Some(by) } if *r == run && by == "jdoe"));
    assert_eq!(jdoe.end_of(run).await.ok, 1);

    // Its answer takes long: nobody waits for it who wants to read.
    world.cloud.set_night(1);
    let before = asked(&world, &key).0;
    let Event::Accepted { run: slow, .. } = akim.ask(Command::Probe { tenants: vec![key.clone()], reason: None }).await
    else {
        panic!("not accepted")
    };
    akim.until(|akim| akim.fleet.runs[&slow].jobs.get(&key).is_some_and(|job| job.state == JobState::Running)).await;
    let again = jdoe.ask(Command::Probe { tenants: vec![key.clone()], reason: None }).await;
    assert!(matches!(&again, Event::Accepted { run, joined: 1, .. } if *run == slow), "one probe is enough: {again:?}");
    let arrives = async {
        while asked(&world, &key).0 == before {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, arrives).await.expect("it is asked");
    world.cloud.set_night(3);
    let run = jdoe.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.ok), (1, 1), "a night's import leaves out nobody because of a probe");
    let slow = jdoe.end_of(slow).await;
    assert_eq!((slow.state, slow.jobs[&key].state), (RunState::Done, JobState::Cancelled));
    assert_eq!(jdoe.state("Adatum"), State::Ok);
    // The cloud may hear late that a request was given up: that one, and the one of the import.
    let at_once = world.cloud.counters().at_once_in_a_tenant;
    assert!((1..=2).contains(&at_once), "{at_once} requests in flight for one tenant");
    assert_whole(&jdoe.fleet, &engine.reader());
}

/// A clock that stands until it is moved.
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> (Self, Clock) {
        let passed = Arc::new(AtomicI64::new(0));
        let began = Clock::system().now();
        let of_clock = Arc::clone(&passed);
        let clock = move || began.checked_add(SignedDuration::from_secs(of_clock.load(Ordering::SeqCst))).unwrap();
        (Self(passed), Clock::of(clock))
    }

    /// Moves the clock; the engine looks at it with the next thing that it hears.
    async fn pass(&self, minutes: i64, watcher: &mut Watcher) {
        self.0.fetch_add(minutes * 60, Ordering::SeqCst);
        let tenant = watcher.key("Contoso");
        watcher.ask(Command::Resume { tenant }).await;
    }
}

fn by_schedule(watcher: &Watcher) -> Vec<Run> {
    watcher.fleet.runs.values().filter(|run| run.by == "schedule").cloned().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_probes_who_is_blocked_and_imports_what_passes() {
    let scenario = "[[partner]]\nname='emea'\ndies={ code=700082, nights=[2, 2] }\n\
                    [[tenant]]\nname='Adatum'\ntrouble=[{ step='token', nights=[0, 2], code=53003 }]\n\
                    [[tenant]]\nname='Fabrikam'\ntrouble=[{ step='token', nights=[0, 9], code=53003 }]\n\
                    [[tenant]]\nname='Contoso'\n";
    let mut world = World::playing(scenario).await;
    world.config.import.probe_blocked_every = Duration::from_hours(1);
    let (hand, clock) = Hand::new();
    let engine = world.engine_at(clock);
    engine.keep_watch().await;
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let (adatum, contoso) = (watcher.key("Adatum"), watcher.key("Contoso"));
    hand.pass(59, &mut watcher).await;
    assert_eq!(by_schedule(&watcher).len(), 0, "nothing before the first turn");

    hand.pass(1, &mut watcher).await;
    watcher.until(|w| by_schedule(w).iter().any(|run| run.state == RunState::Done)).await;
    let run = by_schedule(&watcher).remove(0);
    assert_eq!((run.kind, run.tenants, run.failed, run.totals.requests), (RunKind::Probe, 2, 2, 3));
    assert_eq!(watcher.fleet.tenants[&adatum].tries(), 2);
    assert!(!run.jobs.contains_key(&contoso), "who is well is not asked");
    hand.pass(50, &mut watcher).await;
    assert_eq!(by_schedule(&watcher).len(), 1, "once in a period");

    // The partner's own sign-in is refused: its customers are not asked, and nothing more before the next turn.
    world.cloud.set_night(2);
    let before = asked(&world, &adatum);
    hand.pass(10, &mut watcher).await;
    watcher.until(|w| by_schedule(w).len() == 2 && by_schedule(w)[1].state == RunState::Refused).await;
    hand.pass(59, &mut watcher).await;
    assert_eq!((by_schedule(&watcher).len(), asked(&world, &adatum)), (2, before));

    world.cloud.set_night(3);
    hand.pass(1, &mut watcher).await;
    watcher.until(|w| by_schedule(w).len() == 4 && by_schedule(w)[3].state == RunState::Done).await;
    let runs = by_schedule(&watcher);
    assert_eq!((runs[2].kind, runs[2].ok, runs[2].failed), (RunKind::Probe, 1, 1));
    assert_eq!((runs[3].kind, runs[3].tenants, runs[3].ok), (RunKind::AfterProbe, 1, 1));
    assert!(runs[3].jobs.contains_key(&adatum));
    assert!(watcher.fleet.tenants[&adatum].users.good.is_some() && watcher.fleet.tenants[&adatum].passes_at.is_none());
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_line_in_the_configuration_nothing_is_probed() {
    let world = World::playing("[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\ntrouble=[{ step='token', code=53003 }]\n[[tenant]]\nname='Contoso'\n").await;
    let (hand, clock) = Hand::new();
    let engine = world.engine_at(clock);
    engine.keep_watch().await;
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    for _ in 0..3 {
        hand.pass(600, &mut watcher).await;
    }
    assert_eq!(watcher.fleet.runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schedule_wakes_by_itself() {
    let scenario =
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Adatum'\ntrouble=[{ step='token', nights=[0, 0], code=53003 }]\n";
    let mut world = World::playing(scenario).await;
    world.config.import.probe_blocked_every = Duration::from_millis(300);
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    assert_eq!(watcher.state("Adatum"), State::Blocked);
    world.cloud.set_night(1);
    engine.keep_watch().await;
    watcher.until(|watcher| watcher.state("Adatum") == State::Ok).await;
    let kinds: Vec<RunKind> = by_schedule(&watcher).iter().map(|run| run.kind).collect();
    assert_eq!(kinds, [RunKind::Probe, RunKind::AfterProbe]);
}
