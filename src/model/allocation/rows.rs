//! Rows of a sheet as commands and exports show them: one place, so that a file has what the screen has.

use std::borrow::Cow;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use super::{Currency, Month, PartLine, Percent, RowKind, Sheet, SheetRow, UnitPath, UserShare};
use crate::model::{Filterable, SkuId, TenantId, Text};

/// Whether a month is closed, or its sheet that of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MonthState {
    /// It is reckoned anew each time.
    Open,
    /// It is frozen.
    Closed,
    /// It is what a draft would make of it.
    Draft,
    /// It was frozen, and the month was opened again since.
    Superseded,
}

impl MonthState {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            MonthState::Open => "open",
            MonthState::Closed => "closed",
            MonthState::Draft => "draft",
            MonthState::Superseded => "superseded",
        }
    }
}

/// A row of the sheet, with what all rows have in common.
#[derive(Debug, Serialize)]
pub struct SheetLine<'s> {
    tenant_id: TenantId,
    tenant_name: &'s str,
    month: Month,
    state: &'static str,
    kind: &'static str,
    /// The unit and what it is part of, the outermost first; absent for what is no unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'s UnitPath>,
    /// The same in one text, or what the row is called.
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'s str>,
    users: u64,
    seats: Decimal,
    currency: Option<Currency>,
    amount: Decimal,
    own: Decimal,
    share: Option<Decimal>,
    before: Option<Decimal>,
    change: Option<Decimal>,
    rules: &'s [u32],
    assigned: u64,
    open_seats: Decimal,
    whole: bool,
    rules_version: Option<u32>,
    prices_version: Option<u32>,
    users_at: Option<Timestamp>,
    skus_at: Option<Timestamp>,
}

impl<'s> SheetLine<'s> {
    /// Titles and members of its columns.
    pub const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("UNIT", "name"),
        ("CODE", "code"),
        ("USERS", "users"),
        ("SEATS", "seats"),
        ("AMOUNT", "amount"),
        ("CURRENCY", "currency"),
        ("SHARE %", "share"),
        ("CHANGE", "change"),
        ("BEFORE", "before"),
        ("RULES", "rules"),
        ("KIND", "kind"),
        ("OWN", "own"),
        ("ASSIGNED", "assigned"),
        ("OPEN SEATS", "open_seats"),
        ("STATE", "state"),
        ("WHOLE", "whole"),
        ("MONTH", "month"),
        ("RULES V", "rules_version"),
        ("PRICES V", "prices_version"),
        ("USERS AT", "users_at"),
        ("SKUS AT", "skus_at"),
        ("TENANT ID", "tenant_id"),
    ];

    /// A row of a sheet.
    pub fn of(sheet: &'s Sheet, row: &'s SheetRow, state: MonthState) -> Self {
        let facts = &sheet.facts;
        Self {
            tenant_id: facts.key.tenant,
            tenant_name: &facts.title,
            month: facts.month,
            state: state.name(),
            kind: row.kind.name(),
            unit: (row.kind == RowKind::Unit).then_some(&row.unit),
            name: row.unit.to_string(),
            code: row.code.as_deref(),
            users: row.users,
            seats: row.seats,
            currency: sheet.currency,
            amount: row.amount,
            own: row.own,
            share: row.share,
            before: row.before,
            change: row.change(),
            rules: &row.rules,
            assigned: row.assigned,
            open_seats: row.open_seats,
            whole: sheet.whole,
            rules_version: facts.rules,
            prices_version: facts.prices,
            users_at: facts.users_at,
            skus_at: facts.skus_at,
        }
    }
}

/// The cells of a row as files have them: lists are words, what is absent is empty.
pub fn cells(row: &impl Serialize, columns: &[(&str, &str)]) -> Vec<String> {
    let object = serde_json::to_value(row).unwrap_or_default();
    let cell = |value: Option<&Value>| match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let words: Vec<String> =
                list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
            words.join(" ")
        }
        Some(other) => other.to_string(),
    };
    columns.iter().map(|(_, member)| cell(object.get(member))).collect()
}

impl Filterable for SheetRow {
    const FIELDS: &'static [&'static str] = &["unit", "kind", "code", "rule"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        std::iter::once(self.unit.to_string().into()).chain(self.code.as_deref().map(Cow::Borrowed))
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "unit" => Some(self.unit.to_string().into()),
            "kind" => Some(self.kind.name().into()),
            "code" => self.code.as_deref().map(Cow::Borrowed),
            "rule" => self.rules.first().map(|rule| format!("R{rule}").into()),
            _ => None,
        }
    }
}

impl SheetRow {
    /// How much more it bears than in the month before.
    pub fn change(&self) -> Option<Decimal> {
        Some(self.amount - self.before?)
    }
}

/// What a user bears of a product in a unit.
#[derive(Debug, Serialize)]
pub struct UserShareLine<'s> {
    tenant_id: TenantId,
    month: Month,
    state: &'static str,
    user_id: crate::model::UserId,
    name: &'s Text,
    sign_in: &'s Text,
    /// The unit and what it is part of, the outermost first; absent for untracked.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'s UnitPath>,
    /// The same in one text.
    unit_name: Cow<'static, str>,
    percent: Percent,
    sku_id: Option<SkuId>,
    part_number: Option<&'s Text>,
    product: &'s str,
    currency: Option<Currency>,
    /// Absent where the product has no price or no count.
    amount: Option<Decimal>,
    /// The place of the rule; absent for untracked, and for one with a place of his own.
    rule: Option<u32>,
    assigned: bool,
}

impl<'s> UserShareLine<'s> {
    /// Titles and members of its columns.
    pub const COLUMNS: &'static [(&'static str, &'static str)] = &[
        ("NAME", "name"),
        ("SIGN-IN NAME", "sign_in"),
        ("UNIT", "unit_name"),
        ("PERCENT", "percent"),
        ("PRODUCT", "product"),
        ("AMOUNT", "amount"),
        ("CURRENCY", "currency"),
        ("RULE", "rule"),
        ("ASSIGNED", "assigned"),
        ("USER ID", "user_id"),
        ("SKU ID", "sku_id"),
        ("PART NUMBER", "part_number"),
        ("MONTH", "month"),
        ("STATE", "state"),
        ("TENANT ID", "tenant_id"),
    ];

    /// The line of a user, of the sheet that it is part of.
    pub fn of(
        sheet: &'s Sheet,
        units: &'s [UnitPath],
        user: &'s UserShare,
        line: &PartLine,
        state: MonthState,
    ) -> Self {
        let unit = units.get(line.unit);
        let product = sheet.products.get(line.product);
        let is_open = product.is_some_and(|product| product.state.is_open());
        Self {
            tenant_id: sheet.tenant(),
            month: sheet.facts.month,
            state: state.name(),
            user_id: user.user,
            name: &user.name,
            sign_in: &user.sign_in,
            unit,
            unit_name: unit.map_or(Cow::Borrowed("Untracked"), |unit| unit.to_string().into()),
            percent: Percent::of_millionths(line.millionths),
            sku_id: product.and_then(|product| product.sku_id),
            part_number: product.and_then(|product| product.part_number.as_ref()),
            product: product.map_or("", |product| product.name.as_str()),
            currency: sheet.currency,
            amount: sheet.currency.filter(|_| !is_open).map(|currency| currency.amount(line.coins)),
            rule: user.rule,
            assigned: user.assigned,
        }
    }
}
