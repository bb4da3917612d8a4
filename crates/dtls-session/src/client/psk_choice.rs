//! Which key a client uses.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use crate::{
    credentials::psk::Psk,
    error::OpenSslError,
    openssl::{context::ContextBuilder, random, scope::Scope},
};

/// One key, or a function that chooses by the server's hint (RFC 4279 5.2).
#[derive(Clone)]
pub(crate) enum PskChoice {
    Always(Psk),
    ByHint(Arc<ByHint>),
}

pub(crate) type ByHint = dyn Fn(Option<&[u8]>) -> Option<Psk> + Send + Sync;

impl PskChoice {
    fn choose(&self, hint: Option<&[u8]>) -> Option<Psk> {
        match self {
            Self::Always(psk) => Some(psk.clone()),
            // A panic must not get into OpenSSL, which would abort the process.
            Self::ByHint(choose) => {
                catch_unwind(AssertUnwindSafe(|| choose(hint))).unwrap_or_default()
            }
        }
    }

    pub(crate) fn install(self, context: &mut ContextBuilder) {
        context.choose_psk(move |hint| {
            let Psk { identity, key } = self.choose(hint)?;
            Some((identity, key.0))
        });
    }

    /// Lets sessions be resumed only with the same identity and key; what a function chooses is known to
    /// its connector alone.
    pub(crate) fn narrow(&self, scope: Scope) -> Result<Scope, OpenSslError> {
        match self {
            Self::Always(psk) => Ok(psk.narrow(scope)),
            Self::ByHint(_) => {
                let mut own = [0; 32];
                random::fill(&mut own)?;
                Ok(scope.with(b"psk").with(&own))
            }
        }
    }
}

impl fmt::Debug for PskChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskChoice").finish_non_exhaustive()
    }
}
