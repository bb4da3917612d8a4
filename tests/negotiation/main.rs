//! What the flags let the programs negotiate, with other people's clients and servers.
//!
//! A peer that this machine lacks is reported as ignored, never as passed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod certificates;
#[path = "../common/mod.rs"]
mod common;
mod flags;
mod gnutls;
mod mbedtls;
mod protocols;
mod psk;
mod restart;
mod wolfssl;

use std::process::ExitCode;

use common::{Program, Server, has, trial};
use libtest_mimic::{Arguments, Trial};
use wolfssl::Wolfssl;

const KEY: &str = "00112233445566778899aabbccddeeff";

fn main() -> ExitCode {
    let openssl = has(&["openssl", "version"]);
    let gnutls = has(&["gnutls-cli", "--version"]);
    let mbedtls = mbedtls::build();
    let mut trials = vec![
        trial("s_client_has_a_pre_shared_key", openssl, psk::s_client_psk),
        trial(
            "gnutls_cli_has_a_certificate_a_name_and_a_protocol",
            gnutls,
            gnutls::cli_certificate_name_and_protocol,
        ),
        trial(
            "gnutls_serv_has_our_pre_shared_key",
            gnutls,
            gnutls::serv_psk,
        ),
        trial(
            "gnutls_serv_asks_for_our_certificate",
            gnutls,
            gnutls::serv_certificate_and_protocol,
        ),
        trial("mbedtls_has_a_pre_shared_key", mbedtls.is_some(), {
            let program = mbedtls.clone();
            || mbedtls::psk(program.unwrap())
        }),
        trial("mbedtls_outlives_a_restarted_server", mbedtls.is_some(), {
            let program = mbedtls.clone();
            || restart::mbedtls(program.unwrap())
        }),
        trial(
            "s_client_outlives_a_restarted_server",
            openssl,
            restart::s_client,
        ),
        trial(
            "gnutls_cli_outlives_a_restarted_server",
            gnutls,
            restart::gnutls_cli,
        ),
        trial(
            "mbedtls_is_no_other_behind_a_zero_byte",
            mbedtls.is_some(),
            {
                let program = mbedtls.clone();
                || mbedtls::zero_byte(program.unwrap())
            },
        ),
        trial(
            "mbedtls_has_a_certificate_a_name_and_a_protocol",
            mbedtls.is_some(),
            || mbedtls::certificates(mbedtls.unwrap()),
        ),
        trial(
            "authorities_are_read_again_and_tickets_of_old_ones_are_no_way_in",
            true,
            certificates::reload,
        ),
        trial("gnutls_cli_has_a_pre_shared_key", gnutls, psk::gnutls_psk),
        trial(
            "s_server_has_our_pre_shared_key",
            openssl,
            psk::s_server_psk,
        ),
        trial(
            "s_client_is_asked_for_its_certificate",
            openssl,
            certificates::s_client_certificate,
        ),
        trial(
            "a_list_of_authorities_may_be_long",
            true,
            certificates::many_authorities,
        ),
        trial(
            "s_client_takes_a_long_list_of_authorities",
            openssl,
            certificates::s_client_among_many_authorities,
        ),
        trial(
            "s_server_asks_for_our_certificate",
            openssl,
            certificates::s_server_certificate,
        ),
        trial(
            "s_client_asks_for_a_server_by_name",
            openssl,
            certificates::s_client_name,
        ),
        trial(
            "s_client_agrees_on_a_protocol",
            openssl,
            protocols::s_client_protocol,
        ),
        trial(
            "s_server_agrees_on_a_protocol",
            openssl,
            protocols::s_server_protocol,
        ),
        trial("the_client_tells_what_was_negotiated", true, flags::facts),
        trial("an_identity_may_be_any_bytes", true, psk::octets),
        trial(
            "keys_are_read_again_and_bad_ones_change_nothing",
            true,
            psk::reload,
        ),
        trial(
            "a_socket_that_is_passed_is_served",
            has(&["python3", "--version"]),
            flags::passed,
        ),
        trial("flags_that_are_of_no_use_are_named", true, flags::refusals),
    ];
    trials.extend(wolfssls_trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn wolfssls_trials() -> Vec<Trial> {
    let wolfssl = Wolfssl::build();
    let mut trials = Vec::new();
    for (proof, suites) in [
        ("a_certificate", wolfssl::CERTIFICATE),
        ("a_pre_shared_key", wolfssl::PSK),
        ("a_pre_shared_key_and_small_suites", wolfssl::SMALL_PSK),
    ] {
        let is_here = wolfssl.as_ref().is_some_and(|peer| peer.has(suites));
        let (client, server) = (wolfssl.clone(), wolfssl.clone());
        trials.push(trial(
            &format!("wolfssls_client_has_{proof}"),
            is_here,
            || wolfssl::client(client.unwrap(), suites),
        ));
        trials.push(trial(
            &format!("wolfssls_server_has_{proof}"),
            is_here,
            || wolfssl::server(server.unwrap(), suites),
        ));
    }
    trials.push(trial(
        "wolfssl_and_our_client_hear_a_server_say_goodbye",
        wolfssl.is_some(),
        || wolfssl::servers_end(wolfssl.unwrap()),
    ));
    trials
}

async fn echoes(peer: &mut Program) {
    peer.write(b"hello\n").await;
    peer.says("Echo: hello\n").await;
}

fn s_client(server: &Server, flags: &[&str]) -> Program {
    let args = ["s_client", "-dtls1_2", "-connect", &server.addr];
    Program::start("openssl", &[&args, flags].concat())
}

fn s_server(flags: &[&str]) -> Program {
    let args = ["s_server", "-dtls1_2", "-accept", "127.0.0.1:0"];
    Program::start("openssl", &[&args, flags].concat())
}
