//! The OpenSSL that this crate is linked with, and the `openssl` crate for
//! [`AcceptorBuilder::configure`](crate::AcceptorBuilder::configure) and
//! [`ConnectorBuilder::configure`](crate::ConnectorBuilder::configure).
//!
//! ```
//! use dtls_session::{Connector, Roots, linked::openssl::x509::verify::X509VerifyFlags};
//!
//! # fn main() -> Result<(), dtls_session::BuildError> {
//! let connector = Connector::builder(Roots::system())
//!     .configure(|context| context.verify_param_mut().set_flags(X509VerifyFlags::X509_STRICT))
//!     .build()?;
//! # Ok(())
//! # }
//! ```

use std::sync::LazyLock;

use openssl::ssl::{Ssl, SslContext, SslMethod};

pub use openssl;

/// Returns what it says of itself, such as `OpenSSL 3.0.17 1 Jul 2025` (`OpenSSL_version`).
pub fn version() -> &'static str {
    openssl::version::version()
}

/// Returns the name of a cipher suite by which
/// [`Preferences::cipher_suites`](crate::Preferences::cipher_suites) takes it; None if the linked
/// OpenSSL has none of this number.
///
/// ```
/// use dtls_session::linked::cipher_name;
///
/// assert_eq!(cipher_name(0xc02b), Some("ECDHE-ECDSA-AES128-GCM-SHA256"));
/// assert_eq!(cipher_name(0xfefe), None);
/// ```
pub fn cipher_name(number: u16) -> Option<&'static str> {
    static ANY: LazyLock<Option<Ssl>> = LazyLock::new(|| {
        let context = SslContext::builder(SslMethod::dtls()).ok()?.build();
        Ssl::new(&context).ok()
    });
    let list = ANY
        .as_ref()?
        .bytes_to_cipher_list(&number.to_be_bytes(), false);
    Some(list.ok()?.suites.get(0)?.name())
}
