//! What stands in the place of spans without the feature `otel`: nothing, which costs nothing.

use http::{Method, Request, StatusCode};
use url::Url;

use super::Traces;
use crate::clock::Instant;
use crate::discovery::Endpoint;
use crate::event::Outcome;
use crate::txn::{Call, Txn};

/// Nothing that could be left; dropped as a guard is.
#[derive(Debug)]
pub(crate) struct Entered;

impl Drop for Entered {
    fn drop(&mut self) {}
}

#[derive(Debug, Default)]
pub(crate) struct ServerSpan;

impl ServerSpan {
    #[inline]
    pub(crate) fn begin<B>(_: &Traces, _: &Txn, _: &Request<B>, _: Instant) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn enter(&self) -> Entered {
        Entered
    }

    #[inline]
    pub(crate) fn is_recorded(&self) -> bool {
        false
    }

    #[inline]
    pub(crate) fn answered(&mut self, _: StatusCode, _: Option<&'static str>) {}

    pub(crate) fn body_failed(&mut self) {}

    pub(crate) fn end(&mut self) {}
}

#[derive(Debug)]
pub(crate) struct CallSpan;

impl CallSpan {
    #[inline]
    pub(crate) fn begin(
        _: &Traces,
        _: &Call,
        _: Option<&str>,
        _: (&Method, &Url),
        _: Instant,
    ) -> Self {
        Self
    }

    #[inline]
    pub(crate) fn enter(&self) -> Entered {
        Entered
    }

    #[inline]
    pub(crate) fn attempt(&self, _: &Call, _: u32, _: &Endpoint, _: Instant) -> AttemptSpan {
        AttemptSpan
    }

    #[inline]
    pub(crate) fn end(&mut self, _: u32, _: &Outcome<'_>, _: Instant) {}
}

#[derive(Debug)]
pub(crate) struct AttemptSpan;

impl AttemptSpan {
    #[inline]
    pub(crate) fn end(&mut self, _: &Outcome<'_>, _: Instant) {}
}
