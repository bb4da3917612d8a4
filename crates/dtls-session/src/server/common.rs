//! What a listener shares with its siblings.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
};

use tokio::sync::{Notify, Semaphore};

use crate::{
    cookie::{
        gate::{CookieGate, HelloVerifyRequest},
        hello::Hello,
    },
    server::{acceptor::Acceptor, allowance::Allowance, refusal::Refused, registry::Registry},
};

/// What a listener shares with its siblings.
#[derive(Debug)]
pub(super) struct Common {
    pub(super) service: RwLock<Arc<Service>>,
    pub(super) registry: Arc<Registry>,
    pub(super) challenges: Allowance,
    pub(super) unproven: Arc<Semaphore>,
    pub(super) counters: Counters,
    pub(super) closed: AtomicBool,
    pub(super) closing: Notify,
    /// The last one, until somebody asks.
    pub(super) refused: Mutex<Option<Refused>>,
    pub(super) refusing: Notify,
}

/// What new clients meet.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) acceptor: Acceptor,
    pub(super) gate: CookieGate,
}

impl Common {
    pub(super) fn service(&self) -> Arc<Service> {
        let service = self.service.read();
        Arc::clone(&service.unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes the answer to a hello without a good cookie, if there may be one more.
    pub(super) fn challenge(
        &self,
        service: &Service,
        peer: SocketAddr,
        hello: &Hello<'_>,
    ) -> Option<HelloVerifyRequest> {
        if !self.challenges.take() {
            add(&self.counters.challenges_limited);
            return None;
        }
        tracing::trace!(%peer, "hello answered with a cookie");
        add(&self.counters.challenged);
        Some(service.gate.challenge(peer, hello))
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) challenged: AtomicU64,
    pub(super) challenges_limited: AtomicU64,
    pub(super) discarded: AtomicU64,
    pub(super) repeated: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) refused_half_open: AtomicU64,
    pub(super) refused_half_open_per_address: AtomicU64,
    pub(super) refused_sessions: AtomicU64,
    pub(super) refused_per_address: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
