//! Prices of a tenant: what does a seat of each product cost, what has no price, and what would another one move?

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::dress;
use super::eye::Eye;
use crate::model::allocation::{
    AllocationAsk, AllocationSeen, Currency, Draft, Month, Period, Preview, Price, PriceBook, ProductRow, ProductState,
    Rules, Sheet as CostSheet, UnitMask,
};
use crate::model::{Filter, FilterError, Filterable, Key as TenantKey, Look, Seen, SkuId, Text};
use crate::tui::drafts::Drafted;
use crate::tui::export::{Body, Sheet};
use crate::tui::keys::{Binding, Key, Shown, bind, find, show};
use crate::tui::listing::{Column, Fit, Layout, Listing, Move, Pressed, column};
use crate::tui::page::{Line, Page, Piece};
use crate::tui::screens::{CopyItem, Cx, Effect, Saved, Screen, ScreenId, words};
use crate::tui::theme::Meaning;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Change,
    Add,
    Away,
    Undo,
    Save,
    Allocation,
    Licenses,
}

#[rustfmt::skip]
const KEYS: &[Binding<Act>] = &[
    bind(&[Key::Enter], Act::Change, "open", "change", "another price, in the draft: typed as :price takes it; never a yes"),
    bind(&[Key::Char('+')], Act::Add, "price-beside", "term", "a price beside this one, in the draft: blended by seats"),
    bind(&[Key::Delete], Act::Away, "price-away", "", "take the price away, in the draft"),
    bind(&[Key::Char('z')], Act::Undo, "undo", "undo", "take the last change of the draft back"),
    bind(&[Key::Char('s')], Act::Save, "save-prices", "save", "save the draft: with a reason (asks)"),
    bind(&[Key::Char('b')], Act::Allocation, "allocation", "units", "allocation: what licenses cost each business unit"),
    bind(&[Key::Char('l')], Act::Licenses, "licenses", "", "licenses of the tenant"),
];

static COLUMNS: [Column; 8] = [
    column("PRODUCT", 24, false),
    column("PRICE", 11, true),
    column("CUR", 3, false),
    column("PERIOD", 7, false),
    column("FROM", 10, false),
    column("TO", 10, false),
    column("SEATS", 6, true),
    column("SKU", 26, false),
];

static LAYOUT: Layout =
    Layout { columns: &COLUMNS, grow: 0, fits: &[Fit::Drop(7), Fit::Narrow(0, 16), Fit::Drop(6), Fit::Drop(5)] };

/// What is typed for an operator who saves; the reason is theirs.
pub(super) const SAVE: &str = "save-prices ";

/// A row: the product, and which of its prices; the last place is for one without any.
type RowKey = (SkuId, usize);
const MISSING: usize = usize::MAX;

/// A price, or a product that has none.
#[derive(Debug, Clone, PartialEq)]
struct PriceRow {
    sku_id: SkuId,
    name: String,
    part_number: Option<Text>,
    /// The price, and its place in the book.
    price: Option<(usize, Price)>,
    /// Whether it counts in the month.
    is_valid: bool,
}

impl Filterable for PriceRow {
    const FIELDS: &'static [&'static str] = &["product", "sku", "period", "price"];

    fn texts(&self) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        [Some(self.name.as_str()), self.part_number.as_deref()].into_iter().flatten().map(std::borrow::Cow::Borrowed)
    }

    fn field(&self, name: &str) -> Option<std::borrow::Cow<'_, str>> {
        let price = self.price.as_ref().map(|(_, price)| price);
        match name {
            "product" => Some(self.name.as_str().into()),
            "sku" => Some(self.part_number.as_deref().map_or_else(|| self.sku_id.to_string().into(), Into::into)),
            "period" => price.map(|price| price.period.name().into()),
            "price" => price.map(|price| price.amount.to_string().into()),
            _ => None,
        }
    }
}

/// What was seen.
#[derive(Debug)]
struct Told {
    sheet: CostSheet,
    closed: bool,
    /// What the draft moves, and the same where people are masked: units may be called after somebody.
    previews: Option<Box<[Preview; 2]>>,
    prices: Arc<PriceBook>,
}

