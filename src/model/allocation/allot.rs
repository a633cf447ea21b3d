//! Who bears which coins: of each product to units by seats, inside a unit to users by their shares.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::prices::Monthly;
use super::sorter::{APART, group_path};
use super::tally::{Group, Sum, Tally};
use super::{Currency, Month, Percent, PriceBook, ProductState, Subject, Then, UnitPath, apportion};
use crate::model::{Catalog, LicenseRow, SkuId, Tenant, Text, UserId, license_rows};

/// A product of a tenant as the last import counted it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Which product; absent if the answer had null.
    pub sku_id: Option<SkuId>,
    /// `skuPartNumber`
    pub part_number: Option<Text>,
    /// What it is called.
    pub name: Text,
    /// Usable units; absent if that was not told.
    pub purchased: Option<i64>,
    /// How many users hold it.
    pub held: u64,
    /// Whether nobody can hold it.
    pub is_company: bool,
}

impl Counted {
    /// The products of a tenant: what is listed and what is held. What was only sold is not there, and costs nothing yet.
    pub fn all(tenant: &Tenant, catalog: &Catalog) -> Vec<Self> {
        let there = |row: &LicenseRow| row.sku.is_some() || row.held.is_some_and(|held| held > 0);
        let of = |row: LicenseRow| Self {
            sku_id: row.sku_id,
            part_number: row.part_number().map(Text::from),
            name: row.name(catalog).as_ref().into(),
            // What users hold and the SKUs do not list was not purchased; SKUs that were never read list nothing.
            purchased: match &row.sku {
                Some(sku) => sku.purchased(),
                None => tenant.skus.good.as_ref().map(|_| 0),
            },
            held: row.held.unwrap_or(0),
            is_company: row.sku.as_ref().is_some_and(crate::model::SkuCount::is_company),
        };
        license_rows(tenant).into_iter().filter(there).map(of).collect()
    }
}

/// A product and its bill of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// As it was counted.
    pub counted: Counted,
    /// Whether it has a price, and needs one.
    pub state: ProductState,
    /// Usable units, none if that is not known.
    pub purchased: u64,
    /// What a seat costs.
    pub(super) monthly: Option<Monthly>,
    /// What all of them cost, in coins.
    pub coins: i64,
}

impl Product {
    /// Seats that nobody holds.
    pub fn idle(&self) -> u64 {
        self.purchased.saturating_sub(self.counted.held)
    }
}

/// The products of a tenant in a month: those on the bill first, by name, then those that cost nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billed {
    /// The currency; absent without any price.
    pub currency: Option<Currency>,
    products: Vec<Product>,
    on_bill: usize,
    places: HashMap<SkuId, usize>,
    known: BTreeSet<SkuId>,
}

/// What a tenant's products cost in a month. Refuses prices that have no answer, and what is beyond all reckoning.
pub fn bill_of(counted: &[Counted], prices: &PriceBook, month: Month) -> Result<Billed, String> {
    let valid = prices.of(month)?;
    let mut products = Vec::with_capacity(counted.len());
    for counted in counted {
        let monthly = counted.sku_id.and_then(|id| valid.get(&id)).map(|prices| Monthly::of(prices)).transpose()?;
        let monthly = monthly.flatten();
        let purchased = counted.purchased.map_or(0, |units| u64::try_from(units).unwrap_or(0));
        let is_free = counted.sku_id.is_some_and(Catalog::is_free);
        let state = match (counted.purchased, monthly) {
            (Some(_), _) if purchased == 0 && counted.held == 0 => ProductState::None,
            (_, None) if is_free => ProductState::Free,
            (None, _) => ProductState::Uncounted,
            (Some(_), _) if purchased == 0 => ProductState::Lapsed,
            (Some(_), None) => ProductState::Unpriced,
            (Some(_), Some(_)) => ProductState::Priced,
        };
        let coins = match monthly.filter(|_| state == ProductState::Priced) {
            None => 0,
            Some(monthly) => monthly
                .coins(purchased)
                .ok_or_else(|| format!("{}: {purchased} seats at this price are beyond all reckoning", counted.name))?,
        };
        products.push(Product { counted: counted.clone(), state, purchased, monthly, coins });
    }
    products.sort_by_cached_key(|product| {
        let Counted { name, sku_id, part_number, .. } = &product.counted;
        (!product.state.is_on_bill(), name.to_lowercase(), *sku_id, part_number.clone())
    });
    let on_bill = products.iter().take_while(|product| product.state.is_on_bill()).count();
    let ids = |products: &[Product]| products.iter().filter_map(|product| product.counted.sku_id).collect();
    let places = products.iter().take(on_bill).enumerate().filter_map(|(n, one)| Some((one.counted.sku_id?, n)));
    let currency = valid.values().flatten().map(|price| price.currency).next();
    Ok(Billed { currency, on_bill, places: places.collect(), known: ids(&products), products })
}

