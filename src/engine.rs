//! The one owner of store and fleet.
use std::collections::BTreeMap;

use crate::client::Client;
use crate::cloud::Cloud;
use crate::config;
use crate::model::{Clock, PartnerName, Text};
use crate::store::{Reader, Store, StoreError};

/// Hands out clients of a running engine. Cheap to clone; the engine ends when the last one is dropped and no run goes on.
#[derive(Clone)]
pub struct Engine {}

impl Engine {
    /// Starts it inside the present tokio runtime. The engine itself has a thread of its own, since commits block.
    pub fn start(
        _store: Store,
        _clouds: BTreeMap<PartnerName, Cloud>,
        _import: &config::Import,
        _clock: Clock,
    ) -> Result<Self, StoreError> {
        todo!()
    }
    /// A client that acts in this name.
    pub fn client(&self, _by: Text) -> Client {
        todo!()
    }
    /// Reads of the store beside the engine.
    pub fn reader(&self) -> Reader {
        todo!()
    }
    /// Ends it: runs are cut off and marked, the store is closed.
    pub async fn stop(self) {
        todo!()
    }
}
