//! Channels that are found by an identifier, and peers that move.

#![allow(
    clippy::unwrap_used,
    reason = "a step that fails fails the test, in helpers too"
)]

mod common;

use std::{future::poll_fn, net::SocketAddr};

use common::{accept, accepted, endpoint, peer, recv, recv_from, soon, until};
use tokio::net::UdpSocket;
use udp_demux::{
    Channel, Config, Endpoint, Identifier, IdentifierError, RecvError, Response, Route, SendError,
    SetPeerError,
};

#[tokio::test]
async fn an_identifier_finds_its_channel_from_any_address() {
    let endpoint = endpoint(config());
    let (home, mut channel) = accepted(&endpoint, b"hello").await;
    channel.add_identifier(id(b"aa")).unwrap();
    let elsewhere = peer().await;
    send(&elsewhere, b"#aa moved", &endpoint).await;
    send(&home, b"#aa at home", &endpoint).await;
    send(&home, b"plain", &endpoint).await;
    let from = |socket: &UdpSocket| socket.local_addr().unwrap();
    for (expected, sender) in [
        (&b"hello"[..], &home),
        (b"#aa moved", &elsewhere),
        (b"#aa at home", &home),
        (b"plain", &home),
    ] {
        assert_eq!(
            received(&mut channel).await,
            (expected.to_vec(), from(sender))
        );
    }
    // It moves only when it is told to.
    assert_eq!(channel.peer_addr(), from(&home));
    channel.send(b"answer").await.unwrap();
    assert_eq!(recv_from(&home).await.0, b"answer");
    assert_eq!(endpoint.channels(), 1);
}

#[tokio::test]
async fn a_moved_channel_has_the_new_address_and_leaves_the_old_one() {
    let endpoint = endpoint(config());
    let (home, mut channel) = accepted(&endpoint, b"hello").await;
    let away = peer().await;
    channel.set_peer(away.local_addr().unwrap()).unwrap();
    assert_eq!(channel.peer_addr(), away.local_addr().unwrap());
    channel.send(b"answer").await.unwrap();
    assert_eq!(
        recv_from(&away).await,
        (b"answer".to_vec(), endpoint.local_addr())
    );
    send(&away, b"more", &endpoint).await;
    assert_eq!(recv(&mut channel).await, b"hello");
    assert_eq!(
        received(&mut channel).await,
        (b"more".to_vec(), away.local_addr().unwrap())
    );
    // Another client has the old address by now.
    send(&home, b"somebody else", &endpoint).await;
    let incoming = accept(&endpoint).await;
    assert!(!incoming.is_known());
    let mut other = incoming.accept().unwrap();
    assert_eq!(recv(&mut other).await, b"somebody else");
    assert_eq!(endpoint.channels(), 2);
    drop(channel);
    assert_eq!(endpoint.channels(), 1);
    send(&away, b"who?", &endpoint).await;
    assert_eq!(accept(&endpoint).await.datagram(), b"who?");
}

#[tokio::test]
async fn an_answer_goes_where_a_datagram_came_from_before_the_channel_moves() {
    let endpoint = endpoint(config());
    let (home, mut channel) = accepted(&endpoint, b"hello").await;
    channel.add_identifier(id(b"aa")).unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");
    let away = peer().await;
    send(&away, b"#aa", &endpoint).await;
    let (_, from) = received(&mut channel).await;
    channel.send_to(b"are you there?", from).await.unwrap();
    poll_fn(|cx| channel.poll_write_to(cx, b"really?", from))
        .await
        .unwrap();
    channel.send(b"and you?").await.unwrap();
    for (socket, question) in [
        (&away, &b"are you there?"[..]),
        (&away, b"really?"),
        (&home, b"and you?"),
    ] {
        assert_eq!(
            recv_from(socket).await,
            (question.to_vec(), endpoint.local_addr())
        );
    }
    assert_eq!(channel.stats().sent, 3);
    let nowhere = channel.send_to(b"?", "[::1]:9".parse().unwrap()).await;
    assert!(matches!(nowhere, Err(SendError::Io(_))), "{nowhere:?}");
}

#[tokio::test]
async fn what_came_before_a_move_tells_where_from() {
    let endpoint = endpoint(config());
    let (home, mut channel) = accepted(&endpoint, b"hello").await;
    let away = peer().await;
    channel.set_peer(away.local_addr().unwrap()).unwrap();
    assert_eq!(
        received(&mut channel).await,
        (b"hello".to_vec(), home.local_addr().unwrap())
    );
}

