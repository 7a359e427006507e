//! Headers through the transaction's reader and writer.

mod random;
mod rules;
mod spec;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use msa_core::clock;
use msa_core::txn::{Call, Headers, Incoming, Minter, Trust, Txn};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt};

use super::{Fuzz, Mark};
use crate::Error;

pub(crate) struct Case {
    headers: Headers,
    minter: Minter,
    nobody: Trust,
}

impl Fuzz for Case {
    const WHAT: &'static str = "header sets";

    fn new() -> Result<Self, Error> {
        Ok(Self {
            headers: Headers::default(),
            minter: Minter::seeded(7),
            nobody: Trust::networks([]),
        })
    }

    fn case(&mut self, rng: &mut SmallRng) -> Result<Mark, String> {
        let mut map = random::map(rng);
        let incoming = self.headers.extract(&map);
        rules::read(&map, &incoming)
            .map_err(|rule| format!("{rule}: {incoming:?} from {map:?}"))?;
        self.check_stranger(&map, &incoming)?;

        let default = rng.random::<bool>().then_some(Duration::from_secs(30));
        let mint = || self.minter.mint(clock::unix_ms());
        let txn = Txn::from_incoming(&incoming, mint, default, clock::now());
        let call =
            rules::txn(&incoming, &txn).map_err(|rule| format!("{rule}: {txn:?} from {map:?}"))?;

        let attempt = (rng.next_u32() >> rng.random_range(0..32)).max(1);
        let timeout = rng
            .random::<bool>()
            .then(|| Duration::from_millis(rng.next_u64() >> rng.random_range(0..64)));
        self.headers.inject(&call, attempt, timeout, &mut map);
        self.check_written(&map, &call, attempt)
            .map_err(|rule| format!("{rule}: {map:?}"))?;
        Ok(if incoming.gtxid.is_some() {
            Mark::Accepted
        } else {
            Mark::Refused
        })
    }
}

impl Case {
    /// Of a stranger only the timeouts are read.
    fn check_stranger(&self, map: &HeaderMap, believed: &Incoming) -> Result<(), String> {
        let peer = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let read = self.headers.extract_from(map, peer, &self.nobody);
        let nothing = read.gtxid.is_none()
            && read.ltxid.is_none()
            && read.branch.is_none()
            && read.attempt.is_none()
            && read.retries.is_none()
            && read.criticality.is_none();
        rules::rule(nothing, "a stranger is believed")?;
        rules::rule(
            read.timeout == believed.timeout,
            "a stranger's timeout is not read",
        )
    }

    /// What is written is single, legal and read back as it was.
    fn check_written(&self, map: &HeaderMap, call: &Call, attempt: u32) -> Result<(), String> {
        for name in random::NAMES.iter().take(6) {
            let values: Vec<&HeaderValue> = map.get_all(*name).iter().collect();
            let optional = *name == "x-txn-timeout-ms";
            rules::rule(
                values.len() == 1 || (optional && values.is_empty()),
                "a header is not written once",
            )?;
            let legal = |value: &&HeaderValue| value.as_bytes().iter().all(u8::is_ascii_graphic);
            rules::rule(values.iter().all(legal), "a header is not well formed")?;
        }
        let read = self.headers.extract(map);
        rules::rule(
            read.gtxid.as_ref() == Some(call.gtxid()),
            "the GTXID is not read back",
        )?;
        rules::rule(
            read.ltxid == Some(call.ltxid()),
            "the LTXID is not read back",
        )?;
        rules::rule(
            read.branch.as_ref() == Some(call.branch()),
            "the branch is not read back",
        )?;
        rules::rule(
            read.attempt == Some(attempt),
            "the attempt is not read back",
        )?;
        rules::rule(
            read.retries == Some(call.txn().retries_left()),
            "the retries are not read back",
        )
    }
}
