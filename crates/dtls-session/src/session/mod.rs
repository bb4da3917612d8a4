//! An established session: it may use `records`, `resumption`, the seam (`established.rs`, `info.rs`) and what these may use.

pub(crate) mod agenda;
pub(crate) mod core;
pub(crate) mod io;
pub(crate) mod keeper;
#[cfg(test)]
mod rest;
pub(crate) mod shared;
pub(crate) mod srtp;
pub(crate) mod waiters;
pub(crate) mod watch;

use std::{
    fmt,
    future::poll_fn,
    net::SocketAddr,
    sync::{Arc, Weak, atomic::Ordering},
    task::{Context, Poll, Waker, ready},
};

use bytes::Bytes;
use tokio::task::coop::poll_proceed;

use crate::{
    error::{Closed, ClosedBy, ExportError, MtuError, RecvError, SendError},
    established::Established,
    guard::Close,
    info::SessionInfo,
    resumption::Resumption,
    session::{
        core::Core, keeper::Keeper, shared::Shared, srtp::SrtpKeys, waiters::Waiters, watch::Watch,
    },
    stats::SessionStats,
};

/// A DTLS session with one peer.
///
/// A `Session` is a handle: clones are cheap and share one session. Dropping the last handle closes the session.
///
/// One task may send while another receives. It is also a `Stream` and a `Sink` of `Bytes`, as
/// `&Session` is, and `AsyncRead` and `AsyncWrite`, with the datagram semantics below.
///
/// Most of its errors are final: the session has ended. It goes on only after [`RecvError::BufferTooShort`],
/// [`SendError::TooLarge`], [`SendError::Empty`] and the `WouldBlock` of `try_recv` and `try_send`. What
/// strangers and a bad network send is dropped and counted, and never an error.
///
/// A task in the background keeps the session alive while the application does not receive: it
/// answers a peer that missed the last flight (RFC 6347 4.2.4) and notices a close_notify. It looks
/// a few datagrams ahead; the others wait in the pipe's queue, such as
/// [`udp_demux::Config::recv_queue`].
///
/// # Datagram semantics
///
/// Each datagram sent is one record in one UDP datagram; each received is one record. They may
/// be lost, repeated never (RFC 6347 4.1.2.6), and arrive in any order.
///
/// `AsyncRead` yields one datagram a read and fails with `InvalidInput` if the buffer is shorter,
/// losing nothing; zero bytes are the end. `AsyncWrite` sends one datagram a write, never a part of
/// one; `poll_shutdown` sends close_notify. A stream yields the error that ended the session once, and
/// then nothing more.
///
/// ```
/// use dtls_session::Session;
///
/// async fn echo(session: Session) -> Result<(), Box<dyn std::error::Error>> {
///     let mut buf = vec![0; 16_384];
///     while let Some(length) = session.recv(&mut buf).await? {
///         session.send(&buf[..length]).await?;
///     }
///     Ok(())
/// }
/// ```
pub struct Session(Arc<Shared>);

impl Session {
    /// Makes the session of a handshake that has just finished, from within a runtime, which keeps it.
    pub(crate) fn new(from: Established) -> Self {
        let keeper = Keeper::current();
        let watch = Watch::new(from.idle_timeout, keeper.now());
        let core = Core::new(from.records, from.most_mtu, from.guard, watch);
        let shared = Arc::new_cyclic(|session| {
            let waiters = Waiters::new(keeper, Weak::clone(session));
            Shared::new(core, from.facts, from.resumption, waiters)
        });
        let closer: Weak<Shared> = Arc::downgrade(&shared);
        let goes_on = shared.lock().closes(closer);
        if !goes_on {
            Close::close(&*shared);
        }
        shared.waiters.call_keeper();
        Self(shared)
    }

