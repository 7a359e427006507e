use std::time::Duration;

use super::*;
use crate::clock;

const MANY: usize = 100;

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn report(in_flight: u32, latency: u64) -> LoadReport {
    LoadReport::new(in_flight, ms(latency))
}

fn pool() -> Pool<u32> {
    Pool::new(PrequalRules::default(), 1)
}

/// A pool of replicas 0.. with these requests in flight and latencies.
fn filled(reports: &[(u32, u64)], now: Instant) -> Pool<u32> {
    let mut pool = pool();
    for (replica, (in_flight, latency)) in (0..).zip(reports) {
        pool.add(replica, report(*in_flight, *latency), false, MANY, now);
    }
    pool
}

fn any(_: u32) -> Option<Seen> {
    Some(Seen::PLAIN)
}

#[test]
fn the_fastest_of_the_cold_is_chosen_and_the_least_loaded_when_all_are_hot() {
    let now = clock::now();
    // The limit is the median of 9 and the others' requests in flight: 2, which two do not exceed.
    let mut pool = filled(&[(4, 30), (3, 20), (9, 10), (2, 70), (1, 40)], now);
    assert_eq!(pool.choose(MANY, now, any), Some(4));
    let mut pool = filled(&[(7, 5), (5, 9), (6, 1)], now);
    others_have(1, &mut pool);
    assert_eq!(pool.choose(MANY, now, any), Some(1));
}

#[test]
fn an_overrun_replica_is_not_chosen_whatever_latency_and_however_often_it_reports() {
    let now = clock::now();
    for rest in [1, 2, 19] {
        let mut pool = pool();
        for replica in 1..=rest {
            pool.add(replica, report(3, 40), false, 20, now);
        }
        for in_flight in 0..1000 {
            pool.add(0, report(in_flight, 0), false, 20, now);
        }
        assert_ne!(pool.choose(20, now, any), Some(0), "{rest} others");
    }
}

/// Other replicas, not to choose from, that have so many in flight.
fn others_have(in_flight: u32, pool: &mut Pool<u32>) {
    for replica in 1000..1050 {
        pool.in_flight.push(replica, in_flight);
    }
}

#[test]
fn a_cold_replica_that_is_much_slower_than_a_hot_one_waits() {
    let now = clock::now();
    let pick = |slow| {
        let mut pool = filled(&[(10, 20), (0, slow)], now);
        others_have(9, &mut pool);
        pool.choose(MANY, now, any)
    };
    // 20 ms * (10 / 9)^2 * 3 = 74.07 ms
    assert_eq!([pick(74), pick(75)], [Some(1), Some(0)]);
}

#[test]
fn latencies_that_are_about_the_same_leave_the_choice_to_requests_in_flight() {
    let now = clock::now();
    let choice = |slower| {
        let mut pool = filled(&[(2, 27), (1, slower)], now);
        others_have(9, &mut pool);
        pool.choose(MANY, now, any)
    };
    // Of the steps, 25.2 ms, 33.6 ms and 50.3 ms are the next.
    assert_eq!([choice(33), choice(34)], [Some(1), Some(0)]);
}

#[test]
fn each_request_sent_counts_as_in_flight_until_the_next_report() {
    let now = clock::now();
    let mut pool = filled(&[(0, 10), (0, 20), (2, 40)], now);
    others_have(2, &mut pool);
    let picks: Vec<_> = (0..8)
        .map(|_| pool.choose(MANY, now, any).unwrap())
        .collect();
    // 0 until it is above the limit of 2, then 1 until it is, then 2; then all are hot and the least loaded is next.
    assert_eq!(picks, [0, 0, 0, 1, 1, 1, 2, 0]);
    pool.add(0, report(0, 10), false, MANY, now);
    assert_eq!(pool.choose(MANY, now, any), Some(0));
}

#[test]
fn a_report_is_good_for_a_second() {
    let now = clock::now();
    let mut pool = filled(&[(0, 1), (0, 2), (0, 3)], now);
    pool.add(3, report(0, 9), false, MANY, now + ms(500));
    pool.add(4, report(0, 8), false, MANY, now + ms(500));
    assert_eq!(pool.choose(MANY, now + ms(1000), any), Some(0));
    assert_eq!(pool.choose(MANY, now + ms(1001), any), Some(4));
    assert_eq!(pool.choose(MANY, now + ms(1501), any), None);
    assert_eq!(pool.len(), 0);
}

#[test]
fn with_fewer_than_two_to_choose_from_the_choice_is_left_to_others() {
    let now = clock::now();
    let mut pool = filled(&[(0, 1)], now);
    assert_eq!(pool.choose(MANY, now, any), None);
    assert_eq!(pool.choose(1, now, any), Some(0)); // unless there is no other
    pool.add(1, report(0, 2), false, MANY, now);
    assert_eq!(
        pool.choose(MANY, now, |one| (one == 1).then_some(Seen::PLAIN)),
        None
    );
    assert_eq!(pool.choose(MANY, now, any), Some(1));
}

