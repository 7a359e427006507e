//! By the ratio of the latency without load to the latency now.

use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use super::estimate::whole;
use super::{Average, Estimator, Sample, Scale};

/// The settings of [`Gradient`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct GradientConfig {
    /// Where it begins. 20.
    pub initial: u32,
    /// Never below this. 5.
    pub min: u32,
    /// Never above this, which wins over `min`. 1000.
    pub max: u32,
    /// How many times the latency without load is still no queue, 1 or more. 1.5.
    pub tolerance: f64,
    /// By how much the limit grows while there is no queue. Its square root, at least 4.
    pub step: Scale,
    /// When `step` is added.
    pub growth: Growth,
    /// How much of a lower estimate is taken over at once, from 0 to 1. 0.2.
    pub smoothing: f64,
    /// What is left of the limit after a window with a loss, from 0 to 1; 1 ignores losses. 0.9.
    pub backoff: f64,
    /// About how many windows the latency without load remembers. 600.
    pub memory: u32,
    /// How the latency without load is told from a queue's; `None` believes every window.
    pub probe: Option<Probe>,
}

/// When the limit grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Growth {
    /// While there is no queue, and then by the whole step: the gradient is 1.
    WithoutQueue,
    /// In every window, by the smoothed step: Netflix's rule, which drifts.
    Always,
}

/// How often the limiter looks what the latency is without a queue of its own making.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Windows under load before the first one, and between two while they find something new. 5.
    pub first: u32,
    /// Windows between two when they find what was known; each such one doubles the time up to this. 300.
    pub longest: u32,
}

impl Default for Probe {
    fn default() -> Self {
        Self {
            first: 5,
            longest: 300,
        }
    }
}

impl Default for GradientConfig {
    fn default() -> Self {
        Self {
            initial: 20,
            min: 5,
            max: 1000,
            tolerance: 1.5,
            step: Scale::Sqrt(4),
            growth: Growth::WithoutQueue,
            smoothing: 0.2,
            backoff: 0.9,
            memory: 600,
            probe: Some(Probe::default()),
        }
    }
}

impl GradientConfig {
    /// Netflix's `Gradient2Limit` with its own constants, to compare with. It drifts: see [`Gradient`].
    #[must_use]
    pub const fn gradient2() -> Self {
        Self {
            initial: 20,
            min: 20,
            max: 200,
            tolerance: 1.5,
            step: Scale::Constant(4),
            growth: Growth::Always,
            smoothing: 0.2,
            backoff: 1.0,
            memory: 600,
            probe: None,
        }
    }
}

/// Compares the latency of each window with a long average of it, the *baseline*.
///
/// `gradient = clamp(tolerance × baseline / rtt, 0.5, 1)`; the limit is multiplied by it, and while it is 1 grows by `step`.
/// It is Netflix's `Gradient2Limit` with three faults mended.
///
/// **The drift.** Gradient2 adds its step in every window, so its limit rests only where `limit × (1 − gradient) = step`,
/// which is in a queue; and its baseline is an average of latencies that contain this queue. Under lasting load the baseline
/// therefore follows the latency, the latency follows the limit, and the limit climbs to its maximum: by some ten minutes of
/// one-second windows. Adding the step only while the gradient is 1 slows that down and does not end it, since a latency just
/// within the tolerance of the baseline still lifts the baseline. So here the baseline is lifted only by windows in which
/// less than half of the limit was in flight, whose latency is not of the limiter's making.
///
/// **The probe.** A baseline that never rose under load would strangle a service whose work itself became slower, or that was
/// overloaded when it started. So now and then, under load only, the limit is halved for two windows, one to let the queue
/// go and one to measure; the latency found *is* the baseline then, be it lower (the queue was ours) or higher (the work
/// is). At 1.5 times what the service can hold, half the limit costs a quarter of the throughput for 2 of up to 300 windows. A limit that fell far, or to its
/// minimum, is probed at once.
/// BBR (Cardwell et al., 2016) and Envoy's adaptive concurrency filter probe for the same reason.
///
/// **Losses.** A window with a loss (a time limit passed, a refusal from below) takes the limit down by a tenth, as in
/// Netflix's first `GradientLimit`; Gradient2 ignores them.
#[derive(Debug, Clone)]
pub struct Gradient {
    config: GradientConfig,
    limit: f64,
    baseline: Average,
    phase: Phase,
    /// Windows from the last probe to the next.
    interval: u32,
    /// The highest limit since the last probe.
    peak: f64,
    chance: SmallRng,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// So many windows under load until the next probe.
    Steady { left: u32 },
    /// The limit is cut; what ends now may have begun before. The limit to return to.
    Settling { back_to: f64 },
    /// What ends now began under the cut limit.
    Measuring { back_to: f64 },
}

/// A limit that fell to less than this share of its peak has a reason, or the baseline is wrong: a probe tells at once.
const FALLEN: f64 = 0.6;

