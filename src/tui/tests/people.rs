//! Users that a desk shows: made up, filtered and sorted the slow way. And what an operator does with them.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::{Desk, options, row, sample};
use crate::model::{
    AssignedLicense, Counted, Double, Exported, Filter, Found, Look, Manager, Oddity, PersonRow, PlanId, Products,
    Seen, ServicePlan, SetOutcome, Sku, SkuId, SnapshotId, Tally, Text, TextField, User, UserField, UserId, UsersLook,
    UsersSeen,
};
use crate::tui::Options;
use crate::tui::screens::ScreenId;

pub(super) const COUNT: u128 = 1_275;

pub(super) fn user(n: u128) -> User {
    let pick = |of: &[&str]| Some(Text::from(of[usize::try_from(n).unwrap() * 11 % of.len()]));
    let given = pick(&["Lena", "Jürgen", "Aino", "花子", "Noah"]).unwrap();
    let surname = pick(&["Bauer", "Weiß", "Virtanen", "山田", "de Vries", "O'Neil", "Çelik"]).unwrap();
    let mut user = User::new(UserId::new(Uuid::from_u128(0xa000_0000 + n)));
    user.absent = 0;
    let upn = format!("user{n}@adatum.example");
    for (field, value) in [
        (TextField::DisplayName, Some(format!("{given} {surname}").into())),
        (TextField::GivenName, Some(given)),
        (TextField::Surname, Some(surname)),
        (TextField::UserPrincipalName, Some(upn.as_str().into())),
        (TextField::Mail, Some(upn.as_str().into())),
        (TextField::Department, pick(&["Sales", "IT", "Finance", "Sales EMEA"]).filter(|_| !n.is_multiple_of(11))),
        (TextField::CompanyName, pick(&["Adatum GmbH", "Adatum AG"])),
        (TextField::JobTitle, pick(&["Engineer", "Clerk", "Lead"])),
        (TextField::OfficeLocation, pick(&["HQ/3", "Depot North"])),
        (TextField::UsageLocation, pick(&["DE", "FI", "JP"]).filter(|_| n % 72 != 13)),
        (TextField::UserType, Some(if n % 20 == 5 { "Guest" } else { "Member" }.into())),
        (TextField::City, pick(&["Köln", "Espoo"])),
        (TextField::Country, pick(&["Germany", "Finland"])),
    ] {
        user.texts[field as usize] = value;
    }
    let held = |n| AssignedLicense { sku_id: Some(sku(n)), disabled_plans: vec![] };
    user.licenses = Some(match n % 4 {
        0 => vec![],
        1 if n % 100 == 37 => vec![held(1), held(9)],
        1 => vec![held(1)],
        2 => vec![held(1), AssignedLicense { disabled_plans: vec![plan(1), plan(9)], ..held(2) }],
        _ => vec![held(7)],
    });
    user.extension = (n.is_multiple_of(3)).then(|| {
        let mut values: Box<[Option<Text>; 15]> = Box::default();
        values[0] = Some(format!("KST {}", n % 20).into());
        values
    });
    user.manager = (n > 0).then(|| Manager {
        id: Some(UserId::new(Uuid::from_u128(0xa000_0000))),
        display_name: Some("Lena Bauer".into()),
        user_principal_name: Some("user0@adatum.example".into()),
    });
    user
}

fn sku(n: u128) -> SkuId {
    sample::product(n)
}

/// The first is one that everybody knows.
fn plan(n: u128) -> PlanId {
    match n {
        1 => "da792a53-cbc0-4184-a10d-e544dd34b3c1".parse().unwrap(),
        n => PlanId::new(Uuid::from_u128(n)),
    }
}

/// The products: one includes another.
fn products() -> Products {
    let of = |n, part: &str, plans: &[(u128, &str)]| Sku {
        sku_id: Some(sku(n)),
        part_number: Some(part.into()),
        service_plans: plans
            .iter()
            .map(|(n, name)| ServicePlan {
                id: Some(plan(*n)),
                name: Some((*name).into()),
                status: None,
                applies_to: Some("User".into()),
            })
            .collect(),
        ..Sku::default()
    };
    Products::of(&[
        of(1, "SPE_E3", &[(10, "EXCHANGE_S_STANDARD"), (11, "TEAMS1"), (12, "INTUNE_A")]),
        of(2, "VISIOCLIENT", &[(1, "ONEDRIVE_BASIC"), (2, "VISIO_CLIENT_SUBSCRIPTION")]),
        of(9, "STANDARDPACK", &[(10, "EXCHANGE_S_STANDARD"), (11, "TEAMS1")]),
    ])
}

