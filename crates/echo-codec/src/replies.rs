use std::{fmt, iter::FusedIterator};

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr;

/// Answers one request with datagrams of at most `max` bytes; a `max` of zero counts as one.
pub fn reply(request: impl Into<Bytes>, max: usize) -> Replies {
    let mut replies = Replies::with_capacity(0);
    replies.start(request.into());
    replies.set_max(max);
    replies
}

/// The reply datagrams of one request, made by [`reply`].
///
/// None is empty. Put together, they are the replies to all lines, whatever the maximum.
///
/// ```
/// let mut replies = echo_codec::reply("one\ntwo\nthree", 22);
/// assert_eq!(replies.next().unwrap(), "Echo: one\nEcho: two\n");
/// replies.set_max(8);
/// assert_eq!(replies.next().unwrap(), "Echo: th");
/// assert_eq!(replies.next().unwrap(), "ree");
/// assert_eq!(replies.next(), None);
/// ```
#[must_use = "iterators are lazy"]
pub struct Replies {
    /// What is not answered yet.
    request: Bytes,
    /// What the first line of `request` still lacks of its prefix.
    prefix: &'static [u8],
    max: usize,
    /// Empty between calls; kept because datagrams that are split off it share one allocation.
    datagram: BytesMut,
}

/// What is echoed stands nowhere in it.
impl fmt::Debug for Replies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies")
            .field("unanswered", &self.request.len())
            .field("max", &self.max)
            .finish_non_exhaustive()
    }
}

impl Replies {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self {
            request: Bytes::new(),
            prefix: PREFIX,
            max: 1,
            datagram: BytesMut::with_capacity(capacity),
        }
    }

    /// Limits the datagrams still to come to `max` bytes; zero counts as one.
    pub fn set_max(&mut self, max: usize) {
        self.max = max.max(1);
    }

    /// Takes the next request; the one before must be answered.
    pub(crate) fn start(&mut self, request: Bytes) {
        debug_assert!(self.is_done(), "one request is answered at a time");
        self.request = request;
        self.prefix = PREFIX;
    }

    pub(crate) fn is_done(&self) -> bool {
        self.request.is_empty()
    }

    /// Appends the first `len` bytes of what is left of the first line's reply.
    fn append(&mut self, len: usize) {
        let (head, rest) = self.prefix.split_at(len.min(self.prefix.len()));
        self.datagram.extend_from_slice(head);
        self.prefix = rest;
        let body = len - head.len();
        self.datagram.extend_from_slice(&self.request[..body]);
        self.request.advance(body);
    }

    /// Returns how long the rest of the first line's reply is, if it fits in `room`.
    fn fitting(&self, room: usize) -> Option<usize> {
        // Looking no further than `room` keeps the work linear when a long line leaves in many pieces.
        let room = room.checked_sub(self.prefix.len())?;
        let seen = &self.request[..room.min(self.request.len())];
        let body = match memchr(b'\n', seen) {
            Some(newline) => newline + 1,
            None if seen.len() == self.request.len() => seen.len(),
            None => return None,
        };
        Some(self.prefix.len() + body)
    }
}

impl Iterator for Replies {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.is_done() {
            return None;
        }
        // Exact for one line; several make it grow.
        let estimate = self.prefix.len() + self.request.len();
        self.datagram.reserve(estimate.min(self.max));
        while !self.is_done()
            && let Some(len) = self.fitting(self.max - self.datagram.len())
        {
            self.append(len);
            self.prefix = PREFIX;
        }
        if self.datagram.is_empty() {
            self.append(self.max);
        }
        if self.is_done() {
            // An empty `Bytes` may still hold on to the receive buffer, which the next request can be long to free.
            self.request = Bytes::new();
        }
        Some(self.datagram.split().freeze())
    }
}

impl FusedIterator for Replies {}

