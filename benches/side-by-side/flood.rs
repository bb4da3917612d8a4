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

pub(crate) fn table(setting: &Setting) {
    println!("\na flood of first hellos");
    measure(setting, "one source, sent with GSO", 1, usize::MAX);
    measure(setting, "256 sources, one by one", 256, 1);
}

#[expect(clippy::disallowed_methods, reason = "no runtime here")]
fn measure(setting: &Setting, title: &str, sources: usize, segments: usize) {
    let flags = ["--max-challenges", &u32::MAX.to_string()];
    let server = Server::start_logging("info", Kind::Ours, &setting.programs, &flags);
    let addr: SocketAddr = server.addr.parse().unwrap();
    let hello = memory::hello();
    let sources: Vec<_> = (0..sources).map(|_| Source::new()).collect();
    let before = server.cpu();
    let start = Instant::now();
    let end = start + Duration::from_secs(setting.seconds.into());
    let mut sent = 0;
    for source in sources.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        sent += source.send(addr, &hello, segments);
    }
    let time = start.elapsed().as_secs_f64();
    let cpu = server.cpu() - before;
    let challenged = server.counted("challenged");
    println!(
        "  {title:26} {:>9.0} sent /s {:>9.0} answered /s {:>7.2} us CPU each, {:>7.0} for a whole core",
        sent as f64 / time,
        challenged / time,
        cpu * 1e6 / challenged,
        challenged / cpu,
    );
}

struct Source(UdpSocket, UdpSocketState);

impl Source {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let state = UdpSocketState::new(UdpSockRef::from(&socket)).unwrap();
        Self(socket, state)
    }

    /// Sends as many as fit one call, and returns how many.
    fn send(&self, server: SocketAddr, hello: &[u8], segments: usize) -> usize {
        let Self(socket, state) = self;
        let fit = state.max_gso_segments().min(60_000 / hello.len());
        let many = fit.min(segments);
        let transmit = Transmit {
            destination: server,
            ecn: None,
            contents: &hello.repeat(many),
            segment_size: Some(hello.len()),
            src_ip: None,
        };
        match state.try_send(UdpSockRef::from(socket), &transmit) {
            Ok(()) => many,
            Err(_) => 0,
        }
    }
}
