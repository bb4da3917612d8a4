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

use crate::{
    ffi::{self, NewTicket, OldTicket, TicketKeeper},
    psk::answer::is_fetched,
    secret::SharedSecret,
};

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

    fn of(ssl: &SslRef) -> Option<&Self> {
        Some(ssl.ex_data(index().ok()?)?)
    }
}

impl TicketKeeper for TicketKeys {
    fn seal<'a>(
        ssl: &'a SslRef,
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<NewTicket<'a>>, ErrorStack> {
        // Who comes back with it could not be asked about in time.
        if is_fetched(ssl) && ffi::psk_identity(ssl).is_some() {
            return Ok(None);
        }
        let Some(key) = Self::of(ssl).and_then(|keys| keys.0.first()) else {
            return Ok(None);
        };
        let mut iv = [0; 16];
        rand_bytes(&mut iv)?;
        cipher.encrypt_init(Some(Cipher::aes_256_cbc()), Some(&*key.cipher), Some(&iv))?;
        Ok(Some(NewTicket {
            name: key.name,
            iv,
            mac_key: &*key.mac,
        }))
    }

    fn open<'a>(
        ssl: &'a SslRef,
        name: &[u8; 16],
        iv: &[u8; 16],
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<OldTicket<'a>>, ErrorStack> {
        let keys = Self::of(ssl).map_or(&[][..], |keys| &keys.0);
        let Some(place) = keys.iter().position(|key| key.name == *name) else {
            return Ok(None);
        };
        let key = &keys[place];
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
