//! No secret in any output: more than a thousand distinct canaries are put wherever secrets come from (configuration, headers, URLs,
//! bodies, errors, baggage), and looked for in everything that a service writes or shows.
//!
//! The service is this program, started as a child; so it has no test harness.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a test fails by panicking

#[cfg(feature = "otel")]
mod configuration;
#[cfg(feature = "otel")]
mod outputs;
#[cfg(feature = "otel")]
mod plant;
#[cfg(feature = "otel")]
mod requests;
#[cfg(feature = "otel")]
mod service;
#[cfg(feature = "otel")]
mod upstream;

#[cfg(not(feature = "otel"))]
fn main() {
    println!(
        "skipped: the service is built with the feature otel, so that its spans can be looked at"
    );
}

#[cfg(feature = "otel")]
fn main() -> std::process::ExitCode {
    if std::env::var_os(service::CHILD).is_some() {
        return service::main();
    }
    configuration::errors_show_no_secret();
    let mut planted = 0;
    for format in ["json", "pretty"] {
        planted = requests::outputs_show_no_secret(format);
    }
    assert!(planted >= 1000, "{planted}");
    println!("{planted} canaries, none seen");
    std::process::ExitCode::SUCCESS
}
