//! The audit on the screen: windows that follow the cursor, who may see what, the chain, exports.

use jiff::SignedDuration;

use super::{Desk, options, sample};
use crate::model::{
    AuditAsk, AuditFrom, AuditGather, AuditLook, AuditRow, AuditRows, Caller, Chain, Command, Deed, Event, Fleet,
    Found, Key as TenantKey, Look, Outcome, Role, RunId, Seen, Tenant,
};
use crate::tui::Options;
use crate::tui::keys::Key;
use crate::tui::screens::ScreenId;

/// Rows of the audit of these tests.
const COUNT: u64 = 5_284;

fn row(number: u64) -> AuditRow {
    let people: [(&str, Role, u32); 3] =
        [("jdoe", Role::Operate, 1_001), ("akim", Role::View, 1_002), ("mlee", Role::Admin, 1_003)];
    let (name, role, uid) = people[usize::try_from(number % 3).unwrap()];
    let minutes = i64::try_from((COUNT - number) * 37).unwrap();
    let at = sample::now().checked_sub(SignedDuration::from_mins(minutes)).unwrap();
    let caller = Caller {
        name: name.into(),
        role,
        uid,
        address: Some("203.0.113.9".into()),
        key: Some("SHA256:uN9vTQ3jzQ0Zy0n9XoGmR4m7sYv1kq2hB6c8dE5fGhI".into()),
        ..Caller::default()
    };
    let verbs = ["enter", "import", "read people", "probe", "leave", "pause", "ticket"];
    let verb = verbs[usize::try_from(number % 7).unwrap()];
    let mut deed = Deed::plain(at, caller, verb, "");
    match verb {
        "import" | "probe" => {
            deed.tenants = vec![sample::key("emea", u128::from(number % 20 + 1))];
            deed.reason = Some("CS-4398 lifted".into());
            deed.run = Some(RunId(number % 4 + 1));
        }
        "read people" => {
            deed.what = "users".into();
            deed.tenants = vec![sample::key("emea", 1)];
        }
        "pause" => {
            deed.what = "until 2026-12-01T00:00:00Z".into();
            deed.tenants = vec![sample::key("emea", u128::from(number % 20 + 1))];
        }
        "ticket" => {
            deed.what = "CS-4411".into();
            deed.tenants = vec![sample::key("emea", 1), sample::key("emea", 2)];
        }
        _ => {}
    }
    if number.is_multiple_of(9) {
        deed.outcome = Outcome::Refused;
        deed.said = role.refusal(crate::model::Verb::Pause).as_str().into();
    }
    AuditRow { number, hash: format!("{number:064x}"), deed }
}

fn gathered(look: &AuditLook, wanted: &AuditRows, fleet: &Fleet) -> Found {
    let mut window = AuditGather::new(look.tenant.as_ref(), wanted, COUNT).unwrap();
    let numbers: Box<dyn Iterator<Item = u64>> = match wanted.from {
        AuditFrom::Before(number) => Box::new((1..number.min(COUNT + 1)).rev()),
        AuditFrom::After(number) => Box::new(number + 1..=COUNT),
    };
    for number in numbers {
        if window.is_full() {
            break;
        }
        window.take(row(number), |key: &TenantKey| fleet.tenants.get(key).map(Tenant::title));
    }
    Found::Audit(Box::new(window.seen()))
}

/// What an engine would answer.
pub(super) fn told(look: &AuditLook) -> Found {
    match &look.ask {
        AuditAsk::Rows(wanted) => gathered(look, wanted, &sample::fleet()),
        AuditAsk::Chain { part } => {
            let rows = (part * 4_000).min(COUNT);
            let since = Some(row(1).deed.at);
            Found::Chain(Chain { rows, of: COUNT, last: row(rows).hash.as_str().into(), since, broken: None })
        }
    }
}

fn admin() -> Desk {
    Desk::of(sample::fleet(), Options { role: Role::Admin, ..options() })
}

