//! Sessions that go on from earlier ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use common::*;
use dtls_session::{
    Acceptor, AcceptorBuilder, Connector, HandshakeError, Limits, Resumption, ResumptionError,
    Roots, Session, SessionStore, SharedSecret,
    linked::openssl::ssl::{SslOptions, SslSessionCacheMode},
};

#[tokio::test]
async fn a_session_is_resumed_by_its_ticket_whether_or_not_it_was_closed() {
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let (server, client) = sessions(&acceptor, &connector, pipe(lossless())).await;
    assert!(!server.info().resumed && !client.info().resumed);
    assert!(server.resumption().is_none());
    let mut resumption = client.resumption().unwrap();
    drop((server, client));
    for closes in [true, false] {
        let (server, client) = resume(&acceptor, &connector, &resumption).await.unwrap();
        assert!(
            server.info().resumed && client.info().resumed,
            "closes: {closes}"
        );
        assert!(!client.info().peer_certificates.is_empty());
        echo_once(&server, &client).await;
        resumption = client.resumption().unwrap();
        if closes {
            client.close();
        } else {
            // Nobody hears of its end.
            std::mem::forget(client);
        }
    }
}

#[tokio::test]
async fn whichever_datagram_of_a_resumed_handshake_is_lost_it_is_repaired() {
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let resumption = first(&acceptor, &connector).await;
    let counted = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let count = {
        let counted = Arc::clone(&counted);
        move |direction: Direction, _: usize, datagram: &[u8]| {
            counted[direction as usize].fetch_add(1, Relaxed);
            vec![datagram.to_vec()]
        }
    };
    let undisturbed = resume_over(&acceptor, &connector, &resumption, pipe(fate(count))).await;
    let datagrams = [0, 1].map(|direction| counted[direction].load(Relaxed));
    drop(undisturbed.unwrap());
    for direction in [Direction::ToServer, Direction::ToClient] {
        for nth in 0..datagrams[direction as usize] {
            let lossy = move |towards: Direction, index: usize, datagram: &[u8]| {
                if towards == direction && index == nth {
                    vec![]
                } else {
                    vec![datagram.to_vec()]
                }
            };
            let pipes = pipe(fate(lossy));
            let (server, client) = resume_over(&acceptor, &connector, &resumption, pipes)
                .await
                .unwrap();
            assert!(server.info().resumed && client.info().resumed);
            echo_once(&server, &client).await;
            let repeats = server.stats().retransmissions + client.stats().retransmissions;
            assert!(repeats > 0, "{direction:?} {nth} was not missed");
        }
    }
}

#[tokio::test]
async fn servers_with_one_secret_resume_one_anothers_sessions() {
    let secret = SharedSecret::random().unwrap();
    let [one, other] = [(); 2].map(|()| with(&secret));
    let connector = connector(patient());
    let resumption = first(&one, &connector).await;
    let (server, client) = resume(&other, &connector, &resumption).await.unwrap();
    assert!(server.info().resumed && client.info().resumed);
    echo_once(&server, &client).await;
    // A stranger begins anew.
    let (server, client) = resume(&acceptor(patient()), &connector, &resumption)
        .await
        .unwrap();
    assert!(!server.info().resumed && !client.info().resumed);
    echo_once(&server, &client).await;
}

#[tokio::test]
async fn a_former_secrets_ticket_is_resumed_and_replaced() {
    let (old, new) = ([1; 32], [2; 32]);
    let only = |bytes: &[u8]| SharedSecret::from_bytes(bytes).unwrap();
    let connector = connector(patient());
    let before = first(&with(&only(&old)), &connector).await;
    let changing = with(&only(&new).accept_also(&old).unwrap());
    let (_, client) = resume(&changing, &connector, &before).await.unwrap();
    assert!(client.info().resumed);
    let after = client.resumption().unwrap();
    let changed = with(&only(&new));
    for (resumption, resumed) in [(before, false), (after, true)] {
        let (_, client) = resume(&changed, &connector, &resumption).await.unwrap();
        assert_eq!(client.info().resumed, resumed);
    }
}

