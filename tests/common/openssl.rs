//! OpenSSL's own server.

use super::{Program, cert};

/// Starts `openssl s_server` with one version, such as `-dtls1_2`; it says where after `ACCEPT `.
pub(crate) fn s_server(version: &str, flags: &[&str]) -> Program {
    let (pem, key) = (cert("server.pem"), cert("server.key"));
    let args = ["s_server", version, "-accept", "127.0.0.1:0"];
    let identity = ["-cert", &*pem, "-key", &*key];
    Program::start("openssl", &[&args, &identity, flags].concat())
}
