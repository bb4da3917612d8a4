//! The keys that session tickets are made with (RFC 5077 4).

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use openssl::{
    cipher::Cipher,
    cipher_ctx::CipherCtxRef,
    error::ErrorStack,
    ex_data::Index,
    rand::rand_bytes,
    ssl::{Ssl, SslRef},
};
use zeroize::Zeroizing;

use crate::secret::SharedSecret;

/// One key of each secret that is accepted, the current one's first.
///
/// OpenSSL's own keys are random for each context, so a ticket would end with the process, and
/// with a context that is replaced.
pub(crate) struct TicketKeys(Vec<TicketKey>);

impl fmt::Debug for TicketKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TicketKeys").finish_non_exhaustive()
    }
}

struct TicketKey {
    name: [u8; 16],
    cipher: Zeroizing<[u8; 32]>,
    mac: Zeroizing<[u8; 32]>,
}

/// What OpenSSL needs to know for a ticket that it makes.
pub(crate) struct NewTicket<'a> {
    pub(crate) name: [u8; 16],
    pub(crate) iv: [u8; 16],
    pub(crate) mac_key: &'a [u8],
}

/// What OpenSSL needs to know for a ticket that a client brings.
pub(crate) struct OldTicket<'a> {
    pub(crate) mac_key: &'a [u8],
    /// Whether the client gets another for it.
    pub(crate) renew: bool,
}

impl TicketKeys {
    pub(crate) fn new(secret: &SharedSecret) -> Arc<Self> {
        let names = secret.derive("ticket name");
        let ciphers = secret.derive("ticket AES-256-CBC");
        let macs = secret.derive("ticket HMAC-SHA256");
        let keys = names
            .zip(ciphers.zip(macs))
            .map(|(name, (cipher, mac))| TicketKey {
                name: std::array::from_fn(|at| name[at]),
                cipher,
                mac,
            });
        Arc::new(Self(keys.collect()))
    }

    /// Makes `ssl`'s tickets with these keys.
    pub(crate) fn attach(self: &Arc<Self>, ssl: &mut SslRef) -> Result<(), ErrorStack> {
        ssl.set_ex_data(index()?, Arc::clone(self));
        Ok(())
    }

    pub(crate) fn of(ssl: &SslRef) -> Option<&Self> {
        Some(ssl.ex_data(index().ok()?)?)
    }

    /// Makes `cipher` ready to encrypt a ticket.
    pub(crate) fn seal(&self, cipher: &mut CipherCtxRef) -> Result<NewTicket<'_>, ErrorStack> {
        let key = self.0.first().expect("a secret has a current one");
        let mut iv = [0; 16];
        rand_bytes(&mut iv)?;
        cipher.encrypt_init(Some(Cipher::aes_256_cbc()), Some(&*key.cipher), Some(&iv))?;
        Ok(NewTicket {
            name: key.name,
            iv,
            mac_key: &*key.mac,
        })
    }

    /// Makes `cipher` ready to decrypt a ticket; None if its key is none of these.
    pub(crate) fn open(
        &self,
        name: &[u8; 16],
        iv: &[u8; 16],
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<OldTicket<'_>>, ErrorStack> {
        let Some(place) = self.0.iter().position(|key| key.name == *name) else {
            return Ok(None);
        };
        let key = &self.0[place];
        cipher.decrypt_init(Some(Cipher::aes_256_cbc()), Some(&*key.cipher), Some(iv))?;
        Ok(Some(OldTicket {
            mac_key: &*key.mac,
            renew: place > 0,
        }))
    }
}

/// Where an `Ssl` keeps them: not in its context, which a callback may replace in mid-handshake.
fn index() -> Result<Index<Ssl, Arc<TicketKeys>>, ErrorStack> {
    static INDEX: LazyLock<Result<Index<Ssl, Arc<TicketKeys>>, ErrorStack>> =
        LazyLock::new(Ssl::new_ex_index);
    INDEX.clone()
}
