//! What the layers of the inbound stack share: the settings, made ready for a request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderName;
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION, SET_COOKIE};

use super::ServerError;
use super::body::BodyLimits;
use super::layers::sensitive::Sensitive;
use crate::config::{Settings, TxnHeaderNames};
use crate::event::Observers;
use crate::txn::{Headers, Minter, Trust};

/// What the layers of the inbound stack share.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) headers: Headers,
    pub(crate) trust: Trust,
    pub(crate) minter: Minter,
    pub(crate) max_hops: u32,
    pub(crate) request_timeout: Option<Duration>,
    pub(crate) observers: Observers,
    pub(super) body_limit: usize,
    pub(super) body_limits: BodyLimits,
    pub(super) sensitive: Sensitive,
    access_log: AtomicBool,
}

impl Inbound {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServerError> {
        let mut sensitive = vec![AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE, SET_COOKIE];
        for name in &settings.server.sensitive_headers {
            sensitive.push(header_name("server.sensitive_headers", name)?);
        }
        Ok(Self {
            headers: headers(&settings.txn.headers)?,
            trust: Trust::networks(settings.txn.trust.iter().copied()),
            minter: Minter::default(),
            max_hops: settings.txn.max_hops.into(),
            request_timeout: Some(settings.server.request_timeout.get()),
            observers: Observers::none(),
            body_limit: usize::try_from(settings.server.body_limit.get()).unwrap_or(usize::MAX),
            body_limits: BodyLimits::from(&settings.server),
            sensitive: Sensitive::new(sensitive),
            access_log: AtomicBool::new(settings.log.access),
        })
    }

    /// The same once more.
    pub(super) fn copy(&self) -> Self {
        Self {
            headers: self.headers.clone(),
            trust: self.trust.clone(),
            minter: self.minter.fork(),
            max_hops: self.max_hops,
            request_timeout: self.request_timeout,
            observers: self.observers.clone(),
            body_limit: self.body_limit,
            body_limits: self.body_limits,
            sensitive: self.sensitive.clone(),
            access_log: AtomicBool::new(self.access_log()),
        }
    }

    pub(super) fn set_access_log(&self, on: bool) {
        self.access_log.store(on, Ordering::Relaxed);
    }

    pub(crate) fn access_log(&self) -> bool {
        self.access_log.load(Ordering::Relaxed)
    }
}

fn headers(names: &TxnHeaderNames) -> Result<Headers, ServerError> {
    Ok(Headers::default()
        .with_gtxid(header_name("txn.headers.gtxid", &names.gtxid)?)
        .with_ltxid(header_name("txn.headers.ltxid", &names.ltxid)?)
        .with_branch(header_name("txn.headers.branch", &names.branch)?)
        .with_attempt(header_name("txn.headers.attempt", &names.attempt)?)
        .with_timeout(header_name("txn.headers.timeout", &names.timeout)?)
        .with_retries(header_name("txn.headers.retries", &names.retries)?)
        .with_criticality(header_name("txn.headers.criticality", &names.criticality)?))
}

fn header_name(key: &'static str, name: &str) -> Result<HeaderName, ServerError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| ServerError::HeaderName {
        key,
        name: name.to_owned(),
    })
}
