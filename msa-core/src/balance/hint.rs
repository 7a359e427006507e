//! What a call asks of the choice.

use std::fmt;

use crate::discovery::Endpoint;

/// What a call asks of the choice. Built by the struct's fields over `PickHint::default()`:
///
/// ```
/// use msa_core::balance::{Only, PickHint};
///
/// let mut hint = PickHint::default();
/// hint.only = Only::Labels(&[("track", "canary")]);
/// hint.key = Some(42);
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct PickHint<'a> {
    /// Endpoints that this call has tried already: taken again only when there is no other.
    pub avoid: &'a [Endpoint],
    /// Which endpoints may be chosen at all; what it excludes is never taken.
    pub only: Only<'a>,
    /// What a hashing algorithm hashes, such as the hash of a user's id; without it the key is drawn by chance.
    pub key: Option<u64>,
    /// The zone that the caller stands in, when it is another than the configured one.
    pub zone: Option<&'a str>,
}

impl<'a> PickHint<'a> {
    /// A choice that avoids these endpoints.
    #[must_use]
    pub fn avoiding(avoid: &'a [Endpoint]) -> Self {
        Self {
            avoid,
            ..Self::default()
        }
    }

    /// Whether this instance is one to avoid, even if its weight or labels changed since it was tried.
    #[must_use]
    #[inline]
    pub fn avoids(&self, endpoint: &Endpoint) -> bool {
        self.avoid.iter().any(|tried| tried.same_instance(endpoint))
    }
}

/// Which endpoints may be chosen.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum Only<'a> {
    /// Any.
    #[default]
    Any,
    /// Those that carry every one of these labels with this value.
    Labels(&'a [(&'a str, &'a str)]),
    /// These instances, such as the one that a session sticks to.
    Endpoints(&'a [Endpoint]),
    /// Those for which this is true. Called on the hot path, maybe for every endpoint.
    Matching(&'a (dyn Fn(&Endpoint) -> bool + Sync)),
}

impl Only<'_> {
    /// Whether this endpoint may be chosen.
    #[must_use]
    #[inline]
    pub fn admits(&self, endpoint: &Endpoint) -> bool {
        match self {
            Self::Any => true,
            Self::Labels(wanted) => wanted.iter().all(|(key, value)| {
                (endpoint.labels().get(*key)).is_some_and(|label| label == value)
            }),
            Self::Endpoints(these) => these.iter().any(|one| one.same_instance(endpoint)),
            Self::Matching(is_one) => is_one(endpoint),
        }
    }
}

impl fmt::Debug for Only<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("Any"),
            Self::Labels(labels) => f.debug_tuple("Labels").field(labels).finish(),
            Self::Endpoints(these) => f.debug_tuple("Endpoints").field(these).finish(),
            Self::Matching(_) => f.write_str("Matching(..)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_wants_every_label() {
        let endpoint: Endpoint = "http://a:80".parse().unwrap();
        let endpoint = endpoint.with_label("track", "canary").with_label("v", "2");
        assert!(Only::Any.admits(&endpoint));
        assert!(Only::Labels(&[]).admits(&endpoint));
        assert!(Only::Labels(&[("track", "canary"), ("v", "2")]).admits(&endpoint));
        assert!(!Only::Labels(&[("track", "canary"), ("v", "1")]).admits(&endpoint));
        assert!(!Only::Labels(&[("region", "")]).admits(&endpoint));
        assert!(Only::Endpoints(&[endpoint.clone().with_weight(3)]).admits(&endpoint));
        assert!(!Only::Endpoints(&[]).admits(&endpoint));
        assert!(!Only::Matching(&|one| one.port() == 81).admits(&endpoint));
    }
}
