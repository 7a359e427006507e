//! The smallest HTTP/1.1 client: one request, one connection.
//!
//! It sends headers as they are given, also those that a real client refuses: several ids, control characters, 64 KiB
//! of them. It knows nothing of redirects, retries or pools, so that every answer a test sees came from one request.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::Error;

/// No answer within this time is a failure: above the longest deadline of a service.
const LIMIT: Duration = Duration::from_secs(45);

/// Begins a GET.
pub fn get(addr: SocketAddr, path: impl Into<String>) -> Request {
    Request::new("GET", addr, path)
}

/// Begins a POST with a JSON body.
pub fn post(addr: SocketAddr, path: impl Into<String>, body: &Value) -> Request {
    let request = Request::new("POST", addr, path);
    request
        .header("content-type", "application/json")
        .body(body.to_string())
}

/// A request to be sent.
#[derive(Debug, Clone)]
#[must_use]
pub struct Request {
    method: String,
    addr: SocketAddr,
    path: String,
    headers: Vec<(Vec<u8>, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// Begins a request of any method.
    pub fn new(method: impl Into<String>, addr: SocketAddr, path: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            addr,
            path: path.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Adds a header, byte for byte as given.
    pub fn header(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let header = (name.as_ref().to_vec(), value.as_ref().to_vec());
        self.headers.push(header);
        self
    }

    /// Sets the body, byte for byte as given.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it and reads the whole answer.
    ///
    /// # Errors
    /// When no whole answer came.
    pub fn send(&self) -> Result<Response, Error> {
        self.exchange().map_err(|source| Error::Http {
            method: self.method.clone(),
            addr: self.addr.to_string(),
            path: self.path.clone(),
            source,
        })
    }

    fn exchange(&self) -> io::Result<Response> {
        let stream = TcpStream::connect_timeout(&self.addr, LIMIT)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_write_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        // A server may answer and close before it has read everything, as it should with headers of 10 MB: the answer
        // counts, and a failed write only when there is none.
        let written = (&stream).write_all(&self.bytes());
        match Response::read(BufReader::new(&stream)) {
            Ok(response) => Ok(response),
            Err(error) => Err(written.err().unwrap_or(error)),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        bytes.extend(format!("host: {}\r\nconnection: close\r\n", self.addr).into_bytes());
        for (name, value) in &self.headers {
            bytes.extend(name.iter().chain(b": ").chain(value).chain(b"\r\n"));
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", self.body.len()).into_bytes());
        bytes.extend(&self.body);
        bytes
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers; names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of that (lower-case) name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The body as JSON, `null` when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether this is an RFC 9457 problem document.
    #[must_use]
    pub fn is_problem(&self) -> bool {
        self.header("content-type") == Some("application/problem+json")
    }

    fn read(mut reader: impl BufRead) -> io::Result<Self> {
        let status = loop {
            let line = line(&mut reader)?;
            let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
            let status: u16 = status.ok_or_else(|| invalid(format!("no status line: {line:?}")))?;
            if status >= 200 {
                break status;
            }
            headers(&mut reader)?; // 100 Continue and its like
        };
        let mut response = Self {
            status,
            headers: headers(&mut reader)?,
            body: Vec::new(),
        };
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = chunks(&mut reader)?;
        } else if let Some(length) = response.header("content-length") {
            let length: usize = length.parse().map_err(|_| invalid("content-length"))?;
            response.body.resize(length, 0);
            reader.read_exact(&mut response.body)?;
        } else if !matches!(status, 204 | 304) {
            reader.read_to_end(&mut response.body)?;
        }
        Ok(response)
    }
}

fn headers(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut headers = Vec::new();
    loop {
        let line = line(reader)?;
        if line.is_empty() {
            return Ok(headers);
        }
        let (name, value) = line.split_once(':').ok_or_else(|| invalid(&line))?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
}

fn chunks(reader: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = line(reader)?;
        let size = line.split(';').next().unwrap_or_default();
        let size = u64::from_str_radix(size, 16).map_err(|_| invalid(&line))?;
        if size == 0 {
            headers(reader)?;
            return Ok(body);
        }
        let read = reader.by_ref().take(size).read_to_end(&mut body)?;
        if u64::try_from(read) != Ok(size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self::line(reader)?;
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    if reader.read_until(b'\n', &mut bytes)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let line = String::from_utf8_lossy(&bytes);
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn invalid(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &str) -> io::Result<Response> {
        Response::read(bytes.as_bytes())
    }

    #[test]
    fn bodies_of_all_three_framings_are_read_whole() {
        for (framing, body) in [
            ("content-length: 5\r\n\r\n", "hello tail"),
            ("\r\n", "hello"),
            (
                "transfer-encoding: chunked\r\n\r\n",
                "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            ),
        ] {
            let answer = read(&format!("HTTP/1.1 200 OK\r\n{framing}{body}")).unwrap();
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, "hello"),
                "{framing}"
            );
        }
    }

    #[test]
    fn a_cut_body_is_an_error() {
        for cut in [
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel",
            "HTTP/1.1 200 OK\r\ncontent-le",
            "",
        ] {
            assert!(read(cut).is_err(), "{cut}");
        }
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let answer = read(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        )
        .unwrap();
        assert_eq!(answer.status, 404);
    }
}
