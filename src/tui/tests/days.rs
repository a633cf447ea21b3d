//! License counts day by day that a desk shows: made up as a store keeps them. And what an operator does with them.

use jiff::ToSpan;
use jiff::civil::Date;

use super::{Desk, sample};
use crate::model::{
    Change, Command, Event, Found, Key, LicenseDay, LicenseHistory, Look, Seen, SetOutcome, SkuId, SnapshotId,
};
use crate::model::{RunId, Totals, day_of};
use crate::tui::screens::ScreenId;

fn id(n: u128) -> SkuId {
    sample::product(n)
}

/// The day some days before the sample begins.
fn days_ago(days: i64) -> Date {
    day_of(sample::now()).checked_sub(days.days()).unwrap()
}

/// What a store tells of a product of a tenant: a year. Customers of emea whose import is refused since have no newer
/// days than their data; those of other partners and the last two of emea have none at all.
pub(super) fn told(tenant: &Key, sku_id: SkuId) -> LicenseHistory {
    let Some(n) = (1..=18).find(|n| sample::key("emea", *n) == *tenant) else { return LicenseHistory::default() };
    let newest = if [1, 2, 7, 8, 9, 16].contains(&n) { 9 } else { 0 };
    let mut told = LicenseHistory::default();
    // Nobody read it for three days in August, and for a day in the week before last.
    for ago in (newest..=372).rev().filter(|ago| !(90..93).contains(ago) && *ago != 15) {
        told.read.push(days_ago(ago));
        let product = (1..10).chain([99]).find(|product| id(*product) == sku_id);
        told.rows.extend(product.and_then(|product| counts(product, ago)).map(|counts| row(ago, sku_id, counts)));
    }
    told
}

type Counts = (Option<i64>, Option<i64>, Option<u64>, Option<i64>);

fn row(ago: i64, sku_id: SkuId, (purchased, assigned, held, sold): Counts) -> LicenseDay {
    let listed = if (60..62).contains(&ago) { None } else { Some(purchased.is_some()) };
    LicenseDay { day: days_ago(ago), sku_id, listed, purchased, assigned, held, sold }
}

/// The counts of a product some days ago, which end as the sample has them.
fn counts(product: u128, ago: i64) -> Option<Counts> {
    let known = |purchased, assigned: i64, held: u64| Some((Some(purchased), Some(assigned), Some(held), None));
    let at = |steps: &[(i64, i64)]| steps.iter().rev().find(|(from, _)| ago <= *from).map(|(_, n)| *n);
    match product {
        1 => {
            let purchased = at(&[(400, 1_000), (210, 1_150), (52, 1_200)])?;
            let start =
                at(&[(400, 956), (330, 978), (260, 1_000), (205, 1_043), (150, 1_088), (75, 1_131), (40, 1_170)])?;
            // A few people come and go each week; since two weeks the number stands.
            let assigned = if ago < 21 { 1_198 } else { (start + (400 - ago) / 8 - ago % 7 / 3).min(purchased) };
            // For two days only users came.
            if (60..62).contains(&ago) {
                return Some((None, None, Some(assigned.cast_unsigned()), None));
            }
            let sold = (ago < 30).then_some(1_200);
            Some((Some(purchased), Some(assigned), Some(assigned.cast_unsigned()), sold))
        }
        2 => known(at(&[(400, 16), (12, 12)])?, at(&[(400, 11), (200, 13), (33, 14)])?, 14),
        3 => known(60, at(&[(400, 44), (100, 48), (31, 52)])?, at(&[(400, 44), (100, 48), (31, 52)])?.cast_unsigned()),
        5 => known(8, 6, 6),
        6 => Some((Some(4), Some(0), None, None)),
        // It is new.
        7 => (ago < 13).then_some((Some(5), None, Some(0), None)),
        99 if ago < 45 => Some((None, None, Some(2), None)),
        99 => known(5, 2, 2),
        _ => known(45, 41, 41),
    }
}

/// A desk before the history of a product of Adatum, whose import is refused since nine days.
fn desk(product: &str) -> Desk {
    Desk::new().keys(&format!("<Down>l/{product}<Enter>h"))
}

