use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::money::short;
use super::{Attribute, Condition, Percent, Unit, UnitPath};
use crate::model::{Text, TextField, clean};

/// A share of a user and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// To which unit.
    pub unit: UnitPath,
    /// How much.
    pub percent: Percent,
}

/// Where a rule puts a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// Into a unit.
    Unit(UnitPath),
    /// Into several, by percent.
    Split(Vec<Part>),
    /// Into the unit that is called as the user's attributes: a level for each, as far as there are values. Who has no
    /// value of the first one is left to the rules behind.
    Each {
        /// The attributes.
        by: Vec<Attribute>,
        /// The unit that all of these are part of; none if absent.
        under: Option<UnitPath>,
        /// Whether values that differ in capitals or in blanks at their ends are one unit, called as most of them.
        fold: bool,
    },
}

/// A rule: users for whom all conditions hold, and whom no rule before it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Spelled", into = "Spelled")]
pub struct Rule {
    /// What it is called; rules are shown by their place otherwise.
    pub name: Option<Text>,
    /// All of these hold; of nothing, for everybody.
    pub when: Vec<Condition>,
    /// Where to.
    pub then: Then,
}

/// A rule as a file spells it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelled {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<Text>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<UnitPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    each: Option<Vec<Attribute>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    under: Option<UnitPath>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    fold: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Vec<Part>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    when: Vec<Condition>,
}

impl TryFrom<Spelled> for Rule {
    type Error = String;
    fn try_from(spelled: Spelled) -> Result<Self, String> {
        let Spelled { name, unit, each, under, fold, split, when } = spelled;
        let then = match (unit, each, split) {
            (None, Some(by), None) => Then::Each { by, under, fold },
            (Some(_) | None, ..) if under.is_some() || fold => {
                return Err("under and fold go with each".to_owned());
            }
            (Some(unit), None, None) => Then::Unit(unit),
            (None, None, Some(parts)) => Then::Split(parts),
            (Some(_) | None, ..) => return Err("a rule has one of: unit, split, each".to_owned()),
        };
        Ok(Self { name, when, then })
    }
}

impl From<Rule> for Spelled {
    fn from(rule: Rule) -> Self {
        let Rule { name, when, then } = rule;
        let mut spelled = Self { name, unit: None, each: None, under: None, fold: false, split: None, when };
        match then {
            Then::Unit(unit) => spelled.unit = Some(unit),
            Then::Split(parts) => spelled.split = Some(parts),
            Then::Each { by, under, fold } => (spelled.each, spelled.under, spelled.fold) = (Some(by), under, fold),
        }
        spelled
    }
}

/// A user whom no rule moves: by object id or sign-in name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "SpelledAssigned", into = "SpelledAssigned")]
pub struct Assigned {
    /// Who.
    pub user: Text,
    /// Where to.
    pub to: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpelledAssigned {
    user: Text,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<UnitPath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    split: Option<Vec<Part>>,
}

impl TryFrom<SpelledAssigned> for Assigned {
    type Error = String;
    fn try_from(spelled: SpelledAssigned) -> Result<Self, String> {
        let SpelledAssigned { user, unit, split } = spelled;
        let to = match (unit, split) {
            (Some(unit), None) => vec![Part { unit, percent: Percent::WHOLE }],
            (None, Some(parts)) => parts,
            (Some(_), Some(_)) | (None, None) => return Err(format!("`{}` has one of: unit, split", short(&user))),
        };
        Ok(Self { user, to })
    }
}

impl From<Assigned> for SpelledAssigned {
    fn from(assigned: Assigned) -> Self {
        match assigned.to.as_slice() {
            [Part { unit, percent: Percent::WHOLE }] => {
                Self { user: assigned.user, unit: Some(unit.clone()), split: None }
            }
            _ => Self { user: assigned.user, unit: None, split: Some(assigned.to) },
        }
    }
}

/// By what a customer's users are told apart: fixed assignments first, then rules in their order; the first hit wins.
/// Whom nothing takes is untracked.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// What the levels of units are called.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<Text>,
    /// Units that are there in any case.
    #[serde(default, rename = "unit", skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<Unit>,
    /// Rules in their order.
    #[serde(default, rename = "rule", skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// Users with a place of their own.
    #[serde(default, rename = "assign", skip_serializing_if = "Vec::is_empty")]
    pub assigned: Vec<Assigned>,
}

impl Rules {
    /// The most rules.
    pub const RULES: usize = 1_000;
    /// The most conditions of a rule.
    const CONDITIONS: usize = 16;
    /// The most conditions on the chain of managers, of all rules together.
    pub(super) const CHAIN: usize = 64;
    /// The most parts of a split.
    const PARTS: usize = 100;
    /// The most users with a place of their own.
    const ASSIGNED: usize = 5_000;
    /// The most units, and the most groups that rules make by themselves.
    pub const UNITS: usize = 10_000;
    /// The longest name of a rule or a level, in bytes.
    const NAME: usize = 120;

