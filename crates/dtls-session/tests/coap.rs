//! The CoAP example, talked to by libcoap's client (Debian's `libcoap3-bin`).
//!
//! Without that client the trials that need it are reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../examples/coap.rs"]
#[allow(dead_code, reason = "the example's `main` is for its users")]
mod coap;

use std::{
    net::SocketAddr,
    process::{Command, ExitCode, Output},
};

use dtls_session::{Limits, Listener};
use libtest_mimic::{Arguments, Trial};

fn main() -> ExitCode {
    let here = |program: &str| Command::new(program).output().is_ok();
    let mut trials = vec![Trial::test("malformed_messages_get_no_answer", malformed)];
    for program in ["coap-client-openssl", "coap-client-gnutls"] {
        let talks = move || talk(program);
        let trial = Trial::test(format!("{program}_is_answered"), talks);
        trials.push(trial.with_ignored_flag(!here(program)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn malformed() -> Result<(), libtest_mimic::Failed> {
    let get = [0x40, 1, 7, 7];
    assert_eq!(coap::reply(&get).unwrap()[..4], [0x60, 0x45, 7, 7]);
    // A ping is reset; a token longer than the message, and options without their values, are not
    // answered.
    assert_eq!(coap::reply(&[0x40, 0, 7, 8]), Some(vec![0x70, 0, 7, 8]));
    for message in [
        &get[..3],
        &[0x48, 1, 7, 7],
        &[0x40, 1, 7, 7, 0xb5],
        &[0, 1, 7, 7],
        &[0x60, 0, 7, 7],
    ] {
        assert_eq!(coap::reply(message), None, "{message:?}");
    }
    Ok(())
}

fn talk(program: &str) -> Result<(), libtest_mimic::Failed> {
    let runtime = tokio::runtime::Runtime::new()?;
    let listener = runtime.block_on(async {
        Listener::bind(
            "127.0.0.1:0".parse().unwrap(),
            coap::acceptor().unwrap(),
            Limits::default(),
        )
    })?;
    let addr = listener.local_addr();
    runtime.spawn(coap::serve(listener));
    let ca = concat!(env!("CARGO_MANIFEST_DIR"), "/../../certs/ca.pem");
    let psk = ["-u", "device", "-k", "0123456789abcdef"];
    for (flags, path, answer) in [
        (&psk[..], "/", "hello over DTLS"),
        (&psk[..], "/nothing", "4.04"),
        (&["-C", ca], "/", "hello over DTLS"),
    ] {
        let ended = get(program, flags, addr, path);
        let said = [&*ended.stdout, &*ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(answer), "{flags:?} {path}: {said}");
    }
    Ok(())
}

fn get(program: &str, flags: &[&str], addr: SocketAddr, path: &str) -> Output {
    Command::new(program)
        .args(flags)
        .args(["-B", "60", &format!("coaps://{addr}{path}")])
        .output()
        .unwrap()
}
