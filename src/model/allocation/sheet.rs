//! The sheet: a month of a customer, unit by unit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use super::allot::{Counted, Product};
use super::sorter::APART;
use super::tally::Tally;
use super::{Allotment, Billed, Check, Cluster, Currency, Month, Rules, Then, UnitPath};
use crate::model::{Key, SkuId, TenantId, Text};

/// How the sheet reckons, in the words that stand on it.
pub const METHOD: [&str; 4] = [
    "a seat is a license that a user holds; purchased = enabled + in grace; idle = purchased less held, never below 0",
    "the bill of a product is purchased times the price of a month, rounded once, half up; where more are held than \
     purchased, all who hold one share it",
    "the coins of a product go to units, untracked and idle by seats, by largest remainder; inside a unit to users by \
     their shares",
    "prices are those of the last day of the month; nothing is prorated; a free product without a price costs nothing",
];

/// What a sheet is of: all but counts and prices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SheetFacts {
    /// Whose customer, and which.
    pub key: Key,
    /// What it is called.
    pub title: Text,
    /// Which month.
    pub month: Month,
    /// The month that it is now.
    pub today: Month,
    /// The version of the rules; 0 for those that every customer begins with; absent for a draft.
    pub rules: Option<u32>,
    /// The version of the prices; 0 for none; absent for a draft.
    pub prices: Option<u32>,
    /// When the users were read.
    pub users_at: Option<Timestamp>,
    /// When the SKUs were read.
    pub skus_at: Option<Timestamp>,
    /// Whether one import read both.
    pub together: bool,
}

impl SheetFacts {
    /// Whether the data are those of one import of the month.
    pub fn is_of_month(&self) -> bool {
        let own = |at: Option<Timestamp>| at.is_some_and(|at| Month::of(at) == self.month);
        self.together && own(self.users_at) && own(self.skus_at)
    }
}

/// Whether a product is on the bill, and with what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductState {
    /// It has a price.
    Priced,
    /// It needs a price and has none.
    Unpriced,
    /// Its units were not told.
    Uncounted,
    /// It is held and no longer purchased: it costs nothing.
    Lapsed,
    /// It is free and has no price.
    Free,
    /// There is nothing of it: neither purchased nor held.
    None,
}

impl ProductState {
    /// Whether its seats count.
    pub const fn is_on_bill(self) -> bool {
        match self {
            ProductState::Priced | ProductState::Unpriced | ProductState::Uncounted | ProductState::Lapsed => true,
            ProductState::Free | ProductState::None => false,
        }
    }

    /// Whether a sheet with it is not whole.
    pub const fn is_open(self) -> bool {
        match self {
            ProductState::Unpriced | ProductState::Uncounted => true,
            ProductState::Priced | ProductState::Lapsed | ProductState::Free | ProductState::None => false,
        }
    }

    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            ProductState::Priced => "priced",
            ProductState::Unpriced => "no price",
            ProductState::Uncounted => "not counted",
            ProductState::Lapsed => "lapsed",
            ProductState::Free => "free",
            ProductState::None => "none",
        }
    }
}

/// A product on the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductRow {
    /// Which product; absent if the answer had null.
    pub sku_id: Option<SkuId>,
    /// `skuPartNumber`
    pub part_number: Option<Text>,
    /// What it is called.
    pub name: Text,
    /// Whether it has a price, and needs one.
    pub state: ProductState,
    /// Usable units; absent if not told.
    pub purchased: Option<i64>,
    /// How many users hold it.
    pub held: u64,
    /// Seats that nobody holds.
    pub idle: u64,
    /// What a seat costs a month, to six decimals; the bill is reckoned with the exact price.
    pub monthly: Option<Decimal>,
    /// What all of it costs; absent where that is not known.
    pub amount: Option<Decimal>,
}

/// What a row of the sheet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// A business unit, with all that is part of it.
    Unit,
    /// Users whom no rule took.
    Untracked,
    /// Seats that nobody holds.
    Idle,
    /// The bill.
    Total,
}

impl RowKind {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            RowKind::Unit => "unit",
            RowKind::Untracked => "untracked",
            RowKind::Idle => "idle",
            RowKind::Total => "total",
        }
    }
}

