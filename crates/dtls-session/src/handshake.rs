//! A handshake on its way to a session.

use std::{
    fmt,
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{
    datagrams::{Datagrams, Pipe},
    deadline::Deadline,
    error::{HandshakeError, OpenSslError, failure::Failure},
    established::{Established, Records},
    guard::Guard,
    info::SessionInfo,
    openssl::context::{Fresh, SessionContext},
    record_layer::{
        RecordLayer, ingress::Role, pace::Pace, takeover::take_over, transport::Transport,
    },
    resumption::{Resumption, store::Place},
    session::Session,
};

/// A handshake that becomes a [`Session`] when awaited.
///
/// It has its own deadline ([`SessionConfig::handshake_timeout`](crate::SessionConfig)), counted
/// from when it was made, and repeats its flights by OpenSSL's timer (RFC 6347 4.2.4). It does
/// nothing unless polled, so a server spawns a task for it.
///
/// # Errors
///
/// A [`HandshakeError`], after OpenSSL's alert, if it made one, has been sent to the peer.
///
/// # Cancel safety
///
/// Dropping it ends the handshake; nothing is sent. It can be polled through `&mut` and go on
/// after a pause.
#[must_use = "a handshake does nothing unless it is awaited"]
pub struct Handshake {
    peer: SocketAddr,
    hello: Option<Bytes>,
    repeats: bool,
    /// None once it has ended.
    pending: Option<Result<Box<Pending>, HandshakeError>>,
    /// What it ran over, once it has failed.
    pipe: Option<Box<Pipe>>,
}

/// What a handshake is made from, or why there is none.
pub(crate) type Started = Result<(Fresh, Arc<Pace>, Transport), HandshakeError>;

struct Pending {
    layer: RecordLayer,
    context: Arc<SessionContext>,
    started: Instant,
    deadline: Deadline,
    silence: Option<Pin<Box<Sleep>>>,
    guard: Option<Box<dyn Guard>>,
    place: Option<Place>,
    /// How often it may yet start anew for what anybody could have forged.
    restarts_left: u8,
    /// What was wrong with what came before it started anew.
    spoiled: Option<OpenSslError>,
}

impl Handshake {
    /// Makes the handshake over a pipe, from what `start` makes of that.
    pub(crate) fn new(
        pipe: Pipe,
        start: impl FnOnce(Pipe) -> Started,
        context: &Arc<SessionContext>,
    ) -> Self {
        let peer = pipe.peer_addr();
        let pending = start(pipe).and_then(|(ssl, pace, transport)| {
            Ok(Box::new(Pending {
                layer: RecordLayer::new(ssl, transport, pace)?,
                context: Arc::clone(context),
                started: Instant::now(),
                deadline: Deadline::new(context.config.deadline(context.role)),
                silence: None,
                guard: None,
                place: None,
                restarts_left: MAX_RESTARTS,
                spoiled: None,
            }))
        });
        Self {
            peer,
            hello: None,
            repeats: false,
            pending: Some(pending),
            pipe: None,
        }
    }

    /// Remembers the record that it began with.
    pub(crate) fn with_hello(mut self, hello: &Bytes) -> Self {
        self.hello = Some(hello.clone());
        self
    }

    /// Makes the handshake hold a place, and its session after it.
    pub(crate) fn with_guard(mut self, guard: impl Guard + 'static) -> Self {
        self.repeats = guard.repeats();
        if let Some(Ok(pending)) = &mut self.pending {
            pending.guard = Some(Box::new(guard));
        }
        self
    }

    /// Makes the handshake leave its session there.
    pub(crate) fn with_place(mut self, place: Place) -> Self {
        if let Some(Ok(pending)) = &mut self.pending {
            pending.place = Some(place);
        }
        self
    }

    /// Returns the peer's address; 0.0.0.0:0 if the [pipe](Pipe) has no addresses.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Returns the ClientHello that a server's handshake began with, in its record, where the client had to
    /// return a cookie: it tells what a client offered that shares nothing with this server.
    pub fn client_hello(&self) -> Option<Bytes> {
        self.hello.clone()
    }

    /// Returns the pipe of a handshake that has failed, or that is given up; None after it has become a
    /// session, and where it could not even begin.
    ///
    /// Datagrams of the former handshake may still be in it, or on their way. A [`Listener`](crate::Listener) tells
    /// them from a new handshake's by its cookies, so a client may try again at once. Over a pipe to an
    /// [`Acceptor::accept`](crate::Acceptor::accept) both ends have to give up, and to wait until
    /// nothing more comes.
    ///
    /// ```
    /// use dtls_session::{Connector, HandshakeError, Pipe, Session};
    ///
    /// /// Tries one set of credentials after the other over one pipe.
    /// async fn connect(first: &Connector, second: &Connector, pipe: Pipe) -> Result<Session, HandshakeError> {
    ///     let mut handshake = first.connect("meter.example").over(pipe);
    ///     let error = match (&mut handshake).await {
    ///         Ok(session) => return Ok(session),
    ///         Err(error) => error,
    ///     };
    ///     let pipe = handshake.into_pipe().ok_or(error)?;
    ///     second.connect("meter.example").over(pipe).await
    /// }
    /// ```
    pub fn into_pipe(self) -> Option<Pipe> {
        let given_up = || Some(self.pending?.ok()?.into_pipe());
        self.pipe.map(|pipe| *pipe).or_else(given_up)
    }

    /// Returns whether a handshake of the same address and port has failed within the last minute.
    ///
    /// A client that fails usually tries again. Whoever counts clients rather than attempts does not count a
    /// handshake for which this is true.
    pub fn is_repeated(&self) -> bool {
        self.repeats
    }
}

impl Future for Handshake {
    type Output = Result<Session, HandshakeError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let outcome = match this.pending.as_mut().expect(UNFINISHED) {
            Ok(pending) => ready!(pending.poll_finished(cx)),
            Err(_) => Ok(()),
        };
        let pending = this.pending.take().expect(UNFINISHED)?;
        Poll::Ready(match outcome {
            Ok(()) => Ok(Session::new(pending.establish())),
            Err(error) => {
                this.pipe = Some(Box::new(pending.into_pipe()));
                Err(error)
            }
        })
    }
}

