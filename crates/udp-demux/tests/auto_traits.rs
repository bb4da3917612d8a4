//! What may go to other threads: a field that may not would change the interface without a word.

use udp_demux::{
    AcceptError, Channel, Config, ConnectedSocket, ConnectedStats, Endpoint, Incoming, OpenError,
    Promotion, RecvError, SendError, Stats,
};

#[test]
fn everything_may_go_to_another_thread() {
    shared::<Endpoint>();
    shared::<Channel>();
    shared::<ConnectedSocket>();
    shared::<ConnectedStats>();
    shared::<Incoming>();
    shared::<Promotion>();
    shared::<Config>();
    shared::<Stats>();
    shared::<AcceptError>();
    shared::<OpenError>();
    shared::<RecvError>();
    shared::<SendError>();
}

#[test]
fn what_its_methods_return_may_be_spawned() {
    fn receive(channel: &mut Channel) -> impl Send {
        channel.recv(&mut [])
    }
    fn send(channel: &Channel) -> impl Send {
        channel.send(&[])
    }
    fn accept(endpoint: &Endpoint) -> impl Send {
        endpoint.accept()
    }
    fn receive_from_one(socket: &mut ConnectedSocket) -> impl Send {
        socket.recv(&mut [])
    }
    fn send_to_one(socket: &ConnectedSocket) -> impl Send {
        socket.send(&[])
    }
    // It is enough that these compile.
    let _ = (receive, send, accept, receive_from_one, send_to_one);
}

fn shared<T: Send + Sync + Unpin + 'static>() {}
