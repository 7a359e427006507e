//! What a peer is told whose request could not be read.
//!
//! hyper answers an unreadable head by itself, before any layer of ours, with a bare status and closes. The socket sees
//! that answer go by, and gives it the body that every other error has.
//!
//! That is safe because nothing else can be on its way: every request that was begun on the connection has been answered
//! and flushed (the socket keeps count), so the only one who can write is hyper; and what it writes is taken for its
//! answer only if it is one whole head of a refusal without a body. In doubt, as after pipelined requests, it goes out as it
//! is.

/// hyper's own answer with a problem document; `None` for anything else.
pub(super) fn explained(head: &[u8]) -> Option<Box<[u8]>> {
    const EMPTY: &str = "content-length: 0\r\n";
    let head = std::str::from_utf8(head).ok()?;
    let (title, status, detail) = match head.strip_prefix("HTTP/1.1 ")?.get(..3)? {
        "400" => (
            "Bad Request",
            400,
            "the request cannot be read: its request line or one of its headers is not HTTP",
        ),
        "414" => ("URI Too Long", 414, "the request's target is too long"),
        "431" => (
            "Request Header Fields Too Large",
            431,
            "the request's headers are too large or too many",
        ),
        _ => return None,
    };
    if head.find("\r\n\r\n")? + 4 != head.len() {
        return None; // more than a head
    }
    let (before, after) = head.split_once(EMPTY)?;
    let problem = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{status},"detail":"{detail}"}}"#
    );
    let length = problem.len();
    let answer = format!(
        "{before}content-type: application/problem+json\r\ncontent-length: {length}\r\n{after}{problem}"
    );
    Some(answer.into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_refusal_gets_a_body_of_its_length_and_keeps_its_headers() {
        for head in [
            "HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n",
            "HTTP/1.1 431 Request Header Fields Too Large\r\ndate: x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        ] {
            let answer = String::from_utf8(explained(head.as_bytes()).unwrap().into()).unwrap();
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            let lines: Vec<_> = head.split("\r\n").collect();
            assert_eq!(lines.len(), 5, "{head}");
            for line in [
                "connection: close",
                "date: x",
                "content-type: application/problem+json",
                &format!("content-length: {}", body.len()),
            ] {
                assert!(lines.contains(&line), "{line} in {head}");
            }
            let document: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(document["status"], 431);
        }
    }

    #[test]
    fn anything_else_goes_out_as_it_is() {
        for other in [
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 3\r\n\r\nabc",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            "HTTP/1.1 4",
            "",
        ] {
            assert_eq!(explained(other.as_bytes()), None, "{other}");
        }
    }
}
