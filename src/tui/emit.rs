//! The bytes that turn one picture into the next, on any terminal that knows what a VT100 knew.
//!
//! What counts on a slow line: one escape for a change of looks, whatever changes; the cheapest way to the next cell; the
//! end of a row erased rather than overwritten; rows that only moved are scrolled by the terminal.

use std::collections::HashMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use unicode_width::UnicodeWidthStr;

/// Unchanged cells between changed ones that are written again rather than jumped over.
const BRIDGE: usize = 4;
/// The fewest cells that scrolling must save to be worth its escapes.
const WORTH_SCROLLING: usize = 40;

/// A row that moved is known again by so many of its first cells: right of them may be a pane that did not move.
const TELLING: usize = 64;

/// A cell as a terminal keeps it; absent behind a character of two cells.
type Slot<'a> = Option<(&'a str, Looks)>;

/// How a cell looks, as far as it can be told apart on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
struct Looks {
    fg: Option<Color>,
    bg: Option<Color>,
    modifier: Modifier,
}

impl From<Style> for Looks {
    fn from(style: Style) -> Self {
        let colour = |colour: Option<Color>| colour.filter(|colour| *colour != Color::Reset);
        Self { fg: colour(style.fg), bg: colour(style.bg), modifier: style.add_modifier }
    }
}

const BLANK: (&str, Looks) = (" ", Looks { fg: None, bg: None, modifier: Modifier::empty() });

/// The rows of a picture as a terminal keeps them.
fn rows(picture: &Buffer) -> Vec<Vec<Slot<'_>>> {
    let area = picture.area;
    let width = usize::from(area.width);
    (area.top()..area.bottom())
        .map(|y| {
            let mut row: Vec<Slot<'_>> = Vec::with_capacity(width);
            while row.len() < width {
                let x = area.left() + u16::try_from(row.len()).unwrap_or(u16::MAX);
                let Some(cell) = picture.cell((x, y)) else { break };
                let looks = Looks::from(cell.style());
                let cells = cell.symbol().width();
                match cells {
                    0 => row.push(Some((" ", looks))),
                    // Half of a wide character at the edge cannot be shown.
                    _ if row.len() + cells > width => row.push(Some((" ", looks))),
                    _ => {
                        row.push(Some((cell.symbol(), looks)));
                        row.extend(std::iter::repeat_n(None, cells - 1));
                    }
                }
            }
            row
        })
        .collect()
}

/// The bytes that turn what is shown into the next picture of the same size; empty if nothing differs. `Looks` of the
/// terminal are plain before and after, and its cursor stands anywhere after.
pub(crate) fn difference(shown: &Buffer, next: &Buffer) -> String {
    let mut old = rows(shown);
    let new = rows(next);
    let mut pen = Pen::default();
    if let Some(scroll) = Scroll::find(&old, &new) {
        scroll.apply(&mut old, &mut pen);
    }
    let last = new.len().saturating_sub(1);
    for (y, (old, new)) in old.iter().zip(&new).enumerate() {
        pen.row(y, old, new, y == last);
    }
    pen.look(Looks::default());
    pen.bytes
}

/// Where the terminal's pen is, how it writes, and what was written.
#[derive(Default)]
struct Pen {
    bytes: String,
    /// Row and column; absent where it cannot be known.
    at: Option<(usize, usize)>,
    looks: Looks,
}

impl Pen {
    fn escape(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.bytes.write_fmt(text);
    }

    fn row(&mut self, y: usize, old: &[Slot<'_>], new: &[Slot<'_>], last: bool) {
        let changed: Vec<usize> = (0..new.len()).filter(|x| old.get(*x) != new.get(*x)).collect();
        let (Some(first), Some(end)) = (changed.first(), changed.last()) else { return };
        // What is blank from here to the end of the row can be erased in one go. Not in the last row: some terminals
        // look at its last cell.
        let blank = new.iter().rposition(|slot| *slot != Some(BLANK)).map_or(0, |x| x + 1);
        let erases = changed.iter().filter(|x| **x >= blank).count() > BRIDGE && !last;
        let stop = if erases { blank } else { end + 1 };
        let mut x = *first;
        while x < stop {
            if old.get(x) == new.get(x) {
                let same = (x..stop).take_while(|x| old.get(*x) == new.get(*x)).count();
                let alike = (x..x + same).all(|x| matches!(new.get(x), Some(Some((_, looks))) if *looks == self.looks));
                if same > BRIDGE || !alike || self.at != Some((y, x)) || x + same >= stop {
                    x += same;
                    continue;
                }
            }
            let Some(Some((symbol, looks))) = new.get(x) else {
                x += 1;
                continue;
            };
            self.go(y, x);
            self.look(*looks);
            self.bytes.push_str(symbol);
            x += symbol.width().max(1);
            // Behind the last column terminals differ in where they are.
            self.at = (x < new.len()).then_some((y, x));
        }
        if erases {
            self.go(y, blank.max(*first));
            self.look(Looks::default());
            self.bytes.push_str("\x1b[K");
        }
    }

