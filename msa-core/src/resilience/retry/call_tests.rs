//! The rules of the core, one by one.

use std::sync::Arc;

use super::*;
use crate::clock;
use crate::config::RetryCondition;
use crate::resilience::budget::{
    Budget, RetryThrottle, ThrottleConfig, WindowBudget, WindowConfig,
};
use crate::resilience::retry::{Answer, Backoff, Conditions};
use crate::txn::{Incoming, Minter};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Waits of 10, 20, 40 ms.
fn retry() -> Retry {
    Retry::default().backoff(Backoff::exponential(ms(10), 2.0))
}

fn budget(tokens: u32) -> Arc<Budget> {
    let config = WindowConfig::default()
        .min_per_second(tokens)
        .ratio(crate::config::Percent::ZERO)
        .window(Duration::from_secs(1));
    Arc::new(Budget::Window(WindowBudget::new(config)))
}

fn busy() -> Ending {
    Answer::status(503).into()
}

fn txn(retries: u32) -> Txn {
    let incoming = Incoming {
        retries: Some(retries),
        ..Incoming::default()
    };
    Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now())
}

#[track_caller]
fn again<R: Deref<Target = Retry>>(
    call: &mut RetryCall<R>,
    ending: &Ending,
    about: &Circumstances<'_>,
) -> Duration {
    match call.after(ending, about, clock::now) {
        Decision::Retry { delay } => delay,
        other => panic!("{other:?} after {ending:?}"),
    }
}

fn refusal(retry: &Retry, ending: &Ending, about: &Circumstances<'_>) -> Option<RetryRefusal> {
    match retry.begin(clock::now()).after(ending, about, clock::now) {
        Decision::Refused(why) => Some(why),
        _ => None,
    }
}

#[test]
fn it_retries_so_often_and_waits_longer_each_time() {
    let retry = retry();
    let mut call = retry.begin(clock::now());
    let about = Circumstances::default();
    assert_eq!(again(&mut call, &busy(), &about), ms(10));
    assert_eq!(call.attempt(), 2);
    assert_eq!(again(&mut call, &Ending::Reset, &about), ms(20));
    let third = call.after(&busy(), &about, clock::now);
    assert_eq!(third, Decision::Refused(RetryRefusal::Exhausted));
    assert_eq!(call.attempt(), 3);
}

#[test]
fn what_no_condition_names_is_the_calls() {
    let (retry, about) = (retry(), Circumstances::default());
    for ending in [
        Ending::Good,
        Ending::Refused,
        Answer::status(404).into(),
        Answer::status(500).into(),
    ] {
        let decision = retry.begin(clock::now()).after(&ending, &about, clock::now);
        assert_eq!(decision, Decision::Done, "{ending:?}");
    }
}

#[test]
fn what_may_have_been_processed_is_repeated_only_when_idempotent() {
    let about = Circumstances {
        idempotent: false,
        ..Circumstances::default()
    };
    for ending in [busy(), Ending::Reset, Ending::TimedOut] {
        let why = refusal(&retry(), &ending, &about);
        assert_eq!(why, Some(RetryRefusal::NotIdempotent), "{ending:?}");
    }
    for ending in [Ending::NotConnected, Ending::NotProcessed] {
        assert_eq!(refusal(&retry(), &ending, &about), None, "{ending:?}");
    }
}

#[test]
fn what_never_reached_anybody_goes_elsewhere_at_once_but_only_once() {
    let (retry, about) = (retry(), Circumstances::default());
    let mut call = retry.begin(clock::now());
    assert_eq!(again(&mut call, &Ending::NotConnected, &about), ms(0));
    assert_eq!(again(&mut call, &Ending::NotConnected, &about), ms(20));
}

#[test]
fn a_body_that_is_gone_or_a_response_that_was_handed_out_ends_it() {
    let gone = Circumstances {
        repeatable: false,
        ..Circumstances::default()
    };
    assert_eq!(
        refusal(&retry(), &busy(), &gone),
        Some(RetryRefusal::BodyNotRepeatable)
    );
    let out = Circumstances {
        handed_out: true,
        ..Circumstances::default()
    };
    let retry = retry();
    let decision = retry
        .begin(clock::now())
        .after(&Ending::Reset, &out, clock::now);
    assert_eq!(decision, Decision::Done);
}

