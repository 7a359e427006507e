//! Who gets how much.

use std::collections::BTreeMap;

use msa_core::balance::{Algorithm, Answer, Balancer, P2cEwma, Pick, PickHint};
use msa_core::clock::{self, Instant};
use msa_core::config::BalancerName;

use crate::support::{ALL, balanced, chi_square, counts, even, index, ms, pick, weighing};

/// Of 9 degrees of freedom: above it lies one in a thousand.
const CHI_9: f64 = 27.88;

#[test]
fn equal_weights_get_equal_shares() {
    for name in ALL {
        // Of 40 seeds one in a thousand each may exceed the bound; two do in less than one of a thousand runs, and seeds are fixed.
        let beyond = (0..40)
            .filter(|seed| {
                let (_, balanced) = balanced(name, *seed, &even(10));
                let counts = counts(&balanced, 10, 5000, clock::now());
                chi_square(&counts, &[1; 10]) > CHI_9
            })
            .count();
        assert!(beyond < 2, "{name:?}: {beyond} seeds");
    }
}

#[test]
fn shares_follow_the_weights() {
    let weights = [100, 200, 50, 25, 100, 400, 100, 125, 300, 1];
    for name in ALL {
        let beyond = (0..40)
            .filter(|seed| {
                let (_, balanced) = balanced(name, *seed, &weighing(&weights));
                let counts = counts(&balanced, 10, 7005, clock::now());
                chi_square(&counts, &weights) > CHI_9
            })
            .count();
        assert!(beyond < 2, "{name:?}: {beyond} seeds");
    }
}

#[test]
fn shares_of_turns_are_exact() {
    for (name, rounds) in [(BalancerName::Weighted, 1), (BalancerName::RoundRobin, 5)] {
        for seed in 0..20 {
            let (_, balanced) = balanced(name, seed, &weighing(&[500, 100, 100]));
            for _ in 0..10 {
                let counts = counts(&balanced, 3, 7 * rounds, clock::now());
                // Round robin's round is that of the heaviest: five walks through all.
                if name == BalancerName::Weighted {
                    assert_eq!(counts, [5, 1, 1]);
                }
            }
            let counts = counts(&balanced, 3, 700, clock::now());
            assert!(
                counts[0].abs_diff(500) <= 5 && counts[1].abs_diff(100) <= 5,
                "{counts:?}"
            );
        }
    }
}

#[test]
fn the_turns_of_a_small_round_are_nginxs() {
    let (_, balanced) = balanced(BalancerName::Weighted, 3, &weighing(&[5, 1, 1]));
    let order: String = (0..14)
        .map(|_| ["a", "b", "c"][index(pick(&balanced, &[], clock::now()).endpoint())])
        .collect();
    assert!(order.repeat(2).contains("aabacaa"), "{order}");
}

#[test]
fn a_long_round_of_turns_is_exact_and_even() {
    // Coprime and many: far more turns than are laid down.
    let weights: Vec<u32> = (0..100).map(|n| 997 + 13 * n).collect();
    let round: usize = weights.iter().map(|weight| *weight as usize).sum();
    let (_, balanced) = balanced(BalancerName::Weighted, 1, &weighing(&weights));
    let all = counts(&balanced, 100, round, clock::now());
    assert!(
        all.iter()
            .zip(&weights)
            .all(|(count, weight)| *count == *weight as usize)
    );
    let few = counts(&balanced, 100, round / 100, clock::now());
    for (count, weight) in few.iter().zip(&weights) {
        assert!(
            count.abs_diff(*weight as usize / 100) <= 6,
            "{count} of {weight}"
        );
    }
}

#[test]
fn least_request_keeps_the_load_in_proportion_to_the_weights() {
    let weights = [100, 100, 100, 100, 400];
    let (fleet, balanced) = balanced(BalancerName::LeastRequest, 1, &weighing(&weights));
    let now = clock::now();
    let held: Vec<_> = (0..800).map(|_| pick(&balanced, &[], now)).collect();
    for slot in fleet.members().all() {
        let fair = slot.weight();
        assert!(slot.in_flight().abs_diff(fair) < fair / 5, "{slot:?}");
    }
    drop(held);
    assert!(
        fleet
            .members()
            .all()
            .iter()
            .all(|slot| slot.in_flight() == 0)
    );
}

#[test]
fn two_choices_keep_the_load_even() {
    // Finagle's test of its least loaded: 100 endpoints, 100,000 requests that never end.
    for name in [BalancerName::LeastRequest, BalancerName::P2cEwma] {
        let (fleet, balanced) = balanced(name, 7, &even(100));
        let now = clock::now();
        let mut held = Vec::new();
        for _ in 0..100_000 {
            held.push(pick(&balanced, &[], now));
        }
        let members = fleet.members();
        let loads = members.all().iter().map(|slot| slot.in_flight());
        let (least, most) = (loads.clone().min().unwrap(), loads.max().unwrap());
        assert!(most - least <= 10, "{name:?}: {least} to {most}");
    }
}

