use serde::{Deserialize, Serialize};

use super::{PlanId, SkuId, Tenant, Text};

/// Units of a product by their standing, as Graph's `prepaidUnits`. A member may be null or missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Prepaid {
    /// Paid and usable.
    pub enabled: Option<i64>,
    /// Lapsed or cancelled: cannot be assigned.
    pub suspended: Option<i64>,
    /// Past its term, in the grace period: still usable.
    pub warning: Option<i64>,
    /// Cancelled by the customer.
    pub locked_out: Option<i64>,
}

/// A service plan inside a SKU. Enums are kept as the text that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServicePlan {
    /// `servicePlanId`
    pub id: Option<PlanId>,
    /// `servicePlanName`
    pub name: Option<Text>,
    /// `provisioningStatus`, an open enum.
    pub status: Option<Text>,
    /// `appliesTo`
    pub applies_to: Option<Text>,
}

impl ServicePlan {
    /// Whether it is for the company as a whole: no user gets it.
    pub fn is_company(&self) -> bool {
        is_company(self.applies_to.as_deref())
    }
}

/// One row of `subscribedSkus` (reference on Graph, section 2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sku {
    /// `id`: `{account}_{skuId}`, kept as it came.
    pub id: Option<Text>,
    /// `skuId`
    pub sku_id: Option<SkuId>,
    /// `skuPartNumber`
    pub part_number: Option<Text>,
    /// `appliesTo`: `User` or `Company`, an open enum.
    pub applies_to: Option<Text>,
    /// `capabilityStatus`, an open enum.
    pub status: Option<Text>,
    /// `consumedUnits`
    pub consumed: Option<i64>,
    /// `prepaidUnits`
    pub prepaid: Option<Prepaid>,
    /// `servicePlans`
    pub service_plans: Vec<ServicePlan>,
    /// `subscriptionIds`
    pub subscription_ids: Vec<Text>,
}

impl Sku {
    /// Whether it is for the company as a whole: nobody holds it.
    pub fn is_company(&self) -> bool {
        is_company(self.applies_to.as_deref())
    }
}

fn is_company(applies_to: Option<&str>) -> bool {
    applies_to.is_some_and(|scope| scope.eq_ignore_ascii_case("company"))
}

/// The counts of a SKU that a fleet keeps in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkuCount {
    /// `skuId`
    pub sku_id: Option<SkuId>,
    /// `skuPartNumber`
    pub part_number: Option<Text>,
    /// `appliesTo`
    pub applies_to: Option<Text>,
    /// `capabilityStatus`
    pub status: Option<Text>,
    /// `prepaidUnits`; all unknown if the answer had none.
    pub prepaid: Prepaid,
    /// `consumedUnits`
    pub consumed: Option<i64>,
    /// Whether Entra ID P1 or P2 is among its service plans; absent if the answer had no plans.
    #[serde(default)]
    pub premium: Option<bool>,
}

/// The service plans without which a tenant has no Conditional Access policies of its own.
const PREMIUM: [&str; 2] = ["AAD_PREMIUM", "AAD_PREMIUM_P2"];

impl From<&Sku> for SkuCount {
    fn from(sku: &Sku) -> Self {
        Self {
            sku_id: sku.sku_id,
            part_number: sku.part_number.clone(),
            applies_to: sku.applies_to.clone(),
            status: sku.status.clone(),
            prepaid: sku.prepaid.unwrap_or_default(),
            consumed: sku.consumed,
            premium: (!sku.service_plans.is_empty()).then(|| {
                let mut names = sku.service_plans.iter().filter_map(|plan| plan.name.as_deref());
                names.any(|name| PREMIUM.contains(&name))
            }),
        }
    }
}

impl SkuCount {
    /// Whether it is for the company as a whole: nobody holds it.
    pub fn is_company(&self) -> bool {
        is_company(self.applies_to.as_deref())
    }

    /// Usable units: enabled + warning, as Partner Center counts them. Unknown if either is.
    pub fn purchased(&self) -> Option<i64> {
        Some(self.prepaid.enabled?.saturating_add(self.prepaid.warning?))
    }

    /// Purchased less consumed. Negative when units lapsed without being unassigned.
    pub fn unassigned(&self) -> Option<i64> {
        Some(self.purchased()?.saturating_sub(self.consumed?))
    }
}

/// A row of the Licenses screen and of `tenantop licenses`: Graph's counts and our own, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseRow {
    /// Which product; absent if the answer had null.
    pub sku_id: Option<SkuId>,
    /// Graph's counts; absent for a product that users hold and `subscribedSkus` no longer lists.
    pub sku: Option<SkuCount>,
    /// How many users hold it, by our own count. Absent if the users were never read, or it cannot be held.
    pub held: Option<u64>,
}

/// The license rows of a tenant from its last good data: every SKU listed, then every SKU only held. Ordered by part
/// number, then id.
pub fn license_rows(tenant: &Tenant) -> Vec<LicenseRow> {
    let counted = tenant.users.good.is_some();
    let holders = tenant.held.to_vec();
    let held_of = |id: SkuId| holders.iter().find(|(sku, _)| *sku == id).map_or(0, |(_, n)| *n);
    let mut rows: Vec<LicenseRow> = tenant
        .sku_counts
        .to_vec()
        .into_iter()
        .map(|sku| {
            let held = sku.sku_id.map(held_of).filter(|n| counted && (!sku.is_company() || *n > 0));
            LicenseRow { sku_id: sku.sku_id, sku: Some(sku), held }
        })
        .collect();
    for (id, n) in holders {
        if !rows.iter().any(|row| row.sku_id == Some(id)) {
            rows.push(LicenseRow { sku_id: Some(id), sku: None, held: Some(n) });
        }
    }
    rows.sort_by(|a, b| {
        let name = |row: &LicenseRow| row.sku.as_ref().and_then(|s| s.part_number.clone());
        (name(a).is_none(), name(a), a.sku_id).cmp(&(name(b).is_none(), name(b), b.sku_id))
    });
    rows
}
