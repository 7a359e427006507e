//! What was seen, beside what a case expects.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::case::{Trouble, Verdict};

/// The readings after an event, by field.
pub(crate) type Seen = BTreeMap<&'static str, Value>;

/// A relative difference that a source's single-precision floats can make.
const SINGLE_PRECISION: f64 = 1e-5;

/// Compares every expected field; `note` is a comment, and `tolerance` the absolute difference that numbers may have.
pub(crate) fn compare(wanted: &Map<String, Value>, seen: &Seen) -> Verdict {
    let tolerance = ["tolerance", "tolerance_ms"].map(|field| wanted.get(field));
    let tolerance = tolerance.into_iter().flatten().find_map(Value::as_f64);
    for (field, want) in wanted {
        if field == "note" || field.starts_with("tolerance") {
            continue;
        }
        let (holds, saw) = match (seen.get(field.as_str()), bound(field, want, seen)) {
            (Some(saw), _) => (equal(want, saw, tolerance.unwrap_or_default()), saw),
            (None, Some(bound)) => bound,
            (None, None) => {
                let what = format!("there is no reading `{field}`");
                return Err(Trouble::NotExpressible(what));
            }
        };
        if !holds {
            let what = format!("expected {field} {want}, saw {saw}");
            return Err(Trouble::Failed(what));
        }
    }
    Ok(())
}

/// `x_lt: 3` and its like: a bound on the reading `x`; and `x_lt_ms` on the reading `x_ms`.
fn bound<'s>(field: &str, want: &Value, seen: &'s Seen) -> Option<(bool, &'s Value)> {
    let (field, unit) = match field.strip_suffix("_ms") {
        Some(field) => (field, "_ms"),
        None => (field, ""),
    };
    let (name, relation) = field.rsplit_once('_')?;
    let saw = seen.get(format!("{name}{unit}").as_str())?;
    Some((holds(relation, saw, want)?, saw))
}

fn holds(relation: &str, saw: &Value, want: &Value) -> Option<bool> {
    if let ("between", Value::Array(bounds)) = (relation, want) {
        let saw = saw.as_f64();
        let [least, most] = [bounds.first()?.as_f64()?, bounds.get(1)?.as_f64()?];
        return Some(saw.is_some_and(|saw| (least..=most).contains(&saw)));
    }
    let (low, high) = (saw.as_f64(), want.as_f64()?);
    Some(match relation {
        "lt" => low.is_some_and(|low| low < high),
        "le" => low.is_some_and(|low| low <= high),
        "gt" => low.is_some_and(|low| low > high),
        "ge" => low.is_some_and(|low| low >= high),
        _ => return None,
    })
}

fn equal(want: &Value, saw: &Value, tolerance: f64) -> bool {
    match (want, saw) {
        (Value::Array(want), Value::Array(saw)) => {
            want.len() == saw.len()
                && (want.iter().zip(saw)).all(|(want, saw)| equal(want, saw, tolerance))
        }
        _ => match (want.as_f64(), saw.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() <= tolerance.max(a.abs() * SINGLE_PRECISION),
            _ => want == saw,
        },
    }
}
