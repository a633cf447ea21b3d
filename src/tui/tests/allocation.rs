//! What licenses cost business units, as a desk shows it.

mod drafts;
mod waits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Desk, options, people, sample};
use crate::model::allocation::{
    Allocated, AllocatedFact, Allocating, AllocationAsk, AllocationLook, AllocationSeen, Billed, Chain, Classes,
    Computed, Counted, Ids, Month, MonthEvent, Moved, Part, PartLine, Percent, Period, Preview, Price, PriceBook,
    RowKind, Rules, ShareField, ShareRow, ShareThen, SharesLook, SharesRow, SharesSeen, Sheet, SheetFacts, Sorter,
    Standing, Tally, Then, UnitMask, UnitPath, UserShare, Why, Writer, bill_of, is_meant,
};
use crate::model::{
    AssignedLicense, Change, Command, Event, Filter, Found, Look, Role, Seen, SkuId, Text, TextField, User,
};
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
    prices: &PriceBook,
    users: &[User],
    rules: &Rules,
    before: Option<&Sheet>,
    then: impl FnOnce(&Sorter<'_>, &Billed, &Tally<'_>, Computed) -> T,
) -> Result<T, String> {
    let billed = bill_of(&counted(users), prices, facts.month)?;
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
    told_at(look, &prices())
}

/// The same at other prices; those of the closed month are what they are.
fn told_at(look: &AllocationLook, book: &PriceBook) -> Result<AllocationSeen, String> {
    if look.of.users.is_none() {
        let facts = look.of.facts.clone();
        let sheet = reckoned(facts, book, &[], &saved(), None, |_, _, _, computed| computed.sheet)?;
        let rules = Arc::new(saved());
        let prices = Arc::new(book.clone());
        return Ok(AllocationSeen::Sheet {
            sheet: Box::new(sheet),
            closed: false,
            preview: None,
            rules,
            prices,
            saved: None,
            months: Vec::new(),
            masked: false,
        });
    }
    let (users, today) = (users(), look.of.facts.today);
    let first = saved();
    let before =
        reckoned(facts(look, today.before()), &prices(), &users[..1_200], &first, None, |_, _, _, computed| {
            computed.sheet
        })?;
    let is_closed = look.of.facts.month == today.before();
    let closing = MonthEvent::of(&before, true, "mlee".into(), sample::now(), None);
    let months = vec![Standing { month: today.before(), closed: true, events: vec![closing], superseded: Vec::new() }];
    let rules = look.draft.rules.clone().unwrap_or(Arc::new(first.clone()));
    let facts = facts(look, look.of.facts.month);
    match &look.ask {
        AllocationAsk::Sheet => {
            let now = if is_closed {
                before.clone()
            } else {
                reckoned(facts.clone(), book, &users, &first, Some(&before), |_, _, _, computed| computed.sheet)?
            };
            let preview = look.draft.is_some().then(|| {
                let book = look.draft.prices.as_deref().unwrap_or(book);
                let then = reckoned(facts, book, &users, &rules, Some(&before), |_, _, _, computed| computed.sheet);
                then.map(|then| Box::new(Preview::of(&now, then)))
            });
            Ok(AllocationSeen::Sheet {
                sheet: Box::new(now),
                closed: is_closed,
                preview: preview.transpose()?,
                rules: Arc::new(first),
                prices: Arc::new(book.clone()),
                saved: Some(("mlee".into(), sample::now())),
                months,
                masked: false,
            })
        }
        AllocationAsk::Alone => {
            let sheet = reckoned(facts, book, &users, &rules, Some(&before), |_, _, _, computed| computed.sheet)?;
            Ok(AllocationSeen::Alone(Box::new(sheet)))
        }
        AllocationAsk::Users(asked) => {
            let of = |rules: &Rules| {
                reckoned(facts.clone(), book, &users, rules, None, |sorter, billed, tally, computed| {
                    let (rows, units) = shares(sorter, billed, tally, &computed, &users);
                    (computed.sheet, units, rows)
                })
            };
            let (sheet, units, rows) = of(&first)?;
            let then = look.draft.rules.as_deref().map(of).transpose()?;
            Ok(AllocationSeen::Users(Box::new(window(asked, sheet, units, rows, then.as_ref(), is_closed))))
        }
        AllocationAsk::Why(wanted) => {
            let user = users.iter().find(|user| is_meant(user, wanted)).ok_or("no such user")?;
            let parts = BTreeMap::new();
            let why = |rules: &Rules| Box::new(Why::of(&Sorter::new(rules, &parts), user, &Chain::default(), &[]));
            Ok(AllocationSeen::Why { why: why(&first), then: look.draft.rules.as_deref().map(why) })
        }
    }
}

