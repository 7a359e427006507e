//! A load and an upstream that do next to nothing, so that what is measured is on the other side.

use std::net::SocketAddr;

use msa_core::clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::serve::{announce, input_closed};
use crate::{Result, call};

const REQUEST: &[u8] =
    b"GET /hello HTTP/1.1\r\nhost: hello.example\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 5\r\ndate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nhello";
const BODY: &[u8] = b"\r\n\r\nhello";

/// Sends requests over keep-alive connections, one at a time on each, and prints the seconds that they took.
pub(crate) async fn run(addr: SocketAddr, requests: usize, parallel: usize) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..parallel {
        let mut stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        ask(&mut stream, call::WARM_UP / parallel).await?;
        connections.push(stream);
    }
    let began = clock::now();
    let mut tasks = JoinSet::new();
    for mut stream in connections {
        tasks.spawn(async move { ask(&mut stream, requests / parallel).await });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    println!("{}", clock::since(began).as_secs_f64());
    Ok(())
}

pub(crate) async fn ask(stream: &mut TcpStream, times: usize) -> Result<()> {
    let mut buffer = [0; 4096];
    for _ in 0..times {
        stream.write_all(REQUEST).await?;
        let mut length = 0;
        while !buffer
            .get(..length)
            .is_some_and(|read| read.ends_with(BODY))
        {
            let room = buffer.get_mut(length..).unwrap_or_default();
            match stream.read(room).await? {
                0 => return Err("the answer was cut off, or is not the one expected".into()),
                n => length += n,
            }
        }
        if !buffer.starts_with(b"HTTP/1.1 200 ") {
            return Err("the answer was not 200".into());
        }
    }
    Ok(())
}

/// Answers every head with the same bytes.
pub(crate) async fn upstream() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    input_closed().await
}

/// Takes whatever is exported.
pub(crate) async fn collector() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(listener.local_addr()?);
    let routes = axum::Router::new().fallback(async |_: axum::body::Bytes| http::StatusCode::OK);
    tokio::spawn(async move { axum::serve(listener, routes).await });
    input_closed().await
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    let mut length = 0;
    loop {
        match stream
            .read(buffer.get_mut(length..).unwrap_or_default())
            .await?
        {
            0 => return Ok(()),
            n => length += n,
        }
        // The clients send no bodies, and nothing before the answer is there.
        if buffer
            .get(..length)
            .is_some_and(|read| read.ends_with(b"\r\n\r\n"))
        {
            length = 0;
            stream.write_all(RESPONSE).await?;
        }
    }
}
