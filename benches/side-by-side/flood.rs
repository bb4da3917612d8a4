//! First hellos, as fast as one core can send them.

use std::{
    net::{SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

use crate::{
    Setting, memory,
    server::{Kind, Server},
};

#[expect(clippy::disallowed_methods, reason = "no runtime here")]
pub(crate) fn table(setting: &Setting) {
    println!("\na flood of first hellos");
    let flags = ["--max-challenges", &u32::MAX.to_string()];
    let server = Server::start_logging("info", Kind::Ours, &setting.programs, &flags);
    let addr: SocketAddr = server.addr.parse().unwrap();
    let hello = memory::hello();
    let before = server.cpu();
    let start = Instant::now();
    let sent = flood(addr, &hello, Duration::from_secs(setting.seconds.into()));
    let time = start.elapsed().as_secs_f64();
    let cpu = server.cpu() - before;
    let challenged = server.counted("challenged");
    println!(
        "  {:>9.0} sent /s {:>9.0} answered /s {:>7.2} us CPU each",
        sent / time,
        challenged / time,
        cpu * 1e6 / challenged,
    );
}

/// Sends many in one call, which leaves the core of the server to the server.
#[expect(clippy::disallowed_methods, reason = "no runtime here")]
fn flood(server: SocketAddr, hello: &[u8], time: Duration) -> f64 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let state = UdpSocketState::new(UdpSockRef::from(&socket)).unwrap();
    let many = state.max_gso_segments().min(60_000 / hello.len());
    let transmit = Transmit {
        destination: server,
        ecn: None,
        contents: &hello.repeat(many),
        segment_size: Some(hello.len()),
        src_ip: None,
    };
    let end = Instant::now() + time;
    let mut sent = 0;
    while Instant::now() < end {
        if state.try_send(UdpSockRef::from(&socket), &transmit).is_ok() {
            sent += many;
        }
    }
    sent as f64
}
