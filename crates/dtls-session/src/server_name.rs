//! The name that a client has asked for, kept with its `Ssl`.

use std::sync::LazyLock;

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef},
};

/// Keeps the name, of which OpenSSL itself forgets an IP address.
pub(crate) fn remember(ssl: &mut Ssl, name: &str) -> Result<(), ErrorStack> {
    ssl.set_ex_data(index()?, name.to_owned());
    Ok(())
}

/// Returns what was kept: nothing on a server's side.
pub(crate) fn recall(ssl: &SslRef) -> Option<&str> {
    ssl.ex_data(index().ok()?).map(String::as_str)
}

fn index() -> Result<Index<Ssl, String>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, String>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
