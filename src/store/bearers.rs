//! Users of a business unit, opened to be looked at: filtered, sorted, shown in windows.
//!
//! They are reckoned once, as the lines of a sheet are, on all cores. What is held of a user while he is looked at is his
//! id, his two names, and which of the sets of lines is his: most users of a unit share one with many others. So a window
//! reads no store, and is what the command writes, to the coin.

use std::borrow::Cow;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::HashMap;

use super::allocate::{Settled, Unallocated, scan};
use super::difference::GoOn;
use super::read::Reader;
use super::walk::Blobs;
use crate::model::allocation::{
    AllocationLook, AllocationOf, Allotment, Chain, Desk, Draft, Moved, Outcome, Part as Share, PartLine, Percent,
    RowKind, ShareField, ShareRow, ShareThen, SharesLook, SharesRow, SharesSeen, Sheet, Sorter, Subject, UnitMask,
    UnitPath, UserShare, Writer,
};
use crate::model::{Filter, TextField, UserId, mask};

/// So many users are filtered or sorted before it is asked whether to go on.
const BLOCK: u32 = 4_096;

/// A place of one's own, where the number of a rule would stand.
const OWN: u32 = u32::MAX;

/// Users of a unit.
pub struct Bearers {
    of: AllocationOf,
    draft: Draft,
    round: u64,
    /// Which unit, as it was asked for.
    asked: Option<UnitPath>,
    closed: bool,
    /// The sheet that the lines are part of, with the row of the unit alone.
    sheet: Box<Sheet>,
    units: Vec<UnitPath>,
    /// What units are called where people are masked.
    called: UnitMask,
    /// Whether people are masked: then filters and orders know no more of them than is shown.
    masked: bool,
    parts: Vec<Part>,
    /// The number of the first user of each part.
    starts: Vec<usize>,
    total: u64,
    moved: (u64, u64),
    filtered: Option<(Filter, Vec<u32>)>,
    ordered: Option<(Option<ShareField>, bool, Vec<u32>)>,
}

/// What one core found.
#[derive(Default)]
struct Part {
    rows: Vec<Row>,
    /// The names of all of them, one behind the other.
    text: String,
    lines: Sets,
    thens: Vec<ShareThen>,
    known: HashMap<Goes, u32>,
}

/// Where a draft puts somebody: units by place with millionths, and by which rule.
#[derive(PartialEq, Eq, Hash)]
struct Goes {
    to: Box<[(usize, u32)]>,
    by: Option<usize>,
}

/// A user.
struct Row {
    user: UserId,
    /// Where his name ends, and where what he signs in with does.
    name: u32,
    sign_in: u32,
    /// Which set of lines.
    lines: u32,
    /// By which rule; 0 for none.
    rule: u32,
    moved: Moved,
    /// Where the draft puts him: the place of it, from 1; 0 if it does not move him.
    then: u32,
}

/// Sets of lines, each once.
#[derive(Default)]
struct Sets {
    all: Vec<Set>,
    known: HashMap<Box<[PartLine]>, u32>,
}

/// Lines that users have, and what of them is in the unit.
struct Set {
    lines: Box<[PartLine]>,
    coins: i64,
    seats: u32,
}

/// Which units count as the one that is looked at.
struct Here {
    /// By place; untracked stands behind them.
    units: Vec<bool>,
}

impl Here {
    fn of(unit: Option<&UnitPath>, units: &[UnitPath]) -> Self {
        let inside = units.iter().map(|of| unit.is_some_and(|unit| of.is_in(unit)));
        Self { units: inside.chain([unit.is_none()]).collect() }
    }

    fn has(&self, unit: usize) -> bool {
        self.units.get(unit).copied().unwrap_or(false)
    }
}

impl Part {
    /// Notes a user; nothing of one for whom there is no more room.
    fn push(&mut self, (user, name, sign_in): (UserId, &str, &str), set: u32, rule: u32, moved: (Moved, u32)) {
        self.text.push_str(name);
        let ends = u32::try_from(self.text.len());
        self.text.push_str(sign_in);
        if let (Ok(name), Ok(sign_in)) = (ends, u32::try_from(self.text.len())) {
            let (moved, then) = moved;
            self.rows.push(Row { user, name, sign_in, lines: set, rule, moved, then });
        }
    }

