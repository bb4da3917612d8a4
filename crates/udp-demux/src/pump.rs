//! How what waits for the send buffer leaves it.
//!
//! The system tells how full the send buffer is, but not of whose datagrams. So ways are asked, one
//! after the other: each is given a little, and if that stays in the buffer, the way is slow and waits
//! until as much has left. What leaves at once holds up nobody, so those who are quick go on as if
//! nobody were slow.

use std::{
    future::pending,
    io,
    pin::pin,
    thread,
    time::{Duration, Instant},
};

use futures::future::{Either, select};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{
    departure::{Question, State, Turn},
    gauge::{Fill, cost},
    path,
    readiness::Room,
    shared::Shared,
};

impl Shared {
    /// Lets queued datagrams wait for the next [`flush`](Self::flush).
    pub(crate) fn gather(&self) {
        self.departure.lock().turn = Turn::Gathering;
    }

    /// Lets the next queued datagram leave at once; others after it are gathered.
    pub(crate) fn send_first(&self) {
        let mut state = self.departure.lock();
        if state.turn != Turn::Gathering {
            state.turn = Turn::First;
        }
    }

    /// Sends what was gathered and what has waited, and returns whether anything was gathered.
    pub(crate) fn flush(&self) -> bool {
        let mut state = self.departure.lock();
        state.turn = Turn::Over;
        let busy = !state.outbox.is_empty();
        if state.is_waiting() {
            state.blocked = false;
            self.send_gathered(&mut state);
            self.pump(&mut state);
        }
        self.leave(state);
        busy
    }

    /// Whether something waits for the socket.
    pub(crate) fn is_blocked(&self) -> bool {
        self.departure.lock().is_waiting()
    }

    /// Waits until a flush can do something, or it is worth a try.
    pub(crate) async fn room(&self, lookout: &mut Lookout) -> io::Result<()> {
        let (look_again, blocked) = {
            let state = self.departure.lock();
            (state.asks(self.socket.fill()), state.blocked)
        };
        let Lookout { alarm, room } = lookout;
        if blocked {
            // The system has just taken nothing, whatever was heard before that.
            *room = None;
        }
        let timer = async {
            if look_again {
                alarm.rings().await;
            } else {
                pending::<()>().await;
            }
        };
        match select(pin!(self.drained(room)), pin!(timer)).await {
            Either::Left((drained, _)) => drained,
            Either::Right(_) => Ok(()),
        }
    }

    /// Gives up what waits: nobody will send it.
    pub(crate) fn give_up(&self) {
        let mut state = self.departure.lock();
        state.closed = true;
        let dropped = state.urgent.clear() + state.data.clear();
        self.leave(state);
        self.counters.dropped_unsent.add(dropped);
    }

    /// Waits until so much has left that somebody may go on: the system tells of each datagram that
    /// leaves, as long as the send buffer is less than half full.
    async fn drained(&self, room: &mut Option<Room>) -> io::Result<()> {
        let room = match room {
            Some(room) => room,
            None => match self.socket.room() {
                Ok(watched) => room.insert(watched),
                Err(error) => {
                    tracing::debug!(%error, "the socket cannot be watched for room");
                    pause(RETRY).await;
                    return Ok(());
                }
            },
        };
        let mut before = None;
        loop {
            room.writable().await?;
            let mut now = None;
            let may_go_on = || {
                now = self.socket.fill();
                self.departure.lock().may_go_on(now)
            };
            if room.is_there_and(may_go_on) {
                return Ok(());
            }
            // A wake-up without a change: a socket that is always ready must not keep us busy.
            if now == before {
                pause(RETRY).await;
            }
            before = now;
        }
    }

    fn pump(&self, state: &mut State) {
        // Whether there is room matters only to who waits for it, and asking costs a system call.
        if state.urgent.is_empty() && state.data.is_empty() {
            return;
        }
        for _ in 0..MAX_TURNS {
            if state.blocked {
                return;
            }
            let fill = self.socket.fill();
            if let Some(fill) = fill {
                state.see(fill);
                if !state.settle(fill) {
                    return;
                }
            }
            let fill = fill.unwrap_or(Fill::UNKNOWN);
            if !self.serve(state, fill, true) && !self.serve(state, fill, false) {
                return;
            }
        }
    }

