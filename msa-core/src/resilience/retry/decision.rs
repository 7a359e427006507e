//! What the policy decided, and how it is told.

use std::time::Duration;

use super::Ending;
use crate::event::{Event, Observers, RetryRefusal};
use crate::txn::Decimal;

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Decision {
    /// What came is the call's: it is good, or no condition names it.
    Done,
    /// Another attempt after this wait. It is paid for.
    Retry {
        /// The wait.
        delay: Duration,
    },
    /// There would be another attempt after this wait, but the policy runs dark: what came is the call's.
    Dark {
        /// The wait.
        delay: Duration,
    },
    /// Another attempt would have been worth it, and is not made: what came is the call's.
    Refused(RetryRefusal),
}

impl Decision {
    /// The wait before the next attempt, when there is one.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match self {
            Self::Retry { delay } => Some(*delay),
            _ => None,
        }
    }

    /// Tells the observers. `attempt` is the one that ended, from 1.
    pub fn tell(&self, observers: &Observers, service: &str, attempt: u32, ending: &Ending) {
        self.tell_to(|event| observers.tell(event), service, attempt, ending);
    }

    /// Tells whoever is told by this function, unless the call is [`Done`](Self::Done).
    pub fn tell_to(
        &self,
        tell: impl FnOnce(&Event<'_>),
        service: &str,
        attempt: u32,
        ending: &Ending,
    ) {
        let (delay, dark) = match self {
            Self::Done => return,
            Self::Refused(why) => {
                let why = *why;
                return tell(&Event::RetryRefused {
                    service,
                    attempt,
                    why,
                });
            }
            Self::Retry { delay } => (*delay, false),
            Self::Dark { delay } => (*delay, true),
        };
        let status;
        let reason = match ending {
            Ending::Answered(answer) => {
                status = Decimal::new(answer.status.into());
                status.as_str()
            }
            other => other.as_str(),
        };
        tell(&Event::Retried {
            service,
            attempt: attempt.saturating_add(1),
            reason,
            delay,
            dark,
        });
    }
}