    /// Receives one datagram, and returns its length in bytes; None once a close_notify of either side
    /// has ended the session.
    ///
    /// # Errors
    ///
    /// [`RecvError::BufferTooShort`] leaves the datagram for the next call, which may bring a
    /// longer buffer; 16 384 bytes are always enough. [`RecvError::Closed`] is final.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv(&self, buf: &mut [u8]) -> Result<Option<usize>, RecvError> {
        poll_fn(|cx| self.poll_recv(cx, buf)).await
    }

    /// Receives one datagram as [`Self::recv`] does, whatever its length.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`].
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv_bytes(&self) -> Result<Option<Bytes>, RecvError> {
        poll_fn(|cx| self.poll_recv_bytes(cx)).await
    }

    /// Receives one datagram as [`Self::recv`] does, if one is there.
    ///
    /// # Errors
    ///
    /// [`RecvError::WouldBlock`] if nothing is there, otherwise as for [`Self::recv`].
    pub fn try_recv(&self, buf: &mut [u8]) -> Result<Option<usize>, RecvError> {
        let mut core = self.0.lock();
        self.0.waiters.settle();
        let received = core.poll_recv(&mut self.0.context(), buf);
        drop(core);
        match received {
            Poll::Ready(received) => {
                self.0.waiters.stir();
                received
            }
            Poll::Pending => Err(RecvError::WouldBlock),
        }
    }

    /// Polls for a datagram; see [`Self::recv`]. Several tasks may wait at a time.
    ///
    /// # Errors
    ///
    /// As for [`Self::recv`].
    pub fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<Option<usize>, RecvError>> {
        self.poll_receive(cx, |core, cx| core.poll_recv(cx, buf))
    }

    pub(crate) fn poll_recv_bytes(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, RecvError>> {
        self.poll_receive(cx, Core::poll_recv_bytes)
    }

    /// Sends one datagram of up to [`Self::max_datagram_size`] bytes.
    ///
    /// It waits only while the pipe takes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLarge`] and [`SendError::Empty`] leave the session as it was. The size that fits can become
    /// smaller at any time, when the operating system learns that the path carries less. So a datagram of
    /// the size that fitted before may be too large.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram is sent as a whole or not at all.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_send(cx, datagram)).await
    }

    /// Waits until the pipe takes datagrams, or the session has ended.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn send_ready(&self) {
        poll_fn(|cx| self.poll_drained(cx)).await;
    }

    /// Sends one datagram as [`Self::send`] does, if the pipe takes it at once.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if it does not, otherwise as for [`Self::send`].
    pub fn try_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        let mut core = self.0.lock();
        if !core.is_over() && core.poll_drain(&mut self.0.context()).is_pending() {
            return Err(SendError::WouldBlock);
        }
        core.send(&mut self.0.context(), datagram)
    }

    /// Polls to send one datagram; see [`Self::send`].
    ///
    /// # Errors
    ///
    /// As for [`Self::send`].
    pub fn poll_send(&self, cx: &mut Context<'_>, datagram: &[u8]) -> Poll<Result<(), SendError>> {
        ready!(self.poll_drained(cx));
        Poll::Ready(self.start_send(datagram))
    }

    /// Sends close_notify (RFC 5246 7.2.1): nothing can be sent from then on, and who receives gets
    /// what has been opened already and then None. Doing so again does nothing.
    ///
    /// [`Self::closed`] waits for the peer's answer. A peer's close_notify is answered by the session itself. A close_notify is not repeated, so the peer may miss
    /// it.
    pub fn close(&self) {
        Close::close(&*self.0);
    }

    /// Waits until the session has ended, and tells why.
    ///
    /// After [`Self::close`] it has ended when the peer has said close_notify as well, or after 3 s.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn closed(&self) -> Closed {
        loop {
            let changed = self.0.changed.notified();
            {
                let core = self.0.lock();
                if core.is_over()
                    && let Some(closed) = core.close_reason()
                {
                    return closed;
                }
            }
            changed.await;
        }
    }

    /// Returns why nothing can be sent any more, or None while that can be done.
    pub fn close_reason(&self) -> Option<Closed> {
        self.0.lock().close_reason()
    }

    /// Returns the most bytes that one datagram can carry now: the MTU less the cipher's
    /// overhead (`DTLS_get_data_mtu`), within what was negotiated (RFC 6066 4). It may become less, and
    /// more again, with what the [pipe](crate::Datagrams::path_mtu) knows of the path.
    pub fn max_datagram_size(&self) -> usize {
        self.0.max_datagram_size()
    }

    /// Waits until [`Self::max_datagram_size`] is another than `known`, and returns it; None once the
    /// session has ended.
    ///
    /// ```
    /// use dtls_session::Session;
    ///
    /// async fn follow(session: Session) {
    ///     let mut size = session.max_datagram_size();
    ///     while let Some(other) = session.max_datagram_size_changed(size).await {
    ///         println!("a datagram carries {other} bytes, and {size} before");
    ///         size = other;
    ///     }
    /// }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Cancel safe.
    pub async fn max_datagram_size_changed(&self, known: usize) -> Option<usize> {
        loop {
            let changed = self.0.changed.notified();
            let size = self.0.max_datagram_size();
            if self.0.lock().is_over() {
                return None;
            }
            if size != known {
                return Some(size);
            }
            changed.await;
        }
    }

    /// Returns what a client needs to resume this session later, whether or not that ends with a
    /// close_notify; None on the server's side, and if the server gave nothing to resume by.
    pub fn resumption(&self) -> Option<Resumption> {
        self.0.resumption.clone()
    }

    /// Sets the largest datagram to send from now on, in bytes of UDP payload.
    ///
    /// Most applications do not need it. It is for an application that measures by itself how long datagrams
    /// may be on the path, for example by RFC 8899.
    ///
    /// Two other things lower the MTU. The handshake lowers it if its own large datagrams are lost (RFC 6347
    /// 4.1.1.1). After the handshake the session stays below the [`path_mtu`](crate::Datagrams::path_mtu) of the
    /// pipe, if the pipe knows one. The session itself cannot measure the path: it does not repeat the
    /// application's datagrams, so it does not learn which of them were lost.
    ///
    /// # Errors
    ///
    /// [`MtuError`] above what was [configured](crate::SessionConfig::mtu) and below 256 bytes; the MTU
    /// is then what it was.
    pub fn set_mtu(&self, bytes: usize) -> Result<(), MtuError> {
        self.0.lock().set_mtu(bytes)
    }

    /// Returns how much of the allowed use of the session's keys is spent, from 0 to 1.
    ///
    /// At 1 the session ends with [`ClosedBy::KeyLimit`]. An application that moves much data, such as a VPN, asks
    /// now and then, and begins a new session before that. None if OpenSSL protects the records: it does not
    /// count them.
    ///
    /// Each direction has a key of its own, and the one that is used more counts. A key of AES-GCM may protect
    /// 2^34.5 blocks of 16 bytes (some 390 GB), a key of AES-CCM 2^23 records (RFC 9147 4.5.3), and no key more
    /// than 2^48 - 1 records. Forged records count as well: a session with GCM or ChaCha20-Poly1305 ends
    /// after 2^36 of them, one with CCM after 2^23.5.
    pub fn key_usage(&self) -> Option<f64> {
        self.0.lock().records.key_usage()
    }

    /// Returns what was negotiated, and how the handshake went.
    pub fn info(&self) -> Arc<SessionInfo> {
        Arc::clone(&self.0.info)
    }

    /// Fills `out` with keying material that both sides derive alike from the session, the label
    /// and the context (RFC 5705); no context and an empty one are different, and OpenSSL 3.0 takes
    /// no more than some 900 bytes.
    ///
    /// Only where [`SessionInfo::extended_master_secret`] is true is it this session's alone
    /// (RFC 7627 1).
    ///
    /// ```
    /// use dtls_session::{ExportError, Session};
    ///
    /// fn token(session: &Session) -> Result<[u8; 32], ExportError> {
    ///     let mut token = [0; 32];
    ///     session.export_keying_material(&mut token, "EXPERIMENTAL token", None)?;
    ///     Ok(token)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ExportError::ReservedLabel`] and [`ExportError::ContextTooLong`] for what cannot be
    /// asked for, and what OpenSSL refuses.
    pub fn export_keying_material(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), ExportError> {
        self.0.lock().records.export(out, label, context)
    }

    /// Returns the keys for SRTP (RFC 5764), or None if no profile was agreed upon.
    ///
    /// # Errors
    ///
    /// An [`ExportError`] if OpenSSL cannot derive them.
    pub fn srtp_keys(&self) -> Result<Option<SrtpKeys>, ExportError> {
        SrtpKeys::of(self.0.info.srtp_profile, |out, label| {
            self.export_keying_material(out, label, None)
        })
    }

    /// Returns the peer's address; 0.0.0.0:0 if the [pipe](crate::Pipe) has no addresses.
    pub fn peer_addr(&self) -> SocketAddr {
        self.0.lock().records.link().peer_addr()
    }

    /// Returns what has been counted so far, handshake included.
    pub fn stats(&self) -> SessionStats {
        self.0.lock().stats()
    }

    fn poll_receive<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Core, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let budget = ready!(poll_proceed(cx));
        let mut core = self.0.lock();
        self.0.waiters.settle();
        let outcome = poll(&mut core, &mut self.0.context());
        if outcome.is_ready() {
            drop(core);
            self.0.waiters.stir();
            budget.made_progress();
            return outcome;
        }
        let displaced = self.0.waiters.receiver(cx.waker());
        drop(core);
        displaced.wake();
        outcome
    }

    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let budget = ready!(poll_proceed(cx));
        let mut core = self.0.lock();
        let drained = if core.is_over() {
            Poll::Ready(())
        } else {
            core.poll_drain(&mut self.0.context())
        };
        if drained.is_pending() {
            let displaced = self.0.waiters.sender(cx.waker());
            drop(core);
            displaced.wake();
        }
        if drained.is_ready() {
            budget.made_progress();
        }
        drained
    }

    pub(crate) fn start_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        self.0.lock().send(&mut self.0.context(), datagram)
    }

    /// Ends the stream, and returns whether that is news: an error is yielded once.
    pub(crate) fn end_stream(&self) -> bool {
        !std::mem::replace(&mut self.0.lock().told, true)
    }

    pub(crate) fn stream_has_ended(&self) -> bool {
        self.0.lock().told
    }
}

impl Clone for Session {
    fn clone(&self) -> Self {
        self.0.handles.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(&self.0))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("peer", &self.peer_addr())
            .field("closed", &self.close_reason())
            .finish_non_exhaustive()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
            return;
        }
        let mut core = self.0.lock();
        core.close(&mut Context::from_waker(Waker::noop()));
        // The keeper finds that nobody is left.
        core.end(ClosedBy::Us);
    }
}
