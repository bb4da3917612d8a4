//! A session whose replies are timed.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use dtls_session::Session;
use futures::{Sink, SinkExt, Stream, StreamExt};
use metrics::Histogram;
use tokio::time::Instant;

/// Passes datagrams through, and records how long each request waits for its first reply.
pub(crate) struct Timed<'a> {
    session: &'a mut Session,
    histogram: &'a Histogram,
    received: Option<Instant>,
}

impl<'a> Timed<'a> {
    pub(super) fn new(session: &'a mut Session, histogram: &'a Histogram) -> Self {
        Self {
            session,
            histogram,
            received: None,
        }
    }

    pub(crate) fn session(&self) -> &Session {
        self.session
    }
}

impl Stream for Timed<'_> {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.session.poll_next_unpin(cx);
        if let Poll::Ready(Some(Ok(_))) = &polled {
            self.received = Some(Instant::now());
        }
        polled
    }
}

impl Sink<Bytes> for Timed<'_> {
    type Error = io::Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.poll_ready_unpin(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, reply: Bytes) -> io::Result<()> {
        self.session.start_send_unpin(reply)?;
        if let Some(received) = self.received.take() {
            self.histogram.record(received.elapsed());
        }
        Ok(())
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.poll_flush_unpin(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.session.poll_close_unpin(cx)
    }
}
