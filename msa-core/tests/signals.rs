//! Signals of a real process: this test runs itself as a child.
#![cfg(unix)]

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Command, Stdio};

    use msa_core::server::signal::Shutdown;

    const CHILD: &str = "SIGNALS_TEST_CHILD";

    fn kill(signal: &str, child: &Child) {
        let sent = Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
    }

    #[test]
    fn the_second_signal_ends_a_stuck_process_at_once_with_its_own_code() {
        if std::env::var_os(CHILD).is_some() {
            return child();
        }
        for (first, second, code) in [("-TERM", "-TERM", 143), ("-TERM", "-INT", 130)] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "--nocapture",
                    "tests::the_second_signal_ends_a_stuck_process_at_once_with_its_own_code",
                ])
                .env(CHILD, "1")
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap);
            assert!(lines.any(|line| line.ends_with("listening")));
            kill(first, &child);
            assert!(lines.any(|line| line.ends_with("asked: SIGTERM")));
            kill(second, &child);
            assert_eq!(child.wait().unwrap().code(), Some(code));
        }
    }

    /// Waits for the first signal, then never gives its only thread back.
    fn child() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let shutdown = Shutdown::new();
            shutdown.listen().unwrap();
            println!("listening");
            println!("asked: {}", shutdown.asked().await);
            std::thread::park();
        });
    }
}
