//! Values with a unit: [`Span`] `250ms`, [`Size`] `64KiB`, [`Rate`] `100/s`, [`Percent`] `50%`; and [`Secret`], a value that is never shown.
//!
//! Each reads its text by `FromStr` and by serde, writes it back in the same form, and tells the JSON Schema what it is.

mod percent;
mod rate;
mod secret;
mod size;
mod span;

pub use percent::Percent;
pub use rate::Rate;
pub use secret::Secret;
pub(super) use secret::reveal;
pub use size::Size;
pub use span::Span;

/// A value's text lacks its unit or cannot be read.
///
/// The message says what the text should look like, and does not repeat the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnitError(pub(super) String);
