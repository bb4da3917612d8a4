//! The server's manual page, beside its flags.

use dtls_echo::{Manual, RUST_LOG, SSLKEYLOGFILE, USAGE};

pub(crate) const MANUAL: Manual = Manual(&[
    (
        "EXIT STATUS",
        &[
            ("0", "It was stopped by a signal."),
            ("1", "An error, told on stderr with its causes."),
            USAGE,
        ],
    ),
    (
        "SIGNALS",
        &[
            (
                "SIGINT, SIGTERM",
                "Take no new clients, let sessions end for as long as --drain-timeout says, close the others with a \
                 close_notify, for which it takes at most 5 seconds, and exit. A second signal ends the wait.",
            ),
            (
                "SIGHUP",
                "Read the configuration file and those of certificates, keys and secrets again. What is in them counts for new clients; sessions \
                 go on as they began. A file that is of no use changes nothing.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            RUST_LOG,
            SSLKEYLOGFILE,
            (
                "LISTEN_FDS, LISTEN_PID",
                "The sockets that systemd passes, read with --socket-activation only.",
            ),
            (
                "NOTIFY_SOCKET",
                "Where systemd is told that the server is ready, reads its files again, or stops.",
            ),
        ],
    ),
    (
        "EXAMPLES",
        &[
            (
                "dtls-echo-server 127.0.0.1:9000",
                "Serve on loopback with the development identity.",
            ),
            (
                "dtls-echo-server '[::]:5684' --cert cert.pem --key key.pem",
                "Serve everybody.",
            ),
            (
                "dtls-echo-server --config /etc/dtls-echo/server.toml --check-config",
                "Say whether a configuration is good before the server meets it.",
            ),
            (
                "dtls-echo-server '[::]:5684' --psk-file keys --allow-plain-psk --allow-ccm8",
                "Serve small devices that have keys instead of certificates.",
            ),
        ],
    ),
]);
