//! Rules that hold on every screen.

use std::collections::BTreeMap;

use crossterm::event::Event as Input;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::{Desk, options, row, sample, spell};
use crate::failure::{Class, Owner};
use crate::model::{Change, Command, Event, Fleet, Role, RunId, RunState, Scope, Totals};
use crate::tui::keys::{Key, is_forbidden};
use crate::tui::paint::Painter;
use crate::tui::screens::ScreenId;
use crate::tui::{ExitReason, Options, Theme, View};

/// Every screen, and the keys that lead to it from the start.
pub(super) const SCREENS: [(&str, &str); 21] = [
    ("Tenants", ""),
    ("Tenant: a refusal", "<Down>e"),
    ("Tenant: all well", "u2<End>e"),
    ("Licenses", "<Down>l"),
    ("License history", "<Down>l/spe_e3<Enter>h"),
    ("Users", "<Down>U"),
    ("Holders", "<Down>l/spe_e3<Enter><Enter>"),
    ("Counts", "<Down>Uf"),
    ("History", "<Down>h"),
    ("Changes", "u/woodgrove<Enter>d"),
    ("Allocation", "<Down>b"),
    ("Users of a unit", "<Down>b<Enter>"),
    ("Why here", "<Down>b<Enter><Enter>"),
    ("Prices", "<Down>b$"),
    ("Audit", "<Down>a"),
    ("Runs", "R"),
    ("Run that goes on", "R<Enter>"),
    ("Run that is over", "R<Down><Enter>"),
    ("Expiries", "Eu"),
    ("Fleet licenses", "W"),
    ("Tenants of a product", "W<Enter>"),
];

#[test]
fn every_bound_key_of_every_screen_can_be_typed() {
    for (name, path) in SCREENS {
        let keys: Vec<Key> =
            Desk::new().keys(path).app.keys(sample::now()).iter().flat_map(|row| row.keys.to_vec()).collect();
        assert!(keys.len() > 20, "{name}: {keys:?}");
        for key in keys {
            let mut desk = Desk::new().keys(path).keys(&spell(key));
            for (width, height) in [(80, 24), (120, 35), (60, 15), (200, 60), (1, 1)] {
                desk.look(width, height);
            }
            let text = desk.text();
            assert!(!text.contains("does nothing here"), "{name}: {key} is in the table and does nothing");
        }
    }
}

#[test]
fn a_key_has_one_meaning_and_none_is_forbidden() {
    for (name, path) in SCREENS {
        let mut seen: BTreeMap<Key, &str> = BTreeMap::new();
        for row in Desk::new().keys(path).app.keys(sample::now()) {
            for key in row.keys.iter().copied() {
                assert!(!is_forbidden(key), "{name}: {key} must never be bound");
                if let Some(other) = seen.insert(key, row.does) {
                    panic!("{name}: {key} does two things: {other}; {}", row.does);
                }
            }
        }
    }
}

#[test]
fn a_name_is_one_meaning_by_the_same_keys_on_every_screen() {
    let mut names: BTreeMap<&str, (&str, Vec<Key>)> = BTreeMap::new();
    for (screen, rows) in crate::tui::app::tables() {
        let mut here = std::collections::BTreeSet::new();
        for row in rows {
            assert!(here.insert(row.name), "{screen}: {} stands twice", row.name);
            let (first, keys) = names.entry(row.name).or_insert_with(|| (screen, row.keys.to_vec()));
            assert_eq!(*keys, row.keys.to_vec(), "{}: on {first} and on {screen}", row.name);
        }
    }
}

#[test]
fn help_tells_every_act_once() {
    for (name, path) in SCREENS {
        let mut desk = Desk::new().keys(path);
        let rows = desk.app.keys(desk.now);
        desk.press("?");
        let buffer = desk.look(200, 90);
        let text: String = (0..90).map(|y| super::row(&buffer, y) + "\n").collect();
        for row in rows {
            let line = format!("{:<17} {}", row.names(), row.does);
            let found = text.lines().filter(|text| text.starts_with(&line)).count();
            assert_eq!(found, 1, "{name}: `{line}` in\n{text}");
        }
    }
}

