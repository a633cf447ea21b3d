mod columns;
mod tally;

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use super::batch::SEARCH;
use super::codec::{self, Lean};
use super::read::Reader;
use super::walk::Blobs;
use super::{StoreError, batch};
use crate::model::{
    Counted, Filter, Products, SkuId, SnapshotId, Tally, TextField, User, UserField, UserId, UsersLook, UsersSeen,
};
use columns::{Column, Of, Part, Words};

/// More different values than these are many.
const FEW: usize = 4096;
/// Columns of many values that are held ready; a further one takes the place of the one that came first.
const COLUMNS: usize = 4;
/// Blobs of search text and blobs of users that are made ready in one go: some milliseconds, which a question may wait.
const WORDS_AT_ONCE: usize = 256;
const USERS_AT_ONCE: usize = 32;
/// So many users at most have their places remembered, and those of a window.
const PLACES: usize = 8192;
/// Fields by which people ask first, and which have few values.
const LIKELY: [Of; 12] = [
    DEPARTMENT,
    Of::Field(UserField::License),
    Of::Held,
    FINDING,
    Of::Field(UserField::Text(TextField::CompanyName)),
    Of::Field(UserField::Text(TextField::OfficeLocation)),
    Of::Field(UserField::Text(TextField::UsageLocation)),
    Of::Field(UserField::Text(TextField::UserType)),
    Of::Field(UserField::Text(TextField::JobTitle)),
    Of::Field(UserField::Text(TextField::City)),
    Of::Field(UserField::Text(TextField::Country)),
    Of::Field(UserField::Manager),
];
const DEPARTMENT: Of = Of::Field(UserField::Text(TextField::Department));
const FINDING: Of = Of::Field(UserField::Finding);

/// A snapshot's users, opened to be looked at: filtered, sorted, counted, shown in windows.
///
/// What a question needs is read once and held while it is open: the search text for words (about 100 bytes a user),
/// a column for each field that is sorted, filtered or counted by (4 bytes a user and each different value once).
/// Whole users are read only for the rows of a window.
pub struct People {
    reader: Reader,
    users: SnapshotId,
    skus: Option<SnapshotId>,
    /// How many users each blob has.
    blobs: Vec<u32>,
    total: u64,
    products: Arc<Products>,
    words: Words,
    columns: Vec<(Of, Column)>,
    growing: Growing,
    /// Where users stand that were shown.
    places: HashMap<UserId, u32>,
    filtered: Option<(Which, Vec<u32>)>,
    ordered: Option<Ordered>,
    /// What there is to say of the holders of a product that were asked for last.
    tallied: Option<(SkuId, Arc<Tally>)>,
}

/// Which users.
#[derive(Debug, Clone, PartialEq)]
struct Which {
    holding: Option<SkuId>,
    filter: Filter,
}

/// Columns in the making.
#[derive(Default)]
struct Growing {
    /// How many blobs are in it.
    blobs: usize,
    parts: Vec<(Of, Part)>,
}

struct Ordered {
    which: Which,
    sort: Option<UserField>,
    reverse: bool,
    rows: Vec<u32>,
}

impl People {
    /// Opens a snapshot of users. Refuses one that is not there any more.
    pub fn open(reader: Reader, users: SnapshotId, skus: Option<SnapshotId>) -> Result<Self, StoreError> {
        let blobs = reader.blobs(users)?;
        let rows = skus.map(|skus| reader.skus(skus)).transpose()?.unwrap_or_default();
        let total = blobs.iter().map(|rows| u64::from(*rows)).sum();
        Ok(Self {
            reader,
            users,
            skus,
            blobs,
            total,
            products: Arc::new(Products::of(&rows)),
            words: Words::default(),
            columns: Vec::new(),
            growing: Growing { blobs: 0, parts: LIKELY.map(|of| (of, Part::default())).into() },
            places: HashMap::new(),
            filtered: None,
            ordered: None,
            tallied: None,
        })
    }

