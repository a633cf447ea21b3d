use std::collections::BTreeMap;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::allot::{Classes, Counted, Ids, Writer};
use super::*;
use crate::model::{AssignedLicense, Key, Manager, SkuId, TenantId, Text, TextField, User, UserId};

pub(crate) fn sku(n: usize) -> SkuId {
    SkuId::new(uuid::Uuid::from_u128(n as u128 + 1))
}

pub(crate) fn user(n: u128, department: Option<&str>, licenses: &[usize]) -> User {
    let mut user = User::new(UserId::new(uuid::Uuid::from_u128(n)));
    let mut set = |field: TextField, text: &str| user.texts[field as usize] = Some(text.into());
    set(TextField::DisplayName, &format!("User {n}"));
    set(TextField::UserPrincipalName, &format!("U{n}@x.example"));
    if let Some(department) = department {
        set(TextField::Department, department);
    }
    let held = licenses.iter().map(|n| AssignedLicense { sku_id: Some(sku(*n)), disabled_plans: Vec::new() });
    user.licenses = Some(held.collect());
    user
}

pub(crate) fn counted(users: &[User], purchased: &[Option<i64>]) -> Vec<Counted> {
    let one = |(n, purchased): (usize, &Option<i64>)| {
        let holds = |user: &&User| user.licenses.iter().flatten().any(|one| one.sku_id == Some(sku(n)));
        Counted {
            sku_id: Some(sku(n)),
            part_number: Some(format!("PART_{n}").into()),
            name: format!("Product {n}").into(),
            purchased: *purchased,
            held: users.iter().filter(holds).count() as u64,
            is_company: false,
        }
    };
    purchased.iter().enumerate().map(one).collect()
}

pub(crate) fn facts() -> SheetFacts {
    let at = "2026-11-23T02:10:00Z".parse().unwrap();
    SheetFacts {
        key: Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) },
        title: "Tasmanian Freight".into(),
        month: "2026-11".parse().unwrap(),
        today: "2026-12".parse().unwrap(),
        rules: Some(1),
        prices: Some(1),
        users_at: Some(at),
        skus_at: Some(at),
        together: true,
    }
}

pub(crate) fn price(n: usize, amount: &str, currency: &str, period: Period) -> Price {
    let (amount, currency) = (amount.parse().unwrap(), currency.parse().unwrap());
    Price { sku_id: sku(n), amount, currency, period, from: None, to: None, quantity: None }
}

/// A sheet and what each user bears: by user, unit (none for untracked) and product.
type Reckoned = (Sheet, BTreeMap<(UserId, Option<UnitPath>, usize), Decimal>);

/// Reckons all, with users counted at several places.
fn reckon(
    users: &[User],
    rules: &Rules,
    counted: &[Counted],
    book: &PriceBook,
    places: usize,
) -> Result<Reckoned, String> {
    reckon_of(facts(), users, rules, counted, book, places)
}

/// Reckons all of a sheet that is not as [`facts`] has it.
fn reckon_of(
    facts: SheetFacts,
    users: &[User],
    rules: &Rules,
    counted: &[Counted],
    book: &PriceBook,
    places: usize,
) -> Result<Reckoned, String> {
    book.check()?;
    let parts: BTreeMap<SkuId, Text> =
        counted.iter().filter_map(|one| Some((one.sku_id?, one.part_number.clone()?))).collect();
    let billed = bill_of(counted, book, facts.month)?;
    let sorter = Sorter::new(rules, &parts);
    let chain = Chain::of(users.iter().map(|user| (user.id, sorter.link(user))));
    let mut all = Tally::new(&sorter, &billed);
    let share = users.len().div_ceil(places).max(1);
    for users in users.chunks(share) {
        let mut tally = Tally::new(&sorter, &billed);
        for user in users {
            tally.add(user, &chain);
        }
        tally.finish();
        all.join(tally);
    }
    let Computed { sheet, allotment } = Computed::of(facts, &all, &billed, None)?;
    let mut classes = Classes::of(&all, &allotment);
    let mut noted: Vec<Ids> = Vec::new();
    for users in users.chunks(share) {
        let mut writer = Writer::new(&sorter, &billed, &allotment, &classes);
        let mut ids = Ids::new();
        for user in users {
            let (lines, _) = writer.lines(user, &chain);
            classes.note(user.id, lines, &mut ids);
        }
        noted.push(ids);
    }
    classes.settle(noted);
    let mut writer = Writer::new(&sorter, &billed, &allotment, &classes);
    let mut lines = BTreeMap::new();
    for user in users {
        for line in writer.lines(user, &chain).0 {
            let unit = allotment.units().get(line.unit).cloned();
            let amount = billed.currency.map_or(Decimal::ZERO, |currency| currency.amount(line.coins));
            assert!(lines.insert((user.id, unit, line.product), amount).is_none(), "a seat once");
        }
    }
    Ok((sheet, lines))
}