#[tokio::test]
async fn two_channels_swap_addresses() {
    let endpoint = endpoint(config());
    let (first_home, mut first) = accepted(&endpoint, b"first").await;
    let (second_home, mut second) = accepted(&endpoint, b"second").await;
    assert_eq!(recv(&mut first).await, b"first");
    assert_eq!(recv(&mut second).await, b"second");
    let addresses = [&first_home, &second_home].map(|socket| socket.local_addr().unwrap());
    first.add_identifier(id(b"aa")).unwrap();
    // Who could be reached no more does not have to give way.
    let refused = first.set_peer(addresses[1]);
    assert_eq!(refused, Err(SetPeerError::InUse(addresses[1])));
    second.add_identifier(id(b"bb")).unwrap();
    first.set_peer(addresses[1]).unwrap();
    send(&second_home, b"for the first", &endpoint).await;
    assert_eq!(recv(&mut first).await, b"for the first");
    send(&first_home, b"#bb for the second", &endpoint).await;
    let (datagram, from) = received(&mut second).await;
    assert_eq!(datagram, b"#bb for the second");
    second.set_peer(from).unwrap();
    send(&first_home, b"for it, too", &endpoint).await;
    assert_eq!(recv(&mut second).await, b"for it, too");
    for (channel, home) in [(&first, &second_home), (&second, &first_home)] {
        channel.send(b"answer").await.unwrap();
        assert_eq!(recv_from(home).await.0, b"answer");
    }
    assert_eq!(endpoint.channels(), 2);
}

#[tokio::test]
async fn who_has_lost_its_address_still_ends_as_others_do() {
    let endpoint = endpoint(config());
    let (_home, winner) = accepted(&endpoint, b"first").await;
    let (_other, loser) = accepted(&endpoint, b"second").await;
    loser.add_identifier(id(b"bb")).unwrap();
    winner.set_peer(loser.peer_addr()).unwrap();
    assert_eq!(endpoint.channels(), 2);
    // It may take the place back if the winner has another way.
    let refused = loser.set_peer(loser.peer_addr());
    assert_eq!(refused, Err(SetPeerError::InUse(loser.peer_addr())));
    winner.add_identifier(id(b"aa")).unwrap();
    loser.set_peer(loser.peer_addr()).unwrap();
    drop(loser);
    assert_eq!(endpoint.channels(), 1);
    drop(winner);
    assert_eq!(endpoint.channels(), 0);
}

#[tokio::test]
async fn an_unknown_identifier_is_dropped_or_accepted_as_the_route_says() {
    let endpoint = endpoint(config());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    for datagram in [&b"#zz forged"[..], b"?zz for accept", b"plain"] {
        send(&peer, datagram, &endpoint).await;
    }
    let incoming = accept(&endpoint).await;
    assert_eq!(incoming.datagram(), b"?zz for accept");
    assert_eq!(recv(&mut channel).await, b"hello");
    assert_eq!(recv(&mut channel).await, b"plain");
    let stats = endpoint.stats();
    assert_eq!((stats.dropped_unknown_identifier, stats.diverted), (1, 1));
    assert_eq!(channel.stats().received, 2);
    // Known, it goes to its channel both ways.
    channel.add_identifier(id(b"zz")).unwrap();
    for datagram in [&b"?zz known"[..], b"#zz known"] {
        send(&peer, datagram, &endpoint).await;
        assert_eq!(recv(&mut channel).await, datagram);
    }
}

#[tokio::test]
async fn a_flood_of_forged_identifiers_is_counted_and_hurts_nobody() {
    let endpoint = endpoint(config());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    channel.add_identifier(id(b"aa")).unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");
    let forger = common::peer().await;
    for number in 0..100 {
        send(
            &forger,
            format!("#{number:02} forged").as_bytes(),
            &endpoint,
        )
        .await;
    }
    send(&peer, b"plain", &endpoint).await;
    assert_eq!(recv(&mut channel).await, b"plain");
    let stats = until(&endpoint, |stats| stats.received == 102).await;
    assert_eq!(stats.dropped_unknown_identifier, 100);
    assert_eq!(endpoint.channels(), 1);
}

#[tokio::test]
async fn who_writes_an_identifier_often_fills_one_queue_and_no_other() {
    let endpoint = endpoint(config().recv_queue(4));
    let (_a, mut flooded) = accepted(&endpoint, b"1").await;
    let (quiet_peer, mut quiet) = accepted(&endpoint, b"hello").await;
    flooded.add_identifier(id(b"aa")).unwrap();
    assert_eq!(recv(&mut quiet).await, b"hello");
    let forgers = [peer().await, peer().await];
    for _ in 0..10 {
        for forger in &forgers {
            send(forger, b"#aa", &endpoint).await;
        }
    }
    send(&quiet_peer, b"still here", &endpoint).await;
    assert_eq!(recv(&mut quiet).await, b"still here");
    until(&endpoint, |stats| stats.received == 23).await;
    assert_eq!(flooded.stats().dropped_queue_full, 17);
    assert_eq!(endpoint.stats().dropped_queue_full, 17);
    let home = flooded.peer_addr();
    for from in [
        home,
        addr(&forgers[0]),
        addr(&forgers[1]),
        addr(&forgers[0]),
    ] {
        assert_eq!(received(&mut flooded).await.1, from);
    }
}

