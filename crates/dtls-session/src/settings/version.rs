//! Versions of DTLS.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A version of DTLS.
///
/// ```
/// use dtls_session::{Preferences, Version};
///
/// let newest = if Version::Dtls13.is_available() { Version::Dtls13 } else { Version::Dtls12 };
/// let preferences = Preferences::default().max_version(newest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// DTLS 1.0 (RFC 4347), which RFC 8996 tells not to use.
    Dtls10,
    /// DTLS 1.2 (RFC 6347).
    Dtls12,
    /// DTLS 1.3 (RFC 9147), which OpenSSL has from 4.1 on.
    Dtls13,
}

impl Version {
    /// Its number on the wire.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Dtls10 => 0xfeff,
            Self::Dtls12 => 0xfefd,
            Self::Dtls13 => 0xfefc,
        }
    }

    /// Which OpenSSL has it.
    pub(crate) fn needs(self) -> &'static str {
        match self {
            Self::Dtls10 => "an OpenSSL built with DTLS 1.0",
            Self::Dtls12 => "an OpenSSL built with DTLS 1.2",
            Self::Dtls13 => "OpenSSL 4.1 or newer",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dtls10 => "DTLS 1.0",
            Self::Dtls12 => "DTLS 1.2",
            Self::Dtls13 => "DTLS 1.3",
        })
    }
}

impl FromStr for Version {
    type Err = VersionError;

    /// Reads `1.0`, `1.2` or `1.3`.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        match text {
            "1.0" => Ok(Self::Dtls10),
            "1.2" => Ok(Self::Dtls12),
            "1.3" => Ok(Self::Dtls13),
            _ => Err(VersionError(text.to_owned())),
        }
    }
}

/// The text names no version of DTLS.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no version of DTLS: 1.0, 1.2 and 1.3 are")]
pub struct VersionError(String);

/// The oldest and the newest version that may be negotiated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Versions {
    pub(crate) min: Version,
    pub(crate) max: Version,
}

impl Versions {
    /// Whether records with a unified header may come.
    pub(crate) fn allow_1_3(self) -> bool {
        self.max >= Version::Dtls13
    }

    /// Whether there may be handshakes that a HelloVerifyRequest belongs to.
    pub(crate) fn allow_cookies(self) -> bool {
        self.min < Version::Dtls13
    }

    /// Whether suites and signatures are needed that are otherwise refused.
    pub(crate) fn allow_1_0(self) -> bool {
        self.min < Version::Dtls12
    }
}

impl Default for Versions {
    fn default() -> Self {
        Self {
            min: Version::Dtls12,
            max: Version::Dtls12,
        }
    }
}
