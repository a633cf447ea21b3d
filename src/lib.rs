//! tenantop: the operations console of a Microsoft CSP partner's support engineers.
//!
//! The modules stand in the order in which they may use each other: each uses only what stands above it.

/// What a refusal of Entra, Graph or Partner Center means, whose turn it is and what to do. Pure.
pub mod failure;
/// Ids, tenants, SKUs, users, runs, wishes (`Command`), facts (`Change`) and the `Fleet` that they make up. Pure.
pub mod model;
/// The two channels that every front door holds.
pub mod client;
/// The configuration file, its defaults and the origin of each value.
pub mod config;
/// The embedded store: snapshots that are staged and swapped, runs, small records. Only here is redb named.
pub mod store;
/// The three services behind base URLs. Only here is reqwest named and secrets readable.
pub mod cloud;
/// The one owner of store and fleet: decides commands, runs imports, keeps and tells changes.
pub mod engine;
/// The unix socket: the two channels for whoever is in another process.
pub mod link;
/// The console.
pub mod tui;
/// The command line: commands, rows, exit codes.
pub mod cli;
/// Practice mode: all of the above on a made-up cloud.
pub mod practice;

/// A made-up cloud over HTTP for practice and tests. Uses nothing of the modules above.
pub mod sim;
