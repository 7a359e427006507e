//! Runs the example services as whole processes, over real sockets.
//!
//! - [`Process`] is one service: started with an environment of its own, its address read from its own log, its access
//!   log kept line by line, ended by SIGTERM or, at the latest, when it is dropped.
//! - [`Cluster`] is the five of them, wired to each other on free loopback ports, with temporary databases.
//! - [`http`] is the smallest client that can send what a real client refuses to send.
//! - [`binaries`] finds the services' executables and builds what is missing or old.
//!
//! Nothing here knows msa: what a test learns, it learns from a socket or from what a service wrote to its standard
//! output. The demo (`cargo demo`) is built from the same parts.

pub mod binaries;
mod children;
mod cluster;
mod environment;
mod error;
pub mod http;
mod log;
mod process;
mod wait;

pub use children::{interrupt, interrupted};
pub use cluster::{Cluster, ClusterBuilder, SERVICES};
pub use error::Error;
pub use log::{AccessLine, Log, LogLine};
pub use process::{Process, ProcessBuilder};
pub use wait::until;
