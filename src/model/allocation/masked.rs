//! An allocation without what tells who somebody is: values of personal attributes, users with a place of their own, and
//! units that are called after a person. Amounts, places of work and products stay.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::unit::fold;
use super::{Condition, Preview, Rules, Sheet, Test, Then, UnitPath, says};
use crate::model::{Text, mask};

/// Units that are called after a person, and what they are called instead.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<(UnitPath, UnitPath)>", into = "Vec<(UnitPath, UnitPath)>")]
pub struct UnitMask(HashMap<UnitPath, UnitPath>);

impl From<Vec<(UnitPath, UnitPath)>> for UnitMask {
    fn from(names: Vec<(UnitPath, UnitPath)>) -> Self {
        Self(names.into_iter().collect())
    }
}

impl From<UnitMask> for Vec<(UnitPath, UnitPath)> {
    fn from(names: UnitMask) -> Self {
        names.0.into_iter().collect()
    }
}

impl UnitMask {
    /// Of all units of sheets, each sheet with the rules that made it: those in force first, then those of a draft. With a
    /// unit stands whether it is only there because it was in the month before: by which rules it was made then is not
    /// known. A unit is judged by the rules of each sheet that has it, and is personal if one of them says so: a draft
    /// does not tell what the rules in force keep.
    pub fn of(sheets: &[(&Rules, Vec<(&UnitPath, bool)>)]) -> Self {
        let named: BTreeSet<String> = sheets.iter().flat_map(|(rules, _)| people_of(rules)).collect();
        let mut all: BTreeMap<UnitPath, bool> = BTreeMap::new();
        for (rules, units) in sheets {
            let mut own: BTreeMap<UnitPath, bool> = BTreeMap::new();
            for (unit, is_past) in units {
                for above in unit.upward() {
                    *own.entry(above).or_insert(true) &= is_past;
                }
            }
            let declared: BTreeSet<UnitPath> =
                declared(rules).flat_map(|unit| unit.upward().collect::<Vec<_>>()).collect();
            for (unit, is_past) in own {
                // What a draft has left of a unit of the sheet before is judged there.
                if is_past && all.contains_key(&unit) {
                    continue;
                }
                let is_plain = declared.contains(&unit) || !is_past && is_made_plainly(rules, &unit);
                *all.entry(unit).or_insert(false) |= !is_plain;
            }
        }
        let mut shown: BTreeMap<&UnitPath, UnitPath> = BTreeMap::new();
        let mut taken: BTreeSet<UnitPath> = BTreeSet::new();
        for (unit, is_made_of_people) in &all {
            let above =
                unit.0.len().checked_sub(2).map(|last| UnitPath(unit.0.iter().take(last + 1).cloned().collect()));
            let mut path =
                above.map_or_else(|| UnitPath(Vec::new()), |above| shown.get(&above).cloned().unwrap_or(above));
            let is_personal = *is_made_of_people || named.contains(&plain(unit.name()));
            let name = if is_personal { mask(unit.name()).into() } else { Text::from(unit.name()) };
            path.0.push(name.clone());
            let mut n = 1;
            while !taken.insert(path.clone()) {
                n += 1;
                path.0.pop();
                path.0.push(format!("{name} {n}").into());
            }
            shown.insert(unit, path);
        }
        Self(shown.into_iter().filter(|(unit, path)| *unit != path).map(|(unit, path)| (unit.clone(), path)).collect())
    }

    /// Of a sheet, and of what a draft would make of it, each with the rules that made it.
    pub fn of_sheets(sheets: &[(&Rules, &Sheet)]) -> Self {
        let sheets: Vec<(&Rules, Vec<(&UnitPath, bool)>)> =
            sheets.iter().map(|(rules, sheet)| (*rules, units_of(sheet))).collect();
        Self::of(&sheets)
    }

    /// What a unit is called.
    pub fn shown(&self, unit: &UnitPath) -> UnitPath {
        self.0.get(unit).unwrap_or(unit).clone()
    }

    /// The unit that is called so.
    pub fn real(&self, shown: &UnitPath) -> UnitPath {
        let found = self.0.iter().find(|(_, other)| *other == shown);
        found.map_or_else(|| shown.clone(), |(real, _)| real.clone())
    }

