//! Small changes of rules, as a console makes them. All else is done in a file.

use super::sorter::group_path;
use super::unit::fold;
use super::{Attribute, Cluster, Condition, RowKind, Rule, Rules, SheetRow, Test, Then, UnitPath};
use crate::model::Text;

/// Whether a value is a spelling of another one.
fn alike(a: &str, b: &str) -> bool {
    fold(a.trim()) == fold(b.trim())
}

impl Rules {
    /// Takes all spellings of a cluster for one: a rule that names one of them by `is` or `in` gets any case and trims; if
    /// there is none, one stands before the groups that would part them, else at the end. Answers what was done.
    #[must_use]
    pub fn joined(&self, cluster: &Cluster) -> Option<(Self, Text)> {
        let (value, ..) = cluster.spellings.first()?;
        let names = |condition: &Condition| {
            condition.attribute == cluster.attribute
                && matches!(condition.test, Test::Is(_) | Test::In(_))
                && condition.values().iter().any(|one| alike(one, value))
        };
        let is_strict = |condition: &Condition| names(condition) && !(condition.any_case && condition.trim);
        let mut rules = self.clone();
        if let Some((n, rule)) = rules.rules.iter_mut().enumerate().find(|(_, rule)| rule.when.iter().any(is_strict)) {
            for condition in rule.when.iter_mut().filter(|condition| names(condition)) {
                (condition.any_case, condition.trim) = (true, true);
            }
            let said = format!("R{} \"{}\": any case and trimmed", n + 1, value.trim());
            return Some((rules, said.into()));
        }
        if rules.rules.iter().any(|rule| rule.when.iter().any(names)) {
            return None;
        }
        rules.pinned(cluster.attribute, value)
    }

    /// Makes a rule of a value, in any case and trimmed: for the group that a rule makes of it by itself, before that rule;
    /// for a unit of its own, behind all others.
    #[must_use]
    pub fn pinned(&self, attribute: Attribute, value: &str) -> Option<(Self, Text)> {
        let value = value.trim();
        if value.is_empty() || self.rules.len() >= Self::RULES {
            return None;
        }
        let of_it = |rule: &Rule| match &rule.then {
            Then::Each { by, under, .. } if by.as_slice() == [attribute] && rule.when.is_empty() => Some(under.clone()),
            Then::Each { .. } | Then::Unit(_) | Then::Split(_) => None,
        };
        let place = self.rules.iter().position(|rule| of_it(rule).is_some());
        let under = place.and_then(|at| self.rules.get(at)).and_then(of_it).flatten();
        let unit = group_path(under.as_ref(), std::iter::once(value));
        let when = vec![Condition { attribute, test: Test::Is(value.into()), any_case: true, trim: true }];
        let mut rules = self.clone();
        let at = place.unwrap_or(rules.rules.len());
        let said = format!("R{}: {attribute} is \"{value}\", any case and trimmed -> {unit}", at + 1);
        rules.rules.insert(at, Rule { name: None, when, then: Then::Unit(unit) });
        Some((rules, said.into()))
    }

    /// The attribute and value of a unit that a rule made by itself of one attribute; absent for another unit.
    pub fn origin<'r>(&self, row: &'r SheetRow) -> Option<(Attribute, &'r str)> {
        if row.kind != RowKind::Unit {
            return None;
        }
        let rule = row.rules.iter().find_map(|place| {
            let rule = self.rules.get(usize::try_from(*place).ok()?.checked_sub(1)?)?;
            match &rule.then {
                Then::Each { by, under, .. } => {
                    let above = under.as_ref().map_or(0, |under: &UnitPath| under.0.len());
                    let [attribute] = by.as_slice() else { return None };
                    (row.unit.0.len() == above + 1).then_some(*attribute)
                }
                Then::Unit(_) | Then::Split(_) => None,
            }
        })?;
        Some((rule, row.unit.name()))
    }

    /// A rule at another place: one up, or one down. Absent where it cannot go further.
    #[must_use]
    pub fn moved(&self, place: usize, up: bool) -> Option<Self> {
        let other = if up { place.checked_sub(1)? } else { place.checked_add(1)? };
        let mut rules = self.clone();
        if place.max(other) >= rules.rules.len() {
            return None;
        }
        rules.rules.swap(place, other);
        Some(rules)
    }

    /// Without a rule. Absent if there is none at that place.
    #[must_use]
    pub fn without(&self, place: usize) -> Option<Self> {
        let mut rules = self.clone();
        if place >= rules.rules.len() {
            return None;
        }
        rules.rules.remove(place);
        Some(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TextField;

    const DEPARTMENT: Attribute = Attribute::Text(TextField::Department);

    fn cluster() -> Cluster {
        Cluster {
            attribute: DEPARTMENT,
            spellings: vec![("Freight".into(), 40, 0), ("Freight ".into(), 7, 7), ("freight".into(), 1, 1)],
        }
    }

    #[test]
    fn spellings_are_joined_by_the_rule_that_names_one_of_them() {
        let file = "[[rule]]\nunit = \"Sales\"\nwhen = [{ attribute = \"department\", in = [\"Freight\", \"X\"] }]";
        let rules = Rules::from_toml(file).unwrap();
        let (joined, said) = rules.joined(&cluster()).unwrap();
        assert_eq!(said, "R1 \"Freight\": any case and trimmed");
        assert!(joined.rules[0].when[0].any_case && joined.rules[0].when[0].trim && joined.rules.len() == 1);
        assert!(joined.joined(&cluster()).is_none(), "nothing is left to join");
    }

    #[test]
    fn spellings_that_no_rule_names_get_one_before_their_groups() {
        let (joined, said) = Rules::start().joined(&cluster()).unwrap();
        assert_eq!(said, "R1: department is \"Freight\", any case and trimmed -> Freight");
        assert_eq!(joined.rules.len(), 3);
        assert!(joined.joined(&cluster()).is_none());
        let empty = Rules::default().joined(&cluster()).unwrap().0;
        assert_eq!(empty.rules.len(), 1, "or at the end");
    }

    #[test]
    fn rules_move_and_go() {
        let rules = Rules::start();
        assert_eq!(rules.moved(0, true), None);
        assert_eq!(rules.moved(1, false), None);
        let moved = rules.moved(0, false).unwrap();
        assert_eq!((moved.rules[0].clone(), moved.moved(1, true)), (rules.rules[1].clone(), Some(rules.clone())));
        assert_eq!(rules.without(0).unwrap().rules, rules.rules[1..]);
        assert_eq!((rules.without(2), rules.moved(7, true)), (None, None));
    }
}
