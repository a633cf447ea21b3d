//! Tries that a desk shows: made up as a store keeps them. And what an operator does with them.

use crossterm::event::{Event as Input, KeyCode, KeyEvent, KeyModifiers};
use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Desk, options, row, sample};
use crate::failure::{Class, Owner};
use crate::model::{
    Change, Command, Customer, Entry, Event, Fleet, Found, Job, JobState, Key, Look, RunId, RunKind, Seen, Set,
    SetOutcome, SnapshotId, Step, Text, Totals, TriesSeen, Try, WaitReason,
};
use crate::tui::screens::ScreenId;

/// What a store tells of a tenant: of the first two customers of emea eighteen nights before the sample begins, of
/// others nothing.
pub(super) fn told(tenant: &Key) -> TriesSeen {
    let old = |n| sample::key("emea", n) == *tenant;
    let tries = if old(1) || old(2) { (1..=18).map(night).collect() } else { Vec::new() };
    TriesSeen { tries, since: Some(sample::ago(27 * 24, 21)), more: false, forgotten: true }
}

/// A night some nights before the sample begins.
fn night(n: u64) -> Try {
    let at = sample::ago(9 * 24 + i64::try_from(n).unwrap() * 24 - 17, 21);
    let second = |s| at.checked_add(SignedDuration::from_secs(s)).unwrap();
    let mut job = Job::queued(Some(1_270));
    let mut note = |s, step| job.note(&Entry { at: second(s), step });
    let failed = |set, failure| Step::Failed { set, failure: Box::new(failure) };
    let (mut kind, mut by, mut reason) = (RunKind::All, "system", None);
    note(1, Step::SignedIn { ms: 380 + n });
    let users = Step::Pages { set: Set::Users, first: 1, last: 2, rows: 1_270 + n % 3, bytes: 2_300_000 };
    let state = match n {
        2 => {
            note(3, failed(Set::Users, sample::blocked(at, 1)));
            JobState::Failed
        }
        3 => {
            (kind, by, reason) = (RunKind::Rerun, "akim", Some("CS-4398 lifted, they say".into()));
            note(3, failed(Set::Users, sample::blocked(at, 2)));
            JobState::Failed
        }
        5 => {
            note(12, users);
            let forbidden = crate::failure::Failure {
                codes: vec![],
                status: Some(403),
                ..sample::failure(Class::GraphForbidden, Owner::Partner, 0, at)
            };
            note(14, failed(Set::Skus, forbidden));
            JobState::Partial
        }
        7 => {
            kind = RunKind::Failed;
            note(12, users);
            note(13, Step::HeldBack { why: "import would drop 1,270 -> 40 users".into() });
            JobState::HeldBack
        }
        9 => {
            note(2, Step::Waiting { reason: WaitReason::Throttled, status: Some(429), ms: 12_000, attempt: 2 });
            note(3, Step::Cancelled);
            JobState::Cancelled
        }
        _ => {
            note(12, users);
            let saved = |set, rows, before| Step::Saved { set, rows, before: Some(before) };
            note(30, saved(Set::Users, 1_270 + n % 3, 1_270));
            note(31, saved(Set::Skus, 9, 9));
            JobState::Ok
        }
    };
    job.state = state;
    job.started_at = Some(second(1));
    job.ended_at = Some(second(32));
    job.totals = Totals { requests: 4, retries: 1, waits_ms: 12_000, bytes: 2_400_000, users: job.rows };
    let run = RunId(sample::BEFORE + 1 - n);
    Try { run, kind, by: by.into(), reason, run_at: at, refused: None, job }
}

/// A desk before the tries of Adatum.
fn history() -> Desk {
    Desk::of(sample::late(), options()).keys("<Down>h")
}

