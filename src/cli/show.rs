//! Commands that show what the store has.

use std::collections::BTreeMap;
use std::fmt::Write;

use color_eyre::eyre::Result;

use super::args::{Counted, Listed, Only};
use super::output::{Format, Rows};
use super::place::{Place, chosen};
use super::rows::{
    ExpiryLine, FailureLine, LicenseDayLine, LicenseLine, ProductLine, RunLine, TenantLine, USER_COLUMNS, user_line,
};
use super::{DONE, Stop};
use crate::cloud::credentials;
use crate::engine::shelf;
use crate::model::{
    Change, Coverage, Expiry, Filter, Fleet, FleetLicenses, Gap, PersonRow, Products, RunId, SkuId, Tenant, Text, User,
    UserField, UsersLook, license_rows,
};
use crate::store::People;

/// How many tenants are named at most where it is said whose data lack.
const NAMED: usize = 10;

pub(super) fn tenants(place: &Place, only: &Only) -> Result<u8> {
    let (fleet, _) = place.read()?;
    let mut rows = Rows::new(&place.out, place.format, TenantLine::COLUMNS)?;
    for row in chosen(&fleet, only, &place.clock)? {
        rows.push(&TenantLine::of(&row))?;
    }
    rows.finish()?;
    if fleet.tenants.is_empty() {
        place.out.say("no tenant yet: the customer list was never read; next: tenantop sync");
    }
    Ok(DONE)
}

pub(super) fn failures(place: &Place, only: &Only) -> Result<u8> {
    let (fleet, _) = place.read()?;
    let now = place.clock.now();
    let mut rows = Rows::new(&place.out, place.format, FailureLine::COLUMNS)?;
    if only.tenant.is_empty() && only.filter.is_none() {
        let wanted = |name: &str| only.partner.as_deref().is_none_or(|partner| partner == name);
        for partner in fleet.partners.values().filter(|partner| wanted(&partner.name.0)) {
            if let Some(failing) = &partner.failing {
                rows.push(&FailureLine::of(&fleet, &partner.name.0, None, failing, now))?;
            }
        }
    }
    for row in chosen(&fleet, only, &place.clock)? {
        if let Some(failing) = row.tenant.failing() {
            rows.push(&FailureLine::of(&fleet, &row.tenant.key.partner.0, Some(row.tenant), failing, now))?;
        }
    }
    rows.finish()?;
    Ok(DONE)
}

pub(super) fn licenses(place: &Place, only: &Only, each: bool) -> Result<u8> {
    if only.tenant.is_empty() && !each {
        return fleet_licenses(place, only);
    }
    let (fleet, _) = place.read()?;
    let now = place.clock.now();
    let mut rows = Rows::new(&place.out, place.format, LicenseLine::COLUMNS)?;
    for row in chosen(&fleet, only, &place.clock)? {
        for license in license_rows(row.tenant) {
            rows.push(&LicenseLine::of(&fleet, row.tenant, &license, now))?;
        }
    }
    rows.finish()?;
    Ok(DONE)
}

/// Sums by product, and on standard error whose data they lack.
fn fleet_licenses(place: &Place, only: &Only) -> Result<u8> {
    let (fleet, _) = place.read()?;
    let chosen = chosen(&fleet, only, &place.clock)?;
    let tenants = || chosen.iter().map(|row| row.tenant);
    let mut licenses = FleetLicenses::default();
    licenses.update(tenants());
    let coverage = Coverage::of(&fleet, tenants(), place.clock.now());
    let mut rows = Rows::new(&place.out, place.format, ProductLine::COLUMNS)?;
    for product in licenses.products(&fleet.catalog, |_| true) {
        rows.push(&ProductLine::of(&product, &coverage))?;
    }
    rows.finish()?;
    let all = coverage.listed;
    for (gaps, what) in [(&coverage.missing, "missing"), (&coverage.old, "old")] {
        if !gaps.is_empty() {
            place.out.say(&format!("{what}: {} of {all} tenants: {}", gaps.len(), named(gaps)));
        }
    }
    if all == 0 {
        place.out.say("no tenant is summed up; next: tenantop sync, then tenantop import --all");
    }
    Ok(DONE)
}

