//! What a process wrote, line by line, and the access log within.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Deserialize;
use serde_json::Value;

/// One line that a process wrote.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// The line, without its end. Bytes that are no UTF-8 are replaced.
    pub raw: String,
    /// The line as JSON, when it is a JSON object.
    pub json: Option<Value>,
}

impl LogLine {
    /// Whether the line is an event of `target` with `message`.
    #[must_use]
    pub fn is(&self, target: &str, message: &str) -> bool {
        self.field("target") == Some(target) && self.field("message") == Some(message)
    }

    /// A field of the event that is a string.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.json.as_ref()?.get(name)?.as_str()
    }
}

/// One request as the service that answered it logged it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AccessLine {
    /// The service that wrote the line.
    pub service: String,
    /// The global transaction.
    pub gtxid: String,
    /// The hop.
    pub ltxid: u32,
    /// The call within the transaction.
    pub branch: String,
    /// The method.
    pub method: String,
    /// The matched route; absent when none matched.
    #[serde(default)]
    pub route: Option<String>,
    /// The status; absent when the request was given up before an answer.
    #[serde(default)]
    pub status: Option<u16>,
    /// Milliseconds from the request's head to the end of the answer.
    pub ms: f64,
}

/// Everything a process wrote so far, on both of its streams.
#[derive(Debug, Default)]
pub struct Log {
    lines: Mutex<Vec<LogLine>>,
}

impl Log {
    /// Every line so far, in the order of arrival.
    #[must_use]
    pub fn lines(&self) -> Vec<LogLine> {
        self.guard().clone()
    }

    /// The lines behind the first `seen`.
    #[must_use]
    pub fn since(&self, seen: usize) -> Vec<LogLine> {
        self.guard().get(seen..).unwrap_or_default().to_vec()
    }

    /// The first line that `wanted` accepts.
    #[must_use]
    pub fn find(&self, wanted: impl Fn(&LogLine) -> bool) -> Option<LogLine> {
        self.guard().iter().find(|line| wanted(line)).cloned()
    }

    /// The access log so far.
    #[must_use]
    pub fn access(&self) -> Vec<AccessLine> {
        self.guard()
            .iter()
            .filter(|line| line.field("target") == Some("msa::access"))
            .filter_map(|line| serde_json::from_value(line.json.clone()?).ok())
            .collect()
    }

    /// The access log of one transaction so far.
    #[must_use]
    pub fn access_of(&self, gtxid: &str) -> Vec<AccessLine> {
        let mut lines = self.access();
        lines.retain(|line| line.gtxid == gtxid);
        lines
    }

    /// The last `count` lines.
    #[must_use]
    pub fn tail(&self, count: usize) -> Vec<String> {
        let lines = self.guard();
        let skipped = lines.len().saturating_sub(count);
        lines
            .iter()
            .skip(skipped)
            .map(|line| line.raw.clone())
            .collect()
    }

    /// Reads `stream` to its end.
    pub(crate) fn follow(&self, stream: impl Read) {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return, // the process closed the stream, or is gone
                Ok(_) => {}
            }
            let raw = String::from_utf8_lossy(&bytes)
                .trim_end_matches(['\n', '\r'])
                .to_owned();
            let json = serde_json::from_str(&raw).ok().filter(Value::is_object);
            self.guard().push(LogLine { raw, json });
        }
    }

    fn guard(&self) -> MutexGuard<'_, Vec<LogLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTENING: &str =
        r#"{"target":"msa::lifecycle","message":"listening","addr":"127.0.0.1:41"}"#;
    const ACCESS: &str = r#"{"timestamp":"t","level":"INFO","target":"msa::access","service":"user-service","gtxid":"g1","ltxid":2,"branch":"1.1","message":"request","method":"GET","route":"/users/{id}","status":200,"ms":1.25}"#;

    #[test]
    fn lines_that_are_no_json_are_kept_but_never_taken_for_events() {
        let log = Log::default();
        log.follow(format!("panicked at \u{1b}[31m\n{LISTENING}\n\"text\"\n{ACCESS}").as_bytes());
        assert_eq!(log.lines().len(), 4);
        let found = log.find(|line| line.is("msa::lifecycle", "listening"));
        assert_eq!(found.unwrap().field("addr"), Some("127.0.0.1:41"));
        assert_eq!(log.access().len(), 1);
        assert_eq!(log.access_of("g1")[0].route.as_deref(), Some("/users/{id}"));
        assert!(log.access_of("g2").is_empty());
        assert_eq!(log.tail(1), [ACCESS]);
    }
}
