use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Said when a text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a GUID")]
pub struct ParseIdError(pub String);

/// A GUID that knows what it names, so that two kinds cannot be swapped. Shown in lower case, compared without case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct Id<Of>(pub Uuid, PhantomData<Of>);

impl<Of> Id<Of> {
    /// Names a thing by its GUID.
    pub const fn new(id: Uuid) -> Self {
        Self(id, PhantomData)
    }
}

impl<Of> fmt::Display for Id<Of> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl<Of> FromStr for Id<Of> {
    type Err = ParseIdError;
    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        Uuid::try_parse(text).map(Self::new).map_err(|_| ParseIdError(text.chars().take(64).collect()))
    }
}

/// Marks the id of a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfTenant {}
/// Marks the id of a SKU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfSku {}
/// Marks the id of a service plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfPlan {}
/// Marks the id of a user object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum OfUser {}

/// An Entra tenant, a customer's or a partner's.
pub type TenantId = Id<OfTenant>;
/// A product that is sold by seats: `skuId` in Graph.
pub type SkuId = Id<OfSku>;
/// A service plan inside a SKU.
pub type PlanId = Id<OfPlan>;
/// A user object: `id` in Graph.
pub type UserId = Id<OfUser>;

/// The operator's own name of a partner tenant, as in `[[partner]] name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartnerName(pub CompactString);

impl fmt::Display for PartnerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<&str> for PartnerName {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

/// A customer as one partner sees it. Two partners may serve one tenant; each has its own relationship and its own data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Through whom.
    pub partner: PartnerName,
    /// Which tenant.
    pub tenant: TenantId,
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.partner, self.tenant)
    }
}

/// An import run; counted from 1 in each store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One whole reading of one data set of one tenant; counted from 1 in each store, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SnapshotId(pub u64);
