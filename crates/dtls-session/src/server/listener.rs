//! A server's socket: cookies, limits, and a handshake for each peer that passes.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Relaxed, Release},
        },
    },
};

use futures::future::{Either, select};
use thiserror::Error;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use udp_demux::{Channel, Config, Endpoint, Incoming, Route};

use crate::{
    cookie::{
        gate::{CookieGate, Judgement, VerifiedHello},
        hello::{is_urgent, opens_a_handshake},
        opening::Opening,
    },
    error::OpenSslError,
    handshake::Handshake,
    server::{
        acceptor::Acceptor,
        allowance::Allowance,
        common::{Common, Counters, Service, add},
        doorstep::{self, Hosts},
        refusal::{Limit, Refused},
        registry::{Permit, Registry},
        sessions::Sessions,
        table::Denial,
    },
    settings::limits::Limits,
    stats::ListenerStats,
};

/// Accepts DTLS clients on one UDP socket.
///
/// Nothing is kept about a client before it has returned a cookie. A client that starts anew
/// from the same address and port does its handshake beside the session it had, which ends only
/// when the new one is established (RFC 6347 4.2.8).
///
/// # Dropping
///
/// Dropping a listener lets nobody new in. Its handshakes and sessions go on, and the port stays bound until the
/// last of them is dropped. To free the port soon, call [`Self::close`], wait for [`Self::wait_idle`], and then drop
/// the listener.
///
/// ```no_run
/// use dtls_session::{Acceptor, Identity, Limits, Listener};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let acceptor = Acceptor::builder(Identity::from_pem_files("cert.pem", "key.pem")?).build()?;
/// let listener = Listener::bind("[::]:5684".parse()?, acceptor, Limits::default())?;
/// loop {
///     let handshake = listener.accept().await?;
///     tokio::spawn(async move {
///         let session = handshake.await?;
///         let mut buf = vec![0; 16_384];
///         while let Some(length) = session.recv(&mut buf).await? {
///             session.send(&buf[..length]).await?;
///         }
///         Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
///     });
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Listener {
    endpoint: Endpoint,
    common: Arc<Common>,
    hosts: Arc<Hosts>,
}

impl Listener {
    /// Binds a socket and listens on it, from within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// The operating system's if the address cannot be bound, OpenSSL's if it has no random
    /// bytes for the cookies' key.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime with I/O enabled.
    pub fn bind(addr: SocketAddr, acceptor: Acceptor, limits: Limits) -> io::Result<Self> {
        Self::new(
            Endpoint::bind(addr, Self::endpoint_config(&limits))?,
            acceptor,
            limits,
        )
        .map_err(io::Error::other)
    }

    /// Listens on an endpoint that was made with [`Self::endpoint_config`] or something like it, and sets its
    /// [responder](Endpoint::set_responder).
    ///
    /// # Errors
    ///
    /// OpenSSL's if it has no random bytes for the cookies' key.
    pub fn new(
        endpoint: Endpoint,
        acceptor: Acceptor,
        limits: Limits,
    ) -> Result<Self, OpenSslError> {
        let service = Service {
            gate: CookieGate::with_secret(acceptor.shared_secret())?,
            acceptor,
        };
        let common = Common {
            service: RwLock::new(Arc::new(service)),
            registry: Registry::new(limits),
            challenges: Allowance::new(limits.challenges),
            unproven: Arc::new(Semaphore::new(limits.unproven.min(Semaphore::MAX_PERMITS))),
            counters: Counters::default(),
            closed: AtomicBool::new(false),
            closing: Notify::new(),
            refused: Mutex::default(),
            refusing: Notify::new(),
        };
        Ok(Self::on(endpoint, Arc::new(common)))
    }

