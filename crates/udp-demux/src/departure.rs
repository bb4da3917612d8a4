use std::{
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Waker},
    time::Instant,
};

use crate::{
    config::{Config, MAX_DATAGRAM},
    error::SendError,
    gauge::{Fill, Meter, cost},
    outbox::Outbox,
    shared::Shared,
    socket::Socket,
    waiting::{Bounds, Waiting, Way},
};

/// The way out of an endpoint.
///
/// While the driver lets those run whom it has just woken, what they queue is gathered, and leaves
/// with few system calls when the driver comes back. Where it has received one datagram alone, the first that is queued
/// leaves at once. At any other time each does.
///
/// The system has one send buffer for all peers. What a peer is given of it unseen is bounded;
/// beyond that its datagrams wait here, and the driver lets them go ([`crate::pump`]).
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) state: Mutex<State>,
    /// What those get who have no channel.
    strangers: Meter,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) outbox: Outbox,
    pub(crate) turn: Turn,
    /// What goes before all else once the send buffer has room.
    pub(crate) urgent: Waiting,
    pub(crate) data: Waiting,
    /// Whether the system took nothing when it was last tried.
    pub(crate) blocked: bool,
    /// Ends whenever the send buffer is seen to be low.
    pub(crate) epoch: u32,
    /// What one peer may be given in this epoch, in bytes as the system counts them.
    pub(crate) allowance: usize,
    /// What all peers were given since the send buffer was looked at.
    pub(crate) unseen: usize,
    pub(crate) question: Option<Question>,
    /// Whether nobody sends any more what waits.
    pub(crate) closed: bool,
    /// Queued datagrams that were refused as too long, for [`Shared::leave`].
    pub(crate) refused: Vec<(SocketAddr, usize)>,
}

/// How what is queued leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// At once.
    Over,
    /// The first at once, because nothing else may come.
    First,
    /// The next one calls the driver, and all that come until then leave together.
    Second,
    /// Together, when the driver comes.
    Gathering,
}

/// Whether what a way was given last leaves soon, or stays.
#[derive(Debug)]
pub(crate) struct Question {
    pub(crate) way: Way,
    /// What was in the send buffer before.
    pub(crate) used: usize,
    pub(crate) asked: Instant,
}

/// Who sends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin<'a> {
    pub(crate) way: Way,
    /// None for who has no channel.
    pub(crate) meter: Option<&'a Meter>,
}

/// What is done with a datagram that has to wait.
pub(crate) enum Patience<'a, 'b> {
    /// It is given back.
    None,
    /// It waits where there is room for it.
    Queue,
    /// And where there is not, who sends does.
    Wait(&'a Context<'b>),
}

