//! The identity as the client has sent it.
//!
//! OpenSSL gives it to its callback, and keeps it, as a C string: of `dev`, a zero byte and `evil` it
//! knows `dev`, which is another client's. So the message is looked at when OpenSSL has put it together.

use std::sync::{Mutex, MutexGuard, PoisonError};

use dtls_wire::{Decoder, Fragment, HandshakeType};

/// Where the identity of one handshake is kept.
#[derive(Debug, Default)]
pub(crate) struct Presented(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    identity: Option<Vec<u8>>,
    /// Whether there is a key for it, once that was asked.
    known: Option<bool>,
}

impl Presented {
    /// Looks at a handshake message that OpenSSL is about to read.
    pub(super) fn watch(&self, message: &[u8]) {
        if let Some(identity) = identity(message) {
            self.state().identity = Some(identity.to_vec());
        }
    }

    /// Whether what OpenSSL takes for the identity is all of it.
    pub(super) fn is_whole(&self, identity: &[u8]) -> bool {
        self.state().identity.as_deref() == Some(identity)
    }

    /// Takes note of whether there is a key for the identity.
    pub(super) fn answered(&self, known: bool) {
        self.state().known = Some(known);
    }

    /// The identity that a key was asked for, and whether there is one.
    pub(super) fn asked(&self) -> Option<(Vec<u8>, bool)> {
        let state = self.state();
        Some((state.identity.clone()?, state.known?))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a ClientKeyExchange starts with (RFC 4279 2, RFC 5489 2), where a pre-shared key is used.
fn identity(message: &[u8]) -> Option<&[u8]> {
    let (message, _) = Fragment::split(message).ok()?;
    let identity = Decoder::new(message.body).vector16("psk_identity").ok()?;
    (message.handshake_type == HandshakeType::CLIENT_KEY_EXCHANGE).then_some(identity)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dtls_wire::Encode;

    #[test]
    fn only_a_whole_identity_is_found() {
        let message = |kind: u8, body: &[u8]| {
            let whole = Fragment::whole(HandshakeType::new(kind), 2, body);
            whole.to_vec().unwrap()
        };
        for (message, found) in [
            (message(16, b"\0\x03dev"), Some(&b"dev"[..])),
            (message(16, b"\0\x05dev\0x\x20point"), Some(b"dev\0x")),
            (message(16, b"\0\0"), Some(b"")),
            (message(16, b"\0\x04dev"), None),
            (message(16, b"\0"), None),
            (message(11, b"\0\x03dev"), None),
            (b"\x10".to_vec(), None),
            (vec![], None),
        ] {
            assert_eq!(identity(&message), found);
        }
    }
}
