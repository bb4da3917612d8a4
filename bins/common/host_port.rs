//! HOST:PORT on the command line.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use anyhow::{Context, ensure};

/// A host, as a name or an IP address, and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    host: String,
    port: u16,
}

impl HostPort {
    /// Reads where a server is, which port 0 cannot be.
    ///
    /// # Errors
    ///
    /// What is wrong with `text`.
    pub fn of_server(text: &str) -> Result<Self, String> {
        let server: Self = text.parse()?;
        if server.port == 0 {
            return Err("no server has port 0: name the one that it listens on".to_owned());
        }
        Ok(server)
    }

    /// Returns the host as a certificate names it: a name without the root's dot, an IPv6 address
    /// without brackets and zone.
    pub fn host(&self) -> &str {
        let host = self.host.strip_suffix('.');
        host.unwrap_or_else(|| unzoned(&self.host))
    }

    /// Looks the name up; a numeric address is its own answer.
    ///
    /// # Errors
    ///
    /// The resolver's, or that there is no address.
    pub async fn resolve(&self) -> anyhow::Result<Vec<SocketAddr>> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![(ip, self.port).into()]);
        }
        let addresses: Vec<_> = tokio::net::lookup_host((self.host.as_str(), self.port))
            .await
            .with_context(|| format!("cannot resolve {}", self.host))?
            .collect();
        ensure!(!addresses.is_empty(), "{} has no address", self.host);
        Ok(addresses)
    }
}

/// An address without its zone, such as `%eth0`, which only the resolver understands (RFC 4007 11).
fn unzoned(host: &str) -> &str {
    host.split_once('%').map_or(host, |(address, _)| address)
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if unzoned(text).parse::<Ipv6Addr>().is_ok() {
            return Err(format!(
                "an IPv6 address goes in brackets, with a port: [{text}]:9000"
            ));
        }
        if text.is_empty() {
            return Err("the host is missing".to_owned());
        }
        if text.starts_with('[') && !text.contains(']') {
            return Err(format!(
                "the closing bracket is missing in {text:?}: write for example [::1]:9000"
            ));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| format!("no port in {text:?}: write for example {text}:9000"))?;
        let port = port
            .parse()
            .map_err(|_| format!("{port:?} is not a port: a number from 0 to 65535 is needed"))?;
        let host = match host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
        {
            Some(v6) if unzoned(v6).parse::<Ipv6Addr>().is_ok() => v6,
            Some(other) => return Err(format!("{other:?} in brackets is not an IPv6 address")),
            None if host.is_empty() => return Err("the host is missing".to_owned()),
            None if host.contains(':') => {
                return Err(format!("an IPv6 address goes in brackets: [{host}]:{port}"));
            }
            None => host,
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses() {
        for (text, host, port) in [
            ("localhost:0", "localhost", 0),
            ("localhost.:1", "localhost", 1),
            ("127.0.0.1:9000", "127.0.0.1", 9000),
            ("[::1]:65535", "::1", 65535),
            ("[fe80::1%eth0]:5684", "fe80::1", 5684),
        ] {
            let parsed: HostPort = text.parse().unwrap();
            assert_eq!((parsed.host(), parsed.port), (host, port));
            assert_eq!(parsed.to_string(), text);
            assert_eq!(HostPort::of_server(text).is_ok(), port != 0);
        }
    }

    #[test]
    fn refuses_the_rest_and_says_why() {
        for (text, word) in [
            ("::1", "brackets"),
            ("fe80::1%eth0", "brackets"),
            ("[x%eth0]:1", "not an IPv6"),
            (
                "localhost",
                "no port in \"localhost\": write for example localhost:9000",
            ),
            ("localhost:x", "not a port"),
            ("localhost:70000", "not a port"),
            (":9000", "host is missing"),
            ("[::g]:1", "not an IPv6"),
            ("[::1:9192", "the closing bracket is missing"),
            ("[::1", "the closing bracket is missing"),
            ("1::2::3:x", "not a port"),
            ("fe80:1", "host"),
        ] {
            match text.parse::<HostPort>() {
                Err(error) => assert!(error.contains(word), "{text}: {error}"),
                Ok(parsed) => assert_eq!(parsed.host(), "fe80", "{text} was taken"),
            }
        }
    }
}