/// The number of the row under the cursor.
fn here(desk: &Desk) -> u64 {
    desk.app.at_cursor(desk.now).unwrap().parse().unwrap()
}

#[test]
fn it_is_of_the_tenant_at_hand_of_the_run_or_of_all() {
    let adatum = sample::key("emea", 1);
    let of = |keys: &str| admin().keys(keys).app.screen();
    assert_eq!(of("<Down>a"), Some(ScreenId::Audit(Some(adatum.clone()))));
    assert_eq!(of("<Down>ela"), Some(ScreenId::Audit(Some(adatum.clone()))));
    assert_eq!(of("<Down>Ua"), Some(ScreenId::Audit(Some(adatum))));
    assert_eq!(of("<Down>aa"), Some(ScreenId::Audit(None)), "once more: all of it");
    assert_eq!(of(":audit<Enter>"), Some(ScreenId::Audit(None)));
    assert_eq!(of(":audit trey<Enter>"), Some(ScreenId::Audit(Some(sample::key("emea", 2)))));
    let mut desk = admin().keys("Ra");
    assert!(desk.row(2).contains("filter /run:=4"), "{}", desk.text());
    let mut desk = admin().keys("u<Space><Space>a");
    assert!(desk.row(22).contains("2 tenants are marked: one at a time"), "{}", desk.row(22));
    let mut desk = admin().keys(":audit<Enter>a");
    assert!(desk.row(22).ends_with("this is the audit of all"), "{}", desk.row(22));
}

#[test]
fn who_may_not_see_all_of_it_sees_that_of_a_tenant_and_is_told_why_not_more() {
    for role in [Role::View, Role::Operate] {
        let desk = || Desk::of(sample::fleet(), Options { role, ..options() });
        let why = format!("the audit of all tenants needs admin; your role is {role}");
        for keys in [":audit<Enter>", "Ra", "Wa", "<Down>aa", "<Down>ai"] {
            let mut desk = desk().keys(keys);
            assert!(desk.row(22).contains(&why), "{keys}: {}", desk.text());
            assert_ne!(desk.app.screen(), Some(ScreenId::Audit(None)), "{keys}");
        }
        let mut desk = desk().keys("<Down>a");
        assert!(desk.row(1).contains("5,284 rows in all; an admin sees whether the chain holds"), "{}", desk.text());
        assert!(desk.text().contains("read people"), "{}", desk.text());
        desk.press("?<PgDn>");
        assert!(desk.text().contains(&why), "{}", desk.text());
    }
}

#[test]
fn a_window_follows_the_cursor_however_far_it_goes() {
    let mut desk = admin().keys(":audit<Enter>");
    assert!(desk.row(2).starts_with("show: all, 5,284 of 5,284"), "{}", desk.text());
    assert_eq!(here(&desk), COUNT);
    let mut wanted = COUNT;
    for _ in 0..400 {
        let before = here(&desk);
        desk.press("<PgDn>");
        wanted = before.saturating_sub(12).max(1);
        assert!(here(&desk) <= before && here(&desk).abs_diff(wanted) < 6, "{before} {}", here(&desk));
    }
    assert!(wanted < 1_000, "rows that were let go were gone by");
    for _ in 0..500 {
        let before = here(&desk);
        desk.press("<PgUp>");
        assert!(here(&desk) >= before, "{before} {}", here(&desk));
    }
    assert_eq!(here(&desk), COUNT, "and back at the newest");
    desk.press("G");
    assert_eq!(here(&desk), 1);
    assert!(desk.row(2).contains("the oldest "), "{}", desk.text());
    for n in 0..300 {
        let before = here(&desk);
        desk.press("<Up>");
        assert_eq!(here(&desk), before + 1, "step {n}");
    }
    desk.press("g");
    assert_eq!(here(&desk), COUNT);
    desk.press("<Down><Down><Ctrl-r>");
    assert_eq!(here(&desk), COUNT - 2, "the cursor stays on its row");
}

