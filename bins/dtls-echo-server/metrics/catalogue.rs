//! The names of the metrics, and what they mean.

use metrics::{describe_counter, describe_gauge, describe_histogram};

/// Tells the recorder what each metric means.
pub(super) fn describe() {
    for (name, help) in GAUGES {
        describe_gauge!(*name, *help);
    }
    for (name, help) in COUNTERS {
        describe_counter!(*name, *help);
    }
    for (name, help) in HISTOGRAMS {
        describe_histogram!(*name, *help);
    }
}

type Help = (&'static str, &'static str);

const GAUGES: &[Help] = &[
    (
        "dtls_build_info",
        "1, with the versions of the server and of OpenSSL.",
    ),
    (
        "dtls_certificate_expiry_timestamp_seconds",
        "When the first of the certificates that clients are shown expires, in seconds since 1970.",
    ),
    ("dtls_handshakes_half_open", "Handshakes that run now."),
    ("dtls_sessions", "Sessions that are established now."),
];

const COUNTERS: &[Help] = &[
    (
        "dtls_hellos_total",
        "First hellos by what became of them: challenged with a cookie, limited by --max-challenges.",
    ),
    (
        "dtls_verified_hellos_total",
        "Hellos with a good cookie, or in no need of one, by what became of them: accepted, repeated, or refused at a limit.",
    ),
    (
        "dtls_datagrams_discarded_total",
        "Datagrams from unknown peers that are no first hello.",
    ),
    (
        "dtls_handshakes_evicted_total",
        "Handshakes ended to make room: stale ones, or ones that their client had left behind.",
    ),
    (
        "dtls_handshakes_failed_total",
        "Handshakes that made no session, by the reason.",
    ),
    (
        "dtls_sessions_established_total",
        "Handshakes that became sessions, by whether they resumed an earlier one.",
    ),
    (
        "dtls_sessions_ended_total",
        "Sessions that have ended, by the reason.",
    ),
    (
        "dtls_session_datagrams_total",
        "Application datagrams of sessions that have ended, by direction.",
    ),
    (
        "dtls_session_bytes_total",
        "Application bytes of sessions that have ended, by direction.",
    ),
    (
        "dtls_flights_repeated_total",
        "Flights that sessions which have ended had to repeat, because a timer expired.",
    ),
    (
        "dtls_session_datagrams_dropped_total",
        "Datagrams that sessions which have ended had dropped: come after the server had closed the session, or unsent.",
    ),
    (
        "dtls_session_errors_total",
        "Errors that the socket reported for single datagrams of sessions that have ended, by direction.",
    ),
    (
        "dtls_session_warnings_total",
        "Warning alerts of clients that were passed over, in sessions that have ended.",
    ),
    (
        "dtls_records_filtered_total",
        "Records that sessions which have ended passed over, by the reason.",
    ),
    (
        "dtls_sessions_unproven_total",
        "Sessions whose own keys did not prove right, so that OpenSSL protected their records; it should stay 0.",
    ),
    (
        "dtls_log_lines_lost_total",
        "Lines of the log that found no room, or could not be written.",
    ),
    (
        "dtls_reloads_total",
        "Attempts to read the files again at SIGHUP, by their outcome.",
    ),
    (
        "dtls_udp_datagrams_total",
        "Datagrams that went through a shard's socket, by direction, dropped ones included.",
    ),
    (
        "dtls_udp_bytes_total",
        "Bytes that went through a shard's socket, by direction.",
    ),
    (
        "dtls_udp_receive_calls_total",
        "Receive calls of a shard's socket that yielded something: datagrams over calls is the mean batch.",
    ),
    (
        "dtls_udp_dropped_total",
        "Datagrams that a shard dropped, by the reason: before any session saw them, or unsent.",
    ),
    (
        "dtls_udp_diverted_total",
        "Datagrams of known peers that may start a new handshake.",
    ),
    (
        "dtls_udp_errors_total",
        "Calls of a shard's socket that failed, by direction; the server went on.",
    ),
    (
        "dtls_udp_send_would_block_total",
        "Attempts to send that met a full send buffer.",
    ),
    (
        "dtls_udp_send_delayed_total",
        "Datagrams that waited for the send buffer.",
    ),
];

const HISTOGRAMS: &[Help] = &[
    (
        super::HANDSHAKE,
        "How long handshakes took that became sessions, from the verified hello.",
    ),
    (
        super::ECHO,
        "Time from a request's decryption to its reply's encryption.",
    ),
];