/// Holds a sheet against the law, at every level.
fn assert_adds_up((sheet, lines): &Reckoned) {
    assert_eq!(sheet.units + sheet.untracked + sheet.idle, sheet.bill);
    let products: Decimal = sheet.products.iter().filter_map(|row| row.amount).sum();
    assert_eq!(products, sheet.bill);
    let of = |kind: RowKind| sheet.rows.iter().filter(move |row| row.kind == kind);
    let outer: Decimal = of(RowKind::Unit).filter(|row| row.unit.0.len() == 1).map(|row| row.amount).sum();
    assert_eq!(outer, sheet.units);
    assert_eq!(of(RowKind::Unit).map(|row| row.own).sum::<Decimal>(), sheet.units);
    assert_eq!(of(RowKind::Untracked).map(|row| row.amount).sum::<Decimal>(), sheet.untracked);
    for row in of(RowKind::Unit) {
        let part = |other: &&SheetRow| other.unit.is_in(&row.unit) && other.unit.0.len() == row.unit.0.len() + 1;
        let parts: Decimal = of(RowKind::Unit).filter(part).map(|row| row.amount).sum();
        assert_eq!(row.own + parts, row.amount, "{}", row.unit);
        let borne: Decimal =
            lines.iter().filter(|((_, unit, _), _)| unit.as_ref() == Some(&row.unit)).map(|(_, amount)| *amount).sum();
        assert_eq!(borne, row.own, "users of {}", row.unit);
        assert!(!row.amount.is_sign_negative() || row.amount.is_zero());
    }
    let untracked: Decimal = lines.iter().filter(|((_, unit, _), _)| unit.is_none()).map(|(_, amount)| *amount).sum();
    assert_eq!(untracked, sheet.untracked);
    let seats: Decimal =
        sheet.rows.iter().filter(|row| row.kind != RowKind::Total && row.unit.0.len() == 1).map(|row| row.seats).sum();
    assert_eq!(of(RowKind::Total).map(|row| row.seats).sum::<Decimal>(), seats);
    assert_eq!(sheet.checks.iter().find(|check| check.name == "sums").map(|check| check.verdict), Some(Verdict::Holds));
}

fn departments() -> impl Strategy<Value = Option<String>> {
    prop::option::of(prop::sample::select(vec![
        "Freight",
        "Freight ",
        "freight",
        "IT",
        "Finance",
        "Legal",
        "Ops / Süd",
    ]))
    .prop_map(|one| one.map(str::to_owned))
}

prop_compose! {
    pub(crate) fn users()(all in prop::collection::vec((departments(), prop::collection::vec(0usize..4, 0..4), 0usize..20), 0..60))
        -> Vec<User> {
        all.iter().zip(0u128..).map(|((department, licenses, manager), n)| {
            // Ids in no order, so that the smallest are not the first.
            let id = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0xffff_ffff;
            let mut user = user(id, department.as_deref(), licenses);
            if *manager < all.len() {
                let id = (*manager as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15) & 0xffff_ffff;
                let name = Some(format!("U{id}@x.example").into());
                let id = Some(UserId::new(uuid::Uuid::from_u128(id)));
                user.manager = Some(Manager { id, display_name: None, user_principal_name: name });
            }
            user
        }).collect()
    }
}

fn path() -> impl Strategy<Value = UnitPath> {
    prop::collection::vec(prop::sample::select(vec!["A", "B", "a", "C"]), 1..4)
        .prop_map(|names| UnitPath(names.into_iter().map(Text::from).collect()))
}

fn splits() -> impl Strategy<Value = Vec<Part>> {
    (prop::collection::btree_set(path(), 1..4), 1u32..999_990).prop_map(|(units, first)| {
        let mut left = Percent::WHOLE.millionths();
        let count = units.len();
        units
            .into_iter()
            .enumerate()
            .map(|(n, unit)| {
                let part = if n + 1 == count { left } else { first.min(left - 5) };
                left -= part;
                Part { unit, percent: Percent::of_millionths(part) }
            })
            .collect()
    })
}

