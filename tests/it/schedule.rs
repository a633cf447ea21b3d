//! The daily import over days, on a clock of the test.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tenantop::config::Schedule;
use tenantop::engine::Engine;
use tenantop::model::{
    Ask, Change, Clock, Command, Due, DueWhy, Event, JobState, Key, Run, RunKind, RunState, Scope, State, TenantRow,
};
use uuid::Uuid;

use crate::service::Service;
use crate::world::{LIMIT, Watcher, World, assert_whole};

/// A time of a November: `02 01:15`.
fn at(text: &str) -> Timestamp {
    let (day, time) = text.split_once(' ').unwrap();
    format!("2026-11-{day}T{time}:00Z").parse().unwrap()
}

/// A clock that stands until it is set.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new(now: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(now.as_second())))
    }

    fn clock(&self) -> Clock {
        let seconds = Arc::clone(&self.0);
        Clock::of(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn set(&self, now: Timestamp) {
        self.0.store(now.as_second(), Ordering::SeqCst);
    }
}

/// A service over days: its engine, who watches it, and the clock.
struct Days {
    world: World,
    hand: Hand,
    engine: Option<Engine>,
    watcher: Option<Watcher>,
    /// What was heard of engines that were stopped.
    before: Vec<Change>,
}

impl Days {
    async fn of(scenario: &str, now: &str) -> Self {
        Self::from(scenario, at(now)).await
    }

    async fn from(scenario: &str, now: Timestamp) -> Self {
        let mut world = World::playing(scenario).await;
        world.config.import.retries_per_request = 0;
        world.config.schedule = Schedule::default();
        let mut days = Self { world, hand: Hand::new(now), engine: None, watcher: None, before: Vec::new() };
        days.start().await;
        days
    }

    /// The service starts, and what it finds due is waited for.
    async fn start(&mut self) {
        self.open().await;
        self.settle().await;
    }

    /// The service starts.
    async fn open(&mut self) {
        let engine = self.world.engine_at(self.hand.clock());
        self.watcher = Some(Watcher::of(&engine, "jdoe").await);
        engine.keep_schedule().await;
        self.engine = Some(engine);
    }

    /// The service ends.
    async fn stop(&mut self) {
        self.before.append(&mut self.watcher.take().unwrap().heard);
        self.engine.take().unwrap().stop().await;
    }

    fn watcher(&mut self) -> &mut Watcher {
        self.watcher.as_mut().unwrap()
    }

    /// The engine looks at the clock, and what it begins is waited for.
    async fn settle(&mut self) {
        self.look().await;
        self.watcher().until(|watcher| watcher.fleet.running().next().is_none()).await;
        // What the end of a run moved is told behind it.
        self.look().await;
        assert!(self.watcher().fleet.running().next().is_none(), "an import is not followed by itself");
    }

    /// The engine looks at the clock.
    async fn look(&mut self) {
        self.engine.as_ref().unwrap().keep_schedule().await;
        // Its answer comes behind what the look began; it changes nothing.
        let nobody = Key { partner: "nobody".into(), tenant: tenantop::model::Id::new(Uuid::nil()) };
        let answer = self.watcher().ask(Command::Resume { tenant: nobody }).await;
        assert!(matches!(answer, Event::Refused(_)), "{answer:?}");
    }

    /// Lives until a time: whenever something is due it is let go on to its end.
    async fn live(&mut self, until: &str) {
        let until = at(until);
        loop {
            let now = self.hand.now();
            let fleet = &self.watcher.as_ref().unwrap().fleet;
            let dues = fleet.tenants.values().filter_map(|tenant| tenant.due).map(|due| due.at);
            let asks = fleet.partners.values().filter_map(|partner| partner.ask).map(|ask| ask.at);
            let next = dues.chain(asks).filter(|at| *at > now).min().unwrap_or(until).min(until);
            self.hand.set(next);
            self.settle().await;
            if next == until {
                return;
            }
        }
    }

    fn tenant(&self, name: &str) -> &tenantop::model::Tenant {
        let watcher = self.watcher.as_ref().unwrap();
        &watcher.fleet.tenants[&watcher.key(name)]
    }

    fn dues(&self) -> BTreeMap<Key, Option<Due>> {
        let tenants = self.watcher.as_ref().unwrap().fleet.tenants.values();
        tenants.map(|tenant| (tenant.key.clone(), tenant.due)).collect()
    }

    /// The imports between two times, by tenant: when each ended, oldest first.
    fn imports(&self, from: &str, to: &str) -> BTreeMap<Key, Vec<Timestamp>> {
        let mut imports: BTreeMap<Key, Vec<Timestamp>> = self.dues().into_keys().map(|key| (key, Vec::new())).collect();
        let heard = self.watcher.iter().flat_map(|watcher| &watcher.heard);
        for change in self.before.iter().chain(heard) {
            if let Change::JobDone { tenant, at: when, cancelled: false, .. } = change
                && (at(from)..at(to)).contains(when)
            {
                imports.entry(tenant.clone()).or_default().push(*when);
            }
        }
        imports
    }

    fn runs(&self, from: &str, to: &str) -> Vec<Run> {
        let runs = self.watcher.as_ref().unwrap().fleet.runs.values();
        runs.filter(|run| (at(from)..at(to)).contains(&run.started_at)).cloned().collect()
    }

    fn asked(&self, step: &str, name: &str) -> u64 {
        self.world.cloud.counters().of(step, self.tenant(name).key.tenant.to_string().parse().unwrap())
    }
}

fn hours(times: &[Timestamp]) -> Vec<String> {
    times.iter().map(|at| at.strftime("%d %H:%M").to_string()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tenant_is_imported_once_a_day_whatever_happens_to_the_service() {
    let scenario = "[[partner]]\nname='emea'\n[[crowd]]\ncount=40\nusers=[3, 9]\n\
                    [[tenant]]\nname='Contoso'\nusers=4\n\
                    [[tenant]]\nname='Adatum'\nusers=4\ntrouble=[{ step='token', nights=[0, 2], code=53003 }]\n\
                    [[tenant]]\nname='Fabrikam'\nusers=4\ntrouble=[{ step='token', nights=[0, 0], status=503 }]\n\
                    [[tenant]]\nname='Tailspin Toys'\nusers=4\nlisted=[1, 99]\n";
    let mut days = Days::of(scenario, "02 00:00").await;
    assert_eq!(days.watcher().fleet.window.as_deref(), Some("01:00-05:00"), "that one is kept is told");
    assert_eq!(days.dues().len(), 43, "the list was never read: it is read at once");
    assert!(days.imports("02 00:00", "02 01:00").values().all(Vec::is_empty), "and nobody before the window");
    let first = days.dues();

    // The first day: each in its slot, in no more runs than there are slices; a fault is tried again before long.
    days.live("02 23:55").await;
    let (adatum, fabrikam) = (days.tenant("Adatum").key.clone(), days.tenant("Fabrikam").key.clone());
    for (key, times) in days.imports("02 00:00", "03 00:00") {
        let slot = first[&key].unwrap();
        assert_eq!((times[0], slot.why), (slot.at, DueWhy::Slot), "{key}");
        assert!((at("02 01:00")..at("02 05:00")).contains(&slot.at), "{key}: {}", slot.at);
        let due = days.watcher().fleet.tenants[&key].due.unwrap();
        if key == fabrikam {
            let apart: Vec<i64> = times.windows(2).map(|two| two[1].duration_since(two[0]).as_mins()).collect();
            assert_eq!(apart, [15, 60, 240], "{:?}", hours(&times));
        } else {
            assert_eq!(times.len(), 1, "{key}: {:?}", hours(&times));
        }
        assert_eq!(due.at, slot.at.checked_add(SignedDuration::from_hours(24)).unwrap(), "{key}: the same time of day");
        assert_eq!(due.why, if key == adatum { DueWhy::Refused } else { DueWhy::Slot }, "{key}");
    }
    let runs = days.runs("02 01:00", "02 05:00");
    assert!(runs.iter().all(|run| run.kind == RunKind::Daily && run.by == "schedule"));
    assert!((8..=17).contains(&runs.len()), "{} runs", runs.len());
    assert_eq!(days.asked("token", "Adatum"), 1, "a policy is asked about once");
    let lists = |days: &Days| days.world.cloud.counters().all("customers");
    assert_eq!(lists(&days), 2, "at the very first, and when the window opened");

    // The second day: a restart in the middle of the night moves nothing and reads nobody twice. A new customer comes in.
    days.world.cloud.set_night(1);
    days.live("03 02:37").await;
    days.stop().await;
    let kept = days.world.engine_at(days.hand.clock());
    let found = Watcher::of(&kept, "akim").await;
    assert_eq!(found.fleet.window, None, "nobody keeps one before the service says so");
    let kept_dues: BTreeMap<_, _> = found.fleet.tenants.values().map(|t| (t.key.clone(), t.due)).collect();
    drop(found);
    kept.stop().await;
    days.start().await;
    assert_eq!(days.dues(), kept_dues, "due times are those of the store");
    days.live("03 23:55").await;
    for (key, times) in days.imports("03 00:00", "04 00:00") {
        assert_eq!(times.len(), 1, "{key}: {:?}", hours(&times));
        assert!((at("03 01:00")..at("03 05:00")).contains(&times[0]), "{key}: {:?}", hours(&times));
    }
    assert_eq!(days.tenant("Tailspin Toys").gone_at, None);
    assert_eq!((days.asked("token", "Adatum"), lists(&days)), (2, 3));

    // The third night goes by without a service: all of it is made up for at once, in one run.
    days.world.cloud.set_night(2);
    days.stop().await;
    days.hand.set(at("04 09:10"));
    days.start().await;
    let runs = days.runs("04 00:00", "05 00:00");
    assert_eq!((runs.len(), runs[0].kind, runs[0].tenants, runs[0].failed), (1, RunKind::Daily, 44, 1));
    assert_eq!((days.asked("token", "Adatum"), lists(&days)), (3, 4));

    // The fourth day is as ever.
    days.world.cloud.set_night(3);
    days.live("05 23:55").await;
    assert_eq!(days.runs("04 09:11", "05 00:00").len(), 0, "what was made up for is not read again in the evening");
    for (key, times) in days.imports("05 00:00", "06 00:00") {
        assert_eq!(times.len(), 1, "{key}: {:?}", hours(&times));
        assert_eq!(days.watcher().fleet.tenants[&key].tries(), 0);
    }
    let reader = days.engine.as_ref().unwrap().reader();
    assert_whole(&days.watcher().fleet, &reader);
    assert_eq!(days.world.cloud.counters().older_refresh_tokens, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_of_all_beside_it_joins_and_moves_due_times() {
    let scenario = "[[partner]]\nname='emea'\n[[crowd]]\ncount=12\nusers=[3, 9]\n\
                    trouble=[{ step='users', nights=[3, 3], delay=4000 }]\n\
                    [[tenant]]\nname='Contoso'\nid='00000000-0000-0000-0000-00000000001a'\nusers=4\ntrouble=[{ step='users', nights=[1, 2], delay=1500 }, { step='users', nights=[3, 3], delay=4000 }]\n";
    let mut days = Days::of(scenario, "02 00:00").await;
    let contoso = days.tenant("Contoso").key.clone();
    let slot = days.tenant("Contoso").due.unwrap().at;
    let day = SignedDuration::from_hours(24);

    // The schedule holds Contoso; a person asks for all.
    days.world.cloud.set_night(1);
    for (key, due) in days.dues() {
        assert!(due.unwrap().at < at("02 05:00"), "{key}");
    }
    days.hand.set(slot);
    days.look().await;
    let daily = days.tenant("Contoso").active.as_ref().expect("its slot has come").run;
    assert_eq!(days.watcher().fleet.runs[&daily].kind, RunKind::Daily);
    let all = days.watcher().import(Scope::All(None)).await;
    assert!(!all.jobs.contains_key(&contoso), "it is joined");
    days.settle().await;
    assert_eq!(days.watcher().fleet.runs[&daily].jobs[&contoso].state, JobState::Ok);
    let early = days.watcher().fleet.runs[&daily].clone();
    assert!(early.tenants < 13, "some have a later slot");
    // Whoever the person's run read is not read again that night: it was less than a window's length before the slot.
    days.live("03 00:30").await;
    for (key, times) in days.imports("02 00:00", "03 00:30") {
        let wanted = usize::from(all.jobs.contains_key(&key)) + usize::from(early.jobs.contains_key(&key));
        assert_eq!(times.len(), wanted, "{key}: {:?}", hours(&times));
        assert!(days.dues()[&key].unwrap().at >= at("03 01:00"), "{key}");
    }

    // A person's run holds all; the slots come meanwhile.
    days.world.cloud.set_night(2);
    days.hand.set(at("03 01:00"));
    days.settle().await;
    let run = days.watcher().begin(Scope::All(None)).await;
    let is_queued = |watcher: &Watcher| watcher.fleet.tenants[&contoso].active.is_some();
    days.watcher().until(is_queued).await;
    days.hand.set(slot.checked_add(day).unwrap());
    days.look().await;
    let active = days.tenant("Contoso").active.clone().map(|active| active.run);
    let begun = days.runs("03 01:00", "04 00:00");
    let has_it = |run: &Run| run.kind == RunKind::Daily && run.jobs.contains_key(&contoso);
    assert!(active.is_none_or(|active| active == run) && !begun.iter().any(has_it), "it is joined, not read twice");
    days.settle().await;
    assert!(days.dues()[&contoso].unwrap().at >= at("04 01:00"), "the person's run moves it");
    assert_eq!(days.asked("users", "Contoso"), 2, "read once a night");

    // A night is made up for: that run has all of them, and whoever asks for all is given it.
    days.world.cloud.set_night(3);
    days.stop().await;
    days.hand.set(at("04 09:00"));
    days.open().await;
    days.look().await;
    let wish = Command::Import { scope: Scope::All(None), list: false, reason: None };
    let answer = days.watcher().ask(wish).await;
    let Event::Accepted { run, joined: 13, by: Some(by) } = answer else { panic!("{answer:?}") };
    assert_eq!((by.as_str(), days.watcher().end_of(run).await.kind), ("schedule", RunKind::Daily));
    days.settle().await;
    assert_eq!((days.runs("04 00:00", "05 00:00").len(), days.asked("users", "Contoso")), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_partner_that_refuses_is_tried_once_an_hour_and_its_customers_wait() {
    let scenario = "[[partner]]\nname='emea'\n[[partner]]\nname='nordics'\ndies={ code=700082, nights=[1, 1] }\n\
                    [[tenant]]\npartner='emea'\nname='Contoso'\nusers=4\n\
                    [[tenant]]\npartner='nordics'\nname='Relecloud AB'\nusers=4\n\
                    [[tenant]]\npartner='nordics'\nname='Fourth Coffee'\nusers=4\n";
    let mut days = Days::of(scenario, "02 00:00").await;
    days.live("03 00:30").await;
    let before = days.asked("token", "Relecloud AB");
    let tried = days.tenant("Relecloud AB").tried_at;
    let due = days.tenant("Relecloud AB").due;
    days.world.cloud.set_night(1);
    days.live("03 09:50").await;
    let refused = |days: &Days| {
        let runs = days.runs("03 00:30", "04 00:00");
        runs.into_iter().filter(|run| !run.refused.is_empty()).collect::<Vec<_>>()
    };
    let runs = refused(&days);
    let starts: Vec<i64> = runs.iter().map(|run| run.started_at.as_second()).collect();
    assert!((8..=9).contains(&runs.len()), "once an hour from the opening on: {}", runs.len());
    assert!(starts.windows(2).all(|two| two[1] - two[0] == 3600), "{starts:?}");
    let of_nordics = |run: &&Run| run.state == RunState::Refused;
    assert_eq!(
        runs.iter().filter(of_nordics).count() + 1,
        runs.len(),
        "the first one has the other partner's list too"
    );
    assert_eq!(days.asked("token", "Relecloud AB"), before, "no customer was asked");
    let tenant = days.tenant("Relecloud AB");
    assert_eq!(
        (tenant.tried_at, tenant.due, tenant.tries()),
        (tried, due, 0),
        "nor counted as tried: it is due as it was"
    );
    assert_eq!(days.imports("03 00:30", "03 10:00")[&days.tenant("Contoso").key].len(), 1, "the others go on");

    // A restart does not ask sooner.
    days.stop().await;
    days.hand.set(at("03 09:55"));
    days.start().await;
    assert_eq!(refused(&days).len(), runs.len());
    assert!(days.watcher().fleet.partners[&"nordics".into()].ask.is_some_and(|ask| ask.refused));

    // It is let in again: within the hour all is made up for.
    days.world.cloud.set_night(2);
    days.live("03 10:20").await;
    for name in ["Relecloud AB", "Fourth Coffee"] {
        let key = days.tenant(name).key.clone();
        assert_eq!(days.imports("03 09:50", "03 11:00")[&key].len(), 1, "{name}");
        assert!(days.tenant(name).due.unwrap().at > at("04 00:59"));
    }
    let ask = days.watcher().fleet.partners[&"nordics".into()].ask;
    assert_eq!(ask, Some(Ask { at: at("04 01:00"), refused: false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_a_person_sees_pass_ends_the_wait() {
    let scenario =
        "[[partner]]\nname='emea'\ndies={ code=700082, nights=[0, 0] }\n[[tenant]]\nname='Contoso'\nusers=4\n";
    let mut days = Days::of(scenario, "02 02:00").await;
    let ask = |days: &Days| days.watcher.as_ref().unwrap().fleet.partners[&"emea".into()].ask.unwrap();
    assert_eq!(ask(&days), Ask { at: at("02 03:00"), refused: true }, "the very first list was refused");
    days.world.cloud.set_night(1);
    days.hand.set(at("02 02:10"));
    days.settle().await;
    assert_eq!(days.watcher().fleet.runs.len(), 1, "it waits");
    let Event::Accepted { run, .. } = days.watcher().ask(Command::Sync { partner: None }).await else {
        panic!("refused")
    };
    days.watcher().end_of(run).await;
    days.settle().await;
    assert_eq!(ask(&days), Ask { at: at("03 01:00"), refused: false });

    // A night later it is refused by the time, and a person's sign-in lets those who wait go on at once.
    days.live("02 23:00").await;
    days.world.cloud.set_night(0);
    days.live("03 04:50").await;
    let due = days.tenant("Contoso").due.unwrap().at;
    assert!(due < at("03 05:00") && ask(&days).refused, "{due}");
    days.world.cloud.set_night(1);
    days.hand.set(at("03 04:52"));
    let Event::Accepted { run, .. } = days.watcher().ask(Command::Sync { partner: None }).await else {
        panic!("refused")
    };
    days.watcher().end_of(run).await;
    days.settle().await;
    let key = days.tenant("Contoso").key.clone();
    assert_eq!(days.imports("03 00:00", "04 00:00")[&key], [at("03 04:52")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_decides_moves_it() {
    let scenario = "[[partner]]\nname='emea'\n\
                    [[tenant]]\nname='Contoso'\nusers=4\ntrouble=[{ step='users', nights=[2, 2], delay=20000 }]\n\
                    [[tenant]]\nname='Adatum'\nusers=4\nlisted=[0, 0]\n\
                    [[tenant]]\nname='Woodgrove Bank'\nusers=40\ntrouble=[{ step='users', do='shrunk', users=4, nights=[1, 9] }]\n";
    let mut days = Days::of(scenario, "02 00:00").await;
    let (contoso, woodgrove) = (days.tenant("Contoso").key.clone(), days.tenant("Woodgrove Bank").key.clone());
    days.live("02 12:00").await;

    // A pause to an hour behind its slot: it is left out, with who and until when, and read the day after.
    let slot = days.tenant("Contoso").due.unwrap().at;
    let hour = SignedDuration::from_hours(1);
    let until = slot.checked_add(hour).unwrap();
    let pause = Command::Pause { tenant: contoso.clone(), reason: "they move".into(), until };
    days.watcher().ask(pause).await;
    let after = slot.checked_add(SignedDuration::from_hours(24)).unwrap();
    assert_eq!(days.tenant("Contoso").due, Some(Due { at: after, why: DueWhy::Pause }));
    days.world.cloud.set_night(1);
    days.live("03 12:00").await;
    assert_eq!(days.imports("03 00:00", "03 12:00")[&contoso], [], "left out");
    let state = |days: &Days, name: &str| {
        let fleet = &days.watcher.as_ref().unwrap().fleet;
        TenantRow::of(fleet, days.tenant(name), days.hand.now()).state
    };
    assert_eq!(state(&days, "Contoso"), State::Stale, "the pause is over");

    // What is gone is not due; what the guard holds back is read once a day.
    assert_eq!((days.tenant("Adatum").gone_at.is_some(), days.tenant("Adatum").due), (true, None));
    let held = days.tenant("Woodgrove Bank");
    assert!(held.held_back.is_some());
    assert_eq!(held.due.unwrap().why, DueWhy::HeldBack);
    days.watcher().ask(Command::Review { tenant: woodgrove.clone(), accept: true }).await;
    assert_eq!(days.tenant("Woodgrove Bank").due.unwrap().why, DueWhy::Slot, "it is good again");

    // A person cancels what the schedule reads: it is not begun anew that day.
    days.world.cloud.set_night(2);
    days.live("04 00:30").await;
    while days.hand.now() < after {
        let next = days.hand.now().checked_add(SignedDuration::from_mins(15)).unwrap();
        days.hand.set(next);
        if next < after {
            days.settle().await;
        }
    }
    days.look().await;
    let run = days.tenant("Contoso").active.as_ref().expect("its slot has come").run;
    days.watcher().ask(Command::Cancel { run, tenant: None }).await;
    days.settle().await;
    assert_eq!(days.watcher().fleet.runs[&run].state, RunState::Cancelled);
    let next = after.checked_add(SignedDuration::from_hours(24)).unwrap();
    assert_eq!(days.tenant("Contoso").due, Some(Due { at: next, why: DueWhy::Cancelled }));
    days.live("04 23:00").await;
    assert_eq!(days.imports("04 00:00", "04 23:00")[&contoso], []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_are_set_and_a_window_that_moves() {
    let scenario = "[[partner]]\nname='emea'\n[[crowd]]\ncount=10\nusers=[3, 9]\n";
    let mut days = Days::of(scenario, "02 00:00").await;
    days.live("02 12:00").await;
    let dues = days.dues();

    // A fortnight ahead, by mistake: all is overdue and is read. Set right, each has its slot as before.
    days.hand.set(at("16 12:00"));
    days.settle().await;
    assert!(days.dues().values().all(|due| due.unwrap().at >= at("17 01:00")));
    days.hand.set(at("02 12:10"));
    days.settle().await;
    assert_eq!(days.dues(), dues, "a clock that was wrong puts nobody off");
    days.live("03 12:00").await;
    assert!(days.imports("03 00:00", "03 12:00").values().all(|times| times.len() == 1));

    // Another window over midnight: the next imports are in it.
    days.stop().await;
    days.world.config.schedule = toml::from_str("window = '22:30-02:00'").unwrap();
    days.start().await;
    days.live("04 12:00").await;
    for (key, times) in days.imports("03 12:00", "04 12:00") {
        assert!(times.len() == 1 && (at("03 22:30")..at("04 02:00")).contains(&times[0]), "{key}: {:?}", hours(&times));
    }

    // Switched off: nothing comes by itself, and nobody is told a time.
    days.stop().await;
    days.world.config.schedule.daily = false;
    days.start().await;
    let kept = days.watcher().fleet.runs.len();
    days.hand.set(at("09 12:00"));
    days.settle().await;
    let fleet = &days.watcher().fleet;
    assert_eq!((fleet.runs.len(), fleet.window.clone()), (kept, None));
    assert!(fleet.tenants.values().all(|tenant| fleet.due(tenant).is_none()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_service_wakes_by_itself() {
    let mut days = Days::of("[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=4\n", "02 00:00").await;
    let slot = days.tenant("Contoso").due.unwrap().at;
    days.stop().await;
    // A clock that goes, a second before the slot.
    let (began, system) = (Clock::system().now(), Clock::system());
    let second = SignedDuration::from_secs(1);
    let clock = Clock::of(move || slot.checked_add(system.now().duration_since(began) - second).unwrap());
    days.world.config.import.stale_after = Duration::from_hours(1);
    let engine = days.world.engine_at(clock);
    let mut watcher = Watcher::of(&engine, "jdoe").await;
    let contoso = watcher.key("Contoso");
    // The list is due too, where its slot is the first one or a later one: the window has opened.
    engine.keep_schedule().await;
    let is_moved = |watcher: &Watcher| watcher.fleet.tenants[&contoso].due.is_some_and(|due| due.at > slot);
    watcher.until(is_moved).await;
    assert!(watcher.fleet.tenants[&contoso].users.good.is_some());
    assert!(watcher.fleet.runs.values().all(|run| run.kind == RunKind::Daily));
}

/// What the program itself writes, and its exit code.
fn output(days: &Days, args: &[&str]) -> (String, Option<i32>) {
    let output = days.world.tenantop().args(args).output().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.code())
}

/// Alters the configuration of the program.
fn switch(days: &Days, from: &str, to: &str) {
    let config = days.world.config_path();
    let text = std::fs::read_to_string(&config).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(&config, text.replace(from, to)).unwrap();
}

fn rows(days: &Days, args: &[&str]) -> Vec<serde_json::Value> {
    output(days, args).0.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn doctor_of_schedule(days: &Days) -> serde_json::Value {
    let checks = rows(days, &["doctor", "--offline", "--json"]);
    checks.into_iter().find(|check| check["name"] == "schedule").unwrap()
}

fn figure(days: &Days, name: &str) -> i64 {
    let text = output(days, &["metrics", "-"]).0;
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{partner=\"emea\"}}")));
    line.unwrap_or_else(|| panic!("{text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_is_down_is_told_by_doctor_and_metrics_and_rows_say_no_time() {
    let scenario = "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=4\n[[tenant]]\nname='Adatum'\nusers=4\n\
                    [[tenant]]\nname='Fabrikam'\nusers=4\n";
    let ago = |hours| Clock::system().now().checked_sub(SignedDuration::from_hours(hours)).unwrap();
    // Whatever the time of day is, all slots of the next 24 hours were a day ago at least.
    let mut days = Days::from(scenario, ago(50)).await;
    let first = days.dues().values().map(|due| due.unwrap().at).min().unwrap();
    let (until, reason) = (ago(-50), "they move".into());
    let adatum = days.tenant("Adatum").key.clone();
    days.watcher().ask(Command::Pause { tenant: adatum, reason, until }).await;
    days.stop().await;

    switch(&days, "daily = false", "daily = true");
    let check = doctor_of_schedule(&days);
    assert_eq!(check["state"], "failed", "{check}");
    let what = check["what"].as_str().unwrap();
    assert!(what.starts_with("daily imports (01:00-05:00 UTC) are behind: 2 of 3 tenants are overdue"), "{what}");
    let since: Timestamp = check["since"].as_str().unwrap().parse().unwrap();
    assert!(
        since >= first && check["next"].as_str().unwrap().starts_with("start the service (tenantop serve)"),
        "{check}"
    );
    assert!(check["who"].as_str().unwrap().starts_with("US"));
    assert_eq!(figure(&days, "tenantop_schedule_overdue_tenants"), 2);
    let age = figure(&days, "tenantop_schedule_oldest_overdue_seconds");
    assert!((24 * 3600..51 * 3600).contains(&age), "{age}");
    assert!(
        figure(&days, "tenantop_schedule_next_due_timestamp_seconds") > Clock::system().now().as_second(),
        "the paused one"
    );

    // No service keeps it now: rows name no time. Who is paused says by whom, why, until when.
    let tenants = rows(&days, &["tenants", "--json"]);
    assert!(tenants.iter().all(|row| row.get("due_at").is_none()), "{tenants:?}");
    let paused = tenants.iter().find(|row| row["name"] == "Adatum").unwrap();
    assert_eq!((&paused["state"], &paused["pause"]["by"]), (&"paused".into(), &"jdoe".into()));
    assert_eq!(
        (&paused["pause"]["reason"], &paused["pause"]["until"]),
        (&"they move".into(), &until.to_string().into())
    );

    // A command reads them: nothing is behind any more, whoever keeps the schedule.
    assert_eq!(output(&days, &["import", "--all"]).1, Some(0));
    let check = doctor_of_schedule(&days);
    assert_eq!(check["state"], "ok", "{check}");
    assert_eq!(figure(&days, "tenantop_schedule_overdue_tenants"), 0);
    // A second later: the clock of the test knows no parts of one.
    days.hand.set(ago(0).checked_add(SignedDuration::from_secs(1)).unwrap());
    days.start().await;
    let daily = |run: &&Run| run.kind == RunKind::Daily && run.tenants > 0 && run.started_at > since;
    assert_eq!(days.watcher().fleet.runs.values().filter(daily).count(), 0, "and the service reads none of them again");

    // Switched off.
    days.stop().await;
    switch(&days, "daily = true", "daily = false");
    let check = doctor_of_schedule(&days);
    assert!(check["state"] == "skipped" && check["what"].as_str().unwrap().contains("is off"), "{check}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_makes_up_for_what_was_missed_and_its_rows_say_when_each_is_read_next() {
    let scenario =
        "[[partner]]\nname='emea'\n[[tenant]]\nname='Contoso'\nusers=4\n[[tenant]]\nname='Adatum'\nusers=4\n";
    let ago = Clock::system().now().checked_sub(SignedDuration::from_hours(50)).unwrap();
    let mut days = Days::from(scenario, ago).await;
    days.stop().await;
    switch(&days, "daily = false", "daily = true");
    let service = Service::start(&days.world);
    let until = Instant::now() + LIMIT;
    let rows = loop {
        let output = service.command().args(["tenants", "--json"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let rows: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let is_read = |row: &serde_json::Value| row["state"] == "ok" && row["due_why"] == "slot";
        if rows.len() == 2 && rows.iter().all(is_read) {
            break rows;
        }
        assert!(Instant::now() < until, "{text}");
    };
    let now = Clock::system().now();
    for row in rows {
        let due: Timestamp = row["due_at"].as_str().unwrap().parse().unwrap();
        let ahead = due.duration_since(now).as_hours();
        assert!((0..=28).contains(&ahead), "{row}");
    }
    let runs = service.command().args(["runs", "--json"]).output().unwrap();
    assert!(String::from_utf8(runs.stdout).unwrap().contains("\"kind\":\"daily\""));
}
