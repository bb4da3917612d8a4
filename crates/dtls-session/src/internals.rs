//! What the benchmarks and the fuzz targets reach behind the public interface. Nothing is promised
//! about it.

use std::fmt;

use dtls_wire::{CipherSuite, ContentType, Record};

use crate::records::{
    layout::Layout, open::Opening, seal::Sealing, secrets::Secrets, suite::Suite,
};

/// Both ends of one direction of a session.
pub struct Direction {
    sealing: Sealing,
    opening: Opening,
    id: usize,
}

impl Direction {
    /// Makes one with keys of its own; None for a cipher suite without AEAD.
    ///
    /// An ID that is not empty goes with each record, and content is then filled up to blocks.
    pub fn new(suite: u16, id: &[u8], block: u16) -> Option<Self> {
        let suite = Suite::new(CipherSuite::new(suite))?;
        let secrets = Secrets::new(&[7; 48], [8; 32], [9; 32], suite.digest());
        let key = || secrets.key_block(suite).expect("OpenSSL has a PRF").0;
        let layout = Layout::for_id(id, block);
        Some(Self {
            sealing: Sealing::new(key(), layout.clone(), 0, 0),
            opening: Opening::new(key(), layout),
            id: id.len(),
        })
    }

    /// Keeps contexts of OpenSSL's, which cost less for each record.
    pub fn warm(&mut self) {
        self.sealing.warm().expect("there is memory");
        self.opening.warm().expect("there is memory");
    }

    /// Appends one record.
    pub fn seal(&mut self, content_type: u8, content: &[u8], into: &mut Vec<u8>) {
        let sealed = self.sealing.seal(content_type.into(), content, into);
        sealed.expect("it is not too much");
    }

    /// Opens the first record of a datagram, and returns its type and its length.
    pub fn open(&mut self, datagram: &[u8], out: &mut [u8]) -> Option<(ContentType, usize)> {
        let (record, _) = Record::split_with_cid(datagram, self.id).ok()?;
        let opened = self.opening.open(&record, out).ok()?;
        Some((opened.content_type, opened.length))
    }
}

impl fmt::Debug for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Direction").finish_non_exhaustive()
    }
}
