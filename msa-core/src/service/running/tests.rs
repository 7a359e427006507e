use std::sync::Mutex;

use super::*;
use crate::config::Loader;
use crate::health::Kind;

fn whole(main: impl Future<Output = DrainReport> + Send + 'static) -> Whole {
    let lifecycle = Lifecycle::new();
    lifecycle.advance(Phase::Ready);
    Whole {
        shutdown: Shutdown::new(),
        health: health::Registry::new(lifecycle),
        main: tokio::spawn(main),
        management: None,
        tasks: JoinSet::new(),
        hooks: Vec::new(),
        config: Loader::new("svc")
            .env([("", ""); 0])
            .toml_str("msa.toml", "")
            .load()
            .unwrap(),
        logs: Logs::none(),
        traces: Traces::default(),
        push: None,
    }
}

fn hook(run: impl Future<Output = ()> + Send + 'static) -> Hook {
    Box::new(move || Box::pin(run))
}

#[tokio::test(start_paused = true)]
async fn a_dead_accept_loop_ends_the_service_though_nobody_asked() {
    let whole = whole(async { panic!("the accept loop") });
    let lifecycle = whole.health.lifecycle().clone();
    let error = whole.end().await.unwrap_err();
    assert!(matches!(error, ServerError::Accept(_)), "{error}");
    assert_eq!(lifecycle.phase(), Phase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_lifecycle_that_the_program_moved_itself_ends_the_service() {
    let lifecycle = Lifecycle::new();
    let mut whole = whole({
        let lifecycle = lifecycle.clone();
        async move {
            lifecycle.reached(Phase::Closing).await;
            DrainReport::default()
        }
    });
    whole.health = health::Registry::new(lifecycle.clone());
    let ended = tokio::spawn(whole.end());
    lifecycle.advance(Phase::Closing);
    assert!(ended.await.unwrap().unwrap().is_clean());
    assert_eq!(lifecycle.phase(), Phase::Stopped);
}

#[tokio::test(start_paused = true)]
async fn hooks_run_last_first_and_neither_a_panic_nor_a_hang_keeps_the_end_away() {
    let closed = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let closed = closed.clone();
        hook(async move { closed.lock().unwrap().push(name) })
    };
    let mut whole = whole(async { DrainReport::default() });
    whole.hooks = vec![
        note("never reached"),
        hook(std::future::pending()),
        note("opened first"),
        hook(async { panic!("in an async part") }),
        Box::new(|| panic!("before the first await")),
        note("opened last"),
    ];
    whole.shutdown.ask(Reason::Asked);
    assert!(whole.end().await.unwrap().is_clean());
    assert_eq!(*closed.lock().unwrap(), ["opened last", "opened first"]);
}

#[tokio::test(start_paused = true)]
async fn no_check_runs_while_what_it_asks_is_being_closed() {
    let asked = Arc::new(Mutex::new(0));
    let mut whole = whole(async { DrainReport::default() });
    let count = asked.clone();
    whole
        .health
        .check(Kind::Readiness, "database")
        .interval(Duration::from_millis(10))
        .run(move || {
            *count.lock().unwrap() += 1;
            async { Ok::<(), std::convert::Infallible>(()) }
        });
    whole.health.start();
    let (before, count) = (Arc::new(Mutex::new(0)), asked.clone());
    let noted = before.clone();
    whole.hooks = vec![hook(async move {
        *noted.lock().unwrap() = *count.lock().unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    })];
    whole.shutdown.ask(Reason::Asked);
    assert!(whole.end().await.unwrap().is_clean());
    let (before, after) = (*before.lock().unwrap(), *asked.lock().unwrap());
    assert!(before > 0);
    assert_eq!(before, after);
}
