use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Weak},
};

use bytes::Bytes;

use crate::{
    backlog::Waiting,
    channel::Channel,
    departure::{Origin, Patience},
    error::{AcceptError, SendError},
    inbox::Inbox,
    shared::{Entrance, Handle, Refused, Shared},
    waiting::Way,
};

/// A datagram that belongs to no channel, and what may be done about it.
///
/// Nothing is kept for its peer until it is accepted. Dropping it ignores the datagram.
#[must_use = "dropping it ignores the datagram"]
pub struct Incoming {
    handle: Arc<Handle>,
    peer: SocketAddr,
    local_ip: Option<IpAddr>,
    datagram: Option<Bytes>,
}

impl Incoming {
    pub(crate) fn new(handle: Arc<Handle>, waiting: Waiting) -> Self {
        let Waiting {
            peer,
            local_ip,
            datagram,
        } = waiting;
        Self {
            handle,
            peer,
            local_ip,
            datagram: Some(datagram),
        }
    }

    /// Takes the datagram out: a channel made afterwards does not begin with it.
    ///
    /// Returns nothing the second time. A datagram kept for long keeps up to 16 KiB of shared memory.
    pub fn take(&mut self) -> Bytes {
        self.datagram.take().unwrap_or_default()
    }

    /// The address of the peer.
    pub fn peer_addr(&self) -> SocketAddr {
        self.peer
    }

    /// The address that the peer wrote to, if the platform tells.
    pub fn local_ip(&self) -> Option<IpAddr> {
        self.local_ip
    }

    /// The datagram; empty once it was taken.
    pub fn datagram(&self) -> &[u8] {
        self.datagram.as_deref().unwrap_or_default()
    }

    /// Whether the peer has a live channel at this moment.
    ///
    /// If so, [`Config::route`](crate::Config::route) sent the datagram here, or the channel was made after
    /// [`Endpoint::accept`](crate::Endpoint::accept) had yielded this.
    pub fn is_known(&self) -> bool {
        self.handle.is_known(self.peer)
    }

    /// Sends one datagram back, from the address that the peer wrote to, and keeps nothing.
    ///
    /// Never waits, but the datagram may leave a moment later: with others, or when the send buffer has room, and
    /// then before the data of channels. A peer that wants an answer asks again, so those that do not fit are lost.
    ///
    /// # Errors
    ///
    /// [`SendError::WouldBlock`] if too much waits for the send buffer already, or what the system says of the datagram.
    pub fn reply(&self, datagram: &[u8]) -> Result<(), SendError> {
        let way = Way {
            peer: self.peer,
            from: self.local_ip,
        };
        let stranger = Origin { way, meter: None };
        self.handle.queue(stranger, datagram, Patience::Queue)
    }

    /// Makes this the peer's channel.
    ///
    /// Its queue begins with the datagram, unless that was taken, and with what else of this peer waits in the
    /// backlog. A live channel of the peer, and a candidate beside it, end as replaced at once.
    ///
    /// # Errors
    ///
    /// If the limit of channels is reached (never when it replaces one) or the socket is dead.
    pub fn accept(self) -> Result<Channel, AcceptError> {
        self.admit(Entrance::Replace)
    }

    /// Makes a second channel beside the peer's live one, as a candidate for its place.
    ///
    /// While both live, every datagram that is routed to the peer is delivered to both. The candidate
    /// takes the place by [`Promotion::promote`], or by itself when the live channel is dropped. A newer
    /// candidate ends an older one as replaced. Without a live channel this is [`accept`](Self::accept).
    ///
    /// # Errors
    ///
    /// As for [`accept`](Self::accept).
    pub fn accept_candidate(self) -> Result<(Channel, Promotion), AcceptError> {
        let shared = Arc::downgrade(self.handle.shared());
        let channel = self.admit(Entrance::Stand)?;
        let promotion = Promotion {
            shared,
            inbox: Arc::clone(channel.inbox()),
        };
        Ok((channel, promotion))
    }

    fn admit(self, entrance: Entrance) -> Result<Channel, AcceptError> {
        let inbox = self
            .handle
            .admit(self.peer, entrance, self.datagram.as_deref());
        let inbox = inbox.map_err(|refused| match refused {
            Refused::Full => AcceptError::LimitReached,
            Refused::Known | Refused::Dead => AcceptError::SocketClosed,
        })?;
        Ok(Channel::new(self.handle, inbox, self.local_ip))
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("peer", &self.peer)
            .field("local_ip", &self.local_ip)
            .field("len", &self.datagram().len())
            .finish()
    }
}

/// The right of a candidate channel to take the live channel's place.
///
/// Dropping it leaves the channel a candidate.
#[must_use = "without promotion the channel stays a candidate"]
pub struct Promotion {
    shared: Weak<Shared>,
    inbox: Arc<Inbox>,
}

impl Promotion {
    /// Makes the candidate the peer's only channel; the old one ends as replaced.
    ///
    /// Does nothing if the candidate took the place already, was replaced, or was dropped.
    pub fn promote(self) {
        if let Some(shared) = self.shared.upgrade() {
            shared.promote(&self.inbox);
        }
    }
}

impl fmt::Debug for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Promotion")
            .field("peer", &self.inbox.peer())
            .finish_non_exhaustive()
    }
}
