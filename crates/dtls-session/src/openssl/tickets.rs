//! The keys that session tickets are made with (RFC 5077 4).

use std::{fmt, sync::Arc, time::Duration};

use openssl::{cipher::Cipher, cipher_ctx::CipherCtxRef, error::ErrorStack, rand::rand_bytes};
use zeroize::Zeroizing;

use crate::{
    openssl::{
        ffi::{NewTicket, OldTicket},
        hmac::HmacKey,
    },
    wall_clock,
};

/// What the keys of tickets are derived from, for each secret that is accepted, the current one's
/// first.
///
/// OpenSSL's own keys are random for each context, so a ticket would end with the process, and
/// with a context that is replaced. These have the period in them, by the wall clock, so all servers
/// with one secret change them together, and nothing has to be kept or sent about.
pub(crate) struct TicketKeys {
    secrets: Vec<HmacKey>,
    /// The time since 1970.
    clock: fn() -> Duration,
}

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
    /// Takes one key of each secret.
    pub(crate) fn new(keys: impl Iterator<Item = Zeroizing<[u8; 32]>>) -> Arc<Self> {
        Self::with_clock(keys, wall_clock::now)
    }

    fn with_clock(
        keys: impl Iterator<Item = Zeroizing<[u8; 32]>>,
        clock: fn() -> Duration,
    ) -> Arc<Self> {
        Arc::new(Self {
            secrets: keys.map(|key| HmacKey::new(&*key)).collect(),
            clock,
        })
    }

    /// Returns the key that tickets are made with.
    fn current(&self) -> Option<TicketKey> {
        let secret = self.secrets.first()?;
        Some(TicketKey::of(secret, self.period()))
    }

    /// Returns the key of this name, if one that is still good has it, and whether its secret is a
    /// former one.
    fn find(&self, name: &[u8; 16]) -> Option<(TicketKey, bool)> {
        let now = self.period();
        // Another server's clock may be ahead.
        let periods = [now, now.saturating_sub(1), now.saturating_add(1)];
        self.secrets
            .iter()
            .zip(0..)
            .flat_map(|(secret, place)| periods.map(|period| (secret, period, place)))
            .find(|(secret, period, _)| TicketKey::name(secret, *period) == *name)
            .map(|(secret, period, place)| (TicketKey::of(secret, period), place > 0))
    }

    fn period(&self) -> u64 {
        (self.clock)().as_secs() / PERIOD.as_secs()
    }

    /// Makes `cipher` ready to encrypt a ticket.
    pub(super) fn seal(&self, cipher: &mut CipherCtxRef) -> Result<Option<NewTicket>, ErrorStack> {
        let Some(key) = self.current() else {
            return Ok(None);
        };
        let mut iv = [0; 16];
        rand_bytes(&mut iv)?;
        cipher.encrypt_init(Some(Cipher::aes_256_cbc()), Some(&*key.cipher), Some(&iv))?;
        Ok(Some(NewTicket {
            name: key.name,
            iv,
            mac_key: key.mac,
        }))
    }

    /// Makes `cipher` ready to decrypt a ticket, if the key of this name is still good.
    pub(super) fn open(
        &self,
        name: &[u8; 16],
        iv: &[u8; 16],
        cipher: &mut CipherCtxRef,
    ) -> Result<Option<OldTicket>, ErrorStack> {
        let Some((key, renew)) = self.find(name) else {
            return Ok(None);
        };
        cipher.decrypt_init(Some(Cipher::aes_256_cbc()), Some(&*key.cipher), Some(iv))?;
        Ok(Some(OldTicket {
            mac_key: key.mac,
            renew,
        }))
    }
}

impl TicketKey {
    fn of(secret: &HmacKey, period: u64) -> Self {
        let derive = |label: &[u8]| Zeroizing::new(secret.sign(&[label, &period.to_be_bytes()]));
        Self {
            name: Self::name(secret, period),
            cipher: derive(b"AES-256-CBC"),
            mac: derive(b"HMAC-SHA256"),
        }
    }

    fn name(secret: &HmacKey, period: u64) -> [u8; 16] {
        let name = secret.sign(&[b"name", &period.to_be_bytes()]);
        std::array::from_fn(|at| name[at])
    }
}

/// For how long tickets are made with one key. A ticket outlives it by the two hours of
/// [`SslSession::timeout`](openssl::ssl::SslSessionRef::timeout) at most, so that of the period before
/// is good throughout, with two hours to spare for clocks that differ.
const PERIOD: Duration = Duration::from_secs(4 * 60 * 60);

