//! Which rule takes a user: all rules at once, as bits.
//!
//! A condition looks at one attribute, and most attributes have few values. So each value is held once against all
//! conditions on its attribute; what comes of it, a bit for each rule, is remembered. The rules of a user are the bits that
//! all of the attributes leave.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::condition::{Ready, Spellings};
use super::unit::fold;
use super::{Attribute, Part, Percent, Rules, Subject, Then, UnitPath};
use crate::model::{SkuId, Text, UserId};

/// So many values of an attribute have their bits remembered; further ones are looked at each time.
const REMEMBERED: usize = 8_192;
/// So many managers are followed upward.
const UPWARD: usize = 64;
/// What parts the values of a group's key. Texts of an import have no control characters.
pub(super) const APART: char = '\u{1f}';

/// Where a user goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// No rule took him.
    Untracked,
    /// Into the units of a rule, or behind those of an assigned user: by place.
    Fixed(u32),
    /// Into a group that a rule made: by its number in the [`Desk`] that was asked.
    Group(u32),
}

/// Whom a user reports to, and what chain conditions say of that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Link {
    manager: Option<UserId>,
    bits: u64,
}

/// Who reports to whom, of a whole tenant; needed only where rules look at the chain of managers.
#[derive(Debug, Default)]
pub struct Chain(HashMap<UserId, Link>);

impl Chain {
    /// From the links of all users.
    pub fn of(links: impl IntoIterator<Item = (UserId, Link)>) -> Self {
        Self(links.into_iter().collect())
    }

    /// What holds for anybody above a user. Who reports to himself in a circle is followed once round.
    fn bits(&self, own: Link) -> u64 {
        let (mut bits, mut next) = (own.bits, own.manager);
        let first = next;
        for _ in 0..UPWARD {
            let Some(link) = next.and_then(|id| self.0.get(&id)) else { break };
            bits |= link.bits;
            next = link.manager;
            if next == first {
                break;
            }
        }
        bits
    }
}

/// Conditions on one attribute.
#[derive(Debug)]
struct Sight {
    attribute: Attribute,
    /// The place of a rule and a condition of it. Of an attribute with several values, no more than one of each rule.
    conditions: Vec<(usize, Ready)>,
}

/// Rules made ready.
#[derive(Debug)]
pub struct Sorter<'r> {
    rules: &'r Rules,
    part_numbers: &'r BTreeMap<SkuId, Text>,
    sights: Vec<Sight>,
    /// Conditions on the chain of managers, by their bit.
    chain: Vec<(usize, Ready)>,
    /// Rules for those without any manager.
    alone: Vec<usize>,
    /// Users with a place of their own.
    by_id: HashMap<UserId, u32>,
    by_name: HashMap<String, u32>,
    /// Where each rule puts users, then where each assigned user is put.
    places: Vec<Vec<Part>>,
    words: usize,
}

impl<'r> Sorter<'r> {
    /// Makes rules ready. They are checked ones. Part numbers are those of the tenant's products.
    pub fn new(rules: &'r Rules, part_numbers: &'r BTreeMap<SkuId, Text>) -> Self {
        let mut sights: Vec<Sight> = Vec::new();
        let (mut chain, mut alone) = (Vec::new(), Vec::new());
        for (n, rule) in rules.rules.iter().enumerate() {
            for condition in &rule.when {
                let attribute = condition.attribute;
                if attribute == Attribute::ManagerChain {
                    if condition.test == super::Test::Absent {
                        alone.push(n);
                    } else {
                        chain.push((n, Ready::of(condition)));
                    }
                    continue;
                }
                let is_free = |sight: &&mut Sight| {
                    sight.attribute == attribute
                        && !(attribute.is_many() && sight.conditions.iter().any(|(rule, _)| *rule == n))
                };
                match sights.iter_mut().find(is_free) {
                    Some(sight) => sight.conditions.push((n, Ready::of(condition))),
                    None => sights.push(Sight { attribute, conditions: vec![(n, Ready::of(condition))] }),
                }
            }
        }
        let places = rules.rules.iter().map(|rule| match &rule.then {
            Then::Unit(unit) => vec![Part { unit: unit.clone(), percent: Percent::WHOLE }],
            Then::Split(parts) => parts.clone(),
            Then::Each { .. } => Vec::new(),
        });
        let places = places.chain(rules.assigned.iter().map(|assigned| assigned.to.clone())).collect();
        let (mut by_id, mut by_name) = (HashMap::new(), HashMap::new());
        for (assigned, place) in rules.assigned.iter().zip(rules.rules.len()..) {
            let place = u32::try_from(place).unwrap_or(u32::MAX);
            match assigned.user.parse() {
                Ok(id) => by_id.insert(id, place),
                Err(_) => by_name.insert(fold(&assigned.user), place),
            };
        }
        let words = rules.rules.len().div_ceil(64);
        Self { rules, part_numbers, sights, chain, alone, by_id, by_name, places, words }
    }