impl Billed {
    /// All products, those on the bill first.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// Those on the bill.
    pub fn on_bill(&self) -> &[Product] {
        self.products.get(..self.on_bill).unwrap_or_default()
    }

    /// How many are on the bill.
    pub(super) fn len(&self) -> usize {
        self.on_bill
    }

    /// The seats of a user, by the places of the products, each once; answers how many he holds that are on no list.
    pub(super) fn seats(&self, user: &impl Subject, into: &mut Vec<usize>) -> u64 {
        into.clear();
        let mut strays = 0;
        for sku_id in user.licenses().iter().filter_map(|license| license.sku_id) {
            match self.places.get(&sku_id) {
                Some(place) => into.push(*place),
                None => strays += u64::from(!self.known.contains(&sku_id)),
            }
        }
        into.sort_unstable();
        into.dedup();
        strays
    }

    /// What all of it costs, in coins.
    pub fn coins(&self) -> i64 {
        self.products.iter().map(|product| product.coins).fold(0, i64::saturating_add)
    }
}

/// What each unit bears of each product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allotment {
    /// The units that users are put into, in their order.
    pub(super) units: Vec<UnitPath>,
    /// Coins by product, then by unit; behind the units untracked, then idle.
    pub(super) coins: Vec<Vec<i64>>,
    /// Millionths of seats likewise.
    pub(super) seats: Vec<Vec<u128>>,
    /// Where each place of the sorter goes: units with millionths. Untracked comes first.
    pub(super) fixed: Vec<Arc<[(usize, u32)]>>,
    /// Where each group goes.
    pub(super) groups: HashMap<Box<str>, Arc<[(usize, u32)]>>,
    /// Which paths groups have.
    pub(super) made: BTreeMap<Box<str>, UnitPath>,
}

impl Allotment {
    /// The units that users are put into, in their order.
    pub fn units(&self) -> &[UnitPath] {
        &self.units
    }

    /// Shares the bill out.
    pub fn of(tally: &Tally<'_>, billed: &Billed) -> Result<Self, String> {
        let sorter = tally.sorter();
        let rules = sorter.rules();
        if tally.overflows {
            return Err(format!(
                "rules make more than {} groups by themselves: one of them takes an attribute that is another for each user",
                super::Rules::UNITS
            ));
        }
        let made: BTreeMap<Box<str>, UnitPath> =
            tally.groups.iter().map(|(key, group)| (key.clone(), path_of(rules, key, group))).collect();
        let mut paths: BTreeSet<UnitPath> = rules.units.iter().map(|unit| unit.path.clone()).collect();
        paths.extend(sorter.places().iter().flatten().map(|part| part.unit.clone()));
        paths.extend(made.values().cloned());
        let units: Vec<UnitPath> = paths.into_iter().collect();
        let place: HashMap<&UnitPath, usize> = units.iter().zip(0..).collect();
        let untracked = units.len();
        let whole = Percent::WHOLE.millionths();
        let fixed: Vec<Arc<[(usize, u32)]>> = std::iter::once(Arc::from([(untracked, whole)]))
            .chain(sorter.places().iter().map(|parts| {
                parts.iter().filter_map(|part| Some((*place.get(&part.unit)?, part.percent.millionths()))).collect()
            }))
            .collect();
        let groups: HashMap<Box<str>, Arc<[(usize, u32)]>> = made
            .iter()
            .filter_map(|(key, path)| Some((key.clone(), Arc::from([(*place.get(path)?, whole)]))))
            .collect();
        let mut seats = vec![vec![0u128; untracked + 2]; billed.len()];
        let mut add = |sum: &Sum, parts: &[(usize, u32)]| {
            for (product, held) in seats.iter_mut().zip(&sum.seats).filter(|(_, held)| **held > 0) {
                for (unit, millionths) in parts {
                    if let Some(seats) = product.get_mut(*unit) {
                        *seats += u128::from(*held) * u128::from(*millionths);
                    }
                }
            }
        };
        tally.fixed.iter().zip(&fixed).for_each(|(sum, parts)| add(sum, parts));
        for (key, group) in &tally.groups {
            add(&group.sum, groups.get(key).map_or(&[][..], |parts| parts));
        }
        for (product, seats) in billed.on_bill().iter().zip(&mut seats) {
            if let Some(idle) = seats.last_mut() {
                *idle = u128::from(product.idle()) * u128::from(whole);
            }
        }
        let coins =
            billed.on_bill().iter().zip(&seats).map(|(product, seats)| apportion(product.coins, seats)).collect();
        drop(place);
        Ok(Self { units, coins, seats, fixed, groups, made })
    }

