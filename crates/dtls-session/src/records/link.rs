//! A session's way to its peer: the pipe, with what its errors mean.

use std::{
    io,
    net::SocketAddr,
    task::{Context, Poll, ready},
};

use crate::{
    datagrams::{Datagrams, Pipe, Received},
    records::refusals::Refusals,
    settings::config::SessionConfig,
    stats::SessionStats,
};

/// Carries datagrams as a session needs it: none is empty, none fails, and each is counted.
///
/// An error is about one datagram, unless the pipe has ended: then there is a
/// [failure](Self::take_failure).
pub(crate) struct Link {
    pipe: Pipe,
    peer: SocketAddr,
    /// How many datagrams this poll may still read.
    budget: u32,
    /// How many reads in a row have yielded nothing, without a wait between them.
    fruitless: u32,
    failure: Option<io::Error>,
    refusals: Refusals,
    /// Whether data was refused as too long.
    refused: bool,
    /// What is left to try where the pipe refuses datagrams as too long, and does not know the path.
    guessed_mtu: Option<usize>,
    received: u64,
    sent: u64,
    /// What is seldom counted, once it was.
    seldom: Option<Box<SessionStats>>,
}

impl Link {
    pub(crate) fn new(pipe: Pipe) -> Self {
        Self {
            peer: pipe.peer_addr(),
            pipe,
            budget: 0,
            fruitless: 0,
            failure: None,
            refusals: Refusals::default(),
            refused: false,
            guessed_mtu: None,
            received: 0,
            sent: 0,
            seldom: None,
        }
    }

    pub(crate) fn into_pipe(self) -> Pipe {
        self.pipe
    }

    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// Begins a poll: who reads may ask again and again for what follows records that are dropped,
    /// and whoever forges them must not keep it from ever coming back.
    pub(crate) fn begin_poll(&mut self) {
        self.budget = MAX_READS;
    }

