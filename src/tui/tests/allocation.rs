//! What licenses cost business units, as a desk shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Desk, options, people, sample};
use crate::model::allocation::{
    Allocated, AllocatedFact, Allocating, AllocationAsk, AllocationLook, AllocationSeen, Billed, Chain, Classes,
    Computed, Counted, Ids, Month, MonthEvent, Period, Preview, Price, PriceBook, Rules, Sheet, SheetFacts, Sorter,
    Standing, Tally, Then, UnitPath, UserShare, Why, Writer, bill_of, is_meant,
};
use crate::model::{AssignedLicense, Change, Command, Look, Role, SkuId, Text, TextField, User};
use crate::tui::Options;
use crate::tui::screens::ScreenId;

/// The key path to the screen: Adatum has users.
const PATH: &str = "<Down>b";

fn sku(n: u128) -> SkuId {
    SkuId::new(uuid::Uuid::from_u128(0xc0de_0000 + n))
}

/// The users, some of whom spell their department in another way.
fn users() -> Vec<User> {
    let one = |n| {
        let mut user = people::user(n);
        let department = user.text(TextField::Department).map(str::to_owned);
        if department.as_deref() == Some("Sales") && n % 9 == 0 {
            user.texts[TextField::Department as usize] = Some(if n % 2 == 0 { "Sales " } else { "sales" }.into());
        }
        let held = [Some(1), (n % 5 == 0).then_some(2)].into_iter().flatten();
        user.licenses =
            Some(held.map(|n| AssignedLicense { sku_id: Some(sku(n)), disabled_plans: Vec::new() }).collect());
        user
    };
    (0..people::COUNT).map(one).collect()
}

fn counted(users: &[User]) -> Vec<Counted> {
    [(1, "Microsoft 365 E3", 1_289), (2, "Visio Plan 2", 260)]
        .into_iter()
        .map(|(n, name, purchased)| Counted {
            sku_id: Some(sku(n)),
            part_number: None,
            name: name.into(),
            purchased: Some(purchased),
            held: users
                .iter()
                .filter(|user| user.licenses.iter().flatten().any(|one| one.sku_id == Some(sku(n))))
                .count() as u64,
            is_company: false,
        })
        .collect()
}

fn prices() -> PriceBook {
    let price = |n, amount: &str| Price {
        sku_id: sku(n),
        amount: amount.parse().unwrap(),
        currency: "EUR".parse().unwrap(),
        period: Period::Month,
        from: None,
        to: None,
        quantity: None,
    };
    PriceBook { prices: vec![price(1, "33.05"), price(2, "13.37")] }
}

/// What is saved for the tenant.
fn saved() -> Rules {
    Rules::from_toml(
        r#"
        [[unit]]
        path = "Back office"
        code = "4711"
        [[rule]]
        name = "Money"
        unit = ["Back office", "Finance"]
        when = [{ attribute = "department", is = "Finance" }]
        [[rule]]
        unit = ["Back office", "IT"]
        when = [{ attribute = "department", is = "IT" }]
        [[rule]]
        unit = "Sales"
        when = [{ attribute = "department", is = "Sales" }]
        [[rule]]
        split = [{ unit = "Sales", percent = 70 }, { unit = "EMEA", percent = 30 }]
        when = [{ attribute = "department", is = "Sales EMEA" }]
        "#,
    )
    .unwrap()
}

fn reckoned<T>(
    facts: SheetFacts,
    users: &[User],
    rules: &Rules,
    before: Option<&Sheet>,
    then: impl FnOnce(&Sorter<'_>, &Billed, &Tally<'_>, Computed) -> T,
) -> Result<T, String> {
    let billed = bill_of(&counted(users), &prices(), facts.month)?;
    let parts = BTreeMap::new();
    let sorter = Sorter::new(rules, &parts);
    let mut all = Tally::new(&sorter, &billed);
    let mut tally = Tally::new(&sorter, &billed);
    for user in users {
        tally.add(user, &Chain::default());
    }
    tally.finish();
    all.join(tally);
    let computed = Computed::of(facts, &all, &billed, before)?;
    Ok(then(&sorter, &billed, &all, computed))
}

