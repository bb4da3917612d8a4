//! Several identities on one listener (SNI, RFC 6066 3).

use std::collections::HashMap;

use crate::{
    credentials::{
        identity::Identity,
        server_name::{fault, normal},
    },
    error::BuildError,
    openssl::{identity::Shown, server::Names},
};

/// Identities by the names that clients ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ServerNames {
    identities: HashMap<String, Identity>,
    /// A name that was given once more.
    twice: Option<String>,
}

impl ServerNames {
    pub(crate) fn insert(&mut self, name: &str, identity: Identity) {
        if self.identities.insert(normal(name), identity).is_some() {
            self.twice = Some(name.to_owned());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    pub(crate) fn identities(&self) -> impl Iterator<Item = &Identity> {
        self.identities.values()
    }

    /// Finds the identity of the name itself or of a `*` in place of its first label.
    fn find(&self, name: &str) -> Option<&Identity> {
        let name = normal(name);
        let of = |name: &str| self.identities.get(name);
        let wildcard = || of(&format!("*.{}", name.split_once('.')?.1));
        of(&name).or_else(wildcard)
    }

    /// Finds a name that would show nobody what it was given for.
    pub(crate) fn check(&self) -> Result<(), BuildError> {
        if let Some(name) = &self.twice {
            return Err(BuildError::ServerNameTwice { name: name.clone() });
        }
        let mut names = self.identities.keys();
        match names.find_map(|name| Some((name, fault(name)?))) {
            Some((name, fault)) => Err(BuildError::ServerName {
                name: name.clone(),
                fault,
            }),
            None => Ok(()),
        }
    }
}

impl Names for ServerNames {
    fn shown(&self, name: &str) -> Option<&Shown> {
        Some(&self.find(name)?.shown)
    }
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
        names.insert("a.b.example.org.", identity.clone());
        names.check().unwrap();
        for (name, found) in [
            ("x.example.org", true),
            ("X.EXAMPLE.ORG", true),
            ("x.example.org.", true),
            ("a.b.example.org", true),
            ("c.b.example.org", false),
            ("example.org", false),
            ("", false),
        ] {
            assert_eq!(names.find(name).is_some(), found, "{name}");
        }
        names.insert("A.B.example.org", identity);
        let error = names.check().unwrap_err();
        assert!(matches!(error, BuildError::ServerNameTwice { name } if name.starts_with("A.B")));
    }
}
