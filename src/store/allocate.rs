//! Sheets, previews, lines and reasons of an allocation: the users are read as often as it needs, and none is held.
//!
//! ```text
//! once, all cores: users --Tally--> counts --> sheet; of a draft, both plans at once
//! for lines, once more: 16 bytes of each seat whose class has a coin left --> who bears it; then one by one
//! ```

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use super::codec::Lean;
use super::difference::GoOn;
use super::read::Reader;
use super::walk::Blobs;
use super::{StoreError, allocation, codec};
use crate::model::allocation::{
    Above, AllocationOf, Allotment, Billed, Chain, Classes, ClosedMonth, Computed, Draft, Ids, Month, MonthEvent,
    Preview, PriceBook, Rules, Sheet, SheetFacts, Sorter, Subject, Superior, Tally, UnitPath, UserShare, Why, Writer,
    bill_of, is_meant, names_above, with_only,
};
use crate::model::{AssignedLicense, SkuId, SnapshotId, Text, TextField, User, UserId};

/// Why there is no sheet.
#[derive(Debug, thiserror::Error)]
pub enum Unallocated {
    /// The store does not do what was asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Rules, prices or data do not allow it; in words.
    #[error("{0}")]
    Refused(String),
    /// Whoever asked does not want to know any more.
    #[error("something else is looked at")]
    Overtaken,
}

impl From<String> for Unallocated {
    fn from(why: String) -> Self {
        Self::Refused(why)
    }
}

/// A month that is ready to be closed.
#[derive(Debug)]
pub struct Freeze {
    /// The sheet.
    pub sheet: Sheet,
    /// What it was reckoned with.
    pub rules: Rules,
    /// What it was reckoned with.
    pub prices: PriceBook,
    /// The units, then the lines of the users, as they are kept.
    pub lines: Vec<Vec<u8>>,
    /// Those who are above others, then what rules look at of the same users, as they are kept.
    pub values: Vec<Vec<u8>>,
}

impl Freeze {
    /// The month as it is closed.
    pub fn closed(&self, by: Text, at: Timestamp, reason: Option<Text>) -> Result<ClosedMonth, String> {
        Ok(ClosedMonth {
            event: MonthEvent::of(&self.sheet, true, by, at, reason),
            sheet: serde_json::to_string(&self.sheet).map_err(|error| error.to_string())?,
            prices: self.prices.clone(),
            rules: self.rules.clone(),
            chunks: u32::try_from(self.lines.len().saturating_sub(1)).unwrap_or(u32::MAX),
            explains: true,
        })
    }
}

/// Rules and prices; by whom the rules were saved, and when: nobody saved those that everybody begins with.
pub type SavedMeans = (Arc<Rules>, Arc<PriceBook>, Option<(Text, Timestamp)>);

/// Takes a user with his lines, as he was read, with the units that lines name and the sheet; answers whether to go on.
type EachRead<'a> = &'a mut dyn FnMut(&UserShare, &Lean<'_>, &[UnitPath], &Sheet) -> bool;

/// Sheets of months before the one that is looked at: nothing that they were reckoned from ever changes, and each look needs one.
#[derive(Debug, Default)]
pub(super) struct Reckoned(Mutex<VecDeque<(AllocationOf, Arc<Sheet>)>>);

impl Reckoned {
    /// So many are held: those of the tenants that engineers look at.
    const MOST: usize = 8;

    fn get(&self, of: &AllocationOf) -> Option<Arc<Sheet>> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(known, _)| known == of).map(|(_, sheet)| Arc::clone(sheet))
    }

    fn keep(&self, of: &AllocationOf, sheet: Sheet) -> Arc<Sheet> {
        let sheet = Arc::new(sheet);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.truncate(Self::MOST - 1);
        held.push_front((of.clone(), Arc::clone(&sheet)));
        sheet
    }
}

/// A month that is reckoned up to who bears which coin.
pub(super) struct Settled<'s> {
    /// The users.
    pub(super) users: Option<SnapshotId>,
    /// Which rule takes whom.
    pub(super) sorter: &'s Sorter<'s>,
    /// What there is to bear.
    pub(super) billed: &'s Billed,
    /// What each unit bears.
    pub(super) allotment: &'s Allotment,
    /// What each user bears there.
    pub(super) classes: &'s Classes,
    /// Who reports to whom.
    pub(super) chain: &'s Chain,
    /// Where others would put users.
    pub(super) then: Option<(&'s Sorter<'s>, &'s Chain, &'s Allotment)>,
    /// The sheet that all of it adds up to.
    pub(super) sheet: Sheet,
}

