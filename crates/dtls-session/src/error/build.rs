//! Acceptors and connectors that cannot be made.

use thiserror::Error;

use super::{ExportError, OpenSslError};
use crate::settings::version::Version;

/// Why an acceptor or a connector could not be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The OpenSSL that is linked is too old.
    #[error("OpenSSL 3.0 or newer is needed, but this program is linked with {found}")]
    OpenSslTooOld {
        /// What the linked library says of itself.
        found: &'static str,
    },
    /// The MTU is outside [`SessionConfig::MTU`](crate::SessionConfig::MTU).
    #[error("an MTU of {asked} bytes cannot be used: it has to be from 256 to 16384")]
    Mtu {
        /// What was asked for, in bytes.
        asked: usize,
    },
    /// Nothing could ever be [exported at once](crate::SessionConfig::export_only) with a label, or not so much.
    #[error("{length} bytes of keying material cannot be exported with the label {label:?}")]
    Export {
        /// The label.
        label: String,
        /// What was asked for, in bytes.
        length: usize,
        /// Why not.
        source: ExportError,
    },
    /// RFC 6066 4 has no such maximum fragment length.
    #[error(
        "records of up to {asked} bytes cannot be asked for: 512, 1024, 2048 and 4096 can (RFC 6066 4)"
    )]
    MaxFragmentLength {
        /// What was asked for, in bytes.
        asked: usize,
    },
    /// The OpenSSL that is linked does not have a version that was asked for.
    #[error("{version} needs {needed}, but this program is linked with {found}")]
    VersionUnavailable {
        /// What was asked for.
        version: Version,
        /// Which OpenSSL has it.
        needed: &'static str,
        /// What the linked library says of itself.
        found: &'static str,
    },
    /// The oldest version is newer than the newest.
    #[error("there is no version from {min} to {max}")]
    NoVersion {
        /// The oldest one asked for.
        min: Version,
        /// The newest one asked for.
        max: Version,
    },
    /// Something was asked for that would never happen.
    #[error("{what} has no effect without {needs}")]
    Pointless {
        /// What was asked for.
        what: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// A list of preferences leaves nothing that OpenSSL could offer.
    #[error("the {what} list `{list}` has nothing in it that this OpenSSL knows")]
    Unusable {
        /// What is listed.
        what: &'static str,
        /// The list.
        list: String,
    },
    /// A name in a list of preferences means nothing.
    #[error("`{name}` is no {what} that this OpenSSL knows")]
    Unknown {
        /// What is listed.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A list of cipher suites has nothing for the certificates and keys that there are.
    #[error(
        "the cipher suite list `{list}` has nothing in it that goes with the kind of certificate or key that is used"
    )]
    NoSuiteLeft {
        /// The list.
        list: String,
    },
    /// OpenSSL uses no such key for a server, or none before DTLS 1.3.
    #[error(
        "a server of DTLS 1.2 cannot use a key of the kind {kind}: ECDSA or RSA is needed, such as \
         `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes"
    )]
    KeyUnusable {
        /// What the key is.
        kind: &'static str,
    },
    /// No client asks for a server of that name.
    #[error("`{name}` cannot be the name of a server that clients ask for: {fault}")]
    ServerName {
        /// The name.
        name: String,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// Two identities would be shown for one name.
    #[error("there are two identities for the server name `{name}`")]
    ServerNameTwice {
        /// The name.
        name: String,
    },
    /// Keys that were shared beforehand would be used in DTLS 1.3, too.
    ///
    /// There they stand in the hello and in sessions otherwise, and nobody has tried what becomes of
    /// a key that is taken back.
    #[error(
        "pre-shared keys and DTLS 1.3 do not go together: DTLS 1.2 has to be the latest version"
    )]
    PskWithDtls13,
    /// A list of cipher suites has some with CCM-8 in it, which were not allowed.
    #[error("the cipher suite list `{list}` has CCM-8 in it, which has to be allowed")]
    Ccm8 {
        /// The list.
        list: String,
    },
    /// OpenSSL refused a setting.
    #[error("OpenSSL refused the configuration")]
    OpenSsl(#[from] OpenSslError),
}