impl Told {
    /// What the draft moves, as it may be shown.
    fn preview(&self, cx: &Cx<'_>) -> Option<&Preview> {
        self.previews.as_deref().map(|[preview, masked]| if cx.options.privacy { masked } else { preview })
    }
}

/// What a draft of prices moves, without what tells who somebody is.
fn masked(preview: &Preview, sheet: &CostSheet, rules: &Rules) -> Preview {
    let mut masked = preview.clone();
    masked.mask(rules, &UnitMask::of_sheets(&[(rules, sheet), (rules, &preview.then)]));
    masked
}

/// The prices of a tenant.
#[derive(Debug)]
pub(crate) struct Pricing {
    eye: Eye,
    /// The closed month whose prices these are; absent for those in force.
    frozen: Option<Month>,
    drafted: Drafted,
    list: Listing<RowKey>,
    filter: Filter,
    rows: Vec<(RowKey, PriceRow)>,
    told: Option<Told>,
}

impl Pricing {
    /// Of a tenant: in force, or those that a closed month has.
    pub(crate) fn new(tenant: TenantKey, frozen: Option<Month>) -> Self {
        Self {
            eye: Eye::new(tenant),
            frozen,
            drafted: Drafted::default(),
            list: Listing::new(&LAYOUT, false),
            filter: Filter::default(),
            rows: Vec::new(),
            told: None,
        }
    }

    /// The month that is looked at: the one that it is, or the first one that is not closed yet.
    fn month(&self, cx: &Cx<'_>) -> Month {
        let today = Month::of(cx.now);
        self.frozen.unwrap_or_else(|| {
            let closed = self.eye.tenant(cx).map(|tenant| &tenant.allocated.closed);
            match closed.filter(|closed| closed.contains(&today)).and_then(|closed| closed.last()) {
                Some(last) => today.max(*last).after(),
                None => today,
            }
        })
    }

    fn row(&self) -> Option<&PriceRow> {
        let key = self.list.cursor()?;
        self.rows.iter().find(|(known, _)| known == key).map(|(_, row)| row)
    }

    /// The sheet that is worked on.
    fn sheet_at_work(&self) -> Option<&CostSheet> {
        let told = self.told.as_ref()?;
        Some(told.previews.as_deref().map_or(&told.sheet, |[preview, _]| &preview.then))
    }

    /// The prices that are worked on.
    fn book(&self) -> Option<Arc<PriceBook>> {
        self.drafted.draft().prices.or_else(|| self.told.as_ref().map(|told| Arc::clone(&told.prices)))
    }

    /// Whether the month is closed: no draft is of it, and none acts on it.
    fn is_closed(&self, cx: &Cx<'_>) -> bool {
        self.eye.tenant(cx).is_some_and(|tenant| tenant.allocated.is_closed(self.month(cx)))
    }

    /// Goes on with the draft as the session keeps it, or without one where the month is closed.
    fn follow(&mut self, cx: &Cx<'_>) {
        let drafted = if self.is_closed(cx) { Drafted::default() } else { cx.drafts().of(&self.eye.of) };
        if drafted != self.drafted {
            self.drafted = drafted;
            self.again(cx);
        }
    }

    /// Why nothing can be made of these prices.
    fn no_draft(&self, cx: &Cx<'_>) -> Option<String> {
        match &self.told {
            None => Some("there is no sheet yet".to_owned()),
            Some(_) if self.is_closed(cx) => {
                Some("the month is closed: these are the prices that it was closed with".to_owned())
            }
            Some(_) if !self.drafted.is_empty() && !self.drafted.is_of_prices() => {
                Some("a draft of rules is not saved: save it or take it back first".to_owned())
            }
            Some(_) => None,
        }
    }

