//! What somebody wants to see of an allocation, with all that the fleet knows of it. The rest lies in the store.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Counted, Month, PartLine, Preview, PriceBook, Reading, Rules, SharesLook, SharesSeen, Sheet, SheetFacts, Standing,
    UnitMask, Why,
};
use crate::model::{Catalog, Role, SkuId, SnapshotId, Tenant, Text, UserId, Verb, mask};

/// A month of a tenant, as the fleet knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllocationOf {
    /// What the sheet is of.
    pub facts: SheetFacts,
    /// The users.
    pub users: Option<SnapshotId>,
    /// The products; nothing of a reading that is kept: the store has them.
    pub counted: Arc<Vec<Counted>>,
    /// Whether the data are the kept reading of the month, of which later data took the place.
    pub kept: bool,
    /// The month before, if it is not closed and a reading of it is kept.
    pub before: Option<Box<AllocationOf>>,
}

impl AllocationOf {
    /// A month of a tenant. `today` is the month that it is. A month that is over has its last reading, if that is kept;
    /// every other one what stands.
    pub fn new(tenant: &Tenant, catalog: &Catalog, month: Month, today: Month) -> Self {
        let kept = |month: Month| tenant.allocated.reading(month).filter(|_| month < today);
        let earlier = kept(month.before()).filter(|reading| !tenant.allocated.is_closed(reading.month));
        let before = earlier.map(|reading| Box::new(Self::reading(tenant, reading, today)));
        if let Some(reading) = kept(month) {
            return Self { before, ..Self::reading(tenant, reading, today) };
        }
        let (users, skus) = (tenant.users.good.as_ref(), tenant.skus.good.as_ref());
        let facts = SheetFacts {
            users_at: users.map(|good| good.at),
            skus_at: skus.map(|good| good.at),
            together: users.zip(skus).is_some_and(|(users, skus)| users.run == skus.run),
            ..Self::facts(tenant, month, today)
        };
        let counted = Arc::new(Counted::all(tenant, catalog));
        Self { facts, users: users.map(|good| good.snapshot), counted, kept: false, before }
    }

    fn reading(tenant: &Tenant, reading: &Reading, today: Month) -> Self {
        let facts = SheetFacts {
            users_at: Some(reading.users.at),
            skus_at: Some(reading.skus_at),
            together: true,
            ..Self::facts(tenant, reading.month, today)
        };
        Self { facts, users: Some(reading.users.snapshot), counted: Arc::default(), kept: true, before: None }
    }

    /// What is known before any data.
    fn facts(tenant: &Tenant, month: Month, today: Month) -> SheetFacts {
        SheetFacts {
            key: tenant.key.clone(),
            title: tenant.title().into(),
            month,
            today,
            rules: Some(tenant.allocated.rules),
            prices: Some(tenant.allocated.prices),
            users_at: None,
            skus_at: None,
            together: false,
        }
    }

    /// Part numbers of the products.
    pub fn part_numbers(&self) -> BTreeMap<SkuId, Text> {
        self.counted.iter().filter_map(|one| Some((one.sku_id?, one.part_number.clone()?))).collect()
    }
}

/// Rules or prices that are not saved.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

    /// Why somebody in this role may not ask with it: who is told of no person learns of none by what rules move.
    pub fn refusal(&self, role: Role) -> Option<String> {
        let looks = self.rules.as_ref().is_some_and(|rules| rules.looks_at_people());
        let why = || format!("a draft whose rules look at who somebody is: {}", role.refusal(Verb::ExportPeople));
        (looks && !role.may(Verb::ExportPeople)).then(why)
    }
}

/// What of an allocation is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AllocationAsk {
    /// The sheet, the months, the rules in force; with a draft, what it moves.
    Sheet,
    /// The sheet as the draft alone has it: where what is in force cannot be reckoned.
    Alone,
    /// Users of a unit, a window of them; with a draft of rules, whom it moves.
    Users(SharesLook),
    /// Why a user is where he is, by object id, sign-in name or mail; with a draft of rules, where he would be by it.
    Why(Text),
}

/// A look at an allocation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
        /// Whether the rules name people who are masked here: then they are to be read, and nothing is made of them.
        masked: bool,
    },
    /// The sheet of a draft.
    Alone(Box<Sheet>),
    /// Users.
    Users(Box<SharesSeen>),
    /// Why a user is where he is.
    Why {
        /// By the rules in force.
        why: Box<Why>,
        /// By those of the draft.
        then: Option<Box<Why>>,
    },
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
    /// Masks what tells who somebody is. `draft` is what was asked with.
    pub fn mask(&mut self, draft: &Draft) {
        match self {
            AllocationSeen::Sheet { sheet, preview, rules, masked, .. } => {
                let drafted = draft.rules.as_ref().unwrap_or(rules);
                let then = preview.as_ref().map(|preview| (&**drafted, &*preview.then));
                let sheets: Vec<(&Rules, &Sheet)> = [Some((&**rules, &**sheet)), then].into_iter().flatten().collect();
                let names = UnitMask::of_sheets(&sheets);
                sheet.mask(rules, &names);
                if let Some(preview) = preview {
                    preview.mask(drafted, &names);
                }
                let shown = rules.masked(&names);
                *masked |= shown != **rules || rules.looks_at_people();
                *rules = Arc::new(shown);
            }
            // Of this only the amounts are asked for.
            AllocationSeen::Alone(sheet) => {
                (sheet.rows, sheet.rules, sheet.checks, sheet.clusters) = Default::default();
            }
            AllocationSeen::Users(seen) => seen.mask(),
            AllocationSeen::Why { why, then } => {
                why.mask();
                if let Some(then) = then {
                    then.mask();
                }
            }
        }
    }
}
