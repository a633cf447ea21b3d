//! Lists: virtual rows, a cursor that stays on its object, sort, filter, marks, columns dropped in a written order.

use std::collections::BTreeSet;

use super::keys::{Binding, Key, Shown, bind, find, show};
use super::page::{Line, Page, Piece};
use super::screens::{Cx, Effect};
use super::theme::Meaning;
use super::words;
use crate::model::Filter;

/// What came of a key that a list knows.
#[derive(Debug)]
pub(crate) enum Pressed {
    /// The rows must be sorted or filtered anew.
    Rows,
    /// All is done but this.
    Effect(Effect),
}

/// What every list does with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Move {
    /// One row up.
    Up,
    /// One row down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// The first row.
    First,
    /// The last row.
    Last,
    /// One column to the left.
    Left,
    /// One column to the right.
    Right,
    /// Mark the row, or take its mark away.
    Mark,
    /// Mark all rows that the filter lets through.
    MarkAll,
    /// Sort by a column.
    Sort,
    /// Sort as at the start.
    DefaultSort,
    /// Turn the order round.
    Reverse,
    /// Open the filter's input.
    Filter,
    /// No filter, no marks.
    Clear,
    /// Bring in new rows and sort anew.
    Fresh,
}

/// The keys of every list.
#[rustfmt::skip]
pub(crate) const KEYS: &[Binding<Move>] = &[
    bind(&[Key::Down, Key::Char('j')], Move::Down, "down", "", "down"),
    bind(&[Key::Up, Key::Char('k')], Move::Up, "up", "", "up"),
    bind(&[Key::PageDown], Move::PageDown, "page-down", "", "a page down"),
    bind(&[Key::PageUp], Move::PageUp, "page-up", "", "a page up"),
    bind(&[Key::Char('g'), Key::Home], Move::First, "first", "", "first"),
    bind(&[Key::Char('G'), Key::End], Move::Last, "last", "", "last"),
    bind(&[Key::Left], Move::Left, "left", "", "columns to the left; the first two stay"),
    bind(&[Key::Right], Move::Right, "right", "", "columns to the right"),
    bind(&[Key::Char('/')], Move::Filter, "filter", "filter", "filter: text, !text, field:value"),
    bind(&[Key::Char('\\')], Move::Clear, "clear", "", "clear filter and marks"),
    bind(&[Key::Char(' ')], Move::Mark, "mark", "", "mark, or unmark"),
    bind(&[Key::Char('*')], Move::MarkAll, "mark-all", "", "mark all that the filter shows"),
    bind(&[Key::Char('1'), Key::Char('2'), Key::Char('3'), Key::Char('4'), Key::Char('5'), Key::Char('6'),
        Key::Char('7'), Key::Char('8'), Key::Char('9')], Move::Sort, "sort", "", "sort by that column"),
    bind(&[Key::Char('0')], Move::DefaultSort, "default-sort", "", "sort as at the start"),
    bind(&[Key::Char('S')], Move::Reverse, "reverse", "", "turn the order round"),
    bind(&[Key::Ctrl('r')], Move::Fresh, "fresh", "", "bring in new rows and sort again"),
];

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its title.
    pub(crate) title: &'static str,
    /// Its width at 80 columns.
    pub(crate) width: u16,
    /// Whether it is set to the right, as numbers are.
    pub(crate) right: bool,
}

/// A column.
pub(crate) const fn column(title: &'static str, width: u16, right: bool) -> Column {
    Column { title, width, right }
}

/// What is given up, in order, where the terminal is narrow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fit {
    /// A column (counted from 0) is made this narrow.
    Narrow(usize, u16),
    /// A column is left out.
    Drop(usize),
}

/// How a list is laid out.
#[derive(Debug)]
pub(crate) struct Layout {
    /// All columns; the first two always stay.
    pub(crate) columns: &'static [Column],
    /// The column that takes what room is left.
    pub(crate) grow: usize,
    /// What is given up where it is narrow.
    pub(crate) fits: &'static [Fit],
}

/// A column grows up to this width.
const WIDEST: u16 = 48;

/// A column as it is drawn: which, where, how wide.
pub(crate) type Placed = (usize, u16, u16);

