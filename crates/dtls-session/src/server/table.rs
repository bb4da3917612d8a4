//! Who has a handshake or a session, and what makes room.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Weak},
    task::Waker,
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    cookie::opening::Opening, guard::Close, server::notice::Notice, settings::limits::Limits,
};

/// Why a verified hello starts no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The hello is one that has started a handshake already, or may be somebody else's.
    Repeated,
    HalfOpen,
    HalfOpenPerAddress,
    Sessions,
    PerAddress,
    /// Nobody is let in any more.
    Closed,
}

#[derive(Default)]
pub(super) struct Table {
    peers: HashMap<SocketAddr, Associations>,
    sources: HashMap<IpAddr, Source>,
    /// The running handshakes, the oldest first.
    half_open: BTreeMap<u64, HalfOpen>,
    sessions: HashMap<u64, Weak<dyn Close>>,
    /// Peers whose handshakes have failed, and when each was last told of, the oldest first.
    failed: VecDeque<(SocketAddr, Instant)>,
    total: usize,
    next: u64,
    pub(super) evicted: u64,
    /// Whom to wake once the table is unlocked.
    pub(super) woken: Vec<Waker>,
    /// Whether nobody is let in any more.
    closed: bool,
    pub(super) finished: Finished,
}

/// How many handshakes became sessions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finished {
    pub(crate) all: u64,
    /// Those that resumed an earlier session.
    pub(crate) resumed: u64,
}

/// What one address has.
#[derive(Clone, Copy, Debug, Default)]
struct Source {
    half_open: usize,
    total: usize,
}

#[derive(Debug)]
struct HalfOpen {
    peer: SocketAddr,
    since: Instant,
    notice: Arc<Notice>,
}

/// What one peer has: RFC 6347 4.2.8 lets a handshake run beside a session.
#[derive(Debug, Default)]
struct Associations {
    half_open: Option<Association>,
    established: Option<Association>,
}

impl Associations {
    fn have(&self, opening: &Opening) -> bool {
        let all = [&self.half_open, &self.established];
        all.into_iter().flatten().any(|a| a.opening.covers(opening))
    }
}

#[derive(Debug)]
struct Association {
    id: u64,
    opening: Opening,
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("half_open", &self.half_open.len())
            .field("total", &self.total)
            .finish_non_exhaustive()
    }
}

impl Table {
    /// Enters a handshake, whose number it returns, and what it is told by to make room.
    pub(super) fn enter(
        &mut self,
        limits: &Limits,
        peer: SocketAddr,
        opening: Opening,
        proven: bool,
    ) -> Result<(u64, Arc<Notice>), Denial> {
        if self.closed {
            return Err(Denial::Closed);
        }
        let none = Associations::default();
        let associations = self.peers.get(&peer).unwrap_or(&none);
        if associations.have(&opening) {
            return Err(Denial::Repeated);
        }
        let beside = associations.established.is_some();
        match associations.half_open.as_ref().map(|a| a.id) {
            Some(left_behind) if proven => self.evict(left_behind),
            // It may be anybody who writes that address.
            Some(_) => return Err(Denial::Repeated),
            None => self.make_room(limits, peer, beside)?,
        }
        let id = self.next;
        self.next += 1;
        self.total += 1;
        let notice = Arc::<Notice>::default();
        let half_open = HalfOpen {
            peer,
            since: Instant::now(),
            notice: Arc::clone(&notice),
        };
        self.half_open.insert(id, half_open);
        let source = self.sources.entry(network(peer.ip())).or_default();
        source.half_open += 1;
        source.total += 1;
        let association = Association { id, opening };
        self.peers.entry(peer).or_default().half_open = Some(association);
        Ok((id, notice))
    }

    /// Makes a handshake a session; false if its place was given to another.
    pub(super) fn establish(&mut self, peer: SocketAddr, id: u64) -> bool {
        if self.half_open.remove(&id).is_none() {
            return false;
        }
        self.finished.all += 1;
        if let Some(source) = self.sources.get_mut(&network(peer.ip())) {
            source.half_open -= 1;
        }
        if let Some(associations) = self.peers.get_mut(&peer) {
            associations.established = associations.half_open.take();
        }
        true
    }

    /// Takes out what `enter` has entered, and what became of it.
    pub(super) fn leave(&mut self, peer: SocketAddr, id: u64, established: bool) {
        let half_open = self.half_open.remove(&id).is_some();
        self.sessions.remove(&id);
        // Otherwise it was evicted, and nothing of it is left.
        if half_open || established {
            self.leave_source(peer, half_open);
            self.forget(peer, id);
        }
    }

