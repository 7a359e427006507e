//! What one call asks for beyond the settings of its service.

use std::time::Duration;

use crate::config::Size;

/// Options of one call, given by `.with_extension(..)` on its request builder. What is not set is as configured.
///
/// ```
/// # use msa_core::client::{CallOptions, ServiceClient};
/// # use std::time::Duration;
/// # fn f(client: &ServiceClient) {
/// client
///     .get("http://user-service/users/7")
///     .with_extension(CallOptions::new().timeout(Duration::from_millis(300)));
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub struct CallOptions {
    timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
    max_response: Option<Size>,
    stream: bool,
    idempotent: Option<bool>,
    max_retries: Option<u32>,
}

impl CallOptions {
    /// Everything as configured.
    pub fn new() -> Self {
        Self::default()
    }

    /// The most that the call may take in total, its body included. Defaults to `clients.<name>.timeout`.
    ///
    /// The deadline of the transaction still holds when it is sooner, and so does the builder's own `.timeout()`.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The most that one attempt may take up to the response's headers. Defaults to `clients.<name>.attempt_timeout`.
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
        self
    }

    /// The largest body of the response that is read. Defaults to `clients.<name>.max_response`.
    pub fn max_response(mut self, limit: Size) -> Self {
        self.max_response = Some(limit);
        self
    }

    /// The response's body has no end to wait for (events, a long download): the deadline covers the call up to its headers only.
    ///
    /// [`CallOptions::max_response`] still holds.
    pub fn stream(mut self) -> Self {
        self.stream = true;
        self
    }

    /// Whether the service may process the request twice without harm, so that it is tried again after failures that leave open
    /// whether it was processed. Defaults to what its method says, and `true` for a request with an `Idempotency-Key`.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// How many attempts may follow the first; 0 is one attempt. Defaults to `clients.<name>.retry.max_retries`.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = Some(retries);
        self
    }

    pub(super) fn get_idempotent(&self) -> Option<bool> {
        self.idempotent
    }

    pub(super) fn get_max_retries(&self) -> Option<u32> {
        self.max_retries
    }

    pub(super) fn get_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(super) fn get_attempt_timeout(&self) -> Option<Duration> {
        self.attempt_timeout
    }

    pub(super) fn get_max_response(&self) -> Option<Size> {
        self.max_response
    }

    pub(super) fn is_stream(&self) -> bool {
        self.stream
    }
}
