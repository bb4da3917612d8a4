//! Keys that are not exported (RFC 5705).

use thiserror::Error;

use super::OpenSslError;

/// Why keying material could not be exported.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// TLS derives keys of its own with the label.
    #[error("the label {label:?} is TLS's own: one that starts with EXPORTER is needed")]
    ReservedLabel {
        /// The label.
        label: String,
    },
    /// The context is longer than RFC 5705 allows.
    #[error("a context of {length} bytes is too long: 65535 are allowed")]
    ContextTooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// It is not among what was [exported at once](crate::SessionConfig::export_only), and the secrets are wiped.
    #[error(
        "the secrets that {label:?} would be made of are wiped: it was not asked for beforehand, or not so much of it"
    )]
    Forgotten {
        /// The label.
        label: String,
    },
    /// OpenSSL refused the label or the length.
    #[error("OpenSSL exports no keying material for this label and length")]
    OpenSsl(#[from] OpenSslError),
}

impl ExportError {
    /// Refuses what OpenSSL would let through.
    pub(crate) fn check(label: &str, context: Option<&[u8]>) -> Result<(), Self> {
        if RESERVED.contains(&label) {
            return Err(Self::ReservedLabel {
                label: label.to_owned(),
            });
        }
        // OpenSSL would cut the length that it hashes to its lower 16 bits.
        if let Some(length) = context.map(<[u8]>::len)
            && length > usize::from(u16::MAX)
        {
            return Err(Self::ContextTooLong { length });
        }
        Ok(())
    }
}

/// What TLS itself derives its keys with (RFC 5705 4, RFC 7627 4).
const RESERVED: [&str; 5] = [
    "client finished",
    "server finished",
    "master secret",
    "extended master secret",
    "key expansion",
];
