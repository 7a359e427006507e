//! The balancer that a configuration names.

use std::sync::Arc;

use super::{Balancer, RoundRobin};

/// The names that [`build`] knows.
pub const NAMES: &[&str] = &["round-robin"];

/// The algorithm of this name, with no endpoints yet.
///
/// The seed is the source of all its chance: each process, and each service in it, should have its own, so that many
/// clients do not move in step.
///
/// # Errors
///
/// When no algorithm has that name; the error lists those that there are.
pub fn build(name: &str, seed: u64) -> Result<Arc<dyn Balancer>, UnknownBalancer> {
    match name {
        "round-robin" => Ok(Arc::new(RoundRobin::new(seed))),
        _ => Err(UnknownBalancer {
            name: name.to_owned(),
        }),
    }
}

/// No balancer has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no balancer `{name}`; write one of: {}", NAMES.join(", "))]
pub struct UnknownBalancer {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_builds_and_no_other() {
        for name in NAMES {
            assert!(build(name, 1).is_ok(), "{name}");
        }
        let error = build("round_robbin", 1).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no balancer `round_robbin`; write one of: round-robin"
        );
    }
}
