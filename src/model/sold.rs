use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Failing, Packed, SkuId, Text};

/// A subscription that the partner sold, as Partner Center keeps it (reference on Partner Center, section 7.4). Enums are
/// kept as the text that came.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Subscription {
    /// Partner Center's id of it.
    pub id: Text,
    /// `offerId`: `product:sku:availability`, or a GUID of older offers.
    pub offer: Text,
    /// `offerName`, or the name that the partner gave it.
    pub name: Text,
    /// Units bought.
    pub quantity: i64,
    /// `status`, an open enum: active, suspended, deleted, expired, pending, disabled.
    pub status: Text,
    /// `termDuration`: `P1M`, `P1Y`, `P3Y`; absent for older offers.
    pub term: Option<Text>,
    /// `billingCycle`, an open enum.
    pub billing: Option<Text>,
    /// When its term ends.
    pub ends_at: Option<Timestamp>,
    /// `autoRenewEnabled`
    pub auto_renews: Option<bool>,
    /// `isTrial`
    pub is_trial: bool,
    /// The product in Graph: joined over the customer's own list of commerce subscriptions. Absent where that list does
    /// not have it.
    pub sku_id: Option<SkuId>,
}

impl Subscription {
    /// Whether its units count as sold: only what is active is billed.
    pub fn counts(&self) -> bool {
        self.status.eq_ignore_ascii_case("active")
    }
}

/// What the partner sold to a tenant. It has its own age and its own refusal; where it is not read, nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sold {
    /// When it was last read whole; absent if it never was.
    #[serde(default)]
    pub read_at: Option<Timestamp>,
    /// Why the last run did not renew it; absent if it did.
    #[serde(default)]
    pub failing: Option<Arc<Failing>>,
    /// Why nobody knows which product a new subscription is: the customer's own list was refused. Absent if it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unjoined: Option<Arc<Failing>>,
    /// All subscriptions of units, whatever their status.
    #[serde(default, skip_serializing_if = "Packed::is_empty")]
    pub subscriptions: Packed<Subscription>,
}

impl Sold {
    /// When it was last tried, whatever came of it; absent if it never was.
    pub fn tried_at(&self) -> Option<Timestamp> {
        self.read_at.max(self.failing.as_ref().map(|failing| failing.failure.at))
    }

    /// Active units by product: several terms of one product are summed. Absent if it was never read. Under no product
    /// stand the units of which nobody knows which product they are.
    pub fn units(&self) -> Option<BTreeMap<Option<SkuId>, i64>> {
        self.read_at?;
        let mut units = BTreeMap::new();
        for one in self.subscriptions.to_vec().into_iter().filter(Subscription::counts) {
            let sum: &mut i64 = units.entry(one.sku_id).or_default();
            *sum = sum.saturating_add(one.quantity);
        }
        Some(units)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_of_one_product_are_summed_and_only_active_ones_count() {
        let sku = SkuId::new(uuid::Uuid::from_u128(7));
        let of = |quantity, status: &str, sku_id| Subscription {
            quantity,
            status: status.into(),
            sku_id,
            ..Subscription::default()
        };
        let rows = [
            of(150, "active", Some(sku)),
            of(70, "Active", Some(sku)),
            of(30, "suspended", Some(sku)),
            of(5, "active", None),
        ];
        let mut sold = Sold { subscriptions: Packed::of(&rows), ..Sold::default() };
        assert_eq!(sold.units(), None, "never read is unknown, not 0");
        sold.read_at = Some(Timestamp::UNIX_EPOCH);
        assert_eq!(sold.units(), Some(BTreeMap::from([(None, 5), (Some(sku), 220)])));
    }
}
