use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

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

/// Suspended and locked out units together; absent if neither is told.
pub fn off(suspended: Option<i64>, locked_out: Option<i64>) -> Option<i64> {
    suspended.or(locked_out)?;
    Some(suspended.unwrap_or(0).saturating_add(locked_out.unwrap_or(0)))
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
    /// Adds another row of the same product.
    fn add(&mut self, other: &SkuCount) {
        let sum = |a: Option<i64>, b: Option<i64>| Some(a?.saturating_add(b?));
        let (mine, its) = (&mut self.prepaid, other.prepaid);
        mine.enabled = sum(mine.enabled, its.enabled);
        mine.warning = sum(mine.warning, its.warning);
        mine.suspended = sum(mine.suspended, its.suspended);
        mine.locked_out = sum(mine.locked_out, its.locked_out);
        self.consumed = sum(self.consumed, other.consumed);
        self.premium = self.premium.max(other.premium);
    }

    /// Whether it is for the company as a whole: nobody holds it.
    pub fn is_company(&self) -> bool {
        is_company(self.applies_to.as_deref())
    }

    /// Usable units: enabled + warning, as Partner Center counts them. Unknown if either is.
    pub fn purchased(&self) -> Option<i64> {
        Some(self.prepaid.enabled?.saturating_add(self.prepaid.warning?))
    }

    /// Units that cannot be assigned: suspended, or cancelled by the customer. Old answers have no word of the latter; where
    /// there is none of either nobody knows.
    pub fn off(&self) -> Option<i64> {
        off(self.prepaid.suspended, self.prepaid.locked_out)
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
    /// What its numbers can be compared by.
    pub basis: Basis,
}

/// Whether the numbers of a tenant's rows are of one time and whole: what is not is not compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "four facts, each true or not by itself")]
pub struct Basis {
    /// The SKUs were read, at some time.
    pub skus: bool,
    /// Users and SKUs are of one import.
    pub together: bool,
    /// What we sold was read when it was last asked for.
    pub sold: bool,
    /// The product of every active subscription is known: nothing more was sold of any.
    pub joined: bool,
}

impl Basis {
    /// All can be compared.
    pub const WHOLE: Basis = Basis { skus: true, together: true, sold: true, joined: true };

    fn of(tenant: &Tenant, units: Option<&BTreeMap<Option<SkuId>, i64>>) -> Self {
        let (users, skus) = (tenant.users.good.as_ref(), tenant.skus.good.as_ref());
        Self {
            skus: skus.is_some(),
            together: users.zip(skus).is_some_and(|(users, skus)| users.run == skus.run),
            sold: tenant.sold.as_deref().is_some_and(|sold| sold.failing.is_none()),
            joined: units.is_some_and(|units| units.get(&None).is_none_or(|units| *units == 0)),
        }
    }
}

impl LicenseRow {
    /// Usable units less those sold: below 0 some are not there, above 0 some are not by us. Where the SKUs were never
    /// read nobody knows.
    pub fn gap(&self) -> Option<i64> {
        let purchased = match &self.sku {
            Some(sku) => sku.purchased()?,
            None if self.basis.skus => 0,
            None => return None,
        };
        Some(purchased.saturating_sub(self.sold?))
    }

    /// How many more Graph counts as assigned than users hold; negative the other way round. Counts of different imports
    /// say nothing of each other.
    pub fn unseen(&self) -> Option<i64> {
        let held = i64::try_from(self.held.filter(|_| self.basis.together)?).unwrap_or(i64::MAX);
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

/// The counts of each product once: an account may have several rows of one, which are summed. What one of them does not
/// tell is not told by the sum. Rows without an id stay apart.
pub fn joined(counts: Vec<SkuCount>) -> Vec<SkuCount> {
    let mut places: BTreeMap<SkuId, usize> = BTreeMap::new();
    let mut all: Vec<SkuCount> = Vec::with_capacity(counts.len());
    for count in counts {
        let place = count.sku_id.map(|id| *places.entry(id).or_insert(all.len()));
        match place.and_then(|place| all.get_mut(place)) {
            Some(before) => before.add(&count),
            None => all.push(count),
        }
    }
    all
}

/// The license rows of a tenant from its last good data: every SKU listed, then every SKU that is only held or only sold.
/// Ordered by part number, then id.
pub fn license_rows(tenant: &Tenant) -> Vec<LicenseRow> {
    let counted = tenant.users.good.is_some();
    let holders: BTreeMap<SkuId, u64> = tenant.held.to_vec().into_iter().collect();
    let units = tenant.sold.as_deref().and_then(Sold::units);
    let basis = Basis::of(tenant, units.as_ref());
    // A subscription of which nobody knows the product may be of any: then 0 is no answer.
    let none = basis.joined.then_some(0);
    let sold_of = |id: SkuId| units.as_ref().and_then(|units| units.get(&Some(id)).copied().or(none));
    let listed = joined(tenant.sku_counts.to_vec());
    let known: BTreeSet<SkuId> = listed.iter().filter_map(|sku| sku.sku_id).collect();
    let mut rows: Vec<LicenseRow> = listed
        .into_iter()
        .map(|sku| {
            let held = sku.sku_id.map(|id| holders.get(&id).copied().unwrap_or(0));
            let held = held.filter(|n| counted && (!sku.is_company() || *n > 0));
            let sold = sku.sku_id.and_then(sold_of);
            LicenseRow { sku_id: sku.sku_id, held, sold, sku: Some(sku), offer: None, basis }
        })
        .collect();
    for (id, n) in holders.iter().filter(|(id, _)| !known.contains(*id)) {
        rows.push(LicenseRow { sku_id: Some(*id), sku: None, held: Some(*n), sold: sold_of(*id), offer: None, basis });
    }
    // What we sold can only be missing from SKUs that were read.
    if basis.skus {
        let shown = |id: SkuId| known.contains(&id) || holders.contains_key(&id);
        rows.extend(only_sold(tenant, basis, shown));
    }
    rows.sort_by_cached_key(|row| {
        let name = row.part_number().map(str::to_owned);
        (name.is_none(), name, row.sku_id, row.offer.clone())
    });
    rows
}

/// Rows of what we sold and no other row tells, by product, else by offer.
fn only_sold(tenant: &Tenant, basis: Basis, shown: impl Fn(SkuId) -> bool) -> Vec<LicenseRow> {
    let Some(sold) = tenant.sold.as_deref().filter(|sold| sold.read_at.is_some()) else { return Vec::new() };
    let mut found: BTreeMap<(Option<SkuId>, Option<Text>), (i64, Text)> = BTreeMap::new();
    for one in sold.subscriptions.to_vec().into_iter().filter(Subscription::counts) {
        if one.quantity == 0 || one.sku_id.is_some_and(&shown) {
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
        basis,
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
        assert!(!unknown[0].basis.joined, "220 at least");
        // One of no units is of no product and makes nothing unknown.
        sells(&mut tenant, &[(220, one), (0, None), (0, three)]);
        let want = [(one, Some(7), Some(220), Some(-20)), (two, Some(3), Some(0), Some(0))];
        assert_eq!(rows(&tenant), want);
    }

    #[test]
    fn what_was_never_read_is_not_taken_as_none() {
        let mut tenant = tenant();
        (tenant.skus.good, tenant.sku_counts) = (None, Packed::default());
        sells(&mut tenant, &[(220, Some(id(1)))]);
        let found = license_rows(&tenant);
        assert_eq!(
            found.iter().map(|row| (row.held, row.sold, row.gap())).collect::<Vec<_>>(),
            [(Some(7), Some(220), None), (Some(3), Some(0), None),]
        );
        assert!(
            found
                .iter()
                .all(|row| crate::model::Finding::of(row, &Catalog::default()) == crate::model::Finding::NoCount)
        );
    }

    #[test]
    fn counts_of_different_imports_are_not_compared() {
        let mut tenant = tenant();
        let consumed = |tenant: &mut Tenant, n| {
            let prepaid = Prepaid { enabled: Some(200), warning: Some(0), ..Prepaid::default() };
            let sku = Sku { sku_id: Some(id(1)), prepaid: Some(prepaid), consumed: Some(n), ..Sku::default() };
            tenant.sku_counts = Packed::of(&[SkuCount::from(&sku)]);
        };
        consumed(&mut tenant, 9);
        assert_eq!(license_rows(&tenant)[0].unseen(), Some(2));
        tenant.skus.good.as_mut().unwrap().run = RunId(2);
        assert_eq!(license_rows(&tenant)[0].unseen(), None);
    }

    #[test]
    fn a_product_that_is_listed_twice_is_one_row() {
        let mut tenant = tenant();
        let count = |enabled, consumed| {
            let prepaid = Prepaid { enabled, warning: Some(0), ..Prepaid::default() };
            SkuCount::from(&Sku { sku_id: Some(id(1)), prepaid: Some(prepaid), consumed, ..Sku::default() })
        };
        tenant.sku_counts = Packed::of(&[count(Some(10), Some(5)), count(Some(5), Some(2))]);
        sells(&mut tenant, &[(15, Some(id(1)))]);
        let found = license_rows(&tenant);
        assert_eq!(
            (found[0].held, found[0].sold, found[0].gap(), found[0].unseen()),
            (Some(7), Some(15), Some(0), Some(0))
        );
        assert_eq!(found.len(), 2, "and the one that is only held");
        tenant.sku_counts = Packed::of(&[count(Some(10), None), count(None, Some(2))]);
        let sum = license_rows(&tenant)[0].sku.clone().unwrap();
        assert_eq!((sum.purchased(), sum.consumed), (None, None), "half a sum is none");
    }
}
