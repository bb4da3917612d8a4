#![doc = include_str!("../README.md")]
//!
//! # Guide
//!
//! - [`records`], [`Record`], [`UnifiedRecord`]: a datagram taken apart.
//! - [`fragments`], [`Fragment`]: handshake messages in records; [`MessageRecord`] to write one.
//! - [`ClientHello`], [`ServerHello`], [`HelloVerifyRequest`]: the hellos; [`ClientHelloStart`] for one in parts.
//! - [`Extensions`], [`ExtensionContent`]: what is in the hellos.
//! - [`Alert`], [`ChangeCipherSpec`], [`Ack`], [`KeyUpdate`], [`RoutabilityCheck`]: the other messages.
//! - [`InnerPlaintext`]: what is within a protected record that hides its type.
//! - [`ContentType`], [`CipherSuite`] and the like: numbers with names.
//! - [`Decode`], [`Encode`]: from bytes, and to bytes.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod ack;
mod alert;
mod change_cipher_spec;
mod decode;
mod encode;
mod extension;
mod handshake;
mod list;
mod malformed;
mod record;
mod registry;
mod routability_check;

pub use ack::{Ack, RecordNumber};
pub use alert::Alert;
pub use change_cipher_spec::ChangeCipherSpec;
pub use decode::{Decode, Decoder};
pub use encode::{Encode, EncodeError, Encoder};
pub use extension::{Extension, ExtensionContent, Extensions, Hello, KeyShareEntry, ProtocolName};
pub use handshake::{
    ClientHello, ClientHelloStart, Fragment, Fragments, HelloVerifyRequest, KeyUpdate,
    MessageRecord, ServerHello, fragments,
};
pub use list::{Items, List};
pub use malformed::{Fault, Malformed};
pub use record::{
    AnyRecord, InnerPlaintext, Record, Records, UnifiedRecord, connection_id, records,
    records_with_cid, restore_sequence,
};
pub use registry::{
    AlertDescription, AlertLevel, CipherSuite, CompressionMethod, ContentType, ExtensionType,
    HandshakeType, MaxFragmentLength, NamedGroup, ProtocolVersion, PskKeyExchangeMode,
    RoutabilityCheckType, SignatureScheme, SrtpProfile,
};
pub use routability_check::RoutabilityCheck;
