//! What the echo programs share: addresses, the development identity, logging and exit codes.

#![forbid(unsafe_code)]

mod certificate;
mod color;
mod date;
mod descriptors;
mod development;
mod exit;
mod facts;
mod file;
mod generate;
mod host_port;
mod logging;
mod manual;
mod plain;
mod preferences;
mod records;
mod request;
mod seconds;
mod secret;
mod short_keys;
mod stderr;
mod stdout;
mod timers;
mod trust;

/// Runs the README's examples as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
pub struct Readme;

/// Compiles what `docs/serving.md` shows.
#[cfg(doctest)]
#[doc = include_str!("../../docs/serving.md")]
pub struct Serving;

pub use certificate::{CertificateFacts, Validity};
pub use color::ColorArgs;
pub use date::Date;
pub use descriptors::{describe, is_out_of_files};
pub use development::{development_identity, development_roots};
pub use exit::run;
pub use facts::{Facts, FactsArgs};
pub use file::{CUT, is_whole, read, read_text, replace};
pub use generate::{parse, parse_from};
pub use host_port::HostPort;
pub use logging::{LogArgs, tell_error};
pub use manual::{Entry, Manual, RUST_LOG, SSLKEYLOGFILE, Section, USAGE};
pub use plain::{json, octets, plain};
pub use preferences::{PreferenceArgs, explain};
pub use records::RecordArgs;
pub use request::Request;
pub use seconds::seconds;
pub use secret::Secret;
pub use short_keys::warn_of_short_keys;
pub use stderr::{flush, lost_lines, tell};
pub use stdout::{announce, print};
pub use timers::TimerArgs;
pub use trust::TrustArgs;