    /// Whether it shows these snapshots.
    pub fn is_of(&self, users: SnapshotId, skus: Option<SnapshotId>) -> bool {
        (self.users, self.skus) == (users, skus)
    }

    /// Makes ready, a piece at a time, what questions will need: the search text, then columns of fields by which people
    /// ask first. Answers whether there is more to do.
    pub fn warm(&mut self) -> Result<bool, StoreError> {
        if self.words.blobs < self.blobs.len() {
            self.read_words(self.words.blobs + WORDS_AT_ONCE)?;
            return Ok(true);
        }
        if self.growing.parts.is_empty() {
            return Ok(false);
        }
        let Growing { blobs, mut parts } = std::mem::take(&mut self.growing);
        let end = (blobs + USERS_AT_ONCE).min(self.blobs.len());
        self.walk(blobs..end, |_, users| {
            for (of, part) in &mut parts {
                for user in &users {
                    part.push(user, *of, &self.products);
                }
            }
        })?;
        parts.retain(|(_, part)| part.known.len() <= FEW);
        if end == self.blobs.len() {
            for (of, part) in parts.drain(..) {
                if column(&self.columns, of).is_none() {
                    self.columns.push((of, Column::of(vec![part])));
                }
            }
        }
        let more = !parts.is_empty();
        self.growing = Growing { blobs: end, parts };
        Ok(more)
    }