fn conditions() -> impl Strategy<Value = Condition> {
    let attribute = prop::sample::select(vec![
        Attribute::Text(TextField::Department),
        Attribute::Manager,
        Attribute::ManagerChain,
        Attribute::License,
    ]);
    let value = prop::sample::select(vec!["Freight", "freight ", "I", "*e*", "U0@x.example", "PART_1"]);
    (attribute, value, 0..5u8, any::<bool>(), any::<bool>()).prop_map(|(attribute, value, test, any_case, trim)| {
        let test = match test {
            0 => Test::Is(value.into()),
            1 => Test::In(vec![value.into(), "Legal".into()]),
            2 => Test::Starts(value.into()),
            3 => Test::Matches(value.into()),
            _ => Test::Absent,
        };
        Condition { attribute, test, any_case, trim }
    })
}

pub(crate) fn rules() -> impl Strategy<Value = Rules> {
    let then = prop_oneof![
        path().prop_map(Then::Unit),
        splits().prop_map(Then::Split),
        (any::<bool>(), prop::option::of(path())).prop_map(|(fold, under)| Then::Each {
            by: vec![Attribute::Text(TextField::Department), Attribute::Manager],
            under,
            fold
        }),
    ];
    let rule =
        (prop::collection::vec(conditions(), 0..3), then).prop_map(|(when, then)| Rule { name: None, when, then });
    let assigned = (0u32..3, splits()).prop_map(|(n, to)| Assigned { user: format!("u{n}@X.example").into(), to });
    (prop::collection::vec(rule, 0..8), prop::collection::vec(assigned, 0..2)).prop_map(|(rules, mut assigned)| {
        assigned.dedup_by_key(|one| one.user.clone());
        Rules { rules, assigned, ..Rules::default() }.checked().unwrap()
    })
}

pub(crate) fn books() -> impl Strategy<Value = PriceBook> {
    let period = prop::sample::select(Period::ALL.to_vec());
    let term = (0u64..100_000_000, 0u32..5, period, 1u32..500);
    let currency = prop::sample::select(vec!["EUR", "JPY", "KWD"]);
    (currency, prop::collection::vec(prop::collection::vec(term, 0..3), 4)).prop_map(|(currency, products)| {
        let mut prices = Vec::new();
        for (n, terms) in products.iter().enumerate() {
            for (amount, scale, period, quantity) in terms {
                let amount = Decimal::new(i64::try_from(*amount).unwrap(), *scale);
                let mut price = price(n, "1", currency, *period);
                (price.amount, price.quantity) = (amount, Some(*quantity));
                prices.push(price);
            }
        }
        PriceBook { prices }
    })
}

fn purchased() -> impl Strategy<Value = Vec<Option<i64>>> {
    prop::collection::vec(prop::option::weighted(0.9, -3i64..80), 4)
}