#[test]
fn the_footer_has_at_most_nine_keys_and_always_the_help() {
    for (name, path) in SCREENS {
        for (width, height) in [(60, 15), (80, 24), (120, 35), (200, 60)] {
            let foot = row(&Desk::new().keys(path).look(width, height), height - 1);
            assert!(foot.contains("? keys"), "{name} at {width}: {foot}");
            let rows = Desk::new().keys(path).app.keys(sample::now());
            let words: Vec<String> =
                rows.iter().filter(|r| !r.foot.is_empty()).map(|r| format!("{} {}", r.keys[0], r.foot)).collect();
            assert!(words.iter().filter(|word| foot.contains(*word)).count() <= 9, "{name} at {width}: {foot}");
        }
    }
}

#[test]
fn row_1_is_never_cut_but_in_its_path() {
    let options = Options { banner: Some("STANDALONE".to_owned()), ..options() };
    for (name, path) in SCREENS {
        let mut desk = Desk::of(sample::fleet(), options.clone()).keys(path);
        for width in [60, 80, 120] {
            let top = row(&desk.look(width, 24), 0);
            for word in ["STANDALONE", "jdoe operate", "server ok", "as of 09:31Z"] {
                assert!(top.contains(word), "{name} at {width}: {top}");
            }
        }
    }
}

#[test]
fn a_small_window_says_what_it_needs_and_only_few_keys_count() {
    let mut desk = Desk::new();
    assert_eq!(row(&desk.look(52, 14), 0), "window 52x14, needs 60x15.  Resize, or q to leave.");
    desk.press("r");
    assert!(!desk.text().contains("Re-run"), "a key that nobody sees the effect of is dead");
    for (width, height) in [(0, 0), (1, 1), (2, 1), (1, 40), (59, 15), (60, 14), (300, 100)] {
        desk.look(width, height);
    }
    desk.look(52, 14);
    desk.press("q");
    assert_eq!(desk.app.left(), Some(ExitReason::Left));
}

#[test]
fn y_is_the_only_yes_and_not_before_the_question_was_read() {
    let mut desk = Desk::new();
    desk.press("<Down>r");
    assert!(desk.row(22).starts_with("Re-run Adatum Gesundheit GmbH now?"), "{}", desk.row(22));
    desk.press("<Enter>");
    assert!(desk.wishes().is_empty(), "Enter is no yes");
    desk.press("<Esc>");
    assert!(!desk.text().contains("Re-run Adatum"), "Esc closes it");

    // Typed ahead: `r` and `y` in one breath.
    let mut desk = Desk::new();
    desk.press("<Down>");
    for c in ['r', 'y'] {
        let event = crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c));
        desk.app.input(&Input::Key(event), desk.now);
    }
    assert!(desk.wishes().is_empty(), "the question did not stand for 300 ms");
    desk.wait(300);
    desk.press("y");
    let wishes = desk.wishes();
    let [Command::Import { scope: Scope::Tenants(keys), list: false, .. }] = wishes.as_slice() else {
        panic!("{wishes:?}")
    };
    assert_eq!(keys, &[sample::key("emea", 1)]);
}

#[test]
fn many_are_named_and_very_many_are_counted() {
    let mut desk = Desk::new().keys("u<Space><Space><Space>r");
    let text = desk.text();
    assert!(text.contains("re-run 3 tenants") && text.contains("Lamna Clinics, Adatum"), "{text}");
    assert!(desk.keys("y").wishes().len() == 1);

    let mut desk = Desk::new().keys("u*ry");
    assert!(desk.text().contains("type 24 first") && desk.wishes().is_empty(), "{}", desk.text());
    desk.press("23y");
    assert!(desk.wishes().is_empty());
    desk.press("<Backspace>4y");
    let wishes = desk.wishes();
    assert!(matches!(&wishes[..], [Command::Import { scope: Scope::Tenants(keys), .. }] if keys.len() == 24));
}

