//! After what a call may be tried again, as a set that is asked at once.

use std::fmt;
use std::str::FromStr;

use http::HeaderMap;

use super::{Answer, Ending};
use crate::clock::Instant;
use crate::config::{RetryCondition, RetrySettings, UnitError};

/// A set of [`RetryCondition`]s.
///
/// Read from Envoy's form, names and statuses with commas between them.
///
/// ```
/// use msa_core::resilience::retry::{Answer, Conditions, Ending};
///
/// let on: Conditions = "gateway-error,409".parse()?;
/// assert!(on.covers(&Ending::from(Answer::status(503))));
/// assert!(on.covers(&Ending::from(Answer::status(409))));
/// assert!(on.covers(&Ending::Reset));
/// assert!(!on.covers(&Ending::from(Answer::status(500))));
/// # Ok::<(), msa_core::config::UnitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Conditions {
    flags: u16,
    /// Bit n of the words: status n + 100.
    statuses: [u64; 8],
    /// Bit n: gRPC status n.
    grpc: u32,
}

const CONNECT: u16 = 1;
const UNPROCESSED: u16 = 1 << 1;
const RESET: u16 = 1 << 2;
const TIMEOUT: u16 = 1 << 3;
const RATE_LIMITED: u16 = 1 << 4;
const NO_RESPONSE: u16 = CONNECT | UNPROCESSED | RESET | TIMEOUT;

impl Default for Conditions {
    /// Connection not made, request not processed, connection broken, attempt timeout, 429, 502, 503, 504.
    fn default() -> Self {
        Self::from_iter(RetrySettings::default().on)
    }
}

impl Conditions {
    /// None.
    pub const fn none() -> Self {
        Self {
            flags: 0,
            statuses: [0; 8],
            grpc: 0,
        }
    }

    /// These and one more.
    pub fn with(mut self, condition: RetryCondition) -> Self {
        match condition {
            RetryCondition::ServerError => {
                self.flags |= NO_RESPONSE;
                (500..600).for_each(|status| self.add_status(status));
            }
            RetryCondition::GatewayError => {
                self.flags |= NO_RESPONSE;
                (502..=504).for_each(|status| self.add_status(status));
            }
            RetryCondition::Reset => self.flags |= NO_RESPONSE,
            RetryCondition::ConnectFailure => self.flags |= CONNECT,
            RetryCondition::RefusedStream => self.flags |= UNPROCESSED,
            RetryCondition::AttemptTimeout => self.flags |= TIMEOUT,
            RetryCondition::Retriable4xx => self.add_status(409),
            RetryCondition::RateLimited => self.flags |= RATE_LIMITED,
            RetryCondition::Status(status) => self.add_status(status),
            RetryCondition::Grpc(code) => self.grpc |= 1_u32.checked_shl(code.into()).unwrap_or(0),
        }
        self
    }

    fn add_status(&mut self, status: u16) {
        if let Some((word, bit)) = place(status)
            && let Some(word) = self.statuses.get_mut(word)
        {
            *word |= bit;
        }
    }

    /// Whether this status is among them, whatever the answer's headers say.
    #[must_use]
    #[inline]
    pub fn covers_status(&self, status: u16) -> bool {
        place(status)
            .is_some_and(|(word, bit)| self.statuses.get(word).is_some_and(|word| word & bit != 0))
    }

    /// Whether an answer's headers matter even if its status does not: they may carry a gRPC status, or a mark.
    #[inline]
    fn ask_headers(&self) -> bool {
        self.grpc != 0 || self.flags & RATE_LIMITED != 0
    }

    /// How an attempt ended that was answered with this status and these headers: [`Ending::Good`] unless the conditions cover it. The
    /// headers are looked at only if they can matter, and `now` is asked for only then.
    #[must_use]
    #[inline]
    pub fn answered(
        &self,
        status: u16,
        headers: &HeaderMap,
        now: impl FnOnce() -> Instant,
    ) -> Ending {
        if self.covers_status(status) || self.ask_headers() {
            let ending = Answer::read(status, headers, now()).into();
            if self.covers(&ending) {
                return ending;
            }
        }
        Ending::Good
    }

    /// Whether an attempt that ended so may be followed by another.
    #[must_use]
    pub fn covers(&self, ending: &Ending) -> bool {
        let any = |flags| self.flags & flags != 0;
        match ending {
            Ending::Good | Ending::Refused => false,
            Ending::Failed => true,
            Ending::NotConnected => any(CONNECT),
            Ending::NotProcessed => any(UNPROCESSED),
            Ending::Reset => any(RESET),
            Ending::TimedOut => any(TIMEOUT),
            Ending::Answered(answer) => self.covers_answer(answer),
        }
    }

    fn covers_answer(&self, answer: &Answer) -> bool {
        let grpc = answer.grpc.is_some_and(|code| {
            let bit = 1_u32.checked_shl(code.into()).unwrap_or(0);
            self.grpc & bit != 0
        });
        let covered = grpc || self.covers_status(answer.status);
        match answer.rate_limited {
            // Envoy takes it for an order of its own rate limit service.
            true => self.flags & RATE_LIMITED != 0,
            false => covered && !answer.overloaded,
        }
    }
}

fn place(status: u16) -> Option<(usize, u64)> {
    let index = status.checked_sub(100)?;
    Some((usize::from(index / 64), 1 << (index % 64)))
}

impl FromIterator<RetryCondition> for Conditions {
    fn from_iter<I: IntoIterator<Item = RetryCondition>>(conditions: I) -> Self {
        conditions.into_iter().fold(Self::none(), Self::with)
    }
}

impl FromStr for Conditions {
    type Err = UnitError;

    fn from_str(text: &str) -> Result<Self, UnitError> {
        text.split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::parse::<RetryCondition>)
            .collect()
    }
}

impl fmt::Debug for Conditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = (100..600).filter(|status| self.covers_status(*status));
        f.debug_struct("Conditions")
            .field("flags", &format_args!("{:#b}", self.flags))
            .field("statuses", &statuses.collect::<Vec<u16>>())
            .field("grpc", &format_args!("{:#b}", self.grpc))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(names: &str, ending: Ending) -> bool {
        names.parse::<Conditions>().unwrap().covers(&ending)
    }

    #[test]
    fn the_defaults_are_the_table_of_the_design() {
        let default = Conditions::default();
        for status in 100..=599 {
            let expected = matches!(status, 429 | 502 | 503 | 504);
            assert_eq!(default.covers_status(status), expected, "{status}");
        }
        for ending in [
            Ending::NotConnected,
            Ending::NotProcessed,
            Ending::Reset,
            Ending::TimedOut,
        ] {
            assert!(default.covers(&ending), "{ending:?}");
        }
        assert!(!default.covers(&Ending::Good) && !default.covers(&Ending::Refused));
    }

    #[test]
    fn what_the_peer_marks_as_overload_or_rate_limit_is_not_covered() {
        let mut answer = Answer::status(503);
        answer.overloaded = true;
        assert!(!on("5xx", answer.into()));
        let mut answer = Answer::status(429);
        answer.rate_limited = true;
        assert!(!on("429", answer.into()));
        assert!(on("envoy-ratelimited", answer.into()));
    }

    #[test]
    fn a_grpc_status_is_covered_whatever_the_http_status() {
        let mut answer = Answer::status(200);
        answer.grpc = Some(14);
        assert!(on("unavailable", answer.into()));
        assert!(!on("internal,5xx", answer.into()));
        answer.grpc = Some(200);
        assert!(!on("unavailable", answer.into()));
    }
}
