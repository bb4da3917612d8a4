//! OpenSSL's half of a handshake, and of a session that stays with its records.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use openssl::{
    error::ErrorStack,
    ssl::{self, SslRef, SslSession},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use crate::{
    certificate::refusal::CertificateRefusal,
    error::{OpenSslError, failure::Failure},
    openssl::{
        attached::Attached, callbacks, context::Fresh, errors, facts::Facts, ffi,
        material::Material, message_log, returning::Returning, sessions, verify,
    },
    settings::message_log::MessageLog,
};

/// An `SSL` that reads and writes records by a carrier, which it gives back.
pub(crate) struct Engine<T> {
    stream: Pin<Box<SslStream<Loan<T>>>>,
    /// The session that a client asks to resume.
    offered: Option<SslSession>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Engine<T> {
    pub(crate) fn new(ssl: Fresh, carrier: T) -> Result<Self, OpenSslError> {
        let offered = ssl.0.session().map(ToOwned::to_owned);
        let stream = Box::pin(SslStream::new(ssl.0, Loan(Some(carrier)))?);
        Ok(Self { stream, offered })
    }

    fn ssl(&self) -> &SslRef {
        self.stream.ssl()
    }

    pub(crate) fn carrier(&self) -> &T {
        self.stream.get_ref().0.as_ref().expect(LENT)
    }

    pub(crate) fn carrier_mut(&mut self) -> &mut T {
        self.stream.as_mut().get_mut().get_mut().lent()
    }

    /// Lets the `SSL` go, and keeps what carried its records.
    pub(crate) fn into_carrier(mut self) -> T {
        let loan = self.stream.as_mut().get_mut().get_mut();
        loan.0.take().expect(LENT)
    }

    /// Goes on with the handshake (`SSL_do_handshake`).
    pub(crate) fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        self.stream
            .as_mut()
            .poll_do_handshake(cx)
            .map_err(ssl_failure)
    }

    /// Reads a record's plaintext, or what is left of one (`SSL_read`).
    pub(crate) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        plaintext: &mut ReadBuf<'_>,
    ) -> Poll<Result<(), Failure>> {
        self.stream
            .as_mut()
            .poll_read(cx, plaintext)
            .map_err(io_failure)
    }

    /// Makes a record (`SSL_write`).
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        plaintext: &[u8],
    ) -> Poll<Result<usize, Failure>> {
        self.stream
            .as_mut()
            .poll_write(cx, plaintext)
            .map_err(io_failure)
    }

    /// Makes a close_notify, once (`SSL_shutdown`); OpenSSL's answer does not matter, for nothing can
    /// be done.
    pub(crate) fn shut_down(&mut self, cx: &mut Context<'_>) {
        let _ = self.stream.as_mut().poll_shutdown(cx);
        errors::forget();
    }

    /// Makes a client's handshake start from the first hello again.
    pub(crate) fn restart(&mut self, mtu: usize) -> Result<(), OpenSslError> {
        ffi::restart(self.ssl())?;
        // A ticket that came before the handshake had finished would be offered with the wrong secret.
        ffi::set_session(self.ssl(), self.offered.as_deref())?;
        // Where the version had been negotiated already, the MTU and the callback went with it.
        ffi::set_mtu(self.ssl(), mtu);
        callbacks::install_timer(self.ssl());
        Ok(())
    }

    /// The time until a flight is repeated, if one may have to be.
    pub(crate) fn timeout(&self) -> Option<Duration> {
        ffi::timeout(self.ssl())
    }

    pub(crate) fn set_mtu(&mut self, bytes: usize) {
        ffi::set_mtu(self.ssl(), bytes);
    }

    /// The largest plaintext that makes a datagram within the MTU.
    pub(crate) fn data_mtu(&self) -> usize {
        ffi::data_mtu(self.ssl())
    }

    /// The largest plaintext of a record that was agreed upon (RFC 6066 4).
    pub(crate) fn max_fragment_length(&self) -> Option<usize> {
        ffi::max_fragment_length(self.ssl())
    }

    /// Whether the peer has said close_notify.
    pub(crate) fn received_shutdown(&self) -> bool {
        ffi::received_shutdown(self.ssl())
    }

    /// Bytes of the record just read that its buffer had no room for.
    pub(crate) fn pending(&self) -> usize {
        self.ssl().pending()
    }

    /// Fills `out` from the session's secrets (`SSL_export_keying_material`).
    pub(crate) fn export(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), OpenSslError> {
        Ok(self.ssl().export_keying_material(out, label, context)?)
    }

    pub(crate) fn is_server(&self) -> bool {
        self.ssl().is_server()
    }

    pub(crate) fn session_reused(&self) -> bool {
        self.ssl().session_reused()
    }

    /// What was negotiated.
    pub(crate) fn facts(&self) -> Facts {
        Facts::of(self.ssl())
    }

    /// What a session's keys are derived from.
    pub(crate) fn material(&self) -> Option<Material> {
        Material::of(self.ssl())
    }

    /// What a client may resume the session by.
    pub(crate) fn session_der(&self) -> Option<Vec<u8>> {
        sessions::to_der(self.ssl())
    }

    /// Who has come back, if the session was resumed.
    pub(crate) fn returning(&self) -> Result<Returning, OpenSslError> {
        Returning::of(self.ssl())
    }

    /// The identity that a pre-shared key was asked for, and whether there is one.
    pub(crate) fn asked_identity(&self) -> Option<(Vec<u8>, bool)> {
        Attached::presented(self.ssl())?.asked()
    }

    /// Why the peer's certificate was refused, if it was.
    pub(crate) fn refusal(&self) -> CertificateRefusal {
        verify::cause(self.ssl())
    }

    /// Who sees the messages, if anybody does.
    pub(crate) fn message_log(&self) -> Option<MessageLog> {
        message_log::of(self.ssl())
    }

    /// Prepares for an alert to be read.
    pub(crate) fn expect_alert(&self) {
        if let Some(attached) = Attached::of(self.ssl()) {
            attached.alerts.expect();
        }
    }

    /// Whether it was a warning, which is then passed over.
    pub(crate) fn take_warning(&self) -> bool {
        let taken = |attached: &Attached| attached.alerts.take_warning();
        let warned = Attached::of(self.ssl()).is_some_and(taken);
        if warned {
            ffi::set_received_shutdown(self.ssl(), false);
        }
        warned
    }
}

impl<T> Drop for Engine<T> {
    fn drop(&mut self) {
        // Peers on UDP vanish: that is no reason not to resume their sessions.
        ffi::mark_shut_down(self.stream.ssl());
    }
}

/// A carrier that can be taken back: `SslStream` gives none.
struct Loan<T>(Option<T>);

impl<T> Loan<T> {
    fn lent(&mut self) -> &mut T {
        self.0.as_mut().expect(LENT)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Loan<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(self.lent()).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Loan<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(self.lent()).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.lent()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.lent()).poll_shutdown(cx)
    }
}

fn ssl_failure(error: ssl::Error) -> Failure {
    match error.into_io_error() {
        Ok(error) => Failure::of_pipe(error),
        Err(error) => {
            let stack = error.ssl_error().cloned().unwrap_or_else(ErrorStack::get);
            errors::forget();
            Failure::OpenSsl(stack.into())
        }
    }
}

fn io_failure(error: io::Error) -> Failure {
    errors::forget();
    match error.downcast::<ssl::Error>() {
        Ok(error) => ssl_failure(error),
        Err(error) => Failure::of_pipe(error),
    }
}

const LENT: &str = "it is taken back only with the engine itself";