#[test]
fn a_filter_finds_rows_and_says_how_many_of_how_many() {
    let mut desk = admin().keys(":audit<Enter>/outcome:refused who:mlee<Enter>");
    let refused = (1..=COUNT).filter(|n| n % 9 == 0 && n % 3 == 2).count();
    assert_eq!(refused, 0, "the sample's admin is refused nothing");
    assert!(
        desk.text().contains("No row matches") && desk.text().contains("5,284 hidden by the filter"),
        "{}",
        desk.text()
    );
    desk.press("\\/outcome:refused<Enter>");
    desk.press("<End>");
    assert_eq!(here(&desk), 9);
    desk.press("<Home>");
    for _ in 0..60 {
        desk.press("<PgDn>");
    }
    assert!(desk.row(2).contains("587 of 5,284  filter /outcome:refused"), "{}", desk.row(2));
    desk.press("/<Ctrl-u>state:x");
    assert!(desk.text().contains("no field `state` here; there are who, role, verb"), "{}", desk.text());
    let mut desk = admin().keys("<Down>a/verb:ticket<Enter>");
    assert!(desk.row(2).starts_with("show: this tenant, "), "{}", desk.row(2));
    assert!(desk.text().contains("2 tenants"), "{}", desk.text());
}

#[test]
fn a_row_leads_to_its_run_its_tenant_and_all_of_its_fields() {
    let mut desk = admin().keys(":audit<Enter>/verb:import run:=4<Enter>");
    desk.press("<Enter>");
    let text = desk.text();
    for word in
        ["number", "uid", "address     203.0.113.9", "key         SHA256:", "hash        000", "reason      CS-4398"]
    {
        assert!(text.contains(word), "{word} in\n{text}");
    }
    desk.press("<Esc>o");
    assert_eq!(desk.app.screen(), Some(ScreenId::Run(RunId(4))));
    desk.press("<Esc>e");
    assert!(matches!(desk.app.screen(), Some(ScreenId::Why(_))), "{:?}", desk.app.screen());
    let mut desk = admin().keys(":audit<Enter>/verb:enter<Enter>o");
    assert!(desk.row(22).ends_with("the row has no run that is kept"), "{}", desk.row(22));
    desk.press("3");
    assert!(desk.row(22).ends_with("the audit stands newest first"), "{}", desk.row(22));
}

/// Answers what is looked at, with a chain that one has made up.
fn with_chain(chain: &Chain) -> Desk {
    let mut desk = admin();
    desk.press(":audit<Enter>");
    desk.app.press(Key::Ctrl('r'), desk.now);
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let mut at = desk.app.take_wishes();
    for _ in 0..20 {
        let Some(Command::Look(look)) = at.pop() else { break };
        let Look::Audit(asked) = &look else { panic!("it looks at the audit, not at {look:?}") };
        let found = if matches!(asked.ask, AuditAsk::Chain { .. }) { Found::Chain(chain.clone()) } else { told(asked) };
        desk.app.hear(Event::Seen(Box::new(Seen { look, found: Ok(found) })), desk.now);
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        desk.app.draw(&mut buffer, desk.now);
        at = desk.app.take_wishes();
    }
    desk
}

#[test]
fn the_chain_is_told_whole_or_from_which_row_on_it_is_broken() {
    let mut desk = admin().keys(":audit<Enter>");
    assert!(desk.row(1).starts_with("chain whole, 5,284 rows, since "), "{}", desk.row(1));
    desk.press("i");
    assert!(
        desk.text().contains("All 5,284 rows hold") && desk.text().contains("journalctl -t tenantop"),
        "{}",
        desk.text()
    );

    let broken = Some((5_280, "it is not what was written".into()));
    let chain = Chain { rows: 5_279, of: COUNT, last: "00".into(), since: Some(row(1).deed.at), broken };
    let mut desk = with_chain(&chain);
    assert!(desk.row(1).starts_with("CHAIN BROKEN at row 5,280: it is not what was written"), "{}", desk.text());
    desk.press("i");
    let text = desk.text();
    assert!(text.contains("Who acts: whoever looks after this host's security.") && text.contains("Next: "), "{text}");
    desk.press("<Esc>");
    insta::assert_snapshot!("audit_broken_80", desk.picture(80, 24));
}

