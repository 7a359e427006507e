//! A transaction across processes: whom to ask, and where each answer belongs.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream;

use super::Shown;
use super::ask::{self, Place};
use crate::clock::{self, Instant};
use crate::discovery::Endpoint;
use crate::telemetry::journal::{AttemptEntry, Entry};
use crate::txn::Gtxid;

/// So many processes are asked by one, at most.
const PLACES: usize = 32;

/// So many of them at once.
const AT_ONCE: usize = 8;

/// What is asked of other processes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) gtxid: Gtxid,
    /// So many hops may be asked below this one.
    pub(super) hops: u32,
    /// Everybody has to have answered by then.
    pub(super) until: Instant,
}

/// What a place was asked, and what it said.
struct Answer {
    place: Place,
    said: Result<Vec<Entry>, String>,
}

/// The entries with what the called processes know below their attempts.
pub(super) async fn complete(
    shown: &Shown,
    mut entries: Vec<Entry>,
    question: &Question,
) -> Vec<Entry> {
    if question.hops == 0 {
        each_attempt(&mut entries, |_, _, attempt| {
            attempt.unknown = Some("deeper processes are not asked".to_owned());
        });
        return entries;
    }
    let places = Places::of(shown);
    // The branches that each place is asked for; calls of one place are asked together.
    let mut asked: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
    each_attempt(&mut entries, |service, branch, attempt| {
        match places.find(shown, service, &attempt.endpoint) {
            Ok(place) if asked.len() < PLACES || asked.contains_key(&place) => {
                asked.entry(place).or_default().insert(branch.to_owned());
            }
            Ok(_) => {
                attempt.unknown = Some(format!(
                    "not asked: more than {PLACES} processes were called"
                ));
            }
            Err(why) => attempt.unknown = Some(why),
        }
    });
    let answers: Vec<Answer> = stream::iter(asked)
        .map(|(place, branches)| async move {
            let branches: Vec<String> = branches.into_iter().collect();
            let said = ask::ask(shown, &place, &branches, question).await;
            Answer { place, said }
        })
        .buffer_unordered(AT_ONCE)
        .take_until(tokio::time::sleep_until(question.until))
        .collect()
        .await;
    each_attempt(&mut entries, |service, branch, attempt| {
        if attempt.unknown.is_none()
            && let Ok(place) = places.find(shown, service, &attempt.endpoint)
        {
            put(branch, attempt, &place, &answers);
        }
    });
    without_repetitions(entries)
}

/// Puts what was answered where it belongs.
fn put(branch: &str, attempt: &mut AttemptEntry, place: &Place, answers: &[Answer]) {
    let answer = answers.iter().find(|answer| answer.place == *place);
    let unknown = match answer.map(|answer| &answer.said) {
        Some(Ok(entries)) => {
            let of = |entry: &&Entry| entry.branch == branch && entry.attempt == attempt.number;
            match entries.iter().find(of) {
                Some(entry) => {
                    attempt.served = Some(Box::new(entry.clone()));
                    return;
                }
                None => format!(
                    "the process there now (management port {}) keeps nothing of this attempt: it did not arrive, or the process \
                     that took it has ended",
                    place.port
                ),
            }
        }
        Some(Err(why)) => format!("the process does not tell: {why}"),
        None => format!(
            "the process does not tell: no answer from its management port {} in time",
            place.port
        ),
    };
    attempt.unknown = Some(unknown);
}

/// A service that comes by a second time below itself is shown where it was called.
fn without_repetitions(entries: Vec<Entry>) -> Vec<Entry> {
    fn name(entry: &Entry) -> (String, String, u32) {
        (entry.instance.clone(), entry.branch.clone(), entry.attempt)
    }
    fn collect(entry: &Entry, below: &mut BTreeSet<(String, String, u32)>) {
        let attempts = entry.calls.iter().flat_map(|call| &call.attempts);
        for served in attempts.filter_map(|attempt| attempt.served.as_deref()) {
            below.insert(name(served));
            collect(served, below);
        }
    }
    let mut below = BTreeSet::new();
    for entry in &entries {
        collect(entry, &mut below);
    }
    entries
        .into_iter()
        .filter(|entry| !below.contains(&name(entry)))
        .collect()
}