    /// The place of where a draft puts somebody, from 1.
    fn then(&mut self, goes: Goes, units: &[UnitPath]) -> u32 {
        if let Some(known) = self.known.get(&goes) {
            return *known;
        }
        let part = |(unit, millionths): &(usize, u32)| {
            let unit = units.get(*unit)?.clone();
            Some(Share { unit, percent: Percent::of_millionths(*millionths) })
        };
        let rule = goes.by.and_then(|by| u32::try_from(by + 1).ok());
        self.thens.push(ShareThen { units: goes.to.iter().filter_map(part).collect(), rule });
        let place = u32::try_from(self.thens.len()).unwrap_or(u32::MAX);
        self.known.insert(goes, place);
        place
    }

    fn names(&self, at: usize) -> (&str, &str) {
        let start = at.checked_sub(1).and_then(|before| self.rows.get(before)).map_or(0, |row| row.sign_in as usize);
        let Some(row) = self.rows.get(at) else { return ("", "") };
        let (middle, end) = (row.name as usize, row.sign_in as usize);
        let text = |range| self.text.get(range).unwrap_or_default();
        (text(start..middle), text(middle..end))
    }
}

impl Sets {
    /// The place of a set of lines.
    fn place(&mut self, lines: &[PartLine], here: &Here) -> u32 {
        if let Some(known) = self.known.get(lines) {
            return *known;
        }
        let inside = || lines.iter().filter(|line| here.has(line.unit));
        let set = Set {
            lines: lines.into(),
            coins: inside().map(|line| line.coins).sum(),
            seats: u32::try_from(inside().count()).unwrap_or(u32::MAX),
        };
        let place = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(set);
        self.known.insert(lines.into(), place);
        place
    }
}

impl Row {
    const fn rule(&self) -> Option<u32> {
        match self.rule {
            0 | OWN => None,
            rule => Some(rule),
        }
    }
}

/// What a draft of rules would make of users.
struct Drafted<'s> {
    sorter: &'s Sorter<'s>,
    chain: &'s Chain,
    allotment: &'s Allotment,
    here: Here,
    /// For each of its units, the place of the same unit in force.
    same: Vec<Option<usize>>,
}

impl<'s> Drafted<'s> {
    fn of(plan: (&'s Sorter<'s>, &'s Chain, &'s Allotment), unit: Option<&UnitPath>, units: &[UnitPath]) -> Self {
        let (sorter, chain, allotment) = plan;
        let places: HashMap<&UnitPath, usize> = units.iter().zip(0..).collect();
        let same = allotment.units().iter().map(|unit| places.get(unit).copied()).chain([Some(units.len())]);
        Self { sorter, chain, allotment, here: Here::of(unit, allotment.units()), same: same.collect() }
    }

    /// Whether somebody with these lines goes to other units, and to which.
    fn moves(&self, desk: &mut Desk<'_>, user: &impl Subject, lines: &[PartLine]) -> Option<Goes> {
        let (outcome, by) = desk.sort(user, self.chain);
        let key = match outcome {
            Outcome::Group(number) => desk.key(number),
            Outcome::Untracked | Outcome::Fixed(_) => "",
        };
        let goes = self.allotment.parts(outcome, key);
        let mut is: Vec<(Option<usize>, u32)> = lines.iter().map(|line| (Some(line.unit), line.millionths)).collect();
        let mut then: Vec<(Option<usize>, u32)> =
            goes.iter().map(|(unit, millionths)| (self.same.get(*unit).copied().flatten(), *millionths)).collect();
        is.sort_unstable();
        is.dedup();
        then.sort_unstable();
        (is != then).then(|| Goes { to: goes.into(), by })
    }
}

/// Whose users are to be opened.
struct Wanted<'a> {
    look: &'a AllocationLook,
    /// Which unit, as it is asked for.
    asked: Option<&'a UnitPath>,
    /// Whether it is asked for by what it is called where people are masked.
    masked: bool,
}

