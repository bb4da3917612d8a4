//! Servers that answer as a test wants.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use dtls_echo::development_identity;
use dtls_session::{Acceptor, Limits, Listener};
use tokio::{net::UdpSocket, sync::Notify, task::JoinSet};

use crate::common::within;

/// What becomes of a request: its number, counted over all clients, and its bytes.
type Reply = dyn Fn(u64, Vec<u8>) -> Option<Vec<u8>> + Send + Sync;

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) addr: String,
    asked: Arc<Asked>,
    _tasks: JoinSet<()>,
}

struct Asked {
    reply: Box<Reply>,
    count: AtomicU64,
    more: Notify,
}

impl Server {
    /// Speaks DTLS, with the development identity.
    pub(crate) fn dtls(
        reply: impl Fn(u64, Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let identity = development_identity().unwrap();
        let acceptor = Acceptor::builder(identity).build().unwrap();
        let any = "127.0.0.1:0".parse().unwrap();
        let listener = Listener::bind(any, acceptor, Limits::default()).unwrap();
        let (asked, mut tasks) = (Asked::new(reply), JoinSet::new());
        let addr = listener.local_addr().to_string();
        tasks.spawn(serve(listener, Arc::clone(&asked)));
        Self {
            addr,
            asked,
            _tasks: tasks,
        }
    }

    /// Speaks UDP and nothing else.
    pub(crate) async fn plain(
        reply: impl Fn(u64, Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let (asked, mut tasks) = (Asked::new(reply), JoinSet::new());
        let addr = socket.local_addr().unwrap().to_string();
        tasks.spawn({
            let asked = Arc::clone(&asked);
            async move {
                let mut buf = vec![0; 65_536];
                loop {
                    // An error is a client's that has gone.
                    let Ok((length, peer)) = socket.recv_from(&mut buf).await else {
                        continue;
                    };
                    if let Some(reply) = asked.answer(&buf[..length]) {
                        let _ = socket.send_to(&reply, peer).await;
                    }
                }
            }
        });
        Self {
            addr,
            asked,
            _tasks: tasks,
        }
    }

    /// Waits for so many requests in all.
    pub(crate) async fn asked(&self, requests: u64) {
        within(async {
            while self.asked.count.load(Relaxed) < requests {
                self.asked.more.notified().await;
            }
        })
        .await;
    }
}

impl Asked {
    fn new(reply: impl Fn(u64, Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            reply: Box::new(reply),
            count: AtomicU64::new(0),
            more: Notify::new(),
        })
    }

    fn answer(&self, request: &[u8]) -> Option<Vec<u8>> {
        let number = self.count.fetch_add(1, Relaxed);
        self.more.notify_one();
        (self.reply)(number, request.to_vec())
    }
}

async fn serve(listener: Listener, asked: Arc<Asked>) {
    let mut sessions = JoinSet::new();
    loop {
        let handshake = listener.accept().await.unwrap();
        let asked = Arc::clone(&asked);
        sessions.spawn(async move {
            // The client tells why its handshake failed.
            let Ok(session) = handshake.await else { return };
            let mut buf = vec![0; 16_384];
            while let Ok(Some(length)) = session.recv(&mut buf).await {
                if let Some(reply) = asked.answer(&buf[..length]) {
                    // An empty reply is the server's farewell.
                    if session.send(&reply).await.is_err() {
                        return session.close();
                    }
                }
            }
        });
    }
}
