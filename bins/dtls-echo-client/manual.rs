//! The client's manual page, beside its flags.

use dtls_echo::{Manual, RUST_LOG, SSLKEYLOGFILE, USAGE};

pub(crate) const MANUAL: Manual = Manual(&[
    (
        "EXIT STATUS",
        &[
            (
                "0",
                "Every line was answered, or the reader of the output has gone; with --ping, at least one reply came in \
                 time; with --info, there was a session.",
            ),
            (
                "1",
                "An error, told on stderr with its causes: no session, a line that is too long for a datagram, a reply that \
                 did not come.",
            ),
            USAGE,
            ("130", "SIGINT (Ctrl-C) during the conversation."),
        ],
    ),
    ("ENVIRONMENT", &[RUST_LOG, SSLKEYLOGFILE]),
    (
        "EXAMPLES",
        &[
            (
                "echo hello | dtls-echo-client 127.0.0.1:9000",
                "Send a line to a server on loopback, and print its echo.",
            ),
            (
                "dtls-echo-client echo.example:5684 --ca ca.pem --session session",
                "Trust one authority only, and resume the last session.",
            ),
            (
                "dtls-echo-client 192.0.2.1:5684 --psk-file key --verbose",
                "Use a pre-shared key, and tell what was negotiated.",
            ),
            (
                "dtls-echo-client echo.example:5684 --ping -c 10 -s 1200",
                "Measure round trips and loss, with requests of 1200 bytes.",
            ),
            (
                "dtls-echo-client echo.example:5684 --info --trace",
                "Find out how far a handshake gets, and what was negotiated or refused.",
            ),
        ],
    ),
]);