#[test]
fn among_equals_in_speed_the_weights_decide_under_load_too() {
    let weights = [100, 200, 100, 400];
    for name in [BalancerName::LeastRequest, BalancerName::P2cEwma] {
        let (_, balanced) = balanced(name, 3, &weighing(&weights));
        let begin = clock::now();
        let mut counts = [0_usize; 4];
        let mut running: BTreeMap<(Instant, u64), Pick> = BTreeMap::new();
        for step in 0..8000_u64 {
            let now = begin + ms(step);
            while let Some(entry) = running.first_entry()
                && entry.key().0 <= now
            {
                let mut pick = entry.remove();
                pick.headers(Answer::Success, now);
                pick.complete(now);
            }
            let pick = pick(&balanced, &[], now);
            counts[index(pick.endpoint())] += 1;
            // 5 to 14 ms, in no order: ten requests are in flight.
            running.insert((now + ms(5 + step * step * 7 % 10), step), pick);
        }
        for (count, weight) in counts.iter().zip(weights) {
            let fair = weight as usize * 10;
            assert!(count.abs_diff(fair) < fair / 5, "{name:?}: {counts:?}");
        }
    }
}

#[test]
fn an_endpoint_that_turns_slow_gets_next_to_nothing() {
    for seed in 0..10 {
        let (_, balanced) = balanced(BalancerName::P2cEwma, seed, &even(3));
        let begin = clock::now();
        let mut picked = [0; 3];
        for request in 0..3000 {
            let now = begin + ms(10 * request);
            let mut pick = pick(&balanced, &[], now);
            let n = index(pick.endpoint());
            picked[n] += 1;
            let latency = if n == 0 { ms(2000) } else { ms(20) };
            pick.headers(Answer::Success, now + latency);
            pick.complete(now + latency);
        }
        assert!(picked[0] < 30, "{picked:?}");
    }
}

#[test]
fn one_that_fails_fast_gets_less_than_its_share_and_is_tried_again() {
    for answer in [
        Answer::Failure,
        Answer::GatewayFailure,
        Answer::LocalFailure,
    ] {
        for seed in 0..10 {
            let (_, balanced) = balanced(BalancerName::P2cEwma, seed, &even(4));
            let begin = clock::now();
            let mut picked = [0; 4];
            let mut late = 0;
            for request in 0..6000 {
                let now = begin + ms(10 * request);
                let mut pick = pick(&balanced, &[], now);
                let n = index(pick.endpoint());
                picked[n] += 1;
                let (answer, latency) = match n {
                    0 => (answer, ms(1)),
                    _ => (Answer::Success, ms(50)),
                };
                pick.headers(answer, now + latency);
                pick.complete(now + latency);
                late += usize::from(n == 0 && request > 3000);
            }
            assert!(picked[0] < 60, "{picked:?}");
            assert!(late > 0, "never tried again");
        }
    }
}

#[test]
fn a_few_failures_everywhere_change_nothing_between_equals() {
    let (_, balanced) = balanced(BalancerName::P2cEwma, 5, &even(4));
    let begin = clock::now();
    let mut picked = [0; 4];
    for request in 0..20_000_u64 {
        let now = begin + ms(request);
        let mut pick = pick(&balanced, &[], now);
        picked[index(pick.endpoint())] += 1;
        let failed = request % 97 == 0;
        let answer = if failed {
            Answer::Failure
        } else {
            Answer::Success
        };
        let latency = ms(10 + request * 7 % 5);
        pick.headers(answer, now + latency);
        pick.complete(now + latency);
    }
    assert!(
        picked.iter().all(|count| (4000..6000).contains(count)),
        "{picked:?}"
    );
}

#[test]
fn an_endpoint_without_history_is_tried_once_until_it_answers() {
    // Finagle's test: 100 endpoints answer in a nanosecond and the last one not at all, a pick a nanosecond.
    let mut measures = crate::support::measures();
    measures.decay = std::time::Duration::from_nanos(150);
    let fleet = msa_core::balance::Fleet::new(measures);
    let algorithm = P2cEwma::new(11);
    let begin = clock::now();
    fleet.update(&even(101), begin, |members| {
        algorithm.update(members, begin)
    });
    let mut picked = vec![0_usize; 101];
    let mut held = Vec::new();
    for tick in 0..100_000 {
        let now = begin + std::time::Duration::from_nanos(tick);
        let slot = algorithm.choose(&PickHint::default(), now).unwrap();
        let mut pick = Pick::new(slot, now);
        let n = index(pick.endpoint());
        picked[n] += 1;
        if n == 100 {
            held.push(pick);
        } else {
            let end = now + std::time::Duration::from_nanos(1);
            pick.headers(Answer::Success, end);
            pick.complete(end);
        }
    }
    assert_eq!(picked.pop(), Some(1));
    assert!(
        picked.iter().all(|count| count.abs_diff(1000) < 200),
        "{picked:?}"
    );
}

#[test]
fn a_newcomer_gets_its_share_bit_by_bit() {
    for name in ALL {
        let fleet = std::sync::Arc::new(msa_core::balance::Fleet::new(
            msa_core::balance::Measures::default(),
        ));
        let balanced = crate::support::on(&fleet, name, 4);
        let begin = clock::now();
        balanced.update(&even(3), begin);
        balanced.update(&even(4), begin);
        let share = |after| counts(&balanced, 4, 4000, begin + ms(after))[3];
        // A quarter, times the ramp; two choices give it a little less, since it loses no comparison but some draws.
        let (cold, warm, full) = (share(0), share(5000), share(10_000));
        assert!((30..180).contains(&cold), "{name:?}: {cold}");
        assert!((350..650).contains(&warm), "{name:?}: {warm}");
        assert!((900..1100).contains(&full), "{name:?}: {full}");
    }
}
