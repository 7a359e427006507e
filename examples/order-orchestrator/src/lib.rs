//! What the four services of the shop share, and nothing of what one of them owns.
//!
//! - [`database`]: an embedded database that makes and migrates itself, and comes back by itself.
//! - [`idempotency`]: the `Idempotency-Key` of a request.
//! - [`items`]: what is ordered, as it travels from service to service.
//! - [`upstream`]: another service's answer, as what it means for one's own caller.

pub mod database;
pub mod idempotency;
pub mod items;
pub mod upstream;