impl Layout {
    /// The columns that a width holds. `skip` of them, after the first two, are scrolled out.
    pub(crate) fn place(&self, width: u16, skip: usize) -> Vec<Placed> {
        let mut widths: Vec<Option<u16>> = self
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| (i < 2 || i >= 2 + skip).then_some(column.width))
            .collect();
        let needs = |widths: &[Option<u16>]| -> u16 { 1 + widths.iter().flatten().map(|w| w + 1).sum::<u16>() };
        for fit in self.fits {
            if needs(&widths) <= width {
                break;
            }
            match fit {
                Fit::Narrow(i, narrow) => {
                    widths.get_mut(*i).into_iter().flatten().for_each(|width| *width = *narrow);
                }
                Fit::Drop(i) => widths.get_mut(*i).into_iter().for_each(|width| *width = None),
            }
        }
        let mut spare = width.saturating_sub(needs(&widths));
        // What was made narrow gets back what others left; a name that grows further is only farther from its numbers.
        for (width, column) in widths.iter_mut().zip(self.columns) {
            if let Some(width) = width.as_mut().filter(|width| **width < column.width) {
                let back = spare.min(column.width - *width);
                *width += back;
                spare -= back;
            }
        }
        if let Some(Some(grow)) = widths.get_mut(self.grow) {
            *grow = (*grow + spare).min(WIDEST).max(*grow);
        }
        let mut x = 2;
        let mut placed = Vec::with_capacity(widths.len());
        for (i, width) in widths.into_iter().enumerate() {
            if let Some(wide) = width {
                placed.push((i, x, wide));
                x += wide + 1;
            }
        }
        placed
    }

    /// Draws the titles of columns.
    pub(crate) fn draw_titles(&self, page: &mut Page<'_>, y: u16, placed: &[Placed]) {
        for (i, x, width) in placed {
            if let Some(column) = self.columns.get(*i) {
                let title = Piece { text: column.title.into(), meaning: Meaning::Caption };
                place(page, *x, y, *width, column.right, &title);
            }
        }
    }

    /// Draws a row; `here` and `marked` say whether the cursor is on it and whether it is marked. The cursor is laid over
    /// the first two columns, which always stay: a step of it costs a slow line half of what whole rows do.
    pub(crate) fn draw_row(
        &self,
        page: &mut Page<'_>,
        y: u16,
        placed: &[Placed],
        cells: &[Piece],
        (here, marked): (bool, bool),
    ) {
        for (i, x, width) in placed {
            if let (Some(cell), Some(column)) = (cells.get(*i), self.columns.get(*i)) {
                place(page, *x, y, *width, column.right, cell);
            }
        }
        if marked {
            page.put(1, y, 1, "*", Meaning::Key);
        }
        if here {
            page.put(0, y, 1, ">", Meaning::Plain);
            let width = placed.iter().rfind(|(i, _, _)| *i < 2).map_or(page.main.width, |(_, x, width)| x + width);
            page.shade(y, width, Meaning::Cursor);
        }
    }
}

/// A list of objects that are known by a key.
#[derive(Debug)]
pub(crate) struct Listing<K> {
    layout: &'static Layout,
    marking: bool,
    order: Vec<K>,
    wanted: Option<K>,
    at: usize,
    top: usize,
    rows: usize,
    /// The terminal's row of the first row, as it was drawn last.
    first: u16,
    skip: usize,
    sort: Option<usize>,
    reverse: bool,
    filter: String,
    marks: BTreeSet<K>,
    total: usize,
    new: usize,
}

impl<K: Ord + Clone> Listing<K> {
    /// An empty list. `marking` says whether rows can be marked.
    pub(crate) fn new(layout: &'static Layout, marking: bool) -> Self {
        Self {
            layout,
            marking,
            order: Vec::new(),
            wanted: None,
            at: 0,
            top: 0,
            rows: 1,
            first: 0,
            skip: 0,
            sort: None,
            reverse: false,
            filter: String::new(),
            marks: BTreeSet::new(),
            total: 0,
            new: 0,
        }
    }

    /// The object under the cursor.
    pub(crate) fn cursor(&self) -> Option<&K> {
        self.order.get(self.at)
    }

    /// Puts the cursor on an object, if it is shown.
    pub(crate) fn go_to(&mut self, key: &K) {
        if let Some(at) = self.order.iter().position(|shown| shown == key) {
            (self.at, self.wanted) = (at, Some(key.clone()));
        }
    }

    /// The objects shown, in order.
    pub(crate) fn order(&self) -> &[K] {
        &self.order
    }