    fn dead(&self, act: Act, cx: &Cx<'_>) -> Option<String> {
        match act {
            Act::Change | Act::Add | Act::Away => self.no_draft(cx).or_else(|| match self.row() {
                None => Some("no product is under the cursor".to_owned()),
                Some(row) if act != Act::Change && row.price.is_none() => Some("it has no price here".to_owned()),
                Some(_) => None,
            }),
            Act::Undo | Act::Save if !self.drafted.is_of_prices() => Some("there is no draft of prices".to_owned()),
            Act::Undo | Act::Save | Act::Allocation | Act::Licenses => None,
        }
    }

    fn act(&mut self, act: Act, cx: &Cx<'_>) -> Effect {
        self.follow(cx);
        if let Some(why) = self.dead(act, cx) {
            return Effect::Say(why);
        }
        match (act, self.row().map(|row| row.price.clone())) {
            (Act::Change, Some(Some((_, price)))) => Effect::Line(format!("price {}", typed(&price))),
            (Act::Change, _) => Effect::Line("price ".to_owned()),
            (Act::Add, _) => Effect::Line("add-price ".to_owned()),
            (Act::Away, Some(Some((at, _)))) => self.without(at, cx),
            (Act::Away, _) => Effect::Nothing,
            (Act::Undo, _) => {
                self.drafted.pop();
                self.keep(cx);
                Effect::Nothing
            }
            (Act::Save, _) => Effect::Line(SAVE.to_owned()),
            (Act::Allocation, _) => Effect::Open(ScreenId::Allocation(self.eye.of.clone())),
            (Act::Licenses, _) => Effect::Open(ScreenId::Licenses(self.eye.of.clone())),
        }
    }

    /// Takes a price of the book away.
    fn without(&mut self, at: usize, cx: &Cx<'_>) -> Effect {
        let Some((mut book, row)) = self.book().map(Arc::unwrap_or_clone).zip(self.row().cloned()) else {
            return Effect::Nothing;
        };
        if at < book.prices.len() {
            let price = book.prices.remove(at);
            self.change(book, format!("{}: {} taken away", row.name, told_of(&price)), cx);
        }
        Effect::Nothing
    }

    /// Goes on from other prices.
    fn change(&mut self, book: PriceBook, said: String, cx: &Cx<'_>) {
        let from = self.told.as_ref().and_then(|told| told.sheet.facts.prices).unwrap_or(0);
        self.drafted.push(Draft { rules: None, prices: Some(Arc::new(book)) }, said.into(), from);
        self.keep(cx);
    }

    fn keep(&mut self, cx: &Cx<'_>) {
        cx.drafts().keep(&self.eye.of, &self.drafted);
        self.again(cx);
    }

