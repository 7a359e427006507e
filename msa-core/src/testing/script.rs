//! An upstream that answers as it is told.

mod body;
mod step;

use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::BodyExt as _;
use tokio::sync::watch;

use step::Kind;
pub use step::Step;

/// What an upstream does, attempt by attempt. Cheap to clone; clones share the place in the script.
///
/// ```
/// use std::time::Duration;
/// use msa_core::testing::{Script, Step};
///
/// // Unavailable twice, then fine for ever.
/// let flaky = Script::new([Step::status(503), Step::reset(), Step::status(200).body("fine")]);
/// // Answers late, and after that nobody is there any more.
/// let once = Script::once([Step::status(200).after(Duration::from_secs(2))]);
/// assert_eq!(flaky.attempts() + once.attempts(), 0);
/// ```
#[derive(Debug, Clone)]
pub struct Script(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    steps: Vec<Step>,
    afterwards: Step,
    attempts: watch::Sender<usize>,
    seen: Mutex<Vec<Seen>>,
}

/// A request that an upstream saw.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Seen {
    /// The method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// The script says that the connection breaks here.
#[derive(Debug, thiserror::Error)]
#[error("the script resets the connection")]
pub(super) struct Reset;

impl Script {
    /// These steps, one an attempt, and the last one again for every further attempt. Without steps, connections are
    /// refused.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        let steps: Vec<Step> = steps.into_iter().collect();
        let last = steps.last().cloned().unwrap_or_else(Step::refuse);
        Self::from_parts(steps, last)
    }

    /// These steps, one an attempt; connections are refused afterwards.
    #[must_use]
    pub fn once(steps: impl IntoIterator<Item = Step>) -> Self {
        Self::from_parts(steps.into_iter().collect(), Step::refuse())
    }

    fn from_parts(steps: Vec<Step>, afterwards: Step) -> Self {
        Self(Arc::new(Inner {
            steps,
            afterwards,
            attempts: watch::Sender::new(0),
            seen: Mutex::default(),
        }))
    }

    /// How many attempts there were, refused ones included.
    #[must_use]
    pub fn attempts(&self) -> usize {
        *self.0.attempts.borrow()
    }

    /// Waits until there were at least `n` attempts, for as long as it takes.
    pub async fn wait_for(&self, n: usize) {
        let mut attempts = self.0.attempts.subscribe();
        // Cannot fail: this script holds the sender.
        let _ = attempts.wait_for(|attempts| *attempts >= n).await;
    }

    /// The requests whose bodies were read, in that order; refused attempts brought none.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.0
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Takes the next step.
    pub(super) fn next(&self) -> Step {
        let mut at = 0;
        self.0.attempts.send_modify(|attempts| {
            at = *attempts;
            *attempts += 1;
        });
        let step = self.0.steps.get(at).unwrap_or(&self.0.afterwards);
        step.clone()
    }

    /// Reads the request and does what the step says.
    pub(super) async fn play(
        &self,
        step: Step,
        request: Request<Body>,
    ) -> Result<Response<Body>, Reset> {
        let (parts, body) = request.into_parts();
        // A body that its sender broke off is nobody's request any more.
        let body = body.collect().await.map_err(|_| Reset)?.to_bytes();
        self.0
            .seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Seen {
                method: parts.method,
                uri: parts.uri,
                headers: parts.headers,
                body,
            });
        if !step.delay.is_zero() {
            tokio::time::sleep(step.delay).await;
        }
        match step.kind {
            Kind::Refuse | Kind::Reset => Err(Reset),
            Kind::Hang => std::future::pending().await,
            Kind::Answer(answer) => Ok(answer.into_response()),
        }
    }
}
