//! Holders of a product: who, and whose licenses are to be looked at first.

use super::words;
use crate::model::{Double, Oddity, Products, Tally};
use crate::tui::page::Line;
use crate::tui::theme::Meaning;

/// How many departments the pane shows at most.
const DEPARTMENTS: usize = 12;
/// How many doubles the pane shows at most.
const DOUBLES: usize = 4;

/// What an oddity is called behind its number.
const fn counted(oddity: Oddity) -> &'static str {
    match oddity {
        Oddity::Double => "double",
        Oddity::Guest => "guests",
        Oddity::Location => "no usage location",
    }
}

/// The answer of the screen: how many hold it, and how many of them have a finding.
pub(super) fn answer(tally: &Tally) -> Line {
    let line = Line::from(words::of(tally.holders, "holder"));
    if tally.holders > 0 && tally.odd == 0 {
        return line.and(Meaning::Plain, "  none with a finding");
    }
    Oddity::ALL
        .into_iter()
        .zip(tally.oddities)
        .filter(|(_, n)| *n > 0)
        .fold(line, |line, (oddity, n)| line.and(Meaning::Aging, format!("  {} {}", words::count(n), counted(oddity))))
}

/// What the pane tells: whom to look at first, and where the holders sit.
pub(super) fn pane(name: &str, tally: &Tally, products: &Products) -> Vec<Line> {
    let row = |name: &str, n: u64| {
        let name = words::cut(name, 26);
        let gap = 26usize.saturating_sub(unicode_width::UnicodeWidthStr::width(&*name));
        format!("  {name}{:gap$} {:>9}", "", words::count(n))
    };
    let mut lines = vec![
        Line::of(Meaning::Caption, format!("HOLDERS OF {}", words::cut(name, 28))),
        row("users who hold it", tally.holders).into(),
        Line::default(),
        Line::of(Meaning::Caption, "LOOK AT THESE FIRST"),
    ];
    for (oddity, n) in Oddity::ALL.into_iter().zip(tally.oddities) {
        let meaning = if n > 0 { Meaning::Aging } else { Meaning::Plain };
        lines.push(Line::of(meaning, row(counted(oddity), n)));
        if oddity != Oddity::Double {
            continue;
        }
        for (double, n) in tally.doubles.iter().take(DOUBLES) {
            let said = words::wrap(&format!("{} {}", words::count(*n), doubled(*double, products)), 33);
            lines.extend(said.iter().enumerate().map(|(i, line)| {
                let indent = if i == 0 { 4 } else { 6 };
                Line::from(format!("{:indent$}{line}", ""))
            }));
        }
        if tally.doubles.len() > DOUBLES {
            lines.push(format!("    and {} more pairs", tally.doubles.len() - DOUBLES).into());
        }
    }
    lines.extend([Line::default(), Line::of(Meaning::Caption, "BY DEPARTMENT")]);
    for counted in tally.departments.iter().take(DEPARTMENTS) {
        lines.push(row(counted.value.as_deref().unwrap_or("(none)"), counted.users).into());
    }
    let more = tally.values.saturating_sub(DEPARTMENTS as u64);
    if more > 0 {
        lines.push(format!("  and {more} more").into());
    }
    lines
}

fn doubled(double: Double, products: &Products) -> String {
    let (by, included) = (products.name(double.by), products.name(double.included));
    let does = if products.are_same(double) { "is the same as" } else { "includes" };
    format!("{by} {does} {included}")
}
