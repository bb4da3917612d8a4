//! A host on the path that does with datagrams as it likes.

use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::any;

/// Brings its one client's datagrams to the server that `choose` names for each, and for each
/// answer what `become_of` makes of it.
pub(crate) async fn relay(
    mut choose: impl FnMut() -> SocketAddr + Send + 'static,
    mut become_of: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
) -> SocketAddr {
    let front = UdpSocket::bind(any()).await.unwrap();
    let back = UdpSocket::bind(any()).await.unwrap();
    let addr = front.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut request, mut answer) = ([0; 2048], [0; 2048]);
        let mut client = None;
        loop {
            tokio::select! {
                received = front.recv_from(&mut request) => {
                    let (length, from) = received.unwrap();
                    client = Some(from);
                    back.send_to(&request[..length], choose()).await.unwrap();
                }
                received = back.recv(&mut answer) => {
                    for datagram in become_of(&answer[..received.unwrap()]) {
                        front.send_to(&datagram, client.unwrap()).await.unwrap();
                    }
                }
            }
        }
    });
    addr
}
