//! Drafts that are kept, prices, months that are opened again, people who are masked.

use super::*;

#[test]
fn a_draft_is_kept_whatever_is_left_and_the_console_asks_before_it_is_lost() {
    let mut desk = super::desk(Role::Operate).keys("T<Enter><Esc><Esc>");
    let said = desk.row(22);
    assert!(said.contains("the draft of Adatum Gesundheit GmbH is kept; b shows it again"), "{said}");
    desk.press("b");
    assert!(desk.text().contains("DRAFT from v3, not saved: 1 change"), "{}", desk.text());
    desk.press("R:allocation adatum<Enter>");
    assert!(desk.text().contains("DRAFT from v3, not saved: 1 change"), "{}", desk.text());
    desk.press("qqq");
    assert_eq!(desk.app.screen(), Some(ScreenId::Tenants));
    desk.press("q");
    assert!(desk.text().contains("Not saved: the draft of Adatum Gesundheit GmbH."), "{}", desk.text());
    assert_eq!(desk.app.left(), None);
    desk.press("<Enter><Esc>");
    assert_eq!(desk.app.left(), None, "Enter is no yes");
    desk.press("bz<Esc>q");
    assert!(desk.app.left().is_some(), "without a draft nothing is asked");
    let mut desk = super::desk(Role::Operate).keys("T<Esc>qy");
    assert!(desk.app.left().is_some(), "{}", desk.text());
}

#[test]
fn users_and_why_here_say_what_a_draft_would_do() {
    let mut desk = super::desk(Role::Operate).keys("T/untracked<Enter><Enter>");
    assert!(
        desk.row(1).contains("Untracked: 148 users") && desk.row(1).contains("0 come, 32 leave"),
        "{}",
        desk.row(1)
    );
    let first = desk.row(4);
    assert!(first.contains("-> Sales"), "those whom it moves come first: {first}");
    desk.press("/draft:leaves<Enter>");
    assert!(desk.row(2).contains("users, 32 of 148"), "{}", desk.row(2));
    assert!(desk.text().contains("in the draft: R3 -> Sales"), "{}", desk.text());
    desk.press("e");
    let text = desk.text();
    assert!(text.contains("-> Untracked: no rule takes him\nin the draft: R3 yes -> Sales\n"), "{text}");
    assert!(text.contains("BY THE RULES OF THE DRAFT"), "{text}");
    desk.press("<Esc><Esc>\\/sales<Enter><Enter>");
    assert!(desk.row(1).contains("32 come, 0 leave") && desk.row(2).contains("580 of 580"), "{}", desk.text());
    assert!(desk.row(4).contains("comes"), "{}", desk.row(4));
    desk.press("<Esc>z<Enter>");
    assert!(!desk.text().contains("in the draft") && !desk.row(3).contains("DRAFT"), "{}", desk.text());
}

#[test]
fn prices_are_changed_in_a_draft_that_shows_what_it_moves() {
    let mut desk = super::desk(Role::Admin).keys("$");
    let text = desk.text();
    assert!(text.contains("prices v2; 2 of 2 products that need one have one"), "{text}");
    assert!(text.contains("Microsoft 365 E3") && text.contains("33.05 EUR month"), "{text}");
    desk.press("s");
    assert!(desk.row(22).contains("there is no draft of prices"), "{}", desk.row(22));
    desk.press("<Enter>");
    assert!(desk.text().contains("price 33.05 EUR month"), "{}", desk.text());
    desk.press("<Ctrl-u>price 40 month<Enter>");
    let text = desk.text();
    assert!(text.contains("DRAFT of prices from v2, not saved: 1 change"), "{text}");
    // 1,289 seats at 6.95 more.
    assert!(text.contains("Microsoft 365 E3: 40 EUR a month") && text.contains("net +8,958.55"), "{text}");
    desk.press(":add-price 50 month<Enter>");
    assert!(desk.text().contains("at first Microsoft 365 E3 has 2 prices: each needs the quantity"), "{}", desk.text());
    desk.press("<Esc>:price 40 month seats 1000<Enter>:add-price 50 month seats 289<Enter>");
    assert!(desk.text().contains("3 changes") && desk.text().contains("3 of 3"), "{}", desk.text());
    desk.press("z<Down><Del>");
    let text = desk.text();
    assert!(text.contains("Visio Plan 2: 13.37 EUR a month taken away") && text.contains("1 missing"), "{text}");
    assert!(text.contains("no price"), "{text}");
    desk.press("z:save-prices contract of 2027<Enter>");
    assert!(desk.text().contains("Save as v3?") && desk.wishes().is_empty(), "{}", desk.text());
    desk.press("y");
    let wishes = desk.wishes();
    let [Command::Allocate { wish, .. }] = wishes.as_slice() else { panic!("{wishes:?}") };
    let Allocating::SavePrices { prices, from: 2, reason } = &**wish else { panic!("{wish:?}") };
    assert_eq!((prices.prices.len(), reason.as_str()), (2, "contract of 2027"));
    assert_eq!(prices.prices[0].quantity, Some(1_000));

    desk.press("b");
    assert!(desk.text().contains("DRAFT of prices from v2"), "the units know of it: {}", desk.text());
    desk.press("T");
    assert!(desk.row(22).contains("a draft of prices is not saved"), "{}", desk.row(22));
    let mut operator = super::desk(Role::Operate).keys("$:price 40 month<Enter>s");
    assert!(operator.row(22).contains("saving prices needs admin"), "{}", operator.row(22));
    operator.press("b:save-prices x<Enter>");
    assert!(operator.row(22).contains("saving prices needs admin"), "{}", operator.row(22));
}