/// A row of the sheet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SheetRow {
    /// What it is.
    pub kind: RowKind,
    /// Which unit; of others what they are called.
    pub unit: UnitPath,
    /// The unit's code.
    pub code: Option<Text>,
    /// Users with a seat on the bill. One who is split counts in each of his units, and once in what they are part of.
    pub users: u64,
    /// Their seats; of split users their shares of them.
    pub seats: Decimal,
    /// What it bears; a unit with all that is part of it.
    pub amount: Decimal,
    /// What it bears for users who are in it and in no part of it.
    pub own: Decimal,
    /// Its part of the bill in percent; absent while the bill is nothing.
    pub share: Option<Decimal>,
    /// What it bore in the month before; absent unless that month is closed or a reading of it is kept, and its sheet is a
    /// whole one in the same currency.
    pub before: Option<Decimal>,
    /// The places of the rules that put users here, from 1.
    pub rules: Vec<u32>,
    /// How many users are here because they have a place of their own.
    pub assigned: u64,
    /// Seats of products without a price or a count: what they cost is in no amount.
    pub open_seats: Decimal,
    /// Whether it had users in the month before and has none.
    pub emptied: bool,
}

/// A rule and how often it was right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRow {
    /// Its place, from 1.
    pub rule: u32,
    /// What it says.
    pub says: Text,
    /// Users for whom its conditions hold.
    pub matched: u64,
    /// Users whom it took.
    pub taken: u64,
}

/// A month of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sheet {
    /// What it is of.
    pub facts: SheetFacts,
    /// Its currency; absent without any price.
    pub currency: Option<Currency>,
    /// What all of it costs: units, untracked and idle together.
    pub bill: Decimal,
    /// What units bear.
    pub units: Decimal,
    /// What is for users whom no rule took.
    pub untracked: Decimal,
    /// What is for seats that nobody holds.
    pub idle: Decimal,
    /// Whether users and SKUs were read, and every product on the bill has a count and a price; else the bill is more than
    /// it says.
    pub whole: bool,
    /// Users with a seat on the bill.
    pub users: u64,
    /// Users without one, who are in no row.
    pub without: u64,
    /// Units, each before its parts; then untracked, idle, total.
    pub rows: Vec<SheetRow>,
    /// Products: those on the bill first.
    pub products: Vec<ProductRow>,
    /// Rules in their order.
    pub rules: Vec<RuleRow>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// Values that look like one.
    pub clusters: Vec<Cluster>,
    /// How it reckons.
    pub method: Vec<Text>,
}

/// A sheet with what its lines are made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computed {
    /// The sheet.
    pub sheet: Sheet,
    /// Who bears what.
    pub allotment: Allotment,
}

/// Seats as millionths add up.
fn seats(millionths: u128) -> Decimal {
    let exact = i128::try_from(millionths).ok().and_then(|n| Decimal::try_from_i128_with_scale(n, 6).ok());
    exact.unwrap_or(Decimal::MAX).normalize()
}

/// What adds up to a row.
#[derive(Default)]
struct Sums {
    users: u64,
    seats: u128,
    open: u128,
    coins: i64,
    own: i64,
    rules: BTreeSet<u32>,
    assigned: u64,
}

