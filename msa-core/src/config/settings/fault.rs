//! `server.fault` and `client.fault`: faults on purpose.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Percent, Size, Span};

/// Faults that requests meet on purpose, to see what they do. None by default. Needs the feature `fault`.
///
/// Each is drawn by itself for each request that `paths` and `header` let it meet: the delay comes first, then the abort or
/// the reset, else the body is slow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct FaultSettings {
    /// Which requests: the route as it is written in the server's router, `/users/{id}`, or the path; with `*` at the end all
    /// that begins so. None by default: all requests.
    #[schemars(extend("items" = {"type": "string", "format": "route"}))]
    pub paths: Vec<String>,
    /// Which of these: those with this header, `x-chaos`, or with this value of it, `x-chaos: yes`. Empty by default: all.
    #[schemars(extend("format" = "header-match"))]
    pub header: String,
    /// How long a delayed request waits before anything else happens to it.
    pub delay: Span,
    /// How many are delayed.
    pub delay_percentage: Percent,
    /// What an aborted request is answered, 400 to 599.
    #[schemars(range(min = 400, max = 599))]
    pub abort: u16,
    /// How many are aborted.
    pub abort_percentage: Percent,
    /// How many lose their connection instead of an answer.
    pub reset_percentage: Percent,
    /// How much of a slow body comes in a second.
    #[schemars(extend("x-msa-min" = "1B"))]
    pub slow_body: Size,
    /// How many answers have a slow body.
    pub slow_body_percentage: Percent,
    /// Whether a request may ask for faults itself, by `x-msa-fault-delay`, `x-msa-fault-abort` and their like or by Envoy's
    /// `x-envoy-fault-…-request`. Never where strangers can send requests.
    pub allow_headers: bool,
    /// The longest delay that a header may ask for.
    pub max_delay: Span,
}

impl Default for FaultSettings {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            header: String::new(),
            delay: Span::millis(100),
            delay_percentage: Percent::ZERO,
            abort: 503,
            abort_percentage: Percent::ZERO,
            reset_percentage: Percent::ZERO,
            slow_body: Size::kib(1),
            slow_body_percentage: Percent::ZERO,
            allow_headers: false,
            max_delay: Span::secs(10),
        }
    }
}

impl FaultSettings {
    /// Whether a request may meet a fault at all.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let shares = [
            self.delay_percentage,
            self.abort_percentage,
            self.reset_percentage,
            self.slow_body_percentage,
        ];
        self.allow_headers || shares.iter().any(|share| !share.is_zero())
    }
}
