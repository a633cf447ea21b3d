//! Counts over days, drawn with plain characters: what terminals without lines and colours show too, in few bytes.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::model::LicenseDay;
use crate::tui::page::Page;
use crate::tui::theme::Meaning;
use crate::tui::words;

/// Some days in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: Date,
    pub(super) days: usize,
}

impl Span {
    /// From a day to another, both of them in it.
    pub(super) fn between(from: Date, to: Date) -> Self {
        let days = from.until(to).map_or(0, |span| span.get_days());
        Self { from, days: usize::try_from(days).unwrap_or(0) + 1 }
    }

    /// How many days after its first one a day is; absent for days that are not in it.
    fn place(self, day: Date) -> Option<usize> {
        let days = self.from.until(day).map_or(-1, |span| span.get_days());
        usize::try_from(days).ok().filter(|place| *place < self.days)
    }

    pub(super) fn holds(self, day: Date) -> bool {
        self.place(day).is_some()
    }

    pub(super) fn last(self) -> Date {
        let days = i64::try_from(self.days).unwrap_or(1) - 1;
        self.from.checked_add(days.days()).unwrap_or(self.from)
    }

    /// The days, counted from the first, that a column shows: at least one.
    fn of_column(self, column: usize, width: usize) -> std::ops::Range<usize> {
        let start = column * self.days / width.max(1);
        start..((column + 1) * self.days / width.max(1)).max(start + 1)
    }

    /// The column in the middle of those that show a day.
    fn column(self, day: Date, width: usize) -> Option<usize> {
        let place = self.place(day)?;
        let shows: Vec<usize> = (0..width).filter(|column| self.of_column(*column, width).contains(&place)).collect();
        shows.get(shows.len() / 2).copied()
    }
}

/// What a column shows: the last that is known of its days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Point {
    purchased: Option<i64>,
    assigned: Option<i64>,
    held: Option<i64>,
    read: bool,
}

fn points(rows: &[LicenseDay], read: &[Date], span: Span, width: usize) -> Vec<Point> {
    let mut days = vec![Point::default(); span.days];
    for row in rows {
        if let Some(point) = span.place(row.day).and_then(|place| days.get_mut(place)) {
            point.purchased = row.purchased;
            point.assigned = row.assigned;
            point.held = row.held.and_then(|held| i64::try_from(held).ok());
        }
    }
    for day in read {
        if let Some(point) = span.place(*day).and_then(|place| days.get_mut(place)) {
            point.read = true;
        }
    }
    let column = |column| {
        let days = days.get(span.of_column(column, width)).unwrap_or_default();
        let last = |of: fn(&Point) -> Option<i64>| days.iter().rev().find_map(of);
        Point {
            purchased: last(|point| point.purchased),
            assigned: last(|point| point.assigned),
            held: last(|point| point.held),
            read: days.iter().any(|point| point.read),
        }
    };
    (0..width).map(column).collect()
}

/// What the lowest row stands for, and by how much each row above it is more. Rows are round numbers, and what is shown
/// stands in the middle.
fn scale(least: i64, most: i64, rows: u16) -> (i64, i64) {
    let above = i128::from(rows.max(2)) - 1;
    let (least, most) = (i128::from(least), i128::from(most));
    let mut steps = (0..19).flat_map(|power| [1, 2, 5].map(|n| n * 10_i128.pow(power)));
    let fits = |step: &i128| least.div_euclid(*step) * step + step * above >= most;
    let step = steps.find(fits).unwrap_or(i128::from(i64::MAX));
    let mut low = least.div_euclid(step) * step;
    let spare = above - (most - low + step - 1).div_euclid(step);
    low -= spare.max(0) / 2 * step;
    if least >= 0 {
        low = low.max(0);
    }
    (i64::try_from(low).unwrap_or(i64::MIN), i64::try_from(step).unwrap_or(i64::MAX))
}

/// The row of a count, from below; absent where it is on none.
fn row_of(n: i64, (low, step): (i64, i64), rows: u16) -> Option<u16> {
    let above = i128::from(n) - i128::from(low);
    u16::try_from((above + i128::from(step) / 2).div_euclid(i128::from(step))).ok().filter(|row| *row < rows)
}