    /// The objects to act on: those marked, in order, else the one under the cursor.
    pub(crate) fn chosen(&self) -> Vec<K> {
        if self.marks.is_empty() {
            return self.cursor().cloned().into_iter().collect();
        }
        let shown: Vec<K> = self.order.iter().filter(|key| self.marks.contains(key)).cloned().collect();
        let hidden = self.marks.iter().filter(|key| !shown.contains(key)).cloned();
        shown.iter().cloned().chain(hidden).collect()
    }

    /// The column that it is sorted by, counted from 0; absent for the default order.
    pub(crate) fn sort(&self) -> Option<usize> {
        self.sort
    }

    /// Whether the order is turned round.
    pub(crate) fn is_reversed(&self) -> bool {
        self.reverse
    }

    /// The filter as typed.
    pub(crate) fn filter(&self) -> &str {
        &self.filter
    }

    /// Takes a filter as typed; whoever owns the rows applies it.
    pub(crate) fn set_filter(&mut self, text: &str) {
        text.clone_into(&mut self.filter);
    }

    /// Replaces all rows: those that the filter lets through, in order, of so many in all. The cursor stays on its
    /// object; where that is not shown, on the row where it was, and it goes back when the object is shown again.
    pub(crate) fn replace(&mut self, order: Vec<K>, total: usize) {
        if self.wanted.is_none() {
            self.wanted = self.cursor().cloned();
        }
        let found = self.wanted.as_ref().and_then(|key| order.iter().position(|other| other == key));
        self.at = found.unwrap_or_else(|| self.at.min(order.len().saturating_sub(1)));
        self.order = order;
        self.total = total;
        self.new = 0;
    }

    /// Takes note that the world changed, without moving a row: what is gone leaves, what is new is counted. Returns
    /// whether all rows are to be replaced, since there were none.
    pub(crate) fn refresh(&mut self, exists: impl Fn(&K) -> bool, shown: &[K], total: usize) -> bool {
        self.total = total;
        self.marks.retain(|key| exists(key));
        if self.order.is_empty() {
            return !shown.is_empty();
        }
        if !self.order.iter().all(&exists) {
            let gone_before = self.order.iter().take(self.at).filter(|key| !exists(key)).count();
            self.order.retain(&exists);
            self.at = (self.at - gone_before).min(self.order.len().saturating_sub(1));
        }
        let known: BTreeSet<&K> = self.order.iter().collect();
        self.new = shown.iter().filter(|key| !known.contains(key)).count();
        false
    }

    /// What a key does in a list.
    pub(crate) fn act(key: Key) -> Option<Move> {
        find(KEYS, key)
    }

    /// Does what a key does in a list whose rows pass a filter; nothing if it is no key of lists.
    pub(crate) fn press(&mut self, key: Key, filter: &mut Filter) -> Option<Pressed> {
        let act = Self::act(key)?;
        if act == Move::Filter {
            return Some(Pressed::Effect(Effect::Filter));
        }
        if let Some(why) = self.dead(act) {
            return Some(Pressed::Effect(Effect::Say(why)));
        }
        if act == Move::Clear {
            *filter = Filter::default();
        }
        Some(if self.go(act, key) { Pressed::Rows } else { Pressed::Effect(Effect::Nothing) })
    }

    /// The keys as they stand.
    pub(crate) fn keys(&self) -> Vec<Shown> {
        show(KEYS, |act| self.dead(act))
    }

    /// Why a key does nothing here.
    pub(crate) fn dead(&self, act: Move) -> Option<String> {
        match act {
            Move::Mark | Move::MarkAll if !self.marking => Some("nothing here is done to many at once".to_owned()),
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
            | Move::Sort
            | Move::DefaultSort
            | Move::Reverse
            | Move::Filter
            | Move::Clear
            | Move::Fresh => None,
        }
    }

