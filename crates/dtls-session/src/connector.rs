//! The client's side: whom to believe, and handshakes made from it.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslMethod, SslVerifyMode},
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    config::SessionConfig,
    context::{self, Configure, SessionContext},
    error::{BuildError, HandshakeError},
    ffi,
    handshake::{Handshake, Started},
    identity::Identity,
    ingress::Role,
    preferences::Preferences,
    psk::Psk,
    psk_choice::PskChoice,
    refusal,
    resumption::Resumption,
    roots::Roots,
    scope::Scope,
    session_store::{Place, SessionStore},
    suites::Proofs,
    transport::Transport,
};

/// Makes the client's half of handshakes; cheap to clone.
///
/// ```no_run
/// use dtls_session::{Connector, Roots};
/// use udp_demux::{Config, Endpoint};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder(Roots::system()).build()?;
/// let endpoint = Endpoint::bind("0.0.0.0:0".parse()?, Config::default())?;
/// let channel = endpoint.open("192.0.2.1:5684".parse()?)?;
/// let session = connector.connect("coap.example", channel).await?;
/// session.send(b"hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector {
    context: Arc<SessionContext>,
    scope: Scope,
    sessions: SessionStore,
}

impl Connector {
    /// Starts with whom to believe.
    pub fn builder(roots: Roots) -> ConnectorBuilder {
        ConnectorBuilder::new(Credential::Certificate(roots))
    }

    /// Starts with a key that the server has, too (RFC 4279), which takes the place of all
    /// certificates: the server proves who it is by knowing the key.
    pub fn with_psk(psk: Psk) -> ConnectorBuilder {
        ConnectorBuilder::new(Credential::Psk(PskChoice::Always(psk)))
    }

    /// Starts with a way to choose the key by the server's hint, if it gives one (RFC 4279 5.2).
    ///
    /// The hint comes unauthenticated: it may help to choose, and is no reason to use a key that
    /// this server should not have. `choose` is called in the middle of a handshake's poll and must
    /// not wait; None ends the handshake with [`HandshakeError::NoPsk`](crate::HandshakeError::NoPsk).
    ///
    /// ```
    /// use dtls_session::{Connector, Psk};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let psk = Psk::new("device-7", [7; 16])?;
    /// let connector = Connector::with_psk_choice(move |hint| {
    ///     (hint == Some(b"factory")).then(|| psk.clone())
    /// })
    /// .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_psk_choice(
        choose: impl Fn(Option<&[u8]>) -> Option<Psk> + Send + Sync + 'static,
    ) -> ConnectorBuilder {
        ConnectorBuilder::new(Credential::Psk(PskChoice::ByHint(Arc::new(choose))))
    }

    /// Starts a handshake with a server that has to be called `name`, a DNS name or an IP
    /// address, by its certificate.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect<S: AsyncRead + AsyncWrite + Unpin>(&self, name: &str, pipe: S) -> Handshake<S> {
        Handshake::new(self.start(name, None, pipe), &self.context)
    }

    /// Starts a handshake as [`Self::connect`] does, and offers to resume a session: the server
    /// has the last word, and [`Session::resumed`](crate::Session::resumed) tells of it.
    ///
    /// What is not [usable](Self::can_resume) is not offered.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn resume<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        resumption: &Resumption,
        pipe: S,
    ) -> Handshake<S> {
        Handshake::new(self.start(name, Some(resumption), pipe), &self.context)
    }

    /// Starts a handshake with the server called `name` at `peer`, to which `pipe` leads: it
    /// offers to resume the last session with it, and remembers the new one in
    /// [its store](ConnectorBuilder::session_store).
    ///
    /// A handshake that fails makes it forget the server, so that the next one is a full one.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect_resuming<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        peer: SocketAddr,
        pipe: S,
    ) -> Handshake<S> {
        let place = Place {
            store: self.sessions.clone(),
            name: name.to_owned(),
            peer,
        };
        let started = self.start(name, place.get().as_ref(), pipe);
        Handshake::new(started, &self.context).with_place(place)
    }

    /// Returns whether a session with the server called `name` may be resumed: it has not expired,
    /// and began with the same name, authorities and identity as this connector's. What
    /// [`configure`](ConnectorBuilder::configure) sets is not compared.
    pub fn can_resume(&self, name: &str, resumption: &Resumption) -> bool {
        resumption.session(&self.scope_of(name)).is_some()
    }

    pub(crate) fn sessions(&self) -> &SessionStore {
        &self.sessions
    }

    fn scope_of(&self, name: &str) -> [u8; 32] {
        self.scope.clone().with(name.as_bytes()).digest()
    }

    fn start<S>(&self, name: &str, resumption: Option<&Resumption>, pipe: S) -> Started<S> {
        // OpenSSL's crate panics at the one, and takes the other for all subdomains.
        if name.contains('\0') || name.starts_with('.') {
            return Err(HandshakeError::Name {
                name: name.to_owned(),
            });
        }
        let (mut ssl, pace) = self.context.ssl()?;
        let scope = self.scope_of(name);
        ffi::set_session_id_context(&ssl, &scope)?;
        if let Some(session) = resumption.and_then(|resumption| resumption.session(&scope)) {
            ffi::set_session(&ssl, &session)?;
        }
        let ip = name.parse::<IpAddr>();
        if ip.is_err() {
            ssl.set_hostname(name)?;
        }
        // Also where any is accepted, so that the session can tell what is wrong with it.
        match ip {
            Ok(ip) => ssl.param_mut().set_ip(ip)?,
            Err(_) => ssl.param_mut().set_host(name)?,
        }
        let transport = Transport::new(pipe, Role::Client, self.context.config.mtu, None)
            .allow_1_3(self.context.versions.allow_1_3());
        Ok((ssl, pace, transport))
    }
}

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
    configure: Option<Configure>,
}

