//! Records that arrive.

use dtls_wire::{ContentType, Decode, InnerPlaintext, ProtocolVersion, Record};
use thiserror::Error;

use crate::{
    error::OpenSslError,
    openssl::aead::Opener,
    records::{
        key::Key,
        layout::{AdditionalData, EPOCH, Layout, MAX_PLAINTEXT, number},
        suite::Suite,
        window::Window,
    },
};

/// Opens records, each number once.
#[derive(Debug)]
pub(crate) struct Opening {
    key: Key,
    layout: Layout,
    window: Window,
    forged: u64,
    forgery_limit: u64,
    context: Option<Box<Opener>>,
}

/// A record that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) content_type: ContentType,
    /// The length of its content in bytes.
    pub(crate) length: usize,
    /// Whether it is newer than all that came before.
    pub(crate) newest: bool,
}

impl Opening {
    pub(crate) const fn new(key: Key, layout: Layout) -> Self {
        Self {
            forgery_limit: key.suite().forgery_limit(),
            key,
            layout,
            window: Window::EMPTY,
            forged: 0,
            context: None,
        }
    }

    /// Refuses all records after so many forged ones, in place of the suite's limit: CCM-8 has none that
    /// is safe.
    #[must_use]
    pub(crate) const fn with_forgery_limit(mut self, limit: u64) -> Self {
        self.forgery_limit = limit;
        self
    }

    /// Returns how long `out` has to be to open a record: longer than its content where that has its
    /// type and padding behind it.
    ///
    /// Nobody has vouched for the record yet, so a caller whose buffer is shorter does not fail: it opens
    /// into one of its own, and keeps what proves to be content (see [`open_vec`](Self::open_vec)).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), for what needs no decryption.
    pub(crate) fn room(&self, record: &Record<'_>) -> Result<usize, OpenError> {
        if self.forged >= self.forgery_limit {
            return Err(OpenError::Exhausted);
        }
        let cid = record.content_type == ContentType::TLS12_CID;
        let expected = matches!(self.layout, Layout::ConnectionId { .. });
        if record.epoch != EPOCH
            || record.version != ProtocolVersion::DTLS_1_2
            || cid != expected
            || record.connection_id != self.layout.id()
        {
            return Err(OpenError::Foreign);
        }
        let inner = record.body.len().checked_sub(self.suite().expansion());
        let inner = inner.ok_or(OpenError::TooShort)?;
        if inner < usize::from(cid) {
            return Err(OpenError::TooShort);
        }
        if inner > MAX_PLAINTEXT + usize::from(cid) {
            return Err(OpenError::TooLong);
        }
        if !self.window.is_new(record.sequence) {
            return Err(OpenError::Replayed);
        }
        Ok(inner)
    }

    /// Opens one record to the start of `out`, and notes its number if it is authentic.
    ///
    /// # Errors
    ///
    /// [`OpenError`]; `out` has nothing of the record then.
    ///
    /// # Panics
    ///
    /// `out` is shorter than [`room`](Self::room) says.
    pub(crate) fn open(
        &mut self,
        record: &Record<'_>,
        out: &mut [u8],
    ) -> Result<Opened, OpenError> {
        let room = self.room(record)?;
        let out = &mut out[..room];
        let suite = self.suite();
        let (explicit, sealed) = record.body.split_at(suite.explicit_nonce_length());
        let own = explicit
            .try_into()
            .unwrap_or_else(|_| number(record.epoch, record.sequence));
        let (nonce, aad) = (self.key.nonce(own), AdditionalData::new(record, room));
        let opened = match &mut self.context {
            Some(context) => context.open(&nonce, aad.as_ref(), sealed, out),
            None => self.key.open(&nonce, aad.as_ref(), sealed, out),
        };
        if opened.is_err() {
            self.forged += 1;
            return Err(OpenError::Forged);
        }
        let newest = self.window.mark(record.sequence);
        if let Layout::Plain = self.layout {
            return Ok(Opened {
                content_type: record.content_type,
                length: room,
                newest,
            });
        }
        let inner = InnerPlaintext::parse(out).map_err(|_| OpenError::Untyped)?;
        let (content_type, length) = (inner.content_type, inner.content.len());
        out[length..].fill(0);
        Ok(Opened {
            content_type,
            length,
            newest,
        })
    }

