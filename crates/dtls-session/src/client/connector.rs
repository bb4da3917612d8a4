//! The client's side: whom to believe, and handshakes made from it.

use std::sync::Arc;

use crate::{
    client::{
        builder::{ConnectorBuilder, Credential},
        connect::Connect,
        psk_choice::PskChoice,
    },
    credentials::{psk::Psk, roots::Roots, server_name::normal},
    datagrams::Pipe,
    error::HandshakeError,
    handshake::{Handshake, Started},
    openssl::{attached::Attached, client, context::SessionContext, scope::Scope},
    record_layer::{ingress::Role, pace::Pace, transport::Transport},
    resumption::{Resumption, store::SessionStore},
};

/// Makes the client's half of handshakes; cheap to clone.
///
/// ```no_run
/// use dtls_session::{Connector, Roots};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let connector = Connector::builder(Roots::system()).build()?;
/// let session = connector.connect("coap.example:5684").await?;
/// session.send(b"hello").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Connector {
    pub(super) context: Arc<SessionContext>,
    pub(super) scope: Scope,
    pub(super) sessions: SessionStore,
}

impl Connector {
    /// Starts with the authorities that the client trusts.
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

    /// Connects to a server, `HOST:PORT`, when what it returns is awaited.
    pub fn connect<'a>(&'a self, server: &'a str) -> Connect<'a> {
        Connect::new(self, server)
    }

    /// Returns whether a session with the server called `name` may be resumed: it has not expired,
    /// and began with the same name, authorities and identity as this connector's. What
    /// [`configure`](ConnectorBuilder::configure) sets is not compared.
    ///
    /// `name` is the host's name alone, such as `coap.example`. With a port behind it the answer is always
    /// false.
    pub fn can_resume(&self, name: &str, resumption: &Resumption) -> bool {
        resumption.session(&self.scope_of(name)).is_some()
    }

    /// Starts a handshake with the server called `name`.
    pub(super) fn handshake(
        &self,
        name: &str,
        former: Option<&Resumption>,
        pipe: Pipe,
    ) -> Handshake {
        let start = |pipe| self.start(name, former, pipe);
        Handshake::new(pipe, start, &self.context)
    }

    fn scope_of(&self, name: &str) -> [u8; 32] {
        self.scope.clone().with(normal(name).as_bytes()).digest()
    }

    fn start(&self, name: &str, resumption: Option<&Resumption>, pipe: Pipe) -> Started {
        // OpenSSL's crate panics at the one, and takes the other for all subdomains.
        if name.contains('\0') || name.starts_with('.') {
            return Err(HandshakeError::Name {
                name: name.to_owned(),
            });
        }
        let pace = Arc::new(Pace::new(&self.context.config));
        let attached = Attached {
            timer: Some(pace.clone()),
            ..Attached::default()
        };
        let mut ssl = self.context.ssl(attached)?;
        let scope = self.scope_of(name);
        let former = resumption.and_then(|resumption| resumption.session(&scope));
        client::aim(&mut ssl, &normal(name), &scope, former.as_ref())?;
        let transport = Transport::new(pipe, Role::Client, self.context.config.mtu, &pace, None)
            .allow_1_3(self.context.versions.allow_1_3());
        Ok((ssl, pace, transport))
    }
}
