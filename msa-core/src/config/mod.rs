//! Layered configuration.

mod settings;
mod units;

pub use settings::{
    AdminSettings, BalancerName, ClientSettings, CorsSettings, DiscoverySettings, DrainSettings,
    HealthSettings, Http2Settings, LogFormat, LogSettings, ServerSettings, Settings,
    TxnHeaderNames, TxnSettings,
};
pub use units::{Rate, Secret, Size, Span, UnitError};
