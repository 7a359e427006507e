//! Configuration: layered, checked as a whole, with the source of every value.
//!
//! ```
//! use msa_core::config::{Loader, Secret, Span};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! /// Banners.
//! #[derive(Debug, Serialize, Deserialize, JsonSchema)]
//! #[serde(default)]
//! struct Banner {
//!     /// Where they are kept.
//!     database_url: Secret,
//!     /// How many slots a platform has.
//!     #[schemars(range(min = 1))]
//!     slots: u32,
//! }
//!
//! impl Default for Banner {
//!     fn default() -> Self {
//!         Self { database_url: Secret::new("sqlite://banner.db"), slots: 6 }
//!     }
//! }
//!
//! # fn main() -> Result<(), msa_core::config::ConfigError> {
//! let config = Loader::new("banner-service")
//!     .section::<Banner>("banner")
//!     .env_alias("DATABASE_URL", "banner.database_url")
//!     // In place of msa.toml and the environment, for this example.
//!     .toml_str("msa.toml", "[clients.user-service]\ntimeout = '2s'")
//!     .env([("PORT", "8081"), ("MSA_BANNER__SLOTS", "8"), ("DATABASE_URL", "postgres://u:p@db/banner")])
//!     .load()?;
//!
//! let settings = config.settings();
//! assert_eq!(settings.server.addr.port(), 8081);
//! assert_eq!(settings.client("user-service").timeout, Span::secs(2));
//! assert_eq!(settings.client("user-service").attempt_timeout, Span::secs(3)); // the default
//!
//! let banner = config.section::<Banner>("banner")?;
//! assert_eq!(banner.slots, 8);
//! assert_eq!(banner.database_url.expose(), "postgres://u:p@db/banner");
//! assert_eq!(format!("{banner:?}"), "Banner { database_url: ***, slots: 8 }");
//! assert_eq!(config.source_of("banner.slots").unwrap().to_string(), "MSA_BANNER__SLOTS");
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//!
//! Later ones win, key by key; a list replaces a list.
//!
//! 1. the defaults of [`Settings`] and of the service's own sections;
//! 2. `msa.toml` in the folder `MSA_CONFIG_DIR`, else in the working directory;
//! 3. `msa.<profile>.toml` beside it, if `MSA_PROFILE` names one;
//! 4. the folder `MSA_SECRETS_DIR`: one file per key, named by it with `__` or `.` between levels (`banner__database_url`). Names
//!    that begin with a dot are skipped, one newline at the end is trimmed, and nothing that comes from here is ever shown;
//! 5. variables: `MSA_`, the key, `__` between levels: `MSA_CLIENTS__USER_SERVICE__TIMEOUT=2s`;
//! 6. the variables that everyone expects: `PORT`, `RUST_LOG` (`log.level`), those of OpenTelemetry (`OTEL_…`, for `telemetry`), and
//!    aliases such as `DATABASE_URL`. Empty ones are none.
//!
//! The last step wins over `MSA_` variables too, since a platform that sets `PORT` sends its traffic there, and who types
//! `RUST_LOG=debug` before a command wants just that. `PORT` sets the port of whatever address the layers below gave
//! `server.addr`. Where both are set and differ, [`Config::warnings`] says so.
//!
//! `-` and `_` in a key are the same, and a variable's or secret's name has no case. A `MSA_` variable without `__` that is no
//! key only warns, because Kubernetes sets `MSA_GATEWAY_SERVICE_HOST` for a service of that name; the warning names the key
//! that was probably meant. Every other unknown key is an error.
//!
//! # Values
//!
//! Text from variables and secret files stays text unless the schema asks for something else, so the password `0123456` is no
//! number. Times are written `250ms` ([`Span`]), sizes `64KiB` ([`Size`]), rates `100/s` ([`Rate`]), shares `50%` or
//! `0.5` ([`Percent`]). A list is `a,b` or `["a", "b"]`, a table `{ a = 1 }` or `{"a": 1}`, and an empty text leaves open what
//! may be left open.
//!
//! # Errors
//!
//! [`Loader::load`] reports everything at once: each unknown key with the nearest known one, each value of the wrong type or out
//! of range, each with file, line and column, or the name of the variable. No value of a [`Secret`] is in it. A process that cannot
//! be configured exits with [`ConfigError::EXIT_CODE`].
//!
//! # Reload
//!
//! [`Config::run_reloader`] looks at the files each second and on SIGHUP. What is wrong anywhere is refused as a whole, told by
//! [`Config::last_error`] and as [`Event::ConfigReloaded`](crate::event::Event::ConfigReloaded), and the last good configuration
//! stays. Settings marked **Restart** keep their values until the next start; a log line names them.

mod assemble;
mod certificates;
mod change;
mod check;
mod clients;
mod coerce;
mod compile;
mod early;
mod env;
mod error;
mod files;
mod forms;
mod layer;
mod live;
mod loader;
mod otel;
mod path;
mod poll;
mod print;
mod redact;
mod schema;
mod secrets;
mod section;
mod settings;
mod show;
mod suggest;
mod toml;
mod units;
mod validate;
mod walk;

pub use change::Changed;
pub(crate) use early::worker_threads;
pub use error::{ConfigError, Problem, Source};
pub use live::Config;
pub use loader::Loader;
pub use print::Row;
pub(crate) use redact::redacted;
pub use settings::{
    AccrualSettings, ActiveHealthSettings, AdminSettings, AdminTlsSettings, BackoffKind,
    BackoffSettings, BaggageSettings, BalanceSettings, BalancerName, BreakerSettings, BudgetKind,
    BulkheadSettings, CachedSettings, ClientSettings, CorsSettings, DiscoverySettings,
    DrainSettings, ExemplarFilter, FailurePercentageSettings, FallbackSettings, FaultSettings,
    HealthSettings, HedgeSettings, Http2Settings, JournalSettings, LatencyEnd,
    LatencyOutlierSettings, LimitAlgorithm, LimitMode, LimitQueueSettings, LimitSettings,
    LimitShareSettings, LogFormat, LogSettings, MaglevSettings, MetricsExporter, MetricsSettings,
    OtlpCompression, OtlpProtocol, OtlpSettings, OtlpSignalSettings, OutlierSettings,
    OverloadRouteSettings, OverloadSettings, PolicyOverrides, PolicySettings, PrequalSettings,
    PropagationFormat, RateLimitKindName, RateLimitSettings, RetryBudgetSettings, RetryCondition,
    RetrySettings, RingHashSettings, RuntimeSettings, ServerRateLimitSettings, ServerSettings,
    Settings, SlowStartSettings, SubsetSettings, SuccessRateSettings, TelemetrySettings,
    Temporality, ThrottleSettings, TraceExporter, TraceSampler, TracesSettings, TxnHeaderNames,
    TxnSettings, ZoneSettings,
};
pub(crate) use suggest::nearest;
pub use units::{Percent, Rate, Secret, Size, Span, UnitError};
