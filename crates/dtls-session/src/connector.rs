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
use udp_demux::Channel;

use crate::{
    config::SessionConfig,
    connect::Connect,
    context::{self, Configure, SessionContext},
    error::BuildError,
    ffi,
    handshake::{Handshake, Started},
    identity::Identity,
    ingress::Role,
    resumption::Resumption,
    roots::Roots,
    scope::Scope,
    server_name,
    session::Session,
    session_store::{Place, SessionStore},
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
/// let session = connector.connect_to("coap.example:5684").await?;
/// // Or over a socket of one's own:
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
    verify: bool,
    scope: Scope,
    sessions: SessionStore,
}

impl Connector {
    /// Starts with whom to believe.
    pub fn builder(roots: Roots) -> ConnectorBuilder {
        ConnectorBuilder {
            roots,
            session: SessionConfig::default(),
            identity: None,
            verify: true,
            sessions: SessionStore::default(),
            configure: None,
        }
    }

    /// Connects to the server at `HOST:PORT`, which has to be called HOST by its certificate, from
    /// a socket of its own; what is to be different is said on the [`Connect`] before it is
    /// awaited.
    pub fn connect_to(&self, server: &str) -> Connect {
        Connect::new(self, server)
    }

    /// Connects once more to the server of a session that this connector, or one like it, has
    /// made: under the same name, at the same address, from a new socket, and resuming that
    /// session if the server lets it.
    ///
    /// The former session is left as it is, and need not have ended; dropping it tells the
    /// server.
    ///
    /// ```
    /// use dtls_session::{Connector, Session};
    /// use udp_demux::Channel;
    ///
    /// /// Asks once more over a new session if the old one has ended.
    /// async fn ask(
    ///     connector: &Connector,
    ///     session: &mut Session<Channel>,
    ///     question: &[u8],
    /// ) -> Result<(), Box<dyn std::error::Error>> {
    ///     if session.send(question).await.is_err() {
    ///         *session = connector.reconnect(session).await?;
    ///         session.send(question).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn reconnect(&self, former: &Session<Channel>) -> Connect {
        Connect::again(self, former)
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
        let former = self.former(name, peer);
        self.remembering(name, peer, former.as_ref(), pipe)
    }

    /// Returns whether a session with the server called `name` may be resumed: it has not expired,
    /// and began with the same name, authorities and identity as this connector's. What
    /// [`configure`](ConnectorBuilder::configure) sets is not compared.
    pub fn can_resume(&self, name: &str, resumption: &Resumption) -> bool {
        resumption.session(&self.scope_of(name)).is_some()
    }

    /// Returns what is remembered of the last session with a server.
    pub(crate) fn former(&self, name: &str, peer: SocketAddr) -> Option<Resumption> {
        self.sessions.get(name, peer)
    }

    /// Starts a handshake that offers to resume `former`, and remembers the new session.
    pub(crate) fn remembering<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        name: &str,
        peer: SocketAddr,
        former: Option<&Resumption>,
        pipe: S,
    ) -> Handshake<S> {
        let place = Place {
            store: self.sessions.clone(),
            name: name.to_owned(),
            peer,
        };
        Handshake::new(self.start(name, former, pipe), &self.context).with_place(place)
    }

    fn scope_of(&self, name: &str) -> [u8; 32] {
        self.scope.clone().with(name.as_bytes()).digest()
    }

    fn start<S>(&self, name: &str, resumption: Option<&Resumption>, pipe: S) -> Started<S> {
        let (mut ssl, pace) = self.context.ssl()?;
        server_name::remember(&mut ssl, name)?;
        let scope = self.scope_of(name);
        ffi::set_session_id_context(&ssl, &scope)?;
        if let Some(session) = resumption.and_then(|resumption| resumption.session(&scope)) {
            ffi::set_session(&ssl, &session)?;
        }
        let ip = name.parse::<IpAddr>();
        if ip.is_err() {
            ssl.set_hostname(name)?;
        }
        if self.verify {
            match ip {
                Ok(ip) => ssl.param_mut().set_ip(ip)?,
                Err(_) => ssl.param_mut().set_host(name)?,
            }
        }
        let config = &self.context.config;
        let transport = Transport::new(pipe, Role::Client, config.mtu, None);
        let transport = transport.allow_1_3(config.allows_1_3());
        Ok((ssl, pace, transport))
    }
}

/// Gathers what a [`Connector`] needs.
pub struct ConnectorBuilder {
    roots: Roots,
    session: SessionConfig,
    identity: Option<Identity>,
    verify: bool,
    sessions: SessionStore,
    configure: Option<Configure>,
}

impl ConnectorBuilder {
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
        self.roots.install(&mut context)?;
        let mut scope = Scope::new("client").with(&[self.verify.into()]);
        scope = self.roots.narrow(scope)?;
        if let Some(identity) = &self.identity {
            identity.install(&mut context)?;
            scope = identity.narrow(scope)?;
        }
        context.set_verify(if self.verify {
            SslVerifyMode::PEER
        } else {
            SslVerifyMode::NONE
        });
        if let Some(configure) = self.configure {
            configure(&mut context)?;
        }
        let context = SessionContext::new(context, self.session, Role::Client);
        Ok(Connector {
            context,
            verify: self.verify,
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
