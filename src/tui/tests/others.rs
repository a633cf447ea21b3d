//! Beside others at a service: what a role may not is dead and says why, who is here, a line that is lost.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{Desk, options, sample};
use crate::model::{Caller, Change, Command, Event, Present, Role, RunId, RunKind, RunState, Totals};
use crate::tui::Options;

fn viewer() -> Desk {
    Desk::of(sample::fleet(), Options { role: Role::View, ..options() })
}

#[test]
fn a_viewer_sees_all_keys_and_those_that_alter_something_are_dead_with_the_reason() {
    let mut desk = viewer();
    assert!(desk.row(0).contains("jdoe view"), "{}", desk.row(0));
    for keys in ["r", "p", "<Down>n", "<Enter>r", "p", "<Esc>R<Enter>c", ":import all<Enter>", "<Esc>:sync<Enter>"] {
        desk.press(keys);
        assert!(desk.wishes().is_empty(), "{keys}: {:?}", desk.wishes());
        let said = desk.text();
        assert!(
            said.contains("needs operate; your role is view") || said.contains("needs admin; your role is view"),
            "{keys}: {said}"
        );
    }
    desk.press("<Esc><Esc><Esc><Esc>?");
    let help = desk.text();
    assert!(help.contains("running imports needs operate"), "{help}");
}

#[test]
fn an_operator_cancels_an_own_run_and_not_one_of_somebody_else() {
    let mut desk = Desk::of(sample::fleet(), Options { operator: "akim".to_owned(), ..options() });
    desk.press("R<Enter>c");
    assert!(desk.text().contains("needs admin; your role is operate"), "{}", desk.text());
    let mut desk = Desk::new().keys("R<Enter>cy");
    assert_eq!(desk.wishes(), [Command::Cancel { run: RunId(4), tenant: None }]);
}

#[test]
fn the_service_says_who_this_is() {
    let mut desk = Desk::new();
    let caller = Caller { name: "mlee".into(), role: Role::Admin, ..Caller::default() };
    desk.app.hear(Event::You { caller: Box::new(caller), last_here: None }, desk.now);
    desk.app.hear(Event::Hello(Box::new(sample::fleet())), desk.now);
    assert!(desk.row(0).contains("mlee admin"), "{}", desk.row(0));
}

fn here(session: u64, name: &str, at: Option<crate::model::Key>) -> Present {
    Present { session, name: name.into(), role: Role::Operate, since: sample::now(), at }
}

#[test]
fn who_looks_at_the_same_tenant_is_said_and_the_others_are_told_once() {
    let mut desk = Desk::new();
    let adatum = sample::key("emea", 1);
    let present: Arc<[Present]> = [here(1, "jdoe", None), here(2, "mlee", Some(adatum.clone()))].into();
    desk.app.hear(Event::Present(present), desk.now);
    desk.press("<Down><Enter>");
    assert!(desk.text().contains("also looking at it: mlee"), "{}", desk.text());
    let told: Vec<Command> = desk.wishes().into_iter().filter(|wish| matches!(wish, Command::At(_))).collect();
    assert_eq!(told, [Command::At(Some(adatum))], "once");
    desk.press("<Esc>");
    desk.look(80, 24);
    assert!(desk.wishes().contains(&Command::At(None)));
    desk.press(":sessions<Enter>");
    assert!(desk.text().contains("mlee") && desk.text().contains("Adatum"), "{}", desk.text());
    assert!(!desk.text().contains(":kick"), "an operator may not");
}

#[test]
fn a_line_that_is_lost_is_said_until_it_is_back_and_then_what_ended_meanwhile() {
    let mut desk = Desk::new();
    let since = desk.now;
    let again = since.checked_add(SignedDuration::from_secs(8)).unwrap();
    desk.app.hear(Event::Lost { since, again }, desk.now);
    desk.look(80, 24);
    let said = desk.text();
    assert!(said.contains("server not answering since") && said.contains("retry in 8 s"), "{said}");
    assert!(desk.row(0).contains("SERVER GONE"), "{}", desk.row(0));
    desk.wait(3_000);
    desk.look(80, 24);
    assert!(desk.text().contains("retry in 5 s"), "{}", desk.text());
    desk.press("r");
    assert!(desk.wishes().is_empty(), "nothing can be started");
    desk.press("<Esc>");
    let mut fleet = sample::fleet();
    let at = desk.now.checked_add(SignedDuration::from_mins(130)).unwrap();
    let (run, by) = (RunId(900), "schedule".into());
    fleet.apply(&Change::RunStarted { run, kind: RunKind::All, by, reason: None, at: desk.now });
    fleet.apply(&Change::RunEnded { run, state: RunState::Done, at, totals: Totals::default() });
    desk.wait(130 * 60_000);
    desk.app.hear(Event::Hello(Box::new(fleet)), desk.now);
    desk.look(80, 24);
    let said = desk.text();
    assert!(said.contains("while you were away (2h 10m): 1 run done"), "{said}");
    assert!(desk.row(0).contains("server ok"), "{}", desk.row(0));
}

#[test]
fn a_session_that_is_over_says_so_for_good() {
    let mut desk = Desk::new();
    desk.app.hear(Event::Over("mlee ended this session".into()), desk.now);
    desk.look(80, 24);
    assert!(desk.text().contains("mlee ended this session; what you see stays"), "{}", desk.text());
    assert!(desk.row(0).contains("SESSION OVER since"), "{}", desk.row(0));
    desk.press("<Down>");
    assert!(desk.text().contains("mlee ended this session"), "{}", desk.text());
}

#[test]
fn an_export_of_a_viewer_masks_people() {
    let exported = |role| {
        let mut desk = Desk::of(sample::fleet(), Options { role, ..options() });
        desk.press("<Down>U");
        desk.text();
        desk.press("x");
        desk.text();
        desk.file()
    };
    let (operators, viewers) = (exported(Role::Operate), exported(Role::View));
    assert!(operators.contains('@') && !operators.contains("***"), "{operators}");
    assert!(viewers.contains("***@") && viewers.lines().count() == operators.lines().count(), "{viewers}");
}