    /// Lets what is urgent, or the data, of one way go, if any may.
    fn serve(&self, state: &mut State, fill: Fill, urgent: bool) -> bool {
        let waiting = if urgent {
            &mut state.urgent
        } else {
            &mut state.data
        };
        if waiting.is_empty() || !urgent && fill.is_high() {
            return false;
        }
        let Some(way) = waiting.turn(fill.used) else {
            return false;
        };
        let quantum = fill.allowance().min(QUANTUM);
        let bytes = waiting.take(&way, quantum, &mut state.outbox);
        self.send_gathered(state);
        if let Some(after) = self.socket.fill()
            && !after.is_low()
            && after.used > fill.used + cost(bytes) / 2
        {
            state.question = Some(Question {
                way,
                used: fill.used,
                asked: now(),
            });
        }
        true
    }

    /// Sends what was gathered, as far as the system takes it.
    pub(crate) fn send_gathered(&self, state: &mut State) {
        while !state.outbox.is_empty() {
            let (runs, bytes) = state.outbox.next_burst();
            match self.socket.try_send_runs(runs, bytes) {
                Ok(count) => {
                    for run in &runs[..count] {
                        self.counters.sent.add(run.datagrams);
                        self.counters.sent_bytes.add(run.len);
                    }
                    state.outbox.advance(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.counters.send_would_block.add(1);
                    state.blocked = true;
                    return;
                }
                Err(error) => {
                    tracing::trace!(%error, "a burst was not sent");
                    self.send_apart(state);
                }
            }
        }
    }

    /// Sends the first run, which the system has just refused, in pieces that it may take: whether
    /// it can segment depends on the route and the interface.
    fn send_apart(&self, state: &mut State) {
        let (runs, bytes) = state.outbox.next_burst();
        let run = runs[0];
        let mut refused = false;
        for datagram in bytes[..run.len].chunks(run.segment) {
            let sent = self.socket.try_send(run.peer, run.from, datagram);
            if sent.as_ref().is_err_and(path::is_too_long) {
                state.refused.push((run.peer, datagram.len()));
            }
            refused |= self.sent(sent, datagram.len()).is_err();
        }
        state.outbox.advance(1);
        if run.datagrams > 1 && !refused {
            state.outbox.stop_segmenting();
        }
    }
}

/// How the driver learns that there may be room; kept while something waits for it.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    alarm: Alarm,
    room: Option<Room>,
}

impl Lookout {
    /// Hears no more of room, of which the system tells after each datagram.
    pub(crate) fn look_away(&mut self) {
        self.room = None;
    }
}

/// Rings after [`PATIENCE`]. Who gives up waiting waits for the same one the next time: a pause cannot
/// be called off, and takes a thread.
#[derive(Debug, Default)]
struct Alarm(Option<JoinHandle<()>>);

impl Alarm {
    async fn rings(&mut self) {
        let sleeping = self
            .0
            .get_or_insert_with(|| spawn_blocking(|| thread::sleep(PATIENCE)));
        // Fails only if the runtime is shutting down, which ends the driver as well.
        let _ = sleeping.await;
        self.0 = None;
    }
}

impl State {
    /// Answers the question if it can be answered, and returns whether nothing is asked any more.
    fn settle(&mut self, fill: Fill) -> bool {
        let Some(question) = &self.question else {
            return true;
        };
        let left = fill.used <= question.used;
        if !left && question.asked.elapsed() < PATIENCE {
            return false;
        }
        if !left {
            self.urgent.hold(question.way, question.used);
            self.data.hold(question.way, question.used);
        }
        self.question = None;
        true
    }

    /// Whether it is worth to look again soon, though nothing tells when.
    fn asks(&self, fill: Option<Fill>) -> bool {
        self.question.is_some() || fill.is_some_and(Fill::is_full)
    }

    fn may_go_on(&self, fill: Option<Fill>) -> bool {
        let Some(fill) = fill else {
            return true;
        };
        if self.blocked || !self.outbox.is_empty() || fill.is_low() {
            return true;
        }
        let settled = self.question.as_ref().is_none_or(|question| {
            fill.used <= question.used || question.asked.elapsed() >= PATIENCE
        });
        let data = !fill.is_high() && self.data.has_turn(fill.used);
        settled && (data || self.urgent.has_turn(fill.used))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the runtime may have no clock, and the system's send buffer knows no other"
)]
fn now() -> Instant {
    Instant::now()
}

