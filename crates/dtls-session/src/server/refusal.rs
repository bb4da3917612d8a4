//! Clients that were not let in, for want of room.

use std::net::SocketAddr;

/// A client that was refused because a limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The client, which has returned a cookie.
    pub peer: SocketAddr,
    /// The limit that was reached.
    pub limit: Limit,
}

/// What [`Limits`](crate::Limits) bounds of the clients that have returned a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::half_open`](crate::Limits::half_open).
    HalfOpen,
    /// [`Limits::half_open_per_address`](crate::Limits::half_open_per_address).
    HalfOpenPerAddress,
    /// [`Limits::sessions`](crate::Limits::sessions).
    Sessions,
    /// [`Limits::per_address`](crate::Limits::per_address).
    PerAddress,
}