#[test]
fn an_answer_that_fails_is_told_and_asked_for_again() {
    let mut desk = admin();
    desk.press(":audit<Enter>");
    desk.app.press(Key::Char('/'), desk.now);
    desk.app.press(Key::Char('q'), desk.now);
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let Some(Command::Look(look)) = desk.app.take_wishes().pop() else { panic!("it asks for what is typed") };
    let other = AuditLook { tenant: None, ask: AuditAsk::Chain { part: 0 }, round: 99 };
    let tell = |desk: &mut Desk, look: Look, why: &str| {
        desk.app.hear(Event::Seen(Box::new(Seen { look, found: Err(why.into()) })), desk.now);
        desk.app.draw(&mut buffer.clone(), desk.now);
        desk.text()
    };
    let text = tell(&mut desk, Look::Audit(Box::new(other)), "not asked for");
    assert!(!text.contains("not asked for"), "{text}");
    let mut desk = admin().keys(":audit<Enter>");
    desk.app.press(Key::Ctrl('r'), desk.now);
    desk.app.draw(&mut buffer.clone(), desk.now);
    let Some(Command::Look(again)) = desk.app.take_wishes().pop() else { panic!("it asks again") };
    let text = tell(&mut desk, again, "the disk says no");
    assert!(text.contains("cannot be read: the disk says no") && text.contains("Ctrl-R tries again"), "{text}");
    assert!(matches!(look, Look::Audit(_)));
    desk.press("<Ctrl-r>");
    assert!(desk.row(1).starts_with("chain whole"), "{}", desk.text());
}

/// What is asked for after a key, drawn once; nobody answers it yet.
fn asks(desk: &mut Desk, keys: &[Key]) -> Vec<Look> {
    for key in keys {
        desk.app.press(*key, desk.now);
    }
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let looks = desk.app.take_wishes().into_iter();
    looks.filter_map(|wish| if let Command::Look(look) = wish { Some(look) } else { None }).collect()
}

#[test]
fn whoever_comes_back_to_the_screen_has_no_row_twice() {
    let mut desk = admin().keys(":audit<Enter>");
    // Far enough that the last window was asked for behind another one, at a row that has a run.
    for _ in 0..9 {
        desk.press("<PgDn>");
    }
    while !matches!(row(here(&desk)).deed.verb.as_str(), "import" | "probe") {
        desk.press("<Down>");
    }
    let stands = here(&desk);
    desk.press("o");
    assert!(matches!(desk.app.screen(), Some(ScreenId::Run(_))), "{:?}", desk.app.screen());
    desk.press("<Esc>");
    assert_eq!(here(&desk), stands);
    let fleet = Event::Hello(Box::new(sample::fleet()));
    desk.app.hear(fleet, desk.now);
    desk.look(80, 24);
    assert_eq!(here(&desk), stands, "nor when the service is there again");
    let mut before = stands;
    for _ in 0..200 {
        desk.press("<Down>");
        assert_eq!(here(&desk), before - 1);
        before -= 1;
    }
}

