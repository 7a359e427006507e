//! Checks, their registry, and the probes.

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::body::{Body, to_bytes};
    use http::{Request, StatusCode};
    use msa_core::admin;
    use msa_core::health::{CheckStatus, Kind, Lifecycle, Phase, Probes, Registry};
    use tokio::time::sleep;
    use tower::ServiceExt as _;

    fn ready() -> Registry {
        let registry = Registry::new(Lifecycle::new());
        registry.lifecycle().advance(Phase::Ready);
        registry
    }

    fn status(registry: &Registry, path: &str) -> u16 {
        let request = Request::get(path).body(()).unwrap();
        let answer = Probes::new(registry.clone()).answer(&request);
        answer.unwrap().status().as_u16()
    }

    fn reason(registry: &Registry) -> String {
        match &registry.reports(Kind::Readiness)[0].status {
            CheckStatus::Failed(reason) => reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn readiness_follows_its_checks_and_liveness_does_not() {
        let registry = ready();
        let broken = Arc::new(AtomicBool::new(false));
        registry.readiness("database", {
            let broken = Arc::clone(&broken);
            move || {
                let broken = broken.load(Ordering::Relaxed);
                async move {
                    if broken {
                        Err("connection refused")
                    } else {
                        Ok(())
                    }
                }
            }
        });
        assert_eq!(status(&registry, "/readyz"), 503, "no result yet");
        registry.start();
        sleep(Duration::from_millis(1)).await;
        assert_eq!(status(&registry, "/readyz"), 200);
        broken.store(true, Ordering::Relaxed);
        sleep(Duration::from_secs(5)).await;
        assert_eq!(status(&registry, "/readyz"), 503);
        assert_eq!(reason(&registry), "connection refused");
        assert_eq!(status(&registry, "/livez"), 200);
        broken.store(false, Ordering::Relaxed);
        sleep(Duration::from_secs(5)).await;
        assert_eq!(status(&registry, "/readyz"), 200);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_phase_ready_is_ready() {
        let registry = Registry::new(Lifecycle::new());
        let mut seen = Vec::new();
        for phase in [
            Phase::Starting,
            Phase::Ready,
            Phase::Draining,
            Phase::Closing,
            Phase::Stopped,
        ] {
            registry.lifecycle().advance(phase);
            seen.push((status(&registry, "/readyz"), status(&registry, "/livez")));
        }
        assert_eq!(
            seen,
            [(503, 200), (200, 200), (503, 200), (503, 200), (503, 200)]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_hangs_has_failed_and_is_tried_again() {
        let registry = ready();
        let runs = Arc::new(AtomicUsize::new(0));
        registry.readiness("queue", {
            let runs = Arc::clone(&runs);
            move || {
                let first = runs.fetch_add(1, Ordering::Relaxed) == 0;
                async move {
                    if first {
                        std::future::pending::<()>().await;
                    }
                    Ok::<(), Infallible>(())
                }
            }
        });
        registry.start();
        sleep(Duration::from_millis(1010)).await;
        assert_eq!(reason(&registry), "no result within 1s");
        sleep(Duration::from_secs(5)).await;
        assert!(registry.is_ready());
        assert_eq!(runs.load(Ordering::Relaxed), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_panics_has_failed_and_is_tried_again() {
        let registry = ready();
        let runs = Arc::new(AtomicUsize::new(0));
        registry.readiness("cache", {
            let runs = Arc::clone(&runs);
            move || {
                // The first run panics before its future is there, the second one within it.
                let run = runs.fetch_add(1, Ordering::Relaxed);
                assert_ne!(run, 0, "before");
                async move {
                    assert_ne!(run, 1, "within");
                    Ok::<(), Infallible>(())
                }
            }
        });
        registry.start();
        for _ in 0..2 {
            sleep(Duration::from_millis(1)).await;
            assert_eq!(reason(&registry), "it panicked");
            sleep(Duration::from_secs(5)).await;
        }
        assert!(registry.is_ready());
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_check_that_blocks_its_thread_has_failed_and_is_not_started_twice() {
        let registry = ready();
        let (runs, release) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        registry
            .check(Kind::Readiness, "blocking")
            .timeout(Duration::from_millis(10))
            .interval(Duration::from_millis(1))
            .run({
                let (runs, release) = (Arc::clone(&runs), Arc::clone(&release));
                move || {
                    let (runs, release) = (Arc::clone(&runs), Arc::clone(&release));
                    async move {
                        runs.fetch_add(1, Ordering::Relaxed);
                        while !release.load(Ordering::Relaxed) {
                            std::thread::yield_now();
                        }
                        Ok::<(), Infallible>(())
                    }
                }
            });
        registry.start();
        while registry.reports(Kind::Readiness)[0].age.is_none() {
            sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(reason(&registry), "no result within 10ms");
        sleep(Duration::from_millis(50)).await;
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        release.store(true, Ordering::Relaxed);
        while !registry.is_ready() {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_result_that_is_too_old_has_failed() {
        let registry = ready();
        registry
            .check(Kind::Readiness, "slow")
            .interval(Duration::from_secs(1))
            .timeout(Duration::from_secs(60))
            .max_age(Duration::from_secs(61))
            .run({
                let runs = AtomicUsize::new(0);
                move || {
                    let first = runs.fetch_add(1, Ordering::Relaxed) == 0;
                    async move {
                        if !first {
                            sleep(Duration::from_secs(59)).await;
                        }
                        Ok::<(), Infallible>(())
                    }
                }
            });
        registry.start();
        sleep(Duration::from_millis(1)).await;
        assert!(registry.is_ready());
        // What runs the checks has stopped: nobody tells that they fail, so their age must.
        tokio::time::advance(Duration::from_secs(62)).await;
        assert!(reason(&registry).starts_with("the latest result is 62.0s old"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_startup_check_must_pass_once_and_is_not_asked_again() {
        let registry = ready();
        let runs = Arc::new(AtomicUsize::new(0));
        registry.startup("warm-up", {
            let runs = Arc::clone(&runs);
            move || {
                let run = runs.fetch_add(1, Ordering::Relaxed);
                async move {
                    if run < 2 {
                        Err("still filling")
                    } else {
                        Ok(())
                    }
                }
            }
        });
        registry.start();
        sleep(Duration::from_secs(6)).await;
        assert_eq!(status(&registry, "/startupz"), 503);
        sleep(Duration::from_secs(5)).await;
        assert_eq!(status(&registry, "/startupz"), 200);
        sleep(Duration::from_secs(3600)).await;
        assert_eq!(status(&registry, "/startupz"), 200);
        assert_eq!(runs.load(Ordering::Relaxed), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_registered_again_replaces_the_one_before() {
        let registry = ready();
        registry.start();
        registry.readiness("database", || async { Err::<(), _>("old") });
        registry.readiness("database", || async { Ok::<(), Infallible>(()) });
        sleep(Duration::from_millis(1)).await;
        assert!(registry.is_ready());
        assert_eq!(registry.reports(Kind::Readiness).len(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_management_listener_shows_the_checks() {
        let registry = ready();
        registry.readiness("database", || async {
            Err::<(), _>("password \"refused\"")
        });
        registry.start();
        sleep(Duration::from_millis(1)).await;
        let request = || {
            Request::get("/readyz?verbose")
                .header("accept", "application/json")
                .body(Body::empty())
                .unwrap()
        };
        let main = Probes::new(registry.clone()).answer(&request()).unwrap();
        assert_eq!(text(main.into_body()).await, r#"{"status":"unavailable"}"#);

        let admin = admin::router(registry);
        let answer = admin.clone().oneshot(request()).await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(
            text(answer.into_body()).await,
            r#"{"status":"unavailable","phase":"ready","checks":[{"name":"database","kind":"readiness","status":"failed","reason":"password \"refused\"","age_ms":1,"took_ms":0}]}"#
        );
        let plain = Request::get("/readyz?verbose").body(Body::empty()).unwrap();
        let answer = admin.oneshot(plain).await.unwrap();
        assert_eq!(
            text(answer.into_body()).await,
            "[-]database failed: password \"refused\"\nphase ready\nunavailable\n"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_advisory_check_is_shown_and_fails_no_probe() {
        let registry = ready();
        registry
            .check(Kind::Advisory, "configuration")
            .run(|| async { Err::<(), _>("msa.toml is refused") });
        registry
            .check(Kind::Advisory, "discovery")
            .run(|| async { Ok::<(), Infallible>(()) });
        registry.start();
        sleep(Duration::from_millis(1)).await;
        for path in ["/livez", "/readyz", "/startupz"] {
            assert_eq!(status(&registry, path), 200, "{path}");
        }
        let page = async |path: &str| {
            let request = Request::get(path).body(Body::empty()).unwrap();
            let answer = admin::router(registry.clone()).oneshot(request).await;
            text(answer.unwrap().into_body()).await
        };
        assert_eq!(
            page("/readyz?verbose").await,
            "[!]configuration failed: msa.toml is refused\n[+]discovery passed\nphase ready\nok\n"
        );
        assert_eq!(page("/livez?verbose").await, "phase ready\nok\n");
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_not_the_probes() {
        let probes = Probes::new(ready());
        for request in [
            Request::get("/livez/").body(()).unwrap(),
            Request::get("/health").body(()).unwrap(),
            Request::post("/livez").body(()).unwrap(),
        ] {
            assert!(probes.answer(&request).is_none(), "{request:?}");
        }
    }

    async fn text(body: Body) -> String {
        String::from_utf8(to_bytes(body, 4096).await.unwrap().to_vec()).unwrap()
    }
}
