use std::{
    collections::{HashMap, hash_map::Entry},
    net::SocketAddr,
    sync::Arc,
};

use crate::{identifier::Identifier, inbox::Inbox};

/// Who gets the datagrams of which peer, and those with which identifier.
#[derive(Debug)]
pub(crate) struct Table {
    peers: HashMap<SocketAddr, Peer>,
    identifiers: HashMap<Identifier, Arc<Inbox>>,
    /// Those whose address another channel has taken, by [`key`].
    displaced: HashMap<usize, Arc<Inbox>>,
    channels: usize,
    max_channels: usize,
    /// Of one channel.
    max_identifiers: usize,
}

/// A known peer: its channel, and perhaps one that is to take its place.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) current: Arc<Inbox>,
    pub(crate) candidate: Option<Arc<Inbox>>,
}

/// What the table has of one channel, which lies with the channel.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) peer: SocketAddr,
    pub(crate) listed: bool,
    pub(crate) identifiers: Vec<Identifier>,
}

/// The limit of channels is reached.
#[derive(Debug)]
pub(crate) struct Full;

/// Why a channel does not get an identifier, or another address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Another channel has it.
    Taken,
    /// The channel has as many as it may.
    Limit,
    /// Another channel has its place.
    Replaced,
    Dead,
}

impl Table {
    pub(crate) fn new(max_channels: usize, max_identifiers: usize) -> Self {
        Self {
            peers: HashMap::new(),
            identifiers: HashMap::new(),
            displaced: HashMap::new(),
            channels: 0,
            max_channels,
            max_identifiers,
        }
    }

    pub(crate) fn get(&self, peer: SocketAddr) -> Option<&Peer> {
        self.peers.get(&peer)
    }

