//! Clients: from a server's name to a session; it may use every other folder but `server`.

mod attempts;
pub(crate) mod builder;
pub(crate) mod connect;
pub(crate) mod connector;
mod psk_choice;
mod target;
