//! What a handshake message is.

use super::registry;

registry! {
    /// What a handshake message is: TLS HandshakeType (RFC 5246 7.4, RFC 6347 4.3.2, RFC 8446 4).
    ///
    /// Named as the RFCs name the messages, not as they name the numbers: ClientHello, not client_hello.
    HandshakeType(u8), "message type {}";
    0 HELLO_REQUEST "HelloRequest",
    1 CLIENT_HELLO "ClientHello",
    2 SERVER_HELLO "ServerHello",
    3 HELLO_VERIFY_REQUEST "HelloVerifyRequest",
    4 NEW_SESSION_TICKET "NewSessionTicket",
    5 END_OF_EARLY_DATA "EndOfEarlyData",
    8 ENCRYPTED_EXTENSIONS "EncryptedExtensions",
    9 REQUEST_CONNECTION_ID "RequestConnectionId",
    10 NEW_CONNECTION_ID "NewConnectionId",
    11 CERTIFICATE "Certificate",
    12 SERVER_KEY_EXCHANGE "ServerKeyExchange",
    13 CERTIFICATE_REQUEST "CertificateRequest",
    14 SERVER_HELLO_DONE "ServerHelloDone",
    15 CERTIFICATE_VERIFY "CertificateVerify",
    16 CLIENT_KEY_EXCHANGE "ClientKeyExchange",
    17 CLIENT_CERTIFICATE_REQUEST "ClientCertificateRequest",
    20 FINISHED "Finished",
    21 CERTIFICATE_URL "CertificateURL",
    22 CERTIFICATE_STATUS "CertificateStatus",
    23 SUPPLEMENTAL_DATA "SupplementalData",
    24 KEY_UPDATE "KeyUpdate",
    25 COMPRESSED_CERTIFICATE "CompressedCertificate",
    26 EKT_KEY "EktKey",
    254 MESSAGE_HASH "MessageHash",
}
