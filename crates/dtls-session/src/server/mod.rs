//! Servers: which handshakes are made, and how many; it may use every other folder but `client`.

pub(crate) mod acceptor;
mod admission;
mod allowance;
pub(crate) mod builder;
mod common;
mod doorstep;
pub(crate) mod listener;
mod notice;
mod psk_lookup;
pub(crate) mod refusal;
mod registry;
mod server_names;
pub(crate) mod sessions;
mod table;
