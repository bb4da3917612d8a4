use std::{
    io,
    net::{IpAddr, SocketAddr},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::{
    backlog::{Backlog, Waiting},
    bell::Bell,
    config::Config,
    departure::Departure,
    error::SendError,
    identifier::Identifier,
    inbox::{End, Inbox},
    responder::Responder,
    route::Route,
    socket::Socket,
    stats::Counters,
    table::{Denied, Full, Table},
};

/// What the endpoint, its channels and the driver have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) socket: Socket,
    pub(crate) config: Config,
    pub(crate) counters: Counters,
    pub(crate) departure: Departure,
    /// Rung for what has to wait, and when the last [`Handle`] has gone.
    pub(crate) bell: Bell,
    /// Told when something came into the backlog, or nothing will any more.
    pub(crate) arrived: Notify,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) table: Table,
    pub(crate) backlog: Backlog,
    pub(crate) accepting: bool,
    pub(crate) responder: Option<Responder>,
    dead: Option<Arc<io::Error>>,
}

/// Keeps the driver going; the endpoint and each channel hold the same one.
#[derive(Debug)]
pub(crate) struct Handle(Arc<Shared>);

/// Why no inbox came into the table.
#[derive(Debug)]
pub(crate) enum Refused {
    Known,
    Full,
    Dead,
}

/// How an inbox treats the one that its peer has already.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Entrance {
    Fresh,
    Replace,
    Stand,
}

impl Shared {
    pub(crate) fn new(socket: Socket, config: Config) -> Self {
        let state = State {
            table: Table::new(config.max_channels, config.max_identifiers),
            backlog: Backlog::new(&config),
            accepting: true,
            responder: None,
            dead: None,
        };
        Self {
            departure: Departure::new(&socket, &config),
            socket,
            config,
            counters: Counters::default(),
            bell: Bell::default(),
            arrived: Notify::new(),
            state: Mutex::new(state),
        }
    }

    /// Lets `responder` answer those who have no channel.
    pub(crate) fn respond_by(&self, responder: Responder) {
        let mut state = self.lock();
        let former = state.accepting.then(|| state.responder.replace(responder));
        // What it holds may come back here.
        drop(state);
        drop(former);
    }