impl Wanted<'_> {
    /// The unit that is meant.
    fn unit(&self, called: &UnitMask) -> Option<UnitPath> {
        self.asked.map(|unit| if self.masked { called.real(unit) } else { unit.clone() })
    }

    fn opened(
        &self,
        (sheet, called): (Sheet, UnitMask),
        units: Vec<UnitPath>,
        parts: Vec<Part>,
        closed: bool,
    ) -> Bearers {
        let unit = self.unit(&called);
        let is_it = |kind: RowKind, path: &UnitPath| match (&unit, kind) {
            (Some(unit), RowKind::Unit) => path == unit,
            (None, RowKind::Untracked) => true,
            (_, RowKind::Unit | RowKind::Untracked | RowKind::Idle | RowKind::Total) => false,
        };
        let rows = sheet.rows.iter().filter(|row| is_it(row.kind, &row.unit)).cloned().collect();
        let none = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (rules, checks, clusters, method) = none;
        let AllocationLook { of, draft, round, .. } = self.look;
        let mut bearers = Bearers {
            of: of.clone(),
            draft: draft.clone(),
            round: *round,
            asked: self.asked.cloned(),
            closed,
            sheet: Box::new(Sheet { rows, rules, checks, clusters, method, ..sheet }),
            units,
            called,
            masked: self.masked,
            starts: Vec::new(),
            parts,
            total: 0,
            moved: (0, 0),
            filtered: None,
            ordered: None,
        };
        bearers.count();
        bearers
    }
}

/// By which rule somebody is where he is, in a number.
fn rule_of(rule: Option<u32>, assigned: bool) -> u32 {
    rule.unwrap_or(if assigned { OWN } else { 0 })
}

impl Reader {
    /// Opens the users of a unit, as the rules and prices in force have them, or those of a closed month; with whom a draft
    /// of rules moves. `masked` says whether the unit is asked for by what it is called where people are masked.
    pub fn bearers(
        &self,
        look: &AllocationLook,
        asked: Option<&UnitPath>,
        masked: bool,
        go_on: GoOn<'_>,
    ) -> Result<Bearers, Unallocated> {
        let wanted = Wanted { look, asked, masked };
        if let Some(frozen) = self.frozen(&look.of)? {
            return self.frozen_bearers(&wanted, frozen, go_on);
        }
        let in_force = self.in_force(&look.of)?;
        let rules = Draft { rules: look.draft.rules.clone(), prices: None };
        let then = rules.is_some().then(|| self.drafted(&look.of, &rules)).transpose()?;
        self.settled(&look.of, (&in_force, then.as_ref()), go_on, |settled| self.open_bearers(&wanted, settled, go_on))
    }

    fn frozen_bearers(
        &self,
        wanted: &Wanted<'_>,
        (sheet, units, chunks): (Sheet, Vec<UnitPath>, u32),
        go_on: GoOn<'_>,
    ) -> Result<Bearers, Unallocated> {
        let of = &wanted.look.of;
        let (rules, ..) = self.means_of(of)?;
        let called = UnitMask::of_sheets(&[(&rules, &sheet)]);
        let here = Here::of(wanted.unit(&called).as_ref(), &units);
        let mut part = Part::default();
        self.frozen_lines(&of.facts.key, of.facts.month, chunks, &mut |user| {
            if user.lines.iter().any(|line| here.has(line.unit)) {
                let set = part.lines.place(&user.lines, &here);
                let rule = rule_of(user.rule, user.assigned);
                part.push((user.user, &user.name, &user.sign_in), set, rule, (Moved::Stays, 0));
            }
            go_on()
        })?;
        if !go_on() {
            return Err(Unallocated::Overtaken);
        }
        Ok(wanted.opened((sheet, called), units, vec![part], true))
    }