    fn again(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month(cx), cx);
        // Keys may lead back to what was asked for last: it is asked for all the same.
        self.eye.again(cx);
        self.list_all(cx);
    }

    /// Lists what is to be listed: prices by product, then from when; products without one among them.
    fn list_all(&mut self, cx: &Cx<'_>) {
        let (Some(book), Some(sheet)) = (self.book(), self.sheet_at_work()) else {
            self.rows.clear();
            self.list.replace(Vec::new(), 0);
            return;
        };
        let products = &sheet.products;
        let known = |id: SkuId| products.iter().find(|product| product.sku_id == Some(id));
        let last = sheet.facts.month.last();
        let row = |sku_id: SkuId, price: Option<(usize, Price)>| {
            let part_number = known(sku_id).and_then(|product| product.part_number.clone());
            let named = || cx.fleet.catalog.name(Some(sku_id), part_number.as_deref()).into_owned();
            let name = known(sku_id).map_or_else(named, |product| product.name.to_string());
            let is_valid = price.as_ref().is_some_and(|(_, price)| price.is_valid(last));
            PriceRow { sku_id, name, part_number, price, is_valid }
        };
        let lacks = |product: &&ProductRow| product.state == ProductState::Unpriced;
        let mut rows: Vec<PriceRow> = book
            .prices
            .iter()
            .enumerate()
            .map(|(at, price)| row(price.sku_id, Some((at, price.clone()))))
            .chain(products.iter().filter(lacks).filter_map(|product| Some(row(product.sku_id?, None))))
            .collect();
        rows.sort_by_cached_key(|row| {
            let from = row.price.as_ref().map(|(at, price)| (price.from, *at));
            (row.name.to_lowercase(), row.sku_id, from.is_none(), from)
        });
        let mut place = 0;
        let mut before = None;
        self.rows = rows
            .into_iter()
            .map(|row| {
                place = if before == Some(row.sku_id) { place + 1 } else { 0 };
                before = Some(row.sku_id);
                ((row.sku_id, if row.price.is_some() { place } else { MISSING }), row)
            })
            .collect();
        let mut shown: Vec<&(RowKey, PriceRow)> =
            self.rows.iter().filter(|(_, row)| self.filter.matches(row)).collect();
        let price = |row: &PriceRow| row.price.as_ref().map(|(_, price)| price.clone());
        match self.list.sort() {
            Some(1) => shown.sort_by_key(|(_, row)| std::cmp::Reverse(price(row).map(|price| price.amount))),
            Some(3) => shown.sort_by_key(|(_, row)| price(row).map(|price| price.period.months())),
            Some(4) => shown.sort_by_key(|(_, row)| price(row).map(|price| price.from)),
            Some(5) => shown.sort_by_key(|(_, row)| price(row).map(|price| (price.to.is_none(), price.to))),
            Some(6) => shown.sort_by_key(|(_, row)| std::cmp::Reverse(price(row).and_then(|price| price.quantity))),
            Some(7) => shown.sort_by_key(|(_, row)| row.part_number.clone()),
            Some(_) | None => {}
        }
        if self.list.is_reversed() {
            shown.reverse();
        }
        let order = shown.into_iter().map(|(key, _)| *key).collect();
        self.list.replace(order, self.rows.len());
    }

    fn cells(row: &PriceRow) -> Vec<Piece> {
        let looks = match &row.price {
            None => Meaning::Aging,
            Some(_) if row.is_valid => Meaning::Plain,
            Some(_) => Meaning::Quiet,
        };
        let piece = |text: String| Piece { text, meaning: looks };
        let day = |day: Option<Date>| day.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let Some((_, price)) = &row.price else {
            let blank = || piece(String::new());
            let part = piece(row.part_number.as_deref().unwrap_or_default().to_owned());
            return vec![
                piece(row.name.clone()),
                piece("no price".to_owned()),
                blank(),
                blank(),
                blank(),
                blank(),
                blank(),
                part,
            ];
        };
        vec![
            piece(row.name.clone()),
            piece(dress::parted(&price.amount.to_string())),
            piece(price.currency.to_string()),
            piece(period(price.period).to_owned()),
            piece(day(price.from)),
            piece(day(price.to)),
            piece(price.quantity.map_or_else(|| "-".to_owned(), |seats| words::count(u64::from(seats)))),
            piece(row.part_number.as_deref().unwrap_or_default().to_owned()),
        ]
    }

    /// What there is to know of a product.
    fn detail(&self, row: &PriceRow, cx: &Cx<'_>) -> Vec<Line> {
        let month = words::month(self.month(cx));
        let mut lines = Vec::new();
        match &row.price {
            None => lines
                .push(Line::of(Meaning::Aging, format!("It has no price in {month}: what it costs is in no amount."))),
            Some((_, price)) if !row.is_valid => {
                let when = match (price.from, price.to) {
                    (_, Some(to)) if to < self.month(cx).last() => format!("ended {to}"),
                    (Some(from), _) => format!("begins {from}"),
                    (None, _) => "is not valid".to_owned(),
                };
                lines.push(format!("This price {when}: it does not count in {month}.").into());
            }
            Some(_) => {}
        }
        let Some((sheet, product)) = self
            .sheet_at_work()
            .and_then(|sheet| Some((sheet, sheet.products.iter().find(|product| product.sku_id == Some(row.sku_id))?)))
        else {
            lines.push("The last import has nothing of it.".into());
            return lines;
        };
        let purchased =
            product.purchased.map_or_else(|| "not told".to_owned(), |units| dress::parted(&units.to_string()));
        let (held, idle) = (words::count(product.held), words::count(product.idle));
        let mut said = format!("{purchased} purchased, {held} held, {idle} idle");
        if let Some((monthly, amount)) = product.monthly.zip(product.amount) {
            said = format!("{said}; {monthly} a month, bill {}", dress::money(sheet, amount));
        }
        lines.push(said.into());
        lines
    }
}

