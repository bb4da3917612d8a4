//! What the tests share: the real programs, and a bad network.

#![allow(
    dead_code,
    unused_imports,
    reason = "each test file uses its part of this module"
)]

mod capture;
mod certificate;
mod files;
mod gnutls;
mod openssl;
mod process;
mod relay;
mod trials;

pub(crate) use capture::Capture;
pub(crate) use certificate::{
    Certificate, authorities, curve, p256, rsa_pss, self_signed, self_signed_between,
};
pub(crate) use files::Files;
pub(crate) use gnutls::{with_gnutls_echo, with_gnutls_serv};
pub(crate) use openssl::s_server;
pub(crate) use process::{Ended, Program, Server, client, run};
pub(crate) use relay::{Direction, Relay, Weather};
pub(crate) use trials::{has, trial};

use std::time::Duration;

/// A deadline that only a hang misses.
pub(crate) async fn within<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future)
        .await
        .expect("it hangs")
}

/// A file of `certs/`.
pub(crate) fn cert(name: &str) -> String {
    format!("{}/certs/{name}", env!("CARGO_MANIFEST_DIR"))
}
