//! What each mode does, and how it is told.

use crate::{common::Server, load, number, passes, servers};

#[tokio::test]
async fn handshakes_follow_one_another() {
    let server = Server::start(&[]).await;
    let flags = ["handshakes", "--sessions", "4", "--duration", "0.5"];
    let report = passes(&server.addr, &flags).await;
    assert_eq!(
        (&report["mode"], &report["sessions"]),
        (&"handshakes".into(), &4.into())
    );
    assert!(number(&report, "established") >= 4, "{report}");
    assert_eq!(number(&report, "requests"), 0);
    assert!(report["per_second"].as_f64().unwrap() > 0.0, "{report}");
    assert_eq!(report.get("round_trip_ms"), None);
    // Each says goodbye, so the server keeps none of them.
    server
        .program
        .logs("reason=\"the peer has closed the session\" received=0")
        .await;
}

#[tokio::test]
async fn many_sessions_echo() {
    let server = Server::start(&[]).await;
    let flags = ["--sessions", "20", "--duration", "0.5"];
    let report = passes(&server.addr, &flags).await;
    assert_eq!(
        (&report["mode"], &report["request_bytes"]),
        (&"echo".into(), &64.into())
    );
    assert_eq!(number(&report, "established"), 20);
    assert!(number(&report, "replies") >= 20 * 8, "{report}");
}

#[tokio::test]
async fn records_are_whose_they_are_to_be() {
    let server = Server::start(&[]).await;
    let few = ["--sessions", "2", "--duration", "0.2"];
    for (flags, whose) in [(&[][..], "own"), (&["--records", "openssl"], "openssl")] {
        let report = passes(&server.addr, &[&few, flags].concat()).await;
        assert_eq!(report["record_protection"], whose);
        let told = load(&server.addr, &[&few, flags].concat()).await.out;
        let words = format!(" flights repeated, record protection {whose}\n");
        assert!(told.contains(&words), "{told}");
    }
}

#[tokio::test]
async fn bulk_goes_through_one_session() {
    let server = Server::start(&[]).await;
    let report = passes(
        &server.addr,
        &["bulk", "--duration", "0.5", "--max-loss", "50"],
    )
    .await;
    assert_eq!(
        (&report["mode"], &report["request_bytes"]),
        (&"bulk".into(), &1200.into())
    );
    assert_eq!(number(&report, "established"), 1);
    let bytes = number(&report, "replies") as f64 * 1200.0;
    let rate = bytes / 1e6 / report["seconds"].as_f64().unwrap();
    let reported = report["megabytes_per_second"].as_f64().unwrap();
    assert!((reported / rate - 1.0).abs() < 1e-6, "{rate} {report}");
}

#[tokio::test]
async fn idle_sessions_are_probed_in_turn() {
    let server = Server::start(&[]).await;
    let flags = [
        "idle",
        "--sessions",
        "10",
        "--rate",
        "200",
        "--duration",
        "1",
    ];
    let report = passes(&server.addr, &flags).await;
    assert_eq!(
        (&report["mode"], number(&report, "established")),
        (&"idle".into(), 10)
    );
    assert!((1..=200).contains(&number(&report, "requests")), "{report}");
}

#[tokio::test]
async fn without_dtls_it_measures_the_network() {
    let server = servers::Server::plain(|_, request| Some(request)).await;
    for mode in ["echo", "bulk", "idle"] {
        let flags = [
            mode,
            "--plaintext",
            "--sessions",
            "2",
            "--duration",
            "0.3",
            "--max-loss",
            "50",
        ];
        let report = passes(&server.addr, &flags).await;
        assert!(number(&report, "replies") > 0, "{report}");
    }
    // A server with DTLS does not answer that.
    let server = Server::start(&[]).await;
    let flags = ["--plaintext", "--duration", "0.1", "--reply-timeout", "0.2"];
    load(&server.addr, &flags)
        .await
        .fails_with(1, &["100.000 % of the requests were lost"]);
}

#[tokio::test]
async fn the_smallest_and_the_largest_request_fit() {
    let server = Server::start(&[]).await;
    for (size, mtu) in [("27", "1350"), ("1307", "1350"), ("213", "256")] {
        let flags = [
            "--sessions",
            "1",
            "--duration",
            "0.2",
            "--size",
            size,
            "--mtu",
            mtu,
        ];
        let report = passes(&server.addr, &flags).await;
        assert_eq!(report["request_bytes"].to_string(), size);
        assert!(number(&report, "replies") > 0, "{report}");
    }
}

#[tokio::test]
async fn a_server_without_the_prefix_will_do() {
    let server = servers::Server::dtls(|_, request| Some(request));
    for mode in ["echo", "bulk", "idle"] {
        let flags = [
            mode,
            "--sessions",
            "2",
            "--duration",
            "0.3",
            "--max-loss",
            "50",
        ];
        let report = passes(&server.addr, &flags).await;
        assert!(number(&report, "replies") > 0, "{report}");
    }
}

#[tokio::test]
async fn the_table_tells_what_the_json_tells() {
    let server = Server::start(&[]).await;
    let ended = load(&server.addr, &["--sessions", "2", "--duration", "0.3"]).await;
    assert_eq!((ended.code, &*ended.err), (Some(0), ""), "{ended:?}");
    let lines: Vec<&str> = ended.out.lines().collect();
    assert!(
        lines[0].starts_with("echo, 2 sessions, 64 bytes, 8 in flight, 0."),
        "{ended:?}"
    );
    assert!(
        lines[1].starts_with("sessions     2 established, 0 failed, 0 ended early, "),
        "{ended:?}"
    );
    assert!(lines[2].starts_with("handshakes   p50 "), "{ended:?}");
    let requests = lines[3].strip_prefix("requests     ").unwrap();
    let (sent, rest) = requests.split_once(" sent, ").unwrap();
    assert_eq!(rest, format!("{sent} answered, 0 lost, 0 late, 0 wrong"));
    assert!(lines[4].starts_with("round trips  p50 "), "{ended:?}");
    assert!(lines[5].starts_with("throughput   ") && lines[5].ends_with(" MB/s each way"));
    assert_eq!(lines.len(), 6);

    let flags = ["handshakes", "--sessions", "3", "--duration", "0.3"];
    let ended = load(&server.addr, &flags).await;
    assert!(
        ended.out.starts_with("handshakes, 3 at a time, "),
        "{ended:?}"
    );
    assert!(ended.out.ends_with(" handshakes/s\n") && !ended.out.contains("requests"));
}

#[tokio::test]
async fn a_rate_is_kept_whether_or_not_replies_come() {
    let server = servers::Server::plain(|_, _| None).await;
    let flags = [
        "--plaintext",
        "--sessions",
        "2",
        "--rate",
        "50",
        "--duration",
        "1",
        "--reply-timeout",
        "0.5",
        "--max-loss",
        "100",
    ];
    let report = passes(&server.addr, &flags).await;
    let requests = number(&report, "requests");
    assert!((2..=50).contains(&requests), "{report}");
    assert_eq!(number(&report, "lost"), requests);

    let server = Server::start(&[]).await;
    let flags = ["--sessions", "2", "--rate", "50", "--duration", "1"];
    let report = passes(&server.addr, &flags).await;
    assert!((2..=50).contains(&number(&report, "requests")), "{report}");
}
