//! What a client's handshake may begin with.

use dtls_wire::{Fragment, HandshakeType, fragments};

/// Which message a client waits for, until it has a ServerHello.
///
/// A server may still be repeating its flight to whoever had this port before, or to this client's
/// former attempt. OpenSSL would keep such messages, as they are ahead of the one that it waits for,
/// and take them for those of this handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beginning {
    Awaits(u16),
    Over,
}

impl Beginning {
    pub(crate) const AT_FIRST: Self = Self::Awaits(0);

    /// Whether the server has answered.
    pub(crate) fn has_begun(self) -> bool {
        self != Self::AT_FIRST
    }

    /// Returns what comes after a record of whole fragments, or None if it has no place here.
    pub(crate) fn after(self, body: &[u8]) -> Option<Self> {
        fragments(body)
            .flatten()
            .try_fold(self, |beginning, fragment| beginning.after_one(&fragment))
    }

    fn after_one(self, fragment: &Fragment<'_>) -> Option<Self> {
        let Self::Awaits(next) = self else {
            return Some(self);
        };
        if fragment.message_sequence != next {
            // What comes ahead of a ServerHello may have overtaken it.
            return self.has_begun().then_some(self);
        }
        match fragment.handshake_type {
            HandshakeType::SERVER_HELLO => Some(Self::Over),
            HandshakeType::HELLO_VERIFY_REQUEST => Some(Self::Awaits(next.saturating_add(1))),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER_HELLO: u8 = 2;
    const HELLO_VERIFY_REQUEST: u8 = 3;
    const CERTIFICATE: u8 = 11;

    /// A record's body with messages of no length.
    fn messages(list: &[(u8, u8)]) -> Vec<u8> {
        let message = |(kind, number): &(u8, u8)| {
            let mut message = vec![*kind];
            message.resize(12, 0);
            message[5] = *number;
            message
        };
        list.iter().flat_map(message).collect()
    }

    #[track_caller]
    fn goes(list: &[(u8, u8)], expected: &[Option<Beginning>]) {
        let mut beginning = Beginning::AT_FIRST;
        let outcomes = list.iter().map(|one| {
            let after = beginning.after(&messages(&[*one]));
            beginning = after.unwrap_or(beginning);
            after
        });
        assert_eq!(outcomes.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn nothing_goes_before_message_0() {
        let begun = [None, None, Some(Beginning::Over), Some(Beginning::Over)];
        let list = [
            (SERVER_HELLO, 1),
            (CERTIFICATE, 0),
            (SERVER_HELLO, 0),
            (CERTIFICATE, 1),
        ];
        goes(&list, &begun);
        assert!(!Beginning::AT_FIRST.has_begun());
    }

    #[test]
    fn behind_each_request_comes_another_or_a_hello() {
        let [first, second] = [1, 2].map(Beginning::Awaits);
        goes(
            &[
                (HELLO_VERIFY_REQUEST, 0),
                (CERTIFICATE, 1),
                (HELLO_VERIFY_REQUEST, 0),
                (CERTIFICATE, 2),
                (HELLO_VERIFY_REQUEST, 1),
                (SERVER_HELLO, 2),
            ],
            &[
                Some(first),
                None,
                Some(first),
                Some(first),
                Some(second),
                Some(Beginning::Over),
            ],
        );
    }

    #[test]
    fn a_record_is_judged_whole() {
        let flight = messages(&[(SERVER_HELLO, 0), (CERTIFICATE, 1)]);
        assert_eq!(Beginning::AT_FIRST.after(&flight), Some(Beginning::Over));
        let spoiled = messages(&[(HELLO_VERIFY_REQUEST, 0), (CERTIFICATE, 1)]);
        assert_eq!(Beginning::AT_FIRST.after(&spoiled), None);
    }
}
