//! Which peers have a handshake or a session, and how many may.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use udp_demux::Promotion;

/// How many handshakes and sessions a listener has at a time.
///
/// ```
/// let limits = dtls_session::Limits::default().sessions(1000);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    half_open: usize,
    sessions: usize,
    per_address: usize,
}

impl Limits {
    /// Sets how many handshakes run at a time (default 1024).
    pub fn half_open(mut self, handshakes: usize) -> Self {
        self.half_open = handshakes;
        self
    }

    /// Sets how many sessions there are at a time, handshakes included (default 10 000; each
    /// holds some 50 to 90 kB in OpenSSL).
    pub fn sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// Sets how many of them one IP address has (default: as many as there are, since a network
    /// of clients may have one address).
    pub fn per_address(mut self, sessions: usize) -> Self {
        self.per_address = sessions;
        self
    }
}

impl Limits {
    /// How many channels that makes: a handshake may run beside each peer's session.
    pub(crate) fn channels(&self) -> usize {
        self.sessions.saturating_add(self.half_open)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            half_open: 1024,
            sessions: 10_000,
            per_address: usize::MAX,
        }
    }
}

/// Why a verified hello starts no handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The hello is one that has started a handshake already.
    Repeated,
    HalfOpen,
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
    addresses: HashMap<IpAddr, usize>,
    half_open: usize,
    total: usize,
    next: u64,
}

/// What one peer has: RFC 6347 4.2.8 lets a handshake run beside a session.
#[derive(Debug, Default)]
struct Associations {
    half_open: Option<Association>,
    established: Option<Association>,
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

    /// Admits a verified hello, and tells whether it comes beside an established session.
    ///
    /// A peer that already has a session is let in above the limits: it will have the same
    /// number afterwards.
    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: SocketAddr,
        random: &[u8; 32],
    ) -> Result<(Permit, bool), Refusal> {
        let mut table = self.lock();
        let associations = table.peers.get(&peer);
        let known = |association: &Option<Association>| {
            association
                .as_ref()
                .is_some_and(|association| association.random == *random)
        };
        if associations.is_some_and(|a| known(&a.half_open) || known(&a.established)) {
            return Err(Refusal::Repeated);
        }
        let beside = associations.is_some_and(|a| a.established.is_some());
        let restarted = associations.is_some_and(|a| a.half_open.is_some());
        let address = table.addresses.get(&peer.ip()).copied().unwrap_or(0);
        if !restarted && table.half_open >= self.limits.half_open {
            return Err(Refusal::HalfOpen);
        }
        if !restarted && !beside {
            if table.total >= self.limits.sessions {
                return Err(Refusal::Sessions);
            }
            if address >= self.limits.per_address {
                return Err(Refusal::PerAddress);
            }
        }
        let id = table.next;
        table.next += 1;
        table.half_open += 1;
        table.total += 1;
        *table.addresses.entry(peer.ip()).or_default() += 1;
        let association = Association {
            id,
            random: *random,
        };
        table.peers.entry(peer).or_default().half_open = Some(association);
        let permit = Permit {
            registry: Arc::clone(self),
            peer,
            id,
            established: false,
            promotion: None,
        };
        Ok((permit, beside))
    }

    /// How many handshakes and how many sessions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let table = self.lock();
        (table.half_open, table.total - table.half_open)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One handshake's, later one session's, place in the registry.
#[derive(Debug)]
pub(crate) struct Permit {
    registry: Arc<Registry>,
    peer: SocketAddr,
    id: u64,
    established: bool,
    promotion: Option<Promotion>,
}

impl Permit {
    /// Makes the channel of this handshake the peer's only one when it is established.
    pub(crate) fn promotes(&mut self, promotion: Promotion) {
        self.promotion = Some(promotion);
    }

    pub(crate) fn establish(&mut self) {
        if let Some(promotion) = self.promotion.take() {
            promotion.promote();
        }
        let mut table = self.registry.lock();
        self.established = true;
        table.half_open -= 1;
        if let Some(associations) = table.peers.get_mut(&self.peer)
            && associations
                .half_open
                .as_ref()
                .is_some_and(|a| a.id == self.id)
        {
            associations.established = associations.half_open.take();
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = self.registry.lock();
        table.total -= 1;
        if !self.established {
            table.half_open -= 1;
        }
        if let Entry::Occupied(mut address) = table.addresses.entry(self.peer.ip()) {
            *address.get_mut() -= 1;
            if *address.get() == 0 {
                address.remove();
            }
        }
        if let Entry::Occupied(mut peer) = table.peers.entry(self.peer) {
            let mine = |association: &mut Association| association.id == self.id;
            let associations = peer.get_mut();
            // Taken out only if it is still this permit's and not a successor's.
            let _ = associations.half_open.take_if(mine);
            let _ = associations.established.take_if(mine);
            if associations.half_open.is_none() && associations.established.is_none() {
                peer.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn refusal(registry: &Arc<Registry>, port: u16, random: u8) -> Option<Refusal> {
        registry.admit(peer(port), &[random; 32]).err()
    }

    #[test]
    fn a_repeated_hello_is_told_from_a_restarted_clients() {
        let registry = Registry::new(Limits::default());
        let (mut first, beside) = registry.admit(peer(1), &[1; 32]).unwrap();
        assert!(!beside);
        assert_eq!(refusal(&registry, 1, 1), Some(Refusal::Repeated));
        let (restarted, beside) = registry.admit(peer(1), &[2; 32]).unwrap();
        assert!(!beside);
        drop(restarted);
        first.establish();
        drop(first);
        let (mut session, _) = registry.admit(peer(1), &[1; 32]).unwrap();
        session.establish();
        assert_eq!(refusal(&registry, 1, 1), Some(Refusal::Repeated));
        let (mut successor, beside) = registry.admit(peer(1), &[2; 32]).unwrap();
        assert!(beside);
        successor.establish();
        drop(session);
        assert_eq!(refusal(&registry, 1, 2), Some(Refusal::Repeated));
        assert_eq!(registry.counts(), (0, 1));
    }

    #[test]
    fn limits_refuse_the_newest_and_places_come_back() {
        let registry = Registry::new(Limits::default().half_open(2).sessions(3).per_address(3));
        let (mut a, _) = registry.admit(peer(1), &[0; 32]).unwrap();
        let (_b, _) = registry.admit(peer(2), &[0; 32]).unwrap();
        assert_eq!(refusal(&registry, 3, 0), Some(Refusal::HalfOpen));
        a.establish();
        let (mut c, _) = registry.admit(peer(3), &[0; 32]).unwrap();
        c.establish();
        assert_eq!(refusal(&registry, 4, 0), Some(Refusal::Sessions));
        let (successor, beside) = registry.admit(peer(1), &[9; 32]).unwrap();
        assert!(beside);
        drop((successor, c));
        assert_eq!(refusal(&registry, 4, 0), None);
        assert_eq!(registry.counts(), (1, 1));
    }

    #[test]
    fn nothing_is_left_behind() {
        let registry = Registry::new(Limits::default());
        let (mut a, _) = registry.admit(peer(1), &[1; 32]).unwrap();
        let (b, _) = registry.admit(peer(1), &[2; 32]).unwrap();
        a.establish();
        drop((a, b));
        let table = registry.lock();
        assert!(table.peers.is_empty() && table.addresses.is_empty());
        assert_eq!((table.half_open, table.total), (0, 0));
    }
}
