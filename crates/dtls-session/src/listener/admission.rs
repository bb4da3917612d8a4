//! Whom a server lets in, beyond what OpenSSL checks.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use openssl::{
    ssl::{SslContextBuilder, SslRef, SslVerifyMode},
    x509::{X509Ref, X509VerifyResult},
};

use crate::{certificate::Certificate, ffi, psk::lookup::PskLookup, refusal};

/// What the application says of a certificate that is good in itself.
#[derive(Clone)]
pub(crate) struct Authorize(Arc<Decide>);

type Decide = dyn Fn(&Certificate) -> bool + Send + Sync;

impl Authorize {
    pub(crate) fn new(decide: impl Fn(&Certificate) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// A panic must not get into OpenSSL, which would abort the process.
    fn allows(&self, certificate: &X509Ref) -> bool {
        let decide = || Certificate::of(certificate).is_ok_and(|it| (self.0)(&it));
        catch_unwind(AssertUnwindSafe(decide)).unwrap_or_default()
    }

    pub(crate) fn install(self, context: &mut SslContextBuilder, mode: SslVerifyMode) {
        refusal::watch(context, mode, move |chain| {
            let leaf = chain.error_depth() == 0;
            let allowed = || chain.current_cert().is_some_and(|it| self.allows(it));
            let refused = leaf && !allowed();
            if refused {
                chain.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
            }
            !refused
        });
    }
}

/// Both ways to get in, for clients that come back with a session and prove nothing anew.
pub(crate) struct Admission {
    pub(crate) psk: Option<PskLookup>,
    pub(crate) authorize: Option<Authorize>,
}

impl Admission {
    pub(crate) fn still_holds(&self, ssl: &SslRef) -> bool {
        if let Some(identity) = ffi::psk_identity(ssl) {
            let key = self.psk.as_ref().and_then(|psk| psk.find(&identity));
            let mark = ssl.session().map(ffi::ticket_data).unwrap_or_default();
            // Another key under the same identity is another client's, or a lost one's successor.
            return key.is_some_and(|key| key.mark() == mark);
        }
        match (&self.authorize, ssl.peer_certificate()) {
            (Some(authorize), Some(certificate)) => authorize.allows(&certificate),
            _ => true,
        }
    }
}
