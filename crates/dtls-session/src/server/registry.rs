//! The limits' bookkeeper, which hands out places.

use std::{
    mem,
    net::SocketAddr,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    task::{Context, Poll, Waker},
};

use tokio::sync::{Notify, OwnedSemaphorePermit};
use udp_demux::Promotion;

use crate::{
    cookie::opening::Opening,
    guard::{Close, Guard},
    server::{
        notice::Notice,
        table::{Denial, Finished, Table},
    },
    settings::limits::Limits,
};

#[derive(Debug)]
pub(crate) struct Registry {
    limits: Limits,
    table: Mutex<Table>,
    /// Told when nobody is left.
    idle: Notify,
}

impl Registry {
    pub(crate) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            table: Mutex::default(),
            idle: Notify::new(),
        })
    }

    /// Admits a hello.
    ///
    /// A peer that already has a session is let in above the limit of sessions: it will have the
    /// same number afterwards. A handshake that the peer has left behind ends, if it is `proven` that
    /// this is the peer.
    pub(crate) fn admit(
        self: &Arc<Self>,
        peer: SocketAddr,
        opening: Opening,
        proven: bool,
    ) -> Result<Permit, Denial> {
        let mut table = self.lock();
        let (id, notice) = table.enter(&self.limits, peer, opening, proven)?;
        let repeats = table.has_failed(peer);
        drop(table);
        Ok(Permit {
            registry: Arc::clone(self),
            peer,
            id,
            notice,
            repeats,
            established: false,
            promotion: None,
            unproven: None,
        })
    }

    /// Whether the hello is one that has started a handshake already.
    pub(crate) fn has(&self, peer: SocketAddr, opening: &Opening) -> bool {
        self.lock().has(peer, opening)
    }

    /// Tells the handshake that this hello has started that it has come again, in a record of this
    /// number.
    pub(crate) fn repeat(&self, peer: SocketAddr, opening: &Opening, record: u64) {
        self.lock().repeat(peer, opening, record);
    }

    /// How many handshakes and how many sessions there are.
    pub(crate) fn counts(&self) -> (usize, usize) {
        self.lock().counts()
    }

    /// Ends all handshakes, and closes all sessions.
    pub(crate) fn close(&self) {
        let sessions = self.lock().close();
        // What closes a session may end it, which comes back here.
        let sessions = sessions.iter().filter_map(Weak::upgrade);
        sessions.for_each(|session| session.close());
    }

    /// Waits until there is neither handshake nor session.
    pub(crate) async fn wait_idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.counts() == (0, 0) {
                return;
            }
            idle.await;
        }
    }

    /// How many handshakes had to give up their place.
    pub(crate) fn evicted(&self) -> u64 {
        self.lock().evicted
    }

    pub(crate) fn finished(&self) -> Finished {
        self.lock().finished
    }

    fn lock(&self) -> Locked<'_> {
        Locked(Some(
            self.table.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

/// The table while it is locked; who is to be woken is woken once it is released.
struct Locked<'a>(Option<MutexGuard<'a, Table>>);

impl Deref for Locked<'_> {
    type Target = Table;

    fn deref(&self) -> &Table {
        self.0.as_ref().expect(HELD)
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Table {
        self.0.as_mut().expect(HELD)
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let woken = mem::take(&mut self.woken);
        drop(self.0.take());
        woken.into_iter().for_each(Waker::wake);
    }
}

const HELD: &str = "the lock is held until the drop";

/// One handshake's, later one session's, place in the registry.
#[derive(Debug)]
pub(crate) struct Permit {
    registry: Arc<Registry>,
    peer: SocketAddr,
    id: u64,
    notice: Arc<Notice>,
    /// Whether the same client has failed a short while ago.
    repeats: bool,
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
}

impl Guard for Permit {
    fn repeats(&self) -> bool {
        self.repeats
    }

    fn poll_evicted(&self, cx: &Context<'_>) -> Poll<()> {
        self.notice.poll_evicted(cx)
    }

    fn hello(&self) -> u64 {
        self.notice.hello()
    }

    fn establish(&mut self, resumed: bool) -> bool {
        let mut table = self.registry.lock();
        if !table.establish(self.peer, self.id) {
            return false;
        }
        table.finished.resumed += u64::from(resumed);
        drop(table);
        self.established = true;
        self.unproven = None;
        if let Some(promotion) = self.promotion.take() {
            promotion.promote();
        }
        true
    }

    fn closes(&self, session: Weak<dyn Close>) -> bool {
        self.registry.lock().keep(self.id, session)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut table = self.registry.lock();
        table.leave(self.peer, self.id, self.established);
        if !self.established {
            table.remember_failure(self.peer);
        }
        let idle = table.counts() == (0, 0);
        drop(table);
        if idle {
            self.registry.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, Ordering},
        task::Wake,
        time::Duration,
    };

    use super::*;
    use crate::server::table::STALE;

    fn peer(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    fn opening(random: u8, message: u16) -> Opening {
        let random = [random; 32];
        Opening { random, message }
    }

    fn admit(registry: &Arc<Registry>, port: u16, random: u8) -> Result<Permit, Denial> {
        registry.admit(peer(port), opening(random, 1), true)
    }

    fn evicted(permit: &Permit) -> bool {
        let cx = Context::from_waker(Waker::noop());
        permit.poll_evicted(&cx).is_ready()
    }

    #[tokio::test]
    async fn a_repeated_hello_is_told_from_a_restarted_clients() {
        let registry = Registry::new(Limits::default());
        let mut first = admit(&registry, 1, 1).unwrap();
        assert_eq!(admit(&registry, 1, 1).unwrap_err(), Denial::Repeated);
        let restarted = admit(&registry, 1, 2).unwrap();
        assert!(evicted(&first) && !first.establish(false));
        drop((first, restarted));
        let mut session = admit(&registry, 1, 1).unwrap();
        assert!(session.establish(false));
        assert_eq!(admit(&registry, 1, 1).unwrap_err(), Denial::Repeated);
        let mut successor = admit(&registry, 1, 2).unwrap();
        assert!(successor.establish(false));
        drop(session);
        assert_eq!(admit(&registry, 1, 2).unwrap_err(), Denial::Repeated);
        assert_eq!(registry.counts(), (0, 1));
    }

    #[tokio::test]
    async fn a_client_that_was_asked_for_another_cookie_starts_anew() {
        let registry = Registry::new(Limits::default());
        let first = registry.admit(peer(1), opening(1, 1), true).unwrap();
        let _second = registry.admit(peer(1), opening(1, 2), true).unwrap();
        assert!(evicted(&first));
        for late in [1, 2] {
            let late = registry.admit(peer(1), opening(1, late), true);
            assert_eq!(late.unwrap_err(), Denial::Repeated);
        }
    }

    #[tokio::test]
    async fn nobody_who_is_unproven_ends_a_handshake() {
        let registry = Registry::new(Limits::default());
        let mut running = admit(&registry, 1, 1).unwrap();
        let forged = registry.admit(peer(1), opening(2, 1), false);
        assert_eq!(forged.unwrap_err(), Denial::Repeated);
        assert!(!evicted(&running) && running.establish(false));
        // Beside a session it may try, and ends nothing by that.
        let mut restarted = registry.admit(peer(1), opening(3, 1), false).unwrap();
        assert_eq!(registry.counts(), (1, 1));
        assert!(restarted.establish(false));
    }

    #[tokio::test]
    async fn limits_refuse_the_newest_and_places_come_back() {
        let limits = Limits::default().half_open(2).sessions(3).per_address(3);
        let registry = Registry::new(limits);
        let mut a = admit(&registry, 1, 0).unwrap();
        let _b = admit(&registry, 2, 0).unwrap();
        assert_eq!(admit(&registry, 3, 0).unwrap_err(), Denial::HalfOpen);
        a.establish(false);
        let mut c = admit(&registry, 3, 0).unwrap();
        c.establish(false);
        assert_eq!(admit(&registry, 4, 0).unwrap_err(), Denial::PerAddress);
        let elsewhere = registry.admit(([192, 0, 2, 2], 4).into(), opening(0, 1), true);
        assert_eq!(elsewhere.unwrap_err(), Denial::Sessions);
        let successor = admit(&registry, 1, 9).unwrap();
        drop((successor, c));
        admit(&registry, 4, 0).unwrap();
        assert_eq!(registry.counts(), (1, 1));
    }

    #[tokio::test]
    async fn one_network_has_its_share_of_handshakes() {
        let registry = Registry::new(Limits::default().half_open_per_address(1));
        let host = |text: &str| registry.admit(text.parse().unwrap(), opening(0, 1), true);
        let mut first = host("[2001:db8:1:2::1]:1").unwrap();
        let neighbour = host("[2001:db8:1:2:ffff::]:9").unwrap_err();
        assert_eq!(neighbour, Denial::HalfOpenPerAddress);
        let _other = host("[2001:db8:1:3::1]:1").unwrap();
        first.establish(false);
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
        assert!(!stale.establish(false));
        assert_eq!(admit(&registry, 4, 0).unwrap_err(), Denial::HalfOpen);
        assert_eq!((registry.counts(), registry.evicted()), ((2, 0), 1));
        drop((stale, young, newest));
        assert_eq!(registry.counts(), (0, 0));
    }

    struct Told(AtomicBool);

    impl Close for Told {
        fn close(&self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn a_closed_registry_closes_what_comes_late() {
        let registry = Registry::new(Limits::default());
        let told = Arc::new(Told(AtomicBool::new(false)));
        let weak =
            |told: &Arc<Told>| -> Weak<dyn Close> { Arc::downgrade(told) as Weak<dyn Close> };
        let mut early = admit(&registry, 1, 1).unwrap();
        assert!(early.establish(false) && early.closes(weak(&told)));
        let mut late = admit(&registry, 2, 1).unwrap();
        assert!(late.establish(false));
        registry.close();
        assert!(told.0.load(Ordering::Relaxed));
        assert!(!late.closes(weak(&told)));
        assert_eq!(admit(&registry, 3, 1).unwrap_err(), Denial::Closed);
        drop((early, late));
        registry.wait_idle().await;
    }

    /// A waker that gives the handshake up at once, which comes back to the registry.
    #[tokio::test]
    async fn whom_an_eviction_wakes_may_leave_at_once() {
        struct Leaving(Mutex<Option<Permit>>);
        impl Wake for Leaving {
            fn wake(self: Arc<Self>) {
                drop(self.0.lock().unwrap().take());
            }
        }
        let registry = Registry::new(Limits::default());
        let leaving = Arc::new(Leaving(Mutex::default()));
        let permit = admit(&registry, 1, 1).unwrap();
        let waker = Waker::from(Arc::clone(&leaving));
        assert!(
            permit
                .poll_evicted(&Context::from_waker(&waker))
                .is_pending()
        );
        *leaving.0.lock().unwrap() = Some(permit);
        let admitting = tokio::task::spawn_blocking({
            let registry = Arc::clone(&registry);
            move || admit(&registry, 1, 2).is_ok()
        });
        let admitted = tokio::time::timeout(Duration::from_secs(60), admitting);
        assert!(admitted.await.expect("it hangs").unwrap());
        assert!(leaving.0.lock().unwrap().is_none());
    }

    #[tokio::test]
    async fn nothing_is_left_behind() {
        let registry = Registry::new(Limits::default());
        let mut a = admit(&registry, 1, 1).unwrap();
        a.establish(false);
        let b = admit(&registry, 1, 2).unwrap();
        drop((a, b));
        assert!(registry.lock().is_empty());
    }
}
