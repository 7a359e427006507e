//! Reading a case's `config`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::case::{Trouble, Verdict};

/// An object of a case's configuration, which knows what was asked of it: a key that nobody reads would be a setting
/// that the policy silently does without.
#[derive(Debug)]
pub(crate) struct Setting<'c> {
    fields: &'c Map<String, Value>,
    known: RefCell<BTreeSet<String>>,
}

impl<'c> Setting<'c> {
    pub(crate) fn new(fields: &'c Map<String, Value>) -> Self {
        let known = ["note", "semantics"].map(String::from).into();
        Self {
            fields,
            known: RefCell::new(known),
        }
    }

    /// The value as it stands.
    pub(crate) fn get(&self, key: &str) -> Option<&'c Value> {
        self.known.borrow_mut().insert(key.to_owned());
        self.fields.get(key)
    }

    /// The object under a key.
    pub(crate) fn object(&self, key: &str) -> Result<Option<Setting<'c>>, Trouble> {
        self.typed(key, "an object", |value| value.as_object().map(Self::new))
    }

    /// A word.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'c str>, Trouble> {
        self.typed(key, "a text", Value::as_str)
    }

    /// A number.
    pub(crate) fn number(&self, key: &str) -> Result<Option<f64>, Trouble> {
        self.typed(key, "a number", Value::as_f64)
    }

    /// A count; a whole number of at least 0.
    pub(crate) fn count(&self, key: &str) -> Result<Option<u64>, Trouble> {
        self.typed(key, "a count", Value::as_u64)
    }

    /// Yes or no.
    pub(crate) fn flag(&self, key: &str) -> Result<Option<bool>, Trouble> {
        self.typed(key, "a flag", Value::as_bool)
    }

    /// A length of time, whichever unit its key ends with: `base_ejection` is `base_ejection_ms`, `…_s`, `…_us` or `…_ns`.
    pub(crate) fn time(&self, key: &str) -> Result<Option<Duration>, Trouble> {
        for (unit, nanos) in [("ns", 1.0), ("us", 1e3), ("ms", 1e6), ("s", 1e9)] {
            let key = format!("{key}_{unit}");
            if let Some(value) = self.number(&key)? {
                return Duration::try_from_secs_f64(value * nanos / 1e9)
                    .map(Some)
                    .map_err(|_| {
                        Trouble::inexpressible(format!("`{key}` is no length of time: {value}"))
                    });
            }
        }
        Ok(None)
    }

    /// Tells the keys that nobody asked for: the policy has no such setting. To be called once all is read.
    pub(crate) fn all_known(&self) -> Verdict {
        let known = self.known.borrow();
        match self.fields.keys().find(|key| !known.contains(*key)) {
            Some(key) => Err(Trouble::inexpressible(format!(
                "the setting `{key}` is not known"
            ))),
            None => Ok(()),
        }
    }

    fn typed<T>(
        &self,
        key: &str,
        kind: &str,
        read: impl FnOnce(&'c Value) -> Option<T>,
    ) -> Result<Option<T>, Trouble> {
        match self.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                Trouble::inexpressible(format!("the setting `{key}` is not {kind}: {value}"))
            }),
        }
    }
}
