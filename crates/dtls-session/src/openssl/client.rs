//! What a client's `Ssl` is told of its server.

use std::net::IpAddr;

use openssl::ssl::{Ssl, SslSessionRef};

use crate::{error::OpenSslError, ffi};

/// Makes the handshake ask for the server called `name`, offer it `former` to be resumed, and leave a session that
/// may be resumed in the same scope.
pub(crate) fn aim(
    ssl: &mut Ssl,
    name: &str,
    scope: &[u8; 32],
    former: Option<&SslSessionRef>,
) -> Result<(), OpenSslError> {
    ffi::set_session_id_context(ssl, scope)?;
    if let Some(session) = former {
        ffi::set_session(ssl, session)?;
    }
    // The name also where any is accepted, so that the session can tell what is wrong with it.
    match name.parse::<IpAddr>() {
        Ok(ip) => ssl.param_mut().set_ip(ip)?,
        Err(_) => {
            ssl.set_hostname(name)?;
            ssl.param_mut().set_host(name)?;
        }
    }
    Ok(())
}
