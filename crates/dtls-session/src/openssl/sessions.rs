//! Sessions that a client may resume.

use std::time::Duration;

use openssl::ssl::{SslRef, SslSession, SslSessionRef};

use crate::{error::OpenSslError, openssl::ffi, wall_clock};

/// A session that a handshake offers to resume: of one's own, because OpenSSL writes to it.
pub(crate) struct Former(pub(super) SslSession);

impl Former {
    /// Reads it (`d2i_SSL_SESSION`), if it is from `scope` and neither side has to have forgotten it.
    pub(crate) fn from_der(der: &[u8], scope: &[u8]) -> Option<Self> {
        let session = SslSession::from_der(der).ok()?;
        let good = ffi::session_id_context(&session) == scope
            && ffi::is_resumable(&session)
            && !has_expired(&session);
        good.then_some(Self(session))
    }
}

/// Finds out whether bytes are a session at all.
pub(crate) fn check(der: &[u8]) -> Result<(), OpenSslError> {
    SslSession::from_der(der)?;
    Ok(())
}

/// Writes a client's session (`i2d_SSL_SESSION`); None if the server gave nothing to resume by.
pub(crate) fn to_der(ssl: &SslRef) -> Option<Vec<u8>> {
    let session = ssl.session()?;
    if ssl.is_server() || !ffi::is_resumable(session) {
        return None;
    }
    session.to_der().ok()
}

/// Whether it is older than this side's timeout or what the server has said of its ticket.
fn has_expired(session: &SslSessionRef) -> bool {
    let timeout = u64::try_from(session.timeout()).unwrap_or(0);
    let lifetime = match ffi::ticket_lifetime_hint(session) {
        0 => timeout,
        hint => hint.min(timeout),
    };
    let began = Duration::from_secs(u64::try_from(session.time()).unwrap_or(0));
    wall_clock::now().saturating_sub(began) >= Duration::from_secs(lifetime)
}
