//! What a context is told of [`Preferences`].

use std::panic::{AssertUnwindSafe, catch_unwind};

use openssl::{
    error::ErrorStack,
    ssl::{AlpnError, SslContextBuilder, SslMethod, SslRef, select_next_proto},
};

use crate::{
    error::{BuildError, OpenSslError},
    openssl::{context::ContextBuilder, ffi, message_log, scope::Scope, srtp, suites::Proofs},
    settings::{preferences::Preferences, role::Role},
};

impl ContextBuilder {
    /// Offers, or takes, what is preferred and goes with the certificates and keys that there are.
    pub(crate) fn negotiate(
        &mut self,
        preferences: &Preferences,
        proofs: Proofs,
    ) -> Result<(), BuildError> {
        self.bound_versions(preferences.versions)?;
        self.offer_suites(preferences, proofs)?;
        if let Some(groups) = &preferences.groups {
            self.set("group", groups, SslContextBuilder::set_groups_list)?;
        }
        if let Some(algorithms) = &preferences.signature_algorithms {
            let setter = SslContextBuilder::set_sigalgs_list;
            self.set("signature algorithm", algorithms, setter)?;
        }
        if let Some(profiles) = &preferences.srtp_profiles {
            let known = profiles.split(':').all(srtp::is_known);
            let setter = if known {
                SslContextBuilder::set_tlsext_use_srtp
            } else {
                |_: &mut SslContextBuilder, _: &str| Err(ErrorStack::get())
            };
            self.set("SRTP profile", profiles, setter)?;
        }
        if !preferences.protocols.is_empty() {
            let wire = wire(&preferences.protocols)?;
            match self.role {
                Role::Client => {
                    let set = self.ssl.set_alpn_protos(&wire);
                    set.map_err(OpenSslError::from)?;
                }
                Role::Server => self.ssl.set_alpn_select_callback(move |_, offered| {
                    // Only a protocol of `offered` may be returned, which outlives the call.
                    let ours = select_next_proto(&wire, offered).ok_or(AlpnError::ALERT_FATAL)?;
                    find(offered, ours).ok_or(AlpnError::ALERT_FATAL)
                }),
            }
        }
        if let Some(log) = preferences.message_log.clone() {
            message_log::install(&mut self.ssl, log).map_err(OpenSslError::from)?;
        }
        if let Some(log) = preferences.key_log.clone() {
            // A panic must not get into OpenSSL, which would abort the process.
            self.ssl.set_keylog_callback(move |_: &SslRef, line| {
                let _ = catch_unwind(AssertUnwindSafe(|| log(line)));
            });
        }
        Ok(())
    }

    fn offer_suites(
        &mut self,
        preferences: &Preferences,
        proofs: Proofs,
    ) -> Result<(), BuildError> {
        if preferences.ccm8 {
            ffi::allow_ccm8(&mut self.ssl);
        }
        let list = suites(preferences, proofs);
        let setter = SslContextBuilder::set_cipher_list;
        match &preferences.cipher_suites {
            Some(list) => self.set("cipher suite", list, setter)?,
            None => setter(&mut self.ssl, &list).map_err(OpenSslError::from)?,
        }
        if !preferences.ccm8 {
            if names(&list).any(|name| name.contains("CCM8") || name.contains("CCM_8")) {
                return Err(BuildError::Ccm8 { list });
            }
            // A word such as ALL may have brought them.
            let without = self.ssl.set_cipher_list(&format!("{list}:!AESCCM8"));
            without.map_err(OpenSslError::from)?;
        }
        proofs.check(&self.ssl, &list)
    }

    /// Sets a list, or finds out what in it cannot be set.
    fn set(
        &mut self,
        what: &'static str,
        list: &str,
        setter: fn(&mut SslContextBuilder, &str) -> Result<(), ErrorStack>,
    ) -> Result<(), BuildError> {
        let set = setter(&mut self.ssl, list);
        if names(list).count() > 1 {
            for name in names(list) {
                let trial = SslContextBuilder::new(SslMethod::dtls());
                let mut trial = trial.map_err(OpenSslError::from)?;
                if setter(&mut trial, name).is_err() {
                    let name = name.to_owned();
                    return Err(BuildError::Unknown { what, name });
                }
            }
        }
        set.map_err(|_| BuildError::Unusable {
            what,
            list: list.to_owned(),
        })
    }
}

/// Lets sessions be resumed only under the same restrictions: a ticket keeps its cipher suite,
/// which OpenSSL does not compare with the list.
pub(crate) fn narrow(preferences: &Preferences, scope: Scope, proofs: Proofs) -> Scope {
    let suites = suites(preferences, proofs);
    let lists = [
        Some(&*suites),
        preferences.groups.as_deref(),
        preferences.signature_algorithms.as_deref(),
    ];
    lists.into_iter().fold(scope, |scope, list| {
        scope.with(list.unwrap_or_default().as_bytes())
    })
}

fn suites(preferences: &Preferences, proofs: Proofs) -> String {
    let default = || proofs.suites(preferences.ccm8, preferences.versions.allow_1_0());
    preferences.cipher_suites.clone().unwrap_or_else(default)
}

/// The protocols in the form of the extension, each behind its length.
fn wire(protocols: &[Vec<u8>]) -> Result<Vec<u8>, BuildError> {
    let mut wire = Vec::new();
    for protocol in protocols {
        let length = u8::try_from(protocol.len())
            .ok()
            .filter(|length| *length > 0);
        let length = length.ok_or_else(|| BuildError::Unusable {
            what: "protocol name",
            list: String::from_utf8_lossy(protocol).into_owned(),
        })?;
        wire.push(length);
        wire.extend_from_slice(protocol);
    }
    Ok(wire)
}

/// The protocol where it stands in the client's list.
fn find<'a>(offered: &'a [u8], protocol: &[u8]) -> Option<&'a [u8]> {
    let mut rest = offered;
    while let [length, after @ ..] = rest {
        let (name, others) = after.split_at_checked(usize::from(*length))?;
        if name == protocol {
            return Some(name);
        }
        rest = others;
    }
    None
}

/// What a list asks for, without the rules that only change what others bring.
fn names(list: &str) -> impl Iterator<Item = &str> {
    list.split([':', ',', ' '])
        .filter(|name| !name.is_empty() && !name.starts_with(['!', '-', '+', '@']))
}
