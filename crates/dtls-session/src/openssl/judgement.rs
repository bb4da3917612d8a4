//! What a client of OpenSSL's would say of an identity.

use std::time::{Duration, SystemTime};

use openssl::{
    error::ErrorStack,
    pkey::Id,
    stack::Stack,
    x509::{
        X509PurposeId, X509Ref, X509StoreContext,
        store::X509StoreBuilder,
        verify::{X509VerifyFlags, X509VerifyParam, X509VerifyParamRef},
    },
};

use crate::{
    certificate::{Certificate, identity_fault::IdentityFault},
    openssl::{certificate::curve, errors, identity::Shown},
};

impl Shown {
    /// Returns why clients would refuse it from a server that they have asked for `name`; `certificates` is all of it.
    pub(crate) fn server_faults(
        &self,
        certificates: &[Certificate],
        name: Option<&str>,
    ) -> Vec<IdentityFault> {
        let now = SystemTime::now();
        let dates = certificates.iter().enumerate();
        let mut faults: Vec<_> = dates
            .filter_map(|(depth, certificate)| outdated(depth, certificate, now))
            .collect();
        let own = self.certificate();
        if !passes(own, |asked| asked.set_purpose(X509PurposeId::SSL_SERVER)) {
            faults.push(IdentityFault::WrongPurpose);
        }
        if let Ok(key) = own.public_key()
            && key.id() == Id::EC
        {
            let curve = curve(&key);
            if curve.is_none_or(|curve| !CURVES.contains(&curve)) {
                let curve = curve.map(str::to_owned);
                faults.push(IdentityFault::UnusualCurve { curve });
            }
        }
        if let Some(name) = name {
            // Whatever a client asks for instead of the asterisk.
            let asked = name.replacen('*', "any", 1);
            // OpenSSL takes an empty name for none.
            if asked.is_empty() || !passes(own, |wanted| wanted.set_host(&asked)) {
                let name = name.to_owned();
                faults.push(IdentityFault::WrongName { name });
            }
        }
        faults
    }
}

fn outdated(depth: usize, certificate: &Certificate, now: SystemTime) -> Option<IdentityFault> {
    // It is good to the end of its last second.
    let end = |last: SystemTime| last.checked_add(Duration::from_secs(1));
    if certificate.not_before().is_some_and(|from| now < from) {
        Some(IdentityFault::NotYetValid { depth })
    } else if certificate
        .not_after()
        .and_then(end)
        .is_some_and(|end| end <= now)
    {
        Some(IdentityFault::Expired { depth })
    } else {
        None
    }
}

/// Whether a client that trusts the certificate finds in it what it asks for, whatever the time.
/// What OpenSSL cannot even ask for is not there.
fn passes(
    certificate: &X509Ref,
    ask: impl FnOnce(&mut X509VerifyParamRef) -> Result<(), ErrorStack>,
) -> bool {
    let verify = || -> Result<bool, ErrorStack> {
        let mut asked = X509VerifyParam::new()?;
        asked.set_flags(X509VerifyFlags::PARTIAL_CHAIN | X509VerifyFlags::NO_CHECK_TIME)?;
        ask(&mut asked)?;
        let mut store = X509StoreBuilder::new()?;
        store.add_cert(certificate.to_owned())?;
        store.set_param(&asked)?;
        let (store, chain) = (store.build(), Stack::new()?);
        X509StoreContext::new()?.init(&store, certificate, &chain, |context| context.verify_cert())
    };
    let passed = verify().unwrap_or(false);
    errors::forget();
    passed
}

/// Those that OpenSSL and others offer without being told to.
const CURVES: [&str; 3] = ["prime256v1", "secp384r1", "secp521r1"];