/// How the server proves who it is.
enum Credential {
    Certificate(Roots),
    Psk(PskChoice),
}

impl ConnectorBuilder {
    fn new(credential: Credential) -> Self {
        Self {
            credential,
            session: SessionConfig::default(),
            preferences: Preferences::default(),
            plain_psk: false,
            identity: None,
            verify: true,
            sessions: SessionStore::default(),
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

    /// Sets where [`Connector::connect_resuming`] remembers sessions (default: a store of its own).
    pub fn session_store(mut self, store: SessionStore) -> Self {
        self.sessions = store;
        self
    }

    /// Accepts any server, whoever it is: the session is then open to anybody on the path.
    /// [`SessionInfo::refusal`](crate::SessionInfo::refusal) tells what is wrong with its certificate.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.verify = false;
        self
    }

    /// Lets `configure` change the `openssl` context after everything else, for what this
    /// builder has no word for. What it breaks is its own affair.
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
        let mut context = context::builder(SslMethod::dtls_client(), &self.session)?;
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
                roots.install(&mut context)?;
                scope = roots.narrow(scope)?;
                (proofs.ecdsa, proofs.rsa) = (true, true);
            }
            Credential::Psk(psk) => {
                scope = psk.narrow(scope)?;
                psk.install(&mut context);
                (proofs.psk, proofs.plain_psk) = (true, self.plain_psk);
            }
        }
        self.preferences
            .install(&mut context, proofs, Role::Client)?;
        scope = self.preferences.narrow(scope, proofs);
        if let Some(identity) = &self.identity {
            identity.install(&mut context)?;
            scope = identity.narrow(scope)?;
        }
        let mode = if self.verify {
            SslVerifyMode::PEER
        } else {
            SslVerifyMode::NONE
        };
        refusal::watch(&mut context, mode, |_| true);
        if let Some(configure) = self.configure {
            configure(&mut context)?;
        }
        let context = SessionContext::new(
            context,
            self.session,
            Role::Client,
            self.preferences.versions(),
        );
        Ok(Connector {
            context,
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
