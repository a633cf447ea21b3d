//! What a draft moves: two sheets of one month, side by side.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{RowKind, Sheet, SheetRow, UnitPath};

/// A row of a preview.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewRow {
    /// What it is.
    pub kind: RowKind,
    /// Which unit.
    pub unit: UnitPath,
    /// Users as the rules in force have it.
    pub users: u64,
    /// Users as the draft has it.
    pub users_then: u64,
    /// Money as the rules and prices in force have it.
    pub amount: Decimal,
    /// Money as the draft has it.
    pub amount_then: Decimal,
    /// What it moves.
    pub moved: Decimal,
    /// Whether the draft takes all users out of it.
    pub empties: bool,
}

/// What a draft of rules or prices moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// All units of both sheets, each before its parts; then untracked, idle, total.
    pub rows: Vec<PreviewRow>,
    /// The sheet as the draft has it.
    pub then: Box<Sheet>,
}

impl Preview {
    /// Compares the sheet in force with that of a draft.
    pub fn of(now: &Sheet, then: Sheet) -> Self {
        type Pair<'a> = (Option<&'a SheetRow>, Option<&'a SheetRow>);
        let mut pairs: BTreeMap<(RowKind, &UnitPath), Pair<'_>> = BTreeMap::new();
        for row in &now.rows {
            pairs.entry((row.kind, &row.unit)).or_default().0 = Some(row);
        }
        for row in &then.rows {
            pairs.entry((row.kind, &row.unit)).or_default().1 = Some(row);
        }
        let row = |((kind, unit), (now, then)): ((RowKind, &UnitPath), Pair<'_>)| {
            let users = |row: Option<&SheetRow>| row.map_or(0, |row| row.users);
            let zero = now.or(then).map_or(Decimal::ZERO, |row| Decimal::new(0, row.amount.scale()));
            let amount = |row: Option<&SheetRow>| row.map_or(zero, |row| row.amount);
            PreviewRow {
                kind,
                unit: unit.clone(),
                users: users(now),
                users_then: users(then),
                amount: amount(now),
                amount_then: amount(then),
                moved: amount(then) - amount(now),
                empties: kind == RowKind::Unit && users(now) > 0 && users(then) == 0,
            }
        };
        let rows = pairs.into_iter().map(row).collect();
        Self { rows, then: Box::new(then) }
    }

    /// Whether it moves nothing: neither money nor users.
    pub fn is_still(&self) -> bool {
        self.rows.iter().all(|row| row.moved.is_zero() && row.users == row.users_then)
    }

    /// What is taken from somewhere and comes to somewhere else, or onto the bill: the larger of both. Units that are part
    /// of another one are not counted twice.
    pub fn moved(&self) -> Decimal {
        let outer = |row: &&PreviewRow| match row.kind {
            RowKind::Unit => row.unit.0.len() == 1,
            RowKind::Untracked | RowKind::Idle => true,
            RowKind::Total => false,
        };
        let moved = self.rows.iter().filter(outer).map(|row| row.moved);
        let (up, down) = moved.fold((Decimal::ZERO, Decimal::ZERO), |(up, down), moved| {
            if moved.is_sign_negative() { (up, down - moved) } else { (up + moved, down) }
        });
        up.max(down)
    }

    /// What it does to the bill.
    pub fn net(&self) -> Decimal {
        self.rows.iter().filter(|row| row.kind == RowKind::Total).map(|row| row.moved).sum()
    }
}
