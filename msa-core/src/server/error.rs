//! Why a service cannot be served.

/// A service cannot be built or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// A setting names a header that cannot exist.
    #[error("`{name}` in {key} is not a header's name: use letters, digits and `-`")]
    HeaderName {
        /// The setting.
        key: &'static str,
        /// What it says.
        name: String,
    },
}
