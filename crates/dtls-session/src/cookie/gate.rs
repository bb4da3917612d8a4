//! The stateless cookie exchange (RFC 6347 4.2.1).

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use dtls_wire::{Encode, Fragment, HandshakeType, MessageRecord, ProtocolVersion, Record};

use crate::{
    cookie::{
        clock::{Age, CookieClock},
        hello::Hello,
        key::{COOKIE_LEN, Cookie, CookieKey},
        opening::Opening,
    },
    credentials::secret::SharedSecret,
    error::OpenSslError,
};

/// Answers first hellos and recognises the second ones, without I/O and without keeping anything
/// about a peer.
///
/// A cookie is an HMAC-SHA256, under a key that changes each minute, over the time, the peer's
/// address and the hello's version, random, session ID, cipher suites and compression methods.
/// It is good for a minute, and since it carries the time it was made, the second hello gives a
/// round-trip sample.
///
/// Gates with the same [`SharedSecret`] know one another's cookies, if their clocks agree to
/// within a minute. A clock that jumps does not expire a gate's own cookies.
///
/// ```
/// use dtls_session::{CookieGate, Verdict};
///
/// # fn reply(_: &[u8]) {}
/// # fn example(peer: std::net::SocketAddr, datagram: &[u8]) -> Result<(), dtls_session::OpenSslError> {
/// let gate = CookieGate::new()?;
/// match gate.check(peer, datagram) {
///     Verdict::Challenge(hello_verify_request) => reply(hello_verify_request.as_ref()),
///     Verdict::Verified(hello) => println!("{peer} is {:?} away", hello.round_trip()),
///     _ => {}
/// }
/// # Ok(())
/// # }
/// ```
pub struct CookieGate {
    /// The first one signs.
    keys: Vec<CookieKey>,
    clock: Arc<CookieClock>,
}

impl CookieGate {
    /// Makes a gate with a random secret of its own.
    ///
    /// # Errors
    ///
    /// OpenSSL's, if it has no random bytes to give.
    pub fn new() -> Result<Self, OpenSslError> {
        Self::with_secret(&SharedSecret::random()?)
    }

    /// Makes a gate that knows the cookies of all gates with this secret.
    ///
    /// # Errors
    ///
    /// OpenSSL's, if it has no random bytes to give.
    pub fn with_secret(secret: &SharedSecret) -> Result<Self, OpenSslError> {
        Ok(Self {
            keys: CookieKey::all_of(secret),
            clock: Arc::new(CookieClock::new()?),
        })
    }

    /// Makes a gate with another secret that still measures the age of this one's cookies.
    pub(crate) fn successor(&self, secret: &SharedSecret) -> Self {
        Self {
            keys: CookieKey::all_of(secret),
            clock: Arc::clone(&self.clock),
        }
    }

    /// Judges the first datagram of a peer that nothing is known about.
    ///
    /// # Datagram semantics
    ///
    /// The same datagram gets an equally long answer each time, and an answer is shorter than
    /// any hello. A fragmented hello is judged by its first fragment, which has to hold the
    /// cookie; other fragments are discarded.
    pub fn check(&self, peer: SocketAddr, datagram: &[u8]) -> Verdict {
        match self.judge(peer, datagram) {
            Judgement::NoHello => Verdict::Discard,
            Judgement::Unverified(hello) => Verdict::Challenge(self.challenge(peer, &hello)),
            Judgement::Verified(hello, age) => {
                Verdict::Verified(VerifiedHello::new(&hello, datagram, age))
            }
        }
    }

    /// What [`Self::check`] finds out, of which nothing is kept.
    pub(crate) fn judge<'a>(&self, peer: SocketAddr, datagram: &'a [u8]) -> Judgement<'a> {
        let Some(hello) = Hello::parse(datagram) else {
            return Judgement::NoHello;
        };
        let stamp = self.keys.iter().find_map(|key| key.stamp(peer, &hello));
        match stamp.and_then(|stamp| self.clock.age(stamp)) {
            Some(age) if hello.fragment.message_sequence > 0 => Judgement::Verified(hello, age),
            _ => Judgement::Unverified(hello),
        }
    }

    /// Asks the sender of a hello to come back with a cookie.
    pub(crate) fn challenge(&self, peer: SocketAddr, hello: &Hello<'_>) -> HelloVerifyRequest {
        let key = self.keys.first().expect("a secret has a current one");
        let cookie = key.bake(peer, hello, self.clock.stamp());
        HelloVerifyRequest::new(hello, &cookie)
    }
}

/// What a datagram is, as far as cookies go.
pub(crate) enum Judgement<'a> {
    NoHello,
    Unverified(Hello<'a>),
    Verified(Hello<'a>, Age),
}

impl fmt::Debug for CookieGate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieGate").finish_non_exhaustive()
    }
}

