//! Where the first refusal of one handshake is kept, which OpenSSL forgets.

use std::sync::{Mutex, PoisonError};

use crate::certificate::refusal::CertificateRefusal;

#[derive(Debug, Default)]
pub(crate) struct FirstRefusal(Mutex<Option<CertificateRefusal>>);

impl FirstRefusal {
    /// Keeps one, unless there was one before.
    pub(super) fn keep(&self, refusal: impl FnOnce() -> CertificateRefusal) {
        let mut first = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(refusal);
    }

    pub(super) fn get(&self) -> Option<CertificateRefusal> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
