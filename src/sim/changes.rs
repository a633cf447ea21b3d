//! What becomes of the people of a made-up tenant between nights: some come, go, marry, move, are promoted, get and lose
//! licenses; and the tenant buys seats.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

/// What is otherwise in some nights. Nobody is picked twice, in whatever change: sums can be told in advance.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Changed {
    /// The first and the last night.
    pub(crate) nights: [u32; 2],
    /// So many more people.
    #[serde(default)]
    pub(crate) hired: u64,
    /// The product that each of them holds.
    pub(crate) hired_hold: Option<String>,
    /// So many are gone; nobody reports to them.
    #[serde(default)]
    pub(crate) gone: u64,
    /// So many have another surname; sign-in name and address stay.
    #[serde(default)]
    pub(crate) renamed: u64,
    /// So many are in another department.
    #[serde(default)]
    pub(crate) moved: u64,
    /// So many have another job title.
    #[serde(default)]
    pub(crate) promoted: u64,
    /// So many more hold a product, by its part number.
    #[serde(default)]
    pub(crate) gained: BTreeMap<String, u64>,
    /// So many hold it no more.
    #[serde(default)]
    pub(crate) lost: BTreeMap<String, u64>,
    /// So many units of a product are enabled.
    #[serde(default)]
    pub(crate) seats: BTreeMap<String, u64>,
    /// People come in another order, and so does what each of them holds.
    #[serde(default)]
    pub(crate) shuffled: bool,
}

/// What is otherwise with one person.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edit {
    pub(crate) renamed: bool,
    pub(crate) moved: bool,
    pub(crate) promoted: bool,
    /// Places of products that the person gets.
    pub(crate) gains: BTreeSet<usize>,
    /// Places of products that the person loses.
    pub(crate) losses: BTreeSet<usize>,
}

/// A change with the people that it picked.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    nights: [u32; 2],
    /// Numbers of those who come.
    hired: std::ops::Range<u64>,
    hold: Option<usize>,
    gone: Vec<u64>,
    edits: BTreeMap<u64, Edit>,
    seats: BTreeMap<String, u64>,
    shuffled: bool,
}

/// Picks people, each once.
pub(crate) struct Picker<'a> {
    /// Who was not picked yet, in an order of their own.
    pub(crate) free: Vec<u64>,
    /// The number of the next one who comes.
    pub(crate) next: u64,
    /// Part numbers of products that people hold, by place.
    pub(crate) parts: &'a [String],
    /// Whether somebody holds the product of a place.
    pub(crate) holds: &'a dyn Fn(u64, usize) -> bool,
    /// Whether somebody is a guest, who has neither surname nor department.
    pub(crate) guest: &'a dyn Fn(u64) -> bool,
    /// Whether somebody reports to a person.
    pub(crate) leads: &'a dyn Fn(u64) -> bool,
}

impl Picker<'_> {
    /// Takes so many of whom something holds.
    fn take(&mut self, count: u64, what: &str, holds: impl Fn(u64) -> bool) -> Result<Vec<u64>, String> {
        let mut taken = Vec::new();
        self.free.retain(|index| {
            let take = (taken.len() as u64) < count && holds(*index);
            if take {
                taken.push(*index);
            }
            !take
        });
        if taken.len() as u64 == count { Ok(taken) } else { Err(format!("there are no {count} who could be {what}")) }
    }

    fn place(&self, part: &str) -> Result<usize, String> {
        let found = self.parts.iter().position(|known| known == part);
        found.ok_or_else(|| format!("`changes` names `{part}`, which nobody there holds"))
    }

    /// Picks the people of a change. Refuses one that makes no sense.
    pub(crate) fn pick(&mut self, of: &Changed) -> Result<Picked, String> {
        if of.nights[0] > of.nights[1] {
            return Err("`nights` of `changes` ends before it begins".to_owned());
        }
        let (holds, guest, leads) = (self.holds, self.guest, self.leads);
        let mut gone = self.take(of.gone, "gone", |index| !leads(index))?;
        gone.sort_unstable();
        let mut edits: BTreeMap<u64, Edit> = BTreeMap::new();
        for index in self.take(of.renamed, "renamed", |index| !guest(index))? {
            edits.entry(index).or_default().renamed = true;
        }
        for index in self.take(of.moved, "moved", |index| !guest(index))? {
            edits.entry(index).or_default().moved = true;
        }
        for index in self.take(of.promoted, "promoted", |index| !guest(index))? {
            edits.entry(index).or_default().promoted = true;
        }
        for (part, count) in &of.gained {
            let place = self.place(part)?;
            for index in self.take(*count, "given a license", |index| !guest(index) && !holds(index, place))? {
                edits.entry(index).or_default().gains.insert(place);
            }
        }
        for (part, count) in &of.lost {
            let place = self.place(part)?;
            for index in self.take(*count, "without a license", |index| holds(index, place))? {
                edits.entry(index).or_default().losses.insert(place);
            }
        }
        for part in of.seats.keys() {
            self.place(part)?;
        }
        let hold = of.hired_hold.as_deref().map(|part| self.place(part)).transpose()?;
        let hired = self.next..self.next + of.hired;
        self.next = hired.end;
        let seats = of.seats.clone();
        Ok(Picked { nights: of.nights, hired, hold, gone, edits, seats, shuffled: of.shuffled })
    }
}

