//! OpenSSL's FIPS provider, where there is one: with it active the records stay OpenSSL's.
//!
//! `FIPS_MODULES` names the folder that has `fips.so`, as `tests/fips-module` prints it; without it that is OpenSSL's own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::{
    env,
    path::PathBuf,
    process::{self, ExitCode},
};

use common::{Files, Program, has, trial};
use libtest_mimic::Arguments;
use tokio::process::Command;

const SERVER: &str = env!("CARGO_BIN_EXE_dtls-echo-server");
const CLIENT: &str = env!("CARGO_BIN_EXE_dtls-echo-client");

fn main() -> ExitCode {
    let module = modules().filter(|_| has(&["openssl", "version"]));
    let trials = vec![trial(
        "records_stay_openssls_in_fips_mode",
        module.is_some(),
        || records(module.unwrap()),
    )];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

async fn records(modules: PathBuf) {
    let files = Files::new();
    let installed = files.path("fipsmodule.cnf");
    let ended = Program::start_with(
        Command::new("openssl")
            .args(["fipsinstall", "-out", &installed, "-module"])
            .arg(modules.join("fips.so")),
    )
    .end()
    .await;
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let config = files.write("openssl.cnf", CONFIG.replace("INSTALLED", &installed));
    let approved = |program: &str, args: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(args)
            .env("OPENSSL_CONF", &config)
            .env("OPENSSL_MODULES", &modules)
            .env("RUST_LOG", "info");
        Program::start_with(&mut command)
    };
    // Also where ours are asked for.
    let flags = ["127.0.0.1:0", "--records", "own"];
    let server = approved(SERVER, &flags);
    let addr = server.says_line("listening on ").await;
    for (fips, whose) in [(true, "openssl"), (false, "own")] {
        let flags = [&*addr, "--records", "own", "--verbose"];
        let mut client = if fips {
            approved(CLIENT, &flags)
        } else {
            Program::start(CLIENT, &flags)
        };
        client.write(b"x\n").await;
        client.says("Echo: x\n").await;
        let ended = client.end().await;
        let told = format!("record protection       {whose}\n");
        assert!(ended.err.contains(&told), "{ended:?}");
    }
    server.logs_times("record_protection=\"openssl\"", 2).await;
}

/// Where `fips.so` is, if it is anywhere.
fn modules() -> Option<PathBuf> {
    let named = env::var_os("FIPS_MODULES").map(PathBuf::from);
    let modules = named.or_else(|| {
        let told = process::Command::new("openssl")
            .args(["version", "-m"])
            .output()
            .ok()?;
        let told = String::from_utf8(told.stdout).ok()?;
        Some(told.split('"').nth(1)?.into())
    })?;
    modules.join("fips.so").exists().then_some(modules)
}

const CONFIG: &str = "\
config_diagnostics = 1
openssl_conf = init
.include INSTALLED
[init]
providers = providers
alg_section = algorithms
[providers]
fips = fips_sect
base = base_sect
[base_sect]
activate = 1
[algorithms]
default_properties = fips=yes
";
