use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};

use super::{Borrowed, NextItems, Row, WireLinks, guid, next_items, text};
use crate::model::{SkuId, Subscription, Text};

/// The most subscriptions of a customer. None comes near it; a list that does is no list.
pub(in crate::cloud) const SUBSCRIPTIONS: usize = 5_000;
/// The most commerce subscriptions of a tenant: those of all its sellers, the ended ones too.
pub(in crate::cloud) const COMMERCE: usize = 20_000;

/// A list; one that is longer than any real one is refused before it is held.
struct Bounded<T, const MOST: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Bounded<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
            type Value = Bounded<T, MOST>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = list.next_element()? {
                    if rows.len() == MOST {
                        return Err(A::Error::custom("too many rows"));
                    }
                    rows.push(row);
                }
                Ok(Bounded(rows))
            }
        }
        from.deserialize_seq(List::<T, MOST>(PhantomData))
    }
}

/// Members are camelCase; answers in `PascalCase` have been published.
#[derive(Deserialize)]
struct WireSubscriptions<'a> {
    #[serde(borrow, alias = "Items")]
    items: Option<Bounded<WireSubscription<'a>, SUBSCRIPTIONS>>,
    #[serde(borrow, default, alias = "Links")]
    links: Option<WireLinks<'a>>,
}

#[derive(Deserialize)]
struct WireProductType<'a> {
    #[serde(borrow, default, alias = "Id")]
    id: Option<Borrowed<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSubscription<'a> {
    #[serde(borrow, default, alias = "Id")]
    id: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "OfferId")]
    offer_id: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "OfferName")]
    offer_name: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "ProductType")]
    product_type: Option<WireProductType<'a>>,
    #[serde(borrow, default, alias = "FriendlyName")]
    friendly_name: Option<Borrowed<'a>>,
    #[serde(default, alias = "Quantity")]
    quantity: Option<i64>,
    #[serde(borrow, default, alias = "UnitType")]
    unit_type: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "BillingType")]
    billing_type: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "Status")]
    status: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "TermDuration")]
    term_duration: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "BillingCycle")]
    billing_cycle: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "CommitmentEndDate")]
    commitment_end_date: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "CommitmentEndDateTime")]
    commitment_end_date_time: Option<Borrowed<'a>>,
    #[serde(default, alias = "AutoRenewEnabled")]
    auto_renew_enabled: Option<bool>,
    #[serde(default, alias = "IsTrial")]
    is_trial: Option<bool>,
}

/// The subscriptions of a customer and where the list goes on: those of units alone, since usage has no seats. Enums
/// stay the texts that came; ids are written in lower case.
///
/// Refuses a subscription of units without an id, a status or a number of units: whatever stood in their place would be
/// a guess.
pub fn decode_subscriptions(body: &[u8]) -> Result<(Vec<Subscription>, Option<NextItems>), String> {
    let page: WireSubscriptions<'_> =
        serde_json::from_str(text(body)?).map_err(|error| format!("the list of subscriptions is broken: {error}"))?;
    let items = page.items.ok_or("the list of subscriptions has no items")?;
    let units = items.0.into_iter().filter(is_of_units).map(subscription);
    Ok((units.collect::<Result<_, _>>()?, next_items(page.links)))
}

/// Whether it is bought by units. What does not say is taken for that: it has a quantity.
fn is_of_units(wire: &WireSubscription<'_>) -> bool {
    let says = |member: Option<&Borrowed<'_>>, word: &str| {
        member.is_none_or(|said| said.0.is_empty() || said.0.eq_ignore_ascii_case(word))
    };
    let product_type = wire.product_type.as_ref().and_then(|of| of.id.as_ref()).map(|id| id.0.to_ascii_lowercase());
    // Software for servers, software of others and what runs in Azure are no seats of a tenant, however they are counted.
    let elsewhere =
        product_type.is_some_and(|of| ["software", "saas"].contains(&of.as_str()) || of.starts_with("azure"));
    says(wire.unit_type.as_ref(), "Licenses") && says(wire.billing_type.as_ref(), "license") && !elsewhere
}