#[tokio::test]
async fn identifiers_are_one_channels_and_bounded() {
    let endpoint = endpoint(config().max_identifiers(2));
    let (_first, first) = accepted(&endpoint, b"first").await;
    let (_second, second) = accepted(&endpoint, b"second").await;
    first.add_identifier(id(b"aa")).unwrap();
    first.add_identifier(id(b"aa")).unwrap();
    first.add_identifier(id(b"bb")).unwrap();
    let many = first.add_identifier(id(b"cc"));
    assert_eq!(many, Err(IdentifierError::LimitReached));
    let taken = second.add_identifier(id(b"aa"));
    assert_eq!(taken, Err(IdentifierError::InUse(id(b"aa"))));
    assert!(!second.remove_identifier(&id(b"aa")));
    assert!(first.remove_identifier(&id(b"aa")));
    assert!(!first.remove_identifier(&id(b"aa")));
    first.add_identifier(id(b"cc")).unwrap();
    second.add_identifier(id(b"aa")).unwrap();
}

#[tokio::test]
async fn a_removed_identifier_finds_nobody_and_a_dropped_channel_has_none() {
    let endpoint = endpoint(config());
    let (peer, mut channel) = accepted(&endpoint, b"hello").await;
    for identifier in [b"aa", b"bb"] {
        channel.add_identifier(id(identifier)).unwrap();
    }
    assert!(channel.remove_identifier(&id(b"aa")));
    send(&peer, b"#aa", &endpoint).await;
    send(&peer, b"#bb", &endpoint).await;
    assert_eq!(recv(&mut channel).await, b"hello");
    assert_eq!(recv(&mut channel).await, b"#bb");
    assert_eq!(endpoint.stats().dropped_unknown_identifier, 1);
    drop(channel);
    send(&peer, b"#bb", &endpoint).await;
    until(&endpoint, |stats| stats.dropped_unknown_identifier == 2).await;
    let (_other, other) = accepted(&endpoint, b"other").await;
    other.add_identifier(id(b"bb")).unwrap();
}

#[tokio::test]
async fn a_replaced_channel_loses_its_identifiers_and_cannot_move() {
    let endpoint = endpoint(config());
    let (peer, mut old) = accepted(&endpoint, b"hello").await;
    old.add_identifier(id(b"aa")).unwrap();
    send(&peer, b"!again", &endpoint).await;
    let (mut new, promotion) = accept(&endpoint).await.accept_candidate().unwrap();
    new.add_identifier(id(b"bb")).unwrap();
    // Each gets what has its identifier, and both what has none.
    for datagram in [&b"#aa"[..], b"#bb", b"plain"] {
        send(&peer, datagram, &endpoint).await;
    }
    for (channel, datagrams) in [
        (&mut old, [&b"hello"[..], b"#aa", b"plain"]),
        (&mut new, [b"!again", b"#bb", b"plain"]),
    ] {
        for datagram in datagrams {
            assert_eq!(recv(channel).await, datagram);
        }
    }
    promotion.promote();
    let mut buf = [0; 9];
    assert_eq!(soon(old.recv(&mut buf)).await, Err(RecvError::Replaced));
    let late = old.add_identifier(id(b"cc"));
    assert_eq!(late, Err(IdentifierError::Replaced));
    assert_eq!(
        old.set_peer(common::peer().await.local_addr().unwrap()),
        Err(SetPeerError::Replaced)
    );
    new.add_identifier(id(b"aa")).unwrap();
    send(&peer, b"#aa", &endpoint).await;
    assert_eq!(recv(&mut new).await, b"#aa");
}

#[tokio::test]
async fn a_candidate_that_moves_is_a_channel_of_its_own() {
    let endpoint = endpoint(config());
    let (peer, mut old) = accepted(&endpoint, b"hello").await;
    send(&peer, b"!again", &endpoint).await;
    let (new, promotion) = accept(&endpoint).await.accept_candidate().unwrap();
    let away = common::peer().await;
    new.set_peer(away.local_addr().unwrap()).unwrap();
    promotion.promote();
    send(&peer, b"plain", &endpoint).await;
    assert_eq!(recv(&mut old).await, b"hello");
    assert_eq!(recv(&mut old).await, b"plain");
    drop(new);
    assert_eq!(endpoint.channels(), 1);
}

