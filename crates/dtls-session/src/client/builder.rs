//! Whom a client believes, and what it shows and offers.

use std::fmt;

use crate::{
    client::{connector::Connector, psk_choice::PskChoice},
    credentials::{identity::Identity, roots::Roots},
    error::BuildError,
    openssl::{
        context::{Configure, ContextBuilder},
        linked::openssl::{error::ErrorStack, ssl::SslContextBuilder},
        negotiation,
        scope::Scope,
        suites::Proofs,
        verify::Verification,
    },
    resumption::store::SessionStore,
    settings::{config::SessionConfig, preferences::Preferences, role::Role},
};

/// Gathers what a [`Connector`] needs.
#[must_use = "it makes nothing until it is built"]
pub struct ConnectorBuilder {
    credential: Credential,
    session: SessionConfig,
    preferences: Preferences,
    plain_psk: bool,
    identity: Option<Identity>,
    verify: bool,
    sessions: SessionStore,
    max_fragment_length: Option<usize>,
    configure: Option<Configure>,
}

/// How the server proves who it is.
pub(super) enum Credential {
    Certificate(Roots),
    Psk(PskChoice),
}

impl ConnectorBuilder {
    pub(super) fn new(credential: Credential) -> Self {
        Self {
            credential,
            session: SessionConfig::default(),
            preferences: Preferences::default(),
            plain_psk: false,
            identity: None,
            verify: true,
            sessions: SessionStore::default(),
            max_fragment_length: None,
            configure: None,
        }
    }

    /// Sets what to negotiate (default: [`Preferences::default`]).
    pub fn preferences(mut self, preferences: Preferences) -> Self {
        self.preferences = preferences;
        self
    }

    /// Also allows the pre-shared key without a Diffie-Hellman exchange, with GCM and CCM,
    /// as small devices have it (RFC 7925 4.2; default: only ECDHE, as RFC 9325 4.1 advises). Where
    /// [`Preferences::cipher_suites`] names the suites, that decides alone.
    ///
    /// Whoever learns such a key later can read everything that was said before.
    pub fn allow_plain_psk(mut self) -> Self {
        self.plain_psk = true;
        self
    }

    /// Sets sizes and times (default: [`SessionConfig::default`]).
    pub fn session(mut self, config: SessionConfig) -> Self {
        self.session = config;
        self
    }

    /// Sets what to show a server that asks (default: nothing).
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Sets where a [`Connect`](crate::Connect) remembers sessions (default: a store of its own).
    pub fn session_store(mut self, store: SessionStore) -> Self {
        self.sessions = store;
        self
    }

    /// Asks the server for records of up to 512, 1024, 2048 or 4096 bytes of plaintext, as small devices
    /// do (RFC 6066 4; default: 2^14). What was agreed upon bounds both directions, and
    /// [`Session::max_datagram_size`](crate::Session::max_datagram_size) with them.
    pub fn max_fragment_length(mut self, bytes: usize) -> Self {
        self.max_fragment_length = Some(bytes);
        self
    }

    /// Accepts any server, whoever it is: the session is then open to anybody on the path.
    /// [`SessionInfo::refusal`](crate::SessionInfo::refusal) tells what is wrong with its certificate.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.verify = false;
        self
    }

    /// Lets `configure` change OpenSSL's context after everything else, for settings of OpenSSL
    /// that this builder has no method for. Nothing checks what it sets. The types are the `openssl`
    /// crate's: [`linked`](crate::linked) has it.
    pub fn configure(
        mut self,
        configure: impl FnOnce(&mut SslContextBuilder) -> Result<(), ErrorStack> + Send + 'static,
    ) -> Self {
        self.configure = Some(Box::new(configure));
        self
    }

    /// Makes the connector.
    ///
    /// # Errors
    ///
    /// A [`BuildError`] if OpenSSL is too old or refuses a setting.
    pub fn build(self) -> Result<Connector, BuildError> {
        let is_psk = matches!(self.credential, Credential::Psk(_));
        if is_psk && self.preferences.versions.allow_1_3() {
            return Err(BuildError::PskWithDtls13);
        }
        let mut context = ContextBuilder::new(Role::Client, self.session)?;
        let mut scope = Scope::new("client").with(&[self.verify.into()]);
        let mut proofs = Proofs::default();
        match self.credential {
            Credential::Certificate(_) if self.plain_psk => {
                return Err(BuildError::Pointless {
                    what: "allow_plain_psk",
                    needs: "a pre-shared key",
                });
            }
            Credential::Certificate(roots) => {
                context.trust(roots.given())?;
                scope = roots.narrow(scope);
                (proofs.ecdsa, proofs.rsa) = (true, true);
            }
            Credential::Psk(psk) => {
                scope = psk.narrow(scope)?;
                psk.install(&mut context);
                (proofs.psk, proofs.plain_psk) = (true, self.plain_psk);
            }
        }
        context.negotiate(&self.preferences, proofs)?;
        scope = negotiation::narrow(&self.preferences, scope, proofs);
        if let Some(identity) = &self.identity {
            context.show(&identity.shown)?;
            scope = identity.narrow(scope);
        }
        let verification = if self.verify {
            Verification::Verified
        } else {
            Verification::Ignored
        };
        context.verify(verification, None);
        if let Some(asked) = self.max_fragment_length {
            context.ask_for_fragments(asked)?;
        }
        if let Some(configure) = self.configure {
            context.configure(configure)?;
        }
        Ok(Connector {
            context: context.build(self.preferences.versions, None),
            scope,
            sessions: self.sessions,
        })
    }
}

impl fmt::Debug for ConnectorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorBuilder")
            .field("session", &self.session)
            .field("verify", &self.verify)
            .finish_non_exhaustive()
    }
}
