//! Whom a client believes, from the command line.

use std::{net::SocketAddr, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, builder::NonEmptyStringValueParser};
use dtls_session::{Connector, ConnectorBuilder, Identity, Psk, PskKeys, Roots, SessionConfig};

use crate::{Secret, development_roots, read_text, warn_of_short_keys};

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
    /// Certificate chain to show a server that asks, in PEM form, this client's own first
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Private key of the first certificate, in PEM form
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// Use a pre-shared key and no certificates: its identity and the key in hexadecimal, or
    /// hex=IDENTITY,KEY with both in hexadecimal. Others on this machine can see it; --psk-file hides it
    #[arg(long, value_name = "IDENTITY:KEY", conflicts_with_all = ["ca", "insecure", "server_name", "cert"])]
    pub psk: Option<Secret>,
    /// Use the pre-shared key in this file, which has IDENTITY:KEY or hex=IDENTITY,KEY as its one line
    /// beside comments, which start with #
    #[arg(long, value_name = "FILE", conflicts_with_all = ["psk", "ca", "insecure", "server_name", "cert"])]
    pub psk_file: Option<PathBuf>,
    /// Also allow the pre-shared key without a Diffie-Hellman exchange, as small devices have it
    #[arg(long)]
    pub allow_plain_psk: bool,
}

impl TrustArgs {
    /// Starts a connector that believes whom the flags name: by default the development CA, where
    /// the server is on loopback, and elsewhere the system's authorities.
    ///
    /// # Errors
    ///
    /// If a file or a key is of no use.
    pub fn connector(
        &self,
        servers: &[SocketAddr],
        config: SessionConfig,
    ) -> anyhow::Result<ConnectorBuilder> {
        let builder = match self.psk()? {
            Some(psk) => {
                warn_of_short_keys([(psk.identity(), psk.key())]);
                Connector::with_psk(psk)
            }
            None => self.certificates(servers)?,
        };
        let builder = builder.session(config);
        Ok(if self.allow_plain_psk {
            builder.allow_plain_psk()
        } else {
            builder
        })
    }

    /// Finds what the parser has let through, lest it repeat a key.
    ///
    /// # Errors
    ///
    /// What is wrong with a flag.
    pub fn check(&self) -> Result<(), String> {
        let psk = self
            .psk
            .as_ref()
            .map(|psk| Psk::parse(psk.text()))
            .transpose();
        psk.map_err(|error| format!("--psk: {error}"))?;
        if self.allow_plain_psk && !self.has_psk() {
            return Err("--allow-plain-psk needs --psk or --psk-file".to_owned());
        }
        Ok(())
    }

    /// Whether a pre-shared key takes the place of certificates.
    pub fn has_psk(&self) -> bool {
        self.psk.is_some() || self.psk_file.is_some()
    }

    fn psk(&self) -> anyhow::Result<Option<Psk>> {
        if let Some(psk) = &self.psk {
            return Ok(Some(Psk::parse(psk.text()).context("cannot use --psk")?));
        }
        let Some(file) = &self.psk_file else {
            return Ok(None);
        };
        let text = read_text(file);
        let text =
            text.with_context(|| format!("cannot read {} for --psk-file", file.display()))?;
        let keys = PskKeys::from_lines(&text)
            .with_context(|| format!("cannot use {} for --psk-file", file.display()))?;
        let mut keys = keys.into_iter();
        let psk = keys.next();
        let others = keys.count();
        if others > 0 {
            bail!(
                "cannot use {} for --psk-file: it has {} keys, and a client uses one",
                file.display(),
                1 + others
            );
        }
        Ok(psk)
    }

    fn certificates(&self, servers: &[SocketAddr]) -> anyhow::Result<ConnectorBuilder> {
        let loopback = servers.iter().all(|server| server.ip().is_loopback());
        let roots = match &self.ca {
            Some(file) => Roots::from_pem_file(file)
                .with_context(|| format!("cannot use {} for --ca", file.display()))?,
            None if loopback => development_roots()?,
            None => Roots::system(),
        };
        let mut builder = Connector::builder(roots);
        if let (Some(cert), Some(key)) = (&self.cert, &self.key) {
            let identity = Identity::from_pem_files(cert, key)
                .with_context(|| format!("cannot use {} with {}", cert.display(), key.display()))?;
            builder = builder.identity(identity);
        }
        Ok(if self.insecure {
            builder.danger_accept_any_certificate()
        } else {
            builder
        })
    }
}
