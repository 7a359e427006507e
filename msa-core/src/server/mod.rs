//! Being called: the inbound stack around an axum router.

mod error;
mod layers;
mod stack;

pub use error::ServerError;
pub use stack::{MsaLayer, MsaService};
