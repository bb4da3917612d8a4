//! What a Tokio engineer expects of a session's handle.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    future::poll_fn,
    io,
    net::{SocketAddr, UdpSocket},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use bytes::Bytes;
use common::{
    Direction, acceptor, connector, default_sessions, lossless, patient, pipe, roots, sessions,
    within,
};
use dtls_session::{
    BuildError, ClosedBy, Connector, Datagrams, Pipe, RecvError, SendError, Session,
};
use futures::{FutureExt, SinkExt, StreamExt, stream::FusedStream};
use tokio::task::coop;
use udp_demux::ConnectedSocket;

#[tokio::test]
async fn the_last_clone_closes() {
    let (server, client) = default_sessions().await;
    let clone = client.clone();
    drop(client);
    clone.send(b"still here").await.unwrap();
    let mut buf = [0; 100];
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), Some(10));
    drop(clone);
    assert_eq!(within(server.recv(&mut buf)).await.unwrap(), None);
    assert!(matches!(within(server.closed()).await.by, ClosedBy::Peer));
}

/// A task that has used up its share of time drops its session, and does not come back.
#[tokio::test]
async fn the_last_clone_closes_though_its_task_has_no_turn_left() {
    let [ours, theirs] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
    ours.connect(theirs.local_addr().unwrap()).unwrap();
    theirs.connect(ours.local_addr().unwrap()).unwrap();
    let [ours, theirs] = [ours, theirs].map(|it| ConnectedSocket::from_socket(it).unwrap());
    let accepting = tokio::spawn(acceptor(patient()).accept(theirs));
    let connecting = connector(patient()).connect("localhost").over(ours);
    let client = within(connecting).await.unwrap();
    let server = within(accepting).await.unwrap().unwrap();
    let mut client = Some(client);
    poll_fn(|cx| {
        while coop::has_budget_remaining() {
            ready!(coop::poll_proceed(cx)).made_progress();
        }
        client = None;
        Poll::Ready(())
    })
    .await;
    assert!(matches!(within(server.closed()).await.by, ClosedBy::Peer));
}

#[tokio::test]
async fn closing_wakes_who_receives() {
    let (_server, client) = default_sessions().await;
    let receiving = tokio::spawn({
        let client = client.clone();
        async move { client.recv(&mut [0; 100]).await }
    });
    // It is listed as waiting by now, or will find the session closed.
    tokio::task::yield_now().await;
    client.close();
    assert_eq!(within(receiving).await.unwrap().unwrap(), None);
    assert!(matches!(client.close_reason().unwrap().by, ClosedBy::Us));
}

#[tokio::test]
async fn a_close_that_nobody_answers_ends_all_the_same() {
    let gone = Arc::new(AtomicBool::new(false));
    let fate = {
        let gone = Arc::clone(&gone);
        move |_: Direction, _: usize, datagram: &[u8]| {
            let passes = !gone.load(Relaxed);
            passes.then(|| datagram.to_vec()).into_iter().collect()
        }
    };
    let pipes = pipe(Arc::new(Mutex::new(fate)));
    let (_server, client) = sessions(&acceptor(patient()), &connector(patient()), pipes).await;
    gone.store(true, Relaxed);
    client.close();
    assert!(matches!(within(client.closed()).await.by, ClosedBy::Us));
}

