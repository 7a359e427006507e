//! The limiter as a layer.

use tower::Layer;

use super::guard::LimitGuard;
use super::service::{ByResult, LimitService};

/// Puts a limit in front of a service.
///
/// ```
/// use msa_core::clock;
/// use msa_core::resilience::limit::{LimitConfig, LimitGuard, LimitLayer, LimitMode, Limiter};
/// use tower::{ServiceBuilder, ServiceExt as _};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), tower::BoxError> {
/// let limiter = Limiter::new(&LimitConfig::default(), 1, clock::now());
/// let service = ServiceBuilder::new()
///     .layer(LimitLayer::new(LimitGuard::new("stock", limiter, LimitMode::On)))
///     .service_fn(|sku: u32| async move { Ok::<_, std::io::Error>(sku * 2) });
/// assert_eq!(service.oneshot(21).await?, 42);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct LimitLayer<C = ByResult> {
    guard: LimitGuard,
    classify: C,
}

impl LimitLayer {
    /// The layer. What is `Ok` is a success; an error says nothing about load, unless [`classify`](Self::classify) knows
    /// better.
    #[must_use]
    pub const fn new(guard: LimitGuard) -> Self {
        Self {
            guard,
            classify: ByResult,
        }
    }

    /// With another judge of how a call went: a closure `Fn(&Result<Response, Error>) -> Outcome`, or a
    /// [`Classify`](super::Classify).
    #[must_use]
    pub fn classify<C>(self, classify: C) -> LimitLayer<C> {
        LimitLayer {
            guard: self.guard,
            classify,
        }
    }
}

impl<S, C: Clone> Layer<S> for LimitLayer<C> {
    type Service = LimitService<S, C>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitService::new(inner, self.guard.clone(), self.classify.clone())
    }
}
