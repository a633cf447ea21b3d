//! What is kept of a customer's allocation: versions of rules and prices, and closed months.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Currency, Month, PriceBook, Reading, Rules, Sheet};
use crate::model::{Text, clean};

/// The longest reason, in bytes.
const REASON: usize = 300;

/// A reason as it was typed, cleaned. Refuses none, and one that is too long.
pub fn checked_reason(text: &str) -> Result<Text, Text> {
    let reason: Text = clean(text.trim()).as_ref().into();
    if reason.is_empty() || reason.len() > REASON {
        return Err(format!("a reason has 1 to {REASON} bytes").into());
    }
    Ok(reason)
}

/// Rules as somebody saved them. A version never changes and is never dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RulesVersion {
    /// Counted from 1.
    pub version: u32,
    /// By whom.
    pub by: Text,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Text,
    /// The rules.
    pub rules: Rules,
}

/// Prices as somebody saved them. A version never changes and is never dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricesVersion {
    /// Counted from 1.
    pub version: u32,
    /// By whom.
    pub by: Text,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Text,
    /// The prices.
    pub prices: PriceBook,
}

/// That a month was closed or opened again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthEvent {
    /// Closed, or opened again.
    pub closed: bool,
    /// By whom.
    pub by: Text,
    /// When.
    pub at: Timestamp,
    /// Why; a month may be closed without a reason.
    pub reason: Option<Text>,
    /// The bill of the sheet that was frozen, or that is given up.
    pub bill: Decimal,
    /// What of it was untracked.
    pub untracked: Decimal,
    /// Its currency.
    pub currency: Option<Currency>,
    /// The version of its rules.
    pub rules: u32,
    /// The version of its prices.
    pub prices: u32,
    /// When its users and SKUs were read, the older of both.
    pub data_at: Option<Timestamp>,
}

impl MonthEvent {
    /// What happened to a month with this sheet.
    pub fn of(sheet: &Sheet, closed: bool, by: Text, at: Timestamp, reason: Option<Text>) -> Self {
        Self {
            closed,
            by,
            at,
            reason,
            bill: sheet.bill,
            untracked: sheet.untracked,
            currency: sheet.currency,
            rules: sheet.facts.rules.unwrap_or(0),
            prices: sheet.facts.prices.unwrap_or(0),
            data_at: sheet.facts.users_at.zip(sheet.facts.skus_at).map(|(users, skus)| users.min(skus)),
        }
    }
}

/// A closed month: its sheet, byte for byte, and the lines of its users beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedMonth {
    /// By whom, when, and with what.
    pub event: MonthEvent,
    /// The sheet as JSON, as it was when the month was closed.
    pub sheet: String,
    /// The prices that it was reckoned with.
    pub prices: PriceBook,
    /// The rules that it was reckoned with.
    pub rules: Rules,
    /// How many records of lines there are.
    pub chunks: u32,
    /// Whether as many records of what rules looked at lie beside them; not of a month that an older program closed.
    #[serde(default)]
    pub explains: bool,
}

impl ClosedMonth {
    /// The sheet, read from its bytes.
    pub fn sheet(&self) -> Result<Sheet, String> {
        serde_json::from_str(&self.sheet).map_err(|error| format!("the sheet of a closed month: {error}"))
    }
}

/// What a month was closed with before somebody opened it again: its sheet, byte for byte. The lines of its users are not kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Superseded {
    /// Which closing of the month it is of, counted from 1.
    pub number: u32,
    /// Who closed it, when, and with what.
    pub closed: MonthEvent,
    /// Who opened it again, when and why.
    pub reopened: MonthEvent,
    /// The sheet as JSON, as it was when the month was closed.
    pub sheet: String,
    /// The prices that it was reckoned with.
    pub prices: PriceBook,
    /// The rules that it was reckoned with.
    pub rules: Rules,
}

impl Superseded {
    /// The most that are kept of a month; the oldest is given up first.
    pub const MOST: u32 = 16;

    /// The sheet, read from its bytes.
    pub fn sheet(&self) -> Result<Sheet, String> {
        serde_json::from_str(&self.sheet).map_err(|error| format!("a superseded sheet: {error}"))
    }
}

/// What became of a month.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MonthRecord {
    /// Set while it is closed.
    #[serde(default)]
    pub closed: Option<ClosedMonth>,
    /// Every time that it was closed or opened again, the oldest first.
    #[serde(default)]
    pub events: Vec<MonthEvent>,
}

