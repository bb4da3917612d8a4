//! Echoes lines over DTLS, to many peers at once.

mod reload;
mod serve;
mod shards;

use std::{
    io::{self, Write},
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, bail};
use clap::Parser;
use dtls_echo::{HostPort, VersionArgs, development_identity, run, seconds, start_logging};
use dtls_session::{Acceptor, Identity, Limits, Listener, SessionConfig, SharedSecret};
use udp_demux::{Endpoint, bind_shards};

use crate::shards::Shards;

/// Echoes lines over DTLS: each comes back with `Echo: ` before it.
///
/// On loopback addresses a development identity is used unless --cert and --key are given.
/// SIGHUP makes it read the files again. RUST_LOG=info tells of sessions, RUST_LOG=debug of
/// handshakes.
#[derive(Debug, Parser)]
#[command(name = "dtls-echo-server", version)]
struct Args {
    /// Where to listen, as HOST:PORT; port 0 lets the system choose
    #[arg(value_name = "ADDR")]
    addr: HostPort,
    /// Certificate chain in PEM form, the server's own first
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Private key of the first certificate, in PEM form
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Secrets of a fleet of servers, in hexadecimal digits, one a line: cookies and tickets are made
    /// with the first, the others are still accepted [default: a random one]
    #[arg(long, value_name = "FILE")]
    shared_secret: Option<PathBuf>,
    /// Largest datagram to send, in bytes of UDP payload, 256 to 16384
    #[arg(long, value_name = "BYTES", default_value = "1350", value_parser = clap::value_parser!(u16).range(256..=16384))]
    mtu: u16,
    /// How long a handshake may take
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    handshake_timeout: Duration,
    /// After how long a silence a session ends
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    idle_timeout: Duration,
    /// How many threads to serve with, each with a socket of its own [default: one for each core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1024))]
    shards: Option<u16>,
    #[command(flatten)]
    versions: VersionArgs,
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

impl Args {
    fn shards(&self) -> usize {
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        let most = if cfg!(target_os = "linux") {
            usize::MAX
        } else {
            1
        };
        self.shards.map_or_else(|| cores().min(most), usize::from)
    }
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
    let args = Args::parse();
    run(listen(args))
}

async fn listen(args: Args) -> anyhow::Result<ExitCode> {
    start_logging()?;
    let addresses = args.addr.resolve().await?;
    let acceptor = acceptor(&args, &addresses, None)?;
    let sockets = bind(&addresses, args.shards())
        .with_context(|| format!("cannot listen on {}", args.addr))?;
    let limits = args.limits.limits();
    let mut endpoints = sockets
        .into_iter()
        .map(|socket| (socket, Listener::endpoint_config(&limits)));
    let (socket, config) = endpoints.next().context("there is no socket")?;
    let endpoint = Endpoint::from_socket(socket, config)?;
    let listener = Arc::new(Listener::new(endpoint, acceptor, limits)?);
    let stop = serve::stop_signal()?;
    reload::at_each_hangup(args, addresses, Arc::clone(&listener))?;
    let shards = Shards::start(&listener, endpoints)?;
    // Whoever started the server may not care to read this.
    let _ = writeln!(io::stdout(), "listening on {}", listener.local_addr());
    tracing::info!(addr = %listener.local_addr(), shards = 1 + shards.len(), "listening");
    let stopped = shards.stopped();
    let served = serve::serve(&listener, async {
        tokio::select! {
            () = stop => {}
            () = stopped.cancelled() => {}
        }
    });
    let served = served.await;
    let others = shards.stop().await;
    serve::report(&listener);
    served.and(others)?;
    Ok(ExitCode::SUCCESS)
}

/// Makes what new clients meet. Where no file holds a secret, tickets stay good by the former one.
fn acceptor(
    args: &Args,
    addresses: &[SocketAddr],
    former: Option<&Acceptor>,
) -> anyhow::Result<Acceptor> {
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.handshake_timeout)
        .idle_timeout(Some(args.idle_timeout));
    let config = args.versions.bound(config);
    let builder = Acceptor::builder(identity(args, addresses)?).session(config);
    let secret = match &args.shared_secret {
        Some(file) => Some(
            SharedSecret::from_file(file)
                .with_context(|| format!("cannot use {} for --shared-secret", file.display()))?,
        ),
        None => former.map(|former| former.shared_secret().clone()),
    };
    let builder = match secret {
        Some(secret) => builder.shared_secret(secret),
        None => builder,
    };
    Ok(builder.build()?)
}

fn identity(args: &Args, addresses: &[SocketAddr]) -> anyhow::Result<Identity> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return Identity::from_pem_files(cert, key)
            .with_context(|| format!("cannot use {} with {}", cert.display(), key.display()));
    }
    if !addresses.iter().all(|address| address.ip().is_loopback()) {
        bail!(
            "{} is not a loopback address, and the development identity's key is known to \
             everybody: pass --cert FILE and --key FILE",
            args.addr
        );
    }
    Ok(development_identity()?)
}

/// Binds the first address that can be had.
fn bind(addresses: &[SocketAddr], shards: usize) -> io::Result<Vec<UdpSocket>> {
    let mut failure = io::ErrorKind::AddrNotAvailable.into();
    for address in addresses {
        match bind_shards(*address, shards) {
            Ok(sockets) => return Ok(sockets),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}
