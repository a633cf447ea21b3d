mod names;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PlanId, SkuId, Text, clean};
use names::{PLANS, PRODUCTS, Plan, Product};

/// A product's name that an operator gave it, for want of a public one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalName {
    /// The name.
    pub name: Text,
    /// By whom.
    pub by: Text,
    /// Since when.
    pub at: Timestamp,
}

impl LocalName {
    /// The longest name, in bytes.
    pub const LIMIT: usize = 120;

    /// A name as it was typed, cleaned; an empty one takes the name away. Refuses one that is too long.
    pub fn check(text: &str) -> Result<Text, Text> {
        let name = clean(text.trim());
        if name.len() > Self::LIMIT {
            return Err(format!("a name has at most {} bytes", Self::LIMIT).into());
        }
        Ok(name.as_ref().into())
    }
}

/// Names of products and service plans that a list outside the program gives: Microsoft's published table.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Listed {
    /// Display name of each product.
    pub products: BTreeMap<SkuId, Text>,
    /// Part number of each product, where the list has one.
    pub parts: BTreeMap<SkuId, Text>,
    /// Friendly name of each service plan.
    pub plans: BTreeMap<PlanId, Text>,
}

/// What products are called. A name of the operators' own comes first, then the published list, then the built-in
/// table; then the part number, then the id.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Catalog {
    listed: Arc<Listed>,
    local: BTreeMap<SkuId, LocalName>,
}

impl Catalog {
    /// Takes a published list in place of the one before.
    pub fn set_listed(&mut self, listed: impl Into<Arc<Listed>>) {
        self.listed = listed.into();
    }

    /// The published list.
    pub fn listed(&self) -> &Arc<Listed> {
        &self.listed
    }

    /// The name of a product, if any list has one.
    pub fn known(&self, sku_id: SkuId) -> Option<&str> {
        let local = self.local.get(&sku_id).map(|local| local.name.as_str());
        let listed = || self.listed.products.get(&sku_id).map(Text::as_str);
        local.or_else(listed).or_else(|| builtin(sku_id).map(|product| product.name))
    }

    /// What a product is called: by a list, else by its part number, else by its id.
    pub fn name<'a>(&'a self, sku_id: Option<SkuId>, part_number: Option<&'a str>) -> Cow<'a, str> {
        if let Some(name) = sku_id.and_then(|id| self.known(id)) {
            return name.into();
        }
        match (part_number.filter(|part| !part.is_empty()), sku_id) {
            (Some(part), _) => part.into(),
            (None, Some(id)) => id.to_string().into(),
            (None, None) => "(no id)".into(),
        }
    }

    /// The part number of a product as the lists have it, for one that a tenant no longer lists.
    pub fn part(&self, sku_id: SkuId) -> Option<&str> {
        let listed = self.listed.parts.get(&sku_id).map(Text::as_str);
        listed.or_else(|| builtin(sku_id).map(|product| product.part))
    }

    /// The name of a service plan: by the published list, else by the built-in table.
    pub fn plan(&self, id: PlanId) -> Option<&str> {
        let listed = self.listed.plans.get(&id).map(Text::as_str);
        listed.or_else(|| builtin_plan(id).map(|plan| plan.name))
    }

    /// Whether a product is free or viral: anybody gets it, by the ten thousand or the million, and nobody pays for it.
    /// False says only that the built-in table, which alone says so, does not know it as such.
    pub fn is_free(sku_id: SkuId) -> bool {
        builtin(sku_id).is_some_and(|product| product.free)
    }

    /// Names of the operators' own.
    pub fn local(&self) -> &BTreeMap<SkuId, LocalName> {
        &self.local
    }

    /// Gives a product a name of the operators' own, or takes it away.
    pub fn set_local(&mut self, sku_id: SkuId, name: Option<LocalName>) {
        match name {
            Some(name) => self.local.insert(sku_id, name),
            None => self.local.remove(&sku_id),
        };
    }

    /// The built-in products: id, part number, name.
    pub fn builtin_products() -> impl Iterator<Item = (SkuId, &'static str, &'static str)> {
        PRODUCTS.iter().map(|one| (SkuId::new(uuid::Uuid::from_u128(one.id)), one.part, one.name))
    }

    /// The built-in service plans: id, `servicePlanName`, name.
    pub fn builtin_plans() -> impl Iterator<Item = (PlanId, &'static str, &'static str)> {
        PLANS.iter().map(|one| (PlanId::new(uuid::Uuid::from_u128(one.id)), one.code, one.name))
    }
}

fn builtin(sku_id: SkuId) -> Option<&'static Product> {
    let at = PRODUCTS.binary_search_by_key(&sku_id.0.as_u128(), |product| product.id).ok()?;
    PRODUCTS.get(at)
}

