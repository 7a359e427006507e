//! The shop's page: one function with all eight policy attributes, whose settings are edited while visitors look.
//!
//! Scene by scene a setting changes in order-orchestrator's `msa.toml`, or product-service becomes slow, and the function's counts are
//! read from the metrics before and after. Between two scenes nobody looks, so that each count belongs to its scene.

mod counts;
mod scene;
mod visitors;

use std::io::{self, Write};
use std::thread::sleep;
use std::time::Duration;

use msa_tests::{Cluster, Error};
use serde::Serialize;

use super::stopwatch::Stopwatch;
use super::story::Story;
use counts::Counts;
use scene::{SCENES, Scene};
use visitors::Visitors;

/// How long a scene is played at the least, and how long it may take until what it is to show was seen.
const LEAST: Duration = Duration::from_millis(700);
const MOST: Duration = Duration::from_secs(20);

/// How often the counts are looked at.
const STEP: Duration = Duration::from_millis(50);

/// What came of all scenes.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Pages(Vec<Shown>);

/// One scene, and what was counted in it.
#[derive(Debug, Serialize)]
struct Shown {
    scene: &'static str,
    #[serde(flatten)]
    counts: Counts,
    /// What it was to show, and did not.
    missed: Vec<&'static str>,
}

impl Pages {
    /// Plays all scenes.
    pub(crate) fn play(cluster: &mut Cluster, story: &mut Story) -> Result<Self, Error> {
        visitors::look_once(cluster.addr("order-orchestrator")?);
        let mut pages = Self::default();
        for scene in &SCENES {
            scene.set(cluster)?;
            story.deed(scene.deed).map_err(super::unwritable)?;
            pages.0.push(play(scene, cluster)?);
        }
        Ok(pages)
    }

    /// Each scene showed what it was to show, and no visitor was left without a page.
    pub(crate) fn hold(&self) -> bool {
        self.0.iter().all(|shown| shown.missed.is_empty())
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "\nThe page of a product (offers.rs in order-orchestrator), one function with all eight attributes:\n"
        )?;
        writeln!(out, "{}", Counts::HEADING)?;
        for Shown {
            scene,
            counts,
            missed,
        } in &self.0
        {
            writeln!(out, "{counts}  {scene}")?;
            if !missed.is_empty() {
                writeln!(out, "        NOT AS IT SHOULD BE: {}", missed.join(", "))?;
            }
        }
        Ok(())
    }
}

fn play(scene: &'static Scene, cluster: &mut Cluster) -> Result<Shown, Error> {
    let addr = cluster.addr("order-orchestrator")?;
    let admin = cluster.process("order-orchestrator")?.wait_admin()?;
    let before = counts::read(admin)?;
    let visitors = Visitors::send(addr);
    let watch = Stopwatch::start();
    while watch.elapsed() < MOST {
        sleep(STEP);
        let so_far = counts::read(admin)?.since(before);
        if watch.elapsed() >= LEAST && scene.missing(&so_far).is_empty() {
            break;
        }
    }
    let (seen, failed) = visitors.call_back();
    let mut counts = counts::read(admin)?.since(before);
    (counts.pages, counts.failed) = (seen, failed);
    Ok(Shown {
        scene: scene.title,
        missed: scene.wrong(&counts),
        counts,
    })
}
