//! Where the datagrams of one run go.

use std::task::Waker;

use crate::{
    batch::Run,
    departure::{Origin, Patience},
    inbox::Delivery,
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
    /// Whether its peer has a channel, and it goes elsewhere all the same.
    diverted: bool,
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
        let mut deliveries = state.table.get(run.peer).map(Deliveries::to);
        for (place, datagram) in run.datagrams().enumerate() {
            if datagram.len() > self.config.max_datagram {
                continue;
            }
            let diverted = match &mut deliveries {
                None => false,
                Some(deliveries) => match (self.config.route)(datagram) {
                    Route::Peer => {
                        deliveries.push(datagram);
                        continue;
                    }
                    Route::Accept => {
                        self.counters.diverted.add(1);
                        true
                    }
                },
            };
            strays.push(Stray { place, diverted });
        }
        if let Some(deliveries) = deliveries {
            let dropped = deliveries.finish(wakers);
            self.counters.dropped_queue_full.add(dropped);
        }
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
                    Some(peer) if !stray.diverted => {
                        let mut deliveries = Deliveries::to(peer);
                        deliveries.push(datagram);
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

/// Several datagrams for one peer's channel, and for the candidate beside it.
struct Deliveries<'a>([Option<Delivery<'a>>; 2]);

impl<'a> Deliveries<'a> {
    fn to(peer: &'a Peer) -> Self {
        let candidate = peer.candidate.as_ref();
        Self([
            Some(peer.current.delivery()),
            candidate.map(|inbox| inbox.delivery()),
        ])
    }

    fn push(&mut self, datagram: &[u8]) {
        for delivery in self.0.iter_mut().flatten() {
            delivery.push(datagram);
        }
    }

    /// Adds whom to wake, once all locks are released, and returns how many datagrams were dropped.
    fn finish(self, wakers: &mut Vec<Waker>) -> usize {
        let deliveries = self.0.into_iter().flatten();
        deliveries
            .map(|delivery| {
                let (waker, dropped) = delivery.finish();
                wakers.extend(waker);
                dropped
            })
            .sum()
    }
}
