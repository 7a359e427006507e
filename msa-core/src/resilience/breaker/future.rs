//! The future of a call behind a breaker.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::{BreakerError, BreakerLayer, Classify, OpenError, OwnedPermit};
use crate::clock::{self, Instant};

pin_project! {
    /// The future of a call behind a breaker. Dropped before its end, it gives its permit back.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct BreakerFuture<F, C> {
        #[pin]
        state: State<F, C>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = Project]
    enum State<F, C> {
        Refused {
            open: OpenError,
        },
        Calling {
            #[pin]
            call: F,
            permit: Option<OwnedPermit>,
            begun: Instant,
            layer: BreakerLayer<C>,
        },
    }
}

impl<F, C> BreakerFuture<F, C> {
    pub(super) fn refused(open: OpenError) -> Self {
        Self {
            state: State::Refused { open },
        }
    }

    pub(super) fn calling(
        call: F,
        permit: Option<OwnedPermit>,
        begun: Instant,
        layer: BreakerLayer<C>,
    ) -> Self {
        Self {
            state: State::Calling {
                call,
                permit,
                begun,
                layer,
            },
        }
    }
}

impl<F, C, T, E> Future for BreakerFuture<F, C>
where
    F: Future<Output = Result<T, E>>,
    C: Classify<T, E>,
{
    type Output = Result<T, BreakerError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Project::Refused { open } => Poll::Ready(Err((*open).into())),
            Project::Calling {
                call,
                permit,
                begun,
                layer,
            } => {
                let result = ready!(call.poll(cx));
                if let Some(permit) = permit.take() {
                    let now = clock::now();
                    let elapsed = now.saturating_duration_since(*begun);
                    permit.end(layer.classify.classify(result.as_ref(), elapsed), now);
                    layer.tell();
                }
                Poll::Ready(result.map_err(BreakerError::Inner))
            }
        }
    }
}