fn subscription(wire: WireSubscription<'_>) -> Result<Subscription, String> {
    let text = |text: Option<Borrowed<'_>>| text.map(|text| text.text()).filter(|text| !text.is_empty());
    let id = lower(wire.id.as_ref()).ok_or("a subscription has no id")?;
    let quantity = wire.quantity.filter(|n| *n >= 0).ok_or_else(|| format!("subscription {id} has no quantity"))?;
    let status = text(wire.status).ok_or_else(|| format!("subscription {id} has no status"))?;
    let ends = [wire.commitment_end_date_time, wire.commitment_end_date];
    Ok(Subscription {
        id,
        offer: text(wire.offer_id).unwrap_or_default(),
        name: text(wire.offer_name).or_else(|| text(wire.friendly_name)).unwrap_or_default(),
        quantity,
        status,
        term: text(wire.term_duration),
        billing: text(wire.billing_cycle),
        ends_at: ends.iter().flatten().find_map(time),
        auto_renews: wire.auto_renew_enabled,
        is_trial: wire.is_trial.unwrap_or(false),
        sku_id: None,
    })
}

/// An id as it is compared: GUIDs come in both cases.
fn lower(id: Option<&Borrowed<'_>>) -> Option<Text> {
    id.map(|id| id.text().to_ascii_lowercase()).filter(|id: &Text| !id.is_empty())
}

/// A time. What cannot be read and the year 1, which stands for none, are unknown.
fn time(text: &Borrowed<'_>) -> Option<Timestamp> {
    text.0.parse().ok().filter(|at| *at > Timestamp::UNIX_EPOCH)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCommerce<'a> {
    #[serde(borrow, default)]
    commerce_subscription_id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    sku_id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    status: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    next_lifecycle_date_time: Option<Borrowed<'a>>,
    #[serde(default)]
    is_trial: Option<bool>,
}

/// A commerce subscription as the customer's own tenant lists it: what ties a subscription to a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commerce {
    /// `commerceSubscriptionId` in lower case: Partner Center's id. Absent where the seller has none.
    pub id: Option<Text>,
    /// `skuId`
    pub sku_id: Option<SkuId>,
    /// When it renews or ends, while it is enabled: afterwards the date means something else.
    pub ends_at: Option<Timestamp>,
    /// `isTrial`
    pub is_trial: bool,
}

impl<'de> Deserialize<'de> for Row<Commerce> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let wire = WireCommerce::deserialize(from)?;
        let enabled = wire.status.as_ref().is_some_and(|status| status.0.eq_ignore_ascii_case("enabled"));
        Ok(Self(Commerce {
            id: lower(wire.commerce_subscription_id.as_ref()),
            sku_id: guid(wire.sku_id.as_ref(), "skuId of a subscription").map_err(D::Error::custom)?,
            ends_at: wire.next_lifecycle_date_time.as_ref().filter(|_| enabled).and_then(time),
            is_trial: wire.is_trial.unwrap_or(false),
        }))
    }
}

#[derive(Deserialize)]
struct WireCommercePage<'a> {
    value: Option<Bounded<Row<Commerce>, COMMERCE>>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Option<Borrowed<'a>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// A page of `/directory/subscriptions`: its rows and its next link as it came.