    /// What there is to know of some units only.
    #[must_use]
    pub fn only<'u>(&self, units: impl Iterator<Item = &'u UnitPath>) -> Self {
        Self(units.filter_map(|unit| Some((unit.clone(), self.0.get(unit)?.clone()))).collect())
    }

    /// Calls a unit what it is called.
    pub(super) fn hide(&self, unit: &mut UnitPath) {
        if let Some(shown) = self.0.get(unit) {
            *unit = shown.clone();
        }
    }
}

/// The units of a sheet, each with whether it is only there because it was in the month before.
fn units_of(sheet: &Sheet) -> Vec<(&UnitPath, bool)> {
    let rows = sheet.rows.iter().filter(|row| row.kind == super::RowKind::Unit);
    rows.map(|row| (&row.unit, row.emptied)).collect()
}

/// A text as names are compared.
fn plain(text: &str) -> String {
    fold(text.trim())
}

/// Whom rules name: users with a place of their own, and values of attributes that tell who somebody is.
fn people_of(rules: &Rules) -> impl Iterator<Item = String> {
    let assigned = rules.assigned.iter().map(|assigned| plain(&assigned.user));
    let conditions = rules.rules.iter().flat_map(|rule| &rule.when).filter(|one| one.attribute.is_personal());
    assigned.chain(conditions.flat_map(|one| one.values().iter().map(|value| plain(value))))
}

/// The units that rules name themselves.
pub(super) fn declared(rules: &Rules) -> impl Iterator<Item = &UnitPath> {
    let of_rule = rules.rules.iter().flat_map(|rule| match &rule.then {
        Then::Unit(unit) => vec![unit],
        Then::Split(parts) => parts.iter().map(|part| &part.unit).collect(),
        Then::Each { under, .. } => under.iter().collect(),
    });
    let assigned = rules.assigned.iter().flat_map(|assigned| assigned.to.iter().map(|part| &part.unit));
    rules.units.iter().map(|unit| &unit.path).chain(of_rule).chain(assigned)
}

/// Whether rules make such a unit by themselves, and only of attributes that tell of no person.
fn is_made_plainly(rules: &Rules, unit: &UnitPath) -> bool {
    let by = |rule: &super::Rule| match &rule.then {
        Then::Each { by, under, .. } => {
            let above = under.as_ref().map_or(0, |under| under.0.len());
            let inside = under.as_ref().is_none_or(|under| unit.is_in(under));
            by.get(unit.0.len().checked_sub(above + 1)?).copied().filter(|_| inside)
        }
        Then::Unit(_) | Then::Split(_) => None,
    };
    let mut made = rules.rules.iter().filter_map(by).peekable();
    made.peek().is_some() && made.all(|attribute| !attribute.is_personal())
}

impl Condition {
    /// The condition without values that tell who somebody is.
    #[must_use]
    pub fn masked(&self) -> Self {
        let hide = |text: &Text| Text::from(mask(text));
        if !self.attribute.is_personal() {
            return self.clone();
        }
        let test = match &self.test {
            Test::Is(value) => Test::Is(hide(value)),
            Test::In(values) => Test::In(values.iter().map(hide).collect()),
            Test::Starts(value) => Test::Starts(hide(value)),
            Test::Matches(value) => Test::Matches(hide(value)),
            Test::Absent => Test::Absent,
        };
        Self { test, ..self.clone() }
    }
}

impl Rules {
    /// Whether they look at what tells who somebody is. Whoever makes rules at will learns of such values by what the rules
    /// move, though every name is masked.
    pub fn looks_at_people(&self) -> bool {
        let by_people = |then: &Then| match then {
            Then::Each { by, .. } => by.iter().any(|attribute| attribute.is_personal()),
            Then::Unit(_) | Then::Split(_) => false,
        };
        let looks =
            |rule: &super::Rule| rule.when.iter().any(|one| one.attribute.is_personal()) || by_people(&rule.then);
        !self.assigned.is_empty() || self.rules.iter().any(looks)
    }

    /// The rules without what tells who somebody is: they are to be read, not to be reckoned with.
    #[must_use]
    pub fn masked(&self, units: &UnitMask) -> Self {
        let mut rules = self.clone();
        for unit in &mut rules.units {
            units.hide(&mut unit.path);
        }
        for rule in &mut rules.rules {
            rule.when = rule.when.iter().map(Condition::masked).collect();
            match &mut rule.then {
                Then::Unit(unit) => units.hide(unit),
                Then::Split(parts) => parts.iter_mut().for_each(|part| units.hide(&mut part.unit)),
                Then::Each { under, .. } => under.iter_mut().for_each(|unit| units.hide(unit)),
            }
        }
        for assigned in &mut rules.assigned {
            assigned.user = mask(&assigned.user).into();
            assigned.to.iter_mut().for_each(|part| units.hide(&mut part.unit));
        }
        rules
    }
}

