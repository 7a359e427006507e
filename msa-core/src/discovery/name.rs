//! How a service's name is compared.

use std::borrow::Cow;

/// The one spelling of a service's name.
///
/// Lower case, since hosts in URLs are; `_` becomes `-`, since a configuration key and an environment variable cannot
/// hold the latter; one trailing dot goes, since DNS reads the same name without it. So `USER_SERVICE`,
/// `user-service` and `user-service.` are one service. Whoever keeps something by service name keeps it under this
/// spelling.
///
/// ```
/// use msa_core::discovery::normalize;
///
/// assert_eq!(normalize("User_Service."), "user-service");
/// assert!(matches!(normalize("user-service"), std::borrow::Cow::Borrowed(_)));
/// ```
#[must_use]
pub fn normalize(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.contains(|c: char| c == '_' || c.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase().replace('_', "-"))
    } else {
        Cow::Borrowed(name)
    }
}
