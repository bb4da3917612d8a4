//! A datagram pipe in memory that counts its flushes and fails when told to.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures::{FutureExt, Sink, SinkExt, Stream, StreamExt, channel::mpsc};
use thiserror::Error;

/// Makes a pipe that holds about `capacity` replies.
pub(crate) fn pipe(capacity: usize) -> (Pipe, Remote) {
    let (requests, incoming) = mpsc::channel(128);
    let (outgoing, replies) = mpsc::channel(capacity);
    let pipe = Pipe {
        incoming,
        outgoing,
        flushes: 0,
        flush_blocked: false,
        refuse: None,
    };
    (pipe, Remote { requests, replies })
}

/// The server's end.
pub(crate) struct Pipe {
    incoming: mpsc::Receiver<Result<Bytes, Broken>>,
    outgoing: mpsc::Sender<Bytes>,
    pub(crate) flushes: usize,
    pub(crate) flush_blocked: bool,
    /// The datagram that is an error to send.
    pub(crate) refuse: Option<Bytes>,
}

impl Stream for Pipe {
    type Item = Result<Bytes, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_next_unpin(cx)
    }
}

impl Sink<Bytes> for Pipe {
    type Error = Broken;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.outgoing.poll_ready(cx).map_err(|_| Broken("out"))
    }

    fn start_send(mut self: Pin<&mut Self>, datagram: Bytes) -> Result<(), Broken> {
        if self.refuse.as_ref() == Some(&datagram) {
            return Err(Broken("out"));
        }
        self.outgoing
            .start_send(datagram)
            .map_err(|_| Broken("out"))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        if self.flush_blocked {
            return Poll::Pending;
        }
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        self.outgoing.close_channel();
        Poll::Ready(Ok(()))
    }
}

/// The peer's end.
pub(crate) struct Remote {
    pub(crate) requests: mpsc::Sender<Result<Bytes, Broken>>,
    pub(crate) replies: mpsc::Receiver<Bytes>,
}

impl Remote {
    pub(crate) fn send_all<I>(&mut self, requests: I)
    where
        I: IntoIterator<Item: Into<Bytes>>,
    {
        for request in requests {
            self.request(Ok(request.into()));
        }
    }

    pub(crate) fn request(&mut self, item: Result<Bytes, Broken>) {
        let sent = self.requests.feed(item).now_or_never();
        sent.expect("there is room")
            .expect("the server's end lives");
    }

    /// Takes the replies that are there.
    pub(crate) fn received(&mut self) -> Vec<Bytes> {
        std::iter::from_fn(|| self.replies.next().now_or_never().flatten()).collect()
    }
}

#[derive(Debug, PartialEq, Eq, Error)]
#[error("{0} is broken")]
pub(crate) struct Broken(pub(crate) &'static str);
