//! Clients, each with a balancer of its own, and the servers that they call.

use std::sync::Arc;
use std::time::Duration;

use msa_core::balance::{Answer, Balancer, Pick, PickHint, Probe};
use msa_core::clock::Instant;
use msa_core::discovery::{Endpoint, EndpointSet};
use msa_core::server::load::{LoadGuard, ServerLoad};

use crate::chance::Chance;
use crate::engine::Engine;
use crate::server::Server;

/// What makes one experiment different from another.
pub(crate) trait Experiment {
    /// Requests a second, of all clients together.
    fn rate(&self, seconds: f64) -> f64;

    /// What a request asks of a server.
    fn work(&mut self, chance: &mut Chance) -> Duration;

    /// Called once every tenth of a second.
    fn tick(&mut self, seconds: f64, world: &mut World);

    /// A request is over. `sent` in seconds since the beginning.
    fn done(&mut self, sent: f64, server: usize, latency: Duration, answer: Answer);
}

/// At what second it is asked, and what it answers after which time.
type Answering = dyn Fn(f64, &mut Chance) -> (Duration, Answer);

/// How a server answers.
pub(crate) enum Backend {
    /// After a time of its own, whatever its load.
    Fixed(Box<Answering>, Arc<ServerLoad>),
    /// As its processor gets along.
    Shared(Server, Arc<ServerLoad>),
}

impl Backend {
    pub(crate) fn fixed(
        answer: impl Fn(f64, &mut Chance) -> (Duration, Answer) + 'static,
        now: Instant,
    ) -> Self {
        Self::Fixed(Box::new(answer), Arc::new(ServerLoad::new(now)))
    }

    pub(crate) fn shared(capacity: f64, now: Instant) -> Self {
        Self::Shared(Server::new(capacity, now), Arc::new(ServerLoad::new(now)))
    }
}

/// The events of the world.
#[derive(Debug)]
enum Event {
    Arrive,
    Answer(usize, Answer),
    Progress { server: usize, version: u64 },
    GiveUp(usize),
    Tick,
    Probed(Box<Probe>),
}

/// A request on its way.
struct Flight {
    server: usize,
    sent: Instant,
    pick: Option<Pick>,
    load: Option<LoadGuard>,
}

pub(crate) struct World {
    engine: Engine<Event>,
    pub(crate) chance: Chance,
    pub(crate) clients: Vec<Arc<dyn Balancer>>,
    pub(crate) servers: Vec<Backend>,
    pub(crate) endpoints: Vec<Endpoint>,
    flights: Vec<Flight>,
    timeout: Duration,
}

/// The endpoint of the server of this number.
pub(crate) fn endpoint(server: usize) -> Endpoint {
    let [high, low] = u16::try_from(server).unwrap_or(u16::MAX).to_be_bytes();
    Endpoint::at(([10, 0, high, low], 80).into())
}

impl World {
    pub(crate) fn new(
        seed: u64,
        clients: usize,
        make: impl Fn(u64) -> Arc<dyn Balancer>,
        servers: impl FnOnce(Instant) -> Vec<Backend>,
        timeout: Duration,
    ) -> Self {
        let engine = Engine::new();
        let mut chance = Chance::new(seed);
        let servers = servers(engine.now());
        let mut world = Self {
            clients: (0..clients).map(|_| make(chance.seed())).collect(),
            endpoints: (0..servers.len()).map(endpoint).collect(),
            servers,
            engine,
            chance,
            flights: Vec::new(),
            timeout,
        };
        world.tell_endpoints();
        world
    }

    /// Tells all clients which servers there are.
    pub(crate) fn tell_endpoints(&mut self) {
        let set: EndpointSet = self.endpoints.iter().cloned().collect();
        for client in &self.clients {
            client.update(&set, self.engine.now());
        }
    }

    pub(crate) fn set_capacity(&mut self, server: usize, capacity: f64) {
        let now = self.engine.now();
        if let Some(Backend::Shared(shared, _)) = self.servers.get_mut(server) {
            shared.set_capacity(capacity, now);
        }
        self.plan_progress(server);
    }

    /// Runs for so many seconds.
    pub(crate) fn run(&mut self, seconds: f64, experiment: &mut impl Experiment) {
        let end = self.engine.at(seconds);
        self.engine.plan(self.engine.now(), Event::Tick);
        self.engine.plan(self.engine.now(), Event::Arrive);
        while let Some(event) = self.engine.next(end) {
            match event {
                Event::Tick => {
                    experiment.tick(self.engine.seconds(), self);
                    self.engine.plan_in(Duration::from_millis(100), Event::Tick);
                }
                Event::Arrive => {
                    self.send(experiment);
                    let wait = self.chance.arrival(experiment.rate(self.engine.seconds()));
                    self.engine.plan_in(wait, Event::Arrive);
                }
                Event::Answer(flight, answer) => self.end(flight, answer, experiment),
                Event::Probed(probe) => self.probed(*probe),
                Event::GiveUp(flight) => self.give_up(flight, experiment),
                Event::Progress { server, version } => self.progress(server, version, experiment),
            }
        }
    }

