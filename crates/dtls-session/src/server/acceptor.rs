//! The server's side: handshakes.

use std::sync::Arc;

use crate::{
    cookie::{gate::VerifiedHello, hello::Hello},
    credentials::{identity::Identity, psk::PskKey, psk_keys::PskKeys, secret::SharedSecret},
    datagrams::Pipe,
    error::OpenSslError,
    handshake::{Handshake, Started},
    openssl::{
        attached::Attached,
        context::{Fresh, SessionContext},
        cookies, prelude,
        presented::Presented,
        server,
        tickets::TicketKeys,
    },
    record_layer::{ingress::Role, inquiry::PskInquiry, pace::Pace, transport::Transport},
    server::{builder::AcceptorBuilder, psk_lookup::PskLookup},
    settings::version::Version,
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
    pub(crate) context: Arc<SessionContext>,
    pub(crate) secret: SharedSecret,
    pub(crate) tickets: Arc<TicketKeys>,
    pub(crate) psk: Option<PskLookup>,
}

impl Acceptor {
    /// Starts with what the server shows its clients.
    pub fn builder(identity: Identity) -> AcceptorBuilder {
        AcceptorBuilder::new(Some(identity))
    }

    /// Starts with the pre-shared keys of its clients, and no certificate.
    pub fn with_psk(keys: PskKeys) -> AcceptorBuilder {
        AcceptorBuilder::new(None).psk(keys)
    }

    /// Starts with a way to find a client's key by its identity, and no certificate; see
    /// [`AcceptorBuilder::psk_lookup`].
    pub fn with_psk_lookup(
        lookup: impl Fn(&[u8]) -> Option<PskKey> + Send + Sync + 'static,
    ) -> AcceptorBuilder {
        AcceptorBuilder::new(None).psk_lookup(lookup)
    }

    /// Starts with a way to fetch a client's key by its identity, and no certificate; see
    /// [`AcceptorBuilder::psk_fetch`].
    pub fn with_psk_fetch<F>(
        fetch: impl Fn(Vec<u8>) -> F + Send + Sync + 'static,
    ) -> AcceptorBuilder
    where
        F: Future<Output = Option<PskKey>> + Send + 'static,
    {
        AcceptorBuilder::new(None).psk_fetch(fetch)
    }

    /// Returns the secret of its tickets, and of the cookies of a listener that has it.
    pub fn shared_secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Starts a handshake over a pipe whose peer needs no cookie: it is known to receive at its
    /// address.
    ///
    /// The session of this handshake does not notice a client that restarts (RFC 6347 4.2.8): it goes on until
    /// its [idle timeout](crate::SessionConfig::idle_timeout), and the client's new hellos get no answer. Only a
    /// [`Listener`](crate::Listener) begins a new handshake for such a client.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn accept(&self, pipe: impl Into<Pipe>) -> Handshake {
        Handshake::new(pipe.into(), |pipe| self.start(pipe, None), &self.context)
    }

    /// Goes on with the handshake of a client whose cookie was good, over a pipe to that client.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn accept_verified(&self, hello: &VerifiedHello, pipe: impl Into<Pipe>) -> Handshake {
        Handshake::new(pipe.into(), |pipe| self.resume(hello, pipe), &self.context)
            .with_hello(&hello.record)
    }

    /// Makes an `Ssl` that expects a cookie, if there is one, and what paces and feeds it.
    fn ssl(
        &self,
        cookie: Option<Vec<u8>>,
    ) -> Result<(Fresh, Arc<Pace>, Option<PskInquiry>), OpenSslError> {
        let pace = Arc::new(Pace::new(&self.context.config));
        let inquiry = self.psk.as_ref().and_then(PskLookup::inquire);
        let ssl = self.context.ssl(Attached {
            timer: Some(pace.clone()),
            cookie,
            tickets: Some(Arc::clone(&self.tickets)),
            presented: self.psk.is_some().then(Presented::default),
            answer: inquiry.as_ref().map(PskInquiry::answer),
            ..Attached::default()
        })?;
        Ok((ssl, pace, inquiry))
    }

    fn start(&self, pipe: Pipe, cookie: Option<Vec<u8>>) -> Started {
        let (ssl, pace, inquiry) = self.ssl(cookie)?;
        let config = &self.context.config;
        let mut transport = Transport::new(pipe, Role::Server, config.mtu, &pace, None);
        transport.inquire(inquiry);
        let versions = self.context.versions;
        Ok((ssl, pace, transport.allow_1_3(versions.allow_1_3())))
    }

    /// Returns the hello that a datagram starts with, if it starts a handshake of DTLS 1.3, for
    /// which OpenSSL has no stateless cookie.
    pub(crate) fn unproven<'a>(&self, datagram: &'a [u8]) -> Option<Hello<'a>> {
        if !self.context.versions.allow_1_3() {
            return None;
        }
        Hello::parse(datagram)
            .filter(|hello| hello.fragment.message_sequence == 0 && hello.offers(Version::Dtls13))
    }

    /// Whether there may be handshakes that a HelloVerifyRequest belongs to.
    pub(crate) fn allows_cookies(&self) -> bool {
        self.context.versions.allow_cookies()
    }

    /// Starts the handshake of a client of DTLS 1.3, whose hello is to come out of the pipe: before
    /// anything else it asks for a cookie, with a HelloRetryRequest (RFC 9147 5.1).
    pub(crate) fn accept_unproven(&self, pipe: impl Into<Pipe>) -> Handshake {
        let start = |pipe| self.start(pipe, Some(cookies::draw()?));
        Handshake::new(pipe.into(), start, &self.context)
    }

    fn resume(&self, hello: &VerifiedHello, pipe: Pipe) -> Started {
        let (mut ssl, pace, inquiry) = self.ssl(Some(hello.cookie.to_vec()))?;
        if self.context.versions.allow_1_3() {
            server::limit_to_1_2(&mut ssl)?;
        }
        let mtu = self.context.config.mtu;
        let started_by = Some((hello.message_sequence, hello.sequence));
        let mut transport = Transport::new(pipe, Role::Server, mtu, &pace, started_by);
        transport.dialogue_mut().take_cookie_age(hello.round_trip());
        transport.inquire(inquiry);
        for number in 0..hello.message_sequence {
            transport.precede(&mut prelude::hello(number), number.into());
        }
        transport.precede(&mut hello.record.to_vec(), hello.message_sequence.into());
        transport.hold(&mut hello.rest.to_vec());
        Ok((ssl, pace, transport))
    }
}
