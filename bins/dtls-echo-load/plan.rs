//! What is asked for on the command line, with the defaults of each mode.

use std::{fmt, time::Duration};

use clap::{Parser, ValueEnum};
use dtls_echo::{HostPort, LogArgs, RecordArgs, Request, TrustArgs, seconds};
use dtls_session::SessionConfig;
use serde::Serialize;

/// Puts load on a DTLS echo server and reports throughput, round trips and losses.
///
/// Any server will do that sends each datagram back, with or without `Echo: ` before it. Exit code
/// 1 says that something was wrong: a reply that does not match, a handshake that failed, or more
/// losses than --max-loss.
#[derive(Debug, Parser)]
#[command(name = "dtls-echo-load", version)]
pub(crate) struct Args {
    /// The server, as HOST:PORT
    #[arg(value_name = "ADDR", value_parser = HostPort::of_server)]
    addr: HostPort,
    /// What to do
    #[arg(value_name = "MODE", default_value = "echo")]
    mode: Mode,
    /// How many sessions, or handshakes at a time [default: echo 100, bulk 1, handshakes 64, idle 1000]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sessions: Option<u32>,
    /// The plaintext of a request, in bytes [default: 64; bulk 1200]
    #[arg(long, value_name = "BYTES")]
    size: Option<usize>,
    /// How many requests a session has in flight [default: echo 8, bulk 64]
    #[arg(long, value_name = "NUMBER", conflicts_with = "rate", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    window: Option<u32>,
    /// Send so many requests a second in all, whether or not replies come [default: idle 100]
    #[arg(long, value_name = "PER_SECOND", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    rate: Option<u32>,
    /// How long to do it, once all sessions are established
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    duration: Duration,
    #[command(flatten)]
    trust: TrustArgs,
    /// Do without DTLS, to learn what the network and a server without it cost
    #[arg(long, conflicts_with_all = ["psk", "psk_file", "ca", "insecure", "server_name", "cert", "records"])]
    plaintext: bool,
    /// How long a handshake may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// After how long a request counts as lost
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    reply_timeout: Duration,
    /// How many requests in a hundred may be lost, and handshakes fail
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = percent)]
    max_loss: f64,
    /// Largest datagram to send, in bytes of UDP payload, 256 to 16384
    #[arg(long, value_name = "BYTES", default_value = "1350", value_parser = clap::value_parser!(u16).range(256..=16384))]
    mtu: u16,
    #[command(flatten)]
    records: RecordArgs,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    log: LogArgs,
}

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Handshakes, one after the other in each place, and nothing else
    Handshakes,
    /// Small requests in many sessions
    Echo,
    /// Large requests in few sessions, many handed to the system in one call
    Bulk,
    /// Sessions that say nothing, but for a probe now and then
    Idle,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) addr: HostPort,
    pub(crate) mode: Mode,
    pub(crate) sessions: usize,
    pub(crate) size: usize,
    pub(crate) pace: Pace,
    pub(crate) duration: Duration,
    pub(crate) trust: TrustArgs,
    pub(crate) plaintext: bool,
    pub(crate) reply_timeout: Duration,
    pub(crate) max_loss: f64,
    pub(crate) session: SessionConfig,
    pub(crate) json: bool,
    pub(crate) log: LogArgs,
}

/// When the next request is sent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// When fewer than this many wait for their replies.
    Window(usize),
    /// So many times a second, all sessions together.
    Rate(u32),
}

impl Plan {
    pub(crate) fn new(args: Args) -> Result<Self, String> {
        let (sessions, size, window) = match args.mode {
            Mode::Handshakes => (64, 64, 1),
            Mode::Echo => (100, 64, 8),
            Mode::Bulk => (1, 1200, 64),
            Mode::Idle => (1000, 64, 1),
        };
        if args.plaintext && args.mode == Mode::Handshakes {
            return Err("--plaintext: without DTLS there are no handshakes".to_owned());
        }
        let pace = match (args.rate, args.window) {
            (Some(rate), _) => Pace::Rate(rate),
            (None, Some(window)) => Pace::Window(window as usize),
            (None, None) if args.mode == Mode::Idle => Pace::Rate(IDLE_RATE),
            (None, None) => Pace::Window(window),
        };
        let size = args.size.unwrap_or(size);
        let most = usize::from(args.mtu).saturating_sub(Request::OVERHEAD);
        if !(Request::LEAST..=most).contains(&size) {
            return Err(format!(
                "--size {size}: a request has from {} to {most} bytes, so that it and its reply \
                 fit one datagram; --mtu sets how large that is",
                Request::LEAST
            ));
        }
        args.trust.check()?;
        let session = SessionConfig::default()
            .mtu(args.mtu.into())
            .handshake_timeout(args.timeout)
            .idle_timeout(None);
        Ok(Self {
            addr: args.addr,
            mode: args.mode,
            sessions: args.sessions.map_or(sessions, |sessions| sessions as usize),
            size,
            pace,
            duration: args.duration,
            trust: args.trust,
            plaintext: args.plaintext,
            reply_timeout: args.reply_timeout,
            max_loss: args.max_loss,
            session: args.records.apply(session),
            json: args.json,
            log: args.log,
        })
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sessions, size, .. } = self;
        let mode = match self.mode {
            Mode::Handshakes => return write!(f, "handshakes, {sessions} at a time"),
            Mode::Echo => "echo",
            Mode::Bulk => "bulk",
            Mode::Idle => "idle",
        };
        write!(f, "{mode}, {sessions} sessions, {size} bytes, ")?;
        match self.pace {
            Pace::Window(window) => write!(f, "{window} in flight"),
            Pace::Rate(rate) => write!(f, "{rate} a second"),
        }
    }
}

fn percent(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|percent| (0.0..=100.0).contains(percent))
        .ok_or_else(|| "a number from 0 to 100 is needed".to_owned())
}

const IDLE_RATE: u32 = 100;
