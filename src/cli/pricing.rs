//! `tenantop prices`: what a seat of each product costs a tenant.

use std::collections::BTreeSet;
use std::path::Path;

use color_eyre::eyre::Result;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;

use super::allocate::{Known, VersionLine, ask, fleet, of, read_text};
use super::args::Priced;
use super::errand::{self, Wish};
use super::output::Rows;
use super::place::{Place, resolve};
use super::{DONE, SOME_FAILED, Stop};
use crate::model::allocation::{
    Allocating, AllocationOf, Currency, Period, PrefillWanted, Price, PriceBook, from_csv, prefill,
};
use crate::model::{Catalog, SkuId, Subscription, Tenant, day_of};

/// A price, as `--import` reads it.
#[derive(Serialize)]
struct PriceLine {
    sku: SkuId,
    amount: Decimal,
    currency: Currency,
    period: &'static str,
    from: Option<Date>,
    to: Option<Date>,
    quantity: Option<u32>,
    name: String,
}

const COLUMNS: &[(&str, &str)] = &[
    ("SKU", "sku"),
    ("AMOUNT", "amount"),
    ("CURRENCY", "currency"),
    ("PERIOD", "period"),
    ("FROM", "from"),
    ("TO", "to"),
    ("QUANTITY", "quantity"),
    ("NAME", "name"),
];

/// A product by its id, by a part number of the tenant's, or by one that is known.
fn sku_of(of: &AllocationOf, wanted: &str) -> Option<SkuId> {
    let same = |part: &str| part.eq_ignore_ascii_case(wanted);
    let own = || of.counted.iter().find(|one| one.part_number.as_deref().is_some_and(same))?.sku_id;
    let known = || Catalog::builtin_products().find(|(_, part, _)| same(part)).map(|(id, ..)| id);
    wanted.parse().ok().or_else(own).or_else(known)
}

/// Prices of a file that was read, checked.
pub(super) fn from_text(file: &str, text: &str, of: &AllocationOf) -> Result<PriceBook> {
    let read = from_csv(text.as_bytes(), &|wanted| sku_of(of, wanted));
    Ok(read.map_err(|why| Stop::usage(format!("{file}: {why}")))?)
}

fn show(place: &Place, book: &PriceBook, of: &AllocationOf, catalog: &Catalog) -> Result<()> {
    let part = |id: SkuId| of.counted.iter().find(|one| one.sku_id == Some(id)).and_then(|one| one.part_number.clone());
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    for price in &book.prices {
        let Price { sku_id, amount, currency, period, from, to, quantity } = price.clone();
        let name = catalog.name(Some(sku_id), part(sku_id).as_deref()).into_owned();
        rows.push(&PriceLine { sku: sku_id, amount, currency, period: period.name(), from, to, quantity, name })?;
    }
    rows.finish()
}

pub(super) fn prices(place: &Place, wanted: Priced) -> Result<u8> {
    let partner = wanted.partner.as_deref();
    if wanted.price_sheet.is_some() {
        return filled(place, &wanted);
    }
    if wanted.import.is_none() && wanted.set.is_none() {
        let Priced { tenant, partner, history, number, .. } = wanted;
        return errand::run(place, Wish::Prices { tenant, partner, history, number });
    }
    let text = wanted.import.as_deref().map(read_text).transpose()?;
    let wish = |of: &AllocationOf, _: &Tenant, known: Known| {
        let book = match (&wanted.import, &text) {
            (Some(path), Some(text)) => from_text(&path.display().to_string(), text, of)?,
            (Some(_) | None, _) => known.prices.with(one(&wanted, of)?),
        };
        let reason = wanted.reason.as_deref().unwrap_or_default().into();
        Ok(Allocating::SavePrices { prices: Box::new(book), from: known.version, reason })
    };
    ask(place, partner, &wanted.tenant, wish, wanted.set.is_some())
}

