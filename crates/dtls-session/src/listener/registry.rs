//! Which peers have a handshake or a session, and how many may.

use std::{
    collections::{BTreeMap, HashMap, hash_map::Entry},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};
use udp_demux::Promotion;

use crate::listener::{eviction::Eviction, limits::Limits};

/// Why a verified hello starts no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The hello is one that has started a handshake already.
    Repeated,
    HalfOpen,
    HalfOpenPerAddress,
    Sessions,
    PerAddress,
}

#[derive(Debug)]
pub(crate) struct Registry {
    limits: Limits,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    peers: HashMap<SocketAddr, Associations>,
    sources: HashMap<IpAddr, Source>,
    /// The running handshakes, the oldest first.
    half_open: BTreeMap<u64, HalfOpen>,
    total: usize,
    next: u64,
    evicted: u64,
    finished: Finished,
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
    eviction: Arc<Eviction>,
}

/// What one peer has: RFC 6347 4.2.8 lets a handshake run beside a session.
#[derive(Debug, Default)]
struct Associations {
    half_open: Option<Association>,
    established: Option<Association>,
}

impl Associations {
    fn have(&self, random: &[u8; 32]) -> bool {
        let all = [&self.half_open, &self.established];
        all.into_iter().flatten().any(|a| a.random == *random)
    }
}

#[derive(Debug)]
struct Association {
    id: u64,
    random: [u8; 32],
}