impl Computed {
    /// The sheet of what was counted. `before` is the sheet of the month before.
    pub fn of(facts: SheetFacts, tally: &Tally<'_>, billed: &Billed, before: Option<&Sheet>) -> Result<Self, String> {
        let allotment = Allotment::of(tally, billed)?;
        let rules = tally.sorter().rules();
        let currency = billed.currency;
        let money = |coins: i64| currency.map_or(Decimal::new(coins, 0), |currency| currency.amount(coins));
        let (mut by_unit, special) = sums(tally, billed, &allotment);
        let comparable = before.is_some_and(|before| before.currency == currency && before.whole);
        let was: BTreeMap<(RowKind, &UnitPath), &SheetRow> =
            before.iter().flat_map(|sheet| &sheet.rows).map(|row| ((row.kind, &row.unit), row)).collect();
        for ((kind, unit), _) in was.iter().filter(|(_, row)| row.users > 0) {
            if *kind == RowKind::Unit {
                by_unit.entry((*unit).clone()).or_default();
            }
        }
        let bill = billed.coins();
        let codes: BTreeMap<&UnitPath, &Text> =
            rules.units.iter().filter_map(|unit| Some((&unit.path, unit.code.as_ref()?))).collect();
        let row = |kind: RowKind, unit: UnitPath, sums: Sums| {
            let was = was.get(&(kind, &unit));
            SheetRow {
                kind,
                code: codes.get(&unit).map(|code| (*code).clone()).filter(|_| kind == RowKind::Unit),
                users: sums.users,
                seats: seats(sums.seats),
                amount: money(sums.coins),
                own: money(sums.own),
                share: share(sums.coins, bill),
                before: comparable.then(|| was.map_or(money(0), |was| was.amount)),
                rules: sums.rules.into_iter().collect(),
                assigned: sums.assigned,
                open_seats: seats(sums.open),
                emptied: kind == RowKind::Unit && sums.users == 0 && was.is_some_and(|was| was.users > 0),
                unit,
            }
        };
        let mut rows: Vec<SheetRow> = by_unit.into_iter().map(|(unit, sums)| row(RowKind::Unit, unit, sums)).collect();
        let [untracked, idle, total] = special;
        let parts = [untracked.coins, idle.coins];
        rows.push(row(RowKind::Untracked, "Untracked".into(), untracked));
        rows.push(row(RowKind::Idle, "Seats nobody holds".into(), idle));
        let users = total.users;
        rows.push(row(RowKind::Total, "TOTAL = bill".into(), Sums { coins: bill, own: bill, ..total }));
        let units = allotment.coins.iter().flat_map(|coins| coins.iter().take(allotment.units.len())).sum::<i64>();
        let mut sheet = Sheet {
            currency,
            bill: money(bill),
            units: money(units),
            untracked: money(parts[0]),
            idle: money(parts[1]),
            whole: facts.users_at.is_some()
                && facts.skus_at.is_some()
                && billed.products().iter().all(|product| !product.state.is_open()),
            users,
            without: tally.without,
            rows,
            products: billed.products().iter().map(|product| product_row(product, currency)).collect(),
            rules: rule_rows(rules, tally),
            checks: Vec::new(),
            clusters: tally.clusters(),
            method: METHOD.map(Text::from).into(),
            facts,
        };
        sheet.checks = super::checks::of(&sheet, tally, billed, &allotment);
        Ok(Self { sheet, allotment })
    }
}

/// A part of the bill in percent, to one decimal.
fn share(coins: i64, bill: i64) -> Option<Decimal> {
    let part = Decimal::from(coins).checked_mul(Decimal::ONE_HUNDRED)?.checked_div(Decimal::from(bill))?;
    let mut share = part.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero);
    share.rescale(1);
    Some(share)
}

/// What units bear, each with all that is part of it; and untracked, idle, and all together.
fn sums(tally: &Tally<'_>, billed: &Billed, allotment: &Allotment) -> (BTreeMap<UnitPath, Sums>, [Sums; 3]) {
    let mut by_unit: BTreeMap<UnitPath, Sums> = BTreeMap::new();
    let mut special: [Sums; 3] = Default::default();
    let untracked = allotment.units.len();
    for ((product, coins), seats) in billed.on_bill().iter().zip(&allotment.coins).zip(&allotment.seats) {
        let open = |seats: u128| if product.state.is_open() { seats } else { 0 };
        for ((n, coins), seats) in
            coins.iter().enumerate().zip(seats).filter(|((_, coins), seats)| **coins != 0 || **seats != 0)
        {
            let add = |sums: &mut Sums, own: bool| {
                sums.coins += coins;
                sums.own += if own { *coins } else { 0 };
                sums.seats += seats;
                sums.open += open(*seats);
            };
            match allotment.units.get(n) {
                Some(unit) => {
                    for above in unit.upward() {
                        let own = above == *unit;
                        add(by_unit.entry(above).or_default(), own);
                    }
                }
                None => {
                    if let Some(sums) = special.get_mut(n - untracked) {
                        add(sums, true);
                    }
                }
            }
            add(&mut special[2], false);
        }
    }
    for unit in &allotment.units {
        for above in unit.upward() {
            by_unit.entry(above).or_default();
        }
    }
    let rules = tally.sorter().rules().rules.len();
    let mut count = |users: u64, parts: &[(usize, u32)], rule: Option<usize>, is_assigned: bool| {
        special[2].users += users;
        let units: BTreeSet<UnitPath> =
            parts.iter().filter_map(|(unit, _)| allotment.units.get(*unit)).flat_map(UnitPath::upward).collect();
        if units.is_empty() {
            special[0].users += users;
        }
        for unit in units {
            let sums = by_unit.entry(unit).or_default();
            sums.users += users;
            sums.rules.extend(rule.and_then(|rule| u32::try_from(rule + 1).ok()));
            sums.assigned += if is_assigned { users } else { 0 };
        }
    };
    for (place, (sum, parts)) in
        tally.fixed.iter().zip(&allotment.fixed).enumerate().filter(|(_, (sum, _))| sum.users > 0)
    {
        let rule = place.checked_sub(1).filter(|rule| *rule < rules);
        count(sum.users, parts, rule, place > rules);
    }
    for (key, group) in &tally.groups {
        let rule = key.split(APART).next().and_then(|rule| rule.parse().ok());
        count(group.sum.users, allotment.groups.get(key).map_or(&[][..], |parts| parts), rule, false);
    }
    (by_unit, special)
}