    /// Where the users of an outcome go, units by place with millionths; `key` is that of a group.
    pub fn parts(&self, outcome: super::Outcome, key: &str) -> &[(usize, u32)] {
        match outcome {
            super::Outcome::Untracked => self.fixed.first(),
            super::Outcome::Fixed(place) => self.fixed.get(place as usize + 1),
            super::Outcome::Group(_) => self.groups.get(key),
        }
        .map_or(&[][..], |parts| parts)
    }
}

/// The unit of a group: called as most of its users spell it, of equally many the first spelling.
fn path_of(rules: &super::Rules, key: &str, group: &Group) -> UnitPath {
    let (rule, values) = key.split_once(APART).unwrap_or((key, ""));
    let rule = rule.parse::<usize>().ok().and_then(|rule| rules.rules.get(rule));
    let under = match rule.map(|rule| &rule.then) {
        Some(Then::Each { under, .. }) => under.as_ref(),
        Some(Then::Unit(_) | Then::Split(_)) | None => None,
    };
    let most = group.spellings.iter().max_by(|(a, a_users), (b, b_users)| a_users.cmp(b_users).then_with(|| b.cmp(a)));
    let values = most.map_or(values, |(spelling, _)| spelling);
    group_path(under, values.split(APART))
}

/// Users with the same share of the same product in the same unit.
type ClassKey = (usize, usize, u32);

/// How a class shares what it bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Luck {
    /// Nobody bears a coin more.
    Nobody,
    /// So many do: those with the smallest ids. Who that is, is still to be found.
    Some(usize),
    /// Those do whose id is not greater.
    UpTo(UserId),
    /// All do.
    All,
}

/// What each user bears, by class: the same for all of a class but for a coin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Classes(HashMap<ClassKey, (i64, Luck)>);

/// Ids of users by class, while those with the smallest ones are looked for.
pub type Ids = HashMap<ClassKey, Vec<UserId>>;

/// What a user bears of a product in a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartLine {
    /// Which unit, by place; the number of units for untracked.
    pub unit: usize,
    /// Which share of the user, in millionths.
    pub millionths: u32,
    /// Which product, by its place on the bill.
    pub product: usize,
    /// How many coins.
    pub coins: i64,
}

impl Classes {
    /// Shares what units bear among the classes of their users.
    pub fn of(tally: &Tally<'_>, allotment: &Allotment) -> Self {
        let mut counts: BTreeMap<(usize, usize), BTreeMap<u32, u64>> = BTreeMap::new();
        let mut count = |sum: &Sum, parts: &[(usize, u32)]| {
            for (product, held) in sum.seats.iter().enumerate().filter(|(_, held)| **held > 0) {
                for (unit, millionths) in parts {
                    *counts.entry((*unit, product)).or_default().entry(*millionths).or_default() += held;
                }
            }
        };
        tally.fixed.iter().zip(&allotment.fixed).for_each(|(sum, parts)| count(sum, parts));
        for (key, group) in &tally.groups {
            count(&group.sum, allotment.groups.get(key).map_or(&[][..], |parts| parts));
        }
        let mut classes = HashMap::new();
        for ((unit, product), shares) in counts {
            let coins = allotment.coins.get(product).and_then(|coins| coins.get(unit)).copied().unwrap_or(0);
            let coins = u128::try_from(coins).unwrap_or(0);
            let all: u128 = shares.iter().map(|(millionths, users)| u128::from(*millionths) * u128::from(*users)).sum();
            let part = |millionths: u32| (coins * u128::from(millionths) / all, coins * u128::from(millionths) % all);
            let given: u128 = shares.iter().map(|(millionths, users)| part(*millionths).0 * u128::from(*users)).sum();
            let mut left = coins.saturating_sub(given);
            let mut order: Vec<(u128, u32, u64)> =
                shares.into_iter().map(|(millionths, users)| (part(millionths).1, millionths, users)).collect();
            order.sort_unstable_by(|a, b| b.cmp(a));
            for (_, millionths, users) in order {
                let lucky = left.min(u128::from(users));
                left -= lucky;
                let luck = match usize::try_from(lucky).unwrap_or(usize::MAX) {
                    0 => Luck::Nobody,
                    _ if lucky == u128::from(users) => Luck::All,
                    some => Luck::Some(some),
                };
                let base = i64::try_from(part(millionths).0).unwrap_or(i64::MAX);
                classes.insert((unit, product, millionths), (base, luck));
            }
        }
        Self(classes)
    }

