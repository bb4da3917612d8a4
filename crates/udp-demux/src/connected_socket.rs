use std::{
    fmt,
    future::poll_fn,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use socket2::SockRef;
use tokio::{
    io::{Interest, ReadBuf, Ready},
    net::UdpSocket,
    task::coop,
};

use crate::{
    config::Config,
    path::{self, PathMtu},
    socket,
    stats::{ConnectedStats, Counter},
};

/// A UDP socket of its own for one peer: whole datagrams to it and from it.
///
/// It hears nobody else, and the system tells it what the network says of its datagrams (ICMP), which a
/// [`Channel`](crate::Channel) of a shared socket cannot know. It also is a [`Stream`](futures::Stream) and
/// [`Sink`](futures::Sink) of [`Bytes`], and [`AsyncRead`](tokio::io::AsyncRead) and
/// [`AsyncWrite`](tokio::io::AsyncWrite), for what is made for these.
///
/// # Errors are one datagram's
///
/// Anybody who knows the two ports can forge an ICMP message. So what the system says of an earlier datagram ends
/// nothing: it is counted and kept for [`take_error`](Self::take_error), and receiving goes on. No task is woken for it:
/// `recv` goes on waiting. Whoever wants to know of it calls `take_error` after each send and by a timer. A send that
/// fails for it is tried again at once. Empty datagrams, which are as easily forged, are dropped and counted: a
/// socket has no end of file.
///
/// # Path MTU
///
/// Where the system can (Linux), it refuses datagrams that are longer than it believes the path to carry, and
/// [`path_mtu`](Self::path_mtu) says how long that is.
///
/// ```no_run
/// use udp_demux::ConnectedSocket;
///
/// # async fn example() -> std::io::Result<()> {
/// let mut socket = ConnectedSocket::connect(([127, 0, 0, 1], 7007).into())?;
/// socket.send(b"hello").await?;
/// let mut buf = vec![0; 65_535];
/// let len = socket.recv(&mut buf).await?;
/// # let _ = len;
/// # Ok(())
/// # }
/// ```
pub struct ConnectedSocket {
    io: Arc<UdpSocket>,
    failing: Option<Failing>,
    local: SocketAddr,
    peer: SocketAddr,
    path: PathMtu,
    counters: Counters,
    error: Mutex<Option<io::Error>>,
    pub(crate) adapters: Adapters,
}

type Failing = Pin<Box<dyn Future<Output = io::Result<Ready>> + Send + Sync>>;

/// What the socket keeps for its other forms.
#[derive(Default)]
pub(crate) struct Adapters {
    /// What the sink could not send yet.
    pub(crate) outgoing: Option<Bytes>,
    /// Where the stream receives.
    pub(crate) buffer: Vec<u8>,
    /// Whether the stream has told why it ended.
    pub(crate) exhausted: bool,
}

#[derive(Debug, Default)]
struct Counters {
    received: Counter,
    dropped_empty: Counter,
    sent: Counter,
    send_errors: Counter,
    errors: Counter,
    refusals: Counter,
}

impl ConnectedSocket {
    /// Opens a socket for `peer`, on a port that the system chooses.
    ///
    /// # Errors
    ///
    /// What the system says, for example that there is no way to such an address.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn connect(peer: SocketAddr) -> io::Result<Self> {
        let socket = socket::open(peer)?;
        let config = Config::default();
        // Best effort: the system caps what an unprivileged process may have.
        let _ = socket.set_recv_buffer_size(config.recv_buffer_size);
        let _ = socket.set_send_buffer_size(config.send_buffer_size);
        socket.connect(&peer.into())?;
        let mut connected = Self::from_socket(socket.into())?;
        // The system gives a loopback address for 0.0.0.0, and leaves out a zone that an address does
        // not need; whoever looks for this peer knows it as it was asked for.
        connected.peer = peer;
        Ok(connected)
    }

    /// Takes over a socket that is connected already.
    ///
    /// # Errors
    ///
    /// [`NotConnected`](io::ErrorKind::NotConnected) if it is not, and whatever else the system says.
    ///
    /// # Panics
    ///
    /// Outside a Tokio runtime.
    pub fn from_socket(socket: std::net::UdpSocket) -> io::Result<Self> {
        let (local, peer) = (socket.local_addr()?, socket.peer_addr()?);
        path::discover(&socket, local);
        SockRef::from(&socket).set_nonblocking(true)?;
        let path = PathMtu::default();
        path.learn(path::of_connected(&socket, peer));
        Ok(Self {
            io: Arc::new(UdpSocket::from_std(socket)?),
            failing: None,
            local,
            peer,
            path,
            counters: Counters::default(),
            error: Mutex::default(),
            adapters: Adapters::default(),
        })
    }

    /// Receives a datagram into `buf` and returns its length, which is never zero. What has no room in `buf` is
    /// cut off.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if `buf` is empty. Any other is final: the descriptor is dead.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| self.poll_recv(cx, buf)).await
    }

    /// Polls for a datagram; see [`recv`](Self::recv).
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn poll_recv(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Err(no_room()));
        }
        for _ in 0..MAX_FRUITLESS {
            let mut read = ReadBuf::new(buf);
            let Poll::Ready(outcome) = self.io.poll_recv(cx, &mut read) else {
                ready!(self.poll_error(cx));
                continue;
            };
            if let Some(received) = self.received(outcome.map(|()| read.filled().len())) {
                return Poll::Ready(received);
            }
        }
        // Whoever sends nothing but nothing must not keep others from running.
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Receives a datagram if there is one, and returns `None` if not.
    ///
    /// # Errors
    ///
    /// As for [`recv`](Self::recv).
    pub fn try_recv(&mut self, buf: &mut [u8]) -> io::Result<Option<usize>> {
        if buf.is_empty() {
            return Err(no_room());
        }
        for _ in 0..MAX_FRUITLESS {
            let outcome = match self.io.try_recv(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                outcome => outcome,
            };
            if let Some(received) = self.received(outcome) {
                return received.map(Some);
            }
        }
        Ok(None)
    }

    /// Sends one datagram, and waits while the socket's send buffer is full. An empty one is not sent.
    ///
    /// # Errors
    ///
    /// What the system says of this datagram, for example that it is longer than [`path_mtu`](Self::path_mtu); a
    /// later one may pass.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: a datagram is sent as a whole or not at all. Which of both is unknown to who cancels.
    pub async fn send(&self, datagram: &[u8]) -> io::Result<()> {
        coop::consume_budget().await;
        loop {
            match self.try_send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.io.writable().await?;
                }
                outcome => return outcome,
            }
        }
    }

    /// Polls to send one datagram; see [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As for [`send`](Self::send).
    pub fn poll_send(&mut self, cx: &mut Context<'_>, datagram: &[u8]) -> Poll<io::Result<()>> {
        let turn = ready!(coop::poll_proceed(cx));
        let sent = self.poll_transmit(cx, datagram);
        if sent.is_ready() {
            turn.made_progress();
        }
        sent
    }

    /// Polls to send one datagram, however long the task has run already.
    pub(crate) fn poll_transmit(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
    ) -> Poll<io::Result<()>> {
        loop {
            match self.try_send(datagram) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    ready!(self.io.poll_send_ready(cx))?;
                }
                outcome => return Poll::Ready(outcome),
            }
        }
    }

    /// Sends one datagram if the socket takes it at once.
    ///
    /// # Errors
    ///
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if the send buffer is full, otherwise as for [`send`](Self::send).
    pub fn try_send(&self, datagram: &[u8]) -> io::Result<()> {
        // No peer of this crate would see it.
        if datagram.is_empty() {
            return Ok(());
        }
        for _ in 0..MAX_OLDER {
            match self.io.try_send(datagram) {
                // Most likely an earlier datagram's, and told only once.
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => self.note(error),
                outcome => return self.count_sent(outcome),
            }
        }
        let outcome = self.io.try_send(datagram);
        if outcome.as_ref().is_err_and(path::is_too_long) {
            self.path.learn(self.ask_path());
        }
        self.count_sent(outcome)
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// The address that the socket is bound to.
    pub fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// How long a datagram may be, in bytes of UDP payload, by what the system knows of the path (RFC 1191, RFC
    /// 8201); `None` where it knows nothing.
    ///
    /// It may change with each datagram that is sent or received, and an ICMP message that makes it smaller may be
    /// forged.
    pub fn path_mtu(&self) -> Option<usize> {
        self.path.get(|| self.ask_path())
    }

    /// Takes the latest error that the system has told of an earlier datagram.
    ///
    /// It is a hint, which anybody may have forged: a peer that answers is there, whatever it says. Nothing wakes a
    /// task when there is one: call this after each send, and by a timer.
    pub fn take_error(&self) -> Option<io::Error> {
        self.lock_error().take()
    }

    /// What was counted until now.
    pub fn stats(&self) -> ConnectedStats {
        let counters = &self.counters;
        ConnectedStats {
            received: counters.received.value(),
            dropped_empty: counters.dropped_empty.value(),
            sent: counters.sent.value(),
            send_errors: counters.send_errors.value(),
            errors: counters.errors.value(),
            refusals: counters.refusals.value(),
        }
    }

    /// Waits for an error of an earlier datagram: a socket with one is not readable.
    fn poll_error(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let io = &self.io;
        let failing = self.failing.get_or_insert_with(|| {
            let io = Arc::clone(io);
            Box::pin(async move { io.ready(Interest::ERROR).await })
        });
        let told = ready!(failing.as_mut().poll(cx));
        self.failing = None;
        if told.is_err() {
            return Poll::Pending;
        }
        // Before it is taken: another one then is news.
        let told = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        let _ = self.io.try_io(Interest::ERROR, told);
        if let Ok(Some(error)) = self.io.take_error() {
            self.note(error);
        }
        Poll::Ready(())
    }

    fn count_sent(&self, outcome: io::Result<usize>) -> io::Result<()> {
        match &outcome {
            Ok(_) => self.counters.sent.add(1),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => self.counters.send_errors.add(1),
        }
        outcome.map(drop)
    }

    /// Turns what the socket yielded into a datagram's length or a final error; None is neither.
    fn received(&self, outcome: io::Result<usize>) -> Option<io::Result<usize>> {
        match outcome {
            Ok(0) => {
                self.counters.dropped_empty.add(1);
                None
            }
            Ok(length) => {
                self.counters.received.add(1);
                Some(Ok(length))
            }
            // The descriptor itself is gone: then not even its name can be asked for.
            Err(error) if self.io.local_addr().is_err() => Some(Err(error)),
            Err(error) => {
                self.note(error);
                None
            }
        }
    }

    fn note(&self, error: io::Error) {
        tracing::trace!(%error, "told of an earlier datagram");
        self.counters.errors.add(1);
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.counters.refusals.add(1);
        }
        if path::is_too_long(&error) {
            self.path.learn(self.ask_path());
        }
        *self.lock_error() = Some(error);
    }

    fn ask_path(&self) -> Option<usize> {
        path::of_connected(&*self.io, self.peer)
    }

    fn lock_error(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ConnectedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectedSocket")
            .field("peer", &self.peer)
            .field("local", &self.local)
            .finish_non_exhaustive()
    }
}

fn no_room() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "a buffer without room for a byte holds no datagram",
    )
}

/// How many errors one send takes for earlier datagrams'; who forges many may be quicker than one.
const MAX_OLDER: usize = 3;
/// How many empty datagrams and errors one call passes over.
const MAX_FRUITLESS: usize = 32;