fn words(user: &User, products: &Products, field: UserField) -> Vec<Text> {
    let row = PersonRow { user, products };
    match field {
        UserField::License => row.licenses().map(|name| Text::from(&*name)).collect(),
        UserField::Finding => row.findings().map(Text::from).collect(),
        UserField::Text(_) | UserField::Manager | UserField::Extension(_) => {
            row.value(field).map(|value| Text::from(&*value)).into_iter().collect()
        }
    }
}

fn tally(holders: &[User], products: &Products) -> Tally {
    let mut tally = Tally { holders: holders.len() as u64, ..Tally::default() };
    let mut doubles: BTreeMap<Double, u64> = BTreeMap::new();
    let mut departments: BTreeMap<Option<Text>, u64> = BTreeMap::new();
    for user in holders {
        let odd = products.oddities(user.into());
        tally.odd += u64::from(odd.iter().next().is_some());
        for (oddity, n) in Oddity::ALL.into_iter().zip(&mut tally.oddities) {
            *n += u64::from(odd.has(oddity));
        }
        for double in products.doubles(user.licenses.as_deref().unwrap_or_default()) {
            *doubles.entry(double).or_default() += 1;
        }
        *departments.entry(user.text(TextField::Department).map(Text::from)).or_default() += 1;
    }
    tally.doubles = doubles.into_iter().collect();
    tally.values = departments.len() as u64;
    tally.departments = departments.into_iter().map(|(value, users)| Counted { value, users }).collect();
    tally.departments.sort_by_key(|row| std::cmp::Reverse(row.users));
    tally
}

/// What an engine would answer.
pub(super) fn see(look: Look) -> Seen {
    let products = products();
    let users: Vec<User> = (0..COUNT).map(user).collect();
    let passing = |users: &[User], text: &str| -> Vec<User> {
        let filter = Filter::parse::<PersonRow<'_>>(text).unwrap();
        users.iter().filter(|user| filter.matches(&PersonRow { user, products: &products })).cloned().collect()
    };
    let is_export = look.is_export();
    let found = match &look {
        Look::Away | Look::Export(None) => Found::Away,
        Look::Users(look) | Look::Export(Some(Exported::Users(look))) => {
            let holds = |user: &User, id| user.licenses.iter().flatten().any(|license| license.sku_id == Some(id));
            let mut all = users;
            all.retain(|user| look.holding.is_none_or(|id| holds(user, id)));
            let tally = look.holding.map(|_| Arc::new(tally(&all, &products)));
            let mut shown = passing(&all, &look.filter);
            if let Some(field) = look.sort {
                let key = |user: &User, field| {
                    let words = words(user, &products, field);
                    (words.is_empty(), words.join("\u{1f}").to_lowercase())
                };
                let name = UserField::Text(TextField::DisplayName);
                shown.sort_by_key(|user| (key(user, field), (field == UserField::Finding).then(|| key(user, name))));
            }
            if look.reverse {
                shown.reverse();
            }
            let matched = shown.len() as u64;
            let at = look.at.and_then(|id| shown.iter().position(|user| user.id == id)).map(|at| at as u64);
            // An export takes several windows here, as one of many users does.
            let count = u64::from(if is_export { look.count.min(500) } else { look.count });
            let from = at.map_or(look.from, |at| at.saturating_sub(count / 2)).min(matched.saturating_sub(count));
            let rows =
                shown.into_iter().skip(usize::try_from(from).unwrap()).take(usize::try_from(count).unwrap()).collect();
            let total = all.len() as u64;
            Found::Users(UsersSeen { total, matched, from, rows, at, products: Arc::new(products), tally })
        }
        Look::Counts { filter, field, .. } => {
            let shown = passing(&users, filter);
            let mut counts: BTreeMap<Option<Text>, u64> = BTreeMap::new();
            for user in &shown {
                let value = PersonRow { user, products: &products }.value(*field).map(|value| Text::from(&*value));
                *counts.entry(value).or_default() += 1;
            }
            let mut rows: Vec<Counted> = counts.into_iter().map(|(value, users)| Counted { value, users }).collect();
            rows.sort_by_key(|row| std::cmp::Reverse(row.users));
            Found::Counts { matched: shown.len() as u64, values: rows.len() as u64, rows }
        }
        Look::Tries { tenant, .. } => Found::Tries(super::tries::told(tenant)),
        Look::Diff { .. } => Found::Diff(super::diff::told()),
        Look::LicenseHistory { tenant, sku_id, .. } => Found::LicenseHistory(super::days::told(tenant, *sku_id)),
        Look::Audit(asked) | Look::ExportAudit(asked) => super::audit::told(asked),
        Look::Allocation(asked) | Look::Export(Some(Exported::Shares(asked))) => match super::allocation::told(asked) {
            Ok(seen) => Found::Allocation(Box::new(seen)),
            Err(why) => {
                let found = Err(why.into());
                return Seen { look, found };
            }
        },
    };
    Seen { look, found: Ok(found) }
}

