//! `tenantop diff`: what the last import of each tenant changed, a field a row.

use std::borrow::Cow;

use color_eyre::eyre::Result;
use compact_str::CompactString;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::args::Only;
use super::output::Rows;
use super::place::{Place, chosen};
use super::{DONE, Stop};
use crate::model::{
    Changed, Compared, DataSet, DiffKind, DiffLine, DiffLook, DiffNames, DiffRow, DiffSums, DiffValue, Filter, SkuId,
    Tenant, TenantId,
};

/// A row of `diff`: a field of a user or a product that differs. Who came or went without any field has a row too.
#[derive(Serialize)]
struct DiffOut<'a> {
    tenant_id: TenantId,
    tenant_name: &'a str,
    kind: &'static str,
    id: String,
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Value>,
    /// The product that the field is about, of licenses and service plans of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    sku_id: Option<SkuId>,
    before_at: Timestamp,
    after_at: Timestamp,
}

const COLUMNS: &[(&str, &str)] = &[
    ("TENANT", "tenant_name"),
    ("KIND", "kind"),
    ("NAME", "name"),
    ("FIELD", "field"),
    ("BEFORE", "before"),
    ("AFTER", "after"),
    ("BEFORE AT", "before_at"),
    ("AFTER AT", "after_at"),
    ("ID", "id"),
    ("SKU ID", "sku_id"),
    ("TENANT ID", "tenant_id"),
];

/// When the two readings of a data set were; absent unless there are two.
fn times(set: &DataSet) -> Option<[Timestamp; 2]> {
    Some([set.before.as_ref()?.at, set.good.as_ref()?.at])
}

/// What all tenants come to.
#[derive(Default)]
struct Totals {
    users: u64,
    skus: u64,
    sums: DiffSums,
    without: usize,
}

pub(super) fn diff(place: &Place, only: &Only) -> Result<u8> {
    let filter = Filter::parse::<DiffLine<'_>>(only.filter.as_deref().unwrap_or_default())
        .map_err(|error| Stop::usage(format!("--filter: {error}")))?;
    let (fleet, reader) = place.read()?;
    let mut rows = Rows::new(&place.out, place.format, COLUMNS)?;
    let tenants = Only { tenant: only.tenant.clone(), partner: only.partner.clone(), filter: None };
    let tenants = chosen(&fleet, &tenants, &place.clock)?;
    let each = tenants.len() == 1 || !only.tenant.is_empty();
    let mut totals = Totals::default();
    for tenant in tenants.iter().map(|row| row.tenant) {
        let look = DiffLook::of(tenant);
        if !look.is_some() {
            totals.without += 1;
            if each {
                place.out.say(&format!("{}: {}", tenant.title(), nothing(tenant)));
            }
            continue;
        }
        let skus = reader.sku_difference(&look)?;
        let names = DiffNames { catalog: &fleet.catalog, products: &skus.products, plans: &skus.plans };
        let mut sums = DiffSums::default();
        let mut result = Ok(());
        let mut show = |row: &DiffRow| {
            sums.add(row.kind);
            if result.is_ok() && filter.matches(&DiffLine { row, names }) {
                let mut row = Cow::Borrowed(row);
                if place.masks() {
                    row.to_mut().mask();
                }
                result = lines(tenant, &row, names).iter().try_for_each(|line| rows.push(line));
            }
            result.is_ok()
        };
        skus.rows.iter().all(&mut show);
        let mut users = None;
        if let [Some(before), Some(now)] = look.users {
            users = reader.user_difference(before, now, &|| true, &mut |row| show(&row))?;
        }
        result?;
        if each {
            place.out.say(&told(tenant, users, skus.compared, &sums));
        }
        totals.users += users.map_or(0, |users| users.all());
        totals.skus += skus.compared.map_or(0, |skus| skus.all());
        totals.sums.join(&sums);
    }
    rows.finish()?;
    if tenants.len() != 1 {
        let Totals { users, skus, sums, without } = totals;
        let without = if without == 0 { String::new() } else { format!("; {without} without two imports") };
        let n = tenants.len();
        place.out.say(&format!("{n} tenants: {users} users and {skus} SKUs compared: {}{without}", summed(&sums)));
    }
    Ok(DONE)
}

/// The rows of a difference: one for each field.
fn lines<'a>(tenant: &'a Tenant, row: &'a DiffRow, names: DiffNames<'a>) -> Vec<DiffOut<'a>> {
    let set = if row.kind.is_of_skus() { &tenant.skus } else { &tenant.users };
    let Some([before_at, after_at]) = times(set) else { return Vec::new() };
    let line = |changed: Option<&Changed>| DiffOut {
        tenant_id: tenant.key.tenant,
        tenant_name: tenant.title(),
        kind: row.kind.name(),
        id: row.id.to_string(),
        name: names.who(row),
        field: changed.map(|changed| changed.field.name()),
        before: changed.and_then(|changed| changed.was.as_ref()).map(|value| json(value, names)),
        after: changed.and_then(|changed| changed.now.as_ref()).map(|value| json(value, names)),
        sku_id: changed.and_then(Changed::product),
        before_at,
        after_at,
    };
    if row.changes.is_empty() { vec![line(None)] } else { row.changes.iter().map(|one| line(Some(one))).collect() }
}

/// A value: units are numbers, all else is text.
fn json(value: &DiffValue, names: DiffNames<'_>) -> Value {
    match value {
        DiffValue::Units(units) => (*units).into(),
        DiffValue::Text(_) | DiffValue::Product(_) | DiffValue::Plans(_) => names.value(value).into_owned().into(),
    }
}

/// Why there is nothing to compare.
fn nothing(tenant: &Tenant) -> CompactString {
    match tenant.users.good.as_ref().or(tenant.skus.good.as_ref()) {
        Some(good) => {
            compact_str::format_compact!("only one import so far, of {}: nothing to compare it with", good.at)
        }
        None => "no import has succeeded yet: nothing to compare".into(),
    }
}

/// What a tenant comes to, and how many were compared.
fn told(tenant: &Tenant, users: Option<Compared>, skus: Option<Compared>, sums: &DiffSums) -> String {
    let part = |what: &str, set: &DataSet, compared: Option<Compared>| match (times(set), compared) {
        (Some([before, now]), Some(compared)) => {
            let all = compared.all();
            format!("{what} {before} -> {now}: {} -> {}, {all} compared", compared.before, compared.now)
        }
        (Some(_) | None, None) | (None, Some(_)) => format!("{what}: only one reading"),
    };
    let (users, skus) = (part("users", &tenant.users, users), part("SKUs", &tenant.skus, skus));
    format!("{}: {users}; {skus}; {}", tenant.title(), summed(sums))
}

fn summed(sums: &DiffSums) -> String {
    let kinds = DiffKind::ALL.into_iter().filter(|kind| sums.of(*kind) > 0);
    let parts: Vec<String> = kinds.map(|kind| format!("{} {}", sums.of(kind), kind.word())).collect();
    if parts.is_empty() { "nothing changed".to_owned() } else { parts.join(", ") }
}
