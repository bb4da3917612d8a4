//! How a record stands on the wire, and what its tag vouches for besides its content.

use dtls_wire::{ContentType, Record};

/// With a connection ID or without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Layout {
    /// The header of RFC 6347 4.1.
    #[default]
    Plain,
    /// The header of RFC 9146 4, with the receiver's ID, which is not empty; content has its type
    /// behind it.
    ConnectionId {
        id: Box<[u8]>,
        /// Content and type are filled up to a multiple of so many bytes, to hide their length.
        block: u16,
    },
}

impl Layout {
    /// Returns the layout towards a receiver that has asked for an ID; an empty one stands for none (RFC
    /// 9146 3).
    ///
    /// # Panics
    ///
    /// The ID is longer than its extension can say.
    #[cfg_attr(
        not(any(test, feature = "internals")),
        expect(dead_code, reason = "no handshake agrees on an ID yet")
    )]
    pub(crate) fn for_id(id: &[u8], block: u16) -> Self {
        assert!(id.len() <= MAX_ID);
        if id.is_empty() {
            return Self::Plain;
        }
        Self::ConnectionId {
            id: id.into(),
            block,
        }
    }

    pub(crate) fn header_length(&self) -> usize {
        Record::HEADER + self.id().len()
    }

    /// Returns the receiver's connection ID, or nothing.
    pub(crate) fn id(&self) -> &[u8] {
        match self {
            Self::Plain => &[],
            Self::ConnectionId { id, .. } => id,
        }
    }

    /// Returns the length of what is encrypted for content of so many bytes.
    pub(crate) fn inner_length(&self, content: usize) -> usize {
        match self {
            Self::Plain => content,
            Self::ConnectionId { block, .. } => {
                let block = usize::from((*block).max(1));
                // What is full already is not made longer than a record may be.
                let padded = (content + 1).next_multiple_of(block);
                padded.min((content + 1).max(MAX_PLAINTEXT))
            }
        }
    }

    /// Returns the type in a record's header for content of a type.
    pub(crate) const fn outer_type(&self, content_type: ContentType) -> ContentType {
        match self {
            Self::Plain => content_type,
            Self::ConnectionId { .. } => ContentType::TLS12_CID,
        }
    }
}

/// What is authenticated besides the content (RFC 5246 6.2.3.3, RFC 9146 5.3).
pub(crate) struct AdditionalData {
    bytes: [u8; MAX_AAD],
    length: usize,
}

impl AdditionalData {
    /// Makes those of a record by its header, whose body has so many bytes of plaintext.
    pub(crate) fn new(header: &Record<'_>, plaintext: usize) -> Self {
        let mut data = Self {
            bytes: [0; MAX_AAD],
            length: 0,
        };
        let content_type = [header.content_type.number()];
        let version = header.version.number().to_be_bytes();
        let number = number(header.epoch, header.sequence);
        let length = u16::try_from(plaintext).unwrap_or(u16::MAX).to_be_bytes();
        let id = header.connection_id;
        if header.content_type == ContentType::TLS12_CID {
            let id_length = u8::try_from(id.len()).unwrap_or(u8::MAX);
            // Where other records have their number: these cannot be mistaken for one another.
            data.push(&[0xff; 8]);
            data.push(&content_type);
            data.push(&[id_length]);
            data.push(&content_type);
            data.push(&version);
            data.push(&number);
            data.push(id);
        } else {
            data.push(&number);
            data.push(&content_type);
            data.push(&version);
        }
        data.push(&length);
        data
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        self.bytes[self.length..end].copy_from_slice(bytes);
        self.length = end;
    }
}

impl AsRef<[u8]> for AdditionalData {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Returns epoch and sequence as they stand in a header.
pub(crate) const fn number(epoch: u16, sequence: u64) -> [u8; 8] {
    (((epoch as u64) << 48) | sequence).to_be_bytes()
}

/// The longest content of a record in bytes (RFC 5246 6.2.1).
pub(crate) const MAX_PLAINTEXT: usize = 1 << 14;
/// The only epoch there is, for nobody renegotiates.
pub(crate) const EPOCH: u16 = 1;
/// The longest connection ID in bytes.
const MAX_ID: usize = 255;
const MAX_AAD: usize = 8 + 1 + 1 + 1 + 2 + 8 + MAX_ID + 2;

#[cfg(test)]
mod tests {
    use dtls_wire::ProtocolVersion;

    use super::*;

    #[test]
    fn additional_data_are_those_of_the_rfcs() {
        let mut header = Record {
            content_type: ContentType::APPLICATION_DATA,
            version: ProtocolVersion::DTLS_1_2,
            epoch: 1,
            sequence: 0x0203_0405_0607,
            connection_id: &[],
            body: &[],
        };
        let plain = AdditionalData::new(&header, 0x0809);
        let expected = [0, 1, 2, 3, 4, 5, 6, 7, 23, 0xfe, 0xfd, 8, 9];
        assert_eq!(plain.as_ref(), expected);

        header.content_type = ContentType::TLS12_CID;
        header.connection_id = &[0xa0, 0xa1, 0xa2];
        let expected = [
            &[0xff; 8][..],
            &[25, 3, 25, 0xfe, 0xfd, 0, 1, 2, 3, 4, 5, 6, 7],
            &[0xa0, 0xa1, 0xa2, 8, 9],
        ];
        let with_id = AdditionalData::new(&header, 0x0809);
        assert_eq!(with_id.as_ref(), expected.concat());

        let longest = [7; MAX_ID];
        header.connection_id = &longest;
        assert_eq!(AdditionalData::new(&header, 0).as_ref().len(), MAX_AAD);
    }

    #[test]
    fn padding_fills_blocks_up_to_the_longest_record() {
        let lengths = |block, contents: &[usize]| {
            let layout = Layout::for_id(&[1], block);
            let lengths = contents.iter().map(|content| layout.inner_length(*content));
            lengths.collect::<Vec<_>>()
        };
        assert_eq!(lengths(0, &[0, 1, 31]), [1, 2, 32]);
        assert_eq!(lengths(1, &[0, 1, 31]), [1, 2, 32]);
        assert_eq!(lengths(32, &[0, 1, 31, 32]), [32, 32, 32, 64]);
        let longest = [MAX_PLAINTEXT - 1, MAX_PLAINTEXT];
        assert_eq!(lengths(1000, &longest), [MAX_PLAINTEXT, MAX_PLAINTEXT + 1]);
        assert_eq!(Layout::for_id(&[], 32), Layout::Plain);
    }
}
