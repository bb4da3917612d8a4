//! How a server finds the key of an identity.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use openssl::{
    error::ErrorStack,
    ssl::{SslContextBuilder, SslRef},
};
use zeroize::Zeroizing;

use crate::{
    ffi,
    hmac::HmacKey,
    psk::{
        PskKey,
        answer::Answer,
        inquiry::{LookLater, PskInquiry},
    },
    resumption::scope::Scope,
};

/// A map or a function that knows keys, at once or some time later.
#[derive(Clone)]
pub(crate) enum PskLookup {
    Now(Arc<LookNow>),
    Later(Arc<LookLater>),
}

pub(crate) type LookNow = dyn Fn(&[u8]) -> Option<PskKey> + Send + Sync;

impl PskLookup {
    pub(crate) fn now(lookup: impl Fn(&[u8]) -> Option<PskKey> + Send + Sync + 'static) -> Self {
        Self::Now(Arc::new(lookup))
    }

    pub(crate) fn later<F>(lookup: impl Fn(Vec<u8>) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Option<PskKey>> + Send + 'static,
    {
        Self::Later(Arc::new(move |identity| Box::pin(lookup(identity))))
    }

    /// Finds a key at once, if that can be done. A panic must not get into OpenSSL, which would
    /// abort the process.
    pub(crate) fn find(&self, identity: &[u8]) -> Option<PskKey> {
        match self {
            Self::Now(lookup) => {
                catch_unwind(AssertUnwindSafe(|| lookup(identity))).unwrap_or_default()
            }
            Self::Later(_) => None,
        }
    }

    /// Strangers get a key nobody has, and fail where those with a wrong key do: who guesses
    /// identities learns nothing (RFC 4279 2).
    pub(crate) fn install(self, context: &mut SslContextBuilder, decoy: &[u8; 32]) {
        let decoy = HmacKey::new(decoy);
        context.set_psk_server_callback(move |ssl, identity, key| {
            let identity = identity.unwrap_or_default();
            // Made for everybody, so that it takes the same time.
            let stranger = Zeroizing::new(decoy.sign(&[identity]).to_vec());
            let found = match &self {
                Self::Now(_) => self.find(identity),
                Self::Later(_) => Answer::of(ssl, identity),
            };
            if let (Some(found), Some(session)) = (&found, ssl.session()) {
                ffi::set_ticket_data(session, &found.mark())?;
            }
            Ok::<_, ErrorStack>(found.unwrap_or_else(|| stranger.into()).write(key))
        });
    }

    /// Lets no session be resumed here that could not be asked about.
    pub(crate) fn narrow(&self, scope: Scope) -> Scope {
        match self {
            Self::Now(_) => scope,
            Self::Later(_) => scope.with(b"fetch"),
        }
    }

    /// Starts what has to be known before `ssl` asks for it; None if it need not wait.
    pub(crate) fn inquire(&self, ssl: &mut SslRef) -> Result<Option<PskInquiry>, ErrorStack> {
        let Self::Later(lookup) = self else {
            return Ok(None);
        };
        let answer = Answer::default();
        answer.attach(ssl)?;
        Ok(Some(PskInquiry::new(Arc::clone(lookup), answer)))
    }
}

impl fmt::Debug for PskLookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskLookup").finish_non_exhaustive()
    }
}
