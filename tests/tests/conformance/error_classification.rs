//! The cases of kind `error_classification`: [`ErrorKinds`], the lists of what counts and what does not, and a breaker that opens at
//! the first failure to show it.

use msa_core::clock;
use msa_core::resilience::breaker::{Breaker, BreakerConfig, ErrorKinds, State};
use serde_json::{Value, json};

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step;

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let note = setting.text("note")?.unwrap_or_default();
    let (include, exclude) = (names(&setting, "include")?, names(&setting, "exclude")?);
    let kinds = ErrorKinds::default().include(include).exclude(exclude);
    // Whose lists these are; they are the same type for all.
    setting.get("applies_to");
    let own = setting.object("breaker")?;
    let window = own.as_ref().map_or(Ok(None), |own| own.count("window"))?;
    let window = u32::try_from(window.unwrap_or(1)).unwrap_or(u32::MAX);
    setting.all_known()?;

    case.play(|event, _| {
        let mut counted = Value::Null;
        step::each(event, |one| {
            let Some(("raise", kind)) = one.split_once(':') else {
                return Err(Trouble::unknown_event(one));
            };
            let now = clock::now();
            let breaker = Breaker::seeded(BreakerConfig::microprofile().with_volume(window), 1);
            for _ in 0..window {
                let permit = breaker.try_acquire(now);
                let permit = permit.map_err(|error| Trouble::failed(error.to_string()))?;
                permit.end(kinds.outcome(ancestry(kind, note)), now);
            }
            counted = json!(breaker.state(now) == State::Open);
            Ok(())
        })?;
        Ok(Seen::from([("counted", counted)]))
    })
}

fn names(setting: &Setting<'_>, key: &str) -> Result<Vec<String>, Trouble> {
    let Some(value) = setting.get(key) else {
        return Ok(Vec::new());
    };
    let names = value.as_array().map(|names| {
        let names = names.iter().map(Value::as_str);
        names
            .map(|name| name.map(str::to_owned))
            .collect::<Option<_>>()
    });
    names
        .flatten()
        .ok_or_else(|| Trouble::inexpressible(format!("`{key}` is no list of names: {value}")))
}

/// An error's kind and those above it, as the note of the case tells: `E1<:E0` among other words.
fn ancestry<'n>(kind: &'n str, note: &'n str) -> Vec<&'n str> {
    let mut line = vec![kind];
    while let Some(above) = line.last().and_then(|kind| parent(kind, note)) {
        if line.contains(&above) {
            break;
        }
        line.push(above);
    }
    line
}

fn parent<'n>(kind: &str, note: &'n str) -> Option<&'n str> {
    let words = note.split([' ', ',', ';', ':', '(', ')']);
    // The colon belongs to the sign: `A<:B` is split into `A<` and `B`.
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.windows(2).find_map(|pair| match pair {
        [child, parent] if child.strip_suffix('<') == Some(kind) => Some(*parent),
        _ => None,
    })
}
