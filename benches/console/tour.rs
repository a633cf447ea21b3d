//! A walk through the screens on a line of 2,400 bytes a second: what each step of it takes to arrive.

use std::time::Duration;

use crate::made::Made;
use crate::terminal::Terminal;
use crate::{CALM, DOWN, LINE, PAGE_DOWN, SMALL, Table, told};

/// Seconds that a key may take which brings a new screen: 1,920 cells at 80x24, with their looks.
const NEW_SCREEN: f64 = 1.5;
/// Seconds that a key may take which changes the list on the same screen.
const SAME_SCREEN: f64 = 1.0;
/// Seconds that a step of the cursor may take: no more than keys repeat on their own, about seven times a second.
const STEP: f64 = 0.15;

/// What is read from the store is there by then.
const FOLLOWS: Duration = Duration::from_millis(60);

/// A step: what it is, keys that are typed one after the other, what is shown then, seconds that each key may take.
type Step = (&'static str, &'static [&'static str], &'static str, f64);

const STEPS: [Step; 21] = [
    ("10 steps down", &[DOWN; 10], "show: problems", STEP),
    ("a page down", &[PAGE_DOWN], "show: problems", SAME_SCREEN),
    ("a filter, letter by letter", FILTER, "filter /status:blocked", SAME_SCREEN),
    ("the filter is taken", &["\r"], "filter /status:blocked", SAME_SCREEN),
    ("why", &["\r"], "PROOF", NEW_SCREEN),
    ("back", &["\x7f"], "filter /status:blocked", NEW_SCREEN),
    ("licenses", &["l"], "Licenses", NEW_SCREEN),
    ("back", &["\x7f"], "filter /status:blocked", NEW_SCREEN),
    ("users of the tenant", &["U"], "Users", NEW_SCREEN),
    ("a page down", &[PAGE_DOWN], "Users", SAME_SCREEN),
    ("a filter of users", &["/", "s", "a", "l", "e", "s"], "filter /sales", SAME_SCREEN),
    ("the filter is taken", &["\r"], "filter /sales", SAME_SCREEN),
    ("back", &["\x7f"], "filter /status:blocked", NEW_SCREEN),
    ("runs", &["R"], "Runs", NEW_SCREEN),
    ("a run of 10,000", &[DOWN, DOWN, DOWN, DOWN, "\r"], "Run", NEW_SCREEN),
    ("a page down", &[PAGE_DOWN], "Run", SAME_SCREEN),
    ("help", &["?"], "keys", NEW_SCREEN),
    ("back", &["\x1b"], "Run", NEW_SCREEN),
    ("back", &["\x7f"], "Runs", NEW_SCREEN),
    ("fleet licenses", &["W"], "sort: waste", NEW_SCREEN),
    ("tenants of a product", &["\r"], "sort: unassigned", NEW_SCREEN),
];

const FILTER: &[&str] = &["/", "s", "t", "a", "t", "u", "s", ":", "b", "l", "o", "c", "k", "e", "d"];

/// Walks and tells.
pub(crate) fn walk(made: &Made, table: &mut Table) {
    let (mut terminal, began) = Terminal::start(made, SMALL);
    terminal.until(began, "show: problems");
    terminal.settle();
    let mut sum = terminal.bytes();
    let mut line = |what: &str, bytes: usize, slowest: usize, limit: f64| {
        let title = format!("at 2,400 B/s: {what}, {bytes} B; its slowest key");
        table.held(&title, slowest as f64 / LINE, "s", limit);
    };
    line("start", sum, sum, NEW_SCREEN);
    terminal.bytes_within(CALM);
    for (what, keys, shown, limit) in STEPS {
        let (mut bytes, mut slowest) = (0, 0);
        for key in keys {
            // What follows the first frame belongs to the key too: users come from the store.
            let came = terminal.press(key).bytes + terminal.bytes_within(FOLLOWS);
            bytes += came;
            slowest = slowest.max(came);
        }
        assert!(terminal.text().contains(shown), "{what}: {shown} is not there:\n{}", terminal.text());
        line(what, bytes, slowest, limit);
        sum += bytes;
    }
    told("at 2,400 B/s: all of it", sum as f64 / LINE, "s");
    terminal.leave();
}
