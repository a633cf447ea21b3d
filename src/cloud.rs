//! The three services behind base URLs.
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::config;
use crate::failure::Failure;
use crate::model::{Clock, Customer, Sku, TenantId, User, WaitReason};

/// Why a connection to a partner cannot be set up: the configuration or a credential file is wrong.
#[derive(Debug, thiserror::Error)]
#[error("partner `{partner}`: {why}")]
pub struct SetupError {
    pub partner: String,
    pub why: String,
}

/// Told while requests go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// A request was sent (a repeat if `repeat`).
    Asked { repeat: bool },
    /// An answer or a part of it came: inflated bytes.
    Received { bytes: u64 },
    /// It waits, then asks again. `attempt` is the try that follows, counted from 2.
    Waiting { reason: WaitReason, status: Option<u16>, wait: Duration, attempt: u32 },
    /// A Graph token was refused or near its end and a new one was got.
    NewToken,
}

/// Where notes go; called often, must not block.
pub type Tell = Arc<dyn Fn(Note) + Send + Sync>;

/// A page of a list.
#[derive(Debug)]
pub struct Page<T> {
    pub rows: Vec<T>,
    /// Where the next one is; absent on the last.
    pub next: Option<NextLink>,
    /// Inflated size.
    pub bytes: u64,
}

/// The way to the next page: opaque, checked to lead to the host that it came from.
#[derive(Debug, Clone)]
pub struct NextLink(#[allow(dead_code)] String);

/// Why a page did not come.
#[derive(Debug)]
pub enum Fault {
    /// Refused, broken or out of reach: understood as a failure.
    Refused(Box<Failure>),
    /// The page token expired: start again from page 1 and throw away what came.
    PageTokenExpired(Box<Failure>),
}

/// The connection to one partner's clouds. One for each `[[partner]]`, kept for the life of the process. Cheap to clone.
#[derive(Clone)]
pub struct Cloud {}

impl Cloud {
    pub fn open(
        _partner: &config::Partner,
        _import: &config::Import,
        _vault_dir: &Path,
        _clock: Clock,
    ) -> Result<Self, SetupError> {
        todo!()
    }
    /// Hop 1.
    pub async fn sign_in(&self, _tell: &Tell) -> Result<Session, Box<Failure>> {
        todo!()
    }
}

/// A partner that is signed in, for one run. Cheap to clone.
#[derive(Clone)]
pub struct Session {}

impl Session {
    pub async fn customers(&self, _tell: &Tell) -> Result<Vec<Customer>, Box<Failure>> {
        todo!()
    }
    pub fn tenant(&self, _tenant: TenantId, _tell: Tell) -> TenantSession {
        todo!()
    }
}

/// One customer's tenant in one run.
pub struct TenantSession {}

impl TenantSession {
    pub async fn sign_in(&mut self) -> Result<(), Box<Failure>> {
        todo!()
    }
    pub async fn users(&mut self, _from: Option<&NextLink>) -> Result<Page<User>, Fault> {
        todo!()
    }
    pub async fn skus(&mut self) -> Result<Vec<Sku>, Fault> {
        todo!()
    }
}
