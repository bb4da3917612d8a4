//! Whether OpenSSL has to keep to what FIPS 140 approves.

use crate::openssl::ffi;

/// Whether the FIPS provider is what ciphers are fetched from (`EVP_default_properties_is_fips_enabled`).
pub(crate) fn is_active() -> bool {
    ffi::fips_is_enabled()
}