/// At the lowest limit and still too slow for so many windows, the baseline must be wrong (Envoy's rule and number).
const STRANGLED: u32 = 5;

/// A probe that finds the baseline within this factor of what was known has found nothing new.
const SAME: f64 = 1.15;

impl Gradient {
    /// Begins at `initial`, without a baseline. The seed spreads the probes of several limiters.
    #[must_use]
    pub fn new(config: GradientConfig, seed: u64) -> Self {
        let mut gradient = Self {
            limit: config.initial.into(),
            baseline: Average::new(config.memory, 10),
            phase: Phase::Steady { left: u32::MAX },
            peak: 0.0,
            interval: config.probe.map_or(u32::MAX, |probe| probe.first),
            chance: SmallRng::seed_from_u64(seed),
            config,
        };
        gradient.wait_for_probe();
        gradient
    }

    /// The latency without load, in nanoseconds, as far as it is known; zero before the first sample.
    #[must_use]
    pub const fn baseline_ns(&self) -> f64 {
        self.baseline.get()
    }

    fn wait_for_probe(&mut self) {
        let spread = self.chance.random_range(0.75..1.25);
        let left = match self.config.probe {
            Some(_) => whole(f64::from(self.interval) * spread).max(1),
            None => u32::MAX,
        };
        self.phase = Phase::Steady { left };
    }

    fn bounded(&self, limit: f64) -> f64 {
        let config = &self.config;
        limit
            .max(config.min.max(1).into())
            .min(config.max.max(1).into())
    }

    /// The baseline with what a window tells of it.
    fn learn(&mut self, rtt: f64, near: bool) -> f64 {
        let known = self.baseline.get();
        if self.config.probe.is_some() && near && known > 0.0 && rtt > known {
            return known;
        }
        let baseline = self.baseline.add(rtt);
        // After a long time of slowness it has to come down faster than an average does (Gradient2's rule).
        if baseline > 2.0 * rtt && !self.baseline.is_warming() {
            self.baseline.set(baseline * 0.95);
        }
        baseline
    }

    /// One window of a probe; `None` when there is none under way.
    fn probe(&mut self, rtt: f64) -> Option<u32> {
        match self.phase {
            Phase::Steady { .. } => return None,
            Phase::Settling { back_to } => self.phase = Phase::Measuring { back_to },
            Phase::Measuring { back_to } => {
                let change = rtt / self.baseline.get().max(1.0);
                let probe = self.config.probe.unwrap_or_default();
                self.interval = if (1.0 / SAME..=SAME).contains(&change) {
                    self.interval.saturating_mul(2).min(probe.longest)
                } else {
                    probe.first
                };
                self.baseline.set(rtt);
                // As much of the limit as was queue by the new measure goes at once.
                self.limit = self.bounded(back_to * change.clamp(0.5, 1.0));
                self.peak = self.limit;
                self.wait_for_probe();
            }
        }
        Some(whole(self.limit))
    }

    /// Counts a window under load towards the next probe; tells whether one begins.
    fn begin_probe(&mut self, gradient: f64) -> bool {
        let strangled = gradient < 1.0 && self.limit <= self.config.min.max(1).into();
        let Phase::Steady { left } = &mut self.phase else {
            return false;
        };
        if self.config.probe.is_none() {
            return false;
        }
        if strangled {
            *left = (*left).min(STRANGLED);
        }
        self.peak = self.peak.max(self.limit);
        if self.limit < self.peak * FALLEN {
            *left = 0;
        }
        *left = left.saturating_sub(1);
        if *left > 0 {
            return false;
        }
        let back_to = self.limit;
        self.limit = self.bounded(back_to / 2.0);
        self.phase = Phase::Settling { back_to };
        true
    }
}

impl Estimator for Gradient {
    fn limit(&self) -> u32 {
        whole(self.limit)
    }

    fn update(&mut self, sample: &Sample) -> u32 {
        let rtt = sample.rtt_ns();
        if let Some(limit) = self.probe(rtt) {
            return limit;
        }
        let near = sample.is_near(self.limit);
        let baseline = self.learn(rtt, near);
        let GradientConfig {
            tolerance,
            smoothing,
            backoff,
            ..
        } = self.config;
        if sample.dropped && backoff < 1.0 {
            self.limit = self.bounded(self.limit * backoff);
            return self.limit();
        }
        if !near {
            return self.limit();
        }
        let gradient = (tolerance * baseline / rtt).clamp(0.5, 1.0);
        if self.begin_probe(gradient) {
            return self.limit();
        }
        let step = self.config.step.at(self.limit);
        let new = match self.config.growth {
            Growth::WithoutQueue if gradient >= 1.0 => self.limit + step,
            Growth::WithoutQueue => self.limit * (1.0 - smoothing + smoothing * gradient),
            Growth::Always => {
                let new = self.limit * gradient + step;
                self.limit * (1.0 - smoothing) + new * smoothing
            }
        };
        self.limit = self.bounded(new);
        self.limit()
    }
}
