//! The name by which an endpoint is hashed.

use std::borrow::Cow;

use url::Host;

use crate::discovery::Endpoint;

/// `host:port`, and behind a host name the address too, since one name may stand for several instances.
pub(in crate::balance) fn hashed_name(endpoint: &Endpoint) -> Cow<'_, str> {
    match (endpoint.host(), endpoint.addr()) {
        (Host::Domain(_), Some(addr)) => Cow::Owned(format!("{}@{addr}", endpoint.authority())),
        _ => Cow::Borrowed(endpoint.authority()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_behind_one_name_differ_and_an_address_stands_for_itself() {
        let named: Endpoint = "http://users:80".parse().unwrap();
        assert_eq!(hashed_name(&named), "users:80");
        let at = named.with_addr("10.0.0.1:80".parse().unwrap());
        assert_eq!(hashed_name(&at), "users:80@10.0.0.1:80");
        let address = Endpoint::at("10.0.0.1:80".parse().unwrap());
        assert_eq!(hashed_name(&address), "10.0.0.1:80");
    }
}