/// A period in short.
const fn period(period: Period) -> &'static str {
    match period {
        Period::Month => "month",
        Period::Year => "year",
        Period::ThreeYears => "3 years",
    }
}

/// A price in words.
fn told_of(price: &Price) -> String {
    let from = price.from.map_or_else(String::new, |day| format!(" from {day}"));
    let to = price.to.map_or_else(String::new, |day| format!(" to {day}"));
    let seats = price.quantity.map_or_else(String::new, |seats| format!(", of {seats} seats"));
    format!("{} {} a {}{from}{to}{seats}", price.amount, price.currency, period(price.period))
}

/// A price as `:price` takes it.
fn typed(price: &Price) -> String {
    let from = price.from.map_or_else(String::new, |day| format!(" from {day}"));
    let to = price.to.map_or_else(String::new, |day| format!(" to {day}"));
    let seats = price.quantity.map_or_else(String::new, |seats| format!(" seats {seats}"));
    format!("{} {} {}{from}{to}{seats}", price.amount, price.currency, price.period.name())
}

/// Reads a price: `AMOUNT [CURRENCY] PERIOD [from DAY] [to DAY] [seats NUMBER]`. The currency is that of the others, if it is
/// left out.
fn read(text: &str, sku_id: SkuId, others: Option<Currency>) -> Result<Price, String> {
    let needs = || "it needs AMOUNT [CURRENCY] month|year|three_years [from DAY] [to DAY] [seats NUMBER]".to_owned();
    let mut words = text.split_whitespace().peekable();
    let amount: Decimal = words.next().ok_or_else(needs)?.parse().map_err(|_| needs())?;
    let named = words.peek().and_then(|word| word.to_uppercase().parse::<Currency>().ok()).filter(|_| {
        // A period is no currency.
        words.peek().is_some_and(|word| Period::of(&word.to_lowercase()).is_none())
    });
    if named.is_some() {
        words.next();
    }
    let currency = named.or(others).ok_or_else(|| "it needs a currency, such as EUR".to_owned())?;
    let word = words.next().ok_or_else(needs)?;
    let period =
        Period::of(&word.to_lowercase()).ok_or_else(|| format!("`{word}` is no period: month, year, three_years"))?;
    let mut price = Price { sku_id, amount, currency, period, from: None, to: None, quantity: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(needs)?;
        let day = || value.parse::<Date>().map_err(|_| format!("`{value}` is no day, such as 2026-12-01"));
        match word {
            "from" => price.from = Some(day()?),
            "to" => price.to = Some(day()?),
            "seats" => {
                let seats = value.parse().map_err(|_| format!("`{value}` is no number of seats"))?;
                price.quantity = Some(seats);
            }
            _ => return Err(needs()),
        }
    }
    Ok(price)
}

/// Whether some day has both prices.
fn meet(a: &Price, b: &Price) -> bool {
    let is_open = |from: Option<Date>, to: Option<Date>| from.zip(to).is_none_or(|(from, to)| from <= to);
    is_open(a.from, b.to) && is_open(b.from, a.to)
}

/// The other prices of its product that a price in a row would need to end or to replace: those of days that the row does
/// not have, which cannot be blended with it.
fn clash<'p>(prices: &'p [Price], row: Option<usize>, price: &Price) -> Vec<&'p Price> {
    let old = row.and_then(|at| prices.get(at));
    let others = prices.iter().enumerate().filter(|(at, known)| Some(*at) != row && known.sku_id == price.sku_id);
    let met = others.map(|(_, known)| known).filter(|known| meet(known, price));
    met.filter(|known| !old.is_some_and(|old| meet(known, old)))
        .filter(|known| known.quantity.is_none() || price.quantity.is_none())
        .collect()
}

