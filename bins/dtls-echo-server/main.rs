//! Echoes lines over DTLS, to many peers at once.

mod certificates;
mod check;
mod command_line;
mod config;
mod credentials;
mod failures;
mod lines;
mod manual;
mod metrics;
mod refusals;
mod reload;
mod serve;
mod service_manager;
mod shards;
mod sockets;
mod stop;

use std::{
    env, io,
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use clap::Parser;
use dtls_echo::{
    FactsArgs, HostPort, LogArgs, PreferenceArgs, RecordArgs, TimerArgs, announce, explain,
    parse_from, run, seconds, tell_error,
};
use dtls_session::{Acceptor, Limits, Listener, SessionConfig, SharedSecret};
use tokio_util::task::TaskTracker;
use udp_demux::Endpoint;

use crate::{
    certificates::Certificate,
    command_line::CommandLine,
    credentials::{ClientAuth, NamedIdentity},
    lines::Lines,
    metrics::{Exposition, Metrics},
    reload::Reload,
    serve::Service,
    shards::Shards,
    stop::Stop,
};

/// Echoes lines over DTLS: each comes back with `Echo: ` before it.
///
/// On loopback addresses a development identity is used unless --cert and --key are given.
/// SIGHUP makes it read the files again. RUST_LOG=info tells of sessions, RUST_LOG=debug of
/// handshakes.
#[derive(Debug, Parser)]
#[command(name = "dtls-echo-server", version)]
struct Args {
    /// Where to listen, as HOST:PORT; port 0 lets the system choose
    #[arg(value_name = "ADDR", required_unless_present = "socket_activation")]
    addr: Option<HostPort>,
    /// Take the sockets that systemd has opened, a shard each, instead of ADDR
    #[arg(long, conflicts_with_all = ["addr", "shards"])]
    socket_activation: bool,
    /// Certificate chain in PEM form, the server's own first
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the first certificate, in PEM form
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Show another certificate to clients that ask for this server name; may be given several times
    #[arg(long, value_name = "NAME=CERT,KEY")]
    sni: Vec<NamedIdentity>,
    /// Ask clients for a certificate that leads to the authorities in this PEM file
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Whether a client may do without a certificate [default: require]
    #[arg(long, value_name = "HOW", requires = "client_ca")]
    client_auth: Option<ClientAuth>,
    /// Let clients in that have a key in this file, with IDENTITY:KEY in each line, the key in
    /// hexadecimal, or hex=IDENTITY,KEY with both in it; with --cert also those without one
    #[arg(long, value_name = "FILE")]
    psk_file: Option<PathBuf>,
    /// Tell clients which key to use
    #[arg(long, value_name = "TEXT", requires = "psk_file")]
    psk_hint: Option<String>,
    /// Also allow keys without a Diffie-Hellman exchange, as small devices have them
    #[arg(long, requires = "psk_file")]
    allow_plain_psk: bool,
    /// Secrets of a fleet of servers, in hexadecimal digits, one a line: cookies and tickets are made
    /// with the first, the others are still accepted [default: a random one]
    #[arg(long, value_name = "FILE")]
    shared_secret: Option<PathBuf>,
    /// Largest datagram to send, in bytes of UDP payload, 256 to 16384
    #[arg(long, value_name = "BYTES", default_value = "1350", value_parser = clap::value_parser!(u16).range(256..=16384))]
    mtu: u16,
    /// How long a handshake may take
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    handshake_timeout: Duration,
    /// After how long a silence a session ends
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    idle_timeout: Duration,
    /// How many threads to serve with, each with a socket of its own [default: one for each core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    shards: Option<u16>,
    /// When stopped, for how long the present sessions may go on; a second Ctrl-C or SIGTERM ends that
    /// [default: not at all]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    drain_timeout: Option<Duration>,
    #[command(flatten)]
    records: RecordArgs,
    /// Serve metrics for Prometheus at http://HOST:PORT/metrics; port 0 lets the system choose
    #[arg(long, value_name = "ADDR")]
    metrics: Option<HostPort>,
    /// Read this TOML file, in which each key is a flag without its dashes; flags override it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read all files, say what is wrong with them or that they are good, and end
    #[arg(long)]
    check_config: bool,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    preferences: PreferenceArgs,
    #[command(flatten)]
    timers: TimerArgs,
    #[command(flatten)]
    limits: LimitArgs,
}

/// How much the server lets itself be asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Limits")]
struct LimitArgs {
    /// How many sessions there may be at a time, handshakes included
    #[arg(long, value_name = "NUMBER", default_value = "10000", value_parser = at_least_one())]
    max_sessions: u32,
    /// How many of them one address may have; an IPv6 /64 network counts as one address
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one())]
    max_sessions_per_address: Option<u32>,
    /// How many handshakes may run at a time
    #[arg(long, value_name = "NUMBER", default_value = "1024", value_parser = at_least_one())]
    max_half_open: u32,
    /// How many of them one address may have
    #[arg(long, value_name = "NUMBER", default_value = "256", value_parser = at_least_one())]
    max_half_open_per_address: u32,
    /// How many of them may be DTLS 1.3's of clients that have not shown where they are
    #[arg(long, value_name = "NUMBER", default_value = "128", value_parser = at_least_one())]
    max_unproven: u32,
    /// How many first hellos are answered a second
    #[arg(long, value_name = "PER_SECOND", default_value = "50000", value_parser = at_least_one())]
    max_challenges: u32,
}

