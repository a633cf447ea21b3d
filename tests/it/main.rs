//! The one integration binary: journeys, the command line, the cloud, the store, the console in a pty, docs, the house.
#![expect(clippy::unwrap_used, reason = "the test exemption does not reach helpers outside test functions")]
#![expect(clippy::expect_used, reason = "the test exemption does not reach helpers outside test functions")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it waits for and panics at the rest")]
#![expect(clippy::format_push_string, reason = "a configuration is written once for each test")]

mod allocation;
mod asked;
mod backup;
mod catalog;
mod cli;
mod crash;
mod credentials;
mod diff;
mod days;
mod docs;
mod doctor;
mod exports;
mod failures;
mod fleet_licenses;
mod forced;
mod holders;
mod house;
mod journeys;
mod licenses;
mod login;
mod metrics;
mod months;
mod package;
mod practice;
mod probe;
mod pty;
mod published;
mod record;
mod relations;
mod roles;
mod samples;
mod schedule;
mod service;
mod sign_in;
mod sim;
mod sold;
mod spread;
mod worked;
mod world;
