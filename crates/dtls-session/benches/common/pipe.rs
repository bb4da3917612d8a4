//! Two ends of an in-memory pipe of datagrams, which costs next to nothing.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One end.
#[derive(Clone, Debug)]
pub(crate) struct Pipe {
    from: Arc<Mutex<Queue>>,
    to: Arc<Mutex<Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    datagrams: VecDeque<Vec<u8>>,
    /// Buffers to use again.
    spare: Vec<Vec<u8>>,
    reader: Option<Waker>,
}

pub(crate) fn pipe() -> (Pipe, Pipe) {
    let (there, back) = (Arc::default(), Arc::default());
    let end = |from: &Arc<_>, to: &Arc<_>| Pipe {
        from: Arc::clone(from),
        to: Arc::clone(to),
    };
    (end(&there, &back), end(&back, &there))
}

impl Pipe {
    /// Takes away what the other end has sent.
    pub(crate) fn take(&self) -> Vec<Vec<u8>> {
        self.from.lock().unwrap().datagrams.drain(..).collect()
    }
}

impl From<Pipe> for dtls_session::Pipe {
    fn from(pipe: Pipe) -> Self {
        Self::from_io(pipe)
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut queue = self.from.lock().unwrap();
        let Some(datagram) = queue.datagrams.pop_front() else {
            queue.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        buf.put_slice(&datagram);
        queue.spare.push(datagram);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut queue = self.to.lock().unwrap();
        let mut datagram = queue.spare.pop().unwrap_or_default();
        datagram.clear();
        datagram.extend_from_slice(buf);
        queue.datagrams.push_back(datagram);
        if let Some(reader) = queue.reader.take() {
            reader.wake();
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