#[test]
fn a_price_from_a_day_on_leaves_what_was_before_and_a_closed_month_shows_its_own() {
    let mut desk = super::desk(Role::Admin).keys("$:price 40 month from 2026-12-01<Enter>");
    let text = desk.text();
    assert!(text.contains("2026-11-30") && text.contains("moves nothing"), "{text}");
    desk.press(":price 41 month from 2026-11-01<Enter>");
    let text = desk.text();
    assert!(text.contains("has at that time, too: 40 EUR a month from 2026-12-01;"), "none is lost: {text}");
    desk.press("<Esc>z:price 40 month from 2026-11-01<Enter>");
    assert!(desk.text().contains("2026-10-31"), "{}", desk.text());
    let mut desk = super::desk(Role::Admin);
    asked(&mut desk, AllocatedFact::Closed { month: "2026-10".parse().unwrap() });
    desk.press(",$");
    assert!(
        desk.row(0).contains("Oct 2026 > Prices") && desk.row(1).contains("closed with the month"),
        "{}",
        desk.text()
    );
    desk.press("<Enter>");
    assert!(desk.row(22).contains("these are the prices that it was closed with"), "{}", desk.row(22));
}

/// The prices of the first product that are worked on, as they would be saved.
fn terms(desk: &mut Desk) -> Vec<String> {
    desk.press(":save-prices x<Enter>y");
    let wishes = desk.wishes();
    let [Command::Allocate { wish, .. }] = wishes.as_slice() else { panic!("{wishes:?}") };
    let Allocating::SavePrices { prices, .. } = &**wish else { panic!("{wish:?}") };
    let day = |day: Option<jiff::civil::Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
    let term = |price: &Price| {
        format!("{} {} {} {}", price.amount, day(price.from), day(price.to), price.quantity.unwrap_or(0))
    };
    prices.prices.iter().filter(|price| price.sku_id == sku(1)).map(term).collect()
}

#[test]
fn another_time_of_a_term_leaves_the_other_terms_of_its_product_alone() {
    let blended = "$:price 40 month seats 1000<Enter>:add-price 50 month seats 289<Enter>";
    let mut desk = super::desk(Role::Admin).keys(blended);
    desk.press(":price 45 month from 2027-01-01 seats 1000<Enter>");
    assert_eq!(terms(&mut desk), ["40 - 2026-12-31 1000", "45 2027-01-01 - 1000", "50 - - 289"]);

    // A row that is only shortened, or lengthened again, is one row.
    let mut desk = super::desk(Role::Admin).keys(blended).keys("<Enter> to 2026-12-31<Enter>");
    assert!(desk.text().contains("3 of 3"), "{}", desk.text());
    assert_eq!(terms(&mut desk), ["40 - 2026-12-31 1000", "50 - - 289"]);
    desk.press(":price 40 month to 2027-12-31 seats 1000<Enter>");
    assert_eq!(terms(&mut desk), ["40 - 2027-12-31 1000", "50 - - 289"]);
    let mut desk = super::desk(Role::Admin).keys("$<Enter> to 2026-12-31<Enter>");
    assert_eq!(terms(&mut desk), ["33.05 - 2026-12-31 0"]);
    desk.press(":add-price 34 month from 2027-01-01<Enter>:price 33.05 month to 2027-03-31<Enter>");
    let text = desk.text();
    assert!(text.contains("has at that time, too: 34 EUR a month from 2027-01-01;"), "{text}");
    desk.press("<Esc>");
    assert_eq!(terms(&mut desk), ["33.05 - 2026-12-31 0", "34 2027-01-01 - 0"]);

    // A product without a price in this month may have one for later.
    let mut desk = super::desk(Role::Admin).keys("$<Enter> from 2027-01-01<Enter>");
    desk.press("<Down>");
    assert!(desk.text().contains("> Microsoft 365 E3"), "{}", desk.text());
    desk.press(":price 40 month<Enter>");
    assert!(desk.text().contains("has at that time, too: 33.05 EUR a month from 2027-01-01;"), "{}", desk.text());
    desk.press("<Esc>:price 40 month to 2026-12-31<Enter>");
    assert_eq!(terms(&mut desk), ["33.05 2027-01-01 - 0", "40 - 2026-12-31 0"]);
}

