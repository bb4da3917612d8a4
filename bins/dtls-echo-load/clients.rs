//! Sessions with the server.

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use dtls_echo::{Request, explain};
use dtls_session::Connector;
use futures::{StreamExt, stream};
use tokio::time::Instant;

use crate::{
    line::Line,
    plan::{Mode, Plan},
    socket::Socket,
    tally::{Tally, record},
    window::Window,
};

/// Makes sessions, and counts them.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) plan: Arc<Plan>,
    pub(crate) tally: Arc<Tally>,
    connector: Connector,
    server: SocketAddr,
}

/// One session, its socket, and its requests.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) session: Line,
    pub(crate) socket: Socket,
    pub(crate) request: Request,
    pub(crate) window: Window,
}

impl Clients {
    pub(crate) async fn new(plan: &Arc<Plan>, tally: &Arc<Tally>) -> anyhow::Result<Self> {
        let addresses = plan.addr.resolve().await?;
        let builder = plan.trust.connector(&addresses, plan.session.clone())?;
        Ok(Self {
            plan: Arc::clone(plan),
            tally: Arc::clone(tally),
            connector: builder.build().map_err(explain)?,
            server: *addresses.first().context("there is no address")?,
        })
    }

    /// Makes as many sessions as are planned; those that fail are counted.
    pub(crate) async fn all(&self) -> Vec<Client> {
        stream::iter(0..self.plan.sessions)
            .map(|number| self.connect(number))
            .buffer_unordered(HANDSHAKES)
            .filter_map(std::future::ready)
            .collect()
            .await
    }

    /// Makes one session, or counts that it failed.
    pub(crate) async fn connect(&self, number: usize) -> Option<Client> {
        let start = Instant::now();
        match self.try_connect(number).await {
            Ok(client) => {
                let mut counts = self.tally.lock();
                counts.established += 1;
                counts.record_protection = client.session.record_protection();
                counts.retransmissions += client.session.retransmissions();
                record(&mut counts.handshakes, start.elapsed());
                Some(client)
            }
            Err(error) => {
                tracing::debug!("handshake failed: {error:#}");
                self.tally.fail(&error);
                None
            }
        }
    }

    async fn try_connect(&self, number: usize) -> anyhow::Result<Client> {
        let socket = Socket::connect(self.server, self.plan.mode == Mode::Bulk)
            .await
            .context("cannot open a socket for each session")?;
        let trust = &self.plan.trust;
        let name = trust.server_name.as_deref();
        let name = name.unwrap_or_else(|| self.plan.addr.host());
        let session = if self.plan.plaintext {
            Line::Plain(socket.clone())
        } else {
            Line::Dtls(self.connector.connect(name).over(socket.clone()).await?)
        };
        Ok(Client {
            session,
            socket,
            request: Request::new(number, self.plan.size),
            window: Window::default(),
        })
    }
}

/// How many handshakes run at a time until all sessions are there.
const HANDSHAKES: usize = 64;
