use crate::model::Command;
use crate::tui::screens::ScreenId;
use crate::tui::tests::{Desk, options, sample, stock};

fn desk(product: &str) -> Desk {
    Desk::of(stock::fleet(), options()).keys(&format!("Wi/{product}<Enter><Enter>"))
}

#[test]
fn product_tenants_60x15() {
    insta::assert_snapshot!(desk("visio").picture(60, 15));
}

#[test]
fn product_tenants_80() {
    insta::assert_snapshot!(desk("visio").picture(80, 24));
}

#[test]
fn product_tenants_120() {
    insta::assert_snapshot!(desk("project").keys("<End>").picture(120, 35));
}

#[test]
fn product_tenants_200() {
    insta::assert_snapshot!(desk("flow").picture(200, 60));
}

#[test]
fn only_who_has_it_is_a_row_and_who_is_missing_stands_above() {
    let mut desk = desk("visio");
    let text = desk.text();
    assert!(text.contains("of 23 tenants have it") && text.contains("missing: Lamna Clinics (NEVER)"), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("Lamna")).count(), 1, "it is no row:\n{text}");
}

#[test]
fn enter_shows_the_product_among_the_licenses_of_the_tenant() {
    let mut desk = desk("visio").keys("<Enter>");
    assert!(matches!(desk.app.screen(), Some(ScreenId::Licenses(_))), "{:?}", desk.app);
    let text = desk.text();
    assert!(text.contains("filter /id:=00000000-0000-0000-0000-00000000000b") && text.contains("1 of "), "{text}");
    desk.press("<Esc>");
    assert!(matches!(desk.app.screen(), Some(ScreenId::ProductTenants(_))), "{:?}", desk.app);

    let mut desk = self::desk("newprod").keys("<Enter>");
    let text = desk.text();
    assert!(text.contains("filter /product:=\"NEWPROD_2026_STEP1\"") && text.contains("1 of "), "{text}");
}

#[test]
fn keys_do_what_they_do_elsewhere() {
    let mut marked = desk("visio").keys("<Space><Space>r");
    assert!(marked.text().contains("re-run 2 tenants"), "{}", marked.text());
    let wishes = marked.keys("y").wishes();
    assert!(matches!(wishes.as_slice(), [Command::Import { .. }]), "{wishes:?}");
    assert!(matches!(desk("visio").keys("e").app.screen(), Some(ScreenId::Why(_))));
    assert!(matches!(desk("visio").keys("l").app.screen(), Some(ScreenId::Licenses(_))));
}

#[test]
fn tenants_are_sorted_and_filtered_as_elsewhere() {
    let rows = |keys: &str| {
        let text = desk("visio").keys(keys).text();
        let rows = text.lines().skip(5).take_while(|line| !line.starts_with("──"));
        rows.filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let spare = |row: &String| row.split_whitespace().rev().nth(2).unwrap().parse::<i64>().unwrap();
    let numbers: Vec<i64> = rows("").iter().map(spare).collect();
    assert!(numbers.is_sorted_by(|a, b| a >= b) && numbers.len() > 5, "{numbers:?}");
    let well = rows("/status:ok<Enter>");
    assert!(well.iter().all(|row| row.contains("+ OK")) && well.len() < numbers.len(), "{well:#?}");
    let old = rows("/skus:not-renewed<Enter>").len();
    assert_eq!(old + rows("/skus:good<Enter>").len(), numbers.len(), "{old}");
}

#[test]
fn what_is_not_told_is_a_dash_and_said() {
    let mut desk = desk("project").keys("<End>");
    let text = desk.text();
    assert!(text.contains("no count in 2"), "{text}");
    let mut said = Vec::new();
    for _ in 0..3 {
        said.push(desk.text());
        desk.press("<Up>");
    }
    let said = said.join("\n");
    assert!(said.contains("Graph left a count out; it is not taken as 0."), "{said}");
    assert!(said.contains("Users hold it, and the tenant's list of SKUs no longer has it."), "{said}");
}

#[test]
fn a_tenant_that_leaves_the_list_leaves_the_rows() {
    let mut desk = desk("visio");
    let n = |text: &str| text.lines().nth(1).and_then(|line| line.split(' ').next()).unwrap().to_owned();
    let before = n(&desk.text());
    desk.tell(crate::model::Change::Listed { partner: "nordics".into(), at: desk.now, customers: vec![] });
    desk.wait(600);
    let text = desk.text();
    assert_ne!(n(&text), before, "{text}");
    assert!(text.contains("of 19 tenants have it"), "{text}");
    assert!(sample::key("nordics", 1).partner.0 == "nordics");
}
