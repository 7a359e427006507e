//! Being called: the listener, its limits and its drain, and the inbound stack around an axum router.
//!
//! A [`Service`](crate::Service) puts all of it together. The pieces work alone: [`MsaLayer`] on an axum app that is
//! served some other way, [`accept::Server`] for any `tower::Service`, [`signal::Shutdown`] for the end of the process.

pub mod accept;
pub mod body;
mod error;
mod extras;
pub mod handler;
mod inbound;
mod layers;
pub mod load;
pub mod signal;
pub(crate) mod stack;

pub use accept::DrainReport;
pub use error::ServerError;
pub use layers::shed::{Overload, ShedFuture, ShedLayer, ShedService};
pub use stack::{MsaLayer, MsaService};
