//! Secrets on the command line.

use std::{convert::Infallible, fmt, str::FromStr};

use zeroize::Zeroizing;

/// Text that no output shows, and whose memory is wiped when it is dropped.
///
/// Whatever is wrong with it is found out later: clap repeats what does not parse.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing() {
        let Ok(secret) = "device:00".parse::<Secret>();
        assert_eq!(secret.text(), "device:00");
        assert_eq!(format!("{secret:?}"), "Secret { .. }");
    }
}
