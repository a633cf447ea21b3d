//! Prices as files: a table that people fill in, and what Partner Center gives.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::money::short;
use super::{Currency, Period, Price, PriceBook};
use crate::model::{SkuId, Subscription, Text};

/// The columns of a table of prices.
const COLUMNS: [&str; 8] = ["sku", "amount", "currency", "period", "from", "to", "quantity", "name"];
/// The longest line that is taken for the titles of a file.
const TITLES: u64 = 64 << 10;

/// Prices from a CSV file: `sku` (SKU id or part number), `amount`, `currency`, `period`, and as far as they are needed
/// `from`, `to`, `quantity`; `name` is for people. What is wrong is said with its line.
pub fn from_csv(file: impl Read, sku_of: &dyn Fn(&str) -> Option<SkuId>) -> Result<PriceBook, String> {
    let mut file = BufReader::new(file);
    let titles = titles(&mut file)?;
    let place = |name: &str| titles.iter().position(|title| title.eq_ignore_ascii_case(name));
    if let Some(unknown) = titles.iter().find(|title| !COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(title))) {
        return Err(format!("no column `{}`; there are {}", short(unknown), COLUMNS.join(", ")));
    }
    let needed = |name: &str| place(name).ok_or_else(|| format!("the column `{name}` is missing"));
    let (sku, amount, currency, period) = (needed("sku")?, needed("amount")?, needed("currency")?, needed("period")?);
    let (from, to, quantity) = (place("from"), place("to"), place("quantity"));
    let mut prices = Vec::new();
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut row = csv::StringRecord::new();
    while rows.read_record(&mut row).map_err(|error| error.to_string())? {
        let line = row.position().map_or(0, csv::Position::line) + 1;
        let cell = |at: usize| row.get(at).unwrap_or_default().trim().trim_start_matches('\'');
        let maybe = |at: Option<usize>| at.map(cell).filter(|cell| !cell.is_empty());
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let price = || -> Result<Price, String> {
            let date = |at| {
                maybe(at)
                    .map(|text| text.parse::<Date>().map_err(|_| format!("`{}` is no day: 2026-11-30", short(text))))
                    .transpose()
            };
            let count = |text: &str| text.parse().map_err(|_| format!("`{}` is no number of seats", short(text)));
            let wanted = cell(sku);
            Ok(Price {
                sku_id: sku_of(wanted).ok_or_else(|| {
                    format!("`{}` is no product: its SKU id, or a part number that is known", short(wanted))
                })?,
                amount: cell(amount)
                    .parse()
                    .map_err(|_| format!("`{}` is no amount: digits and a decimal point", short(cell(amount))))?,
                currency: cell(currency).parse()?,
                period: Period::of(cell(period))
                    .ok_or_else(|| format!("`{}` is no period: month, year, three_years", short(cell(period))))?,
                from: date(from)?,
                to: date(to)?,
                quantity: maybe(quantity).map(count).transpose()?,
            })
        };
        prices.push(price().map_err(|why| format!("line {line}: {why}"))?);
        if prices.len() > PriceBook::MOST {
            return Err(format!("more than {} prices", PriceBook::MOST));
        }
    }
    let book = PriceBook { prices };
    book.check()?;
    Ok(book)
}

/// Prices as a table, to be edited and read again.
pub fn to_csv(book: &PriceBook, name_of: &dyn Fn(SkuId) -> String) -> Result<String, String> {
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(COLUMNS).map_err(|error| error.to_string())?;
    for price in &book.prices {
        let text = |day: Option<Date>| day.map_or_else(String::new, |day| day.to_string());
        let row = [
            price.sku_id.to_string(),
            price.amount.to_string(),
            price.currency.to_string(),
            price.period.name().to_owned(),
            text(price.from),
            text(price.to),
            price.quantity.map_or_else(String::new, |quantity| quantity.to_string()),
            crate::model::guarded(name_of(price.sku_id)),
        ];
        out.write_record(row).map_err(|error| error.to_string())?;
    }
    let bytes = out.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

/// The titles of a file. A byte order mark is none of them; quotes do not count, typographic ones neither: the price
/// sheet's own title line closes a quote that no reader would.
fn titles(file: &mut impl BufRead) -> Result<Vec<String>, String> {
    let mut line = Vec::new();
    file.take(TITLES).read_until(b'\n', &mut line).map_err(|error| error.to_string())?;
    let line = String::from_utf8(line).map_err(|_| "the first line is no text in UTF-8".to_owned())?;
    let quotes = ['"', '\u{201c}', '\u{201d}', '\u{201e}', '\u{feff}'];
    let titles: Vec<String> =
        line.trim_end().split(',').map(|title| title.replace(quotes, "").trim().to_owned()).collect();
    if titles.iter().all(String::is_empty) { Err("the file is empty".to_owned()) } else { Ok(titles) }
}

/// What prices are wanted from Partner Center's files.
#[derive(Debug)]
pub struct Wanted<'w> {
    /// Of which products.
    pub products: &'w BTreeSet<SkuId>,
    /// What was sold to the customer: terms, billing plans and quantities.
    pub subscriptions: &'w [Subscription],
    /// Of which market: `DE`.
    pub market: &'w str,
    /// In which currency.
    pub currency: Currency,
    /// Recommended retail prices, not the partner's own cost.
    pub retail: bool,
    /// Prices that are valid on this day.
    pub day: Date,
}

