//! What a client's `Ssl` is told of its server.

use std::net::IpAddr;

use crate::{
    error::{BuildError, OpenSslError},
    openssl::{
        context::{ContextBuilder, Fresh},
        ffi,
        sessions::Former,
    },
};

impl ContextBuilder {
    /// Asks servers for records of up to so many bytes (RFC 6066 4).
    pub(crate) fn ask_for_fragments(&mut self, asked: usize) -> Result<(), BuildError> {
        let mut codes = MAX_FRAGMENT_LENGTHS.iter().zip(1..);
        let code = codes.find(|(length, _)| **length == asked);
        let (_, code) = code.ok_or(BuildError::MaxFragmentLength { asked })?;
        let set = ffi::set_max_fragment_length(&mut self.ssl, code);
        Ok(set.map_err(OpenSslError::from)?)
    }
}

/// Makes the handshake ask for the server called `name`, offer it `former` to be resumed, and leave a session that
/// may be resumed in the same scope.
pub(crate) fn aim(
    Fresh(ssl): &mut Fresh,
    name: &str,
    scope: &[u8; 32],
    former: Option<&Former>,
) -> Result<(), OpenSslError> {
    ffi::set_session_id_context(ssl, scope)?;
    if let Some(Former(session)) = former {
        ffi::set_session(ssl, Some(session))?;
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

/// What can be asked for, in the order of its codes (RFC 6066 4), in bytes.
const MAX_FRAGMENT_LENGTHS: [usize; 4] = [512, 1024, 2048, 4096];