type Reckoned = (Sheet, Vec<UnitPath>, Vec<UserShare>);

/// A window, the slow way.
fn window(
    asked: &SharesLook,
    mut sheet: Sheet,
    units: Vec<UnitPath>,
    rows: Vec<UserShare>,
    then: Option<&Reckoned>,
    closed: bool,
) -> SharesSeen {
    let goes = |units: &[UnitPath], row: &UserShare| -> BTreeSet<(Option<String>, u32)> {
        let line = |line: &PartLine| (units.get(line.unit).map(ToString::to_string), line.millionths);
        row.lines.iter().map(line).collect()
    };
    let is_here = |units: &[UnitPath], row: &UserShare| {
        row.lines.iter().any(|line| match (&asked.unit, units.get(line.unit)) {
            (Some(unit), Some(of)) => of.is_in(unit),
            (of, there) => of.is_none() && there.is_none(),
        })
    };
    let mut all = Vec::new();
    for (n, share) in rows.into_iter().enumerate() {
        let is = is_here(&units, &share);
        let other = then.map(|(_, other, rows)| (other, &rows[n]));
        let others = other.filter(|(other, row)| goes(&units, &share) != goes(other, row));
        let moved = match (is, others.map(|(other, row)| is_here(other, row))) {
            (true, None) => Moved::Stays,
            (true, Some(true)) => Moved::Within,
            (true, Some(false)) => Moved::Leaves,
            (false, Some(true)) => Moved::Comes,
            (false, _) => continue,
        };
        let then = others.map(|(other, row)| {
            let part = |line: &PartLine| {
                let unit = other.get(line.unit)?.clone();
                Some(Part { unit, percent: Percent::of_millionths(line.millionths) })
            };
            let mut units: Vec<Part> = row.lines.iter().filter_map(part).collect();
            units.sort_by(|a, b| a.unit.cmp(&b.unit));
            units.dedup();
            ShareThen { units, rule: row.rule }
        });
        all.push(SharesRow { share, moved, then });
    }
    let count = |is: Moved| all.iter().filter(|row| row.moved == is).count() as u64;
    let moved = (count(Moved::Comes), count(Moved::Leaves));
    let total = all.len() as u64 - moved.0;
    let filter = Filter::parse::<ShareRow<'_>>(&asked.filter).unwrap();
    all.retain(|row| {
        let UserShare { user, name, sign_in, rule, .. } = &row.share;
        filter.matches(&ShareRow { user: *user, name, sign_in, rule: *rule, moved: row.moved })
    });
    let coins = |row: &SharesRow| {
        let here = row.share.lines.iter().filter(|line| match (&asked.unit, units.get(line.unit)) {
            (Some(unit), Some(of)) => of.is_in(unit),
            (of, there) => of.is_none() && there.is_none(),
        });
        (here.clone().map(|line| line.coins).sum::<i64>(), here.count())
    };
    let name = |row: &SharesRow| row.share.name.to_lowercase();
    match asked.sort {
        None => {}
        Some(ShareField::Name) => all.sort_by_key(name),
        Some(ShareField::SignIn) => all.sort_by_key(|row| row.share.sign_in.to_lowercase()),
        Some(ShareField::Amount) => all.sort_by_key(|row| std::cmp::Reverse(coins(row).0)),
        Some(ShareField::Seats) => all.sort_by_key(|row| std::cmp::Reverse(coins(row).1)),
        Some(ShareField::Rule) => all.sort_by_key(|row| (row.share.rule.is_none(), row.share.rule)),
        Some(ShareField::Draft) => all.sort_by_key(|row| (row.moved == Moved::Stays, row.moved, name(row))),
    }
    if asked.reverse {
        all.reverse();
    }
    let at = asked.at.and_then(|id| all.iter().position(|row| row.share.user == id)).map(|at| at as u64);
    let (matched, count) = (all.len() as u64, u64::from(asked.count));
    let from = at.map_or(asked.from, |at| at.saturating_sub(count / 2)).min(matched.saturating_sub(count));
    let rows = all.into_iter().skip(usize::try_from(from).unwrap()).take(asked.count as usize).collect();
    sheet.rows.retain(|row| match (&asked.unit, row.kind) {
        (Some(unit), RowKind::Unit) => row.unit == *unit,
        (None, kind) => kind == RowKind::Untracked,
        (Some(_), _) => false,
    });
    let names = UnitMask::default();
    SharesSeen { total, moved, matched, from, rows, at, units, sheet: Box::new(sheet), closed, names }
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
    let count = |text: &str, what: &str| text.matches(what).count();
    let open = desk.text();
    assert!(count(&open, "@adatum.example") > 4 && count(&open, "u***@adatum.example") == 0, "{open}");
    desk.press("P");
    let masked = desk.text();
    assert!(count(&masked, "@adatum.example") > 4, "{masked}");
    assert_eq!(count(&masked, "@adatum.example"), count(&masked, "u***@adatum.example"), "{masked}");
    desk.press("Pe");
    let text = desk.text();
    assert!(text.contains("-> Untracked: no rule takes him") && text.contains("- department is \"Finance\""), "{text}");
    desk.press("<Esc><Esc>");
    assert_eq!(desk.app.screen(), Some(ScreenId::Allocation(sample::key("emea", 1))));
    desk.press("\\/sales<Enter><Enter>");
    assert!(desk.row(1).starts_with("Sales: "), "{}", desk.text());
    desk.press("/rule:R4<Enter>");
    let text = desk.text();
    for part in ["Microsoft 365 E3 (70%): Sales", "Microsoft 365 E3 (30%): EMEA"] {
        assert!(text.contains(part), "{text}");
    }
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

/// Tells that a month was closed, and what the screen asks for then; nobody answers it.
fn asked(desk: &mut Desk, fact: AllocatedFact) -> Option<AllocationLook> {
    let (tenant, by) = (sample::key("emea", 1), Text::from("mlee"));
    desk.tell(Change::Allocated { tenant, by, at: desk.now, fact });
    let mut buffer = ratatui::buffer::Buffer::empty(ratatui::layout::Rect::new(0, 0, 80, 24));
    desk.app.draw(&mut buffer, desk.now);
    let wishes = desk.app.take_wishes().into_iter();
    wishes.filter_map(|wish| if let Command::Look(Look::Allocation(look)) = wish { Some(*look) } else { None }).last()
}

/// Makes the screen ask, and answers what a test makes of it.
fn answer(desk: &mut Desk, version: u32, with: impl FnOnce(&AllocationLook) -> AllocationSeen) {
    let look = asked(desk, AllocatedFact::Prices { version, reason: "x".into() }).unwrap();
    let found = Ok(Found::Allocation(Box::new(with(&look))));
    desk.app.hear(Event::Seen(Box::new(Seen { look: Look::Allocation(Box::new(look)), found })), desk.now);
}

#[test]
fn a_draft_whose_month_was_closed_meanwhile_says_from_when_on_it_acts() {
    let month: Month = "2026-11".parse().unwrap();
    let mut desk = desk(Role::Operate).keys("T");
    let look = asked(&mut desk, AllocatedFact::Closed { month }).unwrap();
    let found = Err("2026-11 is closed: no draft moves anything in it".into());
    desk.app.hear(Event::Seen(Box::new(Seen { look: Look::Allocation(Box::new(look)), found })), desk.now);
    desk.press(":save-rules spelled twice<Enter>");
    let text = desk.text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("2026-11 was closed meanwhile: nothing moves in it. The rules act from 2026-12 on."),
        "{text}"
    );
    assert!(text.contains("Save as v4?"), "{text}");
    desk.press("y");
    let wishes = desk.wishes();
    let [Command::Allocate { wish, .. }] = wishes.as_slice() else { panic!("{wishes:?}") };
    assert!(matches!(&**wish, Allocating::SaveRules { from: 3, .. }), "{wish:?}");
}