/// What Partner Center's files gave.
#[derive(Debug, Default)]
pub struct Prefilled {
    /// Prices that are beyond doubt.
    pub book: PriceBook,
    /// Products without a price there, each with why, and with the prices that may be meant.
    pub open: Vec<(SkuId, String)>,
}

/// A row of the price sheet.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Offer {
    product: (Text, Text),
    term: Text,
    plan: Text,
    amount: Decimal,
    seats: (Option<u32>, Option<u32>),
    from: Option<Date>,
    to: Option<Date>,
}

/// Fills prices in from a price sheet (`updatedlicensebased`) and an offer matrix, which says what a product of Graph is
/// called there. Terms are those of the customer's subscriptions; where none tells the term, or prices differ by what only
/// a person knows, the product is left open.
pub fn prefill(sheet: impl Read, matrix: impl Read, wanted: &Wanted<'_>) -> Result<Prefilled, String> {
    let joins = joins(matrix, wanted.products).map_err(|why| format!("the offer matrix: {why}"))?;
    let offers = offers(sheet, &joins, wanted).map_err(|why| format!("the price sheet: {why}"))?;
    let mut found = Prefilled::default();
    for sku_id in wanted.products {
        let of_it: Vec<&(Text, Text)> =
            joins.iter().filter(|(_, known)| *known == sku_id).map(|(product, _)| product).collect();
        match one(*sku_id, &of_it, &offers, wanted) {
            Ok(prices) => found.book.prices.extend(prices),
            Err(why) => found.open.push((*sku_id, why)),
        }
    }
    found.book.check()?;
    Ok(found)
}

/// Product and SKU where they are known, term and billing plan of a subscription.
type Term = (Option<(Text, Text)>, Text, Text);

/// The prices of a product, or why it is left open.
fn one(sku_id: SkuId, products: &[&(Text, Text)], offers: &[Offer], wanted: &Wanted<'_>) -> Result<Vec<Price>, String> {
    if products.is_empty() {
        return Err("the offer matrix does not have it".to_owned());
    }
    let here: Vec<&Offer> = offers.iter().filter(|offer| products.contains(&&offer.product)).collect();
    if here.is_empty() {
        return Err(format!("no price of this day for {} in {}", wanted.market, wanted.currency));
    }
    let candidates = || {
        let all: BTreeSet<String> =
            here.iter().map(|offer| format!("{} {} {}", offer.term, offer.plan, offer.amount.normalize())).collect();
        all.into_iter().take(6).collect::<Vec<_>>().join("; ")
    };
    let mut terms: BTreeMap<Term, u64> = BTreeMap::new();
    let sold = wanted.subscriptions.iter().filter(|one| one.sku_id == Some(sku_id) && one.counts() && !one.is_trial);
    for one in sold.filter(|one| one.quantity > 0) {
        let (Some(term), Some(billing)) = (&one.term, &one.billing) else {
            return Err(format!("a subscription does not say its term; there are {}", candidates()));
        };
        // The offer of a subscription names product and SKU: what tells segments apart.
        let mut parts = one.offer.split(':');
        let offer = parts.next().zip(parts.next()).map(|(product, sku)| (Text::from(product), Text::from(sku)));
        let offer = offer.filter(|offer| products.contains(&offer));
        let quantity = u64::try_from(one.quantity).unwrap_or(0);
        *terms.entry((offer, term.to_uppercase(), billing.to_lowercase())).or_default() += quantity;
    }
    if terms.is_empty() {
        return Err(format!("no active subscription tells its term; there are {}", candidates()));
    }
    let several = terms.len() > 1;
    let mut prices = Vec::new();
    for ((product, term, plan), quantity) in terms {
        let fits = |offer: &&&Offer| {
            let (least, most) = offer.seats;
            product.as_ref().is_none_or(|product| *product == offer.product)
                && offer.term == term
                && offer.plan == plan
                && least.is_none_or(|least| u64::from(least) <= quantity)
                && most.is_none_or(|most| quantity <= u64::from(most))
        };
        let amounts: BTreeSet<(Decimal, Option<Date>, Option<Date>)> =
            here.iter().filter(fits).map(|offer| (offer.amount, offer.from, offer.to)).collect();
        let differ: BTreeSet<Decimal> = amounts.iter().map(|(amount, ..)| *amount).collect();
        let period = match plan.as_str() {
            "monthly" => Period::Month,
            "annual" => Period::Year,
            "triennial" => Period::ThreeYears,
            other => return Err(format!("nobody pays `{}` by the month or the year", short(other))),
        };
        let Some(amount) = differ.first().filter(|_| differ.len() == 1) else {
            let what = if differ.is_empty() { "no price" } else { "several prices" };
            return Err(format!("{what} for {term} {plan}; there are {}", candidates()));
        };
        prices.push(Price {
            sku_id,
            amount: *amount,
            currency: wanted.currency,
            period,
            from: amounts.iter().map(|(_, from, _)| *from).min().flatten(),
            to: amounts
                .iter()
                .map(|(.., to)| *to)
                .collect::<Option<BTreeSet<Date>>>()
                .and_then(|days| days.last().copied()),
            quantity: several.then(|| u32::try_from(quantity).unwrap_or(u32::MAX)),
        });
    }
    Ok(prices)
}

