//! Under which settings a session may be resumed.

use std::fmt;

use openssl::sha::Sha256;

/// Gathers the settings that a session was authenticated by, into OpenSSL's session ID context.
///
/// A resumed session authenticates nobody anew: it was done when it began. So it may go on only
/// where the same would have been asked, and OpenSSL compares this digest, which tickets and
/// exported sessions carry.
#[derive(Clone)]
pub(crate) struct Scope(Sha256);

impl Scope {
    pub(crate) fn new(role: &str) -> Self {
        Self(Sha256::new()).with(role.as_bytes())
    }

    pub(crate) fn with(mut self, setting: &[u8]) -> Self {
        self.0.update(&(setting.len() as u64).to_be_bytes());
        self.0.update(setting);
        self
    }

    pub(crate) fn digest(self) -> [u8; 32] {
        self.0.finish()
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}
