//! How often a server that has little to do is woken.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

use std::{net::UdpSocket, thread, time::Duration};

use tokio::{runtime, sync::oneshot};
use udp_demux::{Config, Endpoint};

/// The kernel tells of each datagram that has left, which is no reason to wake up.
#[test]
fn an_echo_wakes_its_server_once() {
    let runtime = runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .unwrap();
    let parks = runtime.block_on(async {
        let any = ([127, 0, 0, 1], 0).into();
        let endpoint = Endpoint::bind(any, Config::default()).unwrap();
        let server = endpoint.local_addr();
        let (done, ended) = oneshot::channel();
        let peer = thread::spawn(move || {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).unwrap();
            socket
                .set_read_timeout(Some(Duration::from_secs(30)))
                .unwrap();
            let mut buf = [0; 9];
            for _ in 0..ROUNDS {
                socket.send_to(b"hello", server).unwrap();
                assert_eq!(socket.recv(&mut buf).unwrap(), 5);
                // So that the server has nothing to do before the next one comes.
                thread::sleep(Duration::from_millis(1));
            }
            let _ = done.send(());
        });
        tokio::spawn(async move {
            let mut channel = endpoint.accept().await.unwrap().accept().unwrap();
            let mut buf = [0; 9];
            while let Ok(length) = channel.recv(&mut buf).await {
                channel.send(&buf[..length]).await.unwrap();
            }
        });
        let metrics = runtime::Handle::current().metrics();
        let before = metrics.worker_park_count(0);
        let _ = ended.await;
        peer.join().unwrap();
        metrics.worker_park_count(0) - before
    });
    assert!(parks < ROUNDS + ROUNDS / 4, "{parks} for {ROUNDS} echoes");
}

const ROUNDS: u64 = 200;
