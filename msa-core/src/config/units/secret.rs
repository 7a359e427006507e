//! A value that is never shown.

use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is never shown: a password, a token, a URL with one in it.
///
/// `Debug`, `Display` and `Serialize` write `***`; only [`Secret::expose`] tells. The JSON Schema marks it `writeOnly`, which
/// is also how any other field can be hidden from `--print-config` and from errors:
/// `#[schemars(extend("writeOnly" = true))]`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides this text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself; hand it to whom it is for, and to no log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The same as [`Secret::expose`], for symmetry with the other units.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl FromStr for Secret {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

thread_local! {
    static REVEALED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work` with secrets serialized as they are.
///
/// Only for the loader's defaults layer: a default is serialized, merged and deserialized again, and a secret must come
/// through that unharmed. Nothing written inside leaves the module.
pub(in crate::config) fn reveal<T>(work: impl FnOnce() -> T) -> T {
    struct Hide(bool);
    impl Drop for Hide {
        fn drop(&mut self) {
            REVEALED.set(self.0);
        }
    }
    let _hide = Hide(REVEALED.replace(true));
    work()
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(if REVEALED.get() { &self.0 } else { "***" })
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "password", "writeOnly": true })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_shows_itself_only_when_asked() {
        let secret = Secret::new("hunter2");
        assert_eq!(secret.expose(), "hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "*** *** ***");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
        assert_eq!(
            reveal(|| serde_json::to_string(&secret).unwrap()),
            "\"hunter2\""
        );
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }
}
