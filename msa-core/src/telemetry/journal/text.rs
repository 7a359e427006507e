//! Entries as text for people: a tree of calls with bars, outcomes and reasons.

use std::fmt::Write as _;

use super::entry::{AttemptEntry, CallEntry, Decision, Entry, OutcomeEntry};

/// The width of the time line, in characters.
const BAR: usize = 32;

/// The left side is padded to this, so that bars stand below each other; longer lines push theirs.
const LEFT: usize = 84;

/// Deeper trees are cut: no transaction of ours is, and an answer from elsewhere must not exhaust the stack.
const DEEPEST: usize = 64;

/// The tree of a transaction: each entry with its calls, attempts and decisions, and below an attempt what the called process knows.
///
/// Bars show when something ran. Clocks of other processes are not trusted: what an attempt led to is drawn in the middle of it.
#[must_use]
pub fn tree(entries: &[Entry]) -> String {
    let mut tree = Tree {
        text: String::new(),
        from: 0.0,
        whole: 0.0,
    };
    for entry in entries {
        if tree.text.is_empty() {
            let _ = writeln!(tree.text, "transaction {}", clean(&entry.gtxid));
        }
        tree.from = 0.0;
        tree.whole = entry
            .calls
            .iter()
            .map(|call| call.at_ms + call.ms.unwrap_or(0.0))
            .chain(entry.ms)
            .fold(0.001, f64::max);
        tree.entry(entry, 0.0, 0);
    }
    tree.text
}

struct Tree {
    text: String,
    /// The left end of the time line.
    from: f64,
    /// Its length.
    whole: f64,
}

impl Tree {
    /// `at`: when the entry began on the time line.
    fn entry(&mut self, entry: &Entry, at: f64, depth: usize) {
        let what = match (&entry.method, &entry.route) {
            (None, _) => "began a call of its own".to_owned(),
            (Some(method), Some(route)) => format!("{} {}", clean(method), clean(route)),
            (Some(method), None) => format!("{} (no route)", clean(method)),
        };
        let end = match (entry.status, entry.ms) {
            (Some(499), _) => "499, its caller went away".to_owned(),
            (Some(status), _) => status.to_string(),
            (None, Some(_)) => "done".to_owned(),
            (None, None) => "STILL RUNNING".to_owned(),
        };
        let left = format!(
            "{} {} [{}] {what} -> {end} {}",
            clean(&entry.branch),
            clean(&entry.service),
            clean(&entry.instance),
            time(entry.ms),
        );
        self.line(depth, &left, Some((at, entry.ms)));
        if depth == 0 {
            let left = format!("at {}, hop {}", clean(&entry.started), entry.ltxid);
            self.line(1, &left, None);
        }
        if depth >= DEEPEST {
            self.line(depth + 1, "... deeper than is shown", None);
            return;
        }
        self.decisions(&entry.decisions, depth + 1);
        for call in &entry.calls {
            self.call(call, at, depth + 1);
        }
        if entry.left_out > 0 {
            let left = format!(
                "... and {} notes for which there was no room",
                entry.left_out
            );
            self.line(depth + 1, &left, None);
        }
    }

    fn call(&mut self, call: &CallEntry, at: f64, depth: usize) {
        let left = format!(
            "{} calls {}: {} {} -> {} {}",
            clean(&call.branch),
            clean(&call.service),
            clean(&call.method),
            clean(&call.path),
            outcome(&call.outcome, call.ms),
            time(call.ms),
        );
        self.line(depth, &left, Some((at + call.at_ms, call.ms)));
        // Attempts and decisions in the order in which they happened.
        let mut decisions = call.decisions.iter().peekable();
        for attempt in &call.attempts {
            while let Some(before) = decisions.next_if(|one| one.at_ms < attempt.at_ms) {
                self.decision(before, depth + 1);
            }
            self.attempt(attempt, at, depth + 1);
        }
        for decision in decisions {
            self.decision(decision, depth + 1);
        }
    }