    /// Receives a datagram into `buf`, and returns its length, in bytes.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<usize> {
        self.poll_read(cx, |pipe, cx| pipe.poll_recv(cx, buf), |length| *length)
    }

    /// Receives a datagram where it lies, or into `scratch`.
    pub(crate) fn poll_take(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<Received> {
        self.poll_read(cx, |pipe, cx| pipe.poll_take(cx, scratch), Received::len)
    }

    fn poll_read<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut read: impl FnMut(&mut Pipe, &mut Context<'_>) -> Poll<io::Result<(T, SocketAddr)>>,
        length: impl Fn(&T) -> usize,
    ) -> Poll<T> {
        while self.budget > 0 && self.failure.is_none() {
            self.budget -= 1;
            let Poll::Ready(received) = read(&mut self.pipe, cx) else {
                self.fruitless = 0;
                return Poll::Pending;
            };
            match received {
                Ok((datagram, _)) if length(&datagram) == 0 => {
                    self.seldom().filtered_empty += 1;
                    self.pass_over(&io::ErrorKind::UnexpectedEof.into());
                }
                Ok((datagram, _)) => {
                    self.fruitless = 0;
                    self.refusals.heard();
                    tracing::trace!(bytes = length(&datagram), "datagram received");
                    self.received += 1;
                    return Poll::Ready(datagram);
                }
                Err(error) if concerns_one_datagram(&error) => {
                    tracing::trace!(%error, "told of a datagram");
                    self.seldom().recv_errors += 1;
                    self.pass_over(&error);
                    self.refusals.told(error);
                }
                Err(error) => self.failure = Some(error),
            }
        }
        if self.failure.is_none() {
            // A busy pipe gets a pause.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }

    /// Counts a read that yielded nothing: a pipe that never yields anything else, and never waits,
    /// has ended.
    fn pass_over(&mut self, error: &io::Error) {
        self.fruitless += 1;
        if self.fruitless >= MAX_FRUITLESS {
            let code = error.raw_os_error();
            self.failure =
                Some(code.map_or_else(|| error.kind().into(), io::Error::from_raw_os_error));
        }
    }

    /// Sends a datagram, and returns whether the pipe has taken it rather than refused it.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>, datagram: &[u8]) -> Poll<bool> {
        let outcome = ready!(self.pipe.poll_send(cx, datagram, self.peer));
        match &outcome {
            Ok(()) => {
                tracing::trace!(bytes = datagram.len(), "datagram sent");
                self.sent += 1;
                self.refusals.sent();
            }
            Err(error) => {
                tracing::trace!(%error, "datagram not sent");
                self.seldom().send_errors += 1;
                if error.raw_os_error() == Some(MESSAGE_TOO_LONG) {
                    self.refused = true;
                    self.guessed_mtu = mtu_below(datagram.len()).or(self.guessed_mtu);
                }
            }
        }
        Poll::Ready(outcome.is_ok())
    }

    /// Lets what was sent leave; whether or not the pipe can do so, its next flush will try again.
    pub(crate) fn flush(&mut self, cx: &mut Context<'_>) {
        let _ = self.pipe.poll_flush(cx);
    }

    /// Lets go of memory that only a busy session needs.
    pub(crate) fn rest(&mut self) {
        self.pipe.rest();
    }

    /// What is counted here, but for the datagrams.
    pub(crate) fn seldom(&mut self) -> &mut SessionStats {
        self.seldom.get_or_insert_default()
    }

    /// Lets go of counters that are all zero.
    pub(crate) fn settle(&mut self) {
        self.seldom
            .take_if(|stats| **stats == SessionStats::default());
    }

    pub(crate) fn stats(&self) -> SessionStats {
        SessionStats {
            datagrams_received: self.received,
            datagrams_sent: self.sent,
            ..self.seldom.as_deref().copied().unwrap_or_default()
        }
    }

    /// The error that ended the pipe.
    pub(crate) fn take_failure(&mut self) -> Option<io::Error> {
        self.failure.take()
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// The largest datagram that gets through, as far as that is known.
    fn path_mtu(&self) -> Option<usize> {
        self.pipe.path_mtu().or(self.guessed_mtu)
    }

    /// What was asked for and gets through. Anybody may forge the messages that the system knows a
    /// path by, so there is a least.
    pub(crate) fn mtu_within(&self, asked: usize) -> usize {
        let known = |path: usize| path.max(*SessionConfig::MTU.start()).min(asked);
        self.path_mtu().map_or(asked, known)
    }

    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    pub(crate) fn refusals_mut(&mut self) -> &mut Refusals {
        &mut self.refusals
    }

    /// Whether the pipe has refused data as too long since this was asked before.
    pub(crate) fn take_refused(&mut self) -> bool {
        std::mem::take(&mut self.refused)
    }
}

/// Whether an error is about one datagram, as all are that an ICMP message may bring about: anybody
/// can send one. The system has a number for those, and for few others.
fn concerns_one_datagram(error: &io::Error) -> bool {
    use io::ErrorKind::{
        BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, HostUnreachable,
        Interrupted, NetworkDown, NetworkUnreachable, NotConnected,
    };
    match error.kind() {
        ConnectionRefused | HostUnreachable | Interrupted | NetworkDown | NetworkUnreachable => {
            true
        }
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected => false,
        _ => error.raw_os_error().is_some(),
    }
}

/// The next size to try where datagrams of this one are lost.
fn mtu_below(present: usize) -> Option<usize> {
    FALLBACK_MTUS.into_iter().find(|mtu| *mtu < present)
}

/// IPv6's least MTU with room for a tunnel's headers, and IPv4's (RFC 8200 5, RFC 791 3.2).
pub(crate) const FALLBACK_MTUS: [usize; 2] = [1200, 548];

/// EMSGSIZE.
const MESSAGE_TOO_LONG: i32 = if cfg!(windows) {
    10_040
} else {
    libc::EMSGSIZE
};
/// How many datagrams one poll looks at before it lets others run.
const MAX_READS: u32 = 64;
/// More empty datagrams than any socket's buffer holds.
const MAX_FRUITLESS: u32 = 1 << 14;
