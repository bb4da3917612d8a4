//! Lines out, replies in, and an orderly end.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use dtls_echo::tell_error;
use dtls_session::SendError;
use tokio::{
    io::{AsyncWriteExt, BufReader, Stdout, stdin, stdout},
    signal::ctrl_c,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    Args,
    connect::Connection,
    lines::{Line, Lines},
    tally::Tally,
};

/// Sends stdin's lines and prints the replies until both have ended, then closes the session.
pub(crate) async fn converse(connection: Connection, args: &Args) -> anyhow::Result<ExitCode> {
    let mut conversation = Conversation {
        refusals_before: connection.refusals(),
        connection,
        out: stdout(),
        patience: args.timeout,
        max_fragment_length: args.max_fragment_length,
        tally: Tally::new(),
        number: 0,
        too_long: 0,
    };
    let outcome = tokio::select! {
        outcome = conversation.talk() => outcome,
        _ = ctrl_c() => Ok(End::Interrupted),
    };
    let answered = conversation.close().await;
    match outcome? {
        End::Interrupted => Ok(ExitCode::from(130)),
        End::OfInput => conversation.verdict(answered),
        End::Silence(what) if answered => bail!(
            "{what}, but the server is there, as its close_notify shows: is it an echo server?"
        ),
        End::Silence(what) => match conversation.refusals() {
            Some(refusals) => bail!("{what}: {refusals}"),
            None => bail!("{what}: the server may be gone"),
        },
    }
}

struct Conversation {
    connection: Connection,
    out: Stdout,
    patience: Duration,
    /// What the server was asked to keep to.
    max_fragment_length: Option<usize>,
    /// How many ICMP refusals there were when the server said something last.
    refusals_before: u64,
    tally: Tally,
    /// The number of the line read last.
    number: u64,
    too_long: u64,
}

enum End {
    OfInput,
    Interrupted,
    /// No replies, and in what way.
    Silence(String),
}

impl Conversation {
    async fn talk(&mut self) -> anyhow::Result<End> {
        let mut lines = Lines::new(BufReader::new(stdin()));
        let mut buf = vec![0; MAX_DATAGRAM];
        let mut input_ended = false;
        while !input_ended || self.tally.outstanding > 0 {
            let full = self.tally.outstanding >= WINDOW;
            // A reply may be lost, so a full window waits only for a while.
            let wait = match (input_ended, full) {
                _ if self.tally.answered == 0 => self.patience,
                (true, _) => self.patience.min(LAST_WAIT),
                (false, true) => self.patience.min(LULL),
                (false, false) => self.patience,
            };
            let max = self.connection.session.max_datagram_size();
            tokio::select! {
                received = self.connection.session.recv(&mut buf) => {
                    match received.context("the session has ended")? {
                        Some(length) => self.print(&buf[..length]).await?,
                        None => bail!("the server has closed the session"),
                    }
                }
                line = lines.next(max), if !input_ended && !full => {
                    match line.context("cannot read stdin")? {
                        Some(line) => self.send(line, max).await?,
                        None => input_ended = true,
                    }
                }
                () = sleep_until(self.tally.waiting_since() + wait), if self.tally.outstanding > 0 => {
                    if self.tally.unanswered > 0 && !full && !input_ended {
                        return Ok(End::Silence(format!("no reply came within {wait:?}")));
                    }
                    self.tally.give_up();
                    // Who has never answered goes on like that.
                    if self.tally.answered == 0 {
                        let sent = self.tally.sent;
                        return Ok(End::Silence(format!("none of the {sent} lines sent got a reply")));
                    }
                }
            }
        }
        Ok(End::OfInput)
    }

    async fn send(&mut self, line: Line, max: usize) -> anyhow::Result<()> {
        self.number += 1;
        match line {
            Line::TooLong { size } => self.tell_too_long(size, max),
            Line::Whole(line) => match self.connection.session.send(&line).await {
                // The path has become narrower since the line was read.
                Err(SendError::TooLarge { size, max, .. }) => self.tell_too_long(size, max),
                sent => {
                    sent.context("cannot send")?;
                    self.tally.send(Instant::now());
                }
            },
        }
        Ok(())
    }

    fn tell_too_long(&mut self, size: usize, max: usize) {
        self.too_long += 1;
        let flag = match self.max_fragment_length {
            Some(bytes) if bytes == max => "--max-fragment-length",
            _ => "--mtu",
        };
        tell_error(format_args!(
            "line {} has {size} bytes with its newline, and one datagram carries up to {max} \
             (see {flag})",
            self.number
        ));
    }

    async fn print(&mut self, reply: &[u8]) -> anyhow::Result<()> {
        self.refusals_before = self.connection.refusals();
        let written = async {
            self.out.write_all(reply).await?;
            self.out.flush().await
        };
        written.await.context("cannot write to stdout")?;
        let lines = reply.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.tally.receive(lines, Instant::now());
        Ok(())
    }

    /// Says goodbye, waits a moment for the server to do the same, and returns whether it did.
    async fn close(&mut self) -> bool {
        self.connection.session.close();
        let answered = timeout(FAREWELL, self.connection.session.closed())
            .await
            .is_ok();
        if !answered {
            tracing::info!("the server did not answer close_notify");
        }
        answered
    }

    /// Tells of the closed port, if nothing but refusals came since the last reply.
    fn refusals(&self) -> Option<String> {
        let count = self.connection.refusals() - self.refusals_before;
        let datagrams = if count == 1 { "datagram" } else { "datagrams" };
        (count > 0).then(|| {
            format!(
                "the host refused {count} {datagrams}: nobody listens on that port any more (ICMP)"
            )
        })
    }

    /// `is_there` says that the server has answered the goodbye.
    fn verdict(&self, is_there: bool) -> anyhow::Result<ExitCode> {
        let missing = self.tally.missing();
        if missing > 0 {
            let what = format!("{missing} of {} replies did not come", self.tally.sent);
            // Anybody can forge such a message, so an answer outweighs it.
            match self.refusals().filter(|_| !is_there) {
                Some(refusals) => bail!("{what}: {refusals}"),
                None => bail!(what),
            }
        }
        // Each such line has been told of.
        Ok(if self.too_long > 0 {
            ExitCode::FAILURE
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// How many lines may wait for their replies, so that a fast stdin overruns no queue.
const WINDOW: u64 = 32;
const LULL: Duration = Duration::from_secs(1);
const LAST_WAIT: Duration = Duration::from_secs(3);
const FAREWELL: Duration = Duration::from_secs(1);

/// What any record's plaintext fits.
const MAX_DATAGRAM: usize = 1 << 14;
