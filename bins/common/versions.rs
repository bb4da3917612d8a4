//! Which versions of DTLS to speak, from the command line.

use clap::Args;
use dtls_session::{SessionConfig, Version};

/// The flags that bound the versions.
#[derive(Clone, Copy, Debug, Args)]
pub struct VersionArgs {
    /// Oldest version of DTLS to speak: 1.0, which is unsafe, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    pub min_version: Version,
    /// Newest version of DTLS to speak; 1.3 needs OpenSSL 4.1
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    pub max_version: Version,
}

impl VersionArgs {
    /// Puts the bounds into a configuration.
    pub fn bound(&self, config: SessionConfig) -> SessionConfig {
        config
            .min_version(self.min_version)
            .max_version(self.max_version)
    }
}
