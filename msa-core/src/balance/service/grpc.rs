//! What an HTTP answer says of its endpoint, gRPC's included.

use http::{HeaderMap, HeaderName, StatusCode};

use crate::balance::Answer;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const DRAINING: HeaderName = HeaderName::from_static("x-msa-draining");

/// What status and headers say. A gRPC call that fails at once tells so in its headers.
pub(super) fn answer(status: StatusCode, headers: &HeaderMap) -> Answer {
    match Answer::of_status(status.as_u16()) {
        Answer::Success => in_fields(headers).unwrap_or(Answer::Success),
        failure => failure,
    }
}

/// What a `grpc-status` among these headers or trailers says.
///
/// Unknown, deadline exceeded, unimplemented, internal and data loss blame the server, unavailable that it is there at all; the other
/// codes blame the request or its rights. <https://grpc.io/docs/guides/status-codes/>
pub(super) fn in_fields(fields: &HeaderMap) -> Option<Answer> {
    Some(match fields.get(GRPC_STATUS)?.as_bytes() {
        b"14" => Answer::GatewayFailure,
        b"2" | b"4" | b"12" | b"13" | b"15" => Answer::Failure,
        _ => Answer::Success,
    })
}

/// Whether the endpoint says that it is draining.
pub(super) fn is_draining(headers: &HeaderMap) -> bool {
    headers.contains_key(DRAINING)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn codes_that_blame_the_server_are_failures() {
        let of = |code| {
            let mut headers = HeaderMap::new();
            headers.insert(GRPC_STATUS, HeaderValue::from_static(code));
            answer(StatusCode::OK, &headers)
        };
        for code in [
            "0", "1", "3", "5", "6", "7", "8", "9", "10", "11", "16", "x",
        ] {
            assert_eq!(of(code), Answer::Success, "{code}");
        }
        for code in ["2", "4", "12", "13", "15"] {
            assert_eq!(of(code), Answer::Failure, "{code}");
        }
        assert_eq!(of("14"), Answer::GatewayFailure);
        assert_eq!(answer(StatusCode::OK, &HeaderMap::new()), Answer::Success);
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(
            answer(unavailable, &HeaderMap::new()),
            Answer::GatewayFailure
        );
    }
}
