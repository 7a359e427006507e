//! Faults that a request asks for itself.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::faults::Shares;
use crate::config::{Percent, Size, Span};

/// How far a request may go.
#[derive(Debug)]
pub(super) struct Bounds {
    pub(super) max_delay: Duration,
}

impl Bounds {
    /// What the headers ask for, within bounds. Ours before Envoy's.
    pub(super) fn asked(&self, headers: &HeaderMap) -> Shares {
        let text = |name: &str| {
            let mut values = headers.get_all(name).iter();
            // Two are none: which one would be right?
            let (first, second) = (values.next()?, values.next());
            second.is_none().then(|| first.to_str().ok()).flatten()
        };
        let share = |name: &str| match text(name) {
            Some(percent) => whole(percent).map_or(Percent::ZERO, |percent| {
                Percent::new(u8::try_from(percent).unwrap_or(100))
            }),
            None if headers.contains_key(name) => Percent::ZERO,
            None => Percent::ALL,
        };
        let delay = |delay: Duration| delay.min(self.max_delay);
        let ours = text("x-msa-fault-delay").and_then(|text| text.parse::<Span>().ok());
        let envoys = || text("x-envoy-fault-delay-request").and_then(whole);
        let status = |name| {
            let status = whole(text(name)?)?;
            let status = StatusCode::from_u16(u16::try_from(status).ok()?).ok()?;
            is_error(status).then_some(status)
        };
        Shares {
            delay: match ours {
                Some(ours) => Some((delay(ours.get()), share("x-msa-fault-delay-percentage"))),
                None => envoys().map(|ms| {
                    let share = share("x-envoy-fault-delay-request-percentage");
                    (delay(Duration::from_millis(ms)), share)
                }),
            },
            abort: match status("x-msa-fault-abort") {
                Some(status) => Some((status, share("x-msa-fault-abort-percentage"))),
                None => status("x-envoy-fault-abort-request")
                    .map(|status| (status, share("x-envoy-fault-abort-request-percentage"))),
            },
            reset: if text("x-msa-fault-reset") == Some("true") {
                share("x-msa-fault-reset-percentage")
            } else {
                Percent::ZERO
            },
            slow_body: text("x-msa-fault-slow-body")
                .and_then(|text| text.parse::<Size>().ok())
                .filter(|rate| rate.get() > 0)
                .map(|rate| (rate.get(), share("x-msa-fault-slow-body-percentage"))),
        }
    }
}

pub(super) fn is_error(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Digits only: `parse` takes a sign too.
fn whole(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}
