//! Records that leave.

use dtls_wire::{ContentType, Encode, ProtocolVersion, Record};
use thiserror::Error;

use crate::{
    error::OpenSslError,
    openssl::aead::Sealer,
    records::{
        key::Key,
        layout::{AdditionalData, EPOCH, Layout, MAX_PLAINTEXT, number},
        suite::NUMBERS,
    },
};

/// Seals records, each with a number of its own: nothing else moves the number.
#[derive(Debug)]
pub(crate) struct Sealing {
    key: Key,
    layout: Layout,
    /// The number of the next record.
    next: u64,
    /// The explicit nonce of number 0.
    nonce_base: u64,
    /// How many blocks of 16 bytes were sealed.
    blocks: u64,
    context: Option<Box<Sealer>>,
}

impl Sealing {
    /// Goes on where another has sealed with the same key: with the number behind its last, and with its
    /// series of nonces (see [`nonce_base`]; only GCM takes it).
    pub(crate) const fn new(key: Key, layout: Layout, next: u64, nonce_base: u64) -> Self {
        Self {
            key,
            layout,
            next,
            nonce_base,
            blocks: 0,
            context: None,
        }
    }

    /// Appends one record to `into`, and returns its length in bytes.
    ///
    /// # Errors
    ///
    /// [`SealError`]; `into` is as it was before.
    pub(crate) fn seal(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        into: &mut Vec<u8>,
    ) -> Result<usize, SealError> {
        let length = content.len();
        if length > MAX_PLAINTEXT {
            return Err(SealError::TooLong { length });
        }
        let inner = self.layout.inner_length(length);
        let sequence = self.take_number(content_type, inner)?;
        let start = into.len();
        let sealed = self.append(content_type, content, inner, sequence, into);
        if sealed.is_err() {
            into.truncate(start);
        }
        sealed?;
        Ok(into.len() - start)
    }

    /// Leaves out all numbers before `next`, if they are not used yet.
    pub(crate) fn skip_to(&mut self, next: u64) {
        self.next = self.next.max(next);
    }

    /// Makes a context of OpenSSL's that stays keyed: each record costs less, and the session some
    /// 1.2 kB more.
    ///
    /// # Errors
    ///
    /// OpenSSL has no memory. Records are sealed as before.
    pub(crate) fn warm(&mut self) -> Result<(), OpenSslError> {
        if self.context.is_none() {
            self.context = Some(Box::new(self.key.sealer()?));
        }
        Ok(())
    }

    #[cfg(test)]
    pub(crate) fn is_warm(&self) -> bool {
        self.context.is_some()
    }

    /// Lets the context go.
    pub(crate) fn cool(&mut self) {
        self.context = None;
    }

    /// Returns how much of what the key may seal is sealed, from 0 to 1.
    pub(crate) fn used(&self) -> f64 {
        let records = self.next as f64 / self.record_limit() as f64;
        let used = records.max(self.blocks as f64 / self.block_limit() as f64);
        used.min(1.0)
    }

    /// How many records other than alerts there may be.
    fn record_limit(&self) -> u64 {
        self.key.suite().record_limit().min(NUMBERS) - RESERVED
    }

    fn block_limit(&self) -> u64 {
        self.key.suite().block_limit() - RESERVED_BLOCKS
    }

    /// Returns by how many bytes a record with content of so many bytes is longer.
    pub(crate) fn overhead(&self, content: usize) -> usize {
        let padding = self.layout.inner_length(content) - content;
        self.layout.header_length() + padding + self.key.suite().expansion()
    }

    /// Uses a number up, whatever comes of its record: what is half sealed may have got out.
    fn take_number(&mut self, content_type: ContentType, inner: usize) -> Result<u64, SealError> {
        let (records, most) = match content_type {
            ContentType::ALERT => (RESERVED, RESERVED_BLOCKS),
            _ => (0, 0),
        };
        // One more, for the tag.
        let blocks = self.blocks.saturating_add(inner.div_ceil(16) as u64 + 1);
        if self.next >= self.record_limit() + records || blocks > self.block_limit() + most {
            return Err(SealError::Exhausted);
        }
        let sequence = self.next;
        self.next += 1;
        self.blocks = blocks;
        Ok(sequence)
    }

