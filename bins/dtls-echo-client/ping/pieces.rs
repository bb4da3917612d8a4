//! Replies that come in pieces.

use dtls_echo::Request;

/// Puts a reply together that has not fitted one datagram of the server's.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// The start of a reply, of which more is to come.
    held: Vec<u8>,
}

impl Pieces {
    /// Adds a datagram, and returns what is to be made of it and those before it.
    pub(super) fn add(&mut self, request: &Request, datagram: &[u8]) -> Piece {
        if let Some(number) = request.answered_by(datagram) {
            self.held.clear();
            return Piece::Reply(number);
        }
        if request.is_started_by(datagram) {
            self.held = datagram.to_vec();
            return Piece::Start;
        }
        if self.held.is_empty() {
            return Piece::Foreign;
        }
        self.held.extend_from_slice(datagram);
        if let Some(number) = request.answered_by(&self.held) {
            self.held.clear();
            return Piece::Reply(number);
        }
        if request.is_started_by(&self.held) {
            return Piece::Start;
        }
        self.held.clear();
        Piece::Foreign
    }
}

/// What a datagram is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A whole reply, or the end of one.
    Reply(u64),
    /// A part of a reply that is not whole yet.
    Start,
    /// Nothing that was asked for.
    Foreign,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_in_pieces_is_one_reply() {
        let mut request = Request::new(7, 100);
        let reply = [b"Echo: ", request.numbered(5)].concat();
        for cuts in [vec![50], vec![40, 60, 80], vec![105]] {
            let mut pieces = Pieces::default();
            let mut start = 0;
            for end in cuts {
                assert_eq!(pieces.add(&request, &reply[start..end]), Piece::Start);
                start = end;
            }
            assert_eq!(pieces.add(&request, &reply[start..]), Piece::Reply(5));
            assert_eq!(pieces.add(&request, &reply), Piece::Reply(5));
        }
    }

    #[test]
    fn what_does_not_go_on_as_it_began_is_foreign() {
        let mut request = Request::new(7, 100);
        let reply = [b"Echo: ", request.numbered(5)].concat();
        let mut pieces = Pieces::default();
        assert_eq!(pieces.add(&request, b"what?"), Piece::Foreign);
        assert_eq!(pieces.add(&request, &reply[..50]), Piece::Start);
        assert_eq!(pieces.add(&request, b"what?"), Piece::Foreign);
        assert_eq!(pieces.add(&request, &reply[50..]), Piece::Foreign);
        assert_eq!(pieces.add(&request, &reply[..50]), Piece::Start);
        assert_eq!(pieces.add(&request, &reply), Piece::Reply(5));
    }
}
