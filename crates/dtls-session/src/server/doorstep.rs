//! First hellos, answered where they are received.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{
            AtomicUsize,
            Ordering::{Acquire, Release},
        },
    },
};

use udp_demux::{Endpoint, Response};

use crate::{
    cookie::gate::Judgement,
    server::common::{Common, add},
};

/// How many wait for a client on one socket. Only meanwhile strangers are answered.
#[derive(Debug, Default)]
pub(super) struct Hosts(AtomicUsize);

/// One who waits, until it is dropped.
pub(super) struct Host<'a>(&'a Hosts);

impl Hosts {
    pub(super) fn enter(&self) -> Host<'_> {
        self.0.fetch_add(1, Release);
        Host(self)
    }
}

impl Drop for Host<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Release);
    }
}

/// Lets the endpoint answer strangers as [`Listener::accept`](crate::Listener::accept) would, so that a
/// flood wakes no task.
pub(super) fn guard(endpoint: &Endpoint, common: &Arc<Common>) -> Arc<Hosts> {
    let hosts = Arc::new(Hosts::default());
    let (at_home, common) = (Arc::clone(&hosts), Arc::clone(common));
    endpoint.set_responder(move |peer, datagram, reply| {
        if at_home.0.load(Acquire) == 0 {
            return Response::Accept;
        }
        common.answer(peer, datagram, reply)
    });
    hosts
}

impl Common {
    /// What needs more than an answer is for who accepts.
    fn answer(&self, peer: SocketAddr, datagram: &[u8], reply: &mut Vec<u8>) -> Response {
        let service = self.service();
        if self.closed.load(Acquire) || service.acceptor.unproven(datagram).is_some() {
            return Response::Accept;
        }
        match service.gate.judge(peer, datagram) {
            Judgement::Verified(..) => Response::Accept,
            Judgement::Unverified(hello) => match self.challenge(&service, peer, &hello) {
                Some(request) => {
                    reply.extend_from_slice(request.as_ref());
                    Response::Reply
                }
                None => Response::Discard,
            },
            Judgement::NoHello => {
                add(&self.counters.discarded);
                Response::Discard
            }
        }
    }
}
