//! What a request asks of the choice.

use crate::balance::{Only, PickHint};
use crate::discovery::Endpoint;

/// What a request asks of the choice, put into its extensions: the owned form of a [`PickHint`].
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RequestHint {
    /// What a hashing algorithm hashes.
    pub key: Option<u64>,
    /// The zone that the caller stands in.
    pub zone: Option<String>,
    /// Labels that the endpoint must carry, each with its value.
    pub labels: Vec<(String, String)>,
    /// Endpoints that were tried already.
    pub avoid: Vec<Endpoint>,
}

impl RequestHint {
    /// Hands the same as a [`PickHint`] to `choose`.
    pub fn with<T>(&self, choose: impl FnOnce(&PickHint<'_>) -> T) -> T {
        let labels: Vec<(&str, &str)> = self
            .labels
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        let only = if labels.is_empty() {
            Only::Any
        } else {
            Only::Labels(&labels)
        };
        choose(&PickHint {
            avoid: &self.avoid,
            only,
            key: self.key,
            zone: self.zone.as_deref(),
        })
    }
}
