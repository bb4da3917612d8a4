//! A key that is fetched while a handshake waits for it.
//!
//! OpenSSL's callback has to answer at once. But the identity comes in a plaintext message, so it
//! can be read before OpenSSL reads it, and the message held back until the key is there.

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use dtls_wire::{Fragments, HandshakeType, Record};
use futures::future::BoxFuture;

use crate::{credentials::psk::PskKey, openssl::answer::Answer};

/// Finds the key of an identity some time later.
pub(crate) type LookLater = dyn Fn(Vec<u8>) -> BoxFuture<'static, Option<PskKey>> + Send + Sync;

/// One handshake's question for a key.
pub(crate) struct PskInquiry {
    lookup: Arc<LookLater>,
    answer: Answer,
    state: State,
}

enum State {
    Listening(Box<Exchange>),
    Waiting(Vec<u8>, BoxFuture<'static, Option<PskKey>>),
    Answered,
}

impl PskInquiry {
    pub(crate) fn new(lookup: Arc<LookLater>) -> Self {
        Self {
            lookup,
            answer: Answer::default(),
            state: State::Listening(Box::default()),
        }
    }

    /// Where the key will be.
    pub(crate) fn answer(&self) -> Answer {
        self.answer.clone()
    }

    /// Looks at a plaintext record on its way to OpenSSL.
    pub(crate) fn watch(&mut self, record: &Record<'_>) {
        if let State::Listening(exchange) = &mut self.state
            && let Some(identity) = exchange.take(record.fragments())
        {
            // OpenSSL cuts it at a zero byte, and has to find no key then.
            self.state = if identity.contains(&0) {
                State::Answered
            } else {
                let fetching = (self.lookup)(identity.clone());
                State::Waiting(identity, fetching)
            };
        }
    }

    /// Whether OpenSSL must not go on reading.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting(..))
    }

    /// Waits for the key, if there is one to be waited for.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let State::Waiting(identity, fetching) = &mut self.state {
            if let Some(key) = ready!(fetching.as_mut().poll(cx)) {
                self.answer.set(std::mem::take(identity), key.0);
            }
            self.state = State::Answered;
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for PskInquiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PskInquiry")
            .field("waiting", &self.is_waiting())
            .finish_non_exhaustive()
    }
}

/// The start of a ClientKeyExchange (RFC 4279 2, RFC 5489 2), put together from its fragments.
struct Exchange([Option<u8>; LENGTH + MAX_IDENTITY]);

impl Default for Exchange {
    fn default() -> Self {
        Self([None; LENGTH + MAX_IDENTITY])
    }
}

impl Exchange {
    /// Takes in what a record's well-formed fragments tell, and returns the identity once it is
    /// complete. That is before OpenSSL has the whole message, of which it is the start.
    fn take(&mut self, fragments: Fragments<'_>) -> Option<Vec<u8>> {
        let whole = fragments.map_while(Result::ok);
        for fragment in whole.filter(|it| it.handshake_type == HandshakeType::CLIENT_KEY_EXCHANGE) {
            let places = self.0.iter_mut().skip(fragment.offset);
            for (place, byte) in places.zip(fragment.body) {
                *place = Some(*byte);
            }
            if let Some(identity) = self.identity(fragment.message_length) {
                return Some(identity);
            }
        }
        None
    }

    /// The start of an elliptic curve's point would be a length far above any identity's.
    fn identity(&self, message: usize) -> Option<Vec<u8>> {
        let (length, rest) = self.0.split_at(LENGTH);
        let length = usize::from(u16::from_be_bytes([length[0]?, length[1]?]));
        if LENGTH + length > message {
            return None;
        }
        rest.get(..length)?.iter().copied().collect()
    }
}

const LENGTH: usize = 2;
/// What a server's OpenSSL takes at most (`PSK_MAX_IDENTITY_LEN`).
const MAX_IDENTITY: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use dtls_wire::{Encode, Fragment, fragments};
    use proptest::prelude::*;

    fn fragment(kind: u8, message: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let fragment = Fragment {
            handshake_type: HandshakeType::new(kind),
            message_length: message.len(),
            message_sequence: 2,
            offset: range.start,
            body: &message[range],
        };
        fragment.to_vec().unwrap()
    }

    fn exchange(identity: &[u8], rest: &[u8]) -> Vec<u8> {
        [&(identity.len() as u16).to_be_bytes()[..], identity, rest].concat()
    }

    #[test]
    fn other_messages_and_points_have_no_identity() {
        let message = exchange(b"device", b"");
        assert_eq!(
            Exchange::default().take(fragments(&fragment(11, &message, 0..8))),
            None
        );
        for start in [
            &[0x41, 4][..],
            &[0x20, 0],
            &[0x61, 4],
            &[0x85, 4],
            &[0x38, 0],
        ] {
            let point = [start, &[7; 200]].concat();
            assert_eq!(
                Exchange::default().take(fragments(&fragment(16, &point, 0..202))),
                None
            );
        }
        let behind = [fragment(11, b"x", 0..1), fragment(16, &message, 0..8)].concat();
        assert_eq!(
            Exchange::default().take(fragments(&behind)).unwrap(),
            b"device"
        );
    }

    proptest! {
        #[test]
        fn fragments_in_any_order_give_the_identity_with_the_last_that_it_needs(
            identity in prop::collection::vec(any::<u8>(), 0..=MAX_IDENTITY),
            rest in prop::collection::vec(any::<u8>(), 0..70),
            size in 1usize..100,
            order in any::<u64>(),
        ) {
            let message = exchange(&identity, &rest);
            let mut ranges: Vec<_> = (0..message.len())
                .step_by(size)
                .map(|start| start..message.len().min(start + size))
                .collect();
            ranges.sort_by_key(|range| (range.start as u64).wrapping_mul(order | 1));
            let mut exchange = Exchange::default();
            let needed = 2 + identity.len();
            for (number, range) in ranges.iter().enumerate() {
                let complete = ranges[number + 1..].iter().all(|later| later.start >= needed);
                let taken = exchange.take(fragments(&fragment(16, &message, range.clone())));
                prop_assert_eq!(taken.as_deref(), complete.then_some(&identity[..]));
            }
        }

        #[test]
        fn any_bytes_are_safe(bytes: Vec<u8>) {
            let _ = Exchange::default().take(fragments(&bytes));
        }
    }
}