/// What a row becomes by a price: itself for another time if nothing else is another; else before and behind the price it
/// stays.
fn in_place(old: Price, price: Price) -> Vec<Price> {
    let only_time = Price { from: old.from, to: old.to, ..price.clone() } == old;
    if only_time { vec![price] } else { PriceBook { prices: vec![old] }.with(price).prices }
}

impl Screen for Pricing {
    fn id(&self) -> ScreenId {
        ScreenId::AllocationPrices(self.eye.of.clone(), self.frozen)
    }

    fn path(&self, cx: &Cx<'_>) -> Vec<String> {
        vec![self.eye.title(cx), "Allocation".to_owned(), words::month(self.month(cx)), "Prices".to_owned()]
    }

    fn keys(&self, cx: &Cx<'_>) -> Vec<Shown> {
        let mut keys = show(KEYS, |act| self.dead(act, cx));
        keys.extend(self.list.keys());
        keys
    }

    fn press(&mut self, key: Key, cx: &Cx<'_>) -> Option<Effect> {
        if let Some(act) = find(KEYS, key) {
            return Some(self.act(act, cx));
        }
        if Listing::<RowKey>::act(key) == Some(Move::Fresh) {
            self.eye.again(cx);
        }
        match self.list.press(key, &mut self.filter)? {
            Pressed::Effect(effect) => Some(effect),
            Pressed::Rows => {
                self.list_all(cx);
                Some(Effect::Nothing)
            }
        }
    }

    fn click(&mut self, row: u16, _: &Cx<'_>) {
        self.list.click(row);
    }

    fn changed(&mut self, cx: &Cx<'_>) {
        self.eye.changed(self.month(cx), cx);
        self.follow(cx);
    }

    fn look(&self, _: &Cx<'_>) -> Option<Look> {
        Some(Look::Allocation(Box::new(self.eye.look(self.drafted.draft(), AllocationAsk::Sheet)?)))
    }

    fn seen(&mut self, seen: &Seen, cx: &Cx<'_>) {
        let look = self.look(cx);
        match self.eye.hears(look.as_ref(), seen) {
            Some(Ok(AllocationSeen::Sheet { sheet, closed, preview, rules, prices, .. })) => {
                // What was saved is no draft any more.
                if self.drafted.draft().prices.as_ref() == Some(prices) {
                    self.drafted.clear();
                    cx.drafts().keep(&self.eye.of, &self.drafted);
                }
                let preview = preview.as_deref().filter(|_| !self.drafted.is_empty());
                let previews = preview.map(|preview| Box::new([preview.clone(), masked(preview, sheet, rules)]));
                let (sheet, prices) = ((**sheet).clone(), Arc::clone(prices));
                self.told = Some(Told { sheet, closed: *closed, previews, prices });
            }
            Some(Err(_)) => self.told = None,
            Some(Ok(AllocationSeen::Alone(_) | AllocationSeen::Users(_) | AllocationSeen::Why { .. })) | None => return,
        }
        self.list_all(cx);
    }