    /// Listens on another endpoint as well, with the same identity, cookies, limits and counters.
    ///
    /// So a server may use several threads: [`udp_demux::bind_shards`] binds a socket for each, and a
    /// client is known to all of them. Call [`Self::accept`] or [`Self::sessions`] of every sibling: each
    /// answers only the hellos of its own socket.
    pub fn sibling(&self, endpoint: Endpoint) -> Self {
        Self::on(endpoint, Arc::clone(&self.common))
    }

    fn on(endpoint: Endpoint, common: Arc<Common>) -> Self {
        Self {
            hosts: doorstep::guard(&endpoint, &common),
            endpoint,
            common,
        }
    }

    /// Uses another acceptor for handshakes that start from now on, with all siblings; sessions and
    /// handshakes that there are go on as they began.
    ///
    /// Clients that are between their two hellos, and those with a ticket, are known again only if
    /// the new acceptor's secret is the old one, or [accepts](crate::SharedSecret::accept_also) it:
    ///
    /// ```
    /// use dtls_session::{Acceptor, Identity, Listener};
    ///
    /// fn renew(listener: &Listener, identity: Identity) -> Result<(), dtls_session::BuildError> {
    ///     let secret = listener.acceptor().shared_secret().clone();
    ///     listener.set_acceptor(Acceptor::builder(identity).shared_secret(secret).build()?);
    ///     Ok(())
    /// }
    /// ```
    pub fn set_acceptor(&self, acceptor: Acceptor) {
        let gate = self
            .common
            .service()
            .gate
            .successor(acceptor.shared_secret());
        let service = self.common.service.write();
        *service.unwrap_or_else(PoisonError::into_inner) = Arc::new(Service { acceptor, gate });
    }

    /// Returns the acceptor that new handshakes are made with.
    pub fn acceptor(&self) -> Acceptor {
        self.common.service().acceptor.clone()
    }

    /// Returns the endpoint configuration that a listener with these limits needs: first hellos of
    /// known peers are routed to it, and handshakes go before data where the send buffer has no room.
    pub fn endpoint_config(limits: &Limits) -> Config {
        Config::default()
            .max_channels(limits.channels())
            .route(route)
            .urgent(is_urgent)
            .max_datagram(MAX_DATAGRAM)
    }

    /// Waits for a client that has proved to receive at its address, and returns its handshake,
    /// which runs when it is polled.
    ///
    /// It never waits for a client's next datagram. Call it in a loop: hellos are answered while
    /// somebody waits here.
    ///
    /// # Errors
    ///
    /// Only when the socket itself is dead, or the listener is [closed](Self::close).
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no client is lost.
    pub async fn accept(&self) -> io::Result<Handshake> {
        let _host = self.hosts.enter();
        loop {
            let incoming = self.incoming().await?;
            let service = self.common.service();
            let incoming = match self.accept_unproven(&service.acceptor, incoming) {
                Unproven::Accepted(handshake) => return Ok(handshake),
                Unproven::Refused => continue,
                Unproven::Other(incoming) => incoming,
            };
            let peer = incoming.peer_addr();
            match service.gate.judge(peer, incoming.datagram()) {
                Judgement::Unverified(hello) => {
                    if let Some(request) = self.common.challenge(&service, peer, &hello) {
                        // A reply that cannot be sent now is lost as on the wire: the client asks again.
                        let _ = incoming.reply(request.as_ref());
                    }
                }
                Judgement::NoHello => add(&self.common.counters.discarded),
                Judgement::Verified(hello, age) => {
                    let hello = VerifiedHello::new(&hello, incoming.datagram(), age);
                    // Known peers' hellos come here, and not to their handshakes.
                    let opening = hello.opening();
                    self.common.registry.repeat(peer, &opening, hello.sequence);
                    let admitted = self.admit(incoming, opening, None);
                    if let Some((channel, permit)) = admitted {
                        tracing::debug!(peer = %channel.peer_addr(), round_trip = ?hello.round_trip(), "handshake starts");
                        let handshake = service.acceptor.accept_verified(&hello, channel);
                        return Ok(handshake.with_guard(permit));
                    }
                }
            }
        }
    }