    fn open_bearers(&self, wanted: &Wanted<'_>, settled: Settled<'_>, go_on: GoOn<'_>) -> Result<Bearers, Unallocated> {
        let Settled { users, sorter, billed, allotment, classes, chain, then, sheet } = settled;
        let units = allotment.units();
        let own = sheet.rows.iter().filter(|row| row.kind == RowKind::Unit).map(|row| (&row.unit, row.emptied));
        let others = then.map(|(sorter, _, allotment)| {
            (sorter.rules(), allotment.units().iter().map(|unit| (unit, false)).collect())
        });
        let sheets: Vec<_> = [Some((sorter.rules(), own.collect())), others].into_iter().flatten().collect();
        let called = UnitMask::of(&sheets);
        let unit = wanted.unit(&called);
        let here = Here::of(unit.as_ref(), units);
        let drafted = then.map(|then| Drafted::of(then, unit.as_ref(), units));
        let Some(users) = users else {
            return Ok(wanted.opened((sheet, called), units.to_vec(), Vec::new(), false));
        };
        let rows = self.blobs(users)?;
        let blobs = Blobs::new(self, users, &rows);
        let pages: Vec<usize> = (0..rows.len()).collect();
        let found = scan(&blobs, &pages, go_on, |part: &mut Option<(Writer<'_>, Option<Desk<'_>>, Part)>, user| {
            let fresh = || {
                let writer = Writer::new(sorter, billed, allotment, classes);
                (writer, drafted.as_ref().map(|drafted| Desk::new(drafted.sorter)), Part::default())
            };
            let (writer, desk, part) = part.get_or_insert_with(fresh);
            let (lines, by) = writer.lines(user, chain);
            if lines.is_empty() {
                return;
            }
            let is_here = lines.iter().any(|line| here.has(line.unit));
            let goes = drafted.as_ref().zip(desk.as_mut()).and_then(|(drafted, desk)| {
                let Goes { to, by } = drafted.moves(desk, user, lines)?;
                Some((to.iter().any(|(unit, _)| drafted.here.has(*unit)), to, by, drafted.allotment))
            });
            let moved = match (is_here, &goes) {
                (true, None) => Moved::Stays,
                (true, Some((true, ..))) => Moved::Within,
                (true, Some((false, ..))) => Moved::Leaves,
                (false, Some((true, ..))) => Moved::Comes,
                (false, None | Some((false, ..))) => return,
            };
            let then = goes.map_or(0, |(_, to, by, allotment)| part.then(Goes { to, by }, allotment.units()));
            let assigned = by.is_none() && lines.iter().all(|line| line.unit < units.len());
            let rule = rule_of(by.and_then(|by| u32::try_from(by + 1).ok()), assigned);
            let set = part.lines.place(lines, &here);
            let name = user.text(TextField::DisplayName).unwrap_or_default();
            let sign_in = user.text(TextField::UserPrincipalName).unwrap_or_default();
            part.push((user.id, name, sign_in), set, rule, (moved, then));
        })?;
        let parts = found.into_iter().flatten().map(|(_, _, part)| part).collect();
        Ok(wanted.opened((sheet, called), units.to_vec(), parts, false))
    }
}

impl Bearers {
    /// Whether it shows these.
    pub fn is_of(&self, look: &AllocationLook, unit: Option<&UnitPath>) -> bool {
        self.asked.as_ref() == unit && self.is_beside(look)
    }

    /// Whether it is of the same month and draft: somebody who asks for another thing about one of these comes back.
    pub fn is_beside(&self, look: &AllocationLook) -> bool {
        let AllocationLook { of, draft, round, .. } = look;
        (&self.of, &self.draft, &self.round) == (of, draft, round)
    }

    fn count(&mut self) {
        let mut next = 0;
        for part in &mut self.parts {
            self.starts.push(next);
            next += part.rows.len();
            // Only needed while users came.
            (part.lines.known, part.known) = Default::default();
            part.rows.shrink_to_fit();
            part.text.shrink_to_fit();
            for row in &part.rows {
                self.total += u64::from(row.moved != Moved::Comes);
                self.moved.0 += u64::from(row.moved == Moved::Comes);
                self.moved.1 += u64::from(row.moved == Moved::Leaves);
            }
        }
    }

    fn len(&self) -> u32 {
        let all = self.parts.iter().map(|part| part.rows.len()).sum::<usize>();
        u32::try_from(all).unwrap_or(u32::MAX)
    }

