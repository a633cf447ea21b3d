use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{SkuId, Text};

/// Cross-checks of one import: what its users and its SKUs say of each other. Kept where both were read whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checks {
    /// Users who hold at least one license.
    pub holders: u64,
    /// Licenses that users hold, of products that the SKUs list for people.
    pub held: u64,
    /// `consumedUnits` of these products together; a product that tells none is left out on both sides.
    pub consumed: i64,
    /// Users who hold a product that the SKUs do not list.
    pub unknown_users: u64,
    /// How many such products there are.
    pub unknown_skus: u64,
    /// Whether there are users and each one's `assignedLicenses` is empty: as a rule a role that is too small.
    pub all_empty: bool,
}

impl Checks {
    /// How many more Graph counts as assigned than users hold; negative the other way round.
    pub fn unseen(&self) -> i64 {
        self.consumed.saturating_sub(i64::try_from(self.held).unwrap_or(i64::MAX))
    }

    /// Whether the two lists agree.
    pub fn agree(&self) -> bool {
        self.unseen() == 0 && self.unknown_users == 0 && !self.all_empty
    }
}

/// What somebody says of a finding of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explained {
    /// Which product; one without an id cannot be told from others on the next day.
    pub sku_id: SkuId,
    /// The finding, as its row says it: another one is to be looked at again.
    pub finding: Text,
    /// Why it is as it should be.
    pub reason: Text,
    /// Until when.
    pub until: Timestamp,
}

/// A finding of a product that somebody explained: it is no longer to be looked at while it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What was said.
    #[serde(flatten)]
    pub what: Explained,
    /// By whom.
    pub by: Text,
    /// Since when.
    pub at: Timestamp,
}

impl Known {
    /// The longest reason, in bytes.
    pub const REASON_LIMIT: usize = 200;

    /// Whether it explains a finding of a product at a time.
    pub fn explains(&self, sku_id: Option<SkuId>, finding: &str, now: Timestamp) -> bool {
        let what = &self.what;
        sku_id == Some(what.sku_id) && what.finding == finding && now < what.until
    }
}
