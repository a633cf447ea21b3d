//! The difference of two snapshots, at the cost of reading each once and those users again who differ.
//!
//! ```text
//! both snapshots, all cores: (id, hash of what counts, place) of each user --sort by id, merge--> places that differ
//! places that differ, a share at a time: the users themselves --model::user_rows--> rows
//! ```
//!
//! Of each user 32 bytes are held, whatever the user's size, and some thousand whole users at a time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};

use super::codec::Lean;
use super::read::Reader;
use super::walk::Blobs;
use super::{SnapshotId, StoreError};
use crate::model::{
    Compared, DiffLook, DiffRow, Difference, PlanId, SkuDifference, SkuId, User, UserId, compare_skus, user_rows,
};

/// So many users that differ are held whole at a time. Where two answers came in another order, each share looks into
/// most blobs of the one before.
const SHARE: usize = 16_384;

/// What is held of a user.
#[derive(Clone, Copy)]
struct Mark {
    id: UserId,
    hash: u64,
    place: u32,
}

/// Whether whoever asked still wants to know.
pub type GoOn<'a> = &'a (dyn Fn() -> bool + Sync);

impl Reader {
    /// The difference of two readings, as much of it as a console holds. Absent if `go_on` ended it.
    pub fn difference(&self, look: &DiffLook, go_on: GoOn<'_>) -> Result<Option<Difference>, StoreError> {
        let skus = self.sku_difference(look)?;
        let mut found = Difference {
            users: None,
            skus: skus.compared,
            products: skus.products,
            plans: skus.plans,
            ..Difference::default()
        };
        let mut keep = |row: DiffRow| {
            found.sums.add(row.kind);
            if found.rows.len() < Difference::MOST {
                found.rows.push(row);
            }
            true
        };
        for row in skus.rows {
            keep(row);
        }
        if let [Some(before), Some(now)] = look.users {
            let Some(compared) = self.user_difference(before, now, go_on, &mut keep)? else { return Ok(None) };
            found.users = Some(compared);
        }
        found.rows.sort_unstable_by(|a, b| a.key().cmp(&b.key()));
        found.rows.shrink_to_fit();
        Ok(Some(found))
    }

    /// The difference of two readings of SKUs, with the names that they give. One alone gives the names.
    pub fn sku_difference(&self, look: &DiffLook) -> Result<SkuDifference, StoreError> {
        let [before, now] = look.skus.map(|skus| skus.map(|skus| self.skus(skus)).transpose());
        let (before, now) = (before?, now?);
        Ok(compare_skus(before.as_deref(), now.as_deref()))
    }

