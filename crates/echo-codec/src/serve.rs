use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};

use crate::{error::ServeError, replies::Replies};

/// Answers the requests of one peer until the stream ends.
///
/// `io` yields requests and takes replies; give `&mut io` to keep it. `max_datagram_size` is asked before each
/// reply datagram how long it may be, so the answer may change.
///
/// ```
/// use std::error::Error;
/// use std::io;
///
/// use bytes::Bytes;
/// use futures::{Sink, SinkExt, Stream};
///
/// async fn answer<T>(mut session: T) -> Result<(), Box<dyn Error>>
/// where
///     T: Stream<Item = io::Result<Bytes>> + Sink<Bytes, Error = io::Error> + Unpin,
/// {
///     let summary = echo_codec::serve(&mut session, |_| 1200).await?;
///     println!("{} requests, {} replies", summary.requests, summary.replies);
///     session.close().await?;
///     Ok(())
/// }
/// ```
pub fn serve<T, E, M>(io: T, max_datagram_size: M) -> Serve<T, M>
where
    T: Stream<Item = Result<Bytes, E>> + Sink<Bytes, Error = E> + Unpin,
    M: FnMut(&T) -> usize,
{
    Serve {
        io,
        max_datagram_size,
        replies: Replies::with_capacity(0),
        summary: Summary::default(),
        unflushed: false,
        ended: false,
    }
}

/// The future made by [`serve`]: yields its [`Summary`] when the stream ends and all replies are flushed.
///
/// The sink is not closed. No request is read while a reply waits for the sink. Replies are flushed when no further
/// request is there, or after 32 requests, when other tasks get their turn.
///
/// # Errors
///
/// The first error of the stream or the sink. The replies not sent yet are kept: where the transport goes on after
/// an error, as UDP does, so does this future when it is polled again. Only the datagram that the sink refused is lost.
///
/// # Cancel safety
///
/// Whoever polls `&mut serve` can stop, read [`summary`](Self::summary), and go on later; nothing is lost. An idle
/// timeout is made like that: it has passed when the summary is what it was. A request that is not answered is
/// lost if the future is dropped.
#[must_use = "futures do nothing unless they are polled"]
pub struct Serve<T, M> {
    io: T,
    max_datagram_size: M,
    replies: Replies,
    summary: Summary,
    unflushed: bool,
    ended: bool,
}

impl<T, M> Serve<T, M> {
    /// Returns what was received and sent so far.
    pub fn summary(&self) -> Summary {
        self.summary
    }
}

impl<T, E, M> Serve<T, M>
where
    T: Stream<Item = Result<Bytes, E>> + Sink<Bytes, Error = E> + Unpin,
    M: FnMut(&T) -> usize,
{
    /// Moves one datagram: sends the next reply, or reads a request if none is left. `None` means that the
    /// stream ended.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), ServeError<E>>>> {
        if self.replies.is_done() {
            return self.poll_request(cx);
        }
        if let Err(error) = ready!(self.io.poll_ready_unpin(cx)) {
            return Poll::Ready(Some(Err(ServeError::Send(error))));
        }
        self.replies.set_max((self.max_datagram_size)(&self.io));
        Poll::Ready(self.replies.next().map(|reply| self.send(reply)))
    }

    fn poll_request(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(), ServeError<E>>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match ready!(self.io.poll_next_unpin(cx)) {
            Some(Ok(request)) => {
                self.summary.requests += 1;
                self.summary.request_bytes += request.len() as u64;
                self.replies.start(request);
                Poll::Ready(Some(Ok(())))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(ServeError::Recv(error)))),
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }

    fn send(&mut self, reply: Bytes) -> Result<(), ServeError<E>> {
        let len = reply.len() as u64;
        self.io.start_send_unpin(reply).map_err(ServeError::Send)?;
        self.unflushed = true;
        self.summary.replies += 1;
        self.summary.reply_bytes += len;
        Ok(())
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), ServeError<E>>> {
        if self.unflushed {
            let result = ready!(self.io.poll_flush_unpin(cx));
            self.unflushed = false;
            result.map_err(ServeError::Send)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl<T, E, M> Future for Serve<T, M>
where
    T: Stream<Item = Result<Bytes, E>> + Sink<Bytes, Error = E> + Unpin,
    M: FnMut(&T) -> usize,
{
    type Output = Result<Summary, ServeError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        for _ in 0..DATAGRAMS_PER_TURN {
            match this.poll_step(cx) {
                Poll::Ready(Some(result)) => result?,
                Poll::Ready(None) => {
                    ready!(this.poll_flush(cx))?;
                    return Poll::Ready(Ok(this.summary));
                }
                Poll::Pending => {
                    // While a reply waits, the sink flushes by itself to make room.
                    if this.replies.is_done() {
                        ready!(this.poll_flush(cx))?;
                    }
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        ready!(this.poll_flush(cx))?;
        Poll::Pending
    }
}

// Only `io` is ever pinned.
impl<T: Unpin, M> Unpin for Serve<T, M> {}

/// What [`Serve`] received and sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Request datagrams, also those without a line.
    pub requests: u64,
    /// Reply datagrams that the sink took.
    pub replies: u64,
    /// The bytes of the requests.
    pub request_bytes: u64,
    /// The bytes of the replies.
    pub reply_bytes: u64,
}

/// Datagrams of either direction before other tasks get their turn: 32 requests with a reply each.
const DATAGRAMS_PER_TURN: usize = 64;
