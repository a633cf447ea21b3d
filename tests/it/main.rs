//! The one integration binary: journeys, the command line, the cloud, the store, the console in a pty, docs, the house.
#![expect(clippy::unwrap_used, reason = "the test exemption does not reach helpers outside test functions")]
#![expect(clippy::expect_used, reason = "the test exemption does not reach helpers outside test functions")]

mod cli;
mod crash;
mod docs;
mod failures;
mod house;
mod journeys;
mod practice;
mod pty;
mod published;
mod record;
mod sim;
mod world;
