//! The one owner of store and fleet.
//!
//! ```text
//! Client --Command--> core (a thread) --Work--> run (a task) --> import (a task for each tenant in flight)
//!        <---Event---                 <-------------- Report (bounded) --------------'
//!                                      '--> sales (a task for each partner): what we sold, behind the imports
//! ```
//!
//! The core has a thread of its own, since commits block. It takes what lies in its inbox, writes all of it in one
//! transaction and only then tells it: many tenants that end together share one durable commit, and no client hears
//! what is not on disk. The inbox is bounded, so a slow disk slows the fetching.

mod core;
mod guard;
mod import;
mod look;
mod plan;
mod report;
mod rota;
mod run;
mod sales;
mod schedule;
mod shelf;
mod start;

use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::client::Client;
use crate::model::{Caller, Command, Deed, Look, Reads, Text, Verb};
use crate::store::Reader;
use look::Terms;
use report::Inbox;

pub use shelf::shelf;

/// Hands out clients of a running engine. Cheap to clone. The engine ends when the last handle and the last client
/// are dropped and no run goes on.
#[derive(Clone)]
pub struct Engine {
    inbox: mpsc::Sender<Inbox>,
    reader: Reader,
}

/// How many wishes a client can have on their way before it is told "busy".
const COMMANDS: usize = 16;
/// How many facts a client can be behind before it is sent the whole fleet again.
const EVENTS: usize = 4096;

/// The same of one of many: facts are shared by all who wait for them, and a whole fleet for each would be far more. An
/// import of ten thousand tenants tells no more than that.
const EVENTS_SHARED: usize = 1 << 16;

impl Engine {
    /// A client that acts in this name, with nobody else beside it. Its first event is `Hello`.
    pub fn client(&self, by: Text) -> Client {
        self.join(Caller::alone(by), false).0
    }

    /// A client for somebody among others: it may what the role says, and hears who is here. Its first event is `Hello`.
    pub fn client_of(&self, caller: Caller) -> Client {
        self.join(caller, true).0
    }

    /// The same, with the word that ends the session before its time.
    pub fn session_of(&self, caller: Caller) -> (Client, oneshot::Receiver<Text>) {
        self.join(caller, true)
    }

    fn join(&self, caller: Caller, shared: bool) -> (Client, oneshot::Receiver<Text>) {
        let (commands, mut wishes) = mpsc::channel(COMMANDS);
        let (events, client_events) = mpsc::channel(if shared { EVENTS_SHARED } else { EVENTS });
        let (kicked, is_kicked) = oneshot::channel();
        let inbox = self.inbox.clone();
        let reader = self.reader();
        tokio::spawn(async move {
            let (answer, id) = oneshot::channel();
            let (looks, wanted) = watch::channel(Look::Away);
            let role = caller.role;
            let masked = !role.may(Verb::ExportPeople);
            let terms = Terms { masked: false, nameless: masked, role, shared };
            tokio::spawn(look::serve(wanted, reader.clone(), events.clone(), terms));
            let (exports, wanted) = watch::channel(Look::Export(None));
            let terms = Terms { masked, nameless: masked, role, shared };
            tokio::spawn(look::serve(wanted, reader, events.clone(), terms));
            if inbox.send(Inbox::Join { caller, shared, events, kicked, answer }).await.is_err() {
                return;
            }
            let Ok(client) = id.await else { return };
            // What is looked at, and what is exported beside it.
            let mut read: [Option<Reads>; 2] = [None, None];
            while let Some(command) = wishes.recv().await {
                // The core refuses a look that the role may not, as it does any wish.
                let is_shown = matches!(&command, Command::Look(_)) && role.may(Verb::of(&command));
                let look = match (command, is_shown) {
                    (Command::Look(look), true) => look,
                    (command, _) => {
                        if inbox.send(Inbox::Wish { client, command }).await.is_err() {
                            return;
                        }
                        continue;
                    }
                };
                let reads = look.reads();
                let [screen, export] = &mut read;
                let before = if look.is_export() { export } else { screen };
                if let Some(reads) = reads.clone().filter(|_| reads != *before)
                    && inbox.send(Inbox::Looks { client, reads: Box::new(reads) }).await.is_err()
                {
                    return;
                }
                *before = reads;
                // Nobody answers a client that is gone.
                let _ = if look.is_export() { exports.send(look) } else { looks.send(look) };
            }
            // A client that is gone needs no answer; an engine that is gone needs no farewell.
            let _ = inbox.send(Inbox::Leave { client }).await;
        });
        (Client { commands, events: client_events }, is_kicked)
    }

    /// Probes blocked tenants from now on, as often as the configuration says, and imports those whose probe passes.
    /// For whoever stays: a command that ends soon does not ask for it.
    pub async fn keep_watch(&self) {
        // An engine that is gone watches nothing.
        let _ = self.inbox.send(Inbox::Watch).await;
    }

    /// Imports every tenant once a day from now on, if the configuration says so. For a service: what it finds due in the
    /// store is read at once.
    pub async fn keep_schedule(&self) {
        // An engine that is gone imports nothing.
        let _ = self.inbox.send(Inbox::Schedule).await;
    }

    /// Adds something that is no wish to the audit.
    pub async fn note(&self, deed: Deed) {
        // An engine that is gone keeps nothing.
        let _ = self.inbox.send(Inbox::Did(Box::new(deed))).await;
    }

    /// The same for a thread that may block.
    pub fn note_blocking(&self, deed: Deed) {
        // An engine that is gone keeps nothing.
        let _ = self.inbox.blocking_send(Inbox::Did(Box::new(deed)));
    }

    /// Whether it still takes what comes, within a time.
    pub async fn is_alive(&self, within: Duration) -> bool {
        let (pong, alive) = oneshot::channel();
        let asked = async { self.inbox.send(Inbox::Ping { pong }).await.is_ok() && alive.await.is_ok() };
        tokio::time::timeout(within, asked).await.is_ok_and(|alive| alive)
    }

    /// Waits until it is gone: it was stopped, or a defect ended it.
    pub async fn ended(&self) {
        self.inbox.closed().await;
    }

    /// Reads of the store beside the engine.
    pub fn reader(&self) -> Reader {
        self.reader.clone()
    }

    /// Ends it: runs are cut off and marked as cancelled, the store is closed when this returns.
    pub async fn stop(self) {
        let (done, closed) = oneshot::channel();
        if self.inbox.send(Inbox::Stop { done }).await.is_ok() {
            drop(self);
            // An engine that is gone already has closed its store.
            let _ = closed.await;
        }
    }
}
