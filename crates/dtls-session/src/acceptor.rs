//! The server's side: an identity, and handshakes made from it.

use std::{fmt, sync::Arc};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    rand::rand_bytes,
    ssl::{Ssl, SslContextBuilder, SslMethod, SslVerifyMode},
};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::{
    config::SessionConfig,
    context::{self, Configure, SessionContext},
    error::{BuildError, HandshakeError},
    ffi,
    gate::VerifiedHello,
    handshake::{Handshake, Started},
    hello::Hello,
    identity::Identity,
    ingress::Role,
    roots::Roots,
    scope::Scope,
    secret::SharedSecret,
    supported_versions,
    tickets::TicketKeys,
    transport::Transport,
    version::Version,
};

/// Makes the server's half of handshakes; cheap to clone.
///
/// ```
/// use dtls_session::{Acceptor, Identity, SessionConfig};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");
/// let identity = Identity::from_pem_files(format!("{dir}/server.pem"), format!("{dir}/server.key"))?;
/// let acceptor = Acceptor::builder(identity).session(SessionConfig::default().mtu(1232)).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Acceptor {
    context: Arc<SessionContext>,
    secret: SharedSecret,
    tickets: Arc<TicketKeys>,
}

impl Acceptor {
    /// Starts with what the server shows its clients.
    pub fn builder(identity: Identity) -> AcceptorBuilder {
        AcceptorBuilder {
            identity,
            session: SessionConfig::default(),
            clients: None,
            secret: None,
            configure: None,
        }
    }

    /// Returns the secret of its tickets, and of the cookies of a listener that has it.
    pub fn shared_secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Starts a handshake over a pipe whose peer needs no cookie: it is known to receive at its
    /// address.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn accept<S: AsyncRead + AsyncWrite + Unpin>(&self, pipe: S) -> Handshake<S> {
        Handshake::new(self.start(pipe), &self.context)
    }

    /// Goes on with the handshake of a client whose cookie was good, over a pipe to that client.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn accept_verified<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        hello: &VerifiedHello,
        pipe: S,
    ) -> Handshake<S> {
        Handshake::new(self.resume(hello, pipe), &self.context)
    }

    fn start<S>(&self, pipe: S) -> Started<S> {
        let (mut ssl, pace) = self.context.ssl()?;
        self.tickets.attach(&mut ssl)?;
        let config = &self.context.config;
        let transport = Transport::new(pipe, Role::Server, config.mtu, None);
        Ok((ssl, pace, transport.allow_1_3(config.allows_1_3())))
    }

    /// Returns the hello that a datagram starts with, if it starts a handshake of DTLS 1.3, for
    /// which OpenSSL has no stateless cookie.
    pub(crate) fn unproven<'a>(&self, datagram: &'a [u8]) -> Option<Hello<'a>> {
        if !self.context.config.allows_1_3() {
            return None;
        }
        Hello::parse(datagram).filter(|hello| {
            hello.message_sequence == 0
                && supported_versions::offer(hello.extensions, Version::Dtls1_3)
        })
    }

    /// Whether there may be handshakes that a HelloVerifyRequest belongs to.
    pub(crate) fn allows_cookies(&self) -> bool {
        self.context.config.min_version < Version::Dtls1_3
    }

    /// Starts the handshake of a client of DTLS 1.3, whose hello is to come out of the pipe: before
    /// anything else it asks for a cookie, with a HelloRetryRequest (RFC 9147 5.1).
    pub(crate) fn accept_unproven<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        pipe: S,
    ) -> Handshake<S> {
        let started = self.start(pipe).and_then(|(mut ssl, pace, transport)| {
            let mut cookie = vec![0; 32];
            rand_bytes(&mut cookie)?;
            ssl.set_ex_data(cookie_index()?, cookie);
            ffi::set_cookie_exchange(&ssl);
            Ok((ssl, pace, transport))
        });
        Handshake::new(started, &self.context)
    }

    fn resume<S>(&self, hello: &VerifiedHello, pipe: S) -> Started<S> {
        let (mut ssl, pace) = self.context.ssl()?;
        self.tickets.attach(&mut ssl)?;
        ssl.set_ex_data(cookie_index()?, hello.cookie.to_vec());
        if !ffi::listen(&mut ssl, &hello.record)? {
            return Err(HandshakeError::HelloRefused);
        }
        // A cookie that took longer may have been asked for twice (Karn's rule).
        if let Some(round_trip) = hello.round_trip()
            && round_trip < self.context.config.initial_rto
        {
            pace.observe(round_trip);
        }
        let mtu = self.context.config.mtu;
        let mut transport = Transport::new(pipe, Role::Server, mtu, Some(hello.sequence));
        transport.hold(&mut hello.rest.to_vec());
        Ok((ssl, pace, transport))
    }
}

