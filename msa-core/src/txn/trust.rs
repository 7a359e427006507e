//! Whose transaction headers are believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The networks whose transaction headers are believed.
///
/// A request from elsewhere begins a transaction of its own: its ids, criticality and retries are not read. Its timeout
/// is, since it can only shorten the work. Believing everybody is the default; a service at the edge names the networks
/// of the services behind it in `txn.trust`.
#[derive(Debug, Clone)]
pub struct Trust {
    networks: Vec<IpNet>,
    everybody: bool,
}

impl Trust {
    /// Believes everybody.
    #[must_use]
    pub fn everybody() -> Self {
        Self {
            networks: Vec::new(),
            everybody: true,
        }
    }

    /// Believes these networks only.
    #[must_use]
    pub fn networks(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let networks: Vec<IpNet> = networks.into_iter().collect();
        let whole = |ip: IpAddr| {
            networks
                .iter()
                .any(|net| net.prefix_len() == 0 && net.contains(&ip))
        };
        let everybody = whole(Ipv4Addr::UNSPECIFIED.into()) && whole(Ipv6Addr::UNSPECIFIED.into());
        Self {
            networks,
            everybody,
        }
    }

    /// Whether this peer's headers are believed. An unknown peer is believed only when everybody is.
    #[must_use]
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        self.everybody
            || peer.is_some_and(|ip| {
                // A dual-stack listener sees IPv4 peers as ::ffff:a.b.c.d.
                let ip = ip.to_canonical();
                self.networks.iter().any(|net| net.contains(&ip))
            })
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::everybody()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_named_networks_are_believed() {
        let trust = Trust::networks(["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        for (peer, believed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("fd00::1", true),
            ("192.168.0.1", false),
            ("::1", false),
        ] {
            assert_eq!(
                trust.believes(Some(peer.parse().unwrap())),
                believed,
                "{peer}"
            );
        }
        assert!(!trust.believes(None));
    }

    #[test]
    fn the_two_whole_networks_are_everybody() {
        let trust = Trust::networks(["0.0.0.0/0".parse().unwrap(), "::/0".parse().unwrap()]);
        assert!(trust.believes(None));
        assert!(!Trust::networks([]).believes(Some("127.0.0.1".parse().unwrap())));
    }
}
