//! What a session has seen, sent and dropped.

/// Counters of one session, from its handshake on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionStats {
    /// Datagrams read from the pipe.
    pub datagrams_received: u64,
    /// Datagrams handed to the pipe.
    pub datagrams_sent: u64,
    /// Application datagrams that were authentic, those in [`dropped_closed`](Self::dropped_closed) included.
    pub received: u64,
    /// Application bytes in them.
    pub received_bytes: u64,
    /// Application datagrams sent.
    pub sent: u64,
    /// Application bytes in them.
    pub sent_bytes: u64,
    /// Flights repeated because a timer expired.
    pub retransmissions: u64,
    /// Flights sent again at once because the peer had repeated its own.
    pub repeats_answered: u64,
    /// Application datagrams that came after this side had closed the session, and were dropped.
    pub dropped_closed: u64,
    /// Datagrams dropped because the pipe did not take them.
    pub dropped_unsent: u64,
    /// Errors that the pipe reported for a datagram to be sent.
    pub send_errors: u64,
    /// Errors that the pipe reported on receiving and that say nothing about the session.
    pub recv_errors: u64,
    /// Empty reads, which OpenSSL would take for the end.
    pub filtered_empty: u64,
    /// Records, or what was left of a datagram, that do not parse.
    pub filtered_malformed: u64,
    /// Alerts that were not authenticated: those of a handshake, and those of a session behind four
    /// [`warnings`](Self::warnings) in a row.
    pub filtered_alerts: u64,
    /// Plaintext records that had no place where they came, such as any after the handshake.
    pub filtered_plaintext: u64,
    /// Protected records ahead of their keys, beyond what is kept.
    pub filtered_early: u64,
    /// Handshake records after the handshake that call for nothing: HelloRequests, and repeats of a
    /// flight that has been answered, or was answered often enough.
    pub filtered_handshake: u64,
    /// Protected records that have come before, or are too old to tell (RFC 6347 4.1.2.6). This and the
    /// next two are counted only where the records are [this crate's](crate::SessionInfo::record_protection).
    pub replayed: u64,
    /// Protected records that are not authentic.
    pub forged: u64,
    /// Authentic records of data that had nothing in them.
    pub empty_records: u64,
    /// 1 if this crate's keys did not prove to be OpenSSL's, which therefore went on protecting the records.
    pub unproven_keys: u64,
    /// Warning alerts of the peer's, other than close_notify, that were passed over (RFC 5246 7.2.2).
    pub warnings: u64,
}

/// Counters of one listener, and how many clients it has now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerStats {
    /// Handshakes that run now.
    pub half_open: usize,
    /// Sessions that are established now.
    pub sessions: usize,
    /// Hellos without a good cookie, answered with a HelloVerifyRequest.
    pub challenged: u64,
    /// Hellos dropped because more came a second than are answered.
    pub challenges_limited: u64,
    /// Datagrams from unknown peers that are no first hello.
    pub discarded: u64,
    /// Verified hellos that had started a handshake before.
    pub repeated: u64,
    /// Verified hellos that started a handshake.
    pub accepted: u64,
    /// Handshakes that became sessions.
    pub established: u64,
    /// Those of them that resumed an earlier session.
    pub resumed: u64,
    /// Verified hellos refused because too many handshakes were running.
    pub refused_half_open: u64,
    /// Verified hellos refused because their address had too many handshakes running.
    pub refused_half_open_per_address: u64,
    /// Verified hellos refused because there were too many sessions.
    pub refused_sessions: u64,
    /// Verified hellos refused because their address had too many sessions.
    pub refused_per_address: u64,
    /// Handshakes ended to make room: stale ones, or ones that their client had left behind.
    pub evicted: u64,
}