    fn attempt(&mut self, attempt: &AttemptEntry, at: f64, depth: usize) {
        let left = format!(
            "attempt {} at {} -> {} {}",
            attempt.number,
            clean(&attempt.endpoint),
            outcome(&attempt.outcome, attempt.ms),
            time(attempt.ms),
        );
        let began = at + attempt.at_ms;
        self.line(depth, &left, Some((began, attempt.ms)));
        if let Some(unknown) = &attempt.unknown {
            self.line(depth + 1, &format!("? {}", clean(unknown)), None);
        }
        if let Some(served) = &attempt.served {
            let spare = attempt.ms.unwrap_or(0.0) - served.ms.unwrap_or(0.0);
            self.entry(served, began + (spare / 2.0).max(0.0), depth + 1);
        }
    }

    fn decisions(&mut self, decisions: &[Decision], depth: usize) {
        for decision in decisions {
            self.decision(decision, depth);
        }
    }

    fn decision(&mut self, decision: &Decision, depth: usize) {
        let mut left = format!("* {}", said(decision));
        if decision.times > 1 {
            left.push_str(&format!(", {} times", decision.times));
        }
        if decision.dark {
            left.push_str(" (dark: only reported)");
        }
        self.line(depth, &left, None);
    }

    fn line(&mut self, depth: usize, left: &str, bar: Option<(f64, Option<f64>)>) {
        let indent = "  ".repeat(depth.min(DEEPEST));
        let start = self.text.len();
        self.text.push_str(&indent);
        self.text.push_str(left.trim_end());
        if let Some((at, ms)) = bar {
            let width = self
                .text
                .get(start..)
                .map_or(0, |line| line.chars().count());
            self.text.push_str(&" ".repeat(LEFT.saturating_sub(width)));
            self.text.push_str(" |");
            self.bar(at, ms);
            self.text.push('|');
        }
        self.text.push('\n');
    }

    /// What is still running reaches to the right end.
    // Casts: between 0 and BAR
    fn bar(&mut self, at: f64, ms: Option<f64>) {
        let place = |time: f64| {
            let share = ((time - self.from) / self.whole).clamp(0.0, 1.0);
            (share * BAR as f64).round() as usize
        };
        let from = place(at).min(BAR - 1);
        let to = ms.map_or(BAR, |ms| place(at + ms)).clamp(from + 1, BAR);
        let sign = if ms.is_some() { "=" } else { "~" };
        self.text.push_str(&" ".repeat(from));
        self.text.push_str(&sign.repeat(to - from));
        self.text.push_str(&" ".repeat(BAR - to));
    }
}