fn builtin_plan(id: PlanId) -> Option<&'static Plan> {
    let at = PLANS.binary_search_by_key(&id.0.as_u128(), |plan| plan.id).ok()?;
    PLANS.get(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";

    fn sku(text: &str) -> SkuId {
        text.parse().unwrap()
    }

    fn local(name: &str) -> LocalName {
        LocalName { name: name.into(), by: "jdoe".into(), at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn the_built_in_tables_stand_in_order_and_name_all_they_hold() {
        assert!(PRODUCTS.is_sorted_by(|a, b| a.id < b.id), "products by id, each once");
        assert!(PLANS.is_sorted_by(|a, b| a.id < b.id), "service plans by id, each once");
        assert!(PRODUCTS.len() >= 200 && PLANS.len() >= 100 && PRODUCTS.iter().filter(|one| one.free).count() >= 26);
        let names = PRODUCTS.iter().map(|one| (one.part, one.name)).chain(PLANS.iter().map(|one| (one.code, one.name)));
        for (part, name) in names {
            assert!(!part.is_empty() && name.trim() == name && clean(name) == name, "{part}: {name}");
            assert!(!name.is_empty() && name.len() <= 64, "{part}: {name}");
        }
        for (id, part, name) in Catalog::builtin_products() {
            let catalog = Catalog::default();
            assert_eq!((catalog.part(id), catalog.known(id)), (Some(part), Some(name)));
        }
        for (id, _, name) in Catalog::builtin_plans() {
            assert_eq!(Catalog::default().plan(id), Some(name));
        }
    }

    #[test]
    fn a_name_of_our_own_goes_before_the_list_the_list_before_the_table_then_part_number_then_id() {
        let mut catalog = Catalog::default();
        let (known, new) = (sku(E3), sku("00000000-0000-0000-0000-00000000000a"));
        assert_eq!(catalog.name(Some(known), Some("SPE_E3")), "Microsoft 365 E3");
        catalog.set_listed(Listed { products: [(known, "M365 E3 listed".into())].into(), ..Listed::default() });
        assert_eq!(catalog.name(Some(known), Some("SPE_E3")), "M365 E3 listed");
        catalog.set_local(known, Some(local("Our E3")));
        assert_eq!(catalog.name(Some(known), Some("SPE_E3")), "Our E3");
        catalog.set_local(known, None);
        assert_eq!(catalog.name(Some(known), None), "M365 E3 listed");

        assert_eq!(catalog.name(Some(new), Some("NEWPROD_2026")), "NEWPROD_2026");
        assert_eq!(catalog.name(Some(new), Some("")), "00000000-0000-0000-0000-00000000000a");
        assert_eq!(catalog.name(Some(new), None), "00000000-0000-0000-0000-00000000000a");
        assert_eq!(catalog.name(None, Some("NEWPROD_2026")), "NEWPROD_2026");
        assert_eq!(catalog.name(None, None), "(no id)");
        catalog.set_local(new, Some(local("New product")));
        assert_eq!(catalog.name(Some(new), Some("NEWPROD_2026")), "New product");
    }

    #[test]
    fn plans_and_part_numbers_go_by_the_list_then_by_the_table() {
        let exchange: PlanId = "efb87545-963c-4e0d-99df-69c6916d9eb0".parse().unwrap();
        let mut catalog = Catalog::default();
        assert_eq!(catalog.plan(exchange), Some("Exchange Online (Plan 2)"));
        assert_eq!(catalog.part(sku(E3)), Some("SPE_E3"));
        catalog.set_listed(Listed {
            parts: [(sku(E3), "SPE_E3_NEW".into())].into(),
            plans: [(exchange, "Exchange 2".into())].into(),
            ..Listed::default()
        });
        assert_eq!((catalog.plan(exchange), catalog.part(sku(E3))), (Some("Exchange 2"), Some("SPE_E3_NEW")));
        assert_eq!(catalog.plan(PlanId::new(uuid::Uuid::nil())), None);
    }

    #[test]
    fn what_spreads_by_itself_is_free_and_what_is_sold_is_not() {
        let catalog = Catalog::default();
        for free in ["f30db892-07e9-47e9-837c-80727f46fd3d", "dcb1a3ae-b33f-4487-846a-a640262fadf4"] {
            assert!(Catalog::is_free(sku(free)));
        }
        // Calling credit, storage by the gigabyte and what schools get come in large numbers too.
        for sold in [
            E3,
            "47794cd0-f0e5-45c5-9033-2eb6b5fc84e0",
            "99049c9c-6011-4908-bf17-15f496e6519d",
            "314c4481-f395-4525-be8b-2ec4bb1e9d91",
        ] {
            assert!(catalog.known(sku(sold)).is_some() && !Catalog::is_free(sku(sold)), "{sold}");
        }
    }

    #[test]
    fn a_name_is_cleaned_and_bounded() {
        assert_eq!(LocalName::check("  Our\u{202e} E3 ").unwrap(), "Our? E3");
        assert_eq!(LocalName::check("   ").unwrap(), "");
        assert_eq!(LocalName::check(&"x".repeat(121)).unwrap_err(), "a name has at most 120 bytes");
    }
}
