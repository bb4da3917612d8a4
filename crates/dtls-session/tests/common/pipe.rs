//! Two ends of an in-memory pipe of datagrams.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    ToClient,
    ToServer,
}

/// Decides what becomes of the n-th datagram of a direction: what it returns is delivered.
pub(crate) type Fate = Arc<Mutex<dyn FnMut(Direction, usize, &[u8]) -> Vec<Vec<u8>> + Send>>;

#[derive(Debug)]
pub(crate) struct Pipe {
    direction: Direction,
    fate: FateBox,
    sent: usize,
    out: mpsc::Sender<Vec<u8>>,
    inbox: mpsc::Receiver<Vec<u8>>,
}

struct FateBox(Fate);

impl std::fmt::Debug for FateBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fate")
    }
}

pub(crate) fn lossless() -> Fate {
    Arc::new(Mutex::new(|_: Direction, _: usize, datagram: &[u8]| {
        vec![datagram.to_vec()]
    }))
}

/// Makes the server's end and the client's.
pub(crate) fn pipe(fate: Fate) -> (Pipe, Pipe) {
    let (to_client, client_inbox) = mpsc::channel(1024);
    let (to_server, server_inbox) = mpsc::channel(1024);
    let end = |direction, out, inbox| Pipe {
        direction,
        fate: FateBox(Arc::clone(&fate)),
        sent: 0,
        out,
        inbox,
    };
    (
        end(Direction::ToClient, to_client, server_inbox),
        end(Direction::ToServer, to_server, client_inbox),
    )
}

impl Pipe {
    /// Puts a datagram into the other end's inbox, as an attacker would.
    pub(crate) fn injector(&self) -> mpsc::Sender<Vec<u8>> {
        self.out.clone()
    }
}

impl From<Pipe> for dtls_session::Pipe {
    fn from(pipe: Pipe) -> Self {
        Self::from_io(pipe)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // The other end's going is no news on UDP.
        match ready!(self.inbox.poll_recv(cx)) {
            Some(datagram) => buf.put_slice(&datagram),
            None => return Poll::Pending,
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (direction, index) = (self.direction, self.sent);
        self.sent += 1;
        let delivered = (self.fate.0.lock().unwrap())(direction, index, buf);
        for datagram in delivered {
            let _ = self.out.try_send(datagram);
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