proptest! {
    #[test]
    fn units_untracked_and_idle_are_the_bill(
        users in users(), rules in rules(), book in books(), purchased in purchased(), places in 1usize..4,
    ) {
        let counted = counted(&users, &purchased);
        let reckoned = reckon(&users, &rules, &counted, &book, places).unwrap();
        assert_adds_up(&reckoned);
        let back: Sheet = serde_json::from_str(&serde_json::to_string(&reckoned.0).unwrap()).unwrap();
        prop_assert_eq!(back, reckoned.0, "a sheet is frozen and comes back");
    }

    #[test]
    fn no_order_of_users_matters(
        users in users(), rules in rules(), book in books(), purchased in purchased(), places in 2usize..5,
        seed in any::<u64>(),
    ) {
        let counted = counted(&users, &purchased);
        let want = reckon(&users, &rules, &counted, &book, 1).unwrap();
        let mut shuffled = users.clone();
        shuffled.sort_by_key(|user| u64::try_from(user.id.0.as_u128()).unwrap().wrapping_mul(seed | 1));
        prop_assert_eq!(&reckon(&shuffled, &rules, &counted, &book, places).unwrap(), &want);
        let mut reversed = counted.clone();
        reversed.reverse();
        prop_assert_eq!(&reckon(&users, &rules, &reversed, &book, 1).unwrap(), &want, "nor one of products");
    }

    #[test]
    fn no_order_of_rules_matters_that_never_hold_at_once(
        users in users(), book in books(), purchased in purchased(), turn in 0usize..4,
    ) {
        let rule = |(value, unit): (&str, &str)| {
            let attribute = Attribute::Text(TextField::Department);
            let test = Test::Is(value.into());
            let when = vec![Condition { attribute, test, any_case: false, trim: false }];
            Rule { name: None, when, then: Then::Unit(unit.into()) }
        };
        let mut list: Vec<Rule> =
            [("Freight", "A"), ("freight", "B"), ("IT", "A"), ("Legal", "C")].map(rule).into();
        let of = |list: &[Rule]| {
            let rules = Rules { rules: list.to_vec(), ..Rules::default() };
            let (sheet, lines) = reckon(&users, &rules, &counted(&users, &purchased), &book, 1).unwrap();
            let rows: Vec<_> =
                sheet.rows.into_iter().map(|row| (row.unit, row.users, row.seats, row.amount)).collect();
            (rows, lines)
        };
        let want = of(&list);
        list.rotate_left(turn);
        prop_assert_eq!(of(&list), want);
    }

    #[test]
    fn bits_say_what_conditions_say_one_by_one(users in users(), rules in rules()) {
        // Rules as a person would read them.
        let parts: BTreeMap<SkuId, Text> = (0..4).map(|n| (sku(n), format!("PART_{n}").into())).collect();
        let sorter = Sorter::new(&rules, &parts);
        let by_id: BTreeMap<UserId, &User> = users.iter().map(|user| (user.id, user)).collect();
        let chain = Chain::of(users.iter().map(|user| (user.id, sorter.link(user))));
        let above = |user: &User| {
            let mut names: Vec<Text> = Vec::new();
            let mut next = user.manager.clone();
            while let Some(manager) = next {
                let name = manager.user_principal_name.clone().unwrap();
                if names.contains(&name) {
                    break;
                }
                names.push(name);
                next = manager.id.and_then(|id| by_id.get(&id)).and_then(|user| user.manager.clone());
            }
            names
        };
        let mut desk = Desk::new(&sorter);
        for user in &users {
            let (outcome, by) = desk.sort(user, &chain);
            if rules.assigned.iter().any(|one| why::is_meant(user, &one.user)) {
                prop_assert!(matches!(outcome, Outcome::Fixed(_)) && by.is_none());
                continue;
            }
            let holds = |condition: &Condition| {
                let mut values: Vec<Text> = match condition.attribute {
                    Attribute::ManagerChain => above(user),
                    Attribute::Manager => user.manager.iter().filter_map(|one| one.user_principal_name.clone()).collect(),
                    Attribute::License => user.licenses.iter().flatten().map(|one| parts[&one.sku_id.unwrap()].clone()).collect(),
                    attribute @ (Attribute::Text(_) | Attribute::Extension(_)) => attribute.single(user).map(Text::from).into_iter().collect(),
                };
                values.retain(|value| !value.is_empty());
                match condition.test {
                    Test::Absent => values.is_empty(),
                    Test::Is(_) | Test::In(_) | Test::Starts(_) | Test::Matches(_) => values.iter().any(|value| condition::holds(condition, value)),
                }
            };
            let takes = |rule: &&Rule| {
                let has_group = match &rule.then {
                    Then::Each { by, .. } => sorter::group_value(by[0], user).is_some(),
                    Then::Unit(_) | Then::Split(_) => true,
                };
                has_group && rule.when.iter().all(holds)
            };
            let want = rules.rules.iter().position(|rule| takes(&rule));
            prop_assert_eq!(by, want, "{:?}", user);
            let why = Why::of(&sorter, user, &chain, &above(user));
            prop_assert_eq!(why.steps.iter().position(|step| step.takes), want);
            prop_assert_eq!(why.steps.iter().position(|step| step.holds), want, "{:?}", why);
        }
    }
}

fn rule(department: &str, unit: &str) -> Rule {
    let attribute = Attribute::Text(TextField::Department);
    let when = vec![Condition { attribute, test: Test::Is(department.into()), any_case: false, trim: false }];
    Rule { name: None, when, then: Then::Unit(unit.into()) }
}

fn row<'s>(sheet: &'s Sheet, name: &str) -> &'s SheetRow {
    sheet.rows.iter().find(|row| row.unit.to_string() == name).unwrap_or_else(|| panic!("{name}: {:?}", sheet.rows))
}