    fn row(&self, number: u32) -> Option<(&Part, usize, &Row)> {
        let number = number as usize;
        let at = self.starts.partition_point(|start| *start <= number).checked_sub(1)?;
        let (part, inside) = (self.parts.get(at)?, number - self.starts.get(at)?);
        Some((part, inside, part.rows.get(inside)?))
    }

    /// Hands what is shown of all users to `each`.
    fn all(&self) -> impl Iterator<Item = (&Part, usize, &Row)> {
        self.parts.iter().flat_map(|part| part.rows.iter().enumerate().map(move |(at, row)| (part, at, row)))
    }

    /// The names of a user, as they are shown.
    fn names<'p>(&self, part: &'p Part, at: usize) -> (Cow<'p, str>, Cow<'p, str>) {
        let told = |text: &'p str| -> Cow<'p, str> {
            if self.masked && !text.is_empty() { mask(text).into() } else { text.into() }
        };
        let (name, sign_in) = part.names(at);
        (told(name), told(sign_in))
    }

    /// A window on them. The filter is one for [`ShareRow`].
    pub fn window(&mut self, look: &SharesLook, filter: &Filter, go_on: GoOn<'_>) -> Result<SharesSeen, Unallocated> {
        self.order(filter, look.sort, look.reverse, &Blocks::new(go_on))?;
        let rows = self.ordered.as_ref().map_or(&[][..], |(_, _, rows)| rows);
        let (matched, count) = (rows.len() as u64, u64::from(look.count));
        let is_he = |number: &u32, id: UserId| self.row(*number).is_some_and(|(_, _, row)| row.user == id);
        let at = look.at.and_then(|id| rows.iter().position(|number| is_he(number, id))).map(|at| at as u64);
        let from = at.map_or(look.from, |at| at.saturating_sub(count / 2)).min(matched.saturating_sub(count));
        let start = usize::try_from(from).unwrap_or(usize::MAX);
        let end = start.saturating_add(look.count as usize).min(rows.len());
        let mut used = Named::default();
        let rows: Vec<SharesRow> = rows
            .get(start..end)
            .unwrap_or_default()
            .iter()
            .filter_map(|number| Some(shown(self.row(*number)?, &mut used, self.units.len())))
            .collect();
        let units: Vec<UnitPath> = used.0.iter().filter_map(|place| self.units.get(*place)).cloned().collect();
        let mut rows = rows;
        for line in rows.iter_mut().flat_map(|row| &mut row.share.lines).filter(|line| line.unit == usize::MAX) {
            line.unit = units.len();
        }
        let thens = rows.iter().filter_map(|row| row.then.as_ref()).flat_map(|then| &then.units).map(|part| &part.unit);
        let of_row = self.sheet.rows.iter().map(|row| &row.unit);
        let names = self.called.only(units.iter().chain(thens).chain(of_row));
        Ok(SharesSeen {
            total: self.total,
            moved: self.moved,
            matched,
            from,
            rows,
            at,
            units,
            sheet: self.sheet.clone(),
            closed: self.closed,
            names,
        })
    }

    fn filter(&mut self, filter: &Filter, blocks: &Blocks<'_>) -> Result<(), Unallocated> {
        if self.filtered.as_ref().is_some_and(|(known, _)| known == filter) {
            return Ok(());
        }
        let passes = |(part, at, row): &(&Part, usize, &Row)| {
            let (name, sign_in) = self.names(part, *at);
            let (name, sign_in) = (&*name, &*sign_in);
            filter.matches(&ShareRow { user: row.user, name, sign_in, rule: row.rule(), moved: row.moved })
        };
        let rows = if filter.is_empty() {
            (0..self.len()).collect()
        } else {
            let rows = (0..).zip(self.all()).take_while(|_| blocks.go_on());
            rows.filter(|(_, row)| passes(row)).map(|(number, _)| number).collect()
        };
        blocks.end()?;
        self.filtered = Some((filter.clone(), rows));
        self.ordered = None;
        Ok(())
    }

    fn order(
        &mut self,
        filter: &Filter,
        sort: Option<ShareField>,
        reverse: bool,
        blocks: &Blocks<'_>,
    ) -> Result<(), Unallocated> {
        self.filter(filter, blocks)?;
        if self.ordered.as_ref().is_some_and(|(field, turned, _)| (*field, *turned) == (sort, reverse)) {
            return Ok(());
        }
        let mut rows = self.filtered.as_ref().map(|(_, rows)| rows.clone()).unwrap_or_default();
        // Every key is made once, so an order that is given up halfway is still one.
        let row = |number: &u32| self.row(*number).filter(|_| blocks.go_on());
        let set = |number: &u32| row(number).and_then(|(part, _, row)| part.lines.all.get(row.lines as usize));
        let text = |(part, at, _): (&Part, usize, &Row), by_name: bool| {
            let (name, sign_in) = self.names(part, at);
            if by_name { name.to_lowercase() } else { sign_in.to_lowercase() }
        };
        match sort {
            None => {}
            Some(ShareField::Name) => rows.sort_by_cached_key(|number| row(number).map(|row| text(row, true))),
            Some(ShareField::SignIn) => rows.sort_by_cached_key(|number| row(number).map(|row| text(row, false))),
            Some(ShareField::Seats) => rows.sort_by_cached_key(|number| Reverse(set(number).map(|set| set.seats))),
            Some(ShareField::Amount) => rows.sort_by_cached_key(|number| Reverse(set(number).map(|set| set.coins))),
            Some(ShareField::Rule) => {
                let rank = |rule: u32| if rule == 0 { (true, 0) } else { (false, rule) };
                rows.sort_by_cached_key(|number| row(number).map(|(_, _, row)| rank(row.rule)));
            }
            Some(ShareField::Draft) => rows.sort_by_cached_key(|number| {
                let row = row(number);
                let moved = row.map_or(Moved::Stays, |(_, _, row)| row.moved);
                (moved == Moved::Stays, moved, row.map(|row| text(row, true)))
            }),
        }
        blocks.end()?;
        if reverse {
            rows.reverse();
        }
        self.ordered = Some((sort, reverse, rows));
        Ok(())
    }
}

