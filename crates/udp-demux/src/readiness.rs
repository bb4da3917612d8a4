//! The socket, and when the runtime says that it can be used.

#[cfg(unix)]
pub(crate) use unix::{Io, Room};

#[cfg(not(unix))]
pub(crate) use elsewhere::{Io, Room};

/// On Unix the runtime watches for what is to be received, and for room only while somebody waits for it: the
/// kernel tells of room after each datagram that leaves, which would wake an idle driver once more for each.
#[cfg(unix)]
mod unix {
    use std::{
        io,
        net::UdpSocket,
        task::{Context, Poll},
    };

    use tokio::io::{Interest, unix::AsyncFd};

    /// The socket, watched for what is to be received.
    #[derive(Debug)]
    pub(crate) struct Io(AsyncFd<UdpSocket>);

    impl Io {
        pub(crate) fn new(socket: UdpSocket) -> io::Result<Self> {
            watch(socket, Interest::READABLE).map(Self)
        }

        pub(crate) fn socket(&self) -> &UdpSocket {
            self.0.get_ref()
        }

        /// One task at a time can wait.
        pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_read_ready(cx).map_ok(drop)
        }

        /// Receives if there may be something; `WouldBlock` says that there is no more.
        pub(crate) fn try_read<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
            self.0.try_io(Interest::READABLE, |_| read())
        }

        /// Begins to watch for room in the send buffer: the first word is of what there is now.
        pub(crate) fn room(&self) -> io::Result<Room> {
            // The runtime watches a descriptor only once.
            let socket = self.socket().try_clone()?;
            watch(socket, Interest::WRITABLE).map(Room)
        }
    }

    #[allow(
        deprecated,
        reason = "unsound for descriptors that change or close, which is why its successor is unsafe; an owned socket does neither"
    )]
    fn watch(socket: UdpSocket, interest: Interest) -> io::Result<AsyncFd<UdpSocket>> {
        AsyncFd::with_interest(socket, interest)
    }

    /// The socket, watched for room to send.
    #[derive(Debug)]
    pub(crate) struct Room(AsyncFd<UdpSocket>);

    impl Room {
        pub(crate) async fn writable(&self) -> io::Result<()> {
            self.0.writable().await.map(drop)
        }

        /// Whether `enough` holds; if not, [`writable`](Self::writable) waits for the next datagram
        /// that leaves.
        pub(crate) fn is_there_and(&self, enough: impl FnOnce() -> bool) -> bool {
            let look = |_: &UdpSocket| match enough() {
                true => Ok(()),
                false => Err(io::ErrorKind::WouldBlock.into()),
            };
            self.0.try_io(Interest::WRITABLE, look).is_ok()
        }
    }
}

/// Elsewhere the runtime watches for both at all times.
#[cfg(not(unix))]
mod elsewhere {
    use std::{
        io,
        sync::Arc,
        task::{Context, Poll},
    };

    use tokio::{io::Interest, net::UdpSocket};

    #[derive(Debug)]
    pub(crate) struct Io(Arc<UdpSocket>);

    impl Io {
        pub(crate) fn new(socket: std::net::UdpSocket) -> io::Result<Self> {
            UdpSocket::from_std(socket).map(|socket| Self(Arc::new(socket)))
        }

        pub(crate) fn socket(&self) -> &UdpSocket {
            &self.0
        }

        pub(crate) fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.0.poll_recv_ready(cx)
        }

        pub(crate) fn try_read<T>(&self, read: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
            self.0.try_io(Interest::READABLE, read)
        }

        pub(crate) fn room(&self) -> io::Result<Room> {
            Ok(Room(Arc::clone(&self.0)))
        }
    }

    #[derive(Debug)]
    pub(crate) struct Room(Arc<UdpSocket>);

    impl Room {
        pub(crate) async fn writable(&self) -> io::Result<()> {
            self.0.writable().await
        }

        pub(crate) fn is_there_and(&self, enough: impl FnOnce() -> bool) -> bool {
            let look = || match enough() {
                true => Ok(()),
                false => Err(io::ErrorKind::WouldBlock.into()),
            };
            self.0.try_io(Interest::WRITABLE, look).is_ok()
        }
    }
}
