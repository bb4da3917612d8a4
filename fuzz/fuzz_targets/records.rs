//! Records under keys: late, twice, damaged and made up.

#![no_main]

use std::num::NonZeroU8;

use arbitrary::Arbitrary;
use dtls_session::internals::Direction;
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Case<'a> {
    suite: u8,
    /// The receiver's connection ID, if there is one.
    id: &'a [u8],
    block: u16,
    warm: bool,
    steps: Vec<Step<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Step<'a> {
    Seal {
        content_type: u8,
        content: &'a [u8],
    },
    Deliver {
        which: usize,
    },
    Damage {
        which: usize,
        place: usize,
        by: NonZeroU8,
    },
    Cut {
        which: usize,
        length: usize,
    },
    Forge {
        datagram: &'a [u8],
    },
}

fuzz_target!(|case: Case<'_>| {
    let id = &case.id[..case.id.len().min(255)];
    let suite = SUITES[usize::from(case.suite) % SUITES.len()];
    let mut direction = Direction::new(suite, id, case.block).expect("it has AEAD");
    if case.warm {
        direction.warm();
    }
    let mut sealed: Vec<Sealed<'_>> = Vec::new();
    let mut newest = 0;
    for step in &case.steps {
        let count = sealed.len().max(1);
        match *step {
            Step::Seal {
                content_type,
                content,
            } => {
                let content_type = TYPES[usize::from(content_type) % TYPES.len()];
                let mut datagram = Vec::new();
                direction.seal(content_type, content, &mut datagram);
                sealed.push(Sealed {
                    content_type,
                    content,
                    datagram,
                    came: false,
                });
            }
            Step::Deliver { which } => {
                let place = which % count;
                let Some(record) = sealed.get_mut(place) else {
                    continue;
                };
                let fresh = !record.came && place + WINDOW > newest;
                let mut out = [0; ROOM];
                let opened = direction.open(&record.datagram, &mut out);
                let opened =
                    opened.map(|(content_type, length)| (content_type.number(), &out[..length]));
                assert_eq!(
                    opened,
                    fresh.then_some((record.content_type, record.content))
                );
                if fresh {
                    record.came = true;
                    newest = newest.max(place);
                }
            }
            Step::Damage { which, place, by } => {
                let Some(record) = sealed.get(which % count) else {
                    continue;
                };
                let mut datagram = record.datagram.clone();
                let place = place % datagram.len();
                datagram[place] ^= by.get();
                refuse(&mut direction, &datagram);
            }
            Step::Cut { which, length } => {
                let Some(record) = sealed.get(which % count) else {
                    continue;
                };
                let length = length % record.datagram.len();
                refuse(&mut direction, &record.datagram[..length]);
            }
            Step::Forge { datagram } => refuse(&mut direction, datagram),
        }
    }
});

struct Sealed<'a> {
    content_type: u8,
    content: &'a [u8],
    datagram: Vec<u8>,
    came: bool,
}

/// Nothing comes of it, and nothing is left of it.
fn refuse(direction: &mut Direction, datagram: &[u8]) {
    let mut out = [FILL; ROOM];
    assert_eq!(direction.open(datagram, &mut out), None);
    assert!(out.iter().all(|byte| [FILL, 0].contains(byte)));
}

const FILL: u8 = 0xaa;
const WINDOW: usize = 128;
/// More than the longest record.
const ROOM: usize = (1 << 14) + 64;
/// All that records carry, but the type that says that there is a connection ID.
const TYPES: [u8; 7] = [20, 21, 22, 23, 24, 26, 27];
/// One of each AEAD, by the IANA's numbers.
const SUITES: [u16; 7] = [0x00a8, 0x00a9, 0xc0a4, 0xc0a5, 0xc0a8, 0xc0a9, 0xccab];