/// By what a sheet is reckoned.
pub(super) struct Means {
    rules: Arc<Rules>,
    prices: Arc<PriceBook>,
}

impl Subject for Lean<'_> {
    fn id(&self) -> UserId {
        self.id
    }

    fn text(&self, field: TextField) -> Option<&str> {
        Lean::text(self, field)
    }

    fn extension(&self, n: u8) -> Option<&str> {
        self.extension.as_ref()?.get(usize::from(n).checked_sub(1)?).copied().flatten()
    }

    fn manager(&self) -> Option<(Option<UserId>, Option<&str>, Option<&str>)> {
        let manager = self.manager.as_ref()?;
        Some((manager.id, manager.display_name, manager.user_principal_name))
    }

    fn licenses(&self) -> &[AssignedLicense] {
        self.licenses.as_deref().unwrap_or_default()
    }
}

impl Reader {
    /// The sheet of a month as it is in force; of a closed month the frozen one.
    pub fn sheet(&self, of: &AllocationOf, go_on: GoOn<'_>) -> Result<Sheet, Unallocated> {
        if let Some(closed) = self.closed(of)? {
            return Ok(closed.sheet()?);
        }
        let means = self.in_force(of)?;
        let before = self.before(of, go_on)?;
        let of = &*self.resolved(of)?;
        let mut computed = self.computed(of, &[(&of.facts, &means)], before.as_deref(), go_on)?;
        computed.pop().ok_or(Unallocated::Overtaken)
    }

