//! Users of a business unit, a window of them at a time: who bears what there, and whom a draft moves.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{Part, Sheet, UnitMask, UnitPath, UserShare};
use crate::model::{Filterable, UserId};

/// What users of a unit are sorted by. Of equals, the order of the snapshot counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareField {
    /// What he is called.
    Name,
    /// What he signs in with.
    SignIn,
    /// Seats here, the most first.
    Seats,
    /// What he bears here, the most first.
    Amount,
    /// The rule that put him here; then those with a place of their own, then those whom none took.
    Rule,
    /// Whom the draft moves first, then by name.
    Draft,
}

/// A window on the users of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharesLook {
    /// Which unit, with all that is part of it; untracked users if absent.
    pub unit: Option<UnitPath>,
    /// The filter as typed, for [`ShareRow`].
    pub filter: String,
    /// What they are sorted by; absent for the order of the snapshot, in which the command has them.
    pub sort: Option<ShareField>,
    /// Whether the order is turned round.
    pub reverse: bool,
    /// The first row of the window.
    pub from: u64,
    /// How many rows, at most [`SharesLook::MOST`], or [`SharesLook::MOST_EXPORTED`] in an export.
    pub count: u32,
    /// A user whose row is wanted: the window is laid around it, if the filter shows it.
    pub at: Option<UserId>,
}

impl SharesLook {
    /// The most rows of a window.
    pub const MOST: u32 = 512;
    /// The most rows of a window of an export.
    pub const MOST_EXPORTED: u32 = 4_096;

    /// All users of a unit, from the first one on.
    pub fn of(unit: Option<UnitPath>) -> Self {
        Self { unit, filter: String::new(), sort: None, reverse: false, from: 0, count: Self::MOST, at: None }
    }
}

/// What a draft of rules makes of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moved {
    /// Nothing: he stays here, or there is no draft.
    Stays,
    /// He is here, and will be somewhere else.
    Leaves,
    /// He is somewhere else, and will be here.
    Comes,
    /// He is here and will be here, but in another part of it, or with another share.
    Within,
}

impl Moved {
    /// Its word.
    pub const fn name(self) -> &'static str {
        match self {
            Moved::Stays => "stays",
            Moved::Leaves => "leaves",
            Moved::Comes => "comes",
            Moved::Within => "within",
        }
    }
}

/// A user of a unit as lists filter him.
#[derive(Debug, Clone, Copy)]
pub struct ShareRow<'a> {
    /// Who.
    pub user: UserId,
    /// What he is called.
    pub name: &'a str,
    /// What he signs in with.
    pub sign_in: &'a str,
    /// The place of the rule that put him there, from 1.
    pub rule: Option<u32>,
    /// What a draft makes of him.
    pub moved: Moved,
}

impl Filterable for ShareRow<'_> {
    const FIELDS: &'static [&'static str] = &["name", "upn", "id", "rule", "draft"];

    fn texts(&self) -> impl Iterator<Item = Cow<'_, str>> {
        [self.name, self.sign_in].into_iter().map(Cow::Borrowed)
    }

    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "name" => Some(self.name.into()),
            "upn" => Some(self.sign_in.into()),
            "id" => Some(self.user.to_string().into()),
            "rule" => self.rule.map(|rule| format!("R{rule}").into()),
            "draft" => (self.moved != Moved::Stays).then(|| self.moved.name().into()),
            _ => None,
        }
    }
}

/// Where a draft puts a user whom it moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShareThen {
    /// Into these units; none for untracked.
    pub units: Vec<Part>,
    /// The place of the rule of the draft that does it, from 1.
    pub rule: Option<u32>,
}

/// A user in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesRow {
    /// Who, and what he bears by the rules and prices in force, or by those of the closed month.
    pub share: UserShare,
    /// What a draft makes of him.
    pub moved: Moved,
    /// Where the draft puts him, if it moves him.
    pub then: Option<ShareThen>,
}

/// A window on the users of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesSeen {
    /// Users who are here.
    pub total: u64,
    /// Users whom the draft brings, and those whom it takes away.
    pub moved: (u64, u64),
    /// Users whom the filter shows; those whom the draft brings are among them.
    pub matched: u64,
    /// The row of the first user in this window.
    pub from: u64,
    /// The users, in order.
    pub rows: Vec<SharesRow>,
    /// The row of the user that was asked for, if the filter shows him.
    pub at: Option<u64>,
    /// The units that lines of these rows name by their place; any other place is untracked.
    pub units: Vec<UnitPath>,
    /// The sheet that the lines are part of. Of its rows the one of the unit is here, and nothing that is no amount.
    pub sheet: Box<Sheet>,
    /// Whether the month is closed.
    pub closed: bool,
    /// What those of these units are called that are called after a person, where people are masked.
    pub names: UnitMask,
}

impl SharesSeen {
    /// Masks what tells who somebody is.
    pub fn mask(&mut self) {
        let names = std::mem::take(&mut self.names);
        for row in &mut self.rows {
            row.share.mask();
            for part in row.then.iter_mut().flat_map(|then| &mut then.units) {
                names.hide(&mut part.unit);
            }
        }
        self.units.iter_mut().for_each(|unit| names.hide(unit));
        for row in &mut self.sheet.rows {
            names.hide(&mut row.unit);
        }
    }
}
