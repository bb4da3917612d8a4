//! Names of servers, as DNS compares them.

use std::net::IpAddr;

/// A name as all ways to write it are compared: in lower case (RFC 4343), and without the root's dot,
/// which has no place in a hello or a certificate (RFC 6066 3).
pub(crate) fn normal(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

/// Says why no client would ever be shown what a [normal] name is given for, if that is so.
pub(crate) fn fault(name: &str) -> Option<&'static str> {
    let rest = name.strip_prefix("*.").unwrap_or(name);
    if rest.parse::<IpAddr>().is_ok() {
        Some(
            "clients name no addresses (RFC 6066 3), and who connects by one is shown the first identity",
        )
    } else if rest.contains('*') {
        Some("a * stands for the whole first label only, as in *.example.org")
    } else if rest.split('.').any(str::is_empty) {
        Some("it has an empty label")
    } else if !name.is_ascii() {
        Some("clients name it in ASCII, as xn--...")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_case_do_not_matter() {
        assert_eq!(normal("A.Example."), "a.example");
        assert_eq!(normal("a.example"), "a.example");
        assert_eq!(normal("::1"), "::1");
    }

    #[test]
    fn names_that_no_client_sends_are_found_out() {
        for name in [
            "a",
            "a.example",
            "*.example",
            "a_b.example",
            "xn--bcher-kva.example",
        ] {
            assert_eq!(fault(name), None, "{name}");
        }
        for (name, word) in [
            ("", "empty"),
            ("*", "first label"),
            ("*.", "empty"),
            ("a..b", "empty"),
            (".a", "empty"),
            ("a.*.b", "first label"),
            ("a*.b", "first label"),
            ("*a.b", "first label"),
            ("*.*.b", "first label"),
            ("127.0.0.1", "addresses"),
            ("::1", "addresses"),
            ("bücher.example", "xn--"),
        ] {
            let fault = fault(name).unwrap();
            assert!(fault.contains(word), "{name:?}: {fault}");
        }
    }
}
