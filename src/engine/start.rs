use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tokio::sync::{Semaphore, mpsc};

use super::Engine;
use super::core::Core;
use super::report::{Shop, staging_permits};
use crate::cloud::Cloud;
use crate::config;
use crate::model::{Clock, Fleet, Listed, PartnerName};
use crate::store::{Store, StoreError};

/// How many messages may lie in the inbox. Pages are bounded by their bytes besides.
const INBOX: usize = 2048;

impl Engine {
    /// Starts it inside the present tokio runtime, with the clouds of the partners that the configuration names, and the
    /// names of products that a published list gives. `keep` says how long runs and license counts are kept, `schedule` when
    /// tenants are imported by themselves if that is asked for ([`Engine::keep_schedule`]).
    pub fn start(
        mut store: Store,
        clouds: BTreeMap<PartnerName, Cloud>,
        import: &config::Import,
        listed: Arc<Listed>,
        keep: &config::Store,
        schedule: &config::Schedule,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let stale_after_s = i64::try_from(import.stale_after.as_secs()).unwrap_or(i64::MAX);
        let fleet = fleet(&store, stale_after_s, listed)?;
        store.sweep(&fleet)?;
        let reader = store.reader();
        let (inbox, messages) = mpsc::channel(INBOX);
        let shop = Shop {
            inbox: inbox.downgrade(),
            slots: Arc::new(Semaphore::new(import.tenants_at_once.max(1) as usize)),
            staging: Arc::new(Semaphore::new(staging_permits())),
            snapshots: Arc::new(AtomicU64::new(store.next_snapshot().0)),
            limits: Arc::new(import.clone()),
            clock,
        };
        let core =
            Core::new(store, fleet, clouds, shop, keep.clone(), schedule.clone(), tokio::runtime::Handle::current());
        std::thread::Builder::new()
            .name("engine".to_owned())
            .spawn(move || core.serve(messages))
            .map_err(|error| StoreError::thread(&error))?;
        Ok(Self { inbox, reader })
    }
}

/// The fleet as the store has it, with the names of a published list, which the store does not keep.
pub(super) fn fleet(store: &Store, stale_after_s: i64, listed: Arc<Listed>) -> Result<Fleet, StoreError> {
    let mut fleet = store.load(stale_after_s)?;
    Arc::make_mut(&mut fleet.catalog).set_listed(listed);
    Ok(fleet)
}
