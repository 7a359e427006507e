use super::*;

#[test]
fn parallel_calls_have_branches_of_their_own_and_share_the_hop() {
    let txn = Txn::begin();
    let (a, b) = (txn.next_call(), txn.clone().next_call());
    assert_eq!((a.branch().as_str(), b.branch().as_str()), ("1.1", "1.2"));
    assert_eq!((a.ltxid().get(), b.ltxid().get()), (2, 2));
    assert_eq!(a.gtxid(), b.gtxid());
}

#[tokio::test(start_paused = true)]
async fn without_its_deadline_it_is_the_same_transaction_with_the_same_counters() {
    let incoming = Incoming {
        timeout: Some(Duration::from_secs(1)),
        ..Incoming::default()
    };
    let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now());
    let stream = txn.without_deadline();
    assert_eq!((stream.deadline(), stream.gtxid()), (None, txn.gtxid()));
    assert_eq!(txn.next_call().branch().as_str(), "1.1");
    assert_eq!(
        stream.without_deadline().next_call().branch().as_str(),
        "1.2"
    );
    assert!(stream.try_spend_retry() && txn.try_spend_retry() && !stream.try_spend_retry());
}

#[tokio::test(start_paused = true)]
async fn a_part_of_its_work_may_be_shorter_and_never_longer_and_shares_its_counters() {
    let incoming = Incoming {
        timeout: Some(Duration::from_secs(2)),
        ..Incoming::default()
    };
    let now = clock::now();
    let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, now);
    let part = txn.with_deadline(now + Duration::from_secs(1));
    assert_eq!(part.remaining(now), Some(Duration::from_secs(1)));
    let longer = txn.with_deadline(now + Duration::from_secs(3));
    assert_eq!(longer.remaining(now), Some(Duration::from_secs(2)));
    let part = part.with_criticality(Criticality::Sheddable);
    assert_eq!(part.criticality(), Criticality::Sheddable);
    assert_eq!(part.remaining(now), Some(Duration::from_secs(1)));
    assert_eq!(part.next_call().branch().as_str(), "1.1");
    assert_eq!(txn.next_call().branch().as_str(), "1.2");
}

#[test]
fn clones_draw_retries_from_one_counter() {
    let txn = Txn::begin();
    assert!(txn.try_spend_retry() && txn.clone().try_spend_retry());
    assert!(!txn.try_spend_retry());
    assert_eq!(txn.retries_left(), 0);
    txn.clone().give_back_retry();
    assert_eq!(txn.retries_left(), 1);
}

#[test]
fn what_one_call_learns_about_retries_holds_for_the_transaction() {
    let txn = Txn::begin();
    assert!(!txn.is_retry_forbidden());
    txn.clone().without_deadline().forbid_retry();
    assert!(txn.is_retry_forbidden());
}

#[tokio::test(start_paused = true)]
async fn the_sooner_of_both_timeouts_is_the_deadline() {
    let now = clock::now();
    let seconds = Duration::from_secs;
    for (sent, ours, expected) in [
        (None, None, None),
        (Some(3), None, Some(3)),
        (None, Some(5), Some(5)),
        (Some(3), Some(5), Some(3)),
        (Some(9), Some(5), Some(5)),
    ] {
        let incoming = Incoming {
            timeout: sent.map(seconds),
            ..Incoming::default()
        };
        let txn = Txn::from_incoming(
            &incoming,
            || Minter::seeded(1).mint(0),
            ours.map(seconds),
            now,
        );
        assert_eq!(
            txn.remaining(now),
            expected.map(seconds),
            "{sent:?} {ours:?}"
        );
    }
}

#[test]
fn without_a_gtxid_the_transaction_begins_here() {
    let incoming = Incoming {
        ltxid: Ltxid::new(7),
        branch: "1.2".parse().ok(),
        ..Incoming::default()
    };
    let txn = Txn::from_incoming(&incoming, || Minter::seeded(1).mint(0), None, clock::now());
    assert_eq!((txn.ltxid(), txn.branch().as_str()), (Ltxid::FIRST, "1"));
}
