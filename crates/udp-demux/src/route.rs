use std::{fmt, sync::Arc};

use crate::identifier::Identifier;

/// Where a datagram belongs; see [`Config::route`](crate::Config::route).
///
/// ```
/// use udp_demux::{Config, Identifier, Route};
///
/// let config = Config::default().route(|datagram| match datagram {
///     [b'H', ..] => Route::Accept,
///     [b'I', identifier @ ..] => match identifier.get(..4).and_then(Identifier::new) {
///         Some(identifier) => Route::Identifier(identifier),
///         None => Route::Peer,
///     },
///     _ => Route::Peer,
/// });
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// To the channel of the peer that it comes from, or to [`Endpoint::accept`](crate::Endpoint::accept)
    /// if that has none.
    Peer,
    /// To [`Endpoint::accept`](crate::Endpoint::accept), as if the peer were unknown.
    Accept,
    /// To the channel that [has](crate::Channel::add_identifier) this identifier, whatever address it comes from. If
    /// none has it, the datagram is dropped and counted
    /// ([`Stats::dropped_unknown_identifier`](crate::Stats::dropped_unknown_identifier)).
    Identifier(Identifier),
    /// The same, but to [`Endpoint::accept`](crate::Endpoint::accept) if no channel has the identifier.
    IdentifierOrAccept(Identifier),
}

type Decide = dyn Fn(&[u8]) -> Route + Send + Sync;

/// Says of each datagram where it belongs.
#[derive(Clone)]
pub(crate) struct Router(Arc<Decide>);

impl Router {
    pub(crate) fn new(route: impl Fn(&[u8]) -> Route + Send + Sync + 'static) -> Self {
        Self(Arc::new(route))
    }

    pub(crate) fn route(&self, datagram: &[u8]) -> Route {
        (self.0)(datagram)
    }
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router").finish_non_exhaustive()
    }
}