#[tokio::test]
async fn nothing_is_resumed_under_another_name_authority_or_identity() {
    let acceptor = acceptor(patient());
    let builder = || Connector::builder(roots()).session(patient());
    let connector = builder().build().unwrap();
    let resumption = first(&acceptor, &connector).await;
    assert!(connector.can_resume("localhost", &resumption));
    assert!(!connector.can_resume("127.0.0.1", &resumption));
    let others = [
        Connector::builder(Roots::system()),
        Connector::builder(Roots::from_pem_file(format!("{CERTS}/server.pem")).unwrap()),
        builder().identity(identity("client")),
        builder().danger_accept_any_certificate(),
    ];
    for other in others.map(|builder| builder.session(patient()).build().unwrap()) {
        assert!(!other.can_resume("localhost", &resumption), "{other:?}");
    }
    // One who believes anybody gains no belief for others.
    let careless = builder().danger_accept_any_certificate().build().unwrap();
    let unverified = first(&acceptor, &careless).await;
    let (_, client) = resume(&acceptor, &connector, &unverified).await.unwrap();
    assert!(!client.info().resumed);
}

#[tokio::test]
async fn a_ticket_is_no_way_round_client_certificates() {
    let secret = SharedSecret::random().unwrap();
    let open = with(&secret);
    let strict = || server().shared_secret(secret.clone());
    let strict = strict()
        .require_client_certificate(roots())
        .build()
        .unwrap();
    let anonymous = connector(patient());
    let resumption = first(&open, &anonymous).await;
    let refused = resume(&strict, &anonymous, &resumption).await;
    assert!(
        matches!(refused, Err(HandshakeError::PeerAlert(_))),
        "{refused:?}"
    );
    let known = Connector::builder(roots()).identity(identity("client"));
    let known = known.session(patient()).build().unwrap();
    let resumption = first(&strict, &known).await;
    let (server, client) = resume(&strict, &known, &resumption).await.unwrap();
    assert!(client.info().resumed);
    let shown = server.info().peer_certificates.clone();
    assert_eq!(shown, identity("client").certificates());
}

#[tokio::test]
async fn a_server_without_tickets_begins_anew() {
    let acceptor = server()
        .configure(|context| {
            context.set_options(SslOptions::NO_TICKET);
            Ok(())
        })
        .build()
        .unwrap();
    let (_, client) = sessions(&acceptor, &connector(patient()), pipe(lossless())).await;
    assert!(client.resumption().is_none());
}

#[tokio::test]
async fn a_session_id_is_as_good_as_a_ticket_where_the_server_keeps_sessions() {
    let acceptor = server()
        .configure(|context| {
            context.set_options(SslOptions::NO_TICKET);
            context.set_session_cache_mode(SslSessionCacheMode::SERVER);
            Ok(())
        })
        .build()
        .unwrap();
    let connector = connector(patient());
    let resumption = first(&acceptor, &connector).await;
    let (server, client) = resume(&acceptor, &connector, &resumption).await.unwrap();
    assert!(server.info().resumed && client.info().resumed);
}

#[tokio::test]
async fn an_export_survives_and_a_broken_one_is_refused() {
    let (acceptor, connector) = (acceptor(patient()), connector(patient()));
    let resumption = first(&acceptor, &connector).await;
    let der = resumption.as_der();
    let again = Resumption::from_der(der).unwrap();
    let (_, client) = resume(&acceptor, &connector, &again).await.unwrap();
    assert!(client.info().resumed);
    for broken in [&der[..der.len() / 2], b"", b"x"] {
        let refused = Resumption::from_der(broken);
        assert!(matches!(refused, Err(ResumptionError::Malformed(_))));
    }
    assert_eq!(format!("{again:?}"), "Resumption { .. }");
}