#[test]
fn a_replica_stands_in_the_pool_once_and_the_oldest_makes_room() {
    let now = clock::now();
    let mut pool = pool();
    for replica in 0..16 {
        pool.add(replica, report(0, 1), false, MANY, now + ms(replica.into()));
    }
    pool.add(0, report(0, 1), false, MANY, now + ms(20));
    assert_eq!(pool.len(), 16);
    pool.add(16, report(0, 1), false, MANY, now + ms(30));
    assert_eq!(pool.len(), 16);
    assert!(pool.contains(0) && !pool.contains(1) && pool.contains(16));
}

#[test]
fn half_the_share_looks_twice_as_loaded() {
    let now = clock::now();
    let mut pool = filled(&[(0, 10), (0, 15), (0, 40)], now);
    let see = |one| {
        let share = if one == 0 { 0.5 } else { 1.0 };
        Some(Seen {
            share,
            in_flight: 0,
        })
    };
    assert_eq!(pool.choose(MANY, now, see), Some(1));
}

#[test]
fn what_this_client_has_in_flight_counts_when_it_is_more_than_the_report_says() {
    let now = clock::now();
    let mut pool = filled(&[(0, 10), (0, 15), (1, 40)], now);
    let see = |one| {
        let in_flight = if one == 0 { 5 } else { 0 };
        Some(Seen {
            share: 1.0,
            in_flight,
        })
    };
    assert_eq!(pool.choose(MANY, now, see), Some(1));
}

#[test]
fn three_probes_a_pick_make_an_entry_good_for_the_papers_number_of_picks() {
    let now = clock::now();
    let mut pool = pool();
    // n = 100, m = 16, r_probe = 3, r_remove = 1, delta = 1: 2 / (0.84 * 3 - 1) = 1.316.
    for _ in 0..1000 {
        pool.supply.picked();
        for _ in 0..3 {
            pool.supply.probed();
        }
    }
    let mean = (0..10_000).map(|_| f64::from(pool.uses(MANY))).sum::<f64>() / 10_000.0;
    assert!((mean - 1.316).abs() < 0.02, "{mean}");
    assert!((1..=2).contains(&pool.uses(MANY)));
    for replica in 0..16 {
        pool.add(replica, report(0, 1), false, MANY, now);
    }
    // A pick takes its entry now or the next time, and one more entry is removed.
    for left in [15, 13, 11] {
        assert!(pool.choose(MANY, now, any).is_some());
        let fresh = pool.len();
        assert!((left - 1..=left + 3).contains(&fresh), "{fresh}");
    }
}

#[test]
fn removal_takes_the_oldest_and_the_worst_in_turns() {
    let now = clock::now();
    let mut pool = pool();
    for (replica, (in_flight, latency)) in (0..).zip([(1, 10), (1, 30), (1, 20), (0, 5), (0, 6)]) {
        let at = now + ms(u64::from(replica));
        pool.add(replica, report(in_flight, latency), false, MANY, at);
    }
    let mut removed = Vec::new();
    let known = |pool: &Pool<u32>| (0..5).filter(|one| pool.contains(*one)).collect::<Vec<_>>();
    for _ in 0..3 {
        let before = known(&pool);
        pool.supply = Supply::constant(3.0);
        pool.remove_owed(MANY, 1.0);
        let after = known(&pool);
        removed.extend(before.into_iter().filter(|one| !after.contains(one)));
    }
    assert_eq!(removed, [0, 1, 2]); // the oldest, the slowest of the cold, the oldest
    pool.add(9, report(7, 1), false, MANY, now + ms(9));
    pool.remove_owed(MANY, 1.0);
    assert_eq!(known(&pool), [3, 4]); // the hot one
    assert!(!pool.contains(9));
}

#[test]
fn a_pool_that_holds_the_whole_set_keeps_its_entries_until_they_age() {
    let now = clock::now();
    let mut pool = pool();
    pool.supply = Supply::constant(3.0);
    for replica in 0..3 {
        pool.add(replica, report(0, 1), true, 3, now);
    }
    for _ in 0..1000 {
        assert!(pool.choose(3, now, any).is_some());
    }
    assert_eq!(pool.len(), 3);
}

#[test]
fn renaming_follows_a_new_set() {
    let now = clock::now();
    let mut pool = filled(&[(0, 1), (0, 2), (0, 3)], now);
    pool.rename(|one| (one != 1).then_some(one + 10));
    assert!(pool.contains(10) && pool.contains(12) && !pool.contains(11));
    pool.forget(10);
    assert_eq!(pool.len(), 1);
}
