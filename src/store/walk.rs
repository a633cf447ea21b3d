//! Walks through the blobs of a snapshot of users, on all cores, without owning what is only looked at.

use std::ops::Range;

use super::StoreError;
use super::batch::{self, USERS};
use super::codec::{self, Lean};
use super::read::Reader;
use crate::model::SnapshotId;

/// The blobs of a snapshot.
pub(super) struct Blobs<'a> {
    reader: &'a Reader,
    snapshot: SnapshotId,
    /// How many users each has.
    rows: &'a [u32],
    /// The place of the first user of each.
    starts: Vec<usize>,
}

impl<'a> Blobs<'a> {
    pub(super) fn new(reader: &'a Reader, snapshot: SnapshotId, rows: &'a [u32]) -> Self {
        let starts = rows.iter().scan(0, |next, rows| Some(std::mem::replace(next, *next + *rows as usize))).collect();
        Self { reader, snapshot, rows, starts }
    }

    /// The blob that a user lies in.
    pub(super) fn page_of(&self, place: usize) -> usize {
        self.starts.partition_point(|start| *start <= place).saturating_sub(1)
    }

    /// Hands blobs with the places of their users to `each`, on all cores: each core has a part of its own, and the parts
    /// come back in the order of the pages. A part whose `each` answers `false` ends there.
    pub(super) fn scan<P: Default + Send>(
        &self,
        pages: &[usize],
        each: impl Fn(Range<usize>, &mut P, Vec<Lean<'_>>) -> bool + Sync,
    ) -> Result<Vec<P>, StoreError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let share = pages.len().div_ceil(cores).max(1);
        let work = |pages: &[usize]| -> Result<P, StoreError> {
            let mut part = P::default();
            self.walk(pages.iter().copied(), |places, users| each(places, &mut part, users))?;
            Ok(part)
        };
        std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = pages.chunks(share).map(|pages| scope.spawn(move || work(pages))).collect();
            let lost = || self.reader.file.damaged("a thread that read users ended early");
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(lost()))).collect()
        })
    }

    /// Hands some blobs with the places of their users to `each`, until it answers `false`.
    pub(super) fn walk(
        &self,
        pages: impl IntoIterator<Item = usize>,
        mut each: impl FnMut(Range<usize>, Vec<Lean<'_>>) -> bool,
    ) -> Result<(), StoreError> {
        let file = &self.reader.file;
        let transaction = file.begin_read()?;
        let table = transaction.open_table(USERS).map_err(|error| file.io(error))?;
        for page in pages {
            let rows = self.rows.get(page).copied().unwrap_or(0) as usize;
            let start = self.starts.get(page).copied().unwrap_or(0);
            let blob = table.get(batch::page(self.snapshot, page)).map_err(|error| file.io(error))?;
            let missing = || self.reader.lost(&transaction, self.snapshot, "a page of users is missing");
            let blob = blob.ok_or_else(missing)?;
            let raw = codec::inflate(blob.value()).map_err(|error| file.damaged(error))?;
            let users = codec::lean(&raw).map_err(|error| file.damaged(error))?;
            if users.len() != rows {
                return Err(file.damaged("a page of users is cut"));
            }
            if !each(start..start + rows, users) {
                break;
            }
        }
        Ok(())
    }
}