#[test]
fn a_run_of_another_is_cancelled_by_its_number() {
    let mut desk = Desk::new().keys("R<Enter>c");
    assert!(desk.row(22).contains("Cancel run 4?"), "{}", desk.row(22));
    assert_eq!(desk.keys("y").wishes(), [Command::Cancel { run: RunId(4), tenant: None }]);

    let mut desk = Desk::of(sample::fleet(), Options { operator: "akim".to_owned(), role: Role::Admin, ..options() });
    desk.press("R<Enter>cy");
    assert!(desk.wishes().is_empty(), "a mere y does not end another's run");
    assert!(desk.text().contains("jdoe started it 2m ago"), "{}", desk.text());
    assert_eq!(desk.keys("4y").wishes(), [Command::Cancel { run: RunId(4), tenant: None }]);

    let mut desk = Desk::new().keys("R<Down><Enter>c");
    assert!(desk.row(22).contains("run 3 is over"), "{}", desk.row(22));
}

#[test]
fn what_is_held_back_is_decided_by_a_typed_word() {
    let tenant = sample::key("emea", 13);
    let decide = |keys: &str| {
        let mut desk = Desk::new().keys("/margie<Enter>v");
        assert!(desk.text().contains("users: shown now 1,275, held back 40"), "{}", desk.text());
        desk.press(keys);
        desk.wishes()
    };
    assert_eq!(decide("y"), []);
    assert_eq!(decide("accepty"), [Command::Review { tenant: tenant.clone(), accept: true }]);
    assert_eq!(decide("discardy"), [Command::Review { tenant, accept: false }]);
    let mut desk = Desk::new().keys("v");
    assert!(desk.row(22).contains("nothing is held back"), "{}", desk.row(22));
}

#[test]
fn a_wish_opens_its_run_unless_the_operator_went_on() {
    let accepted = |by: Option<&str>, joined| Event::Accepted { run: RunId(4), joined, by: by.map(Into::into) };
    let mut desk = Desk::new().keys("<Down>ry");
    desk.app.hear(accepted(None, 0), desk.now);
    assert_eq!(desk.app.screen(), Some(ScreenId::Run(RunId(4))));
    assert!(desk.row(22).ends_with("run 4 started"), "{}", desk.row(22));

    let mut desk = Desk::new().keys("<Down>ry<Down>");
    desk.app.hear(accepted(Some("akim"), 1), desk.now);
    assert_eq!(desk.app.screen(), Some(ScreenId::Tenants), "the operator looks at something else already");
    assert!(desk.row(22).contains("joins run 4, which akim started   R shows runs"), "{}", desk.row(22));

    let mut desk = Desk::new().keys("/contoso<Enter>ur");
    assert_eq!(desk.wishes().len(), 1, "what runs already is joined without a question: {}", desk.text());
}

#[test]
fn a_long_wait_shows_its_seconds() {
    let mut desk = Desk::new().keys("<Down>ry");
    assert!(!desk.row(22).contains("waiting"), "{}", desk.row(22));
    desk.wait(4_000);
    assert_eq!(desk.row(22), "waiting for the server's answer, 4 s");
    desk.app.hear(Event::Refused("no partner for this is in the configuration".into()), desk.now);
    assert!(desk.row(22).contains("refused: no partner"), "{}", desk.row(22));
    desk.press("jj");
    assert!(desk.row(22).contains("refused: no partner"), "an error is no flash: {}", desk.row(22));
    desk.app.hear(Event::Done("done".into()), desk.now);
    assert!(desk.row(22).ends_with("done"), "success clears it: {}", desk.row(22));
}

