#![doc = include_str!("../README.md")]
//!
//! # Guide
//!
//! - [`reply`], [`Replies`]: the reply datagrams of one request, as an iterator.
//! - [`serve`], [`Serve`]: a future that answers one peer until it ends. [`Summary`] says what it did so far.
#![forbid(unsafe_code)]

mod error;
mod replies;
mod serve;

pub use error::ServeError;
pub use replies::{PREFIX, Replies, reply};
pub use serve::{Serve, Summary, serve};
