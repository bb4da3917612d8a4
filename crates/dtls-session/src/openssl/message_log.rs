//! Handshake messages and alerts as OpenSSL sees them, for whoever looks for a fault.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, LazyLock},
};

use dtls_wire::ContentType;
use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{SslContext, SslContextBuilder, SslRef},
};

use crate::{
    ffi::{self, MessageTap},
    openssl::{prelude, presented},
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

/// Lets `log` see the messages of all sessions of a context.
pub(crate) fn install(context: &mut SslContextBuilder, log: MessageLog) -> Result<(), ErrorStack> {
    context.set_ex_data(index()?, log);
    watch(context);
    Ok(())
}

/// Lets those who need to know a message see it, also where there is no log.
pub(crate) fn watch(context: &mut SslContextBuilder) {
    ffi::set_message_callback::<Tap>(context);
}

/// Hands on what OpenSSL reports, but for record headers and the like.
enum Tap {}

impl MessageTap for Tap {
    fn message(ssl: &SslRef, sent: bool, content_type: i32, bytes: &[u8]) {
        let log = || ssl.ssl_context().ex_data(index().ok()?);
        let content_type = u8::try_from(content_type).ok();
        if ssl.is_server() && prelude::concerns(sent, bytes) {
            return;
        }
        if !sent && content_type == Some(ContentType::HANDSHAKE.number()) {
            presented::watch(ssl, bytes);
        }
        if let (Some(content_type @ 20..=22), Some(log)) = (content_type, log()) {
            let message = PassedMessage {
                sent,
                content_type,
                bytes,
            };
            // A panic must not get into OpenSSL, which would abort the process.
            let _ = catch_unwind(AssertUnwindSafe(|| log(&message)));
        }
    }
}

fn index() -> Result<Index<SslContext, MessageLog>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<SslContext, MessageLog>, ErrorStack>> =
        LazyLock::new(SslContext::new_ex_index);
    INDEX.clone()
}
