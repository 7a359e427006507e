//! WIP
pub mod accrual;
mod change;
mod config;
mod detector;
mod health;
mod outliers;
mod state;
mod statistics;
mod streak;
mod sweep;
mod tally;
pub use accrual::{Accrual, AccrualConfig, AccrualPolicy, AccrualRule, DeadTimes};
pub use change::{Change, Rule};
pub use config::*;
pub use detector::{Broken, Counts, Detector};
pub use health::EndpointHealth;
pub use outliers::Outliers;
pub use statistics::Rates;
