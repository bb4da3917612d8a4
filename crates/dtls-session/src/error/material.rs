//! Certificates, keys, secrets and exported sessions that are of no use.

use std::{io, path::PathBuf};

use thiserror::Error;

use super::OpenSslError;

/// Why certificates or a key could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PemError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is no PEM certificate in it.
    #[error(
        "no certificate found: a PEM block that starts with -----BEGIN CERTIFICATE----- is needed"
    )]
    NoCertificate,
    /// A certificate does not parse.
    #[error("a certificate does not parse")]
    Certificate(#[source] OpenSslError),
    /// The private key does not parse.
    #[error(
        "the private key does not parse: an unencrypted PEM key in PKCS#8, SEC1 or PKCS#1 form is needed"
    )]
    Key(#[source] OpenSslError),
    /// Certificate and key do not belong together.
    #[error("the private key does not belong to the first certificate of the chain")]
    Mismatch,
    /// OpenSSL could not go on.
    #[error("OpenSSL failed")]
    OpenSsl(#[from] OpenSslError),
}

/// Why bytes are no [`Certificate`](crate::Certificate).
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// They are not what RFC 5280 4.1 has, in DER, or there are more of them.
    #[error("this is not one X.509 certificate in DER")]
    Malformed,
}

/// Why a shared secret could not be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is none in it.
    #[error("there is no secret in it: {NEEDED}")]
    Missing,
    /// A line is something else.
    #[error("line {line} is not an even number of hexadecimal digits: {NEEDED}")]
    NotHex {
        /// Its number, from 1.
        line: usize,
    },
    /// A line's secret is too short.
    #[error("the secret in line {line} has {bytes} bytes: {NEEDED}")]
    ShortLine {
        /// Its number, from 1.
        line: usize,
        /// How long it is.
        bytes: usize,
    },
    /// A secret is too short.
    #[error("a secret of {bytes} bytes is too short: 32 or more are needed")]
    TooShort {
        /// How long it is.
        bytes: usize,
    },
}

const NEEDED: &str =
    "64 or more hexadecimal digits in one line are needed, as `openssl rand -hex 32` prints them";

/// Why a pre-shared key could not be used. Nothing repeats the key.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PskError {
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is none in it.
    #[error("there is no key in it: IDENTITY:KEY is needed, the key in hexadecimal digits")]
    Missing,
    /// A line is no key.
    #[error("line {line} is of no use")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// The identity of this line stands in an earlier one, too.
    #[error("the identity has a key already")]
    Twice,
    /// A byte-order mark stands before the identity, where nobody can see it.
    #[error("a byte-order mark stands before the identity, invisibly: save the text without it")]
    Mark,
    /// There is no colon.
    #[error("IDENTITY:KEY is needed, the key in hexadecimal digits")]
    Form,
    /// What begins as the form for any bytes does not go on so.
    #[error("hex=IDENTITY,KEY is needed, both in hexadecimal, two digits a byte")]
    HexForm,
    /// The identity is empty, which may be a mistake.
    #[error("the identity is empty: hex=,KEY says so if it is meant")]
    Empty,
    /// The identity has white space at its start or end, or a control character. Both are hard to see and may
    /// be a mistake.
    #[error(
        "the identity has white space at an end or a control character: take it away, or write \
         hex=IDENTITY,KEY, both in hexadecimal digits, if it is meant"
    )]
    Ambiguous,
    /// The identity is too long, or has a zero byte.
    #[error("the identity can have up to 255 bytes, none of them zero")]
    Identity,
    /// The key is no even number of hexadecimal digits.
    #[error("the key has to be given in hexadecimal, two hexadecimal digits a byte")]
    NotHex,
    /// The key is empty or too long.
    #[error("the key has to have from 1 to 512 bytes")]
    Key,
}

/// Why bytes are nothing to resume a session by.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ResumptionError {
    /// They are not what was exported.
    #[error("this is no exported session")]
    Malformed(#[source] OpenSslError),
}
