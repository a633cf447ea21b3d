//! The command line.

/// What an answer or a code means, without a store or a configuration.
pub mod explain;
