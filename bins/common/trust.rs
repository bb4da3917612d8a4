//! Whom a client believes, from the command line.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::Context;
use clap::{Args, builder::NonEmptyStringValueParser};
use dtls_session::{Connector, ConnectorBuilder, Roots, SessionConfig};

use crate::development_roots;

/// The flags that say whom to believe.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// Trust the authorities in this PEM file, and no others
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub ca: Option<PathBuf>,
    /// The name that the server's certificate has to have [default: ADDR's host]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub server_name: Option<String>,
    /// Accept any server, whoever it is
    #[arg(long)]
    pub insecure: bool,
}

impl TrustArgs {
    /// Starts a connector that believes whom the flags name: by default the development CA, where
    /// the server is on loopback, and elsewhere the system's authorities.
    ///
    /// # Errors
    ///
    /// If the file of `--ca` is of no use.
    pub fn connector(
        &self,
        servers: &[SocketAddr],
        config: SessionConfig,
    ) -> anyhow::Result<ConnectorBuilder> {
        let loopback = servers.iter().all(|server| server.ip().is_loopback());
        let roots = match &self.ca {
            Some(file) => Roots::from_pem_file(file)
                .with_context(|| format!("cannot use {} for --ca", file.display()))?,
            None if loopback => development_roots()?,
            None => Roots::system(),
        };
        let builder = Connector::builder(roots).session(config);
        Ok(if self.insecure {
            builder.danger_accept_any_certificate()
        } else {
            builder
        })
    }
}
