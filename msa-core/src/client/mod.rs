//! Calling other services by name.

mod error;
mod options;
pub mod transport;

pub use error::{CallError, CallErrorKind};
pub use options::CallOptions;