/// One product of both has a price.
fn half_priced() -> PriceBook {
    PriceBook { prices: prices().prices.into_iter().take(1).collect() }
}

#[test]
fn a_month_that_somebody_closes_or_opens_is_asked_for_anew_on_all_three_screens() {
    let month: Month = "2026-11".parse().unwrap();
    for keys in ["", "<Enter>", "<Enter><Enter>"] {
        let mut desk = desk(Role::Operate).keys(keys);
        let closed = asked(&mut desk, AllocatedFact::Closed { month }).expect(keys);
        let opened = asked(&mut desk, AllocatedFact::Reopened { month, reason: "x".into() }).expect(keys);
        assert!(closed.of == opened.of && closed.round < opened.round, "{keys}");
        let fact = AllocatedFact::Reopened { month, reason: "again".into() };
        assert_eq!(asked(&mut desk, fact), None, "nothing is another");
    }
}

#[test]
fn only_a_window_of_a_unit_is_asked_for_and_the_cursor_stays_on_its_user() {
    let mut desk = desk(Role::Operate).keys("<Enter>");
    assert!(desk.row(2).contains("users, 579 of 579"), "{}", desk.row(2));
    let before = desk.text();
    desk.press("G<PgUp><PgUp>");
    assert!(!desk.text().contains("...") && desk.text() != before, "every row is there: {}", desk.text());
    desk.press("gjjj");
    let title = |desk: &mut Desk| desk.row(18);
    let here = title(&mut desk);
    assert!(here.contains("@adatum.example"), "{here}");
    for keys in ["3", "S", "4", "0", "/!nobody<Enter>"] {
        desk.press(keys);
        assert_eq!(title(&mut desk), here, "{keys}");
    }
    desk.press("/<Ctrl-u>rule:R2<Enter>");
    assert!(desk.row(2).contains("users, 289 of 579  filter /rule:R2"), "{}", desk.row(2));
    desk.press("\\/plan:x");
    assert!(desk.text().contains("no field `plan` here; there are name, upn, id, rule, draft"), "{}", desk.text());
}

