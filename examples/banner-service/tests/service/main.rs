//! The whole service in process, without a socket: its router over a real database.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail loudly

mod fixture;
mod outage;
mod postgres;
mod rest;
mod rules;

use fixture::Fixture;

#[tokio::test]
async fn a_banner_lives_its_life_in_sqlite() {
    rules::a_banner_lives_its_life(&Fixture::sqlite().await).await;
}

#[tokio::test]
async fn placements_that_only_touch_do_not_overlap_in_sqlite() {
    rules::placements_that_only_touch_do_not_overlap(&Fixture::sqlite().await).await;
}

#[tokio::test]
async fn lists_come_in_parts_and_can_be_narrowed_in_sqlite() {
    rules::lists_come_in_parts_and_can_be_narrowed(&Fixture::sqlite().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_that_want_one_slot_exactly_one_gets_it_in_sqlite() {
    rules::of_a_hundred_that_want_one_slot_exactly_one_gets_it(&Fixture::sqlite().await).await;
}

#[tokio::test]
async fn seeding_twice_adds_once_in_sqlite() {
    rules::seeding_twice_adds_once(&Fixture::sqlite().await).await;
}
