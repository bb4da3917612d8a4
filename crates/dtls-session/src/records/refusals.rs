//! What the network says of a peer that does not listen (ICMP port unreachable).

use std::io;

use tokio::time::Instant;

/// Counts refusals, which anybody can forge who knows, or guesses, two ports (RFC 5927).
///
/// One counts for each datagram that was sent, and a datagram from the peer outweighs them all.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    /// Whether a datagram has left since the last one was refused.
    asked: bool,
    count: u32,
    first: Option<Instant>,
    error: Option<io::Error>,
}

impl Refusals {
    /// Takes note that a datagram has left.
    pub(crate) fn sent(&mut self) {
        self.asked = true;
    }

    /// Takes note that the peer is there.
    pub(crate) fn heard(&mut self) {
        self.count = 0;
        self.first = None;
    }

    /// Takes what the system says of an earlier datagram.
    pub(crate) fn told(&mut self, error: io::Error) {
        if error.kind() != io::ErrorKind::ConnectionRefused || !self.asked {
            return;
        }
        self.asked = false;
        self.count += 1;
        self.first.get_or_insert_with(Instant::now);
        self.error = Some(error);
    }

    /// Since when datagrams have been refused, if that was often enough to mean something.
    pub(crate) fn since(&self) -> Option<Instant> {
        self.first.filter(|_| self.count >= ENOUGH)
    }

    pub(crate) fn take_error(&mut self) -> Option<io::Error> {
        self.error.take()
    }
}

const ENOUGH: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[tokio::test]
    async fn one_counts_for_each_datagram_and_an_answer_outweighs_them() {
        let mut refusals = Refusals::default();
        refusals.sent();
        for _ in 0..10 {
            refusals.told(refused());
        }
        assert_eq!(refusals.since(), None);
        for _ in 0..2 {
            refusals.sent();
            refusals.told(io::ErrorKind::HostUnreachable.into());
            refusals.told(refused());
        }
        assert!(refusals.since().is_some());
        refusals.heard();
        refusals.sent();
        refusals.told(refused());
        assert_eq!(refusals.since(), None);
    }
}
