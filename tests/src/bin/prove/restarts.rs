//! Rolling restarts under load.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use msa_core::client::ServiceClient;
use msa_core::client::transport::ReqwestTransport;
use msa_core::clock;
use msa_core::config::Loader;
use msa_core::discovery::FileSource;
use msa_core::event::Observers;

use crate::Error;
use crate::endpoints::Endpoints;
use crate::instance::Instance;
use crate::load::{Load, Mix};
use crate::options::Options;

/// How often the client looks at the endpoints file; a change is believed at the second look. With the lag before the file is
/// written, that must stay below the drain's lag.
const FILE_INTERVAL: Duration = Duration::from_millis(50);

/// How often the end is looked for.
const SETTLE_LOOKS: u32 = 200;

struct Plan {
    count: usize,
    instances: usize,
    workers: u64,
    discovery_lag: Duration,
    drain_lag: Duration,
}

/// Loses nothing?
pub(crate) async fn run(mut options: Options) -> Result<bool, Error> {
    let discovery_lag = options.duration("discovery-lag", Duration::from_millis(200))?;
    let plan = Plan {
        count: options.value("count", 100)?,
        instances: options.value("instances", 3)?,
        workers: options.value("workers", 16)?,
        discovery_lag,
        drain_lag: options.duration("drain-lag", 2 * discovery_lag)?,
    };
    let protocol: String = options.value("protocol", "both".to_owned())?;
    options.finish()?;
    let mut held = true;
    if protocol != "http2" {
        held &= plan.run(false).await?;
    }
    if protocol != "http1" {
        held &= plan.run(true).await?;
    }
    Ok(held)
}

impl Plan {
    async fn run(&self, http2: bool) -> Result<bool, Error> {
        let begun = clock::now();
        let lag = self.drain_lag;
        let settings = [("MSA_SERVER__DRAIN__LAG", format!("{}ms", lag.as_millis()))];
        let mut running = VecDeque::new();
        for _ in 0..self.instances {
            running.push_back(Instance::start(&settings).await?);
        }
        let endpoints = Endpoints::new(self.discovery_lag, running.iter().map(Instance::addr))?;
        let source = FileSource::open(endpoints.path(), Observers::none());
        let followed = tokio::spawn(source.follow(FILE_INTERVAL));
        let config = Loader::new("prove")
            .env::<&str, &str>([])
            .toml_str("msa.toml", format!("[clients.items]\nhttp2 = {http2}"))
            .load()?;
        let transport = Arc::new(ReqwestTransport::new());
        let client = ServiceClient::builder()
            .discovery(source)
            .transport(transport.clone())
            .settings((*config.settings()).clone())
            .build()?;

        let load = Load::start(&client, self.workers, Mix::All);
        let mut failed_exits = 0;
        let mut slowest_exit = Duration::ZERO;
        for _ in 0..self.count {
            let new = Instance::start(&settings).await?;
            endpoints.add(new.addr()).await??;
            running.push_back(new);
            let mut old = running.pop_front().ok_or("no instance runs")?;
            let told = clock::now();
            old.terminate()?;
            let removed = endpoints.remove(old.addr());
            failed_exits += u32::from(!old.exited().await?.success());
            slowest_exit = slowest_exit.max(clock::since(told));
            removed.await??;
        }
        // On a busy machine the last ones come and go a little later.
        let processes = self.count + self.instances;
        for _ in 0..SETTLE_LOOKS {
            if load.tally().processes() == processes && transport.clients() == self.instances {
                break;
            }
            tokio::time::sleep(FILE_INTERVAL).await;
        }
        let tally = load.stop().await;
        followed.abort();

        let protocol = if http2 { "HTTP/2" } else { "HTTP/1.1" };
        println!(
            "{protocol}: {} rolling restarts of {} instances in {:.1?}, {} callers: {} requests sent \
             ({} POST, {} of them streamed, {} GET), {} lost",
            self.count,
            self.instances,
            clock::since(begun),
            self.workers,
            tally.sent(),
            tally.posts.load(Ordering::Relaxed),
            tally.streams.load(Ordering::Relaxed),
            tally.gets.load(Ordering::Relaxed),
            tally.lost(),
        );
        println!(
            "  answered by {} processes, {} answers by draining ones; slowest call {:.1?}, slowest exit {:.1?} (lag {lag:?}), \
             {failed_exits} exits not 0; {} connection pools left",
            tally.processes(),
            tally.answered_draining.load(Ordering::Relaxed),
            tally.slowest(),
            slowest_exit,
            transport.clients(),
        );
        for loss in tally.losses() {
            println!("  lost: {loss}");
        }
        // Every instance must have served, or nothing was shown; and none that is gone may be remembered.
        let served = tally.processes() == processes && transport.clients() == self.instances;
        Ok(tally.lost() == 0 && failed_exits == 0 && served)
    }
}
