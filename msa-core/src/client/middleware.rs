//! The faces of the outbound stack as reqwest middlewares.

use std::fmt;
use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use http::header::{HOST, HeaderValue};
use reqwest::{Request, Response};
use reqwest_middleware::{Middleware, Next, Result};
use url::Url;

use super::attempt::Attempt;
use super::deadline::Deadline;
use super::record::CallRecord;
use super::services::Services;
use super::stack::NO_INSTANCE;
use super::{CallError, CallErrorKind, CallOptions, ServiceClient, body, stack, target};
use crate::balance::PickHint;
use crate::clock;
use crate::discovery::{Endpoint, Scheme};
use crate::txn::{self, Headers, Txn};

type Handling<'a> = Pin<Box<dyn Future<Output = Result<Response>> + Send + 'a>>;

/// The whole stack in one middleware. It ends in the transport and never calls `next`.
pub(super) struct Outbound {
    pub(super) services: Arc<Services>,
    pub(super) headers: Headers,
}

impl Middleware for Outbound {
    fn handle<'a, 'b, 'c, 'f>(
        &'a self,
        request: Request,
        extensions: &'b mut Extensions,
        _next: Next<'c>,
    ) -> Handling<'f>
    where
        'a: 'f,
        'b: 'f,
        'c: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            Ok(stack::call(&self.services, &self.headers, request, extensions).await?)
        })
    }
}
