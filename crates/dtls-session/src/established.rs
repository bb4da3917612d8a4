//! The seam between a handshake and a session.

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use crate::{
    error::{ExportError, failure::Failure},
    guard::Guard,
    info::SessionInfo,
    record_layer::RecordLayer,
    records::{Opened, link::Link, own::Own, room::Room, scratch::with_plaintext},
    resumption::Resumption,
    settings::protection::RecordProtection,
    stats::SessionStats,
};

/// What a handshake yields: a session is made of this and nothing else.
pub(crate) struct Established {
    /// The record protection, with the pipe and the last flight.
    pub(crate) records: Records,
    pub(crate) facts: Arc<SessionInfo>,
    /// What a client needs to resume the session.
    pub(crate) resumption: Option<Resumption>,
    /// The session's place in the limits of whoever serves it.
    pub(crate) guard: Option<Box<dyn Guard>>,
    /// What MTU may be asked for, in bytes of UDP payload.
    pub(crate) most_mtu: usize,
    pub(crate) idle_timeout: Option<Duration>,
}

/// Seals and opens the records of a session.
pub(crate) enum Records {
    Own(Box<Own>),
    OpenSsl(Box<RecordLayer>),
}

impl Records {
    pub(crate) fn protection(&self) -> RecordProtection {
        match self {
            Self::Own(_) => RecordProtection::Own,
            Self::OpenSsl(_) => RecordProtection::OpenSsl,
        }
    }

    /// How much of what the keys may protect is used, from 0 to 1; OpenSSL does not count.
    pub(crate) fn key_usage(&self) -> Option<f64> {
        match self {
            Self::Own(own) => Some(own.key_usage()),
            Self::OpenSsl(_) => None,
        }
    }

    /// In how long the last flight may be forgotten.
    pub(crate) fn forgets(&self) -> Option<Duration> {
        match self {
            Self::Own(own) => own.forgets(),
            Self::OpenSsl(_) => None,
        }
    }

    /// Forgets the last flight, if its time is over.
    pub(crate) fn forget(&mut self) {
        if let Self::Own(own) = self {
            own.forget();
        }
    }

    /// Counts anew how busy the session is, and if it is idle, lets go of what only a busy one needs.
    pub(crate) fn rest(&mut self, idle: bool) {
        match self {
            Self::Own(own) => own.rest(idle),
            Self::OpenSsl(_) if idle => self.link_mut().rest(),
            Self::OpenSsl(_) => {}
        }
    }

    /// Opens the next record of data into `room`, which is not an empty slice.
    pub(crate) fn poll_open(
        &mut self,
        cx: &mut Context<'_>,
        room: Room<'_>,
    ) -> Poll<Result<Opened, Failure>> {
        match (self, room) {
            (Self::Own(own), mut room) => own.poll_open(cx, &mut room),
            (Self::OpenSsl(layer), Room::Slice(buf)) => layer.poll_open(cx, buf),
            (Self::OpenSsl(layer), Room::Bytes(bytes)) => with_plaintext(|scratch| {
                let opened = ready!(layer.poll_open(cx, scratch))?;
                if let Opened::Record(length) = opened {
                    bytes.extend_from_slice(&scratch[..length]);
                }
                Poll::Ready(Ok(opened))
            }),
        }
    }

    /// Makes a record of `plaintext`, which fits the MTU, and sends it, or queues it while the pipe takes
    /// nothing.
    pub(crate) fn seal(&mut self, cx: &mut Context<'_>, plaintext: &[u8]) -> Result<(), Failure> {
        match self {
            Self::Own(own) => own.seal(cx, plaintext),
            Self::OpenSsl(layer) => layer.seal(cx, plaintext),
        }
    }

    /// Makes a close_notify, once.
    pub(crate) fn seal_close(&mut self, cx: &mut Context<'_>) {
        match self {
            Self::Own(own) => own.seal_close(cx),
            Self::OpenSsl(layer) => layer.seal_close(cx),
        }
    }

    /// Sends what earlier calls could not.
    pub(crate) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Own(own) => own.poll_drain(cx),
            Self::OpenSsl(layer) => layer.poll_drain(cx),
        }
    }

    /// Whether something waits for the pipe to take it.
    pub(crate) fn is_unsent(&self) -> bool {
        match self {
            Self::Own(own) => own.is_unsent(),
            Self::OpenSsl(layer) => layer.is_unsent(),
        }
    }

    /// Fills `out` from the session's secrets (RFC 5705).
    pub(crate) fn export(
        &self,
        out: &mut [u8],
        label: &str,
        context: Option<&[u8]>,
    ) -> Result<(), ExportError> {
        ExportError::check(label, context)?;
        // OpenSSL takes an empty buffer for a failure.
        if out.is_empty() {
            return Ok(());
        }
        match self {
            Self::Own(own) => own.exporter.export(out, label, context)?,
            Self::OpenSsl(layer) => layer.export(out, label, context)?,
        }
        Ok(())
    }

    /// The largest datagram that is sent, in bytes of UDP payload.
    pub(crate) fn mtu(&self) -> usize {
        match self {
            Self::Own(own) => own.mtu(),
            Self::OpenSsl(layer) => layer.mtu(),
        }
    }

    pub(crate) fn set_mtu(&mut self, mtu: usize) {
        match self {
            Self::Own(own) => own.set_mtu(mtu),
            Self::OpenSsl(layer) => layer.set_mtu(mtu),
        }
    }

    /// Keeps to what the pipe knows of the path, smaller or larger than it was.
    pub(crate) fn follow_path(&mut self) {
        match self {
            Self::Own(own) => own.follow_path(),
            Self::OpenSsl(layer) => {
                layer.follow_path();
            }
        }
    }

    /// How much plaintext one datagram carries now.
    pub(crate) fn max_plaintext(&mut self) -> usize {
        match self {
            Self::Own(own) => own.max_plaintext(),
            Self::OpenSsl(layer) => layer.max_plaintext(),
        }
    }

    /// Whether the pipe has refused data as too long since this was asked before.
    pub(crate) fn take_refused(&mut self) -> bool {
        self.link_mut().take_refused()
    }

    pub(crate) fn stats(&self) -> SessionStats {
        match self {
            Self::Own(own) => own.stats(),
            Self::OpenSsl(layer) => layer.stats(),
        }
    }

    pub(crate) fn link(&self) -> &Link {
        match self {
            Self::Own(own) => own.link(),
            Self::OpenSsl(layer) => layer.transport_ref().link(),
        }
    }

    fn link_mut(&mut self) -> &mut Link {
        match self {
            Self::Own(own) => own.link_mut(),
            Self::OpenSsl(layer) => layer.transport().link_mut(),
        }
    }
}
