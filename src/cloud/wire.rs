//! What the services send, decoded: borrowed from the body, cleaned, bounded, and never guessed.
//!
//! Every body may begin with a byte order mark. A 200 whose body is cut, is no JSON, has an error in it or lacks its
//! list is refused as a whole: half a page is no page.
#![expect(clippy::struct_field_names, reason = "the members are named as Graph names them")]

mod relations;
mod sold;
mod tokens;

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, Visitor};

use crate::model::{
    AssignedLicense, Customer, Fixed, Id, Manager, Prepaid, ServicePlan, Sku, TEXT_FIELDS, TenantId, Text, TextField,
    User, UserId, clean,
};

pub use relations::{Relationship, decode_relationships};
pub(super) use sold::{COMMERCE, SUBSCRIPTIONS};
pub use sold::{Commerce, decode_commerce, decode_subscriptions};
pub use tokens::decode_token;
pub(super) use tokens::{Claims, DeviceCode, SignedIn, device_code, signed_in, tokens};

/// Longer texts are cut here, in bytes: no attribute comes near it.
const TEXT_LIMIT: usize = 4096;
/// The most members of a list inside a user or a SKU.
const LIST_LIMIT: usize = 2000;

/// A text that borrows from the body. A bare `Option<Cow>` would not.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Borrowed<'a>(#[serde(borrow)] Cow<'a, str>);

impl Borrowed<'_> {
    fn text(&self) -> Text {
        let cleaned = clean(&self.0);
        if cleaned.len() <= TEXT_LIMIT {
            return Text::from(cleaned.as_ref());
        }
        let end = (0..=TEXT_LIMIT).rev().find(|at| cleaned.is_char_boundary(*at)).unwrap_or(0);
        Text::from(&cleaned[..end])
    }
}

/// A text, null, or not there at all.
#[derive(Debug, Default)]
enum Field<'a> {
    #[default]
    Missing,
    Null,
    Text(Cow<'a, str>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Field<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Texts;
        impl<'de> Visitor<'de> for Texts {
            type Value = Field<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or null")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Field::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Field::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E: Error>(self, text: String) -> Result<Self::Value, E> {
                Ok(Field::Text(Cow::Owned(text)))
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Field::Null)
            }
        }
        from.deserialize_any(Texts)
    }
}

