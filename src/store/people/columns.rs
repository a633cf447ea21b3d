//! What is held of all users of a snapshot: their search text, and columns of single fields.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Lean;
use crate::model::{Counted, Holder, Products, SkuId, Term, Text, TextField, UserField};

/// Between several values of one field; no text of a customer holds it.
pub(super) const APART: char = '\u{1f}';
/// Where less than one of so many lines is shown, these are looked at one by one.
const SPARSE: usize = 8;
/// Lines that are worth a core of their own.
const WORTH_A_CORE: usize = 1 << 15;

/// The search text of users.
#[derive(Default)]
pub(super) struct Words {
    text: Vec<u8>,
    /// Where each line ends.
    ends: Vec<usize>,
    /// Of how many blobs.
    pub(super) blobs: usize,
}

/// What a column is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// A field.
    Field(UserField),
    /// The products that a user holds, each by its id: part numbers may be no ids.
    Held,
}

/// A field of all users: each has the rank of its value among all values.
pub(super) struct Column {
    pub(super) ranks: Vec<u32>,
    /// Values in order, whatever their case; users without one stand last.
    pub(super) values: Vec<Option<Text>>,
}

impl Words {
    /// Adds the text of a blob of so many users. Refuses one that has fewer lines.
    pub(super) fn add(&mut self, text: &[u8], rows: usize) -> Result<(), &'static str> {
        let (base, before) = (self.text.len(), self.ends.len());
        self.ends.extend(memchr::memchr_iter(b'\n', text).take(rows).map(|at| base + at));
        if self.ends.len() - before != rows {
            return Err("a page of search text is cut");
        }
        self.text.extend_from_slice(text);
        self.blobs += 1;
        Ok(())
    }

    /// The text of a user.
    pub(super) fn line(&self, row: usize) -> Option<&[u8]> {
        let from = row.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).map(|end| end + 1))?;
        self.text.get(from..*self.ends.get(row)?)
    }

    /// Leaves shown what a bare word lets through; the cores share the lines.
    pub(super) fn keep(&self, term: &Term, shown: &mut [bool]) {
        let finder = memchr::memmem::Finder::new(term.value.as_bytes());
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let share = shown.len().div_ceil(cores).max(WORTH_A_CORE);
        std::thread::scope(|scope| {
            let mut parts = shown.chunks_mut(share).enumerate();
            let first = parts.next();
            for (n, part) in parts {
                let finder = &finder;
                scope.spawn(move || self.keep_from(n * share, finder, term.not, part));
            }
            if let Some((_, part)) = first {
                self.keep_from(0, &finder, term.not, part);
            }
        });
    }

    fn keep_from(&self, first: usize, finder: &memchr::memmem::Finder<'_>, not: bool, shown: &mut [bool]) {
        let ends = self.ends.get(first..first + shown.len()).unwrap_or_default();
        let mut from = first.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |end| end + 1);
        let until = ends.last().copied().unwrap_or(from);
        if shown.iter().filter(|shown| **shown).count() * SPARSE < shown.len() {
            for (shown, end) in shown.iter_mut().zip(ends) {
                *shown = *shown && self.text.get(from..*end).is_some_and(|line| finder.find(line).is_some() != not);
                from = end + 1;
            }
            return;
        }
        // A mark for each line that holds the word; the finder jumps from hit to hit, not from line to line.
        let mut hits = vec![false; shown.len()];
        let mut line = 0;
        while let Some(at) = self.text.get(from..until).and_then(|text| finder.find(text)) {
            let at = from + at;
            // Hits are often near: the line is sought in reaches that double.
            let mut reach = 1;
            while ends.get(line + reach).is_some_and(|end| *end < at) {
                reach *= 2;
            }
            let reached = ends.get(line..ends.len().min(line + reach + 1)).unwrap_or_default();
            line += reached.partition_point(|end| *end < at);
            let Some(end) = ends.get(line) else { break };
            if let Some(hit) = hits.get_mut(line) {
                *hit = true;
            }
            from = end + 1;
            line += 1;
        }
        for (shown, hit) in shown.iter_mut().zip(hits) {
            *shown &= hit != not;
        }
    }
}

/// What one core found of a column.
#[derive(Default)]
pub(super) struct Part {
    pub(super) known: HashMap<Option<Text>, u32>,
    values: Vec<u32>,
    /// What sets of products came to: there are few, whatever the number of users.
    sets: HashMap<Box<[SkuId]>, u32>,
    /// Room for the set of a user.
    mine: Vec<SkuId>,
}

impl Part {
    /// Adds a user.
    pub(super) fn push(&mut self, user: &Lean<'_>, of: Of, products: &Products) {
        let value: Option<Text> = match of {
            Of::Field(UserField::Text(field)) => user.text(field).map(Text::from),
            Of::Field(UserField::Manager) => {
                user.manager.as_ref().and_then(|manager| manager.display_name).map(Text::from)
            }
            Of::Field(UserField::Extension(n)) => user
                .extension
                .as_ref()
                .and_then(|values| values.get(usize::from(n).saturating_sub(1)).copied().flatten())
                .map(Text::from),
            Of::Field(UserField::License) => return self.push_set(user, |id| products.name(id)),
            Of::Field(UserField::Finding) => {
                let words = products.oddities(user.into()).iter().map(|oddity| oddity.name().into());
                several(words.collect())
            }
            Of::Held => return self.push_set(user, |id| id.to_string().into()),
        };
        let rank = self.rank(value);
        self.values.push(rank);
    }