    /// Remembers a client that came to nothing, and may try again at once.
    pub(super) fn remember_failure(&mut self, peer: SocketAddr) {
        if self.has_failed(peer) {
            return;
        }
        self.failed.retain(|(failed, _)| *failed != peer);
        if self.failed.len() >= MAX_FAILED {
            self.failed.pop_front();
        }
        self.failed.push_back((peer, Instant::now()));
    }

    /// Whether the same client has come to nothing a short while ago.
    pub(super) fn has_failed(&self, peer: SocketAddr) -> bool {
        let mut failed = self.failed.iter();
        failed.any(|(failed, at)| *failed == peer && at.elapsed() < ONE_CLIENT)
    }

    /// Remembers an established session; false if it is to close at once.
    #[must_use]
    pub(super) fn keep(&mut self, id: u64, session: Weak<dyn Close>) -> bool {
        self.sessions.insert(id, session);
        !self.closed
    }

    /// Gives all handshakes up, and returns the sessions.
    pub(super) fn close(&mut self) -> Vec<Weak<dyn Close>> {
        self.closed = true;
        while let Some((&id, _)) = self.half_open.first_key_value() {
            self.evict(id);
        }
        self.sessions.values().cloned().collect()
    }

    pub(super) fn has(&self, peer: SocketAddr, opening: &Opening) -> bool {
        let associations = self.peers.get(&peer);
        associations.is_some_and(|associations| associations.have(opening))
    }

    /// Tells the handshake that this hello has started that it has come again.
    pub(super) fn repeat(&mut self, peer: SocketAddr, opening: &Opening, record: u64) {
        let associations = self.peers.get(&peer);
        let half_open = associations.and_then(|associations| associations.half_open.as_ref());
        if let Some(association) =
            half_open.filter(|association| association.opening.covers(opening))
            && let Some(half_open) = self.half_open.get(&association.id)
        {
            self.woken.extend(half_open.notice.repeat_hello(record));
        }
    }

    /// How many handshakes and how many sessions there are.
    pub(super) fn counts(&self) -> (usize, usize) {
        let half_open = self.half_open.len();
        (half_open, self.total - half_open)
    }

    fn make_room(&mut self, limits: &Limits, peer: SocketAddr, beside: bool) -> Result<(), Denial> {
        let source = self.sources.get(&network(peer.ip()));
        let source = source.copied().unwrap_or_default();
        if source.half_open >= limits.half_open_per_address {
            return Err(Denial::HalfOpenPerAddress);
        }
        if !beside && source.total >= limits.per_address {
            return Err(Denial::PerAddress);
        }
        if self.half_open.len() >= limits.half_open && !self.evict_stale() {
            return Err(Denial::HalfOpen);
        }
        if !beside && self.total >= limits.sessions && !self.evict_stale() {
            return Err(Denial::Sessions);
        }
        Ok(())
    }

    /// Ends the oldest handshake, if it is old enough to be given up.
    fn evict_stale(&mut self) -> bool {
        match self.half_open.first_key_value() {
            Some((&id, oldest)) if oldest.since.elapsed() >= STALE => {
                self.evict(id);
                true
            }
            _ => false,
        }
    }

    fn evict(&mut self, id: u64) {
        if let Some(evicted) = self.half_open.remove(&id) {
            self.evicted += 1;
            self.leave_source(evicted.peer, true);
            self.forget(evicted.peer, id);
            self.woken.extend(evicted.notice.evict());
        }
    }

    /// Takes an association out, if it is still this one and not a successor.
    fn forget(&mut self, peer: SocketAddr, id: u64) {
        self.total -= 1;
        if let Entry::Occupied(mut peer) = self.peers.entry(peer) {
            let mine = |association: &mut Association| association.id == id;
            let associations = peer.get_mut();
            let _ = associations.half_open.take_if(mine);
            let _ = associations.established.take_if(mine);
            if associations.half_open.is_none() && associations.established.is_none() {
                peer.remove();
            }
        }
    }

    fn leave_source(&mut self, peer: SocketAddr, half_open: bool) {
        if let Entry::Occupied(mut source) = self.sources.entry(network(peer.ip())) {
            let counts = source.get_mut();
            counts.total -= 1;
            counts.half_open -= usize::from(half_open);
            if counts.total == 0 {
                source.remove();
            }
        }
    }
}

/// What is counted as one address.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (!0 << 64)).into(),
    }
}

/// How many clients that failed are remembered.
const MAX_FAILED: usize = 64;

/// What comes from one port within it is one client, that tries again and again.
const ONE_CLIENT: Duration = Duration::from_secs(60);

/// From what age on a handshake has to make room: several round trips of the slowest network.
pub(super) const STALE: Duration = Duration::from_secs(2);

#[cfg(test)]
impl Table {
    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
            && self.sources.is_empty()
            && self.half_open.is_empty()
            && self.total == 0
    }
}