/// A value, null, or not there at all.
#[derive(Debug, Default)]
enum Maybe<T> {
    #[default]
    Missing,
    Null,
    There(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(from)?.map_or(Self::Null, Self::There))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct WireUser<'a> {
    #[serde(borrow)]
    id: Field<'a>,
    #[serde(borrow)]
    display_name: Field<'a>,
    #[serde(borrow)]
    company_name: Field<'a>,
    #[serde(borrow)]
    department: Field<'a>,
    #[serde(borrow)]
    mail: Field<'a>,
    #[serde(borrow)]
    given_name: Field<'a>,
    #[serde(borrow)]
    surname: Field<'a>,
    #[serde(borrow)]
    job_title: Field<'a>,
    #[serde(borrow)]
    state: Field<'a>,
    #[serde(borrow)]
    postal_code: Field<'a>,
    #[serde(borrow)]
    street_address: Field<'a>,
    #[serde(borrow)]
    city: Field<'a>,
    #[serde(borrow)]
    preferred_language: Field<'a>,
    #[serde(borrow)]
    usage_location: Field<'a>,
    #[serde(borrow)]
    user_principal_name: Field<'a>,
    #[serde(borrow)]
    office_location: Field<'a>,
    #[serde(borrow)]
    country: Field<'a>,
    #[serde(borrow)]
    user_type: Field<'a>,
    #[serde(borrow)]
    assigned_licenses: Maybe<Vec<WireLicense<'a>>>,
    #[serde(borrow)]
    on_premises_extension_attributes: Maybe<WireExtension<'a>>,
    #[serde(borrow)]
    manager: Maybe<WireManager<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireLicense<'a> {
    #[serde(borrow)]
    sku_id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    disabled_plans: Option<Vec<Borrowed<'a>>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct WireExtension<'a> {
    #[serde(borrow)]
    extension_attribute1: Field<'a>,
    #[serde(borrow)]
    extension_attribute2: Field<'a>,
    #[serde(borrow)]
    extension_attribute3: Field<'a>,
    #[serde(borrow)]
    extension_attribute4: Field<'a>,
    #[serde(borrow)]
    extension_attribute5: Field<'a>,
    #[serde(borrow)]
    extension_attribute6: Field<'a>,
    #[serde(borrow)]
    extension_attribute7: Field<'a>,
    #[serde(borrow)]
    extension_attribute8: Field<'a>,
    #[serde(borrow)]
    extension_attribute9: Field<'a>,
    #[serde(borrow)]
    extension_attribute10: Field<'a>,
    #[serde(borrow)]
    extension_attribute11: Field<'a>,
    #[serde(borrow)]
    extension_attribute12: Field<'a>,
    #[serde(borrow)]
    extension_attribute13: Field<'a>,
    #[serde(borrow)]
    extension_attribute14: Field<'a>,
    #[serde(borrow)]
    extension_attribute15: Field<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManager<'a> {
    #[serde(borrow, default)]
    id: Field<'a>,
    #[serde(borrow, default)]
    display_name: Field<'a>,
    #[serde(borrow, default)]
    user_principal_name: Field<'a>,
}

#[derive(Deserialize)]
struct WirePage<'a, T> {
    value: Option<Vec<T>>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Option<Borrowed<'a>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireSku<'a> {
    #[serde(borrow, default)]
    id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    sku_id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    sku_part_number: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    applies_to: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    capability_status: Option<Borrowed<'a>>,
    #[serde(default)]
    consumed_units: Option<i64>,
    #[serde(default)]
    prepaid_units: Option<WirePrepaid>,
    #[serde(borrow, default)]
    service_plans: Option<Vec<WirePlan<'a>>>,
    #[serde(borrow, default)]
    subscription_ids: Option<Vec<Borrowed<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePrepaid {
    #[serde(default)]
    enabled: Option<i64>,
    #[serde(default)]
    suspended: Option<i64>,
    #[serde(default)]
    warning: Option<i64>,
    #[serde(default)]
    locked_out: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WirePlan<'a> {
    #[serde(borrow, default)]
    service_plan_id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    service_plan_name: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    provisioning_status: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    applies_to: Option<Borrowed<'a>>,
}

/// A body as text: UTF-8, without its byte order mark.
fn text(body: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is no UTF-8 text".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with('<') {
        return Err("the answer is a web page, not JSON".to_owned());
    }
    Ok(text)
}

fn page<'a, T>(body: &'a [u8]) -> Result<(Vec<T>, Option<String>), String>
where
    Row<T>: Deserialize<'a>,
{
    let page: WirePage<'a, Row<T>> =
        serde_json::from_str(text(body)?).map_err(|error| format!("the page is broken: {error}"))?;
    if page.error.is_some() {
        return Err("the page has an error inside".to_owned());
    }
    let rows = page.value.ok_or("the page has no list of values")?;
    Ok((rows.into_iter().map(|row| row.0).collect(), page.next.map(|link| link.0.into_owned())))
}

/// A row that is checked and cleaned as soon as it is read, so that the page is never held twice.
struct Row<T>(T);

impl<'de> Deserialize<'de> for Row<User> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        user(WireUser::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Row<Sku> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        sku(WireSku::deserialize(from)?).map(Self).map_err(D::Error::custom)
    }
}

/// A page of `/users`: its users and its next link as it came.
///
/// Refuses a user whose `id` is no GUID, and any member of another type than the schema's.
pub fn decode_users(body: &[u8]) -> Result<(Vec<User>, Option<String>), String> {
    page(body)
}