    /// Does a move. Returns whether the rows must be sorted or filtered anew.
    pub(crate) fn go(&mut self, act: Move, key: Key) -> bool {
        let last = self.order.len().saturating_sub(1);
        let page = self.rows.saturating_sub(1).max(1);
        let to = match act {
            Move::Up => self.at.saturating_sub(1),
            Move::Down => self.at + 1,
            Move::PageUp => self.at.saturating_sub(page),
            Move::PageDown => self.at + page,
            Move::First => 0,
            Move::Last => last,
            Move::Left => {
                self.skip = self.skip.saturating_sub(1);
                return false;
            }
            Move::Right => {
                self.skip = (self.skip + 1).min(self.layout.columns.len().saturating_sub(3));
                return false;
            }
            Move::Mark => {
                if let Some(key) = self.cursor().cloned()
                    && !self.marks.remove(&key)
                {
                    self.marks.insert(key);
                }
                self.at + 1
            }
            Move::MarkAll => {
                self.marks.extend(self.order.iter().cloned());
                return false;
            }
            Move::Sort => {
                if let Key::Char(digit) = key
                    && let Some(n) = digit.to_digit(10).and_then(|n| usize::try_from(n).ok())
                    && (1..=self.layout.columns.len()).contains(&n)
                {
                    self.reverse = false;
                    self.sort = Some(n - 1);
                    return true;
                }
                return false;
            }
            Move::DefaultSort => {
                self.sort = None;
                self.reverse = false;
                return true;
            }
            Move::Reverse => {
                self.reverse = !self.reverse;
                return true;
            }
            Move::Filter => return false,
            Move::Clear => {
                self.filter.clear();
                self.marks.clear();
                return true;
            }
            Move::Fresh => return true,
        };
        self.at = to.min(last);
        self.wanted = self.cursor().cloned();
        false
    }

    /// Puts the cursor on the row that stands in a row of the terminal.
    pub(crate) fn click(&mut self, row: u16) {
        let Some(below) = row.checked_sub(self.first).map(usize::from).filter(|below| *below < self.rows) else {
            return;
        };
        if self.top + below < self.order.len() {
            self.at = self.top + below;
            self.wanted = self.cursor().cloned();
        }
    }

    /// The line above a list: what is shown of how many, filter, new rows; sort and marks on the right.
    pub(crate) fn draw_state(&self, page: &mut Page<'_>, y: u16, what: &str, sorted: &str, cx: &Cx<'_>) {
        let shown = words::count(self.order.len() as u64);
        let mut text = format!("show: {what}, {shown} of {}", words::count(self.total as u64));
        if !self.filter.is_empty() {
            text = format!("{text}  filter /{}", self.filter);
        }
        if self.new > 0 {
            text = format!("{text}  {} new, {}", words::count(self.new as u64), cx.key("fresh"));
        }
        page.line(y, &text.as_str().into());
        let sort = self.sort.and_then(|i| self.layout.columns.get(i)).map_or(sorted.to_owned(), |column| {
            let title = if column.title.trim().is_empty() { "sign" } else { column.title };
            title.to_lowercase()
        });
        let sort = if self.reverse { format!("{sort}, reversed") } else { sort };
        let mut right = format!("sort: {sort}");
        if self.marking {
            right = format!("{right}   marked {}", self.marks.len());
        }
        page.right(y, unicode_width::UnicodeWidthStr::width(text.as_str()), &right, Meaning::Plain);
    }

    /// Draws titles at `y` and `rows` rows below them; only those are built.
    pub(crate) fn draw(&mut self, page: &mut Page<'_>, y: u16, rows: u16, mut cells: impl FnMut(&K) -> Vec<Piece>) {
        self.rows = usize::from(rows).max(1);
        self.first = y + 1;
        let last_top = self.order.len().saturating_sub(self.rows);
        self.top = self.top.min(last_top).min(self.at).max((self.at + 1).saturating_sub(self.rows));
        let placed = self.layout.place(page.main.width, self.skip);
        self.layout.draw_titles(page, y, &placed);
        for (row, key) in (0..rows).zip(self.order.iter().skip(self.top)) {
            let here = self.top + usize::from(row) == self.at;
            self.layout.draw_row(page, y + 1 + row, &placed, &cells(key), (here, self.marks.contains(key)));
        }
    }

    /// Says in place of rows why there are none.
    pub(crate) fn draw_empty(page: &mut Page<'_>, y: u16, said: &str, key: &str) {
        page.line(y, &Line::from(said));
        page.right(y, unicode_width::UnicodeWidthStr::width(said), key, Meaning::Plain);
        if said.len() + key.len() + 2 > usize::from(page.main.width) {
            page.line(y + 1, &Line::from(key));
        }
    }
}

/// Writes a cell, set to its side.
fn place(page: &mut Page<'_>, x: u16, y: u16, width: u16, right: bool, cell: &Piece) {
    let end = page.main.right();
    let width = width.min(end.saturating_sub(x));
    let used = u16::try_from(unicode_width::UnicodeWidthStr::width(cell.text.as_str())).unwrap_or(u16::MAX);
    let x = if right && used < width { x + width - used } else { x };
    page.put(x, y, width.min(end.saturating_sub(x)), &cell.text, cell.meaning);
}

