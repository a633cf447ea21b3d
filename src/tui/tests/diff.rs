//! What the last import changed, as a desk shows it.

use std::sync::Arc;

use uuid::Uuid;

use super::{Desk, options, row, sample};
use crate::model::{
    AssignedLicense, Command, Compared, DiffLook, Difference, Event, Found, Look, Manager, PlanId, Prepaid, RunId,
    Seen, SetOutcome, Sku, SkuId, SnapshotId, Text, TextField, Totals, User, UserId, compare_skus, user_rows,
};
use crate::tui::Options;
use crate::tui::keys::Key;
use crate::tui::screens::ScreenId;

const PRODUCTS: [(u128, &str); 4] =
    [(1, "SPE_E3"), (2, "VISIOCLIENT"), (3, "POWER_BI_PRO"), (4, "Microsoft_365_Copilot")];

fn held(n: u128, off: &[u128]) -> AssignedLicense {
    let off = off.iter().map(|n| PlanId::new(Uuid::from_u128(*n))).collect();
    AssignedLicense { sku_id: Some(SkuId::new(Uuid::from_u128(n))), disabled_plans: off }
}

fn person(n: u128, name: &str, department: &str) -> User {
    let mut user = User::new(UserId::new(Uuid::from_u128(0xa000_0000 + n)));
    let (given, surname) = name.split_once(' ').unwrap();
    for (field, text) in [
        (TextField::DisplayName, name.to_owned()),
        (TextField::GivenName, given.to_owned()),
        (TextField::Surname, surname.to_owned()),
        (TextField::UserPrincipalName, format!("user{n}@woodgrove.example")),
        (TextField::Department, department.to_owned()),
        (TextField::OfficeLocation, "HQ/3".to_owned()),
        (TextField::JobTitle, "Clerk".to_owned()),
    ] {
        user.texts[field as usize] = Some(text.into());
    }
    user.licenses = Some(vec![held(1, &[])]);
    user
}

fn set(user: &mut User, field: TextField, text: Option<&str>) {
    user.texts[field as usize] = text.map(Text::from);
}

fn sku(n: u128, enabled: i64, consumed: i64) -> Sku {
    let part = PRODUCTS.iter().find(|(id, _)| *id == n).map(|(_, part)| Text::from(*part));
    Sku {
        sku_id: Some(SkuId::new(Uuid::from_u128(n))),
        part_number: part,
        consumed: Some(consumed),
        prepaid: Some(Prepaid { enabled: Some(enabled), suspended: Some(0), warning: Some(0), locked_out: Some(0) }),
        ..Sku::default()
    }
}