    /// A month with its products: those of a reading that is kept lie in the store.
    pub fn resolved<'a>(&self, of: &'a AllocationOf) -> Result<Cow<'a, AllocationOf>, Unallocated> {
        if !of.kept {
            return Ok(Cow::Borrowed(of));
        }
        // What the fleet knows of may not be written yet, or be given up since.
        let found = self.reading(&of.facts.key, of.facts.month)?.filter(|found| of.users == Some(found.users));
        let found = found.ok_or_else(|| {
            format!("the data of {} of {} are not in the store, or not yet: ask again", of.facts.month, of.facts.title)
        })?;
        Ok(Cow::Owned(AllocationOf { counted: found.counted, ..of.clone() }))
    }

    /// The sheet of a month as it is in force, and what a draft would move in it. A draft never touches a closed month.
    pub fn preview(&self, of: &AllocationOf, draft: &Draft, go_on: GoOn<'_>) -> Result<(Sheet, Preview), Unallocated> {
        if self.closed(of)?.is_some() {
            // Which months are open the fleet knows alone; it tells whoever saves.
            let why = "no draft moves anything in it; a save says in which months it acts";
            return Err(Unallocated::Refused(format!("{} is closed: {why}", of.facts.month)));
        }
        let means = self.in_force(of)?;
        let then = self.drafted(of, draft)?;
        let facts = SheetFacts {
            rules: of.facts.rules.filter(|_| draft.rules.is_none()),
            prices: of.facts.prices.filter(|_| draft.prices.is_none()),
            ..of.facts.clone()
        };
        let before = self.before(of, go_on)?;
        let of = &*self.resolved(of)?;
        let mut both = self.computed(of, &[(&of.facts, &means), (&facts, &then)], before.as_deref(), go_on)?;
        let (Some(then), Some(now)) = (both.pop(), both.pop()) else { return Err(Unallocated::Overtaken) };
        let preview = Preview::of(&now, then);
        Ok((now, preview))
    }

    /// The rules and prices of a month: those in force, or those that it was closed with; by whom the rules were saved, and
    /// when.
    pub fn means_of(&self, of: &AllocationOf) -> Result<SavedMeans, Unallocated> {
        if let Some(closed) = self.closed(of)? {
            let saved = self.rules(&of.facts.key, Some(closed.event.rules))?.map(|saved| (saved.by, saved.at));
            return Ok((Arc::new(closed.rules), Arc::new(closed.prices), saved));
        }
        let Means { rules, prices } = self.in_force(of)?;
        let saved = self.rules(&of.facts.key, of.facts.rules)?.map(|saved| (saved.by, saved.at));
        Ok((rules, prices, saved))
    }

    /// Hands every user of a month with his lines to `each`, until it answers `false`. Answers the sheet that they add up
    /// to, and the units that lines name by their place.
    pub fn shares(
        &self,
        of: &AllocationOf,
        draft: &Draft,
        go_on: GoOn<'_>,
        each: &mut dyn FnMut(&UserShare, &[UnitPath], &Sheet) -> bool,
    ) -> Result<(Sheet, Vec<UnitPath>), Unallocated> {
        if let Some((sheet, units, chunks)) = self.frozen(of)?.filter(|_| !draft.is_some()) {
            self.frozen_lines(&of.facts.key, of.facts.month, chunks, &mut |user| each(&user, &units, &sheet))?;
            return Ok((sheet, units));
        }
        let means = self.drafted(of, draft)?;
        self.open_shares(of, &means, go_on, &mut |user, _, units, sheet| each(user, units, sheet))
    }

    fn open_shares(
        &self,
        of: &AllocationOf,
        means: &Means,
        go_on: GoOn<'_>,
        each: EachRead<'_>,
    ) -> Result<(Sheet, Vec<UnitPath>), Unallocated> {
        self.settled(of, (means, None), go_on, |settled| {
            let Settled { users, sorter, billed, allotment, classes, chain, sheet, .. } = settled;
            let Some(users) = users else { return Ok((sheet, allotment.units().to_vec())) };
            let rows = self.blobs(users)?;
            let blobs = Blobs::new(self, users, &rows);
            let mut writer = Writer::new(sorter, billed, allotment, classes);
            let mut went_on = true;
            blobs.walk(0..rows.len(), |_, users| {
                went_on = go_on();
                went_on
                    && users.iter().all(|user| {
                        let (lines, by) = writer.lines(user, chain);
                        let share = || UserShare {
                            user: user.id,
                            name: user.text(TextField::DisplayName).unwrap_or_default().into(),
                            sign_in: user.text(TextField::UserPrincipalName).unwrap_or_default().into(),
                            rule: by.and_then(|by| u32::try_from(by + 1).ok()),
                            assigned: by.is_none() && lines.iter().all(|line| line.unit < allotment.units().len()),
                            lines: lines.to_vec(),
                        };
                        lines.is_empty() || each(&share(), user, allotment.units(), &sheet)
                    })
            })?;
            if went_on { Ok((sheet, allotment.units().to_vec())) } else { Err(Unallocated::Overtaken) }
        })
    }

    /// Reckons a month up to who bears which coin, by some means; beside them, where others would put users, at the same
    /// prices. Hands what there is then to `with`.
    pub(super) fn settled<R>(
        &self,
        of: &AllocationOf,
        (means, then): (&Means, Option<&Means>),
        go_on: GoOn<'_>,
        with: impl FnOnce(Settled<'_>) -> Result<R, Unallocated>,
    ) -> Result<R, Unallocated> {
        let before = self.before(of, go_on)?;
        let of = &*self.resolved(of)?;
        let part_numbers = of.part_numbers();
        let billed = bill_of(&of.counted, &means.prices, of.facts.month)?;
        let sorters: Vec<Sorter<'_>> =
            [Some(means), then].into_iter().flatten().map(|means| Sorter::new(&means.rules, &part_numbers)).collect();
        let chains: Vec<Chain> =
            sorters.iter().map(|sorter| self.chain(of.users, sorter, go_on)).collect::<Result<_, _>>()?;
        let plans: Vec<(&Sorter<'_>, &Billed)> = sorters.iter().map(|sorter| (sorter, &billed)).collect();
        let mut tallies = self.tallied(of.users, &plans, &chains, go_on)?.into_iter();
        let tally = tallies.next().ok_or(Unallocated::Overtaken)?;
        let drafted = tallies.next().map(|tally| Allotment::of(&tally, &billed)).transpose()?;
        let (Some(sorter), Some(chain)) = (sorters.first(), chains.first()) else { return Err(Unallocated::Overtaken) };
        let Computed { sheet, allotment } = Computed::of(of.facts.clone(), &tally, &billed, before.as_deref())?;
        let mut classes = Classes::of(&tally, &allotment);
        drop(tally);
        if let Some(users) = of.users.filter(|_| classes.has_open()) {
            let rows = self.blobs(users)?;
            let blobs = Blobs::new(self, users, &rows);
            let pages: Vec<usize> = (0..rows.len()).collect();
            let open = &classes;
            let noted = scan(&blobs, &pages, go_on, |part: &mut Option<(Writer<'_>, Ids)>, user| {
                let fresh = || (Writer::new(sorter, &billed, &allotment, open), Ids::new());
                let (writer, ids) = part.get_or_insert_with(fresh);
                let (lines, _) = writer.lines(user, chain);
                open.note(user.id, lines, ids);
            })?;
            let ids = noted.into_iter().flatten().map(|(_, ids)| ids).collect();
            classes.settle(ids);
        }
        let then = match (sorters.get(1), chains.get(1), &drafted) {
            (Some(sorter), Some(chain), Some(allotment)) => Some((sorter, chain, allotment)),
            (_, _, _) => None,
        };
        let (billed, allotment, classes) = (&billed, &allotment, &classes);
        with(Settled { users: of.users, sorter, billed, allotment, classes, chain, then, sheet })
    }

    /// The sheet of a month as a draft alone has it.
    pub fn alone(&self, of: &AllocationOf, draft: &Draft, go_on: GoOn<'_>) -> Result<Sheet, Unallocated> {
        let means = self.drafted(of, draft)?;
        let before = self.before(of, go_on)?;
        let of = &*self.resolved(of)?;
        let mut computed = self.computed(of, &[(&of.facts, &means)], before.as_deref(), go_on)?;
        computed.pop().ok_or(Unallocated::Overtaken)
    }

    /// Of a closed month: its sheet, the units that its lines name by their place, and how many records of lines there are.
    pub(super) fn frozen(&self, of: &AllocationOf) -> Result<Option<(Sheet, Vec<UnitPath>, u32)>, Unallocated> {
        let Some(closed) = self.closed(of)? else { return Ok(None) };
        let units = self.frozen_units(&of.facts.key, of.facts.month)?;
        Ok(Some((closed.sheet()?, units, closed.chunks)))
    }

    /// Why a user is where he is, under the rules in force or under a draft; of a closed month, why he was there.
    pub fn why(&self, of: &AllocationOf, draft: &Draft, wanted: &str, go_on: GoOn<'_>) -> Result<Why, Unallocated> {
        let refused = |why: String| Unallocated::Refused(why);
        if let Some(closed) = self.closed(of)? {
            return self.frozen_why(of, &closed, draft, wanted, go_on);
        }
        let users = of.users.ok_or_else(|| refused("no users were ever read: tenantop import".to_owned()))?;
        let rules = self.drafted(of, draft)?.rules;
        let part_numbers = self.resolved(of)?.part_numbers();
        let sorter = Sorter::new(&rules, &part_numbers);
        let chain = self.chain(Some(users), &sorter, go_on)?;
        let mut found: Vec<User> = Vec::new();
        // Only who is above somebody needs a name here.
        let mut above = Above::new();
        self.users(users, &mut |user| {
            if sorter.needs_chain()
                && let Some(superior) = Superior::of(&user, &sorter)
            {
                above.insert(superior.user, (superior.manager, superior.name));
            }
            if is_meant(&user, wanted) {
                found.push(user);
            }
            go_on() && found.len() < 3
        })?;
        let user = one_of(&found, wanted).map_err(refused)?;
        Ok(Why::of(&sorter, user, &chain, &names_above(user, &above)))
    }

    /// Why a user was where he was when a month was closed: by the frozen rules and what they looked at.
    fn frozen_why(
        &self,
        of: &AllocationOf,
        closed: &ClosedMonth,
        draft: &Draft,
        wanted: &str,
        go_on: GoOn<'_>,
    ) -> Result<Why, Unallocated> {
        let (key, month) = (&of.facts.key, of.facts.month);
        let refused = |why: String| Err(Unallocated::Refused(why));
        if draft.is_some() {
            return refused(format!("{month} is closed: no draft moves anything in it"));
        }
        if !closed.explains {
            return refused(format!(
                "{month} was closed by an older tenantop, which kept no values of its users: --users names the rules"
            ));
        }
        let part_numbers: BTreeMap<SkuId, Text> =
            closed.sheet()?.products.into_iter().filter_map(|row| Some((row.sku_id?, row.part_number?))).collect();
        let sorter = Sorter::new(&closed.rules, &part_numbers);
        let superiors = self.frozen_superiors(key, month)?;
        let chain = Chain::of(superiors.iter().map(|one| (one.user, one.link)));
        let above: Above = superiors.into_iter().map(|one| (one.user, (one.manager, one.name))).collect();
        let mut found: Vec<User> = Vec::new();
        for chunk in 1..=closed.chunks {
            if !go_on() {
                return Err(Unallocated::Overtaken);
            }
            let users = self.frozen_users(key, month, chunk)?.into_iter().map(|(share, mut user)| {
                for (field, text) in
                    [(TextField::DisplayName, share.name), (TextField::UserPrincipalName, share.sign_in)]
                {
                    if let Some(place) = user.texts.get_mut(field as usize) {
                        *place = Some(text).filter(|text| !text.is_empty());
                    }
                }
                user
            });
            found.extend(users.filter(|user| is_meant(user, wanted)));
        }
        match one_of(&found, wanted) {
            Ok(user) => Ok(Why::of(&sorter, user, &chain, &names_above(user, &above))),
            Err(why) if found.is_empty() => {
                refused(format!("{why}; {month} is closed with users who held a seat on the bill"))
            }
            Err(why) => refused(why),
        }
    }

    /// Reckons a month that is to be closed, with the lines of all its users and what rules look at of them.
    pub fn freeze(&self, of: &AllocationOf) -> Result<Freeze, Unallocated> {
        let means = self.in_force(of)?;
        let attributes = means.rules.attributes();
        let (mut chunk, mut seen): (Vec<UserShare>, Vec<User>) = (Vec::new(), Vec::new());
        let (mut lines, mut values) = (vec![Vec::new()], vec![Vec::new()]);
        let mut result: Result<(), String> = Ok(());
        let mut full = |chunk: &mut Vec<UserShare>, seen: &mut Vec<User>| -> Result<(), String> {
            lines.push(allocation::pack(&std::mem::take(chunk))?);
            values.push(allocation::pack(&std::mem::take(seen))?);
            Ok(())
        };
        let mut take = |user: &UserShare, as_read: &Lean<'_>, _: &[UnitPath], sheet: &Sheet| {
            // Nothing is frozen of a sheet that will be refused.
            if !sheet.stops().is_empty() {
                return false;
            }
            chunk.push(user.clone());
            seen.push(with_only(as_read, &attributes));
            if chunk.len() == allocation::USERS_PER_CHUNK {
                result = full(&mut chunk, &mut seen);
            }
            result.is_ok()
        };
        let (sheet, units) = self.open_shares(of, &means, &|| true, &mut take)?;
        result?;
        if !chunk.is_empty() {
            full(&mut chunk, &mut seen)?;
        }
        if let Some(first) = lines.first_mut() {
            *first = codec::record(&units)?;
        }
        if sheet.stops().is_empty()
            && let Some(first) = values.first_mut()
        {
            *first = allocation::pack(&self.superiors(of, &means)?)?;
        }
        let own = |means: Means| (Arc::unwrap_or_clone(means.rules), Arc::unwrap_or_clone(means.prices));
        let (rules, prices) = own(means);
        Ok(Freeze { sheet, rules, prices, lines, values })
    }

    /// Those who are above others, where rules ask for it.
    fn superiors(&self, of: &AllocationOf, means: &Means) -> Result<Vec<Superior>, Unallocated> {
        let part_numbers = BTreeMap::new();
        let sorter = Sorter::new(&means.rules, &part_numbers);
        let Some(users) = of.users.filter(|_| sorter.needs_chain()) else { return Ok(Vec::new()) };
        let rows = self.blobs(users)?;
        let blobs = Blobs::new(self, users, &rows);
        let pages: Vec<usize> = (0..rows.len()).collect();
        // Nearly all report to somebody and few are reported to: only these are put down with a name.
        let above = scan(&blobs, &pages, &|| true, |part: &mut BTreeSet<UserId>, user| {
            part.extend(user.manager().and_then(|(id, ..)| id));
        })?;
        let above: BTreeSet<UserId> = above.into_iter().reduce(joined).unwrap_or_default();
        let parts = scan(&blobs, &pages, &|| true, |part: &mut Vec<Superior>, user| {
            part.extend(
                Some(user).filter(|user| above.contains(&user.id)).and_then(|user| Superior::of(user, &sorter)),
            );
        })?;
        Ok(parts.into_iter().flatten().collect())
    }

    fn closed(&self, of: &AllocationOf) -> Result<Option<ClosedMonth>, StoreError> {
        Ok(self.month(&of.facts.key, of.facts.month)?.closed)
    }

    /// The sheet of the month before: the frozen one, or what the rules and prices in force make of its kept reading. One that
    /// cannot be reckoned is none: the month itself can be.
    fn before(&self, of: &AllocationOf, go_on: GoOn<'_>) -> Result<Option<Arc<Sheet>>, Unallocated> {
        let month: Month = of.facts.month.before();
        if let Some(closed) = self.month(&of.facts.key, month)?.closed {
            return Ok(Some(Arc::new(closed.sheet()?)));
        }
        // What is asked for may come from anybody: only what never changes is held to be used again.
        let is_one = |before: &&AllocationOf| {
            let AllocationOf { facts, counted, kept, before, .. } = before;
            *kept
                && facts.month == month
                && counted.is_empty()
                && before.is_none()
                && facts.rules.zip(facts.prices).is_some()
        };
        let Some(before) = of.before.as_deref().filter(is_one) else { return Ok(None) };
        if let Some(sheet) = self.file.reckoned.get(before) {
            return Ok(Some(sheet));
        }
        match self.reckoned_before(before, go_on) {
            Ok(sheet) => Ok(Some(self.file.reckoned.keep(before, sheet))),
            Err(Unallocated::Refused(why)) => {
                tracing::debug!(why, %month, "the month before has no sheet");
                Ok(None)
            }
            Err(error @ (Unallocated::Store(_) | Unallocated::Overtaken)) => Err(error),
        }
    }

    fn reckoned_before(&self, before: &AllocationOf, go_on: GoOn<'_>) -> Result<Sheet, Unallocated> {
        let before = &*self.resolved(before)?;
        let means = self.in_force(before)?;
        let mut computed = self.computed(before, &[(&before.facts, &means)], None, go_on)?;
        computed.pop().ok_or(Unallocated::Overtaken)
    }

    /// The rules and prices of exactly the versions that the sheet will name. The fleet may know of a version before it is
    /// written: until then there is no sheet, rather than one that names what it was not reckoned with.
    pub(super) fn in_force(&self, of: &AllocationOf) -> Result<Means, Unallocated> {
        let key = &of.facts.key;
        let missing = |what: &str, version: Option<u32>| {
            let version = version.map_or_else(String::new, |version| format!(" v{version}"));
            format!("{what}{version} of {} are not in the store, or not yet: ask again", of.facts.title)
        };
        let rules = match of.facts.rules {
            Some(0) => Rules::start(),
            version => self.rules(key, version)?.ok_or_else(|| missing("rules", version))?.rules,
        };
        let prices = match of.facts.prices {
            Some(0) => PriceBook::default(),
            version => self.prices(key, version)?.ok_or_else(|| missing("prices", version))?.prices,
        };
        Ok(Means { rules: Arc::new(rules), prices: Arc::new(prices) })
    }

    /// What a draft would be reckoned by. It may come from anybody: what could not be saved is not reckoned either.
    pub(super) fn drafted(&self, of: &AllocationOf, draft: &Draft) -> Result<Means, Unallocated> {
        let Means { mut rules, mut prices } = self.in_force(of)?;
        if let Some(drafted) = &draft.rules {
            rules = Arc::new((**drafted).clone().checked()?);
        }
        if let Some(drafted) = &draft.prices {
            drafted.check()?;
            prices = Arc::clone(drafted);
        }
        Ok(Means { rules, prices })
    }

    /// Sheets by several means, from one reading of the users.
    fn computed(
        &self,
        of: &AllocationOf,
        all: &[(&SheetFacts, &Means)],
        before: Option<&Sheet>,
        go_on: GoOn<'_>,
    ) -> Result<Vec<Sheet>, Unallocated> {
        let part_numbers: BTreeMap<SkuId, Text> = of.part_numbers();
        let sorters: Vec<Sorter<'_>> = all.iter().map(|(_, means)| Sorter::new(&means.rules, &part_numbers)).collect();
        let bills: Vec<Billed> = all
            .iter()
            .map(|(facts, means)| bill_of(&of.counted, &means.prices, facts.month))
            .collect::<Result<_, _>>()?;
        let chains: Vec<Chain> =
            sorters.iter().map(|sorter| self.chain(of.users, sorter, go_on)).collect::<Result<_, _>>()?;
        let plans: Vec<(&Sorter<'_>, &Billed)> = sorters.iter().zip(&bills).collect();
        let tallies = self.tallied(of.users, &plans, &chains, go_on)?;
        let sheet = |(((facts, _), tally), billed): ((&(&SheetFacts, &Means), &Tally<'_>), &Billed)| {
            Ok(Computed::of((*facts).clone(), tally, billed, before)?.sheet)
        };
        all.iter().zip(&tallies).zip(&bills).map(sheet).collect()
    }

    /// Who reports to whom, where rules ask for it.
    fn chain(&self, users: Option<SnapshotId>, sorter: &Sorter<'_>, go_on: GoOn<'_>) -> Result<Chain, Unallocated> {
        let Some(users) = users.filter(|_| sorter.needs_chain()) else { return Ok(Chain::default()) };
        let rows = self.blobs(users)?;
        let blobs = Blobs::new(self, users, &rows);
        let pages: Vec<usize> = (0..rows.len()).collect();
        let links = scan(&blobs, &pages, go_on, |part: &mut Vec<_>, user| part.push((user.id, sorter.link(user))))?;
        Ok(Chain::of(links.into_iter().flatten()))
    }

    /// Counts all users under several plans at once.
    fn tallied<'s>(
        &self,
        users: Option<SnapshotId>,
        plans: &[(&'s Sorter<'s>, &'s Billed)],
        chains: &[Chain],
        go_on: GoOn<'_>,
    ) -> Result<Vec<Tally<'s>>, Unallocated> {
        let fresh = || -> Vec<Tally<'s>> { plans.iter().map(|(sorter, billed)| Tally::new(sorter, billed)).collect() };
        let Some(users) = users else { return Ok(fresh()) };
        let rows = self.blobs(users)?;
        let blobs = Blobs::new(self, users, &rows);
        let pages: Vec<usize> = (0..rows.len()).collect();
        let parts = scan(&blobs, &pages, go_on, |part: &mut Option<Vec<Tally<'s>>>, user| {
            let tallies = part.get_or_insert_with(fresh);
            tallies.iter_mut().zip(chains).for_each(|(tally, chain)| tally.add(user, chain));
        })?;
        let mut all = fresh();
        for part in parts.into_iter().flatten() {
            for (sum, mut tally) in all.iter_mut().zip(part) {
                tally.finish();
                sum.join(tally);
            }
        }
        Ok(all)
    }
}

fn joined(mut all: BTreeSet<UserId>, mut more: BTreeSet<UserId>) -> BTreeSet<UserId> {
    all.append(&mut more);
    all
}

/// The one user who is meant.
fn one_of<'u>(found: &'u [User], wanted: &str) -> Result<&'u User, String> {
    match found {
        [one] => Ok(one),
        [] => Err(format!("no user `{wanted}`: an object id, a sign-in name or a mail address")),
        [first, ..] => match wanted.parse() {
            Ok(id) if first.id == id => Ok(first),
            _ => Err(format!("`{wanted}` fits several users: name one by its object id")),
        },
    }
}

/// Hands every user to `each`, on all cores, each core with a part of its own.
pub(super) fn scan<P: Default + Send>(
    blobs: &Blobs<'_>,
    pages: &[usize],
    go_on: GoOn<'_>,
    each: impl Fn(&mut P, &Lean<'_>) + Sync,
) -> Result<Vec<P>, Unallocated> {
    let ended = AtomicBool::new(false);
    let parts = blobs.scan(pages, |_: Range<usize>, part: &mut P, users| {
        if !go_on() {
            ended.store(true, Ordering::Relaxed);
            return false;
        }
        for user in &users {
            each(part, user);
        }
        true
    })?;
    if ended.into_inner() { Err(Unallocated::Overtaken) } else { Ok(parts) }
}
