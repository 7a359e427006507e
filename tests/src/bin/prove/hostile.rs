//! SIGTERM while connections are open that will never end by themselves.

use std::net::SocketAddr;
use std::time::Duration;

use msa_core::clock;
use msa_core::config::DrainSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Error;
use crate::instance::Instance;
use crate::options::Options;

/// What the end may take beyond lag and deadline, the flush included.
const MARGIN: Duration = Duration::from_secs(1);

const HALF_A_HEAD: &[u8] = b"POST /items HTTP/1.1\r\nhost: x\r\ncont";

/// HTTP/2's preface, an empty SETTINGS frame, and nothing that ever confirms the server's.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";

/// HEADERS of stream 1, END_HEADERS only: `POST http://x/items` from HPACK's static table, and a body that never comes.
const HTTP2_POST: &[u8] = b"\x00\x00\x0d\x01\x04\x00\x00\x00\x01\x83\x86\x41\x01x\x04\x06/items";

/// Ends in time, with 0, and says what it cut?
pub(crate) async fn run(mut options: Options) -> Result<bool, Error> {
    let defaults = options.flag("defaults");
    let (lag, deadline) = if defaults {
        let drain = DrainSettings::default();
        (drain.lag.get(), drain.deadline.get())
    } else {
        (Duration::from_millis(500), Duration::from_secs(1))
    };
    let connections: usize = options.value("connections", 100)?;
    let http2: usize = options.value("http2", 10)?;
    let admin: usize = options.value("admin", 9)?;
    let lag = options.duration("lag", lag)?;
    let deadline = options.duration("deadline", deadline)?;
    let margin = options.duration("margin", MARGIN)?;
    options.finish()?;

    let mut settings = Vec::new();
    if !defaults {
        settings.push(("MSA_SERVER__DRAIN__LAG", format!("{}ms", lag.as_millis())));
        settings.push((
            "MSA_SERVER__DRAIN__DEADLINE",
            format!("{}ms", deadline.as_millis()),
        ));
    }
    let mut instance = Instance::start(&settings).await?;
    let mut hostiles = JoinSet::new();
    let mut expected = 0;
    for number in 0..connections {
        let stream = connect(instance.addr()).await?;
        match number % 3 {
            0 => hostiles.spawn(hold(stream, b"")),
            1 => hostiles.spawn(hold(stream, HALF_A_HEAD)),
            _ => {
                expected += 1;
                hostiles.spawn(trickle(stream))
            }
        };
    }
    for number in 0..http2 {
        let stream = connect(instance.addr()).await?;
        if number % 2 == 0 {
            hostiles.spawn(hold(stream, HTTP2));
        } else {
            expected += 1;
            hostiles.spawn(hold(stream, &[HTTP2, HTTP2_POST].concat()));
        }
    }
    for number in 0..admin {
        let stream = connect(instance.admin()?).await?;
        let first: &[u8] = match number % 3 {
            0 => b"",
            1 => HALF_A_HEAD,
            _ => HTTP2,
        };
        hostiles.spawn(hold(stream, first));
    }
    // What was written must have arrived, or there is nothing to cut.
    tokio::time::sleep(Duration::from_millis(300)).await;

    let told = clock::now();
    instance.terminate()?;
    let status = instance.exited().await?;
    let took = clock::since(told);
    hostiles.abort_all();

    let named = instance.logged("cut").len();
    let limit = lag + deadline + margin;
    println!(
        "{connections} HTTP/1 and {http2} HTTP/2 connections, {admin} more to the management listener, lag {lag:?}, deadline {deadline:?}: {status} after {took:.2?} \
         (at most {limit:?}), {named} of {expected} requests named as cut"
    );
    for line in instance.logged("drained") {
        println!("  {line}");
    }
    for line in instance.logged("cut").iter().take(2) {
        println!("  {line}");
    }
    Ok(status.success() && took <= limit && named == expected.min(100))
}

async fn connect(addr: SocketAddr) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends this and keeps the connection for ever, also when the server has closed its side.
fn hold(mut stream: TcpStream, first: &[u8]) -> impl Future<Output = ()> + Send + 'static {
    let first = first.to_vec();
    async move {
        // A server that has closed already is no trouble to it.
        let _ = stream.write_all(&first).await;
        let mut sink = [0; 1024];
        while matches!(stream.read(&mut sink).await, Ok(1..)) {}
        std::future::pending().await
    }
}

/// A byte of a long body now and then.
async fn trickle(mut stream: TcpStream) {
    let head = b"POST /items HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n";
    let mut sent = stream.write_all(head).await;
    while sent.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
        sent = stream.write_all(b"x").await;
    }
}