#[test]
fn an_engine_that_is_gone_is_told_and_nothing_can_be_started() {
    let mut desk = Desk::new();
    desk.app.closed(desk.now);
    assert!(desk.row(0).contains("SERVER GONE since 09:31Z   as of 09:31Z"), "{}", desk.row(0));
    desk.press("<Down>ry");
    assert!(desk.wishes().is_empty());
    assert!(desk.row(22).contains("nothing can be started"), "{}", desk.row(22));
    let mut desk = Desk::new();
    desk.app.busy(&Command::Sync { partner: None }, desk.now);
    assert!(desk.row(22).contains("busy"), "{}", desk.row(22));
}

#[test]
fn before_the_first_picture_it_says_what_it_waits_for() {
    let mut app = super::App::new(options());
    let at = |ms| sample::now().checked_add(jiff::SignedDuration::from_millis(ms)).unwrap();
    app.tick(at(0));
    assert!(!app.is_due(at(0)) && app.is_due(at(100)), "what is there at once is the first picture");
    let said = |app: &mut super::App, ms| {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 80, 24));
        app.tick(at(ms));
        app.draw(&mut buffer, at(ms));
        (row(&buffer, 0), row(&buffer, 2))
    };
    assert_eq!(said(&mut app, 100).1, "", "a word that only flashes is no word");
    assert_eq!(said(&mut app, 300).1, "Waiting for the server's picture of all tenants");
    assert_eq!(said(&mut app, 5_000).1, "Waiting for the server's picture of all tenants, 5 s");
    assert!(said(&mut app, 5_000).0.contains("no data yet"));
    app.closed(at(6_000));
    let gone = said(&mut app, 6_000).1;
    assert!(gone.starts_with("The server ended at 09:31Z"), "{gone}");
}

#[test]
fn pasted_text_is_thrown_away_but_in_an_input() {
    let mut desk = Desk::new();
    desk.app.input(&Input::Paste("ry\nq".to_owned()), desk.now);
    assert!(desk.row(22).ends_with("paste ignored here"), "{}", desk.row(22));
    assert!(desk.wishes().is_empty() && desk.app.left().is_none());
    desk.press("/");
    desk.app.input(&Input::Paste("adatum\n".to_owned()), desk.now);
    assert!(desk.row(3).contains("1 of 24  filter /adatum"), "{}", desk.row(3));
}

#[test]
fn the_filter_follows_what_is_typed_and_explains_itself() {
    let mut desk = Desk::new().keys("/bl");
    assert!(desk.row(3).starts_with("show: problems, 1 of 24  filter /bl"), "{}", desk.row(3));
    desk.press("<Ctrl-u>status:blocked");
    assert!(desk.row(3).starts_with("show: problems, 3 of 24  filter /status:blocked"), "{}", desk.row(3));
    desk.press("<Ctrl-u>state:x");
    assert!(desk.text().contains("no field `state` here; there are status, acts"), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.text().contains("no field `state`"), "a filter that cannot be used is not kept");
    desk.press("<Esc>");
    assert!(desk.row(3).starts_with("show: problems, 14 of 24 "), "Esc puts it back: {}", desk.row(3));
    desk.press("/nobody<Enter>");
    let text = desk.text();
    assert!(text.contains("No tenant matches \"nobody\".  24 hidden by the filter.") && text.contains("\\ clears it"));
    desk.press("\\");
    assert!(desk.row(3).starts_with("show: problems, 14 of 24 "), "{}", desk.row(3));
}

