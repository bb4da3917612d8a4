//! What the keys of a DTLS 1.2 session are derived from.

use openssl::ssl::{SslRef, SslVersion};
use zeroize::Zeroizing;

/// The secret of a finished handshake, and what both sides have put into it.
pub(crate) struct Material {
    /// The number of the cipher suite, as the IANA has it.
    pub(crate) suite: u16,
    pub(crate) master: Zeroizing<[u8; 48]>,
    pub(crate) client_random: [u8; 32],
    pub(crate) server_random: [u8; 32],
}

impl Material {
    /// Reads it; None where there is none, or where it is another version's.
    pub(crate) fn of(ssl: &SslRef) -> Option<Self> {
        let (mut client_random, mut server_random) = ([0; 32], [0; 32]);
        let mut master = Zeroizing::new([0; 48]);
        let whole = ssl.session()?.master_key(&mut *master) == 48
            && ssl.client_random(&mut client_random) == 32
            && ssl.server_random(&mut server_random) == 32;
        (whole && ssl.version2() == Some(SslVersion::DTLS1_2)).then_some(Self {
            suite: u16::from_be_bytes(ssl.current_cipher()?.protocol_id()),
            master,
            client_random,
            server_random,
        })
    }
}