/// What comes before each line of a reply.
pub const PREFIX: &[u8] = b"Echo: ";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_line_is_prefixed() {
        assert_eq!(texts("hello\n", 100), ["Echo: hello\n"]);
        assert_eq!(texts("one\ntwo", 100), ["Echo: one\nEcho: two"]);
        assert_eq!(texts("\n", 100), ["Echo: \n"]);
        assert_eq!(texts("\n\na", 100), ["Echo: \nEcho: \nEcho: a"]);
        assert_eq!(texts("cr\r\n", 100), ["Echo: cr\r\n"]);
    }

    #[test]
    fn an_empty_request_has_no_reply() {
        assert_eq!(reply("", 100).next(), None);
        assert_eq!(reply("", 0).next(), None);
    }

    #[test]
    fn bytes_need_not_be_text() {
        let replies: Vec<_> = reply(&b"\xff\0\n"[..], 100).collect();
        assert_eq!(replies, [&b"Echo: \xff\0\n"[..]]);
    }

    #[test]
    fn what_fits_exactly_is_not_cut() {
        assert_eq!(texts("one\ntwo\n", 20), ["Echo: one\nEcho: two\n"]);
        assert_eq!(texts("one\ntwo\n", 19), ["Echo: one\n", "Echo: two\n"]);
        assert_eq!(texts("one\ntwo\n", 10), ["Echo: one\n", "Echo: two\n"]);
    }

    #[test]
    fn a_long_line_is_cut_and_its_end_shares_a_datagram() {
        assert_eq!(
            texts("0123456789\na\n", 12),
            ["Echo: 012345", "6789\n", "Echo: a\n"]
        );
        assert_eq!(
            texts("0123456789\na\n", 13),
            ["Echo: 0123456", "789\nEcho: a\n"]
        );
    }

    #[test]
    fn a_prefix_is_cut_too_and_zero_counts_as_one() {
        assert_eq!(texts("a\nb", 4), ["Echo", ": a\n", "Echo", ": b"]);
        assert_eq!(texts("\n", 0), ["E", "c", "h", "o", ":", " ", "\n"]);
    }

    #[test]
    fn datagrams_share_their_memory_until_it_is_full() {
        let mut replies = Replies::with_capacity(64);
        let mut answer = |request: &'static str| {
            replies.start(request.into());
            replies.set_max(64);
            replies.next().expect("the request is not empty")
        };
        let first = answer("one");
        let second = answer("two");
        assert_eq!(
            first.as_ptr() as usize + first.len(),
            second.as_ptr() as usize
        );
    }

    #[test]
    fn an_answered_request_is_released() {
        let request = Bytes::from(b"one\n".repeat(3));
        let mut replies = reply(request.clone(), 20);
        assert!(replies.next().is_some() && !request.is_unique());
        assert!(replies.next().is_some() && request.is_unique());
    }

    proptest! {
        #[test]
        fn replies_follow_the_model(request in requests(), max in 1_usize..40) {
            let replies: Vec<_> = reply(request.clone(), max).collect();
            prop_assert_eq!(&replies, &model(&request, max));
            prop_assert!(replies.iter().all(|datagram| (1..=max).contains(&datagram.len())));
            prop_assert_eq!(replies.concat(), whole(&request));
        }

        #[test]
        fn nothing_is_lost_when_the_maximum_changes(
            request in requests(),
            maxima in prop::collection::vec(0_usize..40, 1..8),
        ) {
            let mut replies = reply(request.clone(), 1);
            let mut all = Vec::new();
            for &max in maxima.iter().cycle() {
                replies.set_max(max);
                let Some(datagram) = replies.next() else { break };
                prop_assert!((1..=max.max(1)).contains(&datagram.len()));
                all.extend_from_slice(&datagram);
            }
            prop_assert_eq!(all, whole(&request));
        }
    }

    fn requests() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![1 => Just(b'\n'), 6 => any::<u8>()];
        prop::collection::vec(byte, 0..200)
    }

    /// Cuts line by line, with an allocation for each.
    fn model(request: &[u8], max: usize) -> Vec<Vec<u8>> {
        let mut datagrams: Vec<Vec<u8>> = Vec::new();
        for line in request.split_inclusive(|&byte| byte == b'\n') {
            let line = [PREFIX, line].concat();
            match datagrams.last_mut() {
                Some(last) if last.len() + line.len() <= max => last.extend(line),
                _ => datagrams.extend(line.chunks(max).map(<[u8]>::to_vec)),
            }
        }
        datagrams
    }

    fn whole(request: &[u8]) -> Vec<u8> {
        let lines = request.split_inclusive(|&byte| byte == b'\n');
        lines
            .flat_map(|line| [PREFIX, line])
            .flatten()
            .copied()
            .collect()
    }

    fn texts(request: &'static str, max: usize) -> Vec<String> {
        let text = |datagram: Bytes| String::from_utf8_lossy(&datagram).into_owned();
        reply(request, max).map(text).collect()
    }
}
