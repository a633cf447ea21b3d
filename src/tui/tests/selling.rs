//! A run that goes on for what we sold when its tenants are over.

use super::{Desk, options, sample};
use crate::model::{Change, RunId, RunKind, RunState, Selling, SetOutcome, Totals};

#[test]
fn a_run_says_that_it_still_reads_what_we_sold_and_what_it_left() {
    let mut desk = Desk::of(sample::quiet(), options());
    let (run, at, tenant) = (RunId(9), desk.now, sample::key("emea", 1));
    let over = Change::JobDone {
        run,
        tenant: tenant.clone(),
        at,
        users: SetOutcome::Untouched,
        skus: SetOutcome::Untouched,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: true,
        totals: Totals::default(),
    };
    let selling = |read, failed, later| Change::Selling { run, selling: Selling { due: 5_000, read, failed, later } };
    desk.tell(Change::RunStarted { run, kind: RunKind::All, by: "system".into(), reason: None, at });
    desk.tell(Change::Queued { run, tenants: vec![tenant], at });
    desk.tell(selling(1_200, 40, 0));
    assert!(!desk.text().contains("what we sold"), "while tenants are read they are what counts");
    desk.tell(over);
    desk.tell(selling(1_200, 41, 0));
    desk.wait(600);
    assert!(desk.text().contains("> run 9: 1 of 1 done  what we sold: 1,241 of 5,000"), "{}", desk.text());
    desk.press("R<Enter>");
    assert!(
        desk.text().contains("[#####-------------------]  what we sold: 1,241 of 5,000  1 not ok"),
        "{}",
        desk.text()
    );
    assert!(!desk.text().contains("queued"), "{}", desk.text());
    insta::assert_snapshot!(desk.picture(120, 35));

    desk.tell(selling(4_400, 100, 500));
    desk.tell(Change::RunEnded { run, state: RunState::Done, at, totals: Totals::default() });
    desk.wait(600);
    assert!(
        desk.text().contains("DONE  1 of 1 done  1 not ok  0:00  what we sold: 4,500 of 5,000, rest later"),
        "{}",
        desk.text()
    );
}
