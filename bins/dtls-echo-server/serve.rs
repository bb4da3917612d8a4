//! One task for each peer, until told to stop.

use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use dtls_echo::FactsArgs;
use dtls_session::{Handshake, Listener, Session, SessionInfo};
use tokio::{signal, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::Instrument;
use udp_demux::Channel;

/// Serves until `stop` completes, then closes every session, for which it takes a bounded time.
///
/// # Errors
///
/// If the socket dies.
pub(crate) async fn serve(
    listener: Arc<Listener>,
    facts: FactsArgs,
    stop: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    // What tasks send in one turn leaves together; what a runtime blocks on comes too late for that.
    let accepting = tokio::spawn(accept(listener, facts, stop));
    accepting.await.map_err(io::Error::other)?
}

async fn accept(
    listener: Arc<Listener>,
    facts: FactsArgs,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut stop = pin!(stop);
    let stopping = CancellationToken::new();
    let peers = TaskTracker::new();
    let outcome = loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(handshake) => {
                    let Some(peer) = handshake.peer_addr() else {
                        let error = handshake.await.err();
                        tracing::debug!(?error, "handshake did not start");
                        continue;
                    };
                    let stopping = stopping.clone();
                    // Tells whose the library's lines are; ours at info name the peer themselves.
                    let span = tracing::debug_span!("peer", %peer);
                    peers.spawn(attend(peer, handshake, facts, stopping).instrument(span));
                }
                Err(error) => break Err(error),
            },
            () = &mut stop => break Ok(()),
        }
    };
    tracing::debug!(sessions = peers.len(), "stopping");
    stopping.cancel();
    peers.close();
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
        "datagrams in all"
    );
}

/// Completes at Ctrl-C or SIGTERM.
///
/// # Errors
///
/// If signals cannot be listened to.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        // Without it only the end of the process stops the server.
        if signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

async fn attend(
    peer: SocketAddr,
    handshake: Handshake<Channel>,
    facts: FactsArgs,
    stopping: CancellationToken,
) {
    let established = tokio::select! {
        established = handshake => established,
        () = stopping.cancelled() => return,
    };
    match established {
        Ok(session) => {
            // Whoever reads them may have gone.
            let _ = facts.tell(peer, || session.info());
            echo(peer, session, stopping).await;
        }
        Err(error) => {
            let error = anyhow::Error::from(error);
            tracing::info!(%peer, "handshake failed: {error:#}");
        }
    }
}

/// Tells what was negotiated.
fn tell(peer: SocketAddr, info: SessionInfo) {
    tracing::info!(
        %peer,
        version = info.version,
        cipher = info.cipher,
        group = info.group,
        psk = info.psk_identity,
        name = info.server_name,
        certificate = info.peer_certificates.first().map(|it| format!("{:?}", it.subject_name())),
        protocol = info.protocol.map(|name| String::from_utf8_lossy(&name).into_owned()),
        srtp_profile = info.srtp_profile,
        handshake_time = ?info.handshake_time,
        round_trip = info.round_trip.map(tracing::field::debug),
        repeats = info.retransmissions,
        mtu = info.mtu,
        resumed = info.resumed,
        "session started"
    );
}

async fn echo(peer: SocketAddr, mut session: Session<Channel>, stopping: CancellationToken) {
    if tracing::enabled!(tracing::Level::INFO) {
        tell(peer, session.info());
    }
    let reason = tokio::select! {
        served = echo_codec::serve(&mut session, |session| session.max_datagram_size()) => {
            match served {
                Ok(_) => "closed by the peer".to_owned(),
                Err(error) => format!("{:#}", anyhow::Error::from(error)),
            }
        }
        () = stopping.cancelled() => "the server stops".to_owned(),
    };
    session.close().await;
    let stats = session.stats();
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

/// How long sessions may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(5);
