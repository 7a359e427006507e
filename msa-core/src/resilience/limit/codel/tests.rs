//! The rules of the queue.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::{self, Instant};
use crate::resilience::limit::Reason;
use crate::resilience::limit::shares::CLASSES;
use crate::txn::Criticality;
use Criticality::{Background, Critical, Default as Usual, Sheddable};

const MS: Duration = Duration::from_millis(1);

fn queue(length: usize) -> Queue<u32> {
    Queue::new(QueueConfig {
        length,
        ..QueueConfig::default()
    })
}

fn queued(push: Push<u32>) -> (u64, Option<u32>) {
    match push {
        Push::Queued { ticket, evicted } => (ticket, evicted),
        Push::Full(who) => panic!("{who} found no place"),
    }
}

fn drain(queue: &mut Queue<u32>) -> Vec<u32> {
    std::iter::from_fn(|| queue.highest().and_then(|class| queue.pop(class))).collect()
}

/// Keeps the queue standing until the law says so.
fn stand(queue: &mut Queue<u32>, now: Instant) -> Instant {
    let mut out = Vec::new();
    queued(queue.push(now, Usual, 1000));
    queue.shed(now + MS * 6, &mut out);
    queued(queue.push(now + MS * 50, Usual, 1001));
    queued(queue.push(now + MS * 51, Usual, 1002));
    queue.shed(now + MS * 106, &mut out);
    assert!(queue.is_last_in_first_out());
    while let Some(class) = queue.highest() {
        queue.pop(class);
    }
    now + MS * 106
}

#[tokio::test(start_paused = true)]
async fn the_highest_class_goes_first_and_in_it_the_oldest() {
    let mut queue = queue(10);
    let now = clock::now();
    for (who, class) in [
        (1, Usual),
        (2, Background),
        (3, Critical),
        (4, Usual),
        (5, Sheddable),
    ] {
        queued(queue.push(now, class, who));
    }
    assert_eq!(drain(&mut queue), [3, 1, 4, 5, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_turns_away_who_matters_least() {
    let mut queue = queue(2);
    let now = clock::now();
    queued(queue.push(now, Sheddable, 1));
    queued(queue.push(now, Sheddable, 2));
    assert!(matches!(queue.push(now, Background, 3), Push::Full(3)));
    assert!(matches!(queue.push(now, Sheddable, 4), Push::Full(4)));
    // The newest of the lowest class: it has lost the least by waiting.
    assert_eq!(queued(queue.push(now, Critical, 5)).1, Some(2));
    assert_eq!(drain(&mut queue), [5, 1]);
}

#[tokio::test(start_paused = true)]
async fn while_it_stands_the_newest_go_first_and_the_oldest_make_room() {
    let mut queue = queue(3);
    let now = stand(&mut queue, clock::now());
    for who in 1..=3 {
        queued(queue.push(now, Usual, who));
    }
    assert_eq!(queued(queue.push(now, Usual, 4)).1, Some(1));
    assert_eq!(drain(&mut queue), [4, 3, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_emptied_is_first_in_first_out_again() {
    let mut queue = queue(3);
    let now = stand(&mut queue, clock::now());
    queue.shed(now, &mut Vec::new());
    assert!(!queue.is_last_in_first_out());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_than_the_longest_wait() {
    let mut queue = queue(3);
    let now = clock::now();
    queued(queue.push(now, Critical, 1));
    queued(queue.push(now + MS, Background, 2));
    let mut out = Vec::new();
    queue.shed(now + MS * 99, &mut out);
    assert_eq!(out, []);
    queue.shed(now + MS * 100, &mut out);
    assert_eq!(out, [(1, Reason::QueueTime)]);
    assert_eq!(drain(&mut queue), [2]);
}

#[tokio::test(start_paused = true)]
async fn the_law_drops_the_oldest_of_the_lowest_class() {
    let mut queue = Queue::new(QueueConfig {
        max_wait: MS * 10_000,
        ..QueueConfig::default()
    });
    let now = clock::now();
    for (who, class) in [(1, Critical), (2, Background), (3, Background), (4, Usual)] {
        queued(queue.push(now, class, who));
    }
    let mut out = Vec::new();
    for ms in 5..400 {
        queue.shed(now + MS * ms, &mut out);
    }
    let order: Vec<_> = out.iter().map(|(who, _)| *who).collect();
    assert_eq!(order, [2, 3, 4, 1]);
}

/// A server that takes 10 in 100 ms, and a burst that leaves a hundred waiting, with as many coming as are served.
#[tokio::test(start_paused = true)]
async fn a_standing_queue_is_drained_and_a_burst_is_not_touched() {
    let run = |burst: u32, rounds: u32, lifo: bool| {
        let mut queue = Queue::new(QueueConfig {
            length: 1000,
            max_wait: MS * 60_000,
            adaptive_lifo: lifo,
            ..QueueConfig::default()
        });
        let (now, mut out) = (clock::now(), Vec::new());
        for who in 0..burst {
            queued(queue.push(now, Usual, who));
        }
        for round in 0..rounds {
            let now = now + MS * 10 * round;
            queued(queue.push(now, Usual, burst + round));
            queue.shed(now, &mut out);
            queue.pop(Usual);
        }
        (queue.len(), out.len())
    };
    for lifo in [false, true] {
        let (left, dropped) = run(100, 1000, lifo);
        assert!(
            left <= 2,
            "{left} still wait, {dropped} were dropped, lifo {lifo}"
        );
        assert!(
            (95..=100).contains(&dropped),
            "{dropped} of 100, lifo {lifo}"
        );
    }
    // What is served within an interval is nobody's loss.
    assert_eq!(run(0, 1000, true), (0, 0));
}

proptest! {
    /// Everybody who is let in leaves exactly once, and the bound holds, whatever is done in whatever order.
    #[test]
    fn everybody_leaves_exactly_once(
        length in 0usize..6,
        lifo: bool,
        steps in proptest::collection::vec((0u8..4, 0usize..4, 0u32..80), 0..200),
    ) {
        let mut queue = Queue::new(QueueConfig { length, adaptive_lifo: lifo, ..QueueConfig::default() });
        let start = clock::now();
        let (mut now, mut inside, mut tickets) = (start, Vec::new(), Vec::new());
        for (who, (step, class, wait)) in (0u32..).zip(steps) {
            now += MS * wait;
            let class = CLASSES[class];
            let mut gone = Vec::new();
            match step {
                0 | 1 => match queue.push(now, class, who) {
                    Push::Queued { ticket, evicted } => {
                        inside.push(who);
                        tickets.push((class, ticket, who));
                        gone.extend(evicted);
                    }
                    Push::Full(back) => prop_assert_eq!(back, who),
                },
                2 => {
                    let mut out = Vec::new();
                    queue.shed(now, &mut out);
                    gone.extend(out.into_iter().map(|(who, _)| who));
                    gone.extend(queue.highest().and_then(|class| queue.pop(class)));
                }
                _ => {
                    if let Some((class, ticket, who)) = tickets.pop() {
                        let removed = queue.remove(class, ticket);
                        prop_assert_eq!(removed.is_some(), inside.contains(&who));
                        gone.extend(removed);
                    }
                }
            }
            for who in gone {
                let place = inside.iter().position(|other| *other == who);
                prop_assert!(place.is_some(), "{} left and was not inside", who);
                inside.swap_remove(place.unwrap());
            }
            prop_assert_eq!(queue.len(), inside.len());
            prop_assert!(queue.len() <= length);
        }
        prop_assert_eq!(drain(&mut queue).len(), inside.len());
    }
}