#[test]
fn what_is_idle_shared_and_open_is_told() {
    let users = [user(1, Some("A"), &[0, 1]), user(2, Some("A"), &[0]), user(3, None, &[0, 2])];
    // Of the first more are purchased than held, of the second fewer; the third has no price, the fourth nothing.
    let counted = counted(&users, &[Some(5), Some(0), Some(2), Some(0)]);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month), price(1, "7", "EUR", Period::Month)] };
    let rules = Rules { rules: vec![rule("A", "Unit A")], ..Rules::default() };
    let (sheet, lines) = reckon(&users, &rules, &counted, &book, 1).unwrap();
    let amounts = |name: &str| row(&sheet, name).amount.to_string();
    assert_eq!([amounts("Unit A"), amounts("Untracked"), amounts("Seats nobody holds")], ["20.00", "10.00", "20.00"]);
    assert_eq!((sheet.bill.to_string().as_str(), sheet.whole), ("50.00", false));
    assert_eq!(row(&sheet, "Untracked").open_seats, Decimal::ONE);
    let states: Vec<_> =
        sheet.products.iter().map(|row| (row.state, row.amount.map(|amount| amount.to_string()))).collect();
    let told = |text: &str| Some(text.to_owned());
    assert_eq!(
        states,
        [
            (ProductState::Priced, told("50.00")),
            (ProductState::Lapsed, told("0.00")),
            (ProductState::Unpriced, None),
            (ProductState::None, told("0.00")),
        ]
    );
    let stops: Vec<&str> = sheet.stops().iter().map(|check| check.said.as_str()).collect();
    assert_eq!(stops, ["prices 1 of 2: none for Product 2; next: tenantop prices"]);
    assert_eq!(lines.values().map(ToString::to_string).filter(|amount| amount == "10.00").count(), 3);
    // Two hold one purchased seat: they share its price, and a coin that is left goes to the smaller id.
    let users = [user(9, Some("A"), &[0]), user(3, Some("A"), &[0])];
    let counted = super::tests::counted(&users, &[Some(1)]);
    let book = PriceBook { prices: vec![price(0, "10.01", "EUR", Period::Month)] };
    let (_, lines) = reckon(&users, &rules, &counted, &book, 2).unwrap();
    let borne: Vec<String> = lines.values().map(ToString::to_string).collect();
    assert_eq!(borne, ["5.01", "5.00"], "user 3, then user 9");
}

#[test]
fn a_free_product_costs_nothing_unless_it_has_a_price() {
    let free: SkuId = "f30db892-07e9-47e9-837c-80727f46fd3d".parse().unwrap();
    let mut one = user(1, None, &[]);
    one.licenses = Some(vec![AssignedLicense { sku_id: Some(free), disabled_plans: Vec::new() }]);
    let counted = [Counted {
        sku_id: Some(free),
        part_number: None,
        name: "Flow Free".into(),
        purchased: Some(10_000),
        held: 1,
        is_company: false,
    }];
    let (sheet, _) = reckon(&[one.clone()], &Rules::start(), &counted, &PriceBook::default(), 1).unwrap();
    assert_eq!((sheet.users, sheet.without, sheet.whole, sheet.bill.is_zero()), (0, 1, true, true));
    let mut priced = price(0, "0.01", "EUR", Period::Month);
    priced.sku_id = free;
    let (sheet, _) = reckon(&[one], &Rules::start(), &counted, &PriceBook { prices: vec![priced] }, 1).unwrap();
    assert_eq!((sheet.users, sheet.bill.to_string().as_str()), (1, "100.00"));
}

#[test]
fn spellings_hidden_rules_and_conflicts_are_told() {
    let users = [
        user(1, Some("Freight"), &[0]),
        user(2, Some("Freight "), &[0]),
        user(3, Some("freight"), &[0]),
        user(4, Some("Freight"), &[0]),
        user(5, Some("IT"), &[0]),
    ];
    let counted = counted(&users, &[Some(5)]);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    let mut starts = rule("x", "Elsewhere");
    starts.when[0].test = Test::Starts("Fre".into());
    let mut narrow = rule("Freight", "Never");
    narrow.when.push(Condition {
        attribute: Attribute::Extension(3),
        test: Test::Absent,
        any_case: false,
        trim: false,
    });
    let rules =
        Rules { rules: vec![rule("Freight", "Sales"), starts, narrow, rule("Nobody", "Nobody")], ..Rules::default() };
    let (sheet, _) = reckon(&users, &rules, &counted, &book, 2).unwrap();
    let said: BTreeMap<&str, &str> =
        sheet.checks.iter().map(|check| (check.name.as_str(), check.said.as_str())).collect();
    assert_eq!(said["unreachable"], "rules that can never take anybody: 1; R3 behind R1");
    assert_eq!(said["idle rules"], "rules that take nobody: 2; R3, R4");
    assert_eq!(said["conflicts"], "R1 wins over R2 for 2 users; R1 wins over R3 for 2 users");
    assert_eq!(said["untracked"], "users that match no rule: 2");
    let [cluster] = sheet.clusters.as_slice() else { panic!("{:?}", sheet.clusters) };
    let spelled: Vec<(&str, u64, u64)> =
        cluster.spellings.iter().map(|(value, users, of)| (value.as_str(), *users, *of)).collect();
    assert_eq!(spelled, [("Freight", 2, 0), ("Freight ", 1, 0), ("freight", 1, 1)]);
    // A rule that folds makes one unit of them, called as most spell it.
    let each = Then::Each { by: vec![Attribute::Text(TextField::Department)], under: Some("All".into()), fold: true };
    let rules = Rules { rules: vec![Rule { name: None, when: Vec::new(), then: each }], ..Rules::default() };
    let (sheet, _) = reckon(&users, &rules, &counted, &book, 3).unwrap();
    assert_eq!((row(&sheet, "All / Freight").users, row(&sheet, "All").users), (4, 5));
}

