//! Asks a DTLS echo server more than it may like, and reports how it bore it.

mod clients;
mod echo;
mod handshakes;
mod idle;
mod line;
mod manual;
mod plan;
mod progress;
mod report;
mod socket;
mod tally;
mod window;

use std::{process::ExitCode, sync::Arc};

use clap::{CommandFactory, error::ErrorKind};
use dtls_echo::{parse, run, tell_error};
use tokio::signal;

use crate::{
    clients::Clients,
    plan::{Args, Mode, Plan},
    report::Report,
    tally::Tally,
};

fn main() -> ExitCode {
    let plan = Plan::new(parse::<Args>(&manual::MANUAL)).unwrap_or_else(|error| {
        Args::command()
            .error(ErrorKind::ValueValidation, error)
            .exit()
    });
    run(plan.log, load(plan))
}

async fn load(plan: Plan) -> anyhow::Result<ExitCode> {
    // Each session has a socket; where the system allows fewer, opening them says so.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let plan = Arc::new(plan);
    let tally = Arc::new(Tally::default());
    let clients = Clients::new(&plan, &tally).await?;
    let progress = progress::show(&plan, &tally);
    let work = async {
        match plan.mode {
            Mode::Handshakes => handshakes::run(clients).await,
            Mode::Echo | Mode::Bulk => echo::run(clients).await,
            Mode::Idle => idle::run(clients).await,
        }
    };
    let interrupted = tokio::select! {
        () = work => false,
        _ = signal::ctrl_c() => true,
    };
    progress.abort();
    let report = Report::new(&plan, &tally.lock());
    report.print(plan.json)?;
    Ok(match report.verdict(plan.max_loss) {
        Ok(()) if interrupted => ExitCode::from(130),
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            tell_error(reason);
            ExitCode::FAILURE
        }
    })
}
