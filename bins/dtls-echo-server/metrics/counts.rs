//! Counters of the libraries as metrics.

use std::sync::Arc;

use dtls_echo::lost_lines;
use dtls_session::{Listener, ListenerStats, SessionStats};
use metrics::{counter, gauge};
use udp_demux::Stats;

/// Brings the metrics of all listeners, with the numbers of their shards, up to date.
pub(super) fn set_listeners(listeners: &[(usize, Arc<Listener>)]) {
    counter!("dtls_log_lines_lost_total").absolute(lost_lines());
    // Siblings count their handshakes together.
    if let Some((_, listener)) = listeners.first() {
        set_listener(&listener.stats());
    }
    for (shard, listener) in listeners {
        set_socket(&shard.to_string(), &listener.endpoint_stats());
    }
}

fn set_listener(stats: &ListenerStats) {
    gauge!("dtls_handshakes_half_open").set(stats.half_open as f64);
    gauge!("dtls_sessions").set(stats.sessions as f64);
    for (outcome, hellos) in [
        ("challenged", stats.challenged),
        ("limited", stats.challenges_limited),
    ] {
        counter!("dtls_hellos_total", "outcome" => outcome).absolute(hellos);
    }
    for (outcome, hellos) in [
        ("accepted", stats.accepted),
        ("repeated", stats.repeated),
        ("refused_half_open", stats.refused_half_open),
        (
            "refused_half_open_per_address",
            stats.refused_half_open_per_address,
        ),
        ("refused_sessions", stats.refused_sessions),
        ("refused_per_address", stats.refused_per_address),
    ] {
        counter!("dtls_verified_hellos_total", "outcome" => outcome).absolute(hellos);
    }
    counter!("dtls_datagrams_discarded_total").absolute(stats.discarded);
    counter!("dtls_handshakes_evicted_total").absolute(stats.evicted);
    for (resumed, sessions) in [
        ("false", stats.established.saturating_sub(stats.resumed)),
        ("true", stats.resumed),
    ] {
        counter!("dtls_sessions_established_total", "resumed" => resumed).absolute(sessions);
    }
}

fn set_socket(shard: &str, stats: &Stats) {
    let shard = || shard.to_owned();
    for (direction, datagrams, bytes, errors) in [
        (
            "received",
            stats.received,
            stats.received_bytes,
            stats.receive_errors,
        ),
        ("sent", stats.sent, stats.sent_bytes, stats.send_errors),
    ] {
        let labels = || [("shard", shard()), ("direction", direction.to_owned())];
        counter!("dtls_udp_datagrams_total", &labels()).absolute(datagrams);
        counter!("dtls_udp_bytes_total", &labels()).absolute(bytes);
        counter!("dtls_udp_errors_total", &labels()).absolute(errors);
    }
    for (reason, datagrams) in [
        ("empty", stats.dropped_empty),
        ("too_long", stats.dropped_too_long),
        ("queue_full", stats.dropped_queue_full),
        ("backlog_full", stats.dropped_backlog_full),
        ("no_acceptor", stats.dropped_no_acceptor),
        ("unsent", stats.dropped_unsent),
    ] {
        counter!("dtls_udp_dropped_total", "shard" => shard(), "reason" => reason)
            .absolute(datagrams);
    }
    counter!("dtls_udp_receive_calls_total", "shard" => shard()).absolute(stats.receive_calls);
    counter!("dtls_udp_diverted_total", "shard" => shard()).absolute(stats.diverted);
    counter!("dtls_udp_send_would_block_total", "shard" => shard())
        .absolute(stats.send_would_block);
    counter!("dtls_udp_send_delayed_total", "shard" => shard()).absolute(stats.send_delayed);
}

/// Adds what one session has counted in its life.
pub(super) fn add_session(stats: &SessionStats) {
    for (direction, datagrams, bytes, errors) in [
        (
            "received",
            stats.received,
            stats.received_bytes,
            stats.recv_errors,
        ),
        ("sent", stats.sent, stats.sent_bytes, stats.send_errors),
    ] {
        counter!("dtls_session_datagrams_total", "direction" => direction).increment(datagrams);
        counter!("dtls_session_bytes_total", "direction" => direction).increment(bytes);
        counter!("dtls_session_errors_total", "direction" => direction).increment(errors);
    }
    counter!("dtls_session_warnings_total").increment(stats.warnings);
    counter!("dtls_flights_repeated_total").increment(stats.retransmissions);
    for (reason, datagrams) in [
        ("closed", stats.dropped_closed),
        ("unsent", stats.dropped_unsent),
    ] {
        counter!("dtls_session_datagrams_dropped_total", "reason" => reason).increment(datagrams);
    }
    for (reason, records) in [
        ("empty", stats.filtered_empty),
        ("malformed", stats.filtered_malformed),
        ("alert", stats.filtered_alerts),
        ("plaintext", stats.filtered_plaintext),
        ("early", stats.filtered_early),
        ("handshake", stats.filtered_handshake),
        ("replayed", stats.replayed),
        ("forged", stats.forged),
        ("no_data", stats.empty_records),
    ] {
        counter!("dtls_records_filtered_total", "reason" => reason).increment(records);
    }
    counter!("dtls_sessions_unproven_total").increment(stats.unproven_keys);
}
