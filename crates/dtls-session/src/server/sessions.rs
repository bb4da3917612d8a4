//! Established sessions, one after the other.

use std::{
    fmt, io,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{
    Stream, StreamExt,
    future::{Either, select},
    stream::{self, FuturesUnordered},
};

use crate::{
    handshake::Handshake,
    server::listener::{Listener, is_closed},
    session::Session,
};

/// A stream of established sessions, made by [`Listener::sessions`].
///
/// It runs the handshakes while it is polled, as many as [`Limits::half_open`](crate::Limits::half_open) lets
/// it have. A handshake that fails is logged at `debug`; its error goes nowhere else, so a server that needs it calls
/// [`Listener::accept`]. The stream ends when the listener is
/// [closed](Listener::close), or with the error of a dead socket.
#[must_use = "nobody is let in unless it is polled"]
pub struct Sessions<'a>(Pin<Box<dyn Stream<Item = io::Result<Session>> + Send + 'a>>);

impl<'a> Sessions<'a> {
    pub(super) fn of(listener: &'a Listener) -> Self {
        let start = Some(FuturesUnordered::new());
        Self(Box::pin(stream::unfold(start, move |handshakes| {
            next(listener, handshakes)
        })))
    }

    /// Waits for the next session; None once the listener is closed.
    ///
    /// # Errors
    ///
    /// Only when the socket is dead, once.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no session is lost.
    pub async fn next(&mut self) -> Option<io::Result<Session>> {
        StreamExt::next(self).await
    }
}

impl Stream for Sessions<'_> {
    type Item = io::Result<Session>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for Sessions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

/// The handshakes that run; None once the stream has ended.
type Running = Option<FuturesUnordered<Handshake>>;

async fn next(listener: &Listener, running: Running) -> Option<(io::Result<Session>, Running)> {
    let mut handshakes = running?;
    loop {
        let accepted = {
            let accepting = pin!(listener.accept());
            if handshakes.is_empty() {
                accepting.await
            } else {
                match select(accepting, handshakes.next()).await {
                    Either::Left((accepted, _)) => accepted,
                    Either::Right((Some(Ok(session)), _)) => {
                        return Some((Ok(session), Some(handshakes)));
                    }
                    Either::Right(_) => continue,
                }
            }
        };
        match accepted {
            Ok(handshake) => handshakes.push(handshake),
            Err(error) if is_closed(&error) => return None,
            Err(error) => return Some((Err(error), None)),
        }
    }
}