/// What stands for what; the longer one where days are known by our own count alone.
pub(super) const LEGENDS: [&str; 2] =
    ["= purchased  * assigned  # both", "= purchased  * assigned  # both  o held alone"];

/// Whether days of a span are known by our own count alone.
pub(super) fn has_held_alone(rows: &[LicenseDay], span: Span) -> bool {
    rows.iter().any(|row| row.assigned.is_none() && row.held.is_some() && span.holds(row.day))
}

/// What a column has in a row, and what it means.
fn cell(point: &Point, row: u16, scale: (i64, i64), rows: u16) -> (char, Meaning) {
    let is_here = |n: Option<i64>| n.and_then(|n| row_of(n, scale, rows)) == Some(row);
    let over = point.assigned.zip(point.purchased).is_some_and(|(assigned, purchased)| assigned > purchased);
    let look = if over { Meaning::Broken } else { Meaning::Key };
    match (is_here(point.purchased), is_here(point.assigned)) {
        (true, true) => ('#', look),
        (false, true) => ('*', look),
        (true, false) => ('=', Meaning::Plain),
        (false, false) if point.assigned.is_none() && is_here(point.held) => ('o', Meaning::Key),
        (false, false) => (' ', Meaning::Plain),
    }
}

/// Writes characters, those of one look at once.
fn put_runs(page: &mut Page<'_>, x: u16, y: u16, cells: &[(char, Meaning)]) {
    let mut x = x;
    for run in cells.chunk_by(|a, b| a.1 == b.1) {
        let text: String = run.iter().map(|(c, _)| *c).collect();
        let width = u16::try_from(run.len()).unwrap_or(u16::MAX);
        if let Some((_, meaning)) = run.first() {
            x = page.put(x, y, width, &text, *meaning);
        }
    }
}

/// Draws so many rows of chart at `y`, and two rows below them: the days, with the one under the cursor, and their dates.
pub(super) fn draw(
    page: &mut Page<'_>,
    (y, rows): (u16, u16),
    (days, read): (&[LicenseDay], &[Date]),
    span: Span,
    cursor: Option<Date>,
    name: impl Fn(Date) -> String,
) {
    let shown = || days.iter().filter(|row| span.holds(row.day));
    let held = |row: &LicenseDay| row.held.filter(|_| row.assigned.is_none()).and_then(|held| i64::try_from(held).ok());
    let counts = || shown().flat_map(|row| [row.purchased, row.assigned, held(row)]).flatten();
    let scale = scale(counts().min().unwrap_or(0), counts().max().unwrap_or(1), rows);
    let value = |row: u16| scale.0.saturating_add(scale.1.saturating_mul(row.into()));
    let gutter = words::signed(value(rows.saturating_sub(1))).len().max(words::signed(value(0)).len()).max(4) + 1;
    let gutter = u16::try_from(gutter).unwrap_or(5);
    let left = page.main.x + gutter + 1;
    let width = usize::from(page.main.width.saturating_sub(gutter + 2));
    let points = points(days, read, span, width);
    let labelled = |row: u16| row == 0 || row + 1 == rows || rows >= 5 && row == (rows - 1) / 2;
    for row in 0..rows {
        let at = y + rows - 1 - row;
        if labelled(row) {
            let label = words::signed(value(row));
            let x = page.main.x + gutter.saturating_sub(u16::try_from(label.len()).unwrap_or(0));
            page.put(x, at, gutter, &label, Meaning::Plain);
        }
        let cells: Vec<(char, Meaning)> = points.iter().map(|point| cell(point, row, scale, rows)).collect();
        put_runs(page, left, at, &cells);
    }
    let under = cursor.and_then(|day| span.column(day, width));
    let first = read.first().and_then(|day| span.column(*day, width));
    // Before the first day that is kept nobody knows whether there was an import.
    let known = |column: usize| read.first().is_some_and(|day| *day < span.from) || first.is_some_and(|n| column >= n);
    let axis = points.iter().enumerate().map(|(column, point)| match point.read {
        _ if under == Some(column) => ('^', Meaning::Key),
        true => ('-', Meaning::Rule),
        false if known(column) => ('.', Meaning::Rule),
        false => (' ', Meaning::Rule),
    });
    put_runs(page, left, y + rows, &axis.collect::<Vec<_>>());
    if cursor.is_some_and(|day| day < span.from) {
        page.put(left - 1, y + rows, 1, "<", Meaning::Key);
    }
    draw_dates(page, (left, y + rows + 1), width, span, cursor.zip(under), name);
}

