//! What somebody wants to see of an allocation, with all that the fleet knows of it. The rest lies in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Counted, Month, PartLine, Preview, PriceBook, Rules, Sheet, SheetFacts, Standing, UnitPath, Why};
use crate::model::{Catalog, SkuId, SnapshotId, Tenant, Text, UserId, mask};

/// A month of a tenant, as the fleet knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationOf {
    /// What the sheet is of.
    pub facts: SheetFacts,
    /// The users.
    pub users: Option<SnapshotId>,
    /// The products.
    pub counted: Arc<Vec<Counted>>,
}

impl AllocationOf {
    /// A month of a tenant. `today` is the month that it is.
    pub fn new(tenant: &Tenant, catalog: &Catalog, month: Month, today: Month) -> Self {
        let (users, skus) = (tenant.users.good.as_ref(), tenant.skus.good.as_ref());
        let facts = SheetFacts {
            key: tenant.key.clone(),
            title: tenant.title().into(),
            month,
            today,
            rules: Some(tenant.allocated.rules),
            prices: Some(tenant.allocated.prices),
            users_at: users.map(|good| good.at),
            skus_at: skus.map(|good| good.at),
            together: users.zip(skus).is_some_and(|(users, skus)| users.run == skus.run),
        };
        Self { facts, users: users.map(|good| good.snapshot), counted: Arc::new(Counted::all(tenant, catalog)) }
    }

    /// Part numbers of the products.
    pub fn part_numbers(&self) -> BTreeMap<SkuId, Text> {
        self.counted.iter().filter_map(|one| Some((one.sku_id?, one.part_number.clone()?))).collect()
    }
}

/// Rules or prices that are not saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Draft {
    /// Rules; those in force if absent.
    #[serde(default)]
    pub rules: Option<Arc<Rules>>,
    /// Prices; those in force if absent.
    #[serde(default)]
    pub prices: Option<Arc<PriceBook>>,
}

impl Draft {
    /// Whether it is of anything.
    pub const fn is_some(&self) -> bool {
        self.rules.is_some() || self.prices.is_some()
    }
}

/// What of an allocation is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocationAsk {
    /// The sheet, the months, the rules in force; with a draft, what it moves.
    Sheet,
    /// Users of a unit and of all that is part of it; untracked ones if absent. In the order of the snapshot.
    Users {
        /// Which unit.
        unit: Option<UnitPath>,
        /// The first row.
        from: u64,
        /// How many rows, at most [`AllocationSeen::MOST`].
        count: u32,
    },
    /// Why a user is where he is: by object id, sign-in name or mail.
    Why(Text),
}

/// A look at an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocationLook {
    /// Which month of which tenant.
    pub of: AllocationOf,
    /// With which draft.
    pub draft: Draft,
    /// What is wanted.
    pub ask: AllocationAsk,
    /// Counted up by the asker whenever the answer may have become another one.
    pub round: u64,
}

/// A user and what he bears: of each unit and product of his.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserShare {
    /// Who.
    pub user: UserId,
    /// What he is called.
    pub name: Text,
    /// What he signs in with.
    pub sign_in: Text,
    /// The place of the rule that put him there, from 1; absent for none, and for one with a place of his own.
    pub rule: Option<u32>,
    /// Whether he has a place of his own.
    pub assigned: bool,
    /// What he bears.
    pub lines: Vec<PartLine>,
}

/// What was found of an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AllocationSeen {
    /// The sheet.
    Sheet {
        /// As it is in force, or was when the month was closed.
        sheet: Box<Sheet>,
        /// Whether the month is closed.
        closed: bool,
        /// What the draft moves.
        preview: Option<Box<Preview>>,
        /// The rules in force, or those of the closed month.
        rules: Arc<Rules>,
        /// The prices in force, or those of the closed month.
        prices: Arc<PriceBook>,
        /// By whom the rules were saved, and when; absent for those that everybody begins with.
        saved: Option<(Text, jiff::Timestamp)>,
        /// Months that were ever closed, the newest first.
        months: Vec<Standing>,
    },
    /// Users.
    Users {
        /// How many there are.
        total: u64,
        /// The first row that is here.
        from: u64,
        /// The rows.
        rows: Vec<UserShare>,
        /// The units that lines name by their place.
        units: Vec<UnitPath>,
        /// The sheet that the lines add up to.
        sheet: Box<Sheet>,
    },
    /// Why a user is where he is.
    Why(Box<Why>),
}

impl UserShare {
    /// Masks what tells who the user is.
    pub fn mask(&mut self) {
        for text in [&mut self.name, &mut self.sign_in] {
            if !text.is_empty() {
                *text = mask(text).into();
            }
        }
    }
}

impl AllocationSeen {
    /// The most users of a window.
    pub const MOST: u32 = 2_048;
}
