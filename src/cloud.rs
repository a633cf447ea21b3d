//! The three services behind base URLs: sign-in, customer list, users and SKUs.
//!
//! ```text
//! Cloud --sign_in (hop 1, the rotated refresh token is durable first)--> Session --customers--> list
//!                                                                          |--relations--> GDAP, of the own tenant
//!                                                                          |--sold--> subscriptions of a customer
//!                                                                          '--tenant--> TenantSession (hop 2, pages)
//!       --login (a person: browser, device code, a token from elsewhere)--> checked, tried, then stored
//! ```
//!
//! Only here is reqwest named and only here can a secret be read. Every request passes `line`, which bounds the answer
//! in size and time and follows no redirect, and `retry`, one pure judgement of what to do after a refusal. A token
//! goes to the host that it belongs to and to no other.

mod center;
mod customers;
mod files;
mod gate;
mod keys;
mod known;
mod line;
mod login;
mod pace;
mod places;
mod reach;
mod relations;
mod retry;
mod session;
mod token;
mod vault;
mod watched;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::failure::Failure;
use crate::model::{Clock, WaitReason};

pub use known::{SecretFiles, StoredToken, credentials, key_source, secret_files, stored_token};
pub use login::{BrowserLogin, Candidate, DeviceLogin, LoginError, LoginStep, PASTED_LIMIT};
pub use reach::{Reached, Spoke};
pub use session::{Session, TenantSession};
pub use vault::{Shelf, Turn, Vault, store_refresh_token};
pub use wire::{
    Commerce, Relationship, decode_commerce, decode_customers, decode_relationships, decode_skus, decode_subscriptions,
    decode_token, decode_users,
};

/// Why a connection to a partner cannot be set up: the configuration or a credential file is wrong.
#[derive(Debug, thiserror::Error)]
#[error("partner `{partner}`: {why}")]
pub struct SetupError {
    /// The operator's name of the partner.
    pub partner: String,
    /// What is wrong, and what to do.
    pub why: String,
}

impl SetupError {
    fn new(partner: &config::Partner, why: impl std::fmt::Display) -> Self {
        Self { partner: partner.name.to_string(), why: why.to_string() }
    }
}

/// Told while requests go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A request was sent.
    Asked {
        /// The same was sent before.
        repeat: bool,
    },
    /// An answer came.
    Received {
        /// Its inflated size.
        bytes: u64,
    },
    /// It waits, then asks again.
    Waiting {
        /// Why.
        reason: WaitReason,
        /// Status of the answer; absent if there was none.
        status: Option<u16>,
        /// How long.
        wait: Duration,
        /// The try that follows, counted from 2.
        attempt: u32,
    },
    /// A Graph token was refused or near its end and a new one was got.
    NewToken,
}

/// Where notes go. Called often; must not block.
pub type Tell = Arc<dyn Fn(Note) + Send + Sync>;

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    /// Its rows. A page may be empty and not the last.
    pub rows: Vec<T>,
    /// Where the next one is; absent on the last.
    pub next: Option<NextLink>,
    /// Inflated size of the answer.
    pub bytes: u64,
}

/// The way to the next page: opaque, and checked to lead to the host that it came from.
#[derive(Debug, Clone)]
pub struct NextLink(url::Url);

/// Why a page did not come.
#[derive(Debug)]
pub enum Fault {
    /// Refused, broken or out of reach.
    Refused(Box<Failure>),
    /// The page token expired: start again from page 1 and throw away what came.
    PageTokenExpired(Box<Failure>),
}

/// The connection to one partner's clouds. One for each `[[partner]]`, kept for the life of the process. Cheap to
/// clone.
#[derive(Clone)]
pub struct Cloud(Arc<Inner>);

/// What all sessions of a partner share.
struct Inner {
    line: line::Line,
    places: places::Places,
    identity: token::Identity,
    vault: Vault,
    /// Where this partner's tokens lie in it.
    place: vault::Place,
    partner: config::Partner,
    /// One use of the stored refresh token at a time.
    signing_in: tokio::sync::Mutex<()>,
}

impl Cloud {
    /// Sets up a connection; nothing is sent yet, and nothing asked of the vault. Refuses plain HTTP to anything but this
    /// host, and credential files that others can read.
    pub fn open(
        partner: &config::Partner,
        import: &config::Import,
        vault: &Vault,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let places = places::Places::of(partner)?;
        let identity = token::Identity::read(partner, &vault.files)?;
        let line = line::Line::new(import, clock);
        Ok(Self(Arc::new(Inner {
            line,
            places,
            identity,
            vault: vault.clone(),
            place: vault.place(partner),
            partner: partner.clone(),
            signing_in: tokio::sync::Mutex::default(),
        })))
    }
}