/// The first day, the last one, and between them the one under the cursor where there is room.
fn draw_dates(
    page: &mut Page<'_>,
    (left, y): (u16, u16),
    width: usize,
    span: Span,
    under: Option<(Date, usize)>,
    name: impl Fn(Date) -> String,
) {
    let (first, last) = (name(span.from), name(span.last()));
    let put = |page: &mut Page<'_>, at: usize, text: &str, meaning| {
        let x = left + u16::try_from(at).unwrap_or(0);
        page.put(x, y, u16::try_from(text.len()).unwrap_or(u16::MAX), text, meaning);
    };
    let end = width.saturating_sub(last.len());
    put(page, 0, &first, Meaning::Plain);
    put(page, end, &last, Meaning::Plain);
    if let Some((day, column)) = under {
        let text = name(day);
        let at = column.saturating_sub(text.len() / 2);
        if at >= first.len() + 2 && at + text.len() + 2 <= end {
            put(page, at, &text, Meaning::Key);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::model::SkuId;

    #[test]
    fn rows_are_round_numbers_and_hold_what_is_shown() {
        assert_eq!(scale(189, 200, 6), (180, 5), "180 to 205");
        assert_eq!(scale(1_050, 1_200, 6), (1_000, 50));
        assert_eq!(scale(12, 12, 6), (10, 1), "what stands still stands in the middle");
        assert_eq!(scale(0, 3, 6), (0, 1), "and not below zero");
        assert_eq!(scale(-7, 20, 3), (-20, 20));
        let rows: Vec<_> = [180, 184, 189, 200, 205, 206].map(|n| row_of(n, (180, 5), 6)).into();
        assert_eq!(rows, [Some(0), Some(1), Some(2), Some(4), Some(5), Some(5)]);
        assert_eq!(row_of(208, (180, 5), 6), None);
    }

    #[test]
    fn every_day_has_a_column_and_every_column_a_day() {
        for days in [1, 7, 31, 92, 366, 2_557] {
            let span = Span { from: date(2024, 2, 28), days };
            for width in [1, 40, 71, 150] {
                let columns: Vec<usize> = (0..days)
                    .map(|n| span.from.checked_add(i64::try_from(n).unwrap().days()).unwrap())
                    .map(|day| span.column(day, width).unwrap())
                    .collect();
                assert!(columns.is_sorted(), "{days} {width}");
                assert_eq!(span.of_column(width - 1, width).end, days, "the last column shows the last day");
            }
        }
        let span = Span::between(date(2026, 11, 1), date(2026, 11, 30));
        assert_eq!((span.days, span.last()), (30, date(2026, 11, 30)));
        assert_eq!(span.column(date(2026, 12, 1), 70), None);
        assert_eq!(span.column(date(2026, 10, 31), 70), None);
    }

    #[test]
    fn a_column_shows_the_last_that_is_known_of_its_days() {
        let row = |day, purchased, assigned| LicenseDay {
            day: date(2026, 11, day),
            sku_id: SkuId::new(uuid::Uuid::nil()),
            listed: Some(true),
            purchased,
            assigned,
            held: None,
            sold: None,
        };
        let rows = [row(1, Some(5), Some(3)), row(2, Some(6), None), row(4, None, None)];
        let read: Vec<Date> = rows.iter().map(|row| row.day).collect();
        let span = Span { from: date(2026, 11, 1), days: 6 };
        let told: Vec<_> = points(&rows, &read, span, 3).iter().map(|p| (p.purchased, p.assigned, p.read)).collect();
        assert_eq!(told, [(Some(6), Some(3), true), (None, None, true), (None, None, false)]);
    }

    proptest! {
        #[test]
        fn every_count_that_is_shown_has_a_row(a in any::<i64>(), b in any::<i64>(), rows in 2u16..30) {
            let (least, most) = (a.min(b), a.max(b));
            let scale = scale(least, most, rows);
            prop_assert!(scale.1 > 0);
            if least > i64::MIN / 2 && most < i64::MAX / 2 {
                prop_assert!(row_of(least, scale, rows).is_some() && row_of(most, scale, rows).is_some());
            }
        }
    }
}
