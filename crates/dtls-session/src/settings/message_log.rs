//! Handshake messages and alerts, for whoever looks for a fault.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// A handshake message, an alert or a ChangeCipherSpec, as it was before encryption or is after
/// decryption.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct PassedMessage<'a> {
    /// Whether this side sends it.
    pub sent: bool,
    /// The content type of its record (RFC 5246 6.2.1): 20 for ChangeCipherSpec, 21 for an alert, 22
    /// for a handshake message.
    pub content_type: u8,
    /// The whole message; one of the handshake with its header (RFC 6347 4.2.2), as one fragment.
    pub bytes: &'a [u8],
}

/// Takes one message.
pub(crate) type MessageLog = Arc<dyn Fn(&PassedMessage<'_>) + Send + Sync>;

/// Lets a log see a message.
pub(crate) fn tell(log: &MessageLog, sent: bool, content_type: u8, bytes: &[u8]) {
    let message = PassedMessage {
        sent,
        content_type,
        bytes,
    };
    // A panic must not get into OpenSSL, which would abort the process, nor end a session.
    let _ = catch_unwind(AssertUnwindSafe(|| log(&message)));
}
