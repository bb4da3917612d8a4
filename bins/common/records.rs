//! Who protects the records, from the command line.

use clap::{Args, ValueEnum};
use dtls_session::{RecordProtection, SessionConfig};

/// The flag that says who protects the records.
#[derive(Clone, Copy, Debug, Args)]
pub struct RecordArgs {
    /// Who protects the records once a handshake has finished; openssl also does where own cannot
    #[arg(long, value_name = "WHOSE", default_value = "own")]
    records: Records,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Records {
    /// This project: with DTLS 1.2 and AEAD
    Own,
    /// OpenSSL
    Openssl,
}

impl RecordArgs {
    /// Adds what it says to a configuration.
    pub fn apply(self, config: SessionConfig) -> SessionConfig {
        config.record_protection(match self.records {
            Records::Own => RecordProtection::Own,
            Records::Openssl => RecordProtection::OpenSsl,
        })
    }
}
