//! What a cookie says and how it is signed.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use openssl::{memcmp, sha::sha256};
use zeroize::Zeroizing;

use crate::{hello::Hello, hmac::HmacKey};

/// Makes and reads cookies: milliseconds since 1970, a digest of the offers, and an HMAC over
/// those, the peer's address and the hello's other fields.
pub(crate) struct CookieKey(HmacKey);

impl CookieKey {
    pub(crate) fn new(secret: &[u8]) -> Self {
        Self(HmacKey::new(secret))
    }

    pub(crate) fn bake(&self, peer: SocketAddr, hello: &Hello<'_>, now: Duration) -> Cookie {
        let mut cookie = [0; COOKIE_LEN];
        cookie[..TIME].copy_from_slice(&milliseconds(now).to_be_bytes()[8 - TIME..]);
        cookie[TIME..STATEMENT].copy_from_slice(&digest(hello.offers));
        let tag = self.tag(peer, hello, &cookie[..STATEMENT]);
        cookie[STATEMENT..].copy_from_slice(&tag);
        cookie
    }

    /// Returns the cookie's age, or None if it is not one of ours for this peer and hello, or
    /// has expired.
    pub(crate) fn age(
        &self,
        peer: SocketAddr,
        hello: &Hello<'_>,
        now: Duration,
    ) -> Option<Duration> {
        let cookie: &Cookie = hello.cookie.try_into().ok()?;
        let (statement, tag) = cookie.split_at(STATEMENT);
        if !memcmp::eq(tag, &self.tag(peer, hello, statement)) {
            return None;
        }
        let (time, offers) = statement.split_at(TIME);
        // The first hello may have come whole and this one in fragments, or the other way round:
        // what only one of them shows cannot be compared.
        let comparable = hello.offers.is_some() && offers != digest(None);
        if comparable && offers != digest(hello.offers) {
            return None;
        }
        let age = milliseconds(now).checked_sub(number(time))?;
        let age = Duration::from_millis(age);
        (age <= LIFETIME).then_some(age)
    }

    fn tag(&self, peer: SocketAddr, hello: &Hello<'_>, statement: &[u8]) -> [u8; TAG] {
        let slice = number(&statement[..TIME]) / SLICE.as_millis() as u64;
        let key = HmacKey::new(&*Zeroizing::new(
            self.0.sign(&[b"cookie slice", &slice.to_be_bytes()]),
        ));
        let address = match peer.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        // The cookie is the one field in which the two hellos may differ.
        let length = hello.message_length.saturating_sub(hello.cookie.len());
        let signed = key.sign(&[
            statement,
            &address,
            &peer.port().to_be_bytes(),
            &length.to_be_bytes(),
            &hello.version.to_be_bytes(),
            hello.random,
            hello.session_id,
        ]);
        signed[..TAG]
            .try_into()
            .expect("a tag is shorter than a hash")
    }
}

pub(crate) type Cookie = [u8; COOKIE_LEN];

fn milliseconds(time: Duration) -> u64 {
    time.as_millis() as u64
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn digest(offers: Option<&[u8]>) -> [u8; DIGEST] {
    offers.map_or([0; DIGEST], |offers| {
        sha256(offers)[..DIGEST]
            .try_into()
            .expect("a digest is shorter than a hash")
    })
}

/// How long a cookie is good for.
pub(crate) const LIFETIME: Duration = Duration::from_secs(60);

/// How long one key signs; it is derived from the time slice, so rotation needs no state.
const SLICE: Duration = Duration::from_secs(60);

const TIME: usize = 6;
const DIGEST: usize = 8;
const STATEMENT: usize = TIME + DIGEST;
const TAG: usize = 16;

/// Below the 32 bytes that DTLS 1.0 stacks allow.
pub(crate) const COOKIE_LEN: usize = STATEMENT + TAG;
