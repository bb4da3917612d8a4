//! Pre-shared keys, as OpenSSL asks for them (RFC 4279).

use std::ffi::CStr;

use openssl::error::ErrorStack;

use crate::{
    error::OpenSslError,
    openssl::{
        answer::{Answer, Key},
        attached::Attached,
        context::ContextBuilder,
        ffi, message_log,
    },
};

/// What OpenSSL wants to know of a client.
pub(crate) struct Asked<'a> {
    /// The identity, up to its first zero byte.
    pub(crate) identity: &'a [u8],
    /// Whether that is all that the client has sent.
    pub(crate) is_whole: bool,
    /// Where the key is, if it was fetched.
    pub(crate) answer: Option<&'a Answer>,
}

/// What a server goes on with.
pub(crate) struct Given {
    pub(crate) key: Key,
    /// What the session's ticket brings back.
    pub(crate) mark: [u8; 32],
    /// Whether the client is one that the server has a key for.
    pub(crate) known: bool,
}

impl ContextBuilder {
    /// Lets `give` find the keys of clients (`SSL_CTX_set_psk_server_callback`).
    pub(crate) fn give_psk(&mut self, give: impl Fn(&Asked<'_>) -> Given + Send + Sync + 'static) {
        message_log::watch(&mut self.ssl);
        self.ssl
            .set_psk_server_callback(move |ssl, identity, buffer| {
                let identity = identity.unwrap_or_default();
                let presented = Attached::presented(ssl);
                let Given { key, mark, known } = give(&Asked {
                    identity,
                    is_whole: presented.is_some_and(|it| it.is_whole(identity)),
                    answer: Attached::of(ssl).and_then(|attached| attached.answer.as_ref()),
                });
                if let Some(presented) = presented {
                    presented.answered(known);
                }
                if let Some(session) = ssl.session() {
                    ffi::set_ticket_data(session, &mark)?;
                }
                Ok::<_, ErrorStack>(write(&key, buffer))
            });
    }

    /// Lets `choose` find a client's identity and key by the server's hint
    /// (`SSL_CTX_set_psk_client_callback`).
    pub(crate) fn choose_psk(
        &mut self,
        choose: impl Fn(Option<&[u8]>) -> Option<(Vec<u8>, Key)> + Send + Sync + 'static,
    ) {
        self.ssl
            .set_psk_client_callback(move |_, hint, identity, buffer| {
                let Some((name, key)) = choose(hint) else {
                    return Ok(0);
                };
                // The identity ends with a zero byte.
                let Some(room) = identity.get_mut(..=name.len()) else {
                    return Ok(0);
                };
                room[..name.len()].copy_from_slice(&name);
                room[name.len()] = 0;
                Ok(write(&key, buffer))
            });
    }

    /// Tells clients which key to use.
    pub(crate) fn set_psk_hint(&mut self, hint: &CStr) -> Result<(), OpenSslError> {
        Ok(ffi::set_psk_hint(&mut self.ssl, hint)?)
    }
}

/// Writes a key to the start of OpenSSL's buffer and returns its length; 0 is none.
fn write(key: &[u8], buffer: &mut [u8]) -> usize {
    match buffer.get_mut(..key.len()) {
        Some(room) => {
            room.copy_from_slice(key);
            key.len()
        }
        None => 0,
    }
}