#[cfg(test)]
mod tests {
    use udp_demux::{Channel, Config, Endpoint};

    use super::*;
    use crate::{Acceptor, Connector, Identity, Resumption, Roots, SharedSecret};

    /// Half an hour before a period's end, two hours later, and so on.
    const BEFORE: fn() -> Duration = || 100_000 * PERIOD - HOUR / 2;
    const AFTER: fn() -> Duration = || BEFORE() + 2 * HOUR;
    const LONG_AFTER: fn() -> Duration = || BEFORE() + 2 * PERIOD;
    const HOUR: Duration = Duration::from_secs(60 * 60);

    #[test]
    fn keys_change_with_the_period_and_with_nothing_else() {
        let secret = SharedSecret::from_bytes(&[1; 32]).unwrap();
        let at = |clock| TicketKeys::with_clock(secret.derive("ticket"), clock);
        let key = |clock| at(clock).current().unwrap();
        let (before, after) = (key(BEFORE), key(AFTER));
        assert_ne!(before.name, after.name);
        assert_ne!(before.cipher, after.cipher);
        assert_ne!(before.mac, after.mac);
        assert_ne!(before.cipher, before.mac);
        let again = key(|| BEFORE() + HOUR / 4);
        assert_eq!(
            (before.name, &before.cipher, &before.mac),
            (again.name, &again.cipher, &again.mac)
        );
        let other = SharedSecret::from_bytes(&[2; 32]).unwrap();
        let other = TicketKeys::with_clock(other.derive("ticket"), BEFORE)
            .current()
            .unwrap();
        assert_ne!(before.name, other.name);
        for (clock, key, good) in [
            (BEFORE, &before, true),
            (AFTER, &before, true),
            (LONG_AFTER, &before, false),
            // A server whose clock is behind, by less than a period and by more.
            (BEFORE, &after, true),
            (|| BEFORE() - PERIOD, &after, false),
        ] {
            let found = at(clock).find(&key.name);
            assert_eq!(
                found.map(|(found, renew)| (found.mac, renew)),
                good.then(|| (key.mac.clone(), false))
            );
        }
    }

    #[tokio::test]
    async fn a_ticket_is_good_for_its_lifetime_at_servers_whose_clocks_differ() {
        let fleet = SharedSecret::random().unwrap();
        let connector = Connector::builder(roots()).build().unwrap();
        let ticket = |clock| {
            let (fleet, connector) = (&fleet, &connector);
            async move { handshake(fleet, clock, connector, None).await.1.unwrap() }
        };
        let before = ticket(BEFORE).await;
        let after = ticket(AFTER).await;
        for (clock, ticket, good) in [
            (BEFORE, &before, true),
            (AFTER, &before, true),
            (BEFORE, &after, true),
            (LONG_AFTER, &before, false),
        ] {
            let (resumed, _) = handshake(&fleet, clock, &connector, Some(ticket)).await;
            assert_eq!(resumed, good);
        }
    }

    /// Whether the session was resumed, and what there is to resume it by.
    async fn handshake(
        secret: &SharedSecret,
        clock: fn() -> Duration,
        connector: &Connector,
        ticket: Option<&Resumption>,
    ) -> (bool, Option<Resumption>) {
        let builder = Acceptor::builder(identity()).shared_secret(secret.clone());
        let acceptor = Acceptor {
            tickets: TicketKeys::with_clock(secret.derive("ticket"), clock),
            ..builder.build().unwrap()
        };
        let (server, client) = channels();
        let client = match ticket {
            Some(ticket) => connector
                .connect("localhost")
                .resume_from(ticket)
                .over(client),
            None => connector.connect("localhost").over(client),
        };
        let (server, client) = tokio::join!(acceptor.accept(server), client);
        let (_server, client) = (server.unwrap(), client.unwrap());
        (client.info().resumed, client.resumption())
    }

    fn channels() -> (Channel, Channel) {
        let any = "127.0.0.1:0".parse().unwrap();
        let [one, other] = [(); 2].map(|()| Endpoint::bind(any, Config::default()).unwrap());
        let (to_one, to_other) = (one.local_addr(), other.local_addr());
        (one.open(to_other).unwrap(), other.open(to_one).unwrap())
    }

    fn identity() -> Identity {
        let chain = include_bytes!("../../../../certs/server.pem");
        let key = include_bytes!("../../../../certs/server.key");
        Identity::from_pem(chain, key).unwrap()
    }

    fn roots() -> Roots {
        Roots::from_pem(include_bytes!("../../../../certs/ca.pem")).unwrap()
    }
}
