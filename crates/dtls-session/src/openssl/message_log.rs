//! Handshake messages and alerts as OpenSSL sees them.

use std::sync::LazyLock;

use dtls_wire::ContentType;
use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{SslContext, SslContextBuilder, SslRef},
};

use crate::{
    openssl::{
        attached::Attached,
        ffi::{self, MessageTap},
        prelude,
    },
    settings::message_log::{MessageLog, tell},
};

/// Lets `log` see the messages of all sessions of a context.
pub(crate) fn install(context: &mut SslContextBuilder, log: MessageLog) -> Result<(), ErrorStack> {
    context.set_ex_data(index()?, log);
    watch(context);
    Ok(())
}

/// The log of an `SSL`'s context.
pub(crate) fn of(ssl: &SslRef) -> Option<MessageLog> {
    ssl.ssl_context().ex_data(index().ok()?).cloned()
}

/// Lets those who need to know a message see it, also where there is no log.
pub(crate) fn watch(context: &mut SslContextBuilder) {
    ffi::set_message_callback::<Tap>(context);
}

/// Hands on what OpenSSL reports, but for record headers and the like.
enum Tap {}

impl MessageTap for Tap {
    fn message(ssl: &SslRef, sent: bool, content_type: i32, bytes: &[u8]) {
        let content_type = u8::try_from(content_type).ok();
        if ssl.is_server() && prelude::concerns(sent, bytes) {
            return;
        }
        if !sent
            && content_type == Some(ContentType::HANDSHAKE.number())
            && let Some(presented) = Attached::presented(ssl)
        {
            presented.watch(bytes);
        }
        if let (Some(content_type @ 20..=22), Some(log)) = (content_type, of(ssl)) {
            tell(&log, sent, content_type, bytes);
        }
    }
}

fn index() -> Result<Index<SslContext, MessageLog>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<SslContext, MessageLog>, ErrorStack>> =
        LazyLock::new(SslContext::new_ex_index);
    INDEX.clone()
}
