//! What is left.

use std::time::Duration;

/// What a limit allows, and how much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quota {
    /// Permits that may be spent at once.
    pub limit: u32,
    /// The time in which all of them come back.
    pub window: Duration,
    /// Permits that are left; below zero when some of the future are taken already.
    pub remaining: i64,
    /// Until a permit is there: zero when one is left.
    pub wait: Duration,
    /// Until all permits that are due are back.
    pub reset: Duration,
}
