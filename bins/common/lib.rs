//! What the echo programs share: addresses, the development identity, logging and exit codes.

#![forbid(unsafe_code)]

mod development;
mod exit;
mod facts;
mod generate;
mod host_port;
mod logging;
mod manual;
mod preferences;
mod seconds;
mod secret;
mod trust;

/// Runs the README's examples as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub use development::{development_identity, development_roots};
pub use exit::run;
pub use facts::FactsArgs;
pub use generate::parse;
pub use host_port::HostPort;
pub use logging::start_logging;
pub use manual::{Entry, Manual, RUST_LOG, SSLKEYLOGFILE, Section, USAGE};
pub use preferences::{PreferenceArgs, explain};
pub use seconds::seconds;
pub use secret::Secret;
pub use trust::TrustArgs;
