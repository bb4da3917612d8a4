//! A waker may run anything at once, so no lock is held when one is called.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use common::{acceptor, connector, default_sessions, lossless, patient, pipe, within};
use dtls_session::{Datagrams, Pipe, Session};

/// More receivers than a session lists, whose wakers poll it at once: no lock may be held then.
#[tokio::test]
async fn a_waker_may_poll_the_session() {
    let (server, _client) = default_sessions().await;
    let server = Arc::new(server);
    let polled = tokio::task::spawn_blocking(move || {
        let waiting: Vec<_> = (0..50)
            .map(|_| Arc::new(Inline(Arc::clone(&server), false.into())))
            .collect();
        for inline in &waiting {
            let waker = Waker::from(Arc::clone(inline));
            let mut buf = [0; 10];
            let mut recv = pin!(server.recv(&mut buf));
            let polled = recv.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        let woken = |inline: &Arc<Inline>| inline.1.load(Ordering::Relaxed);
        waiting.iter().filter(|inline| woken(inline)).count()
    });
    assert!(within(polled).await.unwrap() > 0);
}

/// The pipe wakes whoever polls it, as one does whose share of time is used up: no lock may be held then.
#[tokio::test]
async fn a_pipe_may_wake_while_it_is_polled() {
    struct Eager<P>(P);
    impl<P: Datagrams> Datagrams for Eager<P> {
        fn poll_recv(
            &mut self,
            cx: &mut Context<'_>,
            buf: &mut [u8],
        ) -> Poll<io::Result<(usize, SocketAddr)>> {
            let received = self.0.poll_recv(cx, buf);
            if received.is_pending() {
                cx.waker().wake_by_ref();
            }
            received
        }
        fn poll_send(
            &mut self,
            cx: &mut Context<'_>,
            datagram: &[u8],
            to: SocketAddr,
        ) -> Poll<io::Result<()>> {
            self.0.poll_send(cx, datagram, to)
        }
    }
    let (server, client) = pipe(lossless());
    let eager = Pipe::new(Eager(Pipe::from(server)));
    let accepting = tokio::spawn(acceptor(patient()).accept(eager));
    let connecting = connector(patient()).connect("localhost").over(client);
    let _client = within(connecting).await.unwrap();
    let server = Arc::new(within(accepting).await.unwrap().unwrap());
    let polled = tokio::task::spawn_blocking(move || {
        let inline = Arc::new(Inline(Arc::clone(&server), false.into()));
        let waker = Waker::from(Arc::clone(&inline));
        for _ in 0..2 {
            let mut buf = [0; 10];
            let mut recv = pin!(server.recv(&mut buf));
            let polled = recv.as_mut().poll(&mut Context::from_waker(&waker));
            assert!(polled.is_pending());
        }
        inline.1.load(Ordering::Relaxed)
    });
    assert!(within(polled).await.unwrap());
}

/// A waker that polls the session it waits for.
struct Inline(Arc<Session>, AtomicBool);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        self.1.store(true, Ordering::Relaxed);
        let mut buf = [0; 10];
        let mut recv = pin!(self.0.recv(&mut buf));
        let _ = recv.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
}