#[test]
fn a_unit_is_exported_whole_as_the_command_writes_it() {
    let mut desk = desk(Role::Operate).keys("\\/sales<Enter><Enter>x");
    desk.look(80, 24);
    let text = desk.file();
    let mut read = csv::Reader::from_reader(text.as_bytes());
    let titles: Vec<String> = read.headers().unwrap().iter().map(str::to_owned).collect();
    assert_eq!(titles[..6], ["name", "sign_in", "unit_name", "percent", "product", "amount"]);
    let rows: Vec<Vec<String>> = read.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert!(rows.len() > 548 && rows.iter().all(|row| row[2] == "Sales"), "{}", rows.len());
    let sum: rust_decimal::Decimal = rows.iter().map(|row| row[5].parse::<rust_decimal::Decimal>().unwrap()).sum();
    assert_eq!(sum.to_string(), "16460.74", "what the unit bears");
}

#[test]
fn what_has_no_price_is_no_amount() {
    let mut desk = desk(Role::Operate);
    answer(&mut desk, 7, |look| told_at(look, &half_priced()).unwrap());
    let rows: Vec<String> = (5..13).map(|y| desk.row(y)).collect();
    for row in rows.iter().filter(|row| !row.contains("Seats nobody holds")) {
        assert!(row.contains(" >"), "{rows:#?}");
    }
    answer(&mut desk, 8, |look| told_at(look, &PriceBook::default()).unwrap());
    for row in (5..13).map(|y| desk.row(y)) {
        assert!(row.contains("no price") && !row.contains(" >"), "{row}");
    }
    let mut desk = super::allocation::desk(Role::Operate).keys("<Enter>/lena<Enter>");
    answer(&mut desk, 7, |look| told_at(look, &half_priced()).unwrap());
    let text = desk.text();
    assert!(desk.row(1).contains(", at least "), "{text}");
    assert!(text.contains(">33.05"), "{text}");
    answer(&mut desk, 8, |look| told_at(look, &PriceBook::default()).unwrap());
    let text = desk.text();
    assert!(text.contains("    no price user") && text.contains("    no price  Microsoft 365 E3: "), "{text}");
    assert!(!(4..18).any(|y| desk.row(y).contains("0.00")), "{text}");
}

