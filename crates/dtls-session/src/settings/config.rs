//! What holds for every session that an acceptor or a connector makes.

use std::{sync::Arc, time::Duration};

use crate::settings::{protection::RecordProtection, role::Role};

/// Sizes and times of a session and its handshake.
///
/// ```
/// use std::time::Duration;
/// use dtls_session::SessionConfig;
///
/// let config = SessionConfig::default().mtu(1232).handshake_timeout(Duration::from_secs(30));
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionConfig {
    pub(crate) mtu: usize,
    /// None is the role's own.
    handshake_timeout: Option<Duration>,
    pub(crate) initial_rto: Duration,
    pub(crate) min_rto: Duration,
    pub(crate) max_rto: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) protection: RecordProtection,
    pub(crate) export_only: Option<Arc<[(String, usize)]>>,
    pub(crate) ccm8_forgeries: u64,
    pub(crate) first_number: u64,
}

impl SessionConfig {
    /// The MTUs that can be asked for, in bytes of UDP payload.
    ///
    /// OpenSSL works from 256 upwards; a record carries up to 2^14 bytes.
    pub const MTU: std::ops::RangeInclusive<usize> = 256..=16_384;

    /// OpenSSL takes a timer that has 15 ms left for expired.
    pub(crate) const LEAST_RTO: Duration = Duration::from_millis(30);

    /// Sets the largest datagram to send, in bytes of UDP payload (default 1350, which passes
    /// through Ethernet and the usual tunnels over it). A value outside [`Self::MTU`] is an
    /// error when the acceptor or connector is built.
    pub fn mtu(mut self, bytes: usize) -> Self {
        self.mtu = bytes;
        self
    }

    /// Sets how long a whole handshake may take (default: 60 s for an acceptor, 10 s for a connector).
    ///
    /// An acceptor waits longer because its clients may be small devices that compute for seconds. A connector
    /// waits less because somebody usually waits for the result.
    ///
    /// If the process was stopped for longer than this time, the handshake first reads the datagrams that came
    /// meanwhile, and only then times out.
    ///
    /// OpenSSL repeats a flight at most twelve times. After that a server's handshake fails, and a client's
    /// starts again from its first message while there is time.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake_timeout = Some(time);
        self
    }

    /// Sets the first retransmission timeout of a flight for which the peer has to compute, or
    /// whose round trip is not known (default 1 s, as RFC 6347 4.2.4.1 recommends). It is doubled
    /// at each expiry, and longer from the start where the path has shown to take longer: three
    /// round trips (RFC 6298 2.2).
    ///
    /// A shorter one mends losses sooner, and repeats flights that were not lost to a peer that
    /// computes for longer.
    pub fn initial_rto(mut self, time: Duration) -> Self {
        self.initial_rto = time;
        self
    }

    /// Sets the bounds of the retransmission timeout (default 200 ms and 60 s). The lower one is for
    /// a peer that has shown how long it takes, or has nothing to compute, and is never below
    /// 30 ms, since OpenSSL takes a timer that has 15 ms left for expired.
    pub fn rto_bounds(mut self, min: Duration, max: Duration) -> Self {
        self.min_rto = min.max(Self::LEAST_RTO);
        self.max_rto = max.max(self.min_rto);
        self
    }

    /// Sets after how long without an authentic datagram a session ends (default 5 min; None is
    /// never). A close_notify can be lost and is not repeated, so this is the only sure end.
    ///
    /// Only what is received counts: a side that sends and hears nothing becomes idle. The session then ends with
    /// [`ClosedBy::Idle`](crate::ClosedBy::Idle) and sends a close_notify, so the other side, if it is still
    /// there, sees [`ClosedBy::Peer`](crate::ClosedBy::Peer).
    ///
    /// A peer whose process was killed says nothing, and only this timeout notices. Where that has to be quick,
    /// as in a VPN, set a time such as 30 s on both sides, and let both applications send something several times
    /// within it: the library sends no keep-alives.
    pub fn idle_timeout(mut self, time: Option<Duration>) -> Self {
        self.idle_timeout = time;
        self
    }

    /// Sets who protects the records of a session (default: this crate).
    pub fn record_protection(mut self, protection: RecordProtection) -> Self {
        self.protection = protection;
        self
    }

    /// Exports so many bytes of keying material for each label when the handshake has finished, without a context,
    /// and wipes the master secret then (default: it is kept for as long as the session lives).
    ///
    /// [`Session::export_keying_material`](crate::Session::export_keying_material) yields these and nothing else, and
    /// [`srtp_keys`](crate::Session::srtp_keys) needs the label `EXTRACTOR-dtls_srtp` with up to 88 bytes among them. Where
    /// OpenSSL protects the records, it keeps its secrets, and everything can be exported. What a client
    /// [resumes by](crate::Session::resumption) has the master secret, too. A label or a length that nothing could be exported
    /// with is a [`BuildError::Export`](crate::BuildError::Export).
    ///
    /// ```
    /// use dtls_session::SessionConfig;
    ///
    /// let config = SessionConfig::default().export_only([("EXPERIMENTAL token", 32)]);
    /// ```
    pub fn export_only<'a>(mut self, material: impl IntoIterator<Item = (&'a str, usize)>) -> Self {
        let material = material.into_iter();
        self.export_only = Some(
            material
                .map(|(label, length)| (label.to_owned(), length))
                .collect(),
        );
        self
    }

    /// Sets after how many forged records a session with a CCM-8 suite ends with
    /// [`ClosedBy::KeyLimit`](crate::ClosedBy::KeyLimit) (default 11 863 283, 2^23.5, as with CCM).
    ///
    /// One forged record in 2^64 is taken for a genuine one. RFC 9147 4.5.3 gives no safe limit for that, so the
    /// application has to choose. Anybody on the path can send forged records: with a low limit they can end a
    /// session sooner, with a high one they have more tries. The limit holds only where this crate protects the
    /// records, and for no other suite.
    pub fn ccm8_forgeries(mut self, records: u64) -> Self {
        self.ccm8_forgeries = records.max(1);
        self
    }

    /// Leaves out record numbers before this one, for tests of their end.
    #[doc(hidden)]
    pub fn first_number(mut self, number: u64) -> Self {
        self.first_number = number;
        self
    }

    /// How long a whole handshake of this side may take.
    pub(crate) fn deadline(&self, role: Role) -> Duration {
        self.handshake_timeout.unwrap_or(match role {
            Role::Client => Duration::from_secs(10),
            Role::Server => Duration::from_secs(60),
        })
    }

    /// The first interval, within the bounds.
    pub(crate) fn settle(mut self) -> Self {
        self.initial_rto = self.initial_rto.clamp(self.min_rto, self.max_rto);
        self
    }
}

/// What a key of CCM bears (RFC 9147 4.5.3).
const CCM_FORGERIES: u64 = (1_u64 << (2 * 23 + 1)).isqrt();

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            mtu: 1350,
            handshake_timeout: None,
            initial_rto: Duration::from_secs(1),
            min_rto: Duration::from_millis(200),
            max_rto: Duration::from_secs(60),
            idle_timeout: Some(Duration::from_secs(300)),
            protection: RecordProtection::default(),
            export_only: None,
            ccm8_forgeries: CCM_FORGERIES,
            first_number: 0,
        }
    }
}
