//! What a draft moves: two sheets of one month, side by side.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Currency, RowKind, Sheet, SheetRow, UnitPath};

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
    /// What it moves; absent where the draft has another currency.
    pub moved: Option<Decimal>,
    /// Whether the draft takes all users out of it.
    pub empties: bool,
}

/// What a draft of rules or prices moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// All units of both sheets, each before its parts; then untracked, idle, total.
    pub rows: Vec<PreviewRow>,
    /// The currency of the prices in force; absent without any.
    pub currency: Option<Currency>,
    /// The sheet as the draft has it.
    pub then: Box<Sheet>,
}

impl PreviewRow {
    /// Whether nothing moves here: neither money nor users.
    pub fn is_still(&self) -> bool {
        self.amount == self.amount_then && self.users == self.users_then
    }
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
        let other = now.currency.zip(then.currency).is_some_and(|(now, then)| now != then);
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
                moved: (!other).then(|| amount(then) - amount(now)),
                empties: kind == RowKind::Unit && users(now) > 0 && users(then) == 0,
            }
        };
        let rows = pairs.into_iter().map(row).collect();
        Self { rows, currency: now.currency, then: Box::new(then) }
    }

    /// Whether it moves nothing: neither money nor users.
    pub fn is_still(&self) -> bool {
        self.currencies().is_none() && self.rows.iter().all(PreviewRow::is_still)
    }

    /// The currency in force and that of the draft, where they are two: then no amount is held against another.
    pub fn currencies(&self) -> Option<(Currency, Currency)> {
        self.currency.zip(self.then.currency).filter(|(now, then)| now != then)
    }

    /// What is taken from somewhere and comes to somewhere else, or onto the bill: the larger of both. Units that are part
    /// of another one are not counted twice. Absent where the draft has another currency.
    pub fn moved(&self) -> Option<Decimal> {
        let outer = |row: &&PreviewRow| match row.kind {
            RowKind::Unit => row.unit.0.len() == 1,
            RowKind::Untracked | RowKind::Idle => true,
            RowKind::Total => false,
        };
        let mut moved = self.rows.iter().filter(outer).map(|row| row.moved);
        let (up, down) = moved.try_fold((Decimal::ZERO, Decimal::ZERO), |(up, down), moved| {
            let moved = moved?;
            Some(if moved.is_sign_negative() { (up, down - moved) } else { (up + moved, down) })
        })?;
        Some(up.max(down))
    }

    /// What it does to the bill. Absent where the draft has another currency.
    pub fn net(&self) -> Option<Decimal> {
        self.rows.iter().filter(|row| row.kind == RowKind::Total).map(|row| row.moved).sum()
    }
}