/// Waits a little. Not by Tokio's clock, because the runtime may have none.
pub(crate) async fn pause(time: Duration) {
    // Fails only if the runtime is shutting down, which ends the driver as well.
    let _ = spawn_blocking(move || thread::sleep(time)).await;
}

/// What one way may send in its turn, in bytes.
const QUANTUM: usize = 8 << 10;

/// How many turns there are before others run.
const MAX_TURNS: usize = 32;

/// How long what is quick may stay in the send buffer: an interface at work tells within less.
const PATIENCE: Duration = Duration::from_millis(5);

const RETRY: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        net::{IpAddr, SocketAddr},
        task::Poll,
    };

    use futures::FutureExt;
    use tokio::net::UdpSocket;

    use super::*;
    use crate::{
        config::Config,
        departure::{Origin, Patience},
        error::SendError,
        gauge::Meter,
        socket::Socket,
        waiting::Way,
    };

    /// Of these a way sends one in its turn.
    const LENGTH: usize = QUANTUM / 2 + 1;

    #[tokio::test]
    async fn what_has_waited_leaves_in_turn_and_what_is_urgent_first() {
        let (shared, peer) = (shared(), peer().await);
        shared.departure.lock().blocked = true;
        let meter = Meter::default();
        for (way, letter) in [(1, b'a'), (1, b'b'), (1, b'c'), (2, b'd'), (2, b'!')] {
            let origin = origin(&peer, way, &meter);
            let sent = shared.queue(origin, &[letter; LENGTH], Patience::Queue);
            sent.unwrap();
        }
        assert_eq!(shared.counters.snapshot().send_delayed, 5);
        shared.flush();
        let mut order = Vec::new();
        let mut buf = [0; 2 * LENGTH];
        for _ in 0..5 {
            assert_eq!(peer.recv(&mut buf).await.unwrap(), LENGTH);
            order.push(buf[0]);
        }
        assert_eq!(order, b"!adbc");
        assert!(!shared.is_blocked());
    }

    #[tokio::test]
    async fn after_one_datagram_the_first_leaves_at_once_and_the_others_together() {
        let (shared, peer) = (shared(), peer().await);
        let meter = Meter::default();
        let send = |letter| {
            let sent = shared.queue(origin(&peer, 1, &meter), &[letter], Patience::Queue);
            sent.unwrap();
        };
        shared.send_first();
        let rung = || {
            poll_fn(|cx| shared.bell.poll_rung(cx))
                .now_or_never()
                .is_some()
        };
        send(b'a');
        assert_eq!(shared.counters.snapshot().sent, 1);
        assert!(!rung(), "nothing is left to do");
        send(b'b');
        send(b'c');
        assert_eq!(shared.counters.snapshot().sent, 1);
        assert!(rung() && !rung());
        // What comes now does not go before those.
        shared.send_first();
        send(b'd');
        shared.flush();
        send(b'e');
        assert_eq!(shared.counters.snapshot().sent, 5);
        let mut buf = [0; 9];
        for letter in *b"abcde" {
            assert_eq!(peer.recv(&mut buf).await.unwrap(), 1);
            assert_eq!(buf[0], letter);
        }
    }

    /// It costs a system call, and an echo has three.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_flush_does_not_ask_how_full_the_buffer_is_for_nobody() {
        let (shared, peer) = (shared(), peer().await);
        let meter = Meter::default();
        shared.gather();
        let sent = shared.queue(origin(&peer, 1, &meter), b"a", Patience::Queue);
        sent.unwrap();
        let epoch = shared.departure.lock().epoch;
        shared.flush();
        // A look at an empty buffer would begin another.
        assert_eq!(shared.departure.lock().epoch, epoch);
    }

    #[tokio::test]
    async fn who_waits_for_room_is_told_of_the_end() {
        let (shared, peer) = (shared(), peer().await);
        shared.departure.lock().blocked = true;
        let meter = Meter::default();
        let mut polls = 0;
        let ended = poll_fn(|cx| {
            loop {
                polls += 1;
                let origin = origin(&peer, 1, &meter);
                match shared.queue(origin, &[b'a'; LENGTH], Patience::Wait(cx)) {
                    Ok(()) => continue,
                    // It comes back only if it is woken.
                    Err(SendError::WouldBlock) => shared.give_up(),
                    Err(error) => return Poll::Ready(error),
                }
                return Poll::Pending;
            }
        });
        assert!(matches!(ended.await, SendError::SocketClosed));
        assert_eq!(shared.counters.snapshot().dropped_unsent, polls - 2);
    }

    #[tokio::test]
    async fn a_way_whose_data_stays_is_held_and_one_whose_data_leaves_is_not() {
        let (shared, peer) = (shared(), peer().await);
        let way = origin(&peer, 1, &Meter::default()).way;
        let fill = |used| Fill { used, size: 1000 };
        let ask = |asked| {
            Some(Question {
                way,
                used: 200,
                asked,
            })
        };
        let mut state = shared.departure.lock();
        state.question = ask(now());
        assert!(!state.settle(fill(201)), "it has time to leave");
        assert!(state.settle(fill(200)));
        assert!(!state.data.contains(&way));
        state.question = ask(now().checked_sub(PATIENCE).unwrap());
        assert!(state.settle(fill(201)));
        assert!(state.data.contains(&way));
        state.data.push(way, b"more").unwrap();
        assert!(!state.may_go_on(Some(fill(201))) && state.may_go_on(Some(fill(200))));
        state.see(fill(10));
        assert!(state.data.has_turn(1000), "the buffer was low");
    }

    #[tokio::test]
    async fn what_is_too_long_for_udp_does_not_wait() {
        let (shared, peer) = (shared(), peer().await);
        let meter = Meter::default();
        for send in [Shared::queue, Shared::send_now] {
            for (turn, blocked) in [
                (Turn::Over, true),
                (Turn::Gathering, false),
                (Turn::Gathering, true),
            ] {
                let mut state = shared.departure.lock();
                (state.turn, state.blocked) = (turn, blocked);
                drop(state);
                let datagram = vec![b'a'; 1 << 20];
                let origin = origin(&peer, 1, &meter);
                let sent = send(&shared, origin, &datagram, Patience::Queue);
                assert!(matches!(sent, Err(SendError::Io(_))), "{sent:?}");
            }
        }
        // Nor does it take the room of what may wait.
        shared.departure.lock().blocked = true;
        let sent = shared.queue(origin(&peer, 1, &meter), b"a", Patience::Queue);
        sent.unwrap();
        assert_eq!(shared.counters.snapshot().dropped_unsent, 0);
    }

    /// As a driver does that has much to receive.
    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_waits_for_room_again_and_again_takes_one_thread() {
        let (shared, peer) = (shared(), peer().await);
        let way = origin(&peer, 1, &Meter::default()).way;
        shared.departure.lock().question = Some(Question {
            way,
            used: 0,
            asked: now(),
        });
        let threads = || std::fs::read_dir("/proc/self/task").unwrap().count();
        let before = threads();
        let mut lookout = Lookout::default();
        for _ in 0..200 {
            let _ = shared.room(&mut lookout).now_or_never();
        }
        let more = threads().saturating_sub(before);
        assert!(more < 100, "{more} threads");
    }

    fn shared() -> Shared {
        let config = Config::default().urgent(|datagram| datagram[0] == b'!');
        let socket = Socket::bind(([127, 0, 0, 1], 0).into(), &config).unwrap();
        Shared::new(socket, config)
    }

    async fn peer() -> UdpSocket {
        UdpSocket::bind("127.0.0.1:0").await.unwrap()
    }

    /// Several ways to one peer, who so sees in which order they are served.
    fn origin<'a>(peer: &UdpSocket, way: u8, meter: &'a Meter) -> Origin<'a> {
        let peer: SocketAddr = peer.local_addr().unwrap();
        let from = Some(IpAddr::from([127, 0, 0, way]));
        Origin {
            way: Way { peer, from },
            meter: Some(meter),
        }
    }
}
