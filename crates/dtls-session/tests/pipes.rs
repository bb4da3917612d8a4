//! Pipes that take nothing for a while, and such as panic.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{
            AtomicBool,
            Ordering::{Acquire, Release},
        },
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use common::*;
use dtls_session::{ClosedBy, Datagrams, Pipe as Carrier, Session, SessionConfig};
use dtls_wire::{AnyRecord, ContentType, records};
use futures::task::AtomicWaker;

/// Nobody would miss it but for a repeat, which comes late.
#[tokio::test]
async fn a_last_flight_that_waits_for_the_pipe_is_not_forgotten() {
    for protection in PROTECTIONS {
        for resumed in [false, true] {
            let seldom = Duration::from_secs(50);
            let config = SessionConfig::default()
                .handshake_timeout(Duration::from_secs(110))
                .initial_rto(seldom)
                .rto_bounds(seldom, seldom)
                .record_protection(protection);
            let (acceptor, connector) = (acceptor(config.clone()), connector(config));
            let (_, before) = sessions(&acceptor, &connector, pipe(lossless())).await;
            let ticket = before.resumption().unwrap();

            let (server, client) = pipe(lossless());
            let door = Arc::new(Door::default());
            let connecting = connector.connect("localhost");
            let (first, second) = if resumed {
                let connecting = connecting.resume_from(&ticket);
                let accepting = tokio::spawn(acceptor.accept(server));
                let stuck = Carrier::new(Stuck::new(client, &door));
                (tokio::spawn(connecting.over(stuck)), accepting)
            } else {
                let connecting = tokio::spawn(connecting.over(client));
                let stuck = Carrier::new(Stuck::new(server, &door));
                (tokio::spawn(acceptor.accept(stuck)), connecting)
            };
            let first = within(first).await.unwrap().unwrap();
            assert_eq!(first.info().resumed, resumed);
            assert!(door.shut.load(Acquire));
            door.open();
            let second = within(second).await.unwrap().unwrap();
            for session in [&first, &second] {
                let stats = session.stats();
                let repeats = (stats.retransmissions, stats.repeats_answered);
                assert_eq!(repeats, (0, 0), "{protection}, resumed: {resumed}");
            }
            echo_once(&first, &second).await;
        }
    }
}

#[tokio::test]
async fn a_pipe_that_panics_ends_its_own_session_only() {
    for how in [How::Once, How::Always] {
        let (acceptor, connector) = (acceptor(patient()), connector(patient()));
        let (other, others_client) = sessions(&acceptor, &connector, pipe(lossless())).await;
        let (server, client) = pipe(lossless());
        let inject = client.injector();
        let armed = Arc::new(AtomicBool::new(false));
        let bad = Carrier::new(Bad {
            inner: server.into(),
            armed: Arc::clone(&armed),
            how,
        });
        let accepting = tokio::spawn(acceptor.accept(bad));
        let _client = within(connector.connect("localhost").over(client))
            .await
            .unwrap();
        let session = within(accepting).await.unwrap().unwrap();

        // Nobody receives, so it is the session's keeper that hears of it.
        armed.store(true, Release);
        inject.send(vec![0]).await.unwrap();
        match how {
            How::Once => {
                let closed = within(session.closed()).await;
                assert!(matches!(closed.by, ClosedBy::Pipe(_)), "{closed:?}");
            }
            // Its owner would meet the panic, too.
            How::Always => std::mem::forget(session),
        }
        is_kept(&other, &others_client).await;
        let (new, news_client) = sessions(&acceptor, &connector, pipe(lossless())).await;
        is_kept(&new, &news_client).await;
    }
}

/// Checks that somebody notices a close_notify, though nobody receives.
async fn is_kept(session: &Session, peer: &Session) {
    peer.close();
    let closed = within(session.closed()).await;
    assert!(matches!(closed.by, ClosedBy::Peer), "{closed:?}");
}

/// Takes nothing from when the peer's Finished has come until the door is opened.
struct Stuck {
    inner: Carrier,
    door: Arc<Door>,
}

#[derive(Default)]
struct Door {
    shut: AtomicBool,
    opened: AtomicBool,
    waker: AtomicWaker,
}

impl Stuck {
    fn new(inner: impl Into<Carrier>, door: &Arc<Door>) -> Self {
        Self {
            inner: inner.into(),
            door: Arc::clone(door),
        }
    }
}

impl Door {
    fn open(&self) {
        self.opened.store(true, Release);
        self.waker.wake();
    }
}

impl Datagrams for Stuck {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let (length, from) = ready!(self.inner.poll_recv(cx, buf))?;
        let is_finished = |record: AnyRecord<'_>| match record {
            AnyRecord::Full(record) => {
                (record.epoch, record.content_type) == (1, ContentType::HANDSHAKE)
            }
            AnyRecord::Unified(_) => false,
        };
        if records(&buf[..length]).flatten().any(is_finished) {
            self.door.shut.store(true, Release);
        }
        Poll::Ready(Ok((length, from)))
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        self.door.waker.register(cx.waker());
        if self.door.shut.load(Acquire) && !self.door.opened.load(Acquire) {
            return Poll::Pending;
        }
        self.inner.poll_send(cx, datagram, to)
    }
}

struct Bad {
    inner: Carrier,
    armed: Arc<AtomicBool>,
    how: How,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Once,
    Always,
}

impl Datagrams for Bad {
    fn poll_recv(
        &mut self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<io::Result<(usize, SocketAddr)>> {
        let once = self.how == How::Once && self.armed.swap(false, Release);
        assert!(!once, "as a test wants it");
        self.inner.poll_recv(cx, buf)
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        datagram: &[u8],
        to: SocketAddr,
    ) -> Poll<io::Result<()>> {
        self.inner.poll_send(cx, datagram, to)
    }

    fn path_mtu(&self) -> Option<usize> {
        let always = self.how == How::Always && self.armed.load(Acquire);
        assert!(!always, "as a test wants it");
        None
    }
}
