//! Why a peer's certificate was refused.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use openssl::{
    ssl::{SslContextBuilder, SslRef, SslVerifyMode},
    x509::{X509StoreContext, X509StoreContextRef, X509VerifyResult},
};

use crate::{certificate::Certificate, openssl::attached::Attached};

/// Why a peer's certificate was refused, and which of its chain was at fault.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CertificateRefusal {
    /// What was wrong with it.
    pub fault: CertificateFault,
    /// The same in OpenSSL's words (`X509_verify_cert_error_string`).
    pub reason: String,
    /// Where in the chain the fault is: 0 is the peer's own certificate, 1 its issuer's.
    pub depth: u32,
    /// The chain as far as it could be built, the peer's own certificate first; it ends with a
    /// trusted one where that was found. Empty if the peer showed no certificate.
    pub chain: Vec<Certificate>,
}

/// What is wrong with a certificate, as far as a caller may want to tell the cases apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CertificateFault {
    /// The peer showed none.
    Missing,
    /// It is not valid any more.
    Expired,
    /// It is not valid yet.
    NotYetValid,
    /// It has not the name, or the address, that was expected.
    WrongName,
    /// No trusted authority has signed it.
    UnknownAuthority,
    /// It has signed itself, and is not trusted.
    SelfSigned,
    /// It is not meant for this side of a session, or its authority for signing.
    WrongPurpose,
    /// Its key or its digest is too weak.
    TooWeak,
    /// The application did not want it.
    Unwanted,
    /// Something else, which [`CertificateRefusal::reason`] names.
    Other,
}

impl CertificateRefusal {
    /// Returns the certificate at fault, where one was shown.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.chain
            .get(self.depth as usize)
            .or_else(|| self.chain.last())
    }

    pub(crate) fn missing() -> Self {
        Self {
            fault: CertificateFault::Missing,
            reason: "it sent none".to_owned(),
            depth: 0,
            chain: Vec::new(),
        }
    }

    /// What is left to say where nothing was remembered.
    pub(crate) fn by(result: X509VerifyResult) -> Self {
        Self {
            fault: CertificateFault::of(result),
            reason: result.error_string().to_owned(),
            ..Self::missing()
        }
    }

    fn of(context: &X509StoreContextRef) -> Self {
        let result = context.error();
        let chain = context.chain().into_iter().flatten();
        let mut chain: Vec<_> = chain.filter_map(|it| Certificate::of(it).ok()).collect();
        if chain.is_empty() {
            let current = context.current_cert();
            chain.extend(current.and_then(|it| Certificate::of(it).ok()));
        }
        Self {
            depth: context.error_depth(),
            chain,
            ..Self::by(result)
        }
    }
}

impl fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl CertificateFault {
    /// By the numbers of `x509_vfy.h`.
    fn of(result: X509VerifyResult) -> Self {
        match result.as_raw() {
            10 => Self::Expired,
            9 => Self::NotYetValid,
            62 | 64 => Self::WrongName,
            2 | 20 | 21 | 27 => Self::UnknownAuthority,
            18 | 19 => Self::SelfSigned,
            26 | 32 | 37 | 79 => Self::WrongPurpose,
            66..=68 => Self::TooWeak,
            28 | 50 => Self::Unwanted,
            _ => Self::Other,
        }
    }
}

/// Where the first refusal of one handshake is kept.
#[derive(Debug, Default)]
pub(crate) struct FirstRefusal(Mutex<Option<CertificateRefusal>>);

/// Verifies peers as `mode` says and remembers why one was refused; `decide` has the last word on
/// those that OpenSSL accepts.
pub(crate) fn watch(
    context: &mut SslContextBuilder,
    mode: SslVerifyMode,
    decide: impl Fn(&mut X509StoreContextRef) -> bool + Send + Sync + 'static,
) {
    context.set_verify_callback(mode, move |accepted, store| {
        let accepted = accepted && decide(store);
        if !accepted {
            remember(store);
        }
        accepted
    });
}

/// Returns why the peer's certificate was, or would have been, refused.
pub(crate) fn of(ssl: &SslRef) -> Option<CertificateRefusal> {
    let FirstRefusal(first) = &Attached::of(ssl)?.refusal;
    first.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn remember(store: &X509StoreContextRef) {
    let ssl = || store.ex_data(X509StoreContext::ssl_idx().ok()?);
    if let Some(Attached { refusal, .. }) = ssl().and_then(|ssl| Attached::of(ssl)) {
        let mut first = refusal.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| CertificateRefusal::of(store));
    }
}