#[test]
fn no_retry_starts_at_the_deadline_or_later() {
    let now = clock::now();
    for (left, expected) in [(ms(11), None), (ms(10), Some(RetryRefusal::Deadline))] {
        let about = Circumstances {
            deadline: Some(now + left),
            ..Circumstances::default()
        };
        let retry = retry();
        let decision = retry.begin(now).after(&busy(), &about, || now);
        assert_eq!(decision.delay().is_none(), expected.is_some(), "{left:?}");
    }
    let retry = retry().max_duration(ms(25)).max_retries(9);
    let mut call = retry.begin(now);
    let about = Circumstances::default();
    assert_eq!(call.after(&busy(), &about, || now).delay(), Some(ms(10)));
    let late = call.after(&busy(), &about, || now + ms(10));
    assert_eq!(late, Decision::Refused(RetryRefusal::Deadline));
}

#[test]
fn retry_after_is_kept_to_and_spread_while_the_deadline_allows() {
    let mut answer = Answer::status(503);
    answer.wait = Wait::AtLeast(Duration::from_secs(2));
    let now = clock::now();
    let mut about = Circumstances {
        deadline: Some(now + Duration::from_secs(3)),
        ..Circumstances::default()
    };
    let retry = retry();
    let decision = retry.begin(now).after(&answer.into(), &about, || now);
    assert_eq!(decision.delay(), Some(ms(2010)));
    about.deadline = Some(now + Duration::from_secs(2));
    let decision = retry.begin(now).after(&answer.into(), &about, || now);
    assert_eq!(decision, Decision::Refused(RetryRefusal::Deadline));
    answer.wait = Wait::AtLeast(Duration::MAX);
    let decision = retry.begin(now).after(&answer.into(), &about, || now);
    assert_eq!(decision, Decision::Refused(RetryRefusal::Deadline));
}

#[test]
fn a_pushback_is_exact_and_the_backoff_begins_anew() {
    let (retry, about) = (retry().max_retries(4), Circumstances::default());
    let mut call = retry.begin(clock::now());
    let mut pushed = Answer::status(503);
    pushed.wait = Wait::Exactly(ms(700));
    assert_eq!(again(&mut call, &busy(), &about), ms(10));
    assert_eq!(again(&mut call, &busy(), &about), ms(20));
    assert_eq!(again(&mut call, &pushed.into(), &about), ms(700));
    assert_eq!(again(&mut call, &busy(), &about), ms(10));
}

#[test]
fn told_never_it_stops_and_passes_it_on() {
    let told = Answer {
        never: true,
        ..Answer::status(503)
    };
    let pushed = Answer {
        wait: Wait::Never,
        ..Answer::status(503)
    };
    for answer in [told, pushed] {
        let txn = txn(2);
        let about = Circumstances {
            txn: Some(&txn),
            ..Circumstances::default()
        };
        let why = refusal(&retry(), &answer.into(), &about);
        assert_eq!(why, Some(RetryRefusal::ToldNever));
        assert!(txn.is_retry_forbidden());
    }
}

#[test]
fn parallel_calls_draw_from_the_transactions_one_counter() {
    let (retry, txn) = (retry(), txn(2));
    let about = Circumstances {
        txn: Some(&txn),
        ..Circumstances::default()
    };
    let mut calls = [(); 3].map(|()| retry.begin(clock::now()));
    let decided = calls
        .each_mut()
        .map(|call| call.after(&busy(), &about, clock::now));
    assert!(decided[0].delay().is_some() && decided[1].delay().is_some());
    assert_eq!(
        decided[2],
        Decision::Refused(RetryRefusal::TransactionBudget)
    );
    assert!(
        txn.is_retry_forbidden(),
        "nobody above may spend what is spent here"
    );
}

#[test]
fn a_call_dropped_while_it_waits_gives_back_what_it_paid_and_one_that_started_does_not() {
    let (retry, txn, now) = (retry().budget(budget(5)), txn(2), clock::now());
    let about = Circumstances {
        txn: Some(&txn),
        ..Circumstances::default()
    };
    let left = |retry: &Retry| match &*retry.budget {
        Budget::Window(window) => window.balance(now),
        _ => 0,
    };
    let mut call = retry.begin(now);
    assert!(call.after(&busy(), &about, || now).delay().is_some());
    assert_eq!((left(&retry), txn.retries_left()), (4, 1));
    drop(call);
    assert_eq!((left(&retry), txn.retries_left()), (5, 2));
    let mut call = retry.begin(now);
    assert!(call.after(&busy(), &about, || now).delay().is_some());
    call.started();
    drop(call);
    assert_eq!((left(&retry), txn.retries_left()), (4, 1));
}

