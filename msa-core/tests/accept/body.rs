//! Time limits on bodies.

use std::time::Duration;

use msa_core::clock;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::support::*;

#[tokio::test(start_paused = true)]
async fn a_stalled_body_is_answered_408_and_the_connection_closed() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc")
        .await
        .unwrap();
    let begun = clock::now();
    let head = answer(&mut io, "about:blank\"}").await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert!(
        head.contains("application/problem+json") && head.contains("connection: close"),
        "{head}"
    );
    assert_eq!(clock::since(begun).as_secs(), 15);
    assert_eq!(rest(&mut io).await, "");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_comes_slowly_but_steadily_has_its_time_as_a_whole() {
    let serving = Serving::start();
    let (mut read, mut write) = tokio::io::split(serving.connect());
    let begun = clock::now();
    let dribble = tokio::spawn(async move {
        write
            .write_all(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n")
            .await
            .unwrap();
        while write.write_all(b"a").await.is_ok() {
            sleep(Duration::from_secs(10)).await;
        }
    });
    let head = answer(&mut read, "about:blank\"}").await;
    assert!(head.starts_with("HTTP/1.1 408 "), "{head}");
    assert_eq!(clock::since(begun).as_secs(), 60);
    dribble.abort();
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_pauses_between_two_reads_is_not_the_clients_fault() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"POST /pause HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
        .await
        .unwrap();
    sleep(Duration::from_secs(45)).await;
    io.write_all(b"def").await.unwrap();
    let head = answer(&mut io, "3 then 3").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_bodys_end_closes_the_connection_and_does_not_hang() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"POST /ignore HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nabc")
        .await
        .unwrap();
    let (took, said) = closed_after(&mut io).await;
    assert!(said.ends_with("ignored"), "{said}");
    assert!(took < 100, "{took} ms");
}
