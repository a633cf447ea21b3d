use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;

use crate::engine::report::{ClientId, Inbox, Shop};
use crate::model::{Change, Event, Fleet, Text};

/// Who listens.
#[derive(Default)]
pub(super) struct Clients {
    all: BTreeMap<ClientId, Listener>,
    last: ClientId,
}

struct Listener {
    by: Text,
    events: mpsc::Sender<Event>,
    /// It could not keep up; it hears nothing until it has room, then the whole fleet.
    lags: bool,
}

impl Clients {
    pub(super) fn join(&mut self, by: Text, events: mpsc::Sender<Event>) -> ClientId {
        self.last += 1;
        self.all.insert(self.last, Listener { by, events, lags: false });
        self.last
    }

    pub(super) fn leave(&mut self, id: ClientId) {
        self.all.remove(&id);
    }

    pub(super) fn ids(&self) -> Vec<ClientId> {
        self.all.keys().copied().collect()
    }

    /// The name that a client acts in.
    pub(super) fn by(&self, id: ClientId) -> Text {
        self.all.get(&id).map(|client| client.by.clone()).unwrap_or_default()
    }

    /// Tells a fact to all but those who are about to get the whole fleet.
    pub(super) fn tell(&mut self, change: Change, except: &[ClientId], shop: &Shop, runtime: &tokio::runtime::Handle) {
        let change = Arc::new(change);
        for (id, client) in &mut self.all {
            if client.lags || except.contains(id) {
                continue;
            }
            client.send(*id, Event::Change(Arc::clone(&change)), shop, runtime);
        }
    }

    /// Sends the whole fleet.
    pub(super) fn hello(&mut self, id: ClientId, fleet: &Fleet, shop: &Shop, runtime: &tokio::runtime::Handle) {
        if let Some(client) = self.all.get_mut(&id) {
            client.lags = false;
            client.send(id, Event::Hello(Box::new(fleet.clone())), shop, runtime);
        }
    }

    /// Answers the asker alone. An answer waits for room; it is never dropped.
    pub(super) fn answer(&mut self, id: ClientId, event: Event, runtime: &tokio::runtime::Handle) {
        let Some(client) = self.all.get(&id) else { return };
        if let Err(mpsc::error::TrySendError::Full(event)) = client.events.try_send(event) {
            let events = client.events.clone();
            runtime.spawn(async move {
                // The client is gone: nobody is left to hear it.
                let _ = events.send(event).await;
            });
        }
    }
}

impl Listener {
    fn send(&mut self, id: ClientId, event: Event, shop: &Shop, runtime: &tokio::runtime::Handle) {
        match self.events.try_send(event) {
            // A client that is gone says so itself.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.lags = true;
                let events = self.events.clone();
                let inbox = shop.inbox.clone();
                runtime.spawn(async move {
                    if events.reserve().await.is_ok()
                        && let Some(inbox) = inbox.upgrade()
                    {
                        // The engine ended: nothing more to hear.
                        let _ = inbox.send(Inbox::CaughtUp { client: id }).await;
                    }
                });
            }
        }
    }
}