impl Sheet {
    /// Masks what tells who somebody is. `rules` are those that it was reckoned with.
    pub fn mask(&mut self, rules: &Rules, units: &UnitMask) {
        for row in &mut self.rows {
            units.hide(&mut row.unit);
        }
        let masked = rules.masked(units);
        for (row, rule) in self.rules.iter_mut().zip(&masked.rules) {
            row.says = says(rule).into();
        }
        for cluster in self.clusters.iter_mut().filter(|cluster| cluster.attribute.is_personal()) {
            for (value, ..) in &mut cluster.spellings {
                *value = mask(value).into();
            }
        }
        for check in &mut self.checks {
            check.said = told(&check.said, units);
        }
    }
}

/// A sentence of a check: names of units as they are told, and no address.
fn told(said: &str, units: &UnitMask) -> Text {
    let mut said = said.to_owned();
    // Longer names first: one may be part of another.
    let mut names: Vec<(String, String)> =
        units.0.iter().map(|(real, shown)| (real.to_string(), shown.to_string())).collect();
    names.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
    for (real, shown) in names.iter().filter(|(real, _)| !real.is_empty()) {
        if said.contains(real.as_str()) {
            said = said.replace(real.as_str(), shown);
        }
    }
    let word = |word: &str| if word.contains('@') { mask(word) } else { word.to_owned() };
    said.split(' ').map(word).collect::<Vec<_>>().join(" ").into()
}

impl Preview {
    /// Masks what tells who somebody is. `rules` are those of the draft.
    pub fn mask(&mut self, rules: &Rules, units: &UnitMask) {
        for row in &mut self.rows {
            units.hide(&mut row.unit);
        }
        self.then.mask(rules, units);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Role;
    use crate::model::allocation::Draft;

    const RULES: &str = r#"
        [[unit]]
        path = "Books"
        [[rule]]
        name = "Leads"
        unit = ["Teams", "jonas.keller@adatum.example"]
        when = [{ attribute = "manager", is = "Jonas.Keller@adatum.example " }]
        [[rule]]
        unit = "Sales"
        when = [{ attribute = "department", is = "Sales" }, { attribute = "extensionAttribute3", in = ["4711", "4712"] }]
        [[rule]]
        each = ["companyName", "manager"]
        under = "Teams"
        [[rule]]
        each = ["department"]
        [[assign]]
        user = "lena.bauer@adatum.example"
        unit = "Own"
    "#;

    fn path(names: &[&str]) -> UnitPath {
        UnitPath(names.iter().map(|name| Text::from(*name)).collect())
    }

    fn mask_of(units: &[(&[&str], bool)]) -> UnitMask {
        let rules = Rules::from_toml(RULES).unwrap().checked().unwrap();
        let units: Vec<(UnitPath, bool)> = units.iter().map(|(names, past)| (path(names), *past)).collect();
        UnitMask::of(&[(&rules, units.iter().map(|(unit, past)| (unit, *past)).collect())])
    }

    #[test]
    fn no_viewer_drafts_rules_that_look_at_people() {
        for (toml, looks) in [
            ("[[rule]]\neach = [\"department\"]\n", false),
            ("[[rule]]\neach = [\"companyName\", \"manager\"]\n", true),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"department\", is = \"Sales\" }]\n", false),
            ("[[rule]]\nunit = \"A\"\nwhen = [{ attribute = \"displayName\", starts = \"Le\" }]\n", true),
            ("[[assign]]\nuser = \"lena@adatum.example\"\nunit = \"A\"\n", true),
        ] {
            let rules = Rules::from_toml(toml).unwrap().checked().unwrap();
            let draft = Draft { rules: Some(std::sync::Arc::new(rules)), prices: None };
            let refused = draft.refusal(Role::View);
            assert_eq!(refused.is_some(), looks, "{toml}");
            assert!(refused.is_none_or(|why| why.contains("needs operate; your role is view, ask an admin")));
            assert_eq!(draft.refusal(Role::Operate), None);
        }
        assert_eq!(Draft::default().refusal(Role::View), None);
    }

