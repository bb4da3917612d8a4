//! What to negotiate, from the command line.

use std::{
    env,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clap::Args;
use dtls_session::{BuildError, Preferences, Version};

/// The flags that say what to negotiate.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Negotiation")]
pub struct PreferenceArgs {
    /// The earliest version of DTLS to speak: 1.0, which is unsafe, 1.2 or 1.3
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    min_version: Version,
    /// The latest version of DTLS to speak; 1.3 needs OpenSSL 4.1
    #[arg(long, value_name = "VERSION", default_value = "1.2")]
    max_version: Version,
    /// Application protocols (ALPN), the best first, such as coap,echo
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = protocol)]
    alpn: Vec<String>,
    /// Cipher suites, separated by colons, in OpenSSL's words [default: ECDHE with AEAD]
    #[arg(long, value_name = "LIST")]
    ciphers: Option<String>,
    /// Also allow cipher suites with CCM-8, as small devices have them
    #[arg(long)]
    allow_ccm8: bool,
    /// Key-exchange groups, separated by colons, such as X25519:P-256 [default: OpenSSL's]
    #[arg(long, value_name = "LIST")]
    groups: Option<String>,
    /// Signature algorithms, separated by colons, such as ECDSA+SHA256 [default: OpenSSL's]
    #[arg(long, value_name = "LIST")]
    sigalgs: Option<String>,
    /// SRTP protection profiles, separated by colons, in OpenSSL's words
    #[arg(long, value_name = "LIST")]
    srtp: Option<String>,
    /// Append the sessions' secrets to this file, for Wireshark [default: SSLKEYLOGFILE, if set]
    #[arg(long, value_name = "FILE")]
    keylog: Option<PathBuf>,
}

fn protocol(name: &str) -> Result<String, String> {
    if name.is_empty() {
        return Err("at least one name is needed, and none that is empty".to_owned());
    }
    Ok(name.to_owned())
}

/// Adds the flag that helps to what a list of preferences lacks.
pub fn explain(error: BuildError) -> anyhow::Error {
    let advice = match &error {
        BuildError::Ccm8 { .. } => "--allow-ccm8 does that",
        BuildError::NoVersion { .. } => "--min-version, --max-version",
        BuildError::PskWithDtls13 => "--max-version 1.2 does that",
        BuildError::ServerName { .. } | BuildError::ServerNameTwice { .. } => "--sni names it",
        _ => return error.into(),
    };
    anyhow!("{error} ({advice})")
}

impl PreferenceArgs {
    /// Makes of the flags what the library wants to know.
    ///
    /// # Errors
    ///
    /// If the file for the secrets cannot be written.
    pub fn preferences(&self) -> anyhow::Result<Preferences> {
        let mut preferences = Preferences::default()
            .protocols(&self.alpn)
            .min_version(self.min_version)
            .max_version(self.max_version);
        if let Some(list) = &self.ciphers {
            preferences = preferences.cipher_suites(list);
        }
        if self.allow_ccm8 {
            preferences = preferences.allow_ccm8();
        }
        if let Some(list) = &self.groups {
            preferences = preferences.groups(list);
        }
        if let Some(list) = &self.sigalgs {
            preferences = preferences.signature_algorithms(list);
        }
        if let Some(list) = &self.srtp {
            preferences = preferences.srtp_profiles(list);
        }
        if let Some(file) = &self.keylog {
            return log_keys(preferences, file, "--keylog");
        }
        match env::var_os("SSLKEYLOGFILE") {
            Some(file) if !file.is_empty() => log_keys(preferences, file.as_ref(), "SSLKEYLOGFILE"),
            _ => Ok(preferences),
        }
    }
}

fn log_keys(preferences: Preferences, path: &Path, asked_by: &str) -> anyhow::Result<Preferences> {
    let preferences = preferences.key_log_file(path).with_context(|| {
        format!(
            "cannot write secrets to {}, which {asked_by} names",
            path.display()
        )
    })?;
    tracing::warn!(
        file = %path.display(),
        "{asked_by}: whoever reads this file can read the sessions"
    );
    Ok(preferences)
}