const UNFINISHED: &str = "a handshake is not polled after it has finished";

impl Pending {
    /// Waits until there is a session, and a place for it.
    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandshakeError>> {
        if let Err(error) = ready!(self.poll(cx)) {
            let error = self.blame(error);
            tracing::debug!(%error, "handshake failed");
            if let Some(place) = &self.place {
                place.set(None);
            }
            return Poll::Ready(Err(error));
        }
        let resumed = self.layer.engine().session_reused();
        tracing::debug!(
            repeats = self.layer.retransmissions(),
            resumed,
            "handshake finished"
        );
        let admitted = self.admit(resumed);
        if admitted.is_err() {
            // The peer may have a session by now, and would speak to nobody.
            self.layer.seal_close(cx);
            let _ = self.layer.poll_drain(cx);
        }
        Poll::Ready(admitted)
    }

    fn into_pipe(self) -> Pipe {
        self.layer.into_transport().into_link().into_pipe()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), HandshakeError>> {
        if let Some(guard) = &self.guard {
            self.layer.hear_hello(guard.hello());
        }
        while let Poll::Ready(outcome) = self.layer.poll_handshake(cx) {
            match outcome.map_err(|failure| self.explain(failure)) {
                Err(error) if error.is_exhaustion() => match self.context.role {
                    Role::Server => {
                        let after = self.started.elapsed();
                        return Poll::Ready(Err(self.timed_out(after)));
                    }
                    // A server that missed so many repeats may still answer a new hello.
                    Role::Client => self.layer.restart()?,
                },
                // A stale or forged message, as from a session that had this port before.
                Err(HandshakeError::OpenSsl(errors)) if self.may_restart() => {
                    tracing::debug!(%errors, "the handshake starts anew");
                    self.spoiled = Some(errors);
                    self.layer.restart()?;
                }
                outcome => return Poll::Ready(outcome),
            }
        }
        // What has come by now may have been the peer's last flight, and goes first.
        if let Some(guard) = &self.guard
            && guard.poll_evicted(cx).is_ready()
        {
            return Poll::Ready(Err(HandshakeError::Evicted));
        }
        if let Some(reason) = self.deadlock()
            && self.may_restart()
        {
            tracing::debug!(reason, "the handshake starts anew");
            self.layer.restart()?;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.deadline.poll(cx).is_ready() {
            let after = self.deadline.time();
            return Poll::Ready(Err(self.timed_out(after)));
        }
        self.poll_silence(cx).map(Err)
    }

    /// Says what a client's silence, or its next attempt, most probably means.
    fn blame(&self, error: HandshakeError) -> HandshakeError {
        match error {
            HandshakeError::TimedOut { .. }
            | HandshakeError::Evicted
            | HandshakeError::Replaced => match self.layer.engine().asked_identity() {
                Some((identity, known)) => HandshakeError::PskUnproven { identity, known },
                None => error,
            },
            error => error,
        }
    }

    /// Takes the place of a session, if the peer may have one and the place is still there.
    fn admit(&mut self, resumed: bool) -> Result<(), HandshakeError> {
        if resumed && !self.context.welcomes(|| self.layer.engine().returning()) {
            return Err(HandshakeError::NoLongerWelcome);
        }
        let kept = |guard: &mut Box<dyn Guard>| guard.establish(resumed);
        if self.guard.as_mut().is_none_or(kept) {
            Ok(())
        } else {
            Err(HandshakeError::Evicted)
        }
    }

    /// Takes from OpenSSL what a session is made of.
    fn establish(mut self) -> Established {
        let mut facts = SessionInfo::new(&mut self.layer, self.started.elapsed());
        let resumption = self.layer.engine().session_der().map(Resumption::new);
        if let Some(place) = &self.place {
            place.set(resumption.clone());
        }
        let config = &self.context.config;
        let records = match take_over(self.layer, config) {
            Ok(own) => Records::Own(Box::new(own)),
            Err(layer) => Records::OpenSsl(Box::new(layer)),
        };
        facts.record_protection = records.protection();
        Established {
            records,
            facts: Arc::new(facts),
            resumption,
            guard: self.guard,
            most_mtu: config.mtu,
            idle_timeout: config.idle_timeout,
        }
    }

    /// Why waiting on is of no use to a client, if it is not.
    fn deadlock(&self) -> Option<&'static str> {
        let transport = self.layer.transport_ref();
        let round_trips = 4 * self.layer.round_trip().unwrap_or_default();
        // The server knows nothing of the first hello, and OpenSSL takes no second request with its
        // number.
        if transport.cookie_refused() {
            Some("the cookie was refused")
        } else if transport
            .egress()
            .last_flight_is_in_vain(round_trips.max(LAST_FLIGHT_PATIENCE))
        {
            // The server may have taken a forged message for the one that says which keys to use.
            Some("the last flight gets no answer")
        } else {
            None
        }
    }