    fn append(
        &mut self,
        content_type: ContentType,
        content: &[u8],
        inner: usize,
        sequence: u64,
        into: &mut Vec<u8>,
    ) -> Result<(), OpenSslError> {
        let suite = self.key.suite();
        let header = Record {
            content_type: self.layout.outer_type(content_type),
            version: ProtocolVersion::DTLS_1_2,
            epoch: EPOCH,
            sequence,
            connection_id: self.layout.id(),
            body: &[],
        };
        header.append_to(into).expect("the number has 48 bits");
        let body = u16::try_from(inner + suite.expansion()).expect("content is bounded");
        let end = into.len() - 2;
        into[end..].copy_from_slice(&body.to_be_bytes());

        let own = if suite.is_gcm() {
            self.nonce_base.wrapping_add(sequence).to_be_bytes()
        } else {
            number(EPOCH, sequence)
        };
        into.extend_from_slice(&own[..suite.explicit_nonce_length()]);

        let data = into.len();
        into.extend_from_slice(content);
        if let Layout::ConnectionId { .. } = self.layout {
            into.push(content_type.number());
        }
        into.resize(data + inner + suite.aead().tag_length(), 0);
        let (nonce, aad) = (self.key.nonce(own), AdditionalData::new(&header, inner));
        let data = &mut into[data..];
        match &mut self.context {
            Some(context) => context.seal(&nonce, aad.as_ref(), data),
            None => self.key.seal(&nonce, aad.as_ref(), data),
        }
    }
}

/// How many records are left for alerts, so that the peer hears of the end.
const RESERVED: u64 = 8;
/// An alert has one, and its tag another; more where its length is hidden.
const RESERVED_BLOCKS: u64 = 64;

/// Returns the explicit nonce that the record with number 0 has, by any record of the same key.
///
/// OpenSSL begins at random with GCM, and counts on with the numbers. Who goes on with its keys goes on
/// with its nonces: another series could meet it.
pub(crate) fn nonce_base(record: &Record<'_>) -> Option<u64> {
    let explicit = record.body.first_chunk()?;
    Some(u64::from_be_bytes(*explicit).wrapping_sub(record.sequence))
}

