#![doc = include_str!("../README.md")]
//!
//! # Guide
//!
//! - [`Endpoint`]: a socket and its peers. Clone nothing, share it by reference or [`Arc`](std::sync::Arc).
//! - [`Incoming`]: [`reply`](Incoming::reply), [`accept`](Incoming::accept), or drop.
//! - [`Channel`]: one peer. It is the unit of a task: give each its own.
//! - [`Config::divert`], [`Incoming::accept_candidate`] and [`Promotion`]: how a peer that starts anew from the
//!   same address gets a second channel, tried beside the first, before it takes its place.
//! - [`bind_shards`]: several endpoints on one address, one for each thread.
//! - [`Stats`], [`ChannelStats`]: what was received, sent and dropped, and why.
#![forbid(unsafe_code)]

mod adapters;
mod address;
mod backlog;
mod batch;
#[cfg(target_os = "linux")]
mod burst;
mod channel;
mod config;
mod departure;
mod driver;
mod endpoint;
mod error;
mod inbox;
mod incoming;
mod outbox;
mod queue;
mod shards;
mod shared;
mod socket;
mod stats;
mod table;

pub use channel::Channel;
pub use config::Config;
pub use endpoint::Endpoint;
pub use error::{AcceptError, OpenError, RecvError, SendError};
pub use incoming::{Incoming, Promotion};
pub use shards::bind_shards;
pub use stats::{ChannelStats, Stats};
