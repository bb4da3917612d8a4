//! Where the datagrams of one run go.

use std::{net::SocketAddr, sync::Arc, task::Waker};

use crate::{
    batch::Run,
    departure::{Origin, Patience},
    inbox::{Delivery, Inbox},
    responder::{Responder, Response},
    route::Route,
    shared::{Shared, State},
    table::Peer,
    waiting::Way,
};

/// What the driver keeps from one run to the next, so that a datagram allocates nothing.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// Those that belong to no channel.
    strays: Vec<Stray>,
    wakers: Vec<Waker>,
    reply: Vec<u8>,
}

/// A datagram that belongs to no channel, by its place in the run.
#[derive(Clone, Copy, Debug)]
struct Stray {
    place: usize,
    /// Whether it goes elsewhere even if its peer has a channel.
    routed: bool,
}

impl Shared {
    /// Brings the datagrams of one run to where they belong, and returns whether somebody was woken.
    pub(crate) fn deliver(&self, run: Run<'_>, scratch: &mut Scratch) -> bool {
        let Scratch {
            strays,
            wakers,
            reply,
        } = scratch;
        let mut state = self.lock();
        self.sort(&state, run, strays, wakers);
        let mut arrived = false;
        let responder = match &state.responder {
            Some(responder) if !strays.is_empty() => Some(responder.clone()),
            _ => {
                for stray in strays.drain(..) {
                    arrived |= self.enqueue(&mut state, run, run.datagram(stray.place));
                }
                None
            }
        };
        drop(state);
        if let Some(responder) = responder {
            for stray in strays.drain(..) {
                arrived |= self.answer(run, stray, &responder, reply, wakers);
            }
        }
        if arrived {
            self.arrived.notify_one();
        }
        let woken = arrived || !wakers.is_empty();
        wakers.drain(..).for_each(Waker::wake);
        woken
    }

    /// Gives each datagram to its channel, or takes down that it has none.
    fn sort(&self, state: &State, run: Run<'_>, strays: &mut Vec<Stray>, wakers: &mut Vec<Waker>) {
        let table = &state.table;
        let peer = table.get(run.peer);
        let mut deliveries = Deliveries::default();
        let mut dropped = 0;
        for (place, datagram) in run.datagrams().enumerate() {
            if datagram.len() > self.config.max_datagram {
                continue;
            }
            let route = self.config.route.route(datagram);
            let target = match route {
                Route::Peer => peer.map(Target::Peer),
                Route::Accept => None,
                Route::Identifier(identifier) | Route::IdentifierOrAccept(identifier) => {
                    table.find(&identifier).map(Target::Channel)
                }
            };
            if let Some(target) = target {
                if !deliveries.are_to(target) {
                    // First that: both may be for one channel, which is locked.
                    dropped += std::mem::take(&mut deliveries).finish(wakers);
                    deliveries = Deliveries::to(target);
                }
                deliveries.push(datagram, run.peer);
                continue;
            }
            if matches!(route, Route::Identifier(_)) {
                self.counters.dropped_unknown_identifier.add(1);
                continue;
            }
            let routed = route != Route::Peer;
            self.counters
                .diverted
                .add(usize::from(routed && peer.is_some()));
            strays.push(Stray { place, routed });
        }
        dropped += deliveries.finish(wakers);
        self.counters.dropped_queue_full.add(dropped);
    }

    /// Lets the responder answer, without a lock, and returns whether something came into the backlog.
    fn answer(
        &self,
        run: Run<'_>,
        stray: Stray,
        responder: &Responder,
        reply: &mut Vec<u8>,
        wakers: &mut Vec<Waker>,
    ) -> bool {
        let datagram = run.datagram(stray.place);
        match responder.respond(run.peer, datagram, reply) {
            Response::Accept => {
                let mut state = self.lock();
                match state.table.get(run.peer) {
                    // It has got a channel meanwhile.
                    Some(peer) if !stray.routed => {
                        let mut deliveries = Deliveries::to(Target::Peer(peer));
                        deliveries.push(datagram, run.peer);
                        let dropped = deliveries.finish(wakers);
                        self.counters.dropped_queue_full.add(dropped);
                        false
                    }
                    _ => self.enqueue(&mut state, run, datagram),
                }
            }
            Response::Reply => {
                self.counters.answered.add(1);
                let way = Way {
                    peer: run.peer,
                    from: run.local_ip,
                };
                // What does not leave is counted, and lost as on the wire: the peer asks again.
                if !reply.is_empty() {
                    let _ = self.queue(Origin { way, meter: None }, reply, Patience::Queue);
                }
                false
            }
            Response::Discard => {
                self.counters.discarded.add(1);
                false
            }
        }
    }

    /// Appends the datagram to the backlog, and returns whether it came to be there.
    fn enqueue(&self, state: &mut State, run: Run<'_>, datagram: &[u8]) -> bool {
        if !state.accepting {
            self.counters.dropped_no_acceptor.add(1);
            return false;
        }
        // Dropping is right: whoever meant it will try again, and what waits longer is nearer to its turn.
        let queued = state.backlog.push(run.peer, run.local_ip, datagram);
        self.counters.dropped_backlog_full.add(usize::from(!queued));
        queued
    }
}

/// Whom a datagram is for.
#[derive(Clone, Copy)]
enum Target<'a> {
    /// A peer's channel, and the candidate beside it.
    Peer(&'a Peer),
    /// The channel that has an identifier.
    Channel(&'a Arc<Inbox>),
}

/// Several datagrams for one target, under one lock.
#[derive(Default)]
struct Deliveries<'a> {
    target: Option<Target<'a>>,
    inboxes: [Option<Delivery<'a>>; 2],
}

impl<'a> Deliveries<'a> {
    fn to(target: Target<'a>) -> Self {
        let inboxes = match target {
            Target::Peer(peer) => {
                let candidate = peer.candidate.as_ref();
                [Some(&peer.current), candidate]
            }
            Target::Channel(inbox) => [Some(inbox), None],
        };
        Self {
            target: Some(target),
            inboxes: inboxes.map(|inbox| inbox.map(|inbox| inbox.delivery())),
        }
    }

    fn are_to(&self, target: Target<'_>) -> bool {
        match (self.target, target) {
            (Some(Target::Peer(_)), Target::Peer(_)) => true,
            (Some(Target::Channel(inbox)), Target::Channel(other)) => Arc::ptr_eq(inbox, other),
            _ => false,
        }
    }

    fn push(&mut self, datagram: &[u8], from: SocketAddr) {
        for delivery in self.inboxes.iter_mut().flatten() {
            delivery.push(datagram, from);
        }
    }

    /// Adds whom to wake, once all locks are released, and returns how many datagrams were dropped.
    fn finish(self, wakers: &mut Vec<Waker>) -> usize {
        let deliveries = self.inboxes.into_iter().flatten();
        deliveries
            .map(|delivery| {
                let (waker, dropped) = delivery.finish();
                wakers.extend(waker);
                dropped
            })
            .sum()
    }
}
