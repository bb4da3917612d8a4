//! Versions of DTLS, and which of them the linked OpenSSL can.

use std::{fmt, str::FromStr};

use openssl::{
    ssl::{SslContextBuilder, SslMethod},
    version,
};
use thiserror::Error;

use crate::{error::BuildError, ffi};

/// A version of DTLS.
///
/// ```
/// use dtls_session::{SessionConfig, Version};
///
/// let newest = if Version::Dtls1_3.is_available() { Version::Dtls1_3 } else { Version::Dtls1_2 };
/// let config = SessionConfig::default().max_version(newest);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Version {
    /// DTLS 1.0 (RFC 4347), which RFC 8996 tells not to use.
    Dtls1_0,
    /// DTLS 1.2 (RFC 6347).
    Dtls1_2,
    /// DTLS 1.3 (RFC 9147), which OpenSSL has from 4.1 on.
    Dtls1_3,
}

impl Version {
    /// Returns whether the linked OpenSSL can do it: OpenSSL is asked, whatever its number.
    pub fn is_available(self) -> bool {
        SslContextBuilder::new(SslMethod::dtls())
            .is_ok_and(|mut context| ffi::set_versions(&mut context, self, self).is_ok())
    }

    /// Its number on the wire.
    pub(crate) fn number(self) -> u16 {
        match self {
            Self::Dtls1_0 => 0xfeff,
            Self::Dtls1_2 => 0xfefd,
            Self::Dtls1_3 => 0xfefc,
        }
    }

    fn needs(self) -> &'static str {
        match self {
            Self::Dtls1_0 => "an OpenSSL built with DTLS 1.0",
            Self::Dtls1_2 => "an OpenSSL built with DTLS 1.2",
            Self::Dtls1_3 => "OpenSSL 4.1 or newer",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dtls1_0 => "DTLS 1.0",
            Self::Dtls1_2 => "DTLS 1.2",
            Self::Dtls1_3 => "DTLS 1.3",
        })
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    /// Reads `1.0`, `1.2` or `1.3`.
    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        match text {
            "1.0" => Ok(Self::Dtls1_0),
            "1.2" => Ok(Self::Dtls1_2),
            "1.3" => Ok(Self::Dtls1_3),
            _ => Err(UnknownVersion(text.to_owned())),
        }
    }
}

/// The text names no version of DTLS.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no version of DTLS: 1.0, 1.2 and 1.3 are")]
pub struct UnknownVersion(String);

/// Lets a context negotiate the versions from `min` to `max`.
pub(crate) fn restrict(
    context: &mut SslContextBuilder,
    min: Version,
    max: Version,
) -> Result<(), BuildError> {
    if min > max {
        return Err(BuildError::NoVersion { min, max });
    }
    for version in [max, min] {
        if !version.is_available() {
            return Err(BuildError::VersionUnavailable {
                version,
                needed: version.needs(),
                found: version::version(),
            });
        }
    }
    Ok(ffi::set_versions(context, min, max)?)
}
