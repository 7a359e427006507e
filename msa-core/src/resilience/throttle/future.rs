//! The future of a call behind a throttle.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{ThrottleError, ThrottlePermit, Throttled};
use crate::clock::{self, Instant};
use crate::resilience::breaker::Classify;

pin_project! {
    /// The future of a call behind a throttle.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct ThrottleFuture<F, C> {
        #[pin]
        state: State<F, C>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Project]
    enum State<F, C> {
        Refused {
            throttled: Throttled,
        },
        Calling {
            #[pin]
            call: F,
            permit: Option<ThrottlePermit>,
            classify: C,
            begun: Instant,
        },
    }
}

impl<F, C> ThrottleFuture<F, C> {
    pub(super) fn refused(throttled: Throttled) -> Self {
        Self {
            state: State::Refused { throttled },
        }
    }

    pub(super) fn calling(
        call: F,
        permit: Option<ThrottlePermit>,
        classify: C,
        begun: Instant,
    ) -> Self {
        Self {
            state: State::Calling {
                call,
                permit,
                classify,
                begun,
            },
        }
    }
}

impl<F, C, T, E> Future for ThrottleFuture<F, C>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
{
    type Output = Result<T, ThrottleError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Project::Refused { throttled } => Poll::Ready(Err((*throttled).into())),
            Project::Calling {
                call,
                permit,
                classify,
                begun,
            } => {
                let result = ready!(call.poll(cx));
                if let Some(permit) = permit.take() {
                    let now = clock::now();
                    let elapsed = now.saturating_duration_since(*begun);
                    permit.end(classify.classify(result.as_ref(), elapsed), now);
                }
                Poll::Ready(result.map_err(ThrottleError::Inner))
            }
        }
    }
}
