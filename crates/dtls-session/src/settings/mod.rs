//! What a caller sets, as values: it uses only files in the crate's root.

pub(crate) mod config;
pub(crate) mod key_log;
pub(crate) mod limits;
pub(crate) mod message_log;
pub(crate) mod preferences;
pub(crate) mod protection;
pub(crate) mod role;
pub(crate) mod version;
