use crate::model::{Change, Fleet, Key, RunId, SetOutcome, SnapshotId, Totals};
use crate::tui::screens::ScreenId;
use crate::tui::tests::{Desk, options, sample, stock};

use super::*;

fn desk() -> Desk {
    Desk::of(stock::fleet(), options()).keys("W")
}

#[test]
fn fleet_licenses_60x15() {
    insta::assert_snapshot!(desk().picture(60, 15));
}

#[test]
fn fleet_licenses_80() {
    insta::assert_snapshot!(desk().picture(80, 24));
}

#[test]
fn fleet_licenses_120() {
    insta::assert_snapshot!(desk().keys("<Down>").picture(120, 35));
}

#[test]
fn fleet_licenses_200() {
    insta::assert_snapshot!(desk().keys("i<Down><Down>").picture(200, 60));
}

#[test]
fn nothing_read_yet_80() {
    insta::assert_snapshot!(Desk::of(Fleet::new([], [], [], 26 * 3600), options()).keys("W").picture(80, 24));
}

/// Numbers of the row that begins with a name, as the screen shows it.
fn numbers(desk: &mut Desk, name: &str) -> Vec<String> {
    let text = desk.text();
    let row = text.lines().find(|line| line.get(4..).is_some_and(|rest| rest.starts_with(name)));
    let row = row.unwrap_or_else(|| panic!("{name} in\n{text}"));
    row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).map(str::to_owned).collect()
}

#[test]
fn sums_are_those_of_the_tenants_and_shortage_hides_no_waste() {
    let fleet = stock::fleet();
    let listed = fleet.tenants.values().filter(|tenant| tenant.skus.good.is_some());
    let (mut spare, mut over, mut customers) = (0, 0, 0);
    for sku in listed.flat_map(|tenant| tenant.sku_counts.to_vec()) {
        if sku.part_number.as_deref() == Some("VISIOCLIENT") {
            let n = sku.unassigned().unwrap();
            (spare, over, customers) = (spare + n.max(0), over - n.min(0), customers + 1);
        }
    }
    assert!(spare > 0 && over > 0, "the sample has both");
    let mut desk = desk();
    let row = numbers(&mut desk, "VISIOCLIENT").join(" ");
    assert!(row.contains(&format!("{customers} of 23")), "{row}");
    assert!(row.ends_with(&format!("{spare} {over}")), "{row}");
}

#[test]
fn what_is_free_is_hidden_and_counted_and_shown_last() {
    let mut desk = desk();
    let text = desk.text();
    assert!(!text.contains("Power Automate Free") && text.contains("show: without 2 free, 7 of 9"), "{text}");
    desk.press("i");
    let text = desk.text();
    assert!(text.contains("show: all, 9 of 9"), "{text}");
    let at = |name: &str| text.lines().position(|line| line.contains(name)).unwrap();
    assert!(
        at("Power Automate Free") > at("Microsoft 365 E3") && at("Power Automate Free") > at("VISIOCLIENT"),
        "free ones are no waste:\n{text}"
    );
    desk.press("i/kind:free<Enter>");
    assert!(desk.text().contains("Nothing matches \"kind:free\".  9 products in all."), "{}", desk.text());
}

#[test]
fn a_refused_tenant_is_named_and_is_no_zero() {
    let mut fleet = stock::fleet();
    let never = sample::key("emea", 11);
    assert!(fleet.tenants[&never].skus.good.is_none());
    let mut desk = Desk::of(fleet.clone(), options()).keys("W");
    let before = desk.text();
    assert!(before.contains("23 of 24 tenants") && before.contains("1 missing"), "{before}");
    assert!(before.contains("missing: Lamna Clinics (NEVER)"), "{before}");

    // Data that were read once stay in the sums whatever refuses the next import.
    let counted = |n: u128| sample::key("emea", n);
    let row = numbers(&mut desk, "VISIOCLIENT");
    let failure = Box::new(sample::blocked(desk.now, 1));
    desk.tell(done(&counted(12), SetOutcome::Failed(failure.clone()), SetOutcome::Failed(failure), desk.now));
    desk.wait(600);
    assert_eq!(numbers(&mut desk, "VISIOCLIENT"), row);

    // Where nothing was ever read a tenant is in no number of a product.
    fleet.tenants.retain(|key, _| *key == never);
    let mut desk = Desk::of(fleet, options()).keys("W");
    assert!(desk.text().contains("The SKUs of no tenant were ever read."), "{}", desk.text());
}

fn done(tenant: &Key, users: SetOutcome, skus: SetOutcome, at: jiff::Timestamp) -> Change {
    Change::JobDone {
        run: RunId(4),
        tenant: tenant.clone(),
        at,
        users,
        skus,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    }
}

