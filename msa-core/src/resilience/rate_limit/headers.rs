//! The rate limit on the wire.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::Quota;

/// `RateLimit-Policy`: what is allowed.
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// `RateLimit`: what is left of it.
const STATE: HeaderName = HeaderName::from_static("ratelimit");

impl Quota {
    /// Writes the fields of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy: "name";q=100;w=60` and
    /// `RateLimit: "name";r=50;t=30`.
    ///
    /// `q` is the amount, `w` its time, `r` what is left and `t` when it is there again, in whole seconds rounded up. The names stand as
    /// structured strings (RFC 9651): characters that those cannot hold are left out.
    pub fn headers(&self, name: &str, headers: &mut HeaderMap) {
        let name: String = name
            .chars()
            .filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\'))
            .collect();
        let policy = format!(
            "\"{name}\";q={};w={}",
            self.limit,
            whole_seconds(self.window)
        );
        let left = self.remaining.max(0);
        let state = format!("\"{name}\";r={left};t={}", whole_seconds(self.reset));
        for (field, value) in [(POLICY, policy), (STATE, state)] {
            // Always a value: it is visible ASCII by now.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.append(field, value);
            }
        }
    }

    /// Writes `Retry-After` (RFC 9110 section 10.2.3): whole seconds, at least 1, since 0 would mean at once.
    pub fn retry_after(wait: Duration, headers: &mut HeaderMap) {
        let seconds = whole_seconds(wait).max(1);
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
}

fn whole_seconds(duration: Duration) -> u64 {
    let partial = duration.subsec_nanos() > 0;
    duration.as_secs().saturating_add(partial.into())
}
