use std::{net::SocketAddr, time::Duration};

use tokio::time::timeout;

use crate::{
    common::{Server, run, within},
    counted,
    living::Living,
    raw::{bind, cookie, hello, nothing_came, record},
    serve,
};

#[tokio::test]
async fn a_flood_of_first_hellos_leaves_nothing_behind() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut living = Living::start(addr).await;
    let hellos = std::env::var("HOSTILE_HELLOS").map_or(20_000, |n| n.parse().unwrap());
    flood(addr, 2_000).await;
    let before = resident(&server);
    let flooding = tokio::spawn(flood(addr, hellos));
    let ended = run(&server.addr, &["--timeout", "60"], b"during\n").await;
    assert_eq!(ended.out, "Echo: during\n", "{ended:?}");
    living.echoes().await;
    within(flooding).await.unwrap();
    let grown = resident(&server).saturating_sub(before);
    println!("{hellos} hellos; resident {before} KiB before, {grown} KiB more after");
    assert!(grown < 4096, "the server grew by {grown} KiB");
    let ended = run(&server.addr, &["--timeout", "60"], b"after\n").await;
    assert_eq!(ended.out, "Echo: after\n", "{ended:?}");
    living.echoes().await;
    let counts = counted(server).await;
    assert_eq!(counts["accepted"], 3);
    assert!(counts["challenged"] > 1000, "{counts:?}");
}

/// First hellos from many addresses, of which each is answered as the RFC says or not at all.
async fn flood(server: SocketAddr, hellos: u64) {
    let mut buf = [0; 2048];
    for host in 0..100 {
        let socket = bind(&format!("127.66.{}.{}", hellos % 251, host + 1)).await;
        for n in 0..hellos / 100 {
            let question = hello(n, &[]);
            socket.send_to(&question, server).await.unwrap();
            // One at a time, so that each answer belongs to its question; a lost one is no fault.
            let answer = timeout(Duration::from_secs(5), socket.recv(&mut buf));
            if let Ok(length) = answer.await {
                cookie(&question, &buf[..length.unwrap()]);
            }
        }
    }
}

#[tokio::test]
async fn beyond_the_allowance_hellos_are_dropped_and_clients_still_get_in() {
    let server = serve(&["--max-challenges", "1"]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let socket = bind("127.0.0.1").await;
    for random in 0..100 {
        socket.send_to(&hello(random, &[]), addr).await.unwrap();
    }
    let ended = run(&server.addr, &["--timeout", "60"], b"in\n").await;
    assert_eq!(ended.out, "Echo: in\n", "{ended:?}");
    assert!(counted(server).await["challenges_limited"] > 0);
}

#[tokio::test]
async fn junk_gets_no_answer() {
    let server = serve(&[]).await;
    let addr: SocketAddr = server.addr.parse().unwrap();
    let mut living = Living::start(addr).await;
    let socket = bind("127.0.0.1").await;
    let mut junk: Vec<Vec<u8>> = (0..=255).map(|first| vec![first; 40]).collect();
    // A STUN request, an empty datagram, a huge one, half a hello, hellos that lie about lengths.
    junk.push([&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[7; 12]].concat());
    junk.extend([vec![], vec![22; 60_000], hello(0, &[])[..30].to_vec()]);
    for place in [11, 17, 19, 22, 25, 59, 60, 61] {
        let mut lying = hello(0, &[]);
        lying[place] = 0xff;
        junk.push(lying);
    }
    // What only a session could understand.
    junk.extend([20, 21, 22, 23].map(|kind| record(kind, 1, 5, &[9; 60])));
    for datagram in &junk {
        socket.send_to(datagram, addr).await.unwrap();
        nothing_came(&socket, addr).await;
    }
    living.echoes().await;
    let counts = counted(server).await;
    assert_eq!(counts["discarded"], junk.len() as u64 - 2, "{counts:?}");
    assert_eq!(
        (counts["dropped_empty"], counts["dropped_too_long"]),
        (1, 1)
    );
}

fn resident(server: &Server) -> u64 {
    let id = server.program.child.id().expect("it runs");
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.unwrap().split_whitespace().next().unwrap();
    kib.parse().unwrap()
}
