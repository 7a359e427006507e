//! A log line of a policy, in words.

use msa_tests::LogLine;

/// What a policy told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A state changed: worth a line of its own.
    State(String),
    /// A single call's fate: worth counting.
    Call(String),
}

impl Told {
    /// What the line of the process `who` tells, if it is a policy's; `name` knows the instances by their addresses.
    pub(super) fn of(line: &LogLine, who: &str, name: impl Fn(&str) -> String) -> Option<Self> {
        if line.field("target") != Some("msa::policy") {
            return None;
        }
        let field = |key| line.field(key).unwrap_or_default();
        let (upstream, reason) = (field("upstream"), field("reason"));
        let endpoint = name(field("endpoint"));
        let whose = if endpoint.is_empty() {
            upstream
        } else {
            &endpoint
        };
        let flag = |key| line.json.as_ref()?.get(key)?.as_bool();
        let dark = if flag("dark") == Some(true) {
            ", only reported"
        } else {
            ""
        };
        Some(match field("message") {
            "breaker changed" => {
                let (from, to) = (field("from"), field("to"));
                Self::State(format!(
                    "{who}: breaker of {whose}: {from} -> {to} ({reason}{dark})"
                ))
            }
            "ejected" => Self::State(format!("{who}: {whose} ejected ({reason}{dark})")),
            "returned" => Self::State(format!("{who}: {whose} taken back")),
            "draining" => Self::State(format!("{who}: {whose} says it is draining")),
            "panic mode" if flag("on") == Some(true) => Self::State(format!(
                "{who}: too few of {upstream} are healthy, so all are tried"
            )),
            "panic mode" => Self::State(format!("{who}: enough of {upstream} are healthy again")),
            "retried" => Self::Call(format!("retries of {upstream} ({reason}{dark})")),
            "not retried" => Self::Call(format!("no retry of {upstream} ({reason})")),
            "hedged" => Self::Call(format!("hedges of {upstream}")),
            "refused" => Self::Call(format!(
                "calls of {upstream} refused ({}{dark})",
                field("policy")
            )),
            "timed out" => Self::Call(format!("time limits of {upstream} ({})", field("limit"))),
            "fell back" => Self::Call(format!(
                "fallbacks for {upstream} ({}, {reason})",
                field("how")
            )),
            "shed" => Self::Call(format!("requests shed by {who} ({reason}{dark})")),
            "fault injected" => Self::Call(format!("faults at {who} ({})", field("fault"))),
            other => Self::Call(format!("{other} {upstream}")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(json: Value) -> Option<Told> {
        let line = LogLine {
            raw: json.to_string(),
            json: Some(json),
        };
        Told::of(&line, "shop", |addr| match addr {
            "127.0.0.1:7" => "stock#2".to_owned(),
            other => other.to_owned(),
        })
    }

    #[test]
    fn a_transition_names_the_instance_and_a_retry_its_reason() {
        let opened = json!({
            "target": "msa::policy", "message": "breaker changed", "upstream": "stock", "endpoint": "127.0.0.1:7",
            "from": "closed", "to": "open", "reason": "connect_failures", "dark": false,
        });
        let words = "shop: breaker of stock#2: closed -> open (connect_failures)";
        assert_eq!(told(opened), Some(Told::State(words.to_owned())));
        let retried = json!({
            "target": "msa::policy", "message": "retried", "upstream": "stock", "reason": "connect", "dark": true,
        });
        let words = "retries of stock (connect, only reported)";
        assert_eq!(told(retried), Some(Told::Call(words.to_owned())));
        assert_eq!(
            told(json!({"target": "msa::access", "message": "request"})),
            None
        );
    }
}
