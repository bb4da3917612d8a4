//! From the command line to a session.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dtls_echo::explain;
use dtls_session::{ConnectError, PassedMessage, Session, SessionConfig, SessionStore};

use udp_demux::ConnectedSocket;

use crate::{
    Args, failure::Failure, session_file::SessionFile, tap::Tap, trace::Trace, watch::Watch,
};

/// A session, and what was seen below it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) session: Session,
    pub(crate) watch: Watch,
}

impl Connection {
    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.watch.lock().peer
    }

    /// How many ICMP refusals have come.
    pub(crate) fn refusals(&self) -> u64 {
        self.watch.lock().refusals
    }
}

/// Connects to the first of the server's addresses that answers.
///
/// # Errors
///
/// What is wrong on this side; what happens to the handshake is the inner result.
pub(crate) async fn connect(args: &Args) -> anyhow::Result<Result<Connection, Failure>> {
    let addresses = args.addr.resolve().await?;
    let config = SessionConfig::default()
        .mtu(args.mtu.into())
        .handshake_timeout(args.timeout);
    let config = args.records.apply(args.timers.apply(config));
    let store = SessionStore::default();
    let trace = args.trace.trace(args.facts.json());
    let watches = Watches::default();
    let mut preferences = args.preferences.preferences()?;
    if trace.is_some() {
        let watches = watches.clone();
        preferences = preferences.message_log(move |message| watches.opened(message));
    }
    let mut builder = args
        .trust
        .connector(&addresses, config)?
        .preferences(preferences)
        .session_store(store.clone());
    if let Some(bytes) = args.max_fragment_length {
        builder = builder.max_fragment_length(bytes);
    }
    let connector = builder.build().map_err(explain)?;
    let name = args.server_name();
    let file = args.session.as_deref().map(SessionFile);
    if let Some(former) = file.as_ref().and_then(|file| file.load(&connector, name)) {
        for address in &addresses {
            store.insert(name, *address, former.clone());
        }
    }
    let open = |peer| {
        let watch = watches.begin(peer, trace);
        Ok(Tap::new(ConnectedSocket::connect(peer)?, watch))
    };
    let session = connector
        .connect(name)
        .to(&addresses)
        .open(open)
        .resume()
        .await;
    let session = match session {
        Ok(session) => session,
        Err(error) => {
            let watch = watches.of_failure(&error);
            if let Some(watch) = &watch
                && let Some(question) = watch.unanswered()
            {
                let elsewhere = question.answered_by().await;
                watch.lock().elsewhere = elsewhere;
            }
            return Ok(Err(Failure { error, watch }));
        }
    };
    if let Some(file) = &file {
        file.store(session.resumption());
    }
    let watch = watches.of(session.peer_addr());
    let connection = Connection {
        watch: watch.expect("each attempt begins with its watch"),
        session,
    };
    let session = &connection.session;
    tracing::info!(
        peer = %connection.peer_addr(),
        version = session.info().version.to_string(),
        cipher = session.info().cipher,
        resumed = session.info().resumed,
        record_protection = session.info().record_protection.to_string(),
        "session started"
    );
    Ok(Ok(connection))
}

/// Those of all attempts.
#[derive(Clone, Debug, Default)]
struct Watches(Arc<Mutex<Vec<Watch>>>);

impl Watches {
    fn begin(&self, peer: SocketAddr, trace: Option<Trace>) -> Watch {
        let watch = Watch::new(peer, trace);
        self.lock().push(watch.clone());
        watch
    }

    /// The last one of an address.
    fn of(&self, peer: SocketAddr) -> Option<Watch> {
        let watches = self.lock();
        let found = watches.iter().rfind(|watch| watch.lock().peer == peer);
        found.cloned()
    }

    /// The last one of the address that an error is about.
    fn of_failure(&self, error: &ConnectError) -> Option<Watch> {
        match error {
            ConnectError::Handshake { peer, .. } | ConnectError::Socket { peer, .. } => {
                self.of(*peer)
            }
            _ => self.lock().last().cloned(),
        }
    }

    fn opened(&self, message: &PassedMessage<'_>) {
        let watches = self.lock();
        if let Some(watch) = watches.iter().max_by_key(|watch| watch.last_passed()) {
            watch.opened(message);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