#[test]
fn the_cursor_comes_back_to_its_object() {
    let mut desk = Desk::new().keys("/northwind<Enter>\\");
    assert!(desk.text().contains("> - NEVER    Lamna"), "it was never moved: {}", desk.text());
    desk.press("<Down><Down>/contoso<Esc>");
    assert!(desk.text().contains("> ~ STALE    Alpine"), "{}", desk.text());
    desk.press("1");
    assert!(desk.text().contains("> ~ STALE    Alpine"), "sorting does not move it off: {}", desk.text());
    desk.press("0");
    let order = |desk: &mut Desk| {
        desk.text().lines().skip(5).take(14).map(|l| l.chars().skip(13).take(20).collect()).collect::<Vec<String>>()
    };
    let before = order(&mut desk);
    let run = RunId(9);
    let at = desk.now;
    desk.tell(Change::RunStarted { run, kind: crate::model::RunKind::Rerun, by: "x".into(), reason: None, at });
    desk.tell(Change::Queued { run, tenants: vec![sample::key("emea", 1)], at });
    desk.wait(600);
    assert!(desk.text().contains(". QUEUED   Adatum"), "{}", desk.text());
    assert_eq!(order(&mut desk), before, "a change moves no row");
}

#[test]
fn new_rows_are_counted_and_come_when_asked_for() {
    let mut desk = Desk::new().keys("u<End>");
    let customers = (21..=22)
        .map(|n| crate::model::Customer {
            tenant: sample::key("south", n).tenant,
            name: format!("New {n}").into(),
            domain: "new.example".into(),
        })
        .collect();
    let at = desk.now;
    desk.tell(Change::Listed { partner: "south".into(), at, customers });
    desk.wait(600);
    assert!(desk.row(3).starts_with("show: all, 24 of 26  2 new, Ctrl-R"), "{}", desk.row(3));
    desk.press("<Ctrl-r>");
    assert!(desk.row(3).starts_with("show: all, 26 of 26 "), "{}", desk.row(3));
}

#[test]
fn copies_are_sent_and_said() {
    let mut desk = Desk::new().keys("<Down>y");
    assert!(desk.row(22).starts_with("copy:  i tenant id"), "{}", desk.row(22));
    desk.press("i");
    assert_eq!(desk.app.take_copied().as_deref(), Some("10000000-0000-0000-0000-000000000001"));
    assert!(desk.row(22).contains("sent to your terminal: tenant id (36 characters)"), "{}", desk.row(22));
    desk.press("yv");
    let text = desk.text();
    assert!(text.contains("to be selected") && text.contains("\ntenant id\n10000000-0000-0000-0000-000000000001\n"));
    for (name, path) in SCREENS {
        let mut desk = Desk::new().keys(path).keys("y");
        assert!(desk.row(22).starts_with("copy:  "), "{name}: {}", desk.row(22));
        desk.press("<Esc>");
        assert_eq!(desk.app.take_copied(), None);
    }
}

