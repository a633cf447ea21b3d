//! Why a user is where he is, rule by rule.

use serde::{Deserialize, Serialize};

use super::sheet::says;
use super::sorter::{each_value, group_path, group_value};
use super::unit::fold;
use super::{Attribute, Chain, Desk, Outcome, Part, Percent, Sorter, Test, Then, UnitMask};
use crate::model::{Text, TextField, User, UserId, mask};

/// A condition and the user's value of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyCondition {
    /// What is looked at.
    pub attribute: Attribute,
    /// What it says.
    pub says: Text,
    /// The same without what tells who somebody is.
    pub masked: Text,
    /// The values of the user, in quotes; what is odd about blanks and capitals is said beside.
    pub value: Text,
    /// Whether it holds.
    pub holds: bool,
}

/// A rule and whether it holds for a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyStep {
    /// Its place, from 1.
    pub rule: u32,
    /// What it says.
    pub says: Text,
    /// The same without what tells who somebody is.
    pub masked: Text,
    /// Whether all of its conditions hold, and it has a unit for the user.
    pub holds: bool,
    /// Whether it is the one that took him.
    pub takes: bool,
    /// Its conditions; of a rule that makes groups, the values of its attributes too.
    pub conditions: Vec<WhyCondition>,
}

/// Why a user is where he is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Why {
    /// Who.
    pub user: UserId,
    /// What he is called.
    pub name: Text,
    /// What he signs in with.
    pub sign_in: Text,
    /// Whether he has a place of his own, which no rule alters.
    pub assigned: bool,
    /// Every rule, in order.
    pub steps: Vec<WhyStep>,
    /// Where he is; nothing for untracked. A rule that folds may call the unit as most of its users spell it.
    pub units: Vec<Part>,
    /// What those of these units are called that are called after a person, where people are masked.
    pub names: UnitMask,
}

impl Why {
    /// Explains a user. `above` are his managers, from the one that he reports to upward.
    pub fn of(sorter: &Sorter<'_>, user: &User, chain: &Chain, above: &[Text]) -> Self {
        let mut desk = Desk::new(sorter);
        let (outcome, by) = desk.sort(user, chain);
        let assigned = matches!(outcome, Outcome::Fixed(_)) && by.is_none();
        let rules = sorter.rules();
        let chained = sorter.chain_bits(user, chain);
        let mut chain_bit = 0;
        let mut steps = Vec::new();
        // What rules say of a user with a place of his own is shown all the same.
        for (n, rule) in rules.rules.iter().enumerate() {
            let mut conditions = Vec::with_capacity(rule.when.len());
            for condition in &rule.when {
                let (holds, value) = if condition.attribute != Attribute::ManagerChain {
                    (sorter.holds(condition, user), value_of(sorter, condition.attribute, user))
                } else if condition.test == Test::Absent {
                    (user.manager.is_none(), quoted(above.iter().map(Text::as_str)))
                } else {
                    let holds = chained >> chain_bit & 1 != 0;
                    chain_bit += 1;
                    (holds, quoted(above.iter().map(Text::as_str)))
                };
                let (says, masked) = (condition.to_string().into(), condition.masked().to_string().into());
                let attribute = condition.attribute;
                conditions.push(WhyCondition { attribute, says, masked, value: odd(condition, holds, value), holds });
            }
            let mut holds = conditions.iter().all(|condition| condition.holds);
            if let Then::Each { by, .. } = &rule.then {
                for (level, attribute) in by.iter().enumerate() {
                    let found = group_value(*attribute, user).is_some();
                    holds &= level > 0 || found;
                    let (says, value) = (Text::from(format!("each {attribute}")), value_of(sorter, *attribute, user));
                    let (attribute, masked) = (*attribute, says.clone());
                    conditions.push(WhyCondition { attribute, says, masked, value: value.into(), holds: found });
                }
            }
            let number = u32::try_from(n + 1).unwrap_or(u32::MAX);
            let (says, masked) = (says(rule).into(), Text::default());
            steps.push(WhyStep { rule: number, says, masked, holds, takes: by == Some(n), conditions });
        }
        let units = match (outcome, by.and_then(|by| rules.rules.get(by)).map(|rule| &rule.then)) {
            (Outcome::Group(_), Some(Then::Each { by, under, fold })) => {
                let values: Vec<&str> = by
                    .iter()
                    .map_while(|attribute| group_value(*attribute, user))
                    .map(|value| if *fold { value.trim() } else { value })
                    .collect();
                let unit = group_path(under.as_ref(), values.into_iter());
                vec![Part { unit, percent: Percent::WHOLE }]
            }
            (Outcome::Fixed(place), _) => sorter.places().get(place as usize).cloned().unwrap_or_default(),
            (Outcome::Untracked | Outcome::Group(_), _) => Vec::new(),
        };
        let there = super::masked::declared(rules).chain(units.iter().map(|part| &part.unit));
        let names = UnitMask::of(&[(rules, there.map(|unit| (unit, false)).collect())]);
        for (step, rule) in steps.iter_mut().zip(&rules.masked(&names).rules) {
            step.masked = super::says(rule).into();
        }
        let text = |field| Text::from(user.text(field).unwrap_or_default());
        Self {
            user: user.id,
            name: text(TextField::DisplayName),
            sign_in: text(TextField::UserPrincipalName),
            assigned,
            steps,
            units,
            names,
        }
    }
}

