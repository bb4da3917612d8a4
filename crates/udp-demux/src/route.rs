/// Where a datagram of a peer that has a channel belongs; see [`Config::route`](crate::Config::route).
///
/// ```
/// use udp_demux::{Config, Route};
///
/// let config = Config::default().route(|datagram| match datagram {
///     [b'H', ..] => Route::Accept,
///     _ => Route::Peer,
/// });
/// # let _ = config;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// To the channel of the peer that it comes from.
    Peer,
    /// To [`Endpoint::accept`](crate::Endpoint::accept), as if the peer were unknown.
    Accept,
}