/// Why a record was not sealed.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub(crate) enum SealError {
    /// The content is longer than a record may be.
    #[error("{length} bytes do not fit into a record")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The key has sealed as much as it may, or there is no number left.
    #[error("the session's keys have protected as much as they may")]
    Exhausted,
    /// OpenSSL refused.
    #[error("OpenSSL does not seal the record")]
    OpenSsl(#[from] OpenSslError),
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use dtls_wire::CipherSuite;
    use proptest::prelude::*;

    use super::*;
    use crate::records::{
        secrets::Secrets,
        suite::Suite,
        testing::{any_kind, ends, key, parsed, sealed, suites},
    };

    /// What may be done with one.
    #[derive(Clone, Debug)]
    enum Step {
        Seal(usize),
        SkipTo(u64),
        Warm,
        Cool,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            8 => (0..50_usize).prop_map(Step::Seal),
            1 => Just(Step::Seal(MAX_PLAINTEXT + 1)),
            1 => (0..200_u64).prop_map(Step::SkipTo),
            1 => Just(Step::Warm),
            1 => Just(Step::Cool),
        ]
    }

    proptest! {
        #[test]
        fn no_number_and_no_nonce_is_used_twice(
            (suite, layout) in any_kind(),
            steps in prop::collection::vec(step(), 0..60),
        ) {
            let (mut sealing, mut opening) = ends(suite, &layout, 5);
            let (mut newest, mut nonces) = (4, HashSet::new());
            for step in steps {
                match step {
                    Step::Seal(length) if length > MAX_PLAINTEXT => {
                        let mut bytes = vec![1, 2];
                        let content = vec![0; length];
                        let refused = sealing.seal(ContentType::ALERT, &content, &mut bytes);
                        let too_long = matches!(refused, Err(SealError::TooLong { .. }));
                        prop_assert!(too_long);
                        prop_assert_eq!(bytes, [1, 2]);
                    }
                    Step::Seal(length) => {
                        let content = vec![length as u8; length];
                        let bytes = sealed(&mut sealing, &content);
                        prop_assert_eq!(bytes.len(), length + sealing.overhead(length));
                        let record = parsed(&bytes, &layout);
                        prop_assert!(record.sequence > newest);
                        newest = record.sequence;
                        if suite.explicit_nonce_length() > 0 {
                            prop_assert!(nonces.insert(record.body[..8].to_vec()));
                        }
                        if suite.is_gcm() {
                            prop_assert_eq!(nonce_base(&record), Some(sealing.nonce_base));
                        }
                        let mut out = Vec::new();
                        let opened = opening.open_vec(&record, &mut out).unwrap();
                        prop_assert_eq!(out, content);
                        prop_assert_eq!(opened.content_type, ContentType::APPLICATION_DATA);
                        prop_assert!(opened.newest);
                    }
                    Step::SkipTo(next) => sealing.skip_to(next),
                    Step::Warm => {
                        sealing.warm().unwrap();
                        opening.warm().unwrap();
                    }
                    Step::Cool => {
                        sealing.cool();
                        opening.cool();
                    }
                }
            }
        }
    }

    #[test]
    fn two_sessions_take_turns_on_the_threads_context() {
        for suite in suites() {
            let secrets = Secrets::new(&[1; 48], [2; 32], [3; 32], suite.digest());
            let (one, other) = secrets.key_block(suite).unwrap();
            let mut one = Sealing::new(one, Layout::Plain, 0, 0);
            let mut other = Sealing::new(other, Layout::Plain, 0, 0);
            let cold = [
                sealed(&mut one, b"1"),
                sealed(&mut other, b"1"),
                sealed(&mut one, b"2"),
            ];
            let (again, other) = secrets.key_block(suite).unwrap();
            let mut one = Sealing::new(again, Layout::Plain, 0, 0);
            let mut other = Sealing::new(other, Layout::Plain, 0, 0);
            one.warm().unwrap();
            other.warm().unwrap();
            let warm = [
                sealed(&mut one, b"1"),
                sealed(&mut other, b"1"),
                sealed(&mut one, b"2"),
            ];
            assert_eq!(cold, warm);
        }
    }

    #[test]
    fn the_numbers_end_before_the_last() {
        for suite in suites() {
            let last = suite.record_limit() - 1;
            let (mut sealing, mut opening) = ends(suite, &Layout::Plain, last - RESERVED);
            let bytes = sealed(&mut sealing, b"the last");
            let record = parsed(&bytes, &Layout::Plain);
            assert_eq!(record.sequence, last - RESERVED);
            opening.open_vec(&record, &mut Vec::new()).unwrap();
            assert!(sealing.used() >= 1.0);
            for number in 0..RESERVED {
                for refused in [ContentType::APPLICATION_DATA, ContentType::HANDSHAKE] {
                    let refused = sealing.seal(refused, &[1, 0], &mut Vec::new());
                    assert!(matches!(refused, Err(SealError::Exhausted)));
                }
                let mut bytes = Vec::new();
                sealing
                    .seal(ContentType::ALERT, &[1, 0], &mut bytes)
                    .unwrap();
                let record = parsed(&bytes, &Layout::Plain);
                assert_eq!(record.sequence, last - RESERVED + 1 + number);
                opening.open_vec(&record, &mut Vec::new()).unwrap();
            }
            for _ in 0..2 {
                let mut bytes = vec![7];
                let refused = sealing.seal(ContentType::ALERT, &[1, 0], &mut bytes);
                assert!(matches!(refused, Err(SealError::Exhausted)));
                assert_eq!(bytes, [7]);
            }
        }
        let chacha = CipherSuite::TLS_PSK_WITH_CHACHA20_POLY1305_SHA256;
        let chacha = Suite::new(chacha).unwrap();
        assert_eq!(chacha.record_limit() - 1, (1 << 48) - 2);
    }

    #[test]
    fn gcm_counts_blocks() {
        let suite = Suite::new(CipherSuite::TLS_PSK_WITH_AES_128_GCM_SHA256).unwrap();
        let mut sealing = Sealing::new(key(suite), Layout::Plain, 0, 0);
        // 17 bytes are two blocks, and the tag is one.
        sealed(&mut sealing, &[0; 17]);
        assert_eq!(sealing.blocks, 3);
        assert!(sealing.used() < 1e-6);
        sealing.blocks = sealing.block_limit() - 3;
        sealed(&mut sealing, &[0; 17]);
        assert!(sealing.used() >= 1.0);
        let mut seal = |content_type| sealing.seal(content_type, &[1, 0], &mut Vec::new());
        let refused = seal(ContentType::APPLICATION_DATA);
        assert!(matches!(refused, Err(SealError::Exhausted)));
        for _ in 0..RESERVED_BLOCKS / 2 {
            seal(ContentType::ALERT).unwrap();
        }
        assert!(matches!(
            seal(ContentType::ALERT),
            Err(SealError::Exhausted)
        ));
    }

    #[test]
    fn a_connection_id_hides_type_and_length() {
        let layout = Layout::for_id(b"receiver", 16);
        for suite in suites() {
            let (mut sealing, mut opening) = ends(suite, &layout, 0);
            let mut bytes = Vec::new();
            for (content_type, content) in [
                (ContentType::ALERT, &[1, 0][..]),
                (ContentType::APPLICATION_DATA, b"fifteen letters"),
                (ContentType::HANDSHAKE, b""),
                (ContentType::APPLICATION_DATA, &[0; 15]),
            ] {
                bytes.clear();
                sealing.seal(content_type, content, &mut bytes).unwrap();
                let record = parsed(&bytes, &layout);
                assert_eq!(record.content_type, ContentType::TLS12_CID);
                assert_eq!(record.connection_id, b"receiver");
                assert_eq!(record.body.len(), 16 + suite.expansion());
                let mut out = Vec::new();
                let opened = opening.open_vec(&record, &mut out).unwrap();
                assert_eq!((opened.content_type, &out[..]), (content_type, content));
            }
        }
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        for suite in suites() {
            let mut sealing = ends(suite, &Layout::Plain, 0).0;
            sealing.warm().unwrap();
            let shown = format!("{sealing:?}");
            assert!(shown.contains("suite: Suite"), "{shown}");
            assert!(!shown.contains("bytes") && !shown.contains("iv"), "{shown}");
        }
    }
}