impl Why {
    /// Masks what tells who the user and his managers are.
    pub fn mask(&mut self) {
        for text in [&mut self.name, &mut self.sign_in] {
            if !text.is_empty() {
                *text = mask(text).into();
            }
        }
        let names = std::mem::take(&mut self.names);
        self.units.iter_mut().for_each(|part| names.hide(&mut part.unit));
        for step in &mut self.steps {
            step.says.clone_from(&step.masked);
            for condition in &mut step.conditions {
                condition.says.clone_from(&condition.masked);
                if condition.attribute.is_personal() {
                    condition.value = Text::const_new("(masked)");
                }
            }
        }
    }
}

/// The values of a user in quotes.
fn value_of(sorter: &Sorter<'_>, attribute: Attribute, user: &User) -> String {
    let mut values = Vec::new();
    each_value(attribute, user, sorter.part_numbers(), &mut |value| values.push(value.to_owned()));
    if attribute == Attribute::License {
        // Ids beside part numbers say nothing to a person.
        let named: Vec<String> = values.iter().filter(|value| uuid::Uuid::try_parse(value).is_err()).cloned().collect();
        values = if named.is_empty() { values } else { named };
    }
    quoted(values.iter().map(String::as_str))
}

fn quoted<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let values: Vec<String> = values.take(8).map(|value| format!("\"{value}\"")).collect();
    if values.is_empty() { "none".to_owned() } else { values.join(", ") }
}

/// What keeps a value from being the one that is asked for, if it is only its capitals or blanks.
fn odd(condition: &super::Condition, holds: bool, value: String) -> Text {
    if holds {
        return value.into();
    }
    let looser = super::Condition { any_case: true, trim: true, ..condition.clone() };
    let inside: Vec<&str> = value.split('"').skip(1).step_by(2).collect();
    let near = |condition: &super::Condition| inside.iter().any(|value| super::condition::holds(condition, value));
    if condition.test == Test::Absent || !near(&looser) {
        return value.into();
    }
    let blanks = near(&super::Condition { any_case: condition.any_case, ..looser.clone() });
    let case = near(&super::Condition { trim: condition.trim, ..looser });
    let why = match (blanks, case) {
        (true, _) => "a blank at an end",
        (false, true) => "other capitals",
        (false, false) => "other capitals and a blank at an end",
    };
    format!("{value} ({why})").into()
}

/// Whether somebody means this user: by object id, sign-in name or mail, whatever the case.
pub fn is_meant(user: &User, wanted: &str) -> bool {
    let same = |field| user.text(field).is_some_and(|value| fold(value) == fold(wanted));
    wanted.parse() == Ok(user.id) || same(TextField::UserPrincipalName) || same(TextField::Mail)
}
