//! One task for each peer, until told to stop.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use dtls_echo::{FactsArgs, octets};
use dtls_session::{Handshake, Listener, Session, SessionInfo};
use echo_codec::{ServeError, Summary};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::{
    failures,
    metrics::{Ending, Failure, Metrics},
    stop::Stop,
};

/// What all peers are served with; cheap to clone.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) facts: FactsArgs,
    pub(crate) metrics: Option<Metrics>,
    pub(crate) stop: Stop,
    /// The tasks of all shards.
    pub(crate) peers: TaskTracker,
}

impl Service {
    fn failed_handshake(&self, failure: Failure) {
        if let Some(metrics) = &self.metrics {
            metrics.failed_handshake(failure);
        }
    }
}

/// Serves until it is told to stop and the sessions have ended, or have been closed, for which it
/// takes a bounded time.
///
/// # Errors
///
/// If the socket dies.
pub(crate) async fn serve(listener: Arc<Listener>, service: Service) -> io::Result<()> {
    // What tasks send in one turn leaves together; what a runtime blocks on comes too late for that.
    let accepting = tokio::spawn(accept(listener, service));
    accepting.await.map_err(io::Error::other)?
}

async fn accept(listener: Arc<Listener>, service: Service) -> io::Result<()> {
    let peers = service.peers.clone();
    let accepting = peers.token();
    let outcome = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(handshake) => {
                    let peer = handshake.peer_addr();
                    // Tells whose the library's lines are; ours at info name the peer themselves.
                    let span = tracing::debug_span!("peer", %peer);
                    peers.spawn(attend(peer, handshake, service.clone()).instrument(span));
                }
                Err(error) => {
                    // The other shards still accept, and this one would wait for them.
                    service.stop.drain.cancel();
                    service.stop.close.cancel();
                    break Err(error);
                }
            },
            () = service.stop.drain.cancelled() => break Ok(()),
        }
    };
    tracing::debug!(sessions = peers.len(), "stopping");
    drop(accepting);
    peers.close();
    // Those of the other shards, too: without this socket the kernel would deal their datagrams
    // out anew.
    tokio::select! {
        () = peers.wait() => {}
        () = service.stop.close.cancelled() => {}
    }
    if timeout(FAREWELL, peers.wait()).await.is_err() {
        tracing::warn!(left = peers.len(), "some sessions did not end in time");
    }
    report_socket(&listener);
    outcome
}

/// Tells what an operator would want to know of a night's attacks.
pub(crate) fn report(listener: &Listener) {
    let stats = listener.stats();
    tracing::info!(
        challenged = stats.challenged,
        challenges_limited = stats.challenges_limited,
        discarded = stats.discarded,
        repeated = stats.repeated,
        accepted = stats.accepted,
        established = stats.established,
        resumed = stats.resumed,
        refused_half_open = stats.refused_half_open,
        refused_half_open_per_address = stats.refused_half_open_per_address,
        refused_sessions = stats.refused_sessions,
        refused_per_address = stats.refused_per_address,
        evicted = stats.evicted,
        "handshakes in all"
    );
}

/// Tells what went through one listener's socket.
fn report_socket(listener: &Listener) {
    let stats = listener.endpoint_stats();
    tracing::info!(
        received = stats.received,
        received_bytes = stats.received_bytes,
        receive_errors = stats.receive_errors,
        dropped_empty = stats.dropped_empty,
        dropped_too_long = stats.dropped_too_long,
        dropped_queue_full = stats.dropped_queue_full,
        dropped_backlog_full = stats.dropped_backlog_full,
        sent = stats.sent,
        sent_bytes = stats.sent_bytes,
        send_errors = stats.send_errors,
        send_would_block = stats.send_would_block,
        send_delayed = stats.send_delayed,
        dropped_unsent = stats.dropped_unsent,
        "datagrams in all"
    );
}

