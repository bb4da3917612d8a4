//! What the tests share: identities, and a pipe of datagrams that misbehaves on demand.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

mod agreement;
mod certificate;
mod insider;
mod narrow;
mod pipe;
mod relay;
mod rude;
mod server;
mod udp_pipe;

pub(crate) use agreement::{Outcome, agree, attempt, failures, outcomes, outcomes_of, resumed};
pub(crate) use certificate::{Made, certificate, p256, self_signed};
pub(crate) use insider::Inside;
pub(crate) use narrow::Narrow;
pub(crate) use pipe::{Direction, Fate, Pipe, lossless, pipe};
pub(crate) use relay::relay;
pub(crate) use rude::Rude;
pub(crate) use server::{Server, any, exchange, hellos, open, serve, serve_on};
pub(crate) use udp_pipe::UdpPipe;

use std::time::Duration;

use dtls_session::{
    Acceptor, Connector, Identity, RecordProtection, Roots, Session, SessionConfig,
};

pub(crate) const CERTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs");

pub(crate) fn identity(name: &str) -> Identity {
    Identity::from_pem_files(format!("{CERTS}/{name}.pem"), format!("{CERTS}/{name}.key")).unwrap()
}

pub(crate) fn roots() -> Roots {
    Roots::from_pem_file(format!("{CERTS}/ca.pem")).unwrap()
}

/// Times that suit a slow machine, and the records that this run is for: `RECORDS=openssl` is for those that
/// stay OpenSSL's.
pub(crate) fn patient() -> SessionConfig {
    SessionConfig::default()
        .handshake_timeout(Duration::from_secs(60))
        .record_protection(protection())
}

/// Who is to protect the records in this run.
pub(crate) fn protection() -> RecordProtection {
    match std::env::var("RECORDS").as_deref() {
        Ok("openssl") => RecordProtection::OpenSsl,
        Ok("own") | Err(_) => RecordProtection::Own,
        Ok(other) => panic!("RECORDS={other}: own or openssl"),
    }
}

pub(crate) const PROTECTIONS: [RecordProtection; 2] =
    [RecordProtection::Own, RecordProtection::OpenSsl];

pub(crate) fn acceptor(config: SessionConfig) -> Acceptor {
    Acceptor::builder(identity("server"))
        .session(config)
        .build()
        .unwrap()
}

pub(crate) fn connector(config: SessionConfig) -> Connector {
    Connector::builder(roots()).session(config).build().unwrap()
}

/// Handshakes over a pair of pipes.
pub(crate) async fn sessions(
    acceptor: &Acceptor,
    connector: &Connector,
    (server, client): (Pipe, Pipe),
) -> (Session, Session) {
    let accepting = tokio::spawn(acceptor.accept(server));
    let client = within(connector.connect("localhost").over(client))
        .await
        .unwrap();
    (within(accepting).await.unwrap().unwrap(), client)
}

pub(crate) async fn default_sessions() -> (Session, Session) {
    sessions(
        &acceptor(patient()),
        &connector(patient()),
        pipe(lossless()),
    )
    .await
}

/// A deadline that only a hang misses.
pub(crate) async fn within<F: IntoFuture>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future)
        .await
        .expect("it hangs")
}

/// One exchange in each direction, repeated where the pipe loses datagrams.
pub(crate) async fn echo_once(server: &Session, client: &Session) {
    let mut buf = [0; 2048];
    let mut reply = [0; 2048];
    let round = async {
        let serve = async {
            loop {
                let length = server.recv(&mut buf).await.unwrap().unwrap();
                server.send(&buf[..length]).await.unwrap();
            }
        };
        let ask = async {
            loop {
                client.send(b"ping").await.unwrap();
                let wait =
                    tokio::time::timeout(Duration::from_millis(300), client.recv(&mut reply));
                if let Ok(received) = wait.await {
                    assert_eq!(received.unwrap(), Some(4));
                    return;
                }
            }
        };
        tokio::select! {
            () = serve => {}
            () = ask => {}
        }
    };
    within(round).await;
    assert_eq!(&reply[..4], b"ping");
}
