//! A handshake message in a record of its own.

use crate::{
    ContentType, Encode, EncodeError, Encoder, Fragment, HandshakeType, ProtocolVersion, Record,
};

/// A whole plaintext handshake message, and the record that holds nothing else, to be written.
///
/// ```
/// use dtls_wire::{Encode, HandshakeType, HelloVerifyRequest, MessageRecord, ProtocolVersion};
///
/// let request = MessageRecord {
///     version: ProtocolVersion::DTLS_1_0,
///     sequence: 5,
///     handshake_type: HandshakeType::HELLO_VERIFY_REQUEST,
///     message_sequence: 0,
///     message: &HelloVerifyRequest {
///         version: ProtocolVersion::DTLS_1_0,
///         cookie: &[7; 32],
///     },
/// };
/// let mut datagram = [0; 60];
/// assert_eq!(request.write_to(&mut datagram)?, 60);
/// # Ok::<_, dtls_wire::EncodeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRecord<'a, M> {
    /// The record's version.
    pub version: ProtocolVersion,
    /// The record's number, in epoch 0.
    pub sequence: u64,
    /// What the message is.
    pub handshake_type: HandshakeType,
    /// The message's number in its handshake.
    pub message_sequence: u16,
    /// The message, without its header.
    pub message: &'a M,
}

impl<M: Encode> Encode for MessageRecord<'_, M> {
    fn encode(&self, to: &mut Encoder<'_>) -> Result<(), EncodeError> {
        let record = Record {
            content_type: ContentType::HANDSHAKE,
            version: self.version,
            epoch: 0,
            sequence: self.sequence,
            connection_id: &[],
            body: &[],
        };
        record.encode_up_to_length(to)?;
        to.nested16("length", |to| {
            let header = to.len();
            Fragment::whole(self.handshake_type, self.message_sequence, &[]).encode(to)?;
            self.message.encode(to)?;
            let length = to.len() - header - Fragment::HEADER;
            to.set_u24("length", header + 1, length)?;
            to.set_u24("fragment_length", header + 9, length)
        })
    }
}