    /// Whether this is a client that has not started anew too often, which is counted.
    fn may_restart(&mut self) -> bool {
        let may = matches!(self.context.role, Role::Client) && self.restarts_left > 0;
        self.restarts_left -= u8::from(may);
        may
    }

    /// Waits until an alert, or the network's word that nobody listens, has to be believed: anybody
    /// could have forged it, but the peer has said nothing else since.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<HandshakeError> {
        let transport = self.layer.transport_ref();
        let patience = self.layer.patience();
        let (alert, over) = match (
            transport.ingress().alert(),
            transport.link().refusals().since(),
        ) {
            (Some((alert, since)), _) => (Some(alert), since + patience),
            (None, Some(since)) => (None, since + patience.max(REFUSAL_PATIENCE)),
            (None, None) => {
                self.silence = None;
                return Poll::Pending;
            }
        };
        let silence = self
            .silence
            .get_or_insert_with(|| Box::pin(sleep_until(over)));
        silence.as_mut().reset(over);
        ready!(silence.as_mut().poll(cx));
        let refused = || io::ErrorKind::ConnectionRefused.into();
        Poll::Ready(match alert {
            Some(alert) => HandshakeError::from_alert(alert),
            None => HandshakeError::Unreachable(self.layer.take_refusal().unwrap_or_else(refused)),
        })
    }

    fn explain(&self, failure: Failure) -> HandshakeError {
        HandshakeError::new(failure, || self.layer.engine().refusal())
    }

    fn timed_out(&self, after: Duration) -> HandshakeError {
        let limit = self.context.role.max_message();
        if let Some(length) = self.layer.transport_ref().ingress().too_long() {
            return HandshakeError::MessageTooLong { length, limit };
        }
        // After that the server may well have answered no hello any more.
        if let Some(errors) = &self.spoiled {
            return HandshakeError::OpenSsl(errors.clone());
        }
        let heard = self.layer.transport_ref().link().stats().datagrams_received > 0;
        HandshakeError::TimedOut { after, heard }
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handshake")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

/// A peer that is there has answered within it, on nearly any path.
const REFUSAL_PATIENCE: Duration = Duration::from_secs(1);
/// Anybody can forge plaintext, and go on doing so.
const MAX_RESTARTS: u8 = 3;

const LAST_FLIGHT_PATIENCE: Duration = Duration::from_secs(2);
