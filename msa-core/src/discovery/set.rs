//! All instances of a service at one moment.

use std::collections::HashSet;
use std::sync::Arc;

use super::Endpoint;

/// A whole snapshot of a service's endpoints; cheap to clone.
///
/// An instance stands in it once: of two endpoints with the same [identity](Endpoint::identity) the first is kept, so
/// that a line written twice does not draw twice the traffic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EndpointSet(Arc<[Endpoint]>);

impl EndpointSet {
    /// The endpoints, in the order of their source.
    #[must_use]
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.0
    }

    /// The endpoints, in the order of their source.
    pub fn iter(&self) -> std::slice::Iter<'_, Endpoint> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none: a call to such a service is an immediate error.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Endpoint> for EndpointSet {
    fn from_iter<I: IntoIterator<Item = Endpoint>>(endpoints: I) -> Self {
        let all: Vec<Endpoint> = endpoints.into_iter().collect();
        let mut seen = HashSet::with_capacity(all.len());
        let first: Vec<bool> = all.iter().map(|one| seen.insert(one.identity())).collect();
        Self(
            all.iter()
                .zip(first)
                .filter(|(_, first)| *first)
                .map(|(one, _)| one.clone())
                .collect(),
        )
    }
}

impl<'a> IntoIterator for &'a EndpointSet {
    type Item = &'a Endpoint;
    type IntoIter = std::slice::Iter<'a, Endpoint>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_stands_in_a_set_once_and_the_first_is_kept() {
        let a: Endpoint = "http://a:80".parse().unwrap();
        let b: Endpoint = "http://b:80".parse().unwrap();
        let set: EndpointSet = [a.clone(), b.clone(), a.clone().with_weight(7)]
            .into_iter()
            .collect();
        assert_eq!(set.as_slice(), [a, b]);
    }
}
