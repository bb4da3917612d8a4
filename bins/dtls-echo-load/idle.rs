//! Sessions that say nothing, but for a probe now and then.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use crate::{
    clients::{Client, Clients},
    plan::Pace,
    tally::record,
    window::Reply,
};

/// Establishes all sessions, then probes them in turn until the time is over.
pub(crate) async fn run(clients: Clients) {
    let mut sessions: Vec<_> = clients.all().await.into_iter().map(Some).collect();
    let start = Instant::now();
    tracing::info!(sessions = sessions.len(), "established");
    let until = start + clients.plan.duration;
    let mut ticks = interval(match clients.plan.pace {
        Pace::Rate(rate) => Duration::from_secs(1) / rate,
        Pace::Window(_) => Duration::from_micros(1),
    });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let places = sessions.len();
    for place in (0..places).cycle() {
        ticks.tick().await;
        clients.tally.lock().worked = start.elapsed();
        if Instant::now() >= until {
            break;
        }
        if let Some(client) = &mut sessions[place]
            && let Err(error) = probe(&clients, client).await
        {
            clients.tally.break_off(&error, client.window.len() as u64);
            sessions[place] = None;
        }
    }
    for client in sessions.into_iter().flatten() {
        client.session.close();
    }
}

/// Asks once, and waits for the reply.
async fn probe(clients: &Clients, client: &mut Client) -> anyhow::Result<()> {
    let sent = Instant::now();
    let request = client.request.numbered(client.window.open(sent));
    client.session.send(request).await?;
    client.socket.flush().await?;
    clients.tally.lock().sent += 1;
    let mut buf = vec![0; 16_384];
    let deadline = sent + clients.plan.reply_timeout;
    while let Ok(received) = timeout_at(deadline, client.session.recv(&mut buf)).await {
        let length = received?;
        let answered = client.request.answered_by(&buf[..length]);
        let mut counts = clients.tally.lock();
        match answered.map(|number| client.window.close(number)) {
            Some(Reply::To(sent)) => {
                counts.answered += 1;
                record(&mut counts.round_trips, sent.elapsed());
                return Ok(());
            }
            // The reply to this request may still come.
            Some(Reply::Late) => counts.late += 1,
            Some(Reply::Unasked) | None => counts.wrong += 1,
        }
    }
    clients.tally.lock().lost += client.window.give_up(Instant::now(), Duration::ZERO);
    Ok(())
}