fn facts(look: &AllocationLook, month: Month) -> SheetFacts {
    SheetFacts {
        month,
        rules: Some(3),
        prices: Some(2),
        users_at: Some(sample::now()),
        skus_at: Some(sample::now()),
        together: true,
        ..look.of.facts.clone()
    }
}

/// What an engine would answer: the month before is closed, with some users fewer and by one rule.
pub(super) fn told(look: &AllocationLook) -> Result<AllocationSeen, String> {
    if look.of.users.is_none() {
        let facts = look.of.facts.clone();
        let sheet = reckoned(facts, &[], &saved(), None, |_, _, _, computed| computed.sheet)?;
        let rules = Arc::new(saved());
        let prices = Arc::new(prices());
        return Ok(AllocationSeen::Sheet {
            sheet: Box::new(sheet),
            closed: false,
            preview: None,
            rules,
            prices,
            saved: None,
            months: Vec::new(),
        });
    }
    let (users, today) = (users(), look.of.facts.today);
    let first = saved();
    let before =
        reckoned(facts(look, today.before()), &users[..1_200], &first, None, |_, _, _, computed| computed.sheet)?;
    let is_closed = look.of.facts.month == today.before();
    let closing = MonthEvent::of(&before, true, "mlee".into(), sample::now(), None);
    let months = vec![Standing { month: today.before(), closed: true, events: vec![closing] }];
    let rules = look.draft.rules.clone().unwrap_or(Arc::new(first.clone()));
    let facts = facts(look, look.of.facts.month);
    match &look.ask {
        AllocationAsk::Sheet => {
            let now = if is_closed {
                before.clone()
            } else {
                reckoned(facts.clone(), &users, &first, Some(&before), |_, _, _, computed| computed.sheet)?
            };
            let preview = look.draft.rules.is_some().then(|| {
                let then = reckoned(facts, &users, &rules, Some(&before), |_, _, _, computed| computed.sheet);
                then.map(|then| Box::new(Preview::of(&now, then)))
            });
            Ok(AllocationSeen::Sheet {
                sheet: Box::new(now),
                closed: is_closed,
                preview: preview.transpose()?,
                rules: Arc::new(first),
                prices: Arc::new(prices()),
                saved: Some(("mlee".into(), sample::now())),
                months,
            })
        }
        AllocationAsk::Users { unit, from, .. } => {
            let (sheet, units, rows) = reckoned(facts, &users, &rules, None, |sorter, billed, tally, computed| {
                let (rows, units) = shares(sorter, billed, tally, &computed, &users);
                (computed.sheet, units, rows)
            })?;
            let is_here = |row: &UserShare| {
                row.lines.iter().any(|line| match (unit, units.get(line.unit)) {
                    (Some(unit), Some(of)) => of.is_in(unit),
                    (of, there) => of.is_none() && there.is_none(),
                })
            };
            let rows: Vec<UserShare> = rows.into_iter().filter(is_here).collect();
            Ok(AllocationSeen::Users { total: rows.len() as u64, from: *from, rows, units, sheet: Box::new(sheet) })
        }
        AllocationAsk::Why(wanted) => {
            let user = users.iter().find(|user| is_meant(user, wanted)).ok_or("no such user")?;
            let parts = BTreeMap::new();
            let why = Why::of(&Sorter::new(&rules, &parts), user, &Chain::default(), &[]);
            Ok(AllocationSeen::Why(Box::new(why)))
        }
    }
}

