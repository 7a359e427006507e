//! An instance that is killed under load, stays listed, and comes back.

mod attempts;

use std::sync::Arc;
use std::time::Duration;

use msa_core::client::ServiceClient;
use msa_core::clock;
use msa_core::config::{Loader, OutlierSettings, SlowStartSettings};
use msa_core::discovery::FileSource;
use msa_core::event::Observers;

use crate::Error;
use crate::endpoints::Endpoints;
use crate::instance::Instance;
use crate::load::{Load, Mix};
use crate::options::Options;
use attempts::Attempts;

/// How often something that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// The time over which a share of the traffic is measured.
const WINDOW: Duration = Duration::from_millis(500);

/// So many attempts in that time tell a share.
const ENOUGH: usize = 30;

/// Generous: it only ends a run that has failed already.
const PATIENCE: Duration = Duration::from_secs(120);

struct Plan {
    count: usize,
    instances: usize,
    workers: u64,
    down: Duration,
    ejection: Duration,
    interval: Duration,
    slow_start: Duration,
}

/// Costs no call, and the instance draws nothing while it is dead and its share afterwards?
pub(crate) async fn run(mut options: Options) -> Result<bool, Error> {
    let (outlier, slow_start) = (OutlierSettings::default(), SlowStartSettings::default());
    let plan = Plan {
        count: options.value("count", 1)?,
        instances: options.value("instances", 3)?,
        workers: options.value("workers", 16)?,
        down: options.duration("down", Duration::from_secs(5))?,
        ejection: options.duration("ejection", outlier.base_ejection.get())?,
        interval: options.duration("interval", outlier.interval.get())?,
        slow_start: options.duration("slow-start", slow_start.window.get())?,
    };
    options.finish()?;
    plan.run().await
}

impl Plan {
    async fn run(&self) -> Result<bool, Error> {
        let mut running = Vec::new();
        for _ in 0..self.instances {
            running.push(Instance::start(&[]).await?);
        }
        // Nobody takes the dead one off the list: that it draws nothing is the client's own doing.
        let endpoints = Endpoints::new(Duration::ZERO, running.iter().map(Instance::addr))?;
        let attempts = Arc::new(Attempts::default());
        let client = ServiceClient::builder()
            .discovery(FileSource::open(endpoints.path(), Observers::none()))
            .observers(Observers::none().with(attempts.clone()))
            .settings((*self.config()?.settings()).clone())
            .build()?;
        let load = Load::start(&client, self.workers, Mix::Gets);
        let mut held = true;
        for nth in 0..self.count {
            let victim = running
                .get_mut(nth % self.instances)
                .ok_or("no instance runs")?;
            held &= self.strike(victim, &attempts).await?;
        }
        let tally = load.stop().await;
        println!(
            "{} kills of one of {} instances, {} callers: {} GETs, {} failed; {} retries, slowest call {:.1?}",
            self.count,
            self.instances,
            self.workers,
            tally.sent(),
            tally.lost(),
            attempts.retries(),
            tally.slowest(),
        );
        for loss in tally.losses() {
            println!("  failed: {loss}");
        }
        Ok(held && tally.lost() == 0)
    }

    fn config(&self) -> Result<msa_core::config::Config, Error> {
        let text = format!(
            "[clients.items]\noutlier.base_ejection = \"{}ms\"\noutlier.interval = \"{}ms\"\nslow_start.window = \"{}ms\"",
            self.ejection.as_millis(),
            self.interval.as_millis(),
            self.slow_start.as_millis(),
        );
        let loader = Loader::new("prove").env::<&str, &str>([]);
        Ok(loader.toml_str("msa.toml", text).load()?)
    }

    /// Kills it, watches, starts it again where it was, and watches.
    async fn strike(&self, victim: &mut Instance, attempts: &Attempts) -> Result<bool, Error> {
        let addr = victim.addr().to_string();
        self.has_its_share(&addr, attempts).await?;

        let killed = clock::now();
        victim.kill().await?;
        let aside = || attempts.set_aside(&addr, killed);
        let aside = until(aside).await.ok_or("it was never set aside")?;
        tokio::time::sleep(self.down).await;
        let (count, last) = attempts.at(&addr, killed);
        let last = last.map_or(Duration::ZERO, |last| last - killed);
        // What was chosen just before may still be told just after.
        let silent = attempts.at(&addr, aside + self.down / 2).0 == 0;

        let settings = [("MSA_SERVER__ADDR", addr.clone())];
        *victim = Instance::start(&settings).await?;
        let back = clock::now();
        self.has_its_share(&addr, attempts).await?;
        let share = clock::since(back);
        println!(
            "{addr}: killed, set aside after {:.1?}, {count} attempts at it, the last after {last:.1?}; \
             dead for {:.1?}, back, its share {share:.1?} later",
            aside - killed,
            back - killed,
        );
        if !silent {
            println!("  it still drew traffic after it was set aside");
        }
        Ok(silent)
    }

    /// Waits until it draws two thirds of an equal share: the balancer goes by chance and by latency.
    async fn has_its_share(&self, addr: &str, attempts: &Attempts) -> Result<(), Error> {
        let enough = || {
            let since = clock::now().checked_sub(WINDOW)?;
            let (own, all) = (attempts.at(addr, since).0, attempts.since(since));
            (all >= ENOUGH && own * self.instances * 3 >= all * 2).then_some(())
        };
        Ok(until(enough).await.ok_or("it never drew its share")?)
    }
}

/// Asks until there is an answer; `None` when there never is.
async fn until<T>(mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let asked = async {
        loop {
            if let Some(found) = probe() {
                return found;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.ok()
}