pub fn decode_commerce(body: &[u8]) -> Result<(Vec<Commerce>, Option<String>), String> {
    let page: WireCommercePage<'_> = serde_json::from_str(text(body)?)
        .map_err(|error| format!("the list of commerce subscriptions is broken: {error}"))?;
    if page.error.is_some() {
        return Err("the list of commerce subscriptions has an error inside".to_owned());
    }
    let rows = page.value.ok_or("the list of commerce subscriptions has no values")?;
    Ok((rows.0.into_iter().map(|row| row.0).collect(), page.next.map(|link| link.0.into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was published; in `PascalCase` and capitals; with little; an Azure plan and what has no units.
    const LIST: &str = r#"{"totalCount":1,"items":[
        {"id":"924671ba-eab9-45d7-95ed-dbd9477f182b","offerId":"DG7GMGF0FKZV:0003:DG7GMGF0DQLM",
         "offerName":"Microsoft 365 E3","friendlyName":"E3 of the plant",
         "productType":{"id":"OnlineServicesNCE","displayName":"OnlineServicesNCE"},"quantity":1,"unitType":"Licenses",
         "hasPurchasableAddons":false,"creationDate":"2021-10-15T21:28:19.3058617Z",
         "commitmentEndDate":"2024-10-14T00:00:00Z","status":"active","autoRenewEnabled":true,"isTrial":false,
         "billingType":"license","billingCycle":"triennial","termDuration":"P3Y","renewalTermDuration":"",
         "refundOptions":[{"type":"full"}],"links":{"self":{"uri":"/x","method":"GET","headers":[]}},
         "attributes":{"objectType":"Subscription"}},
        {"Id":"F9C1EA2D-2C6E-4717-8C3B-7130812D70BA","OfferId":"031C9E47-4802-4248-838E-778FB1D2CC05","OfferName":null,
         "FriendlyName":"Office 365 \u202eBusiness","Quantity":70,"UnitType":"LICENSES","Status":"Frozen",
         "TermDuration":"","BillingCycle":"Monthly","CommitmentEndDate":"2030-01-01T00:00:00Z",
         "CommitmentEndDateTime":"2026-12-31T08:15:00Z","AutoRenewEnabled":null,"IsTrial":true,"BillingType":null},
        {"id":"a","quantity":3,"status":"suspended","commitmentEndDate":"0001-01-01T00:00:00Z"},
        {"id":"azure","offerName":"Azure plan","quantity":1,"unitType":"Usage-based","billingType":"usage",
         "status":"active"},
        {"id":"server","offerName":"SQL Server Enterprise","productType":{"id":"Software"},"quantity":1,
         "unitType":"Licenses","billingType":"license","status":"active"},
        {"id":"reserved","quantity":1,"unitType":"none","billingType":"license","status":"active"}],
        "links":{"next":{"uri":"/customers/1/subscriptions?page=2","method":"GET","headers":[
            {"key":"ms-continuationtoken","value":"abc"}]}},"attributes":{"objectType":"Collection"}}"#;

    #[test]
    fn subscriptions_of_units_are_read_as_they_came() {
        let (rows, next) = decode_subscriptions(format!("\u{feff}{LIST}").as_bytes()).unwrap();
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let want = ["924671ba-eab9-45d7-95ed-dbd9477f182b", "f9c1ea2d-2c6e-4717-8c3b-7130812d70ba", "a"];
        assert_eq!(ids, want, "usage and software have no seats");
        let first = &rows[0];
        assert_eq!(first.name, "Microsoft 365 E3");
        assert_eq!(first.offer, "DG7GMGF0FKZV:0003:DG7GMGF0DQLM");
        assert_eq!((first.quantity, first.status.as_str(), first.counts()), (1, "active", true));
        assert_eq!((first.term.as_deref(), first.billing.as_deref()), (Some("P3Y"), Some("triennial")));
        assert_eq!((first.ends_at, first.auto_renews), ("2024-10-14T00:00:00Z".parse().ok(), Some(true)));
        let second = &rows[1];
        assert_eq!(second.name, "Office 365 ?Business", "cleaned; the name of its own where the offer has none");
        assert_eq!((second.status.as_str(), second.counts()), ("Frozen", false), "a status that nobody knows");
        assert_eq!((second.term.as_deref(), second.auto_renews, second.is_trial), (None, None, true));
        assert_eq!(second.ends_at, "2026-12-31T08:15:00Z".parse().ok());
        assert_eq!((rows[2].ends_at, rows[2].term.as_ref(), rows[2].sku_id), (None, None, None));
        let next = next.unwrap();
        assert_eq!(next.uri, "/customers/1/subscriptions?page=2");
        assert_eq!(next.continuation.as_deref(), Some("abc"));
    }

    #[test]
    fn half_a_list_and_half_a_subscription_are_refused() {
        let refused = |body: &str, phrase: &str| {
            let error = decode_subscriptions(body.as_bytes()).unwrap_err();
            assert!(error.contains(phrase), "{body:.60} gave: {error}");
        };
        refused("", "broken");
        refused("{}", "no items");
        refused(r#"{"items":null}"#, "no items");
        refused(r#"{"code":20002,"description":"x","data":[],"source":"PartnerFD"}"#, "no items");
        refused(&LIST[..LIST.len() - 40], "broken");
        refused(&format!("{LIST}{{}}"), "broken");
        refused("<html></html>", "web page");
        refused(r#"{"items":[{"quantity":1,"status":"active"}]}"#, "no id");
        refused(r#"{"items":[{"id":"a","status":"active"}]}"#, "no quantity");
        refused(r#"{"items":[{"id":"a","quantity":-1,"status":"active"}]}"#, "no quantity");
        refused(r#"{"items":[{"id":"a","quantity":5}]}"#, "no status");
        refused(r#"{"items":[{"id":"a","quantity":"5","status":"active"}]}"#, "broken");
        refused(r#"{"items":[{"id":7,"quantity":5,"status":"active"}]}"#, "broken");
        refused(&format!("{{\"items\":[{}{{}}]}}", "{},".repeat(SUBSCRIPTIONS)), "too many rows");
        assert_eq!(decode_subscriptions(br#"{"items":[]}"#).unwrap().0, []);
    }

    #[test]
    fn the_customers_own_list_ties_ids_to_products() {
        let body = r#"{"@odata.nextLink":"https://graph.example/next","value":[
            {"createdDateTime":"2023-01-01T00:00:00Z","commerceSubscriptionId":"F9C1EA2D-2c6e-4717-8c3b-7130812d70ba",
             "id":"860697e3-b0aa-4196-a6c6-7ec361ed58f7","isTrial":false,"nextLifecycleDateTime":"2023-02-01T00:00:00Z",
             "serviceStatus":[{"appliesTo":"User","servicePlanName":"MyPlanName"}],
             "skuId":"0816CCB9-3785-4d19-bf78-6c53e2106509","skuPartNumber":"MyPartNumber","status":"Enabled",
             "totalLicenses":25,"ownerType":"User"},
            {"commerceSubscriptionId":null,"skuId":null,"status":"Melted","nextLifecycleDateTime":"2023-02-01T00:00:00Z"},
            {}]}"#;
        let (rows, next) = decode_commerce(format!("\u{feff}{body}").as_bytes()).unwrap();
        assert_eq!(next.as_deref(), Some("https://graph.example/next"));
        assert_eq!(rows[0].id.as_deref(), Some("f9c1ea2d-2c6e-4717-8c3b-7130812d70ba"));
        assert_eq!(rows[0].sku_id, "0816ccb9-3785-4d19-bf78-6c53e2106509".parse().ok());
        assert_eq!(rows[0].ends_at, "2023-02-01T00:00:00Z".parse().ok());
        assert_eq!((rows[1].id.as_ref(), rows[1].sku_id, rows[1].ends_at), (None, None, None), "not enabled: no end");
        assert_eq!(rows.len(), 3);
        for bad in ["{}", "[]", "<html>", r#"{"value":[{"skuId":"E3"}]}"#, r#"{"value":[],"error":{}}"#] {
            assert!(decode_commerce(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(decode_commerce(&body.as_bytes()[..body.len() - 2]).is_err(), "half of it");
        let many = format!("{{\"value\":[{}{{}}]}}", "{},".repeat(COMMERCE));
        assert!(decode_commerce(many.as_bytes()).unwrap_err().contains("too many rows"));
    }
}