/// What [`CookieGate::check`] makes of a datagram.
#[derive(Debug)]
#[must_use = "a challenge has to be sent"]
#[non_exhaustive]
pub enum Verdict {
    /// A hello without a good cookie: send this back, keep nothing.
    Challenge(HelloVerifyRequest),
    /// Not a hello: ignore it.
    Discard,
    /// A hello with a good cookie: the peer does receive at its address.
    Verified(VerifiedHello),
}

/// A HelloVerifyRequest in its record, ready to be sent.
#[derive(Clone, Debug)]
pub struct HelloVerifyRequest([u8; REQUEST_LEN]);

impl HelloVerifyRequest {
    fn new(hello: &Hello<'_>, cookie: &Cookie) -> Self {
        let record = MessageRecord {
            version: ProtocolVersion::DTLS_1_0,
            sequence: hello.record.sequence,
            handshake_type: HandshakeType::HELLO_VERIFY_REQUEST,
            // The hello's number: a client whose cookie has become worthless, as where the server was
            // started anew, waits for just that, and takes message 0 for one that it has had.
            message_sequence: hello.fragment.message_sequence,
            message: &dtls_wire::HelloVerifyRequest {
                // Whatever will be negotiated (RFC 6347 4.2.1).
                version: ProtocolVersion::DTLS_1_0,
                cookie,
            },
        };
        let mut request = [0; REQUEST_LEN];
        record.write_to(&mut request).expect("just as long as that");
        Self(request)
    }
}

impl AsRef<[u8]> for HelloVerifyRequest {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// A ClientHello whose cookie was good.
#[derive(Clone, Debug)]
pub struct VerifiedHello {
    pub(crate) random: [u8; 32],
    pub(crate) cookie: Bytes,
    pub(crate) sequence: u64,
    pub(crate) message_sequence: u16,
    /// The record that the handshake is primed with: only this much was verified.
    pub(crate) record: Bytes,
    /// What stood behind it in the datagram.
    pub(crate) rest: Bytes,
    age: Age,
}

impl VerifiedHello {
    pub(crate) fn new(hello: &Hello<'_>, datagram: &[u8], age: Age) -> Self {
        let (record, rest) = datagram.split_at(hello.record.wire_len());
        Self {
            random: *hello.start.random,
            cookie: Bytes::copy_from_slice(hello.start.cookie),
            sequence: hello.record.sequence,
            message_sequence: hello.fragment.message_sequence,
            record: Bytes::copy_from_slice(record),
            rest: Bytes::copy_from_slice(rest),
            age,
        }
    }

    /// Returns the client's random, which tells a repeated hello from a restarted client's.
    pub fn random(&self) -> &[u8; 32] {
        &self.random
    }

    pub(crate) fn opening(&self) -> Opening {
        Opening {
            random: self.random,
            message: self.message_sequence,
        }
    }

    /// Returns the time between the cookie's making and its return, or None if another gate has
    /// made it.
    pub fn round_trip(&self) -> Option<Duration> {
        match self.age {
            Age::Own(age) => Some(age),
            Age::Foreign => None,
        }
    }
}

const BODY_LEN: usize = 3 + COOKIE_LEN;
const REQUEST_LEN: usize = Record::HEADER + Fragment::HEADER + BODY_LEN;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::{clock::LIFETIME, hello::tests::hello};
    use proptest::prelude::*;

    fn peer() -> SocketAddr {
        "192.0.2.7:4433".parse().unwrap()
    }

    fn challenge(gate: &CookieGate, peer: SocketAddr, datagram: &[u8]) -> Vec<u8> {
        match gate.check(peer, datagram) {
            Verdict::Challenge(request) => request.as_ref().to_vec(),
            other => panic!("expected a challenge, got {other:?}"),
        }
    }

    fn verified(gate: &CookieGate, peer: SocketAddr, datagram: &[u8]) -> bool {
        matches!(gate.check(peer, datagram), Verdict::Verified(_))
    }

    #[test]
    fn debug_output_shows_no_secret() {
        let gate = CookieGate::new().unwrap();
        assert_eq!(format!("{gate:?}"), "CookieGate { .. }");
    }

    #[test]
    fn the_request_is_what_the_rfc_says() {
        let gate = CookieGate::new().unwrap();
        let first = hello(5, &[]);
        let request = challenge(&gate, peer(), &first);
        let header = [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 47];
        assert_eq!(request[..13], header);
        assert_eq!(request[13..25], [3, 0, 0, 35, 0, 0, 0, 0, 0, 0, 0, 35]);
        assert_eq!(request[25..28], [0xfe, 0xff, 32]);
        assert_eq!(request.len(), 60);
        assert!(request.len() < first.len());
    }

    #[test]
    fn a_returned_cookie_is_verified_for_that_peer_only() {
        let gate = CookieGate::new().unwrap();
        let request = challenge(&gate, peer(), &hello(0, &[]));
        let second = hello(1, &request[28..]);
        assert!(verified(&gate, peer(), &second));
        assert!(!verified(&gate, "192.0.2.8:4433".parse().unwrap(), &second));
        assert!(!verified(&gate, "192.0.2.7:4434".parse().unwrap(), &second));
        assert!(!verified(&CookieGate::new().unwrap(), peer(), &second));
    }