#[test]
fn the_product_under_the_cursor_has_a_history_and_leads_on() {
    let mut desk = desk("spe_e3");
    let adatum = sample::key("emea", 1);
    assert_eq!(desk.app.screen(), Some(ScreenId::LicenseHistory(adatum.clone(), id(1))));
    assert_eq!(desk.row(1), "assigned 1,125 -> 1,198, purchased 1,150 -> 1,200 since 26 Aug");
    for (key, screen) in [
        ("l", ScreenId::Licenses(adatum.clone())),
        ("h", ScreenId::LicenseHistory(adatum.clone(), id(1))),
        ("e", ScreenId::Why(adatum.clone())),
    ] {
        desk.press(key);
        assert_eq!(desk.app.screen(), Some(screen));
    }
    desk.press("<Esc><Enter>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Users(adatum)));
    assert!(desk.row(2).contains("license:="), "{}", desk.text());
    let mut none = Desk::new().keys("<Down>l/nothing<Enter>h");
    assert!(matches!(none.app.screen(), Some(ScreenId::Licenses(_))));
    assert!(none.text().contains("no product is under the cursor"));
}

/// The rows of the chart, without those below it.
fn chart(desk: &mut Desk) -> String {
    (3..9).map(|y| desk.row(y) + "\n").collect()
}

#[test]
fn the_chart_marks_the_day_under_the_cursor_and_zooms() {
    let mut desk = desk("spe_e3");
    let mark = |desk: &mut Desk| desk.row(9).find('^');
    let newest = mark(&mut desk).unwrap();
    desk.press("jj");
    let older = mark(&mut desk).unwrap();
    assert!(older < newest, "{older} {newest}");
    let before = chart(&mut desk);
    desk.press("G");
    assert_eq!((mark(&mut desk), desk.row(9).contains('<')), (None, true), "the oldest day lies before what is shown");
    assert_eq!(chart(&mut desk), before, "the cursor moves no line");
    for shown in ["last year", "all 373 days", "last week", "last month", "last quarter"] {
        desk.press("Z");
        assert!(desk.row(2).starts_with(shown), "{shown}: {}", desk.row(2));
    }
    assert_eq!(chart(&mut desk), before);
    desk.press("ZZ");
    assert_eq!(desk.row(9).trim_start().find('^'), Some(0), "of all it is the first");
    desk.press("Z");
    assert!(desk.row(1).starts_with("nothing is kept of these days; the newest is 14 Nov"), "{}", desk.row(1));
}

#[test]
fn what_changed_is_told_and_so_are_gaps() {
    let mut desk = desk("visio");
    let text = desk.text();
    for said in [
        "show: changes, 7 of 360",
        "11 Nov             12       14         -2      14       - purchased -4",
        "9 Nov              16       14          2      14       - no import for 1 day",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    desk.press("/change:no<Enter>G");
    assert!(desk.row(21).starts_with("no import for 3 days"), "{}", desk.text());
    desk.press("\\u");
    assert!(desk.row(11).starts_with("show: all days, 360 of 360"), "{}", desk.row(11));
    desk.press("/day:2026-11-1<Enter>");
    assert!(desk.row(11).starts_with("show: all days, 5 of 360"), "{}", desk.row(11));
    // A product that is no longer listed and that somebody still holds.
    let mut only_held = self::desk("000063");
    let text = only_held.text();
    assert_eq!(only_held.row(1), "not listed since 10 Oct; held 2, unchanged for 363 days", "{text}");
    only_held.press("/change:no<Enter>");
    assert!(
        only_held.text().contains("10 Oct              -        -          -       2       - no longer listed"),
        "{text}"
    );
}

#[test]
fn unknown_is_no_change_and_no_zero() {
    let mut desk = desk("spe_e3").keys("u/day:2026-09-2<Enter>gjjjjj");
    assert!(desk.row(18).ends_with("-        -          -   1,150       - SKUs not read"), "{}", desk.text());
    assert_eq!(desk.row(21), "SKUs not read");
    desk.press("<Down><Down>");
    assert_eq!(desk.row(21), "nothing changed", "what is known again is what it was: {}", desk.text());
}

#[test]
fn the_store_is_asked_again_when_something_was_read() {
    let mut desk = desk("spe_e3");
    let tenant = sample::key("emea", 1);
    let at = desk.now;
    desk.tell(Change::JobDone {
        run: RunId(4),
        tenant: tenant.clone(),
        at,
        users: SetOutcome::Saved { snapshot: SnapshotId(400), count: 1_275 },
        skus: SetOutcome::Saved { snapshot: SnapshotId(401), count: 9 },
        held: Some([(id(1), 1_199)].into()),
        sku_counts: Some(sample::skus()),
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    });
    let mut buffer = super::Buffer::empty(super::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let asked: Vec<Look> = desk
        .app
        .take_wishes()
        .into_iter()
        .filter_map(|wish| if let Command::Look(look) = wish { Some(look) } else { None })
        .collect();
    let [look @ Look::LicenseHistory { sku_id, .. }] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(*sku_id, id(1));
    let mut more = told(&tenant, id(1));
    more.read.push(days_ago(0));
    more.rows.push(row(0, id(1), (Some(1_200), Some(1_199), Some(1_199), None)));
    let found = Ok(Found::LicenseHistory(more));
    desk.app.hear(Event::Seen(Box::new(Seen { look: look.clone(), found })), desk.now);
    assert!(desk.row(11).contains("1 new, Ctrl-R"), "new rows do not shove the cursor: {}", desk.text());
    assert!(desk.row(9).ends_with('-'), "the chart has them: {}", desk.row(9));
    let failed = Err("the disk is gone".into());
    desk.app.hear(Event::Seen(Box::new(Seen { look: look.clone(), found: failed })), desk.now);
    assert!(desk.row(1).starts_with("Newer days cannot be read: the disk is gone."), "{}", desk.row(1));
}

#[test]
fn what_is_shown_is_exported() {
    let mut desk = desk("visio").keys("/change:purchased<Enter>x");
    desk.text();
    let file = std::fs::read_dir(desk.dir.path()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("DAY,PURCHASED,ASSIGNED,UNASSIGNED,HELD,SOLD,CHANGE,PRODUCT,SKU ID,TENANT,"),
        "{text}"
    );
    assert!(lines[1].starts_with("2026-11-11,12,14,-2,14,,purchased -4,"), "{text}");
    assert_eq!(lines.len(), 2, "{text}");
}