    /// The rules.
    pub fn rules(&self) -> &'r Rules {
        self.rules
    }

    /// Part numbers of the tenant's products.
    pub(super) const fn part_numbers(&self) -> &'r BTreeMap<SkuId, Text> {
        self.part_numbers
    }

    /// Where each rule puts users, then where each assigned user is put.
    pub(super) fn places(&self) -> &[Vec<Part>] {
        &self.places
    }

    /// Whether it has to know who reports to whom.
    pub fn needs_chain(&self) -> bool {
        !self.chain.is_empty()
    }

    /// What there is to know of a user for those who report to him and to whom he reports.
    pub fn link(&self, user: &impl Subject) -> Link {
        let Some((manager, ..)) = user.manager() else { return Link::default() };
        let mut link = Link { manager, bits: 0 };
        each_value(Attribute::ManagerChain, user, self.part_numbers, &mut |value| {
            let mut spellings = Spellings::of(value);
            for (bit, (_, ready)) in self.chain.iter().enumerate() {
                link.bits |= u64::from(ready.holds(Some(&mut spellings))) << bit;
            }
        });
        link
    }

    /// Which conditions on the chain of managers hold for a user, a bit for each, in the order of rules and conditions.
    pub(super) fn chain_bits(&self, user: &impl Subject, chain: &Chain) -> u64 {
        chain.bits(self.link(user))
    }

    /// Whether a condition holds for a user; one on the chain of managers is none that could be told here.
    pub(super) fn holds(&self, condition: &super::Condition, user: &impl Subject) -> bool {
        let ready = Ready::of(condition);
        let (mut any, mut holds) = (false, false);
        each_value(condition.attribute, user, self.part_numbers, &mut |value| {
            any = true;
            holds |= ready.holds(Some(&mut Spellings::of(value)));
        });
        if any { holds } else { ready.holds(None) }
    }

    /// The place of a user who has one of his own: that of his object id goes before that of his name.
    fn assigned(&self, user: &impl Subject) -> Option<u32> {
        self.by_id.get(&user.id()).copied().or_else(|| self.by_name(user))
    }

    fn by_name(&self, user: &impl Subject) -> Option<u32> {
        if self.by_name.is_empty() {
            return None;
        }
        let name = user.text(crate::model::TextField::UserPrincipalName)?;
        self.by_name.get(&fold(name)).copied()
    }

    /// Which of the fixed assignments name a user, counted from 0: by object id, and by name.
    pub(super) fn assignments(&self, user: &impl Subject) -> [Option<usize>; 2] {
        let rules = self.rules.rules.len();
        [self.by_id.get(&user.id()).copied(), self.by_name(user)]
            .map(|place| usize::try_from(place?).ok()?.checked_sub(rules))
    }

    /// What is left of the rules by a value of an attribute, or by none.
    fn eval(sight: &Sight, value: Option<&str>, words: &mut [u64]) {
        words.fill(u64::MAX);
        let mut spellings = value.map(Spellings::of);
        for (rule, ready) in &sight.conditions {
            if !ready.holds(spellings.as_mut()) {
                clear(words, *rule);
            }
        }
    }
}

