//! Whatever is pressed, nobody waits for an answer that does not come.

use super::*;
use crate::tui::typed;

/// Types keys faster than anything is drawn.
fn at_once(desk: &mut Desk, text: &str) {
    for key in typed::keys(text).unwrap() {
        desk.app.input(&crossterm::event::Event::Key(super::super::event(key)), desk.now);
    }
}

/// The picture after a while, which waits for nothing.
fn settled(desk: &mut Desk, (width, height): (u16, u16)) -> String {
    desk.look(width, height);
    desk.wait(5_000);
    let buffer = desk.look(width, height);
    let text: String = (0..height).map(|y| super::super::row(&buffer, y) + "\n").collect();
    assert!(!text.to_lowercase().contains("reckoning"), "{text}");
    text
}

#[test]
fn keys_that_cancel_each_other_leave_nothing_to_wait_for() {
    for (path, keys) in
        [("", ",."), ("V<Down>", "(z<Down>"), ("$", "<Del>z"), ("<Enter>SS", "SS"), ("<Enter>/le", "n<Backspace>")]
    {
        let mut desk = desk(Role::Admin).keys(path);
        let before = settled(&mut desk, (80, 24));
        for _ in 0..3 {
            at_once(&mut desk, keys);
            assert_eq!(settled(&mut desk, (80, 24)), before, "{path} {keys}");
        }
    }
    // What failed is still told.
    let mut desk = desk(Role::Admin).keys("<Enter>SS");
    at_once(&mut desk, "SS");
    settled(&mut desk, (80, 24));
    let look = asked(&mut desk, AllocatedFact::Prices { version: 7, reason: "x".into() }).unwrap();
    let found = Err("the store is busy".into());
    desk.app.hear(Event::Seen(Box::new(Seen { look: Look::Allocation(Box::new(look)), found })), desk.now);
    at_once(&mut desk, "SS");
    let text = settled(&mut desk, (80, 24));
    assert!(text.contains("The users cannot be shown: the store is busy."), "{text}");
}

#[test]
fn prices_of_a_closed_month_that_somebody_opens_take_a_draft_and_none_once_it_is_closed_again() {
    let month: Month = "2026-10".parse().unwrap();
    let mut desk = desk(Role::Admin);
    asked(&mut desk, AllocatedFact::Closed { month });
    desk.press(",$<Enter>");
    assert!(desk.row(22).contains("these are the prices that it was closed with"), "{}", desk.row(22));
    let open = |desk: &mut Desk| {
        let look = asked(desk, AllocatedFact::Reopened { month, reason: "x".into() }).unwrap();
        let mut seen = told(&look).unwrap();
        let AllocationSeen::Sheet { closed, .. } = &mut seen else { panic!() };
        *closed = false;
        let (draft, found) = (look.draft.prices.clone(), Ok(Found::Allocation(Box::new(seen))));
        desk.app.hear(Event::Seen(Box::new(Seen { look: Look::Allocation(Box::new(look)), found })), desk.now);
        draft
    };
    assert_eq!(open(&mut desk), None);
    desk.press(":price 40 month<Enter>");
    let text = settled(&mut desk, (80, 24));
    assert!(text.contains("DRAFT of prices from v2, not saved: 1 change") && text.contains("net +"), "{text}");
    let closed = asked(&mut desk, AllocatedFact::Closed { month }).unwrap();
    assert!(!closed.draft.is_some(), "{closed:?}");
    let found = Ok(Found::Allocation(Box::new(told(&closed).unwrap())));
    desk.app.hear(Event::Seen(Box::new(Seen { look: Look::Allocation(Box::new(closed)), found })), desk.now);
    let text = settled(&mut desk, (80, 24));
    assert!(text.contains("33.05 EUR") && !text.contains("DRAFT") && !text.contains(" 40 EUR"), "{text}");
    desk.press(":price 41 month<Enter>");
    assert!(desk.text().contains("these are the prices that it was closed with"), "{}", desk.text());
    desk.press("<Esc>");
    let draft = open(&mut desk).expect("the draft is kept");
    assert_eq!(draft.prices[0].amount.to_string(), "40");
}

#[test]
fn the_last_line_of_a_long_reason_can_be_reached() {
    let mut desk = desk(Role::Operate).keys("<Enter><Enter>");
    answer(&mut desk, 7, |look| {
        let mut seen = told(look).unwrap();
        let AllocationSeen::Why { why, .. } = &mut seen else { panic!() };
        for step in &mut why.steps {
            step.says = format!("{}THE END", "a word ".repeat(400)).into();
            step.conditions.clear();
        }
        seen
    });
    let end = |desk: &mut Desk| {
        let buffer = desk.look(60, 15);
        (0..15).any(|y| super::super::row(&buffer, y).contains("THE END"))
            && !super::super::row(&buffer, 12).is_empty()
            && super::super::row(&buffer, 13).is_empty()
    };
    let text = |desk: &mut Desk| {
        let buffer = desk.look(60, 15);
        (0..15).map(|y| super::super::row(&buffer, y) + "\n").collect::<String>()
    };
    text(&mut desk);
    desk.press("G");
    let last = text(&mut desk);
    assert!(end(&mut desk), "{last}");
    desk.press("gG<PgDn><Down>");
    assert_eq!(text(&mut desk), last);
    desk.press("<Up><Up><Down><Down>");
    assert_eq!(text(&mut desk), last);
}

#[test]
fn a_small_window_asks_before_a_draft_is_lost() {
    let mut desk = desk(Role::Operate).keys("T<Esc>");
    let small = |desk: &mut Desk| {
        let buffer = desk.look(52, 14);
        (0..3).map(|y| super::super::row(&buffer, y)).collect::<Vec<_>>().join(" ")
    };
    assert!(small(&mut desk).starts_with("window 52x14"), "{}", small(&mut desk));
    desk.press("q");
    let said = small(&mut desk);
    assert!(said.starts_with("Not saved: the draft of Adatum Gesundheit GmbH. Leave all the same?"), "{said}");
    assert!(said.contains("y / Esc"), "{said}");
    desk.press("<Enter><Esc>");
    assert!(desk.app.left().is_none() && small(&mut desk).starts_with("window 52x14"), "{}", small(&mut desk));
    desk.press("y");
    assert!(desk.app.left().is_none());
    desk.press("qy");
    assert!(desk.app.left().is_some(), "{}", small(&mut desk));
}

#[test]
fn a_very_high_terminal_waits_for_no_row() {
    for (path, count) in [("<Enter>", 579), ("U", people::COUNT)] {
        let mut desk = desk(Role::Operate).keys(path);
        for height in [204, 230, 300, 480] {
            desk.look(100, height);
            for keys in ["g", "<Down>", "<PgDn>", "<PgDn><Up>", "G", "<PgUp>", "gS", "S"] {
                desk.press(keys);
                let text = settled(&mut desk, (100, height));
                let missing = text.lines().filter(|line| line.trim_start_matches('>').trim() == "...").count();
                assert_eq!(missing, 0, "{path} of {count} at {height}, {keys}: {text}");
            }
        }
        // A window has fewer rows than this: those beyond it stay out of sight, and nobody waits for them.
        settled(&mut desk, (100, 700));
    }
}