impl MonthRecord {
    /// Closes it.
    pub fn close(&mut self, closed: ClosedMonth) {
        self.events.push(closed.event.clone());
        self.closed = Some(closed);
    }

    /// Opens it again; answers what is superseded by that. Nothing of a month that is not closed.
    pub fn reopen(&mut self, by: Text, at: Timestamp, reason: Text) -> Option<Superseded> {
        let ClosedMonth { event, sheet, prices, rules, .. } = self.closed.take()?;
        let reopened = MonthEvent { closed: false, by, at, reason: Some(reason), ..event.clone() };
        let number = self.events.iter().filter(|event| event.closed).count();
        self.events.push(reopened.clone());
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        Some(Superseded { number, closed: event, reopened, sheet, prices, rules })
    }
}

/// A month in a list of months.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which month.
    pub month: Month,
    /// Whether it is closed.
    pub closed: bool,
    /// Every time that it was closed or opened again, the oldest first.
    pub events: Vec<MonthEvent>,
    /// The closings, counted from 1, of which the sheet is kept though the month was opened again; in order.
    #[serde(default)]
    pub superseded: Vec<u32>,
}

/// What a tenant remembers of its allocation; all else lies in the store.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Allocated {
    /// The newest version of the rules; 0 before the first.
    #[serde(default)]
    pub rules: u32,
    /// The newest version of the prices; 0 before the first.
    #[serde(default)]
    pub prices: u32,
    /// The months that are closed, in order.
    #[serde(default)]
    pub closed: Vec<Month>,
    /// The last readings of months whose data were replaced, in order; at most [`Allocated::READINGS`] of months that are over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

impl Allocated {
    /// Whether a month is closed.
    pub fn is_closed(&self, month: Month) -> bool {
        self.closed.binary_search(&month).is_ok()
    }

    /// In which months what is saved acts, if some are closed; in words.
    pub fn acts(&self) -> Option<String> {
        let from = self.closed.last()?.after();
        let open = self.readings.iter().map(|reading| reading.month);
        let open = open.filter(|month| *month < from && !self.is_closed(*month));
        let open: Vec<String> = open.map(|month| month.to_string()).collect();
        let open = if open.is_empty() { String::new() } else { format!(", and in {}, still open", open.join(", ")) };
        Some(format!("from {from} on{open}"))
    }

    /// Makes a fact part of it.
    pub fn apply(&mut self, fact: &AllocatedFact) {
        match fact {
            AllocatedFact::Rules { version, .. } => self.rules = *version,
            AllocatedFact::Prices { version, .. } => self.prices = *version,
            AllocatedFact::Closed { month } => {
                if let Err(at) = self.closed.binary_search(month) {
                    self.closed.insert(at, *month);
                }
                self.give_up(*month);
            }
            AllocatedFact::Reopened { month, .. } => self.closed.retain(|closed| closed != month),
        }
    }
}

/// What somebody did to the allocation of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AllocatedFact {
    /// Rules were saved.
    Rules {
        /// As which version.
        version: u32,
        /// Why.
        reason: Text,
    },
    /// Prices were saved.
    Prices {
        /// As which version.
        version: u32,
        /// Why.
        reason: Text,
    },
    /// A month was closed.
    Closed {
        /// Which.
        month: Month,
    },
    /// A month was opened again.
    Reopened {
        /// Which.
        month: Month,
        /// Why.
        reason: Text,
    },
}

/// What somebody wishes for the allocation of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Allocating {
    /// Save rules as the next version.
    SaveRules {
        /// The rules.
        rules: Box<Rules>,
        /// The version that they were made from: refused if another one was saved since.
        from: u32,
        /// Why.
        reason: Text,
    },
    /// Save prices as the next version.
    SavePrices {
        /// All prices of the customer.
        prices: Box<PriceBook>,
        /// The version that they were made from: refused if another one was saved since.
        from: u32,
        /// Why.
        reason: Text,
    },
    /// Close a month with its last reading and the newest rules and prices. Refused while a check fails.
    Close {
        /// Which.
        month: Month,
        /// Why; may be left out.
        reason: Option<Text>,
    },
    /// Open a closed month again. Its frozen sheet is superseded.
    Reopen {
        /// Which.
        month: Month,
        /// Why.
        reason: Text,
    },
}