    /// A window on the users. The filter is one for users.
    pub fn window(&mut self, look: &UsersLook, filter: &Filter) -> Result<UsersSeen, StoreError> {
        let tally = look.holding.map(|product| self.tally(product)).transpose()?;
        self.order(&Which { holding: look.holding, filter: filter.clone() }, look.sort, look.reverse)?;
        let count = u64::from(look.count.min(UsersLook::MOST_EXPORTED));
        let wanted = look.at.map(|id| self.find(id)).transpose()?.flatten();
        let rows = self.ordered.as_ref().map_or(&[][..], |ordered| &ordered.rows);
        let matched = rows.len() as u64;
        let at = wanted.and_then(|user| rows.iter().position(|row| *row == user)).map(|at| at as u64);
        let from = at.map_or(look.from, |at| at.saturating_sub(count / 2)).min(matched.saturating_sub(count));
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(count).unwrap_or(0)).min(rows.len());
        let shown = rows.get(start..end).unwrap_or_default();
        let rows = self.read(shown)?;
        if rows.len() <= UsersLook::MOST as usize {
            if self.places.len() > PLACES {
                self.places.clear();
            }
            self.places.extend(rows.iter().map(|user| user.id).zip(shown.iter().copied()));
        }
        let total = tally.as_ref().map_or(self.total, |tally| tally.holders);
        Ok(UsersSeen { total, matched, from, rows, at, products: Arc::clone(&self.products), tally })
    }

    /// How many users that the filter shows have each value of a field, the most first; and how many users and values
    /// there are. A user with several values counts for each.
    pub fn counts(&mut self, filter: &Filter, field: UserField) -> Result<(u64, Vec<Counted>, u64), StoreError> {
        self.filter(&Which { holding: None, filter: filter.clone() })?;
        self.load(&[Of::Field(field)])?;
        let (Some((_, rows)), Some(column)) = (&self.filtered, column(&self.columns, Of::Field(field))) else {
            return Ok((0, Vec::new(), 0));
        };
        let (counted, values) = column.count(rows, Counted::MOST);
        Ok((rows.len() as u64, counted, values))
    }

    /// These users, in the order of the snapshot.
    fn filter(&mut self, which: &Which) -> Result<(), StoreError> {
        if self.filtered.as_ref().is_some_and(|(known, _)| known == which) {
            return Ok(());
        }
        let all = u32::try_from(self.total).map_err(|_| self.reader.file.damaged("a snapshot is too large"))?;
        let mut shown = vec![true; all as usize];
        if let Some(product) = which.holding {
            self.load(&[Of::Held])?;
            if let Some(column) = column(&self.columns, Of::Held) {
                column.keep_holders(product, &mut shown);
            }
        }
        for term in which.filter.terms() {
            match term.field.as_deref().map(UserField::of) {
                Some(Some(field)) => {
                    self.load(&[Of::Field(field)])?;
                    if let Some(column) = column(&self.columns, Of::Field(field)) {
                        column.keep(term, &mut shown);
                    }
                }
                // No filter for users has another field.
                Some(None) => shown.fill(false),
                None => {
                    self.read_words(self.blobs.len())?;
                    self.words.keep(term, &mut shown);
                }
            }
        }
        let rows = (0..all).zip(shown).filter_map(|(row, shown)| shown.then_some(row)).collect();
        self.filtered = Some((which.clone(), rows));
        Ok(())
    }

    fn order(&mut self, which: &Which, sort: Option<UserField>, reverse: bool) -> Result<(), StoreError> {
        let same = |known: &Ordered| (&known.which, known.sort, known.reverse) == (which, sort, reverse);
        if self.ordered.as_ref().is_some_and(same) {
            return Ok(());
        }
        self.filter(which)?;
        let mut rows = self.filtered.as_ref().map(|(_, rows)| rows.clone()).unwrap_or_default();
        if let Some(field) = sort {
            self.load(&[Of::Field(field)])?;
            if let Some(column) = column(&self.columns, Of::Field(field)) {
                let rank = |row: &u32| column.ranks.get(*row as usize).copied();
                rows.sort_by_key(rank);
            }
        }
        // There are few findings: those that share one stand by the text that they are found by, which begins with the name.
        if sort == Some(UserField::Finding) {
            self.read_words(self.blobs.len())?;
            if let Some(column) = column(&self.columns, FINDING) {
                let rank = |row: &u32| column.ranks.get(*row as usize).copied();
                for alike in rows.chunk_by_mut(|a, b| rank(a) == rank(b)) {
                    alike.sort_by_key(|row| self.words.line(*row as usize));
                }
            }
        }
        if reverse {
            rows.reverse();
        }
        self.ordered = Some(Ordered { which: which.clone(), sort, reverse, rows });
        Ok(())
    }

    /// The place of a user in the snapshot.
    fn find(&self, id: UserId) -> Result<Option<u32>, StoreError> {
        if let Some(place) = self.places.get(&id) {
            return Ok(Some(*place));
        }
        let found = self.scan(0, |range, found: &mut Option<u32>, users| {
            if let Some(at) = users.iter().position(|user| user.id == id) {
                *found = u32::try_from(range.start + at).ok();
            }
        })?;
        Ok(found.into_iter().flatten().next())
    }

    /// Whole users, in the order asked for. A blob is inflated once for all that lie in it.
    fn read(&self, rows: &[u32]) -> Result<Vec<User>, StoreError> {
        let mut starts = Vec::with_capacity(self.blobs.len());
        let mut start = 0u32;
        for blob in &self.blobs {
            starts.push(start);
            start = start.saturating_add(*blob);
        }
        let mut wanted: BTreeMap<usize, Vec<(usize, usize)>> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            let blob = starts.partition_point(|start| start <= row).saturating_sub(1);
            let inside = row - starts.get(blob).copied().unwrap_or(0);
            wanted.entry(blob).or_default().push((place, inside as usize));
        }
        let transaction = self.reader.file.begin_read()?;
        let mut out: Vec<Option<User>> = vec![None; rows.len()];
        for (blob, places) in wanted {
            let mut users: Vec<Option<User>> =
                self.reader.blob(&transaction, self.users, blob)?.into_iter().map(Some).collect();
            for (place, inside) in places {
                if let (Some(out), Some(user)) = (out.get_mut(place), users.get_mut(inside)) {
                    *out = user.take();
                }
            }
        }
        Ok(out.into_iter().flatten().collect())
    }

    /// Reads the search text of the first blobs, as far as it is not there.
    fn read_words(&mut self, blobs: usize) -> Result<(), StoreError> {
        let file = &self.reader.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(SEARCH).map_err(|error| file.io(error))?;
        for (page, rows) in self.blobs.iter().enumerate().take(blobs).skip(self.words.blobs) {
            let blob = table.get(batch::page(self.users, page)).map_err(|error| file.io(error))?;
            let missing = || self.reader.lost(&transaction, self.users, "a page of search text is missing");
            let blob = blob.ok_or_else(missing)?;
            let text = codec::search(blob.value()).map_err(|error| file.damaged(error))?;
            self.words.add(&text, *rows as usize).map_err(|error| file.damaged(error))?;
        }
        Ok(())
    }

    /// Makes columns ready, all of them in one reading.
    fn load(&mut self, wanted: &[Of]) -> Result<(), StoreError> {
        let missing = wanted.iter().copied().filter(|of| column(&self.columns, *of).is_none());
        let begun = |of: &Of| self.growing.blobs > 0 && self.growing.parts.iter().any(|(growing, _)| growing == of);
        let (begun, new): (Vec<Of>, Vec<Of>) = missing.partition(begun);
        // What was made ready of them meanwhile is taken as it is.
        self.read_columns(self.growing.blobs, &begun)?;
        self.read_columns(0, &new)
    }

    /// Reads columns from a blob on, behind what was made ready of them.
    fn read_columns(&mut self, from: usize, wanted: &[Of]) -> Result<(), StoreError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<(Of, Vec<Part>)> = Vec::with_capacity(wanted.len());
        for of in wanted {
            let growing = self.growing.parts.iter().position(|(growing, _)| growing == of);
            let first = growing.map(|at| self.growing.parts.swap_remove(at).1);
            columns.push((*of, first.into_iter().filter(|_| from > 0).collect()));
        }
        let products = &self.products;
        let rest = self.scan(from, |_, parts: &mut Vec<Part>, users| {
            parts.resize_with(wanted.len(), Part::default);
            for (of, part) in wanted.iter().zip(parts) {
                for user in &users {
                    part.push(user, *of, products);
                }
            }
        })?;
        for parts in rest {
            for ((_, column), part) in columns.iter_mut().zip(parts) {
                column.push(part);
            }
        }
        for (of, parts) in columns {
            let many = |(_, column): &(Of, Column)| column.values.len() > FEW;
            if self.columns.iter().filter(|column| many(column)).count() >= COLUMNS
                && let Some(first) = self.columns.iter().position(many)
            {
                self.columns.remove(first);
            }
            self.columns.push((of, Column::of(parts)));
        }
        Ok(())
    }

    /// Hands every blob from one on with its rows to `each`, on all cores: each core has a part of its own, and the parts
    /// come back in the order of the users.
    fn scan<P: Default + Send>(
        &self,
        from: usize,
        each: impl Fn(Range<usize>, &mut P, Vec<Lean<'_>>) + Sync,
    ) -> Result<Vec<P>, StoreError> {
        let pages: Vec<usize> = (from..self.blobs.len()).collect();
        Blobs::new(&self.reader, self.users, &self.blobs).scan(&pages, |rows, part, users| {
            each(rows, part, users);
            true
        })
    }

    /// Hands some blobs with their rows to `each`.
    fn walk(&self, pages: Range<usize>, mut each: impl FnMut(Range<usize>, Vec<Lean<'_>>)) -> Result<(), StoreError> {
        Blobs::new(&self.reader, self.users, &self.blobs).walk(pages, |rows, users| {
            each(rows, users);
            true
        })
    }
}

fn column(columns: &[(Of, Column)], of: Of) -> Option<&Column> {
    columns.iter().find(|(known, _)| *known == of).map(|(_, column)| column)
}