async fn attend(peer: SocketAddr, handshake: Handshake, service: Service) {
    let started = Instant::now();
    let (hello, repeated) = (handshake.client_hello(), handshake.is_repeated());
    let established = tokio::select! {
        established = handshake => established,
        () = service.stop.close.cancelled() => {
            return service.failed_handshake(Failure::STOPPED);
        }
    };
    match established {
        Ok(session) => {
            if let Some(metrics) = &service.metrics {
                metrics.handshake(started.elapsed());
            }
            // Whoever reads them may have gone.
            let _ = service.facts.tell(peer, || session.info());
            // A task of its own has no room for the handshake, which an idle session would keep.
            let peers = service.peers.clone();
            peers.spawn(echo(peer, session, service).in_current_span());
        }
        // Its hello came again, and was answered again; it has been told of.
        Err(error) if repeated => tracing::debug!(%peer, %error, "handshake failed once more"),
        Err(error) => {
            service.failed_handshake(Failure::from(&error));
            if tracing::enabled!(tracing::Level::INFO) {
                failures::tell(peer, error, hello.as_deref());
            }
        }
    }
}

/// Tells what was negotiated.
fn tell(peer: SocketAddr, info: &SessionInfo) {
    tracing::info!(
        %peer,
        version = info.version.to_string(),
        cipher = info.cipher,
        group = info.group,
        psk = info.psk_identity.as_deref().map(octets),
        name = info.server_name,
        certificate = info.peer_certificates.first().map(|it| it.subject()),
        protocol = info.protocol.as_deref().map(octets),
        srtp_profile = info.srtp_profile,
        handshake_time = ?info.handshake_time,
        round_trip = info.round_trip.map(tracing::field::debug),
        repeats = info.retransmissions,
        mtu = info.mtu,
        resumed = info.resumed,
        record_protection = info.record_protection.to_string(),
        "session started"
    );
}

async fn echo(peer: SocketAddr, mut session: Session, service: Service) {
    if tracing::enabled!(tracing::Level::INFO) {
        tell(peer, &session.info());
    }
    let metrics = service.metrics.as_ref();
    let served = tokio::select! {
        served = answer(&mut session, metrics) => Some(served),
        () = service.stop.close.cancelled() => None,
    };
    let (ending, reason) = match (served, session.close_reason()) {
        (Some(_), Some(closed)) => (
            Ending::from(&closed),
            format!("{:#}", anyhow::Error::from(closed)),
        ),
        (Some(Err(error)), None) => (Ending::Failed, format!("{:#}", anyhow::Error::from(error))),
        (None, _) | (Some(Ok(_)), None) => (Ending::Stopped, "the server stops".to_owned()),
    };
    session.close();
    let stats = session.stats();
    if let Some(metrics) = metrics {
        metrics.session(ending, &stats);
    }
    tracing::info!(
        %peer,
        reason,
        received = stats.received,
        received_bytes = stats.received_bytes,
        sent = stats.sent,
        sent_bytes = stats.sent_bytes,
        "session ended"
    );
}

async fn answer(
    session: &mut Session,
    metrics: Option<&Metrics>,
) -> Result<Summary, ServeError<io::Error>> {
    match metrics {
        None => {
            persist(echo_codec::serve(session, |session| {
                session.max_datagram_size()
            }))
            .await
        }
        Some(metrics) => {
            let timed = metrics.timed(session);
            let serving = echo_codec::serve(timed, |timed| timed.session().max_datagram_size());
            persist(serving).await
        }
    }
}

/// Goes on after a reply that the path turned out not to carry: it is lost, as any may be, and those
/// behind it are cut to what fits.
async fn persist(
    mut serving: impl Future<Output = Result<Summary, ServeError<io::Error>>> + Unpin,
) -> Result<Summary, ServeError<io::Error>> {
    loop {
        match (&mut serving).await {
            Err(ServeError::Send(error)) if error.kind() == io::ErrorKind::InvalidInput => {
                tracing::debug!(%error, "a reply is lost");
            }
            outcome => return outcome,
        }
    }
}

/// How long sessions may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);
