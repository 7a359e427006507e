//! What happened, as it happens: the deeds, and what the services' policies told their logs.

mod event;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use msa_tests::{Cluster, Error, Log};
use serde::Serialize;

use super::balance::Balance;
use super::customers::Customers;
use super::pages::Pages;
use super::plan::{INSTANCES, name};
use super::stopwatch::Stopwatch;
use crate::args::Chaos;
use event::Told;

/// How often the fates of single calls are summed up.
const SUM_UP: Duration = Duration::from_secs(1);

/// Listens to every process, and tells.
#[derive(Debug)]
pub(crate) struct Story {
    watch: Stopwatch,
    aloud: bool,
    followed: Vec<Followed>,
    names: BTreeMap<SocketAddr, String>,
    /// What changed a state, and the deeds.
    course: Vec<Happened>,
    /// What befell single calls, since the last sum and in all.
    lately: BTreeMap<String, u64>,
    in_all: BTreeMap<String, u64>,
    sums: u32,
}

/// A process's log, and how much of it was read.
#[derive(Debug)]
struct Followed {
    name: String,
    log: Arc<Log>,
    seen: usize,
}

#[derive(Debug, Serialize)]
struct Happened {
    seconds: f64,
    what: String,
}

#[derive(Serialize)]
struct Report<'a> {
    held: bool,
    orders: &'a Balance,
    pages: &'a Pages,
    calls: &'a BTreeMap<String, u64>,
    course: &'a [Happened],
}

impl Story {
    pub(crate) fn new(watch: Stopwatch, aloud: bool) -> Self {
        Self {
            watch,
            aloud,
            followed: Vec::new(),
            names: BTreeMap::new(),
            course: Vec::new(),
            lately: BTreeMap::new(),
            in_all: BTreeMap::new(),
            sums: 0,
        }
    }

    pub(crate) fn follow_all(&mut self, cluster: &mut Cluster) -> Result<(), Error> {
        for (service, count) in INSTANCES {
            for instance in 0..count {
                self.follow(cluster, service, instance)?;
            }
        }
        Ok(())
    }

    /// Listens to the process that is there now; what an earlier one has said is still heard to its end.
    pub(crate) fn follow(
        &mut self,
        cluster: &mut Cluster,
        service: &str,
        instance: usize,
    ) -> Result<(), Error> {
        let name = name(service, instance);
        self.names
            .insert(cluster.addr_of(service, instance)?, name.clone());
        self.followed.push(Followed {
            name,
            log: Arc::clone(cluster.instance(service, instance)?.log()),
            seen: 0,
        });
        Ok(())
    }

    pub(crate) fn begin(&self, chaos: &Chaos) -> io::Result<()> {
        if !self.aloud {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let running = INSTANCES.map(|(service, count)| format!("{count} {service}"));
        writeln!(out, "Running: {}.", running.join(", "))?;
        writeln!(
            out,
            "Placing {} orders a second for {} s, each under its own Idempotency-Key, asked for again until it is answered.",
            chaos.rate, chaos.seconds
        )?;
        writeln!(
            out,
            "In capitals what is done to the services; below it what their policies tell.\n"
        )
    }

    pub(crate) fn deed(&mut self, told: &str) -> io::Result<()> {
        self.happened(told.to_owned())
    }

    /// Reads on in every log; now and then sums up.
    pub(crate) fn listen(&mut self, customers: &Customers) -> io::Result<()> {
        self.read()?;
        if self.watch.elapsed() < SUM_UP * (self.sums + 1) {
            return Ok(());
        }
        self.sums += 1;
        let lately = std::mem::take(&mut self.lately);
        if self.aloud {
            let (answered, repeated) = (customers.answered(), customers.repeated());
            let mut line = format!("{answered} orders answered so far");
            if repeated > 0 {
                line.push_str(&format!(", asked for again {repeated} times"));
            }
            for (what, count) in &lately {
                line.push_str(&format!("; {count} {what}"));
            }
            self.say(&line)?;
        }
        Ok(())
    }

    /// Reads what is left when the processes have ended.
    pub(crate) fn listen_to_the_end(&mut self) -> io::Result<()> {
        self.read()
    }

    /// The balance, and what befell the calls in all.
    pub(crate) fn end(&self, balance: &Balance, pages: &Pages, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            let report = Report {
                held: balance.holds() && pages.hold(),
                orders: balance,
                pages,
                calls: &self.in_all,
                course: &self.course,
            };
            serde_json::to_writer_pretty(&mut out, &report)?;
            return writeln!(out);
        }
        writeln!(out, "\nWhat the policies did for single calls:")?;
        for (what, count) in &self.in_all {
            writeln!(out, "{count:>7}  {what}")?;
        }
        pages.print(&mut out)?;
        writeln!(out, "\nOrders:")?;
        for (count, what) in [
            (balance.asked, "asked for"),
            (
                balance.asked_again,
                "of them asked for more than once, under the same key",
            ),
            (balance.accepted, "accepted"),
            (balance.stored, "stored"),
            (balance.refused, "refused"),
            (balance.unanswered, "unanswered"),
            (balance.lost, "lost: accepted and not stored"),
            (
                balance.twice,
                "twice: stored and not accepted under that id",
            ),
            (balance.shared, "told the same id as another"),
        ] {
            writeln!(out, "{count:>7}  {what}")?;
        }
        let (sold, gone) = (balance.pieces_sold, balance.pieces_gone);
        writeln!(out, "{sold:>7}  pieces sold, {gone} gone from the stock\n")?;
        let verdict = if balance.holds() {
            "Orders accepted = orders stored: none twice, none lost."
        } else {
            "FAILED: orders accepted and orders stored are not the same."
        };
        writeln!(out, "{verdict}")?;
        let verdict = if pages.hold() {
            "Each edited setting held from the next page on, and no visitor went without a page."
        } else {
            "FAILED: an edited setting did not hold, or a page failed."
        };
        writeln!(out, "{verdict}")
    }

    fn read(&mut self) -> io::Result<()> {
        let mut told = Vec::new();
        for followed in &mut self.followed {
            let lines = followed.log.since(followed.seen);
            followed.seen += lines.len();
            for line in lines {
                let name = |text: &str| {
                    let addr: Option<SocketAddr> = text.parse().ok();
                    let name = addr.and_then(|addr| self.names.get(&addr).cloned());
                    name.unwrap_or_else(|| text.to_owned())
                };
                told.extend(Told::of(&line, &followed.name, name));
            }
        }
        for told in told {
            match told {
                Told::State(what) => self.happened(format!("         {what}"))?,
                Told::Call(what) => {
                    *self.lately.entry(what.clone()).or_default() += 1;
                    *self.in_all.entry(what).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    fn happened(&mut self, what: String) -> io::Result<()> {
        if self.aloud {
            self.say(&what)?;
        }
        let millis = u32::try_from(self.watch.elapsed().as_millis()).unwrap_or(u32::MAX);
        self.course.push(Happened {
            seconds: f64::from(millis) / 1000.0,
            what: what.trim_start().to_owned(),
        });
        Ok(())
    }

    fn say(&self, what: &str) -> io::Result<()> {
        let at = self.watch.elapsed().as_secs_f64();
        writeln!(io::stdout().lock(), "{at:6.1}s  {what}")
    }
}
