//! Any history of calls, beside a model that keeps a list of everything and has no atomics.

use proptest::prelude::*;

use super::super::{Breaker, BreakerConfig, HalfOpen, Judge, OpenTime, Outcome, Permit, State};
use super::ms;
use crate::clock;
use crate::config::Percent;
use crate::resilience::window::Window;

#[derive(Debug, Clone, Copy)]
enum Step {
    Acquire,
    /// Ends the permit that has been held for the longest, or shortest, time.
    End {
        oldest: bool,
        outcome: Outcome,
    },
    Drop,
    Advance(u64),
    Force(State),
}

/// What the breaker should be.
struct Model {
    rules: BreakerConfig,
    state: State,
    epoch: u64,
    until: u64,
    opened: u32,
    /// Results of this epoch: when, and whether it failed.
    results: Vec<(u64, bool)>,
    in_a_row: u32,
    trials: u32,
}

impl Model {
    fn enter(&mut self, state: State, now: u64) {
        (self.state, self.epoch) = (state, self.epoch + 1);
        (self.in_a_row, self.trials) = (0, 0);
        self.results.clear();
        match state {
            State::Open => {
                self.opened += 1;
                let doubled = 5_000 << (self.opened - 1).min(10);
                self.until = now + doubled.min(60_000);
            }
            State::Closed => self.opened = 0,
            _ => {}
        }
    }

    fn admits(&mut self, now: u64) -> bool {
        if self.state == State::Open && now >= self.until {
            self.enter(State::HalfOpen, now);
        }
        match self.state {
            State::Closed => true,
            State::HalfOpen if self.trials < self.rules.half_open.permits => {
                self.trials += 1;
                true
            }
            _ => false,
        }
    }

    fn end(&mut self, epoch: u64, outcome: Outcome, now: u64) {
        if epoch != self.epoch {
            return;
        }
        let failed = match outcome {
            Outcome::Ignored | Outcome::Cancelled => {
                self.trials = self.trials.saturating_sub(1);
                return;
            }
            outcome => outcome != Outcome::Success,
        };
        self.results.push((now, failed));
        self.in_a_row = if failed { self.in_a_row + 1 } else { 0 };
        match self.state {
            State::Closed if self.trips(failed, now) => self.enter(State::Open, now),
            State::HalfOpen if failed => self.enter(State::Open, now),
            State::HalfOpen if self.results.len() == self.rules.half_open.permits as usize => {
                self.enter(State::Closed, now);
            }
            _ => {}
        }
    }

    fn counted(&self, now: u64) -> Vec<bool> {
        let failed = |(_, failed): &(u64, bool)| *failed;
        match self.rules.window {
            Window::Time { .. } => {
                let kept = |(at, _): &&(u64, bool)| at / 1_000 + 10 > now / 1_000;
                self.results.iter().filter(kept).map(failed).collect()
            }
            Window::Count { size } => {
                let from = self.results.len().saturating_sub(size as usize);
                self.results[from..].iter().map(failed).collect()
            }
        }
    }

    fn trips(&self, failed: bool, now: u64) -> bool {
        if failed && self.in_a_row >= 6 {
            return true;
        }
        if !failed && self.rules.judge != Judge::AnyCall {
            return false;
        }
        let calls = self.counted(now);
        let failures = calls.iter().filter(|failed| **failed).count();
        calls.len() >= 4 && failures * 2 >= calls.len()
    }
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Success),
        4 => Just(Outcome::Failure),
        1 => Just(Outcome::Ignored),
        1 => Just(Outcome::Cancelled),
    ];
    let state = prop_oneof![
        Just(State::Open),
        Just(State::HalfOpen),
        Just(State::Closed)
    ];
    prop_oneof![
        10 => Just(Step::Acquire),
        10 => (any::<bool>(), outcome).prop_map(|(oldest, outcome)| Step::End { oldest, outcome }),
        1 => Just(Step::Drop),
        3 => (0_u64..3_000).prop_map(Step::Advance),
        1 => (0_u64..70_000).prop_map(Step::Advance),
        1 => state.prop_map(Step::Force),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn it_does_what_a_list_of_all_results_says(
        steps in prop::collection::vec(step(), 1..300),
        by_count in any::<bool>(),
        any_call in any::<bool>(),
        permits in 1_u32..5,
    ) {
        let rules = BreakerConfig {
            window: if by_count { Window::Count { size: 8 } } else { Window::default() },
            judge: if any_call { Judge::AnyCall } else { Judge::Failures },
            min_calls: 4,
            consecutive_failures: Some(6),
            open: OpenTime { jitter: Percent::ZERO, ..OpenTime::default() },
            half_open: HalfOpen {
                permits,
                at_once: permits,
                max_wait: None,
                ..HalfOpen::default()
            },
            ..BreakerConfig::default()
        };
        let start = clock::now();
        let breaker = Breaker::seeded(rules.clone(), 1).beginning(start);
        let mut model = Model {
            rules, state: State::Closed, epoch: 1, until: 0, opened: 0,
            results: Vec::new(), in_a_row: 0, trials: 0,
        };
        let mut held: Vec<(Permit<&Breaker>, u64)> = Vec::new();
        let mut now = 0;
        for step in steps {
            let at = start + ms(now);
            match step {
                Step::Acquire => {
                    let would = breaker.would_admit(at);
                    let permit = breaker.try_acquire(at);
                    let admits = model.admits(now);
                    prop_assert_eq!(permit.is_ok(), admits);
                    prop_assert_eq!(would, admits);
                    held.extend(permit.map(|permit| (permit, model.epoch)));
                }
                Step::End { oldest, outcome } if !held.is_empty() => {
                    let place = if oldest { 0 } else { held.len() - 1 };
                    let (permit, epoch) = held.remove(place);
                    permit.end(outcome, at);
                    model.end(epoch, outcome, now);
                }
                Step::Drop => {
                    if let Some((permit, epoch)) = held.pop() {
                        drop(permit);
                        model.end(epoch, Outcome::Cancelled, now);
                    }
                }
                Step::Advance(by) => now += by,
                Step::Force(state) => {
                    breaker.force(state, at);
                    model.enter(state, now);
                }
                Step::End { .. } => {}
            }
            let at = start + ms(now);
            prop_assert_eq!(breaker.last_state(), model.state);
            let due = model.state == State::Open && now >= model.until;
            let state = if due { State::HalfOpen } else { model.state };
            prop_assert_eq!(breaker.state(at), state);
            if matches!(model.state, State::Closed) {
                let (calls, counts) = (model.counted(now), breaker.metrics(at).counts);
                prop_assert_eq!(counts.total(), calls.len() as u64);
                prop_assert_eq!(counts.failed, calls.iter().filter(|failed| **failed).count() as u64);
            }
        }
    }
}
