//! Handshake messages and alerts as OpenSSL sees them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::LazyLock,
};

use dtls_wire::ContentType;
use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{SslContext, SslContextBuilder, SslRef},
};

use crate::{
    openssl::{
        ffi::{self, MessageTap},
        prelude, presented,
    },
    settings::message_log::{MessageLog, PassedMessage},
};

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
