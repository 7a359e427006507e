//! An observer that remembers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::event::{Event, Observer, Outcome};

/// Keeps owned copies of all events, so that a test can ask which attempts there were.
///
/// ```
/// use std::time::Duration;
/// use msa_core::event::{Event, Observers, Outcome};
/// use msa_core::testing::Recorder;
///
/// let recorder = Recorder::new();
/// let observers = Observers::none().with(recorder.clone()); // or a builder's `.observer(recorder.clone())`
/// observers.tell(&Event::AttemptEnded {
///     service: "user-service",
///     endpoint: "10.0.0.1:8081",
///     attempt: 1,
///     method: "GET",
///     outcome: Outcome::Status(503),
///     elapsed: Duration::from_millis(3),
/// });
/// assert_eq!(recorder.attempts()[0].to_string(), "1 user-service 10.0.0.1:8081 503");
/// ```
#[derive(Debug, Default)]
pub struct Recorder {
    events: Mutex<Vec<Recorded>>,
    told: Notify,
}

/// An [`Event`] that was told, with the same names and meanings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)] // each is documented where it is told
pub enum Recorded {
    Picked {
        service: String,
        endpoint: String,
        attempt: u32,
    },
    AttemptEnded(Attempt),
    CallEnded {
        service: String,
        attempts: u32,
        outcome: RecordedOutcome,
        elapsed: Duration,
    },
    LoopRefused {
        ltxid: u64,
    },
    HeaderRejected {
        header: String,
    },
    EndpointsChanged {
        service: String,
        endpoints: usize,
    },
    DiscoveryFailed {
        service: String,
        reason: String,
    },
    ConfigReloaded {
        accepted: bool,
    },
    /// An event that this recorder does not know: its `Debug` form.
    Other(String),
}

/// An attempt that ended, as [`Event::AttemptEnded`] told it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// The logical service name.
    pub service: String,
    /// The endpoint, as `host:port`.
    pub endpoint: String,
    /// Which try of the call it was, from 1.
    pub attempt: u32,
    /// What came of it.
    pub outcome: RecordedOutcome,
    /// From the start of the attempt to its headers or failure.
    pub elapsed: Duration,
}

impl std::fmt::Display for Attempt {
    /// `1 user-service 10.0.0.1:8081 503`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            service,
            endpoint,
            attempt,
            outcome,
            ..
        } = self;
        write!(f, "{attempt} {service} {endpoint} {outcome}")
    }
}

/// An [`Outcome`] that was told.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedOutcome {
    /// A response with this status.
    Status(u16),
    /// No response: the name of the error's kind, such as `connect`.
    Failed(String),
    /// The caller went away before the headers arrived.
    Cancelled,
}

impl std::fmt::Display for RecordedOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Failed(kind) => f.write_str(kind),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

impl Recorder {
    /// A recorder that has heard of nothing yet.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Everything that was told, in order.
    #[must_use]
    pub fn events(&self) -> Vec<Recorded> {
        self.lock().clone()
    }

    /// The attempts that ended, in the order in which they did.
    #[must_use]
    pub fn attempts(&self) -> Vec<Attempt> {
        self.lock().iter().filter_map(attempt).cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until at least `n` attempts have ended, for as long as it takes; returns all that have.
    pub async fn wait_for(&self, n: usize) -> Vec<Attempt> {
        self.wait_until(|events| events.iter().filter_map(attempt).count() >= n)
            .await;
        self.attempts()
    }

    /// Waits until what was told satisfies the condition, for as long as it takes.
    pub async fn wait_until(&self, condition: impl Fn(&[Recorded]) -> bool) {
        loop {
            // Before looking, so that an event between the look and the wait is not missed.
            let told = self.told.notified();
            if condition(&self.lock()) {
                return;
            }
            told.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn attempt(event: &Recorded) -> Option<&Attempt> {
    match event {
        Recorded::AttemptEnded(attempt) => Some(attempt),
        _ => None,
    }
}

impl Observer for Recorder {
    fn on_event(&self, event: &Event<'_>) {
        self.lock().push(Recorded::from(event));
        self.told.notify_waiters();
    }
}

impl From<Outcome<'_>> for RecordedOutcome {
    fn from(outcome: Outcome<'_>) -> Self {
        match outcome {
            Outcome::Status(status) => Self::Status(status),
            Outcome::Failed(kind) => Self::Failed(kind.to_owned()),
            Outcome::Cancelled => Self::Cancelled,
        }
    }
}

impl From<&Event<'_>> for Recorded {
    // A new event must not need a change here to compile, and needs one to be told by name.
    #[allow(unreachable_patterns)]
    fn from(event: &Event<'_>) -> Self {
        match *event {
            Event::Picked {
                service,
                endpoint,
                attempt,
            } => Self::Picked {
                service: service.to_owned(),
                endpoint: endpoint.to_owned(),
                attempt,
            },
            Event::AttemptEnded {
                service,
                endpoint,
                attempt,
                outcome,
                elapsed,
                ..
            } => Self::AttemptEnded(Attempt {
                service: service.to_owned(),
                endpoint: endpoint.to_owned(),
                attempt,
                outcome: outcome.into(),
                elapsed,
            }),
            Event::CallEnded {
                service,
                attempts,
                outcome,
                elapsed,
            } => Self::CallEnded {
                service: service.to_owned(),
                attempts,
                outcome: outcome.into(),
                elapsed,
            },
            Event::LoopRefused { ltxid } => Self::LoopRefused { ltxid },
            Event::HeaderRejected { header } => Self::HeaderRejected {
                header: header.to_owned(),
            },
            Event::EndpointsChanged { service, endpoints } => Self::EndpointsChanged {
                service: service.to_owned(),
                endpoints,
            },
            Event::DiscoveryFailed { service, reason } => Self::DiscoveryFailed {
                service: service.to_owned(),
                reason: reason.to_owned(),
            },
            Event::ConfigReloaded { accepted } => Self::ConfigReloaded { accepted },
            _ => Self::Other(format!("{event:?}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(attempt: u32) -> Event<'static> {
        Event::AttemptEnded {
            service: "users",
            endpoint: "a:80",
            attempt,
            method: "GET",
            outcome: Outcome::Failed("connect"),
            elapsed: Duration::ZERO,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_ends_with_the_nth_attempt_and_not_before() {
        let recorder = Recorder::new();
        let waiter = tokio::spawn({
            let recorder = recorder.clone();
            async move { recorder.wait_for(2).await }
        });
        recorder.on_event(&ended(1));
        recorder.on_event(&Event::ConfigReloaded { accepted: true });
        crate::testing::advance(Duration::from_secs(1)).await;
        assert!(!waiter.is_finished());
        recorder.on_event(&ended(2));
        let attempts = waiter.await.unwrap();
        assert_eq!(attempts[1].to_string(), "2 users a:80 connect");
        assert_eq!(recorder.events().len(), 3);
        recorder.wait_for(2).await;
        recorder.clear();
        assert!(recorder.attempts().is_empty());
    }
}