#[test]
fn the_destinations_budget_bounds_all_calls_and_an_empty_one_leaves_the_transactions_alone() {
    let (retry, txn) = (retry().budget(budget(1)), txn(9));
    let about = Circumstances {
        txn: Some(&txn),
        ..Circumstances::default()
    };
    let (mut one, mut two) = (retry.begin(clock::now()), retry.begin(clock::now()));
    assert!(one.after(&busy(), &about, clock::now).delay().is_some());
    let refused = two.after(&busy(), &about, clock::now);
    assert_eq!(refused, Decision::Refused(RetryRefusal::Budget));
    assert_eq!(txn.retries_left(), 8);
}

#[test]
fn a_throttle_is_told_of_every_attempt() {
    let throttle = RetryThrottle::new(ThrottleConfig::default().max_tokens(3).token_ratio(0.5));
    let retry = retry().budget(Budget::Throttle(throttle));
    let about = Circumstances::default();
    let mut call = retry.begin(clock::now());
    assert!(
        call.after(&busy(), &about, clock::now).delay().is_some(),
        "2 of 3 tokens"
    );
    let second = call.after(&busy(), &about, clock::now);
    assert_eq!(second, Decision::Refused(RetryRefusal::Budget), "1 of 3");
    for _ in 0..2 {
        let _done = retry
            .begin(clock::now())
            .after(&Ending::Good, &about, clock::now);
    }
    let mut call = retry.begin(clock::now());
    let refused = call.after(&busy(), &about, clock::now);
    assert_eq!(
        refused,
        Decision::Refused(RetryRefusal::Budget),
        "2 - 1 = 1"
    );
}

#[test]
fn dark_it_decides_and_spends_nothing_of_the_transactions() {
    let (retry, txn) = (retry().dark(true), txn(2));
    let about = Circumstances {
        txn: Some(&txn),
        ..Circumstances::default()
    };
    let decision = retry.begin(clock::now()).after(&busy(), &about, clock::now);
    assert_eq!(decision, Decision::Dark { delay: ms(10) });
    assert_eq!((txn.retries_left(), txn.is_retry_forbidden()), (2, false));
}

#[test]
fn switched_off_it_says_nothing() {
    let retry = retry().max_retries(0);
    let decision = retry
        .begin(clock::now())
        .after(&busy(), &Circumstances::default(), clock::now);
    assert_eq!(decision, Decision::Done);
}

#[test]
fn an_iterator_of_waits_that_ends_ends_the_retries() {
    let retry = retry()
        .max_retries(9)
        .backoff(Backoff::from_iter_fn(|| [ms(1), ms(2)]));
    let about = Circumstances::default();
    let mut call = retry.begin(clock::now());
    assert_eq!(again(&mut call, &busy(), &about), ms(1));
    assert_eq!(again(&mut call, &busy(), &about), ms(2));
    let last = call.after(&busy(), &about, clock::now);
    assert_eq!(last, Decision::Refused(RetryRefusal::Exhausted));
}

#[test]
fn new_settings_keep_what_the_budget_counted_unless_they_are_about_it() {
    let retry = Retry::default();
    let mut settings = crate::config::RetrySettings {
        max_retries: 5,
        ..Default::default()
    };
    let next = retry.updated(&settings);
    assert!(Arc::ptr_eq(&retry.budget, &next.budget));
    assert_eq!(next.max_retries, 5);
    settings.budget.min_per_second = 1;
    assert!(!Arc::ptr_eq(&retry.budget, &next.updated(&settings).budget));
}

#[test]
fn headers_are_read_only_when_they_can_matter() {
    let never = || -> Instant { panic!("nothing to read") };
    let headers = http::HeaderMap::new();
    assert_eq!(
        Retry::default().answered(200, &headers, never),
        Ending::Good
    );
    let grpc = Retry::default().on(Conditions::none().with(RetryCondition::Grpc(14)));
    let mut headers = http::HeaderMap::new();
    headers.insert("grpc-status", "14".parse().unwrap());
    let ending = grpc.answered(200, &headers, clock::now);
    assert!(matches!(
        ending,
        Ending::Answered(Answer { grpc: Some(14), .. })
    ));
}