    /// Hands every row of the difference of two snapshots of users to `each`, until it answers `false`: those that are
    /// there now in the order of the snapshot, then those that are gone. Answers how many were compared; nothing if
    /// `go_on` or `each` ended it.
    pub fn user_difference(
        &self,
        before: SnapshotId,
        now: SnapshotId,
        go_on: GoOn<'_>,
        each: &mut dyn FnMut(DiffRow) -> bool,
    ) -> Result<Option<Compared>, StoreError> {
        let (rows_before, rows_now) = (self.blobs(before)?, self.blobs(now)?);
        let (before, now) = (Blobs::new(self, before, &rows_before), Blobs::new(self, now, &rows_now));
        let (Some(marks_before), Some(marks_now)) =
            (marks(&before, &rows_before, go_on)?, marks(&now, &rows_now, go_on)?)
        else {
            return Ok(None);
        };
        let Merged { compared, mut here, mut gone } = merge(&marks_before, &marks_now);
        drop((marks_before, marks_now));
        here.sort_unstable();
        gone.sort_unstable();
        for share in here.chunks(SHARE) {
            let places: Vec<u32> = share.iter().map(|(place, _)| *place).collect();
            let mut earlier: Vec<u32> = share.iter().filter_map(|(_, place)| *place).collect();
            earlier.sort_unstable();
            let users = pick(&now, &places)?;
            let known = pick(&before, &earlier)?;
            for ((_, place), (_, user)) in share.iter().zip(&users) {
                let was = place.and_then(|place| known.binary_search_by_key(&place, |(at, _)| *at).ok());
                let was = was.and_then(|at| known.get(at)).map(|(_, user)| user);
                if !go_on() || !user_rows(was, Some(user)).into_iter().all(&mut *each) {
                    return Ok(None);
                }
            }
        }
        for share in gone.chunks(SHARE) {
            for (_, user) in pick(&before, share)? {
                if !go_on() || !user_rows(Some(&user), None).into_iter().all(&mut *each) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(compared))
    }
}

/// Every user of a snapshot by id; nothing if it was ended.
fn marks(blobs: &Blobs<'_>, rows: &[u32], go_on: GoOn<'_>) -> Result<Option<Vec<Mark>>, StoreError> {
    let ended = AtomicBool::new(false);
    let pages: Vec<usize> = (0..rows.len()).collect();
    let parts = blobs.scan(&pages, |places, part: &mut Vec<Mark>, users| {
        if !go_on() {
            ended.store(true, Ordering::Relaxed);
            return false;
        }
        let mut pairs = Vec::new();
        part.extend(places.zip(&users).map(|(place, user)| Mark {
            id: user.id,
            hash: hash(user, &mut pairs),
            place: u32::try_from(place).unwrap_or(u32::MAX),
        }));
        true
    })?;
    if ended.into_inner() {
        return Ok(None);
    }
    let mut marks = parts.concat();
    marks.sort_unstable_by_key(|mark| (mark.id, mark.place));
    // An import leaves no user twice.
    marks.dedup_by_key(|mark| mark.id);
    Ok(Some(marks))
}

/// A hash of what [`user_rows`] compares, and of nothing else.
fn hash(user: &Lean<'_>, pairs: &mut Vec<(Option<SkuId>, Option<PlanId>)>) -> u64 {
    let told = |text: Option<&str>, hasher: &mut DefaultHasher| text.filter(|text| !text.is_empty()).hash(hasher);
    let mut hasher = DefaultHasher::new();
    for text in user.texts {
        told(text, &mut hasher);
    }
    pairs.clear();
    for license in user.licenses.iter().flatten() {
        pairs.push((license.sku_id, None));
        pairs.extend(license.disabled_plans.iter().map(|plan| (license.sku_id, Some(*plan))));
    }
    pairs.sort_unstable();
    pairs.dedup();
    pairs.hash(&mut hasher);
    for value in user.extension.iter().flat_map(|values| values.iter().zip(0_u8..)) {
        if let (Some(text), n) = value
            && !text.is_empty()
        {
            (n, text).hash(&mut hasher);
        }
    }
    u8::MAX.hash(&mut hasher);
    match &user.manager {
        None => 0_u8.hash(&mut hasher),
        Some(manager) if manager.id.is_some() => (1_u8, manager.id).hash(&mut hasher),
        Some(manager) => {
            2_u8.hash(&mut hasher);
            told(manager.display_name, &mut hasher);
            told(manager.user_principal_name, &mut hasher);
        }
    }
    hasher.finish()
}

/// Users that differ, by their places.
struct Merged {
    compared: Compared,
    /// Those that are there now: where, and where they were before.
    here: Vec<(u32, Option<u32>)>,
    /// Those that are gone: where they were.
    gone: Vec<u32>,
}

fn merge(before: &[Mark], now: &[Mark]) -> Merged {
    let compared = Compared { before: before.len() as u64, now: now.len() as u64, both: 0 };
    let mut merged = Merged { compared, here: Vec::new(), gone: Vec::new() };
    let mut earlier = before.iter().peekable();
    for mark in now {
        while let Some(gone) = earlier.next_if(|earlier| earlier.id < mark.id) {
            merged.gone.push(gone.place);
        }
        match earlier.next_if(|earlier| earlier.id == mark.id) {
            None => merged.here.push((mark.place, None)),
            Some(was) => {
                merged.compared.both += 1;
                if was.hash != mark.hash {
                    merged.here.push((mark.place, Some(was.place)));
                }
            }
        }
    }
    merged.gone.extend(earlier.map(|gone| gone.place));
    merged
}

/// Whole users of some places, which are sorted. A blob is inflated once for all that lie in it.
fn pick(blobs: &Blobs<'_>, places: &[u32]) -> Result<Vec<(u32, User)>, StoreError> {
    let mut pages: Vec<usize> = places.iter().map(|place| blobs.page_of(*place as usize)).collect();
    pages.dedup();
    let parts = blobs.scan(&pages, |range, part: &mut Vec<(u32, User)>, users| {
        let from = places.partition_point(|place| (*place as usize) < range.start);
        let wanted = places.iter().skip(from).take_while(|place| (**place as usize) < range.end);
        part.extend(wanted.filter_map(|place| Some((*place, users.get(*place as usize - range.start)?.to_user()))));
        true
    })?;
    Ok(parts.into_iter().flatten().collect())
}
