//! Records that are under keys, and came before the handshake had finished.

use bytes::BytesMut;

/// What a peer has sent behind its Finished, and the network has delivered before it.
#[derive(Debug, Default)]
pub(crate) struct Early(BytesMut);

impl Early {
    /// Keeps a record; false if there is no room.
    pub(crate) fn push(&mut self, record: &[u8]) -> bool {
        let fits = self.0.len() + record.len() <= MAX_BYTES;
        if fits {
            self.0.extend_from_slice(record);
        }
        fits
    }

    /// Puts the records before those that are `held`, in the order in which they came.
    pub(crate) fn release(&mut self, held: &mut BytesMut) {
        let later = held.split();
        *held = std::mem::take(&mut self.0);
        held.unsplit(later);
    }
}

/// Twice what a record can carry.
const MAX_BYTES: usize = 32 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_leave_in_order_before_those_that_came_later() {
        let (mut early, mut held) = (Early::default(), BytesMut::from(&b"later"[..]));
        assert!(early.push(b"one, ") && early.push(b"two, "));
        early.release(&mut held);
        assert_eq!(held, b"one, two, later"[..]);
        early.release(&mut held);
        assert_eq!(held, b"one, two, later"[..]);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut early = Early::default();
        assert!(early.push(&[0; MAX_BYTES - 1]));
        assert!(!early.push(&[0; 2]));
        assert!(early.push(&[0]) && !early.push(&[0]));
    }
}