    fn draw(&mut self, page: &mut Page<'_>, cx: &Cx<'_>) {
        let (top, bottom) = (page.main.y, page.main.bottom());
        if self.eye.tenant(cx).is_none() {
            page.line(top + 1, &"This tenant is not known here: no customer list holds it.".into());
            return;
        }
        if let Some(told) = &self.told {
            let (needed, priced) = self.sheet_at_work().map_or((0, 0), CostSheet::prices);
            let version = match (told.closed, told.sheet.facts.prices) {
                (true, Some(version)) => format!("v{version}, closed with the month"),
                (_, None | Some(0)) => "none saved yet".to_owned(),
                (false, Some(version)) => format!("v{version}"),
            };
            let line = Line::from(format!("prices {version}; {priced} of {needed} products that need one have one"));
            let lacks = needed.saturating_sub(priced);
            let lacks = if lacks > 0 { format!("   {lacks} missing") } else { String::new() };
            page.line(top, &line.and(Meaning::Aging, lacks));
        }
        let mut what = "prices".to_owned();
        if !self.eye.answered && self.told.is_some() {
            what = format!("{what}{}", cx.waiting(self.eye.asked_at, ", reckoning"));
        }
        self.list.draw_state(page, top + 1, &what, "product", cx);
        let is_drafted = self.drafted.is_of_prices();
        let detail = match (page.main.height < 18, is_drafted) {
            (true, _) => 2,
            (false, false) => 4,
            (false, true) => 7,
        };
        let rows = bottom.saturating_sub(top + 3 + detail);
        let mut list = std::mem::replace(&mut self.list, Listing::new(&LAYOUT, false));
        list.draw(page, top + 2, rows, |key| {
            self.rows.iter().find(|(known, _)| known == key).map(|(_, row)| Self::cells(row)).unwrap_or_default()
        });
        self.list = list;
        if self.list.order().is_empty() {
            let (said, key) = match (&self.eye.failed, &self.told) {
                (Some(why), _) => (format!("The prices cannot be shown: {why}."), cx.hint("fresh", "tries again")),
                (None, None) => (cx.waiting(self.eye.asked_at, "Reckoning"), String::new()),
                (None, Some(_)) if self.list.filter().is_empty() => {
                    ("There is no price, and nothing needs one.".to_owned(), String::new())
                }
                (None, Some(_)) => {
                    (format!("No price matches \"{}\".", self.list.filter()), cx.hint("clear", "clears it"))
                }
            };
            Listing::<RowKey>::draw_empty(page, top + 4, &said, &key);
        }
        let strip = bottom - detail;
        let draft = if is_drafted { 4.min(detail) } else { 0 };
        if let Some(row) = self.row().filter(|_| detail > draft) {
            page.rule(strip, format!("{}  {}", row.name, row.part_number.as_deref().unwrap_or_default()).trim_end());
            let id = Line::from(format!("SKU {}", row.sku_id));
            for (line, y) in self.detail(row, cx).iter().chain([&id]).zip(strip + 1..bottom - draft) {
                page.line(y, line);
            }
        } else if detail > draft {
            page.rule(strip, "");
        }
        if let Some(told) = self.told.as_ref().filter(|_| is_drafted) {
            let waits = cx.waiting(self.eye.asked_at, "reckoning what it moves");
            let preview = told.preview(cx).filter(|_| self.eye.answered).ok_or(waits);
            dress::draw_draft(page, (bottom - draft, bottom), &self.drafted, told.sheet.facts.prices, preview, cx);
        }
        if page.pane.is_some()
            && let Some(preview) = self.told.as_ref().and_then(|told| told.preview(cx))
            && self.eye.answered
        {
            let mut lines = vec![Line::of(Meaning::Caption, "WHAT THE DRAFT MOVES")];
            lines.extend(dress::all_moves(preview).iter().flat_map(|line| words::wrap(line, 39)).map(Line::from));
            page.fill_pane(&lines);
        }
    }

    fn filter(&self) -> String {
        self.list.filter().to_owned()
    }

    fn set_filter(&mut self, text: &str, cx: &Cx<'_>) -> Result<(), FilterError> {
        self.filter = Filter::parse::<PriceRow>(text)?;
        self.list.set_filter(text);
        self.list_all(cx);
        Ok(())
    }

    fn subjects(&self, _: &Cx<'_>) -> Vec<TenantKey> {
        vec![self.eye.of.clone()]
    }

    fn product(&self, _: &Cx<'_>) -> Option<SkuId> {
        self.row().map(|row| row.sku_id)
    }