/// Hands all values of an attribute to `each`.
pub(super) fn each_value(
    attribute: Attribute,
    user: &impl Subject,
    part_numbers: &BTreeMap<SkuId, Text>,
    each: &mut dyn FnMut(&str),
) {
    match attribute {
        Attribute::Text(_) | Attribute::Extension(_) => {
            if let Some(value) = attribute.single(user) {
                each(value);
            }
        }
        Attribute::Manager | Attribute::ManagerChain => {
            let Some((id, name, sign_in)) = user.manager() else { return };
            for value in [sign_in, name].into_iter().flatten().filter(|value| !value.is_empty()) {
                each(value);
            }
            if let Some(id) = id {
                each(id.0.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
            }
        }
        Attribute::License => {
            for sku_id in user.licenses().iter().filter_map(|license| license.sku_id) {
                if let Some(part) = part_numbers.get(&sku_id) {
                    each(part);
                }
                each(sku_id.0.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()));
            }
        }
    }
}

fn clear(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / 64) {
        *word &= !(1 << (bit % 64));
    }
}

/// The bits that are set, from the first on.
pub(super) fn set_bits(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(n, word)| {
        let mut rest = *word;
        std::iter::from_fn(move || {
            (rest != 0).then(|| {
                let bit = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                n * 64 + bit
            })
        })
    })
}

/// What is remembered of an attribute.
#[derive(Debug, Default)]
struct Memory {
    none: Option<Box<[u64]>>,
    values: HashMap<Box<str>, Box<[u64]>>,
}

/// A place at which users are sorted: it remembers values, and numbers the groups that rules make.
#[derive(Debug)]
pub struct Desk<'s> {
    sorter: &'s Sorter<'s>,
    memories: Vec<Memory>,
    /// The rules that all conditions of the last user leave.
    matched: Vec<u64>,
    scratch: Vec<u64>,
    key: String,
    numbers: HashMap<Box<str>, u32>,
    keys: Vec<Box<str>>,
    /// Set once there were more groups than there may be.
    pub(super) overflows: bool,
}

impl<'s> Desk<'s> {
    /// An empty one.
    pub fn new(sorter: &'s Sorter<'s>) -> Self {
        Self {
            sorter,
            memories: sorter.sights.iter().map(|_| Memory::default()).collect(),
            matched: vec![0; sorter.words],
            scratch: vec![0; sorter.words],
            key: String::new(),
            numbers: HashMap::new(),
            keys: Vec::new(),
            overflows: false,
        }
    }

    /// The key of a group: the place of its rule, then its values, folded if the rule folds.
    pub fn key(&self, group: u32) -> &str {
        self.keys.get(group as usize).map_or("", |key| key)
    }

    /// Where a user goes, and by which rule; by none for one with a place of his own.
    pub fn sort(&mut self, user: &impl Subject, chain: &Chain) -> (Outcome, Option<usize>) {
        self.matched.fill(0);
        if let Some(place) = self.sorter.assigned(user) {
            return (Outcome::Fixed(place), None);
        }
        self.matched(user, chain);
        let mut at = 0;
        loop {
            let Some(rule) = set_bits(&self.matched).find(|rule| *rule >= at) else {
                return (Outcome::Untracked, None);
            };
            at = rule + 1;
            match self.sorter.rules.rules.get(rule).map(|rule| &rule.then) {
                None => return (Outcome::Untracked, None),
                Some(Then::Unit(_) | Then::Split(_)) => {
                    return (Outcome::Fixed(u32::try_from(rule).unwrap_or(u32::MAX)), Some(rule));
                }
                Some(Then::Each { by, fold, .. }) => match self.group(rule, by, *fold, user) {
                    Some(group) => return (Outcome::Group(group), Some(rule)),
                    None => clear(&mut self.matched, rule),
                },
            }
        }
    }

    /// The rules whose conditions hold for the last user that was sorted, in their order.
    pub(super) fn hits(&self) -> impl Iterator<Item = usize> {
        set_bits(&self.matched)
    }