#[tokio::test]
async fn nobody_moves_to_an_address_that_is_none() {
    let endpoint = endpoint(config());
    let (_peer, channel) = accepted(&endpoint, b"hello").await;
    let before = channel.peer_addr();
    for (address, expected) in [
        ("0.0.0.0:9", SetPeerError::Unspecified as fn(_) -> _),
        ("127.0.0.1:0", SetPeerError::Unspecified),
        ("[::1]:9", SetPeerError::AddressFamily),
    ] {
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(channel.set_peer(address), Err(expected(address)));
    }
    assert_eq!(channel.peer_addr(), before);
}

/// The address that the peer wrote to is none to send from in the other family.
#[tokio::test]
async fn a_peer_moves_from_one_family_to_the_other() {
    let Ok(endpoint) = Endpoint::bind("[::]:0".parse().unwrap(), config()) else {
        return; // No IPv6 here.
    };
    let port = endpoint.local_addr().port();
    let old = peer().await;
    old.send_to(b"hello", ("127.0.0.1", port)).await.unwrap();
    let mut channel = accept(&endpoint).await.accept().unwrap();
    channel.add_identifier(id(b"aa")).unwrap();
    assert_eq!(recv(&mut channel).await, b"hello");
    let new = UdpSocket::bind("[::1]:0").await.unwrap();
    new.send_to(b"#aa", ("::1", port)).await.unwrap();
    let (_, from) = received(&mut channel).await;
    channel.set_peer(from).unwrap();
    channel.send(b"answer").await.unwrap();
    let (answer, server) = recv_from(&new).await;
    assert_eq!((answer, server.port()), (b"answer".to_vec(), port));
}

/// What is for nobody in particular is shown to the responder; what has an identifier is not.
#[tokio::test]
async fn the_responder_sees_unknown_identifiers_only_where_the_route_says_so() {
    let endpoint = endpoint(config());
    endpoint.set_responder(|_, datagram, reply| {
        reply.extend(datagram);
        Response::Reply
    });
    let stranger = peer().await;
    for datagram in [&b"#zz"[..], b"?zz"] {
        send(&stranger, datagram, &endpoint).await;
    }
    assert_eq!(recv_from(&stranger).await.0, b"?zz");
    let stats = endpoint.stats();
    assert_eq!((stats.answered, stats.dropped_unknown_identifier), (1, 1));
}

/// One run of one sender for several channels, as of a relay, with GRO or without.
#[tokio::test]
async fn neighbours_with_different_identifiers_find_their_channels() {
    let endpoint = endpoint(config());
    let (_a, mut first) = accepted(&endpoint, b"1").await;
    let (relay, mut second) = accepted(&endpoint, b"2").await;
    assert_eq!(recv(&mut first).await, b"1");
    assert_eq!(recv(&mut second).await, b"2");
    first.add_identifier(id(b"aa")).unwrap();
    second.add_identifier(id(b"bb")).unwrap();
    let server = endpoint.local_addr();
    for _ in 0..20 {
        for datagram in [b"#aa", b"#bb", b"own", b"#bb"] {
            relay.try_send_to(datagram, server).unwrap();
        }
    }
    for _ in 0..20 {
        assert_eq!(recv(&mut first).await, b"#aa");
        for datagram in [b"#bb", b"own", b"#bb"] {
            assert_eq!(recv(&mut second).await, datagram);
        }
    }
}

/// The two bytes behind the first are an identifier.
fn config() -> Config {
    let identifier = |datagram: &[u8]| datagram.get(1..3).and_then(Identifier::new);
    Config::default().route(move |datagram| match (datagram, identifier(datagram)) {
        ([b'!', ..], _) => Route::Accept,
        ([b'#', ..], Some(identifier)) => Route::Identifier(identifier),
        ([b'?', ..], Some(identifier)) => Route::IdentifierOrAccept(identifier),
        _ => Route::Peer,
    })
}

fn id(identifier: &[u8]) -> Identifier {
    Identifier::new(identifier).unwrap()
}

fn addr(socket: &UdpSocket) -> SocketAddr {
    socket.local_addr().unwrap()
}

async fn send(from: &UdpSocket, datagram: &[u8], to: &Endpoint) {
    from.send_to(datagram, to.local_addr()).await.unwrap();
}

async fn received(channel: &mut Channel) -> (Vec<u8>, SocketAddr) {
    let mut buf = vec![0; 2048];
    let (length, from) = soon(channel.recv_from(&mut buf)).await.unwrap();
    buf.truncate(length);
    (buf, from)
}
