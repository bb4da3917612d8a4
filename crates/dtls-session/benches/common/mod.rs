//! What the benchmarks share: a pipe of datagrams in memory, and who stands at its ends.

#![allow(
    dead_code,
    unused_imports,
    reason = "each benchmark uses its part of this"
)]

mod pipe;

pub(crate) use pipe::{Pipe, pipe};

use dtls_session::{Acceptor, Connector, Identity, Roots, Session};
use tokio::runtime::{Builder, Runtime};

pub(crate) const CERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");

pub(crate) fn acceptor() -> Acceptor {
    let (pem, key) = (format!("{CERTS}/server.pem"), format!("{CERTS}/server.key"));
    let identity = Identity::from_pem_files(pem, key).unwrap();
    Acceptor::builder(identity).build().unwrap()
}

pub(crate) fn connector() -> Connector {
    let roots = Roots::from_pem_file(format!("{CERTS}/ca.pem")).unwrap();
    Connector::builder(roots).build().unwrap()
}

/// Does one handshake, and returns the server's session and the client's.
pub(crate) async fn handshake(acceptor: &Acceptor, connector: &Connector) -> (Session, Session) {
    let (server, client) = pipe();
    let (server, client) = tokio::join!(
        acceptor.accept(server),
        connector.connect("localhost").over(client)
    );
    (server.unwrap(), client.unwrap())
}

/// All on one thread, so that it is work that is measured and not waiting for another.
pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
