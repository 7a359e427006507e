//! Traces: which are sampled, how they go from service to service, and who records them.

mod sampler;

use std::sync::Arc;

pub use sampler::Sampler;

use super::propagation::Propagation;
use crate::config::TelemetrySettings;

/// What a service does about traces, in its stacks for requests and for calls. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Traces {
    propagation: Arc<Propagation>,
    sampler: Sampler,
}

impl Traces {
    /// Carries traces on as these settings say, and records none.
    #[must_use]
    pub fn new(settings: &TelemetrySettings) -> Self {
        Self {
            propagation: Arc::new(Propagation::new(settings)),
            sampler: Sampler::new(&settings.traces),
        }
    }

    /// The headers that are read and written.
    #[must_use]
    pub fn propagation(&self) -> &Propagation {
        &self.propagation
    }

    /// Who decides which traces are sampled.
    #[must_use]
    pub fn sampler(&self) -> &Sampler {
        &self.sampler
    }
}
