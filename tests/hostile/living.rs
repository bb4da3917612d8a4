//! A session that has to outlive whatever happens around it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use dtls_session::{HandshakeError, Session};
use tokio::time::timeout;

use crate::{common::within, socket::Socket};

#[derive(Debug)]
pub(crate) struct Living {
    pub(crate) session: Session,
    asked: u32,
    killed: Arc<AtomicBool>,
}

impl Living {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        Self::over(Socket::connected("127.0.0.1", server).await).await
    }

    pub(crate) async fn over(socket: Socket) -> Self {
        Self::try_over(socket).await.unwrap()
    }

    pub(crate) async fn try_over(socket: Socket) -> Result<Self, HandshakeError> {
        let killed = Arc::clone(&socket.killed);
        let session = socket.handshake().await?;
        Ok(Self {
            session,
            asked: 0,
            killed,
        })
    }

    /// Goes without a word.
    pub(crate) fn vanish(self) {
        self.killed.store(true, Ordering::Relaxed);
    }

    /// Asks until the answer comes; anything else that comes has to be an answer from before.
    pub(crate) async fn echoes(&mut self) {
        self.asked += 1;
        let question = format!("question {}\n", self.asked);
        let expected = format!("Echo: {question}");
        within(async {
            loop {
                self.session.send(question.as_bytes()).await.unwrap();
                if timeout(Duration::from_secs(1), self.hears(&expected))
                    .await
                    .is_ok()
                {
                    return;
                }
            }
        })
        .await;
    }

    async fn hears(&self, expected: &str) {
        let mut buf = [0; 2048];
        loop {
            let length = self.session.recv(&mut buf).await.unwrap().unwrap();
            let heard = std::str::from_utf8(&buf[..length]).unwrap();
            assert!(heard.starts_with("Echo: question "), "{heard:?}");
            if heard == expected {
                return;
            }
        }
    }
}