    fn matched(&mut self, user: &impl Subject, chain: &Chain) {
        let Self { sorter, memories, matched, scratch, .. } = self;
        matched.fill(u64::MAX);
        let rules = sorter.rules.rules.len();
        if let Some(last) = matched.last_mut().filter(|_| rules % 64 != 0) {
            *last = (1 << (rules % 64)) - 1;
        }
        for (sight, memory) in sorter.sights.iter().zip(memories) {
            if sight.attribute.is_many() {
                let mut any = false;
                let mut sum = vec![0; sorter.words];
                each_value(sight.attribute, user, sorter.part_numbers, &mut |value| {
                    any = true;
                    memory.look(sight, Some(value), scratch, |bits| or(&mut sum, bits));
                });
                if !any {
                    memory.look(sight, None, scratch, |bits| or(&mut sum, bits));
                }
                and(matched, &sum);
            } else {
                memory.look(sight, sight.attribute.single(user), scratch, |bits| and(matched, bits));
            }
        }
        if !sorter.chain.is_empty() {
            let bits = chain.bits(sorter.link(user));
            for (bit, (rule, _)) in sorter.chain.iter().enumerate() {
                if bits >> bit & 1 == 0 {
                    clear(matched, *rule);
                }
            }
        }
        if user.manager().is_some() {
            sorter.alone.iter().for_each(|rule| clear(matched, *rule));
        }
    }

    /// The number of the group that a rule makes for a user; absent if it makes none.
    fn group(&mut self, rule: usize, by: &[Attribute], folds: bool, user: &impl Subject) -> Option<u32> {
        self.key.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.key, "{rule}");
        let mut levels = 0;
        for attribute in by {
            let Some(value) = group_value(*attribute, user) else { break };
            levels += 1;
            self.key.push(APART);
            if folds {
                self.key.push_str(&fold(value.trim()));
            } else {
                self.key.push_str(value);
            }
        }
        if levels == 0 {
            return None;
        }
        if let Some(known) = self.numbers.get(self.key.as_str()) {
            return Some(*known);
        }
        if self.keys.len() >= Rules::UNITS {
            self.overflows = true;
            return None;
        }
        let number = u32::try_from(self.keys.len()).ok()?;
        self.keys.push(self.key.as_str().into());
        self.numbers.insert(self.key.as_str().into(), number);
        Some(number)
    }
}

/// What a group is called after.
pub(super) fn group_value(attribute: Attribute, user: &impl Subject) -> Option<&str> {
    let value = match attribute {
        Attribute::Manager => user.manager().and_then(|(_, name, sign_in)| sign_in.or(name)),
        Attribute::Text(_) | Attribute::Extension(_) | Attribute::ManagerChain | Attribute::License => {
            attribute.single(user)
        }
    };
    value.filter(|value| !value.trim().is_empty())
}

/// The unit that a group is, by the values that it is called after.
pub(super) fn group_path<'v>(under: Option<&UnitPath>, values: impl Iterator<Item = &'v str>) -> UnitPath {
    let mut path = under.cloned().unwrap_or(UnitPath(Vec::new()));
    path.0.extend(values.map(Text::from));
    path
}

impl Memory {
    fn look(&mut self, sight: &Sight, value: Option<&str>, scratch: &mut [u64], mut take: impl FnMut(&[u64])) {
        let known = match value {
            None => self.none.as_deref(),
            Some(value) => self.values.get(value).map(|bits| &**bits),
        };
        if let Some(bits) = known {
            return take(bits);
        }
        Sorter::eval(sight, value, scratch);
        take(scratch);
        match value {
            None => self.none = Some((&*scratch).into()),
            Some(value) if self.values.len() < REMEMBERED => {
                self.values.insert(value.into(), (&*scratch).into());
            }
            Some(_) => {}
        }
    }
}

fn and(words: &mut [u64], with: &[u64]) {
    words.iter_mut().zip(with).for_each(|(word, with)| *word &= with);
}

fn or(words: &mut [u64], with: &[u64]) {
    words.iter_mut().zip(with).for_each(|(word, with)| *word |= with);
}