fn user(wire: WireUser<'_>) -> Result<User, String> {
    let id: UserId = match &wire.id {
        Field::Text(id) => id.parse().map_err(|error| format!("id of a user: {error}"))?,
        Field::Missing | Field::Null => return Err("a user has no id".to_owned()),
    };
    let mut absent = 0;
    let mut texts: [Option<Text>; TEXT_FIELDS] = Default::default();
    let fields = [
        (TextField::DisplayName, wire.display_name),
        (TextField::CompanyName, wire.company_name),
        (TextField::Department, wire.department),
        (TextField::Mail, wire.mail),
        (TextField::GivenName, wire.given_name),
        (TextField::Surname, wire.surname),
        (TextField::JobTitle, wire.job_title),
        (TextField::State, wire.state),
        (TextField::PostalCode, wire.postal_code),
        (TextField::StreetAddress, wire.street_address),
        (TextField::City, wire.city),
        (TextField::PreferredLanguage, wire.preferred_language),
        (TextField::UsageLocation, wire.usage_location),
        (TextField::UserPrincipalName, wire.user_principal_name),
        (TextField::OfficeLocation, wire.office_location),
        (TextField::Country, wire.country),
        (TextField::UserType, wire.user_type),
    ];
    for (field, value) in fields {
        match value {
            Field::Text(text) => texts[field as usize] = Some(Borrowed(text).text()),
            Field::Null => {}
            Field::Missing => absent |= Fixed::Text(field).bit(),
        }
    }
    let licenses = match wire.assigned_licenses {
        Maybe::There(list) => Some(bounded(list)?.into_iter().map(license).collect::<Result<_, _>>()?),
        Maybe::Null => None,
        Maybe::Missing => {
            absent |= Fixed::AssignedLicenses.bit();
            None
        }
    };
    let extension = match wire.on_premises_extension_attributes {
        Maybe::There(wire) => Some(extension(wire)),
        Maybe::Null => None,
        Maybe::Missing => {
            absent |= Fixed::ExtensionAttributes.bit();
            None
        }
    };
    let manager = match wire.manager {
        Maybe::There(wire) => Some(Manager {
            id: optional_id(&wire.id, "id of a manager")?,
            display_name: optional(wire.display_name),
            user_principal_name: optional(wire.user_principal_name),
        }),
        Maybe::Null => None,
        Maybe::Missing => {
            absent |= Fixed::Manager.bit();
            None
        }
    };
    Ok(User { id, absent, texts, licenses, extension, manager })
}

/// A list inside a row. One that is longer than any real one is refused: half of it would be a wrong answer.
fn bounded<T>(list: Vec<T>) -> Result<Vec<T>, String> {
    if list.len() <= LIST_LIMIT { Ok(list) } else { Err(format!("a list of {} in a row", list.len())) }
}

fn optional(field: Field<'_>) -> Option<Text> {
    match field {
        Field::Text(text) => Some(Borrowed(text).text()),
        Field::Null | Field::Missing => None,
    }
}

fn optional_id<Of>(field: &Field<'_>, what: &str) -> Result<Option<Id<Of>>, String> {
    match field {
        Field::Text(text) => text.parse().map(Some).map_err(|error| format!("{what}: {error}")),
        Field::Null | Field::Missing => Ok(None),
    }
}

fn guid<Of>(text: Option<&Borrowed<'_>>, what: &str) -> Result<Option<Id<Of>>, String> {
    text.map(|text| text.0.parse().map_err(|error| format!("{what}: {error}"))).transpose()
}

fn license(wire: WireLicense<'_>) -> Result<AssignedLicense, String> {
    Ok(AssignedLicense {
        sku_id: guid(wire.sku_id.as_ref(), "skuId of a license")?,
        disabled_plans: bounded(wire.disabled_plans.unwrap_or_default())?
            .iter()
            .map(|plan| plan.0.parse().map_err(|error| format!("a disabled plan: {error}")))
            .collect::<Result<_, _>>()?,
    })
}

fn extension(wire: WireExtension<'_>) -> Box<[Option<Text>; 15]> {
    Box::new(
        [
            wire.extension_attribute1,
            wire.extension_attribute2,
            wire.extension_attribute3,
            wire.extension_attribute4,
            wire.extension_attribute5,
            wire.extension_attribute6,
            wire.extension_attribute7,
            wire.extension_attribute8,
            wire.extension_attribute9,
            wire.extension_attribute10,
            wire.extension_attribute11,
            wire.extension_attribute12,
            wire.extension_attribute13,
            wire.extension_attribute14,
            wire.extension_attribute15,
        ]
        .map(optional),
    )
}

/// A page of `/subscribedSkus`. Enums stay the texts that came; null and missing numbers stay unknown.
pub fn decode_skus(body: &[u8]) -> Result<(Vec<Sku>, Option<String>), String> {
    page(body)
}

