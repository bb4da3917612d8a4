//! What an `Ssl` carries for the callbacks that OpenSSL calls with it.

use std::sync::{Arc, LazyLock};

use openssl::{
    error::ErrorStack,
    ex_data::Index,
    ssl::{Ssl, SslRef},
};

use crate::openssl::{
    alerts::Alerts, answer::Answer, first_refusal::FirstRefusal, presented::Presented,
    tickets::TicketKeys, timer::Intervals,
};

/// All that this crate leaves in an `Ssl`: callbacks get nothing else of ours.
///
/// It is not in the context, which a callback may replace in mid-handshake.
#[derive(Default)]
pub(crate) struct Attached {
    /// Says when a flight is repeated; None is OpenSSL's own policy.
    pub(crate) timer: Option<Arc<dyn Intervals>>,
    pub(crate) alerts: Alerts,
    pub(crate) refusal: FirstRefusal,
    /// What the client's hello has to have for its cookie.
    pub(crate) cookie: Option<Vec<u8>>,
    pub(crate) tickets: Option<Arc<TicketKeys>>,
    /// Where a server that has pre-shared keys notes which of them is asked for.
    pub(crate) presented: Option<Presented>,
    /// Where a key is that has to be fetched.
    pub(crate) answer: Option<Answer>,
}

impl Attached {
    /// Gives it to a new `Ssl`, which frees it.
    pub(crate) fn attach(self, ssl: &mut Ssl) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, self);
        Ok(())
    }

    /// Finds what a client says of its pre-shared key.
    pub(crate) fn presented(ssl: &SslRef) -> Option<&Presented> {
        Self::of(ssl)?.presented.as_ref()
    }

    /// Finds it again; None in an `Ssl` that this crate has not made.
    pub(crate) fn of(ssl: &SslRef) -> Option<&Self> {
        ssl.ex_data(index().ok()?)
    }
}

fn index() -> Result<Index<Ssl, Attached>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Attached>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
