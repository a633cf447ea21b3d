//! What the users of a tenant come to under some rules: counts that no order of users alters.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::sorter::{APART, group_value};
use super::unit::fold;
use super::{Attribute, Billed, Chain, Desk, Outcome, Sorter, Subject, Test, Then};
use crate::model::{Text, TextField};

/// An attribute of more different values than these is looked through for nothing.
const FEW: usize = 4_096;
/// The most clusters that are told of an attribute.
const CLUSTERS: usize = 200;

/// Users with the same outcome.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sum {
    /// How many.
    pub(super) users: u64,
    /// Their seats, by the place of the product on the bill.
    pub(super) seats: Vec<u64>,
}

impl Sum {
    fn join(&mut self, other: &Sum) {
        self.users += other.users;
        if self.seats.len() < other.seats.len() {
            self.seats.resize(other.seats.len(), 0);
        }
        self.seats.iter_mut().zip(&other.seats).for_each(|(seats, more)| *seats += more);
    }
}

/// A group that a rule made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Group {
    pub(super) sum: Sum,
    /// How its values are spelled and by how many, where the rule folds.
    pub(super) spellings: HashMap<Box<str>, u64>,
}

/// How often a rule was right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Hits {
    /// Users for whom its conditions hold.
    pub(super) matched: u64,
    /// Users whom it took.
    pub(super) taken: u64,
}

/// How many have a value, and how many of them are untracked.
type Values = HashMap<Box<str>, (u64, u64)>;

/// Values that differ in nothing but capitals and blanks at their ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// Of which attribute.
    pub attribute: Attribute,
    /// The values, each with its users and how many of them are untracked; the most frequent first.
    pub spellings: Vec<(Text, u64, u64)>,
}

/// Counts of users under some rules.
#[derive(Debug)]
pub struct Tally<'s> {
    sorter: &'s Sorter<'s>,
    billed: &'s Billed,
    desk: Desk<'s>,
    /// Users without any seat on the bill.
    pub(super) without: u64,
    /// Untracked, then each place of the sorter.
    pub(super) fixed: Vec<Sum>,
    /// Groups by key; while users come, by their number at the desk.
    numbered: Vec<Group>,
    pub(super) groups: BTreeMap<Box<str>, Group>,
    pub(super) hits: Vec<Hits>,
    /// Users of a rule for whom another one holds too, which would put them elsewhere.
    pub(super) overlaps: BTreeMap<(usize, usize), u64>,
    /// Fixed assignments that name somebody, with or without a seat.
    pub(super) found: BTreeSet<usize>,
    /// Pairs of them that name one user.
    pub(super) doubled: BTreeSet<(usize, usize)>,
    /// Values of attributes; absent where there are too many.
    pub(super) values: Vec<(Attribute, Option<Values>)>,
    /// Seats of products that are not on the list of the import.
    pub(super) strays: u64,
    pub(super) overflows: bool,
    seats: Vec<usize>,
}

impl<'s> Tally<'s> {
    /// Nobody yet.
    pub fn new(sorter: &'s Sorter<'s>, billed: &'s Billed) -> Self {
        let rules = sorter.rules();
        let mut watched: BTreeSet<Attribute> =
            [TextField::Department, TextField::CompanyName, TextField::OfficeLocation].map(Attribute::Text).into();
        for rule in &rules.rules {
            let named = |test: &Test| matches!(test, Test::Is(_) | Test::In(_));
            watched.extend(rule.when.iter().filter(|one| named(&one.test)).map(|one| one.attribute));
            if let Then::Each { by, .. } = &rule.then {
                watched.extend(by);
            }
        }
        watched.retain(|attribute| !attribute.is_many());
        Self {
            sorter,
            billed,
            desk: Desk::new(sorter),
            without: 0,
            fixed: vec![Sum::default(); sorter.places().len() + 1],
            numbered: Vec::new(),
            groups: BTreeMap::new(),
            hits: vec![Hits::default(); rules.rules.len()],
            overlaps: BTreeMap::new(),
            found: BTreeSet::new(),
            doubled: BTreeSet::new(),
            values: watched.into_iter().map(|attribute| (attribute, Some(Values::new()))).collect(),
            strays: 0,
            overflows: false,
            seats: Vec::new(),
        }
    }

    /// Counts a user.
    pub fn add(&mut self, user: &impl Subject, chain: &Chain) {
        if !self.sorter.rules().assigned.is_empty() {
            let [by_id, by_name] = self.sorter.assignments(user);
            self.found.extend(by_id.into_iter().chain(by_name));
            self.doubled.extend(by_id.zip(by_name));
        }
        self.strays += self.billed.seats(user, &mut self.seats);
        if self.seats.is_empty() {
            self.without += 1;
            return;
        }
        let (outcome, by) = self.desk.sort(user, chain);
        let sum = match outcome {
            Outcome::Untracked => self.fixed.first_mut(),
            Outcome::Fixed(place) => self.fixed.get_mut(place as usize + 1),
            Outcome::Group(number) => {
                let at = number as usize;
                if self.numbered.len() <= at {
                    self.numbered.resize(at + 1, Group::default());
                }
                let group = self.numbered.get_mut(at);
                if let (Some(group), Some(rule)) = (group, by) {
                    spell(group, self.sorter, rule, user);
                    Some(&mut group.sum)
                } else {
                    None
                }
            }
        };
        if let Some(sum) = sum {
            sum.users += 1;
            sum.seats.resize(self.billed.len(), 0);
            for at in &self.seats {
                if let Some(seats) = sum.seats.get_mut(*at) {
                    *seats += 1;
                }
            }
        }
        self.note(by);
        let untracked = u64::from(outcome == Outcome::Untracked);
        for (attribute, values) in &mut self.values {
            let (Some(known), Some(value)) = (values.as_mut(), attribute.single(user)) else { continue };
            if let Some((users, of_them)) = known.get_mut(value) {
                *users += 1;
                *of_them += untracked;
            } else if known.len() < FEW {
                known.insert(value.into(), (1, untracked));
            } else {
                *values = None;
            }
        }
    }

