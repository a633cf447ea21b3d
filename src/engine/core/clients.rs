use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::engine::report::{ClientId, Inbox, Shop};
use crate::model::{Caller, Change, Event, Fleet, Key, Present, Text};

/// Who listens.
#[derive(Default)]
pub(super) struct Clients {
    all: BTreeMap<ClientId, Listener>,
    last: ClientId,
}

struct Listener {
    caller: Caller,
    /// Whether it is one of several, who hear of each other.
    shared: bool,
    since: Timestamp,
    at: Option<Key>,
    kicked: oneshot::Sender<Text>,
    events: mpsc::Sender<Event>,
    /// It could not keep up; it hears nothing until it has room, then the whole fleet.
    lags: bool,
}

impl Clients {
    pub(super) fn join(
        &mut self,
        caller: Caller,
        shared: bool,
        (events, kicked): (mpsc::Sender<Event>, oneshot::Sender<Text>),
        since: Timestamp,
    ) -> ClientId {
        self.last += 1;
        self.all.insert(self.last, Listener { caller, shared, since, at: None, kicked, events, lags: false });
        self.last
    }

    /// Lets a client go; answers whether others hear of it.
    pub(super) fn leave(&mut self, id: ClientId) -> bool {
        self.all.remove(&id).is_some_and(|client| client.shared)
    }

    /// Notes which tenant a client looks at; answers whether others hear of it.
    pub(super) fn at(&mut self, id: ClientId, tenant: Option<Key>) -> bool {
        let Some(client) = self.all.get_mut(&id) else { return false };
        let moved = client.at != tenant;
        client.at = tenant;
        moved && client.shared
    }

    /// Ends a session at once: what it asks for from here on is nobody's. Answers whose it was.
    pub(super) fn kick(&mut self, id: ClientId, why: Text) -> Option<Text> {
        self.all.get(&id).filter(|client| client.shared)?;
        let client = self.all.remove(&id)?;
        // It may have gone already.
        let _ = client.kicked.send(why);
        Some(client.caller.name)
    }

    /// Tells all who share this engine who is here.
    pub(super) fn tell_present(&mut self, shop: &Shop, runtime: &tokio::runtime::Handle) {
        let shared = self.all.iter().filter(|(_, client)| client.shared);
        let present: Arc<[Present]> = shared
            .map(|(id, client)| Present {
                session: *id,
                name: client.caller.name.clone(),
                role: client.caller.role,
                since: client.since,
                at: client.at.clone(),
            })
            .collect();
        for (id, client) in self.all.iter_mut().filter(|(_, client)| client.shared && !client.lags) {
            client.send(*id, Event::Present(Arc::clone(&present)), shop, runtime);
        }
    }

    pub(super) fn ids(&self) -> Vec<ClientId> {
        self.all.keys().copied().collect()
    }

    /// Whom a client acts for; nobody with any right if it is gone.
    pub(super) fn caller(&self, id: ClientId) -> Caller {
        self.all.get(&id).map(|client| client.caller.clone()).unwrap_or_default()
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