/// Asks once for a block of users whether to go on.
struct Blocks<'a> {
    go_on: GoOn<'a>,
    left: Cell<u32>,
    over: Cell<bool>,
}

impl<'a> Blocks<'a> {
    fn new(go_on: GoOn<'a>) -> Self {
        Self { go_on, left: Cell::new(0), over: Cell::new(false) }
    }

    /// Whether to go on with a user; never again after the first no.
    fn go_on(&self) -> bool {
        if self.over.get() {
            return false;
        }
        if let Some(left) = self.left.get().checked_sub(1) {
            self.left.set(left);
            return true;
        }
        self.left.set(BLOCK);
        self.over.set(!(self.go_on)());
        !self.over.get()
    }

    /// Whether all users were gone through.
    fn end(&self) -> Result<(), Unallocated> {
        if self.over.get() { Err(Unallocated::Overtaken) } else { Ok(()) }
    }
}

/// The units that the lines of a window name, in the order in which they came.
#[derive(Default)]
struct Named(Vec<usize>);

impl Named {
    fn place(&mut self, unit: usize) -> usize {
        if let Some(at) = self.0.iter().position(|known| *known == unit) {
            return at;
        }
        self.0.push(unit);
        self.0.len() - 1
    }
}

/// A user as a window has him. Untracked is marked by a place that no unit has.
fn shown((part, at, row): (&Part, usize, &Row), named: &mut Named, units: usize) -> SharesRow {
    let (name, sign_in) = part.names(at);
    let lines = part.lines.all.get(row.lines as usize).map_or(&[][..], |set| &set.lines);
    let line = |line: &PartLine| {
        let unit = if line.unit < units { named.place(line.unit) } else { usize::MAX };
        PartLine { unit, ..*line }
    };
    let share = UserShare {
        user: row.user,
        name: name.into(),
        sign_in: sign_in.into(),
        rule: row.rule(),
        assigned: row.rule == OWN,
        lines: lines.iter().map(line).collect(),
    };
    let then = (row.then as usize).checked_sub(1).and_then(|at| part.thens.get(at)).cloned();
    SharesRow { share, moved: row.moved, then }
}
