//! What an error of reqwest means: which of the many layers below it failed, and whether the request was sent.

use std::error::Error;
use std::io;

use super::{Failure, TransportError};

impl From<reqwest::Error> for TransportError {
    fn from(error: reqwest::Error) -> Self {
        Self::because(failure(&error), error.without_url())
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_builder() {
        return Failure::Invalid;
    }
    let causes = Causes::of(error);
    if error.is_connect() {
        return if error.is_dns() {
            Failure::Dns
        } else if causes.tls {
            Failure::Tls
        } else if error.is_timeout() {
            Failure::ConnectTimeout
        } else if causes.io == Some(io::ErrorKind::ConnectionRefused) {
            Failure::Refused
        } else {
            Failure::Connect
        };
    }
    if causes.never_sent {
        Failure::NeverSent
    } else if causes.request_body {
        Failure::Invalid
    } else if error.is_timeout() {
        Failure::Timeout
    } else if causes.parse {
        Failure::Protocol
    } else {
        Failure::Reset
    }
}

/// What the chain of causes tells.
#[derive(Default)]
struct Causes {
    io: Option<io::ErrorKind>,
    tls: bool,
    never_sent: bool,
    request_body: bool,
    parse: bool,
}

impl Causes {
    fn of(error: &(dyn Error + 'static)) -> Self {
        let mut causes = Self::default();
        let mut next = Some(error);
        while let Some(error) = next {
            causes.look(error);
            // What an io::Error wraps is not its source: it stands for it.
            next = match error
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref)
            {
                Some(inner) => Some(inner),
                None => error.source(),
            };
        }
        causes
    }

    fn look(&mut self, error: &(dyn Error + 'static)) {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            self.io = Some(error.kind());
        } else if let Some(error) = error.downcast_ref::<hyper::Error>() {
            // hyper says so only when it wrote nothing of the request.
            self.never_sent |= error.is_canceled() || error.is_closed();
            self.request_body |= error.is_user();
            self.parse |= error.is_parse();
        }
        #[cfg(feature = "http2")]
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            self.never_sent |= unprocessed(error);
        }
        #[cfg(feature = "tls")]
        {
            self.tls |= error.is::<rustls::Error>();
        }
    }
}

/// RFC 9113, 8.7: a stream refused, or above the last one that a graceful GOAWAY names, was not processed.
#[cfg(feature = "http2")]
fn unprocessed(error: &h2::Error) -> bool {
    let reason = error.reason();
    error.is_remote()
        && (error.is_go_away() && reason == Some(h2::Reason::NO_ERROR)
            || error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM))
}