    /// Moves to a cell, the cheapest way.
    fn go(&mut self, y: usize, x: usize) {
        match self.at {
            Some(at) if at == (y, x) => {}
            Some((row, column)) if row == y && column < x => match x - column {
                1 => self.bytes.push_str("\x1b[C"),
                n => self.escape(format_args!("\x1b[{n}C")),
            },
            Some((row, _)) if row == y && x == 0 => self.bytes.push('\r'),
            Some((row, _)) if row + 1 == y && x == 0 => self.bytes.push_str("\r\n"),
            Some(_) | None if x == 0 => self.escape(format_args!("\x1b[{}H", y + 1)),
            Some(_) | None => self.escape(format_args!("\x1b[{};{}H", y + 1, x + 1)),
        }
        self.at = Some((y, x));
    }

    /// Changes the looks, in one escape: what differs, or all anew, whichever is shorter.
    fn look(&mut self, looks: Looks) {
        if looks == self.looks {
            return;
        }
        let mut delta = Vec::new();
        for (bit, on, off) in MODIFIERS {
            match (self.looks.modifier.contains(bit), looks.modifier.contains(bit)) {
                (false, true) => delta.push(on.to_owned()),
                (true, false) => delta.push(off.to_owned()),
                (true, true) | (false, false) => {}
            }
        }
        // Bold and dim are switched off together.
        let weight = Modifier::BOLD | Modifier::DIM;
        let lost = (self.looks.modifier - looks.modifier).intersects(weight);
        if lost {
            let kept = MODIFIERS.iter().filter(|(bit, _, _)| weight.contains(*bit) && looks.modifier.contains(*bit));
            delta.extend(kept.map(|(_, on, _)| (*on).to_owned()));
        }
        if looks.fg != self.looks.fg {
            delta.push(looks.fg.map_or_else(|| "39".to_owned(), |fg| colour(fg, 30)));
        }
        if looks.bg != self.looks.bg {
            delta.push(looks.bg.map_or_else(|| "49".to_owned(), |bg| colour(bg, 40)));
        }
        let mut anew = vec![String::new()];
        anew.extend(
            MODIFIERS.iter().filter(|(bit, _, _)| looks.modifier.contains(*bit)).map(|(_, on, _)| (*on).to_owned()),
        );
        anew.extend(looks.fg.map(|fg| colour(fg, 30)));
        anew.extend(looks.bg.map(|bg| colour(bg, 40)));
        let (delta, anew) = (delta.join(";"), anew.join(";"));
        let codes = if anew.len() < delta.len() { anew } else { delta };
        self.escape(format_args!("\x1b[{codes}m"));
        self.looks = looks;
    }
}

/// A modifier with the codes that switch it on and off.
const MODIFIERS: [(Modifier, &str, &str); 8] = [
    (Modifier::BOLD, "1", "22"),
    (Modifier::DIM, "2", "22"),
    (Modifier::ITALIC, "3", "23"),
    (Modifier::UNDERLINED, "4", "24"),
    (Modifier::SLOW_BLINK, "5", "25"),
    (Modifier::REVERSED, "7", "27"),
    (Modifier::HIDDEN, "8", "28"),
    (Modifier::CROSSED_OUT, "9", "29"),
];

