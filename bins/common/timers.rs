//! How long to wait for a peer's flight, from the command line.

use std::time::Duration;

use clap::Args;
use dtls_session::SessionConfig;

use crate::seconds;

/// The flags of the retransmission timer.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Retransmission")]
pub struct TimerArgs {
    /// After how long to repeat a flight for which the peer has to compute; doubled at each repeat
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    initial_rto: Duration,
    /// The least time, where the peer is known to be quick
    #[arg(long, value_name = "SECONDS", default_value = "0.2", value_parser = seconds)]
    min_rto: Duration,
    /// The longest time
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = seconds)]
    max_rto: Duration,
}

impl TimerArgs {
    /// Adds what they say to a configuration.
    pub fn apply(&self, config: SessionConfig) -> SessionConfig {
        config
            .initial_rto(self.initial_rto)
            .rto_bounds(self.min_rto, self.max_rto)
    }
}
