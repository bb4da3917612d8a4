//! An established session.

pub(crate) mod exporter;
pub(crate) mod info;
pub(crate) mod io;
pub(crate) mod keeper;
pub(crate) mod shared;
pub(crate) mod srtp;
pub(crate) mod waiters;

use std::{
    future::poll_fn,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use openssl::x509::X509;
use tracing::Instrument;

use crate::{
    config::SessionConfig,
    error::{MtuError, RecvError, SendError},
    listener::registry::Permit,
    record_layer::RecordLayer,
    resumption::Resumption,
    session::{
        exporter::ExportError,
        info::SessionInfo,
        keeper::Keeper,
        shared::{Core, Shared},
        srtp::SrtpKeys,
    },
    stats::SessionStats,
    version::Version,
};

/// A DTLS session over a pipe of datagrams.
///
/// All methods take `&self`: one task may send while another receives. It is also a `Stream` and
/// a `Sink` of `Bytes`, and `AsyncRead` and `AsyncWrite`, with the datagram semantics below.
///
/// Errors that it reports are final, but for [`RecvError::BufferTooShort`],
/// [`SendError::TooLarge`] and [`SendError::Empty`], after which it goes on as if nothing had
/// been asked. Noise from the network is dropped and counted, never reported.
///
/// A task in the background keeps the session alive while the application does not receive: it
/// answers a peer that missed the last flight (RFC 6347 4.2.4) and keeps what arrives, up to
/// [`SessionConfig::recv_queue`]. Dropping the session sends a close_notify if that is possible
/// without waiting.
///
/// # Datagram semantics
///
/// Each datagram sent is one record in one UDP datagram; each received is one record. They may
/// be lost, repeated never (RFC 6347 4.1.2.6), and arrive in any order.
///
/// `AsyncRead` yields one datagram a read and fails with `InvalidInput` if the buffer is shorter,
/// losing nothing; zero bytes are the peer's close_notify. `AsyncWrite` sends one datagram a
/// write, never a part of one; `poll_shutdown` sends close_notify.
///
/// ```
/// use dtls_session::Session;
///
/// async fn echo(session: Session) -> Result<(), Box<dyn std::error::Error>> {
///     let mut buf = vec![0; 16_384];
///     while let Some(length) = session.recv(&mut buf).await? {
///         session.send(&buf[..length]).await?;
///     }
///     session.close().await;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Session(Arc<Shared>);

impl Session {
    /// Receives one datagram; None is the peer's close_notify.
    ///
    /// # Errors
    ///
    /// [`RecvError::BufferTooShort`] leaves the datagram for the next call, which may bring a
    /// longer buffer; 16 384 bytes are always enough. Every other error is final.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: no datagram is lost.
    pub async fn recv(&self, buf: &mut [u8]) -> Result<Option<usize>, RecvError> {
        poll_fn(|cx| self.poll_recv(cx, buf)).await
    }

    /// Sends one datagram of up to [`Self::max_datagram_size`] bytes.
    ///
    /// It waits only while the pipe takes nothing.
    ///
    /// # Errors
    ///
    /// [`SendError::TooLarge`] and [`SendError::Empty`] leave the session as it was. A datagram may
    /// have become too large only now, by the system's news of the path.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: the datagram is sent as a whole or not at all.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), SendError> {
        poll_fn(|cx| self.poll_drained(cx)).await;
        self.start_send(datagram)
    }

    /// Sends close_notify (RFC 5246 7.2.1) and returns without waiting for the peer's, which
    /// [`Self::recv`] goes on to report as None. Doing so again does nothing.
    ///
    /// A close_notify is not repeated, so a peer may miss it.
    ///
    /// # Cancel safety
    ///
    /// Never pending.
    pub async fn close(&self) {
        self.start_close();
    }

    /// Returns the most bytes that one datagram can carry now: the MTU less the cipher's
    /// overhead (`DTLS_get_data_mtu`). It may become less, and more again, with what the
    /// [pipe](crate::Datagrams::path_mtu) knows of the path.
    pub fn max_datagram_size(&self) -> usize {
        self.0.lock().layer.max_plaintext()
    }

    /// Returns the negotiated version.
    pub fn version(&self) -> Version {
        Version::of(self.0.lock().layer.ssl())
    }

    /// Returns the negotiated cipher suite in OpenSSL's words, such as
    /// `ECDHE-ECDSA-AES128-GCM-SHA256`.
    pub fn cipher(&self) -> &'static str {
        self.0
            .lock()
            .layer
            .ssl()
            .current_cipher()
            .map_or("none", |cipher| cipher.name())
    }

    /// Returns the certificate that the peer has shown, if it has shown one.
    pub fn peer_certificate(&self) -> Option<X509> {
        self.0.lock().layer.ssl().peer_certificate()
    }

    /// Returns whether it goes on from an earlier session, whose certificates and identities it
    /// took over (`SSL_session_reused`).
    pub fn resumed(&self) -> bool {
        self.0.lock().layer.ssl().session_reused()
    }

    /// Returns what a client needs to resume this session later, whether or not that ends with a
    /// close_notify; None on the server's side, and if the server gave nothing to resume by.
    pub fn resumption(&self) -> Option<Resumption> {
        Resumption::of(self.0.lock().layer.ssl())
    }

    /// Sets the largest datagram to send from now on, in bytes of UDP payload: for an application
    /// that finds out itself what the path carries, as by RFC 8899.
    ///
    /// The handshake has lowered it where its own flights did not get through (RFC 6347 4.1.1.1).
    /// After it the session keeps below what the [pipe](crate::Datagrams::path_mtu) knows of the
    /// path, where it knows anything: datagrams of data are not repeated, so nobody else knows which
    /// were lost.
    ///
    /// # Errors
    ///
    /// [`MtuError`] above what was [configured](SessionConfig::mtu) and below 256 bytes; the MTU
    /// is then what it was.
    pub fn set_mtu(&self, bytes: usize) -> Result<(), MtuError> {
        self.0.lock().set_mtu(bytes)
    }

    /// Returns what was negotiated, and how the handshake went.
    pub fn info(&self) -> SessionInfo {
        self.0.lock().info()
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
        exporter::export(self.0.lock().layer.ssl(), out, label, context)
    }

    /// Returns the keys for SRTP (RFC 5764), or None if no profile was agreed upon.
    ///
    /// # Errors
    ///
    /// An [`ExportError`] if OpenSSL cannot derive them.
    pub fn srtp_keys(&self) -> Result<Option<SrtpKeys>, ExportError> {
        SrtpKeys::of(self.0.lock().layer.ssl())
    }

    /// Returns the peer's address; 0.0.0.0:0 if the [pipe](crate::Pipe) has no addresses.
    pub fn peer_addr(&self) -> SocketAddr {
        self.0.lock().layer.transport_ref().peer_addr()
    }

    /// Returns what has been counted so far, handshake included.
    pub fn stats(&self) -> SessionStats {
        self.0.lock().stats()
    }

    pub(crate) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buf: &mut [u8],
    ) -> Poll<Result<Option<usize>, RecvError>> {
        self.poll_receive(cx, |core, cx| core.poll_recv(cx, buf))
    }

    pub(crate) fn poll_recv_bytes(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<bytes::Bytes>, RecvError>> {
        self.poll_receive(cx, Core::poll_recv_bytes)
    }

    fn poll_receive<T>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(&mut Core, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let mut core = self.0.lock();
        self.0.waiters.settle();
        let outcome = poll(&mut core, &mut self.0.context());
        if outcome.is_ready() {
            self.0.waiters.stir();
            return outcome;
        }
        let displaced = self.0.waiters.receiver(cx.waker());
        drop(core);
        displaced.wake();
        outcome
    }

    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut core = self.0.lock();
        if core.is_over() {
            return Poll::Ready(());
        }
        if core.poll_drain(&mut self.0.context()).is_ready() {
            return Poll::Ready(());
        }
        // The pipe may have become writable before this task was on the list.
        let displaced = self.0.waiters.sender(cx.waker());
        let drained = core.poll_drain(&mut self.0.context());
        drop(core);
        displaced.wake();
        drained
    }

    pub(crate) fn poll_send(
        &self,
        cx: &mut Context<'_>,
        datagram: &[u8],
    ) -> Poll<Result<(), SendError>> {
        ready!(self.poll_drained(cx));
        Poll::Ready(self.start_send(datagram))
    }

    pub(crate) fn start_send(&self, datagram: &[u8]) -> Result<(), SendError> {
        let outcome = self.0.lock().send(&mut self.0.context(), datagram);
        if let Err(SendError::Ended(_)) = &outcome {
            // Who waits to receive has nothing to wait for any more.
            self.0.waiters.wake_all();
        }
        outcome
    }

    pub(crate) fn start_close(&self) {
        let mut core = self.0.lock();
        core.close(&mut self.0.context());
        // What the pipe does not take at once, the next poll of anybody sends.
        let _ = core.poll_drain(&mut self.0.context());
    }
}

impl Session {
    /// Starts the keeper of a session whose handshake has just finished.
    pub(crate) fn establish(
        layer: RecordLayer,
        config: &SessionConfig,
        permit: Option<Permit>,
        handshake_time: Duration,
    ) -> Self {
        let shared = Arc::new(Shared::new(layer, config, permit, handshake_time));
        let keeper = Keeper::new(Arc::downgrade(&shared), config.idle_timeout);
        tokio::spawn(keeper.in_current_span());
        Self(shared)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut core = self.0.lock();
        if !core.is_closed() {
            let mut cx = Context::from_waker(Waker::noop());
            core.close(&mut cx);
            let _ = core.poll_drain(&mut cx);
        }
        core.abandon();
        drop(core);
        // The keeper finds that nobody is left.
        self.0.waiters.wake_all();
    }
}