#[test]
fn the_store_tells_what_the_fleet_no_longer_holds() {
    let mut desk = history();
    let text = desk.text();
    assert!(text.contains("20 tries since 28 Oct: 14 ok, 3 refused, 3 other, 2 causes"), "{text}");
    assert!(desk.row(2).starts_with("show: all that are kept, 20 of 20"), "{text}");
    desk.press("<Enter>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Run(RunId(2_316))), "the newest one is under the cursor");
    desk.press("<Esc>G<Enter>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Run(RunId(2_297))));
}

/// A desk that opened the tries of a tenant of emea, and has no answer of the store yet.
fn unanswered(mut desk: Desk) -> Desk {
    let event = KeyEvent::from(KeyCode::Char('h'));
    desk.app.input(&Input::Key(event), desk.now);
    desk
}

/// The picture at 80x24, and what is asked for with it; nobody answers.
fn asked(desk: &mut Desk) -> (String, Vec<Look>) {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let looks = desk.app.take_wishes().into_iter().filter_map(|wish| {
        let Command::Look(look) = wish else { return None };
        Some(look)
    });
    let looks = looks.collect();
    ((0..24).map(|y| row(&buffer, y) + "\n").collect(), looks)
}

fn tell(desk: &mut Desk, look: &Look, found: Result<Found, Text>) -> String {
    desk.app.hear(Event::Seen(Box::new(Seen { look: look.clone(), found })), desk.now);
    let (text, looks) = asked(desk);
    assert_eq!(looks, [], "an answer is asked for once");
    text
}

/// A fleet of one partner with one customer whom nobody has tried.
fn untried() -> Fleet {
    let mut fleet = Fleet::new([], [], [], 93_600);
    let customer =
        Customer { tenant: sample::key("emea", 1).tenant, name: "Adatum".into(), domain: "a.example".into() };
    fleet.apply(&Change::Listed { partner: "emea".into(), at: sample::ago(99, 0), customers: vec![customer] });
    fleet
}

#[test]
fn what_the_fleet_holds_is_there_at_once_and_the_rest_when_the_store_answers() {
    let mut desk = unanswered(Desk::of(sample::late(), options()).keys("<Down>"));
    let (text, looks) = asked(&mut desk);
    assert!(text.contains("show: at hand, 2 of 2") && text.contains("2316 ! 53003 2 pol"), "{text}");
    desk.wait(1_000);
    assert!(asked(&mut desk).0.contains("show: at hand, reading older ones, 2 of 2"), "a wait is told after a blink");
    let [look] = looks.as_slice() else { panic!("{looks:?}") };
    assert_eq!(asked(&mut desk).1, [], "it is asked for once");
    let text = tell(&mut desk, look, Ok(Found::Tries(told(&sample::key("emea", 1)))));
    assert!(text.contains("show: all that are kept, 20 of 20") && text.contains("2306 = cancelled"), "{text}");
    let copy: Look = serde_json::from_str(&serde_json::to_string(look).unwrap()).unwrap();
    assert_eq!(copy, *look);
}

#[test]
fn a_store_that_cannot_be_read_is_told_until_it_can() {
    let mut desk = unanswered(Desk::of(sample::late(), options()).keys("<Down>"));
    let (_, looks) = asked(&mut desk);
    let text = tell(&mut desk, &looks[0], Err("the disk is gone".into()));
    assert!(text.contains("Older tries cannot be read: the disk is gone.   Ctrl-R tries again"), "{text}");
    assert!(text.contains("2316 ! 53003 2 pol"), "what is at hand stays: {text}");
    desk.app.input(&Input::Key(KeyEvent::new(KeyCode::Char('r'), KeyModifiers::CONTROL)), desk.now);
    let (text, looks) = asked(&mut desk);
    assert!(text.contains("the disk is gone"), "an error stays until its cause is gone: {text}");
    let text = tell(&mut desk, &looks[0], Ok(Found::Tries(told(&sample::key("emea", 1)))));
    assert!(!text.contains("the disk is gone") && text.contains("20 of 20"), "{text}");

    let mut desk = unanswered(Desk::of(untried(), options()));
    let (_, looks) = asked(&mut desk);
    let text = tell(&mut desk, &looks[0], Err("the disk is gone".into()));
    assert!(text.contains("The tries cannot be shown: the disk is gone."), "{text}");
}

#[test]
fn an_empty_list_says_which_case_it_is() {
    let mut desk = unanswered(Desk::of(untried(), options()));
    let (text, looks) = asked(&mut desk);
    assert!(!text.contains("Reading"), "a word that only flashes is no word: {text}");
    desk.wait(1_000);
    let (text, _) = asked(&mut desk);
    assert!(text.contains("Reading the tries from the store"), "{text}");
    let text = tell(&mut desk, &looks[0], Ok(Found::Tries(TriesSeen::default())));
    assert!(text.contains("Never tried: no run had this tenant yet.") && text.contains("r runs it"), "{text}");

    for (more, said) in [
        (false, "Last tried 22 Nov 23:31Z: tries of then are no longer kept."),
        (true, "Last tried 22 Nov 23:31Z: not in the newest 1,000 runs."),
    ] {
        let mut fleet = untried();
        for tenant in fleet.tenants.values_mut() {
            tenant.tried_at = Some(sample::ago(10, 0));
        }
        let mut desk = unanswered(Desk::of(fleet, options()));
        let (_, looks) = asked(&mut desk);
        let text = tell(&mut desk, &looks[0], Ok(Found::Tries(TriesSeen { more, ..TriesSeen::default() })));
        assert!(text.contains(said), "{text}");
    }

    let mut desk = history().keys("/nobody<Enter>");
    assert!(desk.text().contains("No try matches \"nobody\".  20 hidden by the filter."), "{}", desk.text());
    desk.press("\\");
    assert!(desk.row(2).contains("20 of 20"), "{}", desk.text());
}

#[test]
fn older_runs_that_were_not_looked_through_are_told() {
    let mut desk = unanswered(Desk::of(sample::late(), options()).keys("<Down>"));
    let (_, looks) = asked(&mut desk);
    let cut = TriesSeen { more: true, ..told(&sample::key("emea", 1)) };
    let text = tell(&mut desk, &looks[0], Ok(Found::Tries(cut)));
    assert!(text.contains("show: newest 1,000 runs, 20 of 20"), "{text}");
}

#[test]
fn the_store_is_asked_again_when_a_try_begins_and_when_it_ends_and_not_at_each_step() {
    let mut desk = history();
    let (run, tenant, at) = (RunId(2_319), sample::key("emea", 1), desk.now);
    let mut hear = |change: Change| {
        desk.tell(change);
        desk.wait(600);
        let (text, looks) = asked(&mut desk);
        for look in &looks {
            let seen = Seen { look: look.clone(), found: Ok(Found::Tries(told(&tenant))) };
            desk.app.hear(Event::Seen(Box::new(seen)), desk.now);
        }
        (text, looks.len())
    };
    let (kind, by) = (RunKind::Rerun, Text::from("jdoe"));
    assert_eq!(hear(Change::RunStarted { run, kind, by, reason: None, at }).1, 0, "a run that has not this tenant");
    let (text, looks) = hear(Change::Queued { run, tenants: vec![tenant.clone()], at });
    assert_eq!(looks, 1, "it has it");
    assert!(text.contains("1 new, Ctrl-R") && text.contains("21 tries since 28 Oct: 1 goes on"), "{text}");
    assert_eq!(hear(Change::JobStarted { run, tenant: tenant.clone(), at }).1, 0);
    for last in 1..=3 {
        let step = Step::Pages { set: Set::Users, first: last, last, rows: 100, bytes: 1_000 };
        let entry = Entry { at, step };
        assert_eq!(hear(Change::Stepped { run, tenant: tenant.clone(), entry }).1, 0);
    }
    let done = Change::JobDone {
        run,
        tenant: tenant.clone(),
        at,
        users: SetOutcome::Saved { snapshot: SnapshotId(99), count: 300 },
        skus: SetOutcome::Saved { snapshot: SnapshotId(98), count: 9 },
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    };
    assert_eq!(hear(done).1, 1, "it is over");
    desk.press("<Ctrl-r>");
    let text = desk.text();
    assert!(text.contains("21 tries since 28 Oct: 15 ok") && text.contains("2319 + ok, 300 users -975"), "{text}");
    assert!(text.contains("> 02:11Z        system  all tenants  2316"), "the cursor stays on its try: {text}");
}

#[test]
fn tries_are_sorted_filtered_and_copied() {
    let mut desk = history();
    let found = |desk: &mut Desk, filter: &str| {
        desk.press(&format!("/<Ctrl-u>{filter}<Enter>"));
        let row = desk.row(2);
        row.split_once(" of 20").and_then(|(left, _)| left.rsplit(' ').next().map(str::to_owned)).unwrap_or(row)
    };
    for (filter, n) in [
        ("by:akim", "1"),
        ("kind:\"failed ones\"", "1"),
        ("policy:b71d9e04", "2"),
        ("3f0c6a52", "3"),
        ("policy:none !state:ok", "3"),
        ("state:held", "1"),
        ("answer:\"SKUs 403\"", "1"),
        ("code:53003", "3"),
        ("class:graph_forbidden", "1"),
        ("run:230", "10"),
        ("lifted", "1"),
        ("reason:cs", "1"),
        ("", "20"),
    ] {
        assert_eq!(found(&mut desk, filter), n, "{filter}: {}", desk.text());
    }
    let first = |desk: &mut Desk| desk.row(4).chars().skip(2).collect::<String>();
    desk.press("5");
    assert!(first(&mut desk).contains("53003 1 pol"), "{}", desk.text());
    desk.press("2");
    assert!(first(&mut desk).contains("akim"), "{}", desk.text());
    desk.press("6");
    assert!(first(&mut desk).contains("53003 1 pol"), "{}", desk.text());
    desk.press("0Sg");
    assert!(first(&mut desk).contains("28 Oct 02:10Z"), "{}", desk.text());
    desk.press("0gyr");
    let copied = desk.app.take_copied().unwrap();
    assert_eq!(copied, "2026-11-23T02:11:00Z\tsystem\tall tenants\t2316\t53003 2 pol\t1,2");
    desk.press("ya");
    assert_eq!(desk.app.take_copied().unwrap().lines().count(), 20);
    desk.press("yp");
    assert_eq!(desk.app.take_copied().unwrap().lines().count(), 2);
}

#[test]
fn every_screen_of_a_tenant_leads_to_its_history_and_back() {
    let history = ScreenId::History(sample::key("emea", 1));
    for path in ["<Down>", "<Down>e", "<Down>U", "R<Down><Down><Enter>/adatum<Enter>"] {
        let mut desk = Desk::new().keys(path).keys("h");
        assert_eq!(desk.app.screen(), Some(history.clone()), "{path}");
        let before = desk.text();
        assert!(before.contains("tries since"), "{before}");
        desk.press("<Esc>");
        assert_ne!(desk.app.screen(), Some(history.clone()));
    }
    let mut desk = Desk::new().keys("<Down>h");
    for (key, screen) in [
        ("e", ScreenId::Why(sample::key("emea", 1))),
        ("l", ScreenId::Licenses(sample::key("emea", 1))),
        ("U", ScreenId::Users(sample::key("emea", 1))),
    ] {
        desk.press(key);
        assert_eq!(desk.app.screen(), Some(screen));
        desk.press("<Esc>");
    }
}

#[test]
fn a_tenant_that_nobody_asked_since_we_were_refused_is_no_failure_of_its_own() {
    let mut desk = Desk::of(sample::late(), options()).keys("<Down>");
    let (run, tenant, at) = (RunId(2_319), sample::key("emea", 1), desk.now);
    let failure = Box::new(sample::failure(Class::RefreshTokenExpired, Owner::Partner, 700_082, at));
    let by = Text::from("jdoe");
    desk.tell(Change::RunStarted { run, kind: RunKind::Rerun, by, reason: None, at });
    desk.tell(Change::Queued { run, tenants: vec![tenant.clone()], at });
    desk.tell(Change::PartnerRefused { partner: "emea".into(), run, failure, at });
    desk.tell(Change::JobDone {
        run,
        tenant,
        at,
        users: SetOutcome::Untouched,
        skus: SetOutcome::Untouched,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: true,
        totals: Totals::default(),
    });
    desk.wait(600);
    assert!(desk.text().contains("09:31Z jdoe re-ran it, run 2319: not asked"), "{}", desk.text());
    desk.press("h");
    let text = desk.text();
    assert!(text.contains("2319 # not asked, 700082 e"), "{text}");
    assert!(text.contains("Our own sign-in was refused, 700082 expired: no customer was asked."), "{text}");
}

/// Another run that is refused with these policies, of the sample's and one more.
fn refuse(desk: &mut Desk, run: u64, policies: &[usize]) {
    let (run, tenant, at) = (RunId(run), sample::key("emea", 1), desk.now);
    let mut failure = sample::blocked(at, 2);
    failure.policies.push(uuid::Uuid::from_u128(0xcafe));
    failure.policies = policies.iter().map(|n| failure.policies[*n]).collect();
    let failure = Box::new(failure);
    desk.tell(Change::RunStarted { run, kind: RunKind::All, by: "system".into(), reason: None, at });
    desk.tell(Change::Queued { run, tenants: vec![tenant.clone()], at });
    desk.tell(Change::JobStarted { run, tenant: tenant.clone(), at });
    let entry = Entry { at, step: Step::Failed { set: Set::Users, failure: failure.clone() } };
    desk.tell(Change::Stepped { run, tenant: tenant.clone(), entry });
    desk.tell(Change::JobDone {
        run,
        tenant,
        at,
        users: SetOutcome::Failed(failure.clone()),
        skus: SetOutcome::Failed(failure),
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    });
    desk.tell(Change::RunEnded { run, state: crate::model::RunState::Done, at, totals: Totals::default() });
    desk.wait(60_000);
}

#[test]
fn why_counts_the_policies_in_the_runs_at_hand_and_says_so() {
    let mut desk = Desk::of(sample::late(), options()).keys("<Down>e");
    refuse(&mut desk, 2_319, &[0]);
    refuse(&mut desk, 2_320, &[0, 2]);
    let text = desk.text();
    for said in [
        "  1 3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90 today   09:32Z            3\n",
        "  2 b71d9e04-27aa-4c61-8f3d-5a6c90e4d218 today   02:11Z            1 not now\n",
        "  3 00000000-0000-0000-0000-00000000cafe today   09:32Z            1 NEW\n",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
    assert!(!text.contains("counted in the runs at hand"), "all of them are at hand: {text}");
    let buffer = desk.look(120, 35);
    let band: Vec<String> = (0..35).map(|y| row(&buffer, y)).skip_while(|row| !row.contains(" tries in the")).collect();
    assert!(band[2].contains("2320 ! 53003 2 pol          1,3") && band[3].contains("2319 ! 53003 1 pol          1 "));

    // Seven newer runs: the first of the three refusals is no longer at hand.
    for run in 2_321..2_328 {
        let at = desk.now;
        desk.tell(Change::RunStarted { run: RunId(run), kind: RunKind::Sync, by: "system".into(), reason: None, at });
    }
    desk.wait(600);
    let text = desk.text();
    assert!(text.contains("  counted in the runs at hand: 1 try of 3; h shows all\n"), "{text}");
    assert!(text.contains("  1 3f0c6a52-8d1e-4b7a-9c55-0e2f6b1d7a90 today   09:32Z            1\n"), "{text}");
}
