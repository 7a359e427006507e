//! Whatever form the function has, and however its attributes are written.

use std::collections::HashMap;
use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use msa_core::config::{Percent, Rate, Span};
use msa_core::prelude::*;
use msa_core::resilience::policy::{PolicyError, PolicyErrorKind};

type Boxed = Box<dyn std::error::Error + Send + Sync>;

const MS: Duration = Duration::from_millis(1);

fn broken() -> Boxed {
    "broken".into()
}

#[derive(Debug, Default)]
struct Warehouse {
    name: String,
    calls: AtomicU32,
}

impl Warehouse {
    #[retry(max = 2)]
    async fn shared(&self, sku: String, good: u32) -> Result<String, Boxed> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call < good {
            Err(broken())?;
        }
        Ok(format!("{} {sku} {call}", self.name))
    }

    #[timeout("1s")]
    #[fallback(value = 9)]
    async fn changing(&mut self) -> Result<u32, Boxed> {
        *self.calls.get_mut() += 1;
        if *self.calls.get_mut() > 1 {
            return Err(broken());
        }
        Ok(1)
    }

    #[bulkhead(4)]
    async fn consumed(self) -> Result<String, Boxed> {
        Ok(self.name)
    }

    #[timeout("1s")]
    async fn counted(self: Arc<Self>) -> Result<usize, Boxed> {
        Ok(Arc::strong_count(&self))
    }

    #[retry(max = 1)]
    async fn lent<'a>(&'a self, suffix: &'a str) -> Result<(&'a str, &'a str), Boxed> {
        Ok((&self.name, suffix))
    }

    #[fallback(with = Self::last_seen)]
    #[retry(max = 1)]
    async fn remembered(&self, sku: u64) -> Result<String, Boxed> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Err(format!("{sku} is gone").into())
    }

    async fn last_seen(&self, sku: u64, error: Boxed) -> Result<String, Boxed> {
        let calls = self.calls.load(Ordering::Relaxed);
        Ok(format!("{} {sku} {calls}: {error}", self.name))
    }

    #[cached(ttl = "30s", key = (self.name, sku))]
    async fn kept(&self, sku: u64) -> Result<u32, Problem> {
        Ok(self.calls.fetch_add(1, Ordering::Relaxed) + u32::try_from(sku).unwrap())
    }
}

#[tokio::test(start_paused = true)]
async fn methods_take_self_in_any_way_that_their_policy_leaves() {
    let mut house = Warehouse {
        name: "north".into(),
        ..Warehouse::default()
    };
    let found = house.shared("nut".into(), 3).await.unwrap();
    assert_eq!(found, "north nut 3");
    assert_eq!(house.lent("x").await.unwrap(), ("north", "x"));
    *house.calls.get_mut() = 0;
    assert_eq!(house.changing().await.unwrap(), 1);
    assert_eq!(house.changing().await.unwrap(), 9);
    *house.calls.get_mut() = 0;
    let remembered = house.remembered(7).await.unwrap();
    assert_eq!(remembered, "north 7 2: 7 is gone");
    let other = Warehouse::default();
    assert_eq!(house.kept(10).await.unwrap(), 12);
    assert_eq!(house.kept(10).await.unwrap(), 12, "kept");
    assert_eq!(other.kept(10).await.unwrap(), 10, "another key");
    assert_eq!(house.consumed().await.unwrap(), "north");
    assert_eq!(Arc::new(other).counted().await.unwrap(), 1);
}

trait Source {
    fn name(&self) -> &str;

    #[retry(max = 3)]
    async fn fetch(&self, good: &AtomicU32) -> Result<String, Boxed> {
        if good.fetch_sub(1, Ordering::Relaxed) > 1 {
            return Err(broken());
        }
        Ok(self.name().to_owned())
    }
}

