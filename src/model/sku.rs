use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Catalog, PlanId, SkuId, Sold, Subscription, Tenant, Text};

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

    /// Units that cannot be assigned: suspended, or cancelled by the customer.
    pub fn off(&self) -> i64 {
        self.prepaid.suspended.unwrap_or(0).saturating_add(self.prepaid.locked_out.unwrap_or(0))
    }

    /// Purchased less consumed. Negative when units lapsed without being unassigned.
    pub fn unassigned(&self) -> Option<i64> {
        Some(self.purchased()?.saturating_sub(self.consumed?))
    }
}

/// A row of the Licenses screen and of `tenantop licenses`: Graph's counts, our own, and what we sold, side by side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseRow {
    /// Which product; absent if the answer had null, or if we sold something of which nobody knows which product it is.
    pub sku_id: Option<SkuId>,
    /// Graph's counts; absent for a product that users hold or that we sold, and that `subscribedSkus` does not list.
    pub sku: Option<SkuCount>,
    /// How many users hold it, by our own count. Absent if the users were never read, or it cannot be held.
    pub held: Option<u64>,
    /// Active units that we sold, of all terms together. Absent if that was never read, or where it cannot be told.
    pub sold: Option<i64>,
    /// What Partner Center calls it, of a product that nothing but our subscriptions knows.
    pub offer: Option<Text>,
}

impl LicenseRow {
    /// Usable units less those sold: below 0 some are not there, above 0 some are not by us.
    pub fn gap(&self) -> Option<i64> {
        let purchased = self.sku.as_ref().map_or(Some(0), SkuCount::purchased)?;
        Some(purchased.saturating_sub(self.sold?))
    }

    /// How many more Graph counts as assigned than users hold; negative the other way round.
    pub fn unseen(&self) -> Option<i64> {
        let held = i64::try_from(self.held?).unwrap_or(i64::MAX);
        Some(self.sku.as_ref()?.consumed?.saturating_sub(held))
    }

    /// Its part number.
    pub fn part_number(&self) -> Option<&str> {
        self.sku.as_ref()?.part_number.as_deref()
    }

    /// What it is called: by the catalog, its part number, its offer, its id.
    pub fn name<'a>(&'a self, catalog: &'a Catalog) -> Cow<'a, str> {
        catalog.name(self.sku_id, self.part_number().or(self.offer.as_deref()))
    }
}

/// The license rows of a tenant from its last good data: every SKU listed, then every SKU that is only held or only sold.
/// Ordered by part number, then id.
pub fn license_rows(tenant: &Tenant) -> Vec<LicenseRow> {
    let counted = tenant.users.good.is_some();
    let holders = tenant.held.to_vec();
    let held_of = |id: SkuId| holders.iter().find(|(sku, _)| *sku == id).map_or(0, |(_, n)| *n);
    let sold = tenant.sold.as_deref().and_then(Sold::units);
    // A subscription of which nobody knows the product may be of any: then 0 is no answer.
    let joined = sold.as_ref().is_some_and(|sold| !sold.contains_key(&None));
    let sold_of = |id: SkuId| sold.as_ref().and_then(|sold| sold.get(&Some(id)).copied().or(joined.then_some(0)));
    let mut rows: Vec<LicenseRow> = tenant
        .sku_counts
        .to_vec()
        .into_iter()
        .map(|sku| {
            let held = sku.sku_id.map(held_of).filter(|n| counted && (!sku.is_company() || *n > 0));
            LicenseRow { sku_id: sku.sku_id, held, sold: sku.sku_id.and_then(sold_of), sku: Some(sku), offer: None }
        })
        .collect();
    for (id, n) in &holders {
        if !rows.iter().any(|row| row.sku_id == Some(*id)) {
            let row = LicenseRow { sku_id: Some(*id), sku: None, held: Some(*n), sold: sold_of(*id), offer: None };
            rows.push(row);
        }
    }
    // What we sold can only be missing from SKUs that were read.
    if tenant.skus.good.is_some() {
        rows.extend(only_sold(tenant, &rows));
    }
    rows.sort_by(|a, b| {
        let name = |row: &LicenseRow| row.part_number().map(str::to_owned);
        (name(a).is_none(), name(a), a.sku_id, &a.offer).cmp(&(name(b).is_none(), name(b), b.sku_id, &b.offer))
    });
    rows
}