    pub(crate) fn find(&self, identifier: &Identifier) -> Option<&Arc<Inbox>> {
        self.identifiers.get(identifier)
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Makes `inbox` its peer's only one and returns those whose place it took.
    pub(crate) fn replace(&mut self, inbox: Arc<Inbox>) -> Result<Vec<Arc<Inbox>>, Full> {
        let peer = inbox.peer();
        if !self.peers.contains_key(&peer) && self.channels >= self.max_channels {
            return Err(Full);
        }
        self.enlist(&inbox);
        let former = self.peers.insert(peer, Peer::of(inbox));
        let displaced: Vec<_> = former.into_iter().flat_map(Peer::into_inboxes).collect();
        for inbox in &displaced {
            self.strike(inbox);
        }
        Ok(displaced)
    }

    /// Puts `inbox` beside its peer's current one, if there is one, and returns the candidate whose place it took.
    pub(crate) fn stand(&mut self, inbox: Arc<Inbox>) -> Result<Vec<Arc<Inbox>>, Full> {
        let full = self.channels >= self.max_channels;
        let Some(peer) = self.peers.get_mut(&inbox.peer()) else {
            return self.replace(inbox);
        };
        if peer.candidate.is_none() && full {
            return Err(Full);
        }
        let former = peer.candidate.replace(Arc::clone(&inbox));
        self.enlist(&inbox);
        if let Some(former) = &former {
            self.strike(former);
        }
        Ok(former.into_iter().collect())
    }

    /// Makes the candidate current and returns the inbox whose place it took, if it is still the candidate.
    pub(crate) fn promote(&mut self, inbox: &Arc<Inbox>) -> Option<Arc<Inbox>> {
        let peer = self.peers.get_mut(&inbox.peer())?;
        let candidate = peer
            .candidate
            .take_if(|candidate| Arc::ptr_eq(candidate, inbox))?;
        let former = std::mem::replace(&mut peer.current, candidate);
        self.strike(&former);
        Some(former)
    }

    /// Forgets the inbox; a candidate beside it becomes current.
    pub(crate) fn remove(&mut self, inbox: &Arc<Inbox>) {
        if self.strike(inbox) {
            self.vacate(inbox);
        }
    }

    /// Gives the channel an identifier, or leaves it the one that it has.
    pub(crate) fn identify(
        &mut self,
        inbox: &Arc<Inbox>,
        identifier: Identifier,
    ) -> Result<(), Denied> {
        let mut standing = inbox.standing();
        if !standing.listed {
            return Err(Denied::Replaced);
        }
        match self.identifiers.entry(identifier) {
            Entry::Occupied(entry) if Arc::ptr_eq(entry.get(), inbox) => Ok(()),
            Entry::Occupied(_) => Err(Denied::Taken),
            Entry::Vacant(_) if standing.identifiers.len() >= self.max_identifiers => {
                Err(Denied::Limit)
            }
            Entry::Vacant(entry) => {
                entry.insert(Arc::clone(inbox));
                standing.identifiers.push(identifier);
                Ok(())
            }
        }
    }

    /// Takes the identifier from the channel, and returns whether it had it.
    pub(crate) fn forget(&mut self, inbox: &Arc<Inbox>, identifier: &Identifier) -> bool {
        let mut standing = inbox.standing();
        let Some(place) = standing.identifiers.iter().position(|it| it == identifier) else {
            return false;
        };
        standing.identifiers.swap_remove(place);
        self.identifiers.remove(identifier);
        true
    }

    /// Gives the channel the datagrams from another address, instead of those from the one that it had.
    ///
    /// Who has that address loses it, if it can be reached by an identifier all the same.
    pub(crate) fn relocate(&mut self, inbox: &Arc<Inbox>, to: SocketAddr) -> Result<(), Denied> {
        if !inbox.standing().listed {
            return Err(Denied::Replaced);
        }
        if let Some(there) = self.peers.get(&to) {
            if there.inboxes().any(|other| Arc::ptr_eq(other, inbox)) {
                return Ok(());
            }
            let reachable = |other: &Arc<Inbox>| !other.standing().identifiers.is_empty();
            if !there.inboxes().all(reachable) {
                return Err(Denied::Taken);
            }
        }
        self.vacate(inbox);
        inbox.standing().peer = to;
        let former = self.peers.insert(to, Peer::of(Arc::clone(inbox)));
        for other in former.into_iter().flat_map(Peer::into_inboxes) {
            self.displaced.insert(key(&other), other);
        }
        Ok(())
    }

    /// Empties the table.
    pub(crate) fn drain(&mut self) -> Vec<Arc<Inbox>> {
        let peers = std::mem::take(&mut self.peers);
        let displaced = std::mem::take(&mut self.displaced);
        let inboxes: Vec<_> = peers
            .into_values()
            .flat_map(Peer::into_inboxes)
            .chain(displaced.into_values())
            .collect();
        for inbox in &inboxes {
            self.strike(inbox);
        }
        inboxes
    }

    fn enlist(&mut self, inbox: &Arc<Inbox>) {
        inbox.standing().listed = true;
        self.channels += 1;
    }

    /// Takes away the inbox's identifiers, and its place among the channels if it had one.
    fn strike(&mut self, inbox: &Arc<Inbox>) -> bool {
        let mut standing = inbox.standing();
        for identifier in std::mem::take(&mut standing.identifiers) {
            self.identifiers.remove(&identifier);
        }
        let listed = std::mem::take(&mut standing.listed);
        self.channels -= usize::from(listed);
        listed
    }

    /// Frees the inbox's address; a candidate beside it becomes current.
    fn vacate(&mut self, inbox: &Arc<Inbox>) {
        if self.displaced.remove(&key(inbox)).is_some() {
            return;
        }
        let Entry::Occupied(mut occupied) = self.peers.entry(inbox.peer()) else {
            return;
        };
        let peer = occupied.get_mut();
        if Arc::ptr_eq(&peer.current, inbox) {
            match peer.candidate.take() {
                Some(candidate) => peer.current = candidate,
                None => drop(occupied.remove()),
            }
        } else {
            peer.candidate
                .take_if(|candidate| Arc::ptr_eq(candidate, inbox));
        }
    }
}

impl Peer {
    fn of(current: Arc<Inbox>) -> Self {
        Self {
            current,
            candidate: None,
        }
    }

    fn inboxes(&self) -> impl Iterator<Item = &Arc<Inbox>> {
        [&self.current].into_iter().chain(&self.candidate)
    }

