use super::*;
use crate::model::{Change, Command, Explained};
use crate::tui::tests::{Desk, sample};

/// The list of a tenant's licenses on a desk, each row by its finding.
fn findings(desk: &mut Desk) -> Vec<String> {
    let rows = desk.picture(80, 50);
    let at = rows.lines().find_map(|line| line.find("FINDING")).unwrap();
    let of = |line: &str| line.get(at..).map(|text| text.trim().to_owned());
    rows.lines().skip(5).take_while(|line| !line.is_empty() && !line.starts_with("──")).filter_map(of).collect()
}

fn desk() -> Desk {
    Desk::new().keys("<Down>l")
}

#[test]
fn each_finding_has_its_row_and_the_gravest_stands_first() {
    let found = findings(&mut desk());
    let want = [
        "over by 2",
        "20 not there",
        "8 in grace",
        "1 unseen user",
        "2 not listed",
        "10 not by us",
        "3 off",
        "no count",
    ];
    assert_eq!(found[..want.len()], want, "{found:?}");
    assert!(found.contains(&"no name yet".to_owned()), "{found:?}");
}

#[test]
fn free_products_are_hidden_by_one_key_and_never_dropped() {
    let mut desk = desk();
    assert!(desk.row(2).contains("1 free hidden (i)"), "{}", desk.row(2));
    assert!(!desk.text().contains("9,988"));
    desk.press("i");
    assert!(desk.picture(80, 40).contains("9,988 free"), "{}", desk.text());
    assert!(!desk.row(2).contains("hidden"), "{}", desk.row(2));
    desk.press("i/free:yes<Enter>");
    assert!(desk.row(3).contains("0 of 13"), "{}", desk.row(3));
    desk.press("i");
    assert!(desk.row(3).contains("1 of 13"), "{}", desk.row(3));
}

#[test]
fn a_finding_is_known_until_its_end_and_for_its_number() {
    let mut desk = desk();
    desk.press("/not by us<Enter>K");
    assert!(desk.row(22).starts_with(":known 90d"), "{}", desk.row(22));
    desk.press("direct order<Enter>");
    assert!(desk.text().contains("10 not by us. As it should be until"), "{}", desk.text());
    desk.wait(400);
    desk.press("y");
    let wish = desk.wishes().pop().unwrap();
    let Command::Know { tenant, known } = wish else { panic!("{wish:?}") };
    assert_eq!((&*known.finding, &*known.reason), ("not_by_us 10", "direct order"));
    assert_eq!(known.until.duration_since(sample::now()).as_hours(), 90 * 24);

    let until = known.until;
    let fact = |known: Explained| Change::Known {
        tenant: tenant.clone(),
        known: Known { what: known, by: "akim".into(), at: sample::now() },
    };
    desk.tell(fact((*known).clone()));
    desk.press("\\/known<Enter>");
    assert!(desk.row(5).contains("= ") && desk.row(5).ends_with("known (10)"), "{}", desk.row(5));
    assert!(desk.text().contains("10 not by us: known until"), "{}", desk.text());
    assert!(desk.text().contains("by akim: direct order"), "{}", desk.text());
    assert!(desk.row(2).contains("1 known"), "{}", desk.row(2));

    desk.press(":known no<Enter>");
    let wish = desk.wishes().pop().unwrap();
    assert_eq!(wish, Command::Forget { tenant: tenant.clone(), sku_id: known.sku_id });

    desk.tell(fact(Explained { finding: "not_by_us 9".into(), until, ..*known }));
    desk.press("\\");
    assert!(!desk.row(2).contains("known"), "another number: {}", desk.row(2));
}

#[test]
fn where_nothing_is_to_be_explained_the_key_says_so() {
    let mut desk = desk();
    desk.press("/copilot<Enter>");
    desk.tell(Change::Named {
        sku_id: sample::skus()[3].sku_id.unwrap(),
        name: Some(crate::model::LocalName { name: "Copilot".into(), by: "akim".into(), at: sample::now() }),
    });
    desk.press("K");
    assert!(desk.row(22).contains("there is nothing to explain"), "{}", desk.row(22));
    assert!(desk.row(5).contains("Copilot") && desk.row(5).ends_with("full"), "{}", desk.row(5));
}
