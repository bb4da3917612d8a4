//! Several addresses, of which the first that answers is taken.

use std::{future::Future, io, net::SocketAddr, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use tokio::time::timeout;

use crate::{
    client::connector::Connector,
    datagrams::Pipe,
    error::ConnectError,
    resumption::{Resumption, store::Place},
    session::Session,
};

/// What is offered to be resumed.
#[derive(Clone, Copy)]
pub(super) enum Former<'a> {
    Nothing,
    /// What the store has.
    Stored,
    This(&'a Resumption),
}

/// Tries the addresses, each [a little](STAGGER) after the one before, or as soon as that has failed.
pub(super) async fn first<F>(
    addresses: &[SocketAddr],
    attempt: impl Fn(SocketAddr) -> F,
) -> Result<Session, ConnectError>
where
    F: Future<Output = Result<Session, ConnectError>>,
{
    let mut untried = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = None;
    loop {
        if let Some(peer) = untried.next() {
            attempts.push(attempt(*peer));
        }
        let outcome = if untried.len() == 0 {
            attempts.next().await
        } else if let Ok(outcome) = timeout(STAGGER, attempts.next()).await {
            outcome
        } else {
            continue;
        };
        match outcome {
            Some(Ok(session)) => return Ok(session),
            Some(Err(error)) => {
                let former = failure.as_ref().map(ConnectError::weight);
                if former.is_none_or(|former| former < error.weight()) {
                    failure = Some(error);
                }
            }
            None => return Err(failure.unwrap_or(ConnectError::NoAddress)),
        }
    }
}

/// Connects to one address, and once more without resumption where the server stumbles over that.
pub(super) async fn attempt(
    connector: &Connector,
    name: &str,
    peer: SocketAddr,
    former: Former<'_>,
    open: &(dyn Fn(SocketAddr) -> io::Result<Pipe> + Send + Sync + '_),
) -> Result<Session, ConnectError> {
    let open = || open(peer).map_err(|source| ConnectError::Socket { peer, source });
    let place = || Place::new(&connector.sessions, name, peer);
    let mut first = place();
    let offered = match former {
        Former::Nothing => None,
        Former::Stored => first.offer().cloned(),
        Former::This(former) => Some(former.clone()),
    };
    let handshake = connector.handshake(name, offered.as_ref(), open()?);
    let outcome = match handshake.with_place(first).await {
        Err(error) if offered.is_some() && !error.is_silence() => {
            tracing::debug!(%error, "cannot resume, and starts anew");
            let handshake = connector.handshake(name, None, open()?);
            handshake.with_place(place()).await
        }
        outcome => outcome,
    };
    outcome.map_err(|source| ConnectError::Handshake { peer, source })
}

/// The delay that RFC 8305 5 recommends between attempts.
const STAGGER: Duration = Duration::from_millis(250);