/// A desk before the users of Adatum.
fn users() -> Desk {
    Desk::new().keys("<Down>U")
}

#[test]
fn only_a_window_of_users_is_asked_for() {
    let mut desk = users();
    assert!(desk.row(2).starts_with("show: all, 1,275 of 1,275"), "{}", desk.text());
    assert!(desk.text().contains("Lena Bauer"), "{}", desk.text());
    desk.press("G");
    assert!(desk.text().contains("user1274@adatum.example"), "the last user is under the cursor: {}", desk.text());
    desk.press("<PgUp><PgUp>");
    assert!(!desk.text().contains("..."), "every row is there: {}", desk.text());
    desk.press("g");
    assert!(desk.text().contains("user0@adatum.example"), "{}", desk.text());
}

#[test]
fn the_cursor_stays_on_its_user_through_sorts_filters_and_imports() {
    let mut desk = users().keys("jjj");
    let here = |desk: &mut Desk| desk.text().contains("user3@adatum.example");
    assert!(here(&mut desk));
    desk.press("1");
    assert!(desk.row(2).ends_with("sort: name"), "{}", desk.row(2));
    assert!(here(&mut desk), "sorted by name: {}", desk.text());
    desk.press("S");
    assert!(here(&mut desk) && desk.row(2).ends_with("sort: name, reversed"), "{}", desk.text());
    desk.press("/!guest user3@<Enter>");
    assert!(here(&mut desk) && desk.row(2).contains("1 of 1,275  filter /!guest user3@"), "{}", desk.text());
    desk.press("/<Ctrl-u>user9@<Enter>");
    assert!(!here(&mut desk));
    desk.press("\\");
    assert!(here(&mut desk), "it is shown again: {}", desk.text());
    desk.press("0");
    let key = sample::key("emea", 1);
    let at = desk.now;
    desk.tell(crate::model::Change::JobDone {
        run: crate::model::RunId(4),
        tenant: key,
        at,
        users: SetOutcome::Saved { snapshot: SnapshotId(99), count: 1_275 },
        skus: SetOutcome::Untouched,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: crate::model::Totals::default(),
    });
    desk.wait(600);
    assert!(here(&mut desk), "a new import was saved: {}", desk.text());
}

#[test]
fn a_filter_that_cannot_be_used_is_explained() {
    let mut desk = users().keys("/plan:x");
    assert!(desk.text().contains("no field `plan` here; there are name, company, department"), "{}", desk.text());
    desk.press("<Esc>/nobody<Enter>");
    assert!(desk.text().contains("No user matches \"nobody\".  1,275 hidden by the filter."), "{}", desk.text());
}

