//! The client's side: whom to believe, and handshakes made from it.

pub(crate) mod builder;
pub(crate) mod reach;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use crate::{
    connector::builder::{ConnectorBuilder, Credential},
    context::SessionContext,
    datagrams::Pipe,
    error::HandshakeError,
    ffi,
    handshake::{Handshake, Started},
    psk::{Psk, choice::PskChoice},
    record_layer::{ingress::Role, transport::Transport},
    resumption::{
        Resumption,
        scope::Scope,
        store::{Place, SessionStore},
    },
    roots::Roots,
};

/// Makes the client's half of handshakes; cheap to clone.
///
/// ```no_run
/// use dtls_session::{Connector, Roots};
/// use udp_demux::ConnectedSocket;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder(Roots::system()).build()?;
/// let socket = ConnectedSocket::connect("192.0.2.1:5684".parse()?)?;
/// let session = connector.connect("coap.example", socket).await?;
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
    /// not wait; None ends the handshake with [`HandshakeError::NoPsk`].
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
    pub fn connect(&self, name: &str, pipe: impl Into<Pipe>) -> Handshake {
        Handshake::new(
            pipe.into(),
            |pipe| self.start(name, None, pipe),
            &self.context,
        )
    }

    /// Starts a handshake as [`Self::connect`] does, and offers to resume a session: the server
    /// has the last word, and [`SessionInfo::resumed`](crate::SessionInfo::resumed) tells of it.
    ///
    /// What is not [usable](Self::can_resume) is not offered.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn resume(&self, name: &str, resumption: &Resumption, pipe: impl Into<Pipe>) -> Handshake {
        Handshake::new(
            pipe.into(),
            |pipe| self.start(name, Some(resumption), pipe),
            &self.context,
        )
    }

    /// Starts a handshake with the server called `name` at `peer`, to which `pipe` leads: it
    /// offers to resume the last session with it, and remembers the new one in
    /// [its store](ConnectorBuilder::session_store).
    ///
    /// A handshake that fails makes it forget what was offered, so that the next one is a full one.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect_resuming(
        &self,
        name: &str,
        peer: SocketAddr,
        pipe: impl Into<Pipe>,
    ) -> Handshake {
        let mut place = Place::new(&self.sessions, name, peer);
        let offered = place.offer();
        let start = |pipe| self.start(name, offered, pipe);
        Handshake::new(pipe.into(), start, &self.context).with_place(place)
    }

    /// Starts a full handshake, and remembers its session as [`Self::connect_resuming`] does.
    pub(crate) fn connect_anew(
        &self,
        name: &str,
        peer: SocketAddr,
        pipe: impl Into<Pipe>,
    ) -> Handshake {
        let place = Place::new(&self.sessions, name, peer);
        let start = |pipe| self.start(name, None, pipe);
        Handshake::new(pipe.into(), start, &self.context).with_place(place)
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

    fn start(&self, name: &str, resumption: Option<&Resumption>, pipe: Pipe) -> Started {
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
