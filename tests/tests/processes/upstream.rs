//! A service that answers when it is told to.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Takes every request, and holds each until [`Upstream::open`].
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct State {
    requests: Vec<String>,
    open: bool,
}

#[derive(Debug, Default)]
struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

impl Upstream {
    /// Listens on a free port; every answer will be a 201 with this body.
    pub(crate) fn start(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let gate = Arc::new(Gate::default());
        let theirs = Arc::clone(&gate);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let gate = Arc::clone(&theirs);
                thread::spawn(move || serve(stream.unwrap(), &gate, body));
            }
        });
        Self { addr, gate }
    }

    /// Waits until so many requests have arrived.
    pub(crate) fn wait_for(&self, requests: usize) {
        let state = self.gate.state.lock().unwrap();
        drop(
            self.gate
                .changed
                .wait_while(state, |state| state.requests.len() < requests)
                .unwrap(),
        );
    }

    /// The request lines of what has arrived.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.gate.state.lock().unwrap().requests.clone()
    }

    /// Answers what has arrived and what arrives from now on.
    pub(crate) fn open(&self) {
        self.gate.state.lock().unwrap().open = true;
        self.gate.changed.notify_all();
    }
}

fn serve(stream: TcpStream, gate: &Gate, body: &str) {
    let mut reader = BufReader::new(&stream);
    while let Some(request) = read_request(&mut reader) {
        let mut state = gate.state.lock().unwrap();
        state.requests.push(request);
        gate.changed.notify_all();
        drop(gate.changed.wait_while(state, |state| !state.open).unwrap());
        let head = "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length";
        if write!(&stream, "{head}: {}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
    }
}

fn read_request(reader: &mut impl BufRead) -> Option<String> {
    let mut request = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if request.is_empty() {
            request = line.trim_end().to_owned();
        }
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(request)
}
