//! `[runtime]`: the threads that run it all.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The threads that run it all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct RuntimeSettings {
    /// How many threads `msa_core::run` and `#[msa_core::main]` start; not set, one a core of those that the process may use (a container's
    /// CPU limit counts). Read from variables and TOML files, since it is needed before the rest. `TOKIO_WORKER_THREADS` has the last word.
    /// **Restart.**
    #[schemars(range(min = 1, max = 1024), extend("x-msa-restart" = true))]
    pub worker_threads: Option<u32>,
}
