//! Instructions that the transaction costs a request. Needs valgrind and `cargo install gungraun-runner`.
//!
//! `cargo bench -p msa-core --bench txn`

#![allow(missing_docs, unused_qualifications, clippy::unwrap_used)] // a benchmark's macros and set-up

use std::hint::black_box;
use std::time::Duration;

use gungraun::{library_benchmark, library_benchmark_group, main};
use http::{HeaderMap, HeaderValue};
use msa_core::txn::{Call, Gtxid, Headers, Incoming, Minter, Txn};

/// What a browser sends.
fn foreign() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("host", "shop.example"),
        ("user-agent", "Mozilla/5.0"),
        ("accept", "text/html"),
        ("accept-language", "en"),
        ("accept-encoding", "gzip, br"),
        ("cookie", "session=1"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
}

/// The same and a transaction.
fn ours() -> HeaderMap {
    let mut headers = foreign();
    Headers::default().inject(&call(), 1, Some(Duration::from_millis(2500)), &mut headers);
    headers
}

fn call() -> Call {
    Txn::root("0196b2f0c0de00112233445566778899".parse::<Gtxid>().unwrap()).next_call()
}

#[library_benchmark]
#[bench::foreign(foreign())]
#[bench::ours(ours())]
fn extract(headers: HeaderMap) -> (Incoming, HeaderMap) {
    (
        black_box(Headers::default().extract(black_box(&headers))),
        headers,
    )
}

#[library_benchmark]
#[bench::typical(call(), foreign())]
fn inject(call: Call, mut headers: HeaderMap) -> (Call, HeaderMap) {
    Headers::default().inject(
        black_box(&call),
        1,
        Some(Duration::from_millis(2500)),
        &mut headers,
    );
    (call, headers)
}

fn seeded() -> Minter {
    Minter::seeded(1)
}

#[library_benchmark]
#[bench::seeded(seeded())]
fn mint(minter: Minter) -> (Gtxid, Minter) {
    (black_box(minter.mint(black_box(1_777_777_777_777))), minter)
}

library_benchmark_group!(name = txn, benchmarks = [extract, inject, mint]);
main!(library_benchmark_groups = txn);
