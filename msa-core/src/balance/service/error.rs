//! Why a request was not sent.

/// There is no endpoint to send the request to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no endpoint for this request: discovery lists none now, or the request's hint excludes all of them"
)]
pub struct NoEndpoint;
