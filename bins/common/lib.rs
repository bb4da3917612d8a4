//! What the echo programs share: addresses, the development identity, logging and exit codes.

#![forbid(unsafe_code)]

mod development;
mod exit;
mod facts;
mod host_port;
mod logging;
mod preferences;
mod seconds;
mod trust;

/// Runs the README's examples as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

pub use development::{development_identity, development_roots};
pub use exit::run;
pub use facts::FactsArgs;
pub use host_port::HostPort;
pub use logging::start_logging;
pub use preferences::PreferenceArgs;
pub use seconds::seconds;
pub use trust::TrustArgs;