    /// RFC 6347 4.2.1 wants no deadlock where a cookie is worth nothing: a client takes message 0 for
    /// one that it has had.
    #[test]
    fn a_dead_cookie_is_answered_under_the_hellos_number() {
        let [old, new] = [(); 2].map(|()| CookieGate::new().unwrap());
        let request = challenge(&old, peer(), &hello(0, &[]));
        assert_eq!(request[17..19], [0, 0]);
        let mut second = hello(1, &request[28..]);
        let request = challenge(&new, peer(), &second);
        assert_eq!(request[17..19], [0, 1]);
        second[18] = 2;
        second[60 + 2 + 1..][..COOKIE_LEN].copy_from_slice(&request[28..]);
        let Verdict::Verified(third) = new.check(peer(), &second) else {
            panic!("not verified");
        };
        assert_eq!(third.message_sequence, 2);
    }

    #[test]
    fn gates_with_one_secret_know_one_anothers_cookies() {
        let [old, new] = [[1; 32], [2; 32]];
        let gate = |secret: SharedSecret| CookieGate::with_secret(&secret).unwrap();
        let only_old = gate(SharedSecret::from_bytes(&old).unwrap());
        let both = SharedSecret::from_bytes(&new).unwrap();
        let both = gate(both.accept_also(&old).unwrap());
        let only_new = gate(SharedSecret::from_bytes(&new).unwrap());
        let gates = [&only_old, &both, &only_new];
        for (maker, knowers) in [
            (&only_old, [true, true, false]),
            (&both, [false, true, true]),
            (&only_new, [false, true, true]),
        ] {
            let request = challenge(maker, peer(), &hello(0, &[]));
            let second = hello(1, &request[28..]);
            assert_eq!(gates.map(|gate| verified(gate, peer(), &second)), knowers);
        }
    }

    #[test]
    fn only_a_gates_own_cookie_measures_the_round_trip() {
        let secret = SharedSecret::random().unwrap();
        let [gate, other] = [(); 2].map(|()| CookieGate::with_secret(&secret).unwrap());
        let request = challenge(&gate, peer(), &hello(0, &[]));
        let second = hello(1, &request[28..]);
        let successor = gate.successor(&secret);
        for (gate, measures) in [(&gate, true), (&successor, true), (&other, false)] {
            let Verdict::Verified(hello) = gate.check(peer(), &second) else {
                panic!("not verified");
            };
            assert_eq!(hello.round_trip().is_some(), measures);
        }
    }

    #[test]
    fn only_the_first_record_is_verified() {
        let gate = CookieGate::new().unwrap();
        let request = challenge(&gate, peer(), &hello(0, &[]));
        let record = hello(1, &request[28..]);
        let datagram = [&record[..], b"more"].concat();
        let Verdict::Verified(hello) = gate.check(peer(), &datagram) else {
            panic!("not verified");
        };
        assert_eq!(
            (&hello.record[..], &hello.rest[..]),
            (&record[..], &b"more"[..])
        );
        assert_eq!((hello.sequence, hello.random()), (1, &[0x11; 32]));
    }

    #[tokio::test(start_paused = true)]
    async fn cookies_outlive_a_rotation_and_expire() {
        let gate = CookieGate::new().unwrap();
        let request = challenge(&gate, peer(), &hello(0, &[]));
        let second = hello(1, &request[28..]);
        tokio::time::advance(LIFETIME).await;
        let Verdict::Verified(hello) = gate.check(peer(), &second) else {
            panic!("refused within its lifetime");
        };
        assert_eq!(hello.round_trip(), Some(LIFETIME));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!verified(&gate, peer(), &second));
    }

    #[test]
    fn a_hello_that_came_whole_may_return_in_fragments() {
        let gate = CookieGate::new().unwrap();
        let request = challenge(&gate, peer(), &hello(0, &[]));
        let mut second = hello(1, &request[28..]);
        let cut = 13 + 12 + 2 + 32 + 3 + 1 + COOKIE_LEN;
        second.truncate(cut);
        second[12] = (cut - 13) as u8;
        second[24] = (cut - 25) as u8;
        assert!(verified(&gate, peer(), &second));
    }

    proptest! {
        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let gate = CookieGate::new().unwrap();
            prop_assert!(!verified(&gate, peer(), &bytes));
        }

        /// Version, random, session ID, cookie, cipher suites, compression: all are bound.
        #[test]
        fn a_changed_hello_is_refused(place in 25usize..104, flip in 1u8..) {
            let gate = CookieGate::new().unwrap();
            let request = challenge(&gate, peer(), &hello(0, &[]));
            let mut second = hello(1, &request[28..]);
            let offers_end = second.len() - 2;
            let place = 25 + (place - 25) % (offers_end - 25);
            second[place] ^= flip;
            prop_assert!(!verified(&gate, peer(), &second), "byte {place}");
        }
    }
}
