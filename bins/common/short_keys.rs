//! Pre-shared keys that are no secret for long.

use dtls_session::PskKey;

/// Warns of keys that are too short, by one line whatever their number.
pub fn warn_of_short_keys<'a>(keys: impl IntoIterator<Item = (&'a str, &'a PskKey)>) {
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
        "the pre-shared key of {first:?}{others} has less than {} bytes and can be found by trying: \
         `openssl rand -hex {0}` makes a better one",
        PskKey::ADVISED
    );
}
