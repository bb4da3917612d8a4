//! The end of a handshake: its session's records become this crate's, where they can.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use dtls_wire::{ContentType, Record};
use tokio::time::Instant;

use crate::{
    openssl::{fips, material::Material},
    record_layer::{RecordLayer, witness::Witness},
    records::{
        exporter::Exporter,
        key::Key,
        last_flight::{self, LastFlight},
        layout::Layout,
        open::Opening,
        own::{Own, Takeover},
        seal::{self, Sealing},
        secrets::Secrets,
        suite::Suite,
    },
    settings::{config::SessionConfig, protection::RecordProtection},
};

/// What seals and opens as OpenSSL does: both Finished have shown it.
struct Proven {
    sealing: Sealing,
    opening: Opening,
    exporter: Exporter,
    last_flight: Option<LastFlight>,
}

/// Takes the records over from OpenSSL; those that cannot be taken stay as they are.
///
/// Whoever gets them has the `SSL`'s numbers and nonces, and the `SSL` is gone.
pub(crate) fn take_over(
    mut layer: RecordLayer,
    config: &SessionConfig,
) -> Result<Own, RecordLayer> {
    let Some((suite, material)) = eligible(&layer, config.protection) else {
        layer.transport().forget();
        return Err(layer);
    };
    let ours = layer.sent_last_flight();
    let witness = layer.transport_ref().witness();
    if ours && witness.last_flight.is_none() {
        // It was too long to be kept, so only OpenSSL can send it again.
        layer.transport().forget();
        return Err(layer);
    }
    let proven = prove(suite, &material, layer.is_server(), witness, config);
    let Some(mut proven) = proven else {
        if !WARNED.swap(true, Relaxed) {
            tracing::warn!(
                suite = material.suite,
                "the keys of a session did not prove right: its records stay OpenSSL's, as others' may"
            );
        }
        layer.transport().forget();
        layer.transport().link_mut().seldom().unproven_keys += 1;
        return Err(layer);
    };
    proven.sealing.skip_to(config.first_number);
    if suite.is_ccm8() {
        proven.opening = proven.opening.with_forgery_limit(config.ccm8_forgeries);
    }
    let (is_server, mtu) = (layer.is_server(), layer.asked_mtu());
    let (max_fragment, log) = (layer.max_fragment_length(), layer.message_log());
    let retransmissions = layer.retransmissions();
    let (link, held, unsent) = layer.into_transport().into_parts();
    Ok(Own::new(Takeover {
        link,
        sealing: proven.sealing,
        opening: proven.opening,
        exporter: proven.exporter,
        last_flight: proven.last_flight,
        held,
        outbound: unsent.into(),
        is_server,
        mtu,
        max_fragment,
        retransmissions,
        log,
    }))
}

fn eligible(layer: &RecordLayer, wanted: RecordProtection) -> Option<(Suite, Material)> {
    let material = layer.material()?;
    let suite = decide(wanted, fips::is_active(), material.suite)?;
    Some((suite, material))
}

/// Decides whether records are taken over, by what must not be.
///
/// In FIPS mode a nonce of GCM has to be made within the module (SP 800-38D 8.2).
fn decide(wanted: RecordProtection, fips: bool, suite: u16) -> Option<Suite> {
    let own = wanted == RecordProtection::Own && !fips;
    own.then(|| Suite::new(suite.into())).flatten()
}

/// Derives the keys, and opens with them what OpenSSL has sealed and opened.
fn prove(
    suite: Suite,
    material: &Material,
    is_server: bool,
    witness: &Witness,
    config: &SessionConfig,
) -> Option<Proven> {
    let secrets = Secrets::new(
        &material.master,
        material.client_random,
        material.server_random,
        suite.digest(),
    );
    let (clients, servers) = secrets.key_block(suite).ok()?;
    let (ours, theirs) = if is_server {
        (servers, clients)
    } else {
        (clients, servers)
    };

    let mut opening = Opening::new(theirs, Layout::Plain);
    let mut content = Vec::new();
    let mut heard = false;
    for bytes in witness.theirs() {
        let (record, _) = Record::split(bytes).ok()?;
        heard |= opening.open_vec(&record, &mut content).is_ok() && is_finished(&content);
    }
    // Strangers may have sent others, which say nothing of the keys' end.
    opening.forget_forgeries();

    let (finished, _) = Record::split(witness.ours()?).ok()?;
    let (ours, content) = reopen(ours, &finished)?;
    if !heard || !is_finished(&content) {
        return None;
    }
    let nonce_base = seal::nonce_base(&finished).unwrap_or_default();
    let last_flight = witness
        .last_flight
        .as_ref()
        .map(|(plain, next)| LastFlight::new(plain, *next, &content, Instant::now()));
    Some(Proven {
        sealing: Sealing::new(ours, Layout::Plain, witness.next(), nonce_base),
        opening,
        exporter: Exporter::new(secrets, config.export_only.as_deref()).ok()?,
        last_flight,
    })
}

/// Opens what was sealed with a key, and gives the key back.
fn reopen(key: Key, record: &Record<'_>) -> Option<(Key, Vec<u8>)> {
    let mut opening = Opening::new(key, Layout::Plain);
    let mut content = Vec::new();
    opening.open_vec(record, &mut content).ok()?;
    Some((opening.into_key(), content))
}

fn is_finished(content: &[u8]) -> bool {
    last_flight::asks(ContentType::HANDSHAKE, content)
}

/// One word in a log is enough: it would be the same fault again.
static WARNED: AtomicBool = AtomicBool::new(false);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_keeps_what_it_is_asked_to_keep_and_what_nobody_else_can() {
        const GCM: u16 = 0xc02b;
        const CBC: u16 = 0xc023;
        let is_own = |wanted, fips, suite| decide(wanted, fips, suite).is_some();
        assert!(is_own(RecordProtection::Own, false, GCM));
        assert!(!is_own(RecordProtection::OpenSsl, false, GCM));
        assert!(!is_own(RecordProtection::Own, true, GCM));
        assert!(!is_own(RecordProtection::Own, false, CBC));
        assert!(!is_own(RecordProtection::Own, false, 0xffff));
    }
}
