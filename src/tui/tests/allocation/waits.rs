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
