//! What every `SslContext` of this crate has in common.

use std::{fmt, sync::Arc};

use openssl::{
    error::ErrorStack,
    ssl::{
        Ssl, SslContext, SslContextBuilder, SslMethod, SslMode, SslOptions, SslSessionCacheMode,
    },
    version,
};

use crate::{
    error::{BuildError, ExportError, OpenSslError},
    openssl::{
        attached::Attached,
        callbacks, ffi,
        prf::{Digest, prf},
        returning::Returning,
    },
    settings::{config::SessionConfig, role::Role, version::Versions},
};

/// An `SslContext` with the configuration of the sessions it makes.
pub(crate) struct SessionContext {
    pub(crate) config: SessionConfig,
    ssl: SslContext,
    pub(crate) role: Role,
    pub(crate) versions: Versions,
    welcome: Option<Welcome>,
}

/// Whether the peer of a session that was resumed would still be let in, since nothing else is asked
/// then.
pub(crate) type Welcome = Box<dyn Fn(&Returning) -> bool + Send + Sync>;

impl fmt::Debug for SessionContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionContext")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

impl SessionContext {
    /// Whether a peer whose session was resumed may go on.
    pub(crate) fn welcomes(&self, peer: impl FnOnce() -> Result<Returning, OpenSslError>) -> bool {
        let Some(welcome) = &self.welcome else {
            return true;
        };
        peer().is_ok_and(|peer| welcome(&peer))
    }

    /// Makes the `Ssl` of one session.
    pub(crate) fn ssl(&self, attached: Attached) -> Result<Fresh, OpenSslError> {
        let mut ssl = Ssl::new(&self.ssl)?;
        match self.role {
            Role::Client => ssl.set_connect_state(),
            Role::Server => ssl.set_accept_state(),
        }
        ffi::set_mtu(&ssl, self.config.mtu);
        if attached.cookie.is_some() {
            ffi::set_cookie_exchange(&ssl);
        }
        attached.attach(&mut ssl)?;
        callbacks::install(&ssl);
        Ok(Fresh(ssl))
    }
}

/// The `Ssl` of a handshake that has not begun.
pub(crate) struct Fresh(pub(super) Ssl);

/// What a context is made of, until it is built; other files of this folder have what can be set.
pub(crate) struct ContextBuilder {
    pub(super) ssl: SslContextBuilder,
    pub(super) role: Role,
    config: SessionConfig,
}

/// A caller's last word on a context.
pub(crate) type Configure =
    Box<dyn FnOnce(&mut SslContextBuilder) -> Result<(), ErrorStack> + Send>;

impl ContextBuilder {
    /// Starts with what is the same for all of a role.
    pub(crate) fn new(role: Role, config: SessionConfig) -> Result<Self, BuildError> {
        if version::number() < OPENSSL_3_0 {
            return Err(BuildError::OpenSslTooOld {
                found: version::version(),
            });
        }
        if !SessionConfig::MTU.contains(&config.mtu) {
            return Err(BuildError::Mtu { asked: config.mtu });
        }
        for (label, length) in config.export_only.iter().flat_map(|only| only.iter()) {
            try_export(label, *length).map_err(|source| BuildError::Export {
                label: label.clone(),
                length: *length,
                source,
            })?;
        }
        let ssl = common(role, &config)?;
        Ok(Self { ssl, role, config })
    }

    /// Lets a caller change what it likes.
    pub(crate) fn configure(&mut self, configure: Configure) -> Result<(), OpenSslError> {
        Ok(configure(&mut self.ssl)?)
    }

    /// Makes the context; `welcome` is asked by servers.
    pub(crate) fn build(self, versions: Versions, welcome: Option<Welcome>) -> Arc<SessionContext> {
        Arc::new(SessionContext {
            config: self.config.settle(),
            ssl: self.ssl.build(),
            role: self.role,
            versions,
            welcome,
        })
    }
}

/// Tries what a session is to export, with secrets that are none: a handshake's end would be too late to refuse it.
fn try_export(label: &str, length: usize) -> Result<(), ExportError> {
    ExportError::check(label, None)?;
    let randoms = [0; 64];
    let mut out = vec![0; length];
    prf(
        Digest::Sha256,
        &[0; 48],
        label.as_bytes(),
        &[&randoms],
        &mut out,
    )?;
    Ok(())
}

fn common(role: Role, config: &SessionConfig) -> Result<SslContextBuilder, OpenSslError> {
    let mut context = SslContextBuilder::new(match role {
        Role::Client => SslMethod::dtls_client(),
        Role::Server => SslMethod::dtls_server(),
    })?;
    // The MTU set on an `Ssl` survives only with NO_QUERY_MTU, and needs it to be used at all.
    context.set_options(
        SslOptions::NO_QUERY_MTU
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::NO_COMPRESSION
            | SslOptions::CIPHER_SERVER_PREFERENCE,
    );
    // An identity is its whole chain: without NO_AUTO_CHAIN OpenSSL would look for the rest of a
    // chain of one in each handshake.
    context.set_mode(SslMode::RELEASE_BUFFERS | SslMode::NO_AUTO_CHAIN);
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    ffi::set_max_send_fragment(&mut context, config.mtu.max(LEAST_FRAGMENT))?;
    ffi::set_max_cert_list(&mut context, role.max_message());
    Ok(context)
}

const OPENSSL_3_0: i64 = 0x3000_0000;

/// The smallest fragment that OpenSSL lets itself be limited to.
const LEAST_FRAGMENT: usize = 512;