/// Rows of what we sold and no other row tells, by product, else by offer.
fn only_sold(tenant: &Tenant, rows: &[LicenseRow]) -> Vec<LicenseRow> {
    let Some(sold) = tenant.sold.as_deref().filter(|sold| sold.read_at.is_some()) else { return Vec::new() };
    let mut found: BTreeMap<(Option<SkuId>, Option<Text>), (i64, Text)> = BTreeMap::new();
    for one in sold.subscriptions.to_vec().into_iter().filter(Subscription::counts) {
        if one.sku_id.is_some() && rows.iter().any(|row| row.sku_id == one.sku_id) {
            continue;
        }
        let offer = one.sku_id.is_none().then(|| one.offer.clone());
        let (units, _) = found.entry((one.sku_id, offer)).or_insert((0, one.name));
        *units = units.saturating_add(one.quantity);
    }
    let counted = tenant.users.good.is_some();
    let row = |((sku_id, _), (units, name))| LicenseRow {
        sku_id,
        sku: None,
        held: sku_id.filter(|_| counted).map(|_| 0),
        sold: Some(units),
        offer: Some(name),
    };
    found.into_iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Good, Key, Packed, RunId, SnapshotId, TenantId};

    fn id(n: u128) -> SkuId {
        SkuId::new(uuid::Uuid::from_u128(n))
    }

    fn tenant() -> Tenant {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let key = Key { partner: "emea".into(), tenant: TenantId::new(uuid::Uuid::nil()) };
        let mut tenant = Tenant::new(key, "T".into(), "t".into(), at);
        let good = Good { at, count: 1, snapshot: SnapshotId(1), run: RunId(1) };
        (tenant.users.good, tenant.skus.good) = (Some(good.clone()), Some(good));
        let prepaid = Prepaid { enabled: Some(200), warning: Some(0), ..Prepaid::default() };
        let sku = Sku { sku_id: Some(id(1)), part_number: Some("A".into()), prepaid: Some(prepaid), ..Sku::default() };
        tenant.sku_counts = Packed::of(&[SkuCount::from(&sku)]);
        tenant.held = Packed::of(&[(id(1), 7), (id(2), 3)]);
        tenant
    }

    fn sells(tenant: &mut Tenant, of: &[(i64, Option<SkuId>)]) {
        let rows: Vec<Subscription> = of
            .iter()
            .map(|(quantity, sku_id)| Subscription {
                quantity: *quantity,
                sku_id: *sku_id,
                status: "active".into(),
                offer: "CFQ:1".into(),
                name: "Offer".into(),
                ..Subscription::default()
            })
            .collect();
        let subscriptions = Packed::of(&rows);
        let sold = Sold { read_at: Some(jiff::Timestamp::UNIX_EPOCH), subscriptions, ..Sold::default() };
        tenant.sold = Some(Box::new(sold));
    }

    type Counts = (Option<SkuId>, Option<u64>, Option<i64>, Option<i64>);

    fn rows(tenant: &Tenant) -> Vec<Counts> {
        license_rows(tenant).into_iter().map(|row| (row.sku_id, row.held, row.sold, row.gap())).collect()
    }

    #[test]
    fn what_was_sold_stands_beside_what_is_there() {
        let mut tenant = tenant();
        let (one, two, three) = (Some(id(1)), Some(id(2)), Some(id(3)));
        assert_eq!(rows(&tenant), [(one, Some(7), None, None), (two, Some(3), None, None)]);
        sells(&mut tenant, &[(150, one), (70, one), (5, three)]);
        let want = [
            (one, Some(7), Some(220), Some(-20)),
            (two, Some(3), Some(0), Some(0)),
            (three, Some(0), Some(5), Some(-5)),
        ];
        assert_eq!(rows(&tenant), want);
        // One of which nobody knows the product may be the second one.
        sells(&mut tenant, &[(220, one), (4, None), (2, None)]);
        let want = [(one, Some(7), Some(220), Some(-20)), (None, None, Some(6), Some(-6)), (two, Some(3), None, None)];
        assert_eq!(rows(&tenant), want);
        let unknown = license_rows(&tenant);
        assert_eq!(unknown[1].name(&Catalog::default()), "Offer");
    }
}