#[tokio::test]
async fn what_never_waits_says_so() {
    let (server, client) = default_sessions().await;
    let mut buf = [0; 100];
    assert!(matches!(
        server.try_recv(&mut buf),
        Err(RecvError::WouldBlock)
    ));
    client.try_send(b"one").unwrap();
    client.send_ready().await;
    within(async {
        while server.stats().datagrams_received == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let received = within(async {
        loop {
            match server.try_recv(&mut buf) {
                Err(RecvError::WouldBlock) => tokio::task::yield_now().await,
                received => break received,
            }
        }
    });
    assert_eq!(received.await.unwrap(), Some(3));
    client.try_send(b"four").unwrap();
    let bytes = within(server.recv_bytes()).await.unwrap();
    assert_eq!(bytes.as_deref(), Some(&b"four"[..]));
}

#[tokio::test]
async fn a_reference_is_a_stream_and_a_sink() {
    let (server, client) = default_sessions().await;
    let echo = async { (&server).forward(&server).await };
    let ask = async {
        let (mut requests, mut replies) = (&client, &client);
        let request = Bytes::from_static(b"ping");
        SinkExt::send(&mut requests, request).await.unwrap();
        let reply = replies.next().await.unwrap().unwrap();
        assert_eq!(reply, b"ping"[..]);
        SinkExt::close(&mut requests).await.unwrap();
    };
    let (echoed, ()) = within(async { tokio::join!(echo, ask) }).await;
    echoed.unwrap();
}

#[tokio::test]
async fn a_stream_tells_its_error_once() {
    let idle = Duration::from_millis(200);
    let acceptor = acceptor(patient().idle_timeout(Some(idle)));
    let (mut server, _client) = sessions(&acceptor, &connector(patient()), pipe(lossless())).await;
    let error = within(server.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(server.is_terminated());
    assert!(within(server.next()).await.is_none());
    assert!(within((&server).next()).await.is_none());
    // Who asks by a call is told each time.
    let error = within(server.recv(&mut [0; 10])).await.unwrap_err();
    assert!(matches!(error, RecvError::Closed(_)));
}

#[tokio::test]
async fn nothing_shows_what_nobody_has_read() {
    let (server, client) = default_sessions().await;
    for _ in 0..50 {
        client.send(b"a-secret").await.unwrap();
    }
    within(async {
        while server.stats().received == 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    // As text, and as a list of bytes.
    for shown in [format!("{server:?}"), format!("{server:#?}")] {
        assert!(
            !shown.contains("secret") && !shown.contains("115, 101"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_time_that_no_clock_reaches_is_never() {
    let config = || {
        patient()
            .idle_timeout(Some(Duration::MAX))
            .handshake_timeout(Duration::MAX)
            .initial_rto(Duration::MAX)
            .rto_bounds(Duration::MAX, Duration::MAX)
    };
    let (server, client) =
        sessions(&acceptor(config()), &connector(config()), pipe(lossless())).await;
    client.close();
    // Only the keeper notices it.
    assert!(matches!(within(server.closed()).await.by, ClosedBy::Peer));
}

#[tokio::test]
async fn a_change_of_the_largest_datagram_can_be_awaited() {
    let (server, client) = default_sessions().await;
    let known = server.max_datagram_size();
    let waiting = tokio::spawn({
        let server = server.clone();
        async move { server.max_datagram_size_changed(known).await }
    });
    server.set_mtu(600).unwrap();
    assert_eq!(within(waiting).await.unwrap(), Some(600 - 37));
    assert_eq!(
        within(server.max_datagram_size_changed(known)).await,
        Some(600 - 37)
    );
    server.close();
    drop(client);
    assert_eq!(
        within(server.max_datagram_size_changed(600 - 37)).await,
        None
    );
}

/// RFC 5246 7.2.1: the clock stands still while anybody has something to do, so the answer is there
/// before the wait for it is over.
#[tokio::test(start_paused = true)]
async fn a_close_notify_is_answered_although_the_application_keeps_its_handle() {
    for protection in common::PROTECTIONS {
        let config = || patient().record_protection(protection);
        let (server, client) =
            sessions(&acceptor(config()), &connector(config()), pipe(lossless())).await;
        client.send(b"last").await.unwrap();
        let before = tokio::time::Instant::now();
        client.close();
        assert!(matches!(client.closed().await.by, ClosedBy::Us));
        assert!(before.elapsed() < Duration::from_secs(3));
        assert!(matches!(server.closed().await.by, ClosedBy::Peer));
        // What came before it can still be read.
        let mut buf = [0; 16];
        assert_eq!(server.recv(&mut buf).await.unwrap(), Some(4));
        assert_eq!(server.recv(&mut buf).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_negotiated_fragment_length_bounds_both_directions() {
    for asked in [512, 1024, 2048, 4096] {
        let config = || patient().mtu(8000);
        let connector = Connector::builder(roots())
            .session(config())
            .max_fragment_length(asked)
            .build()
            .unwrap();
        let (server, client) = sessions(&acceptor(config()), &connector, pipe(lossless())).await;
        let mut buf = vec![0; 8000];
        for (from, to) in [(&server, &client), (&client, &server)] {
            assert_eq!(from.max_datagram_size(), asked);
            let error = from.send(&vec![1; asked + 1]).await.unwrap_err();
            assert!(matches!(error, SendError::TooLarge { max, .. } if max == asked));
            from.send(&vec![1; asked]).await.unwrap();
            assert_eq!(within(to.recv(&mut buf)).await.unwrap(), Some(asked));
        }
    }
    let refused = Connector::builder(roots()).max_fragment_length(600).build();
    assert!(matches!(
        refused.unwrap_err(),
        BuildError::MaxFragmentLength { asked: 600 }
    ));
}

/// A pipe that hands out forged records for ever, once the handshake is over.
struct Forger {
    pipe: Pipe,
    forging: Arc<AtomicBool>,
}

impl Datagrams for Forger {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        if self.forging.load(Relaxed) {
            let forged = [
                &[23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 40][..],
                &[7; 40],
            ]
            .concat();
            buf[..forged.len()].copy_from_slice(&forged);
            return Poll::Ready(Ok((forged.len(), self.pipe.peer_addr())));
        }
        self.pipe.poll_recv(cx, buf)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        self.pipe.poll_send(cx, datagram, to)
    }
}

#[tokio::test]
async fn a_poll_comes_back_however_much_is_forged() {
    let (server, client) = pipe(lossless());
    let forging = Arc::new(AtomicBool::new(false));
    let forger = Forger {
        pipe: server.into(),
        forging: Arc::clone(&forging),
    };
    let accepting = tokio::spawn(acceptor(patient()).accept(Pipe::new(forger)));
    let client = within(connector(patient()).connect("localhost").over(client))
        .await
        .unwrap();
    let server = within(accepting).await.unwrap().unwrap();
    forging.store(true, Relaxed);
    let polled = tokio::task::spawn_blocking({
        let server = server.clone();
        move || {
            let mut buf = [0; 100];
            let mut recv = pin!(server.recv(&mut buf));
            recv.as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        }
    });
    assert!(within(polled).await.unwrap());
    forging.store(false, Relaxed);
    client.send(b"genuine").await.unwrap();
    assert_eq!(within(server.recv(&mut [0; 100])).await.unwrap(), Some(7));
}

/// A pipe that takes nothing until it is let.
struct Blocked {
    pipe: Pipe,
    gate: Gate,
}

/// Whether it is shut, and who waits for it to open.
type Gate = Arc<Mutex<(bool, Option<Waker>)>>;

fn open(gate: &Gate) {
    let waker = {
        let mut gate = gate.lock().unwrap();
        gate.0 = false;
        gate.1.take().unwrap()
    };
    waker.wake();
}

/// A server and a client with an open gate, some time after the client has received something.
async fn behind_a_gate() -> (Session, Session, Gate) {
    let (server, client) = pipe(lossless());
    let gate = Arc::new(Mutex::new((false, None)));
    let blocked = Blocked {
        pipe: client.into(),
        gate: Arc::clone(&gate),
    };
    let accepting = tokio::spawn(acceptor(patient()).accept(server));
    let client = connector(patient())
        .connect("localhost")
        .over(Pipe::new(blocked))
        .await
        .unwrap();
    let server = accepting.await.unwrap().unwrap();
    let mut buf = [0; 100];
    // Something has happened, so the keeper watches with a timer.
    server.send(b"x").await.unwrap();
    assert_eq!(client.recv(&mut buf).await.unwrap(), Some(1));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(client.recv(&mut buf).now_or_never().is_none());
    (server, client, gate)
}

impl Datagrams for Blocked {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        self.pipe.poll_recv(cx, buf)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        let mut gate = self.gate.lock().unwrap();
        if gate.0 {
            gate.1 = Some(cx.waker().clone());
            return Poll::Pending;
        }
        drop(gate);
        self.pipe.poll_send(cx, datagram, to)
    }
}

/// The receiver that the pipe would wake has given up: somebody else has to send.
#[tokio::test(start_paused = true)]
async fn what_was_sent_leaves_as_soon_as_the_pipe_takes_it() {
    let (server, client, gate) = behind_a_gate().await;
    let mut buf = [0; 100];
    gate.lock().unwrap().0 = true;
    client.send(b"held").await.unwrap();
    assert!(client.recv(&mut buf).now_or_never().is_none());
    assert!(matches!(
        client.try_send(b"more"),
        Err(SendError::WouldBlock)
    ));
    open(&gate);
    // The clock is paused: without the keeper's help nothing would move it but this deadline.
    let received = tokio::time::timeout(Duration::from_millis(100), server.recv(&mut buf));
    assert_eq!(received.await.unwrap().unwrap(), Some(4));
}

/// A buffer that is too short has the record read twice, which is no reason to forget what waits to be sent.
#[tokio::test(start_paused = true)]
async fn what_was_sent_leaves_though_a_buffer_was_too_short() {
    let (server, client, gate) = behind_a_gate().await;
    let mut buf = [0; 100];
    server.send(b"long").await.unwrap();
    gate.lock().unwrap().0 = true;
    client.send(b"held").await.unwrap();
    let short = client.recv(&mut [0; 1]).await.unwrap_err();
    assert!(matches!(short, RecvError::BufferTooShort { needed: 4, .. }));
    open(&gate);
    // The clock is paused: without the waker's help nothing would move it but this deadline.
    let received = tokio::time::timeout(Duration::from_millis(100), server.recv(&mut buf));
    assert_eq!(received.await.unwrap().unwrap(), Some(4));
}
