//! First hellos, as fast as one core can send them and read the answers.

use std::{
    io::ErrorKind,
    net::{SocketAddr, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

use crate::{
    Setting, median, memory,
    server::{Kind, Server},
};

pub(crate) fn table(setting: &Setting) {
    println!("\na flood of first hellos");
    let flood = Flood {
        sources: 256,
        segments: 1,
        waits: false,
    };
    let gso = Flood {
        sources: 1,
        segments: usize::MAX,
        ..flood
    };
    compare(setting, "one source, sent with GSO", gso);
    compare(setting, "256 sources, one by one", flood);
    let turns = Flood {
        waits: true,
        ..flood
    };
    compare(setting, "the same, each after the answer before", turns);
}

#[derive(Clone, Copy)]
struct Flood {
    sources: usize,
    /// How many hellos one call sends.
    segments: usize,
    /// Whether the next one waits for the answer.
    waits: bool,
}

fn compare(setting: &Setting, title: &str, flood: Flood) {
    let kinds = [Kind::Ours, Kind::Textbook];
    let mut samples = [const { Vec::new() }; 2];
    for _ in 0..setting.rounds {
        for (kind, samples) in kinds.into_iter().zip(&mut samples) {
            samples.push(measure(setting, kind, flood));
        }
    }
    println!("  {title}");
    let middle = |samples: &[Sample], of: fn(&Sample) -> f64| median(samples.iter().map(of));
    let ours = middle(&samples[0], |sample| sample.cpu);
    for (kind, samples) in kinds.into_iter().zip(&samples) {
        let cpu = middle(samples, |sample| sample.cpu);
        println!(
            "    {:<22} {:>9.0} sent /s {:>9.0} answered /s {cpu:>7.2} us CPU each, {:>7.0} for a whole core, x{:.2} CPU",
            kind.name(),
            middle(samples, |sample| sample.sent),
            middle(samples, |sample| sample.answered),
            1e6 / cpu,
            cpu / ours,
        );
    }
}

/// A second's hellos and answers, and the server's microseconds for each answer.
struct Sample {
    sent: f64,
    answered: f64,
    cpu: f64,
}

#[expect(clippy::disallowed_methods, reason = "no runtime here")]
fn measure(setting: &Setting, kind: Kind, flood: Flood) -> Sample {
    let limit = u32::MAX.to_string();
    let server = Server::start(kind, &setting.programs, &["--max-challenges", &limit]);
    let addr: SocketAddr = server.addr.parse().unwrap();
    let hello = memory::hello();
    let sources: Vec<_> = (0..flood.sources).map(|_| Source::new()).collect();
    let before = server.cpu();
    let start = Instant::now();
    let end = start + Duration::from_secs(setting.seconds.into());
    let mut buf = vec![0; 65_535];
    let (mut sent, mut answered) = (0, 0);
    for source in sources.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        answered += source.answers(&mut buf);
        sent += source.send(addr, &hello, flood.segments);
        while flood.waits && answered < sent && Instant::now() < end {
            answered += source.answers(&mut buf);
        }
    }
    let time = start.elapsed().as_secs_f64();
    // What waits in the server's socket is answered, too.
    loop {
        thread::sleep(Duration::from_millis(100));
        let late: usize = sources.iter().map(|it| it.answers(&mut buf)).sum();
        if late == 0 {
            break;
        }
        answered += late;
    }
    let (sent, answered) = (sent as f64, answered as f64);
    Sample {
        sent: sent / time,
        answered: answered / time,
        cpu: (server.cpu() - before) * 1e6 / answered,
    }
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

    /// Reads the answers that are there, and returns how many those were.
    fn answers(&self, buf: &mut [u8]) -> usize {
        let mut answers = 0;
        loop {
            match self.0.recv(buf) {
                // The kernel may have put several together.
                Ok(length) => answers += length.div_ceil(HELLO_VERIFY_REQUEST),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return answers,
                Err(_) => {}
            }
        }
    }
}

/// The length of an answer: both servers' cookies have 32 bytes.
const HELLO_VERIFY_REQUEST: usize = 60;