/// The first of some tenants by name, each with its state and the time of its SKUs, and how many more there are.
fn named(gaps: &[Gap]) -> String {
    let one = |gap: &Gap| match gap.at {
        Some(at) => format!("{} ({}, SKUs of {at:.0})", gap.title, gap.state.name()),
        None => format!("{} ({}, SKUs never read)", gap.title, gap.state.name()),
    };
    let names: Vec<String> = gaps.iter().take(NAMED).map(one).collect();
    let more = gaps.len().saturating_sub(NAMED);
    let more =
        if more > 0 { format!(" and {more} more; next: tenantop tenants --filter skus:not") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

/// Counts day by day: of each tenant its products by name, of each product its days, the oldest first.
pub(super) fn license_days(place: &Place, counted: &Counted) -> Result<u8> {
    let (fleet, reader) = place.read()?;
    let parts = parts(&fleet);
    let name = |id: SkuId| fleet.catalog.name(Some(id), parts.get(&id).map(Text::as_str));
    let is_wanted = |id: SkuId| {
        let same = |text: &str, wanted: &str| text.eq_ignore_ascii_case(wanted);
        counted.sku.as_deref().is_none_or(|wanted| {
            let part = parts.get(&id).is_some_and(|part| same(part, wanted));
            part || same(&id.to_string(), wanted) || same(&name(id), wanted)
        })
    };
    let mut rows = Rows::new(&place.out, place.format, LicenseDayLine::COLUMNS)?;
    let mut any = false;
    for row in chosen(&fleet, &counted.only, &place.clock)? {
        let told = reader.licenses(&row.tenant.key, None, counted.since)?;
        for month in &told.unreadable {
            place.out.say(&format!(
                "{}: {} cannot be read and is left out",
                row.tenant.title(),
                month.strftime("%Y-%m")
            ));
        }
        let mut days = told.rows;
        days.retain(|day| is_wanted(day.sku_id));
        days.sort_by_cached_key(|day| (name(day.sku_id).to_lowercase(), day.sku_id, day.day));
        any |= !days.is_empty();
        for day in &days {
            rows.push(&LicenseDayLine::of(row.tenant, day, parts.get(&day.sku_id), &name(day.sku_id)))?;
        }
    }
    rows.finish()?;
    if let (false, Some(wanted)) = (any, &counted.sku) {
        place.out.say(&format!(
            "no day is kept of a product `{wanted}`: an SKU id, a part number or a whole name is looked for"
        ));
    }
    Ok(DONE)
}

/// Part numbers as the tenants' SKUs have them. One tenant's list serves for another, which has the product no more.
fn parts(fleet: &Fleet) -> BTreeMap<SkuId, Text> {
    let counts = fleet.tenants.values().flat_map(|tenant| tenant.sku_counts.to_vec());
    counts.filter_map(|count| Some((count.sku_id?, count.part_number?))).collect()
}

pub(super) fn users(place: &Place, listed: &Listed) -> Result<u8> {
    let only = &listed.only;
    let filter = Filter::parse::<PersonRow<'_>>(only.filter.as_deref().unwrap_or_default())
        .map_err(|error| Stop::usage(format!("--filter: {error}")))?;
    let sort = listed.sort.as_deref().map(field).transpose()?;
    let (fleet, reader) = place.read()?;
    let mut rows = Rows::new(&place.out, place.format, USER_COLUMNS)?;
    let tenants = Only { tenant: only.tenant.clone(), partner: only.partner.clone(), filter: None };
    for row in chosen(&fleet, &tenants, &place.clock)? {
        let Some(good) = &row.tenant.users.good else {
            place.out.say(&format!("{}: no users were ever read", row.tenant.title()));
            continue;
        };
        let skus = row.tenant.skus.good.as_ref().map(|good| good.snapshot);
        if sort.is_some() || listed.reverse {
            let look = UsersLook { sort, reverse: listed.reverse, ..UsersLook::of(good.snapshot, skus) };
            let people = People::open(reader.clone(), look.users, skus)?;
            sorted(&mut rows, row.tenant, people, &look, &filter, place.masks())?;
            continue;
        }
        let products = Products::of(&skus.map(|skus| reader.skus(skus)).transpose()?.unwrap_or_default());
        let mut result = Ok(());
        reader.users(good.snapshot, &mut |mut user| {
            if filter.matches(&PersonRow { user: &user, products: &products }) {
                if place.masks() {
                    user.mask();
                }
                result = rows.push(&user_line(row.tenant, &PersonRow { user: &user, products: &products }));
            }
            result.is_ok()
        })?;
        result?;
    }
    rows.finish()?;
    Ok(DONE)
}

/// A field of users by its word.
fn field(word: &str) -> Result<UserField, Stop> {
    UserField::of(&word.to_lowercase()).ok_or_else(|| {
        let known: Vec<&str> = UserField::ALL.into_iter().map(UserField::name).collect();
        Stop::usage(format!("--sort: no field `{word}`; there are {}", known.join(", ")))
    })
}

/// Users in another order than the store has them, window by window.
fn sorted(
    rows: &mut Rows,
    tenant: &Tenant,
    mut people: People,
    look: &UsersLook,
    filter: &Filter,
    masked: bool,
) -> Result<()> {
    let mut next = UsersLook { count: UsersLook::MOST_EXPORTED, ..look.clone() };
    loop {
        let mut seen = people.window(&next, filter)?;
        if masked {
            seen.rows.iter_mut().for_each(User::mask);
        }
        // The last window is laid so that it is full: its first rows are written already.
        let known = usize::try_from(next.from.saturating_sub(seen.from)).unwrap_or(usize::MAX);
        let before = next.from;
        for user in seen.rows.iter().skip(known) {
            rows.push(&user_line(tenant, &PersonRow { user, products: &seen.products }))?;
            next.from += 1;
        }
        if next.from >= seen.matched || next.from == before {
            return Ok(());
        }
    }
}

pub(super) fn runs(place: &Place, only: Option<u64>) -> Result<u8> {
    let (fleet, _) = place.read()?;
    if let Some(number) = only
        && !fleet.runs.contains_key(&RunId(number))
    {
        return Err(Stop::usage(format!("no run {number}")).into());
    }
    let mut rows = Rows::new(&place.out, place.format, RunLine::COLUMNS)?;
    for run in fleet.runs.values().rev().filter(|run| only.is_none_or(|number| run.id.0 == number)) {
        rows.push(&RunLine::from(run))?;
    }
    rows.finish()?;
    Ok(DONE)
}

pub(super) fn expiries(place: &Place, partner: Option<&str>, filter: Option<&str>) -> Result<u8> {
    let filter = Filter::parse::<Expiry<'_>>(filter.unwrap_or_default())
        .map_err(|error| Stop::usage(format!("--filter: {error}")))?;
    let (mut fleet, reader) = place.read()?;
    let vault = place.vault(shelf(reader.sealed()));
    // Files and configuration as they stand, which may be younger than the last run.
    for of in &place.loaded.config.partners {
        let credentials = credentials(of, &vault);
        fleet.to_mut().apply(&Change::Credentials { partner: of.name.clone(), credentials });
    }
    if let Some(name) = partner
        && !fleet.partners.keys().any(|known| known.0 == name)
    {
        return Err(Stop::usage(format!("no partner `{name}`")).into());
    }
    let mut rows = Rows::new(&place.out, place.format, ExpiryLine::COLUMNS)?;
    for row in Expiry::all(&fleet, place.clock.now()) {
        if partner.is_none_or(|name| row.partner.0 == name) && filter.matches(&row) {
            rows.push(&ExpiryLine::of(&row))?;
        }
    }
    rows.finish()?;
    for of in fleet.partners.values().filter(|of| partner.is_none_or(|name| of.name.0 == name)) {
        if let Some(why) = of.credentials.as_ref().and_then(|known| known.trouble.as_ref()) {
            place.out.say(&format!("credentials of partner {}: {why}", of.name));
        }
        if let Some(failing) = &of.relations_failing {
            let (cause, meaning) = (failing.failure.cause(), failing.failure.class.meaning());
            place.out.say(&format!("GDAP relationships of partner {} cannot be read: {cause}, {meaning}", of.name));
        } else if of.relations_at.is_none() {
            place.out.say(&format!("GDAP relationships of partner {} were never read; next: tenantop sync", of.name));
        }
    }
    Ok(DONE)
}

pub(super) fn config(place: &Place) -> Result<u8> {
    let config = &place.loaded.config;
    let mut lines: Vec<(String, String, String)> = Vec::new();
    let store = toml::Value::String(place.store.display().to_string()).to_string();
    lines.push(("store.path".to_owned(), store, place.loaded.origin("store.path").to_string()));
    let table = toml::Table::try_from(config)?;
    let mut all: Vec<(String, &toml::Value)> = Vec::new();
    for (section, value) in &table {
        match value {
            toml::Value::Array(partners) => {
                for (n, partner) in partners.iter().enumerate() {
                    flat(&format!("{section}.{}", n + 1), partner, &mut all);
                }
            }
            value @ (toml::Value::String(_)
            | toml::Value::Integer(_)
            | toml::Value::Float(_)
            | toml::Value::Boolean(_)
            | toml::Value::Datetime(_)
            | toml::Value::Table(_)) => flat(section, value, &mut all),
        }
    }
    for (key, value) in all.into_iter().filter(|(key, _)| key != "store.path") {
        let origin = place.loaded.origin(&key).to_string();
        lines.push((key, value.to_string(), origin));
    }
    let mut text = String::new();
    for (key, value, origin) in lines {
        match place.format {
            Format::Json => {
                let value: toml::Table = format!("x = {value}").parse()?;
                let row = serde_json::json!({ "key": key, "value": value["x"], "origin": origin });
                writeln!(text, "{row}")?;
            }
            Format::Csv => writeln!(text, "{key},\"{}\",\"{origin}\"", value.replace('"', "\"\""))?,
            Format::Table => writeln!(text, "{:<58} # {origin}", format!("{key} = {value}"))?,
        }
    }
    place.out.write(&text)?;
    if let Some(products) = place.loaded.products()? {
        let (named, plans) = (products.listed.products.len(), products.listed.plans.len());
        place.out.say(&format!("catalog.products_csv names {named} products and {plans} service plans"));
        if let Some(first) = products.first_left_out {
            place.out.say(&format!(
                "catalog.products_csv: rows left out, since they name no product: {}; the first in {first}",
                products.left_out
            ));
        }
    }
    Ok(DONE)
}

fn flat<'a>(prefix: &str, value: &'a toml::Value, out: &mut Vec<(String, &'a toml::Value)>) {
    if let toml::Value::Table(table) = value {
        table.iter().for_each(|(key, value)| flat(&format!("{prefix}.{key}"), value, out));
    } else {
        out.push((prefix.to_owned(), value));
    }
}
