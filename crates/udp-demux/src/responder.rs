use std::{fmt, net::SocketAddr, sync::Arc};

/// What becomes of a datagram that belongs to no channel; see
/// [`Endpoint::set_responder`](crate::Endpoint::set_responder).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Response {
    /// It goes to [`Endpoint::accept`](crate::Endpoint::accept).
    Accept,
    /// What was written into the reply goes back, from the address that the peer wrote to.
    Reply,
    /// It is dropped and counted ([`Stats::discarded`](crate::Stats::discarded)).
    Discard,
}

type Respond = dyn Fn(SocketAddr, &[u8], &mut Vec<u8>) -> Response + Send + Sync;

/// Answers those who have no channel.
#[derive(Clone)]
pub(crate) struct Responder(Arc<Respond>);

impl Responder {
    pub(crate) fn new(
        respond: impl Fn(SocketAddr, &[u8], &mut Vec<u8>) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(respond))
    }

    /// Puts the answer into `reply`, whatever that held before.
    pub(crate) fn respond(
        &self,
        peer: SocketAddr,
        datagram: &[u8],
        reply: &mut Vec<u8>,
    ) -> Response {
        reply.clear();
        (self.0)(peer, datagram, reply)
    }
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Responder").finish_non_exhaustive()
    }
}
