//! How a load balancer finds the node that a datagram belongs to.
//!
//! The nodes give out connection IDs that start with their own number. So a client that changes its
//! address stays with its node, and the balancer keeps no state.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    net::SocketAddr,
};

use dtls_wire::connection_id;

/// Returns which of so many nodes a datagram belongs to.
///
/// Without a connection ID, as in a handshake, a client's address decides.
fn route(datagram: &[u8], client: SocketAddr, nodes: usize) -> usize {
    let node = connection_id(datagram, 1).map(|id| usize::from(id[0]));
    if let Some(node) = node.filter(|node| *node < nodes) {
        return node;
    }
    let mut hasher = DefaultHasher::new();
    client.hash(&mut hasher);
    hasher.finish() as usize % nodes
}

fn main() {
    let [home, abroad] = ["192.0.2.7:4433", "198.51.100.9:50000"].map(|address| {
        address
            .parse::<SocketAddr>()
            .expect("an address and a port")
    });
    let data = |node| [25, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 5, node, 0xaa, 0, 1, 7];
    for node in 0..4 {
        let datagram = data(node);
        assert_eq!(route(&datagram, home, 4), usize::from(node));
        assert_eq!(route(&datagram, abroad, 4), usize::from(node));
        println!("node {node}: from {home}, and from {abroad} as well");
    }
    let hello = [22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    println!("a hello from {home}: node {}", route(&hello, home, 4));
}
