use std::net::SocketAddr;

use crate::{
    counted,
    living::Living,
    raw::{hello, second_hello, stall},
    serve,
    socket::Socket,
};

#[tokio::test]
async fn a_restarted_client_takes_the_place_of_its_session() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = Socket::connected("127.0.0.1", addr).await;
    let udp = std::sync::Arc::clone(&socket.udp);
    let mut lost = Living::over(socket).await;
    lost.echoes().await;
    lost.vanish();
    let mut again = Living::over(Socket::over(&udp)).await;
    again.echoes().await;
    server.program.logs("session ended").await;
    again.echoes().await;
    let counts = counted(server).await;
    assert_eq!((counts["accepted"], counts["evicted"]), (2, 0));
}

#[tokio::test]
async fn forged_hellos_do_not_disturb_the_session() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut living = Living::start(addr).await;
    let socket = Socket::connected("127.0.0.1", addr).await;
    let udp = std::sync::Arc::clone(&socket.udp);
    let mut victim = Living::over(socket).await;
    for random in 0..20 {
        // What somebody can send who does not see the answers: no cookie, or a wrong one.
        udp.send(&hello(random, &[])).await.unwrap();
        udp.send(&hello(random, &[7; 30])).await.unwrap();
        victim.echoes().await;
    }
    living.echoes().await;
    assert_eq!(counted(server).await["accepted"], 2);
}

#[tokio::test]
async fn a_handshake_that_never_finishes_leaves_the_session_in_its_place() {
    let server = serve(&["--handshake-timeout", "0.3"]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = Socket::connected("127.0.0.1", addr).await;
    let udp = std::sync::Arc::clone(&socket.udp);
    let mut living = Living::over(socket).await;
    // From the same address, with a good cookie: the session takes the answers for noise.
    let first = hello(5, &[]);
    udp.send(&first).await.unwrap();
    let mut buf = [0; 2048];
    let length = udp.recv(&mut buf).await.unwrap();
    udp.send(&hello(5, &crate::raw::cookie(&first, &buf[..length])))
        .await
        .unwrap();
    server.program.logs("handshake failed").await;
    living.echoes().await;
    assert_eq!(counted(server).await["accepted"], 2);
}

#[tokio::test]
async fn a_client_that_restarts_in_mid_handshake_gets_in() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = Socket::connected("127.0.0.1", addr).await;
    stall(&socket.udp, addr).await;
    Living::over(socket).await.echoes().await;
    let counts = counted(server).await;
    assert_eq!((counts["accepted"], counts["evicted"]), (2, 1));
}

#[tokio::test]
async fn a_hello_that_the_network_repeats_starts_one_handshake() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut living = Living::start(addr).await;
    let socket = crate::raw::bind("127.0.0.1").await;
    let second = second_hello(&socket, addr, 1).await;
    for _ in 0..5 {
        socket.send_to(&second, addr).await.unwrap();
    }
    living.echoes().await;
    let counts = counted(server).await;
    // A slow machine may have the living client repeat its own hello too.
    assert_eq!(counts["accepted"], 2);
    assert!(counts["repeated"] >= 4, "{counts:?}");
}
