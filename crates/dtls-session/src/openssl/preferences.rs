//! What both sides may negotiate.

use std::{
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

use openssl::{
    error::ErrorStack,
    ssl::{AlpnError, SslContextBuilder, SslMethod, SslRef, select_next_proto},
};

use crate::{
    error::{BuildError, OpenSslError},
    ffi,
    openssl::{
        context::ContextBuilder,
        key_log::{self, KeyLog},
        message_log::{self, MessageLog, PassedMessage},
        scope::Scope,
        suites::Proofs,
    },
    record_layer::ingress::Role,
    session::srtp,
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
    versions: Versions,
    cipher_suites: Option<String>,
    ccm8: bool,
    groups: Option<String>,
    signature_algorithms: Option<String>,
    protocols: Vec<Vec<u8>>,
    srtp_profiles: Option<String>,
    key_log: Option<KeyLog>,
    message_log: Option<MessageLog>,
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
    /// A list takes the place of the whole default, and CCM-8 has to be
    /// [allowed](Self::allow_ccm8) all the same. A name that OpenSSL does not know is an error, and
    /// so is a list of which nothing goes with the certificates and keys that there are. One forged datagram ends a session with a CBC
    /// suite, where Encrypt-then-MAC was negotiated.
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

    /// The versions that may be negotiated.
    pub(crate) fn versions(&self) -> Versions {
        self.versions
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

    pub(crate) fn install(
        &self,
        context: &mut ContextBuilder,
        proofs: Proofs,
        role: Role,
    ) -> Result<(), BuildError> {
        let context = &mut context.ssl;
        self.versions.install(context)?;
        self.install_suites(context, proofs)?;
        if let Some(groups) = &self.groups {
            set(context, "group", groups, SslContextBuilder::set_groups_list)?;
        }
        if let Some(algorithms) = &self.signature_algorithms {
            let setter = SslContextBuilder::set_sigalgs_list;
            set(context, "signature algorithm", algorithms, setter)?;
        }
        if let Some(profiles) = &self.srtp_profiles {
            let known = profiles.split(':').all(srtp::is_known);
            let setter = if known {
                SslContextBuilder::set_tlsext_use_srtp
            } else {
                |_: &mut SslContextBuilder, _: &str| Err(ErrorStack::get())
            };
            set(context, "SRTP profile", profiles, setter)?;
        }
        if !self.protocols.is_empty() {
            let wire = self.wire()?;
            match role {
                Role::Client => context.set_alpn_protos(&wire).map_err(OpenSslError::from)?,
                Role::Server => context.set_alpn_select_callback(move |_, offered| {
                    // Only a protocol of `offered` may be returned, which outlives the call.
                    let ours = select_next_proto(&wire, offered).ok_or(AlpnError::ALERT_FATAL)?;
                    find(offered, ours).ok_or(AlpnError::ALERT_FATAL)
                }),
            }
        }
        if let Some(log) = self.message_log.clone() {
            message_log::install(context, log).map_err(OpenSslError::from)?;
        }
        if let Some(log) = self.key_log.clone() {
            // A panic must not get into OpenSSL, which would abort the process.
            context.set_keylog_callback(move |_: &SslRef, line| {
                let _ = catch_unwind(AssertUnwindSafe(|| log(line)));
            });
        }
        Ok(())
    }

    fn install_suites(
        &self,
        context: &mut SslContextBuilder,
        proofs: Proofs,
    ) -> Result<(), BuildError> {
        if self.ccm8 {
            ffi::allow_ccm8(context);
        }
        let list = self.suites(proofs);
        match &self.cipher_suites {
            Some(list) => {
                let setter = SslContextBuilder::set_cipher_list;
                set(context, "cipher suite", list, setter)?;
            }
            None => context.set_cipher_list(&list).map_err(OpenSslError::from)?,
        }
        if !self.ccm8 {
            if names(&list).any(|name| name.contains("CCM8") || name.contains("CCM_8")) {
                return Err(BuildError::Ccm8 { list });
            }
            // A word such as ALL may have brought them.
            let without = context.set_cipher_list(&format!("{list}:!AESCCM8"));
            without.map_err(OpenSslError::from)?;
        }
        proofs.check(context, &list)
    }

    fn suites(&self, proofs: Proofs) -> String {
        let default = || proofs.suites(self.ccm8, self.versions.allow_1_0());
        self.cipher_suites.clone().unwrap_or_else(default)
    }

    /// Lets sessions be resumed only under the same restrictions: a ticket keeps its cipher suite,
    /// which OpenSSL does not compare with the list.
    pub(crate) fn narrow(&self, scope: Scope, proofs: Proofs) -> Scope {
        let suites = self.suites(proofs);
        let lists = [
            Some(&*suites),
            self.groups.as_deref(),
            self.signature_algorithms.as_deref(),
        ];
        lists.into_iter().fold(scope, |scope, list| {
            scope.with(list.unwrap_or_default().as_bytes())
        })
    }

    /// The protocols in the form of the extension, each behind its length.
    fn wire(&self) -> Result<Vec<u8>, BuildError> {
        let mut wire = Vec::new();
        for protocol in &self.protocols {
            let length = u8::try_from(protocol.len())
                .ok()
                .filter(|length| *length > 0);
            let length = length.ok_or_else(|| BuildError::Unusable {
                what: "protocol name",
                list: String::from_utf8_lossy(protocol).into_owned(),
            })?;
            wire.push(length);
            wire.extend_from_slice(protocol);
        }
        Ok(wire)
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

/// The protocol where it stands in the client's list.
fn find<'a>(offered: &'a [u8], protocol: &[u8]) -> Option<&'a [u8]> {
    let mut rest = offered;
    while let [length, after @ ..] = rest {
        let (name, others) = after.split_at_checked(usize::from(*length))?;
        if name == protocol {
            return Some(name);
        }
        rest = others;
    }
    None
}

/// Sets a list, or finds out what in it cannot be set.
fn set(
    context: &mut SslContextBuilder,
    what: &'static str,
    list: &str,
    setter: fn(&mut SslContextBuilder, &str) -> Result<(), ErrorStack>,
) -> Result<(), BuildError> {
    let set = setter(context, list);
    if names(list).count() > 1 {
        for name in names(list) {
            let trial = SslContextBuilder::new(SslMethod::dtls());
            let mut trial = trial.map_err(OpenSslError::from)?;
            if setter(&mut trial, name).is_err() {
                let name = name.to_owned();
                return Err(BuildError::Unknown { what, name });
            }
        }
    }
    set.map_err(|_| BuildError::Unusable {
        what,
        list: list.to_owned(),
    })
}

/// What a list asks for, without the rules that only change what others bring.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' '])
        .filter(|name| !name.is_empty() && !name.starts_with(['!', '-', '+', '@']))
}