#[test]
fn what_was_answered_is_asked_for_again_as_another_look() {
    let viewer = || Desk::of(sample::fleet(), Options { role: Role::View, ..options() }).keys("<Down>a");
    let mut desk = viewer();
    desk.press("\\");
    desk.wait(10_000);
    assert!(!desk.row(2).contains("reading"), "{}", desk.row(2));
    // A filter that is typed and taken back before anybody asked.
    let mut desk = viewer();
    let looks = asks(&mut desk, &[Key::Char('/'), Key::Char('q'), Key::Backspace]);
    for look in looks {
        let Look::Audit(asked) = &look else { panic!("{look:?}") };
        let found = Ok(told(asked));
        desk.app.hear(Event::Seen(Box::new(Seen { look, found })), desk.now);
    }
    desk.wait(10_000);
    assert!(!desk.row(2).contains("reading"), "{}", desk.row(2));
    // A part of the chain that is not checked to its end is not the same as the next one.
    let mut desk = admin().keys(":audit<Enter>");
    let none = Chain { rows: 0, of: COUNT, last: "00".into(), since: None, broken: None };
    desk.app.press(Key::Ctrl('r'), desk.now);
    let mut parts = Vec::new();
    for _ in 0..4 {
        for look in asks(&mut desk, &[]) {
            let Look::Audit(asked) = &look else { panic!("{look:?}") };
            let chain = matches!(asked.ask, AuditAsk::Chain { .. });
            parts.extend(chain.then(|| look.clone()));
            let found = if chain { Found::Chain(none.clone()) } else { told(asked) };
            desk.app.hear(Event::Seen(Box::new(Seen { look, found: Ok(found) })), desk.now);
        }
    }
    assert!(parts.len() >= 3 && parts.windows(2).all(|two| two[0] != two[1]), "{parts:?}");
}

#[test]
fn an_answer_that_was_overtaken_does_not_stand_when_the_next_one_comes() {
    let mut desk = admin().keys(":audit<Enter>");
    let fail = |desk: &mut Desk, look: Look| {
        let found = Err("something else is looked at".into());
        desk.app.hear(Event::Seen(Box::new(Seen { look, found })), desk.now);
    };
    let Some(look) = asks(&mut desk, &[Key::Ctrl('r')]).pop() else { panic!("it asks again") };
    fail(&mut desk, look.clone());
    let Look::Audit(asked) = &look else { panic!("{look:?}") };
    let found = Ok(told(asked));
    desk.app.hear(Event::Seen(Box::new(Seen { look, found })), desk.now);
    let chain = asks(&mut desk, &[]).pop();
    let Some(Look::Audit(asked)) = &chain else { panic!("{chain:?}") };
    assert!(matches!(asked.ask, AuditAsk::Chain { .. }), "the rows are here: {asked:?}");
    // The chain was overtaken by a filter; its answer is not that of the next part.
    let rows = asks(&mut desk, &[Key::Char('/'), Key::Char('j')]).pop();
    let Some(Look::Audit(asked)) = &rows else { panic!("{rows:?}") };
    let found = Ok(told(asked));
    desk.app.hear(Event::Seen(Box::new(Seen { look: rows.unwrap(), found })), desk.now);
    assert!(
        matches!(asks(&mut desk, &[]).pop(), Some(Look::Audit(asked)) if matches!(asked.ask, AuditAsk::Chain { .. }))
    );
    fail(&mut desk, chain.unwrap());
    assert!(!desk.text().contains("something else"), "{}", desk.text());
}

#[test]
fn an_export_has_all_rows_that_pass_as_the_command_writes_them() {
    let mut desk = admin().keys(":audit<Enter>/outcome:refused<Enter>");
    desk.press("x");
    desk.text();
    let file = desk.file();
    let mut lines = file.lines();
    assert_eq!(
        lines.next().unwrap(),
        "number,at,who,role,verb,outcome,tenant,what,reason,run_id,said,uid,login_uid,address,key,hash,tenant_ids"
    );
    assert_eq!(lines.count(), 587);
    let mut desk = admin().keys(":audit<Enter>X");
    desk.text();
    let file = desk.file();
    assert_eq!(file.lines().count() as u64, COUNT, "more than a window, and more than are held");
    let first: serde_json::Value = serde_json::from_str(file.lines().next().unwrap()).unwrap();
    assert_eq!((&first["number"], &first["who"]), (&COUNT.into(), &"akim".into()));
}

#[test]
fn pictures() {
    insta::assert_snapshot!("audit_80", admin().keys(":audit<Enter>jjj").picture(80, 24));
    insta::assert_snapshot!("audit_120", admin().keys(":audit<Enter>jjj").picture(120, 35));
}
