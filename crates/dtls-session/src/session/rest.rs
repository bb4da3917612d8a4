//! Tests of what a session lets go of when it rests.

use std::time::Duration;

use tokio::time;

use crate::{
    Acceptor, Connector, Limits, Listener, Psk, PskKeys, Session, SessionConfig,
    established::Records,
};

#[tokio::test]
async fn who_only_sends_is_busy_too() {
    let [client, server] = sessions(SessionConfig::default()).await;
    time::pause();
    for _ in 0..2 {
        assert!(!is_warm(&client));
        client.send(b"one").await.unwrap();
        assert!(!is_warm(&client), "one datagram is no work");
        client.send(b"two").await.unwrap();
        assert!(is_warm(&client));
        time::sleep(TWO_RESTS).await;
    }
    assert!(!is_warm(&client));
    drop(server);
}

/// The looks of a session with a short timeout are not those of its rests.
#[tokio::test]
async fn whoever_received_rests_whenever_it_is_looked_at() {
    for idle in [None, Some(17), Some(20), Some(24)] {
        let idle = idle.map(Duration::from_secs);
        let [client, server] = sessions(SessionConfig::default().idle_timeout(idle)).await;
        let mut buf = [0; 16];
        for _ in 0..3 {
            client.send(b"data").await.unwrap();
            server.recv(&mut buf).await.unwrap();
        }
        assert!(is_warm(&server));
        time::pause();
        time::sleep(TWO_RESTS).await;
        assert!(!is_warm(&server), "{idle:?}");
        time::resume();
    }
}

async fn sessions(config: SessionConfig) -> [Session; 2] {
    const KEY: &str = "device:00112233445566778899aabbccddeeff";
    let keys = PskKeys::from_lines(KEY).unwrap();
    let acceptor = Acceptor::with_psk(keys).session(config.clone());
    let any = "127.0.0.1:0".parse().unwrap();
    let listener = Listener::bind(any, acceptor.build().unwrap(), Limits::default()).unwrap();
    let psk = Psk::parse(KEY).unwrap();
    let connector = Connector::with_psk(psk).session(config).build().unwrap();
    let to = listener.local_addr();
    let accepting = async { listener.accept().await.unwrap().await.unwrap() };
    let connecting = async { connector.connect("localhost").to(&[to]).await.unwrap() };
    let (server, client) = tokio::join!(accepting, connecting);
    [client, server]
}

fn is_warm(session: &Session) -> bool {
    match &session.0.lock().records {
        Records::Own(own) => own.is_warm(),
        Records::OpenSsl(_) => panic!("these records are not this crate's"),
    }
}

/// And the time by which looks may be late.
const TWO_RESTS: Duration = Duration::from_secs(14);