#[test]
fn why_is_told_with_the_value_and_what_is_odd_about_it() {
    let mut lena = user(7, Some("Freight "), &[0]);
    lena.manager = Some(Manager { id: None, display_name: Some("Boss".into()), user_principal_name: None });
    let mut loose = rule("FREIGHT", "Loose");
    loose.when[0].any_case = true;
    let mut chief = rule("x", "Chiefs");
    chief.when[0] =
        Condition { attribute: Attribute::ManagerChain, test: Test::Is("Boss".into()), any_case: false, trim: false };
    let split = Rule {
        name: Some("Rest".into()),
        when: Vec::new(),
        then: Then::Split(vec![
            Part { unit: "A".into(), percent: Percent::of_millionths(700_000) },
            Part { unit: "B".into(), percent: Percent::of_millionths(300_000) },
        ]),
    };
    let rules =
        Rules { rules: vec![rule("freight", "A"), rule("Freight", "B"), loose, chief, split], ..Rules::default() };
    let parts = BTreeMap::new();
    let sorter = Sorter::new(&rules, &parts);
    let why = Why::of(&sorter, &lena, &Chain::default(), &["Boss".into()]);
    let values: Vec<&str> = why.steps.iter().flat_map(|step| &step.conditions).map(|one| one.value.as_str()).collect();
    assert_eq!(
        values,
        [
            "\"Freight \" (other capitals and a blank at an end)",
            "\"Freight \" (a blank at an end)",
            "\"Freight \" (a blank at an end)",
            "\"Boss\"",
        ]
    );
    assert_eq!(why.units, [Part { unit: "Chiefs".into(), percent: Percent::WHOLE }]);
    assert_eq!(
        why.steps.iter().map(|step| (step.holds, step.takes)).collect::<Vec<_>>(),
        [(false, false), (false, false), (false, false), (true, true), (true, false),]
    );
    assert_eq!(why.steps[4].says, "Rest: everybody -> A 70%, B 30%");
}

#[test]
fn a_preview_says_what_moves_and_what_becomes_empty() {
    let users = [user(1, Some("Freight "), &[0]), user(2, Some("Freight"), &[0]), user(3, Some("IT"), &[0])];
    let counted = counted(&users, &[Some(4)]);
    let book = PriceBook { prices: vec![price(0, "33.33", "EUR", Period::Month)] };
    let of = |rules: Vec<Rule>| reckon(&users, &Rules { rules, ..Rules::default() }, &counted, &book, 1).unwrap().0;
    let now = of(vec![rule("Freight", "Sales"), rule("IT", "IT")]);
    let mut looser = rule("Freight", "Sales");
    looser.when[0].trim = true;
    let preview = Preview::of(&now, of(vec![looser, rule("IT", "Sales")]));
    let moved: Vec<(String, String)> =
        preview.rows.iter().map(|row| (row.unit.to_string(), row.moved.unwrap().to_string())).collect();
    let want = [
        ("IT", "-33.33"),
        ("Sales", "66.66"),
        ("Untracked", "-33.33"),
        ("Seats nobody holds", "0.00"),
        ("TOTAL = bill", "0.00"),
    ];
    assert_eq!(moved, want.map(|(unit, moved)| (unit.to_owned(), moved.to_owned())));
    let all = [preview.moved(), preview.net()].map(|amount| amount.unwrap().to_string());
    assert_eq!((all, preview.currencies()), (["66.66".to_owned(), "0.00".to_owned()], None));
    assert_eq!(
        preview.rows.iter().filter(|row| row.empties).map(|row| row.unit.to_string()).collect::<Vec<_>>(),
        ["IT"]
    );
    assert!(!preview.is_still() && Preview::of(&now, now.clone()).is_still());
}

