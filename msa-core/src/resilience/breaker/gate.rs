//! The breaker as the balancer sees it.

use std::sync::Arc;

use super::Breaker;
use crate::balance::Gate;
use crate::clock::Instant;

impl Gate for Breaker {
    #[inline]
    fn would_admit(&self, now: Instant) -> bool {
        Self::would_admit(self, now)
    }
}

/// For who needs a share of the breaker back from the gate, for [`OwnedPermit`](super::OwnedPermit)s.
impl Gate for Arc<Breaker> {
    #[inline]
    fn would_admit(&self, now: Instant) -> bool {
        Breaker::would_admit(self, now)
    }
}
