//! Further threads, each with its own socket, runtime and sessions.

use std::{io, net::UdpSocket, sync::Arc, thread};

use anyhow::{Context, anyhow};
use dtls_session::Listener;
use tokio::{runtime, task::spawn_blocking};
use udp_demux::{Config, Endpoint};

use crate::serve::{Service, serve};

/// The threads, until they have stopped.
#[derive(Debug)]
pub(crate) struct Shards(Vec<thread::JoinHandle<anyhow::Result<()>>>);

impl Shards {
    /// Starts one for each socket, as siblings of `listener`, which is number 0.
    pub(crate) fn start(
        listener: &Arc<Listener>,
        service: &Service,
        sockets: impl Iterator<Item = (UdpSocket, Config)>,
    ) -> io::Result<Self> {
        let threads = sockets.zip(1..).map(|((socket, config), number)| {
            let (listener, service) = (Arc::clone(listener), service.clone());
            thread::Builder::new()
                .name(format!("shard-{number}"))
                .spawn(move || run(number, &listener, service, socket, config))
        });
        let threads = threads.collect::<io::Result<_>>()?;
        Ok(Self(threads))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Waits until all of them have ended, which is some time after they are told to.
    pub(crate) async fn join(self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for thread in self.0 {
            let gone = || Err(anyhow!("a shard has panicked"));
            let joined = spawn_blocking(move || thread.join()).await;
            let ended = joined.map_or_else(|_| gone(), |ended| ended.unwrap_or_else(|_| gone()));
            outcome = outcome.and(ended);
        }
        outcome
    }
}

fn run(
    number: usize,
    listener: &Listener,
    service: Service,
    socket: UdpSocket,
    config: Config,
) -> anyhow::Result<()> {
    // However this ends, the others end with it: without it some peers would get no answer.
    let _ending = service.stop.drain.clone().drop_guard();
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a shard")?;
    runtime.block_on(async {
        let endpoint = Endpoint::from_socket(socket, config).context("cannot start a shard")?;
        let listener = Arc::new(listener.sibling(endpoint));
        if let Some(metrics) = &service.metrics {
            metrics.watch(number, &listener);
        }
        Ok(serve(listener, service).await?)
    })
}
