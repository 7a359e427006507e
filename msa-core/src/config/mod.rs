//! Layered configuration.

mod assemble;
mod change;
mod check;
mod coerce;
mod compile;
mod env;
mod error;
mod files;
mod layer;
mod live;
mod loader;
mod path;
mod poll;
mod print;
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
pub use error::{ConfigError, Problem, Source};
pub use live::Config;
pub use loader::Loader;
pub use settings::{
    AdminSettings, BalancerName, ClientSettings, CorsSettings, DiscoverySettings, DrainSettings,
    HealthSettings, Http2Settings, LogFormat, LogSettings, ServerSettings, Settings,
    TxnHeaderNames, TxnSettings,
};
pub use units::{Rate, Secret, Size, Span, UnitError};
