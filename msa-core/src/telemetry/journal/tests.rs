//! The rules of the journal as a whole.

use std::time::Duration;

use super::*;
use crate::clock;
use crate::config::{Size, Span};
use crate::event::{Event, Outcome};

fn settings() -> JournalSettings {
    JournalSettings {
        max_size: Size::kib(64),
        ..JournalSettings::default()
    }
}

fn open(journal: &Journal, txn: &Txn, now: Instant) -> OpenPage {
    let opening = Opening {
        txn,
        method: "GET",
        route: "/users/{id}",
        peer: Some([127, 0, 0, 1].into()),
    };
    journal.open(&opening, now).unwrap()
}

fn request(journal: &Journal, status: u16, took: Duration) -> Txn {
    let (txn, now) = (Txn::begin(), clock::now());
    open(journal, &txn, now).end(status, now + took);
    txn
}

#[tokio::test(start_paused = true)]
async fn a_request_is_found_with_its_calls_attempts_and_reasons() {
    let journal = Journal::new("shop", &settings());
    let (txn, now) = (Txn::begin(), clock::now());
    let page = open(&journal, &txn, now);
    let notes = page.notes();
    let ms = |n| now + Duration::from_millis(n);
    let (service, endpoint) = ("stock", "10.0.0.1:80");
    notes.call_began(1, service, "GET", "/stock/7", ms(1));
    let picked = Event::Picked {
        service,
        endpoint,
        attempt: 1,
    };
    notes.call_note(1, &picked, ms(1));
    let ended = Event::AttemptEnded {
        service,
        endpoint,
        attempt: 1,
        outcome: Outcome::Status(503),
        elapsed: Duration::from_millis(4),
    };
    notes.call_note(1, &ended, ms(5));
    let retried = Event::Retried {
        service,
        attempt: 2,
        reason: "503",
        delay: Duration::from_millis(3),
        dark: false,
    };
    notes.call_note(1, &retried, ms(5));
    notes.note(
        &Event::FellBack {
            service,
            how: "stale",
            reason: "503",
        },
        ms(6),
    );
    page.end(200, ms(7));

    let [entry] = &*journal.find(txn.gtxid()) else {
        panic!("one request")
    };
    assert_eq!((entry.status, entry.ms), (Some(200), Some(7.0)));
    assert_eq!(entry.peer.as_deref(), Some("127.0.0.1"));
    assert_eq!(entry.route.as_deref(), Some("/users/{id}"));
    let [call] = &*entry.calls else {
        panic!("one call")
    };
    assert_eq!((&*call.branch, &*call.path), ("1.1", "/stock/7"));
    assert_eq!(call.attempts[0].outcome.status, Some(503));
    assert_eq!(
        (call.attempts[0].at_ms, call.attempts[0].ms),
        (1.0, Some(4.0))
    );
    let retry = &call.decisions[0];
    assert_eq!(
        (&*retry.what, &*retry.reason, retry.time_ms),
        ("retried", "503", Some(3.0))
    );
    assert_eq!(
        (&*entry.decisions[0].what, &*entry.decisions[0].detail),
        ("fell_back", "stale")
    );
    let json = serde_json::to_string(entry).unwrap();
    assert_eq!(serde_json::from_str::<Entry>(&json).unwrap(), *entry);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_still_runs_is_found() {
    let journal = Journal::new("shop", &settings());
    let txn = Txn::begin();
    let _page = open(&journal, &txn, clock::now());
    let found = journal.find(txn.gtxid());
    assert_eq!((found.len(), found[0].status, found[0].ms), (1, None, None));
}

#[tokio::test(start_paused = true)]
async fn errors_and_slow_requests_outlive_any_number_of_others_and_memory_is_bounded() {
    let mut settings = settings();
    settings.slow = Some(Span::secs(1));
    let journal = Journal::new("shop", &settings);
    let failed = request(&journal, 503, Duration::ZERO);
    let slow = request(&journal, 200, Duration::from_secs(2));
    let good = request(&journal, 200, Duration::ZERO);
    for _ in 0..10_000 {
        request(&journal, 200, Duration::ZERO);
    }
    assert_eq!(journal.find(failed.gtxid()).len(), 1);
    assert_eq!(journal.find(slow.gtxid()).len(), 1);
    assert_eq!(journal.find(good.gtxid()).len(), 0);
    let fill = journal.fill();
    assert!(
        fill.recent > 10 && fill.recent_bytes <= 32 * 1024,
        "{fill:?}"
    );
    for _ in 0..10_000 {
        request(&journal, 500, Duration::ZERO);
    }
    let filled = fill.recent;
    let fill = journal.fill();
    assert!(fill.kept_bytes <= 32 * 1024, "{fill:?}");
    assert!(
        fill.recent <= filled,
        "what moved is in one ring only: {fill:?}"
    );
    assert_eq!(journal.find(failed.gtxid()).len(), 0);
}

#[tokio::test(start_paused = true)]
async fn work_that_outlives_its_request_is_noted_and_counted() {
    let journal = Journal::new("shop", &settings());
    let (txn, now) = (Txn::begin(), clock::now());
    let page = open(&journal, &txn, now);
    page.end(202, now);
    let before = journal.fill().recent_bytes;
    for call in 1..=100 {
        page.notes()
            .call_began(call, "stock", "GET", "/stock/7", now);
    }
    assert_eq!(journal.find(txn.gtxid())[0].calls.len(), 100);
    assert!(journal.fill().recent_bytes > before + 1_000);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_room_in_its_page_is_counted() {
    let mut settings = settings();
    settings.max_entry = Size::kib(1);
    let journal = Journal::new("shop", &settings);
    let (txn, now) = (Txn::begin(), clock::now());
    let page = open(&journal, &txn, now);
    for call in 1..=1_000 {
        page.notes()
            .call_began(call, "stock", "GET", "/stock/7", now);
    }
    page.end(200, now);
    let found = journal.find(txn.gtxid());
    let (calls, left_out) = (found[0].calls.len(), found[0].left_out);
    assert!(calls > 10 && calls < 100, "{calls}");
    assert_eq!(calls + left_out as usize, 1_000);
    assert_eq!(found[0].status, Some(200), "its end has room always");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_outlives_the_ring_is_there_when_it_ends() {
    let journal = Journal::new("shop", &settings());
    let (txn, now) = (Txn::begin(), clock::now());
    let page = open(&journal, &txn, now);
    for _ in 0..10_000 {
        request(&journal, 200, Duration::ZERO);
    }
    assert_eq!(journal.find(txn.gtxid()).len(), 0);
    page.end(200, now);
    assert_eq!(journal.find(txn.gtxid()).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_outside_of_any_request_has_a_page_that_ends_with_it() {
    let journal = Journal::new("shop", &settings());
    let now = clock::now();
    let txn = journal.note_alone(Txn::begin(), now);
    let notes = txn.notes().unwrap();
    notes.call_began(1, "stock", "GET", "/stock/7", now);
    assert_eq!(journal.find(txn.gtxid())[0].ms, None);
    let ended = Event::CallEnded {
        service: "stock",
        attempts: 1,
        outcome: Outcome::Failed("connect"),
        elapsed: Duration::from_millis(2),
    };
    notes.call_note(1, &ended, now + Duration::from_millis(2));
    let found = journal.find(txn.gtxid());
    assert_eq!((found[0].ms, found[0].status), (Some(2.0), None));
    assert_eq!(journal.fill().kept, 1, "it failed");
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_forgets_and_opens_no_page() {
    let mut settings = settings();
    let journal = Journal::new("shop", &settings);
    let txn = request(&journal, 500, Duration::ZERO);
    let still = Txn::begin();
    let page = open(&journal, &still, clock::now());
    settings.enabled = false;
    journal.configure(&settings);
    page.end(500, clock::now());
    assert!(journal.find(txn.gtxid()).is_empty() && journal.find(still.gtxid()).is_empty());
    let fill = journal.fill();
    assert_eq!((fill.kept_bytes, fill.recent_bytes), (0, 0));
    let opening = Opening {
        txn: &txn,
        method: "GET",
        route: "",
        peer: None,
    };
    assert!(journal.open(&opening, clock::now()).is_none());
}
