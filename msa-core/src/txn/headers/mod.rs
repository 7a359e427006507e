//! The names of the transaction's headers.

mod read;
#[cfg(test)]
mod tests;
mod write;

use http::HeaderName;

use super::Rejected;

// The places of the names in `Headers::names`.
const GTXID: usize = 0;
const LTXID: usize = 1;
const BRANCH: usize = 2;
const ATTEMPT: usize = 3;
const TIMEOUT: usize = 4;
const RETRIES: usize = 5;
const CRITICALITY: usize = 6;
const TRACEPARENT: usize = 7;
const GRPC_TIMEOUT: usize = 8;
const ENVOY_TIMEOUT: usize = 9;
const FIELDS: usize = 10;
/// The names of the transaction's headers, and how to read and write them.
///
/// Reading allocates nothing; writing allocates the values only.
#[derive(Debug, Clone)]
pub struct Headers {
    names: [HeaderName; FIELDS],
    /// Bit n: a name of n bytes is among them. Most other headers are passed over by this alone.
    lengths: u64,
}

impl Default for Headers {
    fn default() -> Self {
        Self::named([
            HeaderName::from_static("x-gtxid"),
            HeaderName::from_static("x-ltxid"),
            HeaderName::from_static("x-txn-branch"),
            HeaderName::from_static("x-txn-attempt"),
            HeaderName::from_static("x-txn-timeout-ms"),
            HeaderName::from_static("x-txn-retries"),
            HeaderName::from_static("x-msa-criticality"),
            HeaderName::from_static("traceparent"),
            HeaderName::from_static("grpc-timeout"),
            HeaderName::from_static("x-envoy-expected-rq-timeout-ms"),
        ])
    }
}

impl Headers {
    fn named(names: [HeaderName; FIELDS]) -> Self {
        let lengths = names
            .iter()
            .fold(0, |lengths, name| lengths | length_bit(name));
        Self { names, lengths }
    }

    /// The same with another name for the GTXID. Default `x-gtxid`.
    #[must_use]
    pub fn with_gtxid(self, name: HeaderName) -> Self {
        self.rename(GTXID, name)
    }

    /// The same with another name for the LTXID. Default `x-ltxid`.
    #[must_use]
    pub fn with_ltxid(self, name: HeaderName) -> Self {
        self.rename(LTXID, name)
    }

    /// The same with another name for the branch. Default `x-txn-branch`.
    #[must_use]
    pub fn with_branch(self, name: HeaderName) -> Self {
        self.rename(BRANCH, name)
    }

    /// The same with another name for the attempt. Default `x-txn-attempt`.
    #[must_use]
    pub fn with_attempt(self, name: HeaderName) -> Self {
        self.rename(ATTEMPT, name)
    }

    /// The same with another name for the timeout. Default `x-txn-timeout-ms`.
    #[must_use]
    pub fn with_timeout(self, name: HeaderName) -> Self {
        self.rename(TIMEOUT, name)
    }

    /// The same with another name for the retries. Default `x-txn-retries`.
    #[must_use]
    pub fn with_retries(self, name: HeaderName) -> Self {
        self.rename(RETRIES, name)
    }

    /// The same with another name for the criticality. Default `x-msa-criticality`.
    #[must_use]
    pub fn with_criticality(self, name: HeaderName) -> Self {
        self.rename(CRITICALITY, name)
    }

    fn rename(mut self, field: usize, name: HeaderName) -> Self {
        if let Some(slot) = self.names.get_mut(field) {
            *slot = name;
        }
        Self::named(self.names)
    }

    /// The name of the header that carries the GTXID, on requests and on responses.
    #[must_use]
    pub fn gtxid_name(&self) -> &HeaderName {
        let [gtxid, ..] = &self.names;
        gtxid
    }

    /// Whether this is the name of one of the headers, in any case.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.names
            .iter()
            .any(|ours| ours.as_str().eq_ignore_ascii_case(name))
    }
    /// The names of the headers that a request's [`Incoming::rejected`](crate::txn::Incoming::rejected) stands for.
    pub fn rejected_names(&self, rejected: Rejected) -> impl Iterator<Item = &HeaderName> {
        self.names
            .iter()
            .enumerate()
            .filter(move |(field, _)| rejected.contains(*field))
            .map(|(_, name)| name)
    }
}

fn length_bit(name: &HeaderName) -> u64 {
    1 << (name.as_str().len() & 63)
}
