//! The names that a certificate is good for.

use std::{fmt, net::IpAddr};

/// One of a certificate's subject alternative names (RFC 5280 4.2.1.6).
///
/// Its text is such as `DNS:example.org`, `IP:2001:db8::1`, `URI:urn:device:7` or `email:a@example.org`.
///
/// ```
/// use dtls_session::{GeneralName, Session};
///
/// fn devices(session: &Session) -> Vec<String> {
///     let info = session.info();
///     let own = info.peer_certificates.first();
///     let names = own.map(|certificate| certificate.names()).unwrap_or_default();
///     names
///         .iter()
///         .filter_map(|name| match name {
///             GeneralName::Uri(uri) => Some(uri.strip_prefix("urn:device:")?.to_owned()),
///             _ => None,
///         })
///         .collect()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GeneralName {
    /// A host's name; `*.` at its start stands for any one label.
    Dns(String),
    /// An address.
    Ip(IpAddr),
    /// A URI.
    Uri(String),
    /// A mailbox, which RFC 5280 calls `rfc822Name`.
    Email(String),
    /// Another kind of name, or one that is not what its kind says.
    Other,
}

impl fmt::Display for GeneralName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => write!(f, "DNS:{name}"),
            Self::Ip(address) => write!(f, "IP:{address}"),
            Self::Uri(uri) => write!(f, "URI:{uri}"),
            Self::Email(mailbox) => write!(f, "email:{mailbox}"),
            Self::Other => f.write_str("another kind of name"),
        }
    }
}
