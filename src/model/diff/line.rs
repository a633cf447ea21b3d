//! What the ids of a difference are called, and how its rows are filtered.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Changed, DiffField, DiffId, DiffRow, DiffValue};
use crate::model::{Catalog, Filterable, PlanId, SkuId, Term, Text, UserField, person};

/// What the ids of a difference are called.
#[derive(Debug, Clone, Copy)]
pub struct DiffNames<'a> {
    /// Names that lists give.
    pub catalog: &'a Catalog,
    /// Part numbers of products, by id.
    pub products: &'a BTreeMap<SkuId, Text>,
    /// Names of service plans, by id.
    pub plans: &'a BTreeMap<PlanId, Text>,
}

impl<'a> DiffNames<'a> {
    /// A product.
    pub fn product(&self, id: Option<SkuId>) -> Cow<'a, str> {
        self.catalog.name(id, self.part(id))
    }

    fn part(&self, id: Option<SkuId>) -> Option<&'a str> {
        id.and_then(|id| self.products.get(&id)).map(Text::as_str)
    }

    /// A service plan.
    pub fn plan(&self, id: PlanId) -> Cow<'a, str> {
        let name = self.catalog.plan(id).or_else(|| self.plans.get(&id).map(Text::as_str));
        name.map_or_else(|| id.to_string().into(), Cow::Borrowed)
    }

    /// A value as a text; units are digits.
    pub fn value<'b>(&self, value: &'b DiffValue) -> Cow<'b, str>
    where
        'a: 'b,
    {
        match value {
            DiffValue::Text(text) => text.as_str().into(),
            DiffValue::Product(id) => self.product(*id),
            DiffValue::Plans(plans) => plans.iter().map(|id| self.plan(*id)).collect::<Vec<_>>().join(", ").into(),
            DiffValue::Units(units) => units.to_string().into(),
        }
    }

    /// Who or what a row is about.
    pub fn who(&self, row: &'a DiffRow) -> Cow<'a, str> {
        match &row.id {
            DiffId::Sku(id) => self.catalog.name(Some(*id), Some(&row.name)),
            DiffId::Part(_) => self.catalog.name(None, Some(&row.name)),
            DiffId::User(id) if row.name.is_empty() => id.to_string().into(),
            DiffId::User(_) => row.name.as_str().into(),
        }
    }
}

/// A row as lists filter it.
#[derive(Debug, Clone, Copy)]
pub struct DiffLine<'a> {
    /// The row.
    pub row: &'a DiffRow,
    /// What ids are called.
    pub names: DiffNames<'a>,
}

impl DiffLine<'_> {
    /// A value with each of its names: a product is found by its part number too.
    fn values<'a>(&'a self, value: &'a DiffValue) -> impl Iterator<Item = Cow<'a, str>> {
        let part = match value {
            DiffValue::Product(id) => self.names.part(*id),
            DiffValue::Text(_) | DiffValue::Plans(_) | DiffValue::Units(_) => None,
        };
        std::iter::once(self.names.value(value)).chain(part.map(Cow::Borrowed))
    }
}

/// The words that stand before a colon: of the row, then those of users, which find rows in which that field differs.
const FIELDS: [&str; 6 + person::NAMES.len()] = {
    let mut fields = ["kind"; 6 + person::NAMES.len()];
    let own = ["kind", "id", "field", "was", "now", "product"];
    let mut i = 0;
    while i < fields.len() {
        fields[i] = if i < own.len() { own[i] } else { person::NAMES[i - own.len()] };
        i += 1;
    }
    fields
};

impl Filterable for DiffLine<'_> {
    const FIELDS: &'static [&'static str] = &FIELDS;

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let values = self.row.changes.iter().flat_map(|changed| changed.was.iter().chain(&changed.now));
        let own = [self.names.who(self.row), self.row.name.as_str().into(), self.row.kind.word().into()];
        let upn = self.row.upn.as_deref().map(Cow::Borrowed);
        own.into_iter().chain(upn).chain(values.flat_map(|value| self.values(value)))
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "kind" => Some(self.row.kind.name().into()),
            "id" => Some(self.row.id.to_string().into()),
            "name" => Some(self.names.who(self.row)),
            _ => None,
        }
    }

    fn is_hit(&self, field: &str, term: &Term) -> bool {
        let hits = |value: &Option<DiffValue>| match value {
            None => term.hits(None),
            Some(value) => self.values(value).any(|text| term.hits(Some(&text))),
        };
        let mut changes = self.row.changes.iter();
        match field {
            "kind" => [self.row.kind.name(), self.row.kind.word()].iter().any(|name| term.hits(Some(name))),
            "id" => term.hits(self.field(field).as_deref()),
            "field" => changes.any(|changed| term.hits(Some(&changed.field.name()))),
            "was" => changes.any(|changed| hits(&changed.was)),
            "now" => changes.any(|changed| hits(&changed.now)),
            "product" => {
                let own = self.row.kind.is_of_skus().then(|| [self.names.who(self.row), self.row.name.as_str().into()]);
                let held = changes.filter_map(Changed::product).map(Some);
                let held = held.flat_map(|id| [Some(self.names.product(id)), self.names.part(id).map(Cow::Borrowed)]);
                own.into_iter().flatten().chain(held.flatten()).any(|name| term.hits(Some(&name)))
            }
            _ => {
                let of = UserField::of(field).map(DiffField::User);
                let differs =
                    changes.any(|changed| Some(changed.field) == of && (hits(&changed.was) || hits(&changed.now)));
                differs || field == "name" && term.hits(self.field(field).as_deref())
            }
        }
    }
}
