//! Why an attempt has no response, and whether its request can have been processed.

use std::error::Error;
use std::fmt;

/// Why an attempt has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody listens at the address.
    Refused,
    /// The name could not be resolved.
    Dns,
    /// The TLS handshake failed, or the certificate is not for the endpoint's name.
    Tls,
    /// The connection was not there within the connect timeout.
    ConnectTimeout,
    /// The connection could not be made for another reason.
    Connect,
    /// The connection or stream was given up before the request was processed: closed while idle, `REFUSED_STREAM`, or a
    /// graceful GOAWAY that does not cover it.
    NeverSent,
    /// The connection broke after the request may have been read.
    Reset,
    /// The transport's own timeout, after the request may have been read.
    Timeout,
    /// The request cannot be sent at all, by anybody.
    Invalid,
    /// What came back is not HTTP, or something else that is none of the above.
    Protocol,
}

impl Failure {
    /// Whether no byte of the request can have been processed, so that any method may be sent again.
    #[must_use]
    pub fn never_sent(self) -> bool {
        self == Self::NeverSent || self.is_connect()
    }

    /// Whether there was no connection.
    #[must_use]
    pub fn is_connect(self) -> bool {
        matches!(
            self,
            Self::Refused | Self::Dns | Self::Tls | Self::ConnectTimeout | Self::Connect
        )
    }

    /// What happened, in a few words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "connection refused",
            Self::Dns => "name not resolved",
            Self::Tls => "TLS handshake failed",
            Self::ConnectTimeout => "connection not made in time",
            Self::Connect => "connection not made",
            Self::NeverSent => "connection closed before the request was processed",
            Self::Reset => "connection broken while waiting for the response",
            Self::Timeout => "no response in time",
            Self::Invalid => "request cannot be sent",
            Self::Protocol => "response not understood",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An attempt has no response.
#[derive(Debug)]
pub struct TransportError {
    failure: Failure,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TransportError {
    /// This failure, without a cause worth telling.
    #[must_use]
    pub fn new(failure: Failure) -> Self {
        Self {
            failure,
            source: None,
        }
    }

    /// This failure and what caused it.
    pub fn because(failure: Failure, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self {
            failure,
            source: Some(source.into()),
        }
    }

    /// Why there is no response.
    #[must_use]
    pub fn failure(&self) -> Failure {
        self.failure
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.failure.as_str())
    }
}

impl Error for TransportError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