#[cfg(test)]
mod tests {
    use super::*;

    static COLUMNS: [Column; 5] = [
        column("STATUS", 10, false),
        column("NAME", 20, false),
        column("A", 5, true),
        column("B", 5, true),
        column("CAUSE", 15, false),
    ];
    static LAYOUT: Layout =
        Layout { columns: &COLUMNS, grow: 1, fits: &[Fit::Narrow(4, 6), Fit::Drop(3), Fit::Drop(4), Fit::Drop(2)] };

    fn widths(width: u16, skip: usize) -> Vec<(usize, u16)> {
        LAYOUT.place(width, skip).into_iter().map(|(i, _, width)| (i, width)).collect()
    }

    #[test]
    fn columns_are_given_up_in_the_written_order() {
        assert_eq!(widths(61, 0), [(0, 10), (1, 20), (2, 5), (3, 5), (4, 15)]);
        assert_eq!(widths(70, 0), [(0, 10), (1, 29), (2, 5), (3, 5), (4, 15)], "the name grows");
        assert_eq!(widths(60, 0), [(0, 10), (1, 20), (2, 5), (3, 5), (4, 14)], "the cause is cut first");
        assert_eq!(
            widths(51, 0),
            [(0, 10), (1, 20), (2, 5), (4, 11)],
            "then a column goes, and the cause gets its room"
        );
        assert_eq!(widths(45, 0), [(0, 10), (1, 26), (2, 5)]);
        assert_eq!(widths(33, 0), [(0, 10), (1, 20)], "the first two stay");
        assert_eq!(widths(61, 2), [(0, 10), (1, 32), (4, 15)], "scrolled by two columns");
        assert_eq!(widths(300, 0).get(1), Some(&(1, WIDEST)), "a name does not run away from its numbers");
    }

    fn list(order: &[u32]) -> Listing<u32> {
        let mut list = Listing::new(&LAYOUT, true);
        list.replace(order.to_vec(), order.len());
        list
    }

    #[test]
    fn the_cursor_stays_on_its_object() {
        let mut list = list(&[1, 2, 3, 4]);
        list.go(Move::Down, Key::Down);
        assert_eq!(list.cursor(), Some(&2));
        list.replace(vec![4, 3, 2, 1], 4);
        assert_eq!(list.cursor(), Some(&2), "another order");
        list.replace(vec![3, 4], 4);
        assert_eq!(list.cursor(), Some(&4), "it is hidden: the row where it was");
        list.replace(vec![1, 2, 3, 4], 4);
        assert_eq!(list.cursor(), Some(&2), "it is shown again");
    }

    #[test]
    fn a_change_moves_no_row_and_counts_what_is_new() {
        let mut list = list(&[3, 1, 2]);
        list.go(Move::Last, Key::End);
        assert!(!list.refresh(|_| true, &[1, 2, 3, 4, 5], 5));
        assert_eq!((list.order(), list.new), ([3, 1, 2].as_slice(), 2));
        assert!(!list.refresh(|key| *key != 1, &[2, 3], 2));
        assert_eq!((list.order(), list.cursor()), ([3, 2].as_slice(), Some(&2)), "what is gone leaves");
        assert!(Listing::<u32>::new(&LAYOUT, true).refresh(|_| true, &[1], 1), "an empty list takes what comes");
    }

    #[test]
    fn marks_are_acted_on_even_where_the_filter_hides_them() {
        let mut list = list(&[1, 2, 3]);
        assert_eq!(list.chosen(), [1], "nothing marked: the cursor's");
        list.go(Move::Mark, Key::Char(' '));
        list.go(Move::Mark, Key::Char(' '));
        assert_eq!((list.chosen(), list.cursor()), (vec![1, 2], Some(&3)), "marking goes on to the next row");
        list.replace(vec![2, 3], 3);
        assert_eq!(list.chosen(), [2, 1]);
        list.refresh(|key| *key != 1, &[2, 3], 2);
        assert_eq!(list.chosen(), [2], "what is gone is not marked");
        assert!(list.go(Move::Clear, Key::Char('\\')));
        assert_eq!(list.chosen(), [3]);
    }
}