#[test]
fn counts_lead_to_the_users_who_have_a_value() {
    let mut desk = users().keys("/engineer<Enter>f");
    assert!(desk.row(1).contains("425 users that the filter shows, 5 values of department"), "{}", desk.text());
    desk.press("<Enter>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Users(sample::key("emea", 1))));
    assert!(desk.row(2).contains("filter /engineer department:=\""), "{}", desk.text());
    desk.press("<Esc>ll");
    assert_eq!(desk.app.screen(), Some(ScreenId::Licenses(sample::key("emea", 1))));
    desk.press("/spe_e3<Enter><Enter>");
    let holders = ScreenId::Holders(sample::key("emea", 1), sku(1));
    assert_eq!(desk.app.screen(), Some(holders), "Enter on a product shows who holds it: {}", desk.text());
}

#[test]
fn privacy_masks_people_and_keeps_counts() {
    let secret = ["Lena", "Bauer", "user1", "KST", "Weiß"];
    let mut desk = Desk::of(sample::fleet(), Options { privacy: true, ..options() }).keys("<Down>U");
    for keys in ["", "<Right>", "<Right><Right><Right><Right><Right><Right>", "jj<Enter>", "<Esc>f", "bbbbbb"] {
        desk.press(keys);
        let buffer = desk.look(120, 35);
        let text: String = (1..35).map(|y| row(&buffer, y) + "\n").collect();
        for word in secret {
            assert!(!text.contains(word), "{word} after {keys}:\n{text}");
        }
        assert!(row(&buffer, 0).contains("PRIVATE"));
    }
    desk.press("<Esc><Esc>UP");
    assert!(desk.text().contains("Lena Bauer"), "{}", desk.text());
    let mut desk = users().keys("Pya");
    let copied = desk.app.take_copied().unwrap();
    assert!(!copied.contains("Lena") && copied.contains("L***"), "what is copied is masked too: {copied}");
}

#[test]
fn a_user_is_shown_with_every_field() {
    let mut desk = users().keys("jj<Enter>");
    let buffer = desk.look(120, 60);
    let text: String = (0..60).map(|y| row(&buffer, y) + "\n").collect();
    for field in crate::model::FIELDS {
        assert!(text.contains(field.name()), "{} in\n{text}", field.name());
    }
    for said in [
        "VISIOCLIENT                 Visio Plan 2, 2 plans off",
        "off: OneDrive for Business (Basic)",
        "off: 00000000-0000-0000-0000-000000000009",
        "SPE_E3                      Microsoft 365 E3, all plans on",
    ] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
}

#[test]
fn what_is_shown_can_be_read_again_as_often_as_one_likes() {
    for path in ["", "f"] {
        let mut desk = users().keys(path);
        let before = desk.text();
        for _ in 0..3 {
            desk.press("<Ctrl-r>");
            desk.wait(5_000);
            assert_eq!(desk.text(), before, "it is answered, and nothing waits");
        }
    }
}

#[test]
fn an_answer_that_fails_is_told() {
    let mut desk = Desk::new().keys("<Down>");
    desk.press("U");
    let snapshot = SnapshotId(1);
    let look = Look::Users(UsersLook {
        users: snapshot,
        skus: None,
        holding: None,
        filter: String::new(),
        sort: None,
        reverse: false,
        from: 0,
        count: 1,
        at: None,
    });
    let seen = Seen { look, found: Err("made up".into()) };
    desk.app.hear(crate::model::Event::Seen(Box::new(seen)), desk.now);
    assert!(!desk.text().contains("made up"), "an answer to something else is not shown");
}

/// A desk before the holders of the product that includes another.
fn holders() -> Desk {
    users().keys("l/spe_e3<Enter><Enter>")
}

#[test]
fn pictures_of_holders() {
    insta::assert_snapshot!("holders_60", holders().picture(60, 15));
    insta::assert_snapshot!("holders_80", holders().picture(80, 24));
    insta::assert_snapshot!("holders_120", holders().keys("jj").picture(120, 35));
    insta::assert_snapshot!("holders_200", holders().keys("u<Down>").picture(200, 60));
}

#[test]
fn pictures() {
    insta::assert_snapshot!("users_80", users().keys("jj").picture(80, 24));
    insta::assert_snapshot!("users_120", users().keys("jj").picture(120, 35));
    insta::assert_snapshot!("users_200", users().keys("3").picture(200, 60));
    insta::assert_snapshot!("users_60", users().picture(60, 15));
    insta::assert_snapshot!("user_80", users().keys("jj<Enter>").picture(80, 24));
    insta::assert_snapshot!("counts_80", users().keys("f").picture(80, 24));
    insta::assert_snapshot!("counts_60", users().keys("ff").picture(60, 15));
    insta::assert_snapshot!("counts_120", users().keys("ff").picture(120, 35));
}

#[test]
fn a_wait_is_told_after_a_blink_and_with_its_seconds_after_three() {
    let mut app = crate::tui::App::new(options());
    let at = |ms| sample::now().checked_add(jiff::SignedDuration::from_millis(ms)).unwrap();
    let key = |c| crossterm::event::Event::Key(crossterm::event::KeyEvent::from(crossterm::event::KeyCode::Char(c)));
    app.tick(at(0));
    app.hear(crate::model::Event::Hello(Box::new(sample::fleet())), at(0));
    let shown = |app: &mut crate::tui::App, ms| -> String {
        let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
        app.tick(at(ms));
        app.draw(&mut buffer, at(ms));
        (0..24).map(|y| row(&buffer, y) + "\n").collect()
    };
    shown(&mut app, 0);
    app.input(&key('j'), at(10));
    app.input(&key('U'), at(10));
    let text = shown(&mut app, 20);
    assert!(!text.to_lowercase().contains("reading"), "{text}");
    assert!(app.deadline().is_some_and(|due| due <= at(310)), "it is looked at again then");
    assert!(shown(&mut app, 400).contains("Reading users from the store\n"));
    assert!(shown(&mut app, 4_100).contains("Reading users from the store, 4 s\n"));
    app.input(&key('f'), at(5_000));
    assert!(shown(&mut app, 8_500).contains("Counting users by department, 3 s"), "{}", shown(&mut app, 8_500));
}
