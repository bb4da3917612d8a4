//! What sides prove who they are by, as values: it may use `openssl` and what that may use.

pub(crate) mod identity;
pub(crate) mod psk;
pub(crate) mod psk_keys;
pub(crate) mod roots;
pub(crate) mod secret;
pub(crate) mod server_name;
