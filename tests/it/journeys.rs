//! Journeys: a scenario, the engine over HTTP, and the picture that comes of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use tenantop::config::Import;
use tenantop::engine::Engine;
use tenantop::failure::Owner::{CustomerAdmin as Them, Partner as Us, Retry as Wait};
use tenantop::failure::{Cap, Class, Class as C, Owner};
use tenantop::model::{
    Change, Clock, Command, Event, Found, Job, JobState, Key, Look, RUNS_WITH_JOBS, Run, RunId, RunKind, RunState,
    Scope, Set, SnapshotId, State, Step, TenantId, TextField, Totals, User, UserField, UsersLook,
};
use tenantop::store::Store;

use crate::world::{Watcher, World, assert_whole};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_failure_is_met_once_and_told_apart() {
    let mut world = World::of("every_failure.toml").await;
    world.config.import.retries_per_request = 1;
    world.config.import.max_answer_mib = 4;
    world.config.import.restarts_per_import = 2;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.state, RunState::Done);
    assert_eq!((run.tenants, run.ok), (40, 1), "only one of them is good");

    let got: BTreeMap<String, (State, Option<Class>, Option<Owner>)> = watcher
        .fleet
        .tenants
        .values()
        .map(|tenant| {
            let row = watcher.row(&tenant.name);
            let failure = tenant.failing().map(|failing| &failing.failure);
            (tenant.name.to_string(), (row.state, failure.map(|f| f.class), failure.map(|f| f.owner)))
        })
        .collect();
    let expected = [
        ("Good", State::Ok, None, None),
        ("Block", State::Blocked, Some(C::CapBlock), Some(Them)),
        ("Device", State::Blocked, Some(C::CapDevice), Some(Them)),
        ("App protection", State::Blocked, Some(C::CapAppProtection), Some(Them)),
        ("Token protection", State::Blocked, Some(C::CapTokenProtection), Some(Them)),
        ("Auth flow", State::Blocked, Some(C::CapAuthFlow), Some(Them)),
        ("Terms of use", State::Blocked, Some(C::CapExternalControl), Some(Them)),
        ("Sign-in frequency", State::Blocked, Some(C::CapSignInFrequency), Some(Them)),
        ("MFA", State::Blocked, Some(C::MfaRequired), Some(Them)),
        ("Security defaults", State::Blocked, Some(C::SecurityDefaults), Some(Them)),
        ("Risk", State::OurAuth, Some(C::RiskHomeTenant), Some(Us)),
        ("Consent", State::NoAccess, Some(C::ConsentMissing), Some(Us)),
        ("App missing", State::NoAccess, Some(C::AppMissing), Some(Us)),
        ("Resource", State::NoAccess, Some(C::ResourceMissing), Some(Them)),
        ("Assignment", State::NoAccess, Some(C::AssignmentMissing), Some(Them)),
        ("GDAP", State::NoAccess, Some(C::RelationshipMissing), Some(Us)),
        ("Inbound", State::Blocked, Some(C::CrossTenantPolicy), Some(Them)),
        ("Outbound", State::OurAuth, Some(C::CrossTenantPolicy), Some(Us)),
        ("Tenant gone", State::NoAccess, Some(C::TenantUnavailable), Some(Us)),
        ("Other cloud", State::OurAuth, Some(C::WrongCloud), Some(Us)),
        ("Bug", State::OurAuth, Some(C::RequestBug), Some(Us)),
        ("New policy", State::Blocked, Some(C::CapBlock), Some(Them)),
        ("Riddle", State::Blocked, Some(C::InteractionRequiredUnknown), Some(Them)),
        ("Entra down", State::Failed, Some(C::Transient), Some(Wait)),
        ("Role", State::NoAccess, Some(C::GraphForbidden), Some(Us)),
        ("Half role", State::Partial, Some(C::GraphForbidden), Some(Us)),
        ("Graph down", State::Failed, Some(C::Transient), Some(Wait)),
        ("Cut", State::Failed, Some(C::BadAnswer), Some(Wait)),
        ("Closed", State::Failed, Some(C::Network), Some(Wait)),
        ("Web page", State::Failed, Some(C::BadAnswer), Some(Wait)),
        ("Redirect", State::Failed, Some(C::BadAnswer), Some(Wait)),
        ("Elsewhere", State::Partial, Some(C::BadAnswer), Some(Wait)),
        ("Other scheme", State::Partial, Some(C::BadAnswer), Some(Wait)),
        ("Other port", State::Partial, Some(C::BadAnswer), Some(Wait)),
        ("For ever", State::Partial, Some(C::BadAnswer), Some(Wait)),
        ("Error inside", State::Failed, Some(C::BadAnswer), Some(Wait)),
        ("Bomb", State::Failed, Some(C::BadAnswer), Some(Wait)),
        ("Token refused", State::Failed, Some(C::GraphTokenRejected), Some(Wait)),
        ("Expired for ever", State::Partial, Some(C::Transient), Some(Wait)),
        ("No licenses", State::Never, None, None),
    ];
    let wrong: Vec<String> = expected
        .iter()
        .filter(|(name, state, class, owner)| got[*name] != (*state, *class, *owner))
        .map(|(name, state, class, owner)| format!("{name}: {:?}, expected {:?}", got[*name], (state, class, owner)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    let block = watcher.fleet.tenants[&watcher.key("Block")].failing().unwrap().failure.clone();
    assert_eq!(block.cap, Cap::Yes);
    assert_eq!(block.policies.len(), 2);
    assert_eq!(block.codes, [53_003]);
    assert_eq!(block.correlation_id.as_deref(), block.client_request_id.map(|id| id.to_string()).as_deref());
    let guess = &watcher.fleet.tenants[&watcher.key("New policy")].failing().unwrap().failure;
    assert_eq!(guess.cap, Cap::Probable, "an unknown number of the range is only probable");
    assert!(watcher.fleet.tenants[&watcher.key("No licenses")].held_back.is_some());

    let counters = world.cloud.counters();
    assert_eq!(counters.misdirected, 0, "no token came to a host that it is not for");
    assert_eq!(counters.strays, 0, "no link to another host, scheme or port was followed");
    assert_eq!(counters.without_id, 0, "every request has our id");
    assert_eq!(counters.early, 0, "no repeat came before its time");
    assert_eq!(counters.at_once_in_a_tenant, 1, "one request in flight for each tenant");
    let sign_ins = |name: &str| counters.tenants[&watcher.key(name).tenant.to_string()];
    assert_eq!(sign_ins("Block"), 1, "a refusal by policy is not tried again in this run");
    assert_eq!(sign_ins("Riddle"), 1);
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_but_right_answers_are_taken_whole() {
    let world = World::of("kind.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    let bad: Vec<_> = run.jobs.iter().filter(|(_, job)| job.state != JobState::Ok).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let users = |name: &str| watcher.fleet.tenants[&watcher.key(name)].users.good.as_ref().unwrap().count;
    for (name, count) in [
        ("Short pages", 23),
        ("Empty page", 12),
        ("Twice", 12),
        ("Expired once", 12),
        ("Refused once", 12),
        ("Nobody", 0),
    ] {
        assert_eq!(users(name), count, "{name}");
    }
    let log = |name: &str| run.jobs[&watcher.key(name)].log.iter().map(|entry| entry.step.clone()).collect::<Vec<_>>();
    assert!(log("Twice").iter().any(|step| matches!(step, Step::Merged { duplicates: 3 })), "{:?}", log("Twice"));
    assert!(log("Expired once").contains(&Step::Restarted));
    assert!(log("Refused once").contains(&Step::NewToken));
    for name in
        ["Throttled whole", "Throttled decimal", "Throttled date", "Throttled silent", "Cut once", "Closed once"]
    {
        assert!(log(name).iter().any(|step| matches!(step, Step::Waiting { .. })), "{name}: {:?}", log(name));
    }
    let counters = world.cloud.counters();
    assert_eq!((counters.early, counters.misdirected, counters.without_id), (0, 0, 0));
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repaired_tenant_is_run_again() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.failed), (1, 1));
    assert_eq!(watcher.state("Woodgrove Bank"), State::Blocked);
    world.cloud.set_night(1);
    let key = watcher.key("Woodgrove Bank");
    let run = watcher.import(Scope::Tenants(vec![key.clone()])).await;
    assert_eq!((run.tenants, run.ok, run.by.as_str()), (1, 1, "jdoe"));
    assert_eq!(watcher.state("Woodgrove Bank"), State::Ok);
    assert_eq!(watcher.fleet.tenants[&key].tries(), 0);
    assert_eq!(watcher.row("Woodgrove Bank").cause, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_tenant_waits_as_long_as_it_is_told() {
    let world = World::of("throttled.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.failed), (1, 0));
    assert!(run.totals.retries > 0 && run.totals.waits_ms > 0, "{:?}", run.totals);
    assert_eq!(world.cloud.counters().early, 0);
    let was_queued = watcher.heard.iter().any(|change| {
        matches!(change, Change::Stepped { entry, .. } if matches!(entry.step, Step::Waiting { status: Some(429), .. }))
    });
    assert!(was_queued, "the wait and its reason were told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_in_mid_import_is_renewed() {
    let world = World::of("token_expires.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.failed), (1, 0));
    let log = &run.jobs[&watcher.key("Contoso Rail AG")].log;
    assert!(log.iter().any(|entry| entry.step == Step::NewToken), "{log:?}");
    assert_eq!(watcher.fleet.tenants[&watcher.key("Contoso Rail AG")].users.good.as_ref().unwrap().count, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_partner_asks_no_customer_and_stops_no_other() {
    let world = World::of("two_partners.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.ok, run.refused.len()), (2, 0));
    let relecloud = watcher.key("Relecloud AB");
    let asked = |world: &World| world.cloud.counters().tenants[&relecloud.tenant.to_string()];
    let before = asked(&world);

    world.cloud.set_night(1);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.state, run.tenants, run.ok, run.refused.len()), (RunState::Done, 1, 1, 1));
    assert_eq!(run.refused[0].1.class, Class::RefreshTokenExpired);
    assert_eq!(asked(&world), before, "no customer of the refused partner was asked");
    assert_eq!(watcher.state("Relecloud AB"), State::Ok, "a failure of our own hop is not shown at a customer");
    assert!(watcher.fleet.partners[&"nordics".into()].failing.is_some());

    let run = watcher.import(Scope::Tenants(vec![relecloud.clone()])).await;
    assert_eq!(run.state, RunState::Refused);
    assert_eq!(asked(&world), before);
    assert!(watcher.fleet.tenants[&relecloud].active.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shrink_guard_holds_aside_and_an_operator_decides() {
    let world = World::of("shrink.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    world.cloud.set_night(1);
    watcher.import(Scope::All(None)).await;
    let (first, lake) = (watcher.key("First Up Consultants"), watcher.key("Lakeshore Retreat"));
    let count = |watcher: &Watcher, key| watcher.fleet.tenants[key].users.good.as_ref().unwrap().count;
    assert_eq!(count(&watcher, &first), 812, "the old data stand");
    let held = watcher.fleet.tenants[&first].held_back.clone().unwrap();
    assert!(held.why.contains("812 -> 40"), "{}", held.why);
    assert!(watcher.fleet.tenants[&lake].held_back.as_ref().unwrap().why.contains("SKUs"));
    assert!(watcher.row("First Up Consultants").is_problem());

    let done = watcher.ask(Command::Review { tenant: first.clone(), accept: true }).await;
    assert!(matches!(done, Event::Done(_)), "{done:?}");
    assert_eq!(count(&watcher, &first), 40);
    watcher.ask(Command::Review { tenant: lake.clone(), accept: false }).await;
    assert!(watcher.fleet.tenants[&lake].held_back.is_none());
    assert_eq!(watcher.fleet.tenants[&lake].sku_counts.len(), 3);
    let again = watcher.ask(Command::Review { tenant: lake, accept: true }).await;
    assert!(matches!(again, Event::Refused(_)), "{again:?}");
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_rerun_joins_the_first_and_a_cancel_leaves_the_old_data() {
    let world = World::of("token_expires.toml").await;
    let engine = world.engine();
    let mut jdoe = Watcher::of(&engine, "jdoe").await;
    jdoe.import(Scope::All(None)).await;
    let mut akim = Watcher::of(&engine, "akim").await;
    let key = jdoe.key("Contoso Rail AG");
    let good = jdoe.fleet.tenants[&key].users.good.clone().unwrap();

    let run = jdoe.begin(Scope::Tenants(vec![key.clone()])).await;
    let joined =
        akim.ask(Command::Import { scope: Scope::Tenants(vec![key.clone()]), list: false, reason: None }).await;
    assert!(
        matches!(&joined, Event::Accepted { run: r, joined: 1, by: Some(by) } if *r == run && by == "jdoe"),
        "{joined:?}"
    );
    jdoe.until(|watcher| watcher.fleet.runs[&run].jobs[&key].rows >= 20).await;
    let began = Instant::now();
    jdoe.ask(Command::Cancel { run, tenant: None }).await;
    let ended = jdoe.end_of(run).await;
    assert!(began.elapsed().as_secs() < 3, "a cancel does not wait for the list to end");
    assert_eq!((ended.state, ended.jobs[&key].state), (RunState::Cancelled, JobState::Cancelled));
    assert_eq!(jdoe.fleet.tenants[&key].users.good, Some(good), "what was good stays good");
    assert_eq!(jdoe.fleet.tenants[&key].tries(), 0, "a cancel is no failure");
    assert_whole(&jdoe.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stopped_is_there_again_after_a_restart() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let before = watcher.fleet.clone();
    drop(watcher);
    engine.stop().await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    assert_eq!(watcher.fleet, before);
    let set = Set::Users;
    assert!(
        before
            .runs
            .values()
            .next()
            .unwrap()
            .jobs
            .values()
            .any(|job| job.log.iter().any(|e| matches!(&e.step, Step::Saved { set: s, .. } if *s == set)))
    );
    let run = watcher.import(Scope::Failed(None)).await;
    assert_eq!(run.tenants, 1, "only the one that failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tenants_are_read_at_once_and_never_more_than_asked() {
    let scenario = "[[partner]]\nname='emea'\n[[crowd]]\ncount=150\nusers=[5, 60]\n\
                    trouble=[{ step='users', delay=60 }, { step='skus', delay=60 }]\n";
    let mut world = World::playing(scenario).await;
    world.config.import.tenants_at_once = 48;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.ok), (150, 150));
    let counters = world.cloud.counters();
    assert!((40..=48).contains(&counters.at_once), "{} at once", counters.at_once);
    assert_eq!(counters.at_once_in_a_tenant, 1);
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_pushes_back_is_asked_less_at_once_and_all_is_read() {
    let scenario = "[[partner]]\nname='emea'\n[[crowd]]\ncount=60\nusers=[5, 60]\n\
                    trouble=[{ step='users', status=503, times=1 }, { step='users', delay=60 }]\n";
    let mut world = World::playing(scenario).await;
    world.config.import.tenants_at_once = 32;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.ok), (60, 60), "a push-back fails nobody");
    assert!(run.totals.retries >= 60, "{:?}", run.totals);
    assert_eq!(world.cloud.counters().early, 0, "no repeat came before its time");
    assert_whole(&watcher.fleet, &engine.reader());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_customer_list_takes_nobody_off() {
    let scenario = "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=12\nlisted=[0, 0]\n\
                    [[tenant]]\nname='Fabrikam'\nusers=12\nlisted=[0, 1]\n";
    let world = World::playing(scenario).await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    world.cloud.set_night(1);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!((run.tenants, run.refused.len()), (1, 0));
    assert!(watcher.fleet.tenants[&watcher.key("Contoso")].gone_at.is_some(), "one that leaves is gone, its data stay");

    world.cloud.set_night(2);
    let run = watcher.import(Scope::All(None)).await;
    assert!(watcher.fleet.tenants[&watcher.key("Fabrikam")].gone_at.is_none(), "a list of nobody is doubted");
    assert_eq!((run.tenants, run.ok, run.refused.len()), (1, 1, 1));
    let failure = &run.refused[0].1;
    assert_eq!(failure.class, Class::BadAnswer);
    assert!(failure.raw.contains("1 known"), "{}", failure.raw);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_are_looked_at_from_the_store_and_never_from_the_tenant() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "test").await;
    watcher.import(Scope::All(None)).await;
    let tenant = watcher.fleet.tenants.values().find(|tenant| tenant.name == "Contoso").unwrap();
    let users = tenant.users.good.as_ref().unwrap().snapshot;
    let skus = tenant.skus.good.as_ref().map(|good| good.snapshot);
    let asked = world.cloud.counters().requests;

    let window = |filter: &str, at| UsersLook {
        users,
        skus,
        holding: None,
        filter: filter.to_owned(),
        sort: Some(UserField::Text(TextField::DisplayName)),
        reverse: false,
        from: 0,
        count: 50,
        at,
    };
    let mut see = async |look: Look| match watcher.ask(Command::Look(look)).await {
        Event::Seen(seen) => seen.found,
        other => panic!("not an answer: {other:?}"),
    };
    let Ok(Found::Users(all)) = see(Look::Users(window("", None))).await else { panic!("no users") };
    assert_eq!((all.total, all.matched, all.rows.len()), (12, 12, 12));
    let name = |user: &User| user.text(TextField::DisplayName).unwrap_or_default().to_lowercase();
    assert!(all.rows.is_sorted_by_key(name));
    let last = all.rows.last().unwrap();
    let upn = last.text(TextField::UserPrincipalName).unwrap();
    let Ok(Found::Users(one)) = see(Look::Users(window(upn, Some(last.id)))).await else { panic!("no user") };
    assert_eq!((one.matched, one.at, &one.rows[0]), (1, Some(0), last));
    let counts = Look::Counts { users, skus, filter: String::new(), field: UserField::License };
    let Ok(Found::Counts { matched: 12, rows, .. }) = see(counts).await else { panic!("no counts") };
    assert!(rows.iter().any(|row| row.value.as_deref() == Some("SPE_E3")), "by part number: {rows:?}");
    let Err(why) = see(Look::Users(window("plan:x", None))).await else { panic!("it is refused") };
    assert!(why.contains("no field `plan`"), "{why}");
    let gone = UsersLook { users: SnapshotId(4_711), ..window("", None) };
    let Err(why) = see(Look::Users(gone)).await else { panic!("it is refused") };
    assert!(why.contains("snapshot 4711 is missing"), "{why}");
    assert_eq!(see(Look::Away).await, Ok(Found::Away));
    assert_eq!(world.cloud.counters().requests, asked, "no tenant was asked for anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_try_of_a_tenant_is_looked_up_in_the_store() {
    let world = World::of("repaired.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let (bank, other) = (watcher.key("Woodgrove Bank"), watcher.key("Contoso"));
    // More runs than keep their tenants in memory.
    for _ in 0..RUNS_WITH_JOBS {
        watcher.import(Scope::Tenants(vec![other.clone()])).await;
    }
    let see = async |watcher: &mut Watcher, tenant: &Key| {
        let look = Look::Tries { tenant: tenant.clone(), round: 1 };
        let Event::Seen(seen) = watcher.ask(Command::Look(look)).await else { panic!("no answer") };
        let Ok(Found::Tries(tries)) = seen.found else { panic!("no tries: {:?}", seen.found) };
        tries
    };
    let seen = see(&mut watcher, &bank).await;
    assert!(!seen.more && !seen.forgotten && seen.since.is_some());
    let [first] = seen.tries.as_slice() else { panic!("{:?}", seen.tries) };
    assert!(watcher.fleet.runs[&first.run].jobs.is_empty(), "the fleet no longer holds it");
    assert_eq!((first.by.as_str(), first.job.state), ("jdoe", JobState::Failed));
    let is_policy = |step: &Step| matches!(step, Step::Failed { failure, .. } if !failure.policies.is_empty());
    let kept = first.job.log.iter().any(|entry| is_policy(&entry.step));
    assert!(kept, "the answer is kept with its policies: {:?}", first.job.log);
    assert_eq!(see(&mut watcher, &other).await.tries.len(), 1 + RUNS_WITH_JOBS);

    world.cloud.set_night(1);
    let run = watcher.import(Scope::Tenants(vec![bank.clone()])).await;
    let seen = see(&mut watcher, &bank).await;
    let told: Vec<(RunId, JobState)> = seen.tries.iter().map(|one| (one.run, one.job.state)).collect();
    assert_eq!(told, [(run.id, JobState::Ok), (first.run, JobState::Failed)], "the newest first");
    assert_eq!(seen.tries[0].job, run.jobs[&bank], "what was told is what is kept");
    let asked = world.cloud.counters().requests;
    see(&mut watcher, &other).await;
    assert_eq!(world.cloud.counters().requests, asked, "no tenant was asked for anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tenants_of_a_large_run_follow_the_first_picture() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(&dir.path().join("store.redb"), 4 << 20).unwrap();
    let key = |n: u128| Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::from_u128(n)) };
    let mut large = None;
    for tenants in [1_200, 3] {
        let run = Run {
            id: store.next_run(),
            kind: RunKind::All,
            by: "timer".into(),
            reason: None,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Some(Timestamp::UNIX_EPOCH),
            state: RunState::Done,
            refused: Vec::new(),
            tenants,
            ok: tenants,
            failed: 0,
            totals: Totals::default(),
            selling: None,
            jobs: Arc::new((0..u128::from(tenants)).map(|n| (key(n), Job::queued(Some(7)))).collect()),
        };
        let keys: Vec<Key> = run.jobs.keys().cloned().collect();
        let mut batch = store.batch().unwrap();
        batch.put_run(&run).unwrap();
        batch.put_jobs(&run, &keys).unwrap();
        batch.commit(true).unwrap();
        large.get_or_insert(run);
    }
    let large = large.unwrap();
    let keep = tenantop::config::Store::default();
    let (import, schedule, clock) = (Import::default(), tenantop::config::Schedule::default(), Clock::system());
    let engine = Engine::start(store, BTreeMap::new(), &import, Arc::default(), &keep, &schedule, clock).unwrap();
    let mut watcher = Watcher::of(&engine, "test").await;
    let tenants = |watcher: &Watcher| watcher.fleet.runs.values().map(|run| run.jobs.len()).collect::<Vec<_>>();
    assert_eq!(tenants(&watcher), [0, 3], "the first picture does not wait for them");
    watcher.until(|watcher| tenants(watcher) == [1_200, 3]).await;
    assert_eq!(watcher.fleet.runs[&large.id], large);
    assert_eq!(tenants(&Watcher::of(&engine, "late").await), [1_200, 3], "whoever comes later gets them at once");
    drop(watcher);
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_knows_what_was_refused_when_the_customer_was_asked() {
    let world = World::of("policy_moves.toml").await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let (bank, other) = (watcher.key("Woodgrove Bank"), watcher.key("Contoso"));
    let wish = |number: &str| Command::Ticket {
        tenant: bank.clone(),
        number: number.into(),
        note: Some("IT lead back on 24 Nov".into()),
    };
    let refused = watcher.ask(wish(" ")).await;
    assert!(matches!(&refused, Event::Refused(why) if why.contains("needs its number")), "{refused:?}");
    let done = watcher.ask(wish("CS-4411")).await;
    assert!(matches!(&done, Event::Done(said) if said.contains("CS-4411")), "{done:?}");
    let ticket = |watcher: &Watcher| watcher.fleet.tenants[&bank].ticket.clone().unwrap();
    let first = ticket(&watcher);
    assert_eq!((first.by.as_str(), first.class, first.policies.len()), ("jdoe", Class::CapBlock, 2));
    let failure = |watcher: &Watcher| watcher.fleet.tenants[&bank].failing().unwrap().failure.clone();
    assert_eq!(first.differs(&failure(&watcher)), None);

    world.cloud.set_night(1);
    watcher.import(Scope::All(None)).await;
    let differs = first.differs(&failure(&watcher)).unwrap();
    let new = "9e5d8c0b-4d0f-4c27-8a37-5a6c2f7b9e21".parse().unwrap();
    assert_eq!((differs.new, differs.lifted, differs.cause), (vec![new], 1, false), "the policy list changed");

    // A restart keeps it, and others are told.
    drop(watcher);
    engine.stop().await;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    assert_eq!(ticket(&watcher), first);
    let mut akim = Watcher::of(&engine, "akim").await;
    watcher.ask(wish("CS-4412")).await;
    akim.until(|akim| akim.fleet.tenants[&bank].ticket.as_ref().is_some_and(|ticket| ticket.number == "CS-4412")).await;
    assert_eq!(ticket(&akim).policies, failure(&watcher).policies, "asked anew, with what is refused now");

    world.cloud.set_night(2);
    let run = watcher.import(Scope::All(None)).await;
    assert_eq!(run.ok, 2);
    let closed = ticket(&watcher);
    assert!(closed.is_lifted() && closed.closed_by.is_none() && watcher.fleet.tenants[&bank].open_ticket().is_none());
    let again = watcher.ask(Command::CloseTicket { tenant: bank.clone() }).await;
    assert!(matches!(&again, Event::Refused(why) if why.contains("no open ticket")), "{again:?}");
    let well = watcher.ask(Command::Ticket { tenant: other, number: "CS-1".into(), note: None }).await;
    assert!(matches!(&well, Event::Refused(why) if why.contains("nothing is refused there")), "{well:?}");
    let before = watcher.fleet.tenants.clone();
    drop((watcher, akim));
    engine.stop().await;
    assert_eq!(Watcher::of(&world.engine(), "jdoe").await.fleet.tenants, before, "the store is the truth");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_ticket_is_kept_for_what_is_our_own_turn() {
    let mut world = World::of("every_failure.toml").await;
    world.config.import.retries_per_request = 0;
    world.config.import.max_answer_mib = 4;
    world.config.import.restarts_per_import = 1;
    let engine = world.engine();
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    watcher.import(Scope::All(None)).await;
    let mut kept = 0;
    for tenant in watcher.fleet.tenants.values().cloned().collect::<Vec<_>>() {
        let state = watcher.state(&tenant.name);
        let answer =
            watcher.ask(Command::Ticket { tenant: tenant.key.clone(), number: "CS-1".into(), note: None }).await;
        let is_kept = watcher.fleet.tenants[&tenant.key].ticket.is_some();
        assert_eq!(is_kept, matches!(answer, Event::Done(_)), "{}: {answer:?}", tenant.name);
        assert!(!is_kept || state != State::OurAuth, "{}: {answer:?}", tenant.name);
        assert!(is_kept || state != State::Blocked, "{}: {answer:?}", tenant.name);
        kept += u32::from(is_kept);
    }
    assert!(kept > 12, "{kept}");
    watcher.ask(Command::CloseTicket { tenant: watcher.key("Block") }).await;
    let closed = watcher.fleet.tenants[&watcher.key("Block")].ticket.clone().unwrap();
    assert_eq!((closed.closed_by.as_deref(), closed.is_lifted()), (Some("jdoe"), false));
}
