//! What every front door holds: wishes in, facts out.

use tokio::sync::mpsc;

use crate::model::{Command, Event};

/// A client of the engine. Dropping it ends the client and nothing else.
#[derive(Debug)]
pub struct Client {
    /// Wishes. `try_send` it from the console's loop: a full channel means "busy", never a wait.
    pub commands: mpsc::Sender<Command>,
    /// The first event is [`Event::Hello`].
    pub events: mpsc::Receiver<Event>,
}
