//! The cases of kind `retry_condition`: [`Conditions`] in Envoy's words, asked by a call of [`Retry`].

use http::{HeaderMap, HeaderName, HeaderValue};
use msa_core::clock;
use msa_core::event::RetryRefusal;
use msa_core::resilience::budget::Budget;
use msa_core::resilience::retry::{Answer, Circumstances, Conditions, Decision, Ending, Retry};
use serde_json::json;

use crate::case::{Case, Trouble, Verdict};
use crate::expect::Seen;
use crate::setting::Setting;
use crate::step;

pub(crate) fn run(case: &Case) -> Verdict {
    let setting = Setting::new(&case.config);
    let retries = setting.count("max_retries")?.unwrap_or(1);
    let retries = u32::try_from(retries).unwrap_or(u32::MAX);
    let default = setting.text("on")?;
    setting.all_known()?;

    case.play(|event, _| {
        let (on, what) = match event.strip_prefix("on=") {
            Some(rest) => rest.split_once(' ').unwrap_or((rest, "")),
            None => (default.unwrap_or_default(), event),
        };
        let retry = Retry::default()
            .max_retries(retries)
            .budget(Budget::Unlimited)
            .on(conditions(on)?);
        let ending = ending(what, event)?;
        let circumstances = Circumstances::default();
        let mut call = retry.begin(clock::now());
        let mut ask = || call.after(&ending, &circumstances, clock::now);
        let again = ask().delay().is_some();
        if again {
            // The same failure again and again is over the limit at last.
            let rest: Vec<Decision> = (0..retries).map(|_| ask()).collect();
            let over = Some(&Decision::Refused(RetryRefusal::Exhausted));
            if rest.last() != over {
                return Err(Trouble::failed(format!(
                    "after {retries} retries: {rest:?}"
                )));
            }
        }
        Ok(Seen::from([("retry", json!(again))]))
    })
}

fn conditions(names: &str) -> Result<Conditions, Trouble> {
    let plain = |name: &str| {
        let name = name.trim();
        let cut = ["status-codes:", "retriable-status-codes:", "grpc:"];
        let cut = cut.iter().find_map(|prefix| name.strip_prefix(prefix));
        cut.unwrap_or(name).to_owned()
    };
    let names: Vec<String> = names.split(',').map(plain).collect();
    let names = names.join(",");
    names
        .parse()
        .map_err(|error| Trouble::inexpressible(format!("`{names}`: {error}")))
}

fn ending(what: &str, event: &str) -> Result<Ending, Trouble> {
    let without_response = [
        ("connection reset", Ending::Reset),
        ("remote reset", Ending::Reset),
        ("local overflow", Ending::Refused),
        ("connect", Ending::NotConnected),
        ("stream refused", Ending::NotProcessed),
        ("refused stream", Ending::NotProcessed),
        ("per try timeout", Ending::TimedOut),
        ("attempt timeout", Ending::TimedOut),
    ];
    let known = |(start, _): &&(&str, Ending)| what.starts_with(start);
    if let Some((_, ending)) = without_response.iter().find(known) {
        return Ok(*ending);
    }
    let (mut status, mut headers) = (200, HeaderMap::new());
    let mut words = what.split_whitespace();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Trouble::unknown_event(event));
        match word {
            "status" => status = step::number(value()?, event)?,
            "marked" => {
                let name = value()?.parse::<HeaderName>();
                let name = name.map_err(|_| Trouble::unknown_event(event))?;
                headers.insert(name, HeaderValue::from_static("true"));
            }
            "grpc-status" => {
                let code = value()?.parse::<HeaderValue>();
                headers.insert(
                    "grpc-status",
                    code.map_err(|_| Trouble::unknown_event(event))?,
                );
            }
            _ => return Err(Trouble::unknown_event(event)),
        }
    }
    Ok(Answer::read(status, &headers, clock::now()).into())
}