    /// Adds what a user holds, each product by a name.
    fn push_set<'a>(&mut self, user: &Lean<'_>, name: impl Fn(SkuId) -> Cow<'a, str>) {
        let mut mine = std::mem::take(&mut self.mine);
        mine.clear();
        mine.extend(user.licenses.iter().flatten().filter_map(|license| license.sku_id));
        mine.sort_unstable();
        mine.dedup();
        let known = self.sets.get(mine.as_slice()).copied();
        let rank = known.unwrap_or_else(|| {
            let rank = self.rank(several(mine.iter().map(|id| name(*id)).collect()));
            self.sets.insert(mine.as_slice().into(), rank);
            rank
        });
        self.values.push(rank);
        self.mine = mine;
    }

    fn rank(&mut self, value: Option<Text>) -> u32 {
        let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        *self.known.entry(value).or_insert(next)
    }
}

/// Several values as one, each once and in order; absent if there are none.
fn several(mut values: Vec<Cow<'_, str>>) -> Option<Text> {
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then(|| Text::from(values.join(&APART.to_string())))
}

impl<'a> From<&'a Lean<'_>> for Holder<'a> {
    fn from(user: &'a Lean<'_>) -> Self {
        Self {
            licenses: user.licenses.as_deref().unwrap_or_default(),
            user_type: user.text(TextField::UserType),
            usage_location: user.text(TextField::UsageLocation),
            absent: user.absent,
        }
    }
}

impl Column {
    /// Puts the parts together, in the order of the users.
    pub(super) fn of(parts: Vec<Part>) -> Self {
        let mut all: HashMap<Option<Text>, u32> = HashMap::new();
        let mut maps: Vec<(Vec<u32>, Vec<u32>)> = Vec::with_capacity(parts.len());
        for part in parts {
            let mut map = vec![0; part.known.len()];
            for (value, local) in part.known {
                let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
                let id = *all.entry(value).or_insert(next);
                if let Some(place) = map.get_mut(local as usize) {
                    *place = id;
                }
            }
            maps.push((map, part.values));
        }
        let mut sorted: Vec<(bool, String, Option<Text>, u32)> = all
            .into_iter()
            .map(|(value, id)| {
                (value.is_none(), value.as_deref().map(str::to_lowercase).unwrap_or_default(), value, id)
            })
            .collect();
        sorted.sort_unstable();
        let mut ranks_of = vec![0u32; sorted.len()];
        let mut values = Vec::with_capacity(sorted.len());
        for (rank, (_, _, value, id)) in (0u32..).zip(sorted) {
            if let Some(place) = ranks_of.get_mut(id as usize) {
                *place = rank;
            }
            values.push(value);
        }
        let rank = |map: &[u32], local: u32| {
            map.get(local as usize).and_then(|id| ranks_of.get(*id as usize)).copied().unwrap_or(0)
        };
        let ranks = maps.iter().flat_map(|(map, rows)| rows.iter().map(|local| rank(map, *local))).collect();
        Self { ranks, values }
    }

    /// Leaves shown what a term on this field lets through: each value is looked at once.
    pub(super) fn keep(&self, term: &Term, shown: &mut [bool]) {
        let hit = |value: &Option<Text>| match value {
            Some(several) => several.split(APART).any(|value| term.hits(Some(value))),
            None => term.hits(None),
        };
        let hits: Vec<bool> = self.values.iter().map(|value| hit(value) != term.not).collect();
        for (shown, rank) in shown.iter_mut().zip(&self.ranks) {
            *shown &= hits.get(*rank as usize).copied().unwrap_or(false);
        }
    }

    /// Leaves shown who holds a product; the column is of what is held.
    pub(super) fn keep_holders(&self, product: SkuId, shown: &mut [bool]) {
        self.keep(&Term { not: false, field: None, value: format!("={product}") }, shown);
    }

    /// How many of some rows have each value, the most first, at most `most` values; and how many values there are.
    pub(super) fn count(&self, rows: &[u32], most: usize) -> (Vec<Counted>, u64) {
        let mut found: HashMap<Option<&str>, u64> = HashMap::new();
        for (value, count) in self.tally(rows) {
            match value {
                Some(several) => several.split(APART).for_each(|value| *found.entry(Some(value)).or_default() += count),
                None => *found.entry(None).or_default() += count,
            }
        }
        let values = found.len() as u64;
        let mut counted: Vec<(Option<&str>, u64)> = found.into_iter().collect();
        counted.sort_unstable_by(|(a_value, a), (b_value, b)| b.cmp(a).then_with(|| a_value.cmp(b_value)));
        counted.truncate(most);
        let counted = counted.into_iter().map(|(value, users)| Counted { value: value.map(Text::from), users });
        (counted.collect(), values)
    }

    /// How many of some rows have each value as it is held: several values are one.
    pub(super) fn tally(&self, rows: &[u32]) -> impl Iterator<Item = (Option<&str>, u64)> {
        let mut counts = vec![0u64; self.values.len()];
        for row in rows {
            let rank = self.ranks.get(*row as usize).copied().unwrap_or(0);
            if let Some(count) = counts.get_mut(rank as usize) {
                *count += 1;
            }
        }
        self.values.iter().map(Option::as_deref).zip(counts).filter(|(_, count)| *count > 0)
    }
}
