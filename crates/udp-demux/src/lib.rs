#![doc = include_str!("../README.md")]
//!
//! # Guide
//!
//! - [`Endpoint`]: a socket and its peers. Clone nothing, share it by reference or [`Arc`](std::sync::Arc).
//! - [`Incoming`]: [`reply`](Incoming::reply), [`accept`](Incoming::accept), or drop.
//! - [`Endpoint::set_responder`]: answers to strangers that need no [`Incoming`], given where they are received.
//! - [`Channel`]: one peer. It is the unit of a task: give each its own.
//! - [`Config::route`], [`Incoming::accept_candidate`] and [`Promotion`]: how a peer that starts anew from the
//!   same address gets a second channel, tried beside the first, before it takes its place.
//! - [`Route::Identifier`], [`Channel::add_identifier`], [`Channel::recv_from`] and [`Channel::set_peer`]: how a peer
//!   keeps its channel when its address changes.
//! - [`ConnectedSocket`]: a socket for one peer, such as a client's, which hears what the network says of its
//!   datagrams.
//! - [`bind_shards`]: several endpoints on one address, one for each thread.
//! - [`Stats`], [`ChannelStats`], [`ConnectedStats`]: what was received, sent and dropped, and why.
#![forbid(unsafe_code)]

mod adapters;
mod address;
mod arrival;
mod backlog;
mod batch;
mod bell;
#[cfg(target_os = "linux")]
mod burst;
mod channel;
mod config;
mod connected_adapters;
mod connected_socket;
mod departure;
mod driver;
mod endpoint;
mod error;
mod gauge;
mod identifier;
mod inbox;
mod incoming;
#[cfg(target_os = "linux")]
mod memory;
mod outbox;
mod path;
mod pump;
mod queue;
mod readiness;
mod responder;
mod route;
mod shards;
mod shared;
mod socket;
mod sources;
mod stats;
mod table;
mod waiting;

pub use channel::Channel;
pub use config::Config;
pub use connected_socket::ConnectedSocket;
pub use endpoint::Endpoint;
pub use error::{AcceptError, IdentifierError, OpenError, RecvError, SendError, SetPeerError};
pub use identifier::Identifier;
pub use incoming::{Incoming, Promotion};
pub use responder::Response;
pub use route::Route;
pub use shards::bind_shards;
pub use stats::{ChannelStats, ConnectedStats, Stats};
