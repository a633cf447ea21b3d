use std::collections::BTreeSet;

/// A list whose cursor stays on its object, whatever happens around it.
///
/// The order is made when the list is opened, sorted or filtered, and then stands: what is new is counted and waits for
/// Ctrl-R, what is gone leaves. Only the rows that can be seen are built.
#[derive(Debug)]
pub(super) struct Listing<K> {
    rows: Vec<K>,
    cursor: usize,
    top: usize,
    /// Objects that belong into the list and are not in it yet.
    pub(super) new: usize,
    pub(super) marks: BTreeSet<K>,
    /// Number of the column that sorts, counted from 1; 0 is the default.
    pub(super) sort: usize,
    pub(super) reverse: bool,
    made: bool,
}

impl<K> Default for Listing<K> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            cursor: 0,
            top: 0,
            new: 0,
            marks: BTreeSet::new(),
            sort: 0,
            reverse: false,
            made: false,
        }
    }
}

impl<K: Ord + Clone> Listing<K> {
    /// The order is to be made again.
    pub(super) fn stale(&mut self) {
        self.made = false;
    }

    /// Whether the order has to be made.
    pub(super) fn is_stale(&self) -> bool {
        !self.made
    }

    /// Takes an order. The cursor stays on its object if that is still there.
    pub(super) fn set(&mut self, rows: Vec<K>) {
        let object = self.rows.get(self.cursor).cloned();
        self.rows = rows;
        self.made = true;
        self.new = 0;
        let found = object.and_then(|object| self.rows.iter().position(|row| *row == object));
        self.cursor = found.unwrap_or(self.cursor).min(self.rows.len().saturating_sub(1));
    }

    /// Takes out what is gone and counts what is new, without moving anything else.
    pub(super) fn follow(&mut self, exists: impl Fn(&K) -> bool, belonging: &BTreeSet<K>) {
        let object = self.rows.get(self.cursor).cloned();
        self.rows.retain(|row| exists(row));
        self.marks.retain(|row| exists(row));
        let shown: BTreeSet<&K> = self.rows.iter().collect();
        self.new = belonging.iter().filter(|key| !shown.contains(key)).count();
        if let Some(at) = object.and_then(|object| self.rows.iter().position(|row| *row == object)) {
            self.cursor = at;
        }
        self.cursor = self.cursor.min(self.rows.len().saturating_sub(1));
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn rows(&self) -> &[K] {
        &self.rows
    }

    /// The object under the cursor.
    pub(super) fn current(&self) -> Option<&K> {
        self.rows.get(self.cursor)
    }

    /// Moves by rows.
    pub(super) fn step(&mut self, by: isize) {
        self.cursor = self.cursor.saturating_add_signed(by).min(self.rows.len().saturating_sub(1));
    }

    pub(super) fn first(&mut self) {
        self.cursor = 0;
    }

    pub(super) fn last(&mut self) {
        self.cursor = self.rows.len().saturating_sub(1);
    }

    /// Marks the object under the cursor, or takes its mark away, and moves on.
    pub(super) fn mark(&mut self) {
        if let Some(key) = self.current().cloned() {
            if !self.marks.remove(&key) {
                self.marks.insert(key);
            }
            self.step(1);
        }
    }

    /// Marks all, or takes all marks away if all are marked.
    pub(super) fn mark_all(&mut self) {
        if self.rows.iter().all(|row| self.marks.contains(row)) {
            self.marks.clear();
        } else {
            self.marks.extend(self.rows.iter().cloned());
        }
    }

    /// Sorts by a column; by the same again turns the order round.
    pub(super) fn sort_by(&mut self, column: usize) {
        if self.sort == column && column != 0 {
            self.reverse = !self.reverse;
        } else {
            self.sort = column;
            self.reverse = false;
        }
        self.stale();
    }

    /// The rows that can be seen in so many lines, and which of them the cursor is on.
    pub(super) fn window(&mut self, lines: usize) -> (Vec<K>, Option<usize>) {
        if lines == 0 || self.rows.is_empty() {
            return (Vec::new(), None);
        }
        self.top = self.top.min(self.rows.len().saturating_sub(lines));
        if self.cursor < self.top {
            self.top = self.cursor;
        } else if self.cursor >= self.top + lines {
            self.top = self.cursor + 1 - lines;
        }
        let end = (self.top + lines).min(self.rows.len());
        (self.rows[self.top..end].to_vec(), Some(self.cursor - self.top))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_object() {
        let mut list = Listing::default();
        list.set(vec![1, 2, 3, 4, 5]);
        list.step(3);
        assert_eq!(list.current(), Some(&4));
        list.set(vec![9, 8, 5, 4, 1]);
        assert_eq!(list.current(), Some(&4));
        let belonging = BTreeSet::from([4, 5, 7, 8]);
        list.follow(|key| *key != 9, &belonging);
        assert_eq!((list.current(), list.len(), list.new), (Some(&4), 4, 1), "what is new is counted, not shoved in");
        list.follow(|key| *key != 4, &belonging);
        assert_eq!(list.len(), 3);
        assert!(list.current().is_some());
        list.set(vec![]);
        list.step(-5);
        assert_eq!(list.current(), None);
        assert_eq!(list.window(10), (vec![], None));
    }

    #[test]
    fn the_window_follows_the_cursor() {
        let mut list = Listing::default();
        list.set((0..100).collect());
        assert_eq!(list.window(10).0, (0..10).collect::<Vec<_>>());
        list.step(10);
        assert_eq!(list.window(10), ((1..11).collect(), Some(9)));
        list.last();
        assert_eq!(list.window(10), ((90..100).collect(), Some(9)));
        assert_eq!(list.window(3), ((97..100).collect(), Some(2)));
    }
}
