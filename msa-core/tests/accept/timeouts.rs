//! First byte, head and idle: three timeouts that do not stand in for one another.

use std::time::Duration;

use msa_core::clock;
use msa_core::server::accept::Limits;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use crate::support::*;

const FIRST_BYTE: u128 = 10_000;
pub(crate) const HEAD: u128 = 10_000;
pub(crate) const IDLE: u128 = 75_000;

/// Timers are a millisecond coarse, and a time stamp in between is rounded up.
pub(crate) fn assert_about(took: u128, expected: u128) {
    assert!(
        (expected..=expected + 2).contains(&took),
        "{took} ms instead of {expected}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_without_a_word() {
    let serving = Serving::start();
    let (took, said) = closed_after(&mut serving.connect()).await;
    assert_about(took, FIRST_BYTE);
    assert_eq!(said, "");
}

#[tokio::test(start_paused = true)]
async fn the_head_has_its_time_from_its_first_byte_on() {
    let serving = Serving::start();
    let mut io = serving.connect();
    sleep(Duration::from_secs(7)).await;
    io.write_all(b"GET / HTT").await.unwrap();
    let (took, said) = closed_after(&mut io).await;
    assert_about(took, HEAD);
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_dribbles_gets_no_more_time() {
    let serving = Serving::start();
    let (mut read, mut write) = tokio::io::split(serving.connect());
    let begun = clock::now();
    let dribble = tokio::spawn(async move {
        for byte in b"GET / HTTP/1.1\r\nx-long: "
            .iter()
            .chain(std::iter::repeat_n(&b'a', 1000))
        {
            if write.write_all(&[*byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_millis(900)).await;
        }
    });
    let said = rest(&mut read).await;
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    // The peer never closes, so what follows the answer is thrown away for two seconds more.
    let took = clock::since(begun).as_millis();
    assert!((HEAD..=HEAD + 2_010).contains(&took), "{took} ms");
    dribble.abort();
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_closed_after_the_idle_time_and_not_after_the_heads() {
    let serving = Serving::start();
    let mut io = serving.connect();
    for _ in 0..3 {
        io.write_all(HELLO).await.unwrap();
        answer(&mut io, "hello").await;
        sleep(Duration::from_secs(70)).await;
    }
    io.write_all(HELLO).await.unwrap();
    answer(&mut io, "hello").await;
    let (took, said) = closed_after(&mut io).await;
    assert_about(took, IDLE);
    assert_eq!(said, "");
}

#[tokio::test(start_paused = true)]
async fn an_idle_time_shorter_than_the_first_bytes_and_the_heads_is_kept_to() {
    for split in [false, true] {
        let mut limits = Limits::default();
        limits.idle_timeout = Duration::from_millis(750);
        let serving = Serving::with(limits);
        let mut io = serving.connect();
        for _ in 0..3 {
            if split {
                io.write_all(&HELLO[..9]).await.unwrap();
                sleep(Duration::from_millis(20)).await;
                io.write_all(&HELLO[9..]).await.unwrap();
            } else {
                io.write_all(HELLO).await.unwrap();
            }
            answer(&mut io, "hello").await;
            sleep(Duration::from_millis(700)).await;
        }
        let (took, said) = closed_after(&mut io).await;
        assert_about(took, 50);
        assert_eq!(said, "");
    }
}

#[tokio::test(start_paused = true)]
async fn half_a_head_on_a_kept_connection_has_the_heads_time_and_not_the_idle_time() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(HELLO).await.unwrap();
    answer(&mut io, "hello").await;
    sleep(Duration::from_secs(30)).await;
    io.write_all(b"GET /").await.unwrap();
    let (took, _) = closed_after(&mut io).await;
    assert_about(took, HEAD);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_take_longer_than_all_of_them() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    answer(&mut io, "waited").await;
    let (took, _) = closed_after(&mut io).await;
    assert_about(took, IDLE);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_the_answer_does_not_keep_the_connection() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    sleep(Duration::from_secs(3 * 75)).await;
    // What fitted into the pipe is all there is.
    let said = rest(&mut io).await;
    assert!(said.len() <= 1024 * 1024, "{}", said.len());
}

#[tokio::test(start_paused = true)]
async fn who_reads_the_answer_slowly_gets_all_of_it() {
    let serving = Serving::start();
    let mut io = serving.connect();
    io.write_all(b"GET /big HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut part = vec![0; 1024 * 1024];
    for _ in 0..8 {
        sleep(Duration::from_secs(70)).await;
        tokio::io::AsyncReadExt::read_exact(&mut io, &mut part)
            .await
            .unwrap();
    }
}