#[test]
fn an_import_that_comes_in_changes_the_sums_and_not_the_cursor() {
    let mut desk = desk().keys("/visio<Enter>\\");
    let under = desk.app.at_cursor(desk.now).unwrap();
    let tenant = sample::key("emea", 11);
    let saved = || SetOutcome::Saved { snapshot: SnapshotId(9), count: 1 };
    let Change::JobDone { run, tenant, at, users, skus, checks, held_back, cancelled, totals, .. } =
        done(&tenant, saved(), saved(), desk.now)
    else {
        return;
    };
    let mut more = sample::skus()[1].clone();
    more.sku_id = Some(crate::model::SkuId::new(uuid::Uuid::from_u128(11)));
    (more.prepaid.enabled, more.consumed) = (Some(5_000), Some(1));
    desk.tell(Change::JobDone {
        run,
        tenant,
        at,
        users,
        skus,
        held: Some([].into()),
        sku_counts: Some([more].into()),
        checks,
        held_back,
        cancelled,
        totals,
    });
    desk.wait(600);
    let text = desk.text();
    assert!(text.contains("24 of 24 tenants") && text.contains("0 missing"), "{text}");
    let row = numbers(&mut desk, "VISIOCLIENT");
    assert!(row.iter().any(|cell| cell.contains("5,0")), "{row:?}");
    assert_eq!(desk.app.at_cursor(desk.now), Some(under));
}

#[test]
fn enter_goes_to_its_tenants_and_m_to_those_that_are_missing() {
    let mut desk = desk().keys("/visio<Enter><Enter>");
    let Some(ScreenId::ProductTenants(ProductKey::Sku(_))) = desk.app.screen() else { panic!("{:?}", desk.app) };
    desk.press("<Esc>m");
    assert_eq!(desk.app.screen(), Some(ScreenId::Tenants));
    let text = desk.text();
    assert!(text.contains("filter /skus:not") && text.contains("Lamna Clinics"), "{text}");
    assert!(text.contains("show: all"), "whoever is missing is shown, problem or not:\n{text}");
    let fleet = stock::fleet();
    let gaps = Coverage::of(&fleet, fleet.tenants.values(), sample::now());
    let n = gaps.missing.len() + gaps.old.len();
    assert!(text.contains(&format!("{n} of 24")), "{n} in\n{text}");
    desk.press("-");
    assert_eq!(desk.app.screen(), Some(ScreenId::FleetLicenses));
}

#[test]
fn a_filter_by_partner_sums_up_its_tenants_only() {
    let mut desk = desk().keys("/partner:nordics<Enter>");
    assert!(desk.text().contains("4 of 4 tenants"), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.text().contains("filter /partner:nordics") && desk.text().contains("4 of 23"), "{}", desk.text());
    desk.press("<Esc>\\");
    assert!(desk.text().contains("23 of 24 tenants"), "{}", desk.text());
    desk.press("/!partner:nordics product:visio<Enter>");
    let text = desk.text();
    assert!(text.contains("19 of 20 tenants") && text.contains("1 of 9"), "{text}");
}

#[test]
fn each_column_sorts_and_says_so() {
    for (key, title) in [("2", "product"), ("3", "customers"), ("6", "unassigned"), ("7", "over"), ("0", "waste")] {
        let text = desk().keys(key).text();
        assert!(text.contains(&format!("sort: {title}")), "{key}: {text}");
    }
    let first = |keys: &str| desk().keys(keys).row(5);
    assert!(first("7").contains("VISIOCLIENT"), "{}", first("7"));
    assert_ne!(first("2"), first("2S"));
}

#[test]
fn numbers_keep_within_their_columns() {
    assert_eq!(short(None, 5), "-");
    assert_eq!(short(Some(-12), 5), "-12");
    assert_eq!(short(Some(12_345), 6), "12,345");
    assert_eq!(short(Some(123_456), 6), "123k");
    assert_eq!(short(Some(10_000_000_000), 9), "10,000M");
    assert_eq!(short(Some(i64::MAX), 10), "9,223,372T");
    assert_eq!(share_of(9_812, 9_812), "9,812 of 9,812");
    assert_eq!(share_of(10_000, 10_000), "10000 of 10000");
}

#[test]
fn names_are_as_many_as_there_is_room_for() {
    let of = |width| names(["Adatum", "Contoso Rail AG", "Trey"].map(str::to_owned).into_iter(), 3, width);
    assert_eq!(of(40), "Adatum, Contoso Rail AG, Trey");
    assert_eq!(names(["Adatum".to_owned()].into_iter(), 1_200, 40), "Adatum +1,199 more");
    assert_eq!(of(20), "Adatum +2 more");
    assert_eq!(of(14), "Adatum +2 more");
    assert_eq!(of(12), "Ada~ +2 more");
}

#[test]
fn the_answer_keeps_who_is_counted_at_every_width() {
    let fleet = stock::fleet();
    let coverage = Coverage::of(&fleet, fleet.tenants.values(), sample::now());
    let mut sums = Sums::default();
    sums.update(fleet.tenants.values());
    let products = sums.products(&fleet.catalog, |_| true);
    for width in [40, 59, 79, 118] {
        let said = answer(&products, &coverage, width);
        assert!(said.contains("23 of 24 tenants") && said.contains("1 missing"), "{width}: {said}");
    }
    assert!(answer(&products, &coverage, 79).starts_with("9 products in 23 of 24 tenants"));
}
