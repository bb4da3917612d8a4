//! Further threads, each with its own socket, runtime and sessions.

use std::{io, net::UdpSocket, sync::Arc, thread};

use dtls_echo::FactsArgs;
use dtls_session::Listener;
use tokio::{runtime, task::spawn_blocking};
use tokio_util::sync::CancellationToken;
use udp_demux::{Config, Endpoint};

use crate::serve::serve;

/// The threads, until they are stopped.
#[derive(Debug)]
pub(crate) struct Shards {
    stop: CancellationToken,
    threads: Vec<thread::JoinHandle<io::Result<()>>>,
}

impl Shards {
    /// Starts one for each socket, as siblings of `listener`.
    pub(crate) fn start(
        listener: &Arc<Listener>,
        facts: FactsArgs,
        sockets: impl Iterator<Item = (UdpSocket, Config)>,
    ) -> io::Result<Self> {
        let stop = CancellationToken::new();
        let threads = sockets.zip(1..).map(|((socket, config), number)| {
            let (listener, stop) = (Arc::clone(listener), stop.clone());
            thread::Builder::new()
                .name(format!("shard-{number}"))
                .spawn(move || run(&listener, facts, socket, config, stop))
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Self { stop, threads })
    }

    pub(crate) fn len(&self) -> usize {
        self.threads.len()
    }

    /// Cancelled when a shard has ended: without it, some peers would get no answer.
    pub(crate) fn stopped(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Ends all of them, which takes as long as their sessions need to say goodbye.
    pub(crate) async fn stop(self) -> io::Result<()> {
        self.stop.cancel();
        let mut outcome = Ok(());
        for thread in self.threads {
            let gone = || Err(io::Error::other("a shard has panicked"));
            let joined = spawn_blocking(move || thread.join()).await;
            let ended = joined.map_or_else(|_| gone(), |ended| ended.unwrap_or_else(|_| gone()));
            outcome = outcome.and(ended);
        }
        outcome
    }
}

fn run(
    listener: &Listener,
    facts: FactsArgs,
    socket: UdpSocket,
    config: Config,
    stop: CancellationToken,
) -> io::Result<()> {
    // However this ends, the others end with it.
    let ending = stop.clone().drop_guard();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let served = runtime.block_on(async {
        let listener = listener.sibling(Endpoint::from_socket(socket, config)?);
        serve(Arc::new(listener), facts, stop.cancelled_owned()).await
    });
    drop(ending);
    served
}
