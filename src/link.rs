//! The unix socket: the same two channels for whoever is in another process.
//!
//! ```text
//! console --Command--> frames --> server --Command--> engine       console <--Event-- frames <-- server <--Event-- engine
//! a command --its wish--> frames --> server --> whoever knows commands --rows, words, questions--> frames --> the command
//! ```
//!
//! A frame is four bytes of length and MessagePack with named members. The first one says version and door; a service of
//! another version answers with one sentence. Who is at the other end the kernel says (`SO_PEERCRED`, `SO_PEERGROUPS`),
//! never the caller; what the caller says of its SSH key is kept as a hint. Asks are bounded in size and pace; a
//! wish or command with a member that nobody knows is refused, and none names a file.

mod client;
mod peer;
mod server;
mod wire;

#[cfg(test)]
mod tests;

pub use client::{Attached, Call, LinkError, Said, attach, call};
pub use peer::Groups;
pub use server::{Answers, Calls, House, Talk, serve};
pub use wire::{Hints, PROTOCOL, VERSION};
