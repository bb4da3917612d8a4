//! What a server's contexts do that a client's do not.

use openssl::ssl::{ClientHelloResponse, NameType, SniError, SslVersion};

use crate::{
    error::OpenSslError,
    openssl::{
        callbacks,
        context::{ContextBuilder, Fresh},
        cookies, ffi,
        identity::Shown,
        scope::Scope,
    },
};

impl ContextBuilder {
    /// Makes sessions get and bring back tickets, and be resumed in `scope` only: under the name that they
    /// began with, and under no other (RFC 6066 3), which OpenSSL leaves to its user.
    pub(crate) fn resume_within(&mut self, scope: Scope) -> Result<(), OpenSslError> {
        self.ssl.set_session_id_context(&scope.clone().digest())?;
        self.ssl.set_client_hello_callback(move |ssl, _| {
            if let Some(name) = ffi::requested_server_name(ssl) {
                let name = name.strip_suffix(b".").unwrap_or(name);
                let scope = scope.clone().with(&name.to_ascii_lowercase());
                ffi::set_session_id_context(ssl, &scope.digest())?;
            }
            Ok(ClientHelloResponse::SUCCESS)
        });
        callbacks::install_tickets(&mut self.ssl);
        Ok(())
    }

    /// Makes handshakes ask for the cookie that they are made for.
    pub(crate) fn ask_for_cookies(&mut self) {
        cookies::install(&mut self.ssl);
    }

    /// Shows clients the identity that `names` has for what they ask for, an empty name if they ask for none;
    /// otherwise the context's own.
    pub(crate) fn show_by_name(&mut self, names: impl Names + Send + Sync + 'static) {
        self.ssl.set_servername_callback(move |ssl, _| {
            let name = ssl.servername(NameType::HOST_NAME).unwrap_or_default();
            match names.shown(name) {
                Some(shown) => shown.replace(ssl).map_err(|_| SniError::ALERT_FATAL),
                None => Ok(()),
            }
        });
    }
}

/// Identities by name.
pub(crate) trait Names {
    fn shown(&self, name: &str) -> Option<&Shown>;
}

/// Keeps a server's `Ssl` to DTLS 1.2, where a HelloVerifyRequest went before, which DTLS 1.3 has not (RFC 9147 5.1).
pub(crate) fn limit_to_1_2(Fresh(ssl): &mut Fresh) -> Result<(), OpenSslError> {
    Ok(ssl.set_max_proto_version(Some(SslVersion::DTLS1_2))?)
}
