//! Handshake messages: their fragments, and those that stand on the wire for all to read.

mod client_hello;
mod client_hello_start;
mod fragment;
mod hello_verify_request;
mod key_update;
mod message_record;
mod server_hello;

pub use client_hello::ClientHello;
pub use client_hello_start::ClientHelloStart;
pub use fragment::{Fragment, Fragments, fragments};
pub use hello_verify_request::HelloVerifyRequest;
pub use key_update::KeyUpdate;
pub use message_record::MessageRecord;
pub use server_hello::ServerHello;

use crate::{Decoder, Fault, Malformed};

/// A session ID, of 32 bytes at most (RFC 5246 7.4.1.2).
fn session_id<'a>(from: &mut Decoder<'a>) -> Result<&'a [u8], Malformed> {
    let session_id = from.vector8("session_id")?;
    if session_id.len() > 32 {
        return Err(from.fault("session_id", session_id.len(), Fault::Length));
    }
    Ok(session_id)
}
