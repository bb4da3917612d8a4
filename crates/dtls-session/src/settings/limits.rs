//! How much a listener lets itself be asked for.

/// How many handshakes and sessions a listener has at a time, and how many cookies it hands out.
///
/// At a limit the listener drops the newest hello and counts it. There is one exception: if all places of
/// [`Self::half_open`] or [`Self::sessions`] are taken, and the oldest handshake has run for two seconds or longer, that
/// handshake is ended and the new one takes its place. An address is an IPv4 address or an IPv6 /64 network, of
/// which one host may have all addresses.
///
/// A client that is dropped gets no error: its hellos have no answer, and its own timeout ends its handshake. It
/// repeats its hello until then, and gets in if there is room by that time.
///
/// ```
/// let limits = dtls_session::Limits::default().sessions(1000).challenges(5000);
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct Limits {
    pub(crate) half_open: usize,
    pub(crate) half_open_per_address: usize,
    pub(crate) sessions: usize,
    pub(crate) per_address: usize,
    pub(crate) challenges: u32,
    pub(crate) unproven: usize,
}

impl Limits {
    /// Sets how many handshakes run at a time (default 1024).
    pub fn half_open(mut self, handshakes: usize) -> Self {
        self.half_open = handshakes;
        self
    }

    /// Sets how many handshakes one address has at a time (default 256).
    pub fn half_open_per_address(mut self, handshakes: usize) -> Self {
        self.half_open_per_address = handshakes;
        self
    }

    /// Sets how many sessions there are at a time, handshakes included (default 10 000). An
    /// idle session holds some 5 kB, or 50 to 90 kB where OpenSSL protects the records.
    pub fn sessions(mut self, sessions: usize) -> Self {
        self.sessions = sessions;
        self
    }

    /// Sets how many of them one address has (default: as many as there are, since a network of
    /// clients may have one address).
    pub fn per_address(mut self, sessions: usize) -> Self {
        self.per_address = sessions;
        self
    }

    /// Sets how many cookies are handed out a second (default 50 000). A second's worth may go
    /// in a burst; hellos beyond that are dropped, and honest clients repeat theirs.
    pub fn challenges(mut self, per_second: u32) -> Self {
        self.challenges = per_second;
        self
    }

    /// Sets how many of the handshakes may be those of clients that offer DTLS 1.3 and have not
    /// shown that they receive at their address (default 128).
    ///
    /// It has a meaning only where [`Preferences::max_version`](crate::Preferences::max_version)
    /// allows DTLS 1.3. There the cookie is part of the handshake's transcript (RFC 9147 5.1), and
    /// OpenSSL has no way to ask for it without keeping the handshake, some 35 kB. So an attacker who
    /// forges addresses can take all these places. A client that finds no place is answered as a client of
    /// DTLS 1.2, whose cookie needs no place: it goes on with that version, if both sides allow it. This answer has
    /// not been tried with a peer that speaks DTLS 1.3: no OpenSSL that this crate is tested with does.
    pub fn unproven(mut self, handshakes: usize) -> Self {
        self.unproven = handshakes;
        self
    }

    /// How many channels that makes: a handshake may run beside each peer's session.
    pub(crate) fn channels(&self) -> usize {
        self.sessions.saturating_add(self.half_open)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            half_open: 1024,
            half_open_per_address: 256,
            sessions: 10_000,
            per_address: usize::MAX,
            challenges: 50_000,
            unproven: 128,
        }
    }
}
