//! Orders while services are killed, stopped and broken: none may be lost, none stored twice.
//!
//! Each order has an Idempotency-Key of its own, and whoever places it asks again under that key until there is an answer,
//! as any careful client does. What happens in between is the services' own: their policies tell it to their logs, where it
//! is read from. In the end the orders that were accepted are compared with those that order-service has, and the stock that
//! is gone with what was sold.
//!
//! Then visitors look at the shop's pages, which one function with all eight policy attributes reads, while its settings are edited.

mod balance;
mod customers;
mod pages;
mod plan;
mod stopwatch;
mod story;

use std::io;
use std::thread::sleep;
use std::time::Duration;

use msa_tests::{Cluster, Error, interrupted};

use crate::args::Chaos;
use balance::Balance;
use customers::Customers;
use pages::Pages;
use plan::{INSTANCES, Plan};
use stopwatch::Stopwatch;
use story::Story;

/// How often the logs are looked at, and the next deed.
const STEP: Duration = Duration::from_millis(20);

/// Runs the play; `false` when an order was lost or stored twice, or an edited policy did not do as it was told.
pub(crate) fn run(chaos: &Chaos, json: bool) -> Result<bool, Error> {
    let mut cluster = start()?;
    let before = balance::stock(&cluster)?;
    let watch = Stopwatch::start();
    let mut story = Story::new(watch, !json);
    story.follow_all(&mut cluster)?;
    story.begin(chaos).map_err(unwritable)?;

    let addr = cluster.addr("order-orchestrator")?;
    let asked = chaos.seconds * chaos.rate;
    let customers = Customers::send(addr, watch, asked, chaos.rate);
    let mut plan = Plan::new(chaos.seconds);
    loop {
        while let Some(deed) = plan.due(watch.elapsed()) {
            let told = deed.act(&mut cluster)?;
            story.deed(&told).map_err(unwritable)?;
            if deed.starts_anew() {
                story.follow(&mut cluster, deed.service, deed.instance)?;
            }
        }
        story.listen(&customers).map_err(unwritable)?;
        if interrupted() {
            return Err(Error::Interrupted);
        }
        if plan.is_over() && customers.are_done() {
            break;
        }
        sleep(STEP);
    }
    let orders = customers.outcomes();
    let balance = Balance::draw(&cluster, asked as usize, &orders, before)?;
    let pages = Pages::play(&mut cluster, &mut story)?;
    cluster.drain()?;
    story.listen_to_the_end().map_err(unwritable)?;
    story.end(&balance, &pages, json).map_err(unwritable)?;
    Ok(balance.holds() && pages.hold())
}

fn start() -> Result<Cluster, Error> {
    let mut builder = Cluster::builder();
    for (service, count) in INSTANCES {
        builder = builder.instances(service, count);
    }
    for service in msa_tests::SERVICES {
        for (name, value) in plan::SETTINGS_OF_ALL {
            builder = builder.env(service, name, value);
        }
    }
    for (service, name, value) in plan::SETTINGS {
        builder = builder.env(service, name, value);
    }
    builder.start()
}

fn unwritable(source: io::Error) -> Error {
    Error::Io {
        what: "cannot write the report".to_owned(),
        source,
    }
}