/// Prices out of Partner Center's files, which are read here, whoever has the store.
fn filled(place: &Place, wanted: &Priced) -> Result<u8> {
    let (Some(sheet), Some(matrix), Some(market), Some(currency)) =
        (&wanted.price_sheet, &wanted.offer_matrix, &wanted.market, wanted.currency)
    else {
        return Err(Stop::usage("--price-sheet goes with --offer-matrix, --market and --currency").into());
    };
    let fleet = fleet(place)?;
    let tenant = resolve(&fleet, wanted.partner.as_deref(), &wanted.tenant)?;
    let of = of(place, &fleet, tenant, None);
    let subscriptions: Vec<Subscription> =
        tenant.sold.as_deref().map(|sold| sold.subscriptions.to_vec()).unwrap_or_default();
    let needed = |id: &SkuId| !Catalog::is_free(*id);
    let products: BTreeSet<SkuId> = of.counted.iter().filter_map(|one| one.sku_id).filter(needed).collect();
    let open =
        |path: &Path| std::fs::File::open(path).map_err(|error| Stop::usage(format!("{}: {error}", path.display())));
    let asked = PrefillWanted {
        products: &products,
        subscriptions: &subscriptions,
        market,
        currency,
        retail: wanted.retail,
        day: day_of(place.clock.now()),
    };
    let found = prefill(open(sheet)?, open(matrix)?, &asked).map_err(Stop::usage)?;
    show(place, &found.book, &of, &fleet.catalog)?;
    for (sku_id, why) in &found.open {
        let counted = of.counted.iter().find(|one| one.sku_id == Some(*sku_id));
        place.out.say(&format!("no price for {}: {why}", counted.map_or("", |one| one.name.as_str())));
    }
    Ok(if found.open.is_empty() { DONE } else { SOME_FAILED })
}

pub(super) fn shown(
    place: &Place,
    tenant: &str,
    partner: Option<&str>,
    history: bool,
    number: Option<u32>,
) -> Result<u8> {
    let (fleet, reader) = place.read()?;
    let tenant = resolve(&fleet, partner, tenant)?;
    let of = of(place, &fleet, tenant, None);
    if history {
        let mut rows = Rows::new(&place.out, place.format, VersionLine::COLUMNS)?;
        for saved in reader.all_prices(&tenant.key)?.iter().rev() {
            let (version, by, reason) = (saved.version, saved.by.as_str(), saved.reason.as_str());
            rows.push(&VersionLine { version, by, at: saved.at, reason })?;
        }
        rows.finish()?;
        return Ok(DONE);
    }
    let saved = reader.prices(&tenant.key, number)?;
    if let (Some(number), None) = (number, &saved) {
        return Err(Stop::usage(format!("{} has no prices v{number}", tenant.title())).into());
    }
    let said = saved.as_ref().map_or_else(
        || format!("{}: no prices are saved; next: tenantop prices --import", tenant.title()),
        |saved| {
            format!(
                "{}: prices v{} by {} at {:.0}: {}",
                tenant.title(),
                saved.version,
                saved.by,
                saved.at,
                saved.reason
            )
        },
    );
    show(place, &saved.map(|saved| saved.prices).unwrap_or_default(), &of, &fleet.catalog)?;
    place.out.say(&said);
    Ok(DONE)
}

/// The price that the command line spells.
fn one(wanted: &Priced, of: &AllocationOf) -> Result<Price> {
    let sku = wanted.set.as_deref().unwrap_or_default();
    let sku_id = sku_of(of, sku)
        .ok_or_else(|| Stop::usage(format!("--set: no product `{sku}`: an SKU id, or a part number that is known")))?;
    let (Some(amount), Some(currency), Some(word)) = (wanted.amount, wanted.currency, wanted.period.as_deref()) else {
        return Err(Stop::usage("--set goes with --amount, --currency and --period").into());
    };
    let period =
        Period::of(word).ok_or_else(|| Stop::usage(format!("--period: `{word}` is none: month, year, three_years")))?;
    Ok(Price { sku_id, amount, currency, period, from: wanted.from, to: wanted.to, quantity: None })
}
