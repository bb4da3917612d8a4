//! What OpenSSL says went wrong.

use std::{error::Error, fmt};

/// OpenSSL's errors, as they came from its queue (`ERR_get_error_all`), in its own words.
#[derive(Clone, Debug)]
pub struct OpenSslError {
    text: String,
    reasons: Vec<i32>,
}

impl OpenSslError {
    /// Takes them as text, with their reason codes, the earliest first.
    pub(crate) fn new(text: String, reasons: Vec<i32>) -> Self {
        Self { text, reasons }
    }

    /// Returns their reason codes (`sslerr.h`, `x509err.h` and so on; `ERR_GET_REASON`), the earliest error's first.
    pub fn reasons(&self) -> &[i32] {
        &self.reasons
    }
}

impl fmt::Display for OpenSslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for OpenSslError {}
