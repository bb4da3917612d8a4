//! What a record carries.

use super::registry;

registry! {
    /// What a record carries: TLS ContentType (RFC 5246 6.2.1, RFC 9147 4).
    ContentType(u8), "content type {}";
    20 CHANGE_CIPHER_SPEC "change_cipher_spec",
    21 ALERT "alert",
    22 HANDSHAKE "handshake",
    23 APPLICATION_DATA "application_data",
    24 HEARTBEAT "heartbeat",
    25 TLS12_CID "tls12_cid",
    26 ACK "ack",
    27 RETURN_ROUTABILITY_CHECK "return_routability_check",
}
