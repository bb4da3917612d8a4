//! `--ping`: echo requests at intervals, and what comes back.

mod pieces;
mod round;
mod statistics;
mod telling;

use std::{process::ExitCode, time::Duration};

use clap::Args as ClapArgs;
use dtls_echo::{Request, seconds, tell_error};
use tokio::{
    signal::ctrl_c,
    time::{Instant, sleep_until},
};

use crate::{
    Args,
    connect::{Connection, connect},
};
use pieces::{Piece, Pieces};
use round::{Reply, Round};
use statistics::Statistics;
use telling::{Event, Telling};

/// The flags of `--ping`.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Ping")]
pub(crate) struct PingArgs {
    /// Send echo requests in one session, until Ctrl-C, and print the time that each reply took;
    /// --json for tools
    #[arg(long, conflicts_with_all = ["info", "verbose"])]
    pub(crate) ping: bool,
    /// Stop after this many requests
    #[arg(short, long, value_name = "COUNT", requires = "ping", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// The time from one request to the next
    #[arg(short, long, value_name = "SECONDS", requires = "ping", default_value = "1", value_parser = seconds)]
    interval: Duration,
    /// The plaintext of a request, in bytes
    #[arg(
        short,
        long,
        value_name = "BYTES",
        requires = "ping",
        default_value_t = 64
    )]
    size: usize,
}

impl PingArgs {
    /// Finds a size that fits no datagram.
    pub(crate) fn check(&self, mtu: u16) -> Result<(), String> {
        let (size, most) = (
            self.size,
            usize::from(mtu).saturating_sub(Request::OVERHEAD),
        );
        if self.ping && !(Request::LEAST..=most).contains(&size) {
            return Err(format!(
                "--size {size}: a request has from {} to {most} bytes, so that it and its reply fit \
                 one datagram; --mtu sets how large that is",
                Request::LEAST
            ));
        }
        Ok(())
    }
}

/// Pings until the count is reached, Ctrl-C is pressed or the session ends; the summary comes in
/// any case.
pub(crate) async fn ping(args: &Args) -> anyhow::Result<ExitCode> {
    let connection = connect(args).await?;
    let connection = connection.map_err(|failure| failure.explain(args))?;
    let mut ping = Ping::new(connection, args)?;
    let end = ping.run().await;
    if let Some(reason) = end? {
        tell_error(reason);
    }
    ping.connection.session.close();
    ping.telling.tell(&Event::Summary(&ping.statistics))?;
    Ok(if ping.statistics.received > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Ping<'a> {
    connection: Connection,
    args: &'a PingArgs,
    /// How long a reply is waited for.
    patience: Duration,
    request: Request,
    round: Round,
    pieces: Pieces,
    statistics: Statistics,
    telling: Telling,
    /// How many ICMP refusals there were when the server said something last.
    refusals_before: u64,
}

impl<'a> Ping<'a> {
    fn new(connection: Connection, args: &'a Args) -> anyhow::Result<Self> {
        let telling = Telling::new(
            args.addr.to_string(),
            connection.peer_addr(),
            args.facts.json(),
        );
        telling.tell(&Event::Start {
            size: args.ping.size,
            info: &connection.session.info(),
        })?;
        Ok(Self {
            refusals_before: connection.refusals(),
            request: Request::new(std::process::id() as usize, args.ping.size),
            connection,
            args: &args.ping,
            patience: args.timeout,
            round: Round::default(),
            pieces: Pieces::default(),
            statistics: Statistics::new(args.addr.to_string()),
            telling,
        })
    }

    /// Returns why it ended, unless that was asked for.
    async fn run(&mut self) -> anyhow::Result<Option<String>> {
        let mut buf = vec![0; MAX_DATAGRAM];
        let mut due = Instant::now();
        let mut interrupt = std::pin::pin!(ctrl_c());
        loop {
            let over = self
                .args
                .count
                .is_some_and(|count| self.statistics.transmitted >= count);
            if over && self.round.is_empty() {
                return Ok(None);
            }
            let oldest = self.round.oldest().map(|sent| sent + self.patience);
            let next = if over { None } else { Some(due) };
            let wake = [oldest, next].into_iter().flatten().min().unwrap_or(due);
            tokio::select! {
                biased;
                _ = &mut interrupt => return Ok(None),
                received = self.connection.session.recv(&mut buf) => match received {
                    Ok(Some(length)) => self.receive(&buf[..length])?,
                    Ok(None) => return Ok(Some("the server has closed the session".to_owned())),
                    Err(error) => return Ok(Some(format!("the session has ended: {error}"))),
                },
                () = sleep_until(wake) => {
                    if let Some(reason) = self.give_up()? {
                        return Ok(Some(reason));
                    }
                    if !over && due <= Instant::now() {
                        if let Err(error) = self.send().await {
                            return Ok(Some(format!("cannot send: {error}")));
                        }
                        // After a pause of the whole machine there is no rush of those that were missed.
                        due = (due + self.args.interval).max(Instant::now());
                    }
                }
            }
        }
    }

    async fn send(&mut self) -> Result<(), dtls_session::SendError> {
        let number = self.round.open(Instant::now());
        self.connection
            .session
            .send(self.request.numbered(number))
            .await?;
        self.statistics.transmitted += 1;
        Ok(())
    }

    fn receive(&mut self, reply: &[u8]) -> anyhow::Result<()> {
        let now = Instant::now();
        self.refusals_before = self.connection.refusals();
        let answered = match self.pieces.add(&self.request, reply) {
            Piece::Reply(number) => Some(number),
            Piece::Start => return Ok(()),
            Piece::Foreign => None,
        };
        let Some(number) = answered.filter(|number| self.round.has_sent(*number)) else {
            self.statistics.wrong += 1;
            return self.telling.tell(&Event::Wrong { bytes: reply.len() });
        };
        let outcome = self.round.close(number);
        let time = match outcome {
            Reply::First(sent) | Reply::Late(sent) => Some(now - sent),
            Reply::Duplicate => None,
        };
        match outcome {
            Reply::First(_) => self.statistics.add(time.unwrap_or_default()),
            Reply::Late(_) => self.statistics.late += 1,
            Reply::Duplicate => self.statistics.duplicates += 1,
        }
        self.telling.tell(&Event::Reply {
            bytes: self.args.size,
            number,
            time,
            late: matches!(outcome, Reply::Late(_)),
        })
    }

    /// Tells of requests that got no reply in time; the reason if there is no use in going on.
    fn give_up(&mut self) -> anyhow::Result<Option<String>> {
        let lost = self.round.give_up(Instant::now(), self.patience);
        for number in &lost {
            self.telling.tell(&Event::Lost {
                number: *number,
                patience: self.patience,
            })?;
        }
        // Anybody can forge such a message, so it counts only with a silence.
        let gone = !lost.is_empty() && self.connection.refusals() > self.refusals_before;
        Ok(gone.then(|| {
            "the server has gone: nobody listens on its port any more (ICMP port unreachable)"
                .to_owned()
        }))
    }
}

/// What any record's plaintext fits.
const MAX_DATAGRAM: usize = 1 << 14;
