//! Lines out, replies in, and an orderly end.

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use dtls_echo::tell_error;
use dtls_session::{SendError, Session};
use tokio::{
    io::{AsyncWriteExt, BufReader, Stdout, stdin, stdout},
    signal::ctrl_c,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    lines::{Line, Lines},
    tally::Tally,
};

/// Sends stdin's lines and prints the replies until both have ended, then closes the session.
pub(crate) async fn converse(session: Session, patience: Duration) -> anyhow::Result<ExitCode> {
    let mut conversation = Conversation {
        session,
        out: stdout(),
        patience,
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
        End::OfInput => conversation.verdict(),
        End::Silence(what) if answered => bail!(
            "{what}, but the server is there, as its close_notify shows: is it an echo server?"
        ),
        End::Silence(what) => bail!("{what}: the server may be gone"),
    }
}

struct Conversation {
    session: Session,
    out: Stdout,
    patience: Duration,
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
            let max = self.session.max_datagram_size();
            tokio::select! {
                received = self.session.recv(&mut buf) => {
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
            Line::Whole(line) => match self.session.send(&line).await {
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
        tell_error(format_args!(
            "line {} has {size} bytes with its newline, and one datagram carries up to {max} \
             (see --mtu)",
            self.number
        ));
    }

    async fn print(&mut self, reply: &[u8]) -> anyhow::Result<()> {
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
        self.session.close();
        let answered = timeout(FAREWELL, self.session.closed()).await.is_ok();
        if !answered {
            tracing::info!("the server did not answer close_notify");
        }
        answered
    }

    fn verdict(&self) -> anyhow::Result<ExitCode> {
        let missing = self.tally.missing();
        if missing > 0 {
            bail!("{missing} of {} replies did not come", self.tally.sent);
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
