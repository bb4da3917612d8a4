use std::net::SocketAddr;

use tokio::task::JoinSet;

use crate::{
    common::{run, within},
    counted,
    living::Living,
    raw::{bind, nothing_came, second_hello, stall},
    serve,
    socket::Socket,
};

#[tokio::test]
async fn stalled_handshakes_meet_the_limit_and_then_make_room() {
    let flags = ["--max-half-open", "4", "--handshake-timeout", "100"];
    let server = serve(&flags).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let socket = bind("127.0.0.1").await;
        let flight = stall(&socket, addr).await;
        // A ServerHello, numbered as the hello that it answers.
        assert_eq!(
            (flight[0], &flight[3..11], flight[13]),
            (22, &[0, 0, 0, 0, 0, 0, 0, 1][..], 2)
        );
        stalled.push(socket);
    }
    // On a slow machine the first is stale by now; then the fifth takes its place, as it should.
    let ended = run(&server.addr, &["--timeout", "60"], b"in\n").await;
    assert_eq!(ended.out, "Echo: in\n", "{ended:?}");
    let counts = counted(server).await;
    assert!(counts["evicted"] > 0, "{counts:?}");
}

#[tokio::test]
async fn stalled_handshakes_of_one_address_do_not_keep_others_out() {
    let server = serve(&["--max-half-open-per-address", "2"]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let sockets = [bind("127.9.9.9").await, bind("127.9.9.9").await];
    for socket in &sockets {
        stall(socket, addr).await;
    }
    let third = bind("127.9.9.9").await;
    let second = second_hello(&third, addr, 3).await;
    third.send_to(&second, addr).await.unwrap();
    nothing_came(&third, addr).await;
    Living::start(addr).await.echoes().await;
    assert_eq!(counted(server).await["refused_half_open_per_address"], 1);
}

#[tokio::test]
async fn a_silent_handshake_ends_at_its_deadline() {
    let flags = ["--max-half-open", "1", "--handshake-timeout", "0.2"];
    let server = serve(&flags).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    stall(&bind("127.0.0.1").await, addr).await;
    server.program.logs("handshake failed").await;
    let flags = ["--max-half-open", "1"];
    drop(server);
    let server = serve(&flags).await;
    Living::start(server.addr.parse().unwrap())
        .await
        .echoes()
        .await;
}

#[tokio::test]
async fn sessions_are_limited_in_all_and_for_one_address() {
    let flags = ["--max-sessions", "2", "--max-sessions-per-address", "1"];
    let server = serve(&flags).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut first = Living::start(addr).await;
    let same = run(&server.addr, &["--timeout", "1"], b"x\n").await;
    same.fails_with(1, &["not finished"]);
    let mut other = Living::over(Socket::connected("127.0.0.2", addr).await).await;
    let socket = bind("127.0.0.3").await;
    let second = second_hello(&socket, addr, 1).await;
    socket.send_to(&second, addr).await.unwrap();
    nothing_came(&socket, addr).await;
    first.echoes().await;
    other.echoes().await;
    let counts = counted(server).await;
    assert!(counts["refused_per_address"] > 0, "{counts:?}");
    assert_eq!((counts["refused_sessions"], counts["accepted"]), (1, 2));
}

#[tokio::test]
async fn a_client_that_never_reads_costs_others_nothing() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let deaf = Living::start(addr).await;
    let mut living = Living::start(addr).await;
    for round in 0..20 {
        for _ in 0..250 {
            deaf.session.send(&[b'x'; 1000]).await.unwrap();
        }
        if round % 5 == 0 {
            living.echoes().await;
        }
    }
    living.echoes().await;
    counted(server).await;
}

#[tokio::test]
async fn all_sessions_are_told_when_the_server_stops() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let sessions = std::env::var("HOSTILE_SESSIONS").map_or(200, |n| n.parse().unwrap());
    let mut waiting = JoinSet::new();
    for _ in 0..sessions {
        let mut living = Living::start(addr).await;
        living.echoes().await;
        waiting.spawn(async move { living.session.recv(&mut [0; 99]).await });
    }
    let counts = counted(server).await;
    assert_eq!(counts["accepted"], sessions);
    while let Some(told) = within(waiting.join_next()).await {
        assert_eq!(told.unwrap().unwrap(), None, "close_notify");
    }
}
