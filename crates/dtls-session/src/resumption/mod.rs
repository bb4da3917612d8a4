//! What a client keeps of a session to resume it: it may use `credentials`, `openssl` and what these may use.

pub(crate) mod store;

use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{
    error::ResumptionError,
    openssl::sessions::{self, Former},
};

/// What a client needs to resume a session: its keys, and the server's ticket (RFC 5077) or
/// session ID (RFC 5246 7.3); cheap to clone.
///
/// A resumed handshake costs the server no signature and takes fewer bytes, and no certificate is
/// checked anew. So it goes on only under the same name, with the same authorities and the same
/// identity; [`Connect::resume_from`](crate::Connect::resume_from) makes sure of that.
///
/// Whoever has its bytes can read what is resumed from it: keep them as a private key.
///
/// ```
/// # use dtls_session::{Connector, Pipe};
/// # async fn example(connector: Connector, first: Pipe, second: Pipe)
/// #     -> Result<(), Box<dyn std::error::Error>> {
/// let session = connector.connect("coap.example").over(first).await?;
/// if let Some(resumption) = session.resumption() {
///     drop(session);
///     let session = connector.connect("coap.example").resume_from(&resumption).over(second).await?;
///     println!("resumed: {}", session.info().resumed);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Resumption(Arc<Zeroizing<Vec<u8>>>);

impl Resumption {
    /// Reads what [`Self::as_der`] has given (`d2i_SSL_SESSION`).
    ///
    /// # Errors
    ///
    /// [`ResumptionError::Malformed`].
    pub fn from_der(der: &[u8]) -> Result<Self, ResumptionError> {
        sessions::check(der).map_err(ResumptionError::Malformed)?;
        Ok(Self(Arc::new(Zeroizing::new(der.to_vec()))))
    }

    /// Returns it in OpenSSL's own form (`i2d_SSL_SESSION`), keys included.
    pub fn as_der(&self) -> &[u8] {
        &self.0
    }

    /// Takes what [`sessions::to_der`] has written.
    pub(crate) fn new(der: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(der)))
    }

    /// Whether it is a clone of the other.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns what a handshake can offer, if it is from `scope` and neither side has to have forgotten it.
    pub(crate) fn session(&self, scope: &[u8]) -> Option<Former> {
        Former::from_der(&self.0, scope)
    }
}

impl fmt::Debug for Resumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resumption").finish_non_exhaustive()
    }
}