#[tokio::test]
async fn a_connector_remembers_servers_by_name_and_address() {
    let store = SessionStore::new(2);
    let connector = Connector::builder(roots())
        .session(patient())
        .session_store(store.clone())
        .build()
        .unwrap();
    let mut server = serve(acceptor(patient()), Limits::default());
    for resumed in [false, true, true] {
        let handshake = connector
            .connect("localhost")
            .resume()
            .over(open(any(), server.addr));
        let client = within(handshake).await.unwrap();
        assert_eq!(client.info().resumed, resumed);
        exchange(&server.next().await, &client).await;
    }
    let stats = server.listener.stats();
    assert_eq!((stats.established, stats.resumed), (3, 2));
    assert_eq!(store.len(), 1);
    let handshake = connector
        .connect("127.0.0.1")
        .resume()
        .over(open(any(), server.addr));
    assert!(!within(handshake).await.unwrap().info().resumed);
    let resumption = store.get("127.0.0.1", server.addr).unwrap();
    // The least recent one makes room.
    store.insert("third", server.addr, resumption);
    assert_eq!(store.len(), 2);
    assert!(store.get("localhost", server.addr).is_none());
    // A failure makes it forget.
    let silent = tokio::net::UdpSocket::bind(any()).await.unwrap();
    let silent = silent.local_addr().unwrap();
    let quick = patient().handshake_timeout(std::time::Duration::from_millis(50));
    let connector = Connector::builder(roots())
        .session(quick)
        .session_store(store.clone())
        .build()
        .unwrap();
    store.insert(
        "localhost",
        silent,
        store.get("third", server.addr).unwrap(),
    );
    let failed = within(
        connector
            .connect("localhost")
            .resume()
            .over(open(any(), silent)),
    )
    .await;
    assert!(matches!(failed, Err(HandshakeError::TimedOut { .. })));
    assert!(store.get("localhost", silent).is_none());
}

#[tokio::test]
async fn a_ticket_larger_than_a_datagram_is_resumed_through_cookies() {
    // The ticket holds the client's certificate, so that the hello goes in fragments.
    let acceptor = server()
        .require_client_certificate(roots())
        .build()
        .unwrap();
    let mut server = serve(acceptor, Limits::default());
    let connector = Connector::builder(roots())
        .identity(identity("client"))
        .session(patient().mtu(300))
        .build()
        .unwrap();
    for resumed in [false, true] {
        let handshake = connector
            .connect("localhost")
            .resume()
            .over(open(any(), server.addr));
        let client = within(handshake).await.unwrap();
        assert_eq!(client.info().resumed, resumed);
        assert!(client.resumption().unwrap().as_der().len() > 600);
        exchange(&server.next().await, &client).await;
    }
}

#[tokio::test]
async fn a_cookie_of_one_server_is_good_for_another() {
    let secret = SharedSecret::random().unwrap();
    let one = serve(with(&secret), Limits::default());
    let other = serve(with(&secret), Limits::default());
    let (client, _, second) = hellos(one.addr, patient()).await;
    client.send_to(&second, other.addr).await.unwrap();
    other.reach(|stats| stats.accepted == 1).await;
    assert_eq!(other.listener.stats().challenged, 0);
    let stranger = serve(acceptor(patient()), Limits::default());
    client.send_to(&second, stranger.addr).await.unwrap();
    stranger.reach(|stats| stats.challenged == 1).await;
}

fn server() -> AcceptorBuilder {
    Acceptor::builder(identity("server")).session(patient())
}

fn with(secret: &SharedSecret) -> Acceptor {
    server().shared_secret(secret.clone()).build().unwrap()
}

/// What a full handshake leaves.
async fn first(acceptor: &Acceptor, connector: &Connector) -> Resumption {
    let (_, client) = sessions(acceptor, connector, pipe(lossless())).await;
    assert!(!client.info().resumed);
    client.resumption().unwrap()
}

async fn resume(
    acceptor: &Acceptor,
    connector: &Connector,
    resumption: &Resumption,
) -> Result<(Session, Session), HandshakeError> {
    resume_over(acceptor, connector, resumption, pipe(lossless())).await
}

async fn resume_over(
    acceptor: &Acceptor,
    connector: &Connector,
    resumption: &Resumption,
    (server, client): (Pipe, Pipe),
) -> Result<(Session, Session), HandshakeError> {
    let accepting = tokio::spawn(acceptor.accept(server));
    let client = within(
        connector
            .connect("localhost")
            .resume_from(resumption)
            .over(client),
    )
    .await?;
    Ok((within(accepting).await.unwrap()?, client))
}

fn fate(decide: impl FnMut(Direction, usize, &[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Fate {
    Arc::new(Mutex::new(decide))
}
