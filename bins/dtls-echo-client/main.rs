//! Sends lines over DTLS and prints what comes back.

mod connect;
mod conversation;
mod diagnosis;
mod direction;
mod elsewhere;
mod failure;
mod flights;
mod info;
mod lines;
mod manual;
mod ping;
mod session_file;
mod tally;
mod tap;
mod trace;
mod watch;
mod wire;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::{
    CommandFactory, Parser,
    builder::{PossibleValuesParser, TypedValueParser},
    error::ErrorKind,
};
use dtls_echo::{
    FactsArgs, HostPort, LogArgs, PreferenceArgs, RecordArgs, TimerArgs, TrustArgs, parse, run,
    seconds,
};

use crate::{ping::PingArgs, trace::TraceArgs};

/// Sends each line of stdin over DTLS as one datagram and prints what comes back.
///
/// At end of input it waits for the replies that are outstanding, then closes the session. On
/// loopback addresses the development CA is trusted, elsewhere the system's authorities. --ping,
/// --info and --trace find out what is wrong with a server.
/// RUST_LOG=info tells of the session, RUST_LOG=debug of the handshake.
#[derive(Debug, Parser)]
#[command(name = "dtls-echo-client", version)]
pub(crate) struct Args {
    /// The server, as HOST:PORT
    #[arg(value_name = "ADDR", value_parser = HostPort::of_server)]
    addr: HostPort,
    #[command(flatten)]
    trust: TrustArgs,
    /// Resume the session in this file, if it can be, and leave the new one there for the next run
    #[arg(long, value_name = "FILE")]
    session: Option<PathBuf>,
    /// Print what was negotiated, and how it went, on stdout, and end; --json for tools
    #[arg(long, conflicts_with = "verbose")]
    info: bool,
    #[command(flatten)]
    facts: FactsArgs,
    #[command(flatten)]
    trace: TraceArgs,
    #[command(flatten)]
    log: LogArgs,
    /// How long to wait for the handshake, or for a reply
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Largest datagram to send, in bytes of UDP payload, 256 to 16384
    #[arg(long, value_name = "BYTES", default_value = "1350", value_parser = clap::value_parser!(u16).range(256..=16384))]
    mtu: u16,
    /// Ask the server for records of up to so many bytes of plaintext, both ways (RFC 6066 4)
    #[arg(long, value_name = "BYTES", value_parser = PossibleValuesParser::new(["512", "1024", "2048", "4096"]).map(|bytes| bytes.parse::<usize>().unwrap_or_default()))]
    max_fragment_length: Option<usize>,
    #[command(flatten)]
    records: RecordArgs,
    // Those with headings of their own, under which everything behind them would fall.
    #[command(flatten)]
    ping: PingArgs,
    #[command(flatten)]
    preferences: PreferenceArgs,
    #[command(flatten)]
    timers: TimerArgs,
}

impl Args {
    /// The name that the server's certificate has to have.
    fn server_name(&self) -> &str {
        let name = self.trust.server_name.as_deref();
        name.unwrap_or_else(|| self.addr.host())
    }
}

fn main() -> ExitCode {
    let args = parse::<Args>(&manual::MANUAL);
    if let Err(error) = args.trust.check().and_then(|()| args.ping.check(args.mtu)) {
        Args::command()
            .error(ErrorKind::ValueValidation, error)
            .exit()
    }
    run(args.log, async {
        if args.info {
            return info::info(&args).await;
        }
        if args.ping.ping {
            return ping::ping(&args).await;
        }
        let connection = connect::connect(&args).await?;
        let connection = connection.map_err(|failure| failure.explain(&args))?;
        args.facts
            .tell(connection.peer_addr(), || connection.session.info())?;
        conversation::converse(connection, &args).await
    })
}
