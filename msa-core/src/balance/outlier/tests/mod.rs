//! The rules, on a fleet as the client has it.

mod properties;
mod rules;
mod standing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{OutlierConfig, Outliers};
use crate::balance::{Answer, Fleet, Gate, MakeGate, Mark, Measures, Pick, Slot};
use crate::clock::{self, Instant};
use crate::discovery::{Endpoint, EndpointSet};
use crate::event::{Event, Observer, Observers};

const S: Duration = Duration::from_secs(1);
const NONE: [usize; 0] = [];

/// A fleet under watch, with endpoints `h0`, `h1` and so on.
struct Rig {
    fleet: Fleet,
    outliers: Arc<Outliers>,
    told: Arc<Told>,
    doors: Doors,
    now: Instant,
    hosts: Vec<Endpoint>,
}

impl Rig {
    fn new(hosts: usize, config: OutlierConfig) -> Self {
        let now = clock::now();
        let told = Arc::new(Told::default());
        let observers = Observers::none().with(told.clone());
        let outliers = Arc::new(Outliers::new("users", config, observers, 7, now));
        let doors = Doors::default();
        let gates = doors.clone();
        let make: MakeGate = Arc::new(move |_| Arc::new(gates.another()));
        let watch: Arc<dyn crate::balance::Watch> = outliers.clone();
        let rig = Self {
            fleet: Fleet::with(Measures::default(), Some(make), [watch]),
            outliers,
            told,
            doors,
            now,
            hosts: (0..hosts).map(host).collect(),
        };
        rig.update(&rig.hosts);
        rig
    }

    fn update(&self, hosts: &[Endpoint]) {
        let set: EndpointSet = hosts.iter().cloned().collect();
        self.fleet.update(&set, self.now, |_| {});
    }

    fn slot(&self, host: usize) -> Arc<Slot> {
        let members = self.fleet.members();
        let is = |slot: &&Arc<Slot>| slot.endpoint().same_instance(&self.hosts[host]);
        members.all().iter().find(is).unwrap().clone()
    }

    /// So many calls of a host that are answered like this.
    fn answers(&self, host: usize, times: usize, answer: Answer) {
        self.answers_after(host, times, answer, Duration::from_millis(5));
    }

    fn answers_after(&self, host: usize, times: usize, answer: Answer, took: Duration) {
        for _ in 0..times {
            let mut pick = Pick::new(self.slot(host), self.now - took);
            pick.headers(answer, self.now);
            pick.complete(self.now);
        }
    }

    fn advance(&mut self, time: Duration) {
        self.now += time;
    }

    /// Lets time pass and the sweep that is due happen.
    fn sweep_after(&mut self, time: Duration) {
        self.advance(time);
        self.outliers.sweep(self.now);
    }

    fn marked(&self, mark: Mark) -> Vec<usize> {
        let is = |host: &usize| self.slot(*host).is(mark);
        (0..self.hosts.len()).filter(is).collect()
    }

    fn ejected(&self) -> Vec<usize> {
        self.marked(Mark::Ejected)
    }

    /// What was told since the last time.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut self.told.0.lock().unwrap())
    }
}

fn host(number: usize) -> Endpoint {
    format!("http://h{number}:80").parse().unwrap()
}

#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn on_event(&self, event: &Event<'_>) {
        let text = match event {
            Event::Ejected {
                service,
                endpoint,
                reason,
                time,
                dark,
            } => {
                assert_eq!(*service, "users");
                let only = if *dark { "would eject" } else { "ejected" };
                format!("{only} {endpoint} {reason} {}s", time.as_secs())
            }
            Event::Returned { endpoint, .. } => format!("returned {endpoint}"),
            Event::Draining { endpoint, .. } => format!("draining {endpoint}"),
            Event::Panicked { on, .. } => format!("panic {on}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(text);
    }
}

/// The breakers of the fleet's endpoints, in the order in which they were made.
#[derive(Debug, Clone, Default)]
struct Doors(Arc<Mutex<Vec<Arc<AtomicBool>>>>);

#[derive(Debug)]
struct Door(Arc<AtomicBool>);

impl Doors {
    fn another(&self) -> Door {
        let shut = Arc::new(AtomicBool::new(false));
        self.0.lock().unwrap().push(shut.clone());
        Door(shut)
    }

    fn shut(&self, number: usize, shut: bool) {
        self.0.lock().unwrap()[number].store(shut, Ordering::Relaxed);
    }
}

impl Gate for Door {
    fn would_admit(&self, _: Instant) -> bool {
        !self.0.load(Ordering::Relaxed)
    }
}