#[test]
fn back_and_last_view_and_leaving() {
    let mut desk = Desk::new().keys("<Down>el");
    assert_eq!(desk.app.screen(), Some(ScreenId::Licenses(sample::key("emea", 1))));
    desk.press("<Esc>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Why(sample::key("emea", 1))));
    desk.press("-");
    assert_eq!(desk.app.screen(), Some(ScreenId::Licenses(sample::key("emea", 1))));
    desk.press("<Esc><Esc><Esc><Esc>");
    assert_eq!((desk.app.screen(), desk.app.left()), (Some(ScreenId::Tenants), None), "Esc at top is harmless");
    desk.press("q");
    assert_eq!(desk.app.left(), Some(ExitReason::Left));
    let desk = Desk::new().keys("<Down>er<Ctrl-c>");
    assert_eq!(desk.app.left(), Some(ExitReason::Left), "Ctrl-C leaves from anywhere");
}

#[test]
fn it_starts_where_it_is_told_to() {
    let desk = Desk::of(sample::fleet(), Options { view: View::Runs, ..options() });
    assert_eq!(desk.app.screen(), Some(ScreenId::Runs));
    let mut desk = Desk::of(sample::fleet(), Options { all: true, filter: "acts:us".into(), ..options() });
    assert!(desk.row(3).contains("show: all, 9 of 24  filter /acts:us"), "{}", desk.row(3));
    let mut desk = Desk::of(sample::fleet(), Options { filter: "nofield:x".into(), ..options() });
    assert!(desk.row(3).starts_with("show: problems, 14 of 24 "), "{}", desk.row(3));
}

/// The bytes that a key costs on a terminal.
fn cost(desk: &mut Desk, painter: &mut Painter, keys: &str, (width, height): (u16, u16)) -> usize {
    desk.press(keys);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let cursor = desk.app.draw(&mut buffer, desk.now);
    painter.frame(buffer, cursor).unwrap().len()
}

#[test]
fn a_step_of_the_cursor_is_cheap_and_standing_still_is_free() {
    for (size, full, step) in [((80, 24), 2_500, 350), ((120, 35), 4_500, 1_300)] {
        let mut desk = Desk::of(sample::quiet(), Options { all: true, ..options() });
        let mut painter = Painter::default();
        let whole = cost(&mut desk, &mut painter, "", size);
        assert!(whole < full, "a full frame at {size:?}: {whole}");
        for _ in 0..8 {
            let bytes = cost(&mut desk, &mut painter, "<Down>", size);
            assert!((1..step).contains(&bytes), "a step at {size:?}: {bytes}");
        }
        assert_eq!(cost(&mut desk, &mut painter, "", size), 0, "nothing changed");
        assert_eq!(cost(&mut desk, &mut painter, "g", size).min(1), 1);
        assert_eq!(cost(&mut desk, &mut painter, "g", size), 0, "a key that changes nothing");
    }
}

#[test]
fn a_step_between_tenants_that_have_nothing_in_common_is_cheap_too() {
    let mut desk = Desk::of(sample::fleet(), Options { all: true, ..options() });
    let mut painter = Painter::default();
    cost(&mut desk, &mut painter, "", (80, 24));
    for n in 0..12 {
        let bytes = cost(&mut desk, &mut painter, "<Down>", (80, 24));
        assert!((1..400).contains(&bytes), "step {n}: {bytes}");
    }
}

#[test]
fn events_do_not_change_with_the_cursor() {
    let mut desk = Desk::new();
    let band = |desk: &mut Desk| {
        let buffer = desk.look(120, 35);
        let rows: Vec<String> = (0..35).map(|y| row(&buffer, y).chars().take(79).collect()).collect();
        let at = rows.iter().position(|row| row.starts_with("── last events")).unwrap();
        (at, rows[at..33].to_vec())
    };
    let before = band(&mut desk);
    for keys in ["j", "jjj", "G", "u", "/adatum<Enter>", "/<Ctrl-u>nobody<Enter>"] {
        desk.press(keys);
        assert_eq!(band(&mut desk), before, "{keys}");
    }
    let at = desk.now;
    desk.tell(Change::RunEnded { run: RunId(4), state: RunState::Cancelled, at, totals: Totals::default() });
    desk.wait(600);
    let (row, after) = band(&mut desk);
    assert_eq!(row, before.0, "a band does not move");
    assert!(after[1].contains("jdoe     re-ran 5 tenants, cancelled: 1 ok, 1 not ok"), "{after:?}");
}

#[test]
fn a_list_that_scrolls_by_a_line_is_cheap() {
    let mut desk = Desk::of(super::recorded::FLEET.clone(), Options { all: true, ..options() });
    let mut painter = Painter::default();
    cost(&mut desk, &mut painter, "", (80, 24));
    for key in ["<Down>", "<Up>"] {
        for n in 0..100 {
            let bytes = cost(&mut desk, &mut painter, key, (80, 24));
            assert!((1..600).contains(&bytes), "line {n} by {key}: {bytes}");
        }
    }
}

#[test]
fn nothing_is_drawn_while_nothing_changes() {
    let mut desk = Desk::of(sample::quiet(), options());
    assert!(!desk.app.is_due(desk.now), "it was drawn");
    let deadline = desk.app.deadline().unwrap();
    assert!(deadline.duration_since(desk.now).as_mins() >= 1, "no wake-up before an age changes: {deadline}");
    let before = desk.picture(80, 24);
    desk.now = deadline;
    desk.app.tick(deadline);
    assert!(desk.app.is_due(deadline), "an age changes now");
    assert_ne!(desk.picture(80, 24), before, "it woke up for something");
}

#[test]
fn facts_are_drawn_at_most_twice_a_second() {
    let mut desk = Desk::new();
    desk.wait(10_000);
    desk.look(80, 24);
    let draws = (0..100)
        .filter(|n| {
            desk.tell(Change::PartnerSignedIn { partner: "emea".into(), at: desk.now });
            desk.wait(n % 3 * 10 + 10);
            let due = desk.app.is_due(desk.now);
            if due {
                desk.look(80, 24);
            }
            due
        })
        .count();
    assert!((2..=5).contains(&draws), "{draws} draws in two seconds");
}

#[test]
fn mono_sets_no_colour_on_any_screen() {
    for (name, path) in SCREENS {
        let mut desk = Desk::of(sample::fleet(), Options { theme: Theme::Mono, ..options() }).keys(path);
        let buffer = desk.look(120, 35);
        for cell in &buffer.content {
            assert!(matches!(cell.style().fg, None | Some(ratatui::style::Color::Reset)), "{name}: {cell:?}");
        }
    }
}

#[test]
fn a_partner_that_is_refused_stands_above_all() {
    let mut desk = Desk::new();
    let failure = sample::failure(Class::RefreshTokenExpired, Owner::Partner, 700_082, desk.now);
    let at = desk.now;
    desk.tell(Change::PartnerRefused { partner: "emea".into(), run: RunId(4), failure: Box::new(failure), at });
    desk.wait(600);
    let line = "! partner emea: own sign-in refused since 09:31Z: 700082 expired  +1 (i)";
    assert_eq!(desk.row(2), line);
    desk.press("i");
    assert!(desk.text().contains("no customer is asked"), "{}", desk.text());
    desk.press("<Esc>R<Enter>");
    let text = super::picture(&desk.look(120, 35));
    assert!(text.contains("REFUSED PARTNERS") && text.contains("emea: 700082 expired"), "{text}");
}

#[test]
fn what_opens_nothing_says_so() {
    let mut desk = Desk::new().keys("RR");
    assert!(desk.row(22).ends_with("this is the list of runs"), "{}", desk.row(22));
    desk.press("-");
    assert_eq!(desk.app.screen(), Some(ScreenId::Tenants), "the last view is the one before");
    desk.press("z");
    assert!(desk.row(22).ends_with("z does nothing here   ? shows the keys"), "{}", desk.row(22));
}

#[test]
fn ascii_leaves_nothing_else() {
    let mut desk = Desk::of(sample::fleet(), Options { ascii: true, all: true, ..options() }).keys("<End>");
    let buffer = desk.look(120, 45);
    assert!(buffer.content.iter().all(|cell| cell.symbol().is_ascii()));
    let text: String = (0..45).map(|y| row(&buffer, y) + "\n").collect();
    assert!(text.contains("Bj?rk M?bler AB") && text.contains(". QUEUED   ???????? Trading"), "{text}");
}

#[test]
fn an_empty_world_says_which_case_it_is() {
    let mut desk = Desk::of(Fleet::new([], [], [], 93_600), options());
    assert!(desk.text().contains("No tenant yet.  Last list from Partner Center: never."), "{}", desk.text());
    let mut desk = Desk::of(sample::quiet(), options());
    desk.press("/x<Esc>");
    assert!(desk.text().contains("No problem.  19 of 19 fine, oldest data 7h."), "{}", desk.text());
    for (_, path) in SCREENS {
        Desk::of(Fleet::new([], [], [], 93_600), options()).keys(path).picture(80, 24);
    }
}

#[test]
fn the_page_of_keys_is_current() {
    let page = crate::tui::keys_page();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), page, "UPDATE=1 writes it");
}
