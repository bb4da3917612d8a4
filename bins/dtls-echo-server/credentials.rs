//! What the server shows its clients, and whom it lets in.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use anyhow::{Context, bail};
use clap::ValueEnum;
use dtls_echo::{development_identity, warn_of_short_keys};
use dtls_session::{Acceptor, AcceptorBuilder, Identity, PskKeys, Roots};

use crate::{Args, certificates::Certificate, lines::Lines};

/// Whether a client may do without a certificate.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ClientAuth {
    /// It may, but one that it shows has to be good
    Request,
    /// It may not, unless it has a pre-shared key
    Require,
}

/// A certificate and its key for one server name.
#[derive(Clone, Debug)]
pub(crate) struct NamedIdentity {
    name: String,
    cert: PathBuf,
    key: PathBuf,
}

impl FromStr for NamedIdentity {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text
            .split_once('=')
            .and_then(|(name, files)| Some((name, files.split_once(',')?)));
        match parts {
            Some((name, (cert, key))) if ![name, cert, key].contains(&"") => Ok(Self {
                name: name.to_owned(),
                cert: cert.into(),
                key: key.into(),
            }),
            _ => Err("NAME=CERT,KEY is needed, such as example.org=cert.pem,key.pem"),
        }
    }
}

/// Reads all files that the flags name; returns also the certificates that clients may see.
pub(crate) fn builder(
    args: &Args,
    addresses: &[SocketAddr],
    lines: Lines,
) -> anyhow::Result<(AcceptorBuilder, Vec<Certificate>)> {
    let mut certificates = Vec::new();
    let keys = args.psk_file.as_ref();
    let keys = keys.map(|file| lines.read(file, "--psk-file", PskKeys::from_lines));
    let keys = keys.transpose()?;
    warn_of_short_keys(keys.iter().flat_map(PskKeys::iter));
    let identity = identity(args, addresses)?;
    if let Some(identity) = &identity {
        let origin = match &args.cert {
            Some(file) => file.display().to_string(),
            None => "the development identity".to_owned(),
        };
        certificates.push(Certificate::of(origin, None, identity));
    }
    let mut builder = match (identity, keys) {
        (Some(identity), Some(keys)) => Acceptor::builder(identity).psk(keys),
        (Some(identity), None) => Acceptor::builder(identity),
        (None, Some(keys)) => Acceptor::with_psk(keys),
        (None, None) => bail!(
            "{} is not a loopback address, and the development identity's key is known to \
             everybody: pass --cert FILE and --key FILE, or --psk-file FILE",
            addresses[0].ip()
        ),
    };
    if let Some(hint) = &args.psk_hint {
        builder = builder.psk_hint(hint);
    }
    if args.allow_plain_psk {
        builder = builder.allow_plain_psk();
    }
    for named in &args.sni {
        let identity = from_files(&named.cert, &named.key)?;
        let origin = named.cert.display().to_string();
        certificates.push(Certificate::of(origin, Some(&named.name), &identity));
        builder = builder.server_name(&named.name, identity);
    }
    let Some(file) = &args.client_ca else {
        return Ok((builder, certificates));
    };
    let roots = Roots::from_pem_file(file)
        .with_context(|| format!("cannot use {} for --client-ca", file.display()))?;
    let builder = match args.client_auth.unwrap_or(ClientAuth::Require) {
        ClientAuth::Request => builder.request_client_certificate(roots),
        ClientAuth::Require => builder.require_client_certificate(roots),
    };
    Ok((builder, certificates))
}

/// The development identity, which everybody may know, is for loopback, and would let in there who
/// has no key.
fn identity(args: &Args, addresses: &[SocketAddr]) -> anyhow::Result<Option<Identity>> {
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        return from_files(cert, key).map(Some);
    }
    let loopback = addresses.iter().all(|address| address.ip().is_loopback());
    let wanted = loopback && args.psk_file.is_none();
    Ok(wanted.then(development_identity).transpose()?)
}

fn from_files(cert: &PathBuf, key: &PathBuf) -> anyhow::Result<Identity> {
    Identity::from_pem_files(cert, key)
        .with_context(|| format!("cannot use {} with {}", cert.display(), key.display()))
}
