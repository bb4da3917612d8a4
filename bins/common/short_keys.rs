//! Pre-shared keys that are no secret for long.

use dtls_session::PskKey;

use crate::{octets, plain};

/// Warns of keys that are too short, by one line whatever their number.
pub fn warn_of_short_keys<'a>(keys: impl IntoIterator<Item = (&'a [u8], &'a PskKey)>) {
    let keys = keys.into_iter().filter(|(_, key)| key.is_short());
    let mut identities: Vec<_> = keys.map(|(identity, _)| identity).collect();
    identities.sort_unstable();
    let Some((first, others)) = identities.split_first() else {
        return;
    };
    let others = match others.len() {
        0 => String::new(),
        others => format!(" and of {others} more"),
    };
    tracing::warn!(
        "the pre-shared key of \"{}\"{others} has less than {} bytes and can be found by trying: \
         `openssl rand -hex {1}` makes a better one",
        plain(&octets(first)),
        PskKey::ADVISED
    );
}