/// Where columns stand, or which one is missing.
fn places<const N: usize>(titles: &[String], names: [&str; N]) -> Result<[usize; N], String> {
    let mut found = [0; N];
    for (at, name) in found.iter_mut().zip(names) {
        let place = titles.iter().position(|title| title.eq_ignore_ascii_case(name));
        *at = place.ok_or_else(|| format!("the column `{name}` is missing"))?;
    }
    Ok(found)
}

/// Rows behind the titles. A row that is no text is told by its line.
fn rows(file: impl Read, mut each: impl FnMut(&csv::StringRecord) -> Result<(), String>) -> Result<(), String> {
    let mut rows = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let mut row = csv::StringRecord::new();
    while rows.read_record(&mut row).map_err(|error| error.to_string())? {
        each(&row)?;
    }
    Ok(())
}

/// Product and SKU of Partner Center to the products of Graph that are wanted.
fn joins(file: impl Read, products: &BTreeSet<SkuId>) -> Result<BTreeMap<(Text, Text), SkuId>, String> {
    let mut file = BufReader::new(file);
    let [product, sku, provisioned] = places(&titles(&mut file)?, ["ProductId", "SkuId", "ProvisioningId"])?;
    let mut joins = BTreeMap::new();
    rows(file, |row| {
        let cell = |at| row.get(at).unwrap_or_default().trim();
        if let Ok(sku_id) = cell(provisioned).parse()
            && products.contains(&sku_id)
        {
            joins.insert((cell(product).into(), cell(sku).into()), sku_id);
        }
        Ok(())
    })?;
    Ok(joins)
}

/// The rows of the price sheet that are wanted.
fn offers(file: impl Read, joins: &BTreeMap<(Text, Text), SkuId>, wanted: &Wanted<'_>) -> Result<Vec<Offer>, String> {
    let mut file = BufReader::new(file);
    let titles = titles(&mut file)?;
    let amount = if wanted.retail { "ERP Price" } else { "UnitPrice" };
    let names = ["ProductId", "SkuId", "TermDuration", "BillingPlan", "Market", "Currency", amount];
    let [product, sku, term, plan, market, currency, amount] = places(&titles, names)?;
    let [least, most, from, to] =
        places(&titles, ["PricingTierRangeMin", "PricingTierRangeMax", "EffectiveStartDate", "EffectiveEndDate"])?;
    let mut offers = Vec::new();
    rows(file, |row| {
        let cell = |at| row.get(at).unwrap_or_default().trim();
        let key: (Text, Text) = (cell(product).into(), cell(sku).into());
        if !cell(market).eq_ignore_ascii_case(wanted.market)
            || !cell(currency).eq_ignore_ascii_case(wanted.currency.code())
            || !joins.contains_key(&key)
        {
            return Ok(());
        }
        let (from, to) = (american(cell(from)), american(cell(to)));
        if from.is_some_and(|from| from > wanted.day) || to.is_some_and(|to| to < wanted.day) {
            return Ok(());
        }
        let line = row.position().map_or(0, csv::Position::line) + 1;
        let amount = cell(amount);
        let amount: Decimal = amount.parse().map_err(|_| format!("line {line}: `{}` is no amount", short(amount)))?;
        offers.push(Offer {
            product: key,
            term: cell(term).to_uppercase().into(),
            plan: cell(plan).to_lowercase().into(),
            amount,
            seats: (cell(least).parse().ok(), cell(most).parse().ok()),
            from,
            to,
        });
        Ok(())
    })?;
    Ok(offers)
}

/// A day as the price sheet spells it: `11/1/2026 12:00:00 AM`.
fn american(text: &str) -> Option<Date> {
    let day = text.split(' ').next()?;
    // The year 9999 is how a price without an end is spelled.
    let day = Some(day).filter(|day| !day.ends_with("/9999"))?;
    let mut parts = day.split('/');
    let (month, day, year) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    Date::new(year, month, day).ok()
}
