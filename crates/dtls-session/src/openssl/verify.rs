//! What becomes of a peer's certificate, and why it is refused, which OpenSSL forgets.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use openssl::{
    ssl::{SslRef, SslVerifyMode},
    x509::{X509StoreContext, X509StoreContextRef, X509VerifyResult},
};

use crate::{
    certificate::{
        Certificate,
        refusal::{CertificateFault, CertificateRefusal},
    },
    openssl::{attached::Attached, context::ContextBuilder},
};

/// How much a peer's certificate counts.
#[derive(Clone, Copy)]
pub(crate) enum Verification {
    /// Any is good, and what is wrong with it is remembered.
    Ignored,
    /// It has to be good, if there is one; a server always shows one.
    Verified,
    /// It has to be there and good.
    Required,
}

/// What the application says of a certificate that is good in itself.
#[derive(Clone)]
pub(crate) struct Authorize(Arc<Decide>);

type Decide = dyn Fn(&Certificate) -> bool + Send + Sync;

impl Authorize {
    pub(crate) fn new(decide: impl Fn(&Certificate) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// A panic must not get into OpenSSL, which would abort the process.
    pub(crate) fn allows(&self, certificate: &Certificate) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.0)(certificate))).unwrap_or_default()
    }

    /// Asked for the peer's own certificate, once those behind it were found good.
    fn admits(&self, chain: &mut X509StoreContextRef) -> bool {
        if chain.error_depth() != 0 {
            return true;
        }
        let own = chain.current_cert().map(Certificate::of);
        let allowed = own.is_some_and(|own| own.is_ok_and(|own| self.allows(&own)));
        if !allowed {
            chain.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
        }
        allowed
    }
}

impl ContextBuilder {
    /// Verifies peers, and remembers why one was refused; `authorize` has the last word on those that
    /// OpenSSL accepts.
    pub(crate) fn verify(&mut self, verification: Verification, authorize: Option<Authorize>) {
        let mode = match verification {
            Verification::Ignored => SslVerifyMode::NONE,
            Verification::Verified => SslVerifyMode::PEER,
            Verification::Required => SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        };
        self.ssl.set_verify_callback(mode, move |accepted, chain| {
            let accepted = accepted && authorize.as_ref().is_none_or(|it| it.admits(chain));
            if !accepted {
                remember(chain);
            }
            accepted
        });
    }
}

/// Returns why the peer's certificate was, or would have been, refused.
pub(crate) fn refusal(ssl: &SslRef) -> Option<CertificateRefusal> {
    Attached::of(ssl)?.refusal.get()
}

/// The same of a certificate that was refused, though nothing may have been remembered of it.
pub(crate) fn cause(ssl: &SslRef) -> CertificateRefusal {
    refusal(ssl).unwrap_or_else(|| told(ssl.verify_result()))
}

fn remember(chain: &X509StoreContextRef) {
    let ssl = || chain.ex_data(X509StoreContext::ssl_idx().ok()?);
    if let Some(Attached { refusal, .. }) = ssl().and_then(|ssl| Attached::of(ssl)) {
        refusal.keep(|| of(chain));
    }
}

fn of(context: &X509StoreContextRef) -> CertificateRefusal {
    let chain = context.chain().into_iter().flatten();
    let mut chain: Vec<_> = chain.filter_map(|it| Certificate::of(it).ok()).collect();
    if chain.is_empty() {
        let current = context.current_cert();
        chain.extend(current.and_then(|it| Certificate::of(it).ok()));
    }
    CertificateRefusal {
        depth: context.error_depth(),
        chain,
        ..told(context.error())
    }
}

fn told(result: X509VerifyResult) -> CertificateRefusal {
    CertificateRefusal {
        fault: fault(result),
        reason: result.error_string().to_owned(),
        ..CertificateRefusal::missing()
    }
}

/// By the numbers of `x509_vfy.h`.
fn fault(result: X509VerifyResult) -> CertificateFault {
    match result.as_raw() {
        10 => CertificateFault::Expired,
        9 => CertificateFault::NotYetValid,
        62 | 64 => CertificateFault::WrongName,
        2 | 20 | 21 | 27 => CertificateFault::UnknownAuthority,
        18 | 19 => CertificateFault::SelfSigned,
        26 | 32 | 37 | 79 => CertificateFault::WrongPurpose,
        66..=68 => CertificateFault::TooWeak,
        28 | 50 => CertificateFault::Unwanted,
        _ => CertificateFault::Other,
    }
}