impl Departure {
    pub(crate) fn new(socket: &Socket, config: &Config) -> Self {
        let state = State {
            outbox: Outbox::new(socket.max_segments()),
            turn: Turn::Over,
            urgent: Waiting::new(Bounds {
                each: config.send_queue_bytes,
                all: MAX_URGENT.max(config.send_queue_bytes),
            }),
            data: Waiting::new(Bounds {
                each: config.send_queue_bytes,
                all: MAX_DATA.max(config.send_queue_bytes),
            }),
            blocked: false,
            epoch: 0,
            allowance: socket.fill().map_or(usize::MAX, |fill| fill.allowance()),
            unseen: 0,
            question: None,
            closed: false,
            refused: Vec::new(),
        };
        Self {
            state: Mutex::new(state),
            strangers: Meter::default(),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether something waits for the socket.
    pub(crate) fn is_waiting(&self) -> bool {
        self.blocked || !(self.outbox.is_empty() && self.urgent.is_empty() && self.data.is_empty())
    }

    /// Takes note of how full the send buffer is.
    pub(crate) fn see(&mut self, fill: Fill) {
        self.allowance = fill.allowance();
        if self.outbox.is_empty() {
            self.unseen = 0;
        }
        if fill.is_low() {
            self.epoch = self.epoch.wrapping_add(1);
            self.question = None;
            self.urgent.release();
            self.data.release();
        }
    }
}

impl Shared {
    /// Sends one datagram soon: what the system says of it is only counted.
    pub(crate) fn queue(
        &self,
        origin: Origin<'_>,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        let mut state = self.departure.lock();
        // What is too long for UDP is the system's to refuse.
        if datagram.len() > MAX_DATAGRAM {
            return self.depart(state, origin, datagram, Patience::None);
        }
        if !self.admits(&mut state, origin, datagram) {
            return self.wait(state, origin, datagram, patience);
        }
        let mut calls = false;
        if state.outbox.is_empty() {
            match state.turn {
                Turn::Over => return self.depart(state, origin, datagram, patience),
                Turn::First => {
                    state.turn = Turn::Second;
                    return self.depart(state, origin, datagram, patience);
                }
                Turn::Second => {
                    state.turn = Turn::Gathering;
                    calls = true;
                }
                Turn::Gathering => {}
            }
        }
        let Way { peer, from } = origin.way;
        if state.outbox.push(peer, from, datagram) {
            drop(state);
            if calls {
                self.bell.stir();
            }
            return Ok(());
        }
        self.send_gathered(&mut state);
        if state.outbox.push(peer, from, datagram) {
            self.leave(state);
            return Ok(());
        }
        self.wait(state, origin, datagram, patience)
    }

    /// Sends one datagram now, behind what was gathered.
    pub(crate) fn send_now(
        &self,
        origin: Origin<'_>,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        let mut state = self.departure.lock();
        if datagram.len() > MAX_DATAGRAM {
            return self.depart(state, origin, datagram, Patience::None);
        }
        if !self.admits(&mut state, origin, datagram) {
            return self.wait(state, origin, datagram, patience);
        }
        self.send_gathered(&mut state);
        if state.blocked {
            return self.wait(state, origin, datagram, patience);
        }
        self.depart(state, origin, datagram, patience)
    }

    /// Ends a turn with the lock: what is to be told is told without it.
    pub(crate) fn leave(&self, mut state: MutexGuard<'_, State>) {
        let woken = [state.urgent.woken(), state.data.woken()];
        let refused = std::mem::take(&mut state.refused);
        drop(state);
        woken.into_iter().flatten().for_each(Waker::wake);
        for (peer, length) in refused {
            self.refuse(peer, length);
        }
    }

    /// Whether a datagram may be given to the system now.
    fn admits(&self, state: &mut State, origin: Origin<'_>, datagram: &[u8]) -> bool {
        let meter = origin.meter.unwrap_or(&self.departure.strangers);
        let given = meter.charge(state.epoch, datagram.len());
        state.unseen = state.unseen.saturating_add(cost(datagram.len()));
        let crowd = state.unseen > state.allowance.saturating_mul(CROWD);
        if crowd {
            self.send_gathered(state);
        }
        if state.blocked {
            return false;
        }
        if (given > state.allowance || crowd)
            && let Some(fill) = self.socket.fill()
        {
            state.see(fill);
            match origin.meter {
                // A new epoch: what was given before has left.
                _ if fill.is_low() => {
                    meter.charge(state.epoch, datagram.len());
                }
                None if fill.is_high() => return false,
                Some(_) if given > state.allowance => return false,
                _ => {}
            }
        }
        let overtakes = state.urgent.contains(&origin.way)
            || state.data.contains(&origin.way) && !self.is_urgent(datagram);
        !overtakes
    }

    fn is_urgent(&self, datagram: &[u8]) -> bool {
        (self.config.urgent)(datagram)
    }

    /// Gives the datagram to the system; nothing goes before it.
    fn depart(
        &self,
        state: MutexGuard<'_, State>,
        origin: Origin<'_>,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        self.leave(state);
        let Way { peer, from } = origin.way;
        let sent = self.socket.try_send(peer, from, datagram);
        let sent = self.sent(sent, datagram.len());
        if !matches!(sent, Err(SendError::WouldBlock)) {
            return sent;
        }
        let mut state = self.departure.lock();
        state.blocked = true;
        self.wait(state, origin, datagram, patience)
    }

    /// Lets the datagram wait, or whoever sends it.
    fn wait(
        &self,
        mut state: MutexGuard<'_, State>,
        origin: Origin<'_>,
        datagram: &[u8],
        patience: Patience<'_, '_>,
    ) -> Result<(), SendError> {
        if state.closed {
            return Err(SendError::SocketClosed);
        }
        let stranger = origin.meter.is_none();
        let State { urgent, data, .. } = &mut *state;
        let waiting = if stranger || self.is_urgent(datagram) {
            urgent
        } else {
            data
        };
        let pushed = match patience {
            Patience::None => Err(SendError::WouldBlock),
            // An answer to a stranger pushes nobody else out.
            _ if stranger && waiting.is_full(datagram.len()) => Err(SendError::WouldBlock),
            Patience::Queue | Patience::Wait(_) => waiting
                .push(origin.way, datagram)
                .map_err(|_| SendError::WouldBlock),
        };
        if let (Err(_), Patience::Wait(cx)) = (&pushed, &patience) {
            waiting.enlist(&origin.way, cx.waker());
        }
        self.leave(state);
        self.bell.stir();
        if stranger && pushed.is_err() {
            self.counters.dropped_unsent.add(1);
        }
        let dropped = pushed?;
        self.counters.send_delayed.add(1);
        self.counters.dropped_unsent.add(dropped);
        Ok(())
    }
}

/// How many peers' allowances are given together before somebody looks.
const CROWD: usize = 4;

/// What waits at most for all peers together, in bytes: of handshakes and replies, and of data.
const MAX_URGENT: usize = 256 << 10;
const MAX_DATA: usize = 1 << 20;
