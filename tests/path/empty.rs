//! Datagrams of no length.

use libtest_mimic::Trial;

use crate::{common::trial, forgery::empty, net::Net};

pub(crate) fn trials(possible: bool) -> Vec<Trial> {
    vec![trial(
        "a_thousand_empty_datagrams_end_no_session",
        possible,
        thousand,
    )]
}

async fn thousand() {
    let net = Net::new();
    let (_server, server) = net.serve("127.0.0.1:0", &[]).await;
    let mut client = net.client(server, &[]);
    client.write(b"first\n").await;
    client.says("Echo: first\n").await;
    let local = net.client_of(server).await;
    for number in 0..3 {
        // So many wait at once when the client goes on.
        client.signal("-STOP");
        empty(&net, server, local, 64);
        empty(&net, local, server, 64);
        client.signal("-CONT");
        empty(&net, server, local, 1000);
        empty(&net, local, server, 1000);
        client.write(format!("line {number}\n").as_bytes()).await;
        client.says(&format!("Echo: line {number}\n")).await;
    }
    let ended = client.end().await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