/// One decision in words.
fn said(decision: &Decision) -> String {
    let Decision {
        what,
        attempt,
        time_ms,
        ..
    } = decision;
    let (service, endpoint) = (clean(&decision.service), clean(&decision.endpoint));
    let (reason, detail) = (clean(&decision.reason), clean(&decision.detail));
    let takes = time(*time_ms);
    let subject = [service.as_str(), endpoint.as_str()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    let of = |text: &str| match service.is_empty() {
        true => String::new(),
        false => format!(" {text} {service}"),
    };
    match what.as_str() {
        "passed_over" => format!("passed over {endpoint}: {reason}"),
        "retried" => format!(
            "retried{} as attempt {attempt} after {takes}: {reason}",
            of("by")
        ),
        "not_retried" => format!("not retried{} after attempt {attempt}: {reason}", of("by")),
        "hedged" => format!(
            "hedged{} by attempt {attempt}, after {takes} without an answer",
            of("by")
        ),
        "breaker_changed" => format!("breaker of {subject} is now {detail}: {reason}"),
        "refused" => format!("refused{} by the {reason}", of("at")),
        "timed_out" => format!("timed out{}: {reason} limit of {takes}", of("at")),
        "fell_back" => format!("fell back{} to a {detail}: {reason}", of("at")),
        "coalesced" => format!("shared the answer of an identical call{}", of("to")),
        "cache_hit" => format!("found the answer kept{}", of("by")),
        "ejected" => format!("ejected {subject} for {takes}: {reason}"),
        "returned" => format!("{subject} takes traffic again"),
        "draining" => format!("{subject} is draining"),
        "panic_mode" => format!("panic mode of {service} is {reason}"),
        "shed" => format!("shed ({detail}): {reason}"),
        "fault_injected" => format!("fault injected{}: {reason}", of("at")),
        "loop_refused" => "refused: too many hops".to_owned(),
        "header_rejected" => format!("the header {reason} was not well formed"),
        other => format!("{} {subject} {reason}", clean(other)),
    }
}

fn outcome(outcome: &OutcomeEntry, ms: Option<f64>) -> String {
    match (outcome.status, &outcome.failed) {
        (Some(status), _) => status.to_string(),
        (None, Some(kind)) => clean(kind),
        (None, None) if ms.is_none() => "NO ANSWER YET".to_owned(),
        (None, None) => "done".to_owned(),
    }
}

fn time(ms: Option<f64>) -> String {
    match ms {
        None => String::new(),
        Some(ms) if ms >= 1000.0 => format!("{:.2} s", ms / 1000.0),
        Some(ms) if ms >= 10.0 => format!("{ms:.0} ms"),
        Some(ms) => format!("{ms:.2} ms"),
    }
}

/// What comes from outside must not steer somebody's terminal.
fn clean(text: &str) -> String {
    let visible = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    text.chars().map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            service: "shop".into(),
            instance: "a1".into(),
            gtxid: "0197".into(),
            ltxid: 1,
            branch: "1".into(),
            attempt: 1,
            method: Some("POST".into()),
            route: Some("/orders".into()),
            started: "2026-05-01T00:00:00Z".into(),
            ms: Some(20.0),
            status: Some(503),
            ..Entry::default()
        }
    }

    #[test]
    fn the_tree_tells_each_attempt_and_why_there_was_another() {
        let attempt = |number, at_ms, ms, outcome| AttemptEntry {
            number,
            endpoint: format!("10.0.0.{number}:80"),
            at_ms,
            ms,
            outcome,
            ..AttemptEntry::default()
        };
        let failed = OutcomeEntry {
            failed: Some("connect".into()),
            ..OutcomeEntry::default()
        };
        let mut second = attempt(2, 10.0, None, OutcomeEntry::default());
        second.unknown = Some("it does not answer".into());
        let mut shop = entry();
        shop.calls.push(CallEntry {
            branch: "1.1".into(),
            service: "stock".into(),
            method: "GET".into(),
            path: "/stock/7".into(),
            at_ms: 1.0,
            attempts: vec![attempt(1, 1.0, Some(0.5), failed), second],
            decisions: vec![Decision {
                at_ms: 1.6,
                what: "retried".into(),
                attempt: 2,
                reason: "not_connected".into(),
                time_ms: Some(8.0),
                ..Decision::default()
            }],
            ..CallEntry::default()
        });
        let text = tree(&[shop]);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert!(lines[1].starts_with("1 shop [a1] POST /orders -> 503 20 ms"));
        assert!(lines[3].starts_with("1.1 calls stock: GET /stock/7 -> NO ANSWER YET"));
        assert!(lines[4].starts_with("attempt 1 at 10.0.0.1:80 -> connect 0.50 ms"));
        assert_eq!(
            lines[5],
            "* retried as attempt 2 after 8.00 ms: not_connected"
        );
        assert!(lines[6].starts_with("attempt 2 at 10.0.0.2:80 -> NO ANSWER YET"));
        assert!(
            lines[6].ends_with("|                ~~~~~~~~~~~~~~~~|"),
            "{text}"
        );
        assert_eq!(lines[7], "? it does not answer");
    }

    #[test]
    fn nothing_of_it_can_steer_a_terminal() {
        let mut shop = entry();
        shop.route = Some("/\u{1b}[2J\r\n".into());
        let text = tree(&[shop]);
        assert!(
            !text.chars().any(|c| c.is_control() && c != '\n'),
            "{text:?}"
        );
        assert_eq!(text.lines().count(), 3);
    }
}
