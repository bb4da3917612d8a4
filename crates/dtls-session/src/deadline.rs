//! When a handshake has taken too long.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// A deadline that decides only after what had come by then was looked at.
///
/// A process that was stopped, or a thread that was kept busy, finds its deadline past and the
/// answer in its socket. So the first expiry moves the deadline on, once, by as much as it was
/// noticed late and a moment more, in which the socket is read.
#[derive(Debug)]
pub(crate) struct Deadline {
    time: Duration,
    sleep: Pin<Box<Sleep>>,
    moved: bool,
}

impl Deadline {
    pub(crate) fn new(time: Duration) -> Self {
        Self {
            time,
            sleep: Box::pin(sleep(time)),
            moved: false,
        }
    }

    /// How long it left.
    pub(crate) fn time(&self) -> Duration {
        self.time
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.sleep.as_mut().poll(cx));
        if self.moved {
            return Poll::Ready(());
        }
        self.moved = true;
        let late = self.sleep.deadline().elapsed().min(self.time);
        self.sleep.as_mut().reset(Instant::now() + late + MOMENT);
        self.sleep.as_mut().poll(cx)
    }
}

/// Enough for the task that reads the socket to run.
const MOMENT: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_that_is_noticed_in_time_moves_by_a_moment() {
        let began = Instant::now();
        let mut deadline = Deadline::new(Duration::from_secs(10));
        poll_fn(|cx| deadline.poll(cx)).await;
        assert!(began.elapsed() < Duration::from_secs(10) + 2 * MOMENT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_is_given_back_once_and_not_beyond_the_time_itself() {
        for (pause, given) in [(13, 3), (1000, 10)] {
            let mut deadline = Deadline::new(Duration::from_secs(10));
            tokio::time::advance(Duration::from_secs(pause)).await;
            let resumed = Instant::now();
            poll_fn(|cx| deadline.poll(cx)).await;
            let more = resumed.elapsed();
            let given = Duration::from_secs(given);
            assert!(more >= given && more < given + 2 * MOMENT, "{more:?}");
        }
    }
}