    #[test]
    fn a_draft_does_not_tell_what_the_rules_in_force_keep() {
        let rules = |text: &str| Rules::from_toml(text).unwrap().checked().unwrap();
        let in_force = rules("[[rule]]\neach = [\"manager\"]\n");
        let (jan, mia, freight) = (path(&["Jan Berg"]), path(&["Mia Novak"]), path(&["Freight"]));
        for draft in [
            "[[rule]]\neach = [\"department\"]\n",
            "[[unit]]\npath = \"Jan Berg\"\n[[unit]]\npath = \"Mia Novak\"\n[[rule]]\neach = [\"department\"]\n",
        ] {
            let draft = rules(draft);
            let names = UnitMask::of(&[
                (&in_force, vec![(&jan, false), (&mia, true)]),
                (&draft, vec![(&jan, true), (&mia, false), (&freight, false)]),
            ]);
            assert_eq!(names.shown(&jan), path(&["J***"]));
            assert_eq!(names.shown(&mia), path(&["M***"]), "who was there last month");
            assert_eq!(names.shown(&freight), freight, "a place of work that only the draft has");
        }
        // What the rules in force tell is told, though the draft only has it left.
        let (plain, gone) = (rules("[[rule]]\neach = [\"department\"]\n"), rules("[[rule]]\neach = [\"manager\"]\n"));
        let names = UnitMask::of(&[(&plain, vec![(&freight, false)]), (&gone, vec![(&freight, true), (&jan, false)])]);
        assert_eq!((names.shown(&freight), names.shown(&jan)), (freight, path(&["J***"])));
    }

    #[test]
    fn units_called_after_people_are_masked_and_places_of_work_are_not() {
        let names = mask_of(&[
            (&["Books"], false),
            (&["Freight"], false),
            (&["Sales"], false),
            (&["Teams", "Adatum", "Jan Berg"], false),
            (&["Teams", "Adatum", "Jonas Keller"], false),
            (&["Teams", "jonas.keller@adatum.example"], false),
            (&["Adatum", "Nobody knows"], false),
            (&["Mia Novak"], true),
        ]);
        for (unit, shown) in [
            (&["Books"][..], &["Books"][..]),
            (&["Freight"], &["Freight"]),
            (&["Sales"], &["Sales"]),
            (&["Teams", "Adatum"], &["Teams", "Adatum"]),
            (&["Teams", "Adatum", "Jan Berg"], &["Teams", "Adatum", "J***"]),
            (&["Teams", "Adatum", "Jonas Keller"], &["Teams", "Adatum", "J*** 2"]),
            (&["Teams", "jonas.keller@adatum.example"], &["Teams", "j***@adatum.example"]),
            // No rule makes such a level, and who was there last month may have been called after anybody.
            (&["Adatum", "Nobody knows"], &["Adatum", "N***"]),
            (&["Mia Novak"], &["M***"]),
        ] {
            assert_eq!(names.shown(&path(unit)), path(shown));
            assert_eq!(names.real(&path(shown)), path(unit), "and back");
        }
        let again: UnitMask = serde_json::from_str(&serde_json::to_string(&names).unwrap()).unwrap();
        assert_eq!(again, names);
    }

    #[test]
    fn masked_rules_name_nobody_and_still_say_what_they_look_at() {
        let rules = Rules::from_toml(RULES).unwrap().checked().unwrap();
        let names = mask_of(&[(&["Teams", "jonas.keller@adatum.example"], false), (&["Sales"], false)]);
        let said = rules.masked(&names).to_toml().unwrap();
        for hidden in ["onas", "ena", "4711", "4712"] {
            assert!(!said.contains(hidden), "{hidden}: {said}");
        }
        for shown in ["manager", "extensionAttribute3", "Sales", "companyName", "Leads", "j***@adatum.example"] {
            assert!(said.contains(shown), "{shown}: {said}");
        }
        assert_eq!(rules.masked(&names).masked(&names), rules.masked(&names), "once is enough");
        let check =
            told("units that had users: 2; Teams / jonas.keller@adatum.example, lena.bauer@adatum.example", &names);
        assert_eq!(check, "units that had users: 2; Teams / j***@adatum.example, l***@adatum.example");
    }
}
