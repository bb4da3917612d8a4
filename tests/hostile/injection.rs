use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use crate::{
    common::within,
    counted,
    living::Living,
    raw::{fragment, record},
    serve,
    socket::Socket,
};

/// What anybody can write who knows the two addresses.
fn forgeries() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let finished = |sequence| record(22, 1, sequence, &[0xab; 40]);
    let whole = fragment(16, 4, 2, 0, &[3, 1, 2, 3]);
    let far: Vec<_> = (1..40).map(|n| record(20, 0, n * 500, &[1])).collect();
    vec![
        ("fatal alert", vec![record(21, 0, 9, &[2, 40])]),
        ("close_notify", vec![record(21, 0, 9, &[1, 0])]),
        ("alert of no length", vec![record(21, 0, 9, &[])]),
        ("plaintext data", vec![record(23, 0, 9, b"data")]),
        (
            "unknown type",
            vec![record(99, 0, 9, b"what"), vec![0x2f; 50]],
        ),
        (
            "hello request",
            vec![record(22, 0, 9, &fragment(0, 0, 0, 0, &[]))],
        ),
        (
            "a server's message",
            vec![record(22, 0, 9, &fragment(2, 4, 1, 0, &[1; 4]))],
        ),
        ("short fragment header", vec![record(22, 0, 9, &whole[..7])]),
        (
            "fragment beyond its message",
            vec![record(22, 0, 9, &fragment(16, 4, 2, 3, &[1; 4]))],
        ),
        (
            "message of 16 MiB",
            vec![record(22, 0, 9, &fragment(16, 0xff_ffff, 2, 0, &[1; 9]))],
        ),
        (
            "fragment of a message far ahead",
            vec![record(22, 0, 9, &fragment(16, 66, 900, 0, &[1; 9]))],
        ),
        (
            "malformed ChangeCipherSpec",
            vec![record(20, 0, 9, &[2]), record(20, 0, 9, &[1, 1])],
        ),
        ("number of 2^47", vec![record(20, 0, 1 << 47, &[1])]),
        ("numbers further and further ahead", far),
        ("a hundred early records", (0..100).map(finished).collect()),
        (
            "early data and early alerts",
            vec![record(23, 1, 3, &[1; 50]), record(21, 1, 4, &[1; 26])],
        ),
        (
            "epochs to come",
            vec![record(23, 2, 3, &[1; 50]), record(22, 65_535, 4, &[1; 50])],
        ),
        (
            "length beyond the datagram",
            vec![vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0xff, 0xff, 1]],
        ),
    ]
}

#[tokio::test]
async fn forgeries_end_no_handshake_and_no_session() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut living = Living::start(addr).await;
    for (name, forgeries) in forgeries() {
        println!("{name}");
        let mut socket = Socket::connected("127.0.0.1", addr).await;
        socket.forgeries = forgeries;
        // Before each datagram of the handshake, and then of the session.
        let mut victim = Living::over(socket).await;
        victim.echoes().await;
        victim.echoes().await;
        living.echoes().await;
    }
    counted(server).await;
}

#[tokio::test]
async fn a_genuine_record_counts_although_it_shares_its_datagram_with_forgeries() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = Socket::connected("127.0.0.1", addr).await;
    let (udp, sent) = (Arc::clone(&socket.udp), Arc::clone(&socket.sent));
    let withheld = Arc::clone(&socket.killed);
    let mut living = Living::over(socket).await;
    living.echoes().await;
    let forged = [record(21, 0, 9, &[2, 40]), record(23, 1, 77, &[5; 60])].concat();
    for (before, after) in [(&forged[..], &[][..]), (&[], &forged), (&forged, &forged)] {
        withheld.store(true, Ordering::Relaxed);
        living.session.send(b"genuine").await.unwrap();
        withheld.store(false, Ordering::Relaxed);
        let mixed = [before, &last(&sent), after].concat();
        let mut buf = [0; 99];
        // Nothing repeats it, and loopback loses nothing that a queue has room for.
        udp.send(&mixed).await.unwrap();
        let length = within(living.session.recv(&mut buf)).await.unwrap();
        assert_eq!(&buf[..length.unwrap()], b"Echo: genuine");
    }
    living.echoes().await;
    assert_eq!(counted(server).await["accepted"], 1);
}

#[tokio::test]
async fn a_replayed_record_is_echoed_once() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = Socket::connected("127.0.0.1", addr).await;
    let (udp, sent) = (Arc::clone(&socket.udp), Arc::clone(&socket.sent));
    let living = Living::over(socket).await;
    let mut buf = [0; 99];
    living.session.send(b"once").await.unwrap();
    assert_eq!(living.session.recv(&mut buf).await.unwrap(), Some(10));
    let replayed = last(&sent);
    for _ in 0..20 {
        udp.send(&replayed).await.unwrap();
    }
    living.session.send(b"twice").await.unwrap();
    assert_eq!(living.session.recv(&mut buf).await.unwrap(), Some(11));
    assert_eq!(&buf[..11], b"Echo: twice");
    drop(living);
    server.program.logs("session ended").await;
    server.program.logs("received=2 ").await;
}

fn last(sent: &std::sync::Mutex<Vec<Vec<u8>>>) -> Vec<u8> {
    sent.lock().unwrap().last().unwrap().clone()
}
