//! The load generator's manual page, beside its flags.

use dtls_echo::{Manual, RUST_LOG, USAGE};

pub(crate) const MANUAL: Manual = Manual(&[
    (
        "EXIT STATUS",
        &[
            ("0", "All was well."),
            (
                "1",
                "A wrong reply, more failures than --max-loss, no session, or another error, told on stderr.",
            ),
            USAGE,
            ("130", "SIGINT (Ctrl-C), and all was well so far."),
        ],
    ),
    (
        "SIGNALS",
        &[("SIGINT", "End early, and report what there is.")],
    ),
    ("ENVIRONMENT", &[RUST_LOG]),
    (
        "EXAMPLES",
        &[
            (
                "dtls-echo-load 127.0.0.1:9000 --duration 5",
                "100 sessions, 8 requests of each on their way at a time.",
            ),
            (
                "dtls-echo-load 127.0.0.1:9000 handshakes --sessions 16",
                "Handshakes only, 16 at a time.",
            ),
            (
                "dtls-echo-load 127.0.0.1:9000 --rate 20000 --max-loss 1 --json",
                "A fixed rate, as a report for programs.",
            ),
        ],
    ),
]);