#[test]
fn amounts_of_two_currencies_are_not_held_against_each_other() {
    let users = [user(1, Some("Freight"), &[0])];
    let counted = counted(&users, &[Some(1)]);
    let of = |amount: &str, currency: &str| {
        let book = PriceBook { prices: vec![price(0, amount, currency, Period::Month)] };
        reckon(&users, &Rules::start(), &counted, &book, 1).unwrap().0
    };
    let eur = of("100", "EUR");
    let preview = Preview::of(&eur, of("15000", "JPY"));
    assert!(preview.rows.iter().all(|row| row.moved.is_none()), "{:?}", preview.rows);
    let both = preview.currencies().map(|(now, then)| format!("{now} {then}"));
    assert_eq!((preview.moved(), preview.net(), both.as_deref()), (None, None, Some("EUR JPY")));
    // As many of another currency are not the same.
    assert!(!Preview::of(&eur, of("100", "USD")).is_still() && Preview::of(&eur, of("100", "EUR")).is_still());
    // No prices are no other currency: all of the bill is what the draft moves.
    let none = reckon(&users, &Rules::start(), &counted, &PriceBook::default(), 1).unwrap().0;
    assert_eq!(Preview::of(&none, eur).net().map(|net| net.to_string()).as_deref(), Some("100.00"));
}

#[test]
fn a_month_is_closed_with_data_of_its_own_only() {
    let users = [user(1, Some("Freight"), &[0])];
    let counted = counted(&users, &[Some(1)]);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    let data = |read: [&str; 2], today: &str| {
        let [users_at, skus_at] = read.map(|at| Some(at.parse().unwrap()));
        let facts = SheetFacts { users_at, skus_at, today: today.parse().unwrap(), ..facts() };
        let (sheet, _) = reckon_of(facts, &users, &Rules::start(), &counted, &book, 1).unwrap();
        let check = sheet.checks.iter().find(|check| check.name == "data").unwrap();
        (check.verdict, check.said.to_string())
    };
    let (last, next) = ("2026-11-30T23:59:59Z", "2026-12-01T00:00:00Z");
    let (verdict, said) = data([last, last], "2026-12");
    assert_eq!(
        (verdict, said.as_str()),
        (Verdict::Holds, "users and SKUs of one import of the month, data of 2026-11-30")
    );
    assert_eq!(data([last, last], "2026-11").0, Verdict::Warns);
    for read in [[next, next], [last, next], [next, last]] {
        let (verdict, said) = data(read, "2026-12");
        assert_eq!(verdict, Verdict::Fails, "{said}");
        assert!(said.contains("the data are of 2026-12, after the month, and no reading of 2026-11 is kept"), "{said}");
    }
    let before = "2026-10-31T00:00:00Z";
    assert!(data([before, before], "2026-12").1.contains("before the month began"));
}

#[test]
fn what_was_never_read_makes_no_whole_bill_of_nothing() {
    let users = [user(1, Some("Freight"), &[0])];
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    let key = facts().key;
    let mut tenant = crate::model::Tenant::new(key, "T".into(), "t".into(), facts().users_at.unwrap());
    let good = |run: u32| crate::model::Good {
        at: facts().users_at.unwrap(),
        count: 1,
        snapshot: crate::model::SnapshotId(1),
        run: crate::model::RunId(run.into()),
    };
    tenant.users.good = Some(good(1));
    tenant.held = crate::model::Packed::of(&[(sku(0), 1)]);
    let of = |tenant: &crate::model::Tenant| {
        let month = facts().month;
        let of = AllocationOf::new(tenant, &crate::model::Catalog::default(), month, month);
        reckon_of(of.facts.clone(), &users, &Rules::start(), &of.counted, &book, 1).unwrap().0
    };
    let sheet = of(&tenant);
    assert_eq!((sheet.products[0].purchased, sheet.products[0].state), (None, ProductState::Uncounted));
    assert!(!sheet.whole && sheet.products[0].amount.is_none());
    // SKUs that were read and do not list it say that there is none of it.
    tenant.skus.good = Some(good(1));
    let sheet = of(&tenant);
    assert_eq!((sheet.products[0].purchased, sheet.products[0].state), (Some(0), ProductState::Lapsed));
    assert!(sheet.whole);
    tenant.users.good = None;
    assert!(!of(&tenant).whole, "who holds what is not known");
}

#[test]
fn splits_that_do_not_add_up_are_told() {
    let users = [user(1, Some("A"), &[0])];
    let counted = counted(&users, &[Some(1)]);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    let part = |unit: &str, percent: u32| Part { unit: unit.into(), percent: Percent::of_millionths(percent * 10_000) };
    let check = |parts: Vec<Part>, to: Vec<Part>| {
        let split = Rule { name: None, when: Vec::new(), then: Then::Split(parts) };
        let assigned = vec![Assigned { user: "nobody@x.example".into(), to }];
        // As nobody could save it.
        let rules = Rules { rules: vec![rule("x", "X"), split], assigned, ..Rules::default() };
        let (sheet, _) = reckon(&users, &rules, &counted, &book, 1).unwrap();
        let check = sheet.checks.iter().find(|check| check.name == "splits").unwrap();
        (check.verdict, check.said.to_string())
    };
    let whole = || vec![part("A", 70), part("B", 30)];
    assert_eq!(check(whole(), whole()), (Verdict::Holds, "each split adds up to 100 %".to_owned()));
    let half = || vec![part("A", 50)];
    assert_eq!(check(half(), whole()).0, Verdict::Fails);
    assert!(check(half(), half()).1.contains("100 %: R2, A1"), "{}", check(half(), half()).1);
}