/// Each attempt with the service and the branch of its call.
fn each_attempt(entries: &mut [Entry], mut run: impl FnMut(&str, &str, &mut AttemptEntry)) {
    for call in entries.iter_mut().flat_map(|entry| &mut entry.calls) {
        for attempt in &mut call.attempts {
            run(&call.service, &call.branch, attempt);
        }
    }
}

/// Where management listeners are, by what discovery says.
struct Places(BTreeMap<(String, String), Option<String>>);

impl Places {
    fn of(shown: &Shown) -> Self {
        let services = shown.client.services(clock::now()).into_iter();
        let known = services.filter(|service| !service.plain);
        let each = known.flat_map(|service| {
            let name = service.service;
            service.endpoints.into_iter().map(move |endpoint| {
                let label = endpoint.labels.get("admin").cloned();
                ((name.clone(), endpoint.endpoint), label)
            })
        });
        Self(each.collect())
    }

    fn find(&self, shown: &Shown, service: &str, endpoint: &str) -> Result<Place, String> {
        let host = format!("http://{endpoint}")
            .parse::<Endpoint>()
            .map_err(|error| error.to_string())?;
        let host = host.host().to_string();
        let key = (service.to_owned(), endpoint.to_owned());
        match self.0.get(&key) {
            // Strangers, too, could name a port.
            None => {
                return Err("not asked: discovery does not list it, or not any more".to_owned());
            }
            Some(Some(label)) => return Place::labelled(label, &host),
            Some(None) => {}
        }
        if let Some(port) = shown.journal.admin_port(endpoint) {
            return Ok(Place::told(host, port));
        }
        Err(
            "its management listener is not known: its endpoint has no label `admin`, and no answer of it told a port".to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::journal::CallEntry;

    fn entry(instance: &str, branch: &str) -> Entry {
        Entry {
            instance: instance.to_owned(),
            branch: branch.to_owned(),
            attempt: 1,
            ..Entry::default()
        }
    }

    fn calls(mut entry: Entry, branch: &str, served: Option<Entry>) -> Entry {
        let attempt = AttemptEntry {
            number: 1,
            endpoint: "10.0.0.1:80".to_owned(),
            served: served.map(Box::new),
            ..AttemptEntry::default()
        };
        entry.calls.push(CallEntry {
            branch: branch.to_owned(),
            attempts: vec![attempt],
            ..CallEntry::default()
        });
        entry
    }

    #[test]
    fn a_service_that_is_called_from_below_is_shown_once() {
        let again = entry("a", "1.1.1");
        let below = calls(entry("b", "1.1"), "1.1.1", Some(again.clone()));
        let top = calls(entry("a", "1"), "1.1", Some(below));
        let left = without_repetitions(vec![top.clone(), again, entry("a", "1.9")]);
        assert_eq!(left, [top, entry("a", "1.9")]);
    }

    #[test]
    fn an_attempt_gets_the_answer_of_its_own_branch_and_number() {
        let place = Place::told("10.0.0.1".to_owned(), 9090);
        let mut other = entry("b", "1.1");
        other.attempt = 2;
        let said = |entries: Result<Vec<Entry>, String>| {
            let mut attempt = calls(entry("a", "1"), "1.1", None)
                .calls
                .remove(0)
                .attempts
                .remove(0);
            let answer = Answer {
                place: place.clone(),
                said: entries,
            };
            put("1.1", &mut attempt, &place, &[answer]);
            (
                attempt.served.is_some(),
                attempt.unknown.unwrap_or_default(),
            )
        };
        assert!(said(Ok(vec![entry("b", "1.1")])).0);
        let (served, why) = said(Ok(vec![other, entry("b", "1.2")]));
        assert!(
            !served && why.contains("keeps nothing of this attempt"),
            "{why}"
        );
        let (served, why) = said(Err("connection refused".to_owned()));
        assert!(!served && why.contains("connection refused"), "{why}");
    }
}
