use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    sync::Arc,
};

use crate::inbox::Inbox;

/// Who gets the datagrams of which peer.
#[derive(Debug)]
pub(crate) struct Table {
    peers: HashMap<SocketAddr, Peer>,
    channels: usize,
    max_channels: usize,
}

/// A known peer: its channel, and perhaps one that is to take its place.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) current: Arc<Inbox>,
    pub(crate) candidate: Option<Arc<Inbox>>,
}

/// The limit of channels is reached.
#[derive(Debug)]
pub(crate) struct Full;

impl Table {
    pub(crate) fn new(max_channels: usize) -> Self {
        Self {
            peers: HashMap::new(),
            channels: 0,
            max_channels,
        }
    }

    pub(crate) fn get(&self, peer: SocketAddr) -> Option<&Peer> {
        self.peers.get(&peer)
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Makes `inbox` its peer's only one and returns those whose place it took.
    pub(crate) fn replace(&mut self, inbox: Arc<Inbox>) -> Result<Vec<Arc<Inbox>>, Full> {
        match self.peers.entry(inbox.peer()) {
            Entry::Vacant(vacant) => {
                if self.channels >= self.max_channels {
                    return Err(Full);
                }
                self.channels += 1;
                vacant.insert(Peer {
                    current: inbox,
                    candidate: None,
                });
                Ok(Vec::new())
            }
            Entry::Occupied(mut occupied) => {
                let old = occupied.insert(Peer {
                    current: inbox,
                    candidate: None,
                });
                self.channels -= usize::from(old.candidate.is_some());
                Ok([old.current].into_iter().chain(old.candidate).collect())
            }
        }
    }

    /// Puts `inbox` beside its peer's current one, if there is one, and returns the candidate whose place it took.
    pub(crate) fn stand(&mut self, inbox: Arc<Inbox>) -> Result<Vec<Arc<Inbox>>, Full> {
        let Some(peer) = self.peers.get_mut(&inbox.peer()) else {
            return self.replace(inbox);
        };
        if peer.candidate.is_none() {
            if self.channels >= self.max_channels {
                return Err(Full);
            }
            self.channels += 1;
        }
        Ok(peer.candidate.replace(inbox).into_iter().collect())
    }

    /// Makes the candidate current and returns the inbox whose place it took, if it is still the candidate.
    pub(crate) fn promote(&mut self, inbox: &Arc<Inbox>) -> Option<Arc<Inbox>> {
        let peer = self.peers.get_mut(&inbox.peer())?;
        let candidate = peer
            .candidate
            .take_if(|candidate| Arc::ptr_eq(candidate, inbox))?;
        self.channels -= 1;
        Some(std::mem::replace(&mut peer.current, candidate))
    }

    /// Forgets the inbox; a candidate beside it becomes current.
    pub(crate) fn remove(&mut self, inbox: &Arc<Inbox>) {
        let Entry::Occupied(mut occupied) = self.peers.entry(inbox.peer()) else {
            return;
        };
        let peer = occupied.get_mut();
        if Arc::ptr_eq(&peer.current, inbox) {
            match peer.candidate.take() {
                Some(candidate) => peer.current = candidate,
                None => drop(occupied.remove()),
            }
        } else if peer
            .candidate
            .take_if(|candidate| Arc::ptr_eq(candidate, inbox))
            .is_none()
        {
            return;
        }
        self.channels -= 1;
    }

    /// Empties the table.
    pub(crate) fn drain(&mut self) -> Vec<Arc<Inbox>> {
        self.channels = 0;
        self.peers
            .drain()
            .flat_map(|(_, peer)| [peer.current].into_iter().chain(peer.candidate))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_count_of_channels_is_kept_through_every_change() {
        let mut table = Table::new(3);
        let [a, b, c, d] = [(); 4].map(|()| inbox(1));
        table.replace(Arc::clone(&a)).unwrap();
        table.stand(Arc::clone(&b)).unwrap();
        assert_eq!(table.channels(), 2);
        assert!(Arc::ptr_eq(&table.stand(Arc::clone(&c)).unwrap()[0], &b));
        assert_eq!(table.channels(), 2);
        table.remove(&b);
        assert_eq!(
            table.channels(),
            2,
            "an inbox that is out already changes nothing"
        );
        assert!(Arc::ptr_eq(&table.promote(&c).unwrap(), &a));
        assert_eq!(table.channels(), 1);
        assert!(table.promote(&c).is_none());
        table.stand(Arc::clone(&a)).unwrap();
        assert_eq!(table.replace(Arc::clone(&d)).unwrap().len(), 2);
        assert_eq!(table.channels(), 1);
        table.remove(&d);
        assert_eq!(table.channels(), 0);
        assert!(table.get(d.peer()).is_none());
    }

    #[test]
    fn a_full_table_refuses_another_peer_but_not_a_successor() {
        let mut table = Table::new(1);
        table.replace(inbox(1)).unwrap();
        table.replace(inbox(2)).unwrap_err();
        table.stand(inbox(1)).unwrap_err();
        table.replace(inbox(1)).unwrap();
        assert_eq!(table.channels(), 1);
    }

    fn inbox(port: u16) -> Arc<Inbox> {
        Arc::new(Inbox::new(
            ([127, 0, 0, 1], port).into(),
            &Config::default(),
        ))
    }
}
