//! A list of which only a window is here: where the cursor is, what is on the screen, what is to be asked for.

use super::keys::Key;
use super::listing::{Layout, Move};
use super::page::{Page, Piece};
use super::theme::Meaning;

/// What a key does to the order and the filter of a list: `field` is of the column that a digit means. A list without a
/// field to sort by has the order of what it is read from. Keys that move the cursor do nothing to them.
pub(crate) fn arrange<F>(act: Move, field: Option<F>, order: (&mut Option<F>, &mut bool), filter: &mut String) {
    let (sort, reverse) = order;
    match act {
        Move::Sort => {
            if field.is_some() {
                (*sort, *reverse) = (field, false);
            }
        }
        Move::DefaultSort => (*sort, *reverse) = (None, false),
        Move::Reverse => *reverse = !*reverse,
        Move::Clear => filter.clear(),
        Move::Up
        | Move::Down
        | Move::PageUp
        | Move::PageDown
        | Move::First
        | Move::Last
        | Move::Left
        | Move::Right
        | Move::Mark
        | Move::MarkAll
        | Move::Filter
        | Move::Fresh => {}
    }
}

/// Where a list of many rows stands. `K` is what a row is known by.
#[derive(Debug)]
pub(crate) struct Windowed<K> {
    /// The row under the cursor, and what it follows.
    at: u64,
    wanted: Option<K>,
    top: u64,
    rows: u16,
    /// The terminal's row of the first row, as it was drawn last.
    first: u16,
    skip: usize,
    /// Columns as they were drawn last: digits count these.
    placed: Vec<usize>,
}

impl<K: Clone> Windowed<K> {
    /// At the first row.
    pub(crate) fn new() -> Self {
        Self { at: 0, wanted: None, top: 0, rows: 24, first: 0, skip: 0, placed: Vec::new() }
    }

    /// The row under the cursor.
    pub(crate) fn at(&self) -> u64 {
        self.at
    }

    /// What the cursor follows.
    pub(crate) fn wanted(&self) -> Option<&K> {
        self.wanted.as_ref()
    }

    /// The window to be asked for: its first row and how many, of so many at most.
    pub(crate) fn window(&self, most: u32) -> (u64, u32) {
        let count = u32::from(self.rows).saturating_mul(3).clamp(1, most);
        let beside = count.saturating_sub(u32::from(self.rows)) / 2;
        (self.top.saturating_sub(u64::from(beside)), count)
    }

    /// Whether rows on the screen, or near it, are not in a window of so many at most: it is asked for before the edge is
    /// reached, so whoever goes on row by row never waits for one.
    pub(crate) fn misses(&self, (from, len): (u64, usize), matched: u64, most: u32) -> bool {
        let count = u64::from(self.window(most).1);
        let rows = u64::from(self.rows).min(count);
        let near = (count - rows) / 4;
        let (start, end) = (self.top.saturating_sub(near), (self.top + rows + near).min(matched));
        start < from || from + (len as u64) < end
    }

    /// Keeps the cursor on the list and the list on the screen.
    pub(crate) fn settle(&mut self, matched: u64) {
        let rows = u64::from(self.rows.max(1));
        self.at = self.at.min(matched.saturating_sub(1));
        let highest = matched.saturating_sub(rows);
        self.top = self.top.min(highest).min(self.at).max((self.at + 1).saturating_sub(rows));
    }

    /// Moves cursor or columns. Whether the cursor moved: what it is on is to be followed then.
    pub(crate) fn go(&mut self, act: Move, matched: u64, layout: &Layout) -> bool {
        let page = u64::from(self.rows.saturating_sub(1).max(1));
        self.at = match act {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => self.at + 1,
            Move::PageUp => self.at.saturating_sub(page),
            Move::PageDown => self.at + page,
            Move::First => 0,
            Move::Last => matched.saturating_sub(1),
            Move::Left => {
                self.skip = self.skip.saturating_sub(1);
                return false;
            }
            Move::Right => {
                self.skip = (self.skip + 1).min(layout.columns.len().saturating_sub(3));
                return false;
            }
            Move::Mark
            | Move::MarkAll
            | Move::Sort
            | Move::DefaultSort
            | Move::Reverse
            | Move::Filter
            | Move::Clear
            | Move::Fresh => return false,
        };
        self.settle(matched);
        true
    }

    /// The cursor follows this from here on.
    pub(crate) fn follow(&mut self, what: Option<K>) {
        self.wanted = what;
    }

    /// What the cursor follows stands in this row: it keeps its place on the screen.
    pub(crate) fn found(&mut self, at: u64) {
        let offset = self.at.saturating_sub(self.top);
        self.at = at;
        self.top = at.saturating_sub(offset);
    }

    /// The column that a digit means.
    pub(crate) fn column(&self, key: Key) -> Option<usize> {
        let Key::Char(digit) = key else { return None };
        let n = digit.to_digit(10).and_then(|n| usize::try_from(n).ok())?;
        self.placed.get(n.checked_sub(1)?).copied()
    }

    /// Puts the cursor on the row that stands in a row of the terminal; whether there is one.
    pub(crate) fn click(&mut self, row: u16, matched: u64) -> bool {
        let below = row.checked_sub(self.first).filter(|below| *below < self.rows);
        let to = below.map(|below| self.top + u64::from(below)).filter(|to| *to < matched);
        self.at = to.unwrap_or(self.at);
        to.is_some()
    }

    /// Draws titles at `y` and `rows` rows below them. `cells` has those of a row, of the columns that are on the screen;
    /// nothing for one that is not here yet.
    pub(crate) fn draw(
        &mut self,
        page: &mut Page<'_>,
        layout: &Layout,
        (y, rows): (u16, u16),
        matched: u64,
        cells: impl Fn(u64, &[usize]) -> Option<Vec<Piece>>,
    ) {
        self.rows = rows.max(1);
        self.first = y + 1;
        self.settle(matched);
        let placed = layout.place(page.main.width, self.skip);
        layout.draw_titles(page, y, &placed);
        self.placed = placed.iter().map(|(i, _, _)| *i).collect();
        for row in 0..rows {
            let n = self.top + u64::from(row);
            if n >= matched {
                break;
            }
            let missing = || vec![Piece { text: "...".into(), meaning: Meaning::Quiet }];
            let cells = cells(n, &self.placed).unwrap_or_else(missing);
            layout.draw_row(page, y + 1 + row, &placed, &cells, (n == self.at, false));
        }
    }
}