/// The code of a colour; `base` is 30 for text and 40 for what is behind it.
fn colour(colour: Color, base: u8) -> String {
    let bright = base + 60;
    let code = match colour {
        Color::Reset => base + 9,
        Color::Black => base,
        Color::Red => base + 1,
        Color::Green => base + 2,
        Color::Yellow => base + 3,
        Color::Blue => base + 4,
        Color::Magenta => base + 5,
        Color::Cyan => base + 6,
        Color::Gray => base + 7,
        Color::DarkGray => bright,
        Color::LightRed => bright + 1,
        Color::LightGreen => bright + 2,
        Color::LightYellow => bright + 3,
        Color::LightBlue => bright + 4,
        Color::LightMagenta => bright + 5,
        Color::LightCyan => bright + 6,
        Color::White => bright + 7,
        Color::Indexed(n) => return format!("{};5;{n}", base + 8),
        Color::Rgb(r, g, b) => return format!("{};2;{r};{g};{b}", base + 8),
    };
    code.to_string()
}

/// Rows `top` to `bottom` move by some rows: up if `up`.
struct Scroll {
    top: usize,
    bottom: usize,
    by: usize,
    up: bool,
}

impl Scroll {
    /// Rows that moved: by the distance that most changed rows agree on, in the region where it saves most.
    fn find(old: &[Vec<Slot<'_>>], new: &[Vec<Slot<'_>>]) -> Option<Self> {
        let hash = |row: &Vec<Slot<'_>>| {
            let mut hasher = DefaultHasher::new();
            row.get(..TELLING).unwrap_or(row).hash(&mut hasher);
            hasher.finish()
        };
        let olds: Vec<u64> = old.iter().map(hash).collect();
        let news: Vec<u64> = new.iter().map(hash).collect();
        let empty = hash(&vec![Some(BLANK); new.first().map_or(0, Vec::len)]);
        let mut votes: HashMap<isize, usize> = HashMap::new();
        for (y, row) in news.iter().enumerate().filter(|(y, row)| **row != empty && olds.get(*y) != Some(*row)) {
            for (from, _) in olds.iter().enumerate().filter(|(_, old)| *old == row) {
                *votes.entry(from.cast_signed() - y.cast_signed()).or_default() += 1;
            }
        }
        let (distance, _) = votes.into_iter().max_by_key(|(distance, n)| (*n, -distance.abs(), *distance))?;
        let by = distance.unsigned_abs();
        let differing = |a: &[Slot<'_>], b: &[Slot<'_>]| a.iter().zip(b).filter(|(a, b)| a != b).count();
        let blank = |row: &[Slot<'_>]| row.iter().filter(|slot| **slot != Some(BLANK)).count();
        // What each row saves if the row that moves here is taken instead of the one that stands here.
        let saved = |y: usize| -> Option<isize> {
            let from = old.get(y.checked_add_signed(distance)?)?;
            let (here, want) = (old.get(y)?, new.get(y)?);
            Some(differing(here, want).cast_signed() - differing(from, want).cast_signed())
        };
        // The run of rows that saves most.
        let (mut best, mut run) = ((0isize, 0usize, 0usize), (0isize, 0usize));
        for y in 0..new.len() {
            let Some(saved) = saved(y) else {
                run = (0, y + 1);
                continue;
            };
            if run.0 <= 0 {
                run = (0, y);
            }
            run.0 += saved;
            if run.0 > best.0 {
                best = (run.0, run.1, y);
            }
        }
        let (saved, first, last) = best;
        // The rows that become empty.
        let (top, bottom, emptied) = if distance > 0 {
            (first, last + by, last + 1..last + by + 1)
        } else {
            (first.checked_sub(by)?, last, first - by..first)
        };
        let cost: isize = emptied
            .map(|y| match (old.get(y), new.get(y)) {
                (Some(old), Some(new)) => blank(new).cast_signed() - differing(old, new).cast_signed(),
                (_, _) => 0,
            })
            .sum();
        let worth = saved - cost > WORTH_SCROLLING.cast_signed();
        (worth && bottom < new.len() && by * 2 <= bottom - top + 1).then_some(Self {
            top,
            bottom,
            by,
            up: distance > 0,
        })
    }

