//! What a server shows its clients, and what it asks of them.

use std::{ffi::CString, fmt};

use zeroize::Zeroizing;

use crate::{
    certificate::Certificate,
    credentials::{
        identity::Identity, psk::PskKey, psk_keys::PskKeys, roots::Roots, secret::SharedSecret,
    },
    error::BuildError,
    openssl::{
        context::{Configure, ContextBuilder},
        linked::openssl::{error::ErrorStack, ssl::SslContextBuilder},
        negotiation, random,
        scope::Scope,
        suites::Proofs,
        tickets::TicketKeys,
        verify::{Authorize, Verification},
    },
    server::{
        acceptor::Acceptor, admission::Admission, psk_lookup::PskLookup, server_names::ServerNames,
    },
    settings::{config::SessionConfig, preferences::Preferences, role::Role},
};

/// Gathers what an [`Acceptor`] needs.
#[must_use = "it makes nothing until it is built"]
pub struct AcceptorBuilder {
    identity: Option<Identity>,
    server_names: ServerNames,
    session: SessionConfig,
    preferences: Preferences,
    clients: Option<(Roots, Verification)>,
    authorize: Option<Authorize>,
    psk: Option<PskLookup>,
    psk_hint: Option<CString>,
    plain_psk: bool,
    secret: Option<SharedSecret>,
    configure: Option<Configure>,
}

impl AcceptorBuilder {
    pub(crate) fn new(identity: Option<Identity>) -> Self {
        Self {
            identity,
            server_names: ServerNames::default(),
            session: SessionConfig::default(),
            preferences: Preferences::default(),
            clients: None,
            authorize: None,
            psk: None,
            psk_hint: None,
            plain_psk: false,
            secret: None,
            configure: None,
        }
    }

    /// Shows another identity to clients that ask for the server `name` (SNI, RFC 6066 3); `*.`
    /// at its start stands for any one label, and neither case nor a dot at its end matters (default: the
    /// same one to all). [`Self::build`] refuses what no client asks for, and a name given twice.
    pub fn server_name(mut self, name: &str, identity: Identity) -> Self {
        self.server_names.insert(name, identity);
        self
    }

    /// Sets what to negotiate (default: [`Preferences::default`]).
    pub fn preferences(mut self, preferences: Preferences) -> Self {
        self.preferences = preferences;
        self
    }

    /// Also lets clients in that have one of these keys (RFC 4279); they need no certificate,
    /// whatever else is asked of clients.
    pub fn psk(self, keys: PskKeys) -> Self {
        self.psk_lookup(move |identity| keys.get(identity).cloned())
    }

    /// Also lets clients in whose key `lookup` finds by their identity.
    ///
    /// It is called in the middle of a handshake's poll and must not wait; [`Self::psk_fetch`] may.
    ///
    /// If it returns None, the client fails as a client with a wrong key does: the server does not answer its
    /// last flight. The server computes as much for an unknown identity as for a known one, so that the time
    /// does not tell which identities exist. `lookup` should take the same time for both, too.
    ///
    /// `lookup` is also asked when a client resumes a session. If it returns None then, the server closes that
    /// session with a close_notify at once. An identity with a zero byte has no key, because OpenSSL would cut
    /// it there.
    pub fn psk_lookup(
        mut self,
        lookup: impl Fn(&[u8]) -> Option<PskKey> + Send + Sync + 'static,
    ) -> Self {
        self.psk = Some(PskLookup::now(lookup));
        self
    }

    /// Also lets clients in whose key the future of `fetch` finds by their identity, however long
    /// that takes within the [handshake's time](SessionConfig::handshake_timeout).
    ///
    /// Only that client's handshake waits, and polls the future; if the handshake ends early, the future is
    /// dropped. `fetch` is called once in a handshake. The client has returned a cookie by then, and has proved
    /// nothing else. So [`Limits::half_open`](crate::Limits::half_open) bounds how many calls run at a time.
    ///
    /// If the future yields None, the client fails as a client with a wrong key does. The time that it takes may
    /// tell the client whether the identity exists. An identity with a zero byte has no key, because OpenSSL would
    /// cut it there; `fetch` is not called for it.
    ///
    /// The sessions get no ticket: a client that resumes has to be accepted or refused at once, and `fetch` may
    /// take too long for that.
    ///
    /// ```
    /// use dtls_session::{Acceptor, PskKey};
    ///
    /// # async fn ask_the_database(_: Vec<u8>) -> Option<[u8; 16]> { None }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let acceptor = Acceptor::with_psk_fetch(|identity| async move {
    ///     let key = ask_the_database(identity).await?;
    ///     PskKey::new(key).ok()
    /// })
    /// .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn psk_fetch<F>(mut self, fetch: impl Fn(Vec<u8>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<PskKey>> + Send + 'static,
    {
        self.psk = Some(PskLookup::later(fetch));
        self
    }

    /// Tells clients which key to use (RFC 4279 5.2); a zero byte ends it (default: nothing).
    pub fn psk_hint(mut self, hint: &str) -> Self {
        let text = hint.split('\0').next().unwrap_or_default();
        self.psk_hint = CString::new(text).ok();
        self
    }

