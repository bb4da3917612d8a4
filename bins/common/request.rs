//! Requests to an echo server, and how a reply is known.

/// What a session sends: whose it is, a number, and filling up to the size asked for.
///
/// It is one line, so that a server which answers line by line answers it once.
#[derive(Debug)]
pub struct Request {
    bytes: Vec<u8>,
}

impl Request {
    /// The least that one can have, in bytes.
    pub const LEAST: usize = HEADER + 1;
    /// The prefix of a reply, and what DTLS 1.2 adds to a record with an AEAD cipher, in bytes.
    pub const OVERHEAD: usize = PREFIX.len() + 13 + 8 + 16;

    /// Makes those of a session, which its replies are known by, of `size` bytes each.
    pub fn new(session: usize, size: usize) -> Self {
        let mut bytes = format!("{session:08x} {:016x} ", 0).into_bytes();
        let filling = (b'a'..=b'z').cycle().skip(session % 26);
        bytes.extend(filling.take(size.saturating_sub(Self::LEAST)));
        bytes.push(b'\n');
        Self { bytes }
    }

    /// Returns the request of this number.
    pub fn numbered(&mut self, number: u64) -> &[u8] {
        for (place, byte) in self.bytes[NUMBER].iter_mut().enumerate() {
            *byte = DIGITS[(number >> (60 - 4 * place)) as usize & 15];
        }
        &self.bytes
    }

    /// Whether this is the start of a reply, of which the end is missing.
    pub fn is_started_by(&self, part: &[u8]) -> bool {
        let reply = part.strip_prefix(PREFIX).unwrap_or(part);
        reply.len() >= NUMBER.end
            && reply.len() < self.bytes.len()
            && reply[..NUMBER.start] == self.bytes[..NUMBER.start]
            && reply[NUMBER.end..] == self.bytes[NUMBER.end..reply.len()]
    }

    /// Returns the number of the request that this is the reply to, with the server's prefix or
    /// without; None if it is none.
    pub fn answered_by(&self, reply: &[u8]) -> Option<u64> {
        let reply = reply.strip_prefix(PREFIX).unwrap_or(reply);
        let same = reply.len() == self.bytes.len()
            && reply[..NUMBER.start] == self.bytes[..NUMBER.start]
            && reply[NUMBER.end..] == self.bytes[NUMBER.end..];
        if !same {
            return None;
        }
        reply[NUMBER].iter().try_fold(0, |number, digit| {
            let digit = DIGITS.iter().position(|known| known == digit)?;
            Some(number << 4 | digit as u64)
        })
    }
}

const PREFIX: &[u8] = b"Echo: ";
const NUMBER: std::ops::Range<usize> = 9..25;
const HEADER: usize = 26;
const DIGITS: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_known_with_and_without_the_prefix() {
        let mut request = Request::new(7, 64);
        let asked = request.numbered(0xfedc_ba98_7654_3210).to_vec();
        assert_eq!(asked.len(), 64);
        assert!(asked.starts_with(b"00000007 fedcba9876543210 hij") && asked.ends_with(b"\n"));
        for reply in [asked.clone(), [PREFIX, &asked].concat()] {
            assert_eq!(request.answered_by(&reply), Some(0xfedc_ba98_7654_3210));
        }
    }

    #[test]
    fn anything_else_is_no_reply() {
        let mut request = Request::new(7, 40);
        let good = request.numbered(5).to_vec();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 0x80;
            assert_eq!(request.answered_by(&bad), None, "{place}");
        }
        assert_eq!(request.answered_by(&good[1..]), None);
        assert_eq!(request.answered_by(b""), None);
        assert_eq!(request.answered_by(Request::new(8, 40).numbered(5)), None);
    }

    #[test]
    fn the_least_size_is_possible() {
        let size = Request::LEAST;
        assert_eq!(Request::new(0, size).numbered(1).len(), size);
    }
}
