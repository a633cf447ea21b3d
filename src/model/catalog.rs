use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{PlanId, SkuId, Text};

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
}

/// Names of products and service plans that a list outside the program gives: Microsoft's published table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listed {
    /// Display name of each product.
    pub products: BTreeMap<SkuId, Text>,
    /// Friendly name of each service plan.
    pub plans: BTreeMap<PlanId, Text>,
}

/// What products are called. A name of the operators' own comes first, then the published list, then the built-in
/// table; then the part number, then the id.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Catalog {
    listed: Listed,
    local: BTreeMap<SkuId, LocalName>,
}

impl Catalog {
    /// Takes a published list in place of the one before.
    pub fn set_listed(&mut self, listed: Listed) {
        self.listed = listed;
    }

    /// The name of a product, if any list has one.
    pub fn known(&self, sku_id: SkuId) -> Option<&str> {
        let local = self.local.get(&sku_id).map(|local| local.name.as_str());
        local.or_else(|| self.listed.products.get(&sku_id).map(Text::as_str)).or_else(|| builtin(sku_id))
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

    /// The name of a service plan, if the published list has one.
    pub fn plan(&self, id: PlanId) -> Option<&str> {
        self.listed.plans.get(&id).map(Text::as_str)
    }

    /// Whether a product is free or viral: anybody gets it, by the ten thousand or the million, and nobody pays for it.
    pub fn is_free(&self, sku_id: SkuId) -> bool {
        FREE.contains(&sku_id.0.as_u128())
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
}

/// Products that are free or viral (reference on Graph, section 2).
const FREE: [u128; 7] = [
    0xf30d_b892_07e9_47e9_837c_8072_7f46_fd3d,
    0xa403_ebcc_fae0_4ca2_8c8c_7a90_7fd6_c235,
    0x1f2f_344a_700d_42c9_9427_5cea_1d5d_7ba6,
    0x6470_687e_a428_4b7a_bef2_8a29_1ad9_47c9,
    0x7107_79e8_3d4a_4c88_adb9_386c_958d_1fdf,
    0x8c4c_e438_32a7_4ac5_91a6_e22a_e08d_9c8b,
    0x90d8_b3f8_712e_4f7b_aa1e_62e7_ae6c_be96,
];

/// The built-in table.
fn builtin(sku_id: SkuId) -> Option<&'static str> {
    let at = NAMES.binary_search_by_key(&sku_id.0.as_u128(), |(id, _)| *id).ok()?;
    NAMES.get(at).map(|(_, name)| *name)
}

/// Common products by id, in the order of the ids.
const NAMES: [(u128, &str); 2] = [
    (0x05e9_a617_0261_4cee_bb44_138d_3ef5_d965, "Microsoft 365 E3"),
    (0x06eb_c4ee_1bb5_47dd_8120_1132_4bc5_4e06, "Microsoft 365 E5"),
];