#[test]
fn fixed_assignments_of_nobody_and_of_one_user_twice_are_told() {
    let mut without = user(3, None, &[]);
    without.licenses = None;
    let users = [user(1, Some("A"), &[0]), user(2, Some("A"), &[0]), without];
    let counted = counted(&users, &[Some(2)]);
    let book = PriceBook { prices: vec![price(0, "10", "EUR", Period::Month)] };
    let assigned = |user: &str, unit: &str| Assigned {
        user: user.into(),
        to: vec![Part { unit: unit.into(), percent: Percent::WHOLE }],
    };
    let gone = UserId::new(uuid::Uuid::from_u128(77)).to_string();
    let second = UserId::new(uuid::Uuid::from_u128(2)).to_string();
    let rules = Rules {
        assigned: vec![
            assigned("gone@x.example", "X"),
            assigned("u2@X.example", "By name"),
            assigned(&gone, "X"),
            assigned(&second, "By id"),
            // He is there, and holds nothing.
            assigned("u3@x.example", "X"),
        ],
        ..Rules::default()
    };
    let rules = rules.checked().unwrap();
    for places in [1, 3] {
        let (sheet, _) = reckon(&users, &rules, &counted, &book, places).unwrap();
        let said = |name: &str| sheet.checks.iter().find(|check| check.name == name).map(|check| check.said.as_str());
        assert_eq!(said("assigned to nobody"), Some("fixed assignments of users who are not there: 2; A1, A3"));
        let twice = "users assigned twice, by object id and by sign-in name: 1; A4 wins over A2";
        assert_eq!(said("assigned twice"), Some(twice));
        assert_eq!((row(&sheet, "By id").users, sheet.stops().len()), (1, 0));
        // Of users who were never read nobody is missing.
        let facts = SheetFacts { users_at: None, ..facts() };
        let (sheet, _) = reckon_of(facts, &[], &rules, &counted, &book, 1).unwrap();
        assert!(sheet.checks.iter().all(|check| !check.name.starts_with("assigned")), "{:?}", sheet.checks);
    }
}

#[test]
fn units_that_became_empty_are_told_whatever_the_currency_was() {
    let then = [user(1, Some("Freight"), &[0]), user(2, Some("IT"), &[0])];
    let now = [user(2, Some("IT"), &[0])];
    let book = |currency: &str| PriceBook { prices: vec![price(0, "10", currency, Period::Month)] };
    let (before, _) = reckon(&then, &Rules::start(), &counted(&then, &[Some(2)]), &book("EUR"), 1).unwrap();
    let counted = counted(&now, &[Some(1)]);
    for (currency, freight) in [("EUR", Some("10.00")), ("JPY", None)] {
        let (book, rules, parts) = (book(currency), Rules::start(), BTreeMap::new());
        let billed = bill_of(&counted, &book, facts().month).unwrap();
        let sorter = Sorter::new(&rules, &parts);
        let mut tally = Tally::new(&sorter, &billed);
        for user in &now {
            tally.add(user, &Chain::default());
        }
        tally.finish();
        let mut all = Tally::new(&sorter, &billed);
        all.join(tally);
        let sheet = Computed::of(facts(), &all, &billed, Some(&before)).unwrap().sheet;
        let row = row(&sheet, "Freight");
        assert!(row.emptied, "{currency}: {row:?}");
        assert_eq!(row.before.map(|before| before.to_string()).as_deref(), freight, "{currency}");
        let said = sheet.checks.iter().find(|check| check.name == "emptied").map(|check| check.said.as_str());
        assert_eq!(said, Some("units that had users in the month before and have none: 1; Freight"), "{currency}");
    }
}

#[test]
fn too_many_groups_are_refused_and_not_cut() {
    let users: Vec<User> = (0..=Rules::UNITS as u128).map(|n| user(n, Some(&format!("D{n}")), &[0])).collect();
    let counted = counted(&users, &[Some(1)]);
    let said = reckon(&users, &Rules::start(), &counted, &PriceBook::default(), 3).unwrap_err();
    assert!(said.contains("more than 10000 groups"), "{said}");
}