/// What is otherwise in one night.
#[derive(Debug, Default)]
pub(crate) struct Night<'a> {
    /// How many there are as a rule.
    usual: u64,
    gone: Vec<u64>,
    hired: Vec<(u64, Option<usize>)>,
    picked: Vec<&'a Picked>,
    pub(crate) shuffled: bool,
}

impl<'a> Night<'a> {
    pub(crate) fn of(all: &'a [Picked], usual: u64, night: u32) -> Self {
        let picked: Vec<&Picked> =
            all.iter().filter(|picked| (picked.nights[0]..=picked.nights[1]).contains(&night)).collect();
        let mut gone: Vec<u64> = picked.iter().flat_map(|picked| picked.gone.iter().copied()).collect();
        gone.sort_unstable();
        let hired = picked.iter().flat_map(|picked| picked.hired.clone().map(|index| (index, picked.hold))).collect();
        let shuffled = picked.iter().any(|picked| picked.shuffled);
        Self { usual, gone, hired, picked, shuffled }
    }

    /// How many people there are.
    pub(crate) fn count(&self) -> u64 {
        self.usual - self.gone.len() as u64 + self.hired.len() as u64
    }

    /// The number of the person at a place.
    pub(crate) fn index(&self, place: u64) -> u64 {
        let stay = self.usual - self.gone.len() as u64;
        if let Some(hired) = place.checked_sub(stay) {
            let hired = usize::try_from(hired).ok().and_then(|at| self.hired.get(at));
            return hired.map_or(place, |(index, _)| *index);
        }
        let mut index = place;
        for gone in &self.gone {
            if *gone > index {
                break;
            }
            index += 1;
        }
        index
    }

    /// What is otherwise with somebody.
    pub(crate) fn edit(&self, index: u64) -> Option<&'a Edit> {
        self.picked.iter().find_map(|picked| picked.edits.get(&index))
    }

    /// Whether somebody who came holds the product of a place; absent for all others.
    pub(crate) fn hired_holds(&self, index: u64, place: usize) -> Option<bool> {
        self.hired.iter().find(|(hired, _)| *hired == index).map(|(_, hold)| *hold == Some(place))
    }

    /// By how many holders of the product of a place there are more than as a rule.
    pub(crate) fn drift(&self, place: usize, holds: impl Fn(u64) -> bool) -> i64 {
        let edits = || self.picked.iter().flat_map(|picked| picked.edits.values());
        let more = edits().filter(|edit| edit.gains.contains(&place)).count()
            + self.hired.iter().filter(|(_, hold)| *hold == Some(place)).count();
        let less = edits().filter(|edit| edit.losses.contains(&place)).count()
            + self.gone.iter().filter(|index| holds(**index)).count();
        i64::try_from(more).unwrap_or(0) - i64::try_from(less).unwrap_or(0)
    }

    /// How many units of a product are enabled, where that is otherwise.
    pub(crate) fn seats(&self, part: &str) -> Option<u64> {
        self.picked.iter().rev().find_map(|picked| picked.seats.get(part).copied())
    }
}