    fn price(&mut self, text: &str, beside: bool, cx: &Cx<'_>) -> Result<Effect, String> {
        self.follow(cx);
        if let Some(why) = self.dead(if beside { Act::Add } else { Act::Change }, cx) {
            return Err(why);
        }
        let (Some(row), Some(book)) = (self.row().cloned(), self.book()) else { return Ok(Effect::Nothing) };
        let own = row.price.as_ref().map(|(_, price)| price.currency);
        let others = own.or_else(|| book.prices.first().map(|price| price.currency));
        let price = read(text, row.sku_id, others)?;
        let said = format!("{}: {}", row.name, told_of(&price));
        let mut book = Arc::unwrap_or_clone(book);
        let at = row.price.as_ref().filter(|_| !beside).map(|(at, _)| *at);
        if !beside {
            let met = clash(&book.prices, at, &price);
            if !met.is_empty() {
                let met = met.into_iter().map(told_of).collect::<Vec<_>>().join("; ");
                return Err(format!(
                    "{} has at that time, too: {met}; change that first, or give from and to",
                    row.name
                ));
            }
        }
        match at.filter(|at| *at < book.prices.len()) {
            Some(at) => {
                let old = book.prices.remove(at);
                book.prices.splice(at..at, in_place(old, price));
            }
            None => book.prices.push(price),
        }
        book.check().map_err(|why| why.replace(&row.sku_id.to_string(), &row.name))?;
        self.change(book, said, cx);
        Ok(Effect::Nothing)
    }

    fn save(&self, what: Saved, reason: &str, cx: &Cx<'_>) -> Result<Effect, String> {
        let preview = self.told.as_ref().and_then(|told| told.preview(cx));
        dress::asks_to_save(&self.drafted, what, preview, (reason, self.month(cx)), &self.eye, cx)
    }

    fn copies(&self, _: &Cx<'_>) -> Vec<CopyItem> {
        let item = |letter, what, text| CopyItem { letter, what, text };
        let line = |row: &PriceRow| Self::cells(row).into_iter().map(|cell| cell.text).collect::<Vec<_>>().join("\t");
        let Some(row) = self.row() else { return Vec::new() };
        let all: Vec<String> = self.rows.iter().map(|(_, row)| line(row)).collect();
        vec![
            item('i', "SKU id", row.sku_id.to_string()),
            item('r', "row", line(row)),
            item('a', "all rows", all.join("\n")),
        ]
    }

    fn sheet(&self, _: &Cx<'_>) -> Option<Sheet> {
        let cells = |row: &PriceRow| {
            let (_, price) = row.price.as_ref()?;
            let day = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
            Some(vec![
                price.sku_id.to_string(),
                price.amount.to_string(),
                price.currency.to_string(),
                price.period.name().to_owned(),
                day(price.from),
                day(price.to),
                price.quantity.map_or_else(String::new, |seats| seats.to_string()),
                row.name.clone(),
            ])
        };
        let row = |key: &RowKey| self.rows.iter().find(|(known, _)| known == key).map(|(_, row)| row);
        let rows = self.list.order().iter().filter_map(row).filter_map(cells).collect();
        let titles = vec!["sku", "amount", "currency", "period", "from", "to", "quantity", "name"];
        let instead = "q, then tenantop prices --format csv";
        Some(Sheet { name: "prices", instead, body: Body::Rows { titles, rows } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_as_they_are_typed() {
        let sku = SkuId::new(uuid::Uuid::from_u128(1));
        let eur: Currency = "EUR".parse().unwrap();
        for text in [
            "33.05 EUR month",
            "396 USD year from 2026-01-01",
            "1200.5 JPY three_years from 2026-01-01 to 2028-12-31 seats 40",
        ] {
            let price = read(text, sku, None).unwrap();
            assert_eq!(typed(&price), text);
            assert_eq!(read(&typed(&price), sku, Some(eur)).unwrap(), price);
        }
        assert_eq!(read("5 month", sku, Some(eur)).unwrap().currency, eur, "as the others");
        for (text, why) in [
            ("", "it needs AMOUNT"),
            ("x EUR month", "it needs AMOUNT"),
            ("5 month", "it needs a currency"),
            ("5 EUR", "it needs AMOUNT"),
            ("5 EUR week", "`week` is no period"),
            ("5 EUR month from", "it needs AMOUNT"),
            ("5 EUR month from tomorrow", "`tomorrow` is no day"),
            ("5 EUR month seats many", "`many` is no number of seats"),
            ("5 EUR month until 2026-01-01", "it needs AMOUNT"),
        ] {
            let said = read(text, sku, None).unwrap_err();
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
