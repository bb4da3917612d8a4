//! What was seen on the way to one address of the server.

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use dtls_session::{Alert, PassedMessage};
use dtls_wire::HandshakeType;
use serde::Serialize;
use tokio::time::Instant;

use crate::{
    direction::Direction,
    elsewhere::Question,
    flights::Flights,
    trace::{Sight, Trace},
    wire::{Datagram, Hello, Opened, Record},
};

/// Looks at every datagram of one pipe, and shows it where a trace is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Watch(Arc<Mutex<Seen>>);

/// What has passed so far.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) peer: SocketAddr,
    local: Option<SocketAddr>,
    /// The first datagram that was sent.
    first: Option<Vec<u8>>,
    /// Who has answered in the server's place.
    pub(crate) elsewhere: Option<SocketAddr>,
    started: Instant,
    trace: Option<Trace>,
    pub(crate) flights: Flights,
    pub(crate) sent: Traffic,
    pub(crate) received: Traffic,
    /// Datagrams received that hold nothing of DTLS.
    pub(crate) foreign: u64,
    /// ICMP messages that said that nobody listens.
    pub(crate) refusals: u64,
    /// The first other error of the system.
    pub(crate) error: Option<String>,
    /// What this side has offered.
    pub(crate) offered: Option<Hello>,
    /// What the server has chosen.
    pub(crate) chosen: Option<Hello>,
    pub(crate) cookie: bool,
    /// What was encrypted, until the datagram with it has gone.
    sealed: Vec<Opened>,
    last_passed: Option<Instant>,
    /// The last alert that came while anybody could read it.
    pub(crate) alert: Option<Alert>,
}

/// What has passed in one direction.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Traffic {
    pub(crate) datagrams: u64,
    pub(crate) bytes: u64,
    pub(crate) largest_datagram: usize,
}

impl Watch {
    pub(crate) fn new(peer: SocketAddr, trace: Option<Trace>) -> Self {
        Self(Arc::new(Mutex::new(Seen {
            peer,
            local: None,
            first: None,
            elsewhere: None,
            started: Instant::now(),
            trace,
            flights: Flights::default(),
            sent: Traffic::default(),
            received: Traffic::default(),
            foreign: 0,
            refusals: 0,
            error: None,
            offered: None,
            chosen: None,
            cookie: false,
            sealed: Vec::new(),
            last_passed: None,
            alert: None,
        })))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn bound_to(&self, local: SocketAddr) {
        self.lock().local = Some(local);
    }

    /// The question that may be asked again, if nothing at all came back.
    pub(crate) fn unanswered(&self) -> Option<Question> {
        let seen = self.lock();
        let nothing = seen.received.datagrams == 0 && seen.refusals == 0 && seen.error.is_none();
        Some(Question {
            local: seen.local.filter(|_| nothing)?,
            server: seen.peer,
            hello: seen.first.clone()?,
        })
    }

    pub(crate) fn passed(&self, direction: Direction, bytes: &[u8]) {
        self.lock().pass(direction, bytes);
    }

    /// Tells which of several saw a datagram last: what is reported then is of that one.
    pub(crate) fn last_passed(&self) -> Option<Instant> {
        self.lock().last_passed
    }

    /// Shows messages that are encrypted on the wire.
    pub(crate) fn opened(&self, message: &PassedMessage<'_>) {
        let Some(opened) = Opened::of(message.content_type, message.bytes) else {
            return;
        };
        let mut seen = self.lock();
        if message.sent {
            seen.sealed.truncate(MOST_SEALED);
            seen.sealed.push(opened);
        } else if let Some(trace) = seen.trace {
            trace.show_opened(
                seen.peer,
                seen.started.elapsed(),
                Direction::Received,
                &opened,
            );
        }
    }

    pub(crate) fn failed(&self, error: &io::Error) {
        let mut seen = self.lock();
        if error.kind() == io::ErrorKind::ConnectionRefused {
            seen.refusals += 1;
        } else {
            seen.error.get_or_insert_with(|| error.to_string());
        }
        if let Some(trace) = &seen.trace {
            trace.show_error(seen.peer, seen.started.elapsed(), error);
        }
    }
}

impl Seen {
    fn pass(&mut self, direction: Direction, bytes: &[u8]) {
        let time = self.started.elapsed();
        if direction == Direction::Sent {
            self.first.get_or_insert_with(|| bytes.to_vec());
        }
        let datagram = Datagram::decode(bytes);
        let novelty = self.flights.add(direction, bytes, &datagram);
        let traffic = match direction {
            Direction::Sent => &mut self.sent,
            Direction::Received => &mut self.received,
        };
        traffic.datagrams += 1;
        traffic.bytes += bytes.len() as u64;
        traffic.largest_datagram = traffic.largest_datagram.max(bytes.len());
        if direction == Direction::Received && datagram.records.is_empty() {
            self.foreign += 1;
        }
        for message in datagram.messages() {
            // Only the first fragment of a hello tells anything.
            let Some(hello) = &message.hello else {
                continue;
            };
            match (direction, message.kind) {
                (Direction::Sent, HandshakeType::CLIENT_HELLO) => {
                    self.offered = Some(hello.clone())
                }
                (Direction::Received, HandshakeType::SERVER_HELLO) => {
                    self.chosen = Some(hello.clone())
                }
                (Direction::Received, HandshakeType::HELLO_VERIFY_REQUEST) => self.cookie = true,
                _ => {}
            }
        }
        let mut alerts = datagram
            .records
            .iter()
            .filter_map(|record| record.alert.as_ref());
        if let (Direction::Received, Some(alert)) = (direction, alerts.next_back()) {
            self.alert = Some(alert.number);
        }
        self.last_passed = Some(Instant::now());
        let Some(trace) = self.trace else {
            return;
        };
        let sealed = match direction {
            Direction::Sent if datagram.records.iter().any(Record::may_be_opened) => {
                std::mem::take(&mut self.sealed)
            }
            _ => Vec::new(),
        };
        if direction == Direction::Sent
            && datagram.records.iter().any(|record| record.alert.is_some())
        {
            // It was not encrypted after all.
            self.sealed.clear();
        }
        trace.show(&Sight {
            peer: self.peer,
            time,
            direction,
            novelty,
            datagram,
        });
        for opened in sealed {
            trace.show_opened(self.peer, time, direction, &opened);
        }
    }
}

/// More than any flight has.
const MOST_SEALED: usize = 8;