    fn send(&mut self, experiment: &mut impl Experiment) {
        let now = self.engine.now();
        let client = self.chance.below(self.clients.len());
        let Some(pick) = self
            .clients
            .get(client)
            .and_then(|client| client.pick(&PickHint::default(), now))
        else {
            return;
        };
        let Some(server) = self
            .endpoints
            .iter()
            .position(|known| known.same_instance(pick.endpoint()))
        else {
            return;
        };
        self.probe(client);
        let flight = self.flights.len();
        self.flights.push(Flight {
            server,
            sent: now,
            pick: Some(pick),
            load: None,
        });
        let seconds = self.engine.seconds();
        let load = match self.servers.get(server) {
            Some(Backend::Fixed(_, load) | Backend::Shared(_, load)) => Some(load.enter(now)),
            None => None,
        };
        if let Some(flight) = self.flights.get_mut(flight) {
            flight.load = load;
        }
        match self.servers.get_mut(server) {
            Some(Backend::Fixed(answer, _)) => {
                let (latency, answer) = answer(seconds, &mut self.chance);
                self.engine.plan_in(latency, Event::Answer(flight, answer));
            }
            Some(Backend::Shared(shared, _)) => {
                shared.accept(flight, experiment.work(&mut self.chance), now);
                self.engine.plan_in(self.timeout, Event::GiveUp(flight));
                self.plan_progress(server);
            }
            None => {}
        }
    }

    /// A probe takes a millisecond.
    fn probe(&mut self, client: usize) {
        let now = self.engine.now();
        while let Some(probe) = (self.clients.get(client)).and_then(|client| client.probe_due(now))
        {
            let event = Event::Probed(Box::new(probe));
            self.engine.plan_in(Duration::from_millis(1), event);
        }
    }

    fn probed(&mut self, probe: Probe) {
        let now = self.engine.now();
        let server = (self.endpoints.iter()).position(|one| one.same_instance(probe.endpoint()));
        if let Some(Backend::Fixed(_, load) | Backend::Shared(_, load)) =
            server.and_then(|server| self.servers.get(server))
        {
            probe.report(load.report(now), now);
        }
    }

    fn plan_progress(&mut self, server: usize) {
        let now = self.engine.now();
        if let Some(Backend::Shared(shared, _)) = self.servers.get(server)
            && let Some(at) = shared.next_done(now)
        {
            let version = shared.version();
            self.engine.plan(at, Event::Progress { server, version });
        }
    }

    fn progress(&mut self, server: usize, version: u64, experiment: &mut impl Experiment) {
        let now = self.engine.now();
        let mut done = Vec::new();
        if let Some(Backend::Shared(shared, _)) = self.servers.get_mut(server) {
            if shared.version() != version {
                return;
            }
            while let Some(flight) = shared.take_done(now) {
                done.push(flight);
            }
        }
        for flight in done {
            self.end(flight, Answer::Success, experiment);
        }
        self.plan_progress(server);
    }

    fn end(&mut self, flight: usize, answer: Answer, experiment: &mut impl Experiment) {
        let now = self.engine.now();
        let Some(flight) = self.flights.get_mut(flight) else {
            return;
        };
        let Some(mut pick) = flight.pick.take() else {
            return; // given up before
        };
        let latency = now - flight.sent;
        if let Some(load) = flight.load.take() {
            if answer == Answer::LocalFailure {
                load.cancelled(now); // the server sees that the caller went away
            } else {
                pick.report(load.report(now), now);
                load.complete(now);
            }
        }
        pick.headers(answer, now);
        pick.complete(now);
        let sent = self.engine.seconds() - latency.as_secs_f64();
        experiment.done(sent, flight.server, latency, answer);
    }

    fn give_up(&mut self, number: usize, experiment: &mut impl Experiment) {
        let server = match self.flights.get(number) {
            Some(flight) if flight.pick.is_some() => flight.server,
            _ => return,
        };
        let now = self.engine.now();
        if let Some(Backend::Shared(shared, _)) = self.servers.get_mut(server) {
            shared.cancel(number, now);
        }
        self.plan_progress(server);
        self.end(number, Answer::LocalFailure, experiment);
    }
}
