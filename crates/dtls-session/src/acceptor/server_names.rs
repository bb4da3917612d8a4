//! Several identities on one listener (SNI, RFC 6066 3).

use std::collections::HashMap;

use openssl::ssl::{ClientHelloResponse, NameType, SniError, SslContextBuilder};

use crate::{ffi, identity::Identity, resumption::scope::Scope};

/// Identities by the names that clients ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerNames(HashMap<String, Identity>);

impl ServerNames {
    pub(crate) fn insert(&mut self, name: &str, identity: Identity) {
        self.0.insert(name.to_ascii_lowercase(), identity);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.0.values()
    }

    /// Finds the identity of the name itself or of a `*` in place of its first label.
    fn find(&self, name: &str) -> Option<&Identity> {
        let name = name.to_ascii_lowercase();
        let wildcard = || self.0.get(&format!("*.{}", name.split_once('.')?.1));
        self.0.get(&name).or_else(wildcard)
    }

    /// Clients that name none of these, or nothing at all, are shown the context's identity.
    pub(crate) fn install(self, context: &mut SslContextBuilder) {
        if self.is_empty() {
            return;
        }
        context.set_servername_callback(move |ssl, _| {
            let name = ssl.servername(NameType::HOST_NAME).unwrap_or_default();
            match self.find(name) {
                Some(identity) => identity.show(ssl).map_err(|_| SniError::ALERT_FATAL),
                None => Ok(()),
            }
        });
    }
}

/// Lets a session be resumed under the name that it began with, and under no other (RFC 6066 3),
/// which OpenSSL leaves to its user.
pub(super) fn narrow(context: &mut SslContextBuilder, scope: Scope) {
    context.set_client_hello_callback(move |ssl, _| {
        if let Some(name) = ffi::requested_server_name(ssl) {
            let scope = scope.clone().with(&name.to_ascii_lowercase());
            ffi::set_session_id_context(ssl, &scope.digest())?;
        }
        Ok(ClientHelloResponse::SUCCESS)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_a_wildcard_of_one_label() {
        let chain = include_bytes!("../../../../certs/server.pem");
        let key = include_bytes!("../../../../certs/server.key");
        let identity = Identity::from_pem(chain, key).unwrap();
        let mut names = ServerNames::default();
        names.insert("*.Example.org", identity.clone());
        names.insert("a.b.example.org", identity);
        for (name, found) in [
            ("x.example.org", true),
            ("X.EXAMPLE.ORG", true),
            ("a.b.example.org", true),
            ("c.b.example.org", false),
            ("example.org", false),
            ("", false),
        ] {
            assert_eq!(names.find(name).is_some(), found, "{name}");
        }
    }
}
