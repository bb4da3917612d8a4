//! What holds for the library as a whole.

use std::ptr;

use openssl_sys as sys;

/// Whether ciphers are fetched with the property `fips` (`EVP_default_properties_is_fips_enabled`).
pub(crate) fn fips_is_enabled() -> bool {
    // SAFETY: null stands for the default library context; the function only reads it.
    unsafe { sys::EVP_default_properties_is_fips_enabled(ptr::null_mut()) == 1 }
}
