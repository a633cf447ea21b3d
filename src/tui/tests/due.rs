//! When a tenant is read next: shown where a service keeps a schedule, and nowhere else.

use jiff::SignedDuration;

use super::{Desk, options, sample};
use crate::model::{Ask, Change, Due, DueWhy, Fleet};

/// The sample, with a schedule that is kept or not.
fn fleet(kept: bool, dues: &[(u128, i64, DueWhy)]) -> Fleet {
    let mut fleet = sample::fleet();
    if kept {
        fleet.apply(&Change::Scheduled { window: "01:00-05:00".into() });
    }
    let at = |minutes: i64| sample::now().checked_add(SignedDuration::from_mins(minutes)).unwrap();
    let due =
        |(n, minutes, why): &(u128, i64, DueWhy)| (sample::key("emea", *n), Some(Due { at: at(*minutes), why: *why }));
    fleet.apply(&Change::Due { tenants: dues.iter().map(due).collect(), partners: Vec::new() });
    fleet
}

/// What stands behind "next read" in the pane of the first tenant, and below it.
fn pane(fleet: Fleet) -> Vec<String> {
    let text = Desk::of(fleet, options()).keys("<Down>").picture(120, 35).clone();
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.contains("next read"));
    let said = |line: &str| line.chars().skip(80).collect::<String>().trim_matches([' ', '|']).to_owned();
    at.map(|at| lines[at..at + 2].iter().map(|line| said(line)).collect()).unwrap_or_default()
}

#[test]
fn a_tenant_says_when_it_is_read_next_and_why_then() {
    let said = |minutes, why| pane(fleet(true, &[(1, minutes, why)])).join(" | ");
    let text = said(16 * 60, DueWhy::Refused);
    assert!(
        text.contains("next read") && text.contains("24 Nov 01:") && text.ends_with("refused: once a day"),
        "{text}"
    );
    let text = said(45, DueWhy::Retry { n: 2 });
    assert!(text.ends_with("a fault still: tried again"), "{text}");
    let text = said(-45, DueWhy::Slot);
    assert!(text.contains("due since ") && text.ends_with("waits for its turn"), "{text}");

    let mut refused = fleet(true, &[(1, -45, DueWhy::Slot)]);
    let at = sample::now().checked_add(SignedDuration::from_mins(20)).unwrap();
    refused.apply(&Change::Due { tenants: Vec::new(), partners: vec![("emea".into(), Ask { at, refused: true })] });
    let text = pane(refused).join(" | ");
    assert!(text.contains("with our sign-in, ") && text.ends_with("which is refused"), "{text}");
    assert!(pane(fleet(false, &[(1, 60, DueWhy::Slot)])).is_empty(), "nobody keeps one: a time would be a lie");
    assert!(pane(fleet(true, &[])).is_empty(), "it is not known");
}

#[test]
fn why_says_it_too() {
    let why = |kept| {
        let fleet = fleet(kept, &[(1, 16 * 60, DueWhy::Refused)]);
        Desk::of(fleet, options()).keys("<Down><Enter><End>").picture(100, 40).clone()
    };
    let line = |text: &str| text.lines().find(|line| line.contains("next read")).map(str::to_owned);
    let said = line(&why(true)).unwrap_or_else(|| panic!("{}", why(true)));
    assert!(said.contains("24 Nov 01:") && said.contains("refused: once a day"), "{said}");
    assert_eq!(line(&why(false)), None);
}