fn product_row(product: &Product, currency: Option<Currency>) -> ProductRow {
    let Counted { sku_id, part_number, name, purchased, held, .. } = product.counted.clone();
    let amount = match product.state {
        ProductState::Priced => currency.map(|currency| currency.amount(product.coins)),
        ProductState::Lapsed | ProductState::Free | ProductState::None => {
            Some(currency.map_or(Decimal::ZERO, |currency| currency.amount(0)))
        }
        ProductState::Unpriced | ProductState::Uncounted => None,
    };
    let monthly = product.monthly.as_ref().map(super::prices::Monthly::shown);
    ProductRow {
        sku_id,
        part_number,
        name,
        state: product.state,
        purchased,
        held,
        idle: product.idle(),
        monthly,
        amount,
    }
}

fn rule_rows(rules: &Rules, tally: &Tally<'_>) -> Vec<RuleRow> {
    let row = |((n, rule), hits): ((u32, &super::Rule), &super::tally::Hits)| RuleRow {
        rule: n,
        says: says(rule).into(),
        matched: hits.matched,
        taken: hits.taken,
    };
    (1..).zip(&rules.rules).zip(&tally.hits).map(row).collect()
}

/// A rule in words: `Depots: companyName is "X" and officeLocation starts "Depot" -> Rail / Depot North`
pub fn says(rule: &super::Rule) -> String {
    let name = rule.name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    let when: Vec<String> = rule.when.iter().map(ToString::to_string).collect();
    let when = if when.is_empty() { "everybody".to_owned() } else { when.join(" and ") };
    let then = match &rule.then {
        Then::Unit(unit) => unit.to_string(),
        Then::Split(parts) => {
            let parts: Vec<String> = parts.iter().map(|part| format!("{} {}%", part.unit, part.percent)).collect();
            parts.join(", ")
        }
        Then::Each { by, under, fold } => {
            let by: Vec<String> = by.iter().map(ToString::to_string).collect();
            let under = under.as_ref().map_or_else(String::new, |under| format!("{under} / "));
            format!("{under}each {}{}", by.join(" / "), if *fold { " (any case, trimmed)" } else { "" })
        }
    };
    format!("{name}{when} -> {then}")
}

impl Sheet {
    /// Why the month cannot be closed; nothing if it can.
    pub fn stops(&self) -> Vec<&Check> {
        self.checks.iter().filter(|check| check.verdict == super::Verdict::Fails).collect()
    }

    /// An amount with all decimals of the currency.
    pub fn shown(&self, amount: Decimal) -> String {
        self.currency.map_or_else(|| amount.to_string(), |currency| currency.shown(amount))
    }

    /// How many products on the bill need a price, and how many of them have one.
    pub fn prices(&self) -> (usize, usize) {
        let need = |row: &&ProductRow| matches!(row.state, ProductState::Priced | ProductState::Unpriced);
        let needed: Vec<&ProductRow> = self.products.iter().filter(need).collect();
        (needed.len(), needed.iter().filter(|row| row.state == ProductState::Priced).count())
    }

    /// Which tenant.
    pub const fn tenant(&self) -> TenantId {
        self.facts.key.tenant
    }
}
