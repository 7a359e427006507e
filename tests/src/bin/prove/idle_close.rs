//! POSTs timed at the end of idle connections.
//!
//! A POST on a connection that the server is closing is lost: the client cannot know whether it was processed. The cure
//! is a pair of settings: the client gives a connection up long before the server does. So POSTs are sent at both ends:
//! about when the client still takes the connection or no longer does, and about when the server closes it.

use std::sync::Arc;
use std::time::Duration;

use msa_core::client::ServiceClient;
use msa_core::clock::{self, Instant};
use msa_core::config::{ClientSettings, ServerSettings, Span};
use msa_core::discovery::FixedSource;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use crate::Error;
use crate::instance::Instance;
use crate::load::{Tally, chain, checksum};
use crate::options::Options;
use crate::serve::Answer;

/// tokio's timers are a millisecond coarse: the rest is waited for in turns.
const COARSE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy)]
struct Pair {
    server: Duration,
    client: Duration,
    spread: Duration,
    posts: u64,
    lanes: u64,
}

/// Loses nothing, and with the pair the wrong way round something?
pub(crate) async fn run(mut options: Options) -> Result<bool, Error> {
    let defaults = options.flag("defaults");
    let millis = Duration::from_millis;
    let (server, client, lanes) = if defaults {
        let (server, client) = (ServerSettings::default(), ClientSettings::default());
        (
            server.idle_timeout.get(),
            client.pool_idle_timeout.get(),
            3200,
        )
    } else {
        (millis(750), millis(300), 64)
    };
    let pair = Pair {
        server: options.duration("server-idle", server)?,
        client: options.duration("client-idle", client)?,
        spread: options.duration("spread", millis(4))?,
        posts: options.value("posts", 6400)?,
        lanes: options.value("lanes", lanes)?,
    };
    let contrast = options.flag("contrast");
    options.finish()?;
    let (lost, reused) = pair.run(&[pair.client, pair.server]).await?;
    let held = lost == 0 && reused > 0;
    if !contrast {
        return Ok(held);
    }
    let wrong = Pair {
        client: 2 * pair.server,
        ..pair
    };
    let (lost, _) = wrong.run(&[wrong.server]).await?;
    if lost == 0 {
        println!("  the contrast lost nothing, so nothing is shown");
    }
    Ok(held && lost > 0)
}

impl Pair {
    /// How many POSTs were lost, and how many went over a connection that had been used before.
    async fn run(self, ends: &[Duration]) -> Result<(u64, u64), Error> {
        let begun = clock::now();
        let server = format!("{}ms", self.server.as_millis());
        let mut instance = Instance::start(&[
            ("MSA_SERVER__IDLE_TIMEOUT", server),
            ("MSA_SERVER__DRAIN__LAG", "0s".to_owned()),
        ])
        .await?;
        let source = Arc::new(FixedSource::default());
        source.update([("items", [format!("http://{}", instance.addr())])])?;
        let tally = Arc::new(Tally::default());
        let mut lanes = JoinSet::new();
        for seed in 0..self.lanes {
            let mut settings = ClientSettings::default();
            settings.pool_idle_timeout = Span::from(self.client);
            let client = ServiceClient::builder()
                .discovery(source.clone())
                .client_settings(settings)
                .build()?;
            let lane = Lane {
                client,
                tally: Arc::clone(&tally),
                rng: SmallRng::seed_from_u64(seed),
                peer: None,
                reused: 0,
            };
            lanes.spawn(lane.run(self, ends.to_vec(), seed));
        }
        let reused: u64 = lanes.join_all().await.into_iter().sum();
        instance.terminate()?;
        instance.exited().await?;
        let sent = self.posts / self.lanes * self.lanes;
        println!(
            "server idle {:?}, client idle {:?}: {sent} POSTs in {:.1?} within {:?} of {ends:?}, {reused} on a used connection, \
             {} lost",
            self.server,
            self.client,
            clock::since(begun),
            self.spread,
            tally.lost(),
        );
        for loss in tally.losses().iter().take(3) {
            println!("  lost: {loss}");
        }
        Ok((tally.lost(), reused))
    }
}

/// One caller with one connection.
struct Lane {
    client: ServiceClient,
    tally: Arc<Tally>,
    rng: SmallRng,
    peer: Option<std::net::SocketAddr>,
    reused: u64,
}

impl Lane {
    async fn run(mut self, pair: Pair, ends: Vec<Duration>, number: u64) -> u64 {
        // So that not all of them wait for the same moment.
        let stagger = Duration::from_micros(number * 997 % 1_000_000).min(pair.client);
        tokio::time::sleep(stagger).await;
        self.post().await;
        self.reused = 0;
        let mut ends = ends.iter().cycle();
        for _ in 0..pair.posts / pair.lanes {
            let end = ends.next().copied().unwrap_or_default();
            let spread = self.rng.random_range(Duration::ZERO..=2 * pair.spread);
            let at = clock::now() + (end + spread).saturating_sub(pair.spread);
            wait_until(at).await;
            self.post().await;
        }
        self.reused
    }

    async fn post(&mut self) {
        let body = format!("{:064}", self.rng.random::<u64>());
        let expected = checksum(body.as_bytes());
        let sent = self.client.post("http://items/items").body(body).send();
        let answer = match sent.await {
            Ok(response) => response.json::<Answer>().await,
            Err(error) => return self.tally.note_lost(chain(&error)),
        };
        match answer {
            Ok(answer) if answer.checksum == expected => {
                self.reused += u64::from(self.peer == Some(answer.peer));
                self.peer = Some(answer.peer);
            }
            Ok(answer) => self.tally.note_lost(format!("{answer:?}")),
            Err(error) => self.tally.note_lost(chain(&error)),
        }
    }
}

async fn wait_until(at: Instant) {
    if let Some(coarse) = at.checked_sub(COARSE) {
        tokio::time::sleep_until(coarse).await;
    }
    while clock::now() < at {
        tokio::task::yield_now().await;
    }
}
