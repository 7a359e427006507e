//! After which answers and failures a call is tried again.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::config::units::UnitError;

/// An answer or a failure after which a call may be tried again. The names are Envoy's
/// (`x-envoy-retry-on`, `x-envoy-retry-grpc-on`), and a status is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetryCondition {
    /// `5xx`: any status from 500, or no response at all.
    ServerError,
    /// `gateway-error`: 502, 503 or 504, or no response at all.
    GatewayError,
    /// `reset`: no response at all: not connected, not processed, connection broken, attempt timeout.
    Reset,
    /// `connect-failure`: no connection could be made.
    ConnectFailure,
    /// `refused-stream`: the connection or stream was given up before the request was processed.
    RefusedStream,
    /// `attempt-timeout`: no response within the attempt's time.
    AttemptTimeout,
    /// `retriable-4xx`: 409, which Envoy takes for a conflict that passes.
    Retriable4xx,
    /// `envoy-ratelimited`: an answer marked `x-envoy-ratelimited`, which is not tried again otherwise.
    RateLimited,
    /// This status, 100 to 599.
    Status(u16),
    /// This gRPC status, 1 to 16, by its name in lower case: `unavailable`, `deadline-exceeded`.
    Grpc(u8),
}

const NAMES: [(&str, RetryCondition); 8] = [
    ("5xx", RetryCondition::ServerError),
    ("gateway-error", RetryCondition::GatewayError),
    ("reset", RetryCondition::Reset),
    ("connect-failure", RetryCondition::ConnectFailure),
    ("refused-stream", RetryCondition::RefusedStream),
    ("attempt-timeout", RetryCondition::AttemptTimeout),
    ("retriable-4xx", RetryCondition::Retriable4xx),
    ("envoy-ratelimited", RetryCondition::RateLimited),
];

/// gRPC's statuses from 1 on (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>).
const GRPC: [&str; 16] = [
    "cancelled",
    "unknown",
    "invalid-argument",
    "deadline-exceeded",
    "not-found",
    "already-exists",
    "permission-denied",
    "resource-exhausted",
    "failed-precondition",
    "aborted",
    "out-of-range",
    "unimplemented",
    "internal",
    "unavailable",
    "data-loss",
    "unauthenticated",
];

impl FromStr for RetryCondition {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        let text = text.trim();
        if let Some((_, named)) = NAMES.iter().find(|(name, _)| *name == text) {
            return Ok(*named);
        }
        if let Some((_, code)) = GRPC.iter().zip(1..).find(|(name, _)| **name == text) {
            return Ok(Self::Grpc(code));
        }
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        let status = digits.then(|| text.parse().ok()).flatten();
        status
            .filter(|status| (100..600).contains(status))
            .map(Self::Status)
            .ok_or_else(|| {
                let names = NAMES.map(|(name, _)| name).join("`, `");
                UnitError(format!(
                    "needs a status such as 503, a gRPC status such as `unavailable`, or one of `{names}`"
                ))
            })
    }
}

impl fmt::Display for RetryCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Grpc(code) => {
                let name = GRPC.iter().zip(1..).find(|(_, named)| named == code);
                f.write_str(name.map_or("unknown", |(name, _)| name))
            }
            _ => {
                let name = NAMES.iter().find(|(_, named)| named == self);
                f.write_str(name.map_or("", |(name, _)| name))
            }
        }
    }
}

impl Serialize for RetryCondition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for RetryCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = RetryCondition;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a status such as 503, or a name such as `connect-failure`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<RetryCondition, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, status: u64) -> Result<RetryCondition, E> {
                self.visit_str(&status.to_string())
            }

            fn visit_i64<E: de::Error>(self, status: i64) -> Result<RetryCondition, E> {
                self.visit_str(&status.to_string())
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl JsonSchema for RetryCondition {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RetryCondition".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "retry-condition", "examples": ["503", "connect-failure"] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_reads_what_it_writes() {
        let statuses = [100, 429, 599].map(RetryCondition::Status);
        let named = NAMES.map(|(_, named)| named).into_iter();
        for condition in named
            .chain(statuses)
            .chain((1..=16).map(RetryCondition::Grpc))
        {
            assert_eq!(condition.to_string().parse(), Ok(condition));
            let json = serde_json::to_value(condition).unwrap();
            let back: RetryCondition = serde_json::from_value(json).unwrap();
            assert_eq!(back, condition);
        }
        let number: RetryCondition = serde_json::from_str("503").unwrap();
        assert_eq!(number, RetryCondition::Status(503));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["", "5XX", "99", "600", "0503", "+503", "reset,5xx", "4xx"] {
            assert!(text.parse::<RetryCondition>().is_err(), "{text}");
        }
    }
}
