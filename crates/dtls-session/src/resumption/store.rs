//! What a client remembers of the servers that it has talked to.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{credentials::server_name::normal, resumption::Resumption};

/// One [`Resumption`] for each server, by name and address, in memory; cheap to clone.
///
/// It is bounded: the server that was stored least recently is forgotten first.
///
/// ```
/// use dtls_session::{Connector, Roots, SessionStore};
///
/// # fn main() -> Result<(), dtls_session::BuildError> {
/// let store = SessionStore::new(50);
/// let connector = Connector::builder(Roots::system()).session_store(store).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionStore {
    capacity: usize,
    entries: Arc<Mutex<Entries>>,
}

#[derive(Default)]
struct Entries {
    of_server: HashMap<Server, (u64, Resumption)>,
    stored: u64,
}

type Server = (String, SocketAddr);

impl SessionStore {
    /// Makes an empty store for up to `capacity` servers.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity,
            entries: Arc::default(),
        }
    }

    /// Stores what the next handshake with a server may resume, instead of what it had.
    pub fn insert(&self, name: &str, peer: SocketAddr, resumption: Resumption) {
        let mut entries = self.lock();
        let server = (normal(name), peer);
        entries.stored += 1;
        let turn = entries.stored;
        entries.of_server.insert(server, (turn, resumption));
        if entries.of_server.len() > self.capacity {
            let oldest = entries.of_server.iter().min_by_key(|(_, (turn, _))| *turn);
            if let Some(server) = oldest.map(|(server, _)| server.clone()) {
                entries.of_server.remove(&server);
            }
        }
    }

    /// Returns what was stored last for a server.
    pub fn get(&self, name: &str, peer: SocketAddr) -> Option<Resumption> {
        let entries = self.lock();
        let (_, resumption) = entries.of_server.get(&(normal(name), peer))?;
        Some(resumption.clone())
    }

    /// Forgets a server.
    pub fn remove(&self, name: &str, peer: SocketAddr) {
        self.lock().of_server.remove(&(normal(name), peer));
    }

    /// Forgets a server unless somebody else has stored something since.
    fn remove_if(&self, name: &str, peer: SocketAddr, former: &Resumption) {
        let mut entries = self.lock();
        if let Entry::Occupied(entry) = entries.of_server.entry((normal(name), peer))
            && entry.get().1.is(former)
        {
            entry.remove();
        }
    }

    /// Returns how many servers are remembered.
    pub fn len(&self) -> usize {
        self.lock().of_server.len()
    }

    /// Returns whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for SessionStore {
    /// Makes an empty store for up to 1000 servers, of 1 to 3 kB each.
    fn default() -> Self {
        Self::new(1000)
    }
}

impl fmt::Debug for SessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionStore")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// A place in a store, to be filled when a handshake has finished.
#[derive(Debug)]
pub(crate) struct Place {
    store: SessionStore,
    name: String,
    peer: SocketAddr,
    offered: Option<Resumption>,
}

impl Place {
    pub(crate) fn new(store: &SessionStore, name: &str, peer: SocketAddr) -> Self {
        Self {
            store: store.clone(),
            name: name.to_owned(),
            peer,
            offered: None,
        }
    }

    /// Takes note of what stands there, which is offered to the server.
    pub(crate) fn offer(&mut self) -> Option<&Resumption> {
        self.offered = self.store.get(&self.name, self.peer);
        self.offered.as_ref()
    }

    /// Stores what the new session left, or forgets what was offered and led to none.
    pub(crate) fn set(&self, resumption: Option<Resumption>) {
        match (resumption, &self.offered) {
            (Some(resumption), _) => self.store.insert(&self.name, self.peer, resumption),
            (None, Some(offered)) => self.store.remove_if(&self.name, self.peer, offered),
            (None, None) => {}
        }
    }
}