#[test]
fn a_closed_month_is_opened_again_with_a_reason() {
    let mut desk = super::desk(Role::Admin).keys(":reopen-month x<Enter>");
    assert!(desk.text().contains("2026-11 is not closed"), "{}", desk.text());
    desk.press("<Esc>,M");
    assert!(desk.text().contains("reopen-month"), "{}", desk.text());
    desk.press("wrong price<Enter>");
    let text = desk.text();
    assert!(text.contains("Type 2026-10, then y:") && text.contains("it is reckoned anew"), "{text}");
    desk.press("y");
    assert!(desk.wishes().is_empty(), "not before it is typed");
    desk.press("2026-10y");
    let wishes = desk.wishes();
    let [Command::Allocate { wish, .. }] = wishes.as_slice() else { panic!("{wishes:?}") };
    let Allocating::Reopen { month, reason } = &**wish else { panic!("{wish:?}") };
    assert_eq!((month.to_string().as_str(), reason.as_str()), ("2026-10", "wrong price"));
    let mut operator = super::desk(Role::Operate).keys(",M");
    assert!(operator.row(22).contains("needs admin"), "{}", operator.row(22));
    operator.press(":reopen-month x<Enter>");
    assert!(operator.row(22).contains("needs admin"), "{}", operator.row(22));
}

#[test]
fn in_privacy_mode_no_unit_rule_or_check_names_anybody() {
    let mut desk = super::desk(Role::Operate);
    let named = |look: &AllocationLook| {
        let mut seen = told(look).unwrap();
        let AllocationSeen::Sheet { sheet, rules, .. } = &mut seen else { panic!() };
        *rules = Arc::new(
            Rules::from_toml("[[rule]]\neach = [\"manager\"]\n[[rule]]\nunit = \"Sales\"\nwhen = [{ attribute = \"manager\", is = \"Jonas Keller\" }]").unwrap(),
        );
        for row in sheet.rows.iter_mut().filter(|row| row.unit.to_string() == "EMEA") {
            row.unit = "Lena Bauer".into();
        }
        sheet.checks[0].said = "units that had users: 1; Lena Bauer".into();
        seen
    };
    answer(&mut desk, 7, named);
    let all = |desk: &mut Desk| {
        let buffer = desk.look(120, 60);
        (0..60).map(|y| super::super::row(&buffer, y) + "\n").collect::<String>()
    };
    let plain = all(&mut desk);
    for name in ["Lena Bauer", "Jonas Keller", "had users: 1; Lena", "  Sales"] {
        assert!(plain.contains(name), "{name}: {plain}");
    }
    desk.press("P");
    let masked = all(&mut desk);
    for name in ["Lena", "Bauer", "Jonas", "Keller"] {
        assert!(!masked.contains(name), "{name}: {masked}");
    }
    assert!(
        masked.contains("  L***") && masked.contains("manager is \"J***\"") && masked.contains("  Sales"),
        "{masked}"
    );
    desk.press("x");
    desk.look(80, 24);
    let file = desk.file();
    assert!(file.contains("L***") && !file.contains("Lena"), "{file}");

    // Whose role hides people gets masked rules: nothing is made of these.
    answer(&mut desk, 8, |look| {
        let mut seen = told(look).unwrap();
        let AllocationSeen::Sheet { masked, .. } = &mut seen else { panic!() };
        *masked = true;
        seen
    });
    desk.press("T");
    assert!(desk.row(22).contains("the rules name people, who are masked for your role"), "{}", desk.row(22));
}

#[test]
fn privacy_masks_units_called_after_people_in_what_prices_move() {
    let mut desk = super::desk(Role::Admin).keys("$:price 40 EUR month<Enter>");
    super::answer(&mut desk, 7, |look| {
        let mut seen = super::told(look).unwrap();
        let AllocationSeen::Sheet { rules, .. } = &mut seen else { panic!() };
        *rules = Arc::new(Rules::from_toml("[[rule]]\neach = [\"manager\"]\n").unwrap().checked().unwrap());
        seen
    });
    let pane = |desk: &mut Desk| {
        let buffer = desk.look(120, 40);
        (0..40).map(|y| super::super::row(&buffer, y) + "\n").collect::<String>()
    };
    assert!(pane(&mut desk).contains("EMEA +"), "{}", pane(&mut desk));
    desk.press("P");
    let masked = pane(&mut desk);
    assert!(masked.contains("E*** +") && !masked.contains("EMEA"), "{masked}");
    desk.press(":save-prices dearer<Enter>");
    let masked = pane(&mut desk);
    assert!(masked.contains("Save as v") && masked.contains("E*** +") && !masked.contains("EMEA"), "{masked}");
}
