//! What a detector did.

use std::time::Duration;

use crate::discovery::Endpoint;
use crate::event::Event;

/// By which rule an endpoint is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// 502, 503 or 504 in a row.
    GatewayFailures,
    /// 5xx in a row.
    ServerErrors,
    /// Failures of our own side in a row: connect, reset, timeout.
    LocalFailures,
    /// A success rate far below the others'.
    SuccessRate,
    /// The same for failures of our own side, where they are judged apart.
    LocalSuccessRate,
    /// A share of failures.
    FailurePercentage,
    /// The same for failures of our own side, where they are judged apart.
    LocalFailurePercentage,
    /// Much slower than the others.
    Latency,
    /// Failure accrual.
    Accrual,
    /// An active health check.
    ActiveHealth,
}

impl Rule {
    pub(super) const COUNT: usize = 10;

    /// Its name in events, logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GatewayFailures => "consecutive_gateway_failures",
            Self::ServerErrors => "consecutive_server_errors",
            Self::LocalFailures => "consecutive_local_failures",
            Self::SuccessRate => "success_rate",
            Self::LocalSuccessRate => "local_success_rate",
            Self::FailurePercentage => "failure_percentage",
            Self::LocalFailurePercentage => "local_failure_percentage",
            Self::Latency => "latency",
            Self::Accrual => "failure_accrual",
            Self::ActiveHealth => "active_health",
        }
    }
}

/// Something that observers want to know, in the order in which it happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Change {
    /// An endpoint is an outlier.
    Ejected {
        /// Which one.
        endpoint: Endpoint,
        /// By which rule.
        rule: Rule,
        /// For how long, at least.
        time: Duration,
        /// Whether it was set aside; not when the cap, chance or dark mode kept it in. That is told once in the time that it would be
        /// out.
        enforced: bool,
    },
    /// An endpoint takes traffic again.
    Returned {
        /// Which one.
        endpoint: Endpoint,
    },
    /// An endpoint said that it is draining.
    Draining {
        /// Which one.
        endpoint: Endpoint,
    },
    /// So few endpoints are available that all are used, or that is over.
    Panic {
        /// Whether it began.
        on: bool,
    },
}

impl Change {
    /// The event to tell the observers of a service.
    #[must_use]
    pub fn event<'a>(&'a self, service: &'a str) -> Event<'a> {
        match self {
            Self::Ejected {
                endpoint,
                rule,
                time,
                enforced,
            } => Event::Ejected {
                service,
                endpoint: endpoint.authority(),
                reason: rule.as_str(),
                time: *time,
                dark: !enforced,
            },
            Self::Returned { endpoint } => Event::Returned {
                service,
                endpoint: endpoint.authority(),
            },
            Self::Draining { endpoint } => Event::Draining {
                service,
                endpoint: endpoint.authority(),
            },
            Self::Panic { on } => Event::Panicked { service, on: *on },
        }
    }
}
