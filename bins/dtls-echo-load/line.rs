//! What requests go over.

use anyhow::Context;
use dtls_session::{RecordProtection, Session};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::socket::Socket;

/// A DTLS session, or the bare socket, to learn what the network costs.
#[derive(Debug)]
pub(crate) enum Line {
    Dtls(Session),
    Plain(Socket),
}

impl Line {
    pub(crate) async fn send(&mut self, datagram: &[u8]) -> anyhow::Result<()> {
        match self {
            Self::Dtls(session) => session.send(datagram).await?,
            Self::Plain(socket) => socket.write_all(datagram).await?,
        }
        Ok(())
    }

    pub(crate) async fn recv(&mut self, buf: &mut [u8]) -> anyhow::Result<usize> {
        match self {
            Self::Dtls(session) => session
                .recv(buf)
                .await?
                .context("the server closed the session"),
            Self::Plain(socket) => Ok(socket.read(buf).await?),
        }
    }

    pub(crate) fn close(&self) {
        if let Self::Dtls(session) = self {
            session.close();
        }
    }

    /// Waits until the server has closed the session as well.
    pub(crate) async fn closed(&self) {
        if let Self::Dtls(session) = self {
            session.closed().await;
        }
    }

    /// Who protects the records, if anybody does.
    pub(crate) fn record_protection(&self) -> Option<RecordProtection> {
        match self {
            Self::Dtls(session) => Some(session.info().record_protection),
            Self::Plain(_) => None,
        }
    }

    pub(crate) fn retransmissions(&self) -> u64 {
        match self {
            Self::Dtls(session) => session.stats().retransmissions,
            Self::Plain(_) => 0,
        }
    }
}
