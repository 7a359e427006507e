//! A chosen endpoint, and what the call that uses it tells the algorithm.

use std::fmt;
use std::sync::Arc;

use crate::clock::Instant;
use crate::discovery::Endpoint;

/// What a call asks of the choice.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct PickHint<'a> {
    /// Endpoints that this call has tried already: taken again only when there is no other.
    pub avoid: &'a [Endpoint],
}

impl<'a> PickHint<'a> {
    /// A choice that avoids these endpoints.
    #[must_use]
    pub fn avoiding(avoid: &'a [Endpoint]) -> Self {
        Self { avoid }
    }

    /// Whether this instance is one to avoid, even if its weight or labels changed since it was tried.
    #[must_use]
    #[inline]
    pub fn avoids(&self, endpoint: &Endpoint) -> bool {
        self.avoid.iter().any(|tried| tried.same_instance(endpoint))
    }
}

/// An endpoint with the statistics that an algorithm keeps of it.
///
/// One lives in an `Arc` for as long as its endpoint is known, and a [`Pick`] holds a clone of that: so a pick allocates
/// nothing, and ends where it began even when its endpoint has left in between. Counting the request in is the
/// algorithm's own doing when it makes the pick; every pick then tells at most one [`headers`](Self::headers), followed
/// by exactly one [`ended`](Self::ended), in which it is counted out.
pub trait Tracked: Send + Sync + fmt::Debug + 'static {
    /// The endpoint.
    fn endpoint(&self) -> &Endpoint;

    /// The headers of the response to the request picked at `picked` arrived (`ok` tells whether they count as a success),
    /// or its attempt failed (`ok` is `false`).
    fn headers(&self, picked: Instant, ok: bool, now: Instant);

    /// The request picked at `picked` is over.
    fn ended(&self, picked: Instant, end: End);
}

/// How a picked request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum End {
    /// The body ended, or was dropped after its headers, at this time.
    Complete(Instant),
    /// The body failed at this time: one more failure, beside what the headers were.
    BodyFailed(Instant),
    /// Dropped after the headers or the failure were told, without a time: complete, but no measure of latency.
    Answered,
    /// Dropped before the headers: neither success nor failure.
    Cancelled,
}

/// A chosen endpoint: a guard over what the choice counted.
///
/// Reads no clock. Who wants the time of a dropped body to count calls [`complete`](Self::complete) from its own `Drop`.
#[must_use = "dropping a pick at once counts the request as cancelled"]
pub struct Pick(Choice);

enum Choice {
    Plain(Endpoint),
    Tracked {
        endpoint: Arc<dyn Tracked>,
        picked: Instant,
        stage: Stage,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Answered,
    Ended,
}

impl Pick {
    /// A pick that counts nothing.
    pub fn plain(endpoint: Endpoint) -> Self {
        Self(Choice::Plain(endpoint))
    }

    /// A pick, made at `now`, whose outcome the algorithm wants to know.
    pub fn tracked(endpoint: Arc<dyn Tracked>, now: Instant) -> Self {
        Self(Choice::Tracked {
            endpoint,
            picked: now,
            stage: Stage::Waiting,
        })
    }

    /// The endpoint to call.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        match &self.0 {
            Choice::Plain(endpoint) => endpoint,
            Choice::Tracked { endpoint, .. } => endpoint.endpoint(),
        }
    }

    /// Tells that the response's headers arrived, and whether they count as a success; or, with `false`, that the attempt
    /// failed. Only the first call counts.
    pub fn headers(&mut self, ok: bool, now: Instant) {
        if let Choice::Tracked {
            endpoint,
            picked,
            stage: stage @ Stage::Waiting,
        } = &mut self.0
        {
            *stage = Stage::Answered;
            endpoint.headers(*picked, ok, now);
        }
    }

    /// Tells that the body ended, or that its reader had enough of it. What comes later does not count.
    pub fn complete(&mut self, now: Instant) {
        self.end(End::Complete(now));
    }

    /// Tells that the body failed before its end. What comes later does not count.
    pub fn body_failed(&mut self, now: Instant) {
        self.end(End::BodyFailed(now));
    }

    fn end(&mut self, end: End) {
        if let Choice::Tracked {
            endpoint,
            picked,
            stage,
        } = &mut self.0
            && *stage != Stage::Ended
        {
            *stage = Stage::Ended;
            endpoint.ended(*picked, end);
        }
    }
}

impl Drop for Pick {
    fn drop(&mut self) {
        if let Choice::Tracked { stage, .. } = &self.0 {
            match stage {
                Stage::Waiting => self.end(End::Cancelled),
                Stage::Answered => self.end(End::Answered),
                Stage::Ended => {}
            }
        }
    }
}

impl fmt::Debug for Pick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Pick");
        debug.field("endpoint", self.endpoint());
        if let Choice::Tracked { stage, .. } = &self.0 {
            debug.field("stage", stage);
        }
        debug.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use super::*;
    use crate::clock;

    #[derive(Debug)]
    struct Log {
        endpoint: Endpoint,
        told: Mutex<Vec<String>>,
    }

    impl Tracked for Log {
        fn endpoint(&self) -> &Endpoint {
            &self.endpoint
        }
        fn headers(&self, picked: Instant, ok: bool, now: Instant) {
            let after = now.duration_since(picked).as_millis();
            self.told.lock().unwrap().push(format!("{ok} {after}"));
        }
        fn ended(&self, picked: Instant, end: End) {
            let end = match end {
                End::Complete(at) => format!("complete {}", (at - picked).as_millis()),
                End::BodyFailed(at) => format!("body failed {}", (at - picked).as_millis()),
                other => format!("{other:?}"),
            };
            self.told.lock().unwrap().push(end);
        }
    }

    fn told(script: impl FnOnce(&mut Pick, Instant)) -> Vec<String> {
        let log = Arc::new(Log {
            endpoint: "http://a:80".parse().unwrap(),
            told: Mutex::default(),
        });
        let now = clock::now();
        let mut pick = Pick::tracked(log.clone(), now);
        assert_eq!(pick.endpoint(), &log.endpoint);
        script(&mut pick, now);
        drop(pick);
        Arc::into_inner(log).unwrap().told.into_inner().unwrap()
    }

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_drop_before_the_headers_is_cancelled() {
        assert_eq!(told(|_, _| {}), ["Cancelled"]);
    }

    #[test]
    fn a_drop_after_the_headers_is_an_answer() {
        assert_eq!(
            told(|pick, now| pick.headers(true, now + ms(3))),
            ["true 3", "Answered"]
        );
        assert_eq!(
            told(|pick, now| pick.headers(false, now + ms(3))),
            ["false 3", "Answered"]
        );
    }

    #[test]
    fn a_request_has_headers_at_most_once_and_one_end() {
        assert_eq!(
            told(|pick, now| {
                pick.headers(true, now + ms(1));
                pick.headers(false, now + ms(2));
                pick.complete(now + ms(3));
                pick.complete(now + ms(4));
                pick.body_failed(now + ms(5));
                pick.headers(true, now + ms(6));
            }),
            ["true 1", "complete 3"]
        );
        assert_eq!(
            told(|pick, now| {
                pick.headers(true, now + ms(1));
                pick.body_failed(now + ms(2));
                pick.complete(now + ms(3));
            }),
            ["true 1", "body failed 2"]
        );
    }
}
