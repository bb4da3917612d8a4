use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use crate::{error::SendError, outbox::Outbox, path, shared::Shared, socket::Socket};

/// The way out of an endpoint.
///
/// While the driver lets those run whom it has just woken, what they queue is gathered, and leaves
/// with few system calls when the driver comes back. At any other time it leaves at once.
#[derive(Debug)]
pub(crate) struct Departure(Mutex<State>);

#[derive(Debug)]
struct State {
    outbox: Outbox,
    gathering: bool,
}

impl Departure {
    pub(crate) fn new(socket: &Socket) -> Self {
        Self(Mutex::new(State {
            outbox: Outbox::new(socket.max_segments()),
            gathering: false,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Lets queued datagrams wait for the next [`flush`](Self::flush).
    pub(crate) fn gather(&self) {
        self.departure.lock().gathering = true;
    }

    /// Sends what was gathered, and returns whether there was anything.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.departure.lock();
        state.gathering = false;
        let busy = !state.outbox.is_empty();
        self.send_gathered(&mut state.outbox);
        busy
    }

    /// Whether something waits for the socket to become writable.
    pub(crate) fn is_blocked(&self) -> bool {
        !self.departure.lock().outbox.is_empty()
    }

    /// Sends one datagram soon: what the system says of it is only counted.
    pub(crate) fn queue(
        &self,
        peer: SocketAddr,
        from: Option<IpAddr>,
        datagram: &[u8],
    ) -> Result<(), SendError> {
        let mut state = self.departure.lock();
        if !state.gathering && state.outbox.is_empty() {
            drop(state);
            return self.sent(
                self.socket.try_send_ready(peer, from, datagram),
                datagram.len(),
            );
        }
        if state.outbox.push(peer, from, datagram) {
            return Ok(());
        }
        self.send_gathered(&mut state.outbox);
        if state.outbox.push(peer, from, datagram) {
            return Ok(());
        }
        Err(SendError::WouldBlock)
    }

    /// Sends one datagram by `send`, behind what was gathered.
    pub(crate) fn send_now(
        &self,
        length: usize,
        send: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), SendError> {
        let mut state = self.departure.lock();
        self.send_gathered(&mut state.outbox);
        drop(state);
        self.sent(send(), length)
    }

    fn send_gathered(&self, outbox: &mut Outbox) {
        while !outbox.is_empty() {
            let (runs, bytes) = outbox.next_burst();
            match self.socket.try_send_runs(runs, bytes) {
                Ok(count) => {
                    for run in &runs[..count] {
                        self.counters.sent.add(run.datagrams);
                        self.counters.sent_bytes.add(run.len);
                    }
                    outbox.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.counters.send_would_block.add(1);
                    return;
                }
                Err(error) => {
                    tracing::trace!(%error, "a burst was not sent");
                    self.send_apart(outbox);
                }
            }
        }
    }

    /// Sends the first run, which the system has just refused, in pieces that it may take: whether
    /// it can segment depends on the route and the interface.
    fn send_apart(&self, outbox: &mut Outbox) {
        let (runs, bytes) = outbox.next_burst();
        let run = runs[0];
        let mut refused = false;
        for datagram in bytes[..run.len].chunks(run.segment) {
            let sent = self.socket.try_send_ready(run.peer, run.from, datagram);
            if sent.as_ref().is_err_and(path::is_too_long) {
                self.refuse(run.peer, datagram.len());
            }
            refused |= self.sent(sent, datagram.len()).is_err();
        }
        outbox.advance(1);
        if run.datagrams > 1 && !refused {
            outbox.stop_segmenting();
        }
    }
}
