//! Whom a server lets in, beyond what OpenSSL checks.

use crate::{
    openssl::{returning::Returning, verify::Authorize},
    server::psk_lookup::PskLookup,
};

/// Both ways to get in, for clients that come back with a session and prove nothing anew.
pub(crate) struct Admission {
    pub(crate) psk: Option<PskLookup>,
    pub(crate) authorize: Option<Authorize>,
}

impl Admission {
    pub(crate) fn still_holds(&self, client: &Returning) -> bool {
        if let Some((identity, mark)) = &client.psk {
            let key = self.psk.as_ref().and_then(|psk| psk.find(identity));
            // Another key under the same identity is another client's, or a lost one's successor.
            return key.is_some_and(|key| key.mark() == mark[..]);
        }
        match (&self.authorize, &client.certificate) {
            (Some(authorize), Some(certificate)) => authorize.allows(certificate),
            _ => true,
        }
    }
}
