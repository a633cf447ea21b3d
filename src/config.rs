//! The configuration: one file that shows everything. Precedence: default, file, environment, flag.

mod console;
mod credentials;
mod load;
mod partner;
mod products;
mod schedule;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::PartnerFacts;
use crate::model::PartnerName;

pub use console::{Bound, CONSOLE_SAMPLE, Console, ConsoleFile, LookOf, Placed, Start, StartView, ThemeName};
pub use credentials::{Credentials, credential_name};
pub use load::{ConfigError, Loaded, Origin, SAMPLE, load};
pub use partner::{Endpoints, NationalCloud, Partner, check_endpoint};
pub use products::Products;
pub use schedule::{Schedule, Window};

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where data lie.
    pub store: Store,
    /// Our partner tenants.
    #[serde(rename = "partner")]
    pub partners: Vec<Partner>,
    /// How imports run.
    pub import: Import,
    /// When a service imports by itself.
    pub schedule: Schedule,
    /// What products are called.
    pub catalog: Catalog,
    /// The service that several engineers share.
    pub service: Service,
    /// What secrets are sealed with.
    pub credentials: Credentials,
}

impl Config {
    /// What customers may know of each partner.
    pub fn partner_facts(&self) -> BTreeMap<PartnerName, PartnerFacts> {
        self.partners.iter().map(|partner| (partner.name.clone(), partner.facts())).collect()
    }
}

/// `[store]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The store's file. Absent: `store.redb` in the platform's state directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Memory that the store may use as a cache, in MiB.
    pub cache_mib: u32,
    /// How long runs are kept, in days.
    pub keep_runs_days: u32,
    /// How long license counts are kept day by day, in days.
    pub keep_history_days: u32,
}

impl Default for Store {
    fn default() -> Self {
        Self { path: None, cache_mib: 4, keep_runs_days: 90, keep_history_days: 2_557 }
    }
}

/// `[import]`
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Import {
    /// Imports in flight over all tenants, and the most requests in flight.
    pub tenants_at_once: u32,
    /// Data older than this is stale.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub stale_after: Duration,
    /// How often tenants whose sign-in is refused are probed while a console is open; what passes is imported. 0: never.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub probe_blocked_every: Duration,
    /// What Partner Center says that we sold to a tenant is read in a run that reads its data when it is older than this.
    /// 0: never.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub read_sold_every: Duration,
    /// Shrink guard: an import that would drop more than this share of a tenant's users is held aside. 0 to 1.
    pub max_user_drop: f64,
    /// How often one request is repeated after a passing fault.
    pub retries_per_request: u32,
    /// How often an import repeats requests over all.
    pub retries_per_import: u32,
    /// How often an import starts again after its page token expired.
    pub restarts_per_import: u32,
    /// The longest single wait that a service may ask for; a longer one fails the import.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub longest_wait: Duration,
    /// Time to connect.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub connect_timeout: Duration,
    /// Time from a request to the first byte of its answer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub first_byte_timeout: Duration,
    /// Time between two bytes of an answer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub next_byte_timeout: Duration,
    /// The most bytes of one answer, inflated, in MiB.
    pub max_answer_mib: u32,
    /// The most pages of one list.
    pub max_pages: u32,
}

impl Default for Import {
    fn default() -> Self {
        Self {
            tenants_at_once: 64,
            stale_after: Duration::from_hours(26),
            probe_blocked_every: Duration::ZERO,
            read_sold_every: Duration::ZERO,
            max_user_drop: 0.5,
            retries_per_request: 5,
            retries_per_import: 40,
            restarts_per_import: 3,
            longest_wait: Duration::from_mins(10),
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_mins(1),
            next_byte_timeout: Duration::from_secs(30),
            max_answer_mib: 32,
            max_pages: 20_000,
        }
    }
}

/// `[service]`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Service {
    /// Its socket. Absent: the machine's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub socket: Option<PathBuf>,
    /// The group of those who may look: its name, or its number.
    #[serde(deserialize_with = "group")]
    pub view_group: String,
    /// The group of those who may import.
    #[serde(deserialize_with = "group")]
    pub operate_group: String,
    /// The group of those who may do all.
    #[serde(deserialize_with = "group")]
    pub admin_group: String,
    /// How long a session lasts.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub longest_session: Duration,
}

impl Default for Service {
    fn default() -> Self {
        Self {
            socket: None,
            view_group: "tenantop-view".to_owned(),
            operate_group: "tenantop-operate".to_owned(),
            admin_group: "tenantop-admin".to_owned(),
            longest_session: Duration::from_hours(12),
        }
    }
}

/// A group by its name, or by its number, which a variable of the environment gives as one.
fn group<'de, D: serde::Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "the name of a group, or its number")]
    enum Group {
        Number(u32),
        Name(String),
    }
    Ok(match Group::deserialize(from)? {
        Group::Number(number) => number.to_string(),
        Group::Name(name) => name,
    })
}

/// `[catalog]`
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Catalog {
    /// Microsoft's published table of product names and service plan identifiers. Absent: the built-in names alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products_csv: Option<PathBuf>,
}
