//! The echo server without its program: no flags, no log, no stop.

use std::sync::Arc;

use dtls_echo::development_identity;
use dtls_session::{Acceptor, Limits, Listener};

/// Starts it on a port of its own, in the background of the runtime.
pub(crate) fn start() -> Arc<Listener> {
    let acceptor = Acceptor::builder(development_identity().unwrap());
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, acceptor.build().unwrap(), Limits::default()).unwrap();
    let listener = Arc::new(listener);
    tokio::spawn(serve(Arc::clone(&listener)));
    listener
}

async fn serve(listener: Arc<Listener>) {
    loop {
        let handshake = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let Ok(mut session) = handshake.await else {
                return;
            };
            let _ = echo_codec::serve(&mut session, |session| session.max_datagram_size()).await;
        });
    }
}
