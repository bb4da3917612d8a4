use std::{
    io::{self, IoSliceMut},
    net::{IpAddr, SocketAddr},
    slice::Chunks,
};

use quinn_udp::{BATCH_SIZE, RecvMeta};

use crate::{address::canonical, config::MAX_DATAGRAM};

/// The buffers of one receive call, and what the last call put into them.
#[derive(Debug)]
pub(crate) struct Batch {
    memory: Box<[u8]>,
    buffer_size: usize,
    /// From the beginning of one buffer to the next one's.
    stride: usize,
    meta: Box<[RecvMeta]>,
    /// How many buffers the next call is offered, and how many the last one was.
    width: usize,
    offered: usize,
    filled: usize,
}

impl Batch {
    pub(crate) fn new(buffers: usize, max_datagram: usize, coalescing: bool) -> Self {
        // A buffer too short for a coalesced run would lose its end unnoticed. Without coalescing, one byte
        // more than allowed is enough to notice a datagram that is too long.
        let buffer_size = if coalescing {
            MAX_DATAGRAM
        } else {
            MAX_DATAGRAM.min(max_datagram + 1)
        };
        // Beginnings at equal places of their pages would take turns in the same few lines of the cache.
        let stride = buffer_size.next_multiple_of(PAGE) + PAGE / BATCH_SIZE.next_power_of_two();
        Self {
            memory: vec![0; buffers * stride].into(),
            buffer_size,
            stride,
            meta: vec![RecvMeta::default(); buffers].into(),
            width: MIN_WIDTH.min(buffers),
            offered: 0,
            filled: 0,
        }
    }

    /// Lets `recv` fill the buffers and say how many it filled.
    pub(crate) fn fill(
        &mut self,
        recv: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> io::Result<()> {
        (self.filled, self.offered) = (0, self.width);
        let size = self.buffer_size;
        let buffers = self.memory.chunks_exact_mut(self.stride).take(self.offered);
        let mut buffers = buffers.map(|buffer| IoSliceMut::new(&mut buffer[..size]));
        let mut slices: [_; BATCH_SIZE] =
            std::array::from_fn(|_| buffers.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        self.filled = recv(&mut slices[..self.offered], &mut self.meta[..self.offered])?;
        // Each buffer offered costs, whether it is filled or not.
        let most = self.meta.len();
        self.width = (2 * self.filled).clamp(MIN_WIDTH.min(most), most);
        Ok(())
    }

    /// Whether the last call has left nothing behind, and brought so little that no more is to be
    /// expected soon.
    pub(crate) fn is_quiet(&self) -> bool {
        (1..self.offered.min(MIN_WIDTH)).contains(&self.filled)
    }

    /// Whether the last call has brought one datagram.
    pub(crate) fn is_single(&self) -> bool {
        self.filled == 1 && self.meta[0].len <= self.meta[0].stride
    }

    /// The filled buffers, each of one peer.
    pub(crate) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let buffers = self.memory.chunks_exact(self.stride);
        buffers
            .zip(&self.meta)
            .take(self.filled)
            .map(|(buffer, meta)| Run {
                peer: canonical(meta.addr),
                local_ip: meta.dst_ip.map(|ip| ip.to_canonical()),
                bytes: &buffer[..meta.len],
                stride: meta.stride,
            })
    }
}

/// One or more datagrams of one peer, of equal length but for the last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) local_ip: Option<IpAddr>,
    bytes: &'a [u8],
    stride: usize,
}

impl<'a> Run<'a> {
    /// Yields nothing for an empty datagram.
    pub(crate) fn datagrams(&self) -> Chunks<'a, u8> {
        // An empty datagram has a stride of zero, which `chunks` does not take.
        self.bytes.chunks(self.stride.max(1))
    }

    /// One of the [datagrams](Self::datagrams), by its place.
    pub(crate) fn datagram(&self, place: usize) -> &'a [u8] {
        self.datagrams().nth(place).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }
}

const MIN_WIDTH: usize = 4;
const PAGE: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coalesced_run_is_split_and_an_empty_datagram_is_no_datagram() {
        let mut batch = Batch::new(3, 100, true);
        batch
            .fill(|slices, meta| fake(slices, meta, &[(b"aabbc", 2), (b"", 0), (b"one", 3)]))
            .unwrap();
        let runs: Vec<Vec<&[u8]>> = batch.runs().map(|run| run.datagrams().collect()).collect();
        assert_eq!(runs, [vec![&b"aa"[..], b"bb", b"c"], vec![], vec![b"one"]]);
    }

    #[test]
    fn a_failed_call_leaves_nothing_of_the_last() {
        let mut batch = Batch::new(1, 100, false);
        batch
            .fill(|slices, meta| fake(slices, meta, &[(b"old", 3)]))
            .unwrap();
        batch
            .fill(|_, _| Err(io::ErrorKind::ConnectionRefused.into()))
            .unwrap_err();
        assert_eq!(batch.runs().count(), 0);
    }

    fn fake(
        slices: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
        runs: &[(&[u8], usize)],
    ) -> io::Result<usize> {
        assert!(runs.len() <= slices.len());
        for ((slice, meta), (bytes, stride)) in slices.iter_mut().zip(meta).zip(runs) {
            slice[..bytes.len()].copy_from_slice(bytes);
            meta.len = bytes.len();
            meta.stride = *stride;
        }
        Ok(runs.len())
    }
}