    /// Also allows pre-shared keys without a Diffie-Hellman exchange, with GCM and CCM, as small
    /// devices have them (RFC 7925 4.2; default: only ECDHE, as RFC 9325 4.1 advises).
    /// Where [`Preferences::cipher_suites`] names the suites, that decides alone.
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

    /// Asks clients for a certificate and refuses one that does not lead to `roots`; a client
    /// may show none (default: clients are not asked).
    pub fn request_client_certificate(mut self, roots: Roots) -> Self {
        self.clients = Some((roots, Verification::Verified));
        self
    }

    /// Refuses clients that show no certificate that leads to `roots` (default: clients are not
    /// asked).
    pub fn require_client_certificate(mut self, roots: Roots) -> Self {
        self.clients = Some((roots, Verification::Required));
        self
    }

    /// Lets `decide` refuse a client whose certificate leads to the given roots (default: all of
    /// those are let in). It is called in the middle of a handshake's poll and must not wait, also
    /// for a session that is resumed. It is not called for a client without a certificate, which may get in
    /// because no certificate is required or because it has a pre-shared key.
    pub fn authorize_client(
        mut self,
        decide: impl Fn(&Certificate) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.authorize = Some(Authorize::new(decide));
        self
    }

    /// Makes cookies and session tickets (RFC 5077) with a secret that other servers have, too, so
    /// that clients may go on with any of them (default: a random one).
    pub fn shared_secret(mut self, secret: SharedSecret) -> Self {
        self.secret = Some(secret);
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

    /// Makes the acceptor.
    ///
    /// # Errors
    ///
    /// A [`BuildError`] if OpenSSL is too old or refuses a setting.
    pub fn build(self) -> Result<Acceptor, BuildError> {
        self.check()?;
        let mut context = ContextBuilder::new(Role::Server, self.session.clone())?;
        let proofs = self.proofs();
        context.negotiate(&self.preferences, proofs)?;
        // Where other suites are offered, clients prove themselves otherwise.
        let mut scope = negotiation::narrow(&self.preferences, Scope::new("server"), proofs);
        if let Some(identity) = &self.identity {
            context.show(&identity.shown)?;
        }
        if !self.server_names.is_empty() {
            context.show_by_name(self.server_names);
        }
        if let Some(psk) = self.psk.clone() {
            scope = psk.narrow(scope);
            let mut decoy = Zeroizing::new([0; 32]);
            random::fill(&mut *decoy)?;
            psk.install(&mut context, &decoy);
        }
        if let Some(hint) = &self.psk_hint {
            context.set_psk_hint(hint)?;
        }
        if let Some((roots, verification)) = &self.clients {
            context.trust(roots.given())?;
            if let Some(authorities) = roots.given() {
                context.name_authorities(authorities)?;
            }
            context.verify(*verification, self.authorize.clone());
            scope = roots.narrow(scope.with(&[*verification as u8]));
        }
        context.resume_within(scope)?;
        context.ask_for_cookies();
        if let Some(configure) = self.configure {
            context.configure(configure)?;
        }
        let secret = match self.secret {
            Some(secret) => secret,
            None => SharedSecret::random()?,
        };
        let admission = Admission {
            psk: self.psk.clone(),
            authorize: self.authorize,
        };
        let welcome = Box::new(move |client: &_| admission.still_holds(client));
        Ok(Acceptor {
            context: context.build(self.preferences.versions, Some(welcome)),
            tickets: TicketKeys::new(secret.derive("ticket")),
            psk: self.psk,
            secret,
        })
    }

    /// Finds what was asked for and would never happen.
    fn check(&self) -> Result<(), BuildError> {
        let (identity, psk) = (self.identity.is_some(), self.psk.is_some());
        let certificates = "an identity to show";
        let keys = "pre-shared keys";
        if psk && self.preferences.versions.allow_1_3() {
            return Err(BuildError::PskWithDtls13);
        }
        let allow_1_3 = self.preferences.versions.allow_1_3();
        if let Some(kind) = self
            .identities()
            .find_map(|it| it.shown.unusable(allow_1_3))
        {
            return Err(BuildError::KeyUnusable { kind });
        }
        self.server_names.check()?;
        for (asked, given, what, needs) in [
            (
                !self.server_names.is_empty(),
                identity,
                "server_name",
                certificates,
            ),
            (
                self.clients.is_some(),
                identity,
                "a client certificate",
                certificates,
            ),
            (
                self.authorize.is_some(),
                self.clients.is_some(),
                "authorize_client",
                "client certificates",
            ),
            (self.psk_hint.is_some(), psk, "psk_hint", keys),
            (self.plain_psk, psk, "allow_plain_psk", keys),
        ] {
            if asked && !given {
                return Err(BuildError::Pointless { what, needs });
            }
        }
        Ok(())
    }

    fn proofs(&self) -> Proofs {
        let keys = Proofs {
            psk: self.psk.is_some(),
            plain_psk: self.plain_psk,
            ..Proofs::default()
        };
        self.identities()
            .fold(keys, |proofs, identity| identity.shown.add_proof(proofs))
    }

    fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.identity.iter().chain(self.server_names.identities())
    }
}

impl fmt::Debug for AcceptorBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AcceptorBuilder")
            .field("identity", &self.identity)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}
