//! Requests and their replies, in many sessions at once.

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::join_all;
use tokio::time::{Instant, sleep_until};

use crate::{
    clients::{Client, Clients},
    plan::{Pace, Plan},
    tally::{Tally, record},
    window::Reply,
};

/// Establishes all sessions, then lets them ask until the time is over.
pub(crate) async fn run(clients: Clients) {
    let sessions = clients.all().await;
    let count = sessions.len();
    let start = Instant::now();
    tracing::info!(sessions = count, "established");
    let conversations = sessions.into_iter().enumerate().map(|(place, client)| {
        let mut conversation = Conversation {
            plan: Arc::clone(&clients.plan),
            tally: Arc::clone(&clients.tally),
            client,
            due: start,
            interval: Duration::ZERO,
        };
        if let Pace::Rate(rate) = clients.plan.pace {
            let turn = Duration::from_secs(1) / rate;
            conversation.interval = turn.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
            conversation.due += turn * u32::try_from(place).unwrap_or(u32::MAX);
        }
        tokio::spawn(conversation.hold(start))
    });
    join_all(conversations).await;
}

struct Conversation {
    plan: Arc<Plan>,
    tally: Arc<Tally>,
    client: Client,
    /// When the next request is to be sent, if a rate is kept.
    due: Instant,
    interval: Duration,
}

impl Conversation {
    async fn hold(mut self, start: Instant) {
        if let Err(error) = self.ask(start).await {
            let unanswered = self.client.window.len() as u64;
            self.tally.break_off(&error, unanswered);
        }
        self.client.session.close();
    }

    async fn ask(&mut self, start: Instant) -> anyhow::Result<()> {
        let until = start + self.plan.duration;
        let mut buf = vec![0; 16_384];
        let mut timer = pin!(sleep_until(start));
        loop {
            let now = Instant::now();
            self.give_up(now);
            if now < until {
                self.send(now).await?;
                self.tally.lock().worked = now - start;
            } else if self.client.window.len() == 0 {
                return Ok(());
            }
            timer.as_mut().reset(self.next_look(now));
            tokio::select! {
                biased;
                received = self.client.session.recv(&mut buf) => {
                    let length = received?;
                    self.count(&buf[..length]);
                    self.drain(&mut buf).await?;
                }
                () = &mut timer => {}
            }
        }
    }

    /// Sends what the pace allows by now.
    async fn send(&mut self, now: Instant) -> anyhow::Result<()> {
        let mut sent = 0;
        while let Some(since) = self.next(now, sent) {
            let number = self.client.window.open(since);
            let request = self.client.request.numbered(number);
            self.client.session.send(request).await?;
            sent += 1;
        }
        if sent > 0 {
            self.client.socket.flush().await?;
            self.tally.lock().sent += sent;
        }
        Ok(())
    }

    /// From when the next request counts, if it may be sent: where a rate is kept, from when it
    /// was due, so that a server that stalls does not hide how long the stall was.
    fn next(&mut self, now: Instant, sent: u64) -> Option<Instant> {
        match self.plan.pace {
            Pace::Window(size) => (self.client.window.len() < size).then_some(now),
            Pace::Rate(_) if self.due <= now && sent < MAX_BURST => {
                let due = self.due;
                self.due += self.interval;
                Some(due)
            }
            Pace::Rate(_) => None,
        }
    }

    fn next_look(&self, now: Instant) -> Instant {
        let patience = now + self.plan.reply_timeout / 4;
        match self.plan.pace {
            Pace::Window(_) => patience,
            Pace::Rate(_) => patience.min(self.due),
        }
    }

    /// Takes what has come with the datagram just received.
    async fn drain(&mut self, buf: &mut [u8]) -> anyhow::Result<()> {
        for _ in 0..MAX_BURST {
            let received = {
                let mut recv = pin!(self.client.session.recv(buf));
                poll_fn(|cx| Poll::Ready(recv.as_mut().poll(cx))).await
            };
            let Poll::Ready(received) = received else {
                break;
            };
            let length = received?;
            self.count(&buf[..length]);
        }
        Ok(())
    }

    fn count(&mut self, reply: &[u8]) {
        let answered = self.client.request.answered_by(reply);
        let outcome = answered.map(|number| self.client.window.close(number));
        let mut counts = self.tally.lock();
        match outcome {
            Some(Reply::To(sent)) => {
                counts.answered += 1;
                record(&mut counts.round_trips, sent.elapsed());
            }
            Some(Reply::Late) => counts.late += 1,
            Some(Reply::Unasked) | None => counts.wrong += 1,
        }
    }

    fn give_up(&mut self, now: Instant) {
        let lost = self.client.window.give_up(now, self.plan.reply_timeout);
        if lost > 0 {
            self.tally.lock().lost += lost;
        }
    }
}

/// How many datagrams one session moves in a row before others get their turn.
const MAX_BURST: u64 = 64;
