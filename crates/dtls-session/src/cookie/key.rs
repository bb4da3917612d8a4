//! What a cookie says and how it is signed.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{PoisonError, RwLock},
};

use zeroize::Zeroizing;

use crate::{
    cookie::{clock::Stamp, hello::Hello},
    credentials::secret::SharedSecret,
    openssl::{
        digest::{is_equal, sha256},
        hmac::HmacKey,
    },
};

/// Makes and reads cookies: a [`Stamp`], a digest of the offers, and an HMAC over those, the
/// peer's address and the hello's other fields.
pub(crate) struct CookieKey {
    base: HmacKey,
    /// The key that signed last, and its slice of time: a flood has many hellos in one.
    current: RwLock<Option<(u64, HmacKey)>>,
}

impl CookieKey {
    /// Returns one key of each secret that is accepted, the current one's first.
    pub(crate) fn all_of(secret: &SharedSecret) -> Vec<Self> {
        let keys = secret.derive("cookie");
        keys.map(|key| Self {
            base: HmacKey::new(&*key),
            current: RwLock::default(),
        })
        .collect()
    }

    pub(crate) fn bake(&self, peer: SocketAddr, hello: &Hello<'_>, stamp: Stamp) -> Cookie {
        let mut cookie = [0; COOKIE_LEN];
        cookie[..TIME].copy_from_slice(&stamp.time.to_be_bytes()[8 - TIME..]);
        cookie[TIME..TIME + MARK].copy_from_slice(&stamp.mark.to_be_bytes());
        cookie[TIME + MARK..STATEMENT].copy_from_slice(&digest(hello.start.offers));
        self.prepare(slice(stamp.time));
        let tag = self.tag(peer, hello, &cookie[..STATEMENT]);
        cookie[STATEMENT..].copy_from_slice(&tag);
        cookie
    }

    /// Returns the cookie's stamp, or None if it was not made with this key for this peer and
    /// hello.
    pub(crate) fn stamp(&self, peer: SocketAddr, hello: &Hello<'_>) -> Option<Stamp> {
        let cookie: &Cookie = hello.start.cookie.try_into().ok()?;
        let (statement, tag) = cookie.split_at(STATEMENT);
        if !is_equal(tag, &self.tag(peer, hello, statement)) {
            return None;
        }
        let (stamp, offers) = statement.split_at(TIME + MARK);
        let (time, mark) = stamp.split_at(TIME);
        // The first hello may have come whole and this one in fragments, or the other way round:
        // what only one of them shows cannot be compared.
        let comparable = hello.start.offers.is_some() && offers != digest(None);
        if comparable && offers != digest(hello.start.offers) {
            return None;
        }
        Some(Stamp {
            time: number(time),
            mark: number(mark) as u32,
        })
    }

    fn tag(&self, peer: SocketAddr, hello: &Hello<'_>, statement: &[u8]) -> [u8; TAG] {
        let address = match peer.ip() {
            IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
            IpAddr::V6(ip) => ip.octets(),
        };
        // The cookie is the one field in which the two hellos may differ.
        let length = hello
            .fragment
            .message_length
            .saturating_sub(hello.start.cookie.len());
        let port = peer.port().to_be_bytes();
        let length = length.to_be_bytes();
        let version = hello.start.version.number().to_be_bytes();
        let signed = [
            statement,
            &address,
            &port,
            &length,
            &version,
            hello.start.random,
            hello.start.session_id,
        ];
        let slice = slice(number(&statement[..TIME]));
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let signature = match &*current {
            Some((current, key)) if *current == slice => key.sign(&signed),
            _ => self.derive(slice).sign(&signed),
        };
        signature[..TAG]
            .try_into()
            .expect("a tag is shorter than a hash")
    }

    /// Keeps the key of the slice in which cookies are made now: not of one that a cookie claims.
    fn prepare(&self, slice: u64) {
        let current = |key: &Option<(u64, _)>| key.as_ref().is_some_and(|(it, _)| *it == slice);
        if !current(&self.current.read().unwrap_or_else(PoisonError::into_inner)) {
            let key = self.derive(slice);
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = Some((slice, key));
        }
    }

    fn derive(&self, slice: u64) -> HmacKey {
        let key = self.base.sign(&[b"cookie slice", &slice.to_be_bytes()]);
        HmacKey::new(&*Zeroizing::new(key))
    }
}

pub(crate) type Cookie = [u8; COOKIE_LEN];

fn slice(time: u64) -> u64 {
    time / SLICE
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

/// For how many milliseconds one key signs; it is derived from the time slice, so rotation needs
/// no state.
const SLICE: u64 = 60_000;

const TIME: usize = 6;
const MARK: usize = 4;
const DIGEST: usize = 6;
const STATEMENT: usize = TIME + MARK + DIGEST;
const TAG: usize = 16;

/// The 32 bytes that DTLS 1.0 stacks allow.
pub(crate) const COOKIE_LEN: usize = STATEMENT + TAG;
