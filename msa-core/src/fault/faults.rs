//! Which request meets which fault.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::{FaultError, headers};
use crate::config::{FaultSettings, Percent};

/// Decides which request meets which fault. The same seed and the same requests give the same faults.
#[derive(Debug)]
pub struct Faults {
    rule: Rule,
    headers: Option<headers::Bounds>,
    chance: Chance,
}

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[must_use]
pub struct Plan {
    /// It waits so long first.
    pub delay: Option<Duration>,
    /// It ends before it is done.
    pub end: Option<End>,
    /// Its answer's body comes at so many bytes a second.
    pub slow_body: Option<u64>,
}

impl Plan {
    /// Whether nothing happens to it.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// How a request ends before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// By this answer.
    Abort(StatusCode),
    /// By the loss of its connection.
    Reset,
}

/// Faults and how often, of the settings or of one request's headers.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares {
    pub(super) delay: Option<(Duration, Percent)>,
    pub(super) abort: Option<(StatusCode, Percent)>,
    pub(super) reset: Percent,
    pub(super) slow_body: Option<(u64, Percent)>,
}

#[derive(Debug)]
struct Rule {
    /// Exact, or with what it begins; none is all.
    paths: Vec<Path>,
    header: Option<(HeaderName, Option<HeaderValue>)>,
    shares: Shares,
}

#[derive(Debug)]
enum Path {
    Is(Box<str>),
    Begins(Box<str>),
}

impl Faults {
    /// The faults of these settings.
    ///
    /// # Errors
    ///
    /// [`FaultError`] says which setting cannot be used.
    pub fn new(settings: &FaultSettings, seed: u64) -> Result<Self, FaultError> {
        let abort = StatusCode::from_u16(settings.abort)
            .ok()
            .filter(|status| headers::is_error(*status))
            .ok_or(FaultError::Abort(settings.abort))?;
        let paths = settings
            .paths
            .iter()
            .map(|path| match path.strip_suffix('*') {
                Some(begin) => Path::Begins(begin.into()),
                None => Path::Is(path.as_str().into()),
            });
        let bounds = headers::Bounds {
            max_delay: settings.max_delay.get(),
        };
        Ok(Self {
            rule: Rule {
                paths: paths.collect(),
                header: header(&settings.header)?,
                shares: Shares {
                    delay: Some((settings.delay.get(), settings.delay_percentage)),
                    abort: Some((abort, settings.abort_percentage)),
                    reset: settings.reset_percentage,
                    slow_body: Some((settings.slow_body.get(), settings.slow_body_percentage)),
                },
            },
            headers: settings.allow_headers.then_some(bounds),
            chance: Chance(AtomicU64::new(seed)),
        })
    }

    /// What happens to a request: by its matched route if it has one, its path, and its headers.
    pub fn decide(&self, route: Option<&str>, path: &str, headers: &HeaderMap) -> Plan {
        let asked = self.headers.as_ref().map(|bounds| bounds.asked(headers));
        let mut plan = Plan::default();
        if self.rule.meets(route, path, headers) {
            self.draw(&self.rule.shares, &mut plan);
        }
        if let Some(asked) = asked {
            self.draw(&asked, &mut plan);
        }
        plan
    }

    /// Draws each fault by itself; one that is there already stays.
    fn draw(&self, shares: &Shares, plan: &mut Plan) {
        if let Some((delay, share)) = shares.delay
            && self.chance.hits(share)
        {
            plan.delay = plan.delay.or(Some(delay));
        }
        if let Some((status, share)) = shares.abort
            && self.chance.hits(share)
        {
            plan.end = plan.end.or(Some(End::Abort(status)));
        }
        if self.chance.hits(shares.reset) {
            plan.end = plan.end.or(Some(End::Reset));
        }
        if let Some((rate, share)) = shares.slow_body
            && self.chance.hits(share)
        {
            plan.slow_body = plan.slow_body.or(Some(rate.max(1)));
        }
    }
}

impl Rule {
    fn meets(&self, route: Option<&str>, path: &str, headers: &HeaderMap) -> bool {
        let is = |rule: &Path, text: &str| match rule {
            Path::Is(exact) => **exact == *text,
            Path::Begins(begin) => text.starts_with(&**begin),
        };
        let on_path = self.paths.is_empty()
            || (self.paths.iter())
                .any(|rule| is(rule, path) || route.is_some_and(|route| is(rule, route)));
        let by_header = match &self.header {
            None => true,
            Some((name, None)) => headers.contains_key(name),
            Some((name, Some(value))) => headers.get_all(name).iter().any(|found| found == value),
        };
        on_path && by_header
    }
}

/// `x-chaos` or `x-chaos: yes`.
fn header(text: &str) -> Result<Option<(HeaderName, Option<HeaderValue>)>, FaultError> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || FaultError::Header(text.to_owned());
    let (name, value) = match text.split_once(':') {
        Some((name, value)) => (name.trim(), Some(value.trim())),
        None => (text, None),
    };
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
    let value = value.map(HeaderValue::from_str).transpose();
    Ok(Some((name, value.map_err(|_| wrong())?)))
}

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): one atomic addition a draw.
#[derive(Debug)]
struct Chance(AtomicU64);

impl Chance {
    fn hits(&self, share: Percent) -> bool {
        if share.is_zero() {
            return false; // the usual case draws nothing
        }
        const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
        let state = self
            .0
            .fetch_add(GOLDEN, Ordering::Relaxed)
            .wrapping_add(GOLDEN);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = (((mixed ^ (mixed >> 31)) >> 32) * 1_000_000) >> 32;
        drawn < share.millionths().into()
    }
}
