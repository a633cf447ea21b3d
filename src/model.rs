//! The words of the house: ids, tenants, SKUs, users, runs, wishes and facts.
//!
//! Plain data that every room above shares. Nothing here asks a clock, a disk, a network or a terminal.

pub mod allocation;
mod audit;
mod audit_rows;
mod catalog;
mod checks;
mod clock;
mod common;
mod diff;
mod due;
mod expiry;
mod fact;
mod filter;
mod finding;
mod fleet;
mod fleet_licenses;
mod holder;
mod ids;
mod license_day;
mod look;
mod mask;
mod packed;
mod person;
mod role;
mod row;
mod run;
mod shared;
mod sku;
mod sold;
mod spread;
mod state;
mod tenant;
mod text;
mod ticket;
mod user;
mod wish;

pub use audit::{AuditRow, Deed, Outcome};
pub use audit_rows::{AuditAsk, AuditFrom, AuditGather, AuditLine, AuditLook, AuditRows, AuditSeen, Chain};
pub use catalog::{Catalog, Listed, LocalName};
pub use checks::{Checks, Explained, Known};
pub use clock::Clock;
pub use common::{Others, TOGETHER};
pub use diff::{
    Changed, Compared, DiffField, DiffId, DiffKind, DiffLine, DiffLook, DiffNames, DiffRow, DiffSums, DiffValue,
    Difference, SkuDifference, compare_skus, user_rows,
};
pub use due::{Ask, Backlog, Due, DueWhy};
pub use expiry::{AppKey, Credentials, Ends, Expiry, ExpiryKey, ExpiryState, Gdap, GdapStatus, Related};
pub use fact::{Change, Customer, Event, SetOutcome, SoldOutcome};
pub use filter::{Filter, FilterError, Filterable, Term};
pub use finding::{Finding, Grade};
pub use fleet::{Fleet, Partner, RUNS_WITH_JOBS};
pub use fleet_licenses::{
    Coverage, FleetLicenses, Gap, Product, ProductKey, ProductShares, Reading, Share, Spare, shares,
};
pub use holder::{Double, Holder, Oddities, Oddity, Products, Tally};
pub use ids::{
    Id, Key, OfPlan, OfSku, OfTenant, OfUser, ParseIdError, PartnerName, PlanId, RunId, SkuId, SnapshotId, TenantId,
    UserId,
};
pub use license_day::{LicenseDay, LicenseHistory, LicenseReading, Units, day_of};
pub use look::{Counted, Exported, Found, Look, People, Reads, Seen, TriesSeen, Try, UsersLook, UsersSeen};
pub use mask::mask;
pub use packed::Packed;
pub use person::{PersonRow, UserField};
pub use role::{Caller, Present, Role, SessionId, Verb, roles_page};
pub use row::TenantRow;
pub use run::{Entry, Job, JobState, Run, RunKind, RunState, Selling, Set, Step, Totals, WaitReason, Was};
pub use shared::Shared;
pub use sku::{Basis, LicenseRow, Prepaid, ServicePlan, Sku, SkuCount, joined, license_rows, off};
pub use sold::{Sold, Subscription};
pub use spread::Burst;
pub use state::State;
pub use tenant::{Active, DataSet, Failing, Good, HeldBack, Pause, Tenant};
pub use text::{Text, clean, guarded};
pub use ticket::{Differs, Ticket};
pub use user::{AssignedLicense, FIELDS, Fixed, Manager, TEXT_FIELDS, TextField, User};
pub use wish::{Command, Scope};
