//! How many retries a destination is sent, whoever asks for them.
//!
//! A retry helps when few calls fail and harms when many do: three attempts a call are three times the load, just when the
//! destination has too much of it already. A budget bounds the *extra* load instead of each call's attempts. Every first
//! attempt pays a share of a token in, every retry takes a whole one out, and when there is none left the failure is the
//! caller's. So a dead destination gets 1.2 times its usual load and not 3 times.
//!
//! | kind | what it grants | from |
//! | --- | --- | --- |
//! | [`WindowBudget`] (the default) | in any window of 10 s, 20 % of the calls begun in it and 10 a second | Finagle's `RetryBudget` |
//! | [`RetryThrottle`] | retries while more than half of its tokens are there; a failure costs 1, a success gives `token_ratio` back | gRPC's retry throttling (gRFC A6) |
//! | [`Budget::Unlimited`] | every retry | |
//!
//! One budget belongs to one destination in one process; [`Retry`](super::retry::Retry) and
//! [`Hedge`](super::hedge::Hedge) each have their own. The transaction's budget, which bounds the retries of one
//! request through all services, is [`Txn::try_spend_retry`](crate::txn::Txn::try_spend_retry).
//!
//! ```
//! use msa_core::clock;
//! use msa_core::resilience::budget::{WindowBudget, WindowConfig};
//!
//! let now = clock::now();
//! let budget = WindowBudget::new(WindowConfig::default().min_per_second(0));
//! for _ in 0..10 {
//!     budget.deposit(now); // ten calls begin: 20 % of them may be retried
//! }
//! let first = budget.try_withdraw(now);
//! assert!(first.is_some() && budget.try_withdraw(now).is_some());
//! assert!(budget.try_withdraw(now).is_none());
//! if let Some(first) = first {
//!     budget.give_back(first); // its caller went away before the retry was sent
//! }
//! assert_eq!(budget.balance(now), 1);
//! ```

mod throttle;
mod window;

pub use throttle::{RetryThrottle, ThrottleConfig};
pub use window::{WindowBudget, WindowConfig, Withdrawal};

use crate::clock::Instant;
use crate::config::{BudgetKind, RetryBudgetSettings};

/// A budget of either kind.
#[derive(Debug)]
#[non_exhaustive]
#[allow(clippy::large_enum_variant)] // one to a destination, and a pointer less on the way to it
pub enum Budget {
    /// A share of the calls of a window, and some a second.
    Window(WindowBudget),
    /// gRPC's tokens.
    Throttle(RetryThrottle),
    /// Every retry is granted.
    Unlimited,
}

/// A retry that a [`Budget`] granted.
#[derive(Debug)]
#[must_use = "a grant that is not used is to be given back"]
pub struct Grant(Option<Withdrawal>);

impl Default for Budget {
    /// 20 % of the calls of 10 s, and 10 a second.
    fn default() -> Self {
        Self::Window(WindowBudget::default())
    }
}

impl From<&RetryBudgetSettings> for Budget {
    fn from(settings: &RetryBudgetSettings) -> Self {
        match settings.kind {
            BudgetKind::Window => Self::Window(WindowBudget::new(settings.into())),
            BudgetKind::Throttle => Self::Throttle(RetryThrottle::new(settings.into())),
            BudgetKind::None => Self::Unlimited,
        }
    }
}

impl Budget {
    /// A call begins.
    #[inline]
    pub fn deposit(&self, now: Instant) {
        if let Self::Window(window) = self {
            window.deposit(now);
        }
    }

    /// An attempt went well.
    #[inline]
    pub fn succeeded(&self) {
        if let Self::Throttle(throttle) = self {
            throttle.succeeded();
        }
    }

    /// An attempt failed in a way that is worth a retry, whether or not there will be one.
    #[inline]
    pub fn failed(&self) {
        if let Self::Throttle(throttle) = self {
            throttle.failed();
        }
    }

    /// Asks for one retry; `None` when there is none to be had.
    #[must_use]
    pub fn try_withdraw(&self, now: Instant) -> Option<Grant> {
        match self {
            Self::Window(window) => window.try_withdraw(now).map(|taken| Grant(Some(taken))),
            Self::Throttle(throttle) => throttle.allows_retry().then_some(Grant(None)),
            Self::Unlimited => Some(Grant(None)),
        }
    }

    /// The retry that was granted will not be made.
    pub fn give_back(&self, grant: Grant) {
        if let (Self::Window(window), Some(withdrawal)) = (self, grant.0) {
            window.give_back(withdrawal);
        }
    }
}
