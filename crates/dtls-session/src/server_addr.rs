//! HOST:PORT, and the addresses it stands for.

use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use tokio::net::lookup_host;

use crate::connect_error::ConnectError;

/// A server's host, a DNS name or an IP address, and its port.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerAddr {
    host: String,
    port: u16,
}

impl ServerAddr {
    /// Returns the host that `server` names, whether or not the rest of it is any good.
    pub(crate) fn host_of(server: &str) -> String {
        let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        bare.unwrap_or(host).to_owned()
    }

    /// Returns what a certificate would call it: a name without the root's dot (RFC 6066 3).
    pub(crate) fn into_host(self) -> String {
        match self.host.strip_suffix('.') {
            Some(name) => name.to_owned(),
            None => self.host,
        }
    }

    /// Looks the name up; an IP address is its own answer.
    pub(crate) async fn look_up(&self) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![(ip, self.port).into()]);
        }
        match lookup_host((self.host.as_str(), self.port)).await {
            Ok(addresses) => Ok(addresses.collect()),
            Err(source) => Err(ConnectError::Resolve {
                host: self.host.clone(),
                source,
            }),
        }
    }
}

impl FromStr for ServerAddr {
    type Err = ConnectError;

    fn from_str(server: &str) -> Result<Self, ConnectError> {
        let refused = || ConnectError::Address {
            server: server.to_owned(),
        };
        let (host, port) = server.rsplit_once(':').ok_or_else(refused)?;
        let port = port.parse().map_err(|_| refused())?;
        let v6 = host.starts_with('[') && server.parse::<SocketAddr>().is_ok();
        if port == 0 || host.is_empty() || (host.contains([':', '[']) && !v6) {
            return Err(refused());
        }
        let host = Self::host_of(server);
        Ok(Self { host, port })
    }
}

/// Lets the families take turns, as RFC 8305 4 has it, in the order that each was given.
pub(crate) fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (mut now, mut then): (VecDeque<_>, VecDeque<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut alternating = Vec::with_capacity(now.len() + then.len());
    while let Some(address) = now.pop_front() {
        alternating.push(address);
        if !then.is_empty() {
            std::mem::swap(&mut now, &mut then);
        }
    }
    alternating
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_addresses_and_refuses_the_rest() {
        for (text, host) in [
            ("coap.example:5684", "coap.example"),
            ("coap.example.:5684", "coap.example"),
            ("192.0.2.1:1", "192.0.2.1"),
            ("[2001:db8::1]:65535", "2001:db8::1"),
        ] {
            let server: ServerAddr = text.parse().unwrap();
            assert_eq!(server.into_host(), host);
        }
        for text in [
            "",
            "coap.example",
            "coap.example:",
            "coap.example:0",
            "coap.example:65536",
            "coap.example:coaps",
            ":5684",
            "2001:db8::1:5684",
            "[2001:db8::g]:5684",
            "[coap.example]:5684",
        ] {
            let error = text.parse::<ServerAddr>().unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn the_families_take_turns() {
        let [a, b, c] = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"].map(|a| a.parse().unwrap());
        let [x, y] = ["[2001:db8::1]:1", "[2001:db8::2]:1"].map(|a| a.parse().unwrap());
        assert_eq!(alternate(vec![x, y, a, b, c]), [x, a, y, b, c]);
        assert_eq!(alternate(vec![a, x, y]), [a, x, y]);
        assert_eq!(alternate(vec![a, b]), [a, b]);
        assert_eq!(alternate(vec![]), []);
    }
}