fn shares(
    sorter: &Sorter<'_>,
    billed: &Billed,
    tally: &Tally<'_>,
    computed: &Computed,
    users: &[User],
) -> (Vec<UserShare>, Vec<UnitPath>) {
    let allotment = &computed.allotment;
    let mut classes = Classes::of(tally, allotment);
    let mut ids = Ids::new();
    {
        let mut writer = Writer::new(sorter, billed, allotment, &classes);
        for user in users {
            let (lines, _) = writer.lines(user, &Chain::default());
            classes.note(user.id, lines, &mut ids);
        }
    }
    classes.settle(vec![ids]);
    let mut writer = Writer::new(sorter, billed, allotment, &classes);
    let text = |user: &User, field| Text::from(user.text(field).unwrap_or_default());
    let rows = users.iter().map(|user| {
        let (lines, by) = writer.lines(user, &Chain::default());
        UserShare {
            user: user.id,
            name: text(user, TextField::DisplayName),
            sign_in: text(user, TextField::UserPrincipalName),
            rule: by.map(|by| u32::try_from(by + 1).unwrap()),
            assigned: false,
            lines: lines.to_vec(),
        }
    });
    (rows.collect(), allotment.units().to_vec())
}

fn desk(role: Role) -> Desk {
    Desk::of(sample::fleet(), Options { role, ..options() }).keys(PATH)
}

#[test]
fn the_sheet_adds_up_and_says_where_the_money_goes() {
    let mut desk = desk(Role::Operate);
    let text = desk.text();
    assert!(text.contains("bill 46,0") && text.contains(" EUR = units "), "{text}");
    assert!(text.contains("rules v3 by mlee") && text.contains("prices 2 of 2"), "{text}");
    assert!(text.contains("  Finance") && text.contains("TOTAL = bill"), "{text}");
    desk.press("/untracked<Enter>");
    let text = desk.text();
    assert!(text.contains("department \"Sales \"") && text.contains("T takes spellings for one"), "{text}");
    let mut desk = Desk::new().keys("/lamna<Enter>b");
    assert!(desk.text().contains("data never read"), "{}", desk.text());
}