/// Gathers what an [`Acceptor`] needs.
pub struct AcceptorBuilder {
    identity: Identity,
    session: SessionConfig,
    clients: Option<(Roots, SslVerifyMode)>,
    secret: Option<SharedSecret>,
    configure: Option<Configure>,
}

impl AcceptorBuilder {
    /// Sets sizes and times (default: [`SessionConfig::default`]).
    pub fn session(mut self, config: SessionConfig) -> Self {
        self.session = config;
        self
    }

    /// Asks clients for a certificate and refuses one that does not lead to `roots`; a client
    /// may show none (default: clients are not asked).
    pub fn request_client_certificate(mut self, roots: Roots) -> Self {
        self.clients = Some((roots, SslVerifyMode::PEER));
        self
    }

    /// Refuses clients that show no certificate that leads to `roots` (default: clients are not
    /// asked).
    pub fn require_client_certificate(mut self, roots: Roots) -> Self {
        self.clients = Some((
            roots,
            SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        ));
        self
    }

    /// Makes cookies and session tickets (RFC 5077) with a secret that other servers have, too, so
    /// that clients may go on with any of them (default: a random one).
    pub fn shared_secret(mut self, secret: SharedSecret) -> Self {
        self.secret = Some(secret);
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

    /// Makes the acceptor.
    ///
    /// # Errors
    ///
    /// A [`BuildError`] if OpenSSL is too old or refuses a setting.
    pub fn build(self) -> Result<Acceptor, BuildError> {
        let mut context = context::builder(SslMethod::dtls_server(), &self.session)?;
        self.identity.install(&mut context)?;
        let mut scope = Scope::new("server");
        if let Some((roots, mode)) = &self.clients {
            roots.install(&mut context)?;
            roots.install_names(&mut context)?;
            context.set_verify(*mode);
            scope = roots.narrow(scope.with(&mode.bits().to_be_bytes()))?;
        }
        context.set_session_id_context(&scope.digest())?;
        ffi::set_ticket_callback(&mut context);
        // An `Ssl` is primed only with a hello whose cookie the gate found good; this makes sure
        // that the one OpenSSL reads is the very same.
        let index = cookie_index()?;
        context.set_cookie_verify_cb(move |ssl, cookie| {
            ssl.ex_data(index)
                .is_some_and(|verified| verified == cookie)
        });
        context.set_cookie_generate_cb(move |ssl, room| write_cookie(ssl.ex_data(index), room));
        context.set_stateless_cookie_verify_cb(move |ssl, cookie| {
            ssl.ex_data(index).is_some_and(|made| made == cookie)
        });
        context.set_stateless_cookie_generate_cb(move |ssl, room| {
            write_cookie(ssl.ex_data(index), room)
        });
        if let Some(configure) = self.configure {
            configure(&mut context)?;
        }
        let secret = match self.secret {
            Some(secret) => secret,
            None => SharedSecret::random()?,
        };
        Ok(Acceptor {
            context: SessionContext::new(context, self.session, Role::Server),
            tickets: TicketKeys::new(&secret),
            secret,
        })
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

/// Writes the cookie of a handshake that has one of its own.
fn write_cookie(cookie: Option<&Vec<u8>>, room: &mut [u8]) -> Result<usize, ErrorStack> {
    let cookie = cookie.ok_or_else(ErrorStack::get)?;
    let room = room.get_mut(..cookie.len()).ok_or_else(ErrorStack::get)?;
    room.copy_from_slice(cookie);
    Ok(cookie.len())
}

fn cookie_index() -> Result<Index<Ssl, Vec<u8>>, ErrorStack> {
    static INDEX: std::sync::LazyLock<Result<Index<Ssl, Vec<u8>>, ErrorStack>> =
        std::sync::LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
