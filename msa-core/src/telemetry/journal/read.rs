//! From a page's bytes to what is shown of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, UNIX_EPOCH};

use super::bytes::Take;
use super::entry::{AttemptEntry, CallEntry, Decision, Entry, OutcomeEntry, Summary};
use super::note::{self, Ended, Note, What};
use super::page::{Page, Writing};
use super::said::{DECISIONS, Said};
use crate::txn::Branch;

/// What a page begins with.
struct Head<'b> {
    started: u64,
    ltxid: u32,
    branch: &'b str,
    attempt: u32,
    peer: Option<IpAddr>,
    method: &'b str,
    route: &'b str,
}

/// Reads a whole page.
pub(super) fn entry(page: &Page, service: &str, instance: &str) -> Entry {
    let writing = page.writing();
    let mut bytes = Take::new(&writing.bytes);
    let Some(head) = head(&mut bytes) else {
        return Entry::default(); // never: a page is opened with its head
    };
    let mut entry = Entry {
        service: service.to_owned(),
        instance: instance.to_owned(),
        gtxid: page.gtxid.to_string(),
        ltxid: head.ltxid,
        branch: head.branch.to_owned(),
        attempt: head.attempt,
        peer: head.peer.map(|peer| peer.to_string()),
        method: some(head.method),
        route: some(head.route),
        started: rfc3339(head.started),
        left_out: writing.left_out,
        ..Entry::default()
    };
    (entry.ms, entry.status) = end(&writing);
    let branch: Option<Branch> = head.branch.parse().ok();
    let mut numbers = Vec::new();
    while let Some(note) = note::take(&mut bytes) {
        if note.call == 0 {
            if let What::Decided(said) = note.what {
                push(&mut entry.decisions, decision(&note, &said));
            }
            continue;
        }
        let index = numbers.iter().position(|number| *number == note.call);
        let index = index.unwrap_or_else(|| {
            numbers.push(note.call);
            let branch = branch.map(|branch| branch.child(note.call).to_string());
            entry.calls.push(CallEntry {
                branch: branch.unwrap_or_default(),
                at_ms: ms(note.at),
                ..CallEntry::default()
            });
            entry.calls.len() - 1
        });
        if let Some(call) = entry.calls.get_mut(index) {
            add(call, &note);
        }
    }
    entry
}

/// Reads what the list shows of a page.
pub(super) fn summary(page: &Page) -> Summary {
    let writing = page.writing();
    let Some(head) = head(&mut Take::new(&writing.bytes)) else {
        return Summary::default(); // never: a page is opened with its head
    };
    let (ms, status) = end(&writing);
    Summary {
        gtxid: page.gtxid.to_string(),
        branch: head.branch.to_owned(),
        method: some(head.method),
        route: some(head.route),
        started: rfc3339(head.started),
        ms,
        status,
    }
}

fn head<'b>(bytes: &mut Take<'b>) -> Option<Head<'b>> {
    Some(Head {
        started: bytes.number()?,
        ltxid: bytes.small()?,
        branch: bytes.text()?,
        attempt: bytes.small()?,
        peer: match bytes.byte()? {
            4 => Some(IpAddr::V4(Ipv4Addr::from(octets(bytes)?))),
            16 => Some(IpAddr::V6(Ipv6Addr::from(octets(bytes)?))),
            _ => None,
        },
        method: bytes.text()?,
        route: bytes.text()?,
    })
}

fn octets<const N: usize>(bytes: &mut Take<'_>) -> Option<[u8; N]> {
    let mut octets = [0; N];
    for octet in &mut octets {
        *octet = bytes.byte()?;
    }
    Some(octets)
}

fn end(writing: &Writing) -> (Option<f64>, Option<u16>) {
    let status = writing.end.map(|end| end.status);
    (
        writing.end.map(|end| ms(end.took)),
        status.filter(|status| *status != 0),
    )
}

fn add(call: &mut CallEntry, note: &Note<'_>) {
    match note.what {
        What::CallBegan {
            service,
            method,
            path,
        } => {
            call.service = service.to_owned();
            call.method = method.to_owned();
            call.path = path.to_owned();
        }
        What::Picked { attempt, endpoint } => call.attempts.push(AttemptEntry {
            number: attempt,
            endpoint: endpoint.to_owned(),
            at_ms: ms(note.at),
            ..AttemptEntry::default()
        }),
        What::AttemptEnded {
            attempt,
            took,
            ended,
            ..
        } => {
            let began = call.attempts.iter_mut().rev();
            if let Some(began) = began.into_iter().find(|one| one.number == attempt) {
                began.ms = Some(ms(took));
                began.outcome = outcome(ended);
            }
        }
        What::CallEnded { took, ended } => {
            call.ms = Some(ms(took));
            call.outcome = outcome(ended);
        }
        What::Decided(said) => push(&mut call.decisions, decision(note, &said)),
    }
}

fn outcome(ended: Ended<'_>) -> OutcomeEntry {
    let mut outcome = OutcomeEntry::default();
    match ended {
        Ended::Status(status) => outcome.status = Some(status),
        Ended::Failed(kind) => outcome.failed = Some(kind.to_owned()),
        Ended::Cancelled => outcome.failed = Some("cancelled".to_owned()),
    }
    outcome
}

fn decision(note: &Note<'_>, said: &Said<'_>) -> Decision {
    let what = DECISIONS.get(usize::from(said.kind));
    Decision {
        at_ms: ms(note.at),
        what: what.copied().unwrap_or_default().to_owned(),
        service: said.service.to_owned(),
        endpoint: said.endpoint.to_owned(),
        attempt: said.attempt,
        reason: said.reason.to_owned(),
        detail: said.detail.to_owned(),
        time_ms: (said.time > 0).then(|| ms(said.time)),
        times: 0,
        dark: said.dark,
    }
}

/// What is decided several times in a row is told once.
fn push(decisions: &mut Vec<Decision>, next: Decision) {
    if let Some(last) = decisions.last_mut() {
        let again = Decision {
            at_ms: last.at_ms,
            times: last.times,
            ..next.clone()
        };
        if again == *last {
            last.times = last.times.max(1) + 1;
            return;
        }
    }
    decisions.push(next);
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

// Casts: microseconds are exact up to 285 years
fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

fn rfc3339(unix_us: u64) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_micros(unix_us));
    time.map(|time| humantime::format_rfc3339_micros(time).to_string())
        .unwrap_or_default()
}