#[test]
fn a_unit_opens_its_users_and_a_user_says_why() {
    let mut desk = desk(Role::Operate).keys("/untracked<Enter><Enter>");
    let Some(ScreenId::AllocationUsers(_, _, None)) = desk.app.screen() else { panic!("{:?}", desk.app.screen()) };
    assert!(desk.row(1).starts_with("Untracked: "), "{}", desk.row(1));
    desk.press("P");
    assert!(!desk.text().contains("@adatum.example") || desk.text().contains("u***@adatum.example"), "{}", desk.text());
    desk.press("Pe");
    let text = desk.text();
    assert!(text.contains("-> Untracked: no rule takes him") && text.contains("- department is \"Finance\""), "{text}");
    desk.press("<Esc><Esc>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Allocation(sample::key("emea", 1))));
    desk.press("\\/sales<Enter><Enter>");
    assert!(desk.row(1).starts_with("Sales: "), "{}", desk.text());
    assert!(desk.text().contains("(70%): Sales") || desk.text().contains("Microsoft 365 E3"), "{}", desk.text());
}

#[test]
fn a_draft_shows_what_it_moves_before_it_is_saved_with_a_reason() {
    let mut desk = desk(Role::Operate).keys("s");
    assert!(desk.row(22).contains("there is no draft"), "{}", desk.row(22));
    desk.press("T");
    let text = desk.text();
    assert!(
        text.contains("DRAFT from v3, not saved: 1 change") && text.contains("R3 \"Sales\": any case and trimmed"),
        "{text}"
    );
    assert!(text.contains("Untracked -") && text.contains("Sales +") && text.contains("net +0.00"), "{text}");
    desk.press("s");
    assert!(desk.wishes().is_empty() && desk.text().contains("save-rules"), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.text().contains("save-rules needs REASON"), "{}", desk.text());
    desk.press("spelled twice<Enter>");
    assert!(desk.text().contains("Save as v4?") && desk.wishes().is_empty(), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.wishes().is_empty(), "Enter is no yes");
    desk.press("y");
    let wishes = desk.wishes();
    let [Command::Allocate { tenant, wish }] = wishes.as_slice() else { panic!("{wishes:?}") };
    let Allocating::SaveRules { rules, from: 3, reason } = &**wish else { panic!("{wish:?}") };
    assert_eq!((tenant, reason.as_str()), (&sample::key("emea", 1), "spelled twice"));
    assert!(rules.rules[2].when[0].trim && rules.rules.len() == 4);

    let mut viewer = super::allocation::desk(Role::View).keys("T:save-rules x<Enter>");
    assert!(viewer.row(22).contains("needs operate"), "{}", viewer.row(22));
}

#[test]
fn rules_are_moved_taken_away_and_put_back() {
    let mut desk = desk(Role::Operate).keys("V<Down>(");
    let text = desk.text();
    assert!(text.contains("R2 is R1") && text.contains("rules, first hit wins"), "{text}");
    let first = (4..8).map(|y| desk.row(y)).find(|row| row.contains("> R1")).unwrap();
    assert!(first.contains("Back office / IT"), "the cursor goes with it: {first}");
    desk.press("(");
    assert!(desk.row(22).contains("the rule cannot go further"), "{}", desk.row(22));
    desk.press("<Del>");
    assert!(desk.text().contains("R1 taken away") && desk.text().contains("3 of 3"), "{}", desk.text());
    assert!(desk.text().contains("Back office / IT becomes empty"), "{}", desk.text());
    desk.press("zz");
    assert!(!desk.text().contains("DRAFT") && desk.text().contains("4 of 4"), "{}", desk.text());
    desk.press("<Enter>");
    assert!(desk.text().contains("department is \"Finance\""), "{}", desk.text());
}

#[test]
fn a_month_is_closed_by_typing_it_and_then_nothing_moves_it() {
    let mut desk = desk(Role::Admin).keys("M");
    assert!(desk.text().contains("Type 2026-11, then y:"), "{}", desk.text());
    desk.press("y2026-12y");
    assert!(desk.wishes().is_empty());
    desk.press("<Esc>M2026-11y");
    let wishes = desk.wishes();
    let [Command::Allocate { wish, .. }] = wishes.as_slice() else { panic!("{wishes:?}") };
    assert!(matches!(&**wish, Allocating::Close { reason: None, .. }), "{wish:?}");
    desk.press(",");
    let text = desk.text();
    assert!(text.contains("bill 46,077.65 EUR = ") && text.contains("Oct 2026"), "{text}");
    desk.press("T");
    assert!(desk.row(22).contains("the month is closed: no rule changes it"), "{}", desk.row(22));
    desk.press("M");
    assert!(desk.row(22).contains("it is closed already"), "{}", desk.row(22));
    desk.press("..");
    assert!(desk.row(22).contains("the next month has not begun"), "{}", desk.row(22));
    let mut operator = super::allocation::desk(Role::Operate).keys("M");
    assert!(operator.row(22).contains("needs admin"), "{}", operator.row(22));
}

#[test]
fn what_was_saved_by_somebody_is_asked_for_anew() {
    let mut desk = desk(Role::Operate);
    let fact = AllocatedFact::Rules { version: 4, reason: "x".into() };
    let (tenant, by) = (sample::key("emea", 1), Text::from("mlee"));
    desk.tell(Change::Allocated { tenant, by, at: desk.now, fact });
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let wishes = desk.app.take_wishes();
    let asked = wishes
        .iter()
        .find_map(|wish| if let Command::Look(Look::Allocation(look)) = wish { look.of.facts.rules } else { None });
    assert_eq!(asked, Some(4), "{wishes:?}");
    let mut known = Allocated::default();
    for month in ["2026-10", "2026-08", "2026-09"] {
        known.apply(&AllocatedFact::Closed { month: month.parse().unwrap() });
    }
    assert!(known.is_closed("2026-08".parse().unwrap()) && known.closed.is_sorted());
    known.apply(&AllocatedFact::Reopened { month: "2026-08".parse().unwrap(), reason: "x".into() });
    assert!(!known.is_closed("2026-08".parse().unwrap()));
}

#[test]
fn every_rule_of_the_sample_is_one_of_each_kind_that_a_person_makes() {
    let kinds: BTreeSet<bool> = saved().rules.iter().map(|rule| matches!(rule.then, Then::Split(_))).collect();
    assert_eq!(kinds.len(), 2);
}
