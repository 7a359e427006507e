//! Where other services' management listeners are.
//!
//! A service tells its callers the port in `x-msa-admin`; only a port, so that whoever answers can name no other machine than
//! its own.

use std::collections::BTreeMap;

use arc_swap::ArcSwap;
use http::HeaderName;

/// `x-msa-admin` on an answer: the port of the management listener on the host that answers.
pub const ADMIN_HEADER: HeaderName = HeaderName::from_static("x-msa-admin");

/// More endpoints than that are not remembered: names may come from outside, and memory must have a bound.
const MOST: usize = 4096;

/// Ports by endpoint, as they were told last. Reading takes no lock.
#[derive(Debug, Default)]
pub(super) struct AdminPorts(ArcSwap<BTreeMap<Box<str>, u16>>);

impl AdminPorts {
    #[inline]
    pub(super) fn learn(&self, endpoint: &str, port: u16) {
        if self.0.load().get(endpoint) != Some(&port) {
            self.put(endpoint, port);
        }
    }

    #[cold]
    fn put(&self, endpoint: &str, port: u16) {
        self.0.rcu(|known| {
            let mut known = BTreeMap::clone(known);
            if known.len() >= MOST && !known.contains_key(endpoint) {
                known.pop_first();
            }
            known.insert(endpoint.into(), port);
            known
        });
    }

    pub(super) fn of(&self, endpoint: &str) -> Option<u16> {
        self.0.load().get(endpoint).copied()
    }
}
