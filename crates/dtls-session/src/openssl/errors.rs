//! What is on the thread's queue of errors.

use openssl::error::ErrorStack;

use crate::error::OpenSslError;

impl From<ErrorStack> for OpenSslError {
    fn from(stack: ErrorStack) -> Self {
        let reasons = stack.errors().iter().map(|error| error.reason_code());
        Self::new(stack.to_string(), reasons.collect())
    }
}

/// Takes leftovers off the thread's queue, where any other session would find them.
pub(super) fn forget() {
    drop(ErrorStack::get());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_openssl_says() {
        let stack = openssl::x509::X509::from_pem(b"nothing").unwrap_err();
        let (text, reason) = (stack.to_string(), stack.errors()[0].reason_code());
        let error = OpenSslError::from(stack);
        assert_eq!(error.to_string(), text);
        assert!(text.contains("no start line"), "{text}");
        assert_eq!(error.reasons()[0], reason);
        assert_eq!(
            OpenSslError::from(ErrorStack::get()).to_string(),
            "OpenSSL error"
        );
    }
}
