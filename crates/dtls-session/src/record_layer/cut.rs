//! A flight's records cut for a narrower path.

use dtls_wire::{ContentType, Encode, Fragment, Record};

/// Cuts a record with one fragment of a message into such that fit (RFC 6347 4.2.3).
pub(crate) fn fragments(bytes: &[u8], mtu: usize) -> Vec<Vec<u8>> {
    let as_it_is = || vec![bytes.to_vec()];
    let Ok((record, _)) = Record::split(bytes) else {
        return as_it_is();
    };
    let only = match &mut record.fragments() {
        fragments if record.content_type == ContentType::HANDSHAKE && record.epoch == 0 => {
            fragments.next().and_then(Result::ok)
        }
        _ => None,
    };
    let Some(fragment) = only
        .filter(|it| bytes.len() > mtu && Fragment::HEADER + it.body.len() == record.body.len())
    else {
        return as_it_is();
    };
    let room = mtu.saturating_sub(Record::HEADER + Fragment::HEADER).max(1);
    let cut = |(nth, part)| {
        let fragment = Fragment {
            offset: fragment.offset + nth * room,
            body: part,
            ..fragment
        };
        let body = fragment.to_vec().ok()?;
        Record {
            body: &body,
            ..record
        }
        .to_vec()
        .ok()
    };
    let parts = fragment.body.chunks(room).enumerate();
    parts
        .map(cut)
        .collect::<Option<_>>()
        .unwrap_or_else(as_it_is)
}