    /// What a customer begins with: by department, who has none by company, who has neither untracked.
    pub fn start() -> Self {
        let by = |field| Rule {
            name: None,
            when: Vec::new(),
            then: Then::Each { by: vec![Attribute::Text(field)], under: None, fold: false },
        };
        Self { rules: vec![by(TextField::Department), by(TextField::CompanyName)], ..Self::default() }
    }

    /// Cleans all texts, and refuses what cannot be meant: a split that is not 100 %, a user with two places, too much.
    pub fn checked(mut self) -> Result<Self, String> {
        for (count, most, what) in [
            (self.levels.len(), UnitPath::DEPTH, "levels"),
            (self.units.len(), Self::UNITS, "units"),
            (self.rules.len(), Self::RULES, "rules"),
            (self.assigned.len(), Self::ASSIGNED, "assigned users"),
        ] {
            if count > most {
                return Err(format!("{count} {what}: there are {most} at most"));
            }
        }
        for level in &mut self.levels {
            *level = name(level, "a level")?;
        }
        let mut known = BTreeSet::new();
        for unit in &mut self.units {
            unit.path.check()?;
            if let Some(code) = &mut unit.code {
                *code = name(code, "a code")?;
            }
            if !known.insert(unit.path.clone()) {
                return Err(format!("unit {} is there twice", unit.path));
            }
        }
        for (n, rule) in self.rules.iter_mut().enumerate() {
            check_rule(rule).map_err(|why| format!("rule R{}: {why}", n + 1))?;
        }
        let chain = |condition: &&Condition| condition.attribute == Attribute::ManagerChain;
        let chains = self.rules.iter().flat_map(|rule| &rule.when).filter(chain).count();
        if chains > Self::CHAIN {
            return Err(format!("{chains} conditions on managerChain: there are {} at most", Self::CHAIN));
        }
        let mut users = BTreeSet::new();
        for assigned in &mut self.assigned {
            assigned.user = clean(assigned.user.trim()).as_ref().into();
            if assigned.user.is_empty() || assigned.user.len() > UnitPath::NAME {
                return Err(format!("`{}` is no user: an object id or a sign-in name", short(&assigned.user)));
            }
            check_parts(&mut assigned.to).map_err(|why| format!("{}: {why}", assigned.user))?;
            if !users.insert(assigned.user.to_lowercase()) {
                return Err(format!("{} is assigned twice", assigned.user));
            }
        }
        Ok(self)
    }
}

fn name(text: &str, what: &str) -> Result<Text, String> {
    let text: Text = clean(text.trim()).as_ref().into();
    if text.is_empty() || text.len() > Rules::NAME {
        return Err(format!("{what} has 1 to {} bytes", Rules::NAME));
    }
    Ok(text)
}

fn check_rule(rule: &mut Rule) -> Result<(), String> {
    if let Some(text) = &mut rule.name {
        *text = name(text, "a name")?;
    }
    if rule.when.len() > Rules::CONDITIONS {
        return Err(format!("{} conditions: there are {} at most", rule.when.len(), Rules::CONDITIONS));
    }
    rule.when.iter().try_for_each(Condition::check)?;
    match &mut rule.then {
        Then::Unit(unit) => unit.check(),
        Then::Split(parts) => check_parts(parts),
        Then::Each { by, under, .. } => {
            let above = under.as_ref().map_or(0, |under| under.0.len());
            if by.is_empty() || by.len() + above > UnitPath::DEPTH {
                return Err(format!("each makes 1 to {} levels", UnitPath::DEPTH));
            }
            if let Some(many) = by.iter().find(|attribute| attribute.is_many() && **attribute != Attribute::Manager) {
                return Err(format!("each of {many} would put a user into several units"));
            }
            under.as_mut().map_or(Ok(()), UnitPath::check)
        }
    }
}

fn check_parts(parts: &mut [Part]) -> Result<(), String> {
    if parts.is_empty() || parts.len() > Rules::PARTS {
        return Err(format!("a split has 1 to {} parts", Rules::PARTS));
    }
    let mut units = BTreeSet::new();
    for part in parts.iter_mut() {
        part.unit.check()?;
        if !units.insert(part.unit.clone()) {
            return Err(format!("{} is in the split twice", part.unit));
        }
    }
    let sum: u64 = parts.iter().map(|part| u64::from(part.percent.millionths())).sum();
    if sum != u64::from(Percent::WHOLE.millionths()) {
        let sum = rust_decimal::Decimal::from(sum) / rust_decimal::Decimal::from(10_000);
        return Err(format!("the split adds up to {} %, not to 100", sum.normalize()));
    }
    Ok(())
}
