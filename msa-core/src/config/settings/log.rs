//! `[log]`: what is logged and how.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[non_exhaustive]
pub struct LogSettings {
    /// The level, or directives such as `info,sqlx=warn`. `RUST_LOG` has the last word.
    #[schemars(extend("format" = "log-filter"))]
    pub level: String,
    /// JSON lines, or text for people. **Restart.**
    #[schemars(extend("x-msa-restart" = true))]
    pub format: LogFormat,
    /// Whether each request is a line.
    pub access: bool,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: LogFormat::Auto,
            access: true,
        }
    }
}

/// How a log line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[non_exhaustive]
pub enum LogFormat {
    /// `pretty` when standard output is a terminal, else `json`.
    #[default]
    Auto,
    /// One JSON document a line, for machines.
    Json,
    /// Text in colours, for people.
    Pretty,
}