#[test]
fn a_month_is_not_left_while_a_draft_is_open() {
    let mut desk = desk(Role::Operate).keys("T,");
    assert!(desk.row(22).contains("a draft is not saved: save it or take it back first"), "{}", desk.row(22));
    assert!(desk.text().contains("DRAFT from v3") && desk.row(0).contains("Nov 2026"), "{}", desk.text());
    desk.press("z,");
    assert!(desk.row(0).contains("Oct 2026"), "{}", desk.text());
    desk.press(".");
    assert!(desk.row(0).contains("Nov 2026"), "{}", desk.text());
}

#[test]
fn the_bill_of_a_closed_month_is_told_in_its_own_currency() {
    let mut desk = desk(Role::Operate);
    answer(&mut desk, 7, |look| {
        let mut seen = told(look).unwrap();
        let AllocationSeen::Sheet { months, .. } = &mut seen else { panic!() };
        let event = &mut months[0].events[0];
        (event.currency, event.bill) = (Some("JPY".parse().unwrap()), "1234567".parse().unwrap());
        seen
    });
    let buffer = desk.look(120, 35);
    assert!((0..35).any(|y| super::row(&buffer, y).contains("bill 1,234,567 JPY, rules v3")), "{}", desk.text());
}

#[test]
fn all_that_a_draft_moves_is_listed_before_it_is_saved() {
    let mut desk = desk(Role::Operate).keys("V<Del><Del><Del><Del>");
    assert!(desk.text().contains(", 4 more\n"), "{}", desk.text());
    let moved = ["Back office -", "Back office / Finance -", "Back office / IT -", "EMEA -", "Sales -", "Untracked +"];
    let pane = desk.look(120, 60);
    let pane: Vec<String> = (0..60).filter_map(|y| Some(super::row(&pane, y).split_once('│')?.1.to_owned())).collect();
    for row in moved {
        assert!(pane.iter().any(|line| line.trim().starts_with(row)), "{row} {pane:#?}");
    }
    desk.press(":save-rules all away<Enter>");
    let text = desk.text();
    for row in moved {
        assert!(text.lines().any(|line| line.starts_with(row)), "{row} {text}");
    }
    assert!(text.contains(", 290 -> 0 users"), "{text}");
    // Where not all of it finds room, it can be scrolled before the yes.
    let small = |desk: &mut Desk| {
        let buffer = desk.look(60, 15);
        (0..15).map(|y| super::row(&buffer, y) + "\n").collect::<String>()
    };
    let first = small(&mut desk);
    assert!(
        first.contains("R1 taken away") && first.contains("save rules, lines 1 to ") && !first.contains("EMEA -"),
        "{first}"
    );
    desk.press("<PgDn>");
    let last = small(&mut desk);
    assert!(last.contains("EMEA -") && last.contains("Closed months stay as they are."), "{last}");
    desk.press("<PgUp><PgUp>");
    assert_eq!(small(&mut desk), first);
    desk.press("y");
    assert!(matches!(desk.wishes().as_slice(), [Command::Allocate { .. }]));
}

#[test]
fn the_bill_shows_its_parts_where_there_is_little_room() {
    let mut desk = desk(Role::Operate);
    let bill = |desk: &mut Desk, width| super::row(&desk.look(width, 24), 1);
    assert!(bill(&mut desk, 80).starts_with("bill 46,077.65 EUR = "), "{}", bill(&mut desk, 80));
    assert_eq!(bill(&mut desk, 60), "bill 46078 EUR = units 40242 + untracked 5306 + idle 530");
    answer(&mut desk, 7, |look| {
        let mut seen = told_at(look, &half_priced()).unwrap();
        let AllocationSeen::Sheet { sheet, .. } = &mut seen else { panic!() };
        for amount in [&mut sheet.bill, &mut sheet.units, &mut sheet.untracked] {
            *amount *= rust_decimal::Decimal::from(1_000);
        }
        seen
    });
    let said = bill(&mut desk, 80);
    assert!(said.starts_with("bill >") && said.contains(" + idle ") && said.chars().count() <= 80, "{said}");
    let mut desk = super::allocation::desk(Role::Operate).keys("T");
    assert!(desk.row(2).starts_with("open   rules v3") && desk.row(2).ends_with("DRAFT"), "{}", desk.row(2));
}
