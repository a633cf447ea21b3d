//! The embedded store.
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::model::{Fleet, Key, Partner, PartnerName, Run, RunId, Sku, SnapshotId, Tenant, User};

/// Why the store does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it.
    #[error("the store {} is held by {holder}", path.display())]
    Held { path: PathBuf, holder: String },
    /// Written by a newer tenantop.
    #[error("the store {} has format {found}, this program reads up to {known}", path.display())]
    Newer { path: PathBuf, found: u32, known: u32 },
    /// Not a store, or damaged.
    #[error("the store {} cannot be read: {why}", path.display())]
    Damaged { path: PathBuf, why: String },
    /// The disk refused.
    #[error("the store {} cannot be written: {why}", path.display())]
    Io { path: PathBuf, why: String },
}

impl StoreError {
    pub fn thread(_error: &std::io::Error) -> Self {
        todo!()
    }
}

/// The store of one process. Not `Clone`: one writer.
pub struct Store {}

/// Reads beside the writer; each call is a transaction of its own. Cheap to clone, `Send + Sync`.
#[derive(Clone)]
pub struct Reader {}

/// A page of users made ready to be written: pure CPU work, done on any thread by [`UsersPage::encode`].
pub struct UsersPage {}

impl UsersPage {
    pub fn encode(_users: &[User]) -> Self {
        todo!()
    }
    pub fn rows(&self) -> u64 {
        todo!()
    }
    pub fn size(&self) -> u64 {
        todo!()
    }
}

impl Store {
    pub fn open(_path: &Path, _cache_bytes: usize) -> Result<Self, StoreError> {
        todo!()
    }
    pub fn load(&self, _stale_after_s: i64) -> Result<Fleet, StoreError> {
        todo!()
    }
    pub fn reader(&self) -> Reader {
        todo!()
    }
    pub fn next_run(&mut self) -> RunId {
        todo!()
    }
    pub fn next_snapshot(&mut self) -> SnapshotId {
        todo!()
    }
    pub fn batch(&mut self) -> Result<Batch<'_>, StoreError> {
        todo!()
    }
    pub fn compact_when_idle(&mut self) -> Result<bool, StoreError> {
        todo!()
    }
    pub fn forget_runs_before(&mut self, _time: Timestamp) -> Result<u64, StoreError> {
        todo!()
    }
}

/// One write transaction.
pub struct Batch<'a> {
    _s: &'a mut Store,
}

impl Batch<'_> {
    pub fn stage_users(&mut self, _snapshot: SnapshotId, _page: &UsersPage) -> Result<(), StoreError> {
        todo!()
    }
    pub fn stage_skus(&mut self, _snapshot: SnapshotId, _skus: &[Sku]) -> Result<(), StoreError> {
        todo!()
    }
    pub fn seal(&mut self, _snapshot: SnapshotId) -> Result<(), StoreError> {
        todo!()
    }
    pub fn drop_snapshot(&mut self, _snapshot: SnapshotId) -> Result<(), StoreError> {
        todo!()
    }
    pub fn put_tenant(&mut self, _tenant: &Tenant) -> Result<(), StoreError> {
        todo!()
    }
    pub fn put_partner(&mut self, _partner: &Partner) -> Result<(), StoreError> {
        todo!()
    }
    pub fn put_run(&mut self, _run: &Run) -> Result<(), StoreError> {
        todo!()
    }
    pub fn put_jobs(&mut self, _run: &Run, _keys: &[Key]) -> Result<(), StoreError> {
        todo!()
    }
    pub fn commit(self, _durable: bool) -> Result<(), StoreError> {
        todo!()
    }
}

impl Reader {
    pub fn users(&self, _snapshot: SnapshotId, _each: &mut dyn FnMut(User) -> bool) -> Result<u64, StoreError> {
        todo!()
    }
    pub fn skus(&self, _snapshot: SnapshotId) -> Result<Vec<Sku>, StoreError> {
        todo!()
    }
    pub fn run(&self, _run: RunId) -> Result<Option<Run>, StoreError> {
        todo!()
    }
    pub fn runs(&self) -> Result<Vec<Run>, StoreError> {
        todo!()
    }
    pub fn partner(&self, _name: &PartnerName) -> Result<Option<Partner>, StoreError> {
        todo!()
    }
}