impl LimitArgs {
    fn limits(&self) -> Limits {
        let limits = Limits::default()
            .sessions(self.max_sessions as usize)
            .half_open(self.max_half_open as usize)
            .half_open_per_address(self.max_half_open_per_address as usize)
            .challenges(self.max_challenges)
            .unproven(self.max_unproven as usize);
        match self.max_sessions_per_address {
            Some(sessions) => limits.per_address(sessions as usize),
            None => limits,
        }
    }
}

fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

fn main() -> ExitCode {
    let command_line = CommandLine::new(env::args_os().collect());
    let whole = match command_line.complete() {
        Ok(whole) => whole,
        Err(error) => {
            tell_error(&error);
            return error.exit_code();
        }
    };
    let args: Args = parse_from(&manual::MANUAL, whole.args());
    let log = args.log;
    if args.check_config {
        return run(log, async move { check::check(&args, whole.cut()).await });
    }
    run(
        log,
        listen(
            args,
            Reload {
                command_line,
                whole,
            },
        ),
    )
}

async fn listen(args: Args, reload: Reload) -> anyhow::Result<ExitCode> {
    if let Some(file) = reload.whole.cut() {
        lines::warn(file, "--config");
    }
    let sockets = sockets::open(&args).await?;
    let addresses: Vec<_> = sockets
        .iter()
        .map(UdpSocket::local_addr)
        .collect::<io::Result<_>>()?;
    let (acceptor, certificates) = acceptor(&args, &addresses, None)?;
    let limits = args.limits.limits();
    let mut endpoints = sockets
        .into_iter()
        .map(|socket| (socket, Listener::endpoint_config(&limits)));
    let (socket, config) = endpoints.next().context("there is no socket")?;
    let endpoint = Endpoint::from_socket(socket, config).context("cannot start a shard")?;
    let listener = Arc::new(Listener::new(endpoint, acceptor, limits)?);
    let exposition = match &args.metrics {
        Some(addr) => Some(Exposition::bind(addr).await?),
        None => None,
    };
    let metrics = exposition.as_ref().map(|_| Metrics::new()).transpose()?;
    certificates.iter().for_each(Certificate::log);
    if let Some(metrics) = &metrics {
        metrics.certificates(&certificates);
        metrics.watch(0, &listener);
    }
    let service = Service {
        facts: args.facts,
        metrics: metrics.clone(),
        stop: Stop::at_signals(args.drain_timeout.unwrap_or_default(), stop::overdue)
            .context("cannot listen to signals")?,
        peers: TaskTracker::new(),
    };
    reload.at_each_hangup(addresses, Arc::clone(&listener), metrics.clone())?;
    let shards = Shards::start(&listener, &service, endpoints)?;
    let mut lines = format!("listening on {}\n", listener.local_addr());
    if let Some((exposition, metrics)) = exposition.zip(metrics) {
        let addr = exposition.local_addr()?;
        lines += &format!("metrics at http://{addr}/metrics\n");
        exposition.start(metrics);
    }
    announce(lines).await?;
    tracing::info!(addr = %listener.local_addr(), shards = 1 + shards.len(), "listening");
    service_manager::ready(listener.local_addr());
    tokio::spawn(refusals::warn(Arc::clone(&listener)));
    let drain = service.stop.drain.clone();
    let served = serve::serve(Arc::clone(&listener), service).await;
    drain.cancel();
    let others = shards.join().await;
    serve::report(&listener);
    served?;
    others?;
    Ok(ExitCode::SUCCESS)
}

/// Makes what new clients meet, and tells which certificates they are shown. Where no file holds a
/// secret, tickets stay good by the former one.
fn acceptor(
    args: &Args,
    addresses: &[SocketAddr],
    former: Option<&Acceptor>,
) -> anyhow::Result<(Acceptor, Vec<Certificate>)> {
    let lines = match former {
        Some(_) => Lines::OfReload,
        None => Lines::OfStart,
    };
    let (builder, certificates) = credentials::builder(args, addresses, lines)?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.handshake_timeout)
        .idle_timeout(Some(args.idle_timeout));
    let builder = builder.session(args.records.apply(args.timers.apply(config)));
    let secret = match &args.shared_secret {
        Some(file) => Some(lines.read(file, "--shared-secret", SharedSecret::from_hex_lines)?),
        None => former.map(|former| former.shared_secret().clone()),
    };
    let builder = builder.preferences(args.preferences.preferences()?);
    let builder = match secret {
        Some(secret) => builder.shared_secret(secret),
        None => builder,
    };
    Ok((builder.build().map_err(explain)?, certificates))
}