impl Registry {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            table: Mutex::default(),
        })
    }

    /// Admits a verified hello.
    ///
    /// A peer that already has a session is let in above the limit of sessions: it will have the
    /// same number afterwards. A handshake that the peer has left behind ends.
    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: SocketAddr,
        random: &[u8; 32],
    ) -> Result<Permit, Refusal> {
        let mut table = self.lock();
        let none = Associations::default();
        let associations = table.peers.get(&peer).unwrap_or(&none);
        if associations.have(random) {
            return Err(Refusal::Repeated);
        }
        let beside = associations.established.is_some();
        match associations.half_open.as_ref().map(|a| a.id) {
            Some(left_behind) => table.evict(left_behind),
            None => table.make_room(&self.limits, peer, beside)?,
        }
        let id = table.next;
        table.next += 1;
        table.total += 1;
        let eviction = Arc::<Eviction>::default();
        let half_open = HalfOpen {
            peer,
            since: Instant::now(),
            eviction: Arc::clone(&eviction),
        };
        table.half_open.insert(id, half_open);
        let source = table.sources.entry(network(peer.ip())).or_default();
        source.half_open += 1;
        source.total += 1;
        let association = Association {
            id,
            random: *random,
        };
        table.peers.entry(peer).or_default().half_open = Some(association);
        Ok(Permit {
            registry: Arc::clone(self),
            peer,
            id,
            eviction,
            established: false,
            promotion: None,
            unproven: None,
        })
    }

    /// Whether the hello is one that has started a handshake already.
    pub(crate) fn has(&self, peer: SocketAddr, random: &[u8; 32]) -> bool {
        let table = self.lock();
        let associations = table.peers.get(&peer);
        associations.is_some_and(|associations| associations.have(random))
    }

    /// How many handshakes and how many sessions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let table = self.lock();
        let half_open = table.half_open.len();
        (half_open, table.total - half_open)
    }

    /// How many handshakes had to give up their place.
    pub(crate) fn evicted(&self) -> u64 {
        self.lock().evicted
    }

    pub(crate) fn finished(&self) -> Finished {
        self.lock().finished
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn make_room(
        &mut self,
        limits: &Limits,
        peer: SocketAddr,
        beside: bool,
    ) -> Result<(), Refusal> {
        let source = self.sources.get(&network(peer.ip()));
        let source = source.copied().unwrap_or_default();
        if source.half_open >= limits.half_open_per_address {
            return Err(Refusal::HalfOpenPerAddress);
        }
        if !beside && source.total >= limits.per_address {
            return Err(Refusal::PerAddress);
        }
        if self.half_open.len() >= limits.half_open && !self.evict_stale() {
            return Err(Refusal::HalfOpen);
        }
        if !beside && self.total >= limits.sessions && !self.evict_stale() {
            return Err(Refusal::Sessions);
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
            evicted.eviction.evict();
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

/// One handshake's, later one session's, place in the registry.
#[derive(Debug)]
pub(crate) struct Permit {
    registry: Arc<Registry>,
    peer: SocketAddr,
    id: u64,
    eviction: Arc<Eviction>,
    established: bool,
    promotion: Option<Promotion>,
    unproven: Option<OwnedSemaphorePermit>,
}

impl Permit {
    /// Makes the channel of this handshake the peer's only one when it is established.
    pub(crate) fn promotes(&mut self, promotion: Promotion) {
        self.promotion = Some(promotion);
    }

    /// Keeps a place among the handshakes of unproven clients until this one is established.
    pub(crate) fn occupies(&mut self, unproven: OwnedSemaphorePermit) {
        self.unproven = Some(unproven);
    }

    /// Waits until the place was given to another.
    pub(crate) fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        self.eviction.poll(cx)
    }

    /// Makes this a session's place; false if it was given to another in the last moment.
    pub(crate) fn establish(&mut self) -> bool {
        let mut table = self.registry.lock();
        if table.half_open.remove(&self.id).is_none() {
            return false;
        }
        self.established = true;
        self.unproven = None;
        table.finished.all += 1;
        if let Some(source) = table.sources.get_mut(&network(self.peer.ip())) {
            source.half_open -= 1;
        }
        if let Some(associations) = table.peers.get_mut(&self.peer) {
            associations.established = associations.half_open.take();
        }
        drop(table);
        if let Some(promotion) = self.promotion.take() {
            promotion.promote();
        }
        true
    }

    /// Counts the session as one that goes on from another.
    pub(crate) fn count_resumed(&self) {
        self.registry.lock().finished.resumed += 1;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = self.registry.lock();
        let half_open = table.half_open.remove(&self.id).is_some();
        // Otherwise it was evicted, and nothing of it is left.
        if half_open || self.established {
            table.leave_source(self.peer, half_open);
            table.forget(self.peer, self.id);
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

/// From what age on a handshake has to make room: several round trips of the slowest network.
const STALE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn admit(registry: &Arc<Registry>, port: u16, random: u8) -> Result<Permit, Refusal> {
        registry.admit(peer(port), &[random; 32])
    }

    fn evicted(permit: &Permit) -> bool {
        let cx = Context::from_waker(std::task::Waker::noop());
        permit.poll_evicted(&cx).is_ready()
    }

    #[tokio::test]
    async fn a_repeated_hello_is_told_from_a_restarted_clients() {
        let registry = Registry::new(Limits::default());
        let mut first = admit(&registry, 1, 1).unwrap();
        assert_eq!(admit(&registry, 1, 1).unwrap_err(), Refusal::Repeated);
        let restarted = admit(&registry, 1, 2).unwrap();
        assert!(evicted(&first) && !first.establish());
        drop((first, restarted));
        let mut session = admit(&registry, 1, 1).unwrap();
        assert!(session.establish());
        assert_eq!(admit(&registry, 1, 1).unwrap_err(), Refusal::Repeated);
        let mut successor = admit(&registry, 1, 2).unwrap();
        assert!(successor.establish());
        drop(session);
        assert_eq!(admit(&registry, 1, 2).unwrap_err(), Refusal::Repeated);
        assert_eq!(registry.counts(), (0, 1));
    }

    #[tokio::test]
    async fn limits_refuse_the_newest_and_places_come_back() {
        let limits = Limits::default().half_open(2).sessions(3).per_address(3);
        let registry = Registry::new(limits);
        let mut a = admit(&registry, 1, 0).unwrap();
        let _b = admit(&registry, 2, 0).unwrap();
        assert_eq!(admit(&registry, 3, 0).unwrap_err(), Refusal::HalfOpen);
        a.establish();
        let mut c = admit(&registry, 3, 0).unwrap();
        c.establish();
        assert_eq!(admit(&registry, 4, 0).unwrap_err(), Refusal::PerAddress);
        let elsewhere = registry.admit(([192, 0, 2, 2], 4).into(), &[0; 32]);
        assert_eq!(elsewhere.unwrap_err(), Refusal::Sessions);
        let successor = admit(&registry, 1, 9).unwrap();
        drop((successor, c));
        admit(&registry, 4, 0).unwrap();
        assert_eq!(registry.counts(), (1, 1));
    }

    #[tokio::test]
    async fn one_network_has_its_share_of_handshakes() {
        let registry = Registry::new(Limits::default().half_open_per_address(1));
        let host = |text: &str| registry.admit(text.parse().unwrap(), &[0; 32]);
        let mut first = host("[2001:db8:1:2::1]:1").unwrap();
        let neighbour = host("[2001:db8:1:2:ffff::]:9").unwrap_err();
        assert_eq!(neighbour, Refusal::HalfOpenPerAddress);
        let _other = host("[2001:db8:1:3::1]:1").unwrap();
        first.establish();
        host("[2001:db8:1:2:ffff::]:9").unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_stale_handshake_makes_room_for_a_new_one() {
        let registry = Registry::new(Limits::default().half_open(2));
        let mut stale = admit(&registry, 1, 0).unwrap();
        tokio::time::advance(STALE).await;
        let young = admit(&registry, 2, 0).unwrap();
        let newest = admit(&registry, 3, 0).unwrap();
        assert!(evicted(&stale) && !evicted(&young));
        assert!(!stale.establish());
        assert_eq!(admit(&registry, 4, 0).unwrap_err(), Refusal::HalfOpen);
        assert_eq!((registry.counts(), registry.evicted()), ((2, 0), 1));
        drop((stale, young, newest));
        assert_eq!(registry.counts(), (0, 0));
    }

    #[tokio::test]
    async fn nothing_is_left_behind() {
        let registry = Registry::new(Limits::default());
        let mut a = admit(&registry, 1, 1).unwrap();
        a.establish();
        let b = admit(&registry, 1, 2).unwrap();
        drop((a, b));
        let table = registry.lock();
        assert!(table.peers.is_empty() && table.sources.is_empty());
        assert!(table.half_open.is_empty() && table.total == 0);
    }
}