    /// Whether somebody is to be found for a coin.
    pub fn has_open(&self) -> bool {
        self.0.values().any(|(_, luck)| matches!(luck, Luck::Some(_)))
    }

    /// Notes a user in the classes of his in which somebody is to be found.
    pub fn note(&self, user: UserId, lines: &[PartLine], into: &mut Ids) {
        for line in lines {
            let key = (line.unit, line.product, line.millionths);
            if let Some((_, Luck::Some(_))) = self.0.get(&key) {
                into.entry(key).or_default().push(user);
            }
        }
    }

    /// Finds who bears a coin more, once all users were noted.
    pub fn settle(&mut self, parts: Vec<Ids>) {
        let mut all = Ids::new();
        for (key, ids) in parts.into_iter().flatten() {
            all.entry(key).or_default().extend(ids);
        }
        for (key, mut ids) in all {
            let Some((_, luck)) = self.0.get_mut(&key) else { continue };
            if let Luck::Some(count) = *luck
                && let Some(last) = count.checked_sub(1).filter(|last| *last < ids.len())
            {
                *luck = Luck::UpTo(*ids.select_nth_unstable(last).1);
            }
        }
    }

    /// What a user bears, by the units and products of his.
    pub fn lines(&self, user: UserId, parts: &[(usize, u32)], seats: &[usize], into: &mut Vec<PartLine>) {
        into.clear();
        for (unit, millionths) in parts {
            for product in seats {
                let key = (*unit, *product, *millionths);
                let Some((base, luck)) = self.0.get(&key) else { continue };
                let more = match luck {
                    Luck::Nobody | Luck::Some(_) => false,
                    Luck::UpTo(last) => user <= *last,
                    Luck::All => true,
                };
                let coins = base + i64::from(more);
                into.push(PartLine { unit: *unit, millionths: *millionths, product: *product, coins });
            }
        }
    }
}

/// Makes the lines of users, one after the other.
pub struct Writer<'s> {
    desk: super::Desk<'s>,
    billed: &'s Billed,
    allotment: &'s Allotment,
    classes: &'s Classes,
    seats: Vec<usize>,
    lines: Vec<PartLine>,
}

impl<'s> Writer<'s> {
    /// At a place of its own.
    pub fn new(
        sorter: &'s super::Sorter<'s>,
        billed: &'s Billed,
        allotment: &'s Allotment,
        classes: &'s Classes,
    ) -> Self {
        let desk = super::Desk::new(sorter);
        Self { desk, billed, allotment, classes, seats: Vec::new(), lines: Vec::new() }
    }

    /// What a user bears, and by which rule; nothing for one without a seat on the bill.
    pub fn lines(&mut self, user: &impl Subject, chain: &super::Chain) -> (&[PartLine], Option<usize>) {
        self.lines.clear();
        self.billed.seats(user, &mut self.seats);
        if self.seats.is_empty() {
            return (&[], None);
        }
        let (outcome, by) = self.desk.sort(user, chain);
        let key = match outcome {
            super::Outcome::Group(number) => self.desk.key(number),
            super::Outcome::Untracked | super::Outcome::Fixed(_) => "",
        };
        let parts = self.allotment.parts(outcome, key);
        self.classes.lines(user.id(), parts, &self.seats, &mut self.lines);
        (&self.lines, by)
    }
}
