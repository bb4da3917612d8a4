//! Pre-shared keys.

use crate::{
    KEY,
    common::{Files, Program, Server, cert, client, run},
    echoes, s_client, s_server,
};

pub(crate) async fn s_client_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("# ours\nother:00\ndevice:{KEY}\n"));
    let server = Server::start(&[
        "--cert",
        &cert("server.pem"),
        "--key",
        &cert("server.key"),
        "--psk-file",
        &keys,
        "--allow-plain-psk",
        "--allow-ccm8",
        "--psk-hint",
        "which?",
    ])
    .await;
    for suite in [
        "ECDHE-PSK-CHACHA20-POLY1305",
        "PSK-AES128-GCM-SHA256",
        "PSK-AES128-CCM",
        "PSK-AES128-CCM8",
    ] {
        let suite_at_0 = format!("{suite}:@SECLEVEL=0");
        let flags = [
            "-psk_identity",
            "device",
            "-psk",
            KEY,
            "-cipher",
            &suite_at_0,
        ];
        let mut peer = s_client(&server, &flags);
        echoes(&mut peer).await;
        peer.says(suite).await;
        peer.says("PSK identity: device").await;
        peer.says("PSK identity hint: which?").await;
        assert_eq!(peer.end().await.code, Some(0));
    }
    server.program.logs_times("psk=\"device\"", 4).await;
    let own = "record_protection=\"own\"";
    server.program.logs_times(own, 4).await;
    // Certificates go on beside it.
    let ended = run(&server.addr, &[], b"x\n").await;
    assert_eq!((ended.code, &*ended.out), (Some(0), "Echo: x\n"));
    let server = Server::start(&["--psk-file", &keys]).await;
    let ended = run(&server.addr, &[], b"x\n").await;
    ended.fails_with(1, &["handshake_failure", "--psk"]);
}

pub(crate) async fn gnutls_psk() {
    let files = Files::new();
    let keys = files.write("keys", format!("device:{KEY}"));
    let server = Server::start(&["--psk-file", &keys]).await;
    let priority = "NORMAL:-VERS-ALL:+VERS-DTLS1.2:-KX-ALL:+ECDHE-PSK";
    let args = [
        "--udp",
        "--port",
        server.port(),
        "--pskusername",
        "device",
        "--pskkey",
        KEY,
        "--priority",
        priority,
        "127.0.0.1",
    ];
    let _peer = Program::start("gnutls-cli", &args);
    // 3.7.9 crashes when it is to tell what it has negotiated, so it has no more to say.
    let program = &server.program;
    program.logs("cipher=\"ECDHE-PSK-CHACHA20-POLY1305\"").await;
    program.logs("psk=\"device\"").await;
    program.logs("record_protection=\"own\"").await;
}

pub(crate) async fn s_server_psk() {
    let files = Files::new();
    let file = files.write("key", format!("device:{KEY}\n"));
    let argument = format!("device:{KEY}");
    for flags in [["--psk", &argument], ["--psk-file", &file]] {
        let peer = s_server(&["-nocert", "-psk_identity", "device", "-psk", KEY]);
        let addr = peer.says_line("ACCEPT ").await;
        let flags = [&flags[..], &["--timeout", "60", "-v"]].concat();
        let mut client = client(&addr, &flags);
        client.logs("pre-shared key          device").await;
        client.logs("record protection       own").await;
        client.write(b"ping\n").await;
        peer.says("ping\n").await;
    }
}

pub(crate) async fn octets() {
    let files = Files::new();
    let lines = format!("# any\nhex=ff,{KEY}\nhex=fe5c,{KEY}\nhex=,{KEY}\nger\u{e4}t:{KEY}\r\n");
    let server = Server::start(&["--psk-file", &files.write("keys", lines)]).await;
    for (line, shown) in [
        (format!("hex=FF,{KEY}"), r"\xff"),
        (format!("hex=fe5c,{KEY}"), r"\xfe\\"),
        (format!("hex=,{KEY}"), ""),
        (format!("ger\u{e4}t:{KEY}"), "ger\u{e4}t"),
    ] {
        let file = files.write("key", format!("# mine\n{line}\n"));
        for flags in [["--psk", &line], ["--psk-file", &file]] {
            let ended = run(&server.addr, &[&flags[..], &["--json"]].concat(), b"x\n").await;
            assert_eq!(
                (ended.code, &*ended.out),
                (Some(0), "Echo: x\n"),
                "{ended:?}"
            );
            let facts: serde_json::Value = serde_json::from_str(&ended.err).unwrap();
            assert_eq!(facts["psk_identity"], shown);
            let ended = run(&server.addr, &[&flags[..], &["-v"]].concat(), b"x\n").await;
            let line = format!("\npre-shared key          {shown}\n");
            assert!(ended.err.contains(&line), "no {line:?} in {ended:?}");
        }
        server
            .program
            .logs_times(&format!("psk={shown:?}"), 4)
            .await;
    }
}

pub(crate) async fn reload() {
    let files = Files::new();
    let keys = files.write("keys", "a:0011");
    let server = Server::start(&["--psk-file", &keys]).await;
    let mut live = client(&server.addr, &["--psk", "a:0011"]);
    live.write(b"one\n").await;
    live.says("Echo: one\n").await;
    files.write("keys", "b:2233\nb:secret\n");
    server.program.signal("-HUP");
    server
        .program
        .logs("cannot reload, and goes on as before")
        .await;
    server.program.logs("line 2").await;
    let ended = run(&server.addr, &["--psk", "a:0011"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    files.write("keys", "b:2233\n");
    server.program.signal("-HUP");
    server
        .program
        .logs("INFO dtls_echo_server::reload: reloaded")
        .await;
    let ended = run(&server.addr, &["--psk", "b:2233"], b"x\n").await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = run(&server.addr, &["--psk", "a:0011", "--timeout", "1"], b"x\n").await;
    ended.fails_with(1, &["not finished", "is it the key that the server has"]);
    live.write(b"two\n").await;
    live.says("Echo: two\n").await;
    let ended = server.program.stop().await;
    assert!(!ended.err.contains("secret"), "{ended:?}");
}