    /// Tells a peer's channels that the system has refused a queued datagram as too long.
    pub(crate) fn refuse(&self, peer: SocketAddr, length: usize) {
        let inboxes = {
            let state = self.lock();
            let peer = state.table.get(peer);
            peer.map(|peer| [Some(Arc::clone(&peer.current)), peer.candidate.clone()])
        };
        for inbox in inboxes.into_iter().flatten().flatten() {
            inbox.refuse(length);
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Waiting> {
        loop {
            let arrived = self.arrived.notified();
            let (waiting, dead, more) = {
                let mut state = self.lock();
                let waiting = state.backlog.pop();
                let more = !state.backlog.is_empty() || state.dead.is_some();
                (waiting, state.dead.clone(), more)
            };
            // One notice may stand for many datagrams, and for the end: pass it on to who else waits.
            if more {
                self.arrived.notify_one();
            }
            if let Some(waiting) = waiting {
                return Ok(waiting);
            }
            if let Some(error) = dead {
                return Err(io::Error::new(error.kind(), error));
            }
            arrived.await;
        }
    }

    /// Brings a new inbox into the table, with `first` and then what has come from its peer meanwhile.
    pub(crate) fn admit(
        &self,
        peer: SocketAddr,
        entrance: Entrance,
        first: Option<&[u8]>,
    ) -> Result<Arc<Inbox>, Refused> {
        let inbox = Arc::new(Inbox::new(peer, &self.config));
        let displaced = {
            let mut state = self.lock();
            let State {
                table,
                backlog,
                dead,
                ..
            } = &mut *state;
            if dead.is_some() {
                return Err(Refused::Dead);
            }
            if matches!(entrance, Entrance::Fresh) && table.get(peer).is_some() {
                return Err(Refused::Known);
            }
            let newcomer = Arc::clone(&inbox);
            let displaced = match entrance {
                Entrance::Fresh | Entrance::Replace => table.replace(newcomer),
                Entrance::Stand => table.stand(newcomer),
            };
            let displaced = displaced.map_err(|Full| Refused::Full)?;
            // What waits already is treated as if it came after the channel: otherwise a naive accept loop
            // would take a peer's second datagram for a second peer, and replace the channel just made.
            let waiting = backlog.extract(peer, |datagram| {
                self.config.route.route(datagram) == Route::Peer
            });
            let mut delivery = inbox.delivery();
            first
                .into_iter()
                .chain(waiting.iter().map(Bytes::as_ref))
                .for_each(|datagram| delivery.push(datagram, peer));
            self.counters.dropped_queue_full.add(delivery.finish().1);
            displaced
        };
        displaced.iter().for_each(|inbox| inbox.end(End::Replaced));
        Ok(inbox)
    }

    pub(crate) fn promote(&self, inbox: &Arc<Inbox>) {
        let displaced = self.lock().table.promote(inbox);
        if let Some(displaced) = displaced {
            displaced.end(End::Replaced);
        }
    }

    pub(crate) fn remove(&self, inbox: &Arc<Inbox>) {
        self.lock().table.remove(inbox);
    }

    pub(crate) fn identify(
        &self,
        inbox: &Arc<Inbox>,
        identifier: Identifier,
    ) -> Result<(), Denied> {
        self.living()?.table.identify(inbox, identifier)
    }

    pub(crate) fn forget(&self, inbox: &Arc<Inbox>, identifier: &Identifier) -> bool {
        self.lock().table.forget(inbox, identifier)
    }

    pub(crate) fn relocate(&self, inbox: &Arc<Inbox>, to: SocketAddr) -> Result<(), Denied> {
        self.living()?.table.relocate(inbox, to)
    }

    pub(crate) fn is_known(&self, peer: SocketAddr) -> bool {
        self.lock().table.get(peer).is_some()
    }

    pub(crate) fn channels(&self) -> usize {
        self.lock().table.channels()
    }

    pub(crate) fn stop_accepting(&self) {
        let mut state = self.lock();
        state.accepting = false;
        let responder = state.responder.take();
        let dropped = state.backlog.clear();
        drop(state);
        drop(responder);
        self.counters.dropped_no_acceptor.add(dropped);
    }

    /// Ends everybody: nothing will be received any more.
    pub(crate) fn die(&self, error: io::Error) {
        let inboxes = {
            let mut state = self.lock();
            state.dead = Some(Arc::new(error));
            state.table.drain()
        };
        inboxes
            .iter()
            .for_each(|inbox| inbox.end(End::SocketClosed));
        self.arrived.notify_waiters();
        self.arrived.notify_one();
    }

    /// Counts the outcome of an attempt to send.
    pub(crate) fn sent(&self, result: io::Result<()>, len: usize) -> Result<(), SendError> {
        match result {
            Ok(()) => {
                self.counters.sent.add(1);
                self.counters.sent_bytes.add(len);
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.counters.send_would_block.add(1);
                Err(SendError::WouldBlock)
            }
            Err(error) => {
                self.counters.send_errors.add(1);
                Err(SendError::Io(error))
            }
        }
    }

    fn living(&self) -> Result<MutexGuard<'_, State>, Denied> {
        let state = self.lock();
        match state.dead {
            None => Ok(state),
            Some(_) => Err(Denied::Dead),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handle {
    pub(crate) fn new(shared: Arc<Shared>) -> Arc<Self> {
        Arc::new(Self(shared))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    pub(crate) fn local_addr(&self, ip: Option<IpAddr>) -> SocketAddr {
        let bound = self.socket.local_addr();
        ip.map_or(bound, |ip| SocketAddr::new(ip, bound.port()))
    }
}

impl Deref for Handle {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.bell.abandon();
    }
}