    /// As [`open`](Self::open), into a vector that has the content, and nothing else, afterwards.
    pub(crate) fn open_vec(
        &mut self,
        record: &Record<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Opened, OpenError> {
        out.clear();
        out.resize(self.room(record)?, 0);
        let opened = self.open(record, out);
        out.truncate(opened.map_or(0, |opened| opened.length));
        opened
    }

    /// Makes a context of OpenSSL's that stays keyed: each record costs less, and the session some
    /// 1.2 kB more.
    ///
    /// # Errors
    ///
    /// OpenSSL has no memory. Records are opened as before.
    pub(crate) fn warm(&mut self) -> Result<(), OpenSslError> {
        if self.context.is_none() {
            self.context = Some(Box::new(self.key.opener()?));
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

    /// Returns which numbers have come.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests ask"))]
    pub(crate) const fn window(&self) -> &Window {
        &self.window
    }

    /// Returns how many records did not prove to be authentic.
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests ask"))]
    pub(crate) const fn forged(&self) -> u64 {
        self.forged
    }

    /// Returns how many of the forged records that the key can bear have come, from 0 to 1.
    pub(crate) fn used(&self) -> f64 {
        self.forged as f64 / self.forgery_limit as f64
    }

    /// Does not count those that have come so far.
    pub(crate) fn forget_forgeries(&mut self) {
        self.forged = 0;
    }

    /// Gives the key back.
    pub(crate) fn into_key(self) -> Key {
        self.key
    }

    pub(crate) const fn suite(&self) -> Suite {
        self.key.suite()
    }
}

/// Why a record was not opened. But for the last two, anybody can have sent it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum OpenError {
    /// Another epoch, version or connection ID than this session's.
    #[error("the record is not of these keys")]
    Foreign,
    /// It has no room for what protects it.
    #[error("the record is too short to be protected")]
    TooShort,
    /// It is longer than a record may be.
    #[error("the record is too long")]
    TooLong,
    /// Its number has come before, or is too old to tell.
    #[error("the record has come before, or is too old")]
    Replayed,
    /// It was not sealed with this key.
    #[error("the record is not authentic")]
    Forged,
    /// So many forged records were refused that the key is not safe any more.
    #[error("too many forged records were refused")]
    Exhausted,
    /// It is authentic, but does not say what it carries (RFC 9146 4).
    #[error("the record has no content type")]
    Untyped,
}

#[cfg(test)]
mod tests {
    use dtls_wire::CipherSuite;
    use proptest::prelude::*;

    use super::*;
    use crate::records::{
        seal::Sealing,
        testing::{any_kind, ends, parsed, sealed, suites},
    };

    proptest! {
        #[test]
        fn a_flipped_bit_is_refused_and_leaves_no_trace(
            (suite, layout) in any_kind(),
            length in 0..100_usize,
            place: prop::sample::Index,
            warm: bool,
        ) {
            let (mut sealing, mut opening) = ends(suite, &layout, 7);
            if warm {
                opening.warm().unwrap();
            }
            let genuine = sealed(&mut sealing, &vec![0x55; length]);
            let mut forged = genuine.clone();
            let place = place.index(8 * forged.len());
            forged[place / 8] ^= 1 << (place % 8);
            if let Ok((record, _)) = Record::split_with_cid(&forged, layout.id().len()) {
                let mut out = [0xaa; 300];
                let refused = opening.open(&record, &mut out).unwrap_err();
                let used = if refused == OpenError::Forged {
                    opening.room(&record).unwrap()
                } else {
                    // The bit may have been one of the length.
                    let others = [OpenError::Foreign, OpenError::TooShort];
                    prop_assert!(others.contains(&refused), "{}", refused);
                    0
                };
                prop_assert!(out[..used].iter().all(|byte| *byte == 0));
                prop_assert!(out[used..].iter().all(|byte| *byte == 0xaa));
                prop_assert_eq!(opening.forged(), u64::from(used > 0 || refused == OpenError::Forged));
            }
            prop_assert_eq!(opening.window().newest(), None);
            prop_assert!(openssl::error::ErrorStack::get().errors().is_empty());
            let record = parsed(&genuine, &layout);
            let mut out = vec![0xaa; 300];
            let opened = opening.open(&record, &mut out).unwrap();
            prop_assert_eq!(&out[..opened.length], vec![0x55; length]);
        }

        #[test]
        fn any_bytes_are_refused(
            (suite, layout) in any_kind(),
            content_type: u8,
            epoch in 0..3_u16,
            sequence in 0..1_u64 << 48,
            body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut opening = ends(suite, &layout, 0).1;
            let record = Record {
                content_type: ContentType::new(content_type),
                version: ProtocolVersion::DTLS_1_2,
                epoch,
                sequence,
                connection_id: layout.id(),
                body: &body,
            };
            prop_assert!(opening.open_vec(&record, &mut Vec::new()).is_err());
            prop_assert_eq!(opening.window().newest(), None);
        }
    }

    #[test]
    fn a_record_opens_once_and_tells_whether_it_is_newer() {
        for suite in suites() {
            let (mut sealing, mut opening) = ends(suite, &Layout::Plain, 0);
            let all: Vec<_> = (0..200).map(|_| sealed(&mut sealing, b"x")).collect();
            let mut open = |number: usize| {
                let record = parsed(&all[number], &Layout::Plain);
                let opened = opening.open_vec(&record, &mut Vec::new());
                opened.map(|opened| opened.newest)
            };
            assert_eq!(open(150), Ok(true));
            assert_eq!(open(150), Err(OpenError::Replayed));
            assert_eq!(open(23), Ok(false));
            assert_eq!(open(22), Err(OpenError::Replayed));
            assert_eq!(open(199), Ok(true));
            assert_eq!(open(149), Ok(false));
            assert_eq!(open(24), Err(OpenError::Replayed));
        }
    }

    #[test]
    fn lengths_have_bounds() {
        for layout in [Layout::Plain, Layout::for_id(&[1, 2, 3], 1)] {
            for suite in suites() {
                let (mut sealing, mut opening) = ends(suite, &layout, 0);
                let longest = sealed(&mut sealing, &[0; MAX_PLAINTEXT]);
                let record = parsed(&longest, &layout);
                let mut out = Vec::new();
                opening.open_vec(&record, &mut out).unwrap();
                assert_eq!(out.len(), MAX_PLAINTEXT);

                let empty = sealed(&mut sealing, &[]);
                let record = parsed(&empty, &layout);
                opening.open_vec(&record, &mut out).unwrap();
                assert!(out.is_empty());

                let mut refused = |length| {
                    let body = vec![0; length];
                    let record = Record {
                        sequence: 9,
                        body: &body,
                        ..record
                    };
                    opening.open_vec(&record, &mut Vec::new()).unwrap_err()
                };
                let least = record.body.len();
                assert_eq!(refused(least), OpenError::Forged);
                assert_eq!(refused(least - 1), OpenError::TooShort);
                assert_eq!(refused(0), OpenError::TooShort);
                assert_eq!(refused(least + MAX_PLAINTEXT), OpenError::Forged);
                assert_eq!(refused(least + MAX_PLAINTEXT + 1), OpenError::TooLong);
            }
        }
    }

    #[test]
    fn too_many_forgeries_end_it() {
        let suite = Suite::new(CipherSuite::TLS_PSK_WITH_AES_128_CCM_8).unwrap();
        let (mut sealing, opening) = ends(suite, &Layout::Plain, 0);
        let mut opening = opening.with_forgery_limit(2);
        let mut bytes = sealed(&mut sealing, b"x");
        let last = bytes.len() - 1;
        let mut open = |flip| {
            bytes[last] ^= flip;
            opening.open_vec(&parsed(&bytes, &Layout::Plain), &mut Vec::new())
        };
        assert_eq!(open(1), Err(OpenError::Forged));
        assert_eq!(open(2), Err(OpenError::Forged));
        // Now it is as it was sealed.
        assert_eq!(open(3), Err(OpenError::Exhausted));
    }

    #[test]
    fn records_with_and_without_an_id_are_not_mixed_up() {
        let layout = Layout::for_id(&[1, 2, 3], 1);
        for suite in suites() {
            let (mut plain, mut opens_plain) = ends(suite, &Layout::Plain, 0);
            let (mut with_id, mut opens_id) = ends(suite, &layout, 0);
            let (plain, with_id) = (sealed(&mut plain, b"x"), sealed(&mut with_id, b"x"));
            let (plain, with_id) = (parsed(&plain, &Layout::Plain), parsed(&with_id, &layout));
            let other = Record {
                connection_id: &[1, 2, 4],
                ..with_id
            };
            for record in [plain, other] {
                let refused = opens_id.open_vec(&record, &mut Vec::new());
                assert_eq!(refused, Err(OpenError::Foreign));
            }
            let old = Record {
                version: 0xfeff.into(),
                ..plain
            };
            let next = Record { epoch: 2, ..plain };
            for record in [with_id, old, next] {
                let refused = opens_plain.open_vec(&record, &mut Vec::new());
                assert_eq!(refused, Err(OpenError::Foreign));
            }
        }
    }

    #[test]
    fn an_idle_session_has_little_to_keep() {
        assert!(size_of::<Opening>() + size_of::<Sealing>() <= 256);
    }

    #[test]
    fn an_authentic_record_of_zeros_says_nothing() {
        let layout = Layout::for_id(&[1], 16);
        for suite in suites() {
            let (mut sealing, mut opening) = ends(suite, &layout, 0);
            let mut bytes = Vec::new();
            sealing
                .seal(ContentType::new(0), &[0; 9], &mut bytes)
                .unwrap();
            let record = parsed(&bytes, &layout);
            let mut out = Vec::new();
            assert_eq!(opening.open_vec(&record, &mut out), Err(OpenError::Untyped));
            assert!(out.is_empty());
            assert_eq!(
                opening.open_vec(&record, &mut out),
                Err(OpenError::Replayed)
            );
        }
    }
}