    /// Has the terminal move the rows, and notes what it shows then.
    fn apply(&self, shown: &mut [Vec<Slot<'_>>], pen: &mut Pen) {
        let Self { top, bottom, by, up } = *self;
        pen.escape(format_args!("\x1b[{};{}r", top + 1, bottom + 1));
        let (line, step) = if up { (bottom, "\n") } else { (top, "\x1bM") };
        pen.escape(format_args!("\x1b[{}H", line + 1));
        pen.bytes.push_str(&step.repeat(by));
        pen.bytes.push_str("\x1b[r");
        pen.at = None;
        let Some(region) = shown.get_mut(top..=bottom) else { return };
        let empty = |row: &mut Vec<Slot<'_>>| row.iter_mut().for_each(|slot| *slot = Some(BLANK));
        if up {
            region.rotate_left(by);
            region.iter_mut().rev().take(by).for_each(empty);
        } else {
            region.rotate_right(by);
            region.iter_mut().take(by).for_each(empty);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;

    use super::*;

    const WIDTH: u16 = 24;
    const HEIGHT: u16 = 9;

    /// What a picture shows at a cell, as `vt100` tells it: text, bold, dim, underlined, reversed, colours.
    type Told = (String, [bool; 4], vt100::Color, vt100::Color);

    fn told(terminal: &vt100::Parser, y: u16, x: u16) -> Told {
        let cell = terminal.screen().cell(y, x).unwrap();
        let text = if cell.has_contents() || cell.is_wide_continuation() { cell.contents() } else { " " };
        let modifiers = [cell.bold(), cell.dim(), cell.underline(), cell.inverse()];
        (text.to_owned(), modifiers, cell.fgcolor(), cell.bgcolor())
    }

    fn wanted(slot: Slot<'_>) -> Told {
        let Some((text, looks)) = slot else {
            return (String::new(), [false; 4], vt100::Color::Default, vt100::Color::Default);
        };
        let modifiers = [Modifier::BOLD, Modifier::DIM, Modifier::UNDERLINED, Modifier::REVERSED];
        let index = |colour: Option<Color>| match colour {
            None => vt100::Color::Default,
            Some(Color::Red) => vt100::Color::Idx(1),
            Some(Color::Magenta) => vt100::Color::Idx(5),
            Some(Color::LightCyan) => vt100::Color::Idx(14),
            Some(Color::Indexed(n)) => vt100::Color::Idx(n),
            Some(Color::Rgb(r, g, b)) => vt100::Color::Rgb(r, g, b),
            Some(other) => panic!("no test uses {other}"),
        };
        (text.to_owned(), modifiers.map(|bit| looks.modifier.contains(bit)), index(looks.fg), index(looks.bg))
    }

    #[track_caller]
    fn same(terminal: &vt100::Parser, picture: &Buffer) {
        for (y, row) in rows(picture).iter().enumerate() {
            for (x, slot) in row.iter().enumerate() {
                let (row, column) = (u16::try_from(y).unwrap(), u16::try_from(x).unwrap());
                let found = told(terminal, row, column);
                if slot.is_none() {
                    assert_eq!(found.0, "", "behind a wide character at {y},{x}");
                } else {
                    assert_eq!(found, wanted(*slot), "at {y},{x} of\n{}", terminal.screen().contents());
                }
            }
        }
    }

    fn style(n: u8) -> Style {
        let style = Style::new();
        match n {
            0..=3 => style,
            4 => style.add_modifier(Modifier::BOLD),
            5 => style.add_modifier(Modifier::REVERSED),
            6 => style.add_modifier(Modifier::DIM),
            7 => style.fg(Color::Magenta).add_modifier(Modifier::BOLD),
            8 => style.fg(Color::Red).add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
            9 => style.fg(Color::LightCyan).add_modifier(Modifier::DIM | Modifier::REVERSED),
            10 => style.fg(Color::Indexed(117)).bg(Color::Red),
            _ => style.fg(Color::Rgb(1, 2, 3)).bg(Color::Indexed(8)),
        }
    }

    /// Something that becomes of the lines of a picture.
    #[derive(Debug, Clone)]
    enum Edit {
        Write { y: u16, x: u16, text: &'static str, style: u8 },
        Up { from: usize, to: usize },
        Down { from: usize, to: usize },
        Clear { y: usize },
    }

    fn edit() -> impl Strategy<Value = Edit> {
        let texts =
            ["a", "Adatum Gesundheit", "東京都庁", "x東y", "e\u{301}a", "-- rule ----------------", "   ", "9d"];
        let rows = usize::from(HEIGHT);
        prop_oneof![
            6 => (0..HEIGHT, 0..WIDTH, proptest::sample::select(texts.to_vec()), 0u8..12)
                .prop_map(|(y, x, text, style)| Edit::Write { y, x, text, style }),
            2 => (0..rows, 0..rows).prop_map(|(from, to)| Edit::Up { from, to }),
            2 => (0..rows, 0..rows).prop_map(|(from, to)| Edit::Down { from, to }),
            1 => (0..rows).prop_map(|y| Edit::Clear { y }),
        ]
    }

    fn apply(picture: &mut Buffer, edit: &Edit) {
        let width = usize::from(WIDTH);
        let blank = ratatui::buffer::Cell::default();
        match edit {
            Edit::Write { y, x, text, style: n } => {
                picture.set_string(*x, *y, text, Style::reset().patch(style(*n)));
            }
            Edit::Up { from, to } | Edit::Down { from, to } => {
                let (from, to) = (from.min(to), from.max(to));
                let Some(part) = picture.content.get_mut(from * width..(to + 1) * width) else { return };
                let up = matches!(edit, Edit::Up { .. });
                let gone = if up {
                    part.rotate_left(width);
                    part.len() - width..part.len()
                } else {
                    part.rotate_right(width);
                    0..width
                };
                part[gone].fill(blank);
            }
            Edit::Clear { y } => picture.content[y * width..(y + 1) * width].fill(blank),
        }
    }

    proptest! {
        #[test]
        fn whatever_becomes_of_a_picture_the_terminal_shows_it(
            frames in proptest::collection::vec(proptest::collection::vec(edit(), 1..8), 1..8),
        ) {
            let mut terminal = vt100::Parser::new(HEIGHT.try_into().unwrap(), WIDTH.try_into().unwrap(), 0);
            let mut shown = Buffer::empty(Rect::new(0, 0, WIDTH, HEIGHT));
            for edits in frames {
                let mut next = shown.clone();
                for edit in &edits {
                    apply(&mut next, edit);
                }
                terminal.process(difference(&shown, &next).as_bytes());
                same(&terminal, &next);
                shown = next;
            }
        }
    }

    fn lines(lines: &[&str]) -> Buffer {
        let mut picture = Buffer::empty(Rect::new(0, 0, 60, 12));
        for (line, y) in lines.iter().zip(0..) {
            picture.set_string(0, y, line, Style::new());
        }
        picture
    }

    #[test]
    fn rows_that_moved_are_scrolled_and_not_written_again() {
        let names: Vec<String> = (0..13).map(|n| ('a'..='z').cycle().skip(n).take(40).collect()).collect();
        let list = |from: usize| -> Vec<&str> {
            let head = ["head", "rule"].into_iter();
            head.chain(names[from..from + 8].iter().map(String::as_str)).chain(["foot", "keys"]).collect()
        };
        let (one, two) = (lines(&list(0)), lines(&list(1)));
        for (before, after) in [(&one, &two), (&two, &one)] {
            let bytes = difference(before, after);
            assert!(bytes.len() < 80, "{} bytes for one line: {bytes:?}", bytes.len());
            assert!(bytes.contains("\u{1b}[3;10r"), "in the rows of the list alone: {bytes:?}");
        }
    }

    #[test]
    fn rows_beside_a_pane_that_stays_are_scrolled() {
        let names: Vec<String> = (0..13).map(|n| ('a'..='z').cycle().skip(n).take(60).collect()).collect();
        let list = |from: usize, pane: char| {
            let mut picture = Buffer::empty(Rect::new(0, 0, 120, 12));
            for (name, y) in names[from..from + 10].iter().zip(1..) {
                picture.set_string(2, y, name, Style::new());
            }
            for y in 0..12 {
                picture.set_string(81, y, format!("{y} {pane}"), Style::new());
            }
            picture
        };
        let bytes = difference(&list(0, 'a'), &list(1, 'b'));
        assert!(bytes.contains("\u{1b}[2;11r") && bytes.len() < 300, "{} bytes: {bytes:?}", bytes.len());
    }

    #[test]
    fn looks_change_in_one_escape_and_the_end_of_a_row_is_erased() {
        let mut before = lines(&["a long text that stood here and is gone"]);
        let mut after = lines(&["a"]);
        assert_eq!(difference(&before, &after), "\u{1b}[1;3H\u{1b}[K");
        before = lines(&["BLOCKED Adatum"]);
        after.set_string(0, 0, "BLOCKED", style(7));
        after.set_string(7, 0, " Adatum", Style::new());
        assert_eq!(difference(&before, &after), "\u{1b}[1HBLOCKED\u{1b}[m".replace("HB", "H\u{1b}[1;35mB"));
    }
}
