//! The application's word on a client whose certificate is good.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslContextBuilder, SslRef, SslVerifyMode},
    x509::{X509Ref, X509VerifyResult},
};

/// Decides by a certificate whether its owner may have a session, a full or a resumed one.
#[derive(Clone)]
pub(crate) struct Authorize(Arc<Decide>);

type Decide = dyn Fn(&X509Ref) -> bool + Send + Sync;

impl Authorize {
    pub(crate) fn new(decide: impl Fn(&X509Ref) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(decide))
    }

    /// Refuses in full handshakes, when the chain has been found good.
    pub(crate) fn install(self, context: &mut SslContextBuilder, mode: SslVerifyMode) {
        context.set_verify_callback(mode, move |good, chain| {
            let leaf = chain.error_depth() == 0;
            let welcome = || chain.current_cert().is_some_and(&*self.0);
            let refused = good && leaf && !welcome();
            if refused {
                chain.set_error(X509VerifyResult::APPLICATION_VERIFICATION);
            }
            good && !refused
        });
    }

    /// Lets `ssl` ask before it resumes a session.
    pub(crate) fn attach(&self, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, self.clone());
        Ok(())
    }

    /// Whether a session with this certificate may go on. One that may not begins anew, and is
    /// refused in the full handshake, which has an alert for it.
    pub(crate) fn resumes(ssl: &SslRef, certificate: &X509Ref) -> bool {
        let Ok(index) = index() else {
            return false;
        };
        ssl.ex_data(index)
            .is_none_or(|Self(decide)| decide(certificate))
    }
}

impl fmt::Debug for Authorize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorize").finish_non_exhaustive()
    }
}

fn index() -> Result<Index<Ssl, Authorize>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Authorize>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
