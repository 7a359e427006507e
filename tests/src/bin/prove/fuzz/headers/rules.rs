//! What must hold of what was read and of the transaction that goes on with it.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use msa_core::txn::{Call, Incoming, Txn};

use super::spec::{at_most_u32, is_branch, is_gtxid, number, trace_id};

/// No caller may grant more.
const MOST_RETRIES: u128 = 100;

/// The reader's answer against the specification.
pub(super) fn read(map: &HeaderMap, read: &Incoming) -> Result<(), String> {
    let all = |name: &str| -> Vec<&[u8]> {
        map.get_all(name)
            .iter()
            .map(HeaderValue::as_bytes)
            .collect()
    };
    let single = |name: &str| match *all(name) {
        [only] => Some(only),
        _ => None,
    };

    let own = single("x-gtxid").filter(|text| is_gtxid(text));
    let traced = single("traceparent").and_then(trace_id);
    let expected = own.or(traced);
    let got = read.gtxid.as_ref().map(|id| id.as_str().as_bytes());
    rule(got == expected, "the GTXID is not what was sent")?;

    // A proxy may join repeated headers to one with commas.
    let hops = all("x-ltxid")
        .into_iter()
        .flat_map(|text| text.split(|byte| *byte == b','))
        .filter_map(|hop| number(hop.trim_ascii()))
        .filter(|hop| *hop > 0)
        .max();
    let got = read.ltxid.map(|hop| u128::from(hop.get()));
    rule(
        got == hops.map(at_most_u32),
        "the LTXID is not the highest that was sent",
    )?;

    let branch = single("x-txn-branch").filter(|text| is_branch(text));
    let got = read
        .branch
        .as_ref()
        .map(|branch| branch.as_str().as_bytes());
    rule(got == branch, "the branch is not what was sent")?;

    let attempt = single("x-txn-attempt").and_then(number).filter(|n| *n > 0);
    rule(
        read.attempt.map(u128::from) == attempt.map(at_most_u32),
        "the attempt is not what was sent",
    )?;
    let retries = single("x-txn-retries")
        .and_then(number)
        .map(|n| n.min(MOST_RETRIES));
    rule(
        read.retries.map(u128::from) == retries.map(at_most_u32),
        "the retries are not what was sent",
    )?;

    let day = Duration::from_secs(86_400);
    rule(
        read.timeout.is_none_or(|timeout| timeout <= day),
        "a timeout is longer than a day",
    )?;
    let plain = all("x-txn-timeout-ms").into_iter().filter_map(number).min();
    let least =
        plain.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX)).min(day));
    rule(
        least.is_none() || read.timeout <= least && read.timeout.is_some(),
        "a shorter timeout was sent",
    )
}

/// The rules of hop and branch.
pub(super) fn txn(incoming: &Incoming, txn: &Txn) -> Result<Call, String> {
    rule(
        is_gtxid(txn.gtxid().as_str().as_bytes()),
        "the GTXID is not well formed",
    )?;
    rule(
        txn.gtxid_value() == txn.gtxid().as_str(),
        "the GTXID's header is another",
    )?;
    if incoming.gtxid.is_some() {
        rule(
            incoming.gtxid.as_ref() == Some(txn.gtxid()),
            "the GTXID was not kept",
        )?;
        rule(
            incoming.ltxid.is_none_or(|hop| hop == txn.ltxid()),
            "the LTXID was not kept",
        )?;
    } else {
        rule(
            txn.ltxid().get() == 1,
            "a new transaction begins at another hop than 1",
        )?;
        rule(
            txn.branch().as_str() == "1",
            "a new transaction begins at another branch than 1",
        )?;
        rule(
            txn.gtxid().as_str().len() == 32,
            "a minted GTXID has not 32 digits",
        )?;
    }
    rule(
        is_branch(txn.branch().as_str().as_bytes()),
        "the branch is not well formed",
    )?;
    let (first, second) = (txn.next_call(), txn.next_call());
    for (call, k) in [(&first, 1), (&second, 2)] {
        rule(call.gtxid() == txn.gtxid(), "a call has another GTXID")?;
        let next = txn.ltxid().get().saturating_add(1);
        rule(
            call.ltxid().get() == next,
            "a call's LTXID is not one higher",
        )?;
        let branch = call.branch().as_str();
        rule(
            is_branch(branch.as_bytes()),
            "a call's branch is not well formed",
        )?;
        let whole = format!("{}.{k}", txn.branch().as_str());
        let folded =
            branch.starts_with("0.") && branch.ends_with(&format!(".{k}")) && whole.len() > 224;
        rule(branch == whole || folded, "a call's branch is not B.k")?;
    }
    rule(
        first.branch() != second.branch(),
        "two calls share a branch",
    )?;
    rule(
        !format!("{txn:?}{first:?}").chars().any(char::is_control),
        "a log line would hold control characters",
    )?;
    Ok(first)
}

pub(super) fn rule(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