    /// Returns a stream that runs the handshakes itself, and yields established sessions.
    ///
    /// It does not yield the errors of handshakes that fail. A server that has to know who did not get in, and
    /// why, calls [`Self::accept`] instead.
    ///
    /// ```no_run
    /// use dtls_session::{Acceptor, Limits, Listener};
    ///
    /// # async fn example(acceptor: Acceptor) -> std::io::Result<()> {
    /// let listener = Listener::bind("[::]:5684".parse().unwrap(), acceptor, Limits::default())?;
    /// let mut sessions = listener.sessions();
    /// while let Some(session) = sessions.next().await {
    ///     let session = session?;
    ///     tokio::spawn(async move { session.send(b"welcome").await });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions::of(self)
    }

    /// Waits for a client that is refused because a limit is reached, with this listener or a sibling. Of
    /// several since it was called last it tells of the latest; [`Self::stats`] counts them all.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no refusal is forgotten.
    pub async fn refused(&self) -> Refused {
        loop {
            let refusing = self.common.refusing.notified();
            let refused = self.common.refused.lock();
            if let Some(refused) = refused.unwrap_or_else(PoisonError::into_inner).take() {
                return refused;
            }
            refusing.await;
        }
    }

    /// Lets nobody in any more, ends the handshakes that run, and closes the sessions, those of all
    /// siblings as well.
    ///
    /// [`Self::wait_idle`] waits until they have gone.
    pub fn close(&self) {
        self.common.closed.store(true, Release);
        self.common.closing.notify_waiters();
        self.common.registry.close();
    }

    /// Waits until there is no handshake and no session, of any sibling: each session is one until its
    /// last handle is dropped, each handshake until it is dropped, or polled to its end, or the listener is
    /// closed. So drop [`Sessions`] before you wait without closing: it holds the handshakes that it runs.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn wait_idle(&self) {
        self.common.registry.wait_idle().await;
    }

    /// Returns the address that is listened on, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.endpoint.local_addr()
    }

    /// Returns what has been counted so far, by all siblings together.
    pub fn stats(&self) -> ListenerStats {
        let (half_open, sessions) = self.common.registry.counts();
        let finished = self.common.registry.finished();
        ListenerStats {
            half_open,
            sessions,
            challenged: self.common.counters.challenged.load(Relaxed),
            challenges_limited: self.common.counters.challenges_limited.load(Relaxed),
            discarded: self.common.counters.discarded.load(Relaxed),
            repeated: self.common.counters.repeated.load(Relaxed),
            accepted: self.common.counters.accepted.load(Relaxed),
            established: finished.all,
            resumed: finished.resumed,
            refused_half_open: self.common.counters.refused_half_open.load(Relaxed),
            refused_half_open_per_address: self
                .common
                .counters
                .refused_half_open_per_address
                .load(Relaxed),
            refused_sessions: self.common.counters.refused_sessions.load(Relaxed),
            refused_per_address: self.common.counters.refused_per_address.load(Relaxed),
            evicted: self.common.registry.evicted(),
        }
    }

    /// Returns what this listener's own socket has counted so far.
    pub fn endpoint_stats(&self) -> udp_demux::Stats {
        self.endpoint.stats()
    }

    async fn incoming(&self) -> io::Result<Incoming> {
        let closing = self.common.closing.notified();
        if self.common.closed.load(Acquire) {
            return Err(closed());
        }
        match select(pin!(self.endpoint.accept()), pin!(closing)).await {
            Either::Left((incoming, _)) => incoming,
            Either::Right(_) => Err(closed()),
        }
    }

    /// Starts a handshake of DTLS 1.3, if one is offered, may be had, and has a place.
    fn accept_unproven(&self, acceptor: &Acceptor, incoming: Incoming) -> Unproven {
        let Some(hello) = acceptor.unproven(incoming.datagram()) else {
            return Unproven::Other(incoming);
        };
        let opening = Opening {
            random: *hello.start.random,
            message: hello.fragment.message_sequence,
        };
        if self.common.registry.has(incoming.peer_addr(), &opening) {
            add(&self.common.counters.repeated);
            return Unproven::Refused;
        }
        let Ok(place) = Arc::clone(&self.common.unproven).try_acquire_owned() else {
            if acceptor.allows_cookies() {
                return Unproven::Other(incoming);
            }
            add(&self.common.counters.refused_half_open);
            return Unproven::Refused;
        };
        match self.admit(incoming, opening, Some(place)) {
            Some((channel, permit)) => {
                tracing::debug!(peer = %channel.peer_addr(), "handshake starts, by an unproven client");
                let handshake = acceptor.accept_unproven(channel);
                Unproven::Accepted(handshake.with_guard(permit))
            }
            None => Unproven::Refused,
        }
    }

    fn refuse(&self, refused: Refused) {
        let latest = self.common.refused.lock();
        *latest.unwrap_or_else(PoisonError::into_inner) = Some(refused);
        self.common.refusing.notify_one();
    }

    /// Makes a channel for a hello, beside whatever the peer has: a session stays until its
    /// successor is established.
    fn admit(
        &self,
        mut incoming: Incoming,
        opening: Opening,
        unproven: Option<OwnedSemaphorePermit>,
    ) -> Option<(Channel, Permit)> {
        let peer = incoming.peer_addr();
        let admitted = self
            .common
            .registry
            .admit(peer, opening, unproven.is_none());
        let mut permit = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                let counters = &self.common.counters;
                let (counter, limit) = match refusal {
                    Denial::Closed => return None,
                    Denial::Repeated => (&counters.repeated, None),
                    Denial::HalfOpen => (&counters.refused_half_open, Some(Limit::HalfOpen)),
                    Denial::HalfOpenPerAddress => (
                        &counters.refused_half_open_per_address,
                        Some(Limit::HalfOpenPerAddress),
                    ),
                    Denial::Sessions => (&counters.refused_sessions, Some(Limit::Sessions)),
                    Denial::PerAddress => (&counters.refused_per_address, Some(Limit::PerAddress)),
                };
                add(counter);
                if let Some(limit) = limit {
                    self.refuse(Refused { peer, limit });
                }
                tracing::debug!(%peer, ?refusal, "the hello starts no handshake");
                return None;
            }
        };
        match unproven {
            Some(place) => permit.occupies(place),
            // The handshake has the hello already; its channel gets what comes after it.
            None => drop(incoming.take()),
        }
        match incoming.accept_candidate() {
            Ok((channel, promotion)) => {
                permit.promotes(promotion);
                add(&self.common.counters.accepted);
                Some((channel, permit))
            }
            Err(error) => {
                add(&self.common.counters.refused_sessions);
                tracing::debug!(%peer, %error, "no channel for a hello");
                None
            }
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, ListenerClosed)
}

/// Whether accepting ended because the listener is closed.
pub(super) fn is_closed(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|error| error.is::<ListenerClosed>())
}

#[derive(Debug, Error)]
#[error("the listener is closed")]
struct ListenerClosed;

/// What became of a datagram that may be a hello of DTLS 1.3.
enum Unproven {
    Accepted(Handshake),
    Refused,
    /// None, or one without a place: to be answered as DTLS 1.2's.
    Other(Incoming),
}

/// First hellos of known peers start a handshake beside their session.
fn route(datagram: &[u8]) -> Route {
    if opens_a_handshake(datagram) {
        Route::Accept
    } else {
        Route::Peer
    }
}

/// A record of the greatest length with its header and expansion (RFC 5246 6.2.3).
const MAX_DATAGRAM: usize = 13 + (1 << 14) + 2048;
