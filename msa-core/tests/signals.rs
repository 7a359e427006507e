//! Signals of a real process: this test runs itself as a child.
#![cfg(unix)]

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Child, Command, Stdio};

    use msa_core::server::signal::{Reason, Shutdown};

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

    #[test]
    fn the_first_signal_does_not_cut_a_drain_that_the_program_began() {
        if std::env::var_os(CHILD).is_some() {
            return asking_child();
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "--nocapture",
                "tests::the_first_signal_does_not_cut_a_drain_that_the_program_began",
            ])
            .env(CHILD, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("asked by the program")));
        kill("-TERM", &child);
        assert!(lines.any(|line| line.ends_with("joined: SIGTERM")));
        child.stdin.take().unwrap().write_all(b"?\n").unwrap();
        assert!(lines.any(|line| line.ends_with("alive")));
        kill("-TERM", &child);
        assert_eq!(child.wait().unwrap().code(), Some(143));
    }

    /// Asks for its own end, and drains for ever.
    fn asking_child() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let shutdown = Shutdown::new();
            shutdown.ask(Reason::Asked);
            shutdown.listen().unwrap();
            println!("{}", shutdown.asked().await);
            println!("joined: {}", shutdown.forced().await);
            std::io::stdin().read_line(&mut String::new()).unwrap();
            println!("alive");
            std::thread::park();
        });
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
