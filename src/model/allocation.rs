//! What a customer's licenses cost each of its business units, exact to the smallest coin.
//!
//! ```text
//! rules --Sorter--> each user has an outcome: a unit, units by percent, or none      (untracked)
//! users --Tally---> seats of each product by outcome
//! seats and prices --Allotment--> coins of each product by unit, untracked and idle  (sum: the bill)
//! all of it --Sheet--> rows, products, checks
//! ```
//!
//! What is decided here, once, and said on the sheet:
//!
//! - A seat is a license that a user holds, counted from the last good users. Seats of a product are purchased as Graph
//!   counts them, enabled and in grace. What nobody can hold (`appliesTo` Company) is purchased and idle.
//! - The bill of a product is its purchased seats times the price of a month, rounded once, half up, to the smallest coin.
//!   A price of a year is a twelfth a month, of three years a thirty-sixth. Several prices of a product at one time are
//!   blended by their quantities. The prices of a month are those valid on its last day; nothing is prorated.
//! - Idle seats are purchased less held, never below none. Where more are held than purchased, the bill is shared by all
//!   who hold one: it is never more than what was purchased.
//! - The coins of a product go to units, untracked and idle by their seats, by largest remainder; of equal remainders to
//!   the unit that comes first by name, then untracked, then idle. Inside a unit they go to users by their shares, by
//!   largest remainder; of equal remainders to the smaller object id. So no order of users matters, and every level adds
//!   up to the one above.
//! - A free product costs nothing, unless it has a price. A product without a price is no zero: the sheet says that it
//!   is not whole, and the month cannot be closed.
//! - A month has one currency. A user counts where he holds a seat of what is on the bill; others cost nothing.

mod allot;
mod ask;
mod attribute;
mod checks;
mod condition;
mod edit;
mod file;
mod frozen;
mod masked;
mod money;
mod month;
mod preview;
mod price_files;
mod prices;
mod reading;
mod rows;
mod rules;
mod shares;
mod sheet;
mod sorter;
mod tally;
#[cfg(test)]
pub(crate) mod tests;
mod unit;
mod values;
mod why;

pub use allot::{Allotment, Billed, Classes, Counted, Ids, PartLine, Product as BilledProduct, Writer, bill_of};
pub use ask::{AllocationAsk, AllocationLook, AllocationOf, AllocationSeen, Draft, UserShare};
pub use attribute::{Attribute, Subject};
pub use checks::{Check, Verdict};
pub use condition::{Condition, Test};
pub use frozen::{
    Allocated, AllocatedFact, Allocating, ClosedMonth, MonthEvent, MonthRecord, PricesVersion, RulesVersion, Standing,
    Superseded, checked_reason,
};
pub use masked::UnitMask;
pub use money::{Currency, apportion};
pub use month::Month;
pub use preview::{Preview, PreviewRow};
pub use price_files::{Prefilled, Wanted as PrefillWanted, from_csv, prefill, to_csv};
pub use prices::{Period, Price, PriceBook};
pub use reading::{Reading, ReadingRecord};
pub use rows::{MonthState, SheetLine, UserShareLine, cells};
pub use rules::{Assigned, Part, Rule, Rules, Then};
pub use shares::{Moved, ShareField, ShareRow, ShareThen, SharesLook, SharesRow, SharesSeen};
pub use sheet::{Computed, METHOD, ProductRow, ProductState, RowKind, RuleRow, Sheet, SheetFacts, SheetRow, says};
pub use sorter::{Chain, Desk, Link, Outcome, Sorter};
pub use tally::{Cluster, Tally};
pub use unit::{Percent, Unit, UnitPath};
pub use values::{Above, Superior, names_above, with_only};
pub use why::{Why, WhyCondition, WhyStep, is_meant};