    fn into_inboxes(self) -> impl Iterator<Item = Arc<Inbox>> {
        [self.current].into_iter().chain(self.candidate)
    }
}

/// One inbox differs from all others in it, as long as it lives.
fn key(inbox: &Arc<Inbox>) -> usize {
    Arc::as_ptr(inbox).addr()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Config;

    #[test]
    fn the_count_of_channels_is_kept_through_every_change() {
        let mut table = Table::new(3, 2);
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
        let mut table = Table::new(1, 2);
        table.replace(inbox(1)).unwrap();
        table.replace(inbox(2)).unwrap_err();
        table.stand(inbox(1)).unwrap_err();
        table.replace(inbox(1)).unwrap();
        assert_eq!(table.channels(), 1);
    }

    #[test]
    fn two_channels_swap_addresses_if_each_has_an_identifier() {
        let mut table = Table::new(3, 2);
        let [a, b] = [1, 2].map(inbox);
        table.replace(Arc::clone(&a)).unwrap();
        table.replace(Arc::clone(&b)).unwrap();
        table.identify(&a, identifier(1)).unwrap();
        let (old, new) = (a.peer(), b.peer());
        assert_eq!(table.relocate(&a, new), Err(Denied::Taken));
        table.identify(&b, identifier(2)).unwrap();
        table.relocate(&a, new).unwrap();
        assert!(table.get(old).is_none());
        table.relocate(&b, old).unwrap();
        assert!(Arc::ptr_eq(&table.get(old).unwrap().current, &b));
        assert!(Arc::ptr_eq(&table.get(new).unwrap().current, &a));
        table.remove(&a);
        table.remove(&b);
        assert!(table.get(old).is_none() && table.get(new).is_none());
        assert!(table.find(&identifier(1)).is_none());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Enter(bool, u16),
        Change(usize, Change),
    }

    #[derive(Clone, Debug)]
    enum Change {
        Promote,
        Remove,
        Identify(u8),
        Forget(u8),
        Relocate(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        let change = prop_oneof![
            2 => Just(Change::Promote),
            2 => Just(Change::Remove),
            5 => (0..6_u8).prop_map(Change::Identify),
            1 => (0..6_u8).prop_map(Change::Forget),
            5 => (1..5_u16).prop_map(Change::Relocate),
        ];
        prop_oneof![
            1 => (any::<bool>(), 1..5_u16).prop_map(|(candidate, port)| Step::Enter(candidate, port)),
            3 => (any::<usize>(), change).prop_map(|(who, change)| Step::Change(who, change)),
        ]
    }

    proptest! {
        /// Whatever happens: who is listed can be reached or has lost its address to one who can,
        /// and who is not is nowhere.
        #[test]
        fn nobody_is_lost_and_nobody_is_left_behind(steps in prop::collection::vec(step(), 0..60)) {
            let mut table = Table::new(6, 2);
            let mut all: Vec<Arc<Inbox>> = Vec::new();
            for step in steps {
                let picked = |who: usize| all.get(who % all.len().max(1)).cloned();
                match step {
                    Step::Enter(candidate, port) => {
                        let inbox = inbox(port);
                        let newcomer = Arc::clone(&inbox);
                        let entered = if candidate {
                            table.stand(newcomer)
                        } else {
                            table.replace(newcomer)
                        };
                        all.extend(entered.is_ok().then_some(inbox));
                    }
                    Step::Change(who, change) => {
                        let Some(who) = picked(who) else { continue };
                        match change {
                            Change::Promote => drop(table.promote(&who)),
                            Change::Remove => table.remove(&who),
                            Change::Identify(id) => {
                                let _ = table.identify(&who, identifier(id));
                            }
                            Change::Forget(id) => {
                                table.forget(&who, &identifier(id));
                            }
                            Change::Relocate(port) => {
                                let _ = table.relocate(&who, inbox(port).peer());
                            }
                        }
                    }
                }
                check(&table, &all)?;
            }
            table.drain();
            prop_assert_eq!(table.channels(), 0);
            check(&table, &all)?;
        }
    }

    fn check(table: &Table, all: &[Arc<Inbox>]) -> Result<(), TestCaseError> {
        let listed = all.iter().filter(|inbox| inbox.standing().listed);
        prop_assert_eq!(table.channels(), listed.count());
        prop_assert!(table.channels() <= 6);
        let mut identifiers = 0;
        for inbox in all {
            let peer = table.get(inbox.peer());
            let at_home = peer.is_some_and(|peer| peer.inboxes().any(|it| Arc::ptr_eq(it, inbox)));
            let displaced = table.displaced.contains_key(&key(inbox));
            let standing = inbox.standing();
            prop_assert_eq!(standing.listed, at_home || displaced);
            prop_assert!(!(at_home && displaced));
            prop_assert!(standing.identifiers.len() <= 2);
            for identifier in &standing.identifiers {
                let owner = table.find(identifier);
                prop_assert!(owner.is_some_and(|owner| Arc::ptr_eq(owner, inbox)));
            }
            identifiers += standing.identifiers.len();
        }
        prop_assert_eq!(table.identifiers.len(), identifiers);
        Ok(())
    }

    fn identifier(number: u8) -> Identifier {
        Identifier::new(&[number]).unwrap()
    }

    fn inbox(port: u16) -> Arc<Inbox> {
        Arc::new(Inbox::new(
            ([127, 0, 0, 1], port).into(),
            &Config::default(),
        ))
    }
}
