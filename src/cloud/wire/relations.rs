use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use uuid::Uuid;

use super::{Borrowed, text};
use crate::model::{Gdap, GdapStatus, Related, TenantId, Text};

/// The most roles that are kept of a relationship.
const ROLES: usize = 32;
/// The most rows of a page; 300 are asked for.
const PAGE_ROWS: usize = 10_000;

/// A row of the list of relationships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relationship {
    /// What tells it from the others.
    pub hash: u64,
    /// Whose, and how it stands; absent while no customer is bound to it.
    pub related: Option<Related>,
    /// Whether Microsoft made it when it moved partners to GDAP (`MLT_` begins its name): any other comes before it.
    pub moved: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRelationship<'a> {
    #[serde(borrow, default)]
    id: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    display_name: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    status: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    end_date_time: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    auto_extend_duration: Option<Borrowed<'a>>,
    #[serde(borrow, default)]
    customer: Option<WireBound<'a>>,
    #[serde(borrow, default)]
    access_details: Option<WireAccess<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireBound<'a> {
    #[serde(borrow, default)]
    tenant_id: Option<Borrowed<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAccess<'a> {
    #[serde(borrow, default)]
    unified_roles: Option<Vec<WireRole<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireRole<'a> {
    #[serde(borrow, default)]
    role_definition_id: Option<Borrowed<'a>>,
}

#[derive(Deserialize)]
struct WireRelationships<'a> {
    value: Option<Rows>,
    #[serde(borrow, default, rename = "@odata.nextLink")]
    next: Option<Borrowed<'a>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

/// The rows of a page; one with far more than was asked for is refused before they are held.
struct Rows(Vec<Relationship>);

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Rows;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of relationships")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Rows, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = list.next_element()? {
                    if rows.len() == PAGE_ROWS {
                        return Err(A::Error::custom("too many rows"));
                    }
                    rows.push(relationship(row));
                }
                Ok(Rows(rows))
            }
        }
        from.deserialize_seq(List)
    }
}

/// A page of `/tenantRelationships/delegatedAdminRelationships`: its rows and its next link as it came. Statuses, dates
/// and lengths that are not known stay unknown.
pub fn decode_relationships(body: &[u8]) -> Result<(Vec<Relationship>, Option<String>), String> {
    let page: WireRelationships<'_> =
        serde_json::from_str(text(body)?).map_err(|error| format!("the list of relationships is broken: {error}"))?;
    if page.error.is_some() {
        return Err("the list of relationships has an error inside".to_owned());
    }
    let rows = page.value.ok_or("the list of relationships has no values")?;
    Ok((rows.0, page.next.map(|link| link.0.into_owned())))
}

fn relationship(wire: WireRelationship<'_>) -> Relationship {
    let tenant = wire.customer.and_then(|customer| customer.tenant_id).and_then(|id| id.0.parse().ok());
    let mut hash = DefaultHasher::new();
    (wire.id.as_ref().map(|id| id.0.as_ref()), tenant.map(|id: TenantId| id.0)).hash(&mut hash);
    let moved = wire.display_name.is_some_and(|name| name.0.starts_with("MLT_"));
    let status = match wire.status.as_ref().map(|status| status.0.to_ascii_lowercase()).as_deref() {
        Some("active" | "terminationrequested") => GdapStatus::Active,
        Some("created" | "approvalpending" | "approved" | "activating") => GdapStatus::Waiting,
        Some("expired" | "expiring" | "terminated" | "terminating") => GdapStatus::Ended,
        Some(_) | None => GdapStatus::Unknown,
    };
    let roles = wire.access_details.and_then(|access| access.unified_roles).unwrap_or_default();
    let role = |role: &WireRole<'_>| role.role_definition_id.as_ref()?.0.parse::<Uuid>().ok();
    let roles: Vec<Text> = roles.iter().filter_map(role).take(ROLES).map(|id| id.to_string().into()).collect();
    let gdap = Gdap {
        status,
        ends_at: wire.end_date_time.and_then(|at| at.0.parse().ok()),
        auto_extends: wire.auto_extend_duration.is_some_and(|length| lasts(&length.0)),
        roles,
    };
    Relationship { hash: hash.finish(), related: tenant.map(|tenant| Related { tenant, gdap }), moved }
}

/// Whether an ISO 8601 length is one: `PT0S` is none.
fn lasts(length: &str) -> bool {
    length.starts_with('P') && length.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_rows_are_read_and_guessed_at_nowhere() {
        let body = r#"{"@odata.nextLink":"https://graph.example/next","value":[
            {"id":"a","displayName":"Support","status":"active","endDateTime":"2027-03-02T10:00:00.0000000Z",
             "autoExtendDuration":"P180D","customer":{"tenantId":"8C1F0F0E-52D3-4F0B-9A3A-6B1C7D2E9F44","displayName":"x"},
             "accessDetails":{"unifiedRoles":[{"roleDefinitionId":"88D8E3E3-8f55-4a1e-953a-9b9898b8876b"},{},{"roleDefinitionId":"x"}]}},
            {"id":"b","displayName":"MLT_x","status":"Expired","endDateTime":"soon","autoExtendDuration":"PT0S",
             "customer":{"tenantId":"8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f44"},"accessDetails":null},
            {"id":"c","status":"frozen","customer":null},
            {"customer":{"tenantId":"8c1f0f0e-52d3-4f0b-9a3a-6b1c7d2e9f45"},"status":null,"added":[{}]}]}"#;
        let (rows, next) = decode_relationships(body.as_bytes()).unwrap();
        assert_eq!(next.as_deref(), Some("https://graph.example/next"));
        let gdap = |n: usize| rows[n].related.as_ref().map(|related| related.gdap.clone());
        let first = gdap(0).unwrap();
        assert_eq!((first.status, first.auto_extends), (GdapStatus::Active, true));
        assert_eq!(first.ends_at, "2027-03-02T10:00:00Z".parse().ok());
        assert_eq!(first.role_names().collect::<Vec<_>>(), ["Directory Readers"]);
        let second = gdap(1).unwrap();
        assert_eq!((second.status, second.ends_at, second.auto_extends), (GdapStatus::Ended, None, false));
        assert_eq!(rows[0].related.as_ref().unwrap().tenant, rows[1].related.as_ref().unwrap().tenant);
        assert_eq!(rows.iter().map(|row| row.moved).collect::<Vec<_>>(), [false, true, false, false]);
        assert_eq!((gdap(2), gdap(3).unwrap().status), (None, GdapStatus::Unknown));
        let many = format!("{{\"value\":[{}{{}}]}}", "{},".repeat(PAGE_ROWS));
        assert!(decode_relationships(many.as_bytes()).unwrap_err().contains("too many rows"));
        for bad in ["{}", "[]", "<html>", r#"{"value":[{"status":5}]}"#, r#"{"value":[],"error":{}}"#] {
            assert!(decode_relationships(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