    /// Notes which rules held for the last user, and whom the first of them kept from the others.
    fn note(&mut self, by: Option<usize>) {
        let rules = &self.sorter.rules().rules;
        for rule in self.desk.hits() {
            if let Some(hits) = self.hits.get_mut(rule) {
                hits.matched += 1;
                hits.taken += u64::from(by == Some(rule));
            }
            // What takes all who are left is meant to come behind; so are groups that make themselves.
            let (Some(first), Some(other)) = (by.and_then(|by| rules.get(by)), rules.get(rule)) else { continue };
            let is_particular = !other.when.is_empty() && !matches!(other.then, Then::Each { .. });
            if let Some(by) = by.filter(|by| *by < rule && is_particular && first.then != other.then) {
                *self.overlaps.entry((by, rule)).or_default() += 1;
            }
        }
    }

    /// No more users come: groups are known by their keys.
    pub fn finish(&mut self) {
        for (number, group) in (0..).zip(std::mem::take(&mut self.numbered)) {
            self.groups.insert(self.desk.key(number).into(), group);
        }
        self.overflows |= self.desk.overflows;
        self.desk = Desk::new(self.sorter);
    }

    /// Adds what others counted under the same rules. Both are finished.
    pub fn join(&mut self, other: Tally<'_>) {
        self.without += other.without;
        self.strays += other.strays;
        self.fixed.iter_mut().zip(&other.fixed).for_each(|(sum, more)| sum.join(more));
        for (key, group) in other.groups {
            let known = self.groups.entry(key).or_default();
            known.sum.join(&group.sum);
            for (spelling, users) in group.spellings {
                *known.spellings.entry(spelling).or_default() += users;
            }
        }
        for (hits, more) in self.hits.iter_mut().zip(&other.hits) {
            hits.matched += more.matched;
            hits.taken += more.taken;
        }
        self.found.extend(other.found);
        self.doubled.extend(other.doubled);
        for (pair, users) in other.overlaps {
            *self.overlaps.entry(pair).or_default() += users;
        }
        for ((_, values), (_, more)) in self.values.iter_mut().zip(other.values) {
            let (Some(known), Some(more)) = (values.as_mut(), more) else {
                *values = None;
                continue;
            };
            for (value, (users, untracked)) in more {
                let (all, of_them) = known.entry(value).or_default();
                *all += users;
                *of_them += untracked;
            }
            if known.len() > FEW {
                *values = None;
            }
        }
        self.overflows |= other.overflows || self.groups.len() > super::Rules::UNITS;
    }

    /// The rules.
    pub(super) fn sorter(&self) -> &'s Sorter<'s> {
        self.sorter
    }

    /// Values that look like one, of each attribute that has few; those with the most users first.
    pub(super) fn clusters(&self) -> Vec<Cluster> {
        let mut found = Vec::new();
        for (attribute, values) in &self.values {
            let mut alike: BTreeMap<String, Vec<(Text, u64, u64)>> = BTreeMap::new();
            for (value, (users, untracked)) in values.iter().flatten() {
                alike.entry(fold(value.trim())).or_default().push(((**value).into(), *users, *untracked));
            }
            let mut of_this: Vec<Cluster> = alike
                .into_iter()
                .filter(|(plain, spellings)| !plain.is_empty() && spellings.len() > 1)
                .map(|(_, mut spellings)| {
                    spellings.sort_unstable_by(|(a, a_users, _), (b, b_users, _)| b_users.cmp(a_users).then(a.cmp(b)));
                    Cluster { attribute: *attribute, spellings }
                })
                .collect();
            let users = |cluster: &Cluster| cluster.spellings.iter().map(|(_, users, _)| *users).sum::<u64>();
            of_this.sort_by_key(|cluster| std::cmp::Reverse(users(cluster)));
            of_this.truncate(CLUSTERS);
            found.extend(of_this);
        }
        found
    }
}

/// Notes how a user spells the values of his group, where the rule takes several spellings for one.
fn spell(group: &mut Group, sorter: &Sorter<'_>, rule: usize, user: &impl Subject) {
    let Some(Then::Each { by, fold: true, .. }) = sorter.rules().rules.get(rule).map(|rule| &rule.then) else { return };
    let mut spelled = String::new();
    for value in by.iter().map_while(|attribute| group_value(*attribute, user)) {
        if !spelled.is_empty() {
            spelled.push(APART);
        }
        spelled.push_str(value.trim());
    }
    if let Some(users) = group.spellings.get_mut(spelled.as_str()) {
        *users += 1;
    } else {
        group.spellings.insert(spelled.into(), 1);
    }
}
