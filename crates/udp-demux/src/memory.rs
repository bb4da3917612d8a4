//! What the system's buffers of a socket hold: `SO_MEMINFO` of socket(7).

use std::os::fd::AsFd;

use nix::{
    libc,
    sys::socket::{getsockopt, sockopt::GetStruct},
};

use crate::gauge::Fill;

/// How full the send buffer is, if the system tells.
pub(crate) fn fill(socket: &impl AsFd) -> Option<Fill> {
    let memory = getsockopt(socket, MemInfo).ok()?;
    Some(Fill {
        used: memory[WRITE_ALLOCATED] as usize,
        size: memory[SEND_BUFFER] as usize,
    })
}

#[derive(Clone, Copy)]
struct MemInfo;

nix::getsockopt_impl!(
    MemInfo,
    libc::SOL_SOCKET,
    SO_MEMINFO,
    [u32; VARIABLES],
    GetStruct<[u32; VARIABLES]>
);

const SO_MEMINFO: libc::c_int = 55;

// The kernel's `SK_MEMINFO_...`, in linux/sock_diag.h.
const WRITE_ALLOCATED: usize = 2;
const SEND_BUFFER: usize = 3;
const VARIABLES: usize = 9;
