//! One case, and how it ends.

use serde_json::{Map, Value};

use crate::expect::{self, Seen};

/// One line of a file of cases.
#[derive(Debug, serde::Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// Whose behaviour it is: repository, commit, file and test.
    #[serde(default)]
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) config: Map<String, Value>,
    pub(crate) events: Vec<String>,
    pub(crate) expect: Vec<Value>,
    /// File and line.
    #[serde(skip)]
    pub(crate) place: String,
}

/// How a case ended: well, or with the first trouble that was met.
pub(crate) type Verdict = Result<(), Trouble>;

/// Why a case did not pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Trouble {
    /// The policy does otherwise.
    Failed(String),
    /// No setting, event or reading stands for what the case asks.
    NotExpressible(String),
}

impl Trouble {
    /// The policy does otherwise.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(what.into())
    }

    /// No setting, event or reading stands for what the case asks.
    pub(crate) fn inexpressible(what: impl Into<String>) -> Self {
        Self::NotExpressible(what.into())
    }

    /// The driver does not know this event.
    pub(crate) fn unknown_event(event: &str) -> Self {
        Self::NotExpressible(format!("the event `{event}` is not known"))
    }

    fn at(self, step: usize, event: &str) -> Self {
        let place = |what| format!("step {step} `{event}`: {what}");
        match self {
            Self::Failed(what) => Self::Failed(place(what)),
            Self::NotExpressible(what) => Self::NotExpressible(place(what)),
        }
    }
}

impl Case {
    /// What it is counted under: its kind, and its semantics where a kind has several.
    pub(crate) fn family(&self) -> String {
        match self.config.get("semantics").and_then(Value::as_str) {
            Some(semantics) => format!("{} ({semantics})", self.kind),
            None => self.kind.clone(),
        }
    }

    /// Does one event after the other and compares what `step` saw after each with what the case expects there.
    ///
    /// `step` gets the event and the expected fields (empty where nothing is asserted), of which it needs to know only
    /// such as have no value of their own, and returns every reading it can take. An expected field that it did not
    /// return is not expressible.
    pub(crate) fn play(
        &self,
        mut step: impl FnMut(&str, &Map<String, Value>) -> Result<Seen, Trouble>,
    ) -> Verdict {
        if self.events.len() != self.expect.len() {
            let (events, expect) = (self.events.len(), self.expect.len());
            let what = format!("{events} events and {expect} expectations");
            return Err(Trouble::Failed(what));
        }
        let nothing = Map::new();
        for (number, (event, expect)) in (1..).zip(self.events.iter().zip(&self.expect)) {
            let wanted = match expect {
                Value::Null => &nothing,
                Value::Object(fields) => fields,
                other => {
                    let what = format!("`{other}` is neither null nor an object of fields");
                    return Err(Trouble::NotExpressible(what).at(number, event));
                }
            };
            step(event, wanted)
                .and_then(|seen| expect::compare(wanted, &seen))
                .map_err(|trouble| trouble.at(number, event))?;
        }
        Ok(())
    }
}