impl Source for Warehouse {
    fn name(&self) -> &str {
        &self.name
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_body_of_a_traits_function_may_have_one() {
    let house = Warehouse {
        name: "south".into(),
        ..Warehouse::default()
    };
    let fetched = house.fetch(&AtomicU32::new(3)).await;
    assert_eq!(fetched.unwrap(), "south");
}

#[tokio::test(start_paused = true)]
async fn generics_patterns_and_arguments_of_any_type_pass() {
    /// Documented, and seen by other attributes.
    #[retry(max = 1)]
    #[tracing::instrument(skip_all)]
    #[allow(clippy::too_many_arguments)] // an attribute of others, and as many as there are forms
    #[timeout("1s")]
    async fn all<'a, T, const N: usize>(
        (a, mut b): (u32, u32),
        [first, _]: [T; 2],
        _more: [u8; N],
        mut words: Vec<String>,
        shown: impl Display + Clone + Send,
        map: &'a HashMap<&'static str, u32>,
        _: u8,
        _unused: Option<T>,
        r#type: bool,
    ) -> Result<(String, &'a u32), Boxed>
    where
        T: Display + Clone + Send + Sync,
    {
        b += a;
        words.push(format!("{b} {first} {shown} {}", r#type));
        Ok((words.join(" "), map.get("key").ok_or_else(broken)?))
    }
    let map = HashMap::from([("key", 7)]);
    let words = vec!["so".to_owned()];
    let said = all((1, 2), ["x", "y"], [0; 3], words, 1.5, &map, 0, None, true);
    assert_eq!(said.await.unwrap(), ("so 3 x 1.5 true".to_owned(), &7));
}

#[tokio::test(start_paused = true)]
async fn what_is_called_once_takes_what_cannot_be_cloned() {
    struct Single(u32);
    #[timeout("1s")]
    #[circuit_breaker]
    #[bulkhead(3)]
    async fn take(single: Single, sent: tokio::sync::oneshot::Receiver<u32>) -> Result<u32, Boxed> {
        Ok(single.0 + sent.await?)
    }
    let (send, sent) = tokio::sync::oneshot::channel();
    send.send(1).unwrap();
    assert_eq!(take(Single(2), sent).await.unwrap(), 3);
}

const LIMIT: Duration = Duration::from_millis(40);

mod limits {
    use super::*;
    pub(crate) const RETRIES: u32 = 2;
    pub(crate) const SHARE: Percent = Percent::new(30);
    pub(crate) const WINDOW: Span = Span::secs(20);
    pub(crate) const RATE: Rate = Rate::per_second(100);
}

#[tokio::test(start_paused = true)]
async fn values_may_be_constants() {
    #[timeout(LIMIT)]
    #[retry(max = limits::RETRIES, budget = limits::SHARE)]
    #[circuit_breaker(window = limits::WINDOW, failure_rate = limits::SHARE)]
    #[rate_limit(rate = limits::RATE)]
    async fn slow() -> Result<(), Problem> {
        pending().await
    }
    let began = msa_core::clock::now();
    assert_eq!(slow().await.unwrap_err().status(), 504);
    assert_eq!(msa_core::clock::since(began), LIMIT);
}

#[tokio::test(start_paused = true)]
async fn all_eight_run_in_one_order_however_they_are_written() {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    fn instead(sku: u64, error: Problem) -> Result<u64, Problem> {
        match error.status().as_u16() {
            503 => Ok(sku * 100),
            _ => Err(error),
        }
    }
    // Fails the first two attempts of each call.
    async fn work(sku: u64) -> Result<u64, Problem> {
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(10 * MS).await;
        match call % 3 {
            2 => Ok(sku),
            _ => Err(StatusCode::SERVICE_UNAVAILABLE.into()),
        }
    }
    macro_rules! in_order {
        ($name:ident: $($attribute:tt)*) => {
            $(#$attribute)*
            async fn $name(sku: u64) -> Result<u64, Problem> {
                work(sku).await
            }
        };
    }
    in_order!(documented:
        [timeout(total = "2s", attempt = "500ms")]
        [fallback(with = instead)]
        [cached("30s")]
        [bulkhead(2)]
        [rate_limit("100/s")]
        [retry(max = 2, backoff = "1ms")]
        [hedge("400ms")]
        [circuit_breaker(min_calls = 6)]
    );
    in_order!(reversed:
        [circuit_breaker(min_calls = 6)]
        [msa_core::hedge("400ms")]
        [msa_core::prelude::retry(max = 2, backoff = "1ms")]
        [rate_limit("100/s")]
        [bulkhead(2)]
        [msa_core::cached("30s")]
        [fallback(with = instead)]
        [timeout(total = "2s", attempt = "500ms")]
    );
    type Answer = std::pin::Pin<Box<dyn Future<Output = Result<u64, Problem>> + Send>>;
    let both: [fn(u64) -> Answer; 2] = [
        |sku| Box::pin(documented(sku)),
        |sku| Box::pin(reversed(sku)),
    ];
    for run in both {
        CALLS.store(0, Ordering::Relaxed);
        assert_eq!(run(7).await.unwrap(), 7, "the third attempt is good");
        assert_eq!(run(7).await.unwrap(), 7);
        assert_eq!(
            CALLS.load(Ordering::Relaxed),
            3,
            "the second answer was kept"
        );
        // Two beside each other take both places; the third is refused, and has its substitute.
        let (one, two, three) = tokio::join!(run(8), run(9), run(10));
        assert_eq!(three.unwrap(), 1000);
        assert!(one.is_ok() && two.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_policys_own_error_passes() {
    #[timeout("10ms")]
    async fn slow() -> Result<(), PolicyError<std::io::Error>> {
        pending().await
    }
    let error = slow().await.unwrap_err();
    assert_eq!(error.kind(), PolicyErrorKind::DeadlineExceeded);
    assert!(error.policy().ends_with("forms::slow"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_macro_that_panics_in_its_body_names_the_users_line() {
    #[retry(max = 1)]
    async fn unlucky() -> Result<(), Boxed> {
        panic!("no luck")
    }
    let line = line!() - 2;
    let seen = Arc::new(AtomicU32::new(0));
    let note = seen.clone();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        note.store(info.location().unwrap().line(), Ordering::Relaxed);
    }));
    let ended = tokio::spawn(unlucky()).await;
    std::panic::set_hook(before);
    assert!(ended.unwrap_err().is_panic());
    assert_eq!(seen.load(Ordering::Relaxed), line);
}
