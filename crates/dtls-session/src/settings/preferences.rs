//! What both sides may negotiate.

use std::{fmt, io, path::Path, sync::Arc};

use crate::settings::{
    key_log::{self, KeyLog},
    message_log::{MessageLog, PassedMessage},
    version::{Version, Versions},
};

/// What to offer the other side, and in which order of preference.
///
/// The same type serves [`AcceptorBuilder`](crate::AcceptorBuilder) and
/// [`ConnectorBuilder`](crate::ConnectorBuilder); a server's order counts for cipher suites.
///
/// ```
/// use dtls_session::Preferences;
///
/// let preferences = Preferences::default()
///     .cipher_suites("ECDHE-ECDSA-AES256-GCM-SHA384")
///     .groups("X25519:P-256")
///     .protocols(["coap"]);
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Preferences {
    pub(crate) versions: Versions,
    pub(crate) cipher_suites: Option<String>,
    pub(crate) ccm8: bool,
    pub(crate) groups: Option<String>,
    pub(crate) signature_algorithms: Option<String>,
    pub(crate) protocols: Vec<Vec<u8>>,
    pub(crate) srtp_profiles: Option<String>,
    pub(crate) key_log: Option<KeyLog>,
    pub(crate) message_log: Option<MessageLog>,
}

impl Preferences {
    /// Sets the earliest version to speak (default: [`Version::Dtls12`], as RFC 9325 3.1.2 has it).
    ///
    /// DTLS 1.0 has no AEAD, and its signatures use SHA-1: with it OpenSSL's security level falls to
    /// 0, and ECDHE suites of certificates with AES-CBC are offered as the last ones, to newer peers
    /// as well. It is for a peer that cannot be helped (RFC 8996).
    pub fn min_version(mut self, version: Version) -> Self {
        self.versions.min = version;
        self
    }

    /// Sets the latest version to speak (default: [`Version::Dtls12`]).
    ///
    /// DTLS 1.3 needs OpenSSL 4.1, which is newer than all that this crate has been run with: what
    /// it does for DTLS 1.3 is tested in parts only, so it has to be asked for. A server has no
    /// stateless cookie for it; [`Limits::unproven`](crate::Limits::unproven) says what that means.
    /// Its tickets come after the handshake, so [`Session::resumption`](crate::Session::resumption)
    /// has one only then, and [`Connect::resume`](crate::Connect::resume) none.
    pub fn max_version(mut self, version: Version) -> Self {
        self.versions.max = version;
        self
    }

    /// Sets the cipher suites, in the form of OpenSSL's `SSL_CTX_set_cipher_list` (default: ECDHE
    /// with GCM, ChaCha20-Poly1305 or CCM, and those of a pre-shared key if there is one).
    ///
    /// A list replaces the whole default. Suites with CCM-8 also have to be [allowed](Self::allow_ccm8). A name that
    /// OpenSSL does not know is an error, and so is a list in which no suite fits the certificates and keys that
    /// are set.
    ///
    /// Avoid suites with CBC: if the two sides have also negotiated Encrypt-then-MAC, anybody can end a session
    /// with one forged datagram.
    pub fn cipher_suites(mut self, list: impl Into<String>) -> Self {
        self.cipher_suites = Some(list.into());
        self
    }

    /// Allows suites with CCM-8, which small devices may have nothing beside (RFC 7925 4.2 asks for
    /// them; RFC 9325 4.2.1 advises against them): with certificates, with a
    /// [plain pre-shared key](crate::AcceptorBuilder::allow_plain_psk), and in
    /// [`Self::cipher_suites`] (default: none of them).
    ///
    /// Their tags have 8 bytes, so that one in 2^64 forged datagrams passes for a genuine one.
    pub fn allow_ccm8(mut self) -> Self {
        self.ccm8 = true;
        self
    }

    /// Sets the key-exchange groups, separated by colons, in the form of OpenSSL's
    /// `SSL_CTX_set1_groups_list` (default: OpenSSL's).
    pub fn groups(mut self, list: impl Into<String>) -> Self {
        self.groups = Some(list.into());
        self
    }

    /// Sets the signature algorithms that the other side may use, in the form of OpenSSL's
    /// `SSL_CTX_set1_sigalgs_list` (default: OpenSSL's).
    pub fn signature_algorithms(mut self, list: impl Into<String>) -> Self {
        self.signature_algorithms = Some(list.into());
        self
    }

    /// Sets the application's protocols (ALPN, RFC 7301), each of 1 to 255 bytes, the best first
    /// (default: none).
    ///
    /// A server then refuses clients that offer protocols of which it has none
    /// (`no_application_protocol`); those that offer none at all get in.
    pub fn protocols<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.protocols = protocols
            .into_iter()
            .map(|protocol| protocol.as_ref().to_vec())
            .collect();
        self
    }

    /// Sets the SRTP protection profiles (RFC 5764), by OpenSSL's names and separated by colons,
    /// such as `SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80` (default: none).
    ///
    /// [`Session::srtp_keys`](crate::Session::srtp_keys) has the keys then.
    pub fn srtp_profiles(mut self, list: impl Into<String>) -> Self {
        self.srtp_profiles = Some(list.into());
        self
    }

    /// Hands each session's secrets to `log`, a line in the format of NSS's key log at a time, as
    /// Wireshark reads it (`SSL_CTX_set_keylog_callback`; default: nobody gets them).
    ///
    /// Whoever has them can read the session.
    pub fn key_log(mut self, log: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.key_log = Some(Arc::new(log));
        self
    }

    /// Appends what [`Self::key_log`] would hand out to a file, which is made, for its owner's eyes
    /// only, if it is not there; several processes may write to one file.
    ///
    /// What cannot be written is lost, and the first such loss is a warning.
    ///
    /// ```
    /// use dtls_session::{Connector, Preferences, Roots};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let path = std::env::temp_dir().join(format!("key-log-doc-{}", std::process::id()));
    /// let preferences = Preferences::default().key_log_file(&path)?;
    /// let connector = Connector::builder(Roots::system()).preferences(preferences).build()?;
    /// # std::fs::remove_file(path)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The operating system's if the file cannot be opened, and [`io::ErrorKind::InvalidInput`] if
    /// it is no regular one, links followed.
    pub fn key_log_file(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        self.key_log = Some(key_log::file(path.as_ref())?);
        Ok(self)
    }

    /// Shows each handshake message and alert to `log`, before it is encrypted or after it was
    /// decrypted, and checked only then (`SSL_CTX_set_msg_callback`; default: nobody sees them). What is
    /// repeated comes again; application data does not come.
    ///
    /// ```
    /// use dtls_session::Preferences;
    ///
    /// let preferences = Preferences::default().message_log(|message| {
    ///     println!("sent: {}, {} bytes", message.sent, message.bytes.len());
    /// });
    /// ```
    pub fn message_log(mut self, log: impl Fn(&PassedMessage<'_>) + Send + Sync + 'static) -> Self {
        self.message_log = Some(Arc::new(log));
        self
    }
}

impl fmt::Debug for Preferences {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preferences")
            .field("cipher_suites", &self.cipher_suites)
            .field("groups", &self.groups)
            .field("signature_algorithms", &self.signature_algorithms)
            .field("srtp_profiles", &self.srtp_profiles)
            .finish_non_exhaustive()
    }
}