fn sku(wire: WireSku<'_>) -> Result<Sku, String> {
    let text = |text: Option<Borrowed<'_>>| text.map(|text| text.text());
    let plan = |wire: WirePlan<'_>| -> Result<ServicePlan, String> {
        Ok(ServicePlan {
            id: guid(wire.service_plan_id.as_ref(), "servicePlanId")?,
            name: text(wire.service_plan_name),
            status: text(wire.provisioning_status),
            applies_to: text(wire.applies_to),
        })
    };
    Ok(Sku {
        id: text(wire.id),
        sku_id: guid(wire.sku_id.as_ref(), "skuId")?,
        part_number: text(wire.sku_part_number),
        applies_to: text(wire.applies_to),
        status: text(wire.capability_status),
        consumed: wire.consumed_units,
        prepaid: wire.prepaid_units.map(|units| Prepaid {
            enabled: units.enabled,
            suspended: units.suspended,
            warning: units.warning,
            locked_out: units.locked_out,
        }),
        service_plans: bounded(wire.service_plans.unwrap_or_default())?
            .into_iter()
            .map(plan)
            .collect::<Result<_, _>>()?,
        subscription_ids: bounded(wire.subscription_ids.unwrap_or_default())?.iter().map(Borrowed::text).collect(),
    })
}

#[derive(Deserialize)]
struct WireCustomers<'a> {
    #[serde(borrow)]
    items: Option<Vec<WireCustomer<'a>>>,
    #[serde(borrow, default)]
    links: Option<WireLinks<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCustomer<'a> {
    #[serde(borrow, default, alias = "Id")]
    id: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "CompanyProfile")]
    company_profile: Option<WireCompany<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireCompany<'a> {
    #[serde(borrow, default, alias = "TenantId")]
    tenant_id: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "Domain")]
    domain: Option<Borrowed<'a>>,
    #[serde(borrow, default, alias = "CompanyName")]
    company_name: Option<Borrowed<'a>>,
}

#[derive(Deserialize)]
struct WireLinks<'a> {
    #[serde(borrow, default)]
    next: Option<WireLink<'a>>,
}

#[derive(Deserialize)]
struct WireLink<'a> {
    #[serde(borrow)]
    uri: Borrowed<'a>,
    #[serde(borrow, default)]
    headers: Option<Vec<WireHeader<'a>>>,
}

#[derive(Deserialize)]
struct WireHeader<'a> {
    #[serde(borrow)]
    key: Borrowed<'a>,
    #[serde(borrow)]
    value: Borrowed<'a>,
}

/// Where the next page of a list of Partner Center is: an address that is mostly relative, and headers that belong to
/// it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextItems {
    /// `links.next.uri`, as it came.
    pub uri: String,
    /// `MS-ContinuationToken`, without which the first page comes again.
    pub continuation: Option<String>,
}

/// A page of Partner Center's customers. One without a tenant id that is a GUID (nor an `id` that is) cannot be read
/// from and is left out; how many were is the third value.
pub fn decode_customers(body: &[u8]) -> Result<(Vec<Customer>, Option<NextItems>, u64), String> {
    let page: WireCustomers<'_> =
        serde_json::from_str(text(body)?).map_err(|error| format!("the customer list is broken: {error}"))?;
    let items = page.items.ok_or("the customer list has no items")?;
    let mut left_out = 0;
    let mut customers = Vec::with_capacity(items.len());
    for item in items {
        let parse = |text: &Borrowed<'_>| text.0.parse::<TenantId>().ok();
        let company = item.company_profile;
        let tenant = company.as_ref().and_then(|company| company.tenant_id.as_ref()).and_then(parse);
        let Some(tenant) = tenant.or_else(|| item.id.as_ref().and_then(parse)) else {
            left_out += 1;
            continue;
        };
        let text = |text: Option<&Borrowed<'_>>| text.map(Borrowed::text).unwrap_or_default();
        customers.push(Customer {
            tenant,
            name: text(company.as_ref().and_then(|company| company.company_name.as_ref())),
            domain: text(company.as_ref().and_then(|company| company.domain.as_ref())),
        });
    }
    Ok((customers, next_items(page.links), left_out))
}

fn next_items(links: Option<WireLinks<'_>>) -> Option<NextItems> {
    let next = links?.next?;
    let mut headers = next.headers.unwrap_or_default().into_iter();
    let continuation = headers.find(|header| header.key.0.eq_ignore_ascii_case("MS-ContinuationToken"));
    Some(NextItems {
        uri: next.uri.0.into_owned(),
        continuation: continuation.map(|header| header.value.0.into_owned()),
    })
}

#[cfg(test)]
mod tests;
