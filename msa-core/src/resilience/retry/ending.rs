//! How an attempt ended, as far as trying again goes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, header};

use crate::clock::{self, Instant};
use crate::problem::forbids_retry;

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// Well, or so that another attempt would end alike.
    Good,
    /// With these headers, which the [`Conditions`](super::Conditions) judge.
    Answered(Answer),
    /// No connection: nothing can have been processed.
    NotConnected,
    /// The request was certainly not processed: stream refused, graceful GOAWAY, connection closed while idle.
    NotProcessed,
    /// The connection broke before the response's headers. The request may have been processed.
    Reset,
    /// No response within the attempt's time. The request may have been processed.
    TimedOut,
    /// This side refused it: an open breaker, a full bulkhead, a rate limit. Trying again at once would not help.
    Refused,
    /// Badly, says whoever judged it: trying again may help.
    Failed,
}

impl Ending {
    /// Whether the request cannot have been processed, so that any method may be sent again.
    #[must_use]
    pub fn is_unprocessed(&self) -> bool {
        matches!(self, Self::NotConnected | Self::NotProcessed)
    }

    /// Its name in logs and metrics, unless it is a status.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Answered(_) => "status",
            Self::NotConnected => "connect",
            Self::NotProcessed => "not_processed",
            Self::Reset => "reset",
            Self::TimedOut => "attempt_timeout",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// A verdict of yes or no: `true` is a failure that is worth another attempt.
impl From<bool> for Ending {
    fn from(again: bool) -> Self {
        if again { Self::Failed } else { Self::Good }
    }
}

impl From<Answer> for Ending {
    fn from(answer: Answer) -> Self {
        Self::Answered(answer)
    }
}

/// What the headers of a response say about trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The gRPC status, when the headers carry one (an answer without a body).
    pub grpc: Option<u8>,
    /// `x-txn-retry: never`: retries were exhausted below, or the request was shed.
    pub never: bool,
    /// `x-envoy-ratelimited`: a rate limit turned the request away.
    pub rate_limited: bool,
    /// `x-envoy-overloaded`: the peer's proxy dropped the request under load.
    pub overloaded: bool,
    /// The wait that was asked for.
    pub wait: Wait,
}

/// The wait that an answer asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Wait {
    /// None.
    #[default]
    Unsaid,
    /// `Retry-After`: at least so long. The backoff's own wait comes on top, since the second in which all who were turned away
    /// come back would be the next overload.
    AtLeast(Duration),
    /// `grpc-retry-pushback-ms`: exactly so long, and the backoff begins anew.
    Exactly(Duration),
    /// `grpc-retry-pushback-ms` with a negative or unreadable value: not at all.
    Never,
}

const RATE_LIMITED: HeaderName = HeaderName::from_static("x-envoy-ratelimited");
const OVERLOADED: HeaderName = HeaderName::from_static("x-envoy-overloaded");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");

impl Answer {
    /// This status, and no word about trying again.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status,
            grpc: None,
            never: false,
            rate_limited: false,
            overloaded: false,
            wait: Wait::Unsaid,
        }
    }

    /// Reads a response's headers, which arrived at `now`. What is not well formed counts as not there, except for a
    /// pushback, which forbids then, as gRPC says.
    #[must_use]
    pub fn read(status: u16, headers: &HeaderMap, now: Instant) -> Self {
        let grpc = headers.get(GRPC_STATUS).and_then(|code| code.to_str().ok());
        Self {
            status,
            grpc: grpc.and_then(|code| code.trim().parse().ok()),
            never: forbids_retry(headers),
            rate_limited: headers.contains_key(RATE_LIMITED),
            overloaded: headers.contains_key(OVERLOADED),
            wait: match pushback(headers) {
                Wait::Unsaid => retry_after(headers, now).map_or(Wait::Unsaid, Wait::AtLeast),
                said => said,
            },
        }
    }
}

/// One value, whole milliseconds. gRFC A6: "if the value is not a valid, non-negative integer, no retry".
fn pushback(headers: &HeaderMap) -> Wait {
    let mut values = headers.get_all(PUSHBACK).iter();
    match (values.next(), values.next()) {
        (None, _) => Wait::Unsaid,
        (Some(value), None) => {
            let text = value.to_str().unwrap_or_default().trim();
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            match text.parse().ok().filter(|_| digits) {
                Some(ms) => Wait::Exactly(Duration::from_millis(ms)),
                None => Wait::Never,
            }
        }
        (Some(_), Some(_)) => Wait::Never,
    }
}

/// RFC 9110, 10.2.3: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Instant) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    // Counted by the clock that said it, when that told its time: clocks need not agree then.
    let theirs = headers
        .get(header::DATE)
        .and_then(|sent| httpdate::parse_http_date(sent.to_str().ok()?).ok());
    Some(
        date.duration_since(theirs.unwrap_or_else(|| ours(now)))
            .unwrap_or_default(),
    )
}

fn ours(now: Instant) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(clock::unix_ms_at(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        Answer::read(503, &map, clock::now())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let wait = |value| read(&[("retry-after", value)]).wait;
        assert_eq!(wait("2"), Wait::AtLeast(Duration::from_secs(2)));
        assert_eq!(wait("0"), Wait::AtLeast(Duration::ZERO));
        assert_eq!(
            wait("99999999999999999999"),
            Wait::AtLeast(Duration::from_secs(u64::MAX))
        );
        for bad in ["", "-1", "1.5", "soon", "Wed, 21 Oct"] {
            assert_eq!(wait(bad), Wait::Unsaid, "{bad:?}");
        }
        assert_eq!(
            wait("Thu, 01 Jan 1970 00:00:00 GMT"),
            Wait::AtLeast(Duration::ZERO)
        );
    }

    #[test]
    fn a_date_counts_from_the_answers_own_clock() {
        let answer = read(&[
            ("date", "Wed, 21 Oct 2015 07:28:00 GMT"),
            ("retry-after", "Wed, 21 Oct 2015 07:28:03 GMT"),
        ]);
        assert_eq!(answer.wait, Wait::AtLeast(Duration::from_secs(3)));
    }

    #[test]
    fn without_a_date_of_its_own_a_date_counts_from_our_clock() {
        let later = ours(clock::now()) + Duration::from_secs(60);
        let date = httpdate::fmt_http_date(later);
        let Wait::AtLeast(wait) = read(&[("retry-after", &date)]).wait else {
            panic!("a wait was asked for");
        };
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(60));
    }

    #[test]
    fn a_pushback_is_one_whole_number_or_forbids() {
        let wait = |value| read(&[("grpc-retry-pushback-ms", value)]).wait;
        assert_eq!(wait("1000"), Wait::Exactly(Duration::from_secs(1)));
        for forbidding in ["-1", "xxx", "", "+5", "10,20", "1.5"] {
            assert_eq!(wait(forbidding), Wait::Never, "{forbidding:?}");
        }
        let twice = [
            ("grpc-retry-pushback-ms", "100"),
            ("grpc-retry-pushback-ms", "10"),
        ];
        assert_eq!(read(&twice).wait, Wait::Never);
    }

    #[test]
    fn marks_are_read_in_any_case_and_only_when_meant() {
        assert!(read(&[("x-txn-retry", " Never ")]).never);
        assert!(!read(&[("x-txn-retry", "later")]).never);
        assert!(read(&[("x-envoy-ratelimited", "true")]).rate_limited);
        assert!(read(&[("x-envoy-overloaded", "true")]).overloaded);
        assert_eq!(read(&[("grpc-status", "14")]).grpc, Some(14));
        assert_eq!(read(&[("grpc-status", "many")]).grpc, None);
    }
}