/// Each kind at least once.
pub(super) fn told() -> Arc<Difference> {
    let before: Vec<User> = [
        (1, "Lena Bauer", "Sales"),
        (2, "Jürgen Weiß", "Sales"),
        (3, "Aino Virtanen", "IT"),
        (4, "花子 山田", "Finance"),
        (5, "Noah O'Neil", "Freight "),
        (6, "Mara de Vries-van der Heijden", "Sales EMEA"),
        (7, "Elif Çelik", "IT"),
    ]
    .map(|(n, name, department)| person(n, name, department))
    .into();
    let mut now = before.clone();
    let [lena, juergen, aino, hanako, noah, mara, _] = now.as_mut_slice() else { panic!("seven") };
    set(lena, TextField::DisplayName, Some("Lena Weber"));
    set(lena, TextField::Surname, Some("Weber"));
    set(lena, TextField::Department, Some("Rail Operations and everything that goes with them"));
    lena.licenses = Some(vec![held(4, &[])]);
    set(juergen, TextField::Department, None);
    juergen.manager =
        Some(Manager { id: Some(aino.id), display_name: Some("Aino Virtanen".into()), user_principal_name: None });
    aino.licenses = Some(vec![held(1, &[51, 52]), held(2, &[])]);
    hanako.licenses = Some(vec![]);
    set(noah, TextField::Department, Some("Freight"));
    set(mara, TextField::JobTitle, Some("Lead"));
    mara.extension = Some(Box::default());
    mara.extension.as_mut().unwrap()[3] = Some("KST 4711".into());
    now.pop();
    now.push(person(8, "Femke Jansen", "Legal"));
    now.push(User::new(UserId::new(Uuid::from_u128(0xa000_0009))));

    let find = |users: &[User], id: UserId| users.iter().find(|user| user.id == id).cloned();
    let mut ids: Vec<UserId> = before.iter().chain(&now).map(|user| user.id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut rows: Vec<_> =
        ids.into_iter().flat_map(|id| user_rows(find(&before, id).as_ref(), find(&now, id).as_ref())).collect();
    let mut plans = sku(1, 1_200, 1_198);
    plans.service_plans = vec![crate::model::ServicePlan {
        id: Some(PlanId::new(Uuid::from_u128(51))),
        name: Some("SWAY".into()),
        status: None,
        applies_to: None,
    }];
    let skus = compare_skus(
        Some(&[sku(1, 1_250, 1_197), sku(2, 12, 10), sku(3, 40, 33)]),
        Some(&[plans, sku(2, 12, 11), sku(4, 30, 1)]),
    );
    rows.extend(skus.rows);
    rows.sort_by(|a, b| a.key().cmp(&b.key()));
    let mut found = Difference {
        users: Some(Compared { before: 1_275, now: 1_276, both: 1_274 }),
        skus: skus.compared,
        products: skus.products,
        plans: skus.plans,
        ..Difference::default()
    };
    for row in &rows {
        found.sums.add(row.kind);
    }
    found.rows = rows;
    Arc::new(found)
}

/// A desk before the changes of Woodgrove Bank.
fn changes() -> Desk {
    Desk::new().keys("u/woodgrove<Enter>d")
}

/// What the screen asked for, at a desk that is not answered by itself.
fn asked(desk: &mut Desk) -> Look {
    desk.app.draw(&mut super::Buffer::empty(super::Rect::new(0, 0, 80, 24)), desk.now);
    let wishes = desk.app.take_wishes().into_iter();
    wishes.filter_map(|wish| if let Command::Look(look) = wish { Some(look) } else { None }).next_back().unwrap()
}

/// What it asks for when it is to look again.
fn asked_again(desk: &mut Desk) -> Look {
    desk.app.press(Key::Ctrl('r'), desk.now);
    asked(desk)
}

fn answer(desk: &mut Desk, look: Look, found: Result<Found, Text>) -> String {
    desk.app.hear(Event::Seen(Box::new(Seen { look, found })), desk.now);
    desk.text()
}

#[test]
fn d_leads_there_from_every_screen_of_a_tenant() {
    let adatum = ScreenId::Diff(sample::key("emea", 1));
    for path in ["d", "ed", "ld", "Ud", "hd", ":diff<Enter>"] {
        assert_eq!(Desk::new().keys(&format!("<Down>{path}")).app.screen(), Some(adatum.clone()), "{path}");
    }
    let desk = Desk::new().keys("R<Enter><Down>d");
    assert!(matches!(desk.app.screen(), Some(ScreenId::Diff(_))), "the tenant under the cursor of a run");
    assert_eq!(Desk::new().keys(":diff trey<Enter>").app.screen(), Some(ScreenId::Diff(sample::key("emea", 2))));
    assert_eq!(changes().keys("l").app.screen(), Some(ScreenId::Licenses(sample::key("emea", 12))));
}

#[test]
fn the_answer_says_what_changed_and_how_many_were_compared() {
    let mut desk = changes();
    assert_eq!(desk.row(1), "users 1,275 -> 1,276  +2 new  -1 gone  3 moved  2 got, 2 lost license  3 more");
    assert_eq!(desk.row(2), "SKUs 3 -> 3  +1 new  -1 gone  2 units  1 other");
    let times = "compared 1,277 users and 4 SKUs: 02:11Z -> 09:29Z (1m)";
    assert!(desk.row(3).starts_with(times), "{}", desk.row(3));
    assert!(desk.row(4).starts_with("show: all, 18 of 18"), "{}", desk.row(4));
    let wide = row(&desk.look(200, 60), 1);
    assert!(wide.contains("2 got, 2 lost license  1 renamed  1 plans  1 other "), "{wide}");
}

#[test]
fn filters_sorts_and_what_counts() {
    let mut desk = changes().keys("u");
    assert!(desk.row(4).starts_with("show: what counts, 14 of 18"), "{}", desk.row(4));
    desk.press("u/kind:moved<Enter>");
    assert!(desk.row(4).starts_with("show: all, 3 of 18  filter /kind:moved"), "{}", desk.row(4));
    desk.press("/<Ctrl-u>department:rail<Enter>");
    assert!(desk.row(6).contains("Lena Weber"), "{}", desk.text());
    desk.press("\\2S");
    assert!(desk.row(4).ends_with("sort: who or what, reversed"), "{}", desk.row(4));
    desk.press("/plan:x");
    assert!(desk.text().contains("no field `plan` here; there are kind, id, field, was, now, product, name"));
}

#[test]
fn a_user_stands_before_and_now_and_blanks_are_seen() {
    let mut desk = changes().keys("/noah<Enter>");
    assert!(desk.text().contains("department: \"Freight \" -> \"Freight\""), "{}", desk.text());
    desk.press("/<Ctrl-u>lena<Enter><Enter>");
    let text = desk.text();
    for said in ["MOVED", "RENAMED", "GOT LICENSE", "LOST LICENSE", "surname                Bauer"] {
        assert!(text.contains(said), "{said} in\n{text}");
    }
}

#[test]
fn privacy_masks_people_here_too() {
    let mut desk = Desk::of(sample::fleet(), Options { privacy: true, ..options() }).keys("u/woodgrove<Enter>d");
    for keys in ["", "G", "g/l***<Enter>", "\\jjjjjj<Enter>", "<Esc>/kind:renamed<Enter><Enter>"] {
        desk.press(keys);
        let buffer = desk.look(120, 35);
        let text: String = (1..35).map(|y| row(&buffer, y) + "\n").collect();
        for word in ["Lena", "Weber", "Bauer", "Aino", "Virtanen", "user1@", "KST"] {
            assert!(!text.contains(word), "{word} after {keys}:\n{text}");
        }
    }
    desk.press("<Esc>ya");
    let copied = desk.app.take_copied().unwrap();
    assert!(copied.contains("B*** -> ") || copied.contains("L***"), "{copied}");
}

#[test]
fn the_product_under_the_cursor_is_named() {
    let mut desk = changes().keys("j:name Power BI of ours<Enter>");
    let wishes = desk.wishes();
    let named = |wish: &Command| matches!(wish, Command::Name { sku_id, .. } if sku_id.0 == Uuid::from_u128(3));
    assert!(wishes.iter().any(named), "{wishes:?}");
}

#[test]
fn where_there_is_nothing_to_show_it_is_said_why() {
    let nothing = |found: Difference| {
        let mut desk = changes();
        let look = asked_again(&mut desk);
        answer(&mut desk, look, Ok(Found::Diff(Arc::new(found))))
    };
    let both = |n| Some(Compared { before: n, now: n, both: n });
    let same = nothing(Difference { users: both(1_275), skus: both(9), ..Difference::default() });
    assert!(same.contains("users 1,275 -> 1,275  nothing changed"), "{same}");
    assert!(same.contains("Nothing changed: 1,275 users and 9 SKUs were compared."), "{same}");
    let users = nothing(Difference { users: both(1_275), ..Difference::default() });
    assert!(users.contains("Nothing changed: 1,275 users were compared."), "{users}");

    let text = Desk::new().keys("/lamna<Enter>d").text();
    assert!(text.contains("No import of this tenant succeeded yet."), "{text}");
    let text = Desk::new().keys("/alpine<Enter>d").text();
    assert!(text.contains("users 1,275  read once so far: nothing to compare"), "{text}");
    assert!(text.contains("One import so far, 14 Nov 09:31Z: the next one is compared with it."), "{text}");
}

#[test]
fn a_newer_import_is_looked_at_and_one_that_is_gone_is_told() {
    let mut desk = changes().keys("G");
    let under_cursor = desk.app.at_cursor(desk.now);
    let at = desk.now;
    desk.tell(crate::model::Change::JobDone {
        run: RunId(4),
        tenant: sample::key("emea", 12),
        at,
        users: SetOutcome::Saved { snapshot: SnapshotId(99), count: 1_300 },
        skus: SetOutcome::Untouched,
        held: None,
        sku_counts: None,
        checks: None,
        held_back: None,
        cancelled: false,
        totals: Totals::default(),
    });
    desk.wait(600);
    let look = asked(&mut desk);
    let Look::Diff { of: DiffLook { users: [_, Some(SnapshotId(99))], .. }, .. } = look else { panic!("{look:?}") };
    let text = answer(&mut desk, look.clone(), Ok(Found::Diff(told())));
    assert_eq!(desk.app.at_cursor(desk.now), under_cursor, "the cursor stays on its object: {text}");
    let look = asked_again(&mut desk);
    let text = answer(&mut desk, look, Err("snapshot 2 is missing: a newer import took its place".into()));
    assert!(text.contains("The changes cannot be shown: snapshot 2 is missing"), "{text}");
}

#[test]
fn more_than_a_console_holds_is_said() {
    let mut desk = changes();
    let look = asked_again(&mut desk);
    let mut found = (*told()).clone();
    for _ in 0..200_000 {
        found.sums.add(crate::model::DiffKind::Moved);
    }
    let text = answer(&mut desk, look, Ok(Found::Diff(Arc::new(found))));
    assert!(text.contains("show: all of the first 18, 18 of 200,018"), "{text}");
}

#[test]
fn pictures() {
    insta::assert_snapshot!("changes_80", changes().keys("jjjjjj").picture(80, 24));
    insta::assert_snapshot!("changes_120", changes().keys("jjjjjj").picture(120, 35));
    insta::assert_snapshot!("changes_200", changes().picture(200, 60));
    insta::assert_snapshot!("changes_60", changes().picture(60, 15));
    insta::assert_snapshot!("change_80", changes().keys("/lena<Enter><Enter>").picture(80, 24));
}
